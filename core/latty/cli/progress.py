"""How far work is, on stderr: a bar on a terminal, elsewhere a line a film, or JSON lines."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from latty.cli import signals
from latty.cli.out import EVENTS, Out, counted, is_terminal, moment, print_line, seconds, to_json
from latty.errors import Interrupted, explain
from latty.report import FRAMES, Expected
from latty.text import printable

EVERY = 30.0  # seconds between two lines where nobody watches
TICK = 0.5  # seconds between two JSON lines of a stage
BLINK = 0.1  # seconds between two states of the bar
KINDS = ("start", "stage", "progress", "done", "failed")  # the events of work, as JSON lines
WORDS = ("note", "error")  # those of what people would read
USUAL = 2.5e-8  # seconds for a pixel in a stage that was never seen


def flush() -> None:
    """What was said is read now."""
    if sys.stderr is not None:
        sys.stderr.flush()


@dataclass(slots=True)
class TimeLeft:
    """Seconds until the end of all stages, those that have not begun included.

    What a pixel takes in a stage is learnt as it runs, and kept for the next films of this run.
    """

    ahead: list[Expected] = field(default_factory=list)
    what: str = ""
    begun: tuple[float, int] = (0.0, 0)  # when this stage began, and what was done before it
    stage: Expected | None = None  # this one, where it was expected
    last: int = 0
    learnt: ClassVar[dict[str, float]] = {}

    def enters(self, now: float, done: int, what: str) -> bool:
        """Whether a stage begins with this report: another word, or one that counts anew."""
        new = what != self.what or done < self.last
        self.last = done
        if new:
            self.what, self.begun, self.stage = what, (now, done), None
            if self.ahead and (self.ahead[0].what == FRAMES) == (what == FRAMES):
                self.stage = self.ahead.pop(0)
        return new

    def left(self, now: float, done: int, total: int) -> float | None:
        """None where that is not known, or nothing is left."""
        if not total:
            return None
        (began, before), stage, unit = self.begun, self.stage, 0.0
        if stage is not None:
            guess = 0.0 if stage.what == FRAMES else USUAL  # networks differ too much
            unit = self.learnt.get(stage.what, guess) * stage.weight
        if before < done and now > began:
            unit = (now - began) / (done - before)
            if stage is not None:
                self.learnt[stage.what] = unit / stage.weight
        rest = max(0, total - done)
        if (rest and not unit) or not (rest or self.ahead):
            return None
        after = (s.total * s.weight * self.learnt.get(s.what, USUAL) for s in self.ahead)
        return rest * unit + sum(after)


@dataclass(slots=True)
class Progress:
    """A Report for people and programs: `with run.progress(title) as progress`.

    title  what is made: the name of a preset, a model, a method
    hint   what to do after an interruption
    way    "bar": a line that updates; "plain": a line at the end, and each half minute before;
           "json": events; "none"
    """

    out: Out
    title: str = ""
    hint: str = ""
    way: str = field(default_factory=lambda: "bar" if is_terminal(sys.stderr) else "plain")
    _pace: TimeLeft = field(default_factory=TimeLeft)
    _start: float = field(default_factory=lambda: time.monotonic())
    _made: tuple[int, str] = (0, "")  # units of the first stage and of those like it, their word
    _expected: bool = False  # all stages are known, and so are these
    _at: tuple[int, int] = (0, 0)  # done, total
    _said: float = 0.0  # when we last spoke
    _dirty: bool = False

    def expect(self, stages: Sequence[Expected]) -> None:
        """All stages to come."""
        self._pace.ahead = [*stages]
        if stages:
            like = [one.total for one in stages if one.what == stages[0].what]
            self._made, self._expected = (sum(like), stages[0].what), True

    def __call__(self, done: int, total: int, what: str) -> None:
        signals.check(self.hint)
        now = time.monotonic()
        new = self._pace.enters(now, done, what)
        left, self._at = self._pace.left(now, done, total), (done, total)
        if (done or total) and not self._expected and self._made[1] in ("", what):
            self._made = total or done, what
        EVENTS.progress(done, total, what, left)
        if self.way == "none":
            return
        try:
            self._update(now, new, left)
        except BrokenPipeError:
            raise Interrupted(signals.SIGPIPE) from None
        except OSError:
            return  # a hung-up terminal

    def _update(self, now: float, new: bool, left: float | None) -> None:
        done, total = self._at
        if self.way == "json":
            if new or now - self._said >= TICK:
                self._said = now
                self.event("stage" if new else "progress", left=left)
        elif self.way == "bar":
            if new or now - self._said > BLINK or (done and done == total):
                self._said, self._dirty = now, True
                print(f"\r\x1b[K{self._drawn(now, left)}", end="", file=sys.stderr)
                flush()
        elif now - max(self._said, self._start) >= EVERY:
            self._said = now
            self._line(self._words(left))

    def event(self, kind: str, left: float | None = None, **more: Any) -> None:
        """One JSON line, where those are asked for. Raises Interrupted where nobody reads it."""
        assert kind in KINDS, kind
        if self.way != "json":
            return
        done, total = self._at
        line = {"time": moment(), "event": kind, "preset": self.title, "stage": self._pace.what,
                "done": done, "total": total,
                "left_s": None if left is None else round(left, 1), **more}  # fmt: skip
        try:
            print_line(to_json(line), sys.stderr)
            flush()
        except BrokenPipeError:
            raise Interrupted(signals.SIGPIPE) from None
        except OSError:
            return  # a full disk costs the line, not the work

    def done(self, units: int = 0, what: str = "", took: float | None = None) -> None:
        """All of it is made: `hello: 48 frames in 3 s`."""
        took = time.monotonic() - self._start if took is None else took
        self.event("done", left=0.0)
        if self.way == "plain" or (self.way == "bar" and self.out.loudness > 0):
            made = f"{units} {what} in " if units > 1 else ""
            self._line(f"{self.title}: {made}{seconds(took)}")

    def failed(self, error: BaseException) -> None:
        """It is not made, and why; people read that elsewhere."""
        known = explain(error) if isinstance(error, Exception) else None
        code = known.exit_code if known is not None else 1
        self.event("failed", error=known.message if known else str(error), code=code)

    def _line(self, text: str) -> None:
        self.out.say(text)
        flush()

    def _drawn(self, now: float, left: float | None) -> str:
        """The line of a terminal: with a bar, unless colours are refused."""
        from shutil import get_terminal_size  # brings compression modules along

        room, (done, total) = get_terminal_size().columns - 1, self._at
        if not self.out.color:
            return printable(self._words(left))[:room]
        from latty.cli import terminal

        words = printable(f"{self.title} {self._pace.what}".strip())
        began, before = self._pace.begun
        facts = f"{done}/{total}" if total else str(done or "")
        if done > before and now > began:
            facts += f"  {(done - before) / (now - began):.3g}/s"
        facts += f"  {seconds(left)} left" if left is not None else ""
        return terminal.bar(words, done, total, facts, room)

    def _words(self, left: float | None) -> str:
        return f"{self.title} {counted(self._pace.what, *self._at, left)}".strip()

    def __enter__(self) -> Self:
        self.event("start")
        return self

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        self.close()
        if error is None:
            self.done(*self._made)
        else:
            self.failed(error)

    def close(self) -> None:
        """Take the updating line away."""
        if self._dirty and sys.stderr is not None:
            print("\r\x1b[K", end="", file=sys.stderr)
            flush()
            self._dirty = False
