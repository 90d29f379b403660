"""The queue and its dialogs: real jobs in real processes, driven through the studio."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import job_processes
import pytest
import studio
from job_processes import in_state, over, probe, processes_of
from onnx_scorers import ONNX, onnx_network
from PIL import Image
from scorer_cards import card
from studio import Keys, dialog, settled, text, until
from textual.widgets import OptionList

from latty import home
from latty.attributes import store
from latty.directions.store import set_info
from latty.errors import Missing, UsageError
from latty.jobs import control, events, run
from latty.jobs.run import JobSpec, Status
from latty_tui import jobs
from latty_tui.app import Studio
from latty_tui.dialogs import discover
from latty_tui.dialogs.choose import Choose, Decide
from latty_tui.dialogs.form import Form
from latty_tui.drawing.engine import EngineClient
from latty_tui.jobs import Watch
from latty_tui.panels.queue.log import JobLog

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield from job_processes.place(monkeypatch)


def old_job(number: int, state: str = "done", **more: object) -> str:
    """A job that is over, without a process."""
    spec = JobSpec(f"1k00000000{number:04}-aaaa", ("render", "hello"), "/", submitted=1.0)
    lock = run.create(Status(spec, "queued"))
    run.write_status(Status(spec, state, started=1.0, ended=3.0, **more))  # type: ignore[arg-type]
    os.close(lock)
    return spec.id


def queue(pilot: Keys):  # type: ignore[no-untyped-def]
    return pilot.app.panel("queue")  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def toasts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was said: without a terminal Textual shows no toasts."""
    found: list[str] = []
    monkeypatch.setattr(Studio, "say", lambda app, words, *more: found.append(words))
    return found


async def seen(pilot: Keys, words: str) -> None:
    """Until words are on the screen, or in the dialog on top however it wraps them; a look at it
    costs as much as drawing it."""
    end = time.monotonic() + studio.PATIENCE
    while words not in (screen := text(pilot)) and words not in dialog(pilot):
        assert time.monotonic() < end, f"no '{words}' in\n{screen}"
        await pilot.pause(0.1)


async def pressed(pilot: Keys, *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


# --- reading --------------------------------------------------------------------------------------


def test_a_look_reads_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        old_job(number)
    watch = Watch()
    assert [job.state for job in watch.poll()] == ["done"] * 30
    read: list[str] = []
    status = run.status
    monkeypatch.setattr(run, "status", lambda job: read.append(job) or status(job))
    watch.poll()
    assert read == []
    new = old_job(31, "failed", error="no disk\nand more")
    again = sorted(run.ids())[5]
    run.write_status(Status(run.status(again).spec, "cancelled", started=1.0, ended=2.0))
    read.clear()
    found = watch.poll()
    assert sorted(read) == sorted([new, again])
    assert found[0].id == new and found[0].error == "no disk"
    run.remove(new)
    assert watch.poll()[0].id != new


def test_many_old_jobs_come_in_parts_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "AT_ONCE", 20)
    for number in range(45):
        old_job(number)
    watch = Watch()
    assert [job.id for job in watch.poll()] == sorted(run.ids(), reverse=True)[:20]
    assert [len(watch.poll()) for _ in range(3)] == [40, 45, 45]


def test_progress_pace_and_what_is_left() -> None:
    job = probe("sleep=30")
    in_state(job, "running")
    folder = run.folder_of(job)
    now = time.time()
    for moment, done in ((now - 4, 10), (now - 2, 20), (now, 30)):
        line = {"t": moment, "kind": "progress", "done": done, "total": 100, "what": "frames"}
        with (folder / events.FILE).open("a") as file:
            file.write(json.dumps(line) + "\n")
    watch = Watch()
    found = watch.poll()[0]
    assert (found.done, found.total, found.what) == (30, 100, "frames")
    assert found.rate == pytest.approx(5, rel=0.01)
    assert found.seconds_left(now + 4) == pytest.approx(10, abs=0.1)
    events.emit(folder, "progress", done=1, total=5, what="gif", left=None)
    assert watch.poll()[0].rate is None  # another stage, another pace
    events.emit(folder, "output", path="/x/a.gif", bytes=1)
    with (folder / events.FILE).open("a") as file:
        file.write('{"kind": "progress", "done": "no"}\nnot json\n')
    assert watch.poll()[0].outputs == ("/x/a.gif",)


