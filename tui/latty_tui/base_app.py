"""Error handling and shutdown of the app.

What a key or a panel does wrong is reported and shown, and everything else goes on. TERM, INT and
HUP leave as `q` does: what there is to keep is kept, the terminal is as it was, 128 + the signal is
the exit code. Where the event loop no longer answers, it happens all the same, a moment later.
"""

import asyncio
import os
import select
import signal
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.text import Text
from textual import events
from textual.app import App
from textual.dom import DOMNode
from textual.screen import Screen
from textual.theme import Theme
from textual.worker import NoActiveWorker, Worker, get_current_worker
from textual.worker_manager import WorkerManager

from latty.cli import signals
from latty.errors import explain
from latty.text import printable
from latty_tui import themes
from latty_tui.desk import Answer, Listener
from latty_tui.error_reports import ErrorReports, UnexpectedError
from latty_tui.memory import Memory
from latty_tui.type_ahead import Follower, TypeAhead, Typed

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

GRACE = 3.0  # seconds for the event loop to leave in good order
LONG = 200  # characters that are not said again when they are copied
SAID = 200  # toasts that are known after they went away
WATCH = 2.0  # seconds between two looks whether the terminal is still there
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
# What Textual switched on, off again: sync, mouse, focus, paste, keyboard, wrap, screen, cursor.
RESET = (
    "\x1b[?2026l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?2004l"
    "\x1b[?2048l\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"
)


class Workers(WorkerManager):
    """Work that had not begun when the studio ended is closed: Python would warn of it, on the
    terminal that was given back."""

    def add_worker(self, worker: Worker[Any], start: bool = True, exclusive: bool = True) -> None:
        super().add_worker(worker, start, exclusive)
        if isinstance(worker._work, Coroutine):
            _closed_after(worker, worker._work)


def _closed_after(worker: Worker[Any], work: Coroutine[Any, Any, Any]) -> None:
    if worker._task is not None:
        worker._task.add_done_callback(lambda _: work.close())


