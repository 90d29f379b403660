"""What latty keeps is its owner's alone, whatever the umask, and of nobody else is it taken."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_in_process import latty
from forked import forked
from loopback import Server, serving
from store_verbs import NAME, VERBS

from latty import files, folders, home, locks
from latty.attributes import score_file
from latty.attributes.sampled import sampled_scores
from latty.errors import ConfigError
from latty.models import open_model
from latty.models.store import MODELS

NOBODY = 65534
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root acts as other users")
# They keep something to go on from, or a cache: of each its folder stays.
SEARCHES = (
    ("ganspace", "--components", "2", "--samples", "200"),
    ("voynov", "--iterations", "11", "--directions", "2", "--batch", "2", "--probes", "1"),
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture
def mask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def open_to_others(top: Path) -> list[str]:
    """What below a folder is more than its owner's, or less than its owner needs."""
    found = []
    for path in (top, *top.rglob("*")):
        mode = path.lstat().st_mode
        wanted = 0o700 if stat.S_ISDIR(mode) else 0o600
        if stat.S_IMODE(mode) != wanted:
            found.append(f"{path.relative_to(top)} {stat.S_IMODE(mode):o}")
    return found


MASKS = (0o000, 0o022, 0o077)
KINDS = ("model", "set", "latents", "scorer", "fetch")


def commands(folder: Path, server: Server, whole: bool) -> dict[str, list[str]]:
    """A run of every verb that writes in latty's home, or of one for each kind of file."""
    named = {verb: [*words(folder, 0, server), "--force"] for verb, (words, _) in VERBS.items()
             if whole or verb in KINDS}  # fmt: skip
    searches = {f"discover {method}": ["discover", method, "demo", *words, "-o", f"{method}-s"]
                for method, *words in (SEARCHES if whole else SEARCHES[:1])}  # fmt: skip
    rank = ["rank", "portraits-random", "--scorers", "brightness", "--seeds", "0-1", "-o", "ranked"]
    return {
        **named,
        **searches,
        **({"rank": rank} if whole else {}),
        "render": ["render", "hello", "--set", "frames=2", "--force"],
        "sample": ["sample", "portraits", "-o", "x.png"],
        "broken": ["import", "/proc/self/mem"],
    }


@pytest.mark.parametrize(
    ("mask", "whole"),
    [(0o000, False), *(pytest.param(mask, True, marks=pytest.mark.slow) for mask in MASKS)],
    indirect=["mask"],
    ids=str,
)
@pytest.mark.usefixtures("mask")
def test_every_verb_keeps_what_it_writes_private(
    whole: bool, tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders of work, which go with its end, are looked at, too."""
    for module in (folders, locks):
        monkeypatch.setattr(module, "discard", lambda folder: None)
    variables = {"LATTY_ZOO": str(tmp_path / "zoo.toml"), "no_proxy": "127.0.0.1"}
    for verb, words in commands(tmp_path, server, whole).items():
        done = latty(*words, home=tmp_path, **variables)
        assert done.returncode == (0 if verb != "broken" else done.returncode), (verb, done.stderr)
        assert not open_to_others(tmp_path / "home"), verb
    sampled_scores(open_model("demo", "cpu"), range(4), "brightness")  # as searches do
    assert not open_to_others(home.cache_dir())
    kept = {path.parent.name for path in (tmp_path / "home").rglob("*") if path.is_file()}
    assert {"models", "directions", "latents", "scorers", NAME} <= kept
    assert (tmp_path / "home/state/discover").is_dir()


@ROOT
def test_a_umask_that_takes_everything_from_us_takes_nothing(tmp_path: Path) -> None:
    words = ["discover", "random", "portraits"]
    (before := tmp_path / "before").mkdir()
    assert latty(*words, home=before).returncode == 0  # what it imports is there for the child
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o777)

    def as_nobody() -> int:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.umask(0o777)
        done = latty(*words, home=tmp_path)
        (tmp_path / "said").write_text(done.stderr)
        return done.returncode

    assert forked(as_nobody) == 0, (tmp_path / "said").read_text()
    assert (tmp_path / "home").stat().st_uid == NOBODY and not open_to_others(tmp_path / "home")


@pytest.mark.parametrize("part", ["models", "directions", "latents", "scorers"])
def test_a_folder_on_another_disk_that_the_owner_links_is_used(part: str, tmp_path: Path) -> None:
    elsewhere = tmp_path / "disk"
    elsewhere.mkdir()
    home.data_dir().mkdir(parents=True)
    (home.data_dir() / part).symlink_to(elsewhere)
    files.write(home.data_dir() / part / "a.json", [b"1"])
    assert (elsewhere / "a.json").read_bytes() == b"1"


def stranger_folder(path: Path, precious: Path) -> None:
    path.mkdir()
    os.chown(path, NOBODY, NOBODY)


def stranger_link(path: Path, precious: Path) -> None:
    path.symlink_to(precious)
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def stranger_entry(path: Path, precious: Path) -> None:
    """An earlier version made the folder, under a umask of 0, and somebody put a link there."""
    path.mkdir()
    path.chmod(0o777)
    stranger_link(path / "entry", precious)


PLACES = {
    "data/models": ["list", "models"],
    "data/directions": ["discover", "random", "portraits", "-o", "x"],
    "data/scorers": ["list", "scorers"],
    "data/latents": ["list", "latents"],
    "state/discover": ["discover", "random", "portraits", "-o", "x"],
    "cache/zoo": ["fetch", NAME],
}


@ROOT
@pytest.mark.parametrize("plant", [stranger_folder, stranger_link, stranger_entry])
@pytest.mark.parametrize("place", PLACES)
def test_what_another_user_put_there_is_refused_in_one_line(
    place: str, plant: object, tmp_path: Path, server: Server
) -> None:
    words = PLACES[place]
    (precious := tmp_path / "precious").mkdir()
    (precious / "one").write_text("data")
    folder = tmp_path / "home" / place
    folder.parent.mkdir(parents=True)
    plant(folder, precious)  # type: ignore[operator]
    VERBS["fetch"][0](tmp_path, 0, server)
    done = latty(*words, home=tmp_path, LATTY_ZOO=str(tmp_path / "zoo.toml"), no_proxy="127.0.0.1")
    assert done.returncode == 78, done.stderr
    assert "belongs to another user" in done.stderr and "Traceback" not in done.stderr
    assert [path.name for path in precious.iterdir()] == ["one"]


@ROOT
@pytest.mark.parametrize("plant", [stranger_folder, stranger_link])
def test_neither_a_store_nor_scores_of_another_user_are_read(plant: object, tmp_path: Path) -> None:
    for folder in (MODELS.folder(), home.cache_dir() / "scores"):
        folder.parent.mkdir(parents=True)
        plant(folder, tmp_path)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="models belongs to another user"):
        MODELS.named("anything")
    with pytest.raises(ConfigError, match="scores belongs to another user"):
        score_file.cache("key")
