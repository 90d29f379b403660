"""Networks of any framework, as ONNX, through onnxruntime: data, and a closed list of operations.

onnxruntime is an extra. There is no gradient, so nothing can be climbed through such a network.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from latty.attributes.card import Card
from latty.errors import BadData, Missing, OutputError
from latty.text import clean

if TYPE_CHECKING:
    from numpy.typing import NDArray

ELSEWHERE = b"\x0a\x08location"  # how ONNX (protobuf) says that numbers lie in another file
TYPES = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(uint8)": "uint8"}
ERRORS_ONLY = 3  # what onnxruntime says by itself
INSTALL = "pip install 'latty[onnx]'"


class OnnxNetwork:
    """pictures (N, C, H, W) -> numbers (N, A); several outputs are joined in their order."""

    def __init__(self, path: Path, card: Card) -> None:
        self.file, self.channels = path.name, card.channels
        self.session = _session(path)
        self.name, kind, shape = _input(self.session, self.file)
        if len(shape) != 4 or kind not in TYPES:
            what = f"{self.file} takes {clean(kind)} of {len(shape)} axes, not pictures"
            raise BadData(what, "(N, C, H, W) or (N, H, W, C) of float32, float16 or uint8")
        self.dtype = TYPES[kind]
        last = shape[3] == card.channels != shape[1]
        self.last = card.layout == "nhwc" if card.layout else last
        taken = [shape[i] for i in ((3, 1, 2) if self.last else (1, 2, 3))]
        for given, wanted in zip(taken, (card.channels, *card.size), strict=True):
            if isinstance(given, int) and given not in (wanted, 0, -1):
                what = f"{self.file} takes pictures of {taken} (channels, height, width)"
                raise BadData(what, f"the TOML says {[card.channels, *card.size]}")
        self.batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else 0

    def __call__(self, x: Tensor) -> Tensor:
        """Numbers (N, A) of pictures as the network wants them; raises BadData."""
        if x.requires_grad and torch.is_grad_enabled():
            raise BadData(
                f"{self.file} is ONNX, which has no gradient to climb",
                "a resnet or cnn scorer has one; see docs/scorers.md",
            )
        pictures = x.detach().cpu()
        if self.last:
            pictures = pictures.permute(0, 2, 3, 1)
        if self.dtype == "uint8":
            pictures = pictures.round().clamp(0, 255)
        array = pictures.contiguous().numpy().astype(self.dtype)
        step = self.batch or max(1, len(array))
        found = [self._run(array[i : i + step]) for i in range(0, len(array), step)]
        return torch.cat(found).to(x.device) if found else torch.zeros(0, 0)

    def _run(self, array: "NDArray[Any]") -> Tensor:
        """One batch; a network of a fixed batch gets its last pictures repeated."""
        import numpy as np

        count = len(array)
        if self.batch > count:
            array = np.concatenate([array, np.repeat(array[-1:], self.batch - count, 0)])
        try:
            outputs: Sequence[NDArray[Any]] = self.session.run(None, {self.name: array})
        except Exception as error:  # onnxruntime's own classes have no common parent but this
            raise BadData(f"{self.file} does not run: {_words(error)}") from None
        parts = [torch.from_numpy(np.array(out, np.float32)) for out in outputs]
        if any(part.dim() < 1 or len(part) != len(array) for part in parts):
            raise BadData(f"{self.file} gives no numbers per picture", "export it for a batch")
        return torch.cat([part.flatten(1) for part in parts], 1)[:count]


def _input(session: Any, file: str) -> tuple[str, str, list[Any]]:
    """Name, type and shape of the one input. Raises BadData."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise BadData(f"{file} takes {len(inputs)} inputs", "export it for pictures alone")
    try:
        return str(inputs[0].name), str(inputs[0].type), list(inputs[0].shape)
    except UnicodeDecodeError as error:
        raise BadData(f"{file} is no ONNX network: {_words(error)}") from None


def _session(path: Path) -> Any:
    """The network, opened on the CPU or CUDA. Raises Missing, OutputError, BadData."""
    try:
        import onnxruntime
    except ImportError:
        raise Missing("ONNX scorers need onnxruntime, which is not installed", INSTALL) from None
    try:
        data = path.read_bytes()
    except OSError as error:
        raise OutputError(f"cannot read {path.name}: {error.strerror}") from None
    if ELSEWHERE in data:
        raise BadData(f"{path.name} keeps its numbers in another file", "save it as one file")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERRORS_ONLY
    options.intra_op_num_threads = torch.get_num_threads()
    known = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in known if name in onnxruntime.get_available_providers()]
    try:
        # Its second attempt would be announced on stdout, which is for results.
        return onnxruntime.InferenceSession(data, options, providers=providers, enable_fallback=0)
    except Exception as error:  # onnxruntime's own classes have no common parent but this
        raise BadData(f"{path.name} is no ONNX network: {_words(error)}") from None


def _words(error: Exception) -> str:
    return clean(" ".join(str(error).split()), 160)
