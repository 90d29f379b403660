"""Whether a bare array holds directions or latents, and whether its second axis counts layers.

An array says nothing of itself. What tells: lengths (every latent drawn from a normal distribution
has a length near sqrt(D), a code lies where the model's codes lie, a direction is often of length
1), rows that are all alike or at right angles, the names of the file and of its folder, and the
model where the user named one. What none of them tells is asked for; what is taken is said, with
the switch that decides it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from math import isfinite, sqrt
from typing import NoReturn

from latty.checkpoints.values import TensorView
from latty.directions.importing import sanitise, vectors
from latty.directions.importing.source import ImportSource
from latty.text import clean

DIRECTIONS, LATENTS, UNCLEAR = "directions", "latents", ""
CLOSE = 2e-3  # how far from 1 the length of a unit vector may be
SQUARE_ANGLE = 2e-3  # cosine of two rows at a right angle
UNRELATED = 0.15  # mean cosine of the rows of a trained walk; those of a code share a mean
SHORT = 0.2  # of the usual length of a code: what is shorter is a move
ROWS = 40  # rows that are looked at
USUAL = (14, 16, 18)  # layers of a StyleGAN of 256 px to 1024 px
WIDTH = 512  # of a code, where a flattened one does not say it
LAYERS_LIMIT = 64
AS_MANY = "as many rows as a StyleGAN has layers: {}"
ONE_PICTURE = re.compile(
    r"(?:^|[_\-.])(?:wp|w_?plus|w\+|dlatents?|latent|latent_?code|code|w_?opt|projected(?:_w)?"
    r"|inver(?:sion|ted)|e4e|psp|restyle|pivot|embedding)(?:$|[_\-.])"
)
SEVERAL = re.compile(r"directions|boundaries|components|vectors|basis|eigen|axes|comps?(?![a-z])")
DIRECTION_FOLDERS = re.compile(r"direction|boundar|editing|ganspace|semantic|attribute_vectors")
CODE_FOLDERS = re.compile(r"latent_?codes?$|latents?$|^codes?$|inversion|projected|projections")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an array was taken for.

    what    DIRECTIONS, LATENTS, or UNCLEAR: then `why` is the question and `other` its answers
    view    (N, D), or (N, L, D) with a row for each layer
    why     in words that go on "taken for ..."
    other   the switches for other readings
    """

    what: str
    view: TensorView
    why: str
    other: str

    @property
    def layered(self) -> bool:
        return len(self.view.shape) == 3

    @property
    def note(self) -> str:
        """The line that says what was taken and how it is decided otherwise."""
        return f"taken for {_reading(self.what, self.view.shape)}: {self.why} ({self.other})"


@dataclass(frozen=True, slots=True)
class Traits:
    """What the rows (of the last axis) of an array are like.

    unit        all of length 1; for rows of one flattened vector: all of them together
    alike       two or more, all the same
    orthogonal  two or more, each at a right angle to the others
    cosine      the mean over each row with the next and with the first
    typical     the mean length
    """

    unit: bool
    alike: bool
    orthogonal: bool
    cosine: float
    typical: float


def weigh(source: ImportSource, what: str = UNCLEAR) -> Evidence | None:
    """What the array that is all of the file holds; None for a file of anything else.

    what    DIRECTIONS or LATENTS where that is known, so that only the axes are in question

    Raises BadData where --layers fits no axis.
    """
    alone = vectors.alone(source)
    if alone is None or 0 in alone.shape:
        return None
    view, split = _axes(source, alone)
    if not vectors.width_fits(view) or len(view.shape) > 3:
        return None
    if len(view.shape) == 3:
        return _layered(source, view, what, split) if view.shape[1] <= LAYERS_LIMIT else None
    return _rows(source, view, what)


def decided(source: ImportSource, what: str, otherwise: str) -> Evidence:
    """The same, for an importer of `what`. Raises BadData: `otherwise` for a file that is no single
    array, and the question where nothing tells."""
    found = weigh(source, what)
    if found is None:
        sanitise.refuse(source, otherwise)
    if found.what == UNCLEAR:
        raise_question(source, found)
    return found


