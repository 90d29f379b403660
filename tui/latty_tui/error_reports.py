"""Errors that nobody foresaw: a report for a developer, a dialog for the user, and it goes on."""

import os
import traceback
from itertools import count
from pathlib import Path

from latty.errors import LattyError
from latty.files import write_report

MOST = 20  # reports of one run: an error in what happens often must not fill the disk
HINT = "the studio goes on; this is our fault, and the report to send is {}"


class UnexpectedError(LattyError):
    """An error that is ours, in the words of the report about it."""

    def __init__(self, error: BaseException, path: Path | None) -> None:
        place = HINT.format(path) if path else "the studio goes on; no report could be written"
        super().__init__(f"unexpected {type(error).__name__}: {error}", place)
        self.detail = "".join(traceback.format_exception(error))


class ErrorReports:
    """The reports of one run; an error from the same place is written and shown once."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, int], Path | None] = {}
        self._numbers = count(1)

    def add(self, error: BaseException, where: str) -> tuple[Path | None, bool]:
        """The report, and whether it is new. Never raises."""
        key = self._key(error)
        new = key not in self.known
        if new and len(self.known) < MOST:
            name = f"studio-{os.getpid()}-{next(self._numbers)}"
            self.known[key] = write_report(error, name, f"the studio, {where}")
        return self.known.get(key), new

    def _key(self, error: BaseException) -> tuple[str, str, int]:
        frames = traceback.extract_tb(error.__traceback__)
        last = frames[-1] if frames else None
        return type(error).__name__, last.filename if last else "", last.lineno or 0 if last else 0
