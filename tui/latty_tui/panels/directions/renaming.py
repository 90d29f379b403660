"""Names that are typed, and a state after names have changed. Pure; tests need no screen."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from latty.directions import bin
from latty.directions.file import new_name
from latty.directions.store import SETS, name_since, split
from latty.scene import Scene
from latty.text import bytes_words
from latty_tui.state import State

SUFFIXES = (".safetensors", ".npy")


def name_reader(taken: set[str]) -> Callable[[str], str]:
    """Reads the name of a direction. What it returns raises ValueError."""

    def read(text: str) -> str:
        name = new_name(text.strip())
        if name in taken:
            raise ValueError(f"there is a direction '{name}' already")
        return name

    return read


def set_reader(taken: set[str]) -> Callable[[str], str]:
    """Reads the new name of a set. What it returns raises UsageError, ValueError."""

    def read(text: str) -> str:
        name = text.strip()
        SETS.check_name(name)
        if name in taken:
            raise ValueError(f"there is a set '{name}' already")
        return name

    return read


def export_path(text: str) -> Path:
    """Where to export to. Raises ValueError."""
    try:
        path = Path(text.strip()).expanduser()
        if path.suffix not in SUFFIXES:
            raise ValueError("its name ends in .safetensors or .npy")
        if path.exists():
            raise ValueError(f"{path} exists: choose another name")
        if not path.absolute().parent.is_dir():
            raise ValueError(f"there is no folder {path.parent}")
    except (OSError, RuntimeError) as error:
        raise ValueError(f"this cannot be a path: {error}") from None
    return path.absolute()


def brought_back(path: Path) -> str:
    """Whether undo gives a set back that is changed now: one alone may be too large to be kept."""
    with suppress(OSError):
        if (size := path.stat().st_size) > bin.MOST:
            return f"for good: {bytes_words(size)} are too much to be kept for u"
    return "u brings it back"


def short(ref: str) -> str:
    """The name of a direction without its set: "smile" of "demo/smile"."""
    if "#" in ref:
        return ref.rpartition("#")[2]
    return ref.rpartition("/")[2] if "/" in ref else ref.replace(":", "-")


def followed(state: State, ref: str, to: str | None) -> State:
    """The state after a direction got another name, or none: its edits go then."""
    if to is None:
        gone = [i for i, edit in enumerate(state.scene.edits) if edit.direction == ref]
        state = state.removed(*gone) if gone else state
    keys = tuple(_scene(scene, ref, to) for scene in state.keys)
    return replace(state, scene=_scene(state.scene, ref, to), keys=keys)


def _scene(scene: Scene, ref: str, to: str | None) -> Scene:
    edits = tuple(
        replace(
            edit,
            direction=to if to is not None and edit.direction == ref else edit.direction,
            conditions=_refs(edit.conditions, ref, to),
            within=edit.within and (_now(edit.within, ref, to) if to else edit.within),
        )
        for edit in scene.edits
        if to is not None or edit.direction != ref
    )
    return replace(scene, edits=edits, locks=_refs(scene.locks, ref, to))


def _refs(refs: tuple[str, ...], ref: str, to: str | None) -> tuple[str, ...]:
    if to is None:
        return tuple(one for one in refs if one != ref)
    return tuple(_now(one, ref, to) for one in refs)


def _now(text: str, ref: str, to: str) -> str:
    """A reference, to several too, after the direction `ref` became `to`. Several of a set stay
    where `to` is of another one: the direction is a copy."""
    start = len(split(ref)[0]) + 1
    if text == ref:
        return to
    if text[:start] != ref[:start] or to[:start] != ref[:start]:
        return text
    return ref[:start] + name_since(text[start:], {ref[start:]: to[start:]})
