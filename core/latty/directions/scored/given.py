"""Stored latents and the scores that somebody else gave them, in the place of sampled pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from latty import latents
from latty.attributes.score_tables import read_scores
from latty.checkpoints.checkpoint import digest
from latty.directions.sampling import blocks, space_of
from latty.errors import BadData
from latty.latents import Found
from latty.latents.scores import Scores, chosen, read
from latty.models.base import Generator, ModelInfo
from latty.models.labels import by_index, class_labels, class_weights
from latty.scene import Label, latents_between

SHOWN = 12  # digits of a digest


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Latents of a source, first..stop - 1, in every form that it has.

    name    of the source
    forms   "z" (N, Z), "w" (N, D), "wp" (N, L, D) -> what the file says of them
    label   the class they were drawn of, where the file says one
    """

    name: str
    forms: Mapping[str, Found]
    first: int
    stop: int
    label: Label

    def __len__(self) -> int:
        return self.stop - self.first

    def drawn_of(self, asked: Label, generator: Generator) -> Label:
        """The class or mixture of these latents: what their file says, or else what was asked for.
        Raises BadData where these are two."""
        if self.label is None or not generator.info.num_classes:
            return asked
        if asked is not None:
            both = [by_index(one, generator) for one in (self.label, asked)]
            said, wanted = (class_weights(one, generator) for one in both if one is not None)
            if not said.allclose(wanted, atol=1e-4):
                what = f"{self.name} was drawn of the class {self.label}, not of {asked}"
                raise BadData(what, "leave out --label")
        return by_index(self.label, generator)

    @property
    def words(self) -> str:
        """Which latents these are, for the header of a set."""
        file = next(iter(self.forms.values())).path
        return f"{self.name}#{self.first}-{self.stop - 1}, SHA-256 {digest(file)[:SHOWN]}"

    def space(self, asked: str, generator: Generator) -> str:
        """The space to fit in, "z", "w" or "w+": "auto" is the family's, where these latents can be
        had in it. Raises BadData where they cannot."""
        usual = [generator.info.space, "w", "z"] if asked == "auto" else [asked]
        for space in usual:
            if self._form(space):
                if space == "w":
                    space_of(generator, "w")  # refuses models whose layers read different codes
                return space
        needs = {"z": "z", "w": "w or z", "w+": "wp"}[usual[0]]
        raise BadData(
            f"{self.name} holds {', '.join(self.forms)}; --space {usual[0]} needs {needs}"
        )

    def _form(self, space: str) -> str:
        """From which form latents in a space are taken; "" for none."""
        fitting = {"z": ("z",), "w": ("w", "wp", "z"), "w+": ("wp",)}[space]
        return next((form for form in fitting if form in self.forms), "")

    def rows(self, places: Sequence[int], space: str, generator: Generator, label: Label) -> Tensor:
        """Latents (n, Z), (n, D), or (n, L * D) for "w+", float32 on the CPU. Raises BadData."""
        form = self._form(space)
        found, parts = self.forms[form], []
        for part in blocks(range(len(places))):
            which = [self.first + places[i] for i in part]
            parts.append(self._in(space, form, latents.rows(found, which), generator, label))
        return torch.cat(parts)

    def _in(
        self, space: str, form: str, some: Tensor, generator: Generator, label: Label
    ) -> Tensor:
        """Latents of a form as those of a space, (n, D) or (n, L * D)."""
        if space == "w" and form == "z":
            z = some.to(generator.device)
            return generator.mapping(z, class_labels(label, z, generator))[:, 0].cpu().float()
        if space == "w" and form == "wp":
            if not torch.equal(some, some[:, :1].expand_as(some)):
                what = f"{self.name} holds codes that differ from layer to layer"
                raise BadData(what, "--space w+ gives each layer a vector of its own")
            return some[:, 0]
        return some.flatten(1)


@dataclass(frozen=True, slots=True, eq=False)
class Given(Stored):
    """The same, and a score for each: (n, A)."""

    scores: Scores


def given(ref: str, file: str, generator: Generator) -> Given:
    """The latents that "SOURCE" or "SOURCE#0-999" names, with the scores in a file, or those that
    were imported for them. Raises Missing, BadData, OutputError."""
    kept = stored(ref, generator)
    found = next(iter(kept.forms.values()))
    count = found.shape[0]
    scores = read_scores(Path(file).expanduser(), found) if file else read(found.path, count)
    if scores is None:
        plain = latents.split(ref.partition("#")[0])[0]
        hint = f"--scores FILE, or once for all: latty import FILE --for {plain}"
        raise BadData(f"{kept.name} has no scores", hint)
    part = chosen(scores, slice(kept.first, kept.stop))
    return Given(kept.name, kept.forms, kept.first, kept.stop, kept.label, part)


def stored(ref: str, generator: Generator) -> Stored:
    """The latents that "SOURCE" or "SOURCE#0-999" names. Raises Missing, BadData, OutputError."""
    between, info = latents_between(ref), generator.info
    source = between[0] if between else ref
    if "#" in source:
        raise BadData(f"--latents: '{ref}' is one latent", "name all, or some as in POOL#0-999")
    plain, said, _ = latents.split(source)
    found = latents.look(source)
    name = found.title
    if other := latents.made_for_another(source, info):
        raise BadData(other, "take latents of this model")
    every = {one: latents.look(f"{plain}:{one}") for one in found.arrays}
    forms = {one: it for one, it in every.items() if said in ("", one)} or _alone(found, info, ref)
    for one in forms.values():
        one.space_in(info)
    count = found.shape[0]
    first, last = between[1:] if between else (0, count - 1)
    if not first <= last < count:
        raise BadData(f"--latents: {ref} is no part of the {count} of {name}", f"0-{count - 1}")
    return Stored(name, forms, first, last + 1, found.label)


def _alone(found: Found, info: ModelInfo, ref: str) -> dict[str, Found]:
    """The one form that a file has. Raises BadData where that may be z or w."""
    space = found.space_in(info)
    if not found.space and len(found.shape) == 2 and info.z_dim == info.width:
        what = f"--latents: {found.path.name} may hold z or w"
        raise BadData(what, f"{ref}:w says that it is w, {ref}:z that it is z")
    return {space if len(found.shape) == 2 else "wp": found}
