"""Curved paths: a step along them, and an iteration of their training, against the textbook.

Same functions, same latents, same network, variants interleaved on one thread; ratios are of
processor time. The iteration is measured twice: with the textbook's own generator on both sides,
which shows what the loop is worth, and with ours, which is what a user gets.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks._clock import costs
from benchmarks._textbook_warped import Loop, OneHot
from benchmarks.bench_stylegan2 import SMALL, Row, Textbook, _network, _one_thread
from latty.directions.methods.warped import Warped, rbf
from latty.directions.training.pairs import Pairs
from latty.directions.training.trainer import Trainer
from latty.models.base import Generator, Labels, ModelInfo
from latty.models.families import stylegan2
from latty.models.families.stylegan2 import StyleGAN2Config, StyleGAN2Network
from latty.scene import Noise

PATHS, DIPOLES, WIDTH = 200, 32, 512  # 64 support vectors in each set
REPEATS = 20  # steps in one measurement: one alone is shorter than the clock's grain
BATCH = 2
FULL = StyleGAN2Config(resolution=64, channels=(512, 512, 512, 512, 512))  # config F below 128 px
ONE_HOT, LOOP = "one-hot sets, differences", "textbook loop"


class Bare(Warped):
    """Trains the functions over latents as they are."""

    def rates(self, shifter: nn.Module) -> list[tuple[Iterable[nn.Parameter], float]]:
        return [(shifter.parameters(), self.support_rate)]


class Plain:
    """The textbook network as a Generator, weights frozen."""

    def __init__(self, network: StyleGAN2Network, info: ModelInfo) -> None:
        self.network, self.info, self.device = network, info, torch.device("cpu")
        self.draw = Textbook(network)

    def sample(self, seeds: Sequence[int]) -> Tensor:
        return torch.randn(len(seeds), self.info.z_dim)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        return self.network.mapping(z).detach()

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        raise NotImplementedError("nothing is truncated here")

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        return self.draw(codes)


def _repeated(work: Callable[[], Tensor]) -> Tensor:
    for _ in range(REPEATS - 1):
        work()
    return work()


def _step_rows(rounds: int) -> Iterator[Row]:
    torch.manual_seed(0)
    warps = rbf.Warps(PATHS, DIPOLES, WIDTH)
    peer = OneHot(warps.support.detach(), warps.alphas.detach(), warps.loggamma.detach())
    for batch in (1, 8):
        z, index = torch.randn(batch, WIDTH), torch.arange(batch) * 3 % PATHS
        mask = torch.nn.functional.one_hot(index, PATHS).float()
        k = int(index[0])
        one = (warps.support[k], warps.alphas[k], warps.loggamma[k].exp())
        ours = {
            1: partial(rbf.direction, z, *one),  # a traversal knows its path
            8: partial(warps.directions, z, index),
        }[batch]
        measured = costs(
            {ONE_HOT: partial(_repeated, partial(peer, mask, z)), "ours": partial(_repeated, ours)},
            rounds,
        )
        mine, theirs = measured["ours"], measured[ONE_HOT]
        error = float((mine.result - theirs.result).abs().max())
        title = f"{'step along a path' if batch == 1 else 'directions of paths'}, batch {batch}"
        note = f"K {PATHS}, 2D {2 * DIPOLES}, d {WIDTH}: {1e3 * mine.total / REPEATS:.2f} ms"
        goal = 8 if batch == 1 else 5
        note = f"goal {goal}x, {note}, max error {error:.0e}"
        yield title, ONE_HOT, theirs.total / mine.total, note


def _trainer(generator: Generator) -> Trainer:
    params = Bare(
        paths=PATHS,
        min_shift=0.1,
        max_shift=0.2,
        iterations=1,
        batch=BATCH,
        support_rate=1e-4,
        reconstructor_rate=1e-4,
        space="w",
        size=64,
    )
    warps = rbf.Warps(PATHS, DIPOLES, WIDTH)
    warps.alphas.requires_grad_(False)
    return Trainer(Pairs(generator, params), warps, 1.0, params, "")


def _training_rows(config: StyleGAN2Config, rounds: int, quick: bool) -> Iterator[Row]:
    base = _network(config)
    ours = stylegan2.build(base.state_dict(), stylegan2.metadata(config), torch.device("cpu"))
    info = replace(ours.info, name="textbook")
    warps = rbf.Warps(PATHS, DIPOLES, WIDTH)
    support = OneHot(warps.support.detach(), warps.alphas.detach(), warps.loggamma.detach())
    loop = Loop(Textbook(base), support, PATHS)
    w = ours.mapping(ours.sample(range(BATCH)))[:, 0].clone()
    index, magnitude = torch.tensor([3, 150]), torch.tensor([0.15, -0.12])
    same, own = _trainer(Plain(base, info)), _trainer(ours)
    measured = costs(
        {
            LOOP: partial(loop.step, w, index, magnitude),
            "same generator": partial(_iterate, same),
            "our generator": partial(_iterate, own),
        },
        rounds,
    )
    theirs = measured.pop(LOOP)
    for name, cost in measured.items():
        title = f"training iteration {config.resolution} px, {name}"
        goal = "" if quick else "goal 1.7x, "
        note = f"{goal}batch {BATCH}, ResNet-18: {cost.total:.2f} s against {theirs.total:.2f} s"
        yield title, LOOP, theirs.total / cost.total, note


def _iterate(trainer: Trainer) -> Tensor:
    return torch.tensor(trainer._step(0)["loss"])


def run(quick: bool = False) -> list[Row]:
    """All rows; `quick` uses a narrow network, to show that the benchmark works."""
    with _one_thread():
        with torch.no_grad():
            rows = list(_step_rows(5 if quick else 15))
        config = replace(SMALL, w_dim=WIDTH) if quick else FULL
        return rows + list(_training_rows(config, 3 if quick else 5, quick))
