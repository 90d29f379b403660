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
from latty_tui.dialogs.choose import Choice, Choose

TO_IMPORT = ("directions", "latents")
BARE = (".npy", ".npz", ".pt", ".pth")  # of which a small one may be directions


def kind_of(path: Path) -> str:
    """What a file holds that is imported rather than opened; "" for all else."""
    with suppress(LattyError, OSError):
        if not path.is_file():
            return ""
        if path.suffix == ".safetensors":
            kind = read_header(path).meta.get("kind", "")
            return kind if kind in TO_IMPORT else ""
        if path.suffix in BARE:
            from latty.cli import importable

            found = importable.find(path)
            return found.kind if found is not None and found.kind in TO_IMPORT else ""
    return ""


def offer(desk: Desk, path: Path, kind: str) -> None:
    """Ask whether to import it."""
    what = f"{printable(path.name)} holds {kind}"
    choices = [
        Choice(True, f"import the {kind}", "they get the file's name here"),
        Choice(None, "leave them", f"later: latty import {path}"),
    ]
    desk.ask(Choose(what, choices), lambda _: desk.background(_import(desk, path), "import"))


async def _import(desk: Desk, path: Path) -> None:
    """What `latty import FILE` does and says."""
    process = await asyncio.create_subprocess_exec(
        *command("latty", "import", str(path)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=run.environment(),
        preexec_fn=partial(end_with_parent, os.getpid()),
    )  # fmt: skip
    try:
        result, words = await process.communicate()
    except asyncio.CancelledError:  # the studio closes: nothing is left half done
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    said = [printable(line.removeprefix("latty: "))
            for line in words.decode("utf-8", "replace").splitlines()]  # fmt: skip
    if process.returncode:
        raise LattyError(" ".join(said) or f"{path.name} could not be imported")
    name = printable(result.decode("utf-8", "replace").strip())
    desk.say("\n".join([f"imported as {name}", *said[:4]]))
    desk.tell(lambda panel: panel.on_imported(name))
