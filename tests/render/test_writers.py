"""Every writer of the folder: right frames, right times, same bytes, recipe inside."""

import os
import subprocess
import sys
import weakref
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from frames_for_writers import (
    CODECS,
    COMMENT,
    FILMS,
    NAMES,
    Frames,
    content,
    output,
    pan,
    psnr,
    write,
)
from PIL import Image
from places import ROOT
from sound_files import decoded as heard
from sound_files import melody, wav

from latty.presets.formats import HEAD, formats, recognised, starts, writer_of
from latty.render import embedded, shots
from latty.render.ffmpeg.probe import try_encoder
from latty.render.headers import boxes
from latty.report import silent

VIDEOS = [name[1:] for name, form in formats().items() if form.codecs]


def decoded(name: str, path: Path) -> list[np.ndarray]:
    """Every frame (H, W, 3) as a player shows it."""
    if name in [*VIDEOS, "apng"]:
        with av.open(str(path)) as container:
            return [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    if name == "/":
        return [np.asarray(Image.open(file)) for file in sorted(path.iterdir())]
    frames = []
    with Image.open(path) as picture:
        for i in range(getattr(picture, "n_frames", 1)):
            picture.seek(i)
            frames.append(np.asarray(picture.convert("RGB")))
    return frames


def delays(path: Path) -> list[int]:
    """Milliseconds of each frame of a GIF or WebP."""
    found = []
    with Image.open(path) as picture:
        for i in range(picture.n_frames):
            picture.seek(i)
            picture.load()
            found.append(picture.info["duration"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_conformance(name: str, tmp_path: Path) -> None:
    """What presets/formats.py asks of every entry."""
    film, heard = Frames(pan(48, 5)), []
    path = tmp_path / "one"
    made = output(name)
    writer_of(made).write(film, path, made, COMMENT, lambda *words: heard.append(words))
    assert heard[-1][0] == heard[-1][1]
    assert content(write(name, film, tmp_path / "two")) == content(path)
    assert embedded.extract(path) == COMMENT
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


@pytest.mark.parametrize("name", NAMES)
def test_cancelled_by_its_report(name: str, tmp_path: Path) -> None:
    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    made = output(name)
    with pytest.raises(KeyboardInterrupt):
        writer_of(made).write(Frames(pan(32, 3)), tmp_path / "x", made, COMMENT, stop)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("gif", 31),
        ("webp", 32),
        ("/", 90),
        ("apng", 90),
        ("avif", 32),
    ],  # others by codec: test_codecs.py
)
def test_frames_are_the_films(name: str, least: float, tmp_path: Path) -> None:
    film = Frames(pan(64, 7))
    back = decoded(name, write(name, film, tmp_path / "x"))
    assert len(back) == 7  # in order, and no blank one first
    found = [psnr(a, b) for a, b in zip(back, film.frames, strict=True)]
    assert min(found) > least, found


@pytest.mark.parametrize("name", ["/", *FILMS])
def test_sizes_that_are_not_square_or_even(name: str, tmp_path: Path) -> None:
    film = Frames([frame[:31, :45] for frame in pan(48, 3)])
    back = decoded(name, write(name, film, tmp_path / "x"))
    assert back[0].shape == ((32, 46, 3) if name in VIDEOS else (31, 45, 3))
    assert psnr(back[1][:31, :45], film.frames[1]) > 27


def test_sharp_colours_keep_odd_sizes(tmp_path: Path) -> None:
    film = Frames([frame[:31, :45] for frame in pan(48, 3)])
    full = decoded("mp4", write("mp4", film, tmp_path / "b", chroma="444"))
    assert full[0].shape == (31, 45, 3)
    red = np.zeros((32, 32, 3), np.uint8)
    red[:, 1::2, 0] = 255
    stripes = decoded("mp4", write("mp4", Frames([red]), tmp_path / "c", chroma="444"))[0]
    greyed = decoded("mp4", write("mp4", Frames([red]), tmp_path / "d"))[0]
    assert psnr(stripes, red) > psnr(greyed, red) + 6


@pytest.mark.parametrize("name", FILMS)
def test_one_frame(name: str, tmp_path: Path) -> None:
    film = Frames(pan(32, 1))
    assert len(decoded(name, write(name, film, tmp_path / "x"))) == 1


@pytest.mark.parametrize(
    ("fps", "expected"),
    [(25, [40] * 6), (50, [20] * 6), (30, [30, 40, 30, 30, 40, 30])],
)
def test_gif_delays(fps: int, expected: list[int], tmp_path: Path) -> None:
    path = write("gif", Frames(pan(24, 6), Fraction(fps)), tmp_path / "x")
    assert delays(path) == expected


def test_webp_delays_spread_the_rounding(tmp_path: Path) -> None:
    path = write("webp", Frames(pan(24, 6), Fraction(30)), tmp_path / "x")
    assert sum(delays(path)) == 200


@pytest.mark.parametrize("name", VIDEOS)
@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_video_lasts_as_long_as_it_should(name: str, fps: Fraction, tmp_path: Path) -> None:
    path = write(name, Frames(pan(32, 10), fps), tmp_path / "x")
    with av.open(str(path)) as container:
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(10 / fps, abs=0.002)
        assert container.streams.video[0].codec_context.colorspace == 1  # BT.709, said so


def test_a_long_mp4_begins_with_all_of_its_index(tmp_path: Path) -> None:
    frames = pan(16, 20)
    film = Frames([frames[i * i % 20] for i in range(2000)])  # jumps: keyframes and reordering
    made, comment = output("mp4"), COMMENT[:-1] + " " * 100_000 + "}"
    writer_of(made).write(film, tmp_path / "x", made, comment, silent)
    assert embedded.extract(tmp_path / "x") == comment
    assert len(decoded("mp4", tmp_path / "x")) == 2000


@pytest.mark.parametrize("codec", [codec for name, codec in CODECS if name == "mp4"])
@pytest.mark.parametrize("seconds", [0, 3])
def test_no_byte_of_an_mp4_is_padding(codec: str, seconds: int, tmp_path: Path) -> None:
    """Nothing but its head, its index, 8 bytes for the length of a large film, and the film."""
    tone = melody(3, 8000).repeat(12)
    sound = {"sound": str(wav(tmp_path / "a.wav", tone, 96_000))} if seconds else {}
    path = write("mp4", Frames(pan(32, 75)), tmp_path / "x", codec=codec, **sound)
    with path.open("rb") as file:
        places = [*boxes.walk(file, (), path.stat().st_size)]
    assert [kind for kind, _ in places] == [b"ftyp", b"moov", b"free", b"mdat"]
    assert places[3][1] - places[2][1] == 8
    assert len(decoded("mp4", path)) == 75
    assert not seconds or len(heard(path)[0]) >= 3 * heard(path)[1]


def box(kind: bytes, *parts: bytes) -> bytes:
    data = b"".join(parts)
    return (len(data) + 8).to_bytes(4) + kind + data


@pytest.mark.parametrize(("first", "fits"), [(1000, True), (2**32 - 60, False)])
@pytest.mark.parametrize("kind", [b"stco", b"co64"])
def test_an_index_says_where_the_film_lies_or_stays_where_it_is(
    kind: bytes, first: int, fits: bool, tmp_path: Path
) -> None:
    length = 4 if kind == b"stco" else 8
    table = box(kind, bytes(4), (1).to_bytes(4), first.to_bytes(length))
    index = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table)))))
    data = os.urandom(3 << 20)
    head, film = box(b"ftyp", b"isom"), box(b"mdat", data)
    path = tmp_path / "x.mp4"
    path.write_bytes(head + film + index)
    boxes.index_first(path)
    if fits or kind == b"co64":
        moved = index[:-length] + (first + len(index)).to_bytes(length)
        assert path.read_bytes() == head + moved + film
    else:
        assert path.read_bytes() == head + film + index


