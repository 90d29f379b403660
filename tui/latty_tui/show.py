"""What `latty` and `latty REF` open: the studio, or one picture where it has no terminal."""

import sys
from pathlib import Path

from latty.cli.out import Out, is_terminal
from latty.config import Config
from latty.errors import LattyError, Missing, UsageError, did_you_mean
from latty.presets.formats import media_of
from latty_tui.terminal import probe


def studio(ref: str | None, config: Config, out: Out) -> int:
    """Open the studio on what `ref` names; without a terminal to draw it on, show that instead."""
    if ref is not None:
        check(ref)
    people = all(is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr))
    if (people or probe.on_a_page()) and not (ref and _strange(Path(ref).expanduser())):
        from latty_tui import start

        return start.run(ref, config)
    from latty_tui import still

    still.show(ref, config, out)
    return 0


def _strange(path: Path) -> bool:
    """Whether a file is a picture that says nothing of how it was made: there is only to look."""
    if not path.is_file() or not media_of(path):
        return False
    from latty.render.embedded import extract

    try:
        extract(path)
    except LattyError:
        return True
    return False


def check(ref: str) -> None:
    """Raise Missing or UsageError where `ref` names nothing."""
    from latty.models.store import MODELS
    from latty.presets import shipped
    from latty.presets.archives.manifest import parted

    if Path(ref).expanduser().exists() or ref in MODELS.names() or ref in shipped():
        return
    if parted(ref) is not None:
        return
    if "/" in ref or Path(ref).suffix:
        raise Missing(f"there is no file {ref}", "check the path")
    from latty.cli.parser import VERBS

    what = f"'{ref}' is no verb, model, preset or picture"
    raise UsageError(what, did_you_mean(ref, [*VERBS.names(), *MODELS.names(), *shipped()]))
