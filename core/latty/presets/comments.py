"""Where the comments of a TOML document stand, which tomlkit does not know: those above a [table]
count as that one's, and the elements of an array keep their own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

TEXTS = re.compile(r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_TOKEN = re.compile(rf"(?P<blank>\s+|#[^\n]*)|{TEXTS.pattern}|[^\s#,\"'\[\]{{}}]+|.")
_BESIDE = re.compile(r"[^\S\n]*#[^\n]*")
_HEADER = re.compile(r"\s*\[\[?\s*[A-Za-z_]")
_MARK = "#\ue000"
_LOWERED = re.compile(rf"^([^\n]*\n)((?:{_MARK}[^\n]*\n)+)", re.MULTILINE)


# --- above a table --------------------------------------------------------------------------------


def lowered(text: str) -> tuple[str, str]:
    """The text with the comments above each header of a table below it, until they are `raised`
    again, and what stands at its end, without these."""
    if _MARK in text:
        return text, ""
    made, lines = list[str](), text.removesuffix("\n").split("\n")
    for line in lines:
        above = _above(made) if _HEADER.match(line) else len(made)
        made[above:] = [line, *(_MARK + one for one in made[above:])]
    end = _above(made)
    return "".join(f"{line}\n" for line in made[:end]), "".join(f"{x}\n" for x in made[end:])


def raised(text: str) -> str:
    """The text with these comments above the headers."""
    return _LOWERED.sub(lambda found: found[2].replace(_MARK, "") + found[1], text)


def _above(lines: Sequence[str]) -> int:
    """Where begins what stands above the next line: a comment right below a key is the key's where
    a blank line follows. What stands at the top of a file is the file's."""
    start = end = len(lines)
    while start and _is_blank(lines[start - 1]):
        start -= 1
    after = start
    while after < end and lines[after].strip():
        after += 1
    return (start if after == end else after) if start else end


def _is_blank(line: str) -> bool:
    return not line.strip() or (line.lstrip().startswith("#") and not line.startswith(_MARK))


# --- in an array ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Element:
    """Of an array.

    value   as it is spelled
    before  blanks, and comments above it
    beside  the comment behind it, on its line
    """

    value: str
    before: str = ""
    beside: str = ""


@dataclass(frozen=True, slots=True)
class ArrayText:
    """An array as text.

    head   the comment behind its bracket
    end    blanks, and comments below its last element
    comma  whether one stands behind that
    """

    head: str
    elements: tuple[Element, ...]
    end: str
    comma: bool

    def another(self, value: str, index: int) -> Element:
        """One more, laid out as the one at that index, or the last."""
        near = self.elements[min(index, len(self.elements) - 1)].before if self.elements else ""
        line = near.rpartition("\n")
        return Element(value, line[1] + line[2])

    def of(self, elements: Sequence[Element]) -> str:
        """An array of these in the layout of this one."""
        made = f"[{self.head}"
        for index, one in enumerate(elements):
            before = one.before
            if not before.strip() and "\n" not in before:
                before = " " if index else (self.elements or elements)[0].before
            made += _below(made, before) + one.value
            made += ("," if self.comma or index < len(elements) - 1 else "") + one.beside
        return made + _below(made, self.end) + "]"


def _below(text: str, rest: str) -> str:
    """The rest, in a line of its own where a comment would swallow it."""
    last = text.rpartition("\n")[2]
    is_open = "#" in TEXTS.sub("", last) and not re.match(r"[^\S\n]*\n", rest)
    return f"\n{rest}" if is_open else rest


def array_text(text: str) -> ArrayText:
    """The parts of an array's text, which is legal TOML."""
    head = _beside(text[1:-1])
    found, before, value, gap, depth = list[Element](), "", "", "", 0
    for token in _TOKEN.finditer(text, 1 + len(head), len(text) - 1):
        word = token[0]
        depth += (word in ("[", "{")) - (word in ("]", "}"))
        if token["blank"] and not depth:
            if found and not value and word.startswith("#") and "\n" not in gap:
                found[-1] = replace(found[-1], beside=found[-1].beside + gap + word)
                gap = ""
            else:
                gap += word
        elif word == "," and not depth:
            found.append(Element(value, before, gap if "#" in gap else ""))
            before = value = gap = ""
        else:
            before, value = (before, value + gap + word) if value else (gap, word)
            gap = ""
    comma = not value and bool(found)
    if value:
        beside = _beside(gap)
        found.append(Element(value, before, beside))
        gap = gap.removeprefix(beside)
    return ArrayText(head, tuple(found), gap, comma)


def _beside(text: str) -> str:
    found = _BESIDE.match(text)
    return found[0] if found else ""
