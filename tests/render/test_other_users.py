"""A folder that others write to as well: what eve puts beside an output costs bob nothing."""

import multiprocessing
import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli_in_process import latty
from cli_process import write_preset
from users import BOB, EVE, ROOT_ONLY, as_user, give, places

from latty import folders, home, locks
from latty.folders import Folder
from latty.render import kept

pytestmark = ROOT_ONLY
VERBS = {
    "tiny.gif": ("render", "tiny.toml", "-q", "--out-dir", "../shared"),
    "tiny.png": ("sample", "demo", "--seeds", "1", "--size", "32", "-o", "../shared/tiny.png"),
    "walk.gif": ("edit", "demo", "--attribute", "brightness/luma", "--to", "0.5", "--size", "32",
                 "-o", "../shared/walk.gif"),
    "yaw.npy": ("export", "demo/yaw", "--as", "npy", "-o", "../shared/yaw.npy"),
}  # fmt: skip
WORK = {name: f"{name}.latty-work" for name in VERBS if name != "yaw.npy"}
RANK = ("rank", "portraits-random", "--directions", "r0", "--scorers", "smile", "--seeds", "1",
        "--steps", "3", "--baseline", "0", "-o", "../shared/r")  # fmt: skip
FILM = "000-r0-seed1.gif"


