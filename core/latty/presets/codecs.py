"""The codecs of films, and which an output's container takes.

A codec is a module in render/codecs/ with a table of what it can, a literal that is read without an
import, and a function.

    CODEC = {"chroma": ("420", "444"), "depths": (8, 10), "reads": {"crf", "chroma", "gop"},
             "encoders": (("libx264", "mp4", "yuv420p"),)}
    encoding(output: Output) -> Encoding

The first of `chroma` and of `depths` is what it does where an output says nothing.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Any, Protocol

from latty.errors import BadData, did_you_mean
from latty.plugins import Registry
from latty.presets.colours import COLOUR, colour
from latty.presets.formats import Format, Measure, format_of, formats
from latty.presets.values import Chroma, Output
from latty.tables import amounts
from latty.tables.words import shown

OPAQUE = "choose another background; PNG, WebP, TIFF and frames keep an opacity"
EXPECTED_WITHIN = 4  # the factor by which a file may be smaller or larger than expected
RECIPE = 2000  # bytes in every file
SOUND = 20_000  # bytes a second
BRIEF = 3  # frames
COARSEST = 44  # crf beyond which a smaller picture is the better one
_X264_RANGE, _WIDE_RANGE = 51, 63  # `crf` in a preset is H.264's, whatever the codec


@dataclass(frozen=True, slots=True)
class Encoding:
    """One encoder of FFmpeg as an output wants it.

    pixels  its pixel format
    alpha   that for pictures with an opacity, "" = it keeps none
    gop     frames from one keyframe to the next where the output says nothing, 0 = the encoder's
    tag     by which players know it where the container's own is not the one
    small   the options of small films, where the usual ones do harm or save nothing, by the px
            below which the shorter side is; those of the largest hold for fewer than BRIEF frames,
            too
    whole   one encoder makes all of a film, not one a segment of it
    cleans  the bit stream filter of FFmpeg that takes from keyframes what a segment need not say
    """

    encoder: str
    pixels: str
    options: Mapping[str, str] = field(default_factory=dict)
    alpha: str = ""
    gop: int = 0
    tag: str = ""
    small: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    whole: bool = False
    cleans: str = ""

    def options_for(self, height: int, width: int, frames: int) -> Mapping[str, str]:
        """Those of a film of this size, in px, and length."""
        fitting = [px for px in self.small if min(height, width) < px]
        if frames < BRIEF and self.small:
            fitting.append(max(self.small))
        return self.small[min(fitting)] if fitting else self.options


class Coder(Protocol):
    """A module in render/codecs/."""

    def encoding(self, output: Output) -> Encoding:
        """How an output is encoded whose codec, chroma and depth are said."""


CODECS = Registry[Coder]("latty.render.codecs", needs=("CODEC", "encoding"))


@dataclass(frozen=True, slots=True)
class Codec:
    """What a codec can.

    chroma    the words of the key `chroma` that it knows, the usual one first
    depths    bits of a colour, the usual ones first
    reads     the keys of an output that mean something to it
    alpha     it keeps an opacity
    opaque    words of the key `profile` with which it does not
    encoders  (encoder, container, pixel format) of FFmpeg that `latty doctor` tries
    silent    options with which these say nothing of their own on stderr
    environment  variables that their library reads, where nobody has set them
    bytes_per_pixel  as in Format
    """

    name: str
    chroma: tuple[Chroma, ...]
    depths: tuple[int, ...]
    reads: frozenset[str]
    alpha: bool = False
    opaque: tuple[str | None, ...] = ()
    encoders: tuple[tuple[str, str, str], ...] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    bytes_per_pixel: Measure = 1.0

    def settle(self) -> None:
        """Set what its library reads, before that is first used."""
        for name, value in self.environment.items():
            os.environ.setdefault(name, value)


@cache
def codecs() -> dict[str, Codec]:
    """Every codec by its name; an outside one whose table cannot be read is named and left out."""
    found = {}
    for name in CODECS.names():
        table: dict[str, Any] = CODECS.constant(name, "CODEC", {})
        try:
            found[name] = Codec(name, **table | {"reads": frozenset(table.get("reads", ()))})
        except TypeError as error:
            CODECS.refused(name, f"CODEC: {error}")
    return found


def codec_of(form: Format | None, codec: str | None) -> Codec | None:
    """The codec of an output of a format: the one it names, else the usual one of its container;
    None where it has none to choose, or not that one."""
    if form is None or not form.codecs or (codec is not None and codec not in form.codecs):
        return None
    return codecs().get(codec or form.codecs[0])


def unread(table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The keys in the table of an output that neither its format nor its codec reads, and what
    these are, in words."""
    if (form := format_of(table["path"])) is None:
        return
    codec, said = codec_of(form, table.get("codec")), table.get("codec")
    known = form.reads | codec.reads | {"codec"} if codec is not None else form.reads
    for key in table:
        if key not in known:
            yield key, f"{said} in {form.suffix}" if said else form.suffix


