"""How large files become, and what is kept meanwhile: told before, within a factor, and real."""

import shutil
import wave
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from frames_for_writers import CODECS, FILMS, NAMES, Frames, content, output, pan

from latty import models, presets, render
from latty.errors import OutputError
from latty.models.base import AnySize
from latty.presets.codecs import EXPECTED_WITHIN, bytes_expected, settled
from latty.presets.formats import format_of, writer_of
from latty.render import Options
from latty.render.journal import Journal
from latty.render.sizes import bytes_kept
from latty.report import silent

CASES = [(name, {}) for name in NAMES if not format_of(output(name).path).codecs]
CASES += [(name, {"codec": codec}) for name, codec in CODECS]
CASES += [("mp4", {"crf": crf}) for crf in (6, 30)] + [("mp4", {"crf": 0, "chroma": "rgb"})]
CASES += [("webp", {"quality": quality}) for quality in (50, 100)]
CASES += [
    ("avif", {"quality": 60}),
    ("gif", {"colours": 32}),
    ("mov", {"codec": "prores", "profile": "proxy"}),
]


@pytest.fixture(scope="module")
def films() -> dict[str, Frames]:
    """Films that models draw: fast ones and a slow one."""

    def film(model: str, frames: int, size: int, seeds: list[int]) -> Frames:
        scene = {"model": model, "size": size, "seed": {"walk": seeds}}
        made = presets.from_dict({"schema": 1, "frames": frames, "scene": scene}, "x.toml")
        return Frames(list(render.frames(made, "cpu")), Fraction(24))

    return {
        "quick": film("demo", 20, 128, [1, 2, 1]),
        "slow": film("demo", 40, 96, [1, 2]),
        "faces": film("portraits", 6, 96, [3, 4]),
    }


@pytest.mark.parametrize(("name", "keys"), CASES)
@pytest.mark.parametrize("film", ["quick", pytest.param("slow", marks=pytest.mark.slow), "faces"])
def test_a_file_is_as_large_as_expected(
    name: str, keys: dict[str, object], film: str, films: dict[str, Frames], tmp_path: Path
) -> None:
    made, frames = settled(output(name, **keys)), films[film]
    if name not in FILMS and name != "/":
        frames = Frames(frames.frames[:1])
    writer_of(made).write(frames, tmp_path / "x", made, "x" * 1000, silent)
    real = len(content(tmp_path / "x"))
    told = bytes_expected(made, len(frames) * frames.height * frames.width)
    assert told / EXPECTED_WITHIN <= real <= told * EXPECTED_WITHIN, (told, real)


def preset(*paths: str, frames: int = 10) -> presets.Preset:
    scene = {"model": "demo", "size": 96, "seed": {"walk": [1, 2, 1]}}
    outputs = [{"path": path} for path in paths]
    data = {"schema": 1, "name": "x", "frames": frames, "scene": scene, "outputs": outputs}
    return presets.from_dict(data, "x.toml")


def test_the_plan_tells_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are kept as the model draws them, and files are as large as they are shown."""
    made, kept = preset("a.gif", "b/", "c.png", "d.mp4"), []
    close = Journal.__exit__

    def measured(journal: Journal, *error: object) -> None:
        kept.append(journal.path.stat().st_size)
        close(journal, *error)

    monkeypatch.setattr(Journal, "__exit__", measured)
    rows = render.plan(made, Options(tmp_path))
    paths = render.write(made, Options(tmp_path))
    for row, path in zip(rows, paths, strict=True):
        real = len(content(path))
        assert real / EXPECTED_WITHIN <= row["bytes"] <= real * EXPECTED_WITHIN
    header = 200  # bytes at most
    (size,) = kept  # the outputs show the same pictures
    assert 0 < size - rows[0]["work_bytes"] <= header
    assert rows[0]["work_bytes"] == bytes_kept(10, models.picture_size("demo"))
    assert not any(row["work_bytes"] for row in rows[1:])


def test_the_plan_counts_pictures_once_and_those_of_each_panel(tmp_path: Path) -> None:
    """Two rates share the moments of both; panels have pictures of their own size."""
    outputs = [{"path": "a.gif", "fps": 12}, {"path": "b.gif", "fps": 4}, {"path": "c.gif"}]
    scene = {"model": "demo", "seed": {"walk": [1, 2]}}
    data = {"schema": 1, "name": "x", "seconds": 1, "scene": scene, "outputs": outputs}
    rows = render.plan(presets.from_dict(data, "x.toml"), Options(tmp_path))
    one = bytes_kept(1, models.picture_size("demo"))
    assert [row["work_bytes"] for row in rows] == [12 * one, 0, 24 * one]
    panels = [{}, {"model": "portraits", "size": 128}]
    data |= {"panels": panels, "outputs": outputs[:1]}
    (row,) = render.plan(presets.from_dict(data, "x.toml"), Options(tmp_path))
    assert row["work_bytes"] == 12 * (one + bytes_kept(1, (128, 128)))


@pytest.mark.parametrize("ref", ["demo", "portraits"])
def test_what_draws_any_size_is_known_without_torch(ref: str) -> None:
    assert models.draws_any_size(ref) == isinstance(models.open_model(ref, "cpu"), AnySize)


def test_the_limit_of_bytes_is_the_estimate() -> None:
    assert bytes_expected(settled(output("gif", max_bytes="50kB")), 10**8) == 50_000


@pytest.mark.parametrize("name", ["mp4", "webm"])
def test_a_sound_is_part_of_the_size(name: str, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "x.wav"), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(np.random.RandomState(1).randint(-(2**14), 2**14, 4 * 96_000, "<i2"))
    made, film = settled(output(name, sound=str(tmp_path / "x.wav"))), Frames(pan(32, 3) * 34)
    writer_of(made).write(film, tmp_path / "x", made, "", silent)
    real, told = (tmp_path / "x").stat().st_size, bytes_expected(made, 32 * 32 * 102, 102 / 25)
    assert told / EXPECTED_WITHIN <= real <= told * EXPECTED_WITHIN, (told, real)
    assert told > 2 * bytes_expected(made, 32 * 32 * 102)


def test_only_a_disk_that_is_truly_short_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = preset("a.gif", frames=20)
    row = render.plan(made, Options(tmp_path))[0]

    def free(count: float) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=count))

    free(row["work_bytes"])
    with pytest.raises(OutputError, match=r"a\.gif may need .* are free"):
        render.write(made, Options(tmp_path))
    free(1.1 * (row["work_bytes"] + row["bytes"] / EXPECTED_WITHIN) + 1)
    (path,) = render.write(made, Options(tmp_path))
    assert path.stat().st_size < row["bytes"] * EXPECTED_WITHIN
