"""Every family of the registry keeps the same promises, on a small random network of its own.

Pictures and seeds, gradients, layers, labels, devices and number formats.
"""

import inspect
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import family_promises as promises
import pytest
import small_networks as small
import torch
from cli_process import environment
from small_families import FAMILIES, SHAPES, example, labels_for, made
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from latty.errors import UsageError
from latty.models.base import Generator, HasActivations, HasClasses, HasLayerWeights
from latty.models.recognition import families_of
from latty.models.registries import FAMILIES as REGISTRY
from latty.models.registries import without_file

HALF_DB = 45.0  # what bfloat16 must keep
DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
    ),
]


@pytest.fixture(params=[*FAMILIES, *SHAPES])
def generator(request: pytest.FixtureRequest) -> Any:
    return made(request.param)


def pictures(generator: Any, z: Tensor, label: Tensor | None) -> Tensor:
    """Images (N, C, H, W) of latents (N, Z), all the way."""
    images: Tensor = generator.synthesis(generator.mapping(z, label), label)
    return images


def psnr(images: Tensor, wanted: Tensor) -> float:
    """In dB of the range that the wanted pictures span."""
    span, error = wanted.max() - wanted.min(), (images - wanted).square().mean()
    return 20 * math.log10(float(span)) - 10 * math.log10(float(error) + 1e-30)


# --- the registry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_it_is_of_its_family(family: str) -> None:
    generator = made(family)
    assert isinstance(generator, Generator) and generator.info.family == family
    tensors, meta = example(family)
    owners = [] if family in without_file() else [family]
    assert list(families_of(small.shapes(tensors), meta)) == owners


@pytest.mark.parametrize("family", FAMILIES)
def test_noise_changes_pictures_where_the_entry_says_so(family: str) -> None:
    generator = made(family)
    codes = promises.codes_of(generator)
    drawn = generator.synthesis(codes, noise="const"), generator.synthesis(codes, noise="none")
    assert torch.equal(*drawn) == (not REGISTRY.constant(family, "NOISE", True))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_network_keeps_nothing_of_the_memory_that_its_file_was_read_into(family: str) -> None:
    tensors, meta = example(family)
    generator = REGISTRY.load(family).build(tensors, meta, torch.device("cpu"))
    z, label = generator.sample([1, 2]), labels_for(generator, 2)
    wanted = pictures(generator, z, label)  # a mapping is laid out as its file is
    for tensor in tensors.values():
        tensor.zero_()
    assert torch.equal(pictures(generator, z, label), wanted)


# --- pictures and seeds ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 8])
def test_seeds_are_reproducible_and_alone(generator: Any, count: int) -> None:
    seeds, info = [7 * i + 1 for i in range(count)], generator.info
    z, label = generator.sample(seeds), labels_for(generator, count)
    assert z.shape == (count, info.z_dim) and z.dtype == torch.float32
    assert torch.equal(z, generator.sample(seeds))
    assert torch.equal(z, torch.cat([generator.sample([seed]) for seed in seeds]))
    together = pictures(generator, z, label)
    assert together.shape == (count, info.channels, info.height, info.width_px)
    assert torch.equal(together, pictures(generator, z, label))
    alone = [
        pictures(generator, z[i : i + 1], None if label is None else label[i : i + 1])
        for i in range(count)
    ]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-5, rtol=1e-4)


def test_pictures_are_finite_and_differ(generator: Any) -> None:
    images = pictures(generator, generator.sample(range(8)), labels_for(generator, 8))
    assert torch.isfinite(images).all() and images.abs().max() < 1000
    assert (images[0] - images[1]).abs().max() > 1e-3, "two seeds give one picture"
    assert images.std() > 1e-3, "the pictures are grey"


def test_truncation_moves_toward_one_mean(generator: Any) -> None:
    promises.check_truncation(generator)


def test_kept_prefixes_change_nothing(generator: Any) -> None:
    promises.check_prefix(generator)
    promises.check_steps(generator)


