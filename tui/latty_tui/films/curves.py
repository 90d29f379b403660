"""What moves in a film, as bars to be drawn below its track: the very values that are rendered.

Blocking where a sound is followed or carried: it is decoded once.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from latty.errors import LattyError
from latty.presets import Preset
from latty.presets.tracks.following import Following
from latty.presets.tracks.motion import Motion
from latty.presets.tracks.noise import Noise
from latty.presets.tracks.swing import Swing
from latty.presets.values import WALKS
from latty.scene import Walk
from latty.stops import leg_at
from latty_tui.films.film import stops_of

BARS = "▁▂▃▄▅▆▇█"
FINER = 4  # values of a sound in each cell, of which the loudest is drawn


class CurveRow(NamedTuple):
    """A row of bars: what moves, from where to where, and `at`: what it is at a moment, a share of
    the film."""

    name: str
    span: str
    bars: str
    at: Callable[[float], str] | None = None

    @property
    def label(self) -> str:
        return f"{self.name}  {self.span}".rstrip()

    def value(self, moment: float | None) -> str:
        """What it is at a moment; from where to where it goes where that is None."""
        return self.span if moment is None or self.at is None else self.at(moment)


def curves(preset: Preset, cells: int) -> list[CurveRow]:
    """One for each sound that a film carries and for each number that moves, in so many cells."""
    return [*_carried(preset, cells), *_walked(preset, cells), *_moved(preset, cells)]


def _carried(preset: Preset, cells: int) -> Iterator[CurveRow]:
    known: set[tuple[str, float]] = set()
    for output in preset.outputs:
        if output.sound is None or (output.sound, output.offset) in known:
            continue
        known.add((output.sound, output.offset))
        seconds = preset.duration
        loud = Following(output.sound, 0.0, 1.0, smooth=seconds / cells,
                         offset=output.offset, seconds=seconds)  # fmt: skip
        yield _curve(f"♪ {output.sound.rpartition('/')[2]}", loud, cells)


def _walked(preset: Preset, cells: int) -> Iterator[CurveRow]:
    """How far a walk is, leg by leg; not one at constant speed, whose legs only its model knows."""
    walk = preset.scene.seed
    if not isinstance(walk, Walk) or walk.even or walk.around is not None:
        return
    circular, pace = walk.blend == "circular", dict(preset.tracks).get("seed")
    passed = [str(one) for one in walk.seeds]

    def place(t: float) -> tuple[int, float]:
        return leg_at(pace.at(t) if pace else t, stops_of(walk), circular)

    def said(t: float) -> str:
        leg, part = place(t)
        onto = f" → {passed[(leg + 1) % len(passed)]} {part:.0%}" if part else ""
        return f"{passed[leg % len(passed)]}{onto}"

    legs = len(passed) - (not circular)
    values = [sum(place(t)) / legs for t in _moments(cells)]
    yield CurveRow("seed", " ".join(passed), bars(values, 0.0, 1.0), said)


def _moved(preset: Preset, cells: int) -> Iterator[CurveRow]:
    for key, track in preset.tracks:
        if key in WALKS:
            continue
        name = key
        if key.startswith("edits."):
            _, index, rest = key.split(".")
            name = preset.scene.edits[int(index)].direction.rpartition("/")[2]
            name += " amount" if rest == "amount" else ""
        yield _curve(f"{name}{_how(track)}", track, cells)


def _how(track: Motion) -> str:
    track = track.of if isinstance(track, Swing) else track
    if isinstance(track, Following):
        band = (
            track.band if isinstance(track.band, str) else f"{track.band[0]:g}-{track.band[1]:g} Hz"
        )
        return f" ♪ {track.chroma or ('onsets' if track.onsets else band)}"
    return " ~" if isinstance(track, Noise) else ""


def _curve(name: str, track: Motion, cells: int) -> CurveRow:
    finer = FINER if isinstance(track, Following) else 1
    try:
        values = [track.at(t) for t in _moments(cells * finer)]
    except (LattyError, OSError) as error:
        return CurveRow(f"{name}: {getattr(error, 'message', error)}", "", "")
    if finer > 1:
        loudest = max if _rises(track) else min
        values = [loudest(values[i : i + finer]) for i in range(0, len(values), finer)]
    low, high = min(values), max(values)
    span = f"{low:.3g} … {high:.3g}"

    def said(t: float) -> str:
        try:
            return f"{track.at(t):.3g}"
        except (LattyError, OSError):  # a sound that went meanwhile
            return "?"

    return CurveRow(name, span, bars(values, low, high), said)


def _rises(track: Motion) -> bool:
    return not isinstance(track, Following) or track.high >= track.low


def _moments(cells: int) -> list[float]:
    return [i / max(1, cells - 1) for i in range(cells)]


def bars(values: Sequence[float], low: float, high: float) -> str:
    """A bar for each value, from the lowest to the highest; what lies beyond is cut."""
    span = (high - low) or 1.0
    return "".join(BARS[round(7 * min(1.0, max(0.0, (v - low) / span)))] for v in values)
