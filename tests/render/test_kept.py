"""Pictures that were drawn once are used for the next encode, within a bound; whatever happens to
them, files are as without them."""

import errno
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cli_in_process import latty
from forked import killed_before

from latty import locks
from latty.presets.formats import Pixels
from latty.render.kept import LOCK, MONTH
from latty.render.pixels import Painter
from latty.scene import Scene

PRESET = """\
schema = 1
seconds = 0.5
[scene]
model = "demo"
seed = { walk = [1, 2, 1] }
[[outputs]]
path = "a.mp4"
fps = 20
"""
COUNT = 10
SIZE = COUNT * (64 * 64 * 3 + 24)  # bytes of its pictures


@pytest.fixture(autouse=True)
def here(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(PRESET)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each call draws."""
    found: list[int] = []
    draw = Painter.__call__

    def counted(painter: Painter, scenes: Sequence[Scene]) -> Pixels:
        found.append(len(scenes))
        return draw(painter, scenes)

    monkeypatch.setattr(Painter, "__call__", counted)
    return found


def rendered(home: Path, *words: str, cache: str = "2GB", code: int = 0) -> bytes:
    """What a render writes."""
    args = ("x.toml", "--overwrite", *words)
    done = latty("render", *args, home=home, LATTY_FRAME_CACHE=cache)
    assert done.returncode == code, done.stderr
    if code:
        return b""
    path = home / done.stdout.strip()
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    return b"".join(file.read_bytes() for file in files)


def kept(home: Path) -> list[str]:
    """What is in the cache, from the one used longest ago."""
    found = sorted((home / "home/cache/frames").glob("*"), key=lambda one: one.stat().st_mtime)
    return [one.name for one in found]


def aged(home: Path, name: str, seconds: float) -> None:
    """It was used so long ago."""
    path, now = home / "home/cache/frames" / name, time.time()
    os.utime(path, (now, now - seconds))


SAME = {
    "crf": ("--set", "outputs.0.crf=30"),
    "format": ("-o", "b.webp"),
    "folder": ("-o", "b/"),
    "limit": ("-o", "b.gif", "--set", "outputs.0.max_bytes=9000"),
    "size": ("--set", "outputs.0.size=32"),
    "frame": ("--set", "outputs.0.width=128", "--set", "outputs.0.height=80"),
    "name": ("--set", "name=other"),
    "text": ("--set", 'text=[{ value = "{seed}" }]'),
}
OTHERS = {
    "seed": ("--set", "scene.seed.walk=[1,3]"),
    "truncation": ("--set", "scene.truncation=0.6"),
    "length": ("--set", "seconds=0.6"),
    "batch": ("--batch", "3"),
}


@pytest.mark.parametrize("words", [*SAME.values(), *OTHERS.values()], ids=[*SAME, *OTHERS])
def test_only_other_pictures_are_drawn(
    words: tuple[str, ...], tmp_path: Path, drawn: list[int]
) -> None:
    rendered(tmp_path)
    assert sum(drawn) == COUNT and len(kept(tmp_path)) == 1
    drawn.clear()
    again = rendered(tmp_path, *words)
    assert bool(drawn) == (words in OTHERS.values())
    assert rendered(tmp_path, *words, cache="0") == again
    assert not list(tmp_path.glob("**/*.latty-work"))


RATES = """\
schema = 1
seconds = 1
[scene]
model = "demo"
seed = {{ walk = [1, 2, 1] }}
[[outputs]]
path = "a.mp4"
fps = {0}
size = 32
[[outputs]]
path = "a.gif"
fps = {1}
size = 32
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [(48, 16, 48), (16, 48, 48), (24, 16, 32), (10, 5, 10)],
)
def test_moments_that_two_outputs_show_are_drawn_once(
    first: int, second: int, together: int, tmp_path: Path, drawn: list[int]
) -> None:
    """All moments of two rates, filled up to whole batches, which change no bit of a picture."""
    (tmp_path / "x.toml").write_text(RATES.format(first, second))
    done = latty("render", "x.toml", home=tmp_path, LATTY_FRAME_CACHE="0")
    assert done.returncode == 0, done.stderr
    assert 0 <= sum(drawn) - together <= 8, drawn
    said = re.search(r"x: (\d+) frames in", done.stderr)
    assert said is not None and int(said[1]) == together
    for name in ("a.mp4", "a.gif"):
        again = latty("render", f"renders/{name}", "-o", f"alone/{name}", home=tmp_path,
                      LATTY_FRAME_CACHE="0")  # fmt: skip
        assert again.returncode == 0, again.stderr
    assert contents(tmp_path / "alone") == contents(tmp_path / "renders")


def test_kept_moments_serve_other_rates(tmp_path: Path, drawn: list[int]) -> None:
    def made(fps: int, cache: str, name: str) -> bytes:
        rate = ("--set", f"outputs.0.fps={fps}", "--set", "outputs.0.size=32")
        return rendered(tmp_path, "-o", name, "--set", "seconds=2", *rate, cache=cache)

    counts = []
    for fps in (16, 8, 24):
        drawn.clear()
        film = made(fps, "2GB", "kept.gif")
        counts.append(sum(drawn))
        assert film == made(fps, "0", "fresh.gif")
    assert counts == [32, 0, 32]
    assert len(kept(tmp_path)) == 1


def test_a_size_that_cannot_be_had_costs_no_picture(tmp_path: Path, drawn: list[int]) -> None:
    rendered(tmp_path)
    drawn.clear()
    rendered(tmp_path, "-o", "b.gif", "--set", "outputs.0.max_bytes=1000", code=65)
    assert not drawn


