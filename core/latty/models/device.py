"""Where tensors live, "auto", "cpu", "cuda", "cuda:1" or "mps", and how exactly a GPU computes.

What torch leaves open is set here, for every device that is chosen (docs/precision.md): fp32 is
fp32, in convolutions, too, where torch would take TF32, whose mantissa has 10 bits; and the same
picture has the same bytes again, for which cuDNN may neither choose algorithms by the clock nor
take those that add in any order.
"""

import torch

from latty.errors import DeviceError


def pick_device(name: str = "auto") -> torch.device:
    """The device a name stands for; raises DeviceError where this machine does not have it."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise DeviceError(
            f"'{name}' is no device", "write auto, cpu, cuda, cuda:1 or mps"
        ) from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        found = f"torch sees {torch.cuda.device_count()} CUDA devices"
        raise DeviceError(f"no device {name} here", f"{found}; try --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("no device mps here", "try --device cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise DeviceError(f"device {name} is not supported", "write auto, cpu, cuda or mps")
    return device
