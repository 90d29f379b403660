"""A film on a pipe, for FFmpeg and others, frame by frame while it is drawn.

docs/formats.md has the commands.
"""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from latty import models
from latty.presets import Preset
from latty.render import captions, drawers
from latty.render.developing import develop
from latty.render.drawers import Processes
from latty.render.encoders import Encoders, Tell
from latty.render.film import Films, batched
from latty.render.options import Options
from latty.render.pipes import Pipe
from latty.render.stream_formats import WAYS
from latty.render.views import Views, drawn_by
from latty.report import Report, silent

OPAQUE, CLEAR = "stream.mkv", "stream.apng"  # formats whose frames have no opacity, and one


def stream(
    preset: Preset,
    kind: str,
    options: Options,
    file: BinaryIO,
    report: Report = silent,
    pool: Processes | None = None,
) -> str:
    """Write the one output of a preset to a pipe, frame by frame, as "y4m", "raw" or "png"; "" is
    Y4M, of a single picture PNG. Without its sound. What a reader of raw frames has to be told, in
    words.

    Each frame goes out when it is drawn, by a `pool` where there is one. The pictures lie on disk
    until the end: memory is constant. Raises what `render.write` does; BrokenPipeError where nobody
    reads.
    """
    kind = kind or ("png" if preset.count(preset.outputs[0]) == 1 else "y4m")
    path = CLEAR if kind == "png" else OPAQUE
    output = replace(preset.outputs[0], path=path, codec=None, chroma=None)
    preset = options.settled(preset)
    generator = models.open_model(preset.scene.model, options.device, preset.scene.precision)
    options = batched(options, generator, preset)
    with TemporaryDirectory() as folder, ExitStack() as journals:
        made_with = drawers.made_with(preset, generator, options)
        others = drawers.others(pool, preset, options, generator, made_with) if pool else None
        films = Films(options, made_with, journals, others)
        every = Views(preset, films, {drawn_by(preset.scene): generator})
        views, _ = every.of(output, lambda number: Path(folder) / f"{number}")
        faces, pipe = captions.faces(preset), Pipe(file)

        def written(report: Report, tell: Tell) -> str:
            film = develop(preset, output, views, faces)
            size = f"{film.width}x{film.height}"
            pixels = WAYS[kind](film, pipe.send, output.depth or 8)
            return f"{kind}: {size} {pixels}, {film.fps} fps, {len(film)} frames"

        def stop() -> None:
            pipe.stopped = True
            films.stop()

        with Encoders(report, options.tell, stop) as encoders:
            told = encoders.start(written)
            for view in views:
                view.reel.finish(encoders.drawing)
            encoders.finish()
        words: str = told.result()
        return words
