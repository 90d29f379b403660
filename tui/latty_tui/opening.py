"""What the studio opens: a model by name or path, a preset, a picture that latty made."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from latty.scene import Scene
from latty_tui.drawing.engine import EngineDied, EngineError, Model
from latty_tui.state import State

if TYPE_CHECKING:
    from latty_tui.app import Studio

TRUNCATION = 0.8  # of a model that is opened by itself


async def open_model(studio: "Studio", ref: str) -> bool:
    """Open a model and draw with it; what is wrong with it is shown, and False."""
    if studio.engine.gone:
        return False  # the picture says so
    studio.tell("opening", ref)
    try:
        model = await studio.engine.open(ref)
    except EngineDied:
        return False  # it starts again, and so do we
    except EngineError as error:
        studio.model, studio.opened = None, ref  # asked again by whoever wants it again
        for panel in studio.all_panels():
            studio.tell_panel(panel, "model_changed", None)
        back = "\n\nu: back to what was before" if studio.history.index else ""
        studio.picture.words(f"cannot open {ref}: {error.message}{back}")
        studio.fail(error, f"cannot open {ref}")
        return False
    if ref == studio.state.scene.model:  # else somebody has moved on meanwhile
        accept(studio, ref, model)
    return True


async def restart_engine(studio: "Studio") -> None:
    """Another process instead of this one, or of one that died too often; the model is opened as
    soon as it is there. Raises EngineDied."""
    studio.model, studio.opened = None, ""
    studio.picture.words("starting the engine ...")
    await studio.engine.restart()


def accept(studio: "Studio", ref: str, model: Model) -> None:
    """The model is open: everybody hears of it."""
    studio.model, studio.opened = model, ref
    for panel in studio.all_panels():
        studio.tell_panel(panel, "model_changed", model)
    studio.preview.later()


async def open_ref(studio: "Studio", ref: str) -> None:
    """Open what `ref` names, as `latty REF` does. Raises LattyError."""
    from latty.models.store import MODELS
    from latty.presets import shipped

    path = Path(ref).expanduser()
    if ref not in MODELS.names() and (ref in shipped() or await asyncio.to_thread(_says, path)):
        from latty_tui.panels import timeline

        before = studio.state
        await timeline.open_preset(studio, ref)
        model = before.scene.model
        if studio.state == before and studio.opened != model:  # it could not be, or we are there
            await open_model(studio, model)
    else:
        show_model(studio, ref)


def _says(path: Path) -> bool:
    """Whether a file is a preset, or a picture that carries one."""
    from latty.cli.kinds import kind
    from latty.presets.formats import media_of

    with suppress(OSError):
        return path.is_file() and (media_of(path) is not None or kind(path) == "toml")
    return False


def show_model(studio: "Studio", ref: str) -> None:
    """Go to another model, with the same seed and without the edits of the last one."""
    if ref == studio.state.scene.model:
        studio.background(open_model(studio, ref), "open")
        return
    seed = studio.state.scene.seed
    scene = Scene(ref, seed if isinstance(seed, int) else 0, TRUNCATION)
    studio.change(replace(State(scene), film=studio.state.film), f"open {Path(ref).stem}")


def measure_cells(studio: "Studio") -> None:
    """The size of a cell again: a resize may have been another font."""
    from latty_tui.terminal.probe import window_cell

    cell = window_cell()
    if cell is not None and cell != studio.terminal.cell:
        studio.terminal = studio.painter.terminal = replace(studio.terminal, cell=cell)