def test_a_title_leaves_out_what_the_studio_added() -> None:
    sheet = jobs.new_sheet("smile")
    spec = JobSpec("1k-a", ("render", "--force", str(sheet), "--out-dir=/x/y"), "/")
    assert jobs.Job(Status(spec, "done")).title == "render smile"
    spec = JobSpec("1k-b", ("discover", "sefa", "demo", "-o", "mine", "--seed=3"), "/")
    assert jobs.Job(Status(spec, "done")).title == "discover sefa demo -o mine"


def test_only_what_is_over_can_be_taken_off_the_list() -> None:
    job = probe("sleep=30")
    with pytest.raises(UsageError, match="cancel it first"):
        jobs.remove(job)
    assert job in run.ids()
    done = old_job(1)
    jobs.remove(done)
    assert done not in run.ids()
    with pytest.raises(Missing):
        jobs.remove(done)


def test_a_preset_of_the_studio_goes_with_its_job() -> None:
    sheet = jobs.new_sheet("smile")
    sheet.write_text('schema = 1\nname = "smile"\n[scene]\nmodel = "demo"\n')
    job = control.submit(("render", "probe:exit=3", str(sheet)))
    status = over(job)
    assert jobs.presets_of(status)[1] == str(sheet)
    another = over(jobs.again(status))
    copy = jobs.presets_of(another)[1]
    assert another.spec.words[1] == "--overwrite" and copy != str(sheet)
    jobs.remove(job)
    assert not sheet.exists() and Path(copy).exists()


# --- the panel ------------------------------------------------------------------------------------


def test_without_jobs_it_says_what_to_press() -> None:
    async def test(pilot: Keys) -> None:
        await seen(pilot, "no jobs yet: r renders")
        for key in "cyUlPGxX":
            await pressed(pilot, "w", key)
        await pressed(pilot, "enter")
        assert len(pilot.app.screen_stack) == 1

    studio.run(test)


def test_jobs_of_others_are_there_and_their_end_is_told(toasts: list[str], tmp_path: Path) -> None:
    go = (
        tmp_path / "go"
    )  # the first job ends when it is there: on a busy machine, too, both are seen

    async def test(pilot: Keys) -> None:
        await seen(pilot, "no jobs yet")
        first, second = probe(f"until={go}"), probe("exit=7")
        await seen(pilot, "queued")
        await seen(pilot, "running")
        go.touch()
        await until(pilot, lambda: run.status(second).over)
        await until(pilot, lambda: len(toasts) == 2, "both ends are told")
        assert toasts[0].startswith("render probe:until=") and toasts[0].endswith(" is done")
        assert toasts[1].startswith("render probe:exit=7 failed: exit code 7")
        await pressed(pilot, "w")
        await seen(pilot, "✗ failed")
        rows = [line for line in text(pilot).splitlines() if "probe:" in line]
        assert len(rows) == 2 and "›" in rows[0][:3] and "✓ done" in text(pilot)
        assert [job.id for job in queue(pilot).jobs] == [second, first]

    studio.run(test)


def test_cancel_go_on_and_off_the_list(toasts: list[str]) -> None:
    job = probe("sleep=60")
    in_state(job, "running")

    async def test(pilot: Keys) -> None:
        await seen(pilot, "● running")
        await pressed(pilot, "w", "x")
        assert toasts == ["it is running; cancel it first: c"]
        await pressed(pilot, "c")
        await seen(pilot, "– cancelled")
        await pressed(pilot, "y")
        await until(pilot, lambda: run.status(job).attempt == 2 and not run.status(job).over)
        supervisor = await asyncio.to_thread(lambda: processes_of(job)["supervisor"])
        os.kill(supervisor, signal.SIGKILL)
        await seen(pilot, "! interrupted")
        await pressed(pilot, "U")
        await until(
            pilot, lambda: run.status(job).attempt == 3 and run.status(job).state == "running"
        )
        await seen(pilot, "● running")
        await pressed(pilot, "c")
        await until(pilot, lambda: queue(pilot).job.state == "cancelled")
        await pressed(pilot, "x")
        await seen(pilot, "no jobs yet")
        assert run.ids() == []

    studio.run(test)


