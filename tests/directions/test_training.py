"""The training that warped and voynov share: what is drawn, what is minimised, what survives."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import ROOT
from torch.nn import functional
from toy_generator import Toy
from visible_latents import Patches

from latty.checkpoints import safetensors
from latty.directions.discovery import save
from latty.directions.methods.voynov import Voynov
from latty.directions.methods.voynov.deformators import deformator
from latty.directions.methods.warped import Warped, rbf
from latty.directions.training import state
from latty.directions.training import trainer as training_trainer
from latty.directions.training.names import STATS
from latty.directions.training.pairs import Pairs
from latty.directions.training.reconstructors import Reconstructor
from latty.directions.training.trainer import FIGURES, Trainer
from latty.errors import BadData, Interrupted

SMALL: dict[str, Any] = {"iterations": 20, "batch": 4, "reconstructor": "lenet", "probes": 4}
METHODS = [
    (Warped, {"paths": 4, "dipoles": 3, **SMALL}),
    (Voynov, {"directions": 4, **SMALL}),
    (Voynov, {"directions": 4, "kind": "fc", **SMALL}),
]


def trainer_of(generator: Toy) -> Trainer:
    params = Voynov(
        directions=5,
        deformator_rate=1e-3,
        iterations=8,
        batch=4,
        reconstructor="lenet",
        space="w",
        size=16,
    )
    pairs = Pairs(generator, params)
    return Trainer(pairs, deformator("ortho", 5, 5, False), 2.0, params, "key")


# --- what is drawn --------------------------------------------------------------------------------


def test_shifts_are_even_over_both_signs() -> None:
    """The original draws 70 % of them positive."""
    pairs = Pairs(Toy(), Voynov())
    index, size = pairs.shifts(0, 20_000, 7, (0.5, 3.0), "uniform")
    assert float((size > 0).float().mean()) == pytest.approx(0.5, abs=0.015)
    ways = size.abs()
    assert float(ways.min()) >= 0.5 and float(ways.max()) <= 3.0
    assert float(ways.mean()) == pytest.approx(1.75, abs=0.03)
    assert float(ways.std()) == pytest.approx(2.5 / 12**0.5, rel=0.03)
    assert torch.bincount(index, minlength=7).min() > 20_000 / 7 * 0.9
    size = pairs.shifts(0, 20_000, 7, (0.5, 3.0), "normal")[1]
    assert float(size.abs().min()) == 0.5 and float((size > 0).float().mean()) == pytest.approx(
        0.5, abs=0.015
    )
    assert float(size.square().mean().sqrt()) == pytest.approx(3.0, rel=0.03)


def test_draws_depend_on_their_number_alone() -> None:
    pairs = Pairs(Toy(classes=3), Voynov(seed=9, truncation=0.7))
    ahead, alone = pairs.draw(range(40, 48)), pairs.draw(range(43, 44))
    torch.testing.assert_close(ahead.latents[3:4], alone.latents)
    assert ahead.label is not None and alone.label is not None
    assert torch.equal(ahead.label[3:4], alone.label)
    again = [pairs.shifts(3, 6, 5, (0.5, 3.0), "uniform") for _ in range(2)]
    other = pairs.shifts(4, 6, 5, (0.5, 3.0), "uniform")
    assert torch.equal(again[0][1], again[1][1]) and not torch.equal(again[0][1], other[1])


def test_truncated_latents_are_a_truncated_normal() -> None:
    whole, cut = Pairs(Toy(), Voynov()), Pairs(Toy(), Voynov(truncation=0.7))
    before, z = whole.latents_z(range(1000)), cut.latents_z(range(1000))
    assert float(z.abs().max()) <= 0.7
    inside = before.abs() <= 0.7
    assert torch.equal(before[inside], z[inside])  # what fits is kept
    density = np.exp(-(0.7**2) / 2) / np.sqrt(2 * np.pi)
    share = torch.erf(torch.tensor(0.7 / 2**0.5)).item()
    variance = 1 - 2 * 0.7 * density / share
    assert float(z.var()) == pytest.approx(variance, rel=0.04) and abs(float(z.mean())) < 0.02


def test_classes_are_drawn_as_asked() -> None:
    drawn = [
        Pairs(Toy(classes=5), source).labels(range(400))
        for source in (Voynov(), Voynov(label=2), Voynov(classes=(1, 4)))
    ]
    kinds = [set(labels.tolist()) for labels in drawn if labels is not None]
    assert kinds == [{0, 1, 2, 3, 4}, {2}, {1, 4}]
    assert Pairs(Toy(), Voynov()).labels(range(3)) is None


def test_shifts_stay_in_their_layers() -> None:
    toy = Toy()
    pairs = Pairs(toy, Voynov(layers="1-2", size=16))
    drawn = pairs.draw(range(2))
    codes = toy.mapping(toy.sample(range(2)))
    torch.testing.assert_close(pairs.pictures(drawn), toy.synthesis(codes))
    codes[:, 1:3] += 1
    torch.testing.assert_close(pairs.pictures(drawn, torch.ones(2, 5)), toy.synthesis(codes))
    in_z = Pairs(toy, Voynov(space="z", size=16))
    moved = toy.synthesis(toy.mapping(toy.sample(range(2)) + 1))
    torch.testing.assert_close(in_z.pictures(in_z.draw(range(2)), torch.ones(2, 6)), moved)


def test_pictures_are_averaged_down() -> None:
    toy = Toy()
    pairs = Pairs(toy, Voynov(size=8))
    whole = toy.synthesis(toy.mapping(toy.sample(range(2))))
    small = pairs.pictures(pairs.draw(range(2)))
    torch.testing.assert_close(small, whole.view(2, 3, 8, 2, 8, 2).mean((3, 5)))


# --- what is minimised ----------------------------------------------------------------------------


def test_the_loss_is_that_of_the_paper_and_the_generator_is_left_alone() -> None:
    generator = Patches()
    trainer = trainer_of(generator)
    before = {name: t.clone() for name, t in trainer.nets.state_dict().items()}
    generator.graded.clear()
    figures = dict(zip(FIGURES, trainer._step(0)[2].tolist(), strict=True))
    assert generator.graded == [False, True]  # the picture before the shift is in no graph
    assert generator.weights.grad is None

    again = trainer_of(generator)
    again.nets.load_state_dict(before)
    w = again.pairs.draw(range(4)).latents
    index, size = again.pairs.shifts(0, 4, 5, (0.5, 3.0), "uniform")
    skew = torch.zeros(5, 5, requires_grad=True)  # ortho starts as the identity
    shift = 2.0 * size[:, None] * (torch.eye(5) + skew - skew.T).T[index]  # exp to first order
    pictures = [generator.synthesis(codes[:, None].repeat(1, 4, 1)) for codes in (w, w + shift)]
    logits, guess = again.nets["reconstructor"](*pictures)
    cross = -(logits - logits.logsumexp(1, keepdim=True))[range(4), index].mean()
    error = (guess - size).abs().mean()
    assert figures["classification"] == pytest.approx(cross.item(), rel=1e-5)
    assert figures["regression"] == pytest.approx(error.item(), rel=1e-5)
    assert figures["loss"] == pytest.approx((cross + 0.25 * error).item(), rel=1e-5)
    torch.autograd.backward(cross + 0.25 * error)
    slope = skew.grad
    moved = trainer.nets["shifter"].skew.detach()
    assert isinstance(slope, torch.Tensor) and slope.any()
    sure = slope.abs() > 1e-6
    wanted = -1e-3 * slope.sign()  # Adam's first step
    torch.testing.assert_close(moved[sure], wanted[sure], rtol=0.02, atol=1e-6)


def test_pairs_that_do_not_differ_tell_nothing() -> None:
    net = Reconstructor("resnet", 3, 4).eval()
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        both = net(x, x + 0.1), net(x + 0.0, x.clone())
    assert both[0][0].shape == (2, 4) and both[0][1].shape == (2,)
    assert not torch.allclose(both[0][0], both[1][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"directions": 1}, "nothing to tell apart"),
        ({"batch": 1}, "batch norms"),
        ({"min_shift": 3.0}, "shifts from 3.0 to 3.0"),
        ({"iterations": 0}, "iterations"),
    ],
)
def test_plans_that_cannot_work_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BadData, match=words):
        Voynov(**change).check()


@pytest.mark.parametrize(
    ("generator", "params", "words"),
    [
        (Toy(), {"label": 1}, "knows no classes"),
        (Toy(classes=3), {"label": 3}, "no class 3"),
        (Toy(classes=3), {"classes": (0, 3)}, "no class 3"),
        (Toy(), {"layers": "7-9"}, "layers 7-9"),
        (Toy(), {"layers": "2-1"}, "layers: '2-1' ends"),
        (Toy(), {"space": "z", "layers": "1"}, "in w only"),
        (Toy(), {"seed": 2**32 - 5}, "seeds end"),
        (Toy(), {"seed": -1}, "seeds end"),
    ],
)
def test_sources_that_do_not_fit_are_refused(
    generator: Toy, params: dict[str, Any], words: str
) -> None:
    for kind in (Warped, Voynov):
        with pytest.raises(BadData, match=words):
            kind(**{**SMALL, **params}).fit(generator)


def test_w_needs_layers_that_read_one_code() -> None:
    class Chunks(Toy):
        def mapping(self, *args: Any, **kwargs: Any) -> torch.Tensor:
            codes = super().mapping(*args, **kwargs)
            return codes * torch.arange(1, 5).view(1, 4, 1)

    with pytest.raises(BadData, match="another code"):
        Voynov(**SMALL).fit(Chunks())
    found = Voynov(directions=3, layers="2", **SMALL).fit(Chunks())
    assert found.directions_.shape == (3, 5)
    pairs, toy = Pairs(Chunks(), Voynov(layers="2", size=16)), Chunks()
    drawn = pairs.draw(range(2))  # the other layers keep codes of their own
    assert torch.equal(drawn.latents, toy.mapping(toy.sample(range(2)))[:, 2])
    plain = toy.synthesis(toy.mapping(toy.sample(range(2))))
    torch.testing.assert_close(pairs.pictures(drawn), plain)


# --- what survives --------------------------------------------------------------------------------


def set_of(method: Any, folder: Path, name: str) -> bytes:
    path = folder / f"{name}.safetensors"
    save(path, type(method).__name__.lower(), method, Patches())
    return path.read_bytes()


@pytest.mark.parametrize(("kind", "params"), METHODS)
def test_an_interrupted_training_ends_with_what_it_has(
    kind: Any, params: dict[str, Any], tmp_path: Path
) -> None:
    whole = set_of(kind(**params).fit(Patches()), tmp_path, "whole")
    calls = []

    def stop(done: int, total: int, what: str) -> None:
        calls.append((done, total, what))
        if done == 12:
            raise Interrupted(signal.SIGINT)

    work = tmp_path / "work"
    work.mkdir()
    cut = kind(**params).fit(Patches(), stop, work)
    assert not cut.complete_ and len(calls) == 12 and len(cut.infos_) == 4
    assert calls[0][:2] == (1, 20) and "accuracy" in calls[0][2] and "loss" in calls[0][2]
    assert set_of(cut, tmp_path, "cut") != whole
    again = kind(**params).fit(Patches(), lambda *a: calls.append(a), work)
    assert calls[12][0] == 13, "it went back"
    assert again.complete_ and set_of(again, tmp_path, "again") == whole


def test_an_interruption_while_judging_is_made_up_for(tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        if what == "held-out samples":
            raise Interrupted(signal.SIGINT)

    params: dict[str, Any] = {"directions": 4, **SMALL}
    whole = set_of(Voynov(**params).fit(Patches()), tmp_path, "whole")
    cut = Voynov(**params).fit(Patches(), stop, tmp_path)
    assert not cut.complete_ and dict(cut.infos_[0].scores)["accuracy"] >= 0
    assert set_of(Voynov(**params).fit(Patches(), work=tmp_path), tmp_path, "again") == whole


def test_a_training_can_be_made_longer(tmp_path: Path) -> None:
    params = {"directions": 4, **SMALL}
    whole = set_of(Voynov(**params).fit(Patches()), tmp_path, "whole")
    Voynov(**{**params, "iterations": 11}).fit(Patches(), work=tmp_path)
    counted: list[int] = []
    longer = Voynov(**params).fit(Patches(), lambda done, *_: counted.append(done), tmp_path)
    assert counted[0] == 12 and set_of(longer, tmp_path, "longer") == whole
    Voynov(**{**params, "seed": 1}).fit(Patches(), lambda done, *_: counted.append(done), tmp_path)
    assert counted.count(1) == 1, "another training took over a state that is not its own"


def test_a_state_of_an_earlier_version_is_taken_up(tmp_path: Path) -> None:
    """Such states name their training in another way; the folder is that of the search."""
    params = {"directions": 4, **SMALL}
    whole = set_of(Voynov(**params).fit(Patches()), tmp_path, "whole")
    Voynov(**{**params, "iterations": 11}).fit(Patches(), work=tmp_path)
    path = tmp_path / state.STATE
    facts = safetensors.read_header(path).meta["facts"]
    meta = {"kind": "training", "tag": "5f0c", "facts": facts}
    path.write_bytes(b"".join(safetensors.pieces(meta, safetensors.read_tensors(path))))
    counted: list[int] = []
    longer = Voynov(**params).fit(Patches(), lambda done, *_: counted.append(done), tmp_path)
    assert counted[0] == 12 and set_of(longer, tmp_path, "longer") == whole


def test_a_damaged_state_is_no_state(tmp_path: Path) -> None:
    params = {"directions": 4, **SMALL}
    whole = set_of(Voynov(**params).fit(Patches(), work=tmp_path), tmp_path, "whole")
    for content in (b"x" * 100, (tmp_path / state.STATE).read_bytes()[:-50]):
        (tmp_path / state.STATE).write_bytes(content)
        again = Voynov(**params).fit(Patches(), work=tmp_path)
        assert set_of(again, tmp_path, "again") == whole


def test_figures_are_logged_once_each(tmp_path: Path) -> None:
    (tmp_path / STATS).write_text('{"step": 10, "loss": 1.0}\n{"step": 20')
    state.cut(tmp_path, 15)
    assert (tmp_path / STATS).read_text() == '{"step": 10, "loss": 1.0}\n'
    Voynov(directions=4, **SMALL).fit(Patches(), work=tmp_path)
    lines = (tmp_path / STATS).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["step"] for row in rows] == [10, 20]
    assert set(rows[0]) == {"step", "accuracy", "classification", "regression", "loss", "seconds"}
    assert 0 <= rows[0]["seconds"] <= rows[1]["seconds"]


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from latty.directions.discovery import save
from latty.directions.methods import {name}
from latty.directions.training import trainer
from visible_latents import Patches
keep = trainer.Trainer._save
trainer.KEEP = 0.0
trainer.Trainer._save = lambda *given: 0.0 * keep(*given)
method = {name}.METHOD(**{params!r})
def tell(done, total, what):
    print(done, flush=True)
method.fit(Patches(), tell, Path({work!r}))
save(Path({out!r}), {name!r}, method, Patches())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "params"), METHODS[:1])
def test_a_killed_training_goes_on_as_if_it_had_not_been(
    kind: Any, params: dict[str, Any], tmp_path: Path
) -> None:
    """A real process, killed with SIGKILL in the middle."""
    params = {**params, "iterations": 80}
    name, out = kind.__name__.lower(), tmp_path / "out.safetensors"
    work = tmp_path / "work"
    work.mkdir()
    code = CHILD.format(
        tests=str(ROOT / "tests/support"),
        name=name,
        params=params,
        work=str(work),
        out=str(out),
    )
    firsts = []
    for stop in (40, None):
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        firsts.append(int(child.stdout.readline()))
        for line in child.stdout:
            if stop is not None and int(line) >= stop:
                time.sleep(0.01)  # anywhere: perhaps within an iteration, perhaps within a write
                child.kill()
                break
        child.stdout.close()
        assert child.wait() == (0 if stop is None else -signal.SIGKILL)
    assert firsts[0] == 1 and firsts[1] > 30, firsts
    whole = kind(**params).fit(Patches())
    assert set_of(whole, tmp_path, "whole") == out.read_bytes()


def test_saving_takes_its_share_of_the_time_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trainer_of(Patches())
    monkeypatch.setattr(training_trainer, "monotonic", iter([0.0, 9.0, 10.0, 10.5]).__next__)
    assert trainer._save(tmp_path) == 180.0 and trainer._save(tmp_path) == training_trainer.KEEP


def test_nothing_random_is_left_behind() -> None:
    torch.manual_seed(4)
    expected = torch.rand(3)
    torch.manual_seed(4)
    Warped(paths=3, dipoles=2, **SMALL).fit(Patches())
    assert torch.equal(torch.rand(3), expected)


def test_it_works_inside_inference_mode() -> None:
    toy = Toy()
    with torch.inference_mode():
        found = Voynov(directions=3, **SMALL).fit(toy)
    found.directions_.requires_grad_()
    assert functional.normalize(found.directions_).isfinite().all()
    assert rbf.FARTHEST > rbf.NEAREST


def test_shapes_have_a_rate_of_their_own() -> None:
    params = {"paths": 3, "dipoles": 2, **SMALL}
    still = Warped(**params, shape_rate=0.0).fit(Patches()).extra_
    moved = Warped(**params, shape_rate=0.1).fit(Patches()).extra_
    assert len({round(float(g), 5) for g in still["loggamma"]}) == 1
    assert len({round(float(g), 5) for g in moved["loggamma"]}) == 3
