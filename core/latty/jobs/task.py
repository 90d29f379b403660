"""One call in another process: what local processes and those of a Ray cluster have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from latty import process
from latty.errors import DeviceError, LattyError

T = TypeVar("T")

TRIES = 3  # of a shard whose process died
THREADS = "OMP_NUM_THREADS"


def portable(fn: Callable[..., T], args: Any, kwargs: Any) -> T:
    """fn(*args, **kwargs). Raises errors that can be pickled: LattyError and Python's own as they
    are, those of libraries (made of what the other process may not have) as RuntimeError."""
    process.keep_memory()
    try:
        return fn(*args, **kwargs)
    except LattyError:
        raise
    except Exception as error:
        if type(error).__name__ == "OutOfMemoryError":  # torch's, which not every shard imports
            raise DeviceError("out of memory", "try --batch 1, or fewer --workers") from error
        if type(error).__module__ == "builtins":
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
