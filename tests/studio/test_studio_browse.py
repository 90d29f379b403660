"""The panels of models and directions: found, tried, starred, renamed, dropped, opened."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import onnx_files
import pytest
from loopback import File, serving
from processes import alive, children, gone
from studio import Keys, asked, dialog, run, said, settled, text, until
from textual import events
from zoo_files import zoo_text

from latty import home
from latty.cli.parser import parse
from latty.directions import manage
from latty.directions.file import read_header
from latty.jobs import control
from latty.scene import Edit, Layers, Scene
from latty_tui.dialogs.choose import Decide
from latty_tui.dialogs.readers import free_name
from latty_tui.drawing.engine import Drawn, OpenModel
from latty_tui.library import importing, models, opening, sets
from latty_tui.library.marks import Marks, read_tags
from latty_tui.library.opening import show_model
from latty_tui.panels.directions import renaming
from latty_tui.panels.models import open_path
from latty_tui.state import History, State

SHIPPED = home.shipped_dir() / "directions"
DEMO = OpenModel("demo", "stylegan2", 64, 64, 3, 64, 10, 128, 0, "w",
             read_header(SHIPPED / "demo.safetensors").model_digest, (), (),
             ("b8.conv1",), "cpu")  # fmt: skip


def own(name: str, to: str) -> Path:
    """A copy of a shipped set in the user's store."""
    target = home.directions_dir() / f"{to}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHIPPED / f"{name}.safetensors", target)
    return target


def panel(pilot: Keys) -> "object":
    return pilot.app.panel("directions")


async def ready(pilot: Keys) -> "object":
    """The directions' panel, with the list in it."""
    found = panel(pilot)
    await until(pilot, lambda: found.rows, "the list is there")
    found.focus()
    await pilot.pause()
    return found


async def at(pilot: Keys, ref: str) -> "object":
    """The same, with the cursor at a direction."""
    found = await ready(pilot)
    keys = [row.key for row in found.rows]
    found.list.go(keys.index(ref))
    await pilot.pause()
    assert found.row.key == ref
    return found


# --- the list, without a screen -------------------------------------------------------------------


def keys(entries: tuple[sets.SetEntry, ...], model: OpenModel | None, words: str = "") -> list[str]:
    return [row.key for row in sets.rows(entries, model, Marks(), {}, words)]


def test_the_list_is_by_method_and_what_does_not_fit_comes_last() -> None:
    entries = sets.SetReader().look()
    rows = sets.rows(entries, DEMO, Marks(), {})
    heads = [row for row in rows if row.found is None]
    assert [row.title for row in heads][:2] == ["tlgan demo", "ganspace demo-activations"]
    assert all(not row.misfit for row in heads[:2]) and all(row.misfit for row in heads[2:])
    assert all(not row.open for row in heads[2:])
    assert "demo/smile" in [row.key for row in rows]
    assert "portraits/smile" not in [row.key for row in rows]
    rows = sets.rows(entries, DEMO, Marks(), {"others": False})
    heads = [row for row in rows if row.found is None]
    assert next(row for row in heads if row.title == "tlgan portraits").misfit == (
        "made for portraits"
    )


def test_sets_of_one_method_stand_below_it() -> None:
    own("demo", "second")
    entries = sets.SetReader().look()
    rows = sets.rows(entries, DEMO, Marks(), {})
    assert [(row.title, row.level, row.count) for row in rows if row.found is None][:3] == [
        ("tlgan", 0, 44), ("demo", 1, 22), ("second", 1, 22),
    ]  # fmt: skip
    folded = sets.rows(entries, DEMO, Marks(), {"tlgan": True})
    assert [row.title for row in folded if row.found is None][:2] == [
        "tlgan",
        "ganspace demo-activations",
    ]


def test_the_filter_looks_at_names_sets_methods_tags_and_stars() -> None:
    entries = sets.SetReader().look()
    marks = Marks().starred("demo/yaw").tagged("demo/age", ["old", "work"])

    def found(words: str) -> list[str]:
        rows = sets.rows(entries, DEMO, marks, {"tlgan/demo": True}, words)
        return [row.key for row in rows if row.found]

    assert found("demo/smil") == ["demo/smile"]
    assert found("smile")[0] == "demo/smile" and "portraits/smile" in found("smile")
    assert found("#old") == ["demo/age"] and found("old work") == ["demo/age"]
    assert found("starred") == ["demo/yaw", "demo/yaw"]  # among the stars, and in its set
    assert found("demo-activations") == [f"demo-activations/c{i}" for i in range(4)]
    assert found("nothing of the kind") == []


