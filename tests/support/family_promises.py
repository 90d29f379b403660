"""What every family promises, checked on a small random model; the families' tests call this."""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.base import Generator, HasActivations, HasLayerWeights, HasPrefix
from latty.models.steps import HasSteps, Steps

CPU = torch.device("cpu")
Build = Callable[..., Any]
Tensors = Mapping[str, Tensor]


def codes_of(generator: Any, count: int = 3) -> Tensor:
    """Codes (N, L, D) that differ from layer to layer."""
    torch.manual_seed(1)
    return torch.randn(count, generator.info.num_layers, generator.info.width)


def check_all(build: Build, tensors: Tensors, meta: Mapping[str, str], tmp_path: Path) -> None:
    """Every promise of a family's `build` on one set of tensors."""
    generator = build(tensors, meta, CPU)
    assert isinstance(generator, Generator)
    check_pictures(generator)
    check_gradients(generator)
    check_truncation(generator)
    check_activations(generator)
    check_prefix(generator)
    check_steps(generator)
    check_labels(generator)
    check_no_stuck_mode(build, tensors, meta)
    check_half(build, tensors, meta)
    check_round_trip(generator, tensors, meta, tmp_path)


def check_pictures(generator: Any) -> None:
    info, codes = generator.info, codes_of(generator)
    z = generator.sample([3, 4])
    assert z.shape == (2, info.z_dim) and torch.equal(z[1:], generator.sample([4]))
    assert generator.mapping(z).shape == (2, info.num_layers, info.width)
    together = generator.synthesis(codes)
    alone = torch.cat([generator.synthesis(code[None]) for code in codes])
    assert together.shape == (3, info.channels, info.height, info.width_px)
    assert together.dtype == torch.float32 and not together.requires_grad
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)
    assert (together[0] - together[1]).abs().max() > 1e-3
    assert torch.equal(generator.synthesis(codes, noise=5), generator.synthesis(codes, noise=5))
    with pytest.raises(UsageError):
        generator.synthesis(torch.zeros(1, info.num_layers + 1, info.width))


def check_gradients(generator: Any) -> None:
    codes = codes_of(generator).requires_grad_()
    if not generator.info.differentiable:
        with pytest.raises(BadData, match="has no gradients"):
            generator.synthesis(codes)
        return
    generator.synthesis(codes).square().mean().backward()
    assert codes.grad is not None and (codes.grad.abs().sum((0, 2)) > 0).all()


def check_truncation(generator: Any) -> None:
    z = generator.sample([1, 2])
    full, half, none = (generator.mapping(z, truncation=psi) for psi in (1.0, 0.5, 0.0))
    torch.testing.assert_close(none[0], none[1])
    torch.testing.assert_close(half, (full + none) / 2)
    low = generator.mapping(z, truncation=0.5, cutoff=1)
    assert torch.equal(low[:, 1:], full[:, 1:])
    torch.testing.assert_close(low[:, :1], half[:, :1])
    each = generator.truncate(full, torch.tensor([1.0, 0.0]), None)
    torch.testing.assert_close(each, torch.stack([full[0], none[1]]))


def check_activations(generator: Any) -> None:
    assert isinstance(generator, HasActivations) and isinstance(generator, HasLayerWeights)
    weights = generator.layer_weights()
    assert len(weights) == generator.info.num_layers
    assert all(w.dim() == 2 and w.shape[1] == generator.info.width for w in weights)
    codes = codes_of(generator)
    plain = generator.synthesis(codes)
    for name in generator.activation_names():
        offset = torch.zeros(1, generator.activation(codes, name).shape[1], 1, 1)
        offset.requires_grad_()
        same = generator.synthesis_with(codes, {name: offset})
        torch.testing.assert_close(same, plain, atol=1e-5, rtol=1e-4)
        (same * torch.arange(same.numel()).reshape(same.shape)).sum().backward()
        assert offset.grad is not None and offset.grad.any(), name
    with pytest.raises(UsageError, match="nowhere"):
        generator.activation(codes, "nowhere")
    check_changes(generator)


