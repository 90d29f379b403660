"""Archives of presets in the studio: opened from everywhere, never written to, and what is saved of
one stays whole when latty's cache is cleaned."""

import os
import shutil
import tomllib
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from archive_files import MEMBER, PRESET, a_set, archive, manifest
from cli_in_process import latty
from climbing_sets import climbing
from job_processes import over
from studio import Keys, dialog, run, settled, text, until
from textual import events
from textual.widgets import Input

from latty import home, presets
from latty.errors import BadData
from latty.render import provenance
from latty_tui import jobs
from latty_tui.dialogs.render.order import Order
from latty_tui.films import documents
from latty_tui.films.copies import link
from latty_tui.films.film import preset_of, state_of

ONE, TWO, OTHER = "presets/film.toml", "presets/still.toml", "presets/other.toml"
PANELS = b'[[panels]]\npreset = "other.toml"\n[[panels]]\nseed = 4\n'


def packed(*names: str) -> bytes:
    held = {name: PRESET + (PANELS if name == TWO else b"") for name in names}
    if TWO in names:
        held[OTHER] = PRESET.replace(b"seed = 3", b"seed = 9")
    held[MEMBER] = a_set()
    each = {name: {"directions": {"mine": MEMBER}} for name in held if name != MEMBER}
    if TWO in names:
        each[TWO]["panels"] = {"other.toml": OTHER}
    return archive(held, manifest(held, presets=[*names], names=each))


@pytest.fixture(autouse=True)
def files(here: Path) -> None:
    (here / "one.latty").write_bytes(packed(ONE))
    (here / "two.latty").write_bytes(packed(ONE, TWO))


@pytest.mark.parametrize(
    ("ref", "panels"), [("one.latty", 0), ("two.latty#film", 0), ("two.latty#still", 2)]
)
def test_what_is_saved_of_an_archive_outlives_the_cache(ref: str, panels: int, here: Path) -> None:
    before = {path: path.read_bytes() for path in here.iterdir()}
    found = documents.read(ref)
    assert found.file is None and found.archive == Path(ref.partition("#")[0])
    preset = preset_of(state_of(found.preset))
    documents.save(preset, here / "mine.toml")
    documents.save(preset, here / "again.toml")
    (here / "deep").mkdir()
    documents.save(preset, here / "deep/mine.toml")
    shutil.rmtree(home.archives_dir())
    deep = (here / "deep/mine.toml").read_text()
    assert 'direction = "mine-files/mine.safetensors#r1"' in deep, "from its own folder"
    for name in ("mine", "again"):
        again = documents.read(f"{name}.toml").preset
        assert again.scene.edits[0].direction == f"{name}-files/mine.safetensors#r1"
        assert len(again.panels) == panels and len(list((here / f"{name}-files").iterdir())) == 1
        assert [one.scene.seed for one in again.parts] == ([9, 4] if panels else [3])
        assert (here / f"{name}-files/mine.safetensors").read_bytes() == a_set()
    assert all(path.read_bytes() == data for path, data in before.items())


def test_what_is_saved_of_a_pinned_preset_pins_its_copies(here: Path) -> None:
    digits = sha256(a_set()).hexdigest()
    held = {ONE: PRESET + f'[pins.directions]\nmine = "{digits}"\n'.encode(), MEMBER: a_set()}
    names = {ONE: {"directions": {"mine": MEMBER}}}
    text = archive(held, manifest(held, presets=[ONE], names=names))
    (here / "pinned.latty").write_bytes(text)
    (here / "deep").mkdir()
    documents.save(documents.read("pinned.latty").preset, here / "deep/mine.toml")
    shutil.rmtree(home.archives_dir())
    saved = tomllib.loads((here / "deep/mine.toml").read_text())
    assert saved["pins"] == {"directions": {"mine-files/mine.safetensors": digits}}
    assert latty("check", "deep/mine.toml", home=here).returncode == 0
    with (here / "deep/mine-files/mine.safetensors").open("r+b") as copy:
        copy.seek(-1, os.SEEK_END)
        copy.write(b"\x01")
    done = latty("check", "deep/mine.toml", home=here)
    assert done.returncode == 65 and f"that it pins ({digits[:12]} /" in done.stderr, done


