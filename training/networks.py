"""Networks made ready: laid out for training, folded and written for the wheel."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from latty.attributes.scorers.factors.network import Regressor
from latty.models.families.portraits.renderer import NAMES


def channels_last(network: nn.Module) -> None:
    """Lay the convolutions out as the CPU and tensor cores read them fastest, in place."""
    for parameter in network.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def fold(network: Regressor) -> Regressor:
    """The same function without batch normalisation: y = (W x - mean) gain + bias."""
    plain = Regressor(network.widths, network.hidden)
    tensors = {}
    names = [*(f"stages.{i}" for i in range(len(network.stages))), "reduce"]
    for name in names:
        conv = network.get_submodule(f"{name}.0")
        norm = network.get_submodule(f"{name}.1")
        assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None and norm.running_var is not None
        gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        tensors[f"{name}.0.weight"] = conv.weight * gain.view(-1, 1, 1, 1)
        tensors[f"{name}.0.bias"] = norm.bias - norm.running_mean * gain
    for name in ("inner", "outer"):
        tensors[f"{name}.weight"] = getattr(network, name).weight
        tensors[f"{name}.bias"] = getattr(network, name).bias
    plain.load_state_dict({name: tensor.detach().clone() for name, tensor in tensors.items()})
    return plain


def write_regressor(network: Regressor, path: Path, notes: dict[str, str]) -> None:
    """Fold and store as fp16 safetensors."""
    state = fold(network).state_dict()
    tensors = {name: t.cpu().to(torch.float16).contiguous() for name, t in state.items()}
    widths = " ".join(str(width) for width in network.widths)
    metadata = {"widths": widths, "hidden": str(network.hidden), "factors": " ".join(NAMES)}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(tensors, temporary, {**metadata, **notes})
    temporary.chmod(0o644)  # safetensors writes for the owner alone; these files are shipped
    temporary.replace(path)