def test_folders_are_read_once_and_again_when_they_change() -> None:
    entries = sets.SetReader()
    first = entries.look()
    assert entries.look() is first
    path = own("demo", "new")
    second = entries.look()
    assert second is not first and "new" in [entry.name for entry in second]
    assert second[0] is first[0]
    path.write_bytes(path.read_bytes()[:5000])
    broken = next(entry for entry in entries.look() if entry.name == "new")
    assert broken.error and sets.misfit(broken, DEMO) == broken.error
    path.unlink()
    assert "new" not in [entry.name for entry in entries.look()]


def test_why_a_set_does_not_fit() -> None:
    one = next(entry for entry in sets.SetReader().look() if entry.name == "demo")
    assert one.header is not None
    from dataclasses import replace

    def why(sizes: tuple[int, ...] = one.sizes, **changes: object) -> str:
        header = replace(one.header, **changes)
        return sets.misfit(replace(one, header=header, sizes=sizes), DEMO)

    assert why() == "" and sets.misfit(one, None) == ""
    assert why(model_digest="ab") == "made for demo"
    assert why(model_digest="", family="biggan") == "made for biggan models"
    assert why((512,), model_digest="") == "has 512 numbers, demo moves by 128 in w"
    assert why((10, 128), model_digest="") == "" and why((64,), space="z") == ""
    assert why(space="activation:b8.conv1") == ""
    assert why(space="activation:b4") == "demo has no layer b4"


def test_a_state_follows_names() -> None:
    scene = Scene("demo", edits=(Edit("a/x"), Edit("a/y", 2, conditions=("a/x",))), locks=("a/x",))
    state = State(scene, muted=frozenset({1}), keys=(scene,))
    moved = renaming.followed(state, "a/x", "b/z")
    assert [edit.direction for edit in moved.scene.edits] == ["b/z", "a/y"]
    assert moved.scene.edits[1].conditions == moved.scene.locks == ("b/z",)
    assert moved.keys == (moved.scene,) and moved.muted == {1}
    gone = renaming.followed(state, "a/x", None)
    assert [edit.direction for edit in gone.scene.edits] == ["a/y"]
    assert gone.scene.locks == gone.scene.edits[0].conditions == () and gone.muted == {0}
    assert gone.keys == (gone.scene,)
    assert renaming.followed(state, "a/q", None) == state


def test_names_are_read() -> None:
    read = renaming.name_reader({"smile"})
    assert read(" grin ") == "grin"
    for wrong in ("", "12", "a/b", "a#b", "smile", "x" * 81, "a\x1b[2J"):
        with pytest.raises(ValueError):
            read(wrong)
    assert free_name("a", {"a", "a-2"}.__contains__) == "a-3"
    assert [renaming.short(ref) for ref in ("demo/smile", "/x/y.safetensors#a", "seed:4")] == [
        "smile", "a", "seed-4",
    ]  # fmt: skip
    assert read_tags("#old, work") == ("old", "work")
    with pytest.raises(ValueError):
        read_tags("# ")


def test_marks_are_kept_and_follow_what_is_renamed() -> None:
    marks = Marks().starred("demo/a").tagged("demo/a", ["x"]).opened("/m.pt")
    assert marks.save(Marks()) == marks == Marks.load()
    assert marks.moved("demo/a", "my/b") == Marks().starred("my/b").tagged("my/b", ["x"]).opened(
        "/m.pt"
    )
    assert (home.data_dir() / "marks.json").stat().st_mode & 0o777 == 0o600


def test_two_studios_lose_no_marks_of_each_other() -> None:
    start = Marks().starred("a/1").starred("a/2").tagged("a/1", ["x"])
    start.save(Marks())
    one = start.starred("a/3").tagged("a/1", ["y"])
    two = start.starred("a/2").tagged("a/2", ["z"]).opened("/m.pt")
    one.save(start)
    merged = two.save(start)
    assert merged == Marks.load()
    assert merged.stars == {"a/1", "a/3"} and merged.recent == ("/m.pt",)
    assert merged.tags == {"a/1": ("y",), "a/2": ("z",)}


