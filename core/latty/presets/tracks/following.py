"""Numbers that follow a sound: how loud a band of it is, what begins in it, one of its pitches.

The film must say its seconds: a sound cannot be stretched. Nothing is decoded before a number is
asked for, so that a preset is read without; a check decodes up to what is heard first.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty.errors import BadData
from latty.presets.moments import TimeLine
from latty.presets.tracks.motion import Spelling
from latty.scene import REF, STRENGTH
from latty.sound import Loudness, curve, silence
from latty.sound.heard import BANDS, FLATS, PITCHES, Heard
from latty.tables.rules import Key, array, checked, flag, number, one_of, word

SMOOTH = 0.1
DECAY = 0.2
MARK = "sound"


@dataclass(frozen=True, slots=True)
class Following:
    """A number from `low`, where nothing is heard, to `high`, where the sound is loudest.

    band, onsets, chroma, smooth, decay  what is followed, as a file says it (latty.sound.Heard)
    offset   where in the sound the film begins, in seconds; below 0 it begins before the sound
    seconds  how long the film lasts
    """

    sound: str
    low: float
    high: float
    band: str | tuple[float, float] = "all"
    onsets: bool = False
    chroma: str | None = None
    smooth: float | None = None
    decay: float = DECAY
    offset: float = 0.0
    seconds: float = 0.0

    @property
    def heard(self) -> Heard:
        """What is followed."""
        pitch = None if self.chroma is None else PITCHES.index(FLATS.get(self.chroma, self.chroma))
        usual = 0.0 if self.onsets else SMOOTH
        smooth = usual if self.smooth is None else self.smooth
        band = BANDS[self.band] if isinstance(self.band, str) else self.band
        return Heard(band, self.onsets, pitch, smooth, self.decay)

    @property
    def curve(self) -> Loudness:
        """What is heard during the film, kept for the process. Raises Missing, BadData, OSError."""
        return curve(Path(self.sound).expanduser(), self.heard, self.seconds, self.offset)

    @property
    def silence(self) -> BadData | None:
        """Why nothing of it is heard in the film; None where something is. Raises as `curve`."""
        return silence(Path(self.sound).expanduser(), self.heard, self.seconds, self.offset)

    def at(self, t: float) -> float:
        """The value at t. Raises Missing, BadData, OSError."""
        return self.low + (self.high - self.low) * self.curve.at(t * self.seconds)

    def reach(self) -> tuple[float, float]:
        """Its two ends, whatever is heard."""
        return min(self.low, self.high), max(self.low, self.high)

    def table(self, line: TimeLine) -> dict[str, Any]:
        """Its keys, without those that are as usual."""
        said = {name: getattr(self, name) for name in KEYS if name not in ("from", "to")}
        kept = {name: value for name, value in said.items() if value != _USUAL.get(name)}
        return {**kept, "from": self.low, "to": self.high}

    def lasting(self, seconds: float | None) -> "Following":
        """The same in a film of so many seconds."""
        return replace(self, seconds=seconds or 0.0)


def _follow(said: dict[str, Any]) -> Following:
    low, high = said.pop("from"), said.pop("to")
    if said["chroma"] is not None and (said["onsets"] or said["band"] != "all"):
        raise ValueError("follows a chroma or a band or its onsets, not both")
    return Following(low=low, high=high, **said)


def _band(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] >= ends[1]:
        raise ValueError("a band goes from its lower to its higher frequency, as [40, 120]")
    return ends


KEYS = {
    MARK: Key(REF, "A WAV, FLAC, MP3 or other sound that it follows.", required=True,
              facts={"refers": "sound"}),
    "band": Key(
        one_of(
            f"one of {', '.join(map(repr, BANDS))}, or [low, high] in Hz",
            word(*BANDS),
            checked(array(number(1, 96_000), 2, 2), _band, always=True),
        ),
        "bass (20-250 Hz), mid (250-4000), treble (4000-20000), all, or [low, high] in Hz.",
        "all",
    ),
    "onsets": Key(flag(), "Jumps up where something begins, and falls.", False),
    "chroma": Key(word(*PITCHES, *FLATS), "How loud one pitch is, in all octaves.", None),
    "smooth": Key(number(0, 60), "Seconds over which it is averaged; absent: 0.1, of onsets 0.",
                  None),
    "decay": Key(number(0.001, 60), "Seconds in which an onset falls to a third (1/e).", DECAY),
    "offset": Key(number(-100_000, 100_000), "Where in the sound the film begins, in seconds.",
                  0.0),
    "from": Key(STRENGTH, "Value where nothing is heard.", required=True),
    "to": Key(STRENGTH, "Value where it is loudest.", required=True),
}  # fmt: skip
_USUAL = {name: key.default for name, key in KEYS.items()}

SPELLINGS = (
    Spelling('{ sound = "a.wav", from = ..., to = ... }', MARK, KEYS, lambda **said: _follow(said)),
)
