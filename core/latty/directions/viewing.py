"""What a search shows of its work while it is at it, and the folders in which it works."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from latty import home, locks
from latty.scene import FP32
from latty.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

    from latty.models.base import Generator


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A table of pictures (R, C, 3, H, W), nominally in -1..1, with a name for each row and words
    under each column."""

    pictures: "Tensor"
    rows: Sequence[str]
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Viewing:
    """How a search shows its work, and where.

    draw       the PNG of a sheet
    tell       says a line of words
    folder     charts and figures of a training go there; None = a place of the search's own
    overwrite  pictures of another search may be replaced
    """

    draw: Callable[[Sheet], bytes]
    tell: Callable[[str], None]
    folder: Path | None = None
    overwrite: bool = False


@runtime_checkable
class Shows(Protocol):
    """A method that can be looked at while it is at work. Its parameters for that are named by its
    class in BESIDE: nothing that is found depends on them."""

    def show(self, viewing: Viewing) -> None:
        """How, from the next fit on."""


def folder_of_search(
    method: str, params: Sequence[tuple[str, object]], generator: "Generator"
) -> Path:
    """A folder named by everything the result depends on."""
    info = generator.info
    model = info.digest or f"{info.name} {info.family} {__version__}"
    identity = {"method": method, "model": model, "params": dict(params)}
    identity |= {} if info.precision == FP32 else {"precision": info.precision}
    key = sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:20]
    return home.state_dir() / "discover" / f"{method}-{key}"


@contextmanager
def shown(made: object, viewing: Viewing | None, name: str, overwrite: bool) -> Iterator[None]:
    """Have a method show its work, in a folder of that name where none is said. Raises OutputError,
    ConfigError, Locked."""
    if viewing is None or not isinstance(made, Shows):
        yield
        return
    viewing = replace(viewing, overwrite=overwrite)
    with ExitStack() as held:
        if viewing.folder is None:
            folder = home.charts_dir() / name
            held.enter_context(locks.at_work(folder, "at the charts of this search"))
            viewing = replace(viewing, folder=folder)
        made.show(viewing)
        yield
