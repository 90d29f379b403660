"""The one path from a Scene to pixels and from a Preset to files; previews take it too.

picture, pictures, frames    Scene -> codes -> synthesis -> uint8 (pixels.py)
write                        Preset -> reels of pictures -> frames -> writers -> final names

outputs.py     every output of a preset              batch.py      a preset by name or picture
planning.py    what would be written
shots.py       which scenes an output shows          sizes.py      how large pictures and frames are
film.py        drawn in batches                      drawers.py    by whom
journal.py     finished pictures on disk
encoders.py    written while drawn             output_files.py  one output while it is made
developing.py  composed and played in order          composition.py  the picture around the picture
grids.py       many pictures in one
work.py        locks, final names, disk errors       provenance.py the recipe in every file
embedded.py    finding it again                      writers/      one file per format
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from latty.presets import Preset
from latty.render.options import Allowed, Options
from latty.scene import Scene

if TYPE_CHECKING:  # torch takes seconds to import; Options and plans must not wait for it
    from latty.models.base import Generator
    from latty.presets.formats import Pixels
    from latty.render.outputs import refuse_early, targets, write
    from latty.render.planning import plan
    from latty.render.streams import stream

__all__ = [
    "Allowed",
    "Options",
    "frames",
    "picture",
    "pictures",
    "plan",
    "refuse_early",
    "stream",
    "targets",
    "write",
]


def __getattr__(name: str) -> Any:
    """What is done with outputs, when it is asked for: `latty check` needs nothing of it."""
    if name == "stream":  # brings torch
        from latty.render import streams

        return streams.stream
    if name not in ("plan", "refuse_early", "targets", "write"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from latty.render import outputs, planning

    return getattr(planning if name == "plan" else outputs, name)


def picture(scene: Scene, device: str = "auto") -> "Pixels":
    """The picture (H, W, 3) uint8 of a scene, at the scene's size; (H, W, 4) with an opacity."""
    from latty.models import open_model

    generator = open_model(scene.model, device, scene.precision)
    drawn: Pixels = pictures([scene], generator)[0]
    return drawn


def pictures(scenes: Sequence[Scene], generator: "Generator") -> "Pixels":
    """Pictures (N, H, W, 3) uint8 of scenes of one model and one size, drawn in one batch;
    (N, H, W, 4) with an opacity."""
    import numpy as np

    from latty.render.grids import fit
    from latty.render.pixels import Painter, at_size

    size = scenes[0].size
    drawn = Painter(at_size(generator, size))(scenes)
    return np.stack([fit(pixels, size) for pixels in drawn])


def frames(preset: Preset, device: str = "auto", batch: int = 8) -> Iterator["Pixels"]:
    """The frames (H, W, 3 or 4) uint8 of a preset from t = 0 on, drawn while they are asked for."""
    from latty.models import open_model
    from latty.render.grids import tile
    from latty.render.shots import Shots

    generator = open_model(preset.scene.model, device, preset.scene.precision)
    shots = Shots(preset, preset.times(), preset.scene.size)
    step = shots.together * max(1, batch // shots.together)
    for first in range(0, len(shots), step):
        drawn = pictures(shots[first : first + step], generator)
        for i in range(0, len(drawn), shots.together):
            yield tile(list(drawn[i : i + shots.together]))