def test_all_that_are_over_go_at_once_when_asked_for() -> None:
    for number in range(12):
        old_job(number, "failed", error="[red]no[/red] \x1b[2Jdisk")
    gone = over(probe("exit=1")).id

    async def test(pilot: Keys) -> None:
        await until(pilot, lambda: len(queue(pilot).jobs) == 13)
        await pressed(pilot, "w", "end")
        await seen(pilot, "[red]no[/red] [2Jdisk")
        assert queue(pilot).job.id == min(run.ids())
        await pressed(pilot, "X")
        await until(pilot, lambda: isinstance(pilot.app.screen, Decide))
        await pressed(pilot, "enter")  # no is the first answer
        assert len(run.ids()) == 13
        await pressed(pilot, "X")
        await pressed(pilot, "y")
        await seen(pilot, "no jobs yet")
        assert gone not in run.ids()

    studio.run(test)


def test_the_log_follows() -> None:
    job = control.submit(["render", "probe:sleep=60", "[/red]\x1b[2J"])
    in_state(job, "running")
    log = run.folder_of(job) / run.LOG

    async def test(pilot: Keys) -> None:
        await seen(pilot, "● running")
        await pressed(pilot, "w", "l")
        await until(pilot, lambda: isinstance(pilot.app.screen, JobLog))
        assert "render probe:sleep=60 [/red][2J" in text(pilot)
        assert "latty" in text(pilot).splitlines()[0]  # the studio is seen behind it
        with log.open("ab") as file:
            file.write(b"the [b]first\x1b[31m line\nhalf")
        await seen(pilot, "the [b]first[31m line")
        assert "half" not in text(pilot)
        with log.open("ab") as file:
            file.write(b" a line\n" + b"".join(b"line %d\n" % i for i in range(300)))
        await seen(pilot, "line 299")
        await pressed(pilot, "c")
        assert pilot.app.clipboard.splitlines()[:2] == ["the [b]first[31m line", "half a line"]
        await pressed(pilot, "escape")
        assert not isinstance(pilot.app.screen, JobLog)

    studio.run(test)


def trained(folder: Path, step: int, accuracy: float, shade: int) -> Path:
    """What a training shows at a step: a line of figures and a chart of one shade."""
    with (folder / "stats.jsonl").open("a") as file:
        row = {"step": step, "accuracy": accuracy, "loss": 2.5, "seconds": 1.0}
        file.write(json.dumps(row) + "\n")
    chart = folder / f"chart-{step:06}.png"
    Image.new("RGB", (60, 40), (shade, shade, shade)).save(folder / "draft.png")
    (folder / "draft.png").rename(chart)
    return chart


def test_a_training_is_looked_at_while_it_runs(toasts: list[str]) -> None:
    """Its curve in the row, its latest chart in the place of the picture, and each new one."""
    spec = JobSpec("1k000000000001-aaaa", ("discover", "voynov", "demo"), "/", submitted=1.0)
    lock = run.create(Status(spec, "running", started=1.0))  # held: it is at work
    folder = run.folder_of(spec.id)
    what = "iterations, accuracy 7%, loss 2.50"
    events.emit(folder, "progress", done=10, total=100, what=what, left=None)
    old_job(2)

    def shade(pilot: Keys) -> object:
        picture = pilot.app.picture.pixels.picture  # type: ignore[attr-defined]
        return picture and picture.pixels[0]

    async def test(pilot: Keys) -> None:
        await settled(pilot)
        await seen(pilot, "● running")
        await pressed(pilot, "w", "v")
        assert "has drawn no chart" in toasts[-1]
        for step, accuracy in ((10, 0.1), (20, 0.4), (30, 0.9)):
            chart = trained(folder, step, accuracy, step)
        await seen(pilot, "▂▄▇ 90%")
        assert "iterations, loss 2.50 10/100" in text(pilot), "its accuracy is the curve's"
        await pressed(pilot, "enter")
        await until(pilot, lambda: shade(pilot) == 30, "the chart")
        assert "step 30  ▂▄▇ 90%  loss 2.5   esc: back" in text(pilot)
        chart = trained(folder, 40, 1.0, 40)
        await until(pilot, lambda: shade(pilot) == 40, "the next chart")
        assert queue(pilot).player.path == chart
        await pressed(pilot, "n")
        await until(pilot, lambda: queue(pilot).player.seen is None, "another picture")
        trained(folder, 50, 1.0, 50)
        await seen(pilot, "▂▄▇██ 100%")
        await pilot.pause(1.0)
        assert shade(pilot) != 50, "nobody looks at it any more"
        run.write_status(Status(spec, "done", started=1.0, ended=3.0))
        await seen(pilot, "✓ done")
        await pressed(pilot, "v")
        await until(pilot, lambda: shade(pilot) == 50, "the chart of one that is over")

    try:
        studio.run(test, size=(140, 44))
    finally:
        os.close(lock)