@pytest.mark.parametrize(("loops", "expected"), [(True, 0), (False, None)])
def test_gif_loops_for_ever_or_plays_once(
    loops: bool, expected: int | None, tmp_path: Path
) -> None:
    path = write("gif", Frames(pan(24, 3), loops=loops), tmp_path / "x")
    with Image.open(path) as picture:
        assert picture.info.get("loop") == expected
    # the loop count is the first extension: some players look nowhere else
    data = path.read_bytes()
    assert (data[781:784] == b"\x21\xff\x0b") == loops


@pytest.mark.parametrize(("loops", "expected"), [(True, 0), (False, 1)])
def test_webp_loops(loops: bool, expected: int, tmp_path: Path) -> None:
    path = write("webp", Frames(pan(24, 3), loops=loops), tmp_path / "x")
    with Image.open(path) as picture:
        assert picture.info["loop"] == expected


def test_webp_quality_100_is_lossless(tmp_path: Path) -> None:
    film = Frames(pan(32, 2))
    back = decoded("webp", write("webp", film, tmp_path / "x", quality=100))
    assert all(np.array_equal(a, b) for a, b in zip(back, film.frames, strict=True))


def test_mp4_starts_before_it_is_downloaded(tmp_path: Path) -> None:
    data = write("mp4", Frames(pan(32, 30)), tmp_path / "x").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