def check_changes(generator: Any) -> None:
    """Several layers in one pass: nothing is nothing, lower layers come first, none runs twice."""
    codes, names = codes_of(generator), generator.activation_names()
    label = None
    if generator.info.num_classes:
        label = torch.arange(len(codes)) % generator.info.num_classes
    plain = generator.synthesis(codes, label, 0.7, 5)
    assert torch.equal(generator.synthesis_with(codes, {}, label, 0.7, 5), plain)
    seen: list[str] = []

    def watch(name: str, x: Tensor) -> Tensor:
        assert torch.equal(x, generator.activation(codes, name, label, 0.7, 5)), name
        seen.append(name)
        return x

    watched = {name: partial(watch, name) for name in reversed(names)}
    with FlopCounterMode(display=False) as without:
        generator.synthesis(codes, label, 0.7, 5)
    with torch.no_grad():
        again = generator.synthesis_with(codes, watched, label, 0.7, 5)
        with FlopCounterMode(display=False) as counted:
            generator.synthesis_with(codes, dict.fromkeys(names, lambda x: x), label, 0.7, 5)
    assert seen == names and torch.equal(again, plain)
    assert counted.get_total_flops() == without.get_total_flops(), "a layer ran twice"
    with pytest.raises(UsageError, match=r"nowhere.*" + r".*".join(map(re.escape, names))):
        generator.synthesis_with(codes, {names[0]: lambda x: x, "nowhere": lambda x: x})
    for wrong in (torch.zeros(2, 1, 1, 1), torch.zeros(1, 1, 1, 1, 1), lambda x: x[:, :, :1, :1]):
        with pytest.raises(UsageError, match="activation is"):
            generator.synthesis_with(codes, {names[-1]: wrong})


def check_prefix(generator: Any) -> None:
    if not isinstance(generator, HasPrefix):
        return
    codes = codes_of(generator)
    frames = codes[:1].repeat(3, 1, 1)
    plain = generator.synthesis(codes)
    for layer in range(generator.info.num_layers + 1):
        state = generator.prefix(codes, layer)
        kept = None if state.x is None else state.x.clone()
        for _ in range(2):
            again = generator.synthesis_from(state, codes)
            torch.testing.assert_close(again, plain, atol=1e-6, rtol=1e-5)
        assert kept is None or torch.equal(state.x, kept), "a kept state was overwritten"
        one = generator.synthesis_from(generator.prefix(codes[:1], layer), frames)
        torch.testing.assert_close(one, plain[:1].expand_as(one), atol=1e-5, rtol=1e-4)
        if isinstance(generator, HasActivations):
            check_changed_prefix(generator, codes, layer)


def check_changed_prefix(generator: Any, codes: Tensor, layer: int) -> None:
    """What a state ends with can be changed, what lies above it, and nothing below."""
    state, names = generator.prefix(codes, layer), generator.activation_names()
    for place, name in enumerate(names):
        changes = {name: torch.full((1,), 0.5)}
        if place < layer - 1:
            with pytest.raises(UsageError, match=f"layer {layer}"):
                generator.synthesis_from(state, codes, "const", changes)
            continue
        found = generator.synthesis_from(state, codes, "const", changes)
        wanted = generator.synthesis_with(codes, changes)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)


def check_steps(generator: Any) -> None:
    """Step by step, from any state and with changes, a picture is that of synthesis to the last
    bit; what is kept is not overwritten, and where each step reads its own code no other counts."""
    if not isinstance(generator, HasSteps):
        return
    codes, others = codes_of(generator).split([1, 2])
    classes = generator.info.num_classes
    label = torch.tensor([classes - 1]) if classes else None
    names = generator.activation_names() if isinstance(generator, HasActivations) else []
    scenes = [{}, *({name: lambda x: x.flip(3)} for name in names)]
    for changes in scenes:
        with torch.no_grad():
            steps = generator.steps(codes, label, 0.7, 5, changes)
            assert steps is not None
            wanted = generator.synthesis_with(codes, changes, label, 0.7, 5)
            check_states(generator, steps, wanted)
            if steps.each:
                check_own_codes(generator, steps, (label, 0.7, 5, changes), others[:1])
    check_spared(generator, codes)


def check_states(generator: Any, steps: Steps, wanted: Tensor) -> None:
    """One step at a time, and from each state once more to the end."""
    states, copies = [steps.start()], []
    while states[-1].layer < steps.count:
        states.append(steps.run(states[-1], states[-1].layer + 1))
        copies.append([one.clone() for one in states[-1].tensors])
    assert [state.layer for state in states] == list(range(steps.count + 1))
    heights = steps.early_heights()
    assert all(height < generator.info.height for height in heights.values())
    for state in states:
        assert torch.equal(steps.image(state), wanted), state.layer
        if state.layer in heights:
            early = steps.early(state)
            assert early.shape[:3] == (1, generator.info.channels, heights[state.layer])
            assert early.dtype == torch.float32 and early.isfinite().all()
    for state, kept in zip(states[1:], copies, strict=True):
        assert all(map(torch.equal, state.tensors, kept)), "a kept state was overwritten"


