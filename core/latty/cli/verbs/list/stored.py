"""Rows of `latty list` for what has a file: models, direction sets, latents."""

from collections.abc import Iterator
from typing import Any

from latty.cli.run import Run
from latty.errors import LattyError
from latty.plugins import Registry

Row = dict[str, Any]


def entry(registry: Registry[Any], name: str) -> Row:
    """An entry of a registry, with the package that brought it where that is another one."""
    owner = registry.owner(name)
    return {"name": name, "what": registry.summary(name), **({"package": owner} if owner else {})}


def models(run: Run) -> Iterator[Row]:
    """The models that ship and those of the store; with --zoo, those that can be fetched."""
    if run.args.in_zoo:
        yield from _zoo(run)
        return
    from latty.checkpoints.safetensors import read_header
    from latty.models.registries import FAMILIES
    from latty.models.store import MODELS, said_size

    files = MODELS.files()
    for name in MODELS.names():
        if name not in files:
            yield {**entry(FAMILIES, name), "family": name}
            continue
        meta = read_header(files[name]).meta
        height, width = said_size(meta) or (None, None)
        what = meta.get("title") or meta.get("description") or meta.get("family", "")
        yield {"name": name, "what": what, "family": meta.get("family", ""),
               "height": height, "width_px": width,
               "bytes": files[name].stat().st_size}  # fmt: skip


def _zoo(run: Run) -> Iterator[Row]:
    from pathlib import Path

    from latty.models import zoo
    from latty.models.store import MODELS

    own, here = run.config().zoo, MODELS.names()
    for one in zoo.read(Path(own).expanduser() if own else None).values():
        words = f"{one.what()}{'; is here' if one.name in here else ''}"
        yield {"name": one.name, "what": words, "family": one.family,
               "resolution": one.resolution, "address": one.address, "sha256": one.sha256,
               "bytes": one.size, "licence": one.licence, "by_hand": one.by_hand,
               "source": one.source.title, "page": one.source.page,
               "named_in": one.source.named_in, "here": one.name in here}  # fmt: skip


def directions(run: Run) -> Iterator[Row]:
    """Every direction of every set that ships or is in the store."""
    from latty.directions.file import read_header
    from latty.directions.store import SETS

    for name, path in SETS.files().items():
        try:
            header = read_header(path)
        except LattyError as error:
            yield {"name": name, "what": f"cannot be read: {error.message}"}
            continue
        for info in header.infos:
            low, high = info.usable
            words = f"{header.model}, {header.method}, {low:+g} to {high:+g} sigma"
            scores = dict(info.scores)
            words += "".join(f", {key} {value:.2f}" for key, value in [*scores.items()][:3])
            yield {"name": f"{name}/{info.name}", "what": f"{words}, layers {info.layers}",
                   "model": header.model, "method": header.method, "space": header.space,
                   "sigma": info.sigma, "usable": [low, high], "layers": str(info.layers),
                   "scores": scores}  # fmt: skip


def latents(run: Run) -> Iterator[Row]:
    """Latents in the store."""
    from latty import latents

    for name in latents.LATENTS.files():
        try:
            found = latents.look(name)
            scores = latents.scored(found)
        except LattyError as error:
            yield {"name": name, "what": f"cannot be read: {error.message}"}
            continue
        shape = " x ".join(str(size) for size in found.shape)
        words = f"{', '.join(found.arrays) or found.space}, {shape}"
        words += f", scores of {', '.join(scores)}" if scores else ""
        yield {"name": name, "what": words, "space": found.space, "shape": [*found.shape],
               "arrays": [*found.arrays], "scores": [*scores]}  # fmt: skip