def raise_question(source: ImportSource, found: Evidence) -> NoReturn:
    """Raises BadData with what must be asked."""
    shape = "x".join(map(str, found.view.shape))
    sanitise.refuse(source, f"{shape} may be directions or latents: {found.why}", found.other)


def directions_of(view: TensorView) -> list[TensorView]:
    """The directions of an array (K, D) or (K, L, D): one vector (D,) where all layers are alike,
    else (L, D)."""
    from latty.directions.importing.sets import rows

    found = rows(view)
    if len(view.shape) == 3 and all(traits(one).alike or one.shape[0] == 1 for one in found):
        return [rows(one)[0] for one in found]
    return found


def traits(view: TensorView) -> Traits:
    """Of the first rows of an array (N, D) or (N, L, D)."""
    found = sanitise.head(view, ROWS)
    sizes = [sanitise.length(row) for row in found]
    good = bool(sizes) and all(isfinite(size) and size > 0 for size in sizes)
    if not good:
        return Traits(False, False, False, 0.0, 0.0)
    unit = all(abs(size - 1) < CLOSE for size in sizes)
    if len(view.shape) == 3 and len(found) >= view.shape[1]:
        unit = unit or abs(sqrt(sum(size**2 for size in sizes[: view.shape[1]])) - 1) < CLOSE
    typical = sum(sizes) / len(sizes)
    if len(found) == 1:
        return Traits(unit, False, False, 1.0, typical)
    alike = all(_same(found[0], row, typical) for row in found[1:])
    near = [(i, i + 1) for i in range(len(found) - 1)] + [(0, i) for i in range(2, len(found))]
    cosines = list(_cosines(found, sizes, near))
    every = chain(near, combinations(range(len(found)), 2))  # the few first: most end there
    orthogonal = all(abs(cosine) < SQUARE_ANGLE for cosine in _cosines(found, sizes, every))
    return Traits(unit, alike, orthogonal, sum(cosines) / len(cosines), typical)


def _same(first: list[float], other: list[float], size: float) -> bool:
    return all(abs(a - b) <= 1e-6 * size for a, b in zip(first, other, strict=True))


def _cosines(
    found: list[list[float]], sizes: list[float], pairs: Iterable[tuple[int, int]]
) -> Iterator[float]:
    for i, j in pairs:
        yield sum(a * b for a, b in zip(found[i], found[j], strict=True)) / (sizes[i] * sizes[j])


# --- axes -----------------------------------------------------------------------------------------


def _axes(source: ImportSource, view: TensorView) -> tuple[TensorView, str]:
    """(N, D) or (N, L, D) of an array with axes of length 1 and flattened layers; how it was split
    in words, "" where it was not. Raises BadData where --layers fits nothing."""
    shape = view.shape
    while len(shape) > 2 and shape[-1] == 1:  # ProGAN's (N, D, 1, 1)
        shape = shape[:-1]
    while len(shape) > 3 and 1 in shape[:-1]:
        shape = shape[: shape.index(1)] + shape[shape.index(1) + 1 :]
    if len(shape) == 3 and shape[1] == 1 != source.layers:
        shape = (shape[0], shape[2])
    shape = shape if len(shape) > 1 else (1, *shape)
    view = sanitise.reshaped(view, shape)
    if len(shape) == 3:
        return (view, "") if source.layers in (0, shape[1]) else _merged(source, view)
    count, how = _flattened(source, shape)
    if not count:
        return view, ""
    width, step = shape[1] // count, view.stride[1]
    strides = (view.stride[0], width * step, step)
    split = (shape[0], count, width)
    return TensorView(view.storage, view.dtype, split, strides, view.offset), how


