"""A stranger's sound file, decoded by FFmpeg: no more of it than is asked for, in little memory.

Only demuxers of one file are let in: playlists would have FFmpeg open other files and addresses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import reading
from latty.errors import BadData, Missing
from latty.tables.words import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMATS = ("wav", "w64", "aiff", "caf", "au", "flac", "mp3", "ogg", "aac", "mov", "matroska")
RATES = 1000, 768_000  # Hz
CHANNELS = 64
LONGEST = 10**5  # seconds: no film is longer
LOUDEST = 16.0  # of what may lie beyond full scale
GAP = 0.05  # seconds without a packet that are silence, and no rounding of time stamps
_MICRO = 10**6  # in which a container counts when it starts


@dataclass(frozen=True, slots=True)
class SoundFacts:
    """What is known of a sound: seconds, Hz, how many channels, the codec's name."""

    seconds: float
    rate: int
    channels: int
    codec: str


def facts(path: Path) -> SoundFacts:
    """What its packets say: a header may lie. Raises as `opened`."""
    with opened(path) as (container, stream):
        begin, end = float(container.start_time or 0) / _MICRO, 0.0
        for packet in container.demux(stream):
            if packet.pts is not None and packet.time_base is not None:
                last = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                end = max(end, last - begin)
            if end > LONGEST:
                raise BadData(f"{_name(path)} lasts more than {LONGEST} s")
        if not end:
            raise BadData(f"{_name(path)} holds no samples")
        return SoundFacts(end, stream.rate, stream.channels, stream.codec.canonical_name)


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """FFmpeg's container and its first sound. Raises Missing, UnfitFile for no file, BadData
    for what is no sound or is damaged, OSError."""
    import av

    try:
        file = reading.opened(path)
    except FileNotFoundError:
        raise Missing(f"there is no sound {_name(path)}", "check the path") from None
    options = {"format_whitelist": ",".join(_demuxers())}
    try:
        with file, av.open(file, "r", options=options, metadata_errors="ignore") as container:
            if not (streams := container.streams.audio):
                raise BadData(f"{_name(path)} holds no sound")
            stream = streams[0]
            _check(stream, path)
            yield container, stream
    except av.FFmpegError as error:
        if isinstance(error, av.error.PermissionError | av.error.FileNotFoundError):
            raise
        what = f"{_name(path)} is no sound that FFmpeg reads"
        raise BadData(what, "WAV, FLAC, MP3, OGG, M4A and others are") from None


def _demuxers() -> tuple[str, ...]:
    """The names by which FFmpeg knows FORMATS: some are lists."""
    return (*FORMATS, "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")


def _check(stream: Any, path: Path) -> None:
    rate, channels = stream.rate or 0, stream.channels or 0
    if not RATES[0] <= rate <= RATES[1]:
        raise BadData(f"{_name(path)} has {rate} samples a second", "8000 to 192000 are usual")
    if not 1 <= channels <= CHANNELS:
        raise BadData(f"{_name(path)} has {channels} channels", f"1 to {CHANNELS} are read")


def blocks(path: Path, start: float, stop: float) -> "Iterator[NDArray[np.float32]]":
    """The samples between two times in seconds as blocks (C, n), from -1 to 1, at the sound's own
    rate; what lies before its beginning or behind its end is not given. Raises as `opened`."""
    with opened(path) as (container, stream):
        rate, channels = stream.rate, stream.channels
        begin = float(container.start_time or 0) / _MICRO
        first, last = round(max(start, 0.0) * rate), round(stop * rate)
        place = 0
        for frame in _frames(container, stream):
            if (frame.sample_rate, frame.layout.nb_channels) != (rate, channels):
                what = "changes its rate or its channels on the way"
                raise BadData(f"{_name(path)} {what}", "save it as WAV or FLAC")
            missing = round((frame.time - begin) * rate) - place if frame.time is not None else 0
            if missing > GAP * rate:  # a lost packet, or a sound that begins late
                yield from _silence(channels, place, min(place + missing, last), first)
                place += missing
            samples = _samples(frame, channels)
            inside = samples[:, max(first - place, 0) : max(last - place, 0)]
            place += samples.shape[1]
            if inside.shape[1]:
                yield inside
            if place >= last:
                return


def _samples(frame: Any, channels: int) -> "NDArray[np.float32]":
    """Those of a frame (C, n), from -1 to 1, whatever the format. By numpy: FFmpeg's own converter
    ends the process where the channels have no names."""
    import numpy as np

    given: NDArray[Any] = frame.to_ndarray()
    if not frame.format.is_planar:
        given = given.reshape(-1, channels).T
    if given.dtype == np.uint8:
        return np.asarray((given.astype(np.float32) - 128) / 128, np.float32)
    if np.issubdtype(given.dtype, np.integer):
        return np.asarray(given / -float(np.iinfo(given.dtype).min), np.float32)
    return np.asarray(
        np.clip(np.nan_to_num(given.astype(np.float32), nan=0.0), -LOUDEST, LOUDEST), np.float32
    )


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """What can be decoded: as in players, a damaged packet is passed over."""
    import av

    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _silence(channels: int, start: int, stop: int, first: int) -> "Iterator[NDArray[np.float32]]":
    import numpy as np

    for place in range(max(start, first), stop, reading.PIECE):
        yield np.zeros((channels, min(reading.PIECE, stop - place)), np.float32)


def _name(path: Path) -> str:
    return shown(path.name, 200)
