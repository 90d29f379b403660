"""traverse.json: what a traversal is of, how far it walks, and what its arrays mean."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from latty import reading
from latty.errors import BadData, LattyError, Missing, PresetError, Problem
from latty.latents import pools
from latty.rank.plan import Start
from latty.rank.score_store import WalkShape
from latty.render.work import TRAVERSAL
from latty.scene import FP32, LABEL, PRECISIONS, Label
from latty.tables.reading import Kind, from_data
from latty.tables.rules import array, number, one_of, option, record, says, text, whole, word

SCHEMA = 1
LATENTS = pools.FILE  # beside it
LARGEST = 2**26  # bytes of a header: strengths of ten thousand directions
MOST = 100_000  # directions, starts
AGAIN = "traverse again: --overwrite"
_WORD = text(4096, 0)


@dataclass(frozen=True, slots=True)
class WalkedDirection:
    """One direction: where it acts, and the rising strengths (T,) at which it was drawn."""

    name: str = field(metadata=says(text(200)))
    strengths: tuple[float, ...] = field(metadata=says(array(number(-1e6, 1e6), 3, 10_000)))
    layers: str = option("all", text(40))
    unit: str = option("", text(40, 0))


_DIRECTIONS = array(record(WalkedDirection), 0, MOST)


@dataclass(frozen=True, slots=True)
class TraversalHeader:
    """What traverse.json says.

    set_name, model   what they are called, with the SHA-256 of their files
    space        in which the directions act
    directions   K of them, all of T strengths, and R random ones that they are compared with
    starts       N seeds, or references of stored latents
    codes        the shape of one picture's codes: (D,), or (L, D) where layers read different ones
    picture      height, width and channels of each picture
    samples      pictures beside the walks that say what is usual
    factors      the attributes that the model itself knows of its codes
    key          a hash of all that it was made of
    precision    in which it was drawn
    """

    schema: int = field(metadata=says(whole(1, 10**6)))
    set_name: str = field(metadata=says(text(4096)))
    set_digest: str = field(metadata=says(_WORD))
    model: str = field(metadata=says(text(4096)))
    model_digest: str = field(metadata=says(_WORD))
    family: str = field(metadata=says(_WORD))
    space: str = field(metadata=says(text(200)))
    directions: tuple[WalkedDirection, ...] = field(
        metadata=says(array(record(WalkedDirection), 1, MOST))
    )
    starts: tuple[Start, ...] = field(
        metadata=says(array(one_of("a seed or a latent", whole(0, 2**32 - 1), text(4096)), 1, MOST))
    )
    codes: tuple[int, ...] = field(metadata=says(array(whole(1, 2**20), 1, 2)))
    picture: tuple[int, ...] = field(metadata=says(array(whole(1, 2**14), 3, 3)))
    samples: int = field(metadata=says(whole(2, MOST)))
    baseline: tuple[WalkedDirection, ...] = option((), _DIRECTIONS)
    label: Label = option(None, LABEL)
    truncation: float = option(1.0, number(-100, 100))
    layers: str = option("", text(40, 0))
    factors: tuple[str, ...] = option((), array(text(200), 0, MOST))
    latty: str = option("", _WORD)
    key: str = option("", _WORD)
    precision: str = option(FP32, word(*PRECISIONS))

    @property
    def steps(self) -> int:
        """T."""
        return len(self.directions[0].strengths)

    @property
    def shape(self) -> WalkShape:
        """How many there are of all."""
        return WalkShape(len(self.directions), len(self.baseline), len(self.starts), self.steps,
                         self.samples)  # fmt: skip

    @property
    def moves(self) -> tuple[WalkedDirection, ...]:
        """What was walked: the directions, then the random ones."""
        return (*self.directions, *self.baseline)

    def table(self) -> dict[str, Any]:
        """As JSON has it; what is not there is left out."""
        said = {key: value for key, value in asdict(self).items() if value not in (None, "", ())}
        if self.precision == FP32:
            del said["precision"]  # as in every file written before there was the word
        return said


def _refused(file: str, problems: Sequence[Problem]) -> BadData:
    error = PresetError(file, problems)
    error.hint = AGAIN
    return error


_KIND, _RULE = Kind("traversal", _refused), record(TraversalHeader)


def read_header(folder: Path) -> TraversalHeader:
    """What the traversal in a folder says. Raises Missing, BadData, OutputError."""
    file = folder / TRAVERSAL
    if not file.is_file():
        raise Missing(f"{folder} holds no traversal", "latty traverse SET -o DIR makes one")
    data = reading.json_file(file, LARGEST)
    if not isinstance(data, dict):
        raise BadData(f"{file} is no table", AGAIN)
    if isinstance(schema := data.get("schema"), int) and schema > SCHEMA:
        raise BadData(f"{file}: schema {schema} is newer than this latty", "update latty")
    found: TraversalHeader = from_data(data, str(file), _KIND).checked(_RULE)
    if len({len(one.strengths) for one in found.moves}) > 1:
        raise BadData(f"{file}: its directions have different numbers of strengths", AGAIN)
    names = [one.name for one in found.directions]
    if len({*names}) < len(names):
        raise BadData(f"{file}: two of its directions have one name", AGAIN)
    return found


def key_of(folder: Path) -> str:
    """The key of the traversal in a folder; "" where there is none that can be read."""
    with suppress(LattyError):
        return read_header(folder).key
    return ""


def text_of(header: TraversalHeader) -> bytes:
    """The file."""
    return (json.dumps(header.table(), indent=1) + "\n").encode()
