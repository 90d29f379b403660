"""Many from one: sheets and films of [[each]] against drawing the same pictures in one process, and
against a command for each file.

A sheet of 15 components x 5 strengths x 10 samples; films of 15 components, to 1 and to 3 sigma.
The times of `latty render` are those of the whole command but for its imports. Within it each
batch of a sheet is drawn once more, bare, just before; of the command that renders all films the
pictures of some are drawn, enlarged and encoded just before the film itself: bare, with Pillow and
PyAV. What is left beyond that is latty's own.

    python -m benchmarks.bench_sheets [--full] [--only sheet|films] [--every N] [--kept FILE]

--full draws 30 films of 300 frames (some 15 minutes of one core), else a few short ones. FILE gets
a line of JSON with each film that was measured.
"""

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from benchmarks.bench_films import pyav
from benchmarks.bench_writers import Row, cpu
from latty.cli.main import main
from latty.cli.verbs import render as verb
from latty.directions.store import direction_names
from latty.models import open_model
from latty.presets import Preset
from latty.presets.formats import Pixels
from latty.render.batch import Rendered
from latty.render.grids import fit
from latty.render.pixels import Painter, at_size
from latty.render.shots import Shots
from latty.scene import Scene

BATCH = 8
GOAL = 1.1  # times the drawing of the same pictures
ALONE = 3  # films that are made by a command each
SPANS = (1, 3)  # sigma
SCENE = """
[scene]
model = "{model}"
seed = "{{seed}}"
[[scene.edits]]
direction = "{set}{{direction}}"
strength = {strength}
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is drawn: a model at a size in px, moved along its principal components."""

    model: str
    size: int

    def components(self, folder: Path, count: int) -> tuple[str, list[str]]:
        """A set of so many in a folder, as a preset begins their names, and the names."""
        path = folder / "components.safetensors"
        words = ["discover", "ganspace", self.model, "--components", str(count), "--device", "cpu"]
        main([*words, "--quiet", "-o", str(path)])
        return f"{path}#", direction_names(str(path))


SMALL = Subject("demo", 64)
LARGE = Subject("portraits", 256)


def each(key: str, values: Sequence[object]) -> str:
    said = ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in values)
    return f'[[each]]\nkey = "{key}"\nvalues = [{said}]\n'


