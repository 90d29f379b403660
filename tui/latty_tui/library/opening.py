"""What the studio opens: a model by name or path, a preset, a picture that latty made, a file that
is dropped on the terminal. A terminal pastes the path of a dropped file, quoted in one of three
ways.
"""

import asyncio
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from latty.scene import Scene
from latty_tui.desk import Desk
from latty_tui.dialogs.choose import Choice, Decide
from latty_tui.drawing.engine import EngineDied, EngineError
from latty_tui.library import importing
from latty_tui.state import State

TRUNCATION = 0.8  # of a model that is opened by itself
LONGEST = 4096  # characters of a path


# Models.


async def open_model(desk: Desk, ref: str) -> bool:
    """Open a model and draw with it; what is wrong with it is shown, and False."""
    if desk.engine.gone:
        return False  # the picture says so
    desk.tell(lambda panel: panel.on_opening(ref))
    try:
        model = await desk.engine.open(ref)
    except EngineDied:
        return False  # it starts again, and so do we
    except EngineError as error:
        desk.model, desk.opened = None, ref  # asked again by whoever wants it again
        desk.tell(lambda panel: panel.on_model(None))
        back = "\n\nu: back to what was before" if desk.history.index else ""
        desk.picture.words(f"cannot open {ref}: {error.message}{back}")
        desk.fail(error, f"cannot open {ref}")
        return False
    if ref == desk.state.scene.model:  # else somebody has moved on meanwhile
        desk.model, desk.opened = model, ref
        desk.tell(lambda panel: panel.on_model(model))
        desk.draw_soon()
    return True


async def restart_engine(desk: Desk) -> None:
    """Another process instead of this one, or of one that died too often; the model is opened as
    soon as it is there. Raises EngineDied."""
    desk.model, desk.opened = None, ""
    desk.picture.words("starting the engine ...")
    await desk.engine.restart()


def show_model(desk: Desk, ref: str) -> None:
    """Go to another model, with the same seed and without the edits of the last one."""
    another = ref != desk.state.scene.model
    desk.background(_show(desk, ref) if another else open_model(desk, ref), "open")


async def openable(desk: Desk, ref: str) -> bool:
    """Whether a model can be opened, and drawn with; where not, why is shown, and what is on the
    screen stays."""
    if desk.engine.gone or ref == desk.opened:
        return True
    desk.tell(lambda panel: panel.on_opening(ref))
    try:
        await desk.engine.open(ref)
    except EngineDied:
        return False  # it starts again
    except EngineError as error:
        desk.fail(error, f"cannot open {ref}")
        if desk.model is None:
            await open_model(desk, desk.state.scene.model)
        else:
            desk.tell(lambda panel: panel.on_model(desk.model))
            desk.draw_soon()
        return False
    return True


async def _show(desk: Desk, ref: str) -> None:
    if not await openable(desk, ref):
        return
    seed = desk.state.scene.seed
    scene = Scene(ref, seed if isinstance(seed, int) else 0, TRUNCATION)
    desk.change(replace(State(scene), film=desk.state.film), f"open {Path(ref).stem}")


# Whatever a name or a path means.


async def open_ref(desk: Desk, ref: str) -> None:
    """Open what `ref` names, as `latty REF` does. Raises LattyError."""
    from latty.models.store import MODELS
    from latty.presets import shipped
    from latty_tui.panels.timeline import TimelinePanel

    known = ref in MODELS.names()
    if known or not (ref in shipped() or await asyncio.to_thread(_preset, ref)):
        show_model(desk, ref)
        return
    before = desk.state
    await desk.find(TimelinePanel).presets.open(ref)
    model = before.scene.model
    if desk.state == before and desk.opened != model:  # it could not be, or we are there
        await open_model(desk, model)


def _preset(ref: str) -> bool:
    """Whether a file is a preset, an archive of some, or a picture that carries one."""
    from latty.cli.kinds import kind
    from latty.presets.archives.manifest import parted
    from latty.presets.formats import media_of

    path = Path(ref).expanduser()
    with suppress(OSError):
        if parted(ref) is not None:
            return True
        return path.is_file() and (media_of(path) is not None or kind(path) == "toml")
    return False


async def take(desk: Desk, ref: str) -> None:
    """Open a name or path; directions and latents are imported, once that is wanted. Raises
    LattyError."""
    path = Path(ref).expanduser()
    if kind := await importing.kind_of(path):
        importing.offer(desk, path, kind)
    else:
        await open_ref(desk, str(path) if path.exists() else ref)


# Esc.


def call_off(desk: Desk) -> bool:
    """End the look at a file, its import, or the opening of a model, and the process that is at it;
    whether there was one."""
    ref = desk.engine.opening
    if not desk.call_off("drop", "import", *(["open"] if ref else [])):
        return False
    if ref:
        desk.background(_leave(desk, ref), "open")
    else:
        desk.say("called off")
    return True


async def _leave(desk: Desk, ref: str) -> None:
    """Back to the last state of another model; the engine, which is at this one, is a new one.
    Raises EngineDied."""
    stays = desk.state.scene.model != ref  # it is opened again by whoever hears of the engine
    desk.model, desk.opened = None, "" if stays else ref
    desk.tell(lambda panel: panel.on_model(None))
    desk.picture.words(f"{ref} is not opened\n\nF5: try again")
    steps = [*desk.history][: desk.history.index]
    before = [at for at, step in enumerate(steps) if step.state.scene.model != ref]
    await desk.engine.restart()
    if stays or before:
        desk.say(f"{ref} is not opened")
    if before and not stays:
        desk.go_to_step(before[-1])


# Files that are dropped.


async def dropped(desk: Desk, text: str) -> None:
    """Open the file that was dropped or whose path was pasted, once that is wanted."""
    path = await asyncio.to_thread(path_of, text)
    if desk.dialogs:
        return  # it is not for what is below
    if path is None:
        desk.say("what was pasted is no path of a file: nothing is opened")
        return
    kind = await asyncio.to_thread(importing.kind_at_once, path)
    if kind in importing.TO_IMPORT:
        importing.offer(desk, path, kind)
    else:
        answers = [Choice(True, "open it"), Choice(None, "leave it")]
        asked = Decide(f"open {path.name}?", answers, [str(path)])
        desk.ask(asked, lambda _: desk.background(take(desk, str(path)), "drop"))


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
            if path.is_file():
                return path.absolute()
    return None
