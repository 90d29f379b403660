"""Rows for a principal component analysis: a layer of many samples, with the latents they had."""

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from math import isfinite
from typing import Literal

import torch
from torch import Tensor

from latty.directions.scored.given import Stored, stored
from latty.errors import BadData, whole_list
from latty.models.base import Generator, HasActivations, Labels
from latty.models.labels import class_labels
from latty.models.memory import in_batches, told
from latty.scene import SEED_LIMIT, Label

LATENTS = ("z", "w")  # layers that are latents
GOLDEN = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: its multiples spread evenly


def counted(used: int, batch: int) -> str:
    """What progress says of samples, of which `used` of a batch fitted in memory at once."""
    return told("samples", used, batch)


def rows_of(
    generator: Generator,
    layer: str,
    moved: Literal["", "z", "w"],
    seed: int,
    label: Label,
    latents: str = "",
) -> "GanspaceRows":
    """Rows of samples from a seed on, or of the stored `latents` where these are named. Raises
    Missing, BadData."""
    if not latents:
        return GanspaceRows(generator, layer, moved, seed, label)
    kept = stored(latents, generator)
    if "z" in (layer, moved):
        kept.space("z", generator)  # refuses latents that are none
    return StoredRows(generator, layer, moved, kept, kept.drawn_of(label, generator))


class GanspaceRows:
    """Draws rows (N, D + Q): the D numbers of `layer` and the Q of the latent `moved` ("" = none).

    Raises BadData for a layer the generator does not have.
    """

    def __init__(
        self,
        generator: Generator,
        layer: str,
        moved: Literal["", "z", "w"],
        seed: int,
        label: Label,
    ) -> None:
        self.generator, self.layer, self.moved = generator, layer, moved
        self.seed, self.label = seed, label
        if layer not in LATENTS:
            assert isinstance(generator, HasActivations)
            names = generator.activation_names()
            if layer not in names:
                hint = whole_list(layer, [*names, *LATENTS])
                raise BadData(f"{generator.info.name} has no layer '{layer}'", hint)

    count = SEED_LIMIT  # rows that there are at most
    source = ""  # what they are of, where that is no seed

    def said(self, count: int) -> str:
        """What the first `count` samples were, for the header of a set."""
        return f"{self.seed}-{self.seed + count - 1}"

    @cached_property
    def width(self) -> int:
        """D."""
        info = self.generator.info
        if self.layer in LATENTS:
            return info.z_dim if self.layer == "z" else info.width
        codes, label = self._drawn(range(self.seed, self.seed + 1))[1:]
        return self._activation(codes, label)[0].numel()

    @property
    def latent(self) -> int:
        """Q."""
        info = self.generator.info
        return {"": 0, "z": info.z_dim, "w": info.width}[self.moved]

    def fill(self, room: Tensor, start: int, batch: int) -> Iterator[tuple[int, int]]:
        """Samples start, start + 1, ... into the rows of `room`; gives the count done and how many
        fitted in memory at once, after each batch. The mapping takes all of them at once, whatever
        the batch. Rows are (N, D + Q)."""
        first = self.seed + start
        z, codes, label = self._drawn(range(first, first + len(room)))
        known = {"z": z, "w": codes[:, 0]}
        if self.moved:
            room[:, self.width :] = known[self.moved]
        if self.layer in LATENTS:
            room[:, : self.width] = known[self.layer]
            self._check([(0, room.sum())], first, len(room))
            yield len(room), batch
            return

        sums = list[tuple[int, Tensor]]()

        def draw(part: slice) -> None:
            features = self._activation(codes[part], None if label is None else label[part])
            room[part, : self.width] = features.flatten(1)

        for part, _, used in in_batches(draw, len(room), batch):
            sums.append((part.start, room[part].sum()))
            if part.stop == len(room):  # once: a device is waited for
                self._check(sums, first, len(room))
            yield part.stop, used

    def _check(self, sums: Sequence[tuple[int, Tensor]], first: int, count: int) -> None:
        """One number that is not finite would spoil every sum: those of `count` rows, from the
        places on where they begin."""
        found = torch.stack([one for _, one in sums]).tolist()
        ends = [*(start for start, _ in sums[1:]), count]
        for (start, _), end, total in zip(sums, ends, found, strict=True):
            if isfinite(total):
                continue
            seeds = f"seeds {first + start} to {first + end - 1}"
            what = f"'{self.layer}' of {self.generator.info.name} is not finite for {seeds}"
            raise BadData(what, "the weights are damaged, or of another architecture")

    def _drawn(self, seeds: range) -> tuple[Tensor, Tensor, Labels]:
        """Latents z (N, Z), codes (N, L, D) and labels of these seeds."""
        z = self.generator.sample(seeds)
        label = self._labels(seeds, z)
        return z, self.generator.mapping(z, label), label

    def _labels(self, seeds: range, z: Tensor) -> Labels:
        """The class or mixture asked for, or a class that only depends on the seed."""
        classes = self.generator.info.num_classes
        if self.label is not None or not classes:
            return class_labels(self.label, z, self.generator)
        found = [((seed * GOLDEN >> 32) & 0xFFFFFFFF) % classes for seed in seeds]
        return torch.tensor(found)

    def _activation(self, codes: Tensor, label: Labels) -> Tensor:
        assert isinstance(self.generator, HasActivations)
        if label is None:
            return self.generator.activation(codes, self.layer)
        return self.generator.activation(codes, self.layer, label=label)


class StoredRows(GanspaceRows):
    """The same of stored latents: where others count seeds, these count places."""

    def __init__(
        self,
        generator: Generator,
        layer: str,
        moved: Literal["", "z", "w"],
        kept: Stored,
        label: Label,
    ) -> None:
        super().__init__(generator, layer, moved, 0, label)
        self.kept, self.count, self.source = kept, len(kept), kept.words

    def said(self, count: int) -> str:
        return self.source

    def _drawn(self, seeds: range) -> tuple[Tensor, Tensor, Labels]:
        info, forms = self.generator.info, self.kept.forms
        rows = partial(self.kept.rows, seeds, generator=self.generator, label=self.label)
        z = rows(space="z") if "z" in forms else torch.empty(len(seeds), 0)
        z = z.to(self.generator.device)
        label = class_labels(self.label, z, self.generator)
        if "w" in (self.layer, self.moved):  # refuses codes that differ from layer to layer
            codes = rows(space="w")[:, None].expand(-1, info.num_layers, -1)
        elif "wp" in forms:
            codes = rows(space="w+").view(-1, info.num_layers, info.width)
        elif "z" in forms:
            codes = self.generator.mapping(z, label)
        else:
            codes = rows(space="w")[:, None].expand(-1, info.num_layers, -1)
        return z, codes.to(z.device), label
