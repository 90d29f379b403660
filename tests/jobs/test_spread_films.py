"""One film drawn by several processes: the bytes of one process, whatever is killed on the way."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, latty
from places import LIMIT
from processes import alive, children, wait
from sound_files import melody, wav

from latty import presets
from latty.errors import BadData
from latty.models import open_model
from latty.render import Options, provenance
from latty.render.drawers import FilmTask, draw_there

FILM = """\
schema = 1
name = "film"
seconds = 2
[scene]
model = "portraits"
size = 48
seed = { walk = [1, 2, 1] }
[[scene.edits]]
direction = "seed:9"
strength = { from = 0, to = 0.5 }
[[outputs]]
path = "slow.gif"
fps = 10
[[outputs]]
path = "quick.mp4"
fps = 16
sound = "a.wav"
[[outputs]]
path = "sheet.png"
columns = 3
"""
NAMES = ("slow.gif", "quick.mp4", "sheet.png")
TWO = ("--workers", "2")


def home_of(place: Path) -> Path:
    """A folder with the preset and its sound."""
    place.mkdir(exist_ok=True)
    (place / "film.toml").write_text(FILM)
    wav(place / "a.wav", melody(2.0))
    return place


def made(place: Path) -> dict[str, bytes]:
    return {name: (place / "renders" / name).read_bytes() for name in NAMES}


def rendered(place: Path, *words: str) -> dict[str, bytes]:
    done = latty("render", "film.toml", *words, home=place)
    assert done.returncode == 0, done.stderr
    return made(place)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes."""
    return rendered(home_of(tmp_path_factory.mktemp("whole")))


@pytest.mark.slow
def test_one_process_of_a_pool_or_two_give_the_bytes_of_none(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    for number in ("1", "2"):
        place = home_of(tmp_path / number)
        assert rendered(place, "--workers", number) == whole


@pytest.mark.slow
def test_what_is_kept_of_a_film_is_not_drawn_again(whole: dict[str, bytes], tmp_path: Path) -> None:
    place = home_of(tmp_path)
    done = latty("render", "film.toml", "-o", "first.gif", "--set", "outputs.0.fps=16", home=place)
    assert done.returncode == 0, done.stderr
    told = latty("render", "film.toml", *TWO, home=place, LATTY_PROGRESS="json")
    assert told.returncode == 0, told.stderr
    assert '"total": 62' not in told.stderr
    assert made(place) == whole


@pytest.mark.slow
def test_a_preset_that_can_be_read_once_is_drawn_by_several(tmp_path: Path) -> None:
    text = FILM.replace("a.wav", str(home_of(tmp_path) / "a.wav"))
    (tmp_path / "still.toml").write_text(FILM.replace("slow", "x").replace("quick", "y"))
    done = latty("render", "-", "still.toml", "--set", "seconds=0.5", *TWO, "--out-dir", "p",
                 home=tmp_path, stdin=text.replace("sheet", "other"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"p/slow.gif", "p/x.gif", "p/y.mp4"} < {*done.stdout.split()}


# --- killed and interrupted ----------------------------------------------------------------------

LONG = ("--set", "scene.size=256", "--set", "seconds=10", "--batch", "2", "-q")
RECORD = 256 * 256 * 3


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return rendered(home_of(tmp_path_factory.mktemp("long")), *LONG)


def kept(place: Path) -> int:
    """Pictures in the journal."""
    journal = place / "renders/slow.gif.latty-work/pictures"
    return journal.stat().st_size // RECORD if journal.exists() else 0


def begun(place: Path) -> "subprocess.Popen[str]":
    """A render by two processes that has drawn some."""
    before = kept(place)
    words = [*COMMAND, "render", "film.toml", *LONG, *TWO]
    driver = subprocess.Popen(words, cwd=place, env=environment(place), text=True,
                              stderr=subprocess.PIPE)  # fmt: skip
    wait(lambda: kept(place) > before + 4 or driver.poll() is not None)
    assert driver.poll() is None
    return driver


def drawing(driver: "subprocess.Popen[str]") -> list[int]:
    """The processes of its pool, the oldest first."""
    found = list[int]()
    for pid in sorted(children(driver.pid)):
        with suppress(OSError):  # it has ended
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


@pytest.fixture
def stopped_at_the_end() -> Iterator[list["subprocess.Popen[str]"]]:
    """Drivers that a test leaves: they end with it."""
    found: list[subprocess.Popen[str]] = []
    yield found
    for driver in found:
        driver.kill()
        driver.communicate()


@pytest.mark.slow
def test_a_killed_process_and_a_killed_driver_cost_what_they_were_at(
    long: dict[str, bytes], tmp_path: Path, stopped_at_the_end: list["subprocess.Popen[str]"]
) -> None:
    place = home_of(tmp_path)
    driver = begun(place)
    stopped_at_the_end.append(driver)
    first, second = drawing(driver)
    os.kill(first, signal.SIGKILL)
    wait(lambda: first not in drawing(driver) and len(drawing(driver)) == 2)
    before = kept(place)
    wait(lambda: kept(place) > before)
    below = drawing(driver)
    assert second in below
    driver.kill()
    wait(lambda: not any(map(alive, below)))
    left = kept(place)
    assert 4 < left < 160
    again = begun(place)
    stopped_at_the_end.append(again)
    assert kept(place) > left, "what was drawn stays"
    assert again.wait(LIMIT) == 0
    assert made(place) == long


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_it_after_the_pictures_in_work(
    number: int, code: int, tmp_path: Path, stopped_at_the_end: list["subprocess.Popen[str]"]
) -> None:
    place = home_of(tmp_path)
    driver = begun(place)
    stopped_at_the_end.append(driver)
    below = drawing(driver)
    for pid in below:
        os.kill(pid, signal.SIGSTOP)  # in the middle of a picture
    held = kept(place)
    driver.send_signal(number)
    with pytest.raises(subprocess.TimeoutExpired):
        driver.wait(1.5)
    for pid in below:
        os.kill(pid, signal.SIGCONT)
    told = driver.communicate(timeout=LIMIT)[1]
    assert driver.returncode == code, told
    assert "the same command goes on" in told and "Traceback" not in told
    wait(lambda: not any(map(alive, below)))
    assert kept(place) >= held + 2 and not (place / "renders/slow.gif").exists()


# --- a process that would draw otherwise ---------------------------------------------------------


def test_a_process_with_other_files_or_versions_draws_nothing(tmp_path: Path) -> None:
    preset = presets.from_dict(
        {"schema": 1, "scene": {"model": "portraits", "size": 32, "precision": "fp32"}}, "x.toml"
    )
    options, generator = Options(tmp_path, batch=2), open_model("portraits", "cpu")
    shared = provenance.shared(preset, generator, options)
    task = FilmTask(
        preset, options, str(Path.cwd()), "cpu", provenance.sealed(shared, options.batches)
    )
    scenes = [replace(preset.at(0.0), seed=seed) for seed in (1, 2)]
    drawn = draw_there(task, scenes)
    assert drawn is not None and drawn.shape == (2, 32, 32, 3)
    for key, other in (("torch", "1.0"), ("model", {"digest": "0"}), ("threads", 99)):
        changed = replace(task, made_with=provenance.canonical({**provenance_of(task), key: other}))
        with pytest.raises(BadData, match=f"other {key} than"):
            draw_there(changed, scenes)


def provenance_of(task: FilmTask) -> dict[str, object]:
    import json

    found: dict[str, object] = json.loads(task.made_with)
    return found
