"""Models that nothing needs, and the direction sets that need one: known by its content, as either
may be renamed."""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from latty.cli.leftovers.thing import Leftover, Unseen, looking
from latty.directions.file import DirectionSet
from latty.directions.store import SETS, set_info
from latty.errors import BadData, Missing
from latty.folders import owned
from latty.models.store import MODELS
from latty.presets.digests import digest_of


def models(older: float, unseen: Unseen) -> Iterator[Leftover]:
    """Imported models that no set of the store was made for and nobody used for so many seconds;
    none where a set cannot be read, which may need any."""
    with looking(SETS.folder(), unseen):
        made_for = [*filter(None, map(_header, _sets()))]
        needed = {one.model for one in made_for}
        digests = {one.model_digest for one in made_for} - {""}
        for name, path in MODELS.files().items():
            state = path.stat()
            used = max(state.st_atime, state.st_mtime)
            if MODELS.ships(name) or name in needed or time.time() - used < older:
                continue
            if digests and digest_of(path) in digests:  # under another name than they say
                continue
            yield Leftover("models", path, MODELS.size(name), used, partial(MODELS.remove, name))


def sets_of(model: str) -> list[str]:
    """The sets of the store that were made for a model of the user's: by its content, or by its
    name where they do not say that. Raises LattyError."""
    own = digest_of(MODELS.own(model))

    def is_of(path: Path) -> bool:
        header = _header(path)
        return header is not None and (header.model_digest or header.model) in (own, model)

    return [name for name, path in SETS.files().items() if is_of(path)]


def _sets() -> list[Path]:
    """The files of the user's sets. Raises OSError."""
    try:
        found = [*owned(SETS.folder()).iterdir()]
    except FileNotFoundError:
        return []
    return [path for path in found if path.suffix == SETS.suffix]


def _header(path: Path) -> DirectionSet | None:
    """What the file of a set says; None of a damaged one. Raises OutputError."""
    with suppress(BadData, Missing):
        return set_info(str(path))
    return None