# --- gradients, layers ----------------------------------------------------------------------------


def test_gradients_reach_the_codes(generator: Any) -> None:
    promises.check_gradients(generator)


@pytest.mark.parametrize("family", FAMILIES)
def test_inference_mode_does_not_stick(family: str) -> None:
    with torch.inference_mode():
        generator = made(family)
        generator.synthesis(promises.codes_of(generator))
    promises.check_gradients(generator)


def test_every_layer_named_is_reachable(generator: Any) -> None:
    if not isinstance(generator, HasActivations):
        pytest.skip("the family has no activations")
    names = generator.activation_names()
    assert names and len(set(names)) == len(names)
    if not generator.info.differentiable:
        pytest.skip("the family has no gradients")
    promises.check_activations(generator)


def test_nothing_above_a_layer_is_computed(generator: Any) -> None:
    if not isinstance(generator, HasActivations):
        pytest.skip("the family has no activations")
    if not generator.info.differentiable:
        pytest.skip("torch does not count what it computes")
    codes, work = promises.codes_of(generator), []
    for name in generator.activation_names():
        with FlopCounterMode(display=False) as counter:
            features = generator.activation(codes, name)
        assert features.shape[0] == len(codes) and torch.isfinite(features).all()
        work.append(counter.get_total_flops())
    with FlopCounterMode(display=False) as counter:
        generator.synthesis(codes)
    work.append(counter.get_total_flops())
    assert work == sorted(set(work)), f"multiplications up to each layer: {work}"


def test_a_layer_can_be_replaced(generator: Any) -> None:
    """The first layer reads code 0 alone: its features of other codes are all that code 0 does."""
    if not isinstance(generator, HasActivations):
        pytest.skip("the family has no activations")
    codes, name = promises.codes_of(generator), generator.activation_names()[0]
    others = codes.flip(0)
    mixed = generator.synthesis(torch.cat([others[:, :1], codes[:, 1:]], 1))
    theirs, ours = generator.activation(others, name), generator.activation(codes, name)
    for change in (theirs - ours, lambda _: theirs):
        replaced = generator.synthesis_with(codes, {name: change})
        torch.testing.assert_close(replaced, mixed, atol=1e-4, rtol=1e-3)
    assert (mixed - generator.synthesis(codes)).abs().max() > 1e-3
    one = generator.synthesis_with(codes, {name: lambda _: theirs[:1]})
    wanted = torch.cat([others[:1, :1].expand(len(codes), -1, -1), codes[:, 1:]], 1)
    torch.testing.assert_close(one, generator.synthesis(wanted), atol=1e-4, rtol=1e-3)


def test_layer_weights_map_codes(generator: Any) -> None:
    if not isinstance(generator, HasLayerWeights):
        pytest.skip("the family has no layer weights")
    weights, info = generator.layer_weights(), generator.info
    assert len(weights) == info.num_layers
    for layer, weight in enumerate(weights):
        assert weight.dim() == 2 and weight.shape[1] == info.width, f"layer {layer}"
        assert torch.isfinite(weight).all() and weight.any() and not weight.requires_grad
    assert any(weight.shape[0] != info.width for weight in weights), "orientation cannot be seen"


# --- labels ---------------------------------------------------------------------------------------


