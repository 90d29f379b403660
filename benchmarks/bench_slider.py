"""A slider on a network of 1024 px: what a move costs, and how soon there is something to see.

A StyleGAN2 of config F with random weights; the painter is that of the studio's engine, in this
process and on one thread. Processor time, medians of turns that alternate.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import torch

from latty.jobs.engine.kept_states import KeptStates
from latty.jobs.engine.painter import PreviewPainter
from latty.models.families import stylegan2
from latty.scene import Edit, Layers, Scene

Row = tuple[str, str, float, str]
CONFIG = stylegan2.StyleGAN2Config(
    resolution=1024, channels=(512, 512, 512, 512, 512, 256, 128, 64, 32)
)
SEEN = 416  # px at which the studio shows a picture
RANGES = (Layers(12, 18), Layers(8, 18), Layers(16, 18))
STRENGTHS = count(1)  # no two moves are the same


def _painter(quick: bool) -> PreviewPainter:
    config = CONFIG
    if quick:
        config = replace(CONFIG, channels=tuple(max(8, one // 4) for one in CONFIG.channels))
    torch.manual_seed(0)
    state = stylegan2.StyleGAN2Network(config).state_dict()
    meta = stylegan2.metadata(config)
    return PreviewPainter(stylegan2.build(state, meta, torch.device("cpu")), KeptStates())


def _drawn(painter: PreviewPainter, scene: Scene, wanted: int | None = None) -> tuple[float, float]:
    """Seconds of the processor until the coarse picture, 0 where there was none, and in all."""
    begun, coarse = time.process_time(), 0.0
    for between in painter.stepwise(scene, wanted):
        if between.coarse is not None:
            coarse = time.process_time() - begun
    return coarse, time.process_time() - begun


def _moved(layers: Layers) -> Scene:
    return Scene("slider", 1, edits=(Edit("seed:7", 0.001 * next(STRENGTHS), layers),))


def run(quick: bool) -> Iterator[Row]:
    """Yields (what, against, ratio, note)."""
    torch.set_num_threads(1)
    painter, plain = _painter(quick), Scene("slider", 1)
    _drawn(painter, plain)
    turns: list[list[float]] = []
    for turn in range(3 if quick else 5):
        times = list(_drawn(painter, replace(plain, seed=2 + turn), SEEN))
        for layers in RANGES:
            _drawn(painter, plain)
            times += [_drawn(painter, _moved(layers))[1] for _ in range(2)]
        turns.append(times)
    coarse, whole, *moves = map(statistics.median, zip(*turns, strict=True))
    if coarse:
        yield ("slider at 1024 px: a coarse picture first", "the whole one", whole / coarse,
               f"{1000 * coarse:.0f} of {1000 * whole:.0f} ms CPU on one thread")  # fmt: skip
    for layers, first, second in zip(RANGES, moves[::2], moves[1::2], strict=True):
        yield (f"slider at 1024 px: first move of layers {layers.start}-17", "the second move",
               second / first, f"{1000 * first:.0f} against {1000 * second:.0f} ms, the whole "
               f"picture {1000 * whole:.0f}")  # fmt: skip
