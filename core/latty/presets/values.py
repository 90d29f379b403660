"""What the program uses: Output, Preset, tracks. Frozen values; `Preset.at(t)` is a Scene."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import cos, pi
from typing import Literal, get_args

from latty.presets import rates
from latty.presets.colours import COLOUR
from latty.presets.moments import USUAL, TimeLine, Times
from latty.presets.pins import Pins
from latty.presets.texts import TEMPLATE, Caption
from latty.presets.tracks import Motion, Track
from latty.presets.tracks.following import Following
from latty.presets.tracks.swing import Swing
from latty.presets.variables import NAME, is_name
from latty.scene import REF, SIZE, Scene, Walk
from latty.tables import amounts
from latty.tables.rules import (
    array,
    flag,
    matching,
    number,
    one_of,
    option,
    says,
    text,
    whole,
    word,
)

SCHEMA = 1  # the layout of preset files that this latty writes

Loop = Literal["once", "loop", "bounce", "seamless"]
Chroma = Literal["420", "422", "444", "rgb"]
Profile = Literal["proxy", "lt", "standard", "hq", "4444"]
Encoder = Literal["x264", "nvenc"]
Layout = Literal["frames", "grid", "strip", "steps"]
Captions = bool | Literal["short"]
Fit = Literal["pad", "crop", "blur", "stretch"]
Scale = Literal["smooth", "nearest"]
_SECONDS = re.compile(r"\d{1,4}(\.\d{1,3})? ?s", re.ASCII)
GOP = one_of(
    "a number of frames, or seconds as in '1s'",
    whole(1, 10**5),
    matching(
        "a number of frames, or seconds as in '1s'",
        lambda value: isinstance(value, str) and bool(_SECONDS.fullmatch(value)),
        {"type": "string", "pattern": f"^{_SECONDS.pattern}$"},
    ),
)
WALKS = ("seed", "noise")  # what may be a place on a walk
MOST_SEEDS = 4096  # pictures on a sheet
MOST_CELLS = 2048  # panels of a preset
SPAN = one_of(
    "a number, or a list of one for each edit", number(0.01, 100), array(number(-100, 100), 1, 100)
)
FRAME_SIDE = whole(1, 8192)
COLUMNS = 7  # of sheets, grids and strips that say none
_KEY = matching("a key of [[each]]", is_name, {"type": "string", "pattern": f"^{NAME}$"})
_KEYS = array(_KEY, 1, 16)
ROWS = one_of("'seeds', 'edits', or a key of [[each]] or a list of them", _KEY, _KEYS)
ACROSS = one_of("a whole number, or a key of [[each]] or a list of them",
                whole(1, MOST_SEEDS), _KEY, _KEYS)  # fmt: skip
NAMES = array(TEMPLATE, 0, MOST_SEEDS)


@dataclass(frozen=True, slots=True)
class Output:
    """One file, or one folder of numbered frames, and how it is written.

    A key is for the formats whose writers read it. What else its field may say:

        everywhere=True   every format has it
        still=True        only where a picture is written, and no film
        film=True         only where a film is written, whatever its format
        layouts=(...)     only in these layouts

    size    height in px; None = the scene's
    layout  of a .png: "frames" a contact sheet, "grid" seeds and edits x strengths,
            "strip" each edit alone; strengths of both run from -span to +span;
            "steps" a row per seed: without edits, then with one more in each picture
    rows, columns  in a file also keys of [[each]], which are panels once it was read (sheets.py)
    captions  "short" = numbers without their words, under a single picture, too
    width, height  of the whole frame in px; one of them alone keeps the frame's shape, None of both
                   = as large as its pictures
    gap, margin    px between and around the pictures; None = none in a film, on a sheet what suits
    background     what is seen beside and through the pictures; None = black in a film, white paper
    row_names, column_names  of panels: templates, filled with what a panel shows at the beginning
    """

    path: str = field(
        metadata=says(
            text(200),
            "Relative; its suffix chooses the format, / at its end frames.",
            everywhere=True,
        )
    )
    fps: rates.Rate = option(
        USUAL, rates.rule(), "Frames per second; '30000/1001', 'ntsc' and 29.97 are exact."
    )
    size: int | None = option(None, SIZE, "Height in pixels; absent: the scene's.", everywhere=True)
    loop: Loop = option(
        "loop",
        word(*get_args(Loop)),
        "bounce: there and back; seamless: what does not return swings back within the film.",
    )
    crf: int = option(18, whole(0, 63), "Video quality, 0 (best) to 63.")
    codec: str | None = option(None, text(40), "Of a film; absent: the usual one of its suffix.")
    chroma: Chroma | None = option(
        None,
        word(*get_args(Chroma)),
        "420 plays anywhere, 444 is sharper, rgb with crf = 0 is lossless; absent: the codec's.",
    )
    depth: int | None = option(
        None, whole(8, 10), "Bits of a colour: 8 or 10; absent: the codec's."
    )
    gop: int | str | None = option(
        None, GOP, "From one keyframe to the next, in frames or as '1s'; absent: the codec's."
    )
    profile: Profile = option("hq", word(*get_args(Profile)), "Of ProRes; 4444 keeps an opacity.")
    quality: int = option(90, whole(1, 100), "WebP quality; 100 is lossless.")
    dither: bool = option(False, flag(), "GIF: smoother gradients, a slightly larger file.")
    colours: int = option(256, whole(4, 256), "GIF: colours of the film.")
    lossy: int = option(
        0, whole(0, 100), "GIF: levels of 255 that a pixel may be off to make the file smaller."
    )
    max_bytes: amounts.Amount | None = option(
        None,
        amounts.rule(1000),
        "A size that the file must not exceed, as in '2MB': loss, frames and size are chosen.",
    )
    encoder: Encoder = option("x264", word(*get_args(Encoder)), "MP4: nvenc is used if it opens.")
    layout: Layout = option(
        "frames", word(*get_args(Layout)), "Of a .png: sheet, grid, strip or steps."
    )
    rows: str = option(
        "seeds",
        ROWS,
        "Of a grid: seeds or edits first; else keys of [[each]], one row for each value.",
        layouts=("grid",),
    )
    columns: int | None = option(
        None,
        ACROSS,
        f"Pictures in a row; absent: {COLUMNS} on a sheet, near a square in a film. Keys of "
        "[[each]]: one column for each value; beside rows of keys 'strength' or a number: moments.",
        everywhere=True,
    )
    row_names: tuple[str, ...] = option(
        (), NAMES, "Of panels: what stands beside each row.", everywhere=True
    )
    column_names: tuple[str, ...] = option(
        (), NAMES, "Of panels: what stands above each column.", everywhere=True
    )
    span: float | tuple[float, ...] = option(
        3.0,
        SPAN,
        "Of a grid or strip: strength -span to +span; a list has one for each edit.",
        layouts=("grid", "strip"),
    )
    captions: Captions = option(
        True,
        one_of("true, false or 'short'", flag(), word("short")),
        'Write names into the picture; "short": numbers only.',
        everywhere=True,
        still=True,
    )
    width: int | None = option(
        None, FRAME_SIDE, "Of the whole frame in px; absent: as it comes.", everywhere=True
    )
    height: int | None = option(
        None, FRAME_SIDE, "Of the whole frame in px; absent: as it comes.", everywhere=True
    )
    fit: Fit = option(
        "pad",
        word(*get_args(Fit)),
        "pad: all of it on the background; crop: the frame is full; blur: itself behind; stretch.",
        everywhere=True,
    )
    scale: Scale = option(
        "smooth",
        word(*get_args(Scale)),
        "nearest: pixels stay squares, as pixel art wants.",
        everywhere=True,
    )
    background: str | None = option(
        None,
        COLOUR,
        'Beside and behind the pictures: "#rrggbb", a name, "transparent".',
        everywhere=True,
    )
    gap: int | None = option(
        None, whole(0, 1024), "px between pictures; absent: as it suits.", everywhere=True
    )
    margin: int | None = option(
        None, whole(0, 4096), "px around them; absent: as it suits.", everywhere=True
    )

    progress: bool = option(
        False, flag(), "A bar at the lower edge that fills while the film plays.", film=True
    )
    sound: str | None = option(
        None, REF, "A WAV, FLAC, MP3 or other sound that the film carries.", refers="sound"
    )
    offset: float = option(
        0.0, number(-100_000, 100_000), "Where in the sound the film begins, in seconds."
    )

    @property
    def across(self) -> int:
        """Pictures in a row of a sheet, a grid or a strip."""
        return self.columns or COLUMNS

    @property
    def is_table(self) -> bool:
        """Whether it shows panels as a table whose rows or columns have names."""
        return bool(self.row_names or self.column_names)

    @property
    def rate(self) -> Fraction:
        """Frames per second, exactly. Raises ValueError for a text that is no rate."""
        return rates.exact(self.fps)


@dataclass(frozen=True, slots=True)
class Preset:
    """Everything a render depends on.

    frames  how many each output has, where no `seconds` are said
    seconds how long every output lasts, each at its own frame rate; None = as many as `frames` take
    bpm     beats a minute, for times that count them
    scene   the scene at t = 0; of what follows a sound, where nothing is heard
    tracks  (key, Motion) of what moves: "truncation", "cutoff", "edits.0.strength", "latent" for
            the index of the stored latent, and "seed" for the position along a walk where that is
            eased
    seeds   all seeds of a list (the rows of a grid), () otherwise
    pins    which content the names of the scene stand for
    texts   written over every output
    panels  scenes side by side, in the place of the one scene
    pace    of a panel: how its own length goes into the film's; None = it lasts as long
    held    of a panel: the one moment of it that is shown, 0..1; None = it plays
    """

    schema: int
    name: str
    scene: Scene
    frames: int = 1
    tracks: tuple[tuple[str, Motion], ...] = ()
    seeds: tuple[int, ...] = ()
    outputs: tuple[Output, ...] = ()
    seconds: float | None = None
    bpm: float | None = None
    pins: Pins | None = None
    texts: tuple[Caption, ...] = ()
    panels: tuple["ScenePanel", ...] = ()
    pace: "PanelPace | None" = None
    held: float | None = None

    @property
    def parts(self) -> tuple["Preset", ...]:
        """What is drawn side by side: this very preset where it has no panels."""
        return tuple(panel.preset for panel in self.panels) or (self,)

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The scenes that are drawn, at t = 0."""
        return tuple(part.scene for part in self.parts)

    @property
    def kinds(self) -> tuple[Scene, ...]:
        """The scenes that it names things in, its own first: of those that differ in seeds and
        numbers only one, without these."""
        return tuple(dict.fromkeys(part.kind for part in (self, *self.parts)))

    @property
    def kind(self) -> Scene:
        """Its scene without its seed and its numbers: with all that it names."""
        scene = self.scene
        seed = 0 if isinstance(scene.seed, int) else scene.seed
        edits = tuple(replace(edit, strength=0.0, amount=1.0) for edit in scene.edits)
        return replace(scene, seed=seed, truncation=1.0, edits=edits)

    @property
    def of_one_piece(self) -> "Preset":
        """The same; a panel that shows the scene of another file says that scene itself."""
        panels = (
            replace(one, source="", alone=True, own=()) if one.source else one
            for one in self.panels
        )
        return replace(self, panels=tuple(panels))

    def with_panels(self, change: Callable[[int, Scene], Scene]) -> "Preset":
        """The same with `change(index, scene)` in the place of each panel's scene. What that leaves
        as it is stays the same object: there may be thousands."""
        changed = [change(i, one.preset.scene) for i, one in enumerate(self.panels)]
        pairs = [*zip(self.panels, changed, strict=True)]
        if all(one.preset.scene is scene for one, scene in pairs):
            return self
        panels = (
            one
            if one.preset.scene is scene
            else replace(one, preset=replace(one.preset, scene=scene))
            for one, scene in pairs
        )
        return replace(self, panels=tuple(panels))

    def __post_init__(self) -> None:
        # A sound is not stretched with its film: who follows one counts the film's seconds.
        if following := self.following:
            seconds = self.pace.seconds if self.pace else self.seconds
            bound = {key: track.lasting(seconds) for key, track in following.items()}
            tracks = tuple((key, bound.get(key, track)) for key, track in self.tracks)
            object.__setattr__(self, "tracks", tracks)

    @property
    def following(self) -> dict[str, Following]:
        """The tracks that follow a sound."""
        return {key: track for key, track in self.tracks if isinstance(track, Following)}

    @property
    def sounds(self) -> tuple[str, ...]:
        """The files of the sounds that it, its panels and its outputs name, each once."""
        followed = [part.following for part in (self, *self.parts)]
        found = [track.sound for tracks in followed for track in tracks.values()]
        found += [output.sound for output in self.outputs if output.sound is not None]
        return tuple(dict.fromkeys(found))

    def with_sounds(self, change: Callable[[str], str]) -> "Preset":
        """The same with `change(file)` in the place of the name of every sound."""
        panels = (replace(one, preset=one.preset.with_sounds(change)) for one in self.panels)
        following = {key: replace(one, sound=change(one.sound))
                     for key, one in self.following.items()}  # fmt: skip
        outputs = (
            one if one.sound is None else replace(one, sound=change(one.sound))
            for one in self.outputs
        )
        tracks = tuple((key, following.get(key, track)) for key, track in self.tracks)
        return replace(self, tracks=tracks, outputs=tuple(outputs), panels=tuple(panels))

    def at(self, t: float) -> Scene:
        """The scene at t in 0..1."""
        if self.held is not None:
            return replace(self, held=None).at(self.held)
        if (pace := self.pace) is not None:
            alone = replace(self, pace=None, seconds=pace.seconds)
            return alone.shown(pace.played).at(pace.at(t))
        scene, tracks = self.scene, dict(self.tracks)
        if isinstance(scene.seed, Walk):
            place = tracks["seed"].at(t) if "seed" in tracks else t
            scene = replace(scene, seed=_moved(scene.seed, place))
        if isinstance(scene.noise, Walk):
            place = tracks["noise"].at(t) if "noise" in tracks else t
            scene = replace(scene, noise=_moved(scene.noise, place))
        for key, track in self.tracks:
            if key == "latent":
                source = (scene.latent or "").rpartition("#")[0]
                scene = replace(scene, latent=f"{source}#{round(track.at(t))}")
            elif key not in WALKS:
                scene = scene.with_number(key, track.at(t))
        return scene

    @property
    def moves(self) -> bool:
        """Whether anything does."""
        if self.held is not None:
            return False
        return bool(self.tracks) or any(isinstance(getattr(self.scene, key), Walk) for key in WALKS)

    @property
    def plays(self) -> bool:
        """Whether anything does, in it or in one of its panels."""
        return any(part.moves for part in (self, *self.parts))

    def shown(self, output: Output) -> "Preset":
        """The preset as an output shows it: where its loop is seamless, whatever does not end where
        it began goes there and back; a panel of its own length lasts as long in every output."""
        if (pace := self.pace) is not None:
            film = self.frames / float(output.rate) if self.seconds is None else self.seconds
            made = replace(self, pace=replace(pace, film=film))
            if output.loop != "seamless" or made.closed:
                return made
            return replace(self, pace=replace(pace, film=film, swings=True))
        if output.loop != "seamless" or self.held is not None:
            return self
        tracks = dict(self.tracks)
        for key in WALKS:
            if isinstance(walk := getattr(self.scene, key), Walk):
                track = tracks.get(key) or Track(((0.0, 0.0), (1.0, 1.0)))
                if not walk.returns:
                    tracks[key] = Swing(track)
        for key, track in self.tracks:
            if isinstance(track, Following):
                continue  # its sound does not play backward
            if key not in WALKS and track.at(0.0) != track.at(1.0):
                tracks[key] = Swing(track)
        return replace(self, tracks=tuple(tracks.items()))

    @property
    def closed(self) -> bool:
        """True where the end is the beginning again, so that a loop has no seam. What follows a
        sound counts as closed: the sound begins again, too."""
        if following := self.following:
            rest = tuple(pair for pair in self.tracks if pair[0] not in following)
            return replace(self, tracks=rest).closed
        return self.at(1.0) == self.at(0.0)

    @property
    def duration(self) -> float:
        """Seconds from t = 0 to t = 1: of the first output where `frames` count."""
        if self.seconds is not None:
            return self.seconds
        return self.frames / float(self._rate(None))

    @property
    def line(self) -> TimeLine:
        """What times in seconds and beats count: none where the outputs last differently."""
        alike = len({output.rate for output in self.outputs}) <= 1
        return TimeLine(self.duration if alike or self.seconds is not None else None, self.bpm)

    def count(self, output: Output | None = None) -> int:
        """How many frames an output has; without one, as many as the first."""
        if self.seconds is None:
            return self.frames
        return max(1, round(Fraction(self.seconds) * self._rate(output)))

    def times(self, output: Output | None = None) -> Times:
        """One t per frame of an output; without one, of the first. With `seconds`, a frame shows
        the moment at which it is shown, in every output; t = 1 is one past the last. With `frames`,
        a preset that is not closed reaches t = 1 in its last frame."""
        count = self.count(output)
        if self.seconds is not None:
            return Times(count, max(count, 1))
        return Times(count, count if self.closed else max(count - 1, 1))

    def lasting(self, frames: int) -> "Preset":
        """The same with so many frames in its first output."""
        panels = tuple(replace(one, preset=one.preset.lasting(frames)) for one in self.panels)
        if self.seconds is None:
            made = replace(self, frames=frames, panels=panels)
        elif self.count() == frames:
            return self
        else:
            made = replace(self, seconds=frames / float(self._rate(None)), panels=panels)
        return replace(made, pace=self.pace and replace(self.pace, film=made.duration))

    def _rate(self, output: Output | None) -> Fraction:
        first = output or next(iter(self.outputs), None)
        return first.rate if first else Fraction(USUAL)


