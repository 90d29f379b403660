"""What the studio remembers: every step at once, of every studio, and nothing written over that was
not read."""

import asyncio
import json
import os
import random
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studio import TERMINAL, Keys, made, run, said, settled, text, until

from latty import home, presets
from latty.scene import Scene
from latty_tui import jobs
from latty_tui.app import Studio
from latty_tui.films import documents, film
from latty_tui.memory import Memory, journal, shelf
from latty_tui.memory.journal import SCHEMA, HistoryFile, line, parsed
from latty_tui.memory.keeper import AGAIN, KEPT
from latty_tui.memory.tables import state_of, state_table, step_table
from latty_tui.pictures import saved
from latty_tui.state import History, State, Step, ViewSettings

FIRST = Scene("demo", 7, 0.8)
OTHER_USER = 65534


def step(seed: int) -> Step:
    return Step(State(Scene("demo", seed, 0.8)), f"seed {seed}")


def change(app: Any, **fields: object) -> None:
    """One step of history."""
    app.change(app.state.with_scene(**fields), " ".join(f"{k} {v}" for k, v in fields.items()))


def does(app: Studio, seed: int) -> None:
    """The same in a studio that has no screen."""
    app.history.push(step(seed).state, f"seed {seed}", "", 0)
    app.remember()


def place(number: int = 1) -> Path:
    return home.state_dir() / "history" / f"{number}.jsonl"