class BaseApp(App[int]):
    """Toasts, dialogs, errors and signals; Studio is the rest."""

    def __init__(self) -> None:
        self._legible: dict[str, Theme] = {}  # by name, which Textual asks for at once
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        for theme in themes.THEMES:
            self.register_theme(theme)
        self.theme = themes.DARK
        self._workers = Workers(self)  # private to Textual
        self.memory = Memory()
        self.reports = ErrorReports()
        self.said = deque[tuple[str, str, float]](maxlen=SAID)  # toasts: words, severity, when
        self.told = 0  # the signal that said go
        self._before: list[Any] | None = None
        self.ahead = TypeAhead(self)

    def get_theme(self, theme_name: str) -> Theme | None:
        """The theme as it can be read."""
        if (found := super().get_theme(theme_name)) is None:
            return None
        if theme_name not in self._legible:
            self._legible[theme_name] = themes.legible(found)
        return self._legible[theme_name]

    def use_theme(self, chosen: str, light: bool | None) -> None:
        """The theme that somebody has chosen; else the one for the terminal's ground."""
        usual = themes.LIGHT if light else themes.DARK
        self.theme = chosen if chosen in self.available_themes else usual

    # Toasts and dialogs.

    def say(self, text: str, severity: str = "information") -> None:
        """A toast; what is still shown is not said again: a held key would fill the screen."""
        now, shown = time.monotonic(), self.NOTIFICATION_TIMEOUT
        if not any((text, severity) == one[:2] and now - one[2] < shown for one in self.said):
            self.said.append((text, severity, now))
            lines = "\n".join(printable(line) for line in text.split("\n"))
            self.notify(lines, severity=severity, markup=False)  # type: ignore[arg-type]

    def warn(self, text: str) -> None:
        """A toast about trouble."""
        self.say(text, "warning")

    def copy(self, text: str) -> None:
        """To the clipboard, and say so."""
        self.copy_to_clipboard(text)
        self.say(f"copied: {text}" if len(text) < LONG else "copied")

    def fail(self, error: Exception, title: str = "") -> None:
        """A dialog with what went wrong, what to do, and details to copy."""
        from latty_tui.dialogs.failed import Failed

        self.push_screen(Failed(error, title))

    def ask(
        self,
        dialog: Screen[Answer | None],
        then: Callable[[Answer], object] = lambda _: None,
        left: Callable[[], object] = lambda: None,
    ) -> None:
        """Open a dialog; `then` gets its answer. Esc, an answer that is None, calls `left`."""

        def closed(answer: Answer | None) -> None:
            left() if answer is None else then(answer)

        with self._context():  # the app calls `closed`, whoever asks
            self.push_screen(dialog, closed)

    async def answer(self, dialog: Screen[Answer], last: bool = False) -> Answer | None:
        """The answer to a dialog, None for Esc. `last`: the work that asks goes on for a while, and
        asks nothing more."""
        found = await self.push_screen_wait(dialog)
        with suppress(NoActiveWorker):
            if last:
                self.ahead.release(get_current_worker())
        return found

    def action_help(self) -> None:
        from latty_tui.dialogs.help import Help

        self.push_screen(Help(self.focused))

    def action_jump(self) -> None:
        from latty_tui.dialogs.jump import Jump

        self.push_screen(Jump())

    # Errors.

    def call_off(self, *groups: str) -> bool:
        """End what runs beside everything in these groups; whether there was any."""
        found = [one for one in self.workers if one.group in groups and not one.is_finished]
        for worker in found:
            worker.cancel()
        return bool(found)

    def background(self, work: Coroutine[Any, Any, Any], group: str) -> Worker[Any]:
        """Run it beside everything; what it raises is shown, never lost."""
        worker = self.run_worker(self.guarded(work, group), group=group, exit_on_error=False)
        _closed_after(worker, work)
        return worker

    def opening(self, work: Coroutine[Any, Any, Any], group: str) -> Worker[Any]:
        """Run what asks something as soon as it can: what is typed waits until it does."""
        worker = self.background(work, group)
        self.ahead.wait_for(worker)
        return worker

    def report(self, error: Exception, where: str) -> None:
        """Report an error that nobody foresaw; shown the first time, noted every time."""
        if not self._running or self._closing:
            return  # what is under way when the screens go finds none
        path, new = self.reports.add(error, where)
        if new:
            self.fail(UnexpectedError(error, path), "something went wrong in the studio")

    async def guarded(self, work: Awaitable[Any], where: str) -> Any:
        """The result of something; an error of it is shown, and None."""
        try:
            return await work
        except Exception as error:
            self._blame(error, where)
        return None

    def _blame(self, error: Exception, where: str) -> None:
        """Show what went wrong: in words where somebody foresaw it, else with a report."""
        if explain(error) is not None or isinstance(error, OSError):
            self.fail(error)
        else:
            self.report(error, where)

    def listeners(self) -> Iterable[Listener]:
        """Whoever hears what is told: the panels."""
        return ()

    def tell(self, hear: Callable[[Listener], object]) -> None:
        """Call a hook of every panel; what one does wrong is shown, and the others hear it too."""
        for panel in self.listeners():
            try:
                hear(panel)
            except Exception as error:
                self._blame(error, f"a hook of {type(panel).__name__}")

    async def run_action(
        self,
        action: "str | ActionParseResult",
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """What a key or a click on the footer does."""
        work = super().run_action(action, default_namespace, namespaces)
        return bool(await self.guarded(work, f"action {action}"))

    def _handle_exception(self, error: Exception) -> None:
        """An error that no panel or key can be blamed for: the app ends, with one line of words.

        Private to Textual, which would print a traceback of many pages."""
        if self.is_headless:  # a test: it wants the error itself
            super()._handle_exception(error)
            return
        path, new = self.reports.add(error, "somewhere in Textual")
        if new and not self.told:
            words = f"latty: unexpected {type(error).__name__}: {error}"
            hint = f"our fault; the report to send is {path}" if path else "our fault"
            self._exit_renderables.append(Text(f"{printable(words)} ({hint})"))
        self._return_code = self._return_code or 1
        self._close_messages_no_wait()

    def panic(self, *renderables: Any) -> None:
        """The thread that reads keys has ended: most often the terminal is gone."""
        if self.is_headless or self._terminal_is_there():
            super().panic(*renderables)
        else:
            self.leave_by(signal.SIGHUP)

    # What is typed.

    async def on_event(self, event: events.Event) -> None:
        """Keys and pasted texts queue up (type_ahead.py); all else is Textual's."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self.ahead.take(event)
        else:
            await super().on_event(event)

    async def deliver(self, event: Typed) -> None:
        """To whatever has the focus."""
        await self.guarded(super().on_event(event), "a key")

    def on_follower(self, message: Follower) -> None:
        message.arrived.set()

    async def catch_up(self) -> None:
        """What is to be called after an answer is called now."""
        await self._flush_next_callbacks()  # private to Textual

    # Leaving.

    async def action_quit(self) -> None:
        """Leave at once where everything is kept; else ask."""
        if not self.memory.trouble or len(self.screen_stack) > 1 or not self.changed:
            self.leave()
            return
        from latty_tui.dialogs.choose import Choice, Decide

        choices = [Choice(None, "stay"), Choice(True, "leave", "what was done here is lost")]
        self.ask(Decide(self.memory.trouble, choices), lambda _: self.leave())

    @property
    def state(self) -> object:
        """What is worked on."""
        return None

    @property
    def changed(self) -> bool:
        """Whether there is something to lose."""
        return True

    def leave(self) -> None:
        """Leave; jobs go on, and are told."""
        words: list[str] = []
        with suppress(Exception):  # whatever is wrong with what they would say: go
            self.tell(lambda panel: words.append(panel.farewell()))
        self.exit(message=Text("\n".join(filter(None, words))) if any(words) else None)

    def action_help_quit(self) -> None:
        """Ctrl+C where nothing is selected to be copied."""
        self.say("q leaves; jobs go on. Ctrl+C copies what the mouse has selected")

    def watch_for_the_end(self) -> None:
        """Answer signals from now on, and a terminal that goes away."""
        if self.is_headless or threading.current_thread() is not threading.main_thread():
            return
        with suppress(termios.error, OSError, ValueError, AttributeError):
            driver = self._driver  # it has changed the terminal already, and knows how it was
            self._before = getattr(driver, "attrs_before", None)
        self._loop_here = asyncio.get_running_loop()
        signals.at_leave(self._put_right)
        for name in SIGNALS:
            number = getattr(signal, name)
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._told)
        self.set_interval(WATCH, self._look)
        # Back from ctrl+z: Textual does not know that its screen is empty.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))

    def _told(self, number: int, frame: FrameType | None) -> None:
        if self.told:  # for the second time
            signals.leave(number)
        self.leave_by(number)

    def leave_by(self, number: int) -> None:
        """Leave in good order, or without it where that takes too long. From any thread."""
        if self.told:
            return
        self.told = number
        last = threading.Timer(GRACE, signals.leave, [number])
        last.daemon = True
        last.start()
        words = None if number == signal.SIGHUP else "latty: interrupted"
        self._loop_here.call_soon_threadsafe(self.exit, None, 128 + number, words)

    def _look(self) -> None:
        if not self._terminal_is_there():
            self.leave_by(signal.SIGHUP)

    def _terminal_is_there(self) -> bool:
        stdin = sys.__stdin__
        if stdin is None or not self.is_web:
            return stdin is not None and os.isatty(stdin.fileno())
        pipe = select.poll()
        pipe.register(stdin, 0)
        return not any(found & select.POLLHUP for _, found in pipe.poll(0))

    def _put_right(self) -> None:
        """On a sudden end: keep what there is, and give the terminal back."""
        self.memory.flush(1.0)
        stdin, stderr = sys.__stdin__, sys.__stderr__
        if stdin is None or stderr is None:
            return
        with suppress(OSError, ValueError, termios.error):
            os.write(stderr.fileno(), RESET.encode())
            if self._before is not None:
                termios.tcsetattr(stdin.fileno(), termios.TCSANOW, self._before)
