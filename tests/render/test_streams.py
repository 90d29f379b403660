"""`-o -`: what a pipe is given, byte for byte, and nothing else."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from cli_in_process import binary, latty
from cli_process import environment
from PIL import Image
from places import LIMIT
from sound_files import melody, wav

from latty import presets, render
from latty.errors import BadData
from latty.render.stream_formats import WAYS

PRESET = """\
schema = 1
frames = 3
[scene]
model = "demo"
seed = { walk = [1, 2] }
size = 64
[[outputs]]
path = "x.png"
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(PRESET)


def streamed(home: Path, *words: str, file: str = "x.toml") -> tuple[bytes, str]:
    """The film on stdout, and what is said on stderr."""
    done = latty("render", file, *words, home=home)
    assert done.returncode == 0, done.stderr
    return binary(done.stdout), done.stderr


def wanted(home: Path) -> np.ndarray:
    """The frames as numbered files have them."""
    assert streamed(home, "-o", "frames/")[0] == b"frames\n"
    return np.stack([np.asarray(Image.open(file)) for file in sorted((home / "frames").iterdir())])


@pytest.mark.slow
def test_nothing_but_the_film_is_on_stdout(tmp_path: Path) -> None:
    film = wanted(tmp_path)
    words = ("render", "x.toml", "--set", "outputs.0.path=-", "--format", "raw")
    done = subprocess.run([sys.executable, "-m", "latty", *words], cwd=tmp_path,
                          env=environment(tmp_path), capture_output=True, check=True)  # fmt: skip
    assert done.stdout == film.tobytes()


# How FFmpeg is asked for a stream, and the format in which its levels are compared: `shift` bits
# more than models draw.
ASKED = {"y4m": "yuv4mpegpipe", "raw": "rawvideo", "png": "png_pipe"}
SHIFT = {"gbrp10le": ("gbrp10le", 2), "rgb48be": ("rgb48le", 8)}


@pytest.mark.parametrize("depth", [8, 10])
@pytest.mark.parametrize("kind", WAYS)
def test_a_stream_has_the_depth_that_is_asked_for(kind: str, depth: int, tmp_path: Path) -> None:
    film = wanted(tmp_path)
    data, said = streamed(
        tmp_path, "-o", "-", "--format", kind, "--set", f"outputs.0.depth={depth}"
    )
    found = re.search(rf"latty: {kind}: (\d+x\d+) (\w+), 25 fps, 3 frames\n", said)
    assert found is not None, said
    size, pixels = found[1], found[2]
    assert any(word in pixels for word in ("10", "48")) == (depth == 10)
    options = {"pixel_format": pixels, "video_size": size} if kind == "raw" else {}
    back, shift = SHIFT.get(pixels, ("rgb24", 0))
    with av.open(io.BytesIO(data), format=ASKED[kind], options=options) as container:
        assert container.streams.video[0].codec_context.pix_fmt == pixels
        assert kind != "y4m" or container.streams.video[0].average_rate == 25
        frames = np.stack([one.to_ndarray(format=back) for one in container.decode(video=0)])
    far = np.abs((frames >> shift).astype(int) - film).max()
    assert far <= (3 if (kind, depth) == ("y4m", 8) else 0)
    full = (1 << (8 + shift)) - 1
    assert frames[film == 255].min(initial=full) >= full - (3 if kind == "y4m" else 0)


@pytest.mark.parametrize("name", ["-", "x.gif", "frames/"])
def test_a_film_that_loses_its_sound_says_so_once(name: str, tmp_path: Path) -> None:
    wav(tmp_path / "a.wav", melody(0.2))
    (tmp_path / "s.toml").write_text(PRESET.replace("x.png", "x.mp4") + 'sound = "a.wav"\n')
    _, said = streamed(tmp_path, "-o", name, file="s.toml")
    [told] = [line for line in said.splitlines() if "sound" in line]
    assert told.startswith(f"latty: {name} carries no sound") and "a.wav" in told
    assert ("-i SOUND" in told) == (name == "-")
    _, said = streamed(tmp_path, "--set", f"outputs.0.path={name}", file="s.toml")
    assert said.count("outputs.0.sound") == 1
    _, said = streamed(tmp_path, "-o", "x.mkv", file="s.toml")
    assert "sound" not in said


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "latty", "render", "x.toml", "-o", "-", "-q"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(tmp_path), stdout=writer,
                          stderr=subprocess.PIPE, check=False)  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


