"""The films that ship: how long they are, how large, where they close, what is written on them."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from latty import presets
from latty.presets import Preset
from latty.render import Options, provenance, write

pytestmark = pytest.mark.slow  # the films are rendered first


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where they are rendered, each once."""
    folder = tmp_path_factory.mktemp("films")
    for name in ("loop", "vertical", "compare", "sprites", "music"):
        write(presets.read(f"film-{name}"), Options(out_dir=folder))
    return folder


def frames(path: Path) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) as they are shown."""
    with av.open(str(path)) as film:
        for frame in film.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.float32)


def duration(path: Path) -> float:
    """Seconds that a film says it lasts."""
    with av.open(str(path)) as film:
        assert film.duration is not None
        return film.duration / av.time_base


@pytest.mark.parametrize(("suffix", "count"), [("mp4", 120), ("gif", 60)])
def test_the_loop_lasts_as_long_in_both_files_and_has_no_seam(
    films: Path, suffix: str, count: int
) -> None:
    path = films / f"film-loop.{suffix}"
    shown = list(frames(path))
    assert len(shown) == count and duration(path) == pytest.approx(4, abs=0.02)
    steps = [
        float(np.abs(a - b).mean()) for a, b in zip(shown, [*shown[1:], shown[0]], strict=True)
    ]
    assert 0 < steps[-1] < 1.5 * max(steps[:-1])


def test_the_vertical_film_is_9_to_16_and_its_words_follow_the_edit(films: Path) -> None:
    shown = list(frames(films / "film-vertical.mp4"))
    assert shown[0].shape == (480, 270, 3) and len(shown) == 2 * 75 - 2
    bottom = [frame[440:470, 90:180] for frame in shown]
    assert bottom[10].max() > 240  # white letters
    assert np.abs(bottom[10] - bottom[60]).mean() > 2 * np.abs(bottom[60] - bottom[61]).mean()
    title = [frame[:40].max() for frame in shown]
    assert title[0] < 230 < title[37]  # it fades in


def test_the_comparison_shows_two_models_at_the_same_moment(films: Path) -> None:
    path = films / "film-compare.gif"
    first = next(frames(path))
    assert first.shape == (144 + 8, 2 * 144 + 12, 3)
    left, right = first[30:140, 10:140], first[30:140, 158:288]
    assert np.abs(left - right).mean() > 10
    told = str(provenance.read(path))
    preset = presets.read("film-compare")
    assert "demo" in told and "portraits" in told and preset.count() == 24


def test_the_sprites_lie_at_multiples_of_their_size(films: Path, tmp_path: Path) -> None:
    sheet = np.asarray(Image.open(films / "film-sprites.png"))
    assert sheet.shape[:2] == (128, 256)
    made = presets.read("film-sprites", ["outputs.0.path=film-sprites/", "outputs.0.columns=1"])
    write(made, Options(out_dir=tmp_path))
    for i, path in enumerate(sorted((tmp_path / "film-sprites").iterdir())):
        y, x = 64 * (i // 4), 64 * (i % 4)
        alone = np.asarray(Image.open(path).convert("RGB"))
        assert np.array_equal(sheet[y : y + 64, x : x + 64, :3], alone), i


def test_the_music_is_heard_and_the_mouth_opens_on_each_beat(films: Path) -> None:
    path = films / "film-music.mp4"
    with av.open(str(path)) as film:
        lasts = {s.type: float(s.duration * s.time_base) for s in film.streams if s.time_base}
    assert lasts == pytest.approx({"video": 4, "audio": 4}, abs=0.05)
    shown = list(frames(path))
    assert len(shown) == 100
    opened = [presets.read("film-music").at(i / 100).edits[0].strength for i in range(100)]
    for beat in range(8):  # 120 a minute
        first = round(12.5 * beat)
        assert max(opened[first : first + 5]) > max(opened[first + 9 : first + 12]) + 1
    low, high = int(np.argmin(opened)), int(np.argmax(opened))
    assert np.abs(shown[low] - shown[high])[150:220, 100:200].mean() > 3


@pytest.mark.slow
def test_the_chat_gif_takes_less_than_2_mb_and_lasts_8_seconds(tmp_path: Path) -> None:
    preset: Preset = presets.read("film-chat")
    (path,) = write(preset, Options(out_dir=tmp_path))
    assert 1_600_000 < path.stat().st_size <= 2_000_000
    assert duration(path) == pytest.approx(preset.duration, abs=0.05)
