"""What every import is given at the end: the model that the user named, and what was assumed."""

from dataclasses import replace

from latty.directions.file import LINEAR, DirectionSet
from latty.directions.importing import sanitise
from latty.directions.importing.base import Codes, Imported
from latty.directions.importing.source import ImportSource, KnownModel

OURS = "latty"  # the importer of our own files, which stay as they are


def bound(found: Imported, source: ImportSource, importer: str) -> Imported:
    """The same for the model of the source, if there is one, with its notes in its header. Raises
    BadData for shapes that the model has not."""
    if source.model is not None:
        found = _for(found, source, source.model)
    if importer == OURS:
        return found
    header = found.header
    if isinstance(header, Codes):
        told = {"importer": importer, "source": source.path.name, **dict(header.params)}
        return replace(found, header=replace(header, params=sanitise.params(told)))
    told = dict(header.params) | ({"notes": found.notes} if found.notes else {})
    return replace(found, header=replace(header, params=tuple(told.items())))


def _for(found: Imported, source: ImportSource, model: KnownModel) -> Imported:
    """Made for a model: its name, family and digest. Raises BadData."""
    header, notes = found.header, found.notes
    if header.family and header.family != model.family:
        what = f"its name says {header.family}; kept for {model.name} ({model.family})"
        notes = (*notes, what)
    _check(found, source, model)
    words = {"model": model.name, "family": model.family, "model_digest": model.digest}
    made: DirectionSet | Codes = replace(header, **words)  # type: ignore[arg-type]
    return replace(found, header=made, notes=notes)


def _check(found: Imported, source: ImportSource, model: KnownModel) -> None:
    header, shape = found.header, found.shape[1:]
    if isinstance(header, DirectionSet) and header.form != LINEAR:
        shape = shape[-1:]  # curves say what they move by their last axis
    full = (model.num_layers, model.width)
    sizes: dict[str, list[tuple[int, ...]]] = {"z": [(model.z_dim,)], "w": [full[1:], full]}
    fitting = sizes.get(header.space, [shape])
    if shape in fitting:
        return
    holds, wants = list(shape), " or ".join(str(list(one)) for one in fitting)
    what = f"it holds {holds} in {header.space}; {model.name} has {wants}"
    sanitise.refuse(source, what, "name another model, or say what it is: --space, --layers, --as")
