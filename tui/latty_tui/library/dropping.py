"""A file that is dropped on the terminal, or named: it is opened as what it is.

A terminal pastes the path of a dropped file, quoted in one of three ways.
"""

import asyncio
import shlex
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from latty.checkpoints.safetensors import read_header
from latty.cli.out import clean
from latty.errors import LattyError
from latty_tui import opening

if TYPE_CHECKING:
    from latty_tui.app import Studio

LONGEST = 4096  # characters of a path
TO_IMPORT = ("directions", "latents")
BARE = (".npy", ".npz", ".pt", ".pth")  # of which a small one may be directions


def path_of(text: str) -> Path | None:
    """The file that pasted text names; None for any other text."""
    text = text.strip()
    if not text or len(text) > LONGEST or "\n" in text:
        return None
    ways = [text]
    with suppress(ValueError):
        ways += shlex.split(text)[:1]
    if text.startswith("file://"):
        with suppress(ValueError):
            ways = [unquote(urlsplit(text).path)]
    for way in ways:
        with suppress(OSError, RuntimeError, ValueError):
            path = Path(way).expanduser()
            if path.is_absolute() and path.is_file():
                return path
    return None


async def dropped(studio: "Studio", text: str) -> None:
    """Open the file that was dropped; other text is no concern of ours."""
    path = await asyncio.to_thread(path_of, text)
    if path is not None:
        await take(studio, str(path))


async def take(studio: "Studio", ref: str) -> None:
    """Open a name or path: directions and latents are imported, once that is wanted."""
    path = Path(ref).expanduser()
    kind = await asyncio.to_thread(_to_import, path)
    if kind:
        _offer_import(studio, path, kind)
    else:
        await opening.open_ref(studio, str(path) if path.exists() else ref)


def _to_import(path: Path) -> str:
    """What a file holds that is imported rather than opened; "" for all else."""
    with suppress(LattyError, OSError):
        if not path.is_file():
            return ""
        if path.suffix == ".safetensors":
            kind = read_header(path).meta.get("kind", "")
            return kind if kind in TO_IMPORT else ""
        if path.suffix in BARE:
            from latty.cli import importable

            found = importable.find(path, "", "")
            return found.kind if found is not None and found.kind in TO_IMPORT else ""
    return ""


def _offer_import(studio: "Studio", path: Path, kind: str) -> None:
    from latty_tui.dialogs.choose import Choice, Choose

    what = f"{clean(path.name)} holds {kind}"
    choices = [
        Choice(True, f"import the {kind}", "they get the file's name here"),
        Choice(False, "leave them", f"later: latty import {path}"),
    ]

    def chosen(answer: bool | None) -> None:
        if answer:
            studio.background(_import(studio, path), "import")

    studio.push_screen(Choose(what, choices), chosen)


async def _import(studio: "Studio", path: Path) -> None:
    """What `latty import FILE` does and says."""
    from latty.jobs import run
    from latty.process import command

    process = await asyncio.create_subprocess_exec(
        *command("latty", "import", str(path)),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=run.environment(),
    )  # fmt: skip
    try:
        result, words = await process.communicate()
    except asyncio.CancelledError:  # the studio closes: nothing is left half done
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    said = [clean(line.removeprefix("latty: "))
            for line in words.decode("utf-8", "replace").splitlines()]  # fmt: skip
    if process.returncode:
        raise LattyError(" ".join(said) or f"{path.name} could not be imported")
    name = clean(result.decode("utf-8", "replace").strip())
    studio.say("\n".join([f"imported as {name}", *said[:4]]))
    studio.tell("imported", name)
