"""The pages of help: the sections of docs/, by their headings. Read in a thread."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from latty import home, reading
from latty.errors import LattyError

HEADING = re.compile(r"^(#{1,3}) +(.+)$")
FENCE = "```"
INSIDE = {"architecture", "benchmarks", "figures", "reliability"}  # of those who build latty


class HelpSection(NamedTuple):
    """One section: the page that it is of, what stands above it, and its Markdown, which holds the
    sections below it, too."""

    title: str
    heading: str
    text: str


@cache
def read() -> list[HelpSection]:
    """Every section, page by page; none where they were not installed."""
    folder = home.docs_dir()
    files = sorted(folder.glob("*.md")) + sorted(folder.glob("methods/*.md"))
    found: list[HelpSection] = []
    for file in files:
        with suppress(LattyError, OSError):
            if file.stem not in INSIDE:
                found += sections(reading.text(file))
    return found


def sections(text: str) -> Iterator[HelpSection]:
    """The sections of a page."""
    lines = text.splitlines()
    heads = [(at, *found) for at, found in _headings(lines)]
    title = heads[0][2] if heads else ""
    for number, (at, level, words) in enumerate(heads):
        ends = (place for place, other, _ in heads[number + 1 :] if other <= level)
        end = next(ends, len(lines))
        yield HelpSection("" if at == heads[0][0] else title, words, "\n".join(lines[at:end]))


def _headings(lines: list[str]) -> Iterator[tuple[int, tuple[int, str]]]:
    """Where headings are, how deep and in which words; a # in a block of code is none."""
    code = False
    for at, line in enumerate(lines):
        code ^= line.lstrip().startswith(FENCE)
        if not code and (found := HEADING.match(line)) is not None:
            yield at, (len(found[1]), found[2].replace("`", ""))
