"""The headless verbs: parse, call, print. A verb imports what is heavy when it runs.

stdout carries results, stderr words; whatever goes wrong becomes one line and an exit code here.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import Any

from latty import plugins, process
from latty.cli import signals
from latty.cli.out import EVENTS, Out, wants_color
from latty.cli.parser import HELP, VERBS, parse, parse_studio, split
from latty.cli.run import Run, Screen
from latty.errors import LattyError, UsageError, explain
from latty.process import be_steady, hold_streams, keep_memory, keep_room


def main(argv: Sequence[str] | None = None, screen: Screen | None = None) -> int:
    """Run one command line and return its exit code. Never raises, but for SystemExit of --help."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.umask(os.umask(0o077) & 0o077)  # whatever it was, what we make we can use
    be_steady()
    hold_streams()
    keep_room()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace" if stream is sys.stdout else "backslashreplace")
    out = Out(loudness=-1 if {"-q", "--quiet"} & {*words} else 0, color=wants_color(True),
              log_time="--log-time" in words)  # fmt: skip
    plugins.tell, plugins.tell_more = out.say, partial(out.say, loudness=1)
    signals.shape(None)
    process.in_child = None
    if (way := _way_of_progress(words)) == "json":
        out.say_events()
    elif way is None:
        out.asking = _settings_ask_events
    try:
        try:
            return _dispatch(words, out, screen)
        finally:
            _flush()
    except BrokenPipeError:
        return _pipe_closed()
    except Exception as error:
        return _failed(error, out, words)


def _way_of_progress(words: Sequence[str]) -> str | None:
    """What flags or the environment say of it, whatever else is wrong; None where they do not."""
    parts = [part for word in words for part in word.split("=", 1)]
    said = [value for flag, value in pairwise(parts) if flag == "--progress"]
    return said[-1] if said else os.environ.get("LATTY_PROGRESS")


def _settings_ask_events() -> bool:
    """Whether a settings file does, as far as it can be read."""
    with suppress(LattyError, OSError):
        from latty import config

        return config.load().progress == "json"
    return False


def _dispatch(words: list[str], out: Out, screen: Screen | None) -> int:
    verb = split(words)[1] or ""
    if screen is not None and verb not in VERBS and not {*HELP, "--version"} & {*words}:
        args: Any = parse_studio(words)
        _tune(out, args)
        return screen.studio(args.ref, Run(args, out, screen).config(), out)
    args = parse(words)
    _tune(out, args)
    if args.version:
        from latty.version import version_line

        out.result(version_line())
        return 0
    if args.verb is None:
        raise UsageError("no verb", "see: latty --help")
    if getattr(args, "pinned", ()):  # of a job: it may have waited long
        from latty.presets.pinning import check_spelled

        check_spelled(args.pinned)
    keep_memory()
    return VERBS.load(args.verb).run(Run(args, out, screen, words))


def _tune(out: Out, args: Any) -> None:
    out.loudness = getattr(args, "loudness", 0)
    out.color = wants_color(getattr(args, "color", True))
    out.json = getattr(args, "json", False)


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()


def _pipe_closed() -> int:
    """Nobody reads stdout: end quietly, and keep Python from trying again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
    return 128 + signals.SIGPIPE


def _failed(error: Exception, out: Out, words: list[str]) -> int:
    known = explain(error)
    try:
        if "--debug" in words:
            import traceback

            out.settle()
            if out.events:
                out.error("".join(traceback.format_exception(error)))
            else:
                traceback.print_exception(error, file=sys.stderr)
        if known is None:
            known = LattyError(f"unexpected {type(error).__name__}: {error}", _report(error, words))
        if known.exit_code != 128 + signals.SIGPIPE:
            EVENTS.write("error", text=str(known), code=known.exit_code)
            out.error(str(known))
    except BrokenPipeError:
        return _pipe_closed()
    if isinstance(error, OSError):
        _abandon_stdout()
    return known.exit_code


def _abandon_stdout() -> None:
    """After a failed write (a full disk) Python would fail once more when it flushes at exit."""
    try:
        _flush()
    except OSError:
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _report(error: Exception, words: list[str]) -> str:
    """Write what a developer needs into the state directory; returns the hint that names it."""
    from latty.files import write_report

    path = write_report(error, f"error-{os.getpid()}", f"latty {' '.join(words)}")
    if path is None:
        return "run again with --debug to see where"
    return f"this is our fault; the report to send is {path}"
