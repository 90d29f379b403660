"""Every shared operation against slow loops written from the equations, in float64."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from latty.models import ops
from latty.models.families.stylegan2.network import StyledConv, StyleGAN2Config, ToRGB

TAPS = [  # sums are powers of two, so that float32 kernels are exact
    (1.0,),
    (1.0, 1.0),
    (1.0, 2.0, 1.0),
    (1.0, 3.0, 3.0, 1.0),
    (1.0, 4.0, 2.0, 1.0),
    (1.0, 4.0, 6.0, 4.0, 1.0),
    (1.0, 5.0, 10.0, 10.0, 5.0, 1.0),
]


def randn(*shape: int) -> Tensor:
    return torch.from_numpy(np.random.RandomState(sum(shape)).randn(*shape))


def slow_conv(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Correlation of x (I, H, W), zeros outside, with weight (O, I, k, k), k odd."""
    k = weight.shape[-1]
    x = np.pad(x, ((0, 0), (k // 2, k // 2), (k // 2, k // 2)))
    h, w = x.shape[1] - k + 1, x.shape[2] - k + 1
    y = np.zeros((len(weight), h, w))
    for a in range(h):
        for b in range(w):
            y[:, a, b] = (weight * x[:, a : a + k, b : b + k]).sum((1, 2, 3))
    return y


def slow_transposed(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Every pixel of x (I, H, W) stamps weight (O, I, 3, 3), two pixels apart."""
    _, h, w = x.shape
    y = np.zeros((len(weight), 2 * h + 1, 2 * w + 1))
    for a in range(h):
        for b in range(w):
            y[:, 2 * a : 2 * a + 3, 2 * b : 2 * b + 3] += np.einsum(
                "i,oiyx->oyx", x[:, a, b], weight
            )
    return y


def slow_fir(x: np.ndarray, taps: tuple[float, ...], front: int, back: int) -> np.ndarray:
    """Convolution of each line of x (C, H, W) on both axes with 2 * taps / sum, after padding."""
    line = 2 * np.array(taps) / sum(taps)
    for axis in (1, 2):
        pad = [(0, 0)] * 3
        pad[axis] = (front, max(back, 0))
        x = np.pad(x, pad)
        if back < 0:
            x = x.take(range(x.shape[axis] + back), axis)
        length = x.shape[axis] - len(line) + 1
        rows = [x.take(range(t, t + length), axis) for t in range(len(line))]
        x = sum(tap * row for tap, row in zip(line[::-1], rows, strict=True))
    return x


def padding(taps: tuple[float, ...], conv: bool) -> tuple[int, int]:
    """Front and back padding of the reference, after a 3x3 transposed convolution or alone."""
    t = len(taps)
    front, back = (t + 1) // 2, (t - 2) // 2
    return (front + 1 - 2, back + 1 - 1) if conv else (front, back)


@pytest.mark.parametrize("taps", TAPS, ids=lambda t: f"{len(t)} taps")
def test_upsample(taps: tuple[float, ...]) -> None:
    x = randn(2, 3, 5, 4)
    wide = np.zeros((2, 3, 10, 8))
    wide[:, :, ::2, ::2] = x
    wanted = np.stack([slow_fir(w, taps, *padding(taps, False)) for w in wide])
    got = ops.upsample(x, ops.up_phases(taps))
    np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize("taps", TAPS, ids=lambda t: f"{len(t)} taps")
def test_up_conv(taps: tuple[float, ...]) -> None:
    x, weight = randn(2, 3, 5, 4), randn(6, 3, 3, 3)
    wanted = np.stack(
        [
            slow_fir(slow_transposed(image, weight.numpy()), taps, *padding(taps, True))
            for image in x.numpy()
        ]
    )
    got = ops.up_conv(x, weight.transpose(0, 1), ops.fir_kernel(taps))
    np.testing.assert_allclose(got, wanted, atol=1e-12)
    shift = randn(6)
    got = ops.up_conv(x, weight.transpose(0, 1), ops.fir_kernel(taps), shift)
    np.testing.assert_allclose(got, wanted + shift.numpy()[:, None, None], atol=1e-12)


def slow_activation(name: str, x: np.ndarray) -> np.ndarray:
    """The functions of the reference's table, without their gains."""
    alpha, scale = 1.6732632423543772, 1.0507009873554805  # of SELU (Klambauer et al. 2017)
    elu = np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)
    return {
        "linear": x,
        "relu": np.maximum(x, 0),
        "lrelu": np.where(x > 0, x, 0.2 * x),
        "tanh": np.tanh(x),
        "sigmoid": 1 / (1 + np.exp(-x)),
        "elu": elu,
        "selu": scale * np.where(x > 0, x, alpha * elu),
        "softplus": np.log1p(np.exp(x)),
        "swish": x / (1 + np.exp(-x)),
    }[name]


@pytest.mark.parametrize("name", ops.ACTIVATIONS)
def test_activations(name: str) -> None:
    activation, x = ops.ACTIVATIONS[name], randn(4, 5, 3, 3)
    gain = math.sqrt(2) if name in ("relu", "lrelu", "swish") else 1
    got = ops.activate(x.clone(), activation, activation.gain)
    np.testing.assert_allclose(got, gain * slow_activation(name, x.numpy()), atol=1e-12)
    function = activation.function
    assert activation.homogeneous == torch.allclose(function(3 * x), 3 * function(x))


@pytest.mark.parametrize("up", [False, True], ids=["plain", "up"])
@pytest.mark.parametrize("activation", ["lrelu", "swish"])
@pytest.mark.parametrize("limit", [None, 0.7])
def test_styled_conv(up: bool, activation: str, limit: float | None) -> None:
    config = StyleGAN2Config(w_dim=5, activation=activation, conv_clamp=limit)
    layer = StyledConv(config, 3, 4, 1 if up else 2, up).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.copy_(randn(*parameter.shape) if parameter.dim() else torch.tensor(0.25))
    size = 4 if up else 8
    x, code, gain = randn(2, 3, size, size), randn(2, 5), math.sqrt(0.5)
    with torch.no_grad():
        got = layer(x, code, layer.noise_const, gain)
    weight, affine = layer.weight.detach().numpy(), layer.affine
    for n in range(2):
        style = affine.weight.detach().numpy() @ code[n].numpy() / math.sqrt(5)
        style = style + affine.bias.detach().numpy()
        modulated = weight * style[None, :, None, None]  # equation 1
        norm = np.sqrt((modulated**2).sum((1, 2, 3), keepdims=True) + 1e-8)
        modulated = modulated / norm  # equation 3
        if up:
            y = slow_transposed(x[n].numpy(), modulated)
            y = slow_fir(y, config.resample_filter, *padding(config.resample_filter, True))
        else:
            y = slow_conv(x[n].numpy(), modulated)
        y = y + 0.25 * layer.noise_const.numpy() + layer.bias.detach().numpy()[:, None, None]
        y = slow_activation(activation, y) * math.sqrt(2) * gain
        y = y if limit is None else np.clip(y, -limit * gain, limit * gain)
        np.testing.assert_allclose(got[n], y, atol=1e-12)


def test_to_rgb() -> None:
    layer = ToRGB(StyleGAN2Config(w_dim=5), 4).double()
    x, code = randn(2, 4, 3, 6), randn(2, 5)
    with torch.no_grad():
        got = layer(x.contiguous(memory_format=torch.channels_last), code)
        style = layer.affine(code) / math.sqrt(4)
        for n in range(2):
            wanted = slow_conv(x[n].numpy(), (layer.weight * style[n, :, None, None]).numpy())
            np.testing.assert_allclose(got[n], wanted, atol=1e-12)


def test_demodulation_is_the_norm_of_the_modulated_filters() -> None:
    weight, style = randn(4, 3, 3, 3), randn(2, 3)
    got = ops.demodulation(ops.filter_power(weight), style)
    modulated = weight[None] * style[:, None, :, None, None]
    np.testing.assert_allclose(got, (modulated**2).sum((2, 3, 4)).add(1e-8).rsqrt(), rtol=1e-12)


def test_pixel_norm() -> None:
    x = randn(3, 8)
    np.testing.assert_allclose(ops.pixel_norm(x).square().mean(1), np.ones(3), rtol=1e-6)
    assert ops.pixel_norm(torch.zeros(1, 8)).isfinite().all()


@pytest.mark.parametrize("up", [False, True], ids=["plain", "up"])
def test_gradients_of_a_layer(up: bool) -> None:
    layer = StyledConv(StyleGAN2Config(w_dim=3, conv_clamp=1.5), 2, 2, 1 if up else 2, up).double()
    size = 4 if up else 8
    x, code = randn(1, 2, size, size).requires_grad_(), randn(1, 3).requires_grad_()

    def run(x: Tensor, code: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        state = {"weight": weight, "bias": bias}
        result: Tensor = torch.func.functional_call(layer, state, (x, code, layer.noise_const))
        return result

    assert torch.autograd.gradcheck(run, (x, code, layer.weight, layer.bias))


def test_results_overwrite_nothing_that_a_gradient_needs() -> None:
    y = randn(1, 2, 3, 3)
    scale = torch.ones(1, 2, dtype=y.dtype, requires_grad=True)
    before = y.clone()
    ops.scale_shift(y, scale * 2, torch.zeros(2, dtype=y.dtype))
    assert torch.equal(y, before)
    with torch.no_grad():
        ops.scale_shift(y, scale * 2, torch.zeros(2, dtype=y.dtype))
    torch.testing.assert_close(y, 2 * before)  # without gradients memory is reused


def test_seeded_noise_is_a_fixed_stream() -> None:
    def noise(seed: int, layer: int) -> Tensor:
        return ops.seeded_noise(seed, layer, (16, 8), torch.device("cpu"))

    wanted = np.random.RandomState([7, 3]).randn(16, 8).astype(np.float32)
    assert np.array_equal(noise(7, 3).numpy(), wanted)
    assert torch.equal(noise(7, 3), noise(7, 3))
    assert not torch.equal(noise(7, 3), noise(8, 3))
    assert not torch.equal(noise(7, 3), noise(7, 4))
