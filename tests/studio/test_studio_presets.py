"""Presets in the studio: saved, loaded, edited in $EDITOR, followed, and what is wrong with them.

The editor is a script called nano: it writes down what it was asked and changes the file.
"""

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio import Keys, asked, dialog, run, said, settled, text, until
from textual.widgets import Input

from latty import home, presets
from latty.render.writers import png
from latty.scene import Edit, Walk
from latty_tui.dialogs.ask import Ask
from latty_tui.films import documents
from latty_tui.films.film import preset_of
from latty_tui.library import importing, opening
from latty_tui.panels.models.open_path import completions
from latty_tui.panels.timeline.problems import Problems

FILE = """\
# the best face so far
schema = 1
name = "best"

[scene]
model = "demo"
seed = 7 # lucky
truncation = 0.8

[[scene.edits]]
direction = "demo/smile"
strength = 2

[[outputs]]
path = "best.png"
size = 128
"""
MOVING = FILE.replace("strength = 2", 'strength = { from = -3, to = 3, easing = "smooth" }')


pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: nano does to a file what `change` says (old=>new), and writes to `words`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "nano"
    script.write_text(
        f"#!{sys.executable}\nimport sys, pathlib\nhere = pathlib.Path({str(folder)!r})\n"
        "(here / 'words').open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "path, change = pathlib.Path(sys.argv[-1]), (here / 'change').read_text()\n"
        "old, _, new = change.partition('=>')\n"
        "path.write_text(path.read_text().replace(old, new)) if old else None\n"
    )
    script.chmod(0o755)
    (folder / "change").write_text("")
    monkeypatch.setenv("EDITOR", str(script))
    monkeypatch.delenv("VISUAL", raising=False)
    return folder


def words(editor: Path) -> list[str]:
    path = editor / "words"
    return path.read_text().splitlines() if path.exists() else []


def film_of(pilot: Keys) -> Any:
    return pilot.app.panel("timeline").presets


async def at_rest(pilot: Keys) -> None:
    """Until presets were read, written and drawn."""
    await pilot.pause()
    busy = lambda: any(w.group == "presets" and not w.is_finished for w in pilot.app.workers)  # noqa: E731
    await until(pilot, lambda: not busy(), "presets are done")
    await settled(pilot)


async def typed(pilot: Keys, words: str) -> None:
    """In place of what is in the field."""
    pilot.app.screen.query_one(Input).value = words
    await pilot.press("enter")
    await at_rest(pilot)


# Saving and loading.


def test_a_preset_is_saved_under_its_name_and_is_what_is_seen() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.change(pilot.app.state.added(Edit("demo/smile", 2.0)), "smile")
        await pilot.press("p")
        assert "demo-7" in text(pilot), "a name is suggested"
        await typed(pilot, "face")
        assert "saved face.toml; it renders to face.png" in said(pilot)
        assert presets.read("face.toml") == preset_of(pilot.app.state)
        assert pilot.app.state.name == "face"
        assert film_of(pilot).title() == "face.toml"
        pilot.app.change(pilot.app.state.with_scene(seed=8), "seed 8")
        assert film_of(pilot).title() == "face.toml (changed)"
        await pilot.press("K")
        pilot.app.change(pilot.app.state.with_scene(seed=9), "seed 9")
        await pilot.press("K", "p", "enter")
        await at_rest(pilot)
        found = presets.read("face.toml")
        assert found.scene.seed == Walk((8, 9)) and found.outputs[0].path == "face.gif"
        assert film_of(pilot).title() == "face.toml"
        pilot.app.action_undo()
        assert film_of(pilot).title() == "face.toml (changed)"
        await settled(pilot)

    run(keys)


def test_saving_keeps_the_comments_of_the_file(here: Path) -> None:
    (here / "best.toml").write_text(FILE)

    async def keys(pilot: Keys) -> None:
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 2.0),)
        pilot.app.change(pilot.app.state.with_scene(seed=8), "seed 8")
        await pilot.press("p", "enter")
        await at_rest(pilot)
        assert (here / "best.toml").read_text() == FILE.replace("seed = 7", "seed = 8")

    run(keys, ref="best.toml")


