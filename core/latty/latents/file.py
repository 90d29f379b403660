"""latty's own file of latents: one safetensors file with a header that says everything else.

Its array is "latents"; its free text says kind = "latents" and, under "about", a JSON object with
the fields of Latents but the array. A pool (schema 2, pools.py) has the same latents in several
forms, "z" (N, Z), "w" (N, D) and "wp" (N, L, D), and in "seeds" (N,) those that they were drawn of.
"""

import json
from pathlib import Path
from typing import Any

from latty import files
from latty.checkpoints.safetensors import Header, pieces, read_header, says_kind
from latty.errors import BadData
from latty.latents.found import Found, Latents, Params, Value, shown
from latty.version import __version__

KIND = "latents"
SCHEMA, POOL = 1, 2  # of what is written
ARRAY = "latents"
FORMS = {"z": "z", "w": "w", "wp": "w"}  # the arrays of a pool -> their space
SEEDS = "seeds"


def is_own(path: Path) -> bool:
    """Whether a file says that latty wrote latents into it."""
    return says_kind(path, KIND)


def look(path: Path, form: str = "") -> Found:
    """What latty's own file says of its latents; of a pool the form "z", "w" or "wp", or the first
    that there is. Raises BadData."""
    header = read_header(path)
    try:
        about = json.loads(header.meta.get("about", ""))
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict):
        raise BadData(f"{path.name}: 'about' is no JSON object", "write the latents again")
    schema = about.get("schema")
    if not isinstance(schema, int) or not 1 <= schema <= POOL:
        raise BadData(f"{path.name}: schema {schema!r:.20} is unknown", "update latty")
    arrays = tuple(one for one in FORMS if one in header.shapes) if schema == POOL else ()
    key = _form(path.name, arrays, form) if schema == POOL else ARRAY
    space, shape = FORMS.get(key, about.get("space")), header.shapes.get(key, ())
    _check_shape(path.name, space, shape)
    if arrays:
        _check_pool(path.name, header, arrays)
    words = {key: _text(about.get(key, "")) for key in ("model", "family", "model_digest")}
    names, notes = (tuple(map(_text, _list(about.get(key)))) for key in ("names", "notes"))
    _check_names(path.name, names, shape[0])
    params = _params(about.get("params"))
    files = _text(about.get("files"))
    return Found(path, key, str(space), shape, names=names, notes=notes, params=params,
                 arrays=arrays, files=files, **words)  # fmt: skip


def _form(file: str, arrays: tuple[str, ...], form: str) -> str:
    """The array of a pool that is meant. Raises BadData where it has none."""
    fitting = [one for one in arrays if form in ("", one, FORMS[one])]
    if not fitting:
        there = ", ".join(arrays)
        raise BadData(f"{file} holds no {form or 'z, w or wp'}", f"it holds {there}" * bool(there))
    return form if form in fitting else fitting[0]


def _check_pool(file: str, header: Header, arrays: tuple[str, ...]) -> None:
    """Raises BadData where its arrays are of different latents."""
    counts = {name: header.shapes[name][:1] for name in arrays}
    seeds = header.shapes.get(SEEDS, ())
    whole = header.dtypes.get(SEEDS) == "int64" and len(seeds) == 1
    if not whole or {*counts.values()} != {seeds}:
        told = ", ".join(f"{name} {shown(header.shapes[name])}" for name in arrays)
        raise BadData(f"{file}: {told} and seeds {shown(seeds)} do not belong together")
    for name in arrays:
        if len(header.shapes[name]) != (3 if name == "wp" else 2):
            raise BadData(f"{file}: {name} has the shape {shown(header.shapes[name])}")


def _params(value: Any) -> Params:
    """Plain settings; whatever else is there is left out."""
    table = value if isinstance(value, dict) else {}
    return tuple((str(key), _frozen(one)) for key, one in table.items())


def _frozen(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_frozen(one) for one in value)
    return value if isinstance(value, str | int | float) or value is None else str(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_shape(file: str, space: object, shape: tuple[int, ...]) -> None:
    sizes = {"z": (2,), "w": (2, 3)}.get(str(space), ())
    if not sizes:
        raise BadData(f"{file}: space {space!r:.20} is neither z nor w", "write the latents again")
    if len(shape) not in sizes or 0 in shape:
        wanted = "(N, Z)" if space == "z" else "(N, D) or (N, L, D)"
        raise BadData(f"{file}: latents in {space} of shape {shown(shape)} are not {wanted}")


def _check_names(file: str, names: tuple[str, ...], count: int) -> None:
    if names and (len(names) != count or len(set(names)) != count):
        raise BadData(f"{file}: {len(names)} names for {count} latents", "name each, or none")
    for name in names:
        if not name or not name.isprintable() or "#" in name:
            raise BadData(f"{file}: {name!r} cannot be a name", "leave out '#' and controls")


def write(path: Path, latents: Latents) -> None:
    """Store latents; a reader sees the old file or the whole new one. Raises BadData, OutputError.

    The bytes depend on the contents only.
    """
    array = latents.array.detach().float().cpu()
    where, shape = path.name, tuple(array.shape)
    _check_shape(where, latents.space, shape)
    _check_names(where, latents.names, shape[0])
    if not array.isfinite().all():
        raise BadData(f"{where}: a latent is not finite", "check what made it")
    about = {
        "schema": SCHEMA,
        "space": latents.space,
        **{key: getattr(latents, key) for key in ("model", "family", "model_digest")},
        "names": list(latents.names),
        "notes": list(latents.notes),
        **({"params": dict(latents.params)} if latents.params else {}),
        "latty": __version__,
    }
    text = {"kind": KIND, "about": json.dumps(about)}
    files.write(path, pieces(text, {ARRAY: array}))
