"""What docs/formats.md says of other programs, done as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from cli_in_process import latty
from cli_process import environment
from frames_for_writers import psnr
from PIL import Image
from places import LIMIT, ROOT
from sound_files import melody, wav

from latty.render import embedded
from latty.render.streams import WAYS

PAGE = (ROOT / "docs/formats.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (latty render .*)$", PAGE, re.MULTILINE)
PRESET = """schema = 1
seconds = 0.4
[scene]
model = "demo"
seed = { walk = [1, 2, 1] }
[[outputs]]
path = "x.mp4"
size = 256
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a preset, its frames, a sound, and `latty` on the path."""
    home = tmp_path_factory.mktemp("formats")
    (home / "x.toml").write_text(PRESET)
    wav(home / "song.wav", melody(1))
    assert latty("render", "x.toml", "-o", "wanted/", home=home).returncode == 0
    (home / "bin").mkdir()
    script = home / "bin/latty"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m latty_tui "$@"\n')
    script.chmod(0o755)
    return home


def test_the_page_has_a_command_for_each_stream() -> None:
    named = {found[1] if (found := re.search(r"--format (\w+)", one)) else "y4m"
             for one in COMMANDS if "-o -" in one}  # fmt: skip
    assert named == {*WAYS} and len(COMMANDS) > len(WAYS)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_makes_its_film(command: str, place: Path) -> None:
    for program in ("ffmpeg", "gifsicle"):
        if program in command and shutil.which(program) is None:
            pytest.skip(f"there is no {program} here")
    known = environment(place)
    known["PATH"] = f"{place / 'bin'}{os.pathsep}{known['PATH']}"
    line = command.replace("latty render", "latty render --overwrite")
    line = line.replace("ffmpeg", "ffmpeg -nostdin -y" if "-i -" not in line else "ffmpeg -y")
    done = subprocess.run(["sh", "-c", line], cwd=place, env=known, capture_output=True, text=True,
                          timeout=LIMIT, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    made = place / command.split()[-1]
    frames = [np.asarray(Image.open(file)) for file in sorted((place / "wanted").iterdir())]
    with av.open(str(made)) as film:
        back = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert bool(film.streams.audio) == ("song.wav" in command)
    assert len(back) == len(frames) == 10
    assert min(psnr(*pair) for pair in zip(frames, back, strict=True)) > 26
    if "&&" in command and "frames" not in command:
        first = re.search(r"-o (\S+) &&", command)
        assert first is not None
        assert embedded.extract(made) == embedded.extract(place / first[1])