def _merged(source: ImportSource, view: TensorView) -> tuple[TensorView, str]:
    """--layers 1: (1, N, D) is (N, D)."""
    if source.layers == 1 and 1 in view.shape[:2]:
        return sanitise.reshaped(view, (view.shape[0] * view.shape[1], view.shape[2])), ""
    sanitise.refuse(source, f"--layers {source.layers}: {list(view.shape)} has {view.shape[1]}",
                    f"leave it out, or --layers {view.shape[1]}")  # fmt: skip


def _flattened(source: ImportSource, shape: tuple[int, ...]) -> tuple[int, str]:
    """How many layers lie one behind the other in a row of an array (N, M), and why; 0 for none."""
    count, width, model = source.layers, shape[1], source.model
    if count > 1:
        if shape[0] == count and (model is None or width == model.width or width % count):
            return 0, ""  # its rows are the layers
        if width % count == 0:
            return count, "--layers says so"
        sanitise.refuse(source, f"--layers {count} fits no axis of {list(shape)}",
                        "name the number of the model's layers")  # fmt: skip
    if model is not None and model.num_layers > 1 and width == model.num_layers * model.width:
        return model.num_layers, f"{model.name} has {model.num_layers} layers of {model.width}"
    fits = width % WIDTH == 0 and width // WIDTH in vectors.KNOWN_LAYERS and count != 1
    if fits:
        return width // WIDTH, f"{width} = {width // WIDTH} layers of {WIDTH}"
    if vectors.names_layers(source) and shape[0] == 1 and count != 1:
        what = f"its name says w+, and {width} numbers are no layers of {WIDTH}"
        sanitise.refuse(source, what, "--layers N says how many layers it holds")
    return 0, ""


# --- readings -------------------------------------------------------------------------------------


def _rows(source: ImportSource, view: TensorView, what: str) -> Evidence:
    """Of (N, D): each row by itself, or a row for each layer of one direction or code."""
    seen, count = traits(view), view.shape[0]
    kind, why = _kind(source, view, seen, what)
    if count == 1:
        return _told(kind, view, why)
    layers, reason = _is_layers(source, view, seen, kind)
    if kind and layers is None:
        ask = f"--layers {count}: a vector for each layer, --layers 1: {count} {kind}"
        return Evidence(UNCLEAR, view, f"it holds {count} vectors of length 1", ask)
    shaped = sanitise.reshaped(view, (1, *view.shape)) if layers else view
    return _told(kind, shaped, f"{why}; {reason}" if reason else why)


def _layered(source: ImportSource, view: TensorView, what: str, split: str) -> Evidence:
    """Of (N, L, D): directions with a vector for each layer, or codes."""
    seen = traits(view)
    kind, why = _kind(source, view, seen, what)
    return _told(kind, view, f"{why}; {split}" if split else why)


def _told(kind: str, view: TensorView, why: str) -> Evidence:
    if kind == UNCLEAR:
        return Evidence(kind, view, why, "say which: --as directions, --as latents")
    other = LATENTS if kind == DIRECTIONS else DIRECTIONS
    switch = f"--as {other}"
    if len(view.shape) == 3 and view.shape[0] == 1:
        switch += f"; --layers 1: {view.shape[1]} {kind}"
    elif view.shape[0] in vectors.KNOWN_LAYERS and len(view.shape) == 2:
        one = "one direction" if kind == DIRECTIONS else "one picture's codes"
        switch += f"; --layers {view.shape[0]}: {one}"
    return Evidence(kind, view, why, switch)


def _kind(source: ImportSource, view: TensorView, seen: Traits, what: str) -> tuple[str, str]:
    """Directions or latents, and why; `what` was decided by the user."""
    found, why = _by_evidence(source, view, seen)
    decided = what and source.wanted and found != what
    return (what, f"--as {source.wanted}") if decided else (found, why)


def _by_evidence(source: ImportSource, view: TensorView, seen: Traits) -> tuple[str, str]:
    moves, codes = _named(source)
    if seen.unit:
        if codes and not moves:
            question = f"its vectors have length 1, as directions have, and {codes}"
            return UNCLEAR, question
        many = "each row has" if view.numel > view.shape[-1] else "it has"
        why = "all of it has" if abs(seen.typical - 1) > CLOSE else many
        return DIRECTIONS, f"{why} the length 1{f', and {moves}' if moves else ''}"
    if moves or codes:
        return (DIRECTIONS, moves) if moves else (LATENTS, codes)
    return _by_numbers(source, view, seen)