def test_labels_are_classes_or_mixtures(generator: Any) -> None:
    z, classes = generator.sample([1, 1]), generator.info.num_classes
    if not classes:
        with pytest.raises(UsageError, match="no classes"):
            pictures(generator, z, torch.tensor([0, 0]))
        return
    ends = torch.eye(classes)[[0, classes - 1]]
    by_class = pictures(generator, z, torch.tensor([0, classes - 1]))
    torch.testing.assert_close(by_class, pictures(generator, z, ends))
    assert (by_class[0] - by_class[1]).abs().max() > 1e-4, "the class does not matter"
    half = pictures(generator, z, ends.mean(0, keepdim=True).expand(2, -1))
    assert torch.isfinite(half).all()
    torch.testing.assert_close(
        half[0], half[1], atol=2e-5, rtol=1e-4
    )  # of one seed and one mixture
    assert min((half[0] - end).abs().max() for end in by_class) > 1e-4
    for wrong in (
        torch.tensor([0, classes]),
        torch.tensor([0, -1]),
        torch.tensor([0]),
        torch.zeros(2, classes + 1),
    ):
        with pytest.raises(UsageError):
            pictures(generator, z, wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_reach_a_mixture(family: str) -> None:
    generator = made(family)
    classes = generator.info.num_classes
    if not classes or not generator.info.differentiable:
        pytest.skip("the family has no classes here, or no gradients")
    mixture = torch.full((2, classes), 1 / classes, requires_grad=True)
    pictures(generator, generator.sample([1, 2]), mixture).square().sum().backward()
    assert mixture.grad is not None and mixture.grad.any()


def test_classes_have_names_or_none(generator: Any) -> None:
    if isinstance(generator, HasClasses):
        names = generator.class_names()
        assert names == () or len(names) == generator.info.num_classes


# --- devices and number formats -------------------------------------------------------------------


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_on_the_device_asked_for(family: str, device: str) -> None:
    here, there = made(family), made(family, device)
    assert there.device.type == device
    codes, z = promises.codes_of(here), here.sample([1, 2])
    label = labels_for(here, 2)
    found = [there.sample([1, 2]), there.mapping(z, label), there.synthesis(codes)]
    if isinstance(there, HasActivations):
        for name in there.activation_names():
            found.append(there.activation(codes, name))
            found.append(there.synthesis_with(codes, {name: torch.zeros(1)}))
    if isinstance(there, HasLayerWeights):
        found += there.layer_weights()
    assert {tensor.device.type for tensor in found} == {device}
    assert psnr(pictures(there, z, label).cpu(), pictures(here, z, label)) > 60


def test_numbers_are_float32_whatever_comes_in(generator: Any) -> None:
    codes = promises.codes_of(generator)
    plain = generator.synthesis(codes)
    assert plain.dtype == torch.float32
    assert generator.mapping(generator.sample([1])).dtype == torch.float32
    assert torch.equal(generator.synthesis(codes.double()), plain)
    if isinstance(generator, HasActivations):
        kinds = {generator.activation(codes, n).dtype for n in generator.activation_names()}
        assert kinds == {torch.float32}


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_is_near_where_it_is_offered(family: str) -> None:
    build = REGISTRY.load(family).build
    if "dtype" not in inspect.signature(build).parameters:
        pytest.skip(f"{family} is float32 only")
    exact, fast = made(family), made(family, dtype=torch.bfloat16)
    z, label = exact.sample(range(8)), labels_for(exact, 8)
    wanted, got = pictures(exact, z, label), pictures(fast, z, label)
    assert got.dtype == torch.float32
    assert psnr(got, wanted) >= HALF_DB


@pytest.mark.slow
def test_neither_opening_nor_drawing_imports_a_compiler(tmp_path: Path) -> None:
    """torch._dynamo and sympy take longer to import than a picture to draw, and one careless
    operation on the meta device brings them."""
    script = (
        "import sys, torch\n"
        "from small_families import FAMILIES, made\n"
        "from family_promises import codes_of\n"
        "for family in FAMILIES:\n"
        "    generator = made(family)\n"
        "    with torch.inference_mode():\n"
        "        generator.synthesis(codes_of(generator))\n"
        "    if found := {'torch._dynamo', 'sympy', 'networkx', 'scipy'} & {*sys.modules}:\n"
        "        sys.exit(f'{family}: {found}')\n"
    )
    support = str(Path(small.__file__).parent)
    variables = environment(tmp_path, PYTHONPATH=os.pathsep.join([support, *sys.path]))
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
