"""The film of a walk: the original beside the moving picture, a caption, a bar; as a preset."""

from collections.abc import Sequence
from dataclasses import replace

from latty.models.base import AnySize, Generator
from latty.presets import SCHEMA, Output, Preset, Track
from latty.presets.values import ScenePanel
from latty.rank.plan import Start
from latty.scene import Edit, Scene, named

SMALLEST, LARGEST = 192, 256  # px, the heights between which the pictures of a film are
SECONDS = 2.0  # from one end to the other
SLOWEST, FASTEST = 4, 25  # frames a second


def film_of(scene: Scene, edit: Edit, start: Start, strengths: Sequence[float], path: str,
            size: int | None) -> Preset:  # fmt: skip
    """The film of a walk from a scene without edits, a frame for each of its even strengths.

    start  what the original is called by
    size   height of its pictures; None = as the model draws them
    """
    track = Track(((0.0, strengths[0]), (1.0, strengths[-1])))
    whole = Preset(SCHEMA, named(edit.direction)[:100], scene, len(strengths))
    moved = replace(scene, edits=(replace(edit, strength=strengths[0]),))
    moving = replace(whole, scene=moved, tracks=(("edits.0.strength", track),))
    rate = min(max(round(len(strengths) / SECONDS), SLOWEST), FASTEST)
    output = Output(path, fps=rate, size=size, loop="bounce", progress=True)
    panels = (ScenePanel(whole, title_of(start)), ScenePanel(moving, "{direction} {strength:+.1f}"))
    return replace(whole, panels=panels, outputs=(output,))


def title_of(start: Start) -> str:
    """What a seed or a stored latent is called."""
    if isinstance(start, int):
        return f"seed {start}"
    return start.rpartition("/")[2].replace("{", "(").replace("}", ")")


def size_of(generator: Generator) -> int | None:
    """The height of a model's pictures in a film; None where its own is right."""
    return None if isinstance(generator, AnySize) else height_of(generator.info.height)


def height_of(own: int) -> int | None:
    """The same of pictures that are so high."""
    return None if SMALLEST <= own <= LARGEST else min(max(own, SMALLEST), LARGEST)


def word_of(name: str) -> str:
    """A name, which may be anything, as a part of a file's name."""
    return "".join(c if c.isalnum() and c.isascii() else "-" for c in name)[:40]


def file_of(number: int, name: str, start: Start, suffix: str) -> str:
    """What the film of a direction, the so many-th of its set, from a start is called."""
    word = f"seed{start}" if isinstance(start, int) else word_of(title_of(start))
    return f"{number:03d}-{word_of(name)}-{word}{suffix}"
