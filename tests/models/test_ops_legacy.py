"""ProGAN's and StyleGAN1's operations against slow loops written from the equations, float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from latty.errors import BadData
from latty.models import ops
from latty.models.conversion import stylegan1 as common
from latty.models.families.progan.network import ProGANConv
from latty.models.families.stylegan1.network import StyleGAN1Layer, StyleGAN1Mapping


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed + sum(shape)).randn(*shape))


def slow_conv(x: np.ndarray, weight: np.ndarray, pad: int) -> np.ndarray:
    """Correlation of x (I, H, W), zeros outside, with weight (O, I, k, k)."""
    k = weight.shape[-1]
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    h, w = x.shape[1] - k + 1, x.shape[2] - k + 1
    y = np.zeros((len(weight), h, w))
    for a in range(h):
        for b in range(w):
            y[:, a, b] = (weight * x[:, a : a + k, b : b + k]).sum((1, 2, 3))
    return y


def slow_doubled(x: np.ndarray) -> np.ndarray:
    c, h, w = x.shape
    y = np.zeros((c, 2 * h, 2 * w))
    for a in range(2 * h):
        for b in range(2 * w):
            y[:, a, b] = x[:, a // 2, b // 2]
    return y


def slow_fused(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The reference's fused form of weight (I, O, 3, 3): the sum of four shifted copies, (4, 4);
    every pixel of x (I, H, W) stamps it, two pixels apart, and one line is cut off all around."""
    _, h, w = x.shape
    stamp = np.zeros((*weight.shape[:2], 4, 4))
    for dy in range(2):
        for dx in range(2):
            stamp[:, :, dy : dy + 3, dx : dx + 3] += weight
    y = np.zeros((weight.shape[1], 2 * h + 2, 2 * w + 2))
    for a in range(h):
        for b in range(w):
            y[:, 2 * a : 2 * a + 4, 2 * b : 2 * b + 4] += np.einsum(
                "i,ioyx->oyx", x[:, a, b], stamp
            )
    return y[:, 1:-1, 1:-1]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 4), (3, 5)])
