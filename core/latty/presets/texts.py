"""Words over a film: [[text]] tables, and the numbers of a scene that they may hold.

A placeholder is one of a closed list, with at most the format of a number: "{strength:+.1f} σ".
Nothing of Python's formatting of objects takes part.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from latty.errors import did_you_mean
from latty.presets.colours import COLOUR
from latty.presets.moments import Moment, moment
from latty.tables.rules import array, checked, matching, number, one_of, option, says, text, word
from latty.tables.words import shown, unsafe_character

LONGEST, MOST = 500, 20  # characters of a text, texts of a preset
PLACES = (
    "top-left", "top", "top-right", "left", "centre", "right", "bottom-left", "bottom",
    "bottom-right",
)  # fmt: skip
NUMBERS = ("t", "seconds", "frame", "frames", "strength", "truncation", "cutoff", "score")
WORDS = ("seed", "direction", "model", "class", "name")
PLACEHOLDERS = (*NUMBERS, *WORDS)
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_OF_EDIT = re.compile(r"edits\.\d{1,2}\.(strength|amount)", re.ASCII)
SCORE = re.compile(r"score\.([\w+-]{1,80})")  # of an attribute that was imported for a latent
_FORMAT = re.compile(r"[+ -]?0?\d{0,2}(\.\d{1,2})?[df%]?", re.ASCII)

Number = float | int


def filled(template: str, value: Callable[[str], Number | str]) -> str:
    """A text with `value(name)` in the place of each placeholder. Raises ValueError with what is
    wrong with the text."""

    def part(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        if found[1] is None:
            raise ValueError(f"has a lone '{found[0]}'; write it twice for the character itself")
        name, _, form = found[1].partition(":")
        _check(name, form)
        return _formatted(value(name), form)

    return _PART.sub(part, template)


def names_in(template: str) -> Iterator[str]:
    """The names of its placeholders."""
    yield from (one.partition(":")[0] for one in _PART.findall(template) if one)


def _check(name: str, form: str) -> None:
    if not (name in PLACEHOLDERS or _OF_EDIT.fullmatch(name) or SCORE.fullmatch(name)):
        near = did_you_mean(shown(name), [*PLACEHOLDERS, "edits.0.strength"])
        raise ValueError(f"has no value for '{{{shown(name)}}}': {near}")
    if name in WORDS and form:
        raise ValueError(f"'{{{name}}}' is a word and takes no format")
    if not _FORMAT.fullmatch(form):
        raise ValueError(f"'{shown(form)}' is no format of a number: write '+.1f', 'd' or '.0%'")


def _formatted(value: Number | str, form: str) -> str:
    if isinstance(value, str):
        return value
    if not form:
        return f"{round(value, 2):g}"
    said = format(round(value) if form.endswith("d") else float(value), form if form[-1] in "df%"
                  else form + ("f" if "." in form else "g"))  # fmt: skip
    zero = not re.search("[1-9]", said)
    return said.replace("-", "+" if form[0] == "+" else "") if zero else said


def _words(words: str) -> str:
    for line in words.split("\n"):
        if character := unsafe_character(line):
            raise ValueError(f"holds the control character {character}")
    if len(words) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    if not words.strip():
        raise ValueError("must not be empty")
    filled(words, lambda _: 0)
    return words


TEMPLATE = checked(
    matching("text in quotes", lambda value: isinstance(value, str), {"type": "string"}), _words
)


@dataclass(frozen=True, slots=True)
class Caption:
    """A text over a film, drawn when frames are composed.

    value  lines, with placeholders
    place  one of PLACES, or where its middle is: (x, y) as shares of the frame
    size   of a line, and `outline` of its outline: shares of the frame's shorter side, of a line
    start, end, fade  when it is seen, and how long it takes to come and go, as shares of the film
    """

    value: str = field(metadata=says(TEMPLATE, 'Words and numbers: "{strength:+.1f} σ".'))
    place: str | tuple[float, float] = option(
        "bottom",
        one_of("a place such as 'bottom', or [x, y]", word(*PLACES), array(number(0, 1), 2, 2)),
        "Where: bottom, top-left, centre ..., or [x, y] from 0 to 1.",
    )
    size: float = option(0.07, number(0.005, 1), "Of a line: a share of the frame's shorter side.")
    color: str = option("white", COLOUR, 'A name, "#rrggbb" or "#rrggbbaa".')
    outline: float = option(0.1, number(0, 0.5), "Around the letters: a share of a line; 0: none.")
    outline_color: str = option("black", COLOUR, "As color.")
    font: str | None = option(
        None, text(1000), "A .ttf or .otf file; absent: latty's own.", refers="font"
    )
    start: float = option(Moment(0.0, 0), moment(), "From when it is seen.")
    end: float = option(Moment(1.0, 1), moment(), "Until when.")
    fade: float = option(Moment(0.0, 0), moment("length"), "How long it comes and goes.")

    def in_font(self, font: str) -> "Caption":
        """The same text in another font."""
        return replace(self, font=font)

    def opacity(self, t: float) -> float:
        """How much of it is seen at t, 0..1."""
        if not self.start <= t < self.end and not (t == self.end == 1):
            return 0.0
        if not self.fade:
            return 1.0
        since = 1.0 if self.start == 0 else (t - self.start) / self.fade
        until = 1.0 if self.end == 1 else (self.end - t) / self.fade
        return max(0.0, min(1.0, since, until))


def numbers_of(facts: Mapping[str, Number | str]) -> Callable[[str], Number | str]:
    """What fills a text from a table of facts; an edit that is not there counts 0."""
    return lambda name: facts.get(name, 0)
