"""The formats of a film on a pipe: Y4M, raw pixels, or PNG pictures one after the other."""

from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from latty.presets.formats import Frames, Pixels
from latty.render.writers.png import pack

Send = Callable[[bytes], None]  # bytes go to the pipe, all of them


def _y4m(film: Frames, send: Send, depth: int) -> str:
    """4:4:4 in the colours of standard television (BT.601, limited range): Y4M cannot say which,
    and these are what FFmpeg takes frames for that say nothing. Of 10 bits nothing is lost."""
    name, tag = ("yuv444p", "444") if depth == 8 else ("yuv444p10le", "444p10")
    size = 1 if depth == 8 else 2  # bytes of a level
    rate = f"F{film.fps.numerator}:{film.fps.denominator}"
    head = f"YUV4MPEG2 W{film.width} H{film.height} {rate} Ip A1:1 C{tag} XCOLORRANGE=LIMITED\n"
    send(head.encode("ascii"))
    for pixels in film:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels[..., :3]), format="rgb24")
        converted = frame.reformat(
            format=name,
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            interpolation="BICUBIC",
            threads=1,
        )
        send(b"FRAME\n")
        for plane in converted.planes:  # whose rows may be longer than the picture is wide
            rows = np.frombuffer(memoryview(plane), np.uint8).reshape(film.height, plane.line_size)
            send(rows[:, : film.width * size].tobytes())
    return name


def _raw(film: Frames, send: Send, depth: int) -> str:
    """Interleaved bytes, or planes of green, blue and red in words of 10 bits; nothing between two
    frames."""
    for pixels in film:
        levels = pixels[..., :3]
        if depth > 8:
            levels = _deeper(levels, depth).transpose(2, 0, 1)[[1, 2, 0]].astype("<u2")
        send(np.ascontiguousarray(levels).tobytes())
    return "rgb24" if depth == 8 else "gbrp10le"


def _png(film: Frames, send: Send, depth: int) -> str:
    """A whole PNG for each frame, with its opacity; of 16 bits, as PNG has no 10."""
    name = ""
    for pixels in film:
        clear = pixels.shape[2] == 4
        if depth == 8:
            name = "rgba" if clear else "rgb24"
            send(pack(pixels, ""))
        else:
            name = "rgba64be" if clear else "rgb48be"
            send(_png_of_16_bits(pixels, name))
    return name


def _png_of_16_bits(pixels: Pixels, name: str) -> bytes:
    """A picture as a PNG of one of FFmpeg's formats: Pillow writes no colours of 16 bits."""
    context = av.CodecContext.create("png", "w")
    frame = av.VideoFrame.from_ndarray(_deeper(pixels, 16), format=name)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, name
    context.time_base = Fraction(1)
    return b"".join(bytes(packet) for packet in context.encode(frame))


def _deeper(pixels: Pixels, depth: int) -> NDArray[np.uint16]:
    """Levels of 8 bits in more: the lowest stays 0, the highest becomes the highest."""
    wide = pixels.astype(np.uint16)
    return wide << np.uint16(depth - 8) | wide >> np.uint16(16 - depth)


WAYS: dict[str, Callable[[Frames, Send, int], str]] = {"y4m": _y4m, "raw": _raw, "png": _png}