@pytest.mark.parametrize("size", [(80, 24), (140, 44)])
def test_its_height_at_both_sizes(size: tuple[int, int]) -> None:
    for number in range(9):
        old_job(number)

    async def test(pilot: Keys) -> None:
        await until(pilot, lambda: len(queue(pilot).jobs) == 9)
        await pilot.pause()
        assert queue(pilot).list.size.height == 1, "a line, until it is worked in"
        await pressed(pilot, "w")
        await until(pilot, lambda: queue(pilot).list.size.height == 6)
        assert all(len(line) <= size[0] for line in text(pilot).splitlines())

    studio.run(test, size=size)


def test_a_job_outlives_the_studio_and_is_found_again(tmp_path: Path) -> None:
    job, end = "", tmp_path / "end"

    async def first(pilot: Keys) -> None:
        nonlocal job
        job = await asyncio.to_thread(probe, f"until={end}")
        await seen(pilot, "● running")

    async def second(pilot: Keys) -> None:
        await seen(pilot, "● running")
        end.touch()
        await seen(pilot, "✓ done")

    studio.run(first)
    assert run.status(job).state == "running"
    studio.run(second)


# --- render ---------------------------------------------------------------------------------------


async def form(pilot: Keys) -> Form:
    await until(pilot, lambda: isinstance(pilot.app.screen, Form), "a form")
    await pilot.pause()
    assert isinstance(pilot.app.screen, Form)
    return pilot.app.screen


def test_a_still_is_planned_refused_and_handed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[tuple[str, ...]] = []
    monkeypatch.setattr(
        control, "submit", lambda words, *more: handed.append(tuple(words)) or "1k-abcd"
    )
    Path("renders").mkdir()
    Path("renders/demo-7.png").touch()

    async def test(pilot: Keys) -> None:
        await pressed(pilot, "r")
        queue(pilot).action_render_this()  # a key that repeats
        sheet = await form(pilot)
        assert len(pilot.app.screen_stack) == 2
        assert sheet.values["name"] == "demo-7-2" and sheet.values["formats"] == "png"
        await seen(pilot, "renders/demo-7-2.png: 1 picture of 512 px")
        sheet.set("name", "demo-7")
        await pressed(pilot, "enter")
        await seen(pilot, "is there already")
        sheet.set("name", "a/b")
        await pressed(pilot, "enter")
        await seen(pilot, "without a slash")
        assert pilot.app.screen is sheet and not handed
        sheet.set("name", "face")
        sheet.set("size", "9999")
        await pressed(pilot, "enter")
        await seen(pilot, "a whole number from 8 to 4096")
        sheet.set("size", "96")
        sheet.set("seeds", "1-3")
        await seen(pilot, "face.png: 3 pictures of 96 px")
        await pressed(pilot, "enter")
        await until(pilot, lambda: handed)

    studio.run(test)
    verb, path, *more = handed[0]
    assert (verb, more) == ("render", ["--out-dir=renders", "--device=cpu"])
    assert (
        Path(path).is_relative_to(home.state_dir()) and "seed = [1, 2, 3]" in Path(path).read_text()
    )