@pytest.mark.parametrize(
    "words",
    ["{", '{"schema": 2}',
     *(pytest.param(one, marks=pytest.mark.slow)
       for one in ("[]", "[" * 3000, '{"schema": ' + "9" * 5000 + "}", ""))],
)  # fmt: skip
def test_damaged_marks_are_set_aside_and_told(words: str) -> None:
    file = home.data_dir() / "marks.json"
    file.parent.mkdir(parents=True)
    file.write_text(words)

    async def keys(pilot: Keys) -> None:
        await until(pilot, lambda: "marks.json.1" in said(pilot), "told")
        await pilot.press("asterisk")

    run(keys)
    assert file.with_name("marks.json.1").read_text() == words
    file.write_text('{"schema": 1, "stars": 3, "tags": {"a": [4]}}')
    assert Marks.load() == Marks()


# --- the list on the screen -----------------------------------------------------------------------


def test_find_a_smile_press_see_it_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(History, "PAUSE", 600)  # however slowly a machine takes the keys

    async def keys(pilot: Keys) -> None:
        await ready(pilot)
        await pilot.press("slash", *"smile", "enter")
        assert "demo/smile" in panel(pilot).row.key
        await pilot.press("right", "right", "right")
        await settled(pilot)
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 1.5),)
        assert asked("draw")[-1]["scenes"][0]["edits"][0]["strength"] == 1.5
        assert "+1.5" in text(pilot)
        await pilot.press("left")
        assert pilot.app.state.scene.edits[0].strength == 1.0
        assert len(pilot.app.history) == 2  # one step of undo for the whole burst
        await pilot.press("u")
        assert not pilot.app.state.scene.edits
        await pilot.press("enter")
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 1.0),)
        assert pilot.app.focused is panel(pilot)
        await pilot.press("escape")
        assert len(panel(pilot).rows) > 20 and panel(pilot).row.key == "demo/smile"
        await pilot.press("enter")  # it is in the stack: on to its slider
        assert pilot.app.focused.id == "edits"

    run(keys)


def test_an_edit_that_cannot_be_seen_says_why() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "demo/yaw")
        await pilot.press("enter")
        app = pilot.app
        app.change(app.state.toggled("solo", 0), "solo yaw")
        await at(pilot, "demo/smile")
        await pilot.press("right")
        await until(pilot, lambda: "another edit is solo" in said(pilot))

    run(keys)


def test_the_cursor_goes_to_what_can_be_used_with_another_model() -> None:
    async def keys(pilot: Keys) -> None:
        found = await at(pilot, "demo/smile")
        show_model(pilot.app, "flat")  # none of the sets is for it
        await settled(pilot)
        assert found.row.key == sets.SEARCH
        show_model(pilot.app, "demo")
        await settled(pilot)
        assert found.row.found and not found.row.misfit

    run(keys)


def test_the_list_at_80x24() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "demo/smile")
        await pilot.press("right")
        await settled(pilot)
        shown = text(pilot)
        assert "smile" in shown and "+0.5" in shown and "-2 to +3 σ" in shown

    run(keys, size=(80, 24))


def test_misfits_say_why() -> None:
    async def keys(pilot: Keys) -> None:
        found = await ready(pilot)
        await pilot.press("slash", *"portraits/smile", "enter")
        said: list[str] = []
        pilot.app.say = lambda words, *more: said.append(words)  # type: ignore[method-assign]
        for count, key in enumerate(("enter", "right", "A"), 1):
            await pilot.press(key)
            assert said == ["smile: made for portraits"] * count, key
        assert not pilot.app.state.scene.edits
        assert "made for portraits" in text(pilot)
        assert found.row.misfit

    run(keys)


def test_heads_fold_and_all_of_a_set_is_added() -> None:
    async def keys(pilot: Keys) -> None:
        found = await at(pilot, "demo/yaw")
        await pilot.press("A")
        edits = pilot.app.state.scene.edits
        assert len(edits) == 22 and {edit.strength for edit in edits} == {0.0}
        await pilot.press("A")
        assert len(pilot.app.state.scene.edits) == 22
        await pilot.press("up")
        count = len(found.rows)
        await pilot.press("enter")
        assert len(found.rows) == count - 22 and found.row.title == "tlgan demo"
        await pilot.press("right")
        assert len(found.rows) == count

    run(keys)


