"""Colours chosen over the whole film, frames streamed through FFmpeg's encoder.

A palette per frame flickers and costs a hundred times more to choose. Dithering (`dither = true`)
hides the bands in smooth gradients; on photographs it loses 1.6 dB and makes files a tenth larger.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from shutil import copyfileobj

import av
import numpy as np
from numpy.typing import NDArray

from latty.presets import Output
from latty.presets.formats import Frames, Pixels, starts
from latty.render.ffmpeg.mux import muxer
from latty.render.writers.gif import palette
from latty.render.writers.gif.lossy import Simplifier
from latty.report import Report

COLOURS = 255  # the last entry is transparent: pixels that stay as they were cost next to nothing
DITHER = 8.0  # of 255: about the distance of neighbouring palette entries in a gradient
_LOOP_BYTES = 19  # the NETSCAPE2.0 extension


def encode(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """Two passes over frames (H, W, 3): colours, then pictures."""
    frames = _Dithered(film) if output.dither else film
    counts = palette.histogram(frames)
    colours = palette.choose(counts, min(output.colours, COLOURS))
    bare = path.with_name(path.name + ".bare")
    try:
        simplify = Simplifier(colours, output.lossy) if output.lossy else None
        lookup = palette.table(counts, colours)
        _encode(frames, film, bare, colours, lookup, simplify, report)
        _insert_comment(bare, path, comment.encode("ascii"))
    finally:
        bare.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Dithered:
    """The frames of a film with a fixed 8 x 8 pattern added (Bayer 1973): it does not flicker."""

    film: Frames

    def __iter__(self) -> Iterator[Pixels]:
        tiles = -(-self.film.height // 8), -(-self.film.width // 8)
        pattern = np.tile(_bayer() * DITHER, tiles)[: self.film.height, : self.film.width, None]
        for pixels in self.film:
            yield np.clip(pixels + pattern + 0.5, 0, 255).astype(np.uint8)


def _bayer() -> NDArray[np.float64]:
    """The 8 x 8 ordered-dither pattern, of mean 0, in -0.5..0.5."""
    rank = np.zeros((1, 1))
    for _ in range(3):
        rank = np.block([[4 * rank, 4 * rank + 2], [4 * rank + 3, 4 * rank + 1]])
    return (rank + 0.5) / 64 - 0.5


def _encode(
    frames: Iterable[Pixels],
    film: Frames,
    path: Path,
    colours: Pixels,
    lookup: Pixels,
    simplify: Simplifier | None,
    report: Report,
) -> None:
    entries = np.zeros((256, 4), np.uint8)  # alpha, red, green, blue
    entries[: len(colours), 1:] = colours
    entries[:COLOURS, 0] = 255
    times = starts(len(film), film.fps, 100)
    options = {"loop": "0" if film.loops else "-1", "final_delay": str(times[-1] - times[-2])}
    with muxer(path, "gif", options) as container:
        stream = container.add_stream("gif")
        stream.width, stream.height, stream.pix_fmt = film.width, film.height, "pal8"
        stream.codec_context.time_base = Fraction(1, 100)
        for i, pixels in enumerate(frames):
            indices = lookup.take(palette.bins(pixels)).reshape(pixels.shape[:2])
            if simplify is not None:
                indices = simplify(pixels, indices)
            frame = av.VideoFrame.from_ndarray((indices, entries), format="pal8")  # type: ignore[arg-type]
            frame.pts, frame.time_base = times[i], Fraction(1, 100)
            container.mux(stream.encode(frame))
            report(i + 1, len(film), "gif")
        container.mux(stream.encode())


def _insert_comment(source: Path, target: Path, comment: bytes) -> None:
    """Copy a GIF with a comment extension after its global palette: FFmpeg writes none."""
    with source.open("rb") as bare, target.open("wb") as file:
        head = bare.read(13)
        file.write(head)
        if head[10] & 0x80:
            file.write(bare.read(3 << (head[10] & 7) + 1))
        ahead = bare.read(_LOOP_BYTES)
        if b"NETSCAPE" in ahead:  # some players look for the loop count here and nowhere else
            file.write(ahead)
            ahead = b""
        if comment:
            file.write(b"\x21\xfe")
            for i in range(0, len(comment), 255):
                part = comment[i : i + 255]
                file.write(bytes([len(part)]) + part)
            file.write(b"\x00")
        file.write(ahead)
        copyfileobj(bare, file)
