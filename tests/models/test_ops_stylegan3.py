"""StyleGAN3's filters and Fourier input against slow loops written from the equations, float64."""

import math

import numpy as np
import pytest
import torch
from small_families import STYLEGAN3, stylegan3_tensors
from torch import Tensor

from latty.models.families import stylegan3
from latty.models.families.stylegan3 import ops


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed + sum(shape)).randn(*shape))


def slow_up(x: np.ndarray, taps: np.ndarray, up: int, front: int, back: int) -> np.ndarray:
    """One line: zeros inserted, padded or cropped, convolved with taps * up, without borders."""
    wide = np.zeros(len(x) * up)
    wide[::up] = x
    wide = np.concatenate([np.zeros(max(front, 0)), wide, np.zeros(max(back, 0))])
    wide = wide[max(-front, 0) : len(wide) - max(-back, 0)]
    return np.array(
        [
            sum(up * taps[t] * wide[m + len(taps) - 1 - t] for t in range(len(taps)))
            for m in range(len(wide) - len(taps) + 1)
        ]
    )


def slow_down(x: np.ndarray, taps: np.ndarray, down: int) -> np.ndarray:
    """One line: convolved without borders, each down-th number kept."""
    t = len(taps)
    full = [sum(taps[i] * x[m + t - 1 - i] for i in range(t)) for m in range(len(x) - t + 1)]
    return np.array(full[::down])


def both_axes(x: np.ndarray, line) -> np.ndarray:
    """line(row) along W, then along H, of every channel of x (C, H, W)."""
    x = np.stack([[line(row) for row in plane] for plane in x])
    return np.stack([np.stack([line(col) for col in plane.T], 1) for plane in x])


def slow_radial(x: np.ndarray, kernel: np.ndarray, down: int) -> np.ndarray:
    t = len(kernel)
    size = (x.shape[1] - t) // down + 1
    y = np.zeros((len(x), size, size))
    for a in range(size):
        for b in range(size):
            window = x[:, a * down : a * down + t, b * down : b * down + t]
            y[:, a, b] = (window * kernel[::-1, ::-1]).sum((1, 2))
    return y


CASES = [  # size, up, up taps, padding, down, down taps
    (7, 2, 12, (9, 8), 2, 12),
    (14, 4, 24, (-2, -3), 2, 12),
    (24, 2, 12, (-5, -6), 2, 12),
    (8, 1, 5, (2, 2), 1, 3),
    (6, 2, 7, (4, 3), 1, 4),
    (40, 2, 12, (9, 8), 2, 12),
]


@pytest.mark.parametrize(("size", "up", "up_taps", "padding", "down", "down_taps"), CASES)
@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize("limit", [None, 0.7])
def test_filtered_leaky_relu(size, up, up_taps, padding, down, down_taps, radial, limit) -> None:
    x = randn(2, 2, size, size)
    grow = np.random.RandomState(1).randn(up_taps)  # not symmetric: order and direction count
    kernel = np.random.RandomState(2).randn(*(down_taps,) * (2 if radial else 1))
    length = size * up + sum(padding) - up_taps + 1
    line = ops.Resampling(tuple(up * grow), up, padding[0])
    size_after = (length - down_taps) // down + 1
    act = ops.FilteredActivation(line, torch.from_numpy(kernel), down, size_after, 0.2, limit, x)
    for picture, got in zip(x.numpy(), act(x.clone()), strict=True):
        wide = both_axes(picture, lambda row: slow_up(row, grow, up, *padding))
        wide = np.where(wide < 0, 0.2 * wide, wide)
        wide = wide if limit is None else wide.clip(-limit, limit)
        if radial:
            wanted = slow_radial(wide, kernel, down)
        else:
            wanted = both_axes(wide, lambda row: slow_down(row, kernel, down))
        torch.testing.assert_close(got, torch.from_numpy(wanted), atol=1e-10, rtol=1e-10)


def test_without_filters_it_is_a_pointwise_function() -> None:
    x = randn(1, 3, 4, 4)
    act = ops.FilteredActivation(None, None, 1, 4, 1.0, 0.5, x)
    torch.testing.assert_close(act(x.clone()), x.clamp(-0.5, 0.5))


def test_filtered_leaky_relu_has_gradients() -> None:
    line = ops.Resampling(tuple(randn(6).tolist()), 2, 4)
    x = randn(1, 2, 6, 6).requires_grad_()
    act = ops.FilteredActivation(line, randn(4), 2, 5, 0.2, 9.0, x.detach())
    assert torch.autograd.gradcheck(lambda t: act(t * 1), x)


