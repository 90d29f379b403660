"""`--detach`: the verb becomes a job that outlives the terminal, and its id the result."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.cli import Run
from core.errors import UsageError

SETTINGS = (Path("/etc/systemd/logind.conf"), Path("/usr/lib/systemd/logind.conf"))
LINGER = Path("/var/lib/systemd/linger")


def detached(run: Run, per: Sequence[str] = ()) -> int:
    """Hand the words of this run in as one job, or as one for each word of `per` (presets).

    Prints the ids. Raises UsageError, DeviceError, OSError.
    """
    from core.jobs import desk

    device = run.config().device
    wish = device if device == "cpu" or device.startswith("cuda:") else ""
    ids = []
    if "-" in per:
        raise UsageError("a job cannot read stdin", "write the preset to a file")
    verb = next(word for word in run.words if word in desk.VERBS)
    for words in _jobs(verb, run.words, per):
        job = desk.submit(words, gpus=run.args.gpus, device=wish)
        ids.append(job)
        run.out.result(job, id=job, words=list(words))
    if warning := logout_kills():
        run.out.say(warning)
    hint = ids[0] if len(ids) == 1 else ""
    run.out.say(f"follow with: latty jobs watch {hint}".rstrip())
    return 0


def _jobs(verb: str, words: Sequence[str], per: Sequence[str]) -> list[tuple[str, ...]]:
    """The words without those of `--detach`, once for each of `per`."""
    kept, skip = [], False
    for word in words:
        if skip or word == "--detach" or word.startswith("--gpus="):
            skip = False
        elif word == "--gpus":
            skip = True
        else:
            kept.append(word)
    kept.remove(verb)
    if not per:
        return [(verb, *kept)]
    options = [word for word in kept if word not in per]
    return [(verb, one, *options) for one in dict.fromkeys(per)]


def logout_kills(
    settings: Sequence[Path] = SETTINGS, linger: Path = LINGER, session: str | None = None
) -> str:
    """What to do where systemd ends all of a user's processes at logout; "" where it does not."""
    if (session or os.environ.get("XDG_SESSION_ID")) is None:
        return ""  # no login of systemd's
    from getpass import getuser

    if (linger / getuser()).exists() or not _kills(settings):
        return ""
    return (
        "systemd ends your processes at logout here (KillUserProcesses): "
        "run `loginctl enable-linger` once, or start with `systemd-run --user --scope latty ...`"
    )


def _kills(settings: Sequence[Path]) -> bool:
    for path in settings:
        with suppress(OSError, UnicodeError):
            text = path.read_text(encoding="utf-8")
            if found := re.findall(r"^KillUserProcesses\s*=\s*(\w+)", text, re.MULTILINE):
                return str(found[-1]).lower() in ("yes", "true", "1", "on")
    return False
