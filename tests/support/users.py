"""Other users of the machine, whom only root can act as."""

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
BOB, EVE = 65533, 65532  # nobody's numbers
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


def as_user(user: int, function: Callable[[], T]) -> T:
    """What a function returns in a process of that user; its AssertionError fails here."""
    readable, writable = os.pipe()
    if not (child := os.fork()):
        status = 1
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            os.umask(0o022)
            with os.fdopen(writable, "wb") as pipe:
                pickle.dump(function(), pipe)
            status = 0
        finally:
            os._exit(status)
    os.close(writable)
    with os.fdopen(readable, "rb") as pipe:
        told = pipe.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    found: T = pickle.loads(told)
    return found


def give(path: Path, user: int) -> None:
    """A file or a folder with all in it, now that user's; links themselves, too."""
    for one in (path, *path.rglob("*")) if path.is_dir() and not path.is_symlink() else (path,):
        os.chown(one, user, user, follow_symlinks=False)


def places() -> Iterator[Path]:
    """A folder that every user can look into, unlike those of pytest; for a fixture."""
    folder = Path(tempfile.mkdtemp(prefix="latty-users-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
