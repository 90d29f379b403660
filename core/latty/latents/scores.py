"""Scores of stored latents: one safetensors file beside theirs, with a row for each of them.

Its array "scores" is (N, A) float32, where NaN says that nobody knows; its free text says
kind = "scores" and, under "about", the names of the attributes and the SHA-256 of the latents.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import files
from latty.checkpoints.checkpoint import digest
from latty.checkpoints.safetensors import pieces, read_header, read_tensors, says_kind
from latty.errors import BadData
from latty.files import cached
from latty.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

ENDING = ".scores.safetensors"  # in the place of the suffix of the latents
KIND, SCHEMA, ARRAY = "scores", 1, "scores"
AGAIN = "import them again: latty import FILE --for POOL"


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """The attributes' names, and what each of N latents has of them: (N, A) float32."""

    names: tuple[str, ...]
    array: "Tensor"


def place_of(latents: Path) -> Path:
    """Where the scores of a file of latents lie, there or not."""
    return latents.with_name(f"{latents.stem}{ENDING}")


def is_own(path: Path) -> bool:
    """Whether a file says that latty wrote scores into it."""
    return says_kind(path, KIND)


def names_of(latents: Path, trusted: bool = False) -> tuple[str, ...]:
    """The attributes whose scores lie beside a file of latents; () where there are none. Raises
    BadData where they are damaged, or of other latents, which `trusted` does not look at."""
    place = place_of(latents)
    return names_in(place, None if trusted else latents) if place.is_file() else ()


def names_in(place: Path, latents: Path | None = None) -> tuple[str, ...]:
    """The attributes in a file of scores. Raises BadData where it is damaged, or where its scores
    are not those of `latents`."""
    header = read_header(place)
    try:
        about: Any = json.loads(header.meta.get("about", ""))
        names, schema = about["names"], about["schema"]
        known = header.meta.get("kind") == KIND and isinstance(schema, int)
        known = known and isinstance(names, list) and all(isinstance(one, str) for one in names)
    except (ValueError, RecursionError, KeyError, TypeError):
        known = False
    if not known:
        raise BadData(f"{place.name}: it holds no scores of latents", AGAIN)
    if not 1 <= schema <= SCHEMA:
        raise BadData(f"{place.name}: schema {schema!r:.20} is unknown", "update latty")
    if latents is not None and about.get("latents") != _digest(latents):
        raise BadData(f"{place.name}: these are scores of other latents than {latents.name}", AGAIN)
    shape = header.shapes.get(ARRAY, ())
    if len(shape) != 2 or shape[1] != len(names) or not names or len({*names}) != len(names):
        raise BadData(f"{place.name}: scores {list(shape)} for {len(names)} names", AGAIN)
    return tuple(names)


def read(latents: Path, count: int) -> Scores | None:
    """The scores beside a file of `count` latents; None where there are none. Raises BadData."""
    place = place_of(latents)
    return read_from(place, latents, count) if place.is_file() else None


def read_from(place: Path, latents: Path, count: int) -> Scores:
    """The scores of `count` latents in any file. Raises BadData."""
    names_in(place, latents)
    found = of_file(place)
    names, array = found.names, found.array
    if len(array) != count:
        what = f"{place.name}: scores of {len(array)} latents, and {latents.name} holds {count}"
        raise BadData(what, AGAIN)
    if array.isinf().any():
        row, column = array.isinf().nonzero()[0].tolist()
        raise BadData(f"{place.name}: {names[column]} of row {row} is infinite", AGAIN)
    return Scores(names, array)


def of_file(place: Path) -> Scores:
    """What a file of scores holds, whosever they are. Raises BadData."""
    return Scores(names_in(place), read_tensors(place)[ARRAY].float())


def write(latents: Path, scores: Scores) -> Path:
    """Put scores beside their latents, in the place of those that were there. Raises OutputError.

    The bytes depend on the contents only.
    """
    place = place_of(latents)
    about = {"schema": SCHEMA, "names": [*scores.names], "latents": _digest(latents),
             "latty": __version__}  # fmt: skip
    text = {"kind": KIND, "about": json.dumps(about)}
    files.write(place, pieces(text, {ARRAY: scores.array}))
    return place


def joined(first: Scores | None, second: Scores) -> Scores:
    """The attributes of both; those of one name are the second's. Arrays are (N, A)."""
    import torch

    if first is None:
        return second
    kept = [i for i, name in enumerate(first.names) if name not in second.names]
    names = (*(first.names[i] for i in kept), *second.names)
    return Scores(names, torch.cat([first.array[:, kept], second.array], 1))


def chosen(scores: Scores, rows: Sequence[int] | slice) -> Scores:
    """Those of some latents: rows of (N, A)."""
    return Scores(scores.names, scores.array[rows])


@cached(64)
def _digest(path: Path) -> str:
    """SHA-256 of a file, which is read again only where it has changed."""
    return digest(path)
