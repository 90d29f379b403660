"""Many from one: sheets and films of [[each]] against drawing the same pictures in one process, and
against a command for each file.

A sheet of 15 directions x 5 strengths x 10 samples; a film of each of 30 directions. The times of
`latty render` are those of the whole command but for its imports; both sides take turns, and no
picture is kept from one turn to the next. Films stand against drawing, and against drawing,
Pillow's enlarging and the bare encoder: what is left is latty's own.
"""

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from unittest.mock import patch

import torch

from benchmarks.bench_films import pyav
from benchmarks.bench_writers import Row, cpu
from latty import presets
from latty.cli.main import main
from latty.directions.store import direction_names
from latty.models import open_model
from latty.presets import Preset
from latty.render.grids import fit
from latty.render.pixels import Painter, at_size
from latty.render.shots import Shots
from latty.scene import Scene

BATCH, ROUNDS = 8, 3
GOAL = 1.1  # times the drawing of the same pictures
SCENE = """
[scene]
model = "{model}"
seed = "{{seed}}"
[[scene.edits]]
direction = "{model}/{{direction}}"
strength = {strength}
"""


def each(key: str, values: Sequence[object]) -> str:
    said = ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in values)
    return f'[[each]]\nkey = "{key}"\nvalues = [{said}]\n'


def drawing(scenes: Sequence[Scene], size: int) -> Callable[[], object]:
    """The pictures of scenes of one model, in batches as renders draw them, kept nowhere."""
    painter = Painter(at_size(open_model(scenes[0].model, "cpu"), size))
    painter(scenes[:BATCH])  # the first call is slower than the others

    def drawn() -> None:
        for first in range(0, len(scenes), BATCH):
            painter(scenes[first : first + BATCH])

    return drawn


def rendered(text: str, folder: Path) -> Callable[[], object]:
    """`latty render` of a preset."""
    file = folder / "many.toml"
    file.write_text(f"schema = 1\n{text}", encoding="utf-8")
    words = ["render", "--quiet", "--overwrite", "--out-dir", str(folder / "out"), str(file)]
    return lambda: main([*words, "--device", "cpu"])


def in_turns(*works: Callable[[], object]) -> list[float]:
    """Medians of the processor seconds of works that take turns, each in a home of its own."""
    rounds = [[_at_home(work) for work in works] for _ in range(ROUNDS)]
    return [statistics.median(one) for one in zip(*rounds, strict=True)]


def _at_home(work: Callable[[], object]) -> float:
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, LATTY_HOME=home):
        return cpu(work)


def encoded(films: Sequence[Preset], size: int, place: Path) -> Callable[[], object]:
    """Films of one model drawn, enlarged and encoded from memory."""
    painter = Painter(at_size(open_model(films[0].scene.model, "cpu"), size))

    def made() -> None:
        for film in films:
            scenes = Shots(film, film.times(), size)
            drawn = (painter(scenes[i : i + BATCH]) for i in range(0, len(scenes), BATCH))
            pyav([fit(one, size) for batch in drawn for one in batch], place, film)

    return made


def sheet(model: str, size: int, directions: int, samples: int) -> Row:
    names = direction_names(model)[:directions]
    keys = each("seed", range(samples)) + each("direction", names)
    keys += each("s", (-1, -0.5, 0, 0.5, 1))
    text = keys + SCENE.format(model=model, strength='"{s}"')
    text += '[[outputs]]\npath = "all.png"\nrows = ["seed", "direction"]\ncolumns = "s"\n'
    text += f"size = {size}\n"
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        render = rendered(text, Path(folder))
        panels = presets.read(Path(folder) / "many.toml").panels
        scenes = [replace(panel.preset.at(0.0), size=size) for panel in panels]
        ours, pure = in_turns(render, drawing(scenes, size))
    what = f"{model}: a sheet of {len(names)} x 5 x {samples} at {size} px, beyond drawing"
    return what, f"{GOAL:g} x drawing", GOAL * pure / ours, _note(ours, pure, len(scenes))


def films(model: str, size: int, count: int, frames: int, single: bool) -> list[Row]:
    names = direction_names(model)
    names = [names[i % len(names)] for i in range(min(count, len(names)))]
    spans = [1 + i / 4 for i in range(-(-count // len(names)))]
    keys = each("seed", [7]) + each("direction", names) + each("span", spans)
    strength = '{ from = "-{span}", to = "{span}" }'
    text = f"frames = {frames}\n{keys}" + SCENE.format(model=model, strength=strength)
    text += '[[outputs]]\npath = "{direction} {span}.mp4"\nfps = 60\nloop = "once"\n'
    text += f"size = {size}\n"
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        place = Path(folder)
        render = rendered(text, place)
        made = len(names) * len(spans)
        read = [presets.read(place / "many.toml", (), i) for i in range(made)]
        scenes = [one for preset in read for one in Shots(preset, preset.times(), size)]
        alone = cpu(partial(_alone, place, names, spans)) if single else None
        bare = encoded(read, size, place / "bare.mp4")
        ours, pure, floor = in_turns(render, drawing(scenes, size), bare)
    what = f"{model}: {made} films of {frames} frames at {size} px"
    rows: list[Row] = [
        (f"{what}, with their encoding", f"{GOAL:g} x drawing", GOAL * pure / ours,
         _note(ours, pure, len(scenes))),
        (f"{what}, beyond the bare encoder", f"{GOAL:g} x drawing, enlarging, encoding",
         GOAL * floor / ours, _note(ours, floor, len(scenes))),
    ]  # fmt: skip
    if alone is not None:
        note = f"{ours:.1f} against {alone:.1f} s"
        rows.append((what, "a command for each", alone / ours, note))
    return rows


def _alone(folder: Path, names: Sequence[str], spans: Sequence[float]) -> None:
    """A command for each film."""
    words = [sys.executable, "-m", "latty", "render", "many.toml", "--quiet", "--device", "cpu"]
    for name, span in product(names, spans):
        keys = ["--set", f'each.1.values=["{name}"]', "--set", f"each.2.values=[{span}]"]
        subprocess.run([*words, *keys, "--out-dir", "alone"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip


def _note(ours: float, pure: float, count: int) -> str:
    return f"{ours:.1f} against {pure:.1f} s for {count} pictures: {ours / pure:.2f} times"


def _imports() -> None:
    """What only a first render pays."""
    text = '[scene]\nmodel = "demo"\n[[outputs]]\npath = "a.mp4"\n[[outputs]]\npath = "a.png"\n'
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        rendered(text, Path(folder))()


def run(quick: bool) -> list[Row]:
    torch.set_num_threads(1)
    _imports()
    rows = [sheet("demo", 64, *(3, 2) if quick else (15, 10))]
    rows.append(sheet("portraits", 256, *(3, 2) if quick else (15, 10)))
    return rows + films("demo", 256, *(3, 60) if quick else (30, 300), single=True)
