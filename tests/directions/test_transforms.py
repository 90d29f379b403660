"""Every transform of the registry keeps the same promises; the four that ship do what they say."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from latty.directions.likeness import blurred, measured, target
from latty.directions.registries import TRANSFORMS
from latty.directions.transform import Transform, additive, amount
from latty.errors import Missing

NAMES = TRANSFORMS.names()
SIZE = 48


def blobs(count: int = 3) -> Tensor:
    """Smooth pictures (N, 3, SIZE, SIZE) in -1..1, something of each far from the border."""
    state = np.random.RandomState(4)
    noise = ndimage.gaussian_filter(state.randn(count, 3, SIZE, SIZE), (0, 0, 4, 4))
    return torch.from_numpy(noise / np.abs(noise).max() * 0.6).float()


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_keeps_the_promises(name: str) -> None:
    transform = TRANSFORMS.load(name)
    assert isinstance(transform, Transform)
    assert transform.unit and transform.limits[0] < 0 < transform.limits[1]
    images = blobs()
    still, mask = transform.apply(images, torch.zeros(3))
    torch.testing.assert_close(still, images, atol=1e-5, rtol=0)
    assert mask.shape == (3, 1, SIZE, SIZE) and mask.min() == 1
    t = torch.tensor([transform.limits[0], 0.1, transform.limits[1]])
    moved, mask = transform.apply(images, t)
    assert moved.shape == images.shape and set(mask.unique().tolist()) <= {0.0, 1.0}
    assert (moved - images).abs().amax((1, 2, 3)).min() > 0.02, "an amount that does nothing"
    alone = torch.cat([transform.apply(images[i : i + 1], t[i : i + 1])[0] for i in range(3)])
    torch.testing.assert_close(moved, alone)
    images.requires_grad_()
    transform.apply(images, t)[0].sum().backward()
    assert images.grad is not None and images.grad.any()


@pytest.mark.parametrize("name", NAMES)
def test_amounts_add_up(name: str) -> None:
    """t and then u is one transform, by the rule that the transform names."""
    transform = TRANSFORMS.load(name)
    images, t, u = blobs(), torch.tensor([0.1, 0.06, 0.12]), torch.tensor([-0.04, 0.08, -0.12])
    first, known = transform.apply(images, t)
    twice, rest = transform.apply(first, u)
    both = amount(transform, additive(transform, t) + additive(transform, u))
    once, whole = transform.apply(images, both)
    middle = (known * rest * whole)[:, :, 8:-8, 8:-8]
    apart = ((twice - once)[:, :, 8:-8, 8:-8] * middle).abs().max()
    assert apart < 0.04, "what two bilinear resamplings differ by"


@pytest.mark.parametrize(("name", "order"), [("x", (0.0, 1.0)), ("y", (1.0, 0.0))], ids=["x", "y"])
@pytest.mark.parametrize("t", [0.25, -0.0703, 0.1])
def test_translations_against_splines(name: str, order: tuple[float, float], t: float) -> None:
    images = blobs(1)
    moved, mask = TRANSFORMS.load(name).apply(images, torch.tensor([t]))
    shift = [part * t * SIZE for part in order]
    wanted = np.stack([ndimage.shift(c, shift, order=3, mode="nearest") for c in images[0].numpy()])
    inside = mask[0, 0].bool().numpy()
    assert np.abs(moved[0].numpy() - wanted)[:, inside].max() < 0.02
    lost = 1 - inside.mean()
    assert abs(lost - abs(t)) < 1.5 / SIZE, "the mask covers what came in"


@pytest.mark.parametrize("t", [0.5, -0.3])
def test_scale_against_splines(t: float) -> None:
    images = blobs(1)
    moved, mask = TRANSFORMS.load("scale").apply(images, torch.tensor([t]))
    centre, factor = (SIZE - 1) / 2, 1 / (1 + t)
    offset = centre - factor * centre
    matrix = [factor, factor]
    wanted = np.stack([
        ndimage.affine_transform(c, matrix, offset, order=3, mode="nearest")
        for c in images[0].numpy()
    ])  # fmt: skip
    inside = mask[0, 0].bool().numpy()
    assert np.abs(moved[0].numpy() - wanted)[:, inside].max() < 0.02
    assert inside.mean() == pytest.approx(min(1, (1 + t) ** 2), abs=0.06)


def test_brightness_is_added_and_clipped() -> None:
    images = torch.tensor([-0.9, 0.0, 0.8]).view(3, 1, 1, 1)
    moved, mask = TRANSFORMS.load("brightness").apply(images, torch.tensor([-0.3, 0.25, 0.5]))
    torch.testing.assert_close(moved.flatten(), torch.tensor([-1.0, 0.25, 1.0]))
    assert mask.min() == 1


def test_unknown_transforms_are_named() -> None:
    with pytest.raises(Missing, match="no transform 'scael'"):
        TRANSFORMS.load("scael")


# --- likeness -------------------------------------------------------------------------------------


def test_the_low_pass_is_a_gaussian() -> None:
    images = blobs()
    wanted = ndimage.gaussian_filter(
        images.numpy(), (0, 0, 0.05 * SIZE, 0.05 * SIZE), mode="constant", truncate=3.0
    )
    found = blurred(images, 0.05)
    torch.testing.assert_close(found, torch.from_numpy(wanted), atol=2e-3, rtol=0)
    assert blurred(images, 0.0) is images


def test_what_is_unknown_does_not_count() -> None:
    """Whatever stands where the target is unknown, the error is the same."""
    images, t = blobs(), torch.full((3,), 0.3)
    transform = TRANSFORMS.load("x")
    goal = target(transform, images, t, 0.03)
    moved, mask = transform.apply(images, t)
    assert goal.error(moved).max() < 1e-10
    junk = torch.where(mask.bool(), moved, torch.full_like(moved, 7.0))
    assert goal.error(junk).max() < 1e-10
    assert goal.error(images).min() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_amounts_are_found_again(name: str) -> None:
    transform = TRANSFORMS.load(name)
    images, t = blobs(), torch.tensor([-0.13, 0.021, 0.17])
    found, error = measured(transform, images, transform.apply(images, t)[0], (-0.3, 0.3), 0.02)
    torch.testing.assert_close(found, t, atol=0.004, rtol=0.02)
    assert error.max() < 1e-2
