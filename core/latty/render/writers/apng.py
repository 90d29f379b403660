"""APNG: an animated PNG, lossless, with an opacity where the model draws one."""

from fractions import Fraction
from pathlib import Path
from shutil import copyfileobj

from latty.presets import Output
from latty.presets.formats import HEAD, Frames
from latty.render.writers.png import recall, text_of
from latty.report import Report

__all__ = ["FORMATS", "recall", "write"]

FORMATS = {
    ".apng": {
        "what": "APNG picture",
        "alpha": True,
        "film": True,
        "magic": rb"\x89PNG\r\n\x1a\n.{29}(.{21})?acTL",  # FFmpeg's place for it
        "reads": {"fps", "loop", "max_bytes"},
        "bytes_per_pixel": 0.75,
        "offered": False,
        "encoders": (("apng", "apng", "rgb24"),),
    }
}
_FIRST = 33  # bytes of a PNG up to the end of its first chunk
_PLAYS = b"acTL"  # the chunk that says that it plays, of 8 bytes


def write(film: Frames, path: Path, output: Output, comment: str, report: Report) -> None:
    """All frames (H, W, 3 or 4) through FFmpeg's encoder, then the recipe in a text chunk."""
    bare = path.with_name(path.name + ".bare")
    try:
        _encode(film, bare, report)
        with bare.open("rb") as source, path.open("wb") as file:
            head = source.read(HEAD)
            plays = head.find(_PLAYS)  # of one frame FFmpeg makes a PNG that does not
            place = plays + len(_PLAYS) + 8 + 4 if plays >= 0 else _FIRST
            file.write(head[:place] + text_of(comment) + head[place:])
            copyfileobj(source, file)
    finally:
        bare.unlink(missing_ok=True)


def coarser(output: Output) -> list[Output]:
    """An output alone: nothing is lost in it, so only frames and size can go."""
    return [output]


def _encode(film: Frames, path: Path, report: Report) -> None:
    import av

    from latty.render.ffmpeg.mux import muxer

    delay = 1 / film.fps
    options = {
        "plays": "0" if film.loops else "1",
        "final_delay": f"{delay.numerator}/{delay.denominator}",
    }
    with muxer(path, "apng", {"fflags": "+bitexact", **options}) as container:
        stream = None
        for i, pixels in enumerate(film):
            kind = "rgba" if pixels.shape[2] == 4 else "rgb24"
            if stream is None:
                stream = container.add_stream("apng", rate=film.fps, options={"pred": "mixed"})
                stream.width, stream.height, stream.pix_fmt = film.width, film.height, kind
                stream.codec_context.time_base = Fraction(delay)
                stream.codec_context.thread_count = 1
            frame = av.VideoFrame.from_ndarray(pixels, format=kind)
            frame.pts, frame.time_base = i, Fraction(delay)
            container.mux(stream.encode(frame))
            report(i + 1, len(film), "apng")
        if stream is not None:
            container.mux(stream.encode())