def check_own_codes(generator: Any, steps: Steps, how: tuple[Any, ...], other: Tensor) -> None:
    """The state before step j > 0 does not know the codes from j on."""
    for j in range(1, steps.count):
        codes = torch.cat([steps.codes[:, :j], other[:, j:]], 1)
        mixed = generator.steps(codes, *how)
        state = steps.run(steps.start(), j)
        assert torch.equal(mixed.image(state), generator.synthesis_with(codes, how[3], *how[:3]))


def check_spared(generator: Any, codes: Tensor) -> None:
    """What nobody keeps may be overwritten: the picture is the same."""
    with torch.no_grad():
        steps = generator.steps(codes)
        wanted, state = steps.image(steps.start()), steps.start()
        while state.layer < steps.count:
            state = steps.run(state.spared() if state.layer else state, state.layer + 1)
        assert torch.equal(steps.image(state), wanted)


def check_labels(generator: Any) -> None:
    z, classes = generator.sample([1, 2]), generator.info.num_classes

    def pictures(label: Tensor | None) -> Tensor:
        images: Tensor = generator.synthesis(generator.mapping(z, label), label)
        return images

    if not classes:
        with pytest.raises(UsageError, match="no classes"):
            pictures(torch.tensor([0, 0]))
        return
    by_class = pictures(torch.tensor([0, classes - 1]))
    assert torch.equal(by_class, pictures(torch.eye(classes)[[0, classes - 1]]))
    assert torch.equal(pictures(None), pictures(torch.zeros(2, classes)))
    assert (by_class - pictures(None)).abs().max() > 1e-4
    for wrong in (torch.tensor([0, classes]), torch.tensor([0]), torch.zeros(2, classes + 1)):
        with pytest.raises(UsageError):
            pictures(wrong)


def check_no_stuck_mode(build: Build, tensors: Tensors, meta: Mapping[str, str]) -> None:
    with torch.inference_mode():
        generator = build(tensors, meta, CPU)
        generator.synthesis(codes_of(generator), noise=9)
    codes = codes_of(generator).requires_grad_()
    generator.synthesis(codes, noise=9).sum().backward()
    assert codes.grad is not None


def check_half(build: Build, tensors: Tensors, meta: Mapping[str, str]) -> None:
    """bfloat16 is near, and the pictures are float32 all the same."""
    exact, fast = build(tensors, meta, CPU), build(tensors, meta, CPU, dtype=torch.bfloat16)
    codes = codes_of(exact)
    wanted, got = exact.synthesis(codes), fast.synthesis(codes)
    assert got.dtype == torch.float32
    error = (got - wanted).square().mean().sqrt() / wanted.std()
    assert error < 0.1, f"bfloat16 is {error:.3f} of a standard deviation away"


def check_round_trip(
    generator: Any, tensors: Tensors, meta: Mapping[str, str], tmp_path: Path
) -> None:
    """Written as safetensors and opened by the front door, it draws the same pictures."""
    file = tmp_path / "written.safetensors"
    save_file({name: t.contiguous() for name, t in tensors.items()}, file, dict(meta))
    again = open_model(str(file), "cpu")
    codes = codes_of(generator)
    assert again.info.family == generator.info.family and again.info.digest
    assert torch.equal(again.synthesis(codes), generator.synthesis(codes))


def check_damage(build: Build, tensors: Tensors, meta: Mapping[str, str], name: str) -> None:
    """A tensor that is missing, misshapen, not finite or not floating point is named."""
    pattern = name.replace(".", r"\.")
    good = tensors[name]
    bad = {
        "shape": torch.zeros(*good.shape, 2),
        "empty": torch.zeros(0, *good.shape[1:]),
        "nan": torch.full_like(good, math.nan),
        "infinite": torch.full_like(good, math.inf),
        "integers": good.long(),
    }
    for damaged in bad.values():
        with pytest.raises(BadData, match=pattern):
            build({**tensors, name: damaged}, meta, CPU)
    with pytest.raises(BadData, match=pattern):
        build({key: t for key, t in tensors.items() if key != name}, meta, CPU)
    with pytest.raises(BadData, match="strange"):
        build({**tensors, "strange.tensor": torch.zeros(1)}, meta, CPU)