PERTURBED = """
import sys
from hashlib import sha256
from pathlib import Path
from frames_for_writers import CODECS, FILMS, Frames, content, pan, write
films = {size: Frames(pan(size, 20)) for size in (16, 40, 48, 64, 136)}
coded = dict(CODECS)
for name, codec in [*CODECS, *((name, None) for name in FILMS if name not in coded)]:
    for size, film in films.items():
        path = write(name, film, Path(sys.argv[1]) / f"{size}{codec}.{name}", codec=codec)
        print(name, codec, size, sha256(content(path)).hexdigest()[:12])
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc fills memory as told")
def test_no_encoder_reads_memory_that_nobody_wrote(tmp_path: Path) -> None:
    """The same bytes whatever fresh memory holds: glibc fills it with the byte it is told."""
    paths = str(ROOT / "tests/support")
    said = list[set[str]]()
    for fill in ("0", "1", "170"):
        folder = tmp_path / fill
        folder.mkdir()
        environment = os.environ | {"MALLOC_PERTURB_": fill, "PYTHONPATH": paths}
        child = [sys.executable, "-c", PERTURBED, str(folder)]
        done = subprocess.run(child, env=environment, capture_output=True, text=True, check=True)
        said.append({*done.stdout.splitlines()})
    assert sorted(set.union(*said) - set.intersection(*said)) == []


def test_a_dither_has_no_specks(tmp_path: Path) -> None:
    """Of smooth pictures in several colours no pixel goes far off."""
    x, y = np.linspace(0, 1, 192)[None, :, None], np.linspace(0, 1, 192)[:, None, None]
    tints = np.array([[200, 90, 40], [30, 60, 150], [120, 200, 160], [60, 40, 30]], float)
    tiles = [tint * (0.35 + 0.6 * x * (1 - y / 2)) for tint in tints]
    picture = np.concatenate([np.concatenate(tiles[:2], 1), np.concatenate(tiles[2:], 1)])
    film = Frames([np.clip(picture + i, 0, 255).astype(np.uint8) for i in range(3)])
    shown = decoded("gif", write("gif", film, tmp_path / "x", dither=True, colours=64))
    gaps = np.stack(shown).astype(float) - np.stack(film.frames)
    assert np.sqrt((gaps**2).sum(-1)).max() < 20  # levels


def test_dithering_hides_bands(tmp_path: Path) -> None:
    """Blocks of 8 x 8 pixels average out nearer to a smooth gradient."""
    x, y = np.linspace(60, 200, 256)[None, :, None], np.linspace(0, 30, 192)[:, None, None]
    ramp = np.concatenate([x + y, x * 0.6 + y, x * 0.3 + 2 * y + 20], 2)
    film = Frames([np.clip(ramp + i, 0, 255).astype(np.uint8) for i in range(4)])
    plain, dithered = (write("gif", film, tmp_path / str(d), dither=d) for d in (False, True))

    def error(path: Path) -> float:
        gap = np.stack(decoded("gif", path)).astype(float) - np.stack(film.frames)
        return float(np.abs(gap.reshape(4, 24, 8, 32, 8, 3).mean((2, 4))).mean())

    assert error(dithered) < 0.75 * error(plain)
    assert dithered.stat().st_size < 2 * plain.stat().st_size


def test_nvenc_is_used_only_where_it_opens(tmp_path: Path) -> None:
    """Everywhere else the same call gives the software encoder's bytes."""
    if try_encoder("h264_nvenc", "mp4", "yuv420p") == "works":
        pytest.skip("this machine has the encoder")
    film = Frames(pan(64, 3))
    soft, card = (
        write("mp4", film, tmp_path / name, encoder=name).read_bytes() for name in ("x264", "nvenc")
    )
    assert soft == card


def test_crf_is_the_quality(tmp_path: Path) -> None:
    for name in VIDEOS:
        fine = write(name, Frames(pan(64, 6)), tmp_path / f"a{name}", crf=10)
        rough = write(name, Frames(pan(64, 6)), tmp_path / f"b{name}", crf=40)
        assert fine.stat().st_size > 2 * rough.stat().st_size


def test_gif_costs_little_where_nothing_moves(tmp_path: Path) -> None:
    still, moving = pan(64, 1)[0], pan(64, 12)
    quiet = write("gif", Frames([still] * 12), tmp_path / "a").stat().st_size
    assert quiet < write("gif", Frames(moving), tmp_path / "b").stat().st_size / 6


