"""Voynov and Babenko's deformators: deformator_<step>.pt, or the folder of an experiment.

Voynov and Babenko 2020 (GANLatentDiscovery). The kinds are told apart by their tensors, linear and
proj by args.json: log_mat_half (n, n), whose directions are columns of exp(A - A^T); linear.weight
(d, K) and linear.bias; fc1 ... fc4 with batch norms. human_annotation.txt gives names, "idx: name".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from latty.checkpoints.values import TensorView
from latty.directions import imported_deformators as theirs
from latty.directions.base import Info
from latty.directions.file import ARRAY, LINEAR, DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CERTAIN, LIKELY, NO, Imported
from latty.directions.importing.model_names import family_of
from latty.directions.importing.source import FOLDER, ImportSource, read_text

if TYPE_CHECKING:
    from torch import Tensor

FILES = r"(?:models/)?(?:deformator(?:_\d{1,12})?|checkpoint)\.pt"
ANNOTATION = "human_annotation.txt"
LINE = re.compile(r"\s*(\d{1,6})\s*:\s*(.*\S)\s*")
WIDTHS = {"BigGAN": 120, "ProgGAN": 512, "SN_MNIST": 128, "SN_Anime": 128, "StyleGAN2": 512}
SCALE = 6.0  # shifts it trains with, either way
LOG_LIMIT = 1e6
SQUARE_LIMIT = 4096  # rows of a matrix whose exponential is taken
RAW = "strength counts its own shift (sigma 1); it was trained with shifts up to {:g}"


def recognise(source: ImportSource) -> int:
    if source.kind == FOLDER:
        named = any("deformator" in name for name in source.matching(FILES))
        return LIKELY if named or _holds_deformator(source) else NO
    return CERTAIN if _kind(_tensors(source)) else NO


def _holds_deformator(source: ImportSource) -> bool:
    """An experiment that kept nothing but its checkpoint and its settings."""
    return bool(source.matching(FILES)) and "deformator" in source.beside("args.json", 0)


def convert(source: ImportSource) -> Imported:
    opened = _newest(source) if source.kind == FOLDER else source
    tensors = _tensors(opened)
    kind = _kind(tensors)
    if not kind:
        hint = "the kinds id and random are not saved: latty discover random makes such a set"
        sanitise.refuse(
            opened, "it holds no deformator: no log_mat_half, linear.weight or fc1", hint
        )
    settings = source.beside("args.json", 1)
    found = _Found(opened, kind, tensors, settings)
    return found.imported(source, _annotation(source))


@dataclass(frozen=True)
class _Found:
    """A deformator, not yet read: kind "ortho", "linear" or "fc"."""

    source: ImportSource
    kind: str
    tensors: Mapping[str, TensorView]
    settings: Mapping[str, Any]

    def imported(self, source: ImportSource, annotated: Mapping[int, str]) -> Imported:
        count, rows = self._size()
        sanitise.check_directions(self.source, (count, max(rows, 2)))
        gan = sanitise.text(self.settings.get("gan_type"))
        width = WIDTHS.get(gan, rows)
        scale = abs(sanitise.number(self.settings.get("shift_scale"), SCALE)) or SCALE
        words = [sanitise.name_of(annotated.get(k, f"d{k}"), f"d{k}") for k in range(count)]
        infos = tuple(Info(name, 1.0, (-scale, scale)) for name in sanitise.unique(words))
        space, notes = self._space(source)
        notes += [RAW.format(scale), *self._words(width, rows)]
        told = sanitise.params(self.settings, importer="voynov", source=self.source.path.name,
                             deformator=self._kind_word())  # fmt: skip
        header = DirectionSet("voynov", space, infos, gan or "a model of GANLatentDiscovery",
                              family_of(gan), params=told, form=self._form())  # fmt: skip
        load = partial(self._load, header, width)
        return Imported(header, (count, width), load, tuple(notes))

    def _size(self) -> tuple[int, int]:
        """K directions of d numbers: of the matrix, before it is cropped or padded."""
        shapes = {name: view.shape for name, view in self.tensors.items()}
        if self.kind == "ortho":
            rows, columns = _square(self.source, shapes["log_mat_half"])
            given = self.settings.get("directions_count")
            fits = isinstance(given, int) and 0 < given <= columns
            return (given if fits and isinstance(given, int) else columns), rows
        if self.kind == "linear":
            shape = shapes["linear.weight"]
            if len(shape) != 2:
                sanitise.refuse(self.source, f"'linear.weight' has the shape {list(shape)}")
            return shape[1], shape[0]
        fault = theirs.fault(shapes)
        if fault:
            sanitise.refuse(self.source, fault)
        return shapes["fc1.weight"][1], shapes["fc4.weight"][0]

    def _kind_word(self) -> str:
        """ "proj" where args.json says so: its tensors are those of "linear"."""
        given = sanitise.text(self.settings.get("deformator")).lower()
        return "proj" if self.kind == "linear" and given == "proj" else self.kind

    def _form(self) -> str:
        bent = self.kind == "fc" or (self._kind_word() == "proj" and "linear.bias" in self.tensors)
        return "voynov" if bent else LINEAR

    def _space(self, source: ImportSource) -> tuple[str, list[str]]:
        if source.space:
            return source.space, []
        if not self.settings:
            return "z", ["no args.json says the space: taken for z (--space w for the other)"]
        return ("w" if self.settings.get("w_shift") is True else "z"), []

    def _words(self, width: int, rows: int) -> list[str]:
        found = []
        if self.kind == "linear" and "deformator" not in self.settings:
            found.append("no args.json tells linear from proj: taken for linear")
        if self._form() == LINEAR and "linear.bias" in self.tensors:
            found.append("its bias, a shift that all directions share, is left out: 0 is no move")
        if self.kind == "fc":
            found.append("its shift at 0 is taken off, so that 0 is no move")
        if width != rows:
            done = "cut" if rows > width else "filled up with zeros"
            found.append(f"shifts of {rows} numbers are {done} to {width}, as it does itself")
        return found

    def _load(self, header: DirectionSet, width: int) -> "dict[str, Tensor]":
        import torch

        read: Callable[[str], Tensor] = lambda name: sanitise.tensor(  # noqa: E731
            self.source, self.tensors[name], name
        )
        if self.kind == "fc" or header.form != LINEAR:
            return {name: read(name) for name in theirs.names(self.tensors)} | {
                theirs.WIDTH: torch.zeros(width)
            }
        if self.kind == "ortho":
            half = read("log_mat_half").double()
            if not float(half.abs().max()) < LOG_LIMIT:
                sanitise.refuse(self.source, "'log_mat_half' holds numbers no rotation asks for")
            matrix = torch.linalg.matrix_exp(half - half.T)
        else:
            matrix = read("linear.weight").double()
        vectors = torch.zeros(len(header.infos), width, dtype=torch.float64)
        kept = min(width, len(matrix))
        vectors[:, :kept] = matrix.T[: len(header.infos), :kept]
        if self._kind_word() == "proj":
            vectors /= matrix.norm(dim=0)[: len(header.infos), None].clamp_min(1e-12)
        if not bool(vectors.isfinite().all()):
            sanitise.refuse(self.source, "its matrix has no finite exponential")
        return {ARRAY: sanitise.check_lengths(self.source, vectors.float(), header.names)}


def _newest(source: ImportSource) -> ImportSource:
    """The deformator of the last step, or the checkpoint."""
    found = source.matching(FILES)
    if not found:
        sanitise.refuse(source, "it holds no deformator_<step>.pt", "name the experiment's folder")
    steps = [name for name in found if "deformator" in name]  # in natural order
    return source.open((steps or found)[-1])


def _tensors(source: ImportSource) -> dict[str, TensorView]:
    """The deformator's tensors by name, out of a state dict or of a checkpoint that holds one."""
    tree = source.state_dict("deformator")
    found = {str(key).removeprefix("module."): value for key, value in tree.items()}
    return {name: value for name, value in found.items() if sanitise.is_floats(value)}


def _kind(tensors: Mapping[str, TensorView]) -> str:
    if "log_mat_half" in tensors and len(tensors) == 1:
        return "ortho"
    if "linear.weight" in tensors and not set(tensors) - {"linear.weight", "linear.bias"}:
        return "linear"
    return "fc" if all(name in tensors for name in theirs.NAMES) else ""


def _square(source: ImportSource, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2 or shape[0] != shape[1] or not 2 <= shape[0] <= SQUARE_LIMIT:
        sanitise.refuse(source, f"'log_mat_half' has the shape {list(shape)}, not (n, n)")
    return shape[0], shape[1]


def _annotation(source: ImportSource) -> dict[int, str]:
    """Index -> name, of the experiment's human_annotation.txt."""
    here = source.path if source.kind == FOLDER else source.path.parent
    found: dict[int, str] = {}
    for folder in (here, here.absolute().parent):
        for line in read_text(folder / ANNOTATION).splitlines()[: sanitise.COUNT_LIMIT]:
            matched = LINE.fullmatch(line)
            if matched:
                found.setdefault(int(matched[1]), matched[2])
        if found:
            break
    return found