def written(*seeds: int, number: int = 1, **more: Any) -> Path:
    """A history on disk of steps with these seeds, as a studio leaves it."""
    path = place(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    tables = [{"schema": SCHEMA}, more, *(step_table(step(seed)) for seed in seeds)]
    path.write_bytes(b"".join(line(table) for table in tables if table))
    return path


def earlier(steps: int = 40, **more: Any) -> Path:
    """What a latty of before wrote."""
    told = [{"state": state_table(step(seed).state), "what": "x"} for seed in range(steps)]
    table = {"schema": 1, "steps": told, "index": steps - 1, "looks": {"grid": 4}, **more}
    path = home.state_dir() / "studio.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table, separators=(",", ":")))
    return path


def opened() -> tuple[History, list[str], Memory]:
    """What a studio that starts finds, and what it tells."""
    memory, news = Memory(), list[str]()
    memory.listen(news.append)
    history = memory.history()
    memory.flush()
    return history, news, memory


def left() -> list[Any]:
    """The seeds of the history that the next studio opens with."""
    history, _, memory = opened()
    memory.close()
    return seeds(history)


def seeds(history: History) -> list[Any]:
    return [one.state.scene.seed for one in history]


def on_disk() -> dict[str, bytes]:
    """Everything in the state folder, by its path."""
    paths = home.state_dir().rglob("*")
    files = (path for path in paths if path.is_file() and path.stat().st_size < 2**24)
    return {str(path.relative_to(home.state_dir())): path.read_bytes() for path in files}


# It opens where it was left.


@pytest.mark.parametrize(
    ("looks", "light", "theme"),
    [
        ({"theme": "latty-dark"}, True, "latty-light"),  # written down, chosen by nobody
        ({"theme": "latty-dark"}, False, "latty-dark"),
        ({"theme": "latty-mono"}, True, "latty-mono"),
        ({"chosen theme": "latty-dark", "theme": "latty-mono"}, True, "latty-dark"),
        ({"chosen theme": 3, "theme": []}, True, "latty-light"),
    ],
)
def test_only_a_theme_that_was_chosen_is_kept(looks: Any, light: bool, theme: str) -> None:
    earlier(looks=looks)

    async def keys(pilot: Keys) -> None:
        assert pilot.app.theme == theme

    run(keys, terminal=replace(TERMINAL, light=light))


def test_it_opens_where_it_was_left() -> None:
    async def first(pilot: Keys) -> None:
        change(pilot.app, seed=11)
        change(pilot.app, seed=12)
        await pilot.press("u", "g")
        pilot.app.set_theme("latty-light")
        pilot.app.main.go(pilot.app.panel("picture"))
        await settled(pilot)

    async def second(pilot: Keys) -> None:
        app = pilot.app
        assert app.state.scene.seed == 11 and app.view.grid == 4
        assert app.theme == "latty-light" and app.main.current.id == "picture"
        await pilot.press("ctrl+r")
        assert app.state.scene.seed == 12
        await pilot.press("u", "u")
        assert app.state.scene == Scene("demo", 7, 0.8)

    run(first)
    run(second)


def test_a_studio_that_ends_before_its_first_paint_forgets_nothing() -> None:
    async def keys(pilot: Keys) -> None:
        change(pilot.app, seed=11)
        change(pilot.app, seed=12)

    run(keys)
    app = made()
    assert app.state.scene.seed == 12
    app.memory.save(app.history, {})
    app.memory.close()

    async def again(pilot: Keys) -> None:
        assert [step.what for step in pilot.app.history] == ["start", "seed 11", "seed 12"]

    run(again)


def test_a_history_says_the_same_on_disk_as_in_memory() -> None:
    """After every kind of change, in any order."""
    choose = random.Random(5)
    memory = Memory()
    history = memory.history()
    for number in range(300):
        kind = choose.choice(["push", "push", "join", "undo", "redo", "go"])
        if kind in ("push", "join"):
            moment = 0.0 if kind == "join" else float(number)
            history.push(step(choose.randrange(99)).state, f"step {number}", "t", moment)
        elif kind == "go":
            history.go(choose.randrange(len(history)))
        else:
            getattr(history, kind)()
        memory.note(history, {"grid": number // 50})
        if number % 10 == 0:
            memory.flush()
            found = HistoryFile(place()).read()
            assert (found.steps, found.index) == (history.steps, history.index)
            assert found.looks == {"grid": number // 50} and not found.lost
    memory.close()


def test_a_long_history_is_written_anew_and_keeps_its_last_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journal, "MOST", most := 100)
    monkeypatch.setattr(journal, "SPARE", spare := 20)
    memory = Memory()
    history, sizes = memory.history(), list[int]()
    for number in range(5 * most):
        history.push(step(number).state, "x", "", number)
        memory.note(history, {})
        if number % 7:
            continue
        memory.flush()
        found = parsed(place().read_bytes())
        sizes.append(len(found.steps))
        assert found.steps == history.steps[-len(found.steps) :]
        assert min(len(history), most) <= len(found.steps) <= 2 * most + spare
    assert sizes != sorted(sizes), "it was written anew"
    memory.close()


def test_a_step_is_on_disk_within_a_tenth_of_a_second() -> None:
    memory = Memory()
    history, late = memory.history(), []
    for number in range(30):
        history.push(step(number + 100).state, "x", "", number)
        began = time.monotonic()
        memory.note(history, {})
        while not place().exists() or parsed(place().read_bytes()).steps != history.steps:
            time.sleep(0.001)
        late.append(time.monotonic() - began)
    memory.close()
    assert sorted(late)[len(late) // 2] < 0.1, late  # single ones wait for a busy machine


# What cannot be read.


def test_a_history_cut_anywhere_gives_what_is_before_the_cut() -> None:
    data = written(1, 2, 3).read_bytes()
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for cut in range(len(data)):
        found = parsed(data[:cut])
        assert len(found.steps) == max(0, sum(end - 1 <= cut for end in ends) - 1)
        assert bool(found.lost) == all(cut not in (0, end, end - 1) for end in ends)


def test_what_follows_a_line_without_its_end_is_a_line_of_its_own() -> None:
    path = written(1, 2)
    os.truncate(path, path.stat().st_size - 1)
    history, news, memory = opened()
    history.push(step(5).state, "x", "", 0)
    memory.save(history, {})
    memory.close()
    assert not news and left() == [1, 2, 5]


def test_a_flipped_bit_costs_one_step() -> None:
    data = written(1, 2, 3).read_bytes()
    for at in range(0, len(data), 3):
        torn = bytearray(data)
        torn[at] ^= 1 << at % 8
        found = parsed(bytes(torn))
        assert len(found.steps) >= 1 + (data[at : at + 1] != b"\n")
        assert found.lost or found.steps == parsed(data).steps, "in the figures of a checksum"


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[: len(data) // 2],
    "a line": lambda data: data.replace(b'"seed":2', b'"seed":9'),
    "rubbish": lambda data: b"\0\xff" * 5000,
    "empty line": lambda data: data + b"\n",
    "deep": lambda data: data + line({"state": json.loads("[" * 900 + "]" * 900)}),
    "another shape": lambda data: data + line({"state": {"scene": 5}}) + line({"drop": "x"}),
    "numbers": lambda data: data + line({"back": 10**400}) + line({"drop": float("inf")}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_history_is_set_aside_and_what_can_be_read_is_used(name: str) -> None:
    path = written(1, 2, 3)
    path.write_bytes(DAMAGES[name](path.read_bytes()))
    data, wanted = path.read_bytes(), parsed(path.read_bytes())
    (path.parent / "1.jsonl.1").write_text("an older one")
    history, news, memory = opened()
    assert seeds(history) == [one.state.scene.seed for one in wanted.steps] or not wanted.steps
    assert any("damaged" in one for one in news)
    assert any(str(path.with_name("1.jsonl.2")) in one for one in news)
    assert on_disk()["history/1.jsonl.2"] == data
    assert on_disk()["history/1.jsonl.1"] == b"an older one"
    history.push(step(50).state, "more", "", 0)
    memory.save(history, {})
    memory.close()
    assert left() == seeds(history) and not opened()[1]


EARLIER: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "newer": lambda path: earlier(schema=2),
    "deep": lambda path: path.write_text("[" * 3000 + "]" * 3000),
    "deep within": lambda path: earlier(looks=json.loads("[" * 300 + "]" * 300)),
    "a huge number": lambda path: path.write_text('{"schema": ' + "9" * 5000 + "}"),
    "not a table": lambda path: path.write_text("[]"),
    "empty": lambda path: path.write_text(""),
    "no steps": lambda path: earlier(steps=0, looks=5) and path.write_text('{"schema": 1}'),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\0"),
    "sparse": lambda path: os.truncate(path, 3 * 2**30),
}


@pytest.mark.parametrize("name", EARLIER)
def test_a_document_of_an_earlier_latty_that_cannot_be_used_is_set_aside(name: str) -> None:
    path = earlier()
    EARLIER[name](path)
    inode, size = path.stat().st_ino, path.stat().st_size
    history, news, memory = opened()
    memory.close()
    aside = path.with_name("studio.json.1")
    assert (aside.stat().st_ino, aside.stat().st_size) == (inode, size) and not path.exists()
    assert len([one for one in news if str(aside) in one]) == 1
    if name == "cut":
        assert 15 < len(history) < 40 and seeds(history) == list(range(len(history)))
    elif name == "deep within":
        assert seeds(history) == list(range(40))
    else:
        assert history.state.scene == FIRST and len(history) == 1


def test_one_step_that_cannot_be_read_costs_that_step() -> None:
    path = earlier()
    table = json.loads(path.read_text())
    table["steps"][3]["state"]["scene"] = {"model": 5}
    table["steps"][30] = None
    table["index"] = 20
    path.write_text(json.dumps(table))
    history, news, memory = opened()
    memory.close()
    assert len(history) == 38 and history.state.scene.seed == 20
    assert "38 steps of it can be read" in news[0] and "studio.json.1" in news[0]


def test_the_history_of_an_earlier_latty_goes_on_and_stays_for_it() -> None:
    path = earlier()
    data = path.read_bytes()
    history, news, memory = opened()
    assert seeds(history) == list(range(40)) and memory.view().grid == 4 and not news
    memory.close()
    assert path.read_bytes() == data
    assert left() == list(range(40))
    time.sleep(0.02)
    earlier(steps=3)  # it is in use still
    assert left() == [0, 1, 2]


def test_a_clock_that_is_set_back_does_not_bring_the_earlier_history_back() -> None:
    path = earlier()
    os.utime(path, (2e9, 2e9))
    for seed in (50, 51):
        history, _, memory = opened()
        history.push(step(seed).state, "x", "", 0)
        memory.save(history, {})
        memory.close()
    assert left() == [*range(40), 50, 51]


@pytest.mark.parametrize("grid", [4.0, True, [4], {}, "4", 1e308, 5])
def test_looks_that_are_none_are_as_a_new_user_sees_them(grid: object) -> None:
    earlier(steps=1, looks={"grid": grid, "strip": "x", "theme": 3, "focus": []})
    memory = Memory()
    assert type(memory.view().grid) is int and memory.view() == ViewSettings()
    assert memory.chosen_theme() == memory.look("focus") == ""
    memory.close()


def test_a_history_of_a_newer_latty_stays_as_it_is() -> None:
    path = written(1, 2, schema=SCHEMA + 1)
    data = path.read_bytes()
    history, news, memory = opened()
    history.push(step(5).state, "x", "", 0)
    memory.save(history, {})
    memory.close()
    assert path.read_bytes() == data and place(2).exists()
    assert news == [f"{path} is of a newer latty: it stays as it is"]
    assert left() == [7, 5]


def fifo(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def out(path: Path) -> None:
    other = path.parent.parent / "precious"
    other.write_text("precious")
    path.symlink_to(other)


def device_folder(path: Path) -> None:
    path.mkdir()
    (path / "precious").write_text("precious")


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 3 * 2**30)


def of_another_user(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    path.write_bytes(line({"schema": SCHEMA}) + line(step_table(step(5))))
    os.chown(path, OTHER_USER, OTHER_USER)


ODD = [fifo, link, dangling, out, device_folder]


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(i, marks=pytest.mark.slow) for i in range(1, len(ODD)))]
)
def test_what_is_no_file_under_any_name_of_ours_stops_nothing(first: int) -> None:
    """Each is each once; here one after the other."""
    names = ("state/history/1.lock", "state/engine.log", "state/recent-presets.json",
             "state/reports", "data/marks.json", "data/marks.lock",
             "data/models/a.safetensors", "data/directions/a.safetensors", "data/scorers/a.toml",
             "data/latents/a.safetensors", "state/runs/a", "state/queue/a")  # fmt: skip
    for number, name in enumerate(names, first):
        path = home.state_dir().parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        ODD[number % len(ODD)](path)

    async def keys(pilot: Keys) -> None:
        change(pilot.app, seed=8)
        await settled(pilot)
        pilot.app.go("directions")
        await pilot.press("asterisk")
        await settled(pilot)
        pilot.app.memory.flush()
        assert not pilot.app.memory.trouble
        while len(pilot.app.screen_stack) > 1:
            await pilot.app.pop_screen()
        await pilot.press("q")
        assert pilot.app._exit

    run(keys)
    assert left() == [7, 8]
    rest = home.state_dir().parent.rglob("precious")
    assert all(path.read_text() == "precious" for path in rest if path.is_file())


@pytest.mark.parametrize("name", ["history/1.jsonl", "studio.json"])
@pytest.mark.parametrize(
    "plant", [fifo, link, dangling, out, device_folder, sparse, of_another_user]
)
def test_what_is_no_file_of_ours_is_set_aside(plant: Callable[[Path], None], name: str) -> None:
    path = home.state_dir() / name
    path.parent.mkdir(parents=True)
    plant(path)
    before = path.lstat()
    history, news, memory = opened()
    history.push(step(5).state, "x", "", 0)
    memory.save(history, {})
    memory.close()
    aside = path.with_name(f"{path.name}.1")
    assert aside.lstat().st_ino == before.st_ino and any(str(aside) in one for one in news)
    assert all(data == b"precious" for file, data in on_disk().items() if "precious" in file)
    assert left() == [7, 5]


def test_what_another_program_writes_meanwhile_is_set_aside() -> None:
    history, news, memory = opened()
    history.push(step(5).state, "x", "", 0)
    memory.save(history, {})
    place().write_text("restored from a backup")
    history.push(step(6).state, "x", "", 1)
    memory.save(history, {})
    assert place().with_name("1.jsonl.1").read_text() == "restored from a backup"
    assert "1.jsonl.1" in news[0] and seeds(History(step(1).state)) == [1]
    place().unlink()
    history.push(step(8).state, "x", "", 2)
    memory.save(history, {})
    memory.close()
    assert left() == [7, 5, 6, 8]


def test_it_is_for_its_owner_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0)
    try:
        history, _, memory = opened()
        memory.save(history, {})
        memory.close()
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in home.state_dir().rglob("*")}
    assert modes == {"history": 0o700, "1.jsonl": 0o600, "1.lock": 0o600}


def test_all_that_a_studio_keeps_is_for_its_owner_alone() -> None:
    async def keys(pilot: Keys) -> None:
        pilot.app.go("directions")
        await pilot.press("asterisk")
        change(pilot.app, seed=8)
        path = jobs.new_sheet("x")
        documents.remember(path)
        path.touch(0o600)
        saved.encode(np.zeros((4, 4, 3), np.uint8), 1, 1)
        pilot.app.reports.add(ValueError("x"), "a test")
        await settled(pilot)

    before = os.umask(0)
    try:
        run(keys, failing=True)
    finally:
        os.umask(before)
    found = [path for path in home.state_dir().parent.rglob("*") if path.name != "asked.jsonl"]
    names = {path.name for path in found}
    assert names >= {"engine.log", "marks.json", "recent-presets.json", "pictures", "reports"}
    wrong = [path for path in found if path.stat().st_mode & 0o077]
    assert not wrong


def test_every_preset_that_ships_is_remembered_as_it_is() -> None:
    for path in sorted(home.presets_dir().glob("*.toml")):
        state = film.state_of(presets.read(path))
        table = json.loads(json.dumps(state_table(state)))
        assert state_of(table) == state, path.name


WRONG_FILMS = {"frames": ["x", 0, 1e300, True, None, 10**12], "fps": ["24", 0, float("inf"), []],
               "easing": ["", "nosuch", 5, None], "loop": ["", 5, None],
               "source": [5, {"name": "x"}, "x"]}  # fmt: skip


@pytest.mark.parametrize("key", WRONG_FILMS)
def test_a_step_that_the_studio_could_not_show_is_none(key: str) -> None:
    good = step_table(step(1))
    for value in WRONG_FILMS[key]:
        table = json.loads(json.dumps(good))
        table["state"]["film"][key] = value
        found = parsed(line(good) + line(table))
        assert found.lost == 1 and len(found.steps) == 1, value
    for places in ([1.5], ["x"], [None], 5, {}):
        table = {**good, "state": {**good["state"], "muted": places}}
        assert parsed(line(table)).lost == (places != {})


# Several studios.


def test_two_studios_keep_a_history_each() -> None:
    first, second = made(), made()
    time.sleep(0.02)  # a tick of the clock of the files
    does(first, 1)
    does(first, 3)
    first.memory.flush()  # before the second has written anything
    does(second, 2)
    second.memory.flush()
    assert left() == [7], "a third one begins afresh, too"
    news = list[str]()
    second.memory.listen(news.append)
    assert news == [shelf.SECOND]
    first.memory.close()
    time.sleep(0.02)
    does(second, 4)
    second.memory.save(second.history, {})
    second.memory.close()

    async def next_one(pilot: Keys) -> None:
        app = pilot.app
        assert seeds(app.history) == [7, 2, 4], "what was written last"
        await until(pilot, lambda: shelf.MORE in said(pilot), "told")
        app.go("history")
        await pilot.press("h")
        await until(pilot, lambda: "3 steps, demo" in text(pilot), "the other is offered")
        await pilot.press("enter")
        await settled(pilot)
        assert seeds(app.history) == [7, 1, 3] and app.state.scene.seed == 3
        change(app, seed=5)

    run(next_one)
    assert left() == [7, 1, 3, 5]
    assert [one.state.scene.seed for one in HistoryFile(place(2)).read().steps] == [7, 2, 4]


def test_studios_say_which_is_which() -> None:
    """Also when the other one comes later, and goes."""
    first = made()

    async def second(pilot: Keys) -> None:
        app = pilot.app
        await until(pilot, lambda: "studio 2" in text(pilot).splitlines()[0], "it is the second")
        assert await asyncio.to_thread(first.memory.which) == "studio 1"
        first.memory.close()
        await until(pilot, lambda: "studio" not in text(pilot).splitlines()[0], "it is alone")
        assert app.memory.which() == ""

    run(second)


def test_histories_that_cannot_be_gone_on_with_hide_none_of_the_others() -> None:
    written(1, 2, number=2)
    written(number=3)
    written(4, number=4, schema=SCHEMA + 1)
    place(5).write_bytes(b"rubbish" * 1000)
    place(6).touch()
    os.mkfifo(place(7))
    place(8).mkdir()
    written(8, 9)
    os.utime(place(), (2e9, 2e9))
    history, _, memory = opened()
    assert seeds(history) == [8, 9]
    [(path, what)] = memory.others()
    assert path == place(2) and "2 steps, demo" in what
    assert seeds(memory.go_on(memory.other(path))) == [1, 2]
    memory.close()


def test_a_damaged_history_that_is_gone_on_with_is_told() -> None:
    path = written(1, 2, 3, number=2)
    path.write_bytes(DAMAGES["a line"](path.read_bytes()))
    written(7, 8)
    os.utime(path, (1e9, 1e9))
    _, news, memory = opened()
    assert not news and seeds(memory.go_on(memory.other(path))) == [1, 3]
    memory.flush()
    assert "2 steps of it can be read" in news[0] and str(path.with_name("2.jsonl.1")) in news[1]
    memory.close()
    assert parsed(path.read_bytes()).steps == [step(1), step(3)]


def test_what_a_killed_writer_left_is_removed() -> None:
    path = written(1, 2)
    left_over = [path.with_name(f".{number}.jsonl.{'0' * 12}") for number in (1, 2)]
    for one in left_over:
        one.write_text("half of a history")
    first, second = Memory(), Memory()
    assert not any(map(os.path.lexists, left_over))
    first.close()
    second.close()


def test_a_studio_beside_one_that_is_open_says_so_whatever_it_goes_on_with() -> None:
    written(1, 2)
    first = Memory()
    written(3, 4, number=2)
    _, news, second = opened()
    assert news == [shelf.SECOND]
    for memory in (first, second):
        memory.close()
    assert not opened()[1]


def test_a_history_that_is_open_elsewhere_is_not_offered() -> None:
    written(1, 2)
    first = made()

    async def keys(pilot: Keys) -> None:
        pilot.app.go("history")
        await pilot.press("h")
        await until(pilot, lambda: "no other history" in said(pilot), "said")
        await pilot.app.panel("history")._open(place(1))
        await until(pilot, lambda: "another studio has it open" in text(pilot), "refused")

    run(keys)
    first.memory.close()
    assert [path.name for path in shelf.paths()] == ["1.jsonl"], "nothing was done in the second"


# Disks.


def test_a_full_disk_is_said_once_and_the_history_kept_again_when_there_is_room() -> None:
    async def keys(pilot: Keys) -> None:
        app = pilot.app
        change(app, seed=8)
        app.memory.flush()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        said = list[str]()
        app.memory.listen(said.append)
        resource.setrlimit(resource.RLIMIT_FSIZE, (place().stat().st_size + 10, hard))
        try:
            for seed in range(9, 20):
                change(app, seed=seed)
            app.memory.flush()
            assert len(said) == 1 and "cannot be kept: File too large" in said[0]
            assert parsed(place().read_bytes()).steps[1] == app.history.steps[1]
            await pilot.press("q")
            await pilot.pause()
            assert "cannot be kept" in text(pilot) and not app._exit
            await pilot.press("escape")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        began = time.monotonic()
        await until(pilot, lambda: not app.memory.trouble, "tried again")
        assert time.monotonic() - began < AGAIN + 5 and said[1:] == [KEPT]
        assert parsed(place().read_bytes()).steps == app.history.steps
        await pilot.press("q")
        assert app._exit

    run(keys)


def test_a_home_that_cannot_be_made_costs_the_memory_alone() -> None:
    home.state_dir().parent.mkdir(exist_ok=True)
    home.state_dir().touch()
    app: Studio = made()
    news = list[str]()
    app.memory.listen(news.append)
    does(app, 9)
    app.memory.flush()
    assert news == ["the history cannot be kept: Not a directory"] and app.memory.trouble
    home.state_dir().unlink()
    does(app, 10)
    app.memory.flush()
    assert news[1:] == [KEPT] and seeds(app.history) == [7, 9, 10]
    app.memory.close()
    assert left() == [7, 9, 10]