def smooth(size: int, count: int) -> list[np.ndarray]:
    """Soft light that moves over a gradient: few colours in each frame, many in all."""
    y, x = np.mgrid[:size, :size] / size
    frames = []
    for turn in np.arange(count) / count * 2 * np.pi:
        light = np.exp(-((x - 0.5 - 0.2 * np.cos(turn)) ** 2 + (y - 0.5) ** 2) / 0.1)
        planes = [0.2 + 0.4 * light, 0.15 + 0.3 * y + 0.2 * light, 0.4 - 0.2 * y + 0.1 * light]
        frames.append(np.rint(np.stack(planes, 2) * 255).astype(np.uint8))
    return frames


def flicker(back: list[np.ndarray], frames: list[np.ndarray]) -> float:
    """Root mean square of the changes from frame to frame that the film does not have."""
    return float(np.diff(np.stack(back).astype(float) - np.stack(frames), axis=0).std())


def test_gif_of_smooth_frames_is_fine_and_calm(tmp_path: Path) -> None:
    film = Frames(smooth(128, 8))
    back = decoded("gif", write("gif", film, tmp_path / "x"))
    assert min(psnr(a, b) for a, b in zip(back, film.frames, strict=True)) > 41
    assert flicker(back, film.frames) < 2.5


@pytest.mark.parametrize("more", [{}, {"dither": True}, {"lossy": 4}])
def test_gif_of_still_pixels_never_flickers(more: dict[str, object], tmp_path: Path) -> None:
    """Half of each frame stands still: what is shown there stays, whatever the other half does."""
    frames = smooth(96, 6)
    for frame in frames:
        frame[:, :48] = frames[0][:, :48]
    back = decoded("gif", write("gif", Frames(frames), tmp_path / "x", **more))
    assert all(np.array_equal(one[:, :48], back[0][:, :48]) for one in back)


def test_writers_hold_no_list_of_frames(tmp_path: Path) -> None:
    """A film that makes each frame when asked: at most a few are alive at once."""
    alive: set[int] = set()
    most = 0

    class Lazy(Frames):
        def __iter__(self) -> Iterator[np.ndarray]:
            nonlocal most
            for frame in self.frames:
                made = frame.copy()
                alive.add(id(made))
                weakref.finalize(made, alive.discard, id(made))
                most = max(most, len(alive))
                yield made

    for name in [*FILMS, "/"]:
        write(name, Lazy(pan(24, 40)), tmp_path / f"film-{name}".rstrip("/"))
    assert 0 < most <= 6


def test_starts() -> None:
    assert starts(4, Fraction(30), 100) == [0, 3, 7, 10, 13]
    assert starts(1000, Fraction(30), 100)[-1] == 3333


def test_play_order() -> None:
    assert list(shots.play_order(4, "bounce")) == [0, 1, 2, 3, 2, 1]
    assert list(shots.play_order(2, "bounce")) == [0, 1]
    assert list(shots.play_order(1, "bounce")) == [0]
    assert list(shots.play_order(3, "once")) == [0, 1, 2]


@pytest.mark.parametrize("suffix", sorted(set(formats()) - {"/"}))
def test_a_file_is_known_by_its_content(suffix: str, tmp_path: Path) -> None:
    """By its first bytes alone, of the longest match: .mkv begins as .webm does."""
    path = write(suffix[1:], Frames(pan(24, 3)), tmp_path / "no-suffix")
    found = recognised(path.read_bytes()[:HEAD])
    assert found is not None and found.what == formats()[suffix].what


@pytest.mark.parametrize("size", [10, 70_000, 500_000])
@pytest.mark.parametrize("name", ["jpg", "tif", "png", "webp", "gif"])
def test_long_recipes(name: str, size: int, tmp_path: Path) -> None:
    made, comment = output(name), COMMENT[:-1] + " " * size + "}"
    writer_of(made).write(Frames(pan(24, 1)), tmp_path / "x", made, comment, silent)
    assert embedded.extract(tmp_path / "x") == comment


@pytest.mark.parametrize("side", [(1, 1), (3, 1), (1, 300), (700, 301), (2, 2**17)])
@pytest.mark.parametrize("channels", [3, 4])
def test_every_pixel_of_a_png_is_there(
    side: tuple[int, int], channels: int, tmp_path: Path
) -> None:
    """For decoders that check every row and sum: of pictures of less than a stripe, of several,
    of rows longer than one."""
    noise = np.random.default_rng(0).integers(0, 256, (*side, channels), np.uint8)
    noise[: side[0] // 2] //= 128
    path = write("png", Frames([noise]), tmp_path / "x.png")
    assert np.array_equal(np.asarray(Image.open(path)), noise)
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    assert np.array_equal(frame.to_ndarray(format="rgba" if channels == 4 else "rgb24"), noise)
