"""In which numbers the layers of a network compute: fp32, bf16 or fp16, and what "auto" is.

Of pictures that are kept "auto" is fp32 on every device: the same recipe gives the same bytes on
whatever machine of a kind, and the pictures are those of the reference code. Whatever the
precision, latents, codes, styles, statistics and finished pictures are float32.
"""

import time
from statistics import median
from typing import TYPE_CHECKING

from latty.errors import DeviceError
from latty.scene import AUTO, BF16, FP16, FP32

if TYPE_CHECKING:  # the words are needed where nothing is drawn
    import torch


TRIES = 6
DTYPES = {FP32: "float32", BF16: "bfloat16", FP16: "float16"}


def settled(*words: str) -> str:
    """The precision of pictures that are kept: the first of these words that says one."""
    return next((word for word in words if word != AUTO), FP32)


def dtype_of(precision: str) -> "torch.dtype":
    """torch's name for it."""
    import torch

    found: torch.dtype = getattr(torch, DTYPES[precision])
    return found


def native(device: "torch.device") -> tuple[str, ...]:
    """The precisions in which a device computes by itself, fp32 first: a CPU bf16 where it has
    AMX or AVX512-BF16, a GPU fp16, and bf16 from Ampere on."""
    import torch

    if device.type == "cuda":
        recent = torch.cuda.get_device_capability(device) >= (8, 0)
        return (FP32, BF16, FP16) if recent else (FP32, FP16)
    if device.type == "mps":
        recent = torch.backends.mps.is_macos_or_newer(14, 0)
        return (FP32, BF16, FP16) if recent else (FP32, FP16)
    has = torch.cpu.get_capabilities()
    return (FP32, BF16) if has.get("amx_bf16") or has.get("avx512_bf16") else (FP32,)


def gain(device: "torch.device", precision: str) -> float:
    """How many times as quick as in fp32 a device convolves features (1, 256, 64, 64) with weights
    (256, 256, 3, 3): the median of a few tries, in a tenth of a second."""
    import torch

    def seconds(kind: str) -> float:
        def tensor(*shape: int) -> torch.Tensor:
            drawn = torch.zeros(shape, device=device, dtype=dtype_of(kind))
            return drawn.contiguous(memory_format=torch.channels_last)

        x, weight, tries = tensor(1, 256, 64, 64), tensor(256, 256, 3, 3), []
        for _ in range(TRIES):
            begun = time.perf_counter()
            # a number that comes back: what was asked of a GPU is done then
            float(torch.nn.functional.conv2d(x, weight, padding=1)[0, 0, 0, 0])
            tries.append(time.perf_counter() - begun)
        return median(tries[1:])  # the first one prepares

    with torch.inference_mode():
        return seconds(FP32) / seconds(precision)


def refuse(precision: str, device: "torch.device") -> None:
    """Raises DeviceError for a precision in which a device draws nothing. bf16 runs on every CPU,
    in software where it is not native."""
    if device.type == "cpu" and precision == FP16:
        raise DeviceError("a CPU draws nothing in fp16", "take bf16 or fp32; GPUs have fp16")
    if device.type != "cpu" and precision not in (known := native(device)):
        raise DeviceError(f"{device} draws nothing in {precision}", f"take {' or '.join(known)}")