def faults(table: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What does not go together in the table of an output: key, what is wrong, what to do. The data
    may be anything."""
    path, name = table.get("path"), table.get("codec")
    form = format_of(path) if isinstance(path, str) else None
    if form is None:
        return
    if isinstance(name, str) and name not in form.codecs:
        takes = f"it takes {', '.join(form.codecs)}" if form.codecs else "it has no codec to choose"
        hint = did_you_mean(name, form.codecs) or _taken_by(name)
        yield "codec", f"'{name}' does not go into {form.suffix}: {takes}", hint
        return
    codec = codec_of(form, name if isinstance(name, str) else None)
    background = table.get("background")
    if _is_clear(background) and not _keeps_alpha(form, codec, table.get("profile")):
        what = f"'{shown(str(background))}' is seen through, and {form.suffix} keeps no opacity"
        yield "background", what, OPAQUE
    if codec is None:
        return
    for key, known in (("chroma", codec.chroma), ("depth", codec.depths)):
        value = table.get(key)
        if value is not None and value not in known:
            usable = ", ".join(map(str, known))
            yield key, f"of {codec.name} is one of {usable}, not {value}", ""
    if table.get("chroma") == "rgb" and table.get("depth") == 10:
        yield "depth", "of chroma = 'rgb' is 8: the pixels as they were drawn", "leave it out"


def _is_clear(background: Any) -> bool:
    return background is not None and COLOUR.accepts(background) and colour(background)[3] < 255


def _taken_by(name: str) -> str:
    takers = [form.suffix for form in formats().values() if name in form.codecs]
    return f"{' or '.join(takers)} takes it" if takers else ""


def settled(output: Output) -> Output:
    """An output that says its codec, its chroma and its depth. Raises BadData for a codec that does
    not go into its container."""
    said = {one.name: getattr(output, one.name) for one in fields(output)}
    for key, what, hint in faults(said):
        raise BadData(f"output '{output.path}': {key} {what}", hint)
    codec = codec_of(format_of(output.path), output.codec)
    if codec is None:
        return output
    chroma = output.chroma if "chroma" in codec.reads else None
    depth = output.depth if "depth" in codec.reads else None
    return replace(
        output,
        codec=codec.name,
        chroma=chroma or codec.chroma[0],
        depth=depth or codec.depths[0],
    )


def held_side(output: Output, side: tuple[int, int]) -> tuple[int, int]:
    """Height and width in px of an output's frames in its file: halved colour needs even sides, an
    odd one gets one pixel more. Raises BadData as `settled`."""
    chroma, (high, wide) = settled(output).chroma, side
    return high + high % 2 * (chroma == "420"), wide + wide % 2 * (chroma in ("420", "422"))


def fitting(output: Output) -> Output:
    """An output without what its format does not take: a codec that was chosen for another."""
    form = format_of(output.path)
    if form is None or output.codec is None or output.codec in form.codecs:
        return output
    return replace(output, codec=None, chroma=None, depth=None)


def keeps_alpha(output: Output) -> bool:
    """Whether an output keeps an opacity where the model draws one."""
    form = format_of(output.path)
    return form is not None and _keeps_alpha(form, codec_of(form, output.codec), output.profile)


def _keeps_alpha(form: Format, codec: Codec | None, profile: Any) -> bool:
    return form.alpha if codec is None else codec.alpha and profile not in codec.opaque


def bytes_expected(output: Output, pixels: int, seconds: float = 0.0) -> int:
    """About how large the file of so many pixels in all becomes, its recipe included, and as long a
    sound where it has one: films that models draw are mostly within a factor of EXPECTED_WITHIN."""
    form = format_of(output.path)
    codec = codec_of(form, output.codec)
    measure = codec.bytes_per_pixel if codec else form.bytes_per_pixel if form else 1.0
    heard = seconds * SOUND if output.sound else 0.0
    found = round(pixels * _measured(output, measure) + heard) + RECIPE
    return found if output.max_bytes is None else min(found, amounts.exact(output.max_bytes))


def _measured(output: Output, measure: Measure) -> float:
    """Bytes of a pixel."""
    if not isinstance(measure, tuple):
        return measure
    key, points = measure
    value: Any = getattr(output, key)
    if isinstance(points, Mapping):
        return float(points[value])
    for (low, before), (high, after) in pairwise(points):
        if value <= high:
            share = max(0.0, (value - low) / (high - low))
            return float(before * (after / before) ** share)
    return points[-1][1]


def bits(output: Output) -> str:
    """What FFmpeg's pixel formats of more than 8 bits end in."""
    return "10le" if output.depth == 10 else ""


def coarser(output: Output) -> list[Output]:
    """An output and coarser ones, down to where blocks are seen; itself alone of a codec without a
    crf."""
    codec = codec_of(format_of(output.path), output.codec)
    if codec is None or "crf" not in codec.reads:
        return [output]
    return [output, *(replace(output, crf=crf) for crf in range(output.crf + 1, COARSEST))]


def of_less_quality(output: Output, least: int) -> list[Output]:
    """An output and others of less `quality`, all above the least."""
    return [output, *(replace(output, quality=q) for q in range(output.quality - 1, least, -1))]


def spread_crf(crf: int) -> int:
    """A crf of H.264 for codecs that count to 63."""
    return round(min(crf, _X264_RANGE) * _WIDE_RANGE / _X264_RANGE)


def keyframes(gop: int | str | None, fps: Fraction) -> int:
    """The frames from one keyframe to the next that `gop` says, 0 = the codec's own."""
    if isinstance(gop, str):
        return max(1, round(Fraction(gop.removesuffix("s").strip()) * fps))
    return gop or 0