def test_doubling_and_convolving_is_one_transposed_convolution(height: int, width: int) -> None:
    x, weight, bias = randn(2, 3, height, width), randn(4, 3, 3, 3), randn(4)
    got = ProGANConv(ops.doubling(weight), bias, up=True)(x)
    for picture, y in zip(x.numpy(), got, strict=True):
        wanted = slow_conv(slow_doubled(picture), weight.numpy(), 1) + bias.numpy()[:, None, None]
        torch.testing.assert_close(y, torch.from_numpy(wanted), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("size", [1, 4, 5])
def test_the_fused_form_is_the_same_with_the_kernel_turned(size: int) -> None:
    x, weight = randn(2, 3, size, size), randn(3, 4, 3, 3)
    conv = ProGANConv(
        ops.doubling(common.plain(weight.transpose(0, 1), True)), torch.zeros(4).double(), True
    )
    for picture, y in zip(x.numpy(), conv(x), strict=True):
        wanted = slow_fused(picture, weight.numpy())
        torch.testing.assert_close(y, torch.from_numpy(wanted), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize(("kernel", "pad", "size"), [(4, 3, 1), (3, 1, 5), (1, 0, 3)])
def test_plain_convolutions(kernel: int, pad: int, size: int) -> None:
    x, weight = randn(1, 3, size, size), randn(2, 3, kernel, kernel)
    got = ProGANConv(weight, torch.zeros(2).double())(x)[0]
    wanted = torch.from_numpy(slow_conv(x[0].numpy(), weight.numpy(), pad))
    torch.testing.assert_close(got, wanted, atol=1e-12, rtol=1e-12)


def test_from_which_size_on_up_sampling_is_fused() -> None:
    assert [common.fused_from(said) for said in ("auto", True)] == [128, 4]
    assert common.fused_from(False) > 1 << 16
    with pytest.raises(BadData, match="fused_scale"):
        common.fused_from("always")


def test_pixel_norm() -> None:
    x = randn(2, 5, 3, 3)
    wanted = torch.empty_like(x)
    for n in range(2):
        for a in range(3):
            for b in range(3):
                mean = sum(x[n, c, a, b].item() ** 2 for c in range(5)) / 5
                wanted[n, :, a, b] = x[n, :, a, b] / math.sqrt(mean + 1e-8)
    torch.testing.assert_close(ops.pixel_norm(x), wanted)


# --- one layer of StyleGAN1 -----------------------------------------------------------------------


def layer_tensors(index: int, inputs: int, outputs: int, size: int) -> dict[str, Tensor]:
    name = f"synthesis.layer{index}"
    return {
        "synthesis.const": randn(outputs, 4, 4),
        f"{name}.weight": randn(outputs, inputs, 3, 3),
        f"{name}.bias": randn(outputs),
        f"{name}.noise_weight": randn(outputs, seed=3),
        f"{name}.noise": randn(size, size),
        f"{name}.style.weight": randn(2 * outputs, 6),
        f"{name}.style.bias": randn(2 * outputs, seed=4),
    }


def slow_layer(
    index: int, tensors: dict[str, Tensor], x: np.ndarray | None, code: np.ndarray, epsilon: float
) -> np.ndarray:
    """Figure 1b, one picture: up, convolution, blur, bias, noise, leaky ReLU, norm, style."""
    t = {name.rpartition(f"layer{index}.")[2]: v.numpy() for name, v in tensors.items()}
    bias, outputs = t["bias"][:, None, None], len(t["bias"])
    if x is None:
        y = t["synthesis.const"] + bias
    else:
        weight = t["weight"] * math.sqrt(2) / math.sqrt(t["weight"][0].size)
        y = slow_conv(slow_doubled(x) if index % 2 == 0 else x, weight, 1)
        if index % 2 == 0:
            blur = np.outer([1, 2, 1], [1, 2, 1]) / 16
            y = np.concatenate([slow_conv(plane[None], blur[None, None], 1) for plane in y])
        y = y + bias
    y = y + t["noise_weight"][:, None, None] * t["noise"]
    y = np.where(y < 0, 0.2 * y, y)
    style = t["style.weight"] @ code / math.sqrt(len(code)) + t["style.bias"]
    for c in range(outputs):
        plane = y[c] - y[c].mean()
        y[c] = plane / math.sqrt((plane**2).mean() + epsilon) * (style[c] + 1) + style[outputs + c]
    return y


@pytest.mark.parametrize("epsilon", [1e-8, 1e-5, 0.5])
@pytest.mark.parametrize(("index", "size"), [(0, None), (1, 4), (2, 4), (3, 8)])
def test_a_layer(index: int, size: int | None, epsilon: float) -> None:
    tensors = layer_tensors(index, 3, 5, 4 << index // 2)
    layer = StyleGAN1Layer(tensors, index, epsilon, torch.float64)
    x = None if size is None else randn(2, 3, size, size)
    codes = randn(2, 6)
    got = layer(None if x is None else x.clone(), codes, "const")
    for n in range(2):
        one = None if x is None else x[n].numpy()
        wanted = torch.from_numpy(slow_layer(index, tensors, one, codes[n].numpy(), epsilon))
        torch.testing.assert_close(got[n], wanted, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("classes", [0, 3])
def test_the_mapping(classes: int) -> None:
    widths = [8 if classes else 4, 5, 6]
    tensors = {}
    for i in range(2):
        tensors[f"mapping.dense{i}.weight"] = 100 * randn(widths[i + 1], widths[i])
        tensors[f"mapping.dense{i}.bias"] = randn(widths[i + 1])
    label = None
    if classes:
        tensors["mapping.label_weight"], label = randn(classes, 4), randn(2, classes).abs()
    z = randn(2, 4)
    got = StyleGAN1Mapping(tensors, 2)(z, label)
    for n in range(2):
        x = z[n].numpy()
        if label is not None:
            x = np.concatenate([x, label[n].numpy() @ tensors["mapping.label_weight"].numpy()])
        x = x / math.sqrt((x**2).mean() + 1e-8)
        for i in range(2):
            weight = tensors[f"mapping.dense{i}.weight"].numpy()
            x = weight @ x * math.sqrt(2 / len(x)) * 0.01
            x = x + 0.01 * tensors[f"mapping.dense{i}.bias"].numpy()
            x = np.where(x < 0, 0.2 * x, x)
        torch.testing.assert_close(got[n], torch.from_numpy(x))
