"""`--detach`: the verb becomes a job that outlives the terminal, and its id the result."""

import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli.parser import parse, split
from latty.cli.run import Run
from latty.errors import UsageError
from latty.process import without

if TYPE_CHECKING:
    from latty.presets import Preset
from latty.reading import is_stream

SETTINGS = (Path("/etc/systemd"), Path("/usr/lib/systemd"))  # the first one that says it is right
LINGER = Path("/var/lib/systemd/linger")


class Word(str):
    """A word of the command line that knows its place among the words."""

    place = 0


def detached(
    run: Run, per: Sequence[str] = (), presets: "Sequence[tuple[str, Preset]]" = ()
) -> int:
    """Hand the words of this run in as one job, or as one for each word of `per` (presets).

    presets   with such a word: the job begins only with the content that their names have now

    Prints the ids. Raises UsageError, DeviceError, OSError.
    """
    from latty.jobs import control
    from latty.presets import pinning
    from latty.presets.archives.manifest import parted

    if any(map(is_stream, per)):
        raise UsageError("a job cannot read stdin or a pipe", "write the preset to a file")
    config = run.config()
    device, settings = config.device, config.pinned
    wish = device if device == "cpu" or device.startswith("cuda:") else ""
    ids = []
    for words in jobs_of(run.words, bool(per)):
        pins = list[str]()
        for word, one in presets:
            packed = parted(word)
            if word in words or (packed and word.rpartition("#")[0] in words):
                pins += pinning.spelled(one, packed[0] if packed else None)
        pins = list(dict.fromkeys(pins))
        words = (words[0], *(f"--pin={pin}" for pin in pins), *words[1:])
        job = control.submit(words, gpus=run.args.gpus, device=wish, settings=settings)
        ids.append(job)
        run.out.result(job, id=job, words=list(words))
    if warning := logout_kills():
        run.out.say(warning)
    hint = ids[0] if len(ids) == 1 else ""
    run.out.say(f"follow with: latty jobs watch {hint}".rstrip())
    return 0


def jobs_of(words: Sequence[str], apart: bool) -> list[tuple[str, ...]]:
    """The words without those of `--detach`, the verb first; where `apart`, once per preset.

    They are parsed once more to know which are presets: an option's value may read the same.
    """
    known = [Word(word) for word in words]
    for place, word in enumerate(known):
        word.place = place
    before, verb, rest = split(known)
    kept = without([*before, *rest], flags=("--detach",), options=("--gpus",))
    if not apart:
        return [(str(verb), *kept)]
    presets = {word.place: word for word in parse(known).presets}
    once = {str(word): place for place, word in reversed(presets.items())}
    return [
        (str(verb), *(w for w in kept if w.place == mine or w.place not in presets))
        for mine in sorted(once.values())
    ]


def logout_kills(
    settings: Sequence[Path] | None = None, linger: Path = LINGER, session: str | None = None
) -> str:
    """What to do where systemd ends all of a user's processes at logout; "" where it does not."""
    if (session or os.environ.get("XDG_SESSION_ID")) is None:
        return ""  # no login of systemd's
    from getpass import getuser

    if (linger / getuser()).exists() or not _kills(settings or _settings()):
        return ""
    return (
        "systemd ends your processes at logout here (KillUserProcesses): "
        "run `loginctl enable-linger` once, or start with `systemd-run --user --scope latty ...`"
    )


def _settings() -> list[Path]:
    """logind's files, the one that outranks the others first."""
    extra = [path for place in SETTINGS for path in place.glob("logind.conf.d/*.conf")]
    ordered = sorted(extra, key=lambda path: path.name, reverse=True)
    return [*ordered, *(place / "logind.conf" for place in SETTINGS)]


def _kills(settings: Sequence[Path]) -> bool:
    for path in settings:
        with suppress(OSError, UnicodeError):
            text = path.read_text(encoding="utf-8")
            if found := re.findall(r"^KillUserProcesses\s*=\s*(\w+)", text, re.MULTILINE):
                return str(found[-1]).lower() in ("yes", "true", "1", "on")
    return False
