"""Steps projected off normals, against least squares in float64 by numpy and by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from latty.directions.orthogonal import off, orthogonal
from latty.errors import BadData

D, L = 12, 4


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_numpy(step: Tensor, normals: list[Tensor]) -> np.ndarray:
    """The residual of least squares of one step (D,) on the normals (D,)."""
    rows = np.stack([(normal.double() / normal.norm()).numpy() for normal in normals])
    step64 = step.double().numpy()
    weights, *_ = np.linalg.lstsq(rows.T, step64, rcond=None)
    return step64 - rows.T @ weights


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_it_is_the_residual_of_least_squares(count: int) -> None:
    normals = [random(D, seed=i) * 10.0**i for i in range(count)]  # of any length
    steps = random(5, D, seed=50)
    left = off(steps, normals)
    wanted = np.stack([by_numpy(step, normals) for step in steps])
    np.testing.assert_allclose(left, wanted, atol=1e-6)
    assert left.dtype == steps.dtype and left.shape == steps.shape


def test_one_normal_by_hand() -> None:
    assert off(torch.tensor([3.0, 4.0]), [torch.tensor([0.0, 2.0])]).tolist() == [3.0, 0.0]


def test_every_layer_of_a_step_is_projected_for_itself() -> None:
    shared, own = random(D, seed=1), random(L, D, seed=2)
    steps = random(3, L, D, seed=3)
    steps[:, 2] = 0
    left = off(steps, [shared, own])
    for i in range(3):
        for layer in range(L):
            wanted = by_numpy(steps[i, layer], [shared, own[layer]])
            np.testing.assert_allclose(left[i, layer], wanted, atol=1e-6)
    assert left[:, 2].abs().max() == 0  # a layer that did not move still does not
    only = off(steps, [shared])
    np.testing.assert_allclose(only[0, 0], by_numpy(steps[0, 0], [shared]), atol=1e-6)


def test_normals_that_depend_on_each_other_count_once() -> None:
    one, two, step = random(D, seed=1), random(D, seed=2), random(D, seed=3)
    twice = off(step, [one, two, one + 2 * two, -3 * one, torch.zeros(D)])
    torch.testing.assert_close(twice, off(step, [one, two]))


def test_layers_whose_row_is_zero_hold_nothing() -> None:
    own = random(L, D, seed=2)
    own[1] = 0
    step = random(L, D, seed=3)
    left = off(step, [own])
    assert torch.equal(left[1], step[1]) and not torch.allclose(left[0], step[0])


def test_no_normals_and_no_step_change_nothing() -> None:
    step = random(2, L, D)
    assert off(step, []) is step
    assert off(torch.zeros(2, D), [random(D)]).abs().max() == 0


def test_what_is_only_rounding_becomes_zero() -> None:
    normal = random(D)
    assert off(normal * 3, [normal]).abs().max() == 0
    mixed = torch.stack([normal, random(D, seed=9)])
    left = off(mixed, [normal])
    assert left[0].abs().max() == 0 and left[1].norm() > 1


def test_gradients_pass() -> None:
    step = random(D).requires_grad_()
    off(step, [random(D, seed=1)]).sum().backward()
    assert step.grad is not None and step.grad.norm() > 0


def test_orthogonal_keeps_the_length() -> None:
    vector, normal = random(D), random(D, seed=1)
    left = orthogonal(vector, [normal])
    assert float(left.norm()) == pytest.approx(float(vector.norm()))
    assert abs(float(left @ normal.double())) < 1e-9
    layered = orthogonal(vector, [random(L, D, seed=2), normal])
    assert layered.shape == (L, D) and float((layered @ normal.double()).abs().max()) < 1e-9


def test_a_locked_direction_is_refused() -> None:
    vector = random(D)
    with pytest.raises(BadData, match=r"^smile is locked"):
        orthogonal(vector, [2 * vector, random(D, seed=1)], "smile")
    everything = [random(D, seed=i) for i in range(D)]
    with pytest.raises(BadData, match="is locked"):
        orthogonal(vector, everything)


def test_shapes_that_do_not_fit_are_refused() -> None:
    for step, normal in [((3, D), (D + 1,)), ((3, L, D), (L + 1, D)), ((D,), (L, D))]:
        with pytest.raises(BadData, match="shape"):
            off(random(*step), [random(*normal)])