def _moved(walk: Walk, place: float) -> Walk:
    return replace(walk, t=0.0 if place == 1.0 and walk.returns else place)


@dataclass(frozen=True, slots=True)
class PanelPace:
    """How a panel of its own length plays in a film of another: at its own speed.

    seconds  its own length;  film  that of the film
    loop     what comes after its end: "once" it stays there, "bounce" it goes back, else it begins
             again
    swings   whether the film goes there and back, as a seamless loop does
    """

    seconds: float
    film: float
    loop: Loop
    swings: bool = False

    @property
    def played(self) -> Output:
        """An output that plays it by itself."""
        return Output("alone.gif", loop=self.loop)

    def at(self, t: float) -> float:
        """The place in the panel's own film at t of the whole."""
        t = (1 - cos(2 * pi * t)) / 2 if self.swings else t
        place = round(t * self.film / self.seconds, 9)
        if self.loop == "once":
            return min(place, 1.0)
        if self.loop == "bounce":
            return 1 - abs(place % 2 - 1)
        return place % 1 or float(t == 1 and place > 0)  # a film of whole rounds ends with one


@dataclass(frozen=True, slots=True)
class ScenePanel:
    """One of several scenes side by side.

    preset  its scene and tracks on the time line of the whole, without outputs and texts
    title   written into it, with placeholders
    source  the file whose scene it is, a path from the current folder; "" = its own keys
    alone   it takes nothing of the preset's scene
    own     the keys that it says beside the file
    """

    preset: Preset
    title: str = ""
    source: str = ""
    alone: bool = False
    own: tuple[str, ...] = ()
