"""Direction sets and latents out of views: the part that most importers share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, Literal

from latty.checkpoints.values import TensorView
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import CODES, Codes, Imported, Load
from latty.directions.importing.source import ImportSource
from latty.errors import BadData
from latty.scene import ALL, Layers

if TYPE_CHECKING:
    from torch import Tensor

LAYERS_LIMIT, WIDTH_LIMIT, COUNT_LIMIT = 64, 8192, 1_000_000
RAW = "strength counts the vector as it is stored (sigma 1): the file knows no spread"


def rows(view: TensorView) -> list[TensorView]:
    """The parts of an array along its first axis."""
    step = view.stride[0]
    return [
        TensorView(
            view.storage, view.dtype, view.shape[1:], view.stride[1:], view.offset + i * step
        )
        for i in range(view.shape[0])
    ]


def columns(view: TensorView) -> list[TensorView]:
    """The columns of a matrix, not copied."""
    height, width = view.shape
    down, across = view.stride
    return [
        TensorView(view.storage, view.dtype, (height,), (down,), view.offset + i * across)
        for i in range(width)
    ]


@dataclass(frozen=True, slots=True)
class Named:
    """One vector (D,) or one per layer (L, D), with what is known of it."""

    name: str
    view: TensorView
    sigma: float = 1.0
    usable: tuple[float, float] = (-3.0, 3.0)
    layers: Layers = ALL
    scores: tuple[tuple[str, float], ...] = ()


def linear(
    source: ImportSource,
    found: Sequence[Named],
    importer: str,
    header: DirectionSet,
    settings: Mapping[Any, Any],
    notes: Sequence[str] = (),
) -> Imported:
    """A set of the form "linear"; `header` is complete but for its infos and its parameters, which
    are the importer and the `settings` of the file. Raises BadData.

    Moves of an activation are flattened: (C, H, W) becomes one axis.
    """
    flat = header.space.startswith("activation:")
    if not found:
        sanitise.refuse(source, "it holds no directions", "name another file")
    shape = found[0].view.shape
    for one in found:
        _check(source, one, shape, header.space)
    sanitise.check_directions(source, (len(found), *shape))
    names = sanitise.unique(one.name for one in found)
    infos = tuple(
        Info(name, one.sigma, one.usable, one.layers, one.scores)
        for name, one in zip(names, found, strict=True)
    )
    params = sanitise.params(settings, importer=importer, source=source.path.name)
    load = _loader(source, [one.view for one in found], names, flat)
    shape = (prod(shape),) if flat else shape
    return Imported(
        replace(header, infos=infos, params=params), (len(found), *shape), load, tuple(notes)
    )


def _check(source: ImportSource, one: Named, shape: tuple[int, ...], space: str) -> None:
    """Raises BadData for a direction of another shape than the first, or of none that moves."""
    if one.view.shape != shape:
        what = f"direction '{one.name}' has the shape {list(one.view.shape)}"
        sanitise.refuse(source, f"{what}, the first {list(shape)}", "import them one by one")
    most = {"z": 1, "w": 2}.get(space, 3)
    if not 1 <= len(shape) <= most:
        sanitise.refuse(source, f"{list(shape)} is no shape of a direction in {space}",
                      "choose another: --space, --as")  # fmt: skip
    if not sanitise.is_floats(one.view):
        sanitise.refuse(source, f"direction '{one.name}' holds no floats")
    if not 0 < one.sigma < 1e30:
        sanitise.refuse(source, f"direction '{one.name}' has the sigma {one.sigma:.3g}")


def _loader(
    source: ImportSource, views: Sequence[TensorView], names: Sequence[str], flat: bool
) -> Load:
    def load() -> "dict[str, Tensor]":
        import torch

        parts = [sanitise.tensor(source, v, n) for v, n in zip(views, names, strict=True)]
        whole = torch.stack([part.flatten() for part in parts] if flat else parts)
        return {ARRAY: sanitise.check_lengths(source, whole, names)}

    return load


def latent_space(source: ImportSource, otherwise: Literal["z", "w"]) -> Literal["z", "w"]:
    """What the user said, or else `otherwise`. Raises BadData for an activation."""
    if source.space == "":
        return otherwise
    if source.space not in ("z", "w"):
        raise BadData(f"latents are z or w, not '{source.space}'", "choose: --space z, --space w")
    return "z" if source.space == "z" else "w"


def latents(
    source: ImportSource,
    views: Sequence[TensorView],
    header: Codes,
    notes: Sequence[str] = (),
) -> Imported:
    """Stored latents: views of z (N, Z), w (N, D) or (N, L, D), laid one behind the other.

    Views of one axis are one latent each. Raises BadData.
    """
    each = [view if len(view.shape) > 1 else sanitise.reshaped(view, (1, *view.shape))
            for view in views]  # fmt: skip
    shape = check_latents(source, [view.shape for view in each], header.space)
    if header.names and len(header.names) != shape[0]:
        sanitise.refuse(source, f"{len(header.names)} names for {shape[0]} latents")

    def load() -> "dict[str, Tensor]":
        import torch

        parts = [sanitise.tensor(source, view, "latents") for view in each]
        return {CODES: torch.cat(parts)}

    return Imported(header, shape, load, tuple(notes))


def check_latents(
    source: ImportSource, shapes: Sequence[tuple[int, ...]], space: str
) -> tuple[int, ...]:
    """The shape of all together. Raises BadData."""
    if not shapes:
        sanitise.refuse(source, "it holds no latents", "name another file")
    inner = shapes[0][1:]
    for shape in shapes:
        if shape[1:] != inner:
            what = f"latents of the shapes {list(inner)} and {list(shape[1:])}"
            sanitise.refuse(source, f"it holds {what}", "import them one by one")
    count = sum(shape[0] for shape in shapes)
    fits = len(inner) in (1, 2) and 0 < inner[-1] <= WIDTH_LIMIT and 0 < count <= COUNT_LIMIT
    if not fits or (len(inner) == 2 and not 0 < inner[0] <= LAYERS_LIMIT):
        sanitise.refuse(source, f"{[count, *inner]} is no shape of latents", "name another file")
    if prod(inner) * count > sanitise.TOTAL_LIMIT:
        sanitise.refuse(source, f"it holds {count} latents: too many")
    if space == "z" and len(inner) == 2:
        sanitise.refuse(source, f"{[count, *inner]} holds codes of {inner[0]} layers: that is w",
                      "leave out --space, or choose: --space w")  # fmt: skip
    return (count, *inner)
