"""`python -m latty.models.onnx_process PARENT`: a process that runs one ONNX network.

Nothing of it reaches further: it is given a network that was checked and arrays, over a pipe, and
gives arrays back. It takes no more memory than it is told, writes no file, and ends with its parent
or by any signal, whatever onnxruntime does meanwhile. It imports no torch.
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from latty import wire
from latty.errors import BadData
from latty.process import end_with_parent

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
SILENT = 4  # what onnxruntime says by itself: its errors are raised, too
SHORT = ("is smaller than requested", "failed to allocate", "out of memory", "bad_alloc",
         "bad allocation", "can't allocate", "unable to allocate")  # fmt: skip
OVERHEAD = 2**30  # bytes of addresses that threads and libraries take beside the numbers
MOST_CODE = 2**31  # bytes of a network
TYPES = frozenset({"float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32",
                   "uint32", "int64", "uint64", "bool"})  # fmt: skip


def main() -> None:
    """Open the network that the first message holds, then answer each message with its outputs."""
    end_with_parent(int(sys.argv[1]))
    for number in SIGNALS:  # at once, although who started it may not hear them
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    os.chdir("/")
    session = None
    while (asked := wire.read(sys.stdin.buffer, MOST_CODE)) is not None:
        header: dict[str, Any] = {}
        payload: list[Any] = []
        try:
            if session is None:
                session = _opened(*asked)
            else:
                header, payload = _run(session, *asked)
        except Exception as error:  # onnxruntime's own classes have no common parent but this
            said = str(error)
            short = isinstance(error, MemoryError) or any(w in said.lower() for w in SHORT)
            header, payload = {"error": said[:4000], "short": short}, []
        del asked
        _answer(answers, header, payload)


def _answer(file: IO[bytes], header: Mapping[str, Any], payload: Sequence[Any]) -> None:
    """Arrays of any shapes, behind a header."""
    from onnxruntime import __version__

    size = sum(array.nbytes for array in payload)
    file.write(wire.head({**header, "onnxruntime": __version__}, size))
    for array in payload:
        file.write(array.data.cast("B") if array.nbytes else b"")
    file.flush()


def _opened(header: Mapping[str, Any], code: bytes) -> Any:
    """The session of a network, on CUDA where there is one. Raises what onnxruntime raises."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    known = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in known if name in onnxruntime.get_available_providers()]
    memory = int(header["memory"])
    _bound(memory + 4 * len(code) if providers == [known[1]] else 0)
    onnxruntime.create_and_register_allocator(
        onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        ),
        onnxruntime.OrtArenaCfg({"max_mem": memory, "arena_extend_strategy": 1}),
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = int(header["threads"])
    options.add_session_config_entry("session.use_env_allocators", "1")
    # The second attempt of a fallback would be announced on stdout.
    return onnxruntime.InferenceSession(code, options, providers=providers, enable_fallback=0,
                                        disabled_optimizers=["ConstantFolding"])  # fmt: skip


def _bound(memory: int) -> None:
    """No core file, no written file, and no more memory than now and that; 0 = any: a GPU's driver
    takes addresses without end."""
    import resource

    limits = {resource.RLIMIT_CORE: 0, resource.RLIMIT_FSIZE: 0}
    with suppress(OSError, ValueError):  # no /proc: the allocator holds the bound alone
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        if memory:
            limits[resource.RLIMIT_AS] = now + memory + OVERHEAD
    for kind, most in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def _run(
    session: Any, header: Mapping[str, Any], payload: bytes
) -> "tuple[dict[str, Any], list[NDArray[Any]]]":
    """Outputs of any shapes, and what they are. Raises what onnxruntime raises, BadData."""
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.log_severity_level = SILENT
    values = dict(zip(header["names"], arrays(header["arrays"], payload), strict=True))
    found = [_plain(one) for one in session.run(None, values, options)]
    if sum(one.nbytes for one in found) > wire.PAYLOAD_LIMIT:
        raise MemoryError("its outputs are larger than a message")
    return {"arrays": described(found)}, found


def _plain(found: Any) -> "NDArray[Any]":
    import numpy as np

    if not isinstance(found, np.ndarray) or found.dtype.name not in TYPES:
        raise BadData("it gives something that is no array of numbers")
    return np.ascontiguousarray(found).reshape(found.shape)


# --- both sides -----------------------------------------------------------------------------------


def described(values: "Sequence[NDArray[Any]]") -> list[list[Any]]:
    """Kind and shape of each array, (N, C, H, W) or any other, for a header."""
    return [[value.dtype.name, list(value.shape)] for value in values]


def arrays(said: object, payload: bytes) -> "list[NDArray[Any]]":
    """The arrays, (N, C, H, W) or any other, that a header describes. Raises BadData."""
    import numpy as np

    found, place = [], 0
    for dtype, shape in said if isinstance(said, list) else []:
        if dtype not in TYPES or not all(type(n) is int and n >= 0 for n in shape):
            raise BadData(f"an array of {dtype} {shape}")
        kind, count = np.dtype(dtype), int(np.prod(shape, dtype=object))
        size = count * kind.itemsize
        if place + size > len(payload):
            raise BadData(f"an array of {size} bytes, and {len(payload) - place} came")
        found.append(np.frombuffer(payload, kind, count, place).reshape(shape))
        place += size
    return found


if __name__ == "__main__":
    main()
