"""ONNX networks through onnxruntime, an extra: checked first, bounded in memory, interruptible.

Networks of any framework are data and a closed list of operations there. They have no gradients.
"""

import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from latty.checkpoints import onnxfile
from latty.checkpoints.onnxfile import Network
from latty.errors import BadData, Missing
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTALL = "pip install 'latty[onnx]'"
SILENT = 4  # what onnxruntime says by itself: its errors are raised, too
MOST_MEMORY = 4 * 2**30  # bytes of what one network computes, all networks of a process together
SHORT = ("is smaller than requested", "Failed to allocate", "out of memory", "bad_alloc")


class OnnxSession:
    """A network that is open: names to arrays in, arrays out."""

    def __init__(self, data: bytes, file: str) -> None:
        """Of the bytes of a file. Raises Refusal for one that reaches beyond itself or may never
        end, Missing without onnxruntime, BadData for what it cannot run."""
        self.file = clean(file)
        self.network: Network = onnxfile.read(memoryview(data))
        self.session: Any = _opened(data, self.network, self.file)

    def run(self, values: "Mapping[str, NDArray[Any]]") -> "list[NDArray[Any]]":
        """The outputs, such as (N, C, H, W), in the order of the file.

        onnxruntime works in a thread of its own, so that a signal is heard meanwhile. Raises
        MemoryError, BadData where the network cannot run on these.
        """
        runtime = _runtime()
        options, found, done = runtime.RunOptions(), list[Any](), threading.Event()
        options.log_severity_level = SILENT

        def work() -> None:
            try:
                found.append(self.session.run(None, dict(values), options))
            except Exception as error:  # onnxruntime's own classes have no common parent but this
                found.append(error)
            finally:
                done.set()

        threading.Thread(target=work, name="onnxruntime").start()
        try:
            done.wait()  # a join that a signal ends takes the thread for ended, too
        finally:
            options.terminate = True
            done.wait()
        if isinstance(found[0], Exception):
            raise self._failed(found[0])
        return list(found[0])

    def _failed(self, error: Exception) -> Exception:
        if any(words in str(error) for words in SHORT):
            return MemoryError(f"{self.file} needs more than {MOST_MEMORY >> 30} GiB at once")
        return BadData(f"{self.file} does not run: {words_of(error)}")


def _runtime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        what = "ONNX networks need onnxruntime, which is not installed"
        raise Missing(what, INSTALL) from None
    return onnxruntime


@cache
def _bounded() -> None:
    """One allocator for all sessions of this process, which gives no more than it may."""
    runtime = _runtime()
    runtime.create_and_register_allocator(
        runtime.OrtMemoryInfo(
            "Cpu", runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, runtime.OrtMemType.DEFAULT
        ),
        runtime.OrtArenaCfg({"max_mem": MOST_MEMORY, "arena_extend_strategy": 1}),
    )


def _opened(data: bytes, network: Network, file: str) -> Any:
    """The session, on CUDA where there is one. Raises Missing, BadData."""
    runtime = _runtime()
    _bounded()
    options = runtime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.use_env_allocators", "1")
    known = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in known if name in runtime.get_available_providers()]

    def opened(code: bytes) -> Any:
        # Constants are not folded: that would compute before the bound holds. The second attempt
        # of a fallback would be announced on stdout, which is for results.
        return runtime.InferenceSession(code, options, providers=providers, enable_fallback=0,
                                        disabled_optimizers=["ConstantFolding"])  # fmt: skip

    try:
        return opened(data)
    except Exception as error:  # onnxruntime's own classes have no common parent but this
        first, newest = error, re.search(r"max supported IR version: (\d+)", str(error))
    if newest is not None and network.version > int(newest[1]):
        try:  # a later version only adds kinds of numbers, and without them nothing is new
            return opened(_of_version(data, network, int(newest[1])))
        except Exception as error:
            first = error
    with_it = f"onnxruntime {runtime.__version__}"
    if "under development" in str(first):
        what = f"{file} is of opset {network.opset} of ONNX, which is too new for {with_it}"
        raise BadData(what, "export it with opset_version=18, or update onnxruntime")
    raise BadData(f"{file} is no ONNX network that {with_it} opens: {words_of(first)}")


def _of_version(data: bytes, network: Network, version: int) -> bytes:
    start, stop = network.version_at
    return data[:start] + bytes([version]) + data[stop:]


def words_of(error: Exception) -> str:
    """What onnxruntime says, in one short line."""
    said = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    said = re.sub(r"\S*/onnxruntime\S* (\S+ )?(\S*::\S*\([^)]*\) )?", "", said)
    return clean(said, 160)