@pytest.mark.slow
def test_names_that_will_not_do_are_refused_and_files_in_the_way_are_asked_about(
    here: Path,
) -> None:
    (here / "best.toml").write_text(FILE)
    (here / "folder.toml").mkdir()

    async def keys(pilot: Keys) -> None:
        await pilot.press("p")
        shipped = str(home.presets_dir() / "hello.toml")
        wrong = {"nowhere/x": "there is no folder", "folder": "is a folder",
                 shipped: "choose another name", " ": "a name, or a path"}  # fmt: skip
        for name, why in wrong.items():
            pilot.app.screen.query_one(Input).value = name
            await pilot.pause()
            assert why in dialog(pilot), name
        await typed(pilot, "best")
        assert "best.toml is there: write over it?" in dialog(pilot)
        await pilot.press("enter")
        await at_rest(pilot)
        assert (here / "best.toml").read_text() == FILE, "no was the first answer"
        await pilot.press("p")
        await typed(pilot, "best")
        await pilot.press("down", "enter")
        await at_rest(pilot)
        found = presets.read(here / "best.toml")
        assert (
            not found.scene.edits and "# the best face so far" in (here / "best.toml").read_text()
        )

    run(keys)


@pytest.mark.slow
def test_presets_are_found_and_loaded_and_undo_leads_out(here: Path) -> None:
    (here / "best.toml").write_text(MOVING)
    (here / "other.toml").write_text("[project]\nname = 'x'\n")

    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "load a preset" in text(pilot), "the list")
        assert "best" in text(pilot) and "other" not in text(pilot)
        await pilot.press(*"best", "enter")
        await at_rest(pilot)
        state = pilot.app.state
        assert [key.edits[0].strength for key in state.keys] == [-3, 3]
        assert film_of(pilot).title() == "best.toml"
        pilot.app.action_undo()
        assert not pilot.app.state.keys and film_of(pilot).title() == ""
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "lately, best.toml" in text(pilot), "used lately")
        await pilot.press(*"another file", "enter")
        await pilot.press(*"nothing.toml")
        assert "there is no such file" in text(pilot)
        await typed(pilot, "best.toml")
        assert pilot.app.state == state

    run(keys)


@pytest.mark.slow
def test_the_studio_opens_a_preset_that_it_has_open_already(here: Path) -> None:
    (here / "best.toml").write_text(FILE)

    async def again(pilot: Keys) -> None:
        assert pilot.app.state.name == "best" and pilot.app.model is not None
        await until(pilot, lambda: "film: best.toml" in text(pilot), "the file's name")

    run(again, ref="best.toml")
    run(again, ref="best.toml")

    async def without(pilot: Keys) -> None:
        await until(pilot, lambda: film_of(pilot).title() == "best.toml", "the file is known")

    run(without)


@pytest.mark.slow
def test_another_model_is_opened_where_the_preset_names_one() -> None:
    async def keys(pilot: Keys) -> None:
        assert pilot.app.state.scene.model == "portraits" and pilot.app.model.name == "portraits"
        assert "moves as in the file: portraits/" in pilot.app.panel("timeline").render().plain
        assert asked("open")[-1]["model"] == "portraits"

    run(keys, ref="hello")


# What is wrong.


@pytest.mark.slow
def test_what_is_wrong_is_listed_and_the_editor_opens_there(here: Path, editor: Path) -> None:
    bad = FILE.replace("seed = 7", "sede = 7").replace("strength = 2", 'strength = "[b]2"')
    (here / "best.toml").write_text(bad)
    (editor / "change").write_text("sede=>seed")

    async def keys(pilot: Keys) -> None:
        shown = text(pilot)
        assert "2 problems in best.toml" in shown and "7:1  scene.sede: unknown key" in shown
        assert "did you mean 'seed'?" in shown and "| sede = 7 # lucky" in shown
        assert '| strength = "[b]2"' in shown
        await pilot.press("down", "e")
        await until(pilot, lambda: "1 problem in" in text(pilot), "one is mended")
        assert words(editor) == [f"+12 {here / 'best.toml'}"]
        (editor / "change").write_text('"[b]2"=>2')
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.state.name == "best", "all is mended")
        assert not isinstance(pilot.app.screen, Problems)

    run(keys, ref=str(here / "best.toml"))


# The editor.


def test_a_direction_that_is_misspelt_in_the_editor_is_a_problem_of_its_line(
    here: Path, editor: Path
) -> None:
    (here / "best.toml").write_text(FILE)
    (editor / "change").write_text("demo/smile=>demo/smlie")

    async def keys(pilot: Keys) -> None:
        before = pilot.app.state
        await pilot.press("e")
        words = "11:1  scene.edits.0.direction: no direction 'smlie' in demo"
        await until(pilot, lambda: words in text(pilot), "where it is wrong")
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.state == before

    run(keys, ref="best.toml")


