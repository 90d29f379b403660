"""Films and many small pictures: what is spent beside drawing and encoding.

A second encode of a film whose pictures are kept is set against PyAV's own encode of the same
frames with the same encoder and options; many presets of one small picture against drawing these
pictures alone; a large frame of `portraits`, painted in parts, against one that is painted whole.
"""

import contextlib
import io
import tempfile
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import cast
from unittest.mock import patch

import av
import numpy as np
import torch
from PIL import Image

from benchmarks.bench_writers import Pixels, Row, cpu, preset
from latty import presets, render
from latty.cli.main import main
from latty.models import open_model
from latty.models.families.portraits import renderer
from latty.presets.codecs import CODECS, settled
from latty.render.pixels import Painter, at_size
from latty.scene import Scene

GOAL = 0.015  # seconds for a preset of one picture of 64 px, beyond drawing


def again(size: int, count: int) -> Row:
    """Another crf of a film that was drawn before."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        options = render.Options(place, frame_cache=2 << 30, overwrite=True)
        render.write(preset(size, count, "frames/"), options)
        film = preset(size, count, "x.mp4")
        files = sorted((place / "frames").iterdir())
        frames = [np.asarray(Image.open(file)) for file in files]
        pairs = [  # in turns: what else the machine does changes from minute to minute
            (cpu(lambda: pyav(frames, place / "y.mp4", film)),
             cpu(lambda: render.write(film, options)))
            for _ in range(9)
        ]  # fmt: skip
        sizes = [(place / name).stat().st_size // 1000 for name in ("x.mp4", "y.mp4")]
    ratio = median(theirs / ours for theirs, ours in pairs)
    theirs, ours = (median(column) for column in zip(*pairs, strict=True))
    note = (
        f"{ours / count * 1e3:.2f} against {theirs / count * 1e3:.2f} ms/frame, "
        f"{sizes[0]} against {sizes[1]} kB"
    )
    return f"MP4 {size} px again from kept frames", "PyAV, the same encoder", ratio, note


def pyav(frames: list[Pixels], path: Path, film: presets.Preset) -> None:
    """As PyAV's documentation encodes."""
    output = settled(film.outputs[0])
    way = CODECS.load(output.codec or "").encoding(output)
    height, width, _ = frames[0].shape
    options = dict(way.options_for(height, width, len(frames)))
    with av.open(str(path), "w") as container:
        made = container.add_stream(way.encoder, rate=Fraction(25), options=options)
        stream = cast("av.VideoStream", made)
        stream.height, stream.width = height, width
        stream.pix_fmt = way.pixels
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def many(count: int) -> Row:
    """`latty render` of as many presets."""
    text = 'schema = 1\n[scene]\nmodel = "demo"\nseed = {0}\n[[outputs]]\npath = "{0}.png"\n'
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        files = [Path(folder) / f"{seed}.toml" for seed in range(count)]
        for seed, file in enumerate(files):
            file.write_text(text.format(seed))
        words = ["render", "--quiet", "--out-dir", f"{folder}/out"]
        main([*words, str(files[0])])  # imports
        ours = cpu(lambda: main([*words, *map(str, files[1:])])) / (count - 1)
    painter = Painter(open_model("demo", "cpu"))
    drawing = cpu(lambda: [painter([Scene("demo", seed)]) for seed in range(count)]) / count
    beyond = ours - drawing
    note = f"{ours * 1e3:.1f} ms each, {drawing * 1e3:.1f} of it drawing"
    what = f"{count} presets of one 64 px picture, beyond drawing"
    return what, f"{GOAL * 1e3:.0f} ms each", GOAL / beyond, note


def large(count: int) -> Row:
    """Frames of `portraits` in batches of eight, as films are drawn."""
    painter = Painter(at_size(open_model("portraits", "cpu"), 1080))
    scenes = [preset(1080, count).at(i / count) for i in range(count)]
    painter(scenes[:1])  # the first call is slower than the others
    parts = cpu(lambda: painter(scenes)) / count
    with patch.object(renderer, "TILE", 1080):
        whole = cpu(lambda: painter(scenes)) / count
    note = f"{parts:.2f} against {whole:.2f} s a frame"
    return "portraits at 1080 px", "painted whole", whole / parts, note


def run(quick: bool) -> list[Row]:
    torch.set_num_threads(1)
    rows = [again(size, 60 if quick else 240) for size in (64, 256)]
    return [*rows, many(50 if quick else 300), large(4 if quick else 8)]