@pytest.mark.slow
def test_scorers_that_a_set_climbs_are_saved_with_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where another archive's scorer of that name was saved there before."""
    (there := here / "there").mkdir()
    for name in ("other", "author"):
        (author := here / name).mkdir()
        climbing(author)
        for weights in author.rglob("data/scorers/judge*.safetensors") if name == "other" else ():
            weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
        assert latty("pack", "up.toml", "-o", f"{there}/{name}.latty", home=author).returncode == 0
    monkeypatch.chdir(there)
    monkeypatch.setenv("LATTY_HOME", str(there / "home"))
    for name in ("other", "author"):
        documents.save(documents.read(f"{name}.latty").preset, there / "mine.toml", "all")
        done = latty("render", f"{name}.latty", "-o", f"{name}.png", home=there)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(home.archives_dir())
    done = latty("render", "mine.toml", "-o", "mine.png", home=there)
    assert done.returncode == 0, done.stderr
    assert "up-2-scorers" in {path.name for path in (there / "mine-files").iterdir()}
    own, packed = (provenance.read(there / name) for name in ("mine.png", "author.png"))
    assert own["scorers"] == packed["scorers"] and list(own["scorers"]) == ["judge"]
    again = latty("render", "mine.png", "-o", "again.png", home=there)
    assert again.returncode == 0, again.stderr
    for path in ("pin", "check"):
        assert latty(path, "mine.toml", home=there).returncode == 0
    (there / "mine-files/up-2-scorers").rename(there / "mine-files/gone")
    done = latty("render", "mine.toml", "-o", "two.png", home=there)
    assert done.returncode == 66 and "judge" in done.stderr, done


@pytest.mark.slow
def test_a_job_of_an_archive_outlives_the_cache(here: Path) -> None:
    """And so does the same once more, when the first was taken off the list."""
    order = Order(documents.read("one.latty").preset, here / "out", (64, 64))
    said = {"name": "mine", "formats": "png", "overwrite": "", "size": "32", "folder": "out",
            "device": "cpu"}  # fmt: skip
    status = over(order.submit(said))
    assert status.state == "done", status
    shutil.rmtree(home.archives_dir())
    again = over(jobs.again(status))
    assert again.state == "done", again
    jobs.remove(status.spec.id)
    last = over(jobs.again(again))
    assert last.state == "done", last
    assert not home.archives_dir().exists() and (here / "out/mine.png").is_file()


@pytest.mark.slow
def test_jobs_of_an_archive_share_its_model_as_long_as_one_needs_it(here: Path) -> None:
    """Also where the cache was cleaned between them, and the archive was unpacked anew."""
    (here / "m.toml").write_bytes(PRESET.replace(b"portraits", b"demo").partition(b"[[scene.ed")[0])
    with (here / "m.toml").open("a") as file:
        file.write('[[outputs]]\npath = "x.png"\n')
    packed = latty("pack", "m.toml", "-o", "m.latty", "--with-model", home=here)
    assert packed.returncode == 0, packed.stderr
    done, said = [], {"formats": "png", "overwrite": "yes", "size": "32", "folder": "out",
                      "device": "cpu"}  # fmt: skip
    for name in ("one", "two"):
        order = Order(documents.read("m.latty").preset, here / "out", (64, 64))
        done.append(over(order.submit({"name": name, **said})))
        shutil.rmtree(home.archives_dir())
    done.append(over(jobs.again(done[0])))
    assert [status.state for status in done] == ["done"] * 3, done
    models = [path.stat() for path in jobs.sheets().rglob("demo.safetensors")]
    assert len(models) == 3 and len({one.st_ino for one in models}) == 1
    for status in done[:2]:
        jobs.remove(status.spec.id)
    last = over(jobs.again(done[2]))
    assert last.state == "done", last
    for status in (done[2], last):
        jobs.remove(status.spec.id)
    assert not [*jobs.sheets().rglob("*.safetensors")]