def test_directions_that_were_missing_before_may_stay_while_something_else_is_written(
    here: Path, editor: Path
) -> None:
    """Another name that is not there is a problem of its line."""
    path = here / "best.toml"
    path.write_text(FILE.replace("demo/smile", "demo/smlie"))
    (editor / "change").write_text("seed = 7=>seed = 99")

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        assert app.state.name == "best" and "no direction 'smlie' in demo" in said(pilot)
        await pilot.press("e")
        await until(pilot, lambda: app.state.scene.seed == 99, "what was saved is taken")
        app.change(app.state.with_scene(seed=8), "seed 8")
        (editor / "change").write_text("seed = 8=>seed = 98")
        await pilot.press("e")
        await until(pilot, lambda: app.state.scene.seed == 98, "from a file of its own, too")
        await at_rest(pilot)
        path.write_text(FILE.replace("demo/smile", "demo/smlie").replace("seed = 7", "seed = 97"))
        await until(pilot, lambda: app.state.scene.seed == 97, "what others write is read")
        await at_rest(pilot)
        path.write_text(FILE.replace("demo/smile", "demo/simle"))
        where = "11:1  scene.edits.0.direction: no direction 'simle' in demo"
        await until(pilot, lambda: where in text(pilot), "another one")
        await pilot.press("escape")
        await pilot.pause()
        assert app.state.scene.seed == 97

    run(keys, ref="best.toml")


