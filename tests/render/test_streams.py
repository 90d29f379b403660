"""`-o -`: what a pipe is given, byte for byte, and nothing else."""

import io
import os
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

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


def latty(*words: str, home: Path, **more: object) -> "subprocess.CompletedProcess[bytes]":
    (home / "x.toml").write_text(PRESET)
    command = [sys.executable, "-m", "latty", "render", "x.toml", *words]
    environment = {**os.environ, "LATTY_HOME": str(home / "home")}
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, check=False, **more
    )


def wanted(home: Path) -> np.ndarray:
    """The frames as numbered files have them."""
    assert latty("--set", "outputs.0.path=frames/", "--out-dir", ".", home=home).returncode == 0
    return np.stack([np.asarray(Image.open(file)) for file in sorted((home / "frames").iterdir())])


def test_the_streams_are_the_film(tmp_path: Path) -> None:
    film = wanted(tmp_path)
    raw = latty("-o", "-", "--format", "raw", home=tmp_path).stdout
    assert raw == film.tobytes()
    pictures = latty("-o", "-", "--format", "png", home=tmp_path).stdout
    starts = [i for i in range(len(pictures)) if pictures.startswith(b"\x89PNG\r\n", i)]
    found = [np.asarray(Image.open(io.BytesIO(pictures[i:]))) for i in starts]
    assert np.array_equal(np.stack(found), film)
    for keys, far in (((), 3), (("--set", "outputs.0.depth=10"), 0)):
        done = latty("-o", "-", *keys, home=tmp_path)
        with av.open(io.BytesIO(done.stdout), format="yuv4mpegpipe") as container:
            assert container.streams.video[0].average_rate == 25
            back = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert np.abs(np.stack(back).astype(int) - film).max() <= far


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux")
def test_a_pipe_that_nobody_reads(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(PRESET)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "latty", "render", "x.toml", "-o", "-", "-q"]
    environment = {**os.environ, "LATTY_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=writer,
                          stderr=subprocess.PIPE, check=False)  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("words", [("-o", "-", "--json"), ("--format", "raw")])
def test_what_goes_with_no_stream(words: tuple[str, ...], tmp_path: Path) -> None:
    done = latty(*words, home=tmp_path)
    assert done.returncode == 2 and done.stdout == b""
