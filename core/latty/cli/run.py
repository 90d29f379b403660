"""What a verb is handed: its arguments, where it speaks, the screen, the words it was called by."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from latty.errors import BadData, Missing

if TYPE_CHECKING:  # each module less is a few milliseconds of every start
    from latty.cli.out import Out
    from latty.cli.progress import Progress
    from latty.config import Config
    from latty.render import Allowed


@dataclass(frozen=True, slots=True)
class Serving:
    """How the studio is served to a browser.

    ref      what it opens first
    words    its command line, with `ref`
    port     None: any near the usual one
    keep     s that it goes on without a page
    browser  whether the page is opened here
    """

    ref: str | None
    words: tuple[str, ...]
    host: str
    port: int | None
    keep: float
    browser: bool


class Screen(Protocol):
    """What the terminal app lends the headless half, which never imports it."""

    def studio(self, ref: str | None, config: "Config", out: "Out") -> int:
        """`latty [MODEL | PRESET | PICTURE]`: show it."""

    def serve(self, order: Serving, out: "Out") -> None:
        """`latty serve`, until a signal ends it."""

    def bring_page(self, out: "Out") -> None:
        """`latty serve --setup`."""

    def show(self, path: Path, config: "Config", out: "Out") -> None:
        """A picture just written."""

    def facts(self, config: "Config") -> dict[str, str]:
        """What the terminal is and how it shows pictures, for the doctor."""


class Run:
    """One run of one verb."""

    def __init__(
        self, args: Any, out: "Out", screen: Screen | None, words: Sequence[str] = ()
    ) -> None:
        self.args, self.out, self.screen, self.words = args, out, screen, words
        self.way: str | None = None  # of telling how far work is, once that is known
        self.said = set[str]()  # lines that are said once

    def config(self) -> "Config":
        """The settings under the flags of this run."""
        from latty import config

        found = config.load(vars(self.args))
        self.out.log_time = found.log_time
        self.out.asking = None
        if found.progress == "json" and not self.out.events:
            self.out.say_events()
        return found

    def precision(self, model: str) -> str:
        """In which a model draws: as --precision says, or as the settings do where it can; where it
        cannot, that is said. Raises Missing, BadData, OutputError."""
        from latty.models.facts import in_fp32, wished

        wish = self.config().precision
        if self.args.precision is not None or (found := wished(model, wish)) == wish:
            return wish
        if (line := in_fp32(model, wish)) not in self.said:
            self.said.add(line)
            self.out.say(line)
        return found

    def progress(self, title: str, hint: str = "") -> "Progress":
        """How far work is, said the way that the settings ask for.

        title  what is made: the name of a preset, a model, a method
        hint   what to do after an interruption
        """
        from latty.cli.out import is_terminal
        from latty.cli.progress import Progress

        if self.way is None:
            wish, quiet = self.config().progress, self.out.loudness < 0
            usual = "bar" if is_terminal(sys.stderr) else "plain"
            way = usual if wish in ("auto", "bar") else wish
            self.way = "none" if quiet and way != "json" else way
        return Progress(self.out, title, hint, self.way)

    def show(self, path: Path) -> None:
        """With --show: the picture in this terminal."""
        if self.args.show and self.screen is not None:
            self.screen.show(path, self.config(), self.out)

    def say_notes(self, model: str) -> None:
        """What had to be assumed about a model whose checkpoint does not hold everything; nothing
        of one that was changed since it drew."""
        from latty.models import open_model

        with suppress(BadData, Missing):
            config = self.config()
            for note in open_model(model, config.device, self.precision(model)).info.notes:
                self.out.say(f"{Path(model).name}: {note}")

    def say_allowed(self, allowed: "Sequence[Allowed]") -> list[str]:
        """What the switches allowed; those of it that are warnings. That a file was replaced is
        news only where --force did it, which is a word for more than that."""
        warnings = []
        for switch, what in allowed:
            forced = (
                self.args.force
                and switch != "anyway"
                and not getattr(self.args, switch.replace("-", "_"), True)
            )
            words = f"{what} (--force; --{switch} does no more than this)" if forced else what
            self.out.say(words, loudness=int(switch == "overwrite" and not forced))
            if switch != "overwrite":
                warnings.append(what)
        return warnings