@pytest.fixture(scope="module", autouse=True)
def imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Others may not be able to read the modules, so all that is needed is imported before."""
    folder = tmp_path_factory.mktemp("root") / "bob"
    folder.mkdir()
    write_preset(folder, frames=2)
    again = (*VERBS["tiny.gif"], "--force")  # which reads what is kept
    for words in (*VERBS.values(), again, RANK):
        assert latty(*words, home=folder).returncode == 0
    if not as_user(BOB, lambda: os.access(home.shipped_dir() / "models/demo.safetensors", os.R_OK)):
        pytest.skip("others cannot read the models that come with latty")


@pytest.fixture(params=[0o1777, 0o777], ids=["sticky", "open"])
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """bob/ with what is precious to him, and shared/."""
    for folder in places():
        (folder / "bob/precious/deep").mkdir(parents=True)
        (folder / "bob/precious/one").write_text("data")
        (folder / "bob/precious/deep/two").write_text("more")
        write_preset(folder / "bob", frames=2)
        give(folder / "bob", BOB)
        (folder / "shared").mkdir()
        (folder / "shared").chmod(request.param)
        yield folder


def link(to: str, name: Path) -> None:
    name.symlink_to(os.path.abspath(name.parents[1] / "bob" / to))  # noqa: PTH100  no link is read


def folder_of_files(name: Path) -> None:
    shutil.copytree(name.parents[1] / "bob/precious", name)


def copied_work(name: Path) -> None:
    """As a clone or an archive brings it."""
    with Folder(name.parent) as parent, parent.of_ours("made", "render") as made:
        made.write("pictures", [b"x"])
    shutil.copytree(name.parent / "made", name)
    shutil.rmtree(name.parent / "made")


def bobs_folder(name: Path) -> None:
    folder_of_files(name)
    give(name, BOB)


def open_socket(name: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(name))


def device(name: Path) -> None:
    os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(1, 3))


def second_name(name: Path) -> None:
    name.hardlink_to(name.parents[1] / "bob/precious/one")


Plant = Callable[[Path], object]
STRANGE: dict[str, Plant] = {
    "link to a folder": partial(link, "precious"),
    "link to a file": partial(link, "precious/one"),
    "dangling link": partial(link, "precious/new"),
    "pipe": os.mkfifo,
    "socket": open_socket,
    "device": device,
    "file": lambda name: name.write_text("eve's"),
    "second name": second_name,
    "folder": folder_of_files,
}
FOLDERS: dict[str, Plant] = {"copied work": copied_work, "bob's folder": bobs_folder}


def plant(place: Path, name: str, how: str) -> Path:
    target = place / "shared" / name
    (STRANGE | FOLDERS)[how](target)
    if how not in ("second name", "bob's folder"):
        give(target, EVE)
    return target


def state(path: Path) -> list[object]:
    """Everything in a folder or of a file, and what it is."""
    found = (path, *sorted(path.rglob("*"))) if path.is_dir() and not path.is_symlink() else (path,)
    return [(str(one), one.lstat().st_mode, one.lstat().st_uid, one.lstat().st_ino,
             one.read_bytes() if stat.S_ISREG(one.lstat().st_mode) else b"")
            for one in found]  # fmt: skip


def by_bob(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return as_user(BOB, lambda: latty(*words, home=place / "bob"))


def refused(done: subprocess.CompletedProcess[str], *codes: int) -> None:
    assert done.returncode in codes, done.stderr
    assert done.stderr.count("\n") == 1 and "latty:" in done.stderr, done.stderr


@pytest.mark.parametrize("how", STRANGE | FOLDERS)
@pytest.mark.parametrize("name", ["tiny.gif", "walk.gif"])
def test_a_work_folder_that_is_not_ours(name: str, how: str, place: Path) -> None:
    planted = plant(place, WORK[name], how)
    before = state(planted), state(place / "bob/precious")
    refused(by_bob(place, *VERBS[name], "--force"), 73)
    assert before == (state(planted), state(place / "bob/precious"))
    assert [one.name for one in (place / "shared").iterdir()] == [planted.name]


@pytest.mark.parametrize("how", STRANGE)
@pytest.mark.parametrize("name", ["tiny.gif", "tiny.png", "yaw.npy"])
@pytest.mark.parametrize("place", [0o777], indirect=True)
def test_a_final_name_that_is_taken(name: str, how: str, place: Path) -> None:
    planted = plant(place, name, how)
    before = state(planted), state(place / "bob/precious")
    leads_out = name == "tiny.gif" and "link" in how
    no_file = name == "tiny.png" and how in ("folder", "link to a folder")
    refused(by_bob(place, *VERBS[name]), 65 if leads_out else 2 if no_file else 73)
    assert before == (state(planted), state(place / "bob/precious"))
    assert [one.name for one in (place / "shared").iterdir()] == [planted.name]


@pytest.mark.parametrize("how", ["link to a file", "dangling link", "second name", "file"])
@pytest.mark.parametrize("name", ["tiny.gif", "yaw.npy"])
def test_force_replaces_a_name_and_not_what_it_leads_to(name: str, how: str, place: Path) -> None:
    sticky = (place / "shared").stat().st_mode & stat.S_ISVTX
    planted, before = plant(place, name, how), state(place / "bob/precious")
    done = by_bob(place, *VERBS[name], "--force")
    if name == "tiny.gif" and "link" in how:  # it leads out of the output folder
        refused(done, 65)
    elif sticky and how != "second name":  # the system lets only eve rename what is hers
        refused(done, 74)
    else:
        assert done.returncode == 0, done.stderr
        assert planted.lstat().st_uid == BOB and stat.S_ISREG(planted.lstat().st_mode)
    assert [one[0::4] for one in before] == [one[0::4] for one in state(place / "bob/precious")]  # type: ignore[index]
    assert not (place / "bob/precious/new").exists()


@pytest.mark.parametrize("how", ["link to a file", "dangling link", "pipe", "second name", "file"])
def test_a_lock_that_is_not_ours(how: str, place: Path) -> None:
    planted = plant(place, ".yaw.npy.lock", how)
    before = state(planted), state(place / "bob/precious")
    sticky = (place / "shared").stat().st_mode & stat.S_ISVTX
    closed = how != "second name" and (sticky or how in ("pipe", "file"))
    refused(by_bob(place, *VERBS["yaw.npy"]), 75 if closed else 73)
    assert before == (state(planted), state(place / "bob/precious"))


def test_a_render_of_another_user_is_not_gone_on_with(place: Path) -> None:
    """It is left as it is, and both are told."""

    def begin() -> None:
        with Folder(place / "shared") as shared, shared.of_ours(WORK["tiny.gif"], "render") as work:
            work.write("pictures", [b"eve's"])

    as_user(EVE, begin)
    before = state(place / "shared" / WORK["tiny.gif"])
    done = by_bob(place, *VERBS["tiny.gif"])
    refused(done, 73)
    assert "belongs to another user" in done.stderr
    assert before == state(place / "shared" / WORK["tiny.gif"])


RANKED: dict[str, tuple[str, Plant, tuple[int, ...]]] = {
    "a table that is a link": ("curves.csv", partial(link, "../../bob/precious/one"), (73,)),
    "a page that is a dangling link": ("README.md", partial(link, "../../bob/precious/n"), (73,)),
    "a picture that is a link": (
        "000-r0-seed1.gif",
        partial(link, "../../bob/precious/one"),
        (73,),
    ),
    "a work folder": (f"{FILM}.latty-work", partial(link, "../../bob/precious"), (73,)),
}


@pytest.mark.parametrize("what", RANKED)
def test_a_ranking_into_the_folder_of_another_user(what: str, place: Path) -> None:
    name, how, codes = RANKED[what]
    folder = place / "shared/r"
    folder.mkdir()
    folder.chmod((place / "shared").stat().st_mode)
    how(folder / name)
    give(folder, EVE)
    before = state(place / "bob/precious")
    done = by_bob(place, *RANK, "-q")
    assert done.returncode in codes, done.stderr
    assert done.stderr.count("\n") == (done.returncode != 0), done.stderr
    assert before == state(place / "bob/precious")


@pytest.mark.slow
@pytest.mark.parametrize("place", [0o777], indirect=True)
@pytest.mark.parametrize("how", [None, "link to a folder", "pipe", "folder", "copied work"])
def test_several_processes_trust_no_more_than_one(how: str | None, place: Path) -> None:
    """Forks of this process: others may not be able to start this Python, nor to import."""

    def split(folder: str = "bob") -> subprocess.CompletedProcess[str]:
        forks = multiprocessing.get_context("fork")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(multiprocessing, "get_context", lambda kind: forks)
            return latty("render", "tiny.toml", "other.toml", "--workers", "2", "-q",
                         "--out-dir", "../shared", home=place / folder)  # fmt: skip

    (place / "first/home").mkdir(parents=True)
    for name in ("tiny", "other"):
        write_preset(place / "first", name, frames=2)
    assert split("first").returncode == 0
    for one in (place / "shared").iterdir():
        one.unlink()
    planted = plant(place, WORK["tiny.gif"], how) if how else None
    give(write_preset(place / "bob", "other", frames=2), BOB)
    before = state(planted) if planted else [], state(place / "bob/precious")
    done = as_user(BOB, split)
    assert done.returncode == (73 if planted else 0), done.stderr
    assert before == (state(planted) if planted else [], state(place / "bob/precious"))
    made = {one.name: one.lstat() for one in (place / "shared").iterdir() if one != planted}
    assert {*made} == ({"other.gif"} if planted else {"other.gif", "tiny.gif"})
    assert all(stat.S_ISREG(one.st_mode) and one.st_uid == BOB for one in made.values())


# --- pictures that are kept -----------------------------------------------------------------------

SWAPPED: dict[str, tuple[object, str] | None] = {
    "before": None,
    "after the look": (folders, "private"),
    "once it is open": (locks, "take"),
    "once it is locked": (kept, "_opened"),
    "when they are kept": (kept, "_keep"),
}


@pytest.mark.parametrize("place", [0o777], indirect=True)
@pytest.mark.parametrize("when", SWAPPED)
def test_a_cache_that_another_user_puts_in_its_place(when: str, place: Path) -> None:
    """Bob has his in a folder that all may write to; eve's holds links to what is his."""
    frames, hers, his = (place / "shared" / name for name in ("frames", "hers", "his"))
    frames.mkdir()
    give(frames, BOB)
    (place / "bob/home/cache").mkdir(parents=True)
    (place / "bob/home/cache/frames").symlink_to(frames)
    give(place / "bob/home", BOB)
    words = ("render", "tiny.toml", "-q", "--overwrite", "-o", "tiny.gif")
    assert by_bob(place, *words).returncode == 0
    film, precious = (place / "bob/tiny.gif").read_bytes(), state(place / "bob/precious")
    (name,) = (one.name for one in frames.iterdir())
    hers.mkdir()
    for ending in ("", kept.LOCK, kept.HALF):
        (hers / f"{name}{ending}").symlink_to(place / "bob/precious/one")
    give(hers, EVE)
    hers.chmod(0o777)

    def swap() -> None:
        if hers.exists():
            frames.rename(his)
            hers.rename(frames)

    def rendered() -> subprocess.CompletedProcess[str]:
        with pytest.MonkeyPatch.context() as patch:
            if (at := SWAPPED[when]) is not None:
                before = getattr(*at)

                def swapped(*args: Any, **more: Any) -> Any:
                    if at[1] in ("_opened", "_keep"):
                        swap()
                    try:
                        return before(*args, **more)
                    finally:
                        swap()

                patch.setattr(*at, swapped)
            return latty(*words, home=place / "bob")

    if when == "before":
        swap()
    if when == "when they are kept":
        (frames / name).unlink()
    done = as_user(BOB, rendered)
    assert done.returncode == 0, done.stderr
    assert not hers.exists() and (place / "bob/tiny.gif").read_bytes() == film
    assert precious == state(place / "bob/precious")
    assert all(one.is_symlink() for one in frames.iterdir()), "nothing of his is given away"
