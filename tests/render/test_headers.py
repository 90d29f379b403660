"""Recipes are found in headers: wherever other programs put them, and at a price."""

import os
import subprocess
import sys
from pathlib import Path

import av
import hostile_pictures
import pytest
from frames_for_writers import COMMENT, NAMES, Frames, pan, write
from hostile_pictures import MAKERS, MIB

from latty import pictures
from latty.errors import BadData
from latty.presets.formats import LIMIT, recognised
from latty.render import embedded

REMUXED = [
    ("mp4", "mp4", {}),
    ("mp4", "mp4", {"movflags": "faststart"}),
    ("mp4", "mp4", {"movflags": "frag_keyframe+empty_moov"}),
    ("mp4", "mp4", {"movflags": "use_metadata_tags"}),
    ("mp4", "mov", {}),
    ("mp4", "mov", {"movflags": "frag_keyframe+empty_moov+use_metadata_tags"}),
    ("mp4", "matroska", {}),
    ("mov", "mp4", {}),
    ("mov", "mov", {"movflags": "faststart"}),
    ("mkv", "matroska", {"live": "1"}),
    ("mkv", "matroska", {"reserve_index_space": "4096"}),
    ("mkv", "mp4", {}),
    ("webm", "webm", {}),
    ("webm", "webm", {"live": "1"}),
    ("webm", "matroska", {}),
]


def remuxed(source: Path, target: Path, container: str, options: dict[str, str]) -> Path:
    """The same film in another container, as a cutting program copies it."""
    with (
        av.open(str(source)) as old,
        av.open(str(target), "w", format=container, container_options=options) as new,
    ):
        new.metadata.update(old.metadata)
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    return target


@pytest.mark.parametrize(("name", "container", "options"), REMUXED)
def test_a_film_copied_by_another_program(
    name: str, container: str, options: dict[str, str], tmp_path: Path
) -> None:
    source = write(name, Frames(pan(32, 30)), tmp_path / f"x.{name}")
    copy = remuxed(source, tmp_path / "y", container, options)
    with av.open(str(copy)) as film:
        assert {k.lower(): v for k, v in film.metadata.items()}["comment"] == COMMENT
    assert embedded.extract(copy) == COMMENT


@pytest.mark.parametrize("name", [name for name in NAMES if name != "/"])
def test_a_recipe_as_large_as_any(name: str, tmp_path: Path) -> None:
    from frames_for_writers import output

    from latty.presets.formats import writer_of
    from latty.report import silent

    text = '{"x":"' + "<&'" * ((LIMIT - 8) // 3) + '"}'
    made = output(name)
    writer_of(made).write(Frames(pan(32, 3)), tmp_path / "x", made, text, silent)
    assert embedded.extract(tmp_path / "x") == text


def test_a_film_of_the_most_frames(tmp_path: Path) -> None:
    """The recipe of a WebP lies behind all frames: there and back again of 100,000."""
    frame = b"ANMF" + (4).to_bytes(4, "little") + b"VP8L"
    packet = b'<x latty:recipe="{&quot;a&quot;:1}"/>'
    packet = b"XMP " + len(packet).to_bytes(4, "little") + packet
    (tmp_path / "x").write_bytes(b"RIFF\0\0\0\0WEBP" + frame * 200_000 + packet)
    assert embedded.extract(tmp_path / "x") == '{"a":1}'


@pytest.mark.parametrize("limit", ["BYTES", "PIECES", "SECONDS"])
def test_each_limit_counts(limit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = hostile_pictures.make("mkv_of_tags", tmp_path)
    assert recognised(path.read_bytes()[:256]) is not None
    for name in {"BYTES", "PIECES", "SECONDS"} - {limit}:
        monkeypatch.setattr(pictures, name, 1e9 if name == "SECONDS" else 2**40)
    monkeypatch.setattr(pictures, limit, 0.01 if limit == "SECONDS" else 2**12)
    with pytest.raises(BadData, match=r"mkv_of_tags\.mkv has more headers"):
        embedded.extract(path)


CHILD = """
import resource, sys
from pathlib import Path
from latty.cli.main import main
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_utime, file=sys.stderr)
for line in Path("/proc/self/status").read_text().splitlines():
    if line.startswith("VmHWM"):
        print(line.split()[1], file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", MAKERS)
def test_what_a_picture_costs(name: str, tmp_path: Path) -> None:
    path = hostile_pictures.make(name, tmp_path)
    assert path.stat().st_size < 40 * MIB
    for verb in (["inspect"], ["render", "--dry-run"]):
        done = subprocess.run(
            [sys.executable, "-c", CHILD, *verb, str(path)],
            capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "COLUMNS": "80"},
        )  # fmt: skip
        told, (code, seconds), (memory,) = done.stdout, *map(
            str.split, done.stderr.splitlines()[-2:]
        )  # fmt: skip
        assert "recipe" in told + done.stderr or "headers" in told + done.stderr
        assert code == ("0" if verb == ["inspect"] else "65")
        assert float(seconds) < 2
        assert int(memory) < 200 * 2**10