def test_what_no_disk_holds_twice_is_copied_once(here: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == here.stat().st_dev:
        pytest.skip("there is one disk")
    with TemporaryDirectory(dir=other) as folder:
        (source := Path(folder) / "m.safetensors").write_bytes(a_set())
        (here / "wrong").write_bytes(a_set()[:-1] + b"x")
        link(source, here / "one", [here / "wrong"])
        link(source, here / "two", [here / "wrong", here / "one"])
    assert (here / "one").read_bytes() == a_set()
    assert (here / "two").samefile(here / "one") and (here / "one").stat().st_nlink == 2
    assert (here / "wrong").stat().st_nlink == 1


def test_files_of_others_beside_it_stay(here: Path) -> None:
    (here / "mine-files").mkdir()
    (here / "mine-files/mine.safetensors").write_bytes(b"another")
    documents.save(documents.read("one.latty").preset, here / "mine.toml")
    assert (here / "mine-files/mine.safetensors").read_bytes() == b"another"
    direction = presets.read("mine.toml").scene.edits[0].direction
    assert direction == "mine-files/mine-2.safetensors#r1"


def test_an_archive_is_never_written_over(here: Path) -> None:
    preset = documents.read("one.latty").preset
    shutil.copy("one.latty", "called.toml")
    for name in ("one.latty", "called.toml"):
        before = Path(name).read_bytes()
        with pytest.raises(BadData, match="is an archive of presets, and stays as it is"):
            documents.save(preset, here / name)
        assert Path(name).read_bytes() == before
    with pytest.raises(ValueError, match="archives are packed"):
        documents.target("one.latty", here)


def panel(pilot: Keys) -> Any:
    return pilot.app.panel("timeline").presets


async def comes(pilot: Keys, title: str) -> None:
    await until(pilot, lambda: panel(pilot).title() == title, title)
    await settled(pilot)
    assert pilot.app.state.scene.edits[0].direction.endswith("mine.safetensors#r1")
    pilot.app.action_undo()
    await until(pilot, lambda: panel(pilot).title() == "", "undo leads out")


async def opens(pilot: Keys, words: str) -> None:
    """Type a path where files are opened."""
    await pilot.press("colon")
    pilot.app.screen.query_one(Input).value = words
    await pilot.press("enter")


@pytest.mark.slow
def test_an_archive_is_opened_from_everywhere_and_saved_elsewhere(here: Path) -> None:
    before = (here / "one.latty").read_bytes()

    async def keys(pilot: Keys) -> None:
        await opens(pilot, "one.latty")
        await comes(pilot, "film in one.latty")
        await opens(pilot, "two.latty#still")
        await comes(pilot, "still in two.latty")
        await opens(pilot, "two.latty")
        await until(
            pilot, lambda: "two.latty holds 2 presets: load which?" in dialog(pilot), "asks"
        )
        await pilot.press(*"still", "enter")
        await comes(pilot, "still in two.latty")
        pilot.app.post_message(events.Paste(str(here / "one.latty")))
        await until(pilot, lambda: "open one.latty?" in dialog(pilot), "it asks")
        await pilot.press("enter")
        await comes(pilot, "film in one.latty")
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "one.latty" in text(pilot), "it is offered")
        await pilot.press(*"one.latty", "enter")
        await until(pilot, lambda: panel(pilot).title() == "film in one.latty", "loaded")
        await settled(pilot)
        await pilot.press("p")
        await until(
            pilot, lambda: "one.latty stays as it is: save the preset" in dialog(pilot), "said"
        )
        await pilot.press("enter")
        await until(pilot, lambda: panel(pilot).title() == "film.toml", "its name was proposed")
        assert presets.read("film.toml").scene.seed == 3
        await settled(pilot)

    run(keys)
    assert (here / "one.latty").read_bytes() == before


@pytest.mark.slow
def test_an_archive_is_opened_on_the_command_line(here: Path) -> None:
    (here / "broken.latty").write_bytes(packed(ONE)[:-30])

    async def asks(pilot: Keys) -> None:
        await until(pilot, lambda: "holds 2 presets: load which?" in dialog(pilot), "asks")
        await pilot.press("down", "enter")
        await comes(pilot, "still in two.latty")
        await opens(pilot, "broken.latty")
        await until(pilot, lambda: "cannot load" in dialog(pilot), "told in words")
        await pilot.press("escape")
        assert pilot.app.state.scene.model == "demo"

    run(asks, ref="two.latty")