def _by_numbers(source: ImportSource, view: TensorView, seen: Traits) -> tuple[str, str]:
    if len(view.shape) == 2 and vectors.looks_normal(view):
        return LATENTS, "its numbers are as normal samples are"
    model = source.model
    if model is not None and seen.typical and view.shape[-1] == model.width:
        share = seen.typical / model.typical if model.typical else 1.0
        if share < SHORT:
            return DIRECTIONS, f"its rows are {share:.2g} as long as the codes of {model.name}"
        return LATENTS, f"its rows are as long as the codes of {model.name}"
    if len(view.shape) == 2 and view.shape[0] == view.shape[1]:
        return DIRECTIONS, "it is square, as a basis is"
    walk = view.shape[0] in USUAL and not seen.alike and abs(seen.cosine) < UNRELATED
    if len(view.shape) == 2 and walk and seen.typical:
        return DIRECTIONS, "its rows have nothing in common, and codes have a mean"
    return LATENTS, "its numbers are not as normal samples are, and nothing says direction"


def _named(source: ImportSource) -> tuple[str, str]:
    """What names say, for directions and for latents; "" where they say nothing."""
    stem, folder = source.stem, source.parent
    if vectors.names_direction(source) or vectors.names_walk(source):
        return "its name is a direction's", ""
    if vectors.names_codes(source) or ONE_PICTURE.search(stem):
        return "", "its name is that of latents"
    if DIRECTION_FOLDERS.search(folder):
        return f"it lies in the folder '{clean(folder)}'", ""
    lies = f"it lies in the folder '{clean(folder)}'" if CODE_FOLDERS.search(folder) else ""
    return "", lies


def _is_layers(
    source: ImportSource, view: TensorView, seen: Traits, kind: str
) -> tuple[bool | None, str]:
    """Whether the rows of (N, D), N > 1, are the layers of one thing; None where nothing tells."""
    count, model = view.shape[0], source.model
    if source.layers:
        return source.layers == count, f"--layers {source.layers}"
    if model is not None:
        known = model.num_layers == count
        words = f"{model.name} has {model.num_layers} layers"
        if not known or not (kind == DIRECTIONS and seen.orthogonal):
            return known and not _plural(source, kind), words
    if seen.alike:
        return True, f"its {count} rows are alike"
    if kind == LATENTS:
        named = count in vectors.KNOWN_LAYERS and bool(ONE_PICTURE.search(source.stem))
        shared = count in USUAL and seen.cosine >= UNRELATED and not vectors.names_codes(source)
        return named or shared, AS_MANY.format(count) if named or shared else ""
    if seen.orthogonal:
        return False, f"its {count} rows are at right angles"
    if count not in vectors.KNOWN_LAYERS or _plural(source, kind):
        return False, ""
    named = vectors.names_direction(source) or vectors.names_walk(source)
    if seen.unit and not named:
        return None, ""
    return True, AS_MANY.format(count)


def _plural(source: ImportSource, kind: str) -> bool:
    """Whether the name says that there are several."""
    if kind == DIRECTIONS:
        return bool(SEVERAL.search(source.stem))
    return vectors.names_codes(source) and not ONE_PICTURE.search(source.stem)


def _reading(kind: str, shape: tuple[int, ...]) -> str:
    count, layers = shape[0], f" with a vector for each of {shape[1]} layers" * (len(shape) == 3)
    if kind == DIRECTIONS:
        return f"{'a direction' if count == 1 else f'{count} directions'}{layers}"
    codes = f"the codes of {f'{count} pictures' if count > 1 else 'one picture'}"
    if len(shape) == 3:
        return f"{codes}, {shape[1]} layers each"
    return f"{count} latents" if count > 1 else "one latent"
