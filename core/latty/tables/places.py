"""Where each key of a TOML text stands: tomllib gives values without places.

One forgiving pass over the text. It runs before tomllib and so also guards it: nesting and dotted
keys that would cost the parser its stack, or time that grows with their square, end here.
"""

import re
import tomllib
from bisect import bisect_right

from latty.tables.words import Path

DEEPEST = 16  # nested brackets, or parts of one dotted key
MOST = 20_000  # places remembered; a preset has some dozens

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[\s,]|#[^\n]*)*")  # between values of an array or inline table
_REST = re.compile(r"[^\n]*\n?")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    + r"|'''.*?'''(?:'{0,2})"
    + r'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class TooDeep(Exception):
    """The text nests deeper than any file of settings, at `line` and `column`."""

    def __init__(self, line: int, column: int) -> None:
        super().__init__(f"too deep at line {line}, column {column}")
        self.line, self.column = line, column


class _Malformed(Exception):
    """Not TOML from here on; tomllib will say why."""


class _Deep(Exception):
    """Deeper than DEEPEST here."""


class Places:
    """The lines and columns, both from 1, of the keys of a text with line ends "\n".

    Raises TooDeep.
    """

    def __init__(self, text: str) -> None:
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]
        self._scan = _Scan(text)
        try:
            self._scan.run()
        except _Malformed:
            pass
        except _Deep:
            raise TooDeep(*self.position(self._scan.at)) from None

    def position(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def end(self) -> tuple[int, int]:
        """(line, column) behind the last character."""
        return self.position(len(self._scan.text))

    def of(self, path: Path) -> tuple[int, int]:
        """(line, column) of a key or array entry, of what holds it where it is absent."""
        while path and path not in self._scan.found:
            path = path[:-1]
        return self.position(self._scan.found.get(path, 0))

    def twice(self) -> list[tuple[Path, tuple[int, int], int]]:
        """(path, (line, column), first line) of each key or table that is set again."""
        return [
            (path, self.position(again), self.position(first)[0])
            for path, first, again in self._scan.twice
        ]


class _Scan:
    """The pass itself: `at` moves through the text, `found` fills."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.found: dict[Path, int] = {}
        self.set: dict[Path, int] = {}  # what may be set once only: values and [tables]
        self.twice: list[tuple[Path, int, int]] = []
        self.counts: dict[Path, int] = {}  # entries so far of each [[array of tables]]

    def run(self) -> None:
        table: Path = ()
        while self.at < len(self.text):
            self._skip(_BLANK)
            start = self.at
            if self.text.startswith("[[", start):
                table = self._array_header(self._header("[["))
            elif self.text.startswith("[", start):
                parts = self._header("[")
                table = self._inside(parts)
                self._once(table, parts[-1][1])
            elif start < len(self.text) and self.text[start] not in "#\r\n":
                self._pair(table, 0)
            self._skip(_REST)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _note(self, path: Path, offset: int) -> None:
        if len(self.found) < MOST:
            self.found.setdefault(path, offset)

    def _once(self, path: Path, offset: int) -> None:
        if path in self.set:
            self.twice.append((path, self.set[path], offset))
        elif len(self.set) < MOST:
            self.set[path] = offset

    def _key(self) -> list[tuple[str, int]]:
        """(part, offset) of each part of a dotted key."""
        parts: list[tuple[str, int]] = []
        while True:
            self._skip(_BLANK)
            if (match := _KEY.match(self.text, self.at)) is None:
                raise _Malformed
            parts.append((_plain(match[0]), self.at))
            if len(parts) > DEEPEST:
                raise _Deep
            self.at = match.end()
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return parts
            self.at += 1

    def _header(self, bracket: str) -> list[tuple[str, int]]:
        self.at += len(bracket)
        return self._key()

    def _inside(self, parts: list[tuple[str, int]]) -> Path:
        """The path of a header; a part that is an array of tables means its last entry."""
        path: Path = ()
        for part, offset in parts:
            path = (*path, part)
            self._note(path, offset)
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        return path

    def _array_header(self, parts: list[tuple[str, int]]) -> Path:
        parent = self._inside(parts[:-1])
        name, offset = parts[-1]
        path = (*parent, name)
        self._note(path, offset)
        self.counts[path] = self.counts.get(path, 0) + 1
        entry = (*path, self.counts[path] - 1)
        self._note(entry, offset)
        return entry

    def _pair(self, table: Path, depth: int) -> None:
        """One `key = value`; ends behind the value."""
        path = table
        for part, offset in self._key():
            path = (*path, part)
            self._note(path, offset)
        if not self.text.startswith("=", self.at):
            raise _Malformed
        self._once(path, offset)
        self.at += 1
        self._skip(_BLANK)
        self._value(path, depth)

    def _value(self, path: Path, depth: int) -> None:
        if depth > DEEPEST:
            raise _Deep
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self._entries(path, "]", depth)
        elif opening == "{":
            self._entries(path, "}", depth)
        else:
            match = (_TEXT if opening in ("'", '"') else _SCALAR).match(self.text, self.at)
            if match is None:
                raise _Malformed
            self.at = match.end()

    def _entries(self, path: Path, closing: str, depth: int) -> None:
        """What stands in an array or an inline table."""
        self.at += 1
        index = 0
        while True:
            self._skip(_GAP)
            if self.text.startswith(closing, self.at):
                self.at += 1
                return
            if closing == "}":
                self._pair(path, depth + 1)
                continue
            self._note((*path, index), self.at)
            self._value((*path, index), depth + 1)
            index += 1


def _plain(key: str) -> str:
    """A key without its quotes."""
    if key[0] == '"' and "\\" in key:
        try:
            return next(iter(tomllib.loads(f"{key}=0")))
        except ValueError:
            raise _Malformed from None
    return key[1:-1] if key[0] in "\"'" else key
