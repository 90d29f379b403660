"""What lies about is shown with its size, and goes only when somebody says yes; what is not ours,
or is held, stays."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import write_preset
from forked import forked, killed_before
from loopback import Server, serving
from store_verbs import NAME, VERBS

from latty import home, locks
from latty.cli.verbs.clean import KINDS
from latty.folders import LOCK, Folder, private
from latty.jobs import run as runs
from latty.jobs.run import JobSpec, Status
from latty.models import open_model
from latty.render.work import SUFFIX, Work

DAY = 86_400.0
PINNED = """schema = 1
[scene]
model = "other"
[[scene.edits]]
direction = "made/r0"
strength = 1.0
[[outputs]]
path = "pinned.png"
"""


def told(*words: str, here: Path) -> dict[str, dict[str, object]]:
    """What clean finds, by the end of its path."""
    done = latty("clean", "--json", *words, home=here)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {Path(row["path"]).name: row for row in rows}


def interrupted(folder: Path, name: str = "k.gif") -> Path:
    """A work folder as a killed render leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(folder / name)
    with work, work.folder.create("pictures") as file:
        file.write(bytes(5000))
    return folder / f"{name}{SUFFIX}"


def test_a_killed_render_of_another_name_is_found(tmp_path: Path) -> None:
    """The preset is renamed afterwards: nothing else would take its work folders away."""
    preset = write_preset(tmp_path, frames=40)

    def killed() -> int:
        return latty("render", str(preset), home=tmp_path).returncode

    assert killed_before(30, killed) < 0
    folder = tmp_path / "renders" / f"tiny.gif{SUFFIX}"
    assert folder.is_dir()
    preset.unlink()
    row = told(here=tmp_path)[folder.name]
    assert row["kind"] == "renders" and row["removed"] is False and folder.is_dir()
    assert row["bytes"] == sum(one.stat().st_size for one in folder.iterdir())
    assert told("--yes", here=tmp_path)[folder.name]["removed"] is True
    assert not folder.exists() and not told(here=tmp_path)


def test_nothing_goes_without_a_yes(tmp_path: Path) -> None:
    folder = interrupted(tmp_path / "renders")
    for words in ((), ("--dry-run",), ("--dry-run", "--yes"), ("--json",)):
        done = latty("clean", *words, home=tmp_path)
        assert done.returncode == 0 and folder.is_dir() and "nothing was removed" in done.stderr
    done = latty("clean", "--yes", home=tmp_path)
    assert done.stdout.split()[0] == "renders"
    assert "kB freed" in done.stderr and not folder.exists()
    assert "nothing lies about" in latty("clean", home=tmp_path).stderr


def test_work_is_found_where_jobs_worked_and_where_one_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    for place, words in (
        ("a", ("render", "x.toml")),
        ("b", ("render", "x.toml", "--out-dir", "o")),
    ):
        job(f"{place}bcdefghjkm-aaaa", "interrupted", folder=tmp_path / place, words=words)
    found = [
        interrupted(tmp_path / one, f"{one[0]}.gif") for one in ("a/renders/sub", "b/o", "c/d")
    ]
    assert {*told(here=tmp_path)} == {one.name for one in found[:2]}
    assert {*told(str(tmp_path / "c"), here=tmp_path)} == {one.name for one in found}
    here = interrupted(tmp_path / "x" / "y", "e.gif")  # not looked for below where people work
    assert here.name not in told(here=tmp_path) and here.name in told(".", here=tmp_path)
    (tmp_path / "latty.toml").write_text('out_dir = "."')
    assert here.name not in told(here=tmp_path)
    done = latty("clean", "nowhere", home=tmp_path)
    assert done.returncode == 66


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    renders, away = tmp_path / "renders", tmp_path / "away"
    real = interrupted(away)
    renders.mkdir()
    (renders / f"link{SUFFIX}").symlink_to(real)
    (renders / "there").symlink_to(away)
    for name in ("empty", "full"):
        (renders / f"{name}{SUFFIX}").mkdir()
    (renders / f"full{SUFFIX}" / "mine").write_text("mine")
    moved = interrupted(renders, "copied.gif")
    (copy := renders / f"copy.gif{SUFFIX}").mkdir()
    for one in moved.iterdir():
        (copy / one.name).write_bytes(one.read_bytes())
    latty("clean", "--yes", home=tmp_path)
    assert real.is_dir() and (copy / "pictures").exists() and not moved.exists()
    assert (renders / f"full{SUFFIX}" / "mine").read_text() == "mine"
    assert (renders / f"link{SUFFIX}").is_symlink()


