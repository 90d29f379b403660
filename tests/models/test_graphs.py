"""Graphs of a synthesis, recorded on a CPU: what differs between pictures is all exchanged.

A recording here does again, on the same tensors, what a CUDA graph does: nothing that Python would
look up for another picture reaches it. That CUDA can capture it, a GPU shows (make gpu).
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_families import FAMILIES, SHAPES, labels_for, made
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from latty import plugins
from latty.models import gpu, graphs
from latty.models.base import HasPrefix
from latty.models.steps import HasSteps
from latty.scene import Noise

SYNCS = {"aten::_local_scalar_dense", "aten::nonzero", "aten::is_nonzero", "aten::equal"}
PICTURES = 2


class Unbroken(TorchDispatchMode):
    """Refuses what a capture refuses: numbers and shapes that the host waits for."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func.name().split(".")[0] not in SYNCS, f"{func.name()} in a graph"
        return func(*args, **(kwargs or {}))


class Tape:
    """Work on fixed tensors that can be done again, into the memory where its results lie."""

    def __init__(self, work: Callable[[], object], device: torch.device) -> None:
        with Unbroken():
            work()
        self.work = work

    def replay(self) -> None:
        self.work()


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said under -v in this test; nothing has failed before it."""
    said = list[str]()
    monkeypatch.setattr(gpu, "FAILED", {})
    monkeypatch.setattr(plugins, "tell_more", said.append)
    monkeypatch.setattr(graphs, "on_gpu", lambda tensors: True)
    return said


def steps_of(generator: Any, seed: int, noise: Noise = "const") -> Any:
    codes = generator.mapping(generator.sample([seed, seed + 1]), labels_for(generator, PICTURES))
    label = labels_for(generator, PICTURES)
    label = None if label is None else label.roll(seed)
    return generator.steps(codes, label, 0.7, noise)


def in_graphs(family: str) -> bool:
    return family.partition(" ")[0] not in ("onnx", "portraits", "fastgan", "lightweight_gan")


@pytest.mark.parametrize("family", [one for one in (*FAMILIES, *SHAPES) if in_graphs(one)])
def test_a_graph_draws_every_picture_of_its_kind(family: str, failures: list[str]) -> None:
    generator = made(family)
    assert isinstance(generator, HasSteps)
    kept = graphs.Graphs(Tape)
    with torch.no_grad():
        for seed in range(5):
            steps = steps_of(generator, seed)
            wanted = steps.image(steps.start())
            assert torch.equal(kept.image(steps, steps.start()), wanted)
            half = steps.count // 2
            state = kept.run(steps, steps.start(), half)
            for one, same in zip(
                state.tensors, steps.run(steps.start(), half).tensors, strict=True
            ):
                assert torch.equal(one, same) and one.stride() == same.stride()
            assert torch.equal(kept.image(steps, state), wanted)
    assert len(kept) == 3 and not failures


@pytest.mark.parametrize("family", ["fastgan", "lightweight_gan", "stylegan2", "stylegan1"])
def test_noise_of_a_seed_is_drawn_for_each_picture(family: str, failures: list[str]) -> None:
    generator, kept = made(family), graphs.Graphs(Tape)
    with torch.no_grad():
        for seed in range(5):
            steps = steps_of(generator, 1, noise=seed)
            assert torch.equal(kept.image(steps, steps.start()), steps.image(steps.start()))
    assert not failures


def test_a_prefix_of_one_picture_is_that_of_all(failures: list[str]) -> None:
    generator, kept = made("stylegan3"), graphs.Graphs(Tape)
    assert isinstance(generator, HasPrefix)
    with torch.no_grad():
        for seed in range(4):
            steps = steps_of(generator, seed)
            codes = steps.codes[:1].repeat(PICTURES, 1, 1)
            codes[:, 2:] += torch.arange(PICTURES)[:, None, None]
            steps = generator.steps(codes)
            state = generator.prefix(codes[:1], 2).repeated(PICTURES)
            assert torch.equal(kept.image(steps, state), generator.synthesis_from(state, codes))
    assert len(kept) == 1 and not failures


def test_other_weights_are_another_graph(failures: list[str]) -> None:
    generator, kept = made("stylegan2"), graphs.Graphs(Tape)

    def drawn() -> tuple[Tensor, Tensor]:
        steps = steps_of(generator, 1)
        return kept.image(steps, steps.start()), steps.image(steps.start())

    with torch.no_grad():
        for turn in range(2):
            for _ in range(4):
                assert torch.equal(*drawn())
            assert len(kept) == turn + 1
            weight = generator.network.synthesis.conv(0).affine.weight
            weight.data = weight.data * 1.5
        for parameter in generator.network.parameters():
            parameter.data.mul_(1.01)  # in place: a graph reads what is there
            break
        assert torch.equal(*drawn())
    assert not failures


class Empty(Tape):
    """One of another device or stream than the work was done on: there is nothing in it."""

    def replay(self) -> None:
        pass


def test_few_are_kept_and_none_of_a_network_that_is_gone(failures: list[str]) -> None:
    class Loose(Tape):
        """One that holds nothing of the work, as CUDA does not; it is never asked again."""

        def replay(self) -> None:
            self.work()
            del self.work

    kept = graphs.Graphs(Loose)
    with torch.no_grad():
        for _ in range(graphs.MOST + 2):
            generator = made("dcgan")
            for _ in range(3):
                steps = steps_of(generator, 1)
                kept.image(steps, steps.start())
            assert 1 <= len(kept) <= 2  # those of networks before it go
        generator = made("stylegan2")
        codes = steps_of(generator, 1).codes
        for count in range(1, graphs.MOST + 3):
            steps = generator.steps(codes[:1].repeat(count, 1, 1))
            for _ in range(3):
                kept.image(steps, steps.start())
        assert len(kept) == graphs.MOST
    kept.forget()
    assert len(kept) == 0 and not failures


class Broken(Tape):
    """A recording that cannot be made."""

    def __init__(self, work: Callable[[], object], device: torch.device) -> None:
        raise RuntimeError("operation not permitted when stream is capturing")


class Off(TorchDispatchMode):
    """Sums and products are a little off."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        done = func(*args, **(kwargs or {}))
        return done * 1.001 if "mul" in func.name() or "addmm" in func.name() else done


