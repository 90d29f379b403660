"""What the program uses: Track, Output, Preset. Frozen values; `Preset.at(t)` is a Scene."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Literal

from latty.presets.easing import ease
from latty.scene import Scene, Walk

SCHEMA = 1  # the layout of preset files that this latty writes

Loop = Literal["once", "loop", "bounce"]
Chroma = Literal["420", "444"]
Encoder = Literal["x264", "nvenc"]
Layout = Literal["frames", "grid", "strip"]
Rows = Literal["seeds", "edits"]
Captions = bool | Literal["short"]


@dataclass(frozen=True, slots=True)
class Track:
    """A number that moves: (t, value) keys with t rising in 0..1, eased from key to key."""

    keys: tuple[tuple[float, float], ...]
    easing: str = "linear"

    def at(self, t: float) -> float:
        """The value at t: exactly the key's on a key, the nearest key's before or after all."""
        after = bisect_right(self.keys, t, key=lambda key: key[0])
        if after == 0:
            return self.keys[0][1]
        (start, low) = self.keys[after - 1]
        if after == len(self.keys):
            return low
        (stop, high) = self.keys[after]
        return low + (high - low) * ease(self.easing, (t - start) / (stop - start))


@dataclass(frozen=True, slots=True)
class Output:
    """One file, or one folder of numbered frames, and how it is written.

    size    height in px; None = the scene's
    layout  of a .png: "frames" a contact sheet, "grid" seeds or edits x strengths,
            "strip" one row per edit; strengths of both run from -span to +span
    captions  "short" = numbers without their words, under a single picture, too
    """

    path: str
    fps: float = 25
    size: int | None = None
    loop: Loop = "loop"
    crf: int = 18
    chroma: Chroma = "420"
    quality: int = 90
    dither: bool = False
    encoder: Encoder = "x264"
    layout: Layout = "frames"
    rows: Rows = "seeds"
    columns: int = 7
    span: float = 3.0
    captions: Captions = True


@dataclass(frozen=True, slots=True)
class Preset:
    """Everything a render depends on.

    scene   the scene at t = 0
    tracks  (key, Track) of what moves: "truncation", "cutoff", "edits.0.strength", "latent" for
            the index of the stored latent, and "seed" for the position along a walk where that is
            eased
    seeds   all seeds of a list (the rows of a grid), () otherwise
    """

    schema: int
    name: str
    scene: Scene
    frames: int = 1
    tracks: tuple[tuple[str, Track], ...] = ()
    seeds: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()

    def at(self, t: float) -> Scene:
        """The scene at t in 0..1."""
        scene, tracks = self.scene, dict(self.tracks)
        if isinstance(scene.seed, Walk):
            place = tracks["seed"].at(t) if "seed" in tracks else t
            scene = replace(scene, seed=_moved(scene.seed, place))
        for key, track in self.tracks:
            scene = _with(scene, key, track.at(t))
        return scene

    @property
    def closed(self) -> bool:
        """True where the end is the beginning again, so that a loop has no seam."""
        return self.at(1.0) == self.at(0.0)

    def times(self) -> tuple[float, ...]:
        """One t per frame; a closed preset stops one step before 1, which is 0 again."""
        steps = self.frames if self.closed else max(self.frames - 1, 1)
        return tuple(i / steps for i in range(self.frames))


def _moved(walk: Walk, place: float) -> Walk:
    ends_where_it_began = walk.blend == "circular" or walk.seeds[0] == walk.seeds[-1]
    return replace(walk, t=0.0 if place >= 1.0 and ends_where_it_began else place)


def _with(scene: Scene, key: str, value: float) -> Scene:
    """The scene with the moving number `key` at `value`."""
    if key == "truncation":
        return replace(scene, truncation=value)
    if key == "cutoff":
        return replace(scene, cutoff=round(value))
    if key == "latent":
        source = (scene.latent or "").rpartition("#")[0]
        return replace(scene, latent=f"{source}#{round(value)}")
    if key.startswith("edits."):
        edits, index = list(scene.edits), int(key.split(".")[1])
        edits[index] = replace(edits[index], strength=value)
        return replace(scene, edits=tuple(edits))
    return scene  # "seed" was the walk's