def test_a_folder_of_the_bare_suffix_is_nobodys_work(tmp_path: Path) -> None:
    (tmp_path / "out" / SUFFIX).mkdir(parents=True)
    assert told("out", here=tmp_path) == {}


def test_what_somebody_is_at_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    folder = interrupted(tmp_path / "renders")
    search = private(home.state_dir() / "discover" / "ganspace-1")
    (search / "part").write_bytes(bytes(100))
    with locks.locked(folder / LOCK, "here"), locks.locked(search / LOCK, "here"):
        pid_says = forked(lambda: len(told("--yes", here=tmp_path)))
    assert pid_says == 0 and folder.is_dir() and search.is_dir()
    assert {*told("--yes", here=tmp_path)} == {folder.name, search.name}
    assert not folder.exists() and not search.exists()


def job(
    name: str, state: str, ended: float | None = None, folder: Path | None = None,
    words: tuple[str, ...] = ("render", "x.toml"),
) -> str:  # fmt: skip
    spec = JobSpec(name, words, str(folder or "/"), submitted=time.time())
    os.close(runs.create(Status(spec, state, ended=ended)))  # type: ignore[arg-type]
    return name


def test_old_jobs_go_and_new_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    now = time.time()
    old, new = job("0bcdefghjkm-aaaa", "done", now - 40 * DAY), job("0bcdefghjkn-aaaa", "done", now)
    assert {*told(here=tmp_path)} == {old}
    assert {*told("--older", "50d", here=tmp_path)} == set()
    assert {*told("--older", "0d", here=tmp_path)} == {old, new}
    lock = locks.take(runs.lock_of(old))
    assert lock is not None
    assert forked(lambda: len(told("--yes", here=tmp_path))) == 0  # somebody resumes it
    os.close(lock)
    assert told("--yes", here=tmp_path)[old]["removed"] is True and runs.ids() == [new]
    assert latty("clean", "--older", "soon", home=tmp_path).returncode == 2


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def test_halves_and_caches_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    models, zoo = private(home.models_dir()), private(home.cache_dir() / "zoo" / "ada")
    scores = private(home.cache_dir() / "scores" / "1")
    digits = "0123456789ab"
    halves = [models / f"gone.{digits}.encoder.safetensors", models / f".x.safetensors.{digits}",
              zoo / "a.pkl.part", zoo / "a.pkl.part.json"]  # fmt: skip
    kept = [models / "mine.txt", models / "gone.json", zoo / "b.pkl"]
    for path in (*halves, *kept, scores / "s"):
        path.write_bytes(bytes(10))
    assert {*told(here=tmp_path)} == {one.name for one in halves}  # of the cache, touched just now
    for path in (scores / "s", scores):
        os.utime(path, (0, 0))
    found = told("--yes", "--downloads", here=tmp_path)
    assert {*found} == {*(one.name for one in halves), "1", "b.pkl"}
    assert {row["kind"] for row in found.values()} <= {*KINDS}
    assert [one.exists() for one in (*kept, *halves, scores)] == [True, True, *6 * [False]]