@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(("up", "down"), [(2, 2), (4, 2), (3, 2)])
def test_tiles_and_pieces_change_nothing(
    up: int, down: int, radial: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = randn(2, 5, 13, 13)
    kernel = randn(4, 4) if radial else randn(4)
    line, size = ops.Resampling(tuple(randn(6).tolist()), up, 4), (13 * up - 1) // down

    def act(x: Tensor) -> Tensor:
        return ops.FilteredActivation(line, kernel, down, size, 0.2, None, x)(x.clone())

    whole = act(x)
    for tile, cached in ((40, 1), (4, 300), (5, 2000), (1, 1)):
        monkeypatch.setattr(ops, "TILE", tile)
        monkeypatch.setattr(ops, "CACHED", cached)
        torch.testing.assert_close(act(x), whole, rtol=1e-12, atol=1e-12)
        assert torch.equal(act(x)[1:], act(x[1:]))  # the same numbers in any batch


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("strip", [1, 60, 1 << 24])
def test_strips_of_rows_are_the_whole_convolution(
    kernel: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "STRIP", strip)
    x, weight = randn(2, 3, 7, 5), randn(4, 3, kernel, kernel)
    wanted = torch.nn.functional.conv2d(x, weight, padding=kernel - 1)
    torch.testing.assert_close(ops.widened(x, weight), wanted, rtol=1e-12, atol=1e-12)
    for cuts in ([7], [1, 1, 5], [3, 2, 2], [1] * 7):
        pieces = ops.widened_strips(torch.split(x, cuts, 2), weight, 7)
        torch.testing.assert_close(pieces, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("precision", [None, torch.bfloat16])
@pytest.mark.parametrize("radial", [False, True])
def test_large_features_are_never_whole_and_the_picture_is_the_same(
    radial: bool, precision: torch.dtype | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "TILE", 4)
    monkeypatch.setattr(ops, "CACHED", 1)  # every layer is large
    tensors, meta = stylegan3_tensors(radial=radial), stylegan3.metadata(STYLEGAN3)
    generator = stylegan3.build(tensors, meta, torch.device("cpu"), precision)
    network, layers = generator.network, generator.info.num_layers
    codes = generator.mapping(generator.sample([0, 1]))
    with torch.inference_mode():
        state = network.start(codes)
        for layer in range(1, layers):  # one at a time: nothing goes on to the next
            state = network.run(state, codes, layer, None)
        wanted = network.finish(state, codes, None)
        whole = []
        monkeypatch.setattr(ops.FilteredActivation, "_tiled", lambda self, x: whole.append(x))
        got = network.finish(network.start(codes), codes, None)
    assert torch.equal(got, wanted) and not whole


@pytest.mark.parametrize("size", [4, 7])
def test_fourier_features(size: int) -> None:
    rate, band, channels = 8.0, 2.0, 5
    affine, frequencies, phases = randn(3, 4), 3 * randn(channels, 2), randn(channels)
    transform = torch.linalg.inv(torch.eye(3).double() + 0.2 * randn(3, 3))
    transform[2] = torch.tensor([0.0, 0.0, 1.0])
    got = ops.fourier_features(
        ops.view(affine, transform), frequencies, phases, size, rate, band
    ).numpy()
    for n in range(3):
        c, s, x, y = (affine[n] / math.hypot(affine[n, 0], affine[n, 1])).tolist()
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        shift = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
        whole = turn @ shift @ transform.numpy()
        for k in range(channels):
            f = frequencies[k].numpy() @ whole[:2, :2]
            phase = phases[k].item() + frequencies[k].numpy() @ whole[:2, 2]
            fade = 1 - (np.hypot(*f) - band) / (rate / 2 - band)
            for a in range(size):
                for b in range(size):
                    place = np.array([b + 0.5 - size / 2, a + 0.5 - size / 2]) / rate
                    wave = math.sin(2 * math.pi * (place @ f + phase)) * min(max(fade, 0), 1)
                    assert abs(got[n, a, b, k] - wave) < 1e-10


def test_the_inverse_transform_undoes_the_movement() -> None:
    matrix = ops.inverse_transform((0.25, -0.5), 0)
    torch.testing.assert_close(matrix[:2, 2], torch.tensor([-0.25, 0.5]))
    quarter = ops.inverse_transform(rotate=90)
    torch.testing.assert_close(quarter[:2, :2], torch.tensor([[0.0, -1.0], [1.0, 0.0]]))
