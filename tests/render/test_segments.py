"""Films in segments: the same bytes on any number of threads, no seam to be seen, whole errors."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from frames_for_writers import CODECS, Frames, pan, psnr, write

from latty.render.ffmpeg import segments

FILM = pan(64, 110)
CUT = [("mp4", "h264"), ("mp4", "h265"), ("webm", "vp9"), ("mkv", "ffv1"), ("mov", "prores")]
WHOLE = ("mp4", "av1")
COUNTS = [1, 2, 3, 47, 48, 71, 72, 97, 145, 1000]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """As many as there were."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def decoded(path: Path) -> tuple[list[np.ndarray], list[int]]:
    """The frames as a player shows them, and which of them are keyframes."""
    with av.open(str(path)) as container:
        found = [*container.decode(video=0)]
    return [one.to_ndarray(format="rgb24") for one in found], [
        i for i, one in enumerate(found) if one.key_frame
    ]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("gop", [0, 1, 7, 48, 250])
def test_segments_are_even_and_begin_at_keyframes(count: int, gop: int) -> None:
    found = segments.split(count, gop)
    assert [i for one in found for i in one] == [*range(count)]
    assert all(one.start % max(1, gop) == 0 for one in found)
    assert min(map(len, found)) >= min(3, count)
    if gop < 10:
        assert max(map(len, found)) <= 72 + gop


@pytest.mark.parametrize(("name", "codec"), [*CUT, WHOLE])
def test_threads_change_no_byte_and_seams_no_time(name: str, codec: str, tmp_path: Path) -> None:
    files = []
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        files.append(write(name, Frames(FILM), tmp_path / str(count), codec=codec))
    assert len({file.read_bytes() for file in files}) == 1
    with av.open(str(files[0])) as container:
        stream = container.streams.video[0]
        packets = [one for one in container.demux(stream) if one.dts is not None]
        assert stream.time_base is not None
        times = sorted(float(one.pts * stream.time_base) for one in packets)
    assert times == pytest.approx([i / 25 for i in range(len(FILM))], abs=0.001)
    assert all(one.dts < other.dts for one, other in pairwise(packets))
    frames, keys = decoded(files[0])
    assert {0, 55} <= {*keys} if codec != "av1" else keys == [0]
    near = [psnr(one, other) for one, other in zip(frames, FILM, strict=True)]
    assert min(near[53:58]) > np.median(near) - 1 and min(near) > 29


@pytest.mark.parametrize(("name", "codec"), [("mp4", "h264"), ("mp4", "h265"), ("webm", "vp9")])
@pytest.mark.parametrize(("gop", "count"), [(20, 110), (48, 49), (90, 110)])
def test_keyframes_of_long_films_come_as_often_as_asked(
    name: str, codec: str, gop: int, count: int, tmp_path: Path
) -> None:
    path = write(name, Frames(FILM[:count]), tmp_path / "x", codec=codec, gop=gop)
    assert decoded(path)[1] == [*range(0, count, gop)]


@pytest.mark.parametrize(("name", "codec"), CUT[:3])
def test_a_player_that_jumps_finds_every_frame(name: str, codec: str, tmp_path: Path) -> None:
    path = write(name, Frames(FILM), tmp_path / "x", codec=codec)
    frames, _ = decoded(path)
    with av.open(str(path)) as container:
        for wanted in (54, 55, 56, 109, 3):
            container.seek(int(wanted / 25 * av.time_base))
            for frame in container.decode(video=0):
                if frame.time is not None and round(frame.time * 25) == wanted:
                    assert np.array_equal(frame.to_ndarray(format="rgb24"), frames[wanted])
                    break
            else:
                pytest.fail(f"no frame {wanted}")


def test_a_film_does_not_say_its_encoder(tmp_path: Path) -> None:
    """Settings and version of x264, once a segment."""
    assert b"x264" not in write("mp4", Frames(FILM), tmp_path / "x").read_bytes()


@pytest.mark.parametrize(("name", "codec"), CODECS)
def test_what_a_frame_raises_arrives(name: str, codec: str, tmp_path: Path) -> None:
    class Broken(Frames):
        def __getitem__(self, index: int) -> np.ndarray:
            if index == 60:
                raise ValueError("no such frame")
            return super().__getitem__(index)

    torch.set_num_threads(3)
    with pytest.raises(ValueError, match="no such frame"):
        write(name, Broken(FILM), tmp_path / "x", codec=codec)
    assert ended_soon()


def test_who_waits_for_a_picture_holds_up_no_error() -> None:
    """One segment fails while another one waits, which ends when it is told that none comes."""
    told, steps = threading.Event(), list[int]()

    def encode(segment: range) -> Iterator[int]:
        for i in segment:
            if i == 2:
                told.wait(60)
            if i == 5:
                raise OSError("disk full")
            yield i

    parts = [range(4), range(4, 8), range(8, 12)]
    began = time.monotonic()
    with pytest.raises(OSError, match="disk full"):
        list(segments.in_order(parts, encode, 2, lambda: steps.append(1)))
    assert time.monotonic() - began < 30
    told.set()
    assert ended_soon() and 0 < len(steps) <= 3


def test_no_more_than_some_segments_are_held() -> None:
    """Of a film whose first segment is slow: what comes after it is not all made meanwhile."""
    first, begun = threading.Event(), list[int]()

    def encode(segment: range) -> Iterator[int]:
        begun.append(segment.start)
        if segment.start == 0:
            first.wait(0.5)
        yield from segment

    parts = [range(i, i + 1) for i in range(40)]
    found = segments.in_order(parts, encode, 2, lambda: None)
    assert next(found) == 0 and len(begun) <= 4
    assert [*found] == [*range(1, 40)] and len(begun) == 40


def ended_soon() -> bool:
    """Whether no thread is at a segment any more, within ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not any(one.name.startswith("segment") for one in threading.enumerate()):
            return True
        time.sleep(0.01)
    return False
