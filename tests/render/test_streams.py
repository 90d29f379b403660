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

from latty import presets, render
from latty.errors import BadData

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
    done = latty("-o", "frames/", home=home)
    assert (done.returncode, done.stdout) == (0, b"frames\n"), done.stderr
    return np.stack([np.asarray(Image.open(file)) for file in sorted((home / "frames").iterdir())])


def test_the_streams_are_the_film(tmp_path: Path) -> None:
    film = wanted(tmp_path)
    raw = latty("--set", "outputs.0.path=-", "--format", "raw", home=tmp_path).stdout
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


HERE = ("--set", "outputs.0.path=-")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "-", "--json"), b"--json goes with no stream"),
        (("-o", "-", "--workers", "2"), b"--workers goes with no stream"),
        ((*HERE, "--detach"), b"--detach goes with no stream"),
        (("x.toml", *HERE), b"a stream is the film of one preset"),
        (("--format", "raw"), b"--format is that of a stream"),
    ],
)
def test_what_goes_with_no_stream(words: tuple[str, ...], said: bytes, tmp_path: Path) -> None:
    done = latty(*words, home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"") and said in done.stderr
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
        render.refuse_early(made, render.Options(tmp_path))
    assert not any(tmp_path.iterdir())
