"""Directions and latents of a file: imported as `latty import` does it, once that is wanted."""

import asyncio
import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from latty.checkpoints.safetensors import read_header
from latty.errors import LattyError
from latty.jobs import run
from latty.process import command, end_with_parent
from latty.text import printable
from latty_tui.desk import Desk
from latty_tui.dialogs.choose import Choice, Decide

TO_IMPORT = ("directions", "latents")
BARE = (".npy", ".npz", ".pt", ".pth")  # of which a small one may be directions


async def kind_of(path: Path) -> str:
    """What a file holds that is imported rather than opened; "" for all else. A checkpoint is
    looked at by a process of its own, which ends where nobody waits for it any more."""
    found = await asyncio.to_thread(kind_at_once, path)
    if found is None:
        found = (await _child("latty.cli.importable", str(path)))[1].strip()
    return found if found in TO_IMPORT else ""


def kind_at_once(path: Path) -> str | None:
    """The same, as far as its name and its header tell; None where the file must be looked at."""
    with suppress(LattyError, OSError):
        if not path.is_file():
            return ""
        if path.suffix == ".safetensors":
            return str(read_header(path).meta.get("kind", ""))
        return None if path.suffix in BARE else ""
    return ""


def offer(desk: Desk, path: Path, kind: str) -> None:
    """Ask whether to import it."""
    what = f"{printable(path.name)} holds {kind}"
    choices = [
        Choice(True, f"import the {kind}", "they get the file's name here"),
        Choice(None, "leave them", f"later: latty import {path}"),
    ]
    desk.ask(Decide(what, choices), lambda _: desk.background(_import(desk, path), "import"))


async def _import(desk: Desk, path: Path) -> None:
    """What `latty import FILE` does and says."""
    code, result, words = await _child("latty", "import", str(path))
    said = [printable(line.removeprefix("latty: ")) for line in words.splitlines()]
    if code:
        raise LattyError(" ".join(said) or f"{path.name} could not be imported")
    name = printable(result.strip())
    desk.say("\n".join([f"imported as {name}", *said[:4]]))
    desk.tell(lambda panel: panel.on_imported(name))


async def _child(module: str, *words: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a process, which is killed where this is cancelled."""
    process = await asyncio.create_subprocess_exec(
        *command(module, *words),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=run.environment(),
        preexec_fn=partial(end_with_parent, os.getpid()),
    )  # fmt: skip
    try:
        told = [text.decode("utf-8", "replace") for text in await process.communicate()]
    except asyncio.CancelledError:  # Esc, or the studio closes: nothing is left half done
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    return process.returncode or 0, told[0], told[1]
