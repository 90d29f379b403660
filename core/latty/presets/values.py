"""What the program uses: Track, Output, Preset. Frozen values; `Preset.at(t)` is a Scene."""

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from latty.presets.easing import ease
from latty.scene import SIZE, Scene, Walk
from latty.tables.rules import flag, number, one_of, option, says, text, whole, word

SCHEMA = 1  # the layout of preset files that this latty writes

Loop = Literal["once", "loop", "bounce"]
Chroma = Literal["420", "444"]
Encoder = Literal["x264", "nvenc"]
Layout = Literal["frames", "grid", "strip"]
Rows = Literal["seeds", "edits"]
Captions = bool | Literal["short"]
MOST_SEEDS = 4096  # pictures on a sheet


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

    path: str = field(
        metadata=says(text(200), "Relative; its suffix chooses the format, / at its end frames.")
    )
    fps: float = option(25, number(1, 120), "Frames per second.")
    size: int | None = option(None, SIZE, "Height in pixels; absent: the scene's.")
    loop: Loop = option("loop", word(*get_args(Loop)), "bounce: there and back again.")
    crf: int = option(18, whole(0, 63), "Video quality, 0 (best) to 63.")
    chroma: Chroma = option("420", word(*get_args(Chroma)), "444 is sharper, 420 plays anywhere.")
    quality: int = option(90, whole(1, 100), "WebP quality; 100 is lossless.")
    dither: bool = option(False, flag(), "GIF: smoother gradients, a slightly larger file.")
    encoder: Encoder = option("x264", word(*get_args(Encoder)), "MP4: nvenc is used if it opens.")
    layout: Layout = option("frames", word(*get_args(Layout)), "Of a .png: sheet, grid or strip.")
    rows: Rows = option("seeds", word(*get_args(Rows)), "What each row of a grid is.")
    columns: int = option(7, whole(1, MOST_SEEDS), "Pictures in a row.")
    span: float = option(3.0, number(0.01, 100), "Of a grid or strip: strength -span to +span.")
    captions: Captions = option(
        True,
        one_of("true, false or 'short'", flag(), word("short")),
        'Write names into the picture; "short": numbers only.',
    )


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
            if key == "latent":
                source = (scene.latent or "").rpartition("#")[0]
                scene = replace(scene, latent=f"{source}#{round(track.at(t))}")
            elif key != "seed":
                scene = scene.with_number(key, track.at(t))
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
