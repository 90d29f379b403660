"""FastGAN in torch's own layers, under its authors' tensor names: what ours is compared with.

Liu et al. 2021 (arXiv:2101.04775), section 3.1 and figure 3; Sauer et al. 2021 (arXiv:2111.01007).
"""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from latty.models.conversion.fastgan import divided

WIDTHS = {4: 16, 8: 8, 16: 4, 32: 2, 64: 2, 128: 1, 256: 1 / 2, 512: 1 / 4, 1024: 1 / 8}
GATED_BY = {64: 4, 128: 8, 256: 16, 512: 32}
TWICE = (8, 32, 128, 512)  # px of FastGAN's stages of two convolutions
LATENT = 6


class Strength(nn.Module):
    """The strength of the noise: one number."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))


class ClassNorm(nn.Module):
    """Batch norm without an affine of its own; a class vector gives it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain, self.bias = (spectral_norm(nn.Linear(LATENT, width)) for _ in range(2))
        self.register_buffer("stored_mean", torch.zeros(width))
        self.register_buffer("stored_var", torch.ones(width))

    def forward(self, x: Tensor, vector: Tensor) -> Tensor:
        x = F.batch_norm(x, self.stored_mean, self.stored_var, None, None, self.training)
        return x * (1 + self.gain(vector))[..., None, None] + self.bias(vector)[..., None, None]


def layer(outputs: int, inputs: int, side: int, bias: bool = False) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, side, 1, (side == 3) * 1, bias=bias))


class Network(nn.Module):
    """FastGAN, or the `projected` one; `twice`: the stages of two convolutions; `more`: px up to
    which it has layers that it does not use."""

    def __init__(
        self,
        size: int,
        width: int,
        twice: Sequence[int] = TWICE,
        classes: int = 0,
        projected: bool = False,
        more: int = 0,
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.size, self.projected, self.twice = size, projected, twice
        widths = {px: int(times * width) for px, times in WIDTHS.items()}
        first = spectral_norm(nn.ConvTranspose2d(LATENT, 2 * widths[4], 4, bias=False))
        self.init = nn.ModuleDict({"init": nn.ModuleList([first, nn.BatchNorm2d(2 * widths[4])])})
        for px in (px for px in WIDTHS if 4 < px <= max(size, more)):
            make = self._class_stage if classes else self._stage
            self.add_module(f"feat_{px}", make(px, widths[px // 2], widths[px]))
            if px in GATED_BY:
                out, inputs = widths[px], widths[GATED_BY[px]]
                gates = {"1": layer(out, inputs, 4), "3": layer(out, out, 1)}
                self.add_module(f"se_{px}", nn.ModuleDict({"main": nn.ModuleDict(gates)}))
        self.to_big = layer(3, widths[size], 3, bias=projected)
        if not projected:
            self.to_128 = layer(3, widths[128], 1)
        if classes:
            self.embed = nn.Embedding(classes, LATENT)

    def _stage(self, px: int, inputs: int, out: int) -> nn.Module:
        norms = [nn.BatchNorm2d(2 * out) for _ in range(2)]
        if px not in self.twice:
            return nn.ModuleDict({"1": layer(2 * out, inputs, 3), "2": norms[0]})
        first = {"1": layer(2 * out, inputs, 3), "2": Strength(), "3": norms[0]}
        return nn.ModuleDict({**first, "5": layer(2 * out, out, 3), "6": Strength(), "7": norms[1]})

    def _class_stage(self, px: int, inputs: int, out: int) -> nn.Module:
        if px not in self.twice:
            return nn.ModuleDict({"conv": layer(2 * out, inputs, 3), "bn": ClassNorm(2 * out)})
        convs = {"conv1": layer(2 * out, inputs, 3), "conv2": layer(2 * out, out, 3)}
        norms = {"bn1": ClassNorm(2 * out), "bn2": ClassNorm(2 * out)}
        return nn.ModuleDict({**convs, **norms, "noise": Strength()})

    def forward(self, z: Tensor, label: Tensor | None = None, seed: int | None = None) -> Tensor:
        """Pictures (N, 3, H, W) of latents (N, Z) and class weights (N, classes)."""
        if self.projected:
            z = z / (z.square().mean(1, keepdim=True) + 1e-8).sqrt()
        first, batch_norm = self.init["init"]
        x, number = F.glu(batch_norm(first(z[:, :, None, None])), 1), 1
        seen = {4: x}
        for px in (px for px in WIDTHS if 4 < px <= self.size):
            stage = self.get_submodule(f"feat_{px}")
            x = F.interpolate(x, scale_factor=2)
            for conv, noise, batch_norm in parts(stage):
                x = conv(x)
                if noise is not None and seed is not None:
                    drawn = np.random.RandomState([seed, number]).randn(px, px)
                    x = x + noise.weight * torch.from_numpy(drawn).float()
                vector = None if label is None else (label @ self.embed.weight,)
                x, number = F.glu(batch_norm(x, *(vector or ())), 1), number + 1
            if px in GATED_BY:
                main = self.get_submodule(f"se_{px}")["main"]
                gates = main["1"](F.adaptive_avg_pool2d(seen[GATED_BY[px]], 4))
                x = x * main["3"](gates * gates.sigmoid()).sigmoid()
            seen[px] = x
        x = self.to_big(x)
        return x.tanh() if self.size == 1024 and not self.projected else x


def parts(stage: nn.Module) -> list[tuple[nn.Module, nn.Module | None, nn.Module]]:
    """The convolutions of a stage, each with its noise and norm."""
    has, at = stage.keys(), stage.__getitem__
    if "conv" in has:
        return [(at("conv"), None, at("bn"))]
    if "conv1" in has:
        return [(at(f"conv{i}"), at("noise"), at(f"bn{i}")) for i in (1, 2)]
    if "5" in has:
        return [(at("1"), at("2"), at("3")), (at("5"), at("6"), at("7"))]
    return [(at("1"), None, at("2"))]


def trained(network: Network) -> Network:
    """Random weights and statistics in which every tensor matters, as after some training."""
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 0.3 if parameter.dim() == 1 else 1.0
            centre = float(parameter.dim() == 1 and name.endswith("weight"))
            parameter.copy_(scale * torch.randn(parameter.shape) + centre)
        classes = len(network.embed.weight) if hasattr(network, "embed") else 0
        label = torch.eye(classes)[torch.arange(2) % classes] if classes else None
        for _ in range(1 if network.size > 512 else 3):  # statistics, and a power iteration each
            network(torch.randn(2, LATENT), label)
    return network.eval().requires_grad_(False)


def our_tensors(network: Network, prefix: str = "") -> Mapping[str, Tensor]:
    """The tensors of a network in latty's layout, under a prefix."""
    return {prefix + name: t.contiguous() for name, t in divided(network.state_dict()).items()}


def written(network: Network, folder: Path) -> Path:
    """The file that the authors' training script writes."""
    file = folder / "network.pkl"
    if not network.projected:
        torch.save({"g": network.state_dict(), "d": {"x": torch.ones(1)}}, file)
        return file
    whole = torch.nn.ModuleDict({"mapping": torch.nn.Identity(), "synthesis": network})
    whole.img_resolution = network.size
    file.write_bytes(pickle.dumps({"G_ema": whole, "D": torch.nn.Conv2d(3, 1, 3)}))
    return file