@contextlib.contextmanager
def drawn_beside() -> Iterator[list[float]]:
    """While it lasts each batch of a render is drawn bare just before the render draws it, by a
    painter of its own: whatever else the core does at that moment is the same for both. A list of
    the processor seconds of these."""
    draw, bare, seconds = Painter.__call__, dict[Painter, Painter](), list[float]()

    def both(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        own = bare.setdefault(painter, Painter(painter.generator, painter.foreign))
        seconds.append(cpu(lambda: draw(own, scenes)))
        return draw(painter, scenes)

    with patch.object(Painter, "__call__", both):
        yield seconds


def rendered(text: str, folder: Path) -> Callable[[], object]:
    """`latty render` of a preset."""
    file = folder / "many.toml"
    file.write_text(f"schema = 1\n{text}", encoding="utf-8")
    words = ["render", "--quiet", "--overwrite", "--out-dir", str(folder / "out"), str(file)]
    return lambda: main([*words, "--device", "cpu"])


def _at_home(work: Callable[[], object]) -> float:
    """Processor seconds of a work in a home of its own."""
    with tempfile.TemporaryDirectory() as home, patch.dict(os.environ, LATTY_HOME=home):
        return cpu(work)


def sheet(of: Subject, directions: int, samples: int) -> Row:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        place, names = of.components(Path(folder), directions)
        keys = each("seed", range(samples)) + each("direction", names)
        keys += each("s", (-1, -0.5, 0, 0.5, 1))
        text = keys + SCENE.format(model=of.model, set=place, strength='"{s}"')
        text += '[[outputs]]\npath = "all.png"\nrows = ["seed", "direction"]\ncolumns = "s"\n'
        text += f"size = {of.size}\n"
        render = rendered(text, Path(folder))
        with drawn_beside() as bare:
            ours = _at_home(render) - sum(bare)
    count = directions * 5 * samples
    what = f"{of.model}: a sheet of {len(names)} x 5 x {samples} at {of.size} px"
    return what, f"{GOAL:g} x drawing", GOAL * sum(bare) / ours, _note(ours, sum(bare), count)


@dataclass(slots=True)
class Bare:
    """Films drawn, enlarged and encoded from memory: every so many of those that are rendered.

    drawn, whole  processor seconds of their drawing, and of all of it
    """

    every: int
    size: int
    place: Path
    kept: Path | None
    begun: int = 0
    made: int = 0
    drawn: float = 0.0
    whole: float = 0.0

    def make(self, film: Preset) -> None:
        """The next film. Nothing of those between."""
        self.begun += 1
        if (self.begun - 1) % self.every:
            return
        painter = Painter(at_size(open_model(film.scene.model, "cpu"), self.size))
        scenes, pictures = Shots(film, film.times(), self.size), list[Pixels]()

        def draw() -> None:
            for first in range(0, len(scenes), BATCH):
                pictures.extend(painter(scenes[first : first + BATCH]))

        drawn = cpu(draw)
        encoded = cpu(lambda: pyav([fit(one, self.size) for one in pictures], self.place, film))
        self.made, self.drawn = self.made + 1, self.drawn + drawn
        self.whole += drawn + encoded
        self.keep(drawn=drawn, encoded=encoded)

    def keep(self, **seconds: float) -> None:
        """A line with what was measured of a film."""
        if self.kept is not None:
            with self.kept.open("a") as file:
                file.write(json.dumps({"film": self.begun, **seconds}) + "\n")


def films(of: Subject, directions: int, frames: int, every: int, kept: Path | None) -> list[Row]:
    strength = '{ from = "-{span}", to = "{span}" }'
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        place = Path(folder)
        of_set, names = of.components(place, directions)
        keys = each("seed", [7]) + each("direction", names) + each("span", SPANS)
        text = f"frames = {frames}\n{keys}"
        text += SCENE.format(model=of.model, set=of_set, strength=strength)
        text += '[[outputs]]\npath = "{direction} {span}.mp4"\nfps = 60\nloop = "once"\n'
        text += f"size = {of.size}\n"
        count = len(names) * len(SPANS)
        render, bare = rendered(text, place), Bare(every, of.size, place / "bare.mp4", kept)
        one, beside = verb.render_one, list[float]()

        def in_turn(preset: Preset, *rest: Any) -> Rendered:
            beside.append(cpu(lambda: bare.make(preset)))
            began = time.process_time()
            made = one(preset, *rest)
            bare.keep(rendered=time.process_time() - began)
            return made

        with patch.object(verb, "render_one", in_turn):
            ours = _at_home(render) - sum(beside)
        alone = cpu(partial(_alone, place, names[: -(-ALONE // len(SPANS))]))
    measured, share = count * frames, count / bare.made
    apart = alone / (min(len(names), -(-ALONE // len(SPANS))) * len(SPANS)) * count
    what = f"{of.model}: {count} films of {frames} frames at {of.size} px"
    if share > 1:
        what += f" ({bare.made} of them bare)"
    return [
        (what, f"{GOAL:g} x drawing", GOAL * bare.drawn * share / ours,
         _note(ours, bare.drawn * share, measured)),
        (what, f"{GOAL:g} x drawing, enlarging, encoding", GOAL * bare.whole * share / ours,
         _note(ours, bare.whole * share, measured)),
        (what, "a command for each", apart / ours, f"{ours:.1f} against {apart:.1f} s"),
    ]  # fmt: skip


def _alone(folder: Path, names: Sequence[str]) -> None:
    """A command for each film."""
    words = [sys.executable, "-m", "latty", "render", "many.toml", "--quiet", "--device", "cpu"]
    for name, span in product(names, SPANS):
        keys = ["--set", f'each.1.values=["{name}"]', "--set", f"each.2.values=[{span}]"]
        subprocess.run([*words, *keys, "--out-dir", "alone"], cwd=folder, check=True,
                       env={**os.environ, "OMP_NUM_THREADS": "1"},
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
    rows = [sheet(SMALL, *(3, 2) if quick else (15, 10))]
    rows.append(sheet(LARGE, *(3, 2) if quick else (15, 10)))
    return rows + films(LARGE, *(1, 60) if quick else (2, 150), every=1, kept=None)


def main_of_all() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--every", type=int, default=3, help="how many films one is drawn bare of")
    parser.add_argument("--kept", type=Path, metavar="FILE")
    parser.add_argument("--only", choices=("sheet", "films"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    _imports()
    if args.only != "films":
        print(*sheet(LARGE, 15, 10 if args.full else 2), sep="  ", flush=True)
    if args.only != "sheet":
        size = (15, 300) if args.full else (2, 60)
        for row in films(LARGE, *size, args.every, args.kept):
            print(*row, sep="  ", flush=True)


if __name__ == "__main__":
    main_of_all()
