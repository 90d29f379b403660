"""Arrays in HDF5 files, such as TL-GAN's sample_z.h5 and sample_y.h5, where h5py is installed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from latty.errors import BadData, Missing, OutputError
from latty.text import clean

T = TypeVar("T")
MAGIC = b"\x89HDF\r\n\x1a\n"
MOST = 4 * 2**30  # bytes


def shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays at the top of a file. Raises Missing without h5py, BadData,
    OutputError."""

    def of(opened: Any, h5py: Any) -> dict[str, tuple[int, ...]]:
        return {key: tuple(opened[key].shape or ()) for key in _arrays(opened, h5py)}

    return _read(file, of)


def array(file: Path, name: str) -> NDArray[Any]:
    """The array (N,), (N, D) or any other of that name at the top of a file, or the only one there
    is. Raises Missing without h5py, BadData, OutputError."""
    return _read(file, lambda opened, h5py: _of(opened, h5py, file, name))


def _read(file: Path, use: Callable[[Any, Any], T]) -> T:
    """What `use` makes of an open file and the library."""
    try:
        import h5py
    except ImportError:
        what = f"{clean(file.name)} is an HDF5 file, which needs h5py"
        raise Missing(what, "pip install h5py, or save it as .npy") from None
    try:
        with h5py.File(file, "r") as opened:
            return use(opened, h5py)
    except (BadData, MemoryError):
        raise
    except OSError as error:
        if error.errno and error.errno > 0 and error.strerror:
            raise OutputError(f"cannot read {clean(file.name)}: {error.strerror}") from None
        raise BadData(f"{clean(file.name)} is a damaged HDF5 file") from None
    except Exception:  # the library raises anything on damaged bytes
        raise BadData(f"{clean(file.name)} is a damaged HDF5 file") from None


def _arrays(opened: Any, h5py: Any) -> list[str]:
    """The names of a file's own arrays: no other file is opened, whatever it links to."""
    return [key for key in opened if isinstance(opened.get(key, getlink=True), h5py.HardLink)
            and opened.get(key, getclass=True) is h5py.Dataset]  # fmt: skip


def _of(opened: Any, h5py: Any, file: Path, name: str) -> NDArray[Any]:
    kept = _arrays(opened, h5py)
    if name not in kept and len(kept) != 1:
        there = ", ".join(kept[:6]) or "no array"
        raise BadData(f"{clean(file.name)} holds {clean(there, 80)}, and no '{name}'")
    found = opened[name if name in kept else kept[0]]
    if found.dtype.kind not in "biuf" or found.shape is None:
        raise BadData(f"{clean(file.name)} holds no numbers under '{clean(found.name, 40)}'")
    if found.is_virtual or found.external:
        raise BadData(f"{clean(file.name)}: its numbers lie in other files", "save them in one")
    if found.size * found.dtype.itemsize > MOST:
        raise BadData(f"{clean(file.name)} holds more than {MOST >> 30} GiB of numbers")
    whole: NDArray[Any] = found[()]
    return whole
