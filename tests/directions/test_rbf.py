"""Radial basis functions: the gradient against autograd, and paths that lead back."""

import math

import pytest
import torch
from rbf_reference import gradient, value
from torch import Tensor

from latty.directions.methods.warped import rbf


def random_paths(count: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Latents and a path for each, float64, weights and widths of every kind."""
    state = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=state, dtype=torch.float64)

    return draw(count, width), draw(count, 10, width), draw(count, 10), (draw(count) - 2).exp()


def written_out(z: Tensor, support: Tensor, alphas: Tensor, gamma: Tensor) -> Tensor:
    """Equation 2 of the paper, term by term."""
    total = z.new_zeros(())
    for n in range(len(z)):
        for s, a in zip(support[n], alphas[n], strict=True):
            total = total + a * torch.exp(-gamma[n] * ((z[n] - s) ** 2).sum())
    return total


def test_the_gradient_is_autograds() -> None:
    z, support, alphas, gamma = random_paths(5, 7)
    z.requires_grad_()
    written_out(z, support, alphas, gamma).backward()
    assert z.grad is not None
    plain = gradient(z.detach(), support, alphas, gamma)
    torch.testing.assert_close(plain, z.grad, atol=1e-12, rtol=1e-10)
    summed = value(z.detach(), support, alphas, gamma).sum()
    torch.testing.assert_close(summed, written_out(z, support, alphas, gamma).detach())
    unit = z.grad / z.grad.norm(dim=1, keepdim=True)
    ours = rbf.direction(z.detach(), support, alphas, gamma)
    torch.testing.assert_close(ours, unit, atol=1e-12, rtol=1e-10)
    for n in range(5):  # one path for many latents is the same
        one = rbf.direction(z.detach()[n : n + 1], support[n], alphas[n], gamma[n])
        torch.testing.assert_close(one[0], unit[n], atol=1e-12, rtol=1e-10)


def test_the_direction_is_the_gradient_at_unit_length() -> None:
    z, support, alphas, gamma = random_paths(6, 9, 1)
    plain = gradient(z, support, alphas, gamma)
    found = rbf.direction(z, support, alphas, gamma)
    torch.testing.assert_close(found, plain / plain.norm(dim=1, keepdim=True))


def test_training_gradients_are_those_of_the_plain_formula() -> None:
    """Taking weights relative to the nearest support vector changes no derivative."""
    z, support, alphas, gamma = random_paths(4, 5, 2)
    aim = torch.randn(4, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    found = []
    for relative in (True, False):
        leaves = [t.clone().requires_grad_() for t in (z, support, alphas, gamma)]
        unit = rbf.direction(*leaves)
        if not relative:
            plain = gradient(*leaves)
            unit = plain / plain.norm(dim=1, keepdim=True)
        found.append(torch.autograd.grad((unit * aim).sum(), leaves))
    for ours, plain_form in zip(*found, strict=True):
        torch.testing.assert_close(ours, plain_form, atol=1e-10, rtol=1e-7)


def test_far_latents_have_a_direction_too() -> None:
    """exp(-g |z - s|^2) is 0 in float32 there; the way uphill is not lost."""
    support = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    alphas, gamma, z = torch.tensor([1.0, -1.0]), torch.tensor(1.0), torch.tensor([[40.0, 0.0]])
    assert gradient(z, support, alphas, gamma).abs().max() == 0
    torch.testing.assert_close(
        rbf.direction(z, support, alphas, gamma), torch.tensor([[-1.0, 0.0]])
    )


def rotation(z: Tensor) -> Tensor:
    """A unit field whose paths are circles."""
    return torch.stack([-z[:, 1], z[:, 0]], 1) / z.norm(dim=1, keepdim=True)


def test_paths_are_followed_to_fourth_order() -> None:
    start = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    way = torch.tensor([math.pi / 2], dtype=torch.float64)
    goal = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    errors = [
        float((rbf.follow(rotation, start, way, step) - goal).norm())
        for step in (math.pi / 8, math.pi / 16)
    ]
    assert errors[0] < 1e-3 and 12 < errors[0] / errors[1] < 40


def test_each_path_goes_its_own_way() -> None:
    start = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    way = torch.tensor([0.0, 0.1, -2.0, 1.0])
    together = rbf.follow(rotation, start, way, 0.1)
    assert torch.equal(together[0], start[0])
    for n in range(4):
        alone = rbf.follow(rotation, start[n : n + 1], way[n : n + 1], 0.1)
        torch.testing.assert_close(alone[0], together[n])
    assert rbf.follow(rotation, start[:0], way[:0], 0.1).shape == (0, 2)


@pytest.mark.parametrize("width", [32, 128])
def test_there_and_back_again(width: int) -> None:
    """16 steps of 0.2 each way: the plain Euler walk does not return, ours does."""
    torch.manual_seed(0)
    warps = rbf.Warps(4, 64, width)
    k = 3
    arrays = warps.support[k].detach(), warps.alphas[k].detach(), warps.loggamma[k].exp().detach()

    def field(z: Tensor) -> Tensor:
        return rbf.direction(z, *arrays)

    start = torch.randn(16, width)
    way = torch.full((16,), 3.2)
    end = rbf.follow(field, start, way, 0.25)
    torch.testing.assert_close(rbf.follow(field, end, -way, 0.25), start, atol=2e-4, rtol=0)
    z = start
    for _ in range(16):
        z = z + 0.2 * field(z)
    for _ in range(16):
        z = z - 0.2 * field(z)
    assert (z - start).norm(dim=1).mean() > 100 * 2e-4
    ends = torch.stack([end, z])
    assert ends.isfinite().all()


def test_support_vectors_start_as_dipoles_on_spheres() -> None:
    torch.manual_seed(0)
    warps = rbf.Warps(4, 5, 6)
    first, second = warps.support.detach().split(5, dim=1)
    torch.testing.assert_close(first, -second)
    radii = first.norm(dim=2)
    torch.testing.assert_close(radii, torch.tensor([1.0, 1.75, 2.5, 3.25])[:, None].expand(4, 5))
    assert warps.alphas[0].tolist() == [1.0] * 5 + [-1.0] * 5
    torch.testing.assert_close(warps.loggamma.exp().detach(), torch.full((4,), 1 / 6))