def test_edits_become_a_film_and_the_film_is_played(toasts: list[str]) -> None:
    """The whole way: an edit, r, Enter, a job, its GIF in the place of the picture, Esc."""

    async def test(pilot: Keys) -> None:
        app = pilot.app
        from latty.scene import Edit

        app.change(app.state.added(Edit("demo/smile", 2.0)), "smile")  # type: ignore[attr-defined]
        await settled(pilot)
        await pressed(pilot, "r")
        sheet = await form(pilot)
        assert sheet.values["formats"] == "gif" and sheet.values["name"] == "smile"
        sheet.set("frames", "4")
        sheet.set("formats", "gif,frames")
        await seen(pilot, "renders/smile.gif: 4 pictures of 512 px, 6 frames")
        await pressed(pilot, "enter")
        await until(pilot, lambda: queue(pilot).jobs, "a job")
        job = queue(pilot).jobs[0]
        assert job.title == "render smile"
        await asyncio.to_thread(over, job.id)
        await seen(pilot, "✓ done")
        player = queue(pilot).player
        for output in ("renders/smile.gif", "renders/smile"):
            queue(pilot).show_output(str(Path(output).absolute()))
            await until(pilot, lambda: player.shown > 8, "two rounds of the film")
            assert f"{output}" in text(pilot)
            made = app.preview.made  # type: ignore[attr-defined]
            await pressed(pilot, "escape")
            await until(pilot, lambda made=made: app.preview.made > made, "the picture again")
            assert player.path is None
        await pressed(pilot, "w", "enter")
        await until(pilot, lambda: isinstance(app.screen, Choose), "which of the two")
        await pressed(pilot, "enter")
        await until(pilot, lambda: player.shown > 2)
        await pressed(pilot, "n")
        await until(pilot, lambda: player.path is None, "another picture ends it")
        await pressed(pilot, "w", "P")
        await pressed(pilot, "G")
        await until(pilot, lambda: app.state.scene.seed == 7, "its preset again")  # type: ignore
        assert [key.edits[0].strength for key in app.state.keys] == [0.0, 2.0]  # type: ignore
        assert pilot.app.clipboard.endswith("smile.gif\n" + str(Path("renders/smile").absolute()))
        Path("renders/smile.gif").unlink()
        queue(pilot).show_output(str(Path("renders/smile.gif").absolute()))
        assert "is gone" in toasts[-1]

    studio.run(test)


# --- discover -------------------------------------------------------------------------------------


