"""Every codec in every container that takes it: its frames, its bytes, its recipe, its keys."""

import gc
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from forked import forked
from frames_for_writers import CODECS, COMMENT, Frames, output, pan, psnr, write

from latty import presets
from latty.errors import DeviceError, PresetError
from latty.presets.codecs import codecs
from latty.presets.codecs import settled as settled_codecs
from latty.render import embedded
from latty.render.codecs import h265
from latty.render.ffmpeg import probe

LEAST = {"h264": 29, "h265": 29, "av1": 29, "vp9": 29, "ffv1": 130, "prores": 33}  # dB
LOSSLESS = [
    ("mp4", {"chroma": "rgb", "crf": 0}),
    ("mp4", {"codec": "h265", "chroma": "rgb", "crf": 0}),
    ("webm", {"chroma": "rgb", "crf": 0}),
    ("mkv", {"codec": "ffv1"}),
    ("mkv", {"codec": "ffv1", "chroma": "444", "depth": 10}),
    ("mp4", {"chroma": "444", "depth": 10, "crf": 0}),
    ("apng", {}),
]


def shown(path: Path, name: str = "rgb24") -> list[np.ndarray]:
    """Every frame as a player shows it."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format=name) for frame in container.decode(video=0)]


def stream(path: Path) -> tuple[str, str]:
    """Codec and pixel format of a film."""
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.codec.canonical_name, str(context.pix_fmt)


@pytest.mark.parametrize(("name", "codec"), CODECS)
def test_a_codec_in_its_container(name: str, codec: str, tmp_path: Path) -> None:
    film = Frames([frame[:63, :65] for frame in pan(66, 7)], Fraction(30000, 1001))
    path = write(name, film, tmp_path / "x", codec=codec)
    back = shown(path)
    assert len(back) == 7
    found = [psnr(a[:63, :65], b) for a, b in zip(back, film.frames, strict=True)]
    assert min(found) > LEAST[codec], found
    assert embedded.extract(path) == COMMENT
    again = write(name, film, tmp_path / "y", codec=codec)
    assert again.read_bytes() == path.read_bytes()
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(7 / film.fps, abs=0.002)


# The first container of each codec; the others in the slow run.
FEW = {codec: (name, codec) for name, codec in reversed(CODECS)}.values()
FIRST_OF_EACH = [pytest.param(*one, marks=() if one in FEW else pytest.mark.slow) for one in CODECS]


@pytest.mark.parametrize(("name", "codec"), FIRST_OF_EACH)
def test_tiny_and_brief_films(name: str, codec: str, tmp_path: Path) -> None:
    """In a process of their own: an encoder that writes beyond its memory ends it."""

    def work() -> int:
        for size, count in ((36, 12), (40, 12), (48, 12), (48, 1), (256, 1), (256, 2)):
            path = write(name, Frames(pan(size, count)), tmp_path / "x", codec=codec)
            if len(shown(path)) != count:
                return 1
        return 0

    assert [forked(work) for _ in range(3)] == [0, 0, 0]


def policies() -> set[int]:
    """How the threads of this process are scheduled."""
    return {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux says")
@pytest.mark.parametrize(("name", "codec"), FIRST_OF_EACH)
def test_no_encoder_takes_the_machine(name: str, codec: str, tmp_path: Path) -> None:
    """SVT-AV1 makes a process of root's a real-time one, for as long as it lives."""
    before = policies()
    write(name, Frames(pan(64, 5)), tmp_path / "x", codec=codec)
    assert policies() == before
    for encoder, container, pixels in codecs()[codec].encoders:
        probe.try_encoder(encoder, container, pixels)
    assert policies() == before


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="only Linux says")
def test_a_real_time_process_keeps_its_priority() -> None:
    def work() -> int:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        except PermissionError:
            return 3
        probe.try_encoder("libsvtav1", "mp4", "yuv420p")
        return 0 if os.sched_getparam(0).sched_priority == 1 else 1

    if (code := forked(work)) == 3:
        pytest.skip("only root is scheduled so")
    assert code == 0