SHEET = """
[[each]]
key = "d"
values = "demo/smile,demo/yaw"
[[outputs]]
path = "sheet.png"
rows = "d"
"""
PANEL = """
[[panels]]
[[panels]]
edits = [{ direction = "demo/smlie", strength = 1.0 }]
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", ["panel", "sheet"])
def test_names_of_panels_and_sheets_are_held_to_the_same(
    here: Path, editor: Path, more: str
) -> None:
    path, whole = here / "best.toml", FILE + PANEL
    if more == "sheet":
        whole = FILE.replace("demo/smile", "{d}").split("[[outputs]]")[0] + SHEET
    path.write_text(whole)

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        (editor / "change").write_text("seed = 7=>seed = 99")
        await pilot.press("e")
        await until(pilot, lambda: app.state.scene.seed == 99, "what was missing before may stay")
        await at_rest(pilot)
        (editor / "change").write_text("demo/yaw=>demo/ywa" if more == "sheet" else "smlie=>simle")
        await pilot.press("e")
        wrong = "ywa" if more == "sheet" else "simle"
        await until(pilot, lambda: f"no direction '{wrong}'" in dialog(pilot), "another may not")

    run(keys, ref="best.toml")


def test_the_editor_changes_the_open_file(here: Path, editor: Path) -> None:
    (here / "best.toml").write_text(FILE)
    (editor / "change").write_text("seed = 7=>seed = 99")

    async def keys(pilot: Keys) -> None:
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.state.scene.seed == 99, "what was saved is taken")
        assert words(editor) == [str(here / "best.toml")]
        assert film_of(pilot).title() == "best.toml"

    run(keys, ref="best.toml")


def test_a_state_that_is_not_saved_is_edited_in_a_file_of_its_own(here: Path, editor: Path) -> None:
    (here / "best.toml").write_text(FILE)
    (editor / "change").write_text("truncation = 0.8=>truncation = 0.25")

    async def keys(pilot: Keys) -> None:
        pilot.app.change(pilot.app.state.with_scene(seed=8), "seed 8")
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.state.scene.truncation == 0.25, "taken")
        assert pilot.app.state.scene.seed == 8
        assert (here / "best.toml").read_text() == FILE, "the file is not touched"
        assert film_of(pilot).title() == "best.toml (changed)"
        await at_rest(pilot)
        steps, folder = len(pilot.app.history), home.cache_dir() / "edit"
        assert not list(folder.iterdir()), "it is thrown away"
        (editor / "change").write_text("")
        await pilot.press("e")
        await until(pilot, lambda: len(words(editor)) == 2, "again")
        await at_rest(pilot)
        assert len(pilot.app.history) == steps, "nothing saved, nothing changed"
        (editor / "change").write_text("seed = 8=>seed = -8")
        await pilot.press("e")
        await until(pilot, lambda: "1 problem in" in text(pilot), "it is wrong")
        (editor / "change").write_text("seed = -8=>seed = 88")
        await pilot.press("e")
        await until(pilot, lambda: pilot.app.state.scene.seed == 88, "mended")
        assert words(editor)[-1].startswith("+7 ")

    run(keys, ref="best.toml")


def test_no_editor_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor -w")

    async def keys(pilot: Keys) -> None:
        await pilot.press("e")
        await until(pilot, lambda: "there is no editor 'no-such-editor'" in text(pilot), "said")

    run(keys)


# Following the file.


def test_a_file_that_others_write_is_loaded_again(here: Path) -> None:
    path = here / "best.toml"
    path.write_text(FILE)

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        path.write_text(FILE.replace("seed = 7", "seed = 70"))
        await until(pilot, lambda: app.state.scene.seed == 70, "read again")
        app.change(app.state.with_scene(seed=1), "seed 1")
        path.write_text(FILE.replace("seed = 7", "seed = 71"))
        await until(pilot, lambda: app.state.scene.seed == 71, "and again")
        await until(pilot, lambda: "u brings yours back" in said(pilot), "said")
        app.action_undo()
        assert app.state.scene.seed == 1
        path.write_text(FILE.replace("seed", "sede"))
        await until(pilot, lambda: isinstance(app.screen, Problems), "it is wrong now")
        assert app.state.scene.seed == 1, "and what was there stays"
        path.write_text(FILE.replace("seed = 7", "seed = 72"))
        await until(pilot, lambda: app.state.scene.seed == 72, "mended by somebody else")
        assert len(app.screen_stack) == 1, "the dialog is gone"
        path.unlink()
        await pilot.pause(0.7)
        assert app.state.scene.seed == 72 and len(app.screen_stack) == 1

    run(keys, ref="best.toml")


def test_what_others_write_while_a_name_is_typed_is_asked_about(here: Path) -> None:
    path = here / "best.toml"
    path.write_text(FILE)
    theirs = FILE.replace("seed = 7", "seed = 70"), FILE.replace("seed = 7", "seed = 71")

    async def keys(pilot: Keys) -> None:
        app = pilot.app
        app.change(app.state.with_scene(seed=1), "seed 1")
        await pilot.press("p")
        path.write_text(theirs[0])
        await typed(pilot, "best.toml")
        assert "has been changed by another program: write over it?" in dialog(app)
        path.write_text(theirs[1])  # once more, while it is asked
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(app.screen_stack) == 2, "asked again")
        await pilot.press("escape")
        assert path.read_text() == theirs[1], "no was the answer"
        await until(pilot, lambda: app.state.scene.seed == 71, "read again")
        app.action_undo()
        if app.state.scene.seed == 70:  # it may have been read between the two writes
            app.action_undo()
        assert app.state.scene.seed == 1
        await pilot.press("p")
        await typed(pilot, "best.toml")
        assert presets.read(path).scene.seed == 1, "it was read, and may be written over"

    run(keys, ref="best.toml")


def test_a_file_that_comes_while_a_name_is_typed_is_asked_about(here: Path) -> None:
    async def keys(pilot: Keys) -> None:
        await pilot.press("p")
        pilot.app.screen.query_one(Input).value = "best"
        (here / "best.toml").write_text(FILE)
        await pilot.press("enter")
        await at_rest(pilot)
        assert "best.toml is there: write over it?" in dialog(pilot)
        await pilot.press("escape")
        assert (here / "best.toml").read_text() == FILE

    run(keys)


# Odd files.


def odd_files(folder: Path, suffix: str) -> None:
    """What is no file, or none to be looked at, under names of that suffix."""
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / f"a{suffix}")
    (folder / f"b{suffix}").symlink_to("/dev/zero")
    (folder / f"c{suffix}").symlink_to("nowhere")
    (folder / f"d{suffix}").symlink_to(f"d{suffix}")
    (folder / f"e{suffix}").mkdir()
    (folder / f"f{suffix}").touch()
    os.truncate(folder / f"f{suffix}", 2**31)
    (folder / f"g{suffix}").touch(0)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(folder / f"h{suffix}"))


def test_odd_files_in_the_folder_are_passed_over(here: Path) -> None:
    for suffix in (".toml", ".png", ".gif", ".safetensors", ".pt"):
        odd_files(here, suffix)
        odd_files(here / "presets", suffix)
        odd_files(here / "renders", suffix)
    (here / "best.toml").write_text(FILE)
    for number in range(3000):
        (here / f"n{number}.toml").write_text("[project]\n")
    before = resource.getrusage(resource.RUSAGE_SELF)

    async def keys(pilot: Keys) -> None:
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "load a preset" in text(pilot), "the list")
        await pilot.press(*"best")
        assert "best.toml" in text(pilot)
        await pilot.press("escape", "q")
        assert pilot.app._exit

    run(keys)
    after = resource.getrusage(resource.RUSAGE_SELF)
    assert after.ru_maxrss - before.ru_maxrss < 200 * 1024
    found = {Path(one.ref).name for one in documents.offers(here / "renders")}
    assert found >= {"best.toml", "f.png"} and not found & {"a.png", "b.toml", "d.gif", "h.png"}
    assert not [name for name in found if name.startswith(("a.", "b.", "c.", "d.", "e.", "h."))]


def test_odd_files_are_not_offered_where_a_path_is_typed(here: Path) -> None:
    odd_files(here, ".pt")
    assert completions("") == ["e.pt/", "f.pt", "g.pt"]
    assert completions(str(here / "d")) == []


ODD_PATHS = ["~nosuch/x", "x" * 5000, "/" * 3000 + "x", "a/" * 2000, "loop/x", "\ud800",
             "~/" + "y" * 300]  # fmt: skip


async def refused(pilot: Keys, words: str, here: Path) -> None:
    """A path that is typed in a dialog, and one that is dropped; everything is closed again."""
    app = pilot.app
    ask = Ask("a file", words, lambda text: documents.target(text, here))
    await app.push_screen(ask)
    await until(pilot, ask.ready.is_set, words)
    await pilot.press("enter")
    await until(pilot, lambda: ask not in app.screen_stack or ask.query(".wrong"), words)
    if ask in app.screen_stack:  # else it will do as a new file's name
        await pilot.press("escape")
        await until(pilot, lambda: ask not in app.screen_stack, words)
    await app.guarded(opening.take(app, words), "take")
    while len(app.screen_stack) > 1:
        assert "went wrong in the studio" not in text(pilot)
        await app.pop_screen()


@pytest.mark.slow
def test_odd_paths_that_are_typed_are_refused_in_words(here: Path) -> None:
    (here / "loop").symlink_to("loop")

    async def keys(pilot: Keys) -> None:
        for words in ODD_PATHS:
            await refused(pilot, words, here)

    run(keys)
    assert all(completions(words) == [] for words in ODD_PATHS)


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e", "h"])
@pytest.mark.parametrize("suffix", [".toml", ".png", ".safetensors", ".pt", ".npy"])
def test_odd_files_that_are_dropped_are_ignored(name: str, suffix: str, here: Path) -> None:
    odd_files(here, suffix)
    path = here / f"{name}{suffix}"
    assert opening.path_of(str(path)) is None
    assert asyncio.run(importing.kind_of(path)) == ""


# Pictures are presets too.


@pytest.mark.slow
def test_the_picture_is_exported_with_its_recipe_and_opens_again(here: Path) -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.change(pilot.app.state.added(Edit("demo/smile", 2.0)), "smile")
        for name in ("demo-7.png", "demo-7-2.png"):
            await pilot.press("ctrl+s")
            await until(pilot, lambda path=here / "renders" / name: path.exists(), name)
            await at_rest(pilot)

    studio = run(keys, real=True)
    assert (here / "renders/demo-7.png").stat().st_size > 1000

    async def opened(pilot: Keys) -> None:
        assert pilot.app.state.scene == replace(studio.state.scene)
        assert not film_of(pilot).current

    shutil.rmtree(home.state_dir())
    run(opened, ref="renders/demo-7.png")


def test_a_picture_that_names_a_file_elsewhere_asks_for_it(here: Path) -> None:
    """It may come from anybody; nothing that it names is opened."""
    scene = {"model": "/dev/zero", "seed": 3, "edits": [{"direction": "../x#smile"}]}
    preset = {"schema": 1, "name": "x", "scene": scene, "outputs": [{"path": "x.png"}]}
    recipe = json.dumps({"schema": 1, "preset": preset, "batches": [[0, 1]]})
    (here / "y").mkdir()
    png.save(np.zeros((4, 4, 3), np.uint8), here / "y/x.png", recipe)

    async def keys(pilot: Keys) -> None:
        pilot.app.background(film_of(pilot).open("y/x.png"), "presets")
        for words, answer in (("model '/dev/zero'", "demo"), ("direction set '../x'", "demo")):
            await until(pilot, lambda words=words: words in dialog(pilot), words)
            await pilot.press("enter")  # nothing is no answer
            await pilot.press(*answer, "enter")
        await until(pilot, lambda: pilot.app.state.scene.seed == 3, "the picture's scene")
        assert pilot.app.state.scene.model == "demo"
        assert pilot.app.state.scene.edits[0].direction == "demo#smile"

    run(keys)
    assert "/dev/zero" not in json.dumps(asked())


def test_presets_are_read_and_taken_apart_without_torch(here: Path) -> None:
    (here / "best.toml").write_text(MOVING)
    code = (
        "import sys\nfrom latty_tui.films import documents, film\n"
        "state = film.state_of(documents.read('best.toml').preset)\n"
        "assert len(state.keys) == 2\n"
        "film.preset_of(state); documents.offers(documents.Path('.'))\n"
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