def test_a_method_is_chosen_its_form_filled_and_its_set_is_listed() -> None:
    async def test(pilot: Keys) -> None:
        await pressed(pilot, "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose), "the methods")
        await pressed(pilot, *"baseline", "enter")
        sheet = await form(pilot)
        assert sheet.values["name"] == "demo-random"
        asked = [name for name in sheet.fields if sheet.query_one(f"#row-{name}").display]
        assert asked == ["name", "with_components", "with_kind", "with_samples", "more"]
        sheet.set("with_components", "many")
        await pressed(pilot, "enter")
        await seen(pilot, "'many' does not fit")  # the column is narrow
        assert "--components" not in text(pilot)
        sheet.set("with_components", "2")
        sheet.set("with_samples", "60")
        sheet.set("name", "no/such.txt")
        await pressed(pilot, "enter")
        await seen(pilot, "is no name")
        sheet.set("name", "mine")
        await pressed(pilot, "enter")
        await until(pilot, lambda: queue(pilot).jobs, "a job")
        job = queue(pilot).jobs[0].status
        assert job.spec.words == ("discover", "random", "demo", "-o", "mine", "--device=cpu",
                                  "--components=2", "--samples=60")  # fmt: skip
        assert (await asyncio.to_thread(over, job.id)).state == "done"
        await seen(pilot, "✓ done")
        listed = pilot.app.panel("directions")  # type: ignore[attr-defined]
        await until(pilot, lambda: any(r.entry and r.entry.name == "mine" for r in listed.rows))
        await pressed(pilot, "w", "enter")
        assert listed.has_focus and listed.row.entry.name == "mine"

    studio.run(test)


def test_what_does_not_fit_comes_last_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def call(engine: EngineClient, name: str, **args: object) -> dict[str, object]:
        assert (name, args) == ("methods", {"model": "demo"})
        return {"lacks": {"ganspace": "it has no axes"}, "attributes": {"factors": ["smile"]}}

    monkeypatch.setattr(EngineClient, "call", call)

    async def test(pilot: Keys) -> None:
        await pressed(pilot, "d")
        await seen(pilot, "- ganspace  does not fit: it has no axes")
        assert pilot.app.screen.seen[-1].value == "ganspace"  # type: ignore[attr-defined]
        await pressed(pilot, *"axes", "enter")
        await form(pilot)
        await seen(pilot, "it has no axes")  # a parameter may change that: it is not forbidden
        await pressed(pilot, "escape")
        assert run.ids() == []

    studio.run(test)


def test_what_the_engine_says_later_comes_into_the_open_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = asyncio.Event()

    async def call(engine: EngineClient, name: str, **args: object) -> dict[str, object]:
        await told.wait()
        return {"lacks": {"ganspace": "it has no axes"}}

    monkeypatch.setattr(EngineClient, "call", call)
    monkeypatch.setattr(discover, "PATIENCE", 0.05)

    async def test(pilot: Keys) -> None:
        def at() -> str:
            screen = pilot.app.screen
            return str(screen.seen[screen.query_one(OptionList).highlighted or 0].value)  # type: ignore[attr-defined]

        await pressed(pilot, "d", "down", "down")
        await seen(pilot, "find directions with")
        held = at()
        told.set()
        await seen(pilot, "- ganspace  does not fit: it has no axes")
        assert at() == held

    studio.run(test)


def test_a_long_form_is_used_by_keyboard_at_80x24() -> None:
    async def test(pilot: Keys) -> None:
        await pressed(pilot, "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose), "the methods")
        await pressed(pilot, *"warped", "enter")
        sheet = await form(pilot)
        sheet.set("more", "yes")
        await until(pilot, lambda: sheet.query_one("#row-with_truncation").display)
        while sheet.focused is not sheet.control("with_truncation"):
            await pressed(pilot, "down")
        await until(pilot, lambda: sheet.values["with_truncation"] == "none")
        await pressed(pilot, "up", "up", "right")
        assert sheet.values["with_space"] == "z"
        await seen(pilot, "‹ z › 2 of 3")
        assert sheet.query_one("#told").region.bottom <= 23
        await pressed(pilot, "tab", "tab", "x")
        await seen(pilot, "'x' does not fit")
        assert "truncation" in text(pilot)

    studio.run(test, size=(80, 24))


def test_scorers_and_attributes_are_offered_and_checked() -> None:
    """With the real engine: it knows what the model's own scorer scores."""

    async def test(pilot: Keys) -> None:
        await pressed(pilot, "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose), "the methods")
        await pressed(pilot, *"tlgan", "enter")
        sheet = await form(pilot)
        await seen(pilot, "factors scores yaw, pitch")
        sheet.control("with_names").focus()
        await pressed(pilot, *"age,smi")
        await until(pilot, lambda: sheet.control("with_names")._suggestion == "age,smile")
        sheet.set("with_names", "smile,smle")
        await pressed(pilot, "enter")
        await seen(pilot, "no 'smle': did you mean 'smile'?")
        sheet.set("with_scorer", "nobody")
        await pressed(pilot, "enter")
        await seen(pilot, "no scorer 'nobody'")
        await pressed(pilot, "escape")
        assert run.ids() == []

    studio.run(test, real=True)


def test_an_onnx_scorer_is_picked_and_its_figures_are_seen(tmp_path: Path) -> None:
    """With the real engine, a real job, and onnxruntime in a process of its own."""
    data, _ = onnx_network()
    (tmp_path / "n.onnx").write_bytes(data)
    store.add(card(tmp_path, ONNX), "net")

    async def test(pilot: Keys) -> None:
        await pressed(pilot, "d")
        await until(pilot, lambda: isinstance(pilot.app.screen, Choose), "the methods")
        await pressed(pilot, *"interfacegan", "enter")
        sheet = await form(pilot)
        sheet.set("with_scorer", "net")
        await seen(pilot, "net scores smile, hat")
        for field, words in (("with_samples", "300"), ("with_names", "hat"), ("name", "mine")):
            sheet.set(field, words)
        await pressed(pilot, "enter")
        await until(pilot, lambda: queue(pilot).jobs, "a job")
        assert (await asyncio.to_thread(over, queue(pilot).jobs[0].status.id)).state == "done"
        listed = pilot.app.panel("directions")  # type: ignore[attr-defined]
        await until(pilot, lambda: any(r.entry and r.entry.name == "mine" for r in listed.rows))
        await until(pilot, lambda: queue(pilot).job.state == "done", "the end in the queue")
        await pressed(pilot, "w", "enter", "down")
        name, found = set_info("mine").infos[0].scores[0]
        assert name == "corr" and found > 0.5
        await seen(pilot, f"corr {found:.2g}")

    studio.run(test, real=True)


def test_the_engine_says_what_a_model_lacks() -> None:
    from toy_generator import Toy

    from latty.jobs.engine.methods import methods

    class Cache:
        def generator(self, ref: str) -> Toy:
            return Toy()

    said = methods("toy", Cache())  # type: ignore[arg-type]
    assert "no layer weights" in said["lacks"]["sefa"]
    assert "random" not in said["lacks"] and said["attributes"]["geometry"]
    assert said["pace"]["picture"] > 0 and said["pace"]["mapping"] > 0
