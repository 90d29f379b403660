"""Pictures and films of anybody: no larger than they may be, nothing run, no other file read."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import hostile_pictures
import numpy as np
import pytest
from frames_for_writers import FILMS, Frames, pan, write
from hostile_pictures import MAKERS
from PIL import Image, UnidentifiedImageError

from latty import pictures
from latty.attributes.labels import read_pictures
from latty.errors import BadData, UnfitFile
from latty.report import silent
from latty.scene import SIZES
from latty_tui import play

PLAYLISTS = {
    "x.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{film}\n#EXT-X-ENDLIST\n",
    "x.ffconcat": "ffconcat version 1.0\nfile '{film}'\n",
    "x.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 9 RTP/AVP 96\n",
}


def blank(path: Path, width: int, height: int, **how: object) -> Path:
    """One grey picture, drawn without its pixels in memory where the format can."""
    Image.new("L", (width, height), 90).save(path, **how)
    return path


@pytest.mark.parametrize("name", ["x.png", "x.gif", "x.webp", "x.tif", "x.jpg"])
def test_a_picture_that_is_too_large_is_known_by_its_head(name: str, tmp_path: Path) -> None:
    path = blank(tmp_path / name, 300, 300)
    with pytest.raises(BadData, match="megapixels"), pictures.opened(path, 299 * 300):
        pass
    with pictures.opened(path, 300 * 300) as picture:
        assert picture.size == (300, 300)


def test_a_large_jpeg_is_read_small(tmp_path: Path) -> None:
    path = blank(tmp_path / "x.jpg", 8000, 6000)
    with pictures.opened(path, 2**23, near=1024) as picture:
        assert 1024 <= picture.width < 2048
    assert read_pictures([path], 32, 3, silent)[0].shape == (1, 3, 32, 32)


@pytest.mark.parametrize("name", FILMS)
def test_a_film_that_is_too_large(name: str, tmp_path: Path) -> None:
    path = write(name, Frames(pan(128, 2)), tmp_path / f"x.{name}")
    if name in ("gif", "webp", "apng", "avif"):  # Pillow reads these
        return
    assert len(list(pictures.film(path, 2**16))) == 2
    with pytest.raises(BadData):
        list(pictures.film(path, 2**13))


def test_a_huge_frame_in_a_small_film_is_not_decoded(tmp_path: Path) -> None:
    path = hostile_pictures.make("mp4_of_a_huge_frame", tmp_path)
    with pytest.raises(BadData, match="megapixels"):
        next(play.frames(path))
    assert len(read_pictures([path], 32, 3, silent)[1]) == 0


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_a_picture_that_moves_has_frames_of_a_film_s_size(suffix: str, tmp_path: Path) -> None:
    frames = [Image.new("L", (9000, 4100), grey) for grey in (0, 255)]
    frames[0].save(path := tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
    assert path.stat().st_size < 2**20
    with pytest.raises(BadData, match="36 megapixels"):
        list(play.frames(path))
    frames[0].save(still := tmp_path / f"still.{suffix}")
    assert len(list(play.frames(still))) == 1


@pytest.mark.parametrize("name", PLAYLISTS)
def test_a_playlist_opens_nothing(name: str, tmp_path: Path) -> None:
    film = write("mp4", Frames(pan(32, 2)), tmp_path / "film.mp4")
    path = tmp_path / name
    path.write_text(PLAYLISTS[name].format(film=film))
    with pytest.raises(BadData):
        list(pictures.film(path))


def test_no_program_is_run_for_postscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    path = tmp_path / "x.eps"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(UnidentifiedImageError), pictures.opened(path):
        pass
    assert len(read_pictures([path], 32, 3, silent)[1]) == 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_only_regular_files(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(UnfitFile), pictures.opened(path):
        pass
    with pytest.raises(UnfitFile):
        next(pictures.film(path))
    assert len(read_pictures([path], 32, 3, silent)[1]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_what_looking_at_a_picture_costs(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = hostile_pictures.make(name, tmp_path)
    begun = time.process_time()
    with pytest.raises(BadData, match=name):
        next(play.frames(path))
    assert time.process_time() - begun < 2
    assert capfd.readouterr() == ("", "")


def test_frames_of_a_film_have_a_budget_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("gif", Frames(pan(64, 40)), tmp_path / "x.gif")
    monkeypatch.setattr(pictures, "PIECES", 300)
    assert len(list(pictures.frames(path))) == 40


SHOWN = """
import sys
import time
from pathlib import Path
from latty_tui import play
before = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
pixels, _ = next(play.frames(Path(sys.argv[1])))
after = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
print(*pixels.shape, after - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize(("mode", "held"), {"RGB": 4, "RGBA": 4, "P": 1, "L": 1, "1": 1}.items())
def test_what_showing_the_largest_sheet_costs(mode: str, held: int, tmp_path: Path) -> None:
    """Its decoder holds it once, `held` bytes a pixel; what is shown and its board are small."""
    side = SIZES[1]
    Image.new(mode, (side, side)).save(tmp_path / "x.png", compress_level=1)
    done = subprocess.run(
        [sys.executable, "-c", SHOWN, str(tmp_path / "x.png")], capture_output=True, text=True
    )
    *shape, grown = map(int, done.stdout.split())
    assert shape == [2048, 2048, 3], done.stderr
    assert grown < (held * side**2 >> 10) + 160 * 2**10


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_what_is_made_smaller_strip_by_strip(mode: str, tmp_path: Path) -> None:
    noise = np.random.RandomState(0).randint(0, 256, (700, 4999, 3), np.uint8)
    Image.fromarray(noise).convert(mode).save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as whole:
        wanted = np.asarray(whole.convert("RGBA" if mode == "RGBA" else "RGB").reduce(3))
    pixels, _ = next(play.frames(tmp_path / "x.png"))
    assert (pixels == wanted[..., :3]).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x.png", "x.webp", "x.tif", "x.mp4"])
def test_decoding_a_large_picture_is_no_reading_of_headers(name: str, tmp_path: Path) -> None:
    """Noise, that takes a decoder longest."""
    path, side = tmp_path / name, 4096 if name == "x.mp4" else 6000
    noise = np.random.RandomState(0).randint(0, 256, (side, side, 3), np.uint8)
    if name == "x.mp4":
        write("mp4", Frames([noise] * 3), path)
    else:
        Image.fromarray(noise).save(
            path, **({"lossless": True, "quality": 0} if name == "x.webp" else {})
        )
    assert next(play.frames(path))[0].shape[2] == 3


def test_a_large_picture_is_shown_as_it_was(tmp_path: Path) -> None:
    """Only those of more than any terminal shows are made smaller."""
    noise = np.random.RandomState(0).randint(0, 256, (40, 2048, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "x.png")
    pixels, _ = next(play.frames(tmp_path / "x.png"))
    assert (pixels == noise).all()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"])
def test_what_a_codec_finds_wrong_is_not_printed(
    compression: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Libtiff writes on stderr by itself."""
    Image.effect_noise((64, 64), 50).convert("RGB").save(
        tmp_path / "good.tif", compression=compression
    )
    chance, refused = random.Random(0), 0
    for _ in range(30):
        data = bytearray((tmp_path / "good.tif").read_bytes())
        for _ in range(30):
            data[chance.randrange(8, len(data))] = chance.randrange(256)
        (tmp_path / "bad.tif").write_bytes(data)
        try:
            list(pictures.frames(tmp_path / "bad.tif"))
        except (BadData, UnidentifiedImageError):
            refused += 1
    assert refused and capfd.readouterr() == ("", "")