@pytest.mark.parametrize(("name", "codec"), FIRST_OF_EACH)
def test_an_encoder_that_is_called_off_says_nothing(
    name: str, codec: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its library would tell on stderr how it was left."""

    class Broken(Frames):
        def __getitem__(self, index: int) -> np.ndarray:
            if index == 5:
                raise OSError("no picture")
            return super().__getitem__(index)

    def work() -> int:
        with pytest.raises(OSError, match="no picture"):
            write(name, Broken(pan(64, 8)), tmp_path / "x", codec=codec)
        gc.collect()
        return 0

    assert forked(work) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("name", "keys"), LOSSLESS, ids=str)
def test_nothing_is_lost(name: str, keys: dict[str, object], tmp_path: Path) -> None:
    film = Frames(pan(48, 4))
    back = shown(write(name, film, tmp_path / "x", **keys))
    assert np.array_equal(np.stack(back), np.stack(film.frames))


@pytest.mark.parametrize(
    ("name", "keys", "expected"),
    [
        ("mp4", {"depth": 10}, ("h264", "yuv420p10le")),
        ("mp4", {"codec": "h265", "depth": 10, "chroma": "422"}, ("hevc", "yuv422p10le")),
        ("mp4", {"codec": "av1", "depth": 10}, ("av1", "yuv420p10le")),
        ("mov", {"codec": "prores"}, ("prores", "yuv422p10le")),
        ("mov", {"codec": "prores", "profile": "4444"}, ("prores", "yuv444p12le")),
        ("mkv", {"codec": "ffv1"}, ("ffv1", "bgr0")),
    ],
    ids=str,
)
def test_what_is_asked_for_is_in_the_file(
    name: str, keys: dict[str, object], expected: tuple[str, str], tmp_path: Path
) -> None:
    assert stream(write(name, Frames(pan(64, 3)), tmp_path / "x", **keys)) == expected


def test_large_films_are_as_near_as_small_ones(tmp_path: Path) -> None:
    """H.264 is made in another way from 720 px on."""
    film, near = pan(720, 12), []
    for side in (718, 720):
        frames = [frame[:side, :side] for frame in film]
        back = shown(write("mp4", Frames(frames), tmp_path / "x"))
        near.append(np.mean([psnr(*pair) for pair in zip(back, frames, strict=True)]))
    assert abs(near[0] - near[1]) < 0.5


def test_ten_bits_have_no_bands(tmp_path: Path) -> None:
    """A slow grey gradient: of 8 bits video keeps 220 levels of 256, of 10 bits all."""
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 64, 0).repeat(3, 2)
    counts = {}
    for depth in (8, 10):
        keys = {"depth": depth, "crf": 0, "chroma": "444"}
        back = shown(write("mp4", Frames([ramp]), tmp_path / "x", **keys))[0]
        counts[depth] = len(np.unique(back[..., 1]))
    assert counts[8] < 225 and counts[10] == 256


@pytest.mark.parametrize(
    ("name", "keys"),
    [("mkv", {"codec": "ffv1"}), ("mov", {"codec": "prores", "profile": "4444"}), ("apng", {})],
    ids=str,
)
def test_an_opacity_is_kept(name: str, keys: dict[str, str], tmp_path: Path) -> None:
    frames = pan(64, 3)
    alpha = np.linspace(0, 255, 64).astype(np.uint8)[None, :, None].repeat(64, 0)
    film = Frames([np.concatenate([frame, alpha], 2) for frame in frames])
    back = shown(write(name, film, tmp_path / "x", **keys), "rgba")
    far = np.abs(back[1].astype(int) - film.frames[1])[..., 3]
    assert far.max() <= (0 if name != "mov" else 2)


@pytest.mark.parametrize("name", ["mp4", "webm", "mov", "mkv"])
@pytest.mark.parametrize(("gop", "places"), [(10, [0, 10, 20]), ("0.4s", [0, 10, 20])])
def test_keyframes_come_as_often_as_asked(
    name: str, gop: int | str, places: list[int], tmp_path: Path
) -> None:
    path = write(name, Frames(pan(64, 30)), tmp_path / "x", gop=gop)
    with av.open(str(path)) as container:
        keys = [i for i, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert keys == places


def preset(**keys: object) -> dict[str, object]:
    return {"schema": 1, "frames": 2, "scene": {"model": "demo"}, "outputs": [keys]}


@pytest.mark.parametrize(
    ("keys", "where", "words"),
    [
        ({"path": "x.mp4", "codec": "prores"}, "outputs.0.codec", "it takes h264, h265, av1"),
        ({"path": "x.gif", "codec": "h264"}, "outputs.0.codec", "no codec to choose"),
        ({"path": "x.mp4", "codec": "h246"}, "outputs.0.codec", "did you mean"),
        ({"path": "x.webm", "depth": 10}, "outputs.0.depth", "8, not 10"),
        ({"path": "x.mp4", "codec": "av1", "chroma": "444"}, "outputs.0.chroma", "420, not 444"),
        ({"path": "x.mp4", "chroma": "rgb", "depth": 10}, "outputs.0.depth", "is 8"),
        ({"path": "x.mp4", "gop": "soon"}, "outputs.0.gop", "seconds as in '1s'"),
        ({"path": "x.mov", "profile": "raw"}, "outputs.0.profile", "must be one of"),
    ],
    ids=str,
)
def test_what_does_not_go_together(keys: dict[str, object], where: str, words: str) -> None:
    with pytest.raises(PresetError) as error:
        presets.from_dict(preset(**keys), "x.toml")
    assert where in str(error.value) and words in str(error.value)


def test_codecs_and_containers_know_each_other() -> None:
    named = {codec for _, codec in CODECS}
    assert named == set(codecs())
    for name, codec in CODECS:
        known = settled_codecs(output(name, codec=codec))
        assert known.chroma in codecs()[codec].chroma and known.depth in codecs()[codec].depths


def test_an_encoder_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(h265, "ENCODER", "libnone")
    with pytest.raises(DeviceError, match=r"no encoder libnone .* for h265"):
        write("mp4", Frames(pan(32, 2)), tmp_path / "x", codec="h265")