def test_those_used_longest_ago_make_room(tmp_path: Path, drawn: list[int]) -> None:
    names = []
    for seed in (3, 4, 5):
        words = ("--set", f"scene.seed.walk=[1,{seed}]")
        rendered(tmp_path, *words, cache=f"{2 * SIZE + 1000}")
        names += [name for name in kept(tmp_path) if name not in names]
        for age, name in enumerate(reversed(kept(tmp_path))):
            aged(tmp_path, name, 1000 + age)
        if seed == 4:  # the oldest is used
            rendered(tmp_path, "--set", "scene.seed.walk=[1,3]")
    assert sorted(kept(tmp_path)) == sorted([names[0], names[2]])
    rendered(tmp_path, "--set", "scene.seed.walk=[1,6]", cache="1000")
    assert len(kept(tmp_path)) == 2  # larger than all there may be: not kept
    aged(tmp_path, names[0], MONTH + 9)
    rendered(tmp_path, "--set", "scene.seed.walk=[1,7]")
    assert names[0] not in kept(tmp_path)


def test_what_else_lies_there_stays(tmp_path: Path, drawn: list[int]) -> None:
    """The folder may be a link to one that is used for other things."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "home/cache").mkdir(parents=True)
    (tmp_path / "home/cache/frames").symlink_to(elsewhere)
    others = ["thesis.tex", "thesis.lock", "notes.part", "a" * 63, "A" * 64, f"{'a' * 64}.tex"]
    for name in others:
        (elsewhere / name).write_text("mine")
        os.utime(elsewhere / name, (1e9, 1e9))
    rendered(tmp_path, cache=f"{SIZE + 1000}")
    rendered(tmp_path, "--set", "scene.seed.walk=[1,6]", cache=f"{SIZE + 1000}")
    assert len([*elsewhere.iterdir()]) == len(others) + 1
    assert all((elsewhere / name).read_text() == "mine" for name in others)


def test_none_are_kept_without_a_cache(tmp_path: Path) -> None:
    rendered(tmp_path, cache="0")
    assert not kept(tmp_path)
    rendered(tmp_path, "-o", "one.png", "--set", "scene.seed=3", "--set", "seconds=0.05")
    assert not kept(tmp_path)  # a picture is soon drawn


def damaged(entry: Path) -> None:
    data = bytearray(entry.read_bytes())
    data[-SIZE // 8] ^= 1
    entry.write_bytes(data)


def cut(entry: Path) -> None:
    os.truncate(entry, SIZE // 2)


def a_folder(entry: Path) -> None:
    entry.unlink()
    entry.mkdir()


def a_link(entry: Path) -> None:
    other = entry.parents[3] / "mine"
    other.write_bytes(b"mine")
    entry.unlink()
    entry.symlink_to(other)


def of_others(entry: Path) -> None:
    if os.geteuid():
        pytest.skip("only root gives folders away")
    os.chown(entry.parent, 65534, 65534)


@pytest.mark.parametrize("damage", [damaged, cut, a_folder, a_link, of_others])
def test_what_is_wrong_in_the_cache_changes_no_film(
    damage: Callable[[Path], None], tmp_path: Path, drawn: list[int]
) -> None:
    film = rendered(tmp_path)
    (name,) = kept(tmp_path)
    damage(tmp_path / "home/cache/frames" / name)
    drawn.clear()
    assert rendered(tmp_path) == film and drawn
    if (mine := tmp_path / "mine").exists():
        assert mine.read_bytes() == b"mine"


def test_a_damaged_picture_is_drawn_once_more_and_then_kept(
    tmp_path: Path, drawn: list[int]
) -> None:
    film = rendered(tmp_path)
    (name,) = kept(tmp_path)
    entry = tmp_path / "home/cache/frames" / name
    for place in (100, SIZE // COUNT, SIZE - 1):  # pixels, a mark, a checksum
        data = bytearray(entry.read_bytes())
        data[len(data) - SIZE + place] ^= 8
        entry.write_bytes(data)
        drawn.clear()
        assert rendered(tmp_path) == film and drawn
        drawn.clear()
        assert rendered(tmp_path, "-o", "b.gif") and not drawn


def test_who_finds_the_pictures_taken_goes_without(tmp_path: Path, drawn: list[int]) -> None:
    film = rendered(tmp_path)
    (name,) = kept(tmp_path)
    drawn.clear()
    with locks.locked(tmp_path / "home/cache/frames" / f"{name}{LOCK}", "drawing", keep=False):
        assert rendered(tmp_path) == film and sum(drawn) == COUNT
    assert kept(tmp_path) == [name]


def test_a_cache_on_another_disk(
    tmp_path: Path, drawn: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.replace

    def moved(path: Path, to: Path) -> Path:
        if path.name == "pictures":
            raise OSError(errno.EXDEV, "another disk")
        return move(path, to)

    monkeypatch.setattr(Path, "replace", moved)
    film = rendered(tmp_path)
    assert len(kept(tmp_path)) == 1
    drawn.clear()
    assert rendered(tmp_path) == film and not drawn


@pytest.mark.slow
def test_a_kill_at_any_step_leaves_what_can_be_used(tmp_path: Path) -> None:
    film = rendered(tmp_path, cache="0")
    for step in range(200):
        home = tmp_path / str(step)
        home.mkdir()
        (home / "x.toml").write_text(PRESET)

        def killed(home: Path = home) -> int:
            rendered(home)
            return 0

        ended = killed_before(step, killed)
        assert rendered(home) == film
        assert len(kept(home)) == 1
        if ended == 0:
            assert step > 10
            return
    pytest.fail("never got through")