LONG = """\
schema = 1
frames = 2000
[scene]
model = "portraits"
size = 128
seed = { walk = [1, 2, 1] }
[[outputs]]
path = "x.png"
"""


def drawing(home: Path, *words: str, to: int = subprocess.PIPE) -> "subprocess.Popen[bytes]":
    """A long film that goes to a pipe, or to a file that is open."""
    (home / "long.toml").write_text(LONG)
    command = [sys.executable, "-m", "latty", "render", "long.toml", "-o", "-", *words]
    return subprocess.Popen(command, cwd=home, stdout=to, stderr=subprocess.PIPE,
                            env=environment(home, LATTY_PROGRESS="json"))  # fmt: skip


def drawn(told: bytes) -> int:
    """How many of its frames were drawn."""
    lines = [json.loads(line) for line in told.splitlines()]
    return max(line["done"] for line in lines if line.get("stage") == "frames")


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--workers", "2")])
def test_frames_go_out_while_others_are_drawn_and_a_broken_pipe_ends_it(
    more: tuple[str, ...], tmp_path: Path
) -> None:
    with drawing(tmp_path, *more) as film:
        assert film.stdout is not None
        assert len(film.stdout.read(128 * 128 * 3 * 3)) == 128 * 128 * 3 * 3
        assert film.poll() is None
        film.stdout.close()
        assert film.stderr is not None
        told = film.stderr.read()
        assert film.wait(LIMIT) == 141
    assert 3 <= drawn(told) < 1000 and b"Traceback" not in told


@pytest.mark.slow
def test_a_signal_ends_a_stream_whose_reader_sleeps(tmp_path: Path) -> None:
    with drawing(tmp_path) as film:
        assert film.stdout is not None
        film.stdout.read(100)
        film.send_signal(signal.SIGINT)
        assert film.wait(LIMIT) == 130
        assert film.stderr is not None
        assert b"Traceback" not in film.stderr.read()


@pytest.mark.slow
def test_a_signal_ends_a_stream_whose_socket_is_not_read(tmp_path: Path) -> None:
    """As a shell on another machine, or a service, gives one for stdout."""
    ours, theirs = socket.socketpair()
    large = ("--format", "raw", "--set", "outputs.0.size=512")  # a frame is more than it holds
    with ours, theirs, drawing(tmp_path, *large, to=theirs.fileno()) as film:
        ours.recv(100)
        time.sleep(1)  # it is full
        film.send_signal(signal.SIGINT)
        try:
            assert film.wait(LIMIT) == 130
        finally:
            film.kill()


@pytest.mark.slow
def test_a_stream_by_several_has_the_bytes_of_one(tmp_path: Path) -> None:
    whole = [
        subprocess.run([sys.executable, "-m", "latty", "render", "x.toml", "-o", "-", *more],
                       cwd=tmp_path, env=environment(tmp_path, LATTY_FRAME_CACHE="0"),
                       capture_output=True, check=True).stdout
        for more in ((), ("--workers", "2"))
    ]  # fmt: skip
    assert whole[0].startswith(b"YUV4MPEG2") and whole[0] == whole[1]


HERE = ("--set", "outputs.0.path=-")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "-", "--json"), "--json goes with no stream"),
        ((*HERE, "--detach"), "--detach goes with no stream"),
        (("x.toml", *HERE), "a stream is the film of one preset"),
        (("--format", "raw"), "--format is that of a stream"),
    ],
)
def test_what_goes_with_no_stream(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = latty("render", "x.toml", *words, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) in (["x.toml"], ["home", "x.toml"])


def test_a_stream_among_files(tmp_path: Path) -> None:
    made = presets.from_dict(
        {
            "schema": 1,
            "scene": {"model": "demo"},
            "outputs": [{"path": "x.gif"}, {"path": "-", "crf": 3}],
        },
        "x.toml",
    )
    with pytest.raises(BadData, match="output '-' is stdout"):
        render.refuse_early(made, render.Options(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