def test_a_lock_goes_and_not_the_one_that_is_taken_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    lock = private(home.models_dir()) / ".x.safetensors.lock"
    lock.touch()
    unlink, other = Path.unlink, list[int | None]()

    def removed(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.name == lock.name and not other:
            other.append(locks.take(lock))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", removed)
        assert [*told("--yes", here=tmp_path)] == [lock.name]
    (handle,) = other
    assert handle is not None and locks.is_writing(lock.with_name("x.safetensors"))
    assert not told("--yes", here=tmp_path)
    os.close(handle)
    assert told("--yes", here=tmp_path)[lock.name]["removed"] and not lock.exists()


@pytest.mark.parametrize("verb", ["model", "scorer"])
def test_what_no_file_names_any_more_goes(
    verb: str, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import over an old one, on a disk that did not let the folder be listed."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    make, store = VERBS[verb][:2]
    assert latty(*make(tmp_path, 0, server), home=tmp_path).returncode == 0
    before = stored(tmp_path)
    lost = next(one for one in store.folder().iterdir() if one.suffix != store.suffix
                or one.name.count(".") > 1)  # fmt: skip
    other = lost.with_name(lost.name.replace(lost.name.split(".")[1], "0" * 12))
    other.write_bytes(lost.read_bytes())
    assert {*told("--yes", here=tmp_path)} == {other.name} and stored(tmp_path) == before


def test_another_file_of_a_locks_name_is_told_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    mine = private(home.models_dir()) / ".x.safetensors.lock"
    mine.write_text("mine")
    done = latty("clean", "--yes", home=tmp_path)
    assert done.returncode == 73 and "it is no lock of latty's" in done.stderr
    assert done.stderr.count(str(mine)) == 1
    assert mine.read_text() == "mine"


def test_models_that_nothing_needs_go_where_that_is_asked(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    assert latty(*VERBS["model"][0](tmp_path, 0, server), home=tmp_path).returncode == 0
    assert told("--older", "0s", here=tmp_path) == {} == told("--models", here=tmp_path)
    assert {*told("--models", "--older", "0s", "--yes", here=tmp_path)} == {f"{NAME}.safetensors"}
    assert [*home.models_dir().iterdir()] == []


def test_to_look_at_a_model_is_not_to_use_it(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    assert latty(*VERBS["model"][0](tmp_path, 0, server), home=tmp_path).returncode == 0
    long_ago = time.time() - 40 * 86_400
    os.utime(home.models_dir() / f"{NAME}.safetensors", (long_ago, long_ago))
    for words in (("list", "models"), ("inspect", NAME), ("list", "models")):
        assert latty(*words, home=tmp_path).returncode == 0
        assert {*told("--models", "-n", here=tmp_path)} == {f"{NAME}.safetensors"}
    assert latty("sample", NAME, "--seeds", "0", "-o", "x.png", home=tmp_path).returncode == 0
    assert told("--models", "-n", here=tmp_path) == {}


def test_a_model_is_used_however_its_path_is_spelled(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    assert latty(*VERBS["model"][0](tmp_path, 0, server), home=tmp_path).returncode == 0
    store, name = home.models_dir(), f"{NAME}.safetensors"
    (tmp_path / "data").symlink_to(store.parent)
    (tmp_path / "linked.safetensors").symlink_to(store / name)
    long_ago = time.time() - 40 * 86_400
    for ref, folder in (
        (name, store),
        (f"./{name}", store),
        (f"../models/{name}", store),
        (f"data/models/{name}", tmp_path),
        ("linked.safetensors", tmp_path),
    ):
        os.utime(store / name, (long_ago, long_ago))
        with monkeypatch.context() as there:
            there.chdir(folder)
            open_model(ref, "cpu")
        assert (store / name).stat().st_atime > long_ago, ref
    assert told("--models", "-n", here=tmp_path) == {}


# --- latty remove ---------------------------------------------------------------------------------

KIND_OF = {"model": "model", "set": "set", "latents": "latents", "scorer": "scorer"}


def stored(home_of: Path) -> list[str]:
    data = home_of / "home" / "data"
    return sorted(path.name for path in data.rglob("*") if path.is_file())


@pytest.mark.parametrize("verb", KIND_OF)
def test_what_a_name_means_goes_with_all_of_it(verb: str, tmp_path: Path, server: Server) -> None:
    words = VERBS[verb][0](tmp_path, 0, server)
    assert latty(*words, home=tmp_path).returncode == 0
    asked = latty("remove", NAME, home=tmp_path)
    assert asked.returncode == 2 and "--yes" in asked.stderr and stored(tmp_path)
    done = latty("remove", NAME, "--yes", "--json", home=tmp_path)
    row = json.loads(done.stdout)
    assert (row["kind"], row["name"]) == (KIND_OF[verb], NAME) and row["bytes"] > 0
    assert stored(tmp_path) == []
    gone = latty("remove", NAME, "--yes", home=tmp_path)
    assert gone.returncode == 66 and "nothing is called" in gone.stderr


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["model", "scorer"])
def test_killed_before_each_step_it_is_whole_or_gone(
    verb: str, tmp_path: Path, server: Server
) -> None:
    words, store = VERBS[verb][0](tmp_path, 0, server), VERBS[verb][1]
    make = [*words, "--overwrite"]
    assert latty(*make, home=tmp_path).returncode == 0
    whole, step = stored(tmp_path), 0

    def removed() -> int:
        return latty("remove", NAME, "--yes", home=tmp_path).returncode

    while killed_before(step, removed) < 0:
        left = [one for one in stored(tmp_path) if not one.endswith(".lock")]
        if f"{NAME}{store.suffix}" in left:
            assert left == whole, step
        else:  # what is left is no model, and clean takes it
            listed = latty("list", f"{verb}s", home=tmp_path).stdout
            assert NAME not in listed
            assert latty("clean", "--yes", home=tmp_path).returncode == 0
            assert stored(tmp_path) == []
        assert latty(*make, home=tmp_path).returncode == 0
        step += 1
        assert step < 20
    assert step >= 2 and stored(tmp_path) == []


@contextmanager
def two_of_a_name(tmp_path: Path, server: Server) -> Iterator[None]:
    for verb in ("model", "set"):
        assert latty(*VERBS[verb][0](tmp_path, 0, server), home=tmp_path).returncode == 0
    yield


def test_a_name_of_two_kinds_is_asked_about(tmp_path: Path, server: Server) -> None:
    with two_of_a_name(tmp_path, server):
        done = latty("remove", NAME, "--yes", home=tmp_path)
        assert done.returncode == 2 and "--kind model or --kind set" in done.stderr
        assert latty("remove", NAME, "--kind", "set", "--yes", home=tmp_path).returncode == 0
        assert latty("remove", NAME, "--yes", home=tmp_path).stdout == f"model {NAME}\n"


def test_what_is_held_ships_or_needs_it_is_said(tmp_path: Path, server: Server) -> None:
    words, store = VERBS["set"][0](tmp_path, 0, server), VERBS["set"][1]
    assert latty(*words, home=tmp_path).returncode == 0
    file = tmp_path / "home" / "data" / "directions" / f"{NAME}{store.suffix}"
    with locks.writing(file):
        code = forked(lambda: latty("remove", NAME, "--yes", home=tmp_path).returncode)
    assert code == 75 and file.exists()
    for name, kind in (("demo", "model"), ("demo", "set"), ("colour", "scorer")):
        done = latty("remove", name, "--kind", kind, "--yes", home=tmp_path)
        assert done.returncode == 2 and "ships with latty" in done.stderr, name
    near = latty("remove", NAME[:-1], "--yes", home=tmp_path)
    assert near.returncode == 66 and f"did you mean '{NAME}'?" in near.stderr


def test_sets_that_were_made_for_a_model_are_named(tmp_path: Path, server: Server) -> None:
    assert latty(*VERBS["model"][0](tmp_path, 0, server), home=tmp_path).returncode == 0
    done = latty("discover", "random", NAME, "-o", "made", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "which made (made for it) needs" in latty("remove", NAME, home=tmp_path).stderr
    done = latty("remove", NAME, "--yes", "--json", home=tmp_path)
    assert json.loads(done.stdout)["needed_by"] == ["made"] and "made for" in done.stderr


def test_a_renamed_model_is_that_of_its_sets(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was made for it needs it, walks with it and renders with it, whoever has its old
    name."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))

    def done(*words: str, code: int = 0) -> str:
        ran = latty(*words, home=tmp_path)
        assert ran.returncode == code, (words, ran.stderr)
        return str(ran.stdout + ran.stderr)

    done(*VERBS["model"][0](tmp_path, 0, server))
    done("discover", "random", NAME, "-o", "made", "--components", "1")
    done("rename", NAME, "other")
    for taken in (False, True):
        if taken:
            done(*VERBS["model"][0](tmp_path, 1, server))
            assert "made" not in done("remove", NAME, code=2)
        assert "which made (made for it) needs" in done("remove", "other", code=2)
        walks = ("--seeds", "0-1", "--steps", "3", "--baseline", "0", "--samples", "10")
        done("traverse", "made", "-o", str(tmp_path / f"walks{taken}"), "--film", "none", *walks)
    preset = tmp_path / "pinned.toml"
    preset.write_text(PINNED)
    done("pin", str(preset))
    done("rename", "other", "third")
    said = done("check", str(preset), code=66)
    assert "no model 'other', what is pinned is called 'third' here" in " ".join(said.split()), said
    done("rename", "made", "later")
    assert "what is pinned is called 'later' here" in done("check", str(preset), code=66)
    done("rename", "later", "made")
    done("render", str(preset), "--set", 'scene.model="third"')
    done("rename", NAME, "spare")
    assert {*told("--models", "--older", "0s", here=tmp_path)} == {"spare.safetensors"}


def test_jobs_go_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    first, second = job("0bcdefghjkm-aaaa", "done", 1.0), job("0bcdefghjkn-bbbb", "failed", 1.0)
    assert latty("remove", "aaaa", "--yes", home=tmp_path).stdout == f"job {first}\n"
    with Folder(runs.folder_of(second)) as folder:
        assert folder.status("spec.json")
    lock = locks.take(runs.lock_of(second))
    assert lock is not None
    assert forked(lambda: latty("jobs", "remove", "last", home=tmp_path).returncode) == 75
    os.close(lock)
    assert latty("jobs", "remove", "last", home=tmp_path).stdout == f"{second}\n"
    assert runs.ids() == [] and latty("jobs", "remove", home=tmp_path).returncode == 2