def test_stars_and_tags_are_kept() -> None:
    async def keys(pilot: Keys) -> None:
        found = await at(pilot, "demo/age")
        await pilot.press("asterisk")
        assert found.rows[0].title == "starred" and found.rows[1].key == "demo/age"
        assert found.row.key == "demo/age" and found.list.cursor > 2  # it stays in its set
        await pilot.press("number_sign", *"old", "enter")
        await until(pilot, lambda: Marks.load().tags, "the tag is written")
        assert Marks.load() == Marks().starred("demo/age").tagged("demo/age", ["old"])
        await pilot.press("slash", *"#old", "enter")
        assert [row.key for row in found.rows if row.found] == ["demo/age", "demo/age"]
        assert "★" in text(pilot) and "#old" in text(pilot)

    run(keys)
    table = json.loads((home.data_dir() / "marks.json").read_text())
    assert table["stars"] == ["demo/age"]


def test_a_set_that_appears_is_there_at_once_and_the_cursor_stays() -> None:
    async def keys(pilot: Keys) -> None:
        found = await at(pilot, "demo/smile")
        path = own("demo", "found")
        await until(pilot, lambda: any(row.title == "found" for row in found.rows), "it is listed")
        assert found.row.key == "demo/smile"
        path.write_bytes(b"\x10" * 40)  # another kind of file now, or damaged
        await until(pilot, lambda: all(row.key != "found/yaw" for row in found.rows), "it is not")
        assert found.row.key == "demo/smile"

    run(keys)


def test_names_of_strangers_cannot_break_the_screen() -> None:
    from dataclasses import replace

    from latty.directions.file import read, write

    header, arrays = read(SHIPPED / "demo.safetensors")
    infos = list(header.infos)
    infos[0] = replace(infos[0], name="[red]漢字 [@click=app.quit]x" + "長" * 30)
    path = home.directions_dir() / "[b]odd.safetensors"
    write(path, replace(header, infos=tuple(infos), method="[blink]a"), arrays)

    async def keys(pilot: Keys) -> None:
        found = await at(pilot, f"[b]odd/{infos[0].name}")
        await pilot.press("right")
        await settled(pilot)
        lines = text(pilot).split("\n")
        assert any("[red]漢字" in line for line in lines)
        assert found.desk.state.scene.edits[0].strength == 0.5
        await pilot.press("number_sign")
        assert "[red]" in text(pilot)

    run(keys)


