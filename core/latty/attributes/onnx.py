"""Scorers of any framework, as ONNX, which has no gradient: nothing can be climbed through one."""

from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from latty import reading
from latty.attributes.card import Card
from latty.checkpoints import onnxfile
from latty.checkpoints.onnxfile import Network
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, OutputError, UnfitFile
from latty.models.onnx_session import OnnxSession

TYPES = ("float32", "float16", "uint8")


class OnnxNetwork:
    """pictures (N, C, H, W) -> numbers (N, A); several outputs are joined in their order."""

    def __init__(self, path: Path, card: Card) -> None:
        self.file, self.channels = path.name, card.channels
        self.session = _session(path)
        self.name, self.dtype, shape = _input(self.session.network, self.file)
        if len(shape) != 4 or self.dtype not in TYPES:
            what = f"{self.file} takes {self.dtype} of {len(shape)} axes, not pictures"
            raise BadData(what, "(N, C, H, W) or (N, H, W, C) of float32, float16 or uint8")
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

    def _run(self, array: NDArray[Any]) -> Tensor:
        """One batch; a network of a fixed batch gets its last pictures repeated."""
        import numpy as np

        count = len(array)
        if self.batch > count:
            array = np.concatenate([array, np.repeat(array[-1:], self.batch - count, 0)])
        try:
            outputs = self.session.run({self.name: array})
        except MemoryError as error:
            raise BadData(str(error)) from None
        parts = [torch.from_numpy(np.array(out, np.float32)) for out in outputs]
        if any(part.dim() < 1 or len(part) != len(array) for part in parts):
            raise BadData(f"{self.file} gives no numbers per picture", "export it for a batch")
        return torch.cat([part.flatten(1) for part in parts], 1)[:count]


def _input(network: Network, file: str) -> tuple[str, str, tuple[int | str, ...]]:
    """Name, type and shape of the one input. Raises BadData."""
    inputs = network.wanted
    if len(inputs) != 1:
        raise BadData(f"{file} takes {len(inputs)} inputs", "export it for pictures alone")
    return inputs[0].name, inputs[0].dtype, inputs[0].shape or ()


def _session(path: Path) -> OnnxSession:
    """The network, opened. Raises Missing, OutputError, BadData, DeviceError, ConfigError."""
    try:
        code = reading.content(path, onnxfile.LARGEST)
        return OnnxSession(onnxfile.read(memoryview(code)), path.name)
    except UnfitFile:
        raise
    except OSError as error:
        raise OutputError(f"cannot read {path.name}: {error.strerror}") from None
    except Refusal as refusal:
        raise refusal.about(path.name) from None
