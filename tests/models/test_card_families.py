"""Every family on a card that is not there: the CPU's pictures, and nothing that waits."""

from typing import Any

import pytest
import torch
from card import Card, faked
from small_families import FAMILIES, SHAPES, labels_for, made
from torch import Tensor

from latty.models.base import Generator, HasActivations, HasPrefix
from latty.models.precision import dtype_of
from latty.models.registries import FAMILIES as REGISTRY
from latty.scene import BF16, FP16, FP32

HOST = {"onnx": 2}  # its session runs on the host: codes go there, with their labels
DRAWN = [*FAMILIES, *SHAPES]
PRECISIONS = (FP32, BF16, FP16)


def drawn(generator: Generator, label: Tensor | None) -> Tensor:
    """Pictures of two seeds, truncated, with noise."""
    codes = generator.mapping(generator.sample([3, 4]), label, 0.7, 1)
    return generator.synthesis(codes, label, 0.7, 5)


@pytest.mark.parametrize("family", DRAWN)
def test_pictures_are_those_of_the_cpu(family: str) -> None:
    plain = made(family)
    label = labels_for(plain, 2)
    wanted = drawn(plain, label)
    with Card() as card:
        generator = made(family, "cuda")
        drawn(generator, label)  # noise and constants are brought there once
        with card.counting() as counted:
            pictures = drawn(generator, label)
        assert pictures.device == torch.device("cuda:0")
        # attention runs by another kernel there
        torch.testing.assert_close(pictures.cpu(), wanted, rtol=1e-5, atol=1e-6)
    assert counted.syncs.total() == HOST.get(family, 0), counted
    # latents, and labels for mapping and synthesis; codes of a session come back as a picture
    assert counted.uploads.total() <= 1 + 2 * (label is not None) + (family in HOST), counted


@pytest.mark.parametrize("family", [one for one in DRAWN if one not in HOST])
def test_layers_can_be_read_changed_and_continued(family: str) -> None:
    with Card() as card:
        generator: Any = made(family, "cuda")
        label = labels_for(generator, 2)
        codes = generator.mapping(generator.sample([3, 4]), label)
        card.syncs.clear()
        if isinstance(generator, HasActivations):
            for name in generator.activation_names():
                changes = {name: torch.zeros_like(generator.activation(codes, name, label)[:1])}
                generator.synthesis_with(codes, changes, label)
        if isinstance(generator, HasPrefix) and not generator.info.num_classes:
            state = generator.prefix(codes, 1)
            generator.synthesis_from(state, codes)
        for weight in generator.layer_weights() if hasattr(generator, "layer_weights") else ():
            assert weight.device.type == "cuda"
    assert not card.syncs, card.syncs


@pytest.mark.parametrize("family", [one for one in DRAWN if one not in HOST])
def test_gradients_reach_the_codes(family: str) -> None:
    with Card() as card:
        generator = made(family, "cuda")
        label = labels_for(generator, 2)
        codes = generator.mapping(generator.sample([3, 4]), label).detach().clone()
        card.syncs.clear()
        generator.synthesis(codes.requires_grad_(), label).square().mean().backward()
        assert codes.grad is not None and codes.grad.device.type == "cuda"
    assert not card.syncs, card.syncs


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", [one for one in FAMILIES if one not in HOST])
def test_torchs_own_fake_tensors_pass_through(family: str, precision: str) -> None:
    if precision != FP32 and REGISTRY.constant(family, "FP32_ONLY", False):
        pytest.skip(f"{family} draws in fp32 only")
    options = {} if precision == FP32 else {"dtype": dtype_of(precision)}
    with Card():
        generator = made(
            family, "cuda:0", **options
        )  # torch would ask a driver which one "cuda" is
    # weights: which classes there are is looked at, and these tensors have no numbers
    label = torch.ones(2, count) / count if (count := generator.info.num_classes) else None
    with faked(generator) as fake:
        pictures = drawn(fake, label)
    info = generator.info
    assert pictures.device.type == "cuda" and pictures.dtype == torch.float32
    assert pictures.shape == (2, info.channels, info.height, info.width_px)