def test_a_set_is_traversed_as_a_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the model, class and truncation of the picture, into a folder that is free."""
    handed: list[tuple[str, ...]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(control, "submit", lambda words, *_: handed.append((*words,)) or "1k-abcd")
    (tmp_path / "renders/demo-traverse").mkdir(parents=True)

    async def keys(pilot: Keys) -> None:
        await at(pilot, "demo/smile")
        app = pilot.app
        scene = replace(app.state.scene, truncation=0.5, label=((0, 0.25), (3, 0.75)))
        app.change(replace(app.state, scene=scene), "half")
        await pilot.press("W")
        await until(pilot, lambda: len(app.screen_stack) == 2, "it asks for the seeds")
        await pilot.press(*"3-x", "enter")
        await pilot.pause()
        assert len(app.screen_stack) == 2 and not handed, "no seeds, no job"
        await pilot.press(*["backspace"] * 3, *"3,5", "enter")
        await until(pilot, lambda: handed, "the job is handed in")

    run(keys)
    folder = str(tmp_path / "renders/demo-traverse-2")
    assert handed == [("traverse", "demo", "--model=demo", "--seeds=3,5",
                       "--label=0:0.25,3:0.75", "--truncation=0.5", "-o", folder)]  # fmt: skip
    parse(handed[0])


@pytest.mark.slow
def test_rename_flip_delete_export_and_keep_with_the_real_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def keys(pilot: Keys) -> None:
        app, found = pilot.app, await at(pilot, "demo/smile")
        await pilot.press("right", "right", "right")
        await settled(pilot)
        smiling = app.picture.pixels.picture.pixels

        await pilot.press("a", *"grin", "enter")  # the edits as one direction
        await until(pilot, lambda: found.row.key == "mine/grin", "it is in the list")
        await pilot.press("A")
        stack = app.state.scene.edits
        assert stack[1] == Edit("mine/grin", 0.0)
        app.change(app.state.removed(0).edited(0, strength=1.0), "grin alone")
        await settled(pilot)
        again = app.picture.pixels.picture.pixels
        worst = max(abs(a - b) for a, b in zip(smiling, again, strict=True))
        assert worst <= 1

        await pilot.press("slash", *"grin", "enter", "f2", *"laugh", "enter")
        await until(pilot, lambda: found.row.key == "mine/laugh", "the cursor follows")
        assert not found.words and "demo/smile" in [row.key for row in found.rows]
        assert app.state.scene.edits == (Edit("mine/laugh", 1.0),)
        await pilot.press("F")
        await until(pilot, lambda: _flipped(app, again), "the picture is another one")
        await pilot.press("X", *["end", "enter"])
        await until(pilot, (tmp_path / "laugh.safetensors").exists, "it is exported")
        assert read_header(tmp_path / "laugh.safetensors").names == ("laugh",)
        await pilot.press("D", "enter")  # to keep it is the first answer
        assert len(app.screen_stack) == 1 and app.state.scene.edits
        await pilot.press("D", "y")
        await until(pilot, lambda: "mine/laugh" not in [row.key for row in found.rows], "gone")
        assert not app.state.scene.edits
        assert not (home.directions_dir() / "mine.safetensors").exists()
        steps = len(app.history)

        await pilot.press("u")  # each of them is taken back, the files, too
        await until(pilot, lambda: "mine/laugh" in [row.key for row in found.rows], "back")
        assert app.state.scene.edits == (Edit("mine/laugh", 1.0),)
        await pilot.press("u")
        await until(pilot, lambda: app.history.index == steps - 3, "flipped back")
        await settled(pilot)
        back = app.picture.pixels.picture.pixels
        assert max(abs(a - b) for a, b in zip(back, again, strict=True)) <= 1, "the same picture"
        await pilot.press("u")
        await until(pilot, lambda: "mine/grin" in [row.key for row in found.rows], "its old name")
        assert app.state.scene.edits == (Edit("mine/grin", 1.0),)
        app.go_to_step(steps - 1)  # and done again, all at once
        await until(pilot, lambda: app.history.index == steps - 1, "deleted again")
        await until(pilot, lambda: "mine/laugh" not in [row.key for row in found.rows], "gone")
        app.go_to_step(steps - 2)
        await until(pilot, lambda: app.history.index == steps - 2, "flipped")
        mine = home.directions_dir() / "mine.safetensors"
        manage.rename(str(mine), "laugh", "theirs")  # another studio
        theirs = mine.read_bytes()
        await pilot.press("u")
        await until(pilot, lambda: "by another program or studio" in said(pilot), "refused")
        assert app.history.index == steps - 2
        assert mine.read_bytes() == theirs

        await at(pilot, "demo/yaw")  # ships: a copy is renamed
        await pilot.press("D")
        assert len(app.screen_stack) == 1
        await pilot.press("f2", *"turn", "enter")
        await until(pilot, lambda: found.row.key == "my-demo/turn", "the copy is listed")
        assert "demo/yaw" in [row.key for row in found.rows]
        await settled(pilot)

    run(keys, real=True)


def _flipped(app: "object", before: bytes) -> bool:
    now = app.picture.pixels.picture.pixels
    return len(now) == len(before) and now != before


def test_a_set_that_is_too_large_to_be_kept_is_deleted_for_good_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mine = home.directions_dir() / "mine.safetensors"
    mine.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / "directions" / "demo.safetensors", mine)

    async def keys(pilot: Keys) -> None:
        found = await ready(pilot)
        await pilot.press("slash", *"mine", "enter", "down")
        await until(pilot, lambda: found.row.entry.name == "mine", "the set")
        for most, words in ((2**20, "u brings it back"), (1000, "for good")):
            monkeypatch.setattr(renaming.bin, "MOST", most)
            await pilot.press("D")
            await until(pilot, lambda: words in dialog(pilot), words)  # noqa: B023
            await pilot.press("escape")

    run(keys)


# --- models ---------------------------------------------------------------------------------------


def test_models_open_and_what_fits_follows() -> None:
    async def keys(pilot: Keys) -> None:
        found = await ready(pilot)
        models = pilot.app.panel("models")
        await until(pilot, lambda: models.rows, "models are listed")
        assert "● demo" in text(pilot)
        models.focus()
        await pilot.press("down", "enter")
        await until(pilot, lambda: pilot.app.opened == "portraits", "it is open")
        await until(pilot, lambda: models.row.ref == "portraits", "the cursor is at it")
        assert "● portraits" in text(pilot)
        assert pilot.app.state.scene.seed == 7
        # The fake's portraits has no digest of the real one: sets that name one do not fit.
        assert all(row.misfit for row in found.rows if row.key != sets.SEARCH)
        await pilot.press("u")
        await until(pilot, lambda: pilot.app.opened == "demo", "undo opens the last one")

    run(keys)


def test_the_zoo_is_offered_and_never_fetched_unasked() -> None:
    async def keys(pilot: Keys) -> None:
        models = pilot.app.panel("models")
        await until(pilot, lambda: models.rows, "models are listed")
        models.focus()
        await pilot.press("slash", *"sngan", "enter")
        at = next(i for i, row in enumerate(models.rows) if row and row.kind == "zoo")
        models.list.go(at)
        name = models.row.name
        await pilot.press("enter")
        await pilot.pause()
        assert f"latty fetch {name}" in dialog(pilot)
        await pilot.press("escape", "escape")
        assert len(models.rows) > 2 and models.rows[2] is None  # the zoo is folded

    run(keys)
    assert not [*home.runs_dir().glob("*")]


@pytest.mark.slow
def test_a_checkpoint_of_the_zoo_comes_as_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (home.shipped_dir() / "models" / "demo.safetensors").read_bytes()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "zoo.toml"))

    async def keys(pilot: Keys) -> None:
        models = pilot.app.panel("models")
        await until(pilot, lambda: models.rows, "models are listed")
        models.focus()
        await pilot.press("end", "enter", "down")
        assert models.row.name == "small"
        await pilot.press("enter", "enter")
        await until(pilot, lambda: _is_here(models, "small"), "it is here")
        assert None not in models.rows  # nothing is left in this zoo

    with serving() as server:
        address = server.at("/small.safetensors", File(data))
        (tmp_path / "zoo.toml").write_text(zoo_text(address, resolution=64))
        run(keys)
        assert len(server.asked) == 1


def _is_here(models: "object", name: str) -> bool:
    return any(row and (row.name, row.kind) == (name, "here") for row in models.rows)


def test_a_zoo_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "zoo.toml").write_text("schema = 99")
    known = models.look((), str(tmp_path / "zoo.toml"))
    assert [one.name for one in known][:2] == ["demo", "portraits"]
    assert known[-1].kind == "wrong" and "schema" in known[-1].what
    assert known[0].height == 64 and known[0].facts == "stylegan2, 64 px, 2.2 MB"


def test_a_model_by_path_is_remembered(tmp_path: Path) -> None:
    shutil.copy(home.shipped_dir() / "models" / "demo.safetensors", tmp_path / "face.safetensors")
    path = str(tmp_path / "face.safetensors")

    async def keys(pilot: Keys) -> None:
        models = pilot.app.panel("models")
        await until(pilot, lambda: models.rows, "models are listed")
        await pilot.press("colon")
        await pilot.pause()
        pilot.app.screen.query_one("Input").value = str(tmp_path / "fa")
        await until(pilot, lambda: pilot.app.screen.found, "completions")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: pilot.app.opened == path, "it is open")
        await until(pilot, lambda: "● face" in text(pilot), "it is listed")

    run(keys)
    assert Marks.load().recent == (path,)


def test_what_cannot_be_opened_says_why() -> None:
    async def keys(pilot: Keys) -> None:
        models = pilot.app.panel("models")
        await until(pilot, lambda: models.rows, "models are listed")
        await pilot.press("n")
        await settled(pilot)
        app, state = pilot.app, pilot.app.state
        (home.config_dir() / "gone.toml").parent.mkdir(parents=True, exist_ok=True)
        (home.config_dir() / "gone.toml").write_text('schema = 1\n[scene]\nmodel = "broken"\n')
        for ref in ("broken", str(home.config_dir() / "gone.toml")):
            models.open_ref(ref)
            await until(pilot, lambda: len(app.screen_stack) == 2, "a dialog")
            await pilot.pause()
            assert text(pilot).count("there is no model 'broken'") <= 1, "in one place"
            await pilot.press("escape")
            await settled(pilot)
            assert app.state is state and len(app.history) == 2 and app.model.name == "demo"
            assert app.picture.pixels.display and "seed 8" in text(pilot)

    run(keys)


def test_completions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("beta.pt", "bend.pkl", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "box").mkdir()
    base = str(tmp_path)
    assert open_path.completions(f"{base}/b") == [
        f"{base}/box/", f"{base}/bend.pkl", f"{base}/beta.pt",
    ]  # fmt: skip
    assert open_path.completions(f"{base}/.h") == [f"{base}/.hidden"]
    assert len(open_path.completions(f"{base}/")) == 3
    assert open_path.completions("/no/such/folder/x") == []
    assert open_path.common([f"{base}/bend.pkl", f"{base}/beta.pt"], f"{base}/b") == f"{base}/be"
    monkeypatch.chdir(tmp_path)
    assert open_path.completions("be") == ["bend.pkl", "beta.pt"]


# --- dropped files --------------------------------------------------------------------------------


def test_paths_that_terminals_paste(tmp_path: Path) -> None:
    odd = tmp_path / "it's a (odd) näme.pt"
    odd.touch()
    plain = str(odd)
    quoted = "'" + plain.replace("'", "'\\''") + "'"
    escaped = "".join(c if c.isalnum() or c in "/.-_" else f"\\{c}" for c in plain)
    uri = odd.as_uri()
    for pasted in (plain, quoted, escaped, uri, f"{quoted} ", f"{plain}\n"):
        assert opening.path_of(pasted) == odd, pasted
    for other in ("", "hello", "two\nlines", "/no/such/file", "'open", "x" * 9000, str(tmp_path)):
        assert opening.path_of(other) is None, other


async def pasted(pilot: Keys, text: str, answer: str = "y") -> None:
    """A path is pasted, and whether it is to be opened is answered."""
    pilot.app.post_message(events.Paste(text))
    await until(pilot, lambda: isinstance(pilot.app.screen, Decide), "it asks")
    await pilot.press(answer)


def test_a_dropped_checkpoint_opens(tmp_path: Path) -> None:
    shutil.copy(
        home.shipped_dir() / "models" / "demo.safetensors", tmp_path / "my face.safetensors"
    )
    path = str(tmp_path / "my face.safetensors")

    async def keys(pilot: Keys) -> None:
        await pasted(pilot, f"'{path}'", "n")
        assert pilot.app.opened == "demo"
        await pasted(pilot, f"'{path}'")
        await until(pilot, lambda: pilot.app.opened == path, "it is open")
        pilot.app.post_message(events.Paste("just some text"))
        await settled(pilot)
        assert len(pilot.app.screen_stack) == 1 and pilot.app.opened == path
        assert "is no path of a file" in said(pilot)

    run(keys)


@pytest.mark.slow
def test_dropped_directions_are_imported_when_wanted(tmp_path: Path) -> None:
    path = tmp_path / "faces.safetensors"
    shutil.copy(SHIPPED / "demo.safetensors", path)

    async def keys(pilot: Keys) -> None:
        found = await ready(pilot)
        pilot.app.post_message(events.Paste(str(path)))
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2, "it asks")
        await pilot.pause()
        assert "holds directions" in dialog(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: any(row.key == "faces/smile" for row in found.rows), "listed")
        await until(pilot, lambda: "imported as faces" in said(pilot), "it says so")

    run(keys)
    assert read_header(home.directions_dir() / "faces.safetensors").infos[0].layers == Layers()


@pytest.mark.slow
def test_a_filter_brings_the_cursor_to_the_first_that_can_be_used() -> None:
    async def test(pilot: Keys) -> None:
        found = await at(pilot, "demo/glasses")
        await pilot.press("slash", *"yaw", "enter")
        await pilot.pause()
        assert found.row is not None and found.row.key == "demo/yaw"
        await pilot.press("right")
        assert pilot.app.state.scene.edits[0].direction == "demo/yaw"

    run(test)


# --- what takes long is called off ----------------------------------------------------------------


def test_esc_ends_the_look_at_a_dropped_file_and_its_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that its disk does not give: the process that looks at it stands still."""
    path = tmp_path / "huge.pt"
    path.write_bytes(b"PK\x03\x04")
    looking = [sys.executable, "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(importing, "command", lambda *words: looking)

    async def keys(pilot: Keys) -> None:
        before, opened, seed = children(), pilot.app.opened, pilot.app.state.scene.seed
        await pasted(pilot, str(path))
        await until(pilot, lambda: children() - before, "it is looked at")
        (child,) = children() - before
        await pilot.press("n")  # all else goes on
        await settled(pilot)
        await pilot.press("escape")
        await until(pilot, lambda: not alive(child), "the process has ended")
        await until(pilot, lambda: "called off" in said(pilot), "it says so")
        assert pilot.app.opened == opened and pilot.app.state.scene.seed == seed + 1
        assert len(pilot.app.screen_stack) == 1

    run(keys)


@pytest.mark.slow
def test_esc_ends_the_opening_of_a_model_and_goes_back(tmp_path: Path) -> None:
    path = tmp_path / "slow.onnx"
    path.touch()

    async def keys(pilot: Keys) -> None:
        engine = pilot.app.engine.pid
        for times in (1, 2):
            await pasted(pilot, str(path))
            await until(pilot, lambda: pilot.app.engine.opening == str(path), "it is being opened")
            await pilot.press("escape")
            await until(pilot, lambda: pilot.app.opened == "demo", "the one before is open")
            await settled(pilot)
            assert pilot.app.engine.pid != engine and not alive(engine), times
            assert "is not opened" in said(pilot) and pilot.app.state.scene.model == "demo"
            engine = pilot.app.engine.pid
            await pilot.press("escape")  # nothing is at work: nothing happens
            await settled(pilot)
            assert pilot.app.engine.pid == engine

    run(keys, ref="demo")


@pytest.mark.slow
def test_a_dropped_network_is_drawn(tmp_path: Path) -> None:
    """A real engine, and the process of onnxruntime below it, which ends with the studio."""
    path = tmp_path / "faces.onnx"
    path.write_bytes(onnx_files.Recipe().data())
    seen: set[int] = set()

    async def keys(pilot: Keys) -> None:
        drawn: list[Drawn] = []
        pilot.app.picture.drawn = lambda one, *more: drawn.append(one)
        await pasted(pilot, str(path))
        await until(pilot, lambda: pilot.app.opened == str(path), "it is open")
        await settled(pilot)
        await pilot.press("n")
        await settled(pilot)
        its = [one.pixels for one in drawn if (one.width, one.height) == (8, 8)]
        assert len({*its}) >= 2, "one for each seed"
        seen.update(children(pilot.app.engine.pid))
        assert seen, "it runs in a process of its own"

    run(keys, ref="portraits", real=True)
    assert all(gone(pid) for pid in seen)


@pytest.mark.slow
def test_esc_ends_a_network_that_runs_for_minutes(tmp_path: Path) -> None:
    """A real engine, and the process of onnxruntime below it."""
    path = tmp_path / "slow.onnx"
    path.write_bytes(onnx_files.slow())

    async def keys(pilot: Keys) -> None:
        await pasted(pilot, str(path))
        engine = pilot.app.engine.pid
        await until(pilot, lambda: children(engine), "onnxruntime runs")
        below = children(engine)
        await until(pilot, lambda: pilot.app.engine.opening == str(path), "it is being opened")
        await pilot.press("escape")
        await until(pilot, lambda: not any(map(alive, {engine, *below})), "both have ended")
        await until(pilot, lambda: pilot.app.opened == "portraits", "the one before is open")

    run(keys, ref="portraits", real=True)


@pytest.mark.parametrize("where", ["picture", "strip", "timeline", "queue", "edits", "latent"])
def test_a_direction_is_found_from_every_panel(where: str) -> None:
    """Nothing that follows the / is a command of the panel that had the focus."""

    async def keys(pilot: Keys) -> None:
        await ready(pilot)
        pilot.app.panel(where).focus()
        await pilot.pause()
        await pilot.press("slash", *"smile", "enter")
        assert "demo/smile" in panel(pilot).row.key and pilot.app.focused is panel(pilot)
        await pilot.press("right")
        assert pilot.app.state.scene.edits == (Edit("demo/smile", 0.5),)

    run(keys)


def test_a_direction_is_locked_without_an_edit() -> None:
    async def keys(pilot: Keys) -> None:
        await at(pilot, "demo/smile")
        await pilot.press("!")
        await until(pilot, lambda: pilot.app.state.scene.locks == ("demo/smile",), "it is locked")
        await until(pilot, lambda: "!" in text(pilot), "it is shown")
        assert not pilot.app.state.scene.edits
        await pilot.press("!")
        await until(pilot, lambda: not pilot.app.state.scene.locks, "it is unlocked")

    run(keys)
