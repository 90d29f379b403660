"""What of a sound is followed."""

from dataclasses import dataclass

BANDS = {"bass": (20.0, 250.0), "mid": (250.0, 4000.0), "treble": (4000.0, 20000.0),
         "all": (20.0, 20000.0)}  # fmt: skip
PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#"}
SILENT = 1e-4  # -80 dB of full scale: nothing is heard
Band = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Heard:
    """What of a sound is followed.

    band    Hz, whose loudness (RMS) it is; of onsets the frequencies in which something begins
    onsets  1 where something begins (a drum, a note), then falling: to 1/e within `decay` seconds
    pitch   a pitch class, 0 = C ... 11 = B, in the place of the band; None = none
    smooth  seconds over which it is averaged, before and after alike: a Gaussian of this width
            (two standard deviations), which does not lag behind
    """

    band: Band = BANDS["all"]
    onsets: bool = False
    pitch: int | None = None
    smooth: float = 0.0
    decay: float = 0.2