class Wrong(Tape):
    """One that computes something else."""

    def replay(self) -> None:
        with Off():
            self.work()


@pytest.mark.parametrize("record", [Broken, Wrong, Empty])
def test_what_does_not_prove_itself_is_not_used(record: type, failures: list[str]) -> None:
    generator, kept = made("stylegan2"), graphs.Graphs(record)
    with torch.no_grad():
        for seed in range(6):
            steps = steps_of(generator, seed)
            assert torch.equal(kept.image(steps, steps.start()), steps.image(steps.start()))
    assert len(kept) == 0 and len(failures) == 1 and "does without graphs" in failures[0]


@pytest.mark.parametrize("word", ["plain", "kernels"])
def test_the_setting_switches_them_off(
    word: str, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_GPU", word)
    generator, kept = made("stylegan2"), graphs.Graphs(Tape)
    with torch.no_grad():
        for _ in range(4):
            steps = steps_of(generator, 1)
            kept.image(steps, steps.start())
    assert len(kept) == 0 and not failures


def test_gradients_and_changes_inside_go_the_plain_way(failures: list[str]) -> None:
    generator, kept = made("stylegan2"), graphs.Graphs(Tape)
    name = generator.activation_names()[1]
    for _ in range(4):
        codes = steps_of(generator, 1).codes.requires_grad_()
        steps = generator.steps(codes)
        assert kept.image(steps, steps.start()).requires_grad
    with torch.no_grad():
        for _ in range(4):
            steps = generator.steps(codes, changes={name: torch.ones(())})
            kept.image(steps, steps.start())
    assert len(kept) == 0 and not failures
