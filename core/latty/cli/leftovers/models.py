"""Models that nothing needs, and the direction sets that need one: known by its content, as either
may be renamed."""

import os
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
from latty.store import Store


def models(older: float, unseen: Unseen) -> Iterator[Leftover]:
    """Imported models that no set of the store was made for and nobody read for so many seconds;
    none where a set cannot be read, which may need any."""
    with looking(SETS.folder(), unseen):
        made_for = [*filter(None, map(_header, _own(SETS)))]
        needed = {one.model for one in made_for}
        digests = {one.model_digest for one in made_for} - {""}
        states = {path: path.stat() for path in _own(MODELS)}  # before a header is read
        for name, path in MODELS.files().items():
            if MODELS.ships(name) or (state := states.get(path)) is None:
                continue
            used = max(state.st_atime, state.st_mtime)
            wanted = name not in needed and time.time() - used >= older
            size, digest = MODELS.size(name), digest_of(path) if wanted and digests else ""
            with suppress(OSError):  # to look is not to use it
                os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
            if wanted and digest not in digests:  # which may say another name
                yield Leftover("models", path, size, used, partial(MODELS.remove, name))


def sets_of(model: str) -> list[str]:
    """The sets of the store that were made for a model of the user's: by its content, or by its
    name where they do not say that. Raises LattyError."""
    own = digest_of(MODELS.own(model))

    def is_of(path: Path) -> bool:
        header = _header(path)
        return header is not None and (header.model_digest or header.model) in (own, model)

    return [name for name, path in SETS.files().items() if is_of(path)]


def _own(store: Store) -> list[Path]:
    """The user's files of a store. Raises OSError."""
    try:
        found = [*owned(store.folder()).iterdir()]
    except FileNotFoundError:
        return []
    return [path for path in found if path.suffix == store.suffix]


def _header(path: Path) -> DirectionSet | None:
    """What the file of a set says; None of a damaged one. Raises OutputError."""
    with suppress(BadData, Missing):
        return set_info(str(path))
    return None
