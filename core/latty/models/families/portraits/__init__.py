"""Procedural portraits: no weights, exact factors, any size. Not a GAN: a designed latent space.

A latent z is rotated, bent by a leaky ReLU and rotated again into one code w. Four layers read
their own copy of it (pose, shape, expression, colour); each row of a layer's style matrix makes
one factor of the renderer. Rows have unequal gains and overlap slightly, so what a
method discovers can be compared with the truth. Every number comes from a fixed numpy seed.
Letters: N batch, L layers, D latent width, Z z-width, H W pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import leaky_relu

from latty.errors import UsageError
from latty.models.base import Labels, Meta, ModelInfo, sample_normal
from latty.models.checks import fitting_codes, truncated
from latty.models.families.portraits.renderer import NAMES, render
from latty.scene import Noise

SIGNATURE = "no file"
HEADER = {"num_layers": "4", "num_classes": "0", "resolution": "256", "channels": "3"}
NOISE = False
FP32_ONLY = True

WIDTH = 32  # Z and D
SEED = 11
ANY_SIZE = True  # known before torch is imported
# Of this very model, in recipes: another one if its pictures become others.
DIGEST = "c51269e911c480851df37fe8f03e386752dde946e34e4898f94b906bc5a75382"
SLOPE = 0.6  # of the mapping's leaky ReLU: invertible, mildly non-linear
OVERLAP = 0.15  # length of the random part of a style row beside its own axis
PART = 2**17  # pixels drawn at once
REST = 0.35  # spread of the code along directions that no factor reads

# Layer by layer: factor and gain. The gain is how strongly the code varies along the factor and
# how strongly the layer reads it, so an unsupervised method finds the factors in this order.
LAYERS: tuple[dict[str, float], ...] = (
    {"yaw": 2.0, "pos_x": 1.7, "scale": 1.5, "pos_y": 1.1, "pitch": 1.0, "roll": 0.95},
    {
        "hair_length": 1.8,
        "glasses": 1.4,
        "beard": 0.88,
        "age": 0.85,
        "fringe": 0.75,
        "face_width": 0.65,
    },
    {"smile": 1.25, "mouth_open": 0.8, "eye_size": 0.7, "gaze": 0.6, "brow": 0.55},
    {
        "bg_hue": 1.9,
        "skin": 1.6,
        "shirt_hue": 1.3,
        "light": 1.2,
        "hair_color": 1.15,
        "brightness": 0.9,
    },
)
ORDER = tuple(name for layer in LAYERS for name in layer)
BOUNDS = tuple(int(n) for n in np.cumsum([0, *(len(layer) for layer in LAYERS)]))


def build(tensors: Mapping[str, Tensor], meta: Meta, device: torch.device) -> Portraits:
    """The model, at 256 x 256 pixels; `tensors`, of any shape (...,), are not looked at."""
    with torch.inference_mode(False):  # the model is kept: gradients may be asked of it later
        return Portraits(device)


def _orthogonal(random: np.random.RandomState) -> np.ndarray:
    """A random orthogonal matrix (D, D); the signs that QR leaves open are fixed."""
    q, r = np.linalg.qr(random.randn(WIDTH, WIDTH))
    return np.asarray(q * np.sign(np.diag(r)))


class Portraits:
    """A Generator with layer weights and exact factors."""

    def __init__(self, device: torch.device, size: int = 256) -> None:
        self.device = device
        random = np.random.RandomState(SEED)
        first, second, axes = (_orthogonal(random) for _ in range(3))
        gains = np.array([gain for layer in LAYERS for gain in layer.values()])
        axes = axes[: len(ORDER)]
        rows = axes + OVERLAP * random.randn(*axes.shape) / math.sqrt(WIDTH)
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        spread = axes.T @ np.diag(gains / gains.mean()) @ axes
        spread = spread + REST * (np.eye(WIDTH) - axes.T @ axes)
        # Mean and variance of a standard normal after the leaky ReLU.
        mean = (1 - SLOPE) / math.sqrt(2 * math.pi)
        variance = (1 + SLOPE**2) / 2 - mean**2
        centre = np.full(WIDTH, mean) @ second @ spread
        style = rows * gains[:, None]
        deviation = np.linalg.norm(style @ spread.T, axis=1) * math.sqrt(variance)
        self._first, self._second = self._tensor(first), self._tensor(second @ spread)
        self._style, self._deviation = self._tensor(style), self._tensor(deviation)
        self._centre = self._tensor(centre)
        self.info = ModelInfo(
            "portraits", "portraits", size, size, 3, WIDTH, 4, WIDTH, digest=DIGEST
        )

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array.astype(np.float32)).to(self.device)

    def at_size(self, size: int) -> Portraits:
        """The same model drawing `size` x `size` pixels."""
        other = object.__new__(Portraits)
        other.__dict__.update(self.__dict__)
        other.info = replace(self.info, height=size, width_px=size)
        return other

    def sample(self, seeds: Sequence[int]) -> Tensor:
        """Latents z (N, Z), one per seed."""
        return sample_normal(seeds, WIDTH).to(self.device)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D); every layer has the same one until it is edited or truncated.
        Raises UsageError for a label: there are no classes."""
        if label is not None:
            raise UsageError("portraits has no classes", "leave the label out")
        w = leaky_relu(z.to(self.device) @ self._first, SLOPE) @ self._second
        codes = w[:, None].expand(-1, len(LAYERS), -1)
        return codes if truncation == 1 else self.truncate(codes, truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D) moved toward the mean code below layer `cutoff`."""
        return truncated(codes, self._centre, truncation, cutoff)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Images (N, 3, H, W) in [-1, 1]; there is no noise to choose."""
        size = self.info.height
        # Edges are antialiased in closed form; only small pictures need samples inside a pixel.
        samples = 2 if size < 128 else 1
        # Parts that fit the processor's cache take two thirds of the time, and bounded memory.
        parts = torch.split(self.factors(codes), max(1, PART // (size * samples) ** 2))
        return torch.cat([render(part, size, ss=samples) for part in parts]) * 2 - 1

    def layer_weights(self) -> list[Tensor]:
        """The style matrix (factors, D) of each layer."""
        return [self._style[a:b] for a, b in pairwise(BOUNDS)]

    def factor_names(self) -> tuple[str, ...]:
        """Names of the columns of `factors`, in the renderer's order."""
        return NAMES

    def factor_units(self) -> tuple[str, ...]:
        """What each column of `factors` counts: glasses are there by a share."""
        return tuple("0..1" if name == "glasses" else "-1..1" for name in NAMES)

    def factors(self, codes: Tensor) -> Tensor:
        """The exact factors (N, 23) that the codes (N, L, D) stand for. Raises UsageError for
        codes of another shape."""
        codes = fitting_codes(self.info, codes, self.device) - self._centre
        layers = zip(codes.unbind(1), self.layer_weights(), strict=True)
        normal = torch.cat([code @ style.t() for code, style in layers], 1) / self._deviation
        columns = {name: _shape(name, normal[:, i]) for i, name in enumerate(ORDER)}
        return torch.stack([columns[name] for name in NAMES], 1)


def _shape(name: str, q: Tensor) -> Tensor:
    """A roughly standard normal number to a factor of that name, smoothly and increasing."""
    if name == "glasses":
        return torch.sigmoid(8 * (q - 0.3))
    if name == "beard":
        return torch.tanh(1.6 * (q - 0.8))
    if name in ("age", "mouth_open"):
        return torch.tanh(0.9 * (q - 0.6))
    return torch.erf(q * math.sqrt(0.5))
