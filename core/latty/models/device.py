"""Where tensors live: "auto", "cpu", "cuda", "cuda:1" or "mps"."""

import torch

from latty.errors import DeviceError


def pick_device(name: str = "auto") -> torch.device:
    """The device a name stands for; raises DeviceError where this machine does not have it."""
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
