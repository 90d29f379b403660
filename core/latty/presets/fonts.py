"""The fonts of texts: a file's, or Pillow's own font with the letters of `glyphs`. A letter that a
font lacks is known before anything is drawn; it never becomes a box."""

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from latty import reading
from latty.errors import BadData, Missing
from latty.presets import glyphs
from latty.presets.texts import Caption, Number, filled
from latty.tables.words import dotted, shown

if TYPE_CHECKING:  # few presets have a text
    from PIL.ImageFont import FreeTypeFont

LARGEST = 2**25  # bytes of a font
OTHER = 'name a font that has it: font = "file.ttf"'
DIGITS = "0123456789+-.%"
KEPT = 64  # fonts at their sizes
_NONE = "\uffff"  # no font has it


@dataclass(frozen=True, slots=True)
class Typeface:
    """A font at any size; `name` None: latty's own."""

    name: str | None
    data: bytes | None

    def at(self, size: int) -> "FreeTypeFont":
        """The font with letters `size` px high. Raises BadData for what is no font."""
        return _font(self.name, self.data, size)

    def lacks(self, text: str) -> str:
        """The first character of a text that cannot be drawn; "" where there is none."""
        return next((c for c in text if c != "\n" and not self.has(c)), "")

    def has(self, character: str) -> bool:
        """Whether a character can be drawn. Raises BadData for what is no font."""
        if self.data is None and _drawn(character):
            return True
        return in_font(self.name, self.data, character)


@cache
def own() -> Typeface:
    """The one for texts that name none."""
    return Typeface(None, None)


def typeface(path: Path, name: str) -> Typeface:
    """The font in a file, called `name` in messages. Raises Missing, BadData."""
    try:
        data = reading.content(path, LARGEST)
    except FileNotFoundError:
        raise Missing(f"there is no font {shown(name)}", "name a .ttf or .otf file") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadData(f"{shown(name)} cannot be read as a font: {reason}") from None
    found = Typeface(name, data)
    found.at(16)
    return found


@contextmanager
def readable(name: str | None) -> Iterator[None]:
    """Raises BadData for what FreeType and Pillow find wrong with a font or its letters, which may
    be damaged or as large as a wall."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except (OSError, ValueError, DecompressionBombError) as error:
        raise BadData(
            f"{shown(str(name))} is no font: {error}", "name a .ttf or .otf file"
        ) from None


@lru_cache(KEPT)
def _font(name: str | None, data: bytes | None, size: int) -> "FreeTypeFont":
    from PIL import ImageFont

    with readable(name):
        if data is not None:
            return ImageFont.truetype(io.BytesIO(data), size)
        found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont)  # FreeType is in Pillow's wheels
    return found


@lru_cache(4096)
def in_font(name: str | None, data: bytes | None, character: str) -> bool:
    """Whether a font has a letter. Raises BadData for what is no font.

    A font draws what it lacks as what no font has; the space is empty, and is no box."""
    font = _font(name, data, 40)
    with readable(name):
        one, none = (font.getmask(c) for c in (character, _NONE))
    return (one.size, bytes(one)) != (none.size, bytes(none)) or character.isspace()


def _drawn(character: str) -> bool:
    if character in glyphs.LETTERS or character in glyphs.SAME:
        return True
    return glyphs.parts(character) is not None and _drawn_base(character)


def _drawn_base(character: str) -> bool:
    found = glyphs.parts(character)
    assert found is not None
    return found[0] in glyphs.LETTERS or in_font(None, None, found[0])


Faces = Mapping[str | None, Typeface]


def faces(texts: Iterable[Caption], facts: Mapping[str, Number | str] | None = None) -> Faces:
    """The typefaces of texts. `facts`: what placeholders stand for, as far as it is known. Raises
    Missing, BadData for what is no font and for a letter that it lacks."""
    found: dict[str | None, Typeface] = {}
    for index, caption in enumerate(texts):
        where = dotted(("text", index))
        try:
            if caption.font not in found:
                found[caption.font] = named(caption.font)
        except (Missing, BadData) as error:
            raise type(error)(f"{where}.font: {error.message}", error.hint) from None
        if fault := lacking(caption, found[caption.font], facts):
            raise BadData(f"{where}.value: {fault}", OTHER)
    return found


def named(font: str | None) -> Typeface:
    """The typeface that a text names. Raises Missing, BadData."""
    if font is None:
        return own()
    try:
        path = path_of(font)
    except RuntimeError:  # "~nobody/x.ttf"
        raise Missing(f"there is no font {shown(font)}", "name a .ttf or .otf file") from None
    return typeface(path, font)


def path_of(font: str) -> Path:
    """The file of a font that a text names."""
    return Path(font).expanduser()


def lacking(
    caption: Caption, face: Typeface, facts: Mapping[str, Number | str] | None = None
) -> str:
    """What is wrong where a text has a letter that its typeface lacks; "" where nothing is."""
    words = filled(caption.value, lambda name: (facts or {}).get(name, 0)) + DIGITS
    missing = face.lacks(words)
    font = shown(caption.font) if caption.font else "latty's own font"
    return f"{font} has no '{shown(missing)}'" if missing else ""
