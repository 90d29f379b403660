"""A file and those that it names are in a store together or not at all, whatever ends the writer.

A model names the encoder that came with it, a scorer's card its weights.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cli_in_process import latty
from forked import killed_before
from loopback import Server, serving
from store_verbs import NAME, VERBS

from latty import home
from latty.attributes.card import read_card
from latty.attributes.store import CARDS
from latty.checkpoints.safetensors import pieces, read_header, read_tensors
from latty.models import open_model
from latty.models.store import MODELS, companion_file
from latty.store import Store

LONG = pytest.param("train-scorer", marks=pytest.mark.slow)
LATENTS = pytest.param("latents", marks=pytest.mark.slow)  # written as a set is
REPLACED = pytest.param(True, marks=pytest.mark.slow, id="replaced")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def folder_of(store: Store, home: Path) -> Path:
    return home / "home" / "data" / store.folder().name


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def seen(store: Store, folder: Path) -> dict[str, bytes]:
    """What somebody has of the name who lists the store and opens what is there."""
    file = folder / f"{NAME}{store.suffix}"
    if not file.exists():
        return {}
    beside = None
    if store is MODELS:
        beside = companion_file(file)
        assert open_model(str(file), "cpu").info.height == 8
    elif store is CARDS:
        beside = file.with_name(read_card(file).weights)
    both = (file,) if beside is None else (file, beside)
    return {one.name: one.read_bytes() for one in both}


def run(words: list[str], home: Path) -> int:
    return latty(*words, home=home).returncode


def made(words: list[str], home: Path, store: Store) -> dict[str, bytes]:
    """What a run of its own leaves in the store."""
    home.mkdir()
    assert run(words, home) == 0
    return content(folder_of(store, home))


@pytest.mark.parametrize("replaces", [pytest.param(False, id="new"), REPLACED])
@pytest.mark.parametrize("verb", ["model", "scorer", "set", LATENTS, LONG])
def test_killed_before_each_step_there_is_the_old_one_or_the_new_one(
    verb: str, replaces: bool, tmp_path: Path, server: Server
) -> None:
    words_of, store = VERBS[verb]
    old, new = words_of(tmp_path, 0, server), [*words_of(tmp_path, 1, server), "--force"]
    whole = made(new, tmp_path / "alone", store)
    before = made(old, tmp_path / "here", store) if replaces else {}
    (here := tmp_path / "here").mkdir(exist_ok=True)
    folder, steps = folder_of(store, here), 0
    while killed_before(steps, partial(run, new, here)) != 0:
        assert seen(store, folder) in (before, whole), steps
        steps += 1
        assert steps < 200
        if not replaces:
            continue
        assert run([*old, "--force"], here) == 0
        assert content(folder) == before, steps
    assert steps > 5 and content(folder) == whole


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, for the stores."""
    place = tmp_path / "here" / "home" / "data"
    place.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "latty-test", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root mounts a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("replaces", [pytest.param(False, id="new"), REPLACED])
@pytest.mark.parametrize("verb", ["model", "scorer", "set", LATENTS, LONG])
def test_a_full_disk_leaves_what_was_there_and_no_half(
    verb: str, replaces: bool, disk: Path, tmp_path: Path, server: Server
) -> None:
    """With room for 0, 1, 2 ... pages: wherever the disk is full."""
    words_of, store = VERBS[verb]
    here, folder = tmp_path / "here", folder_of(store, tmp_path / "here")
    old, new = words_of(tmp_path, 0, server), [*words_of(tmp_path, 1, server), "--force"]
    whole = made(new, tmp_path / "alone", store)
    assert not replaces or run(old, here) == 0
    before, pages = content(folder), 0
    while True:
        with (disk / "filler").open("wb") as filler:
            free = os.statvfs(disk).f_bavail
            filler.write(bytes(4096 * (free - pages)))
        done = latty(*new, home=here)
        (disk / "filler").unlink()
        if done.returncode == 0:
            break
        assert done.returncode == 74 and "No space left" in done.stderr, done.stderr
        assert done.stderr.splitlines()[-1].startswith("latty: ") and done.stdout == ""
        assert content(folder) == before, pages
        pages += 1
        assert pages < 100
    assert pages > 0 and content(folder) == whole


def test_a_card_whose_weights_are_missing_is_told_of_and_made_anew(
    tmp_path: Path, server: Server
) -> None:
    words = VERBS["scorer"][0](tmp_path, 0, server)
    whole = made(words, tmp_path / "here", CARDS)
    folder, here = folder_of(CARDS, tmp_path / "here"), tmp_path / "here"
    next(folder.glob("*.safetensors")).unlink()
    listed = latty("list", "scorers", home=here).stdout
    assert "its weights are missing, import it again" in listed
    assert run(words, here) == 0 and content(folder) == whole
    assert run(words, here) == 73


def test_what_an_earlier_version_left_of_a_model_goes_with_the_next_one(
    tmp_path: Path, server: Server
) -> None:
    """Its card was a file, written first; its encoder had no hash in its name."""
    words, here = VERBS["model"][0](tmp_path, 0, server), tmp_path / "here"
    whole = made(words, tmp_path / "alone", MODELS)
    folder = folder_of(MODELS, here)
    folder.mkdir(parents=True)
    for name in (f"{NAME}.json", f"{NAME}.encoder.safetensors", f".{NAME}.0123456789ab"):
        (folder / name).write_bytes(b"{}")
    (folder / "another.json").write_bytes(b"{}")
    assert NAME not in latty("list", "models", home=here).stdout
    assert run(words, here) == 0
    assert content(folder).keys() - {f".{NAME}.0123456789ab"} == {*whole, "another.json"}


def test_an_encoder_of_an_earlier_version_goes_with_its_model_alone(
    tmp_path: Path, server: Server
) -> None:
    """It is found by its name, also where the next model of the name has none, and its import was
    killed before the old encoder was removed."""
    here = tmp_path / "here"
    whole = made(VERBS["model"][0](tmp_path, 0, server), here, MODELS)
    file = folder_of(MODELS, here) / f"{NAME}.safetensors"
    encoder = next(name for name in whole if name != file.name)
    file.with_name(encoder).rename(old := file.with_name(f"{NAME}.encoder.safetensors"))
    header = read_header(file).meta
    del header["encoder"]
    file.write_bytes(b"".join(pieces(header, read_tensors(file))))
    assert companion_file(file) == old
    shutil.copy(home.shipped_dir() / "models/demo.safetensors", file)
    assert companion_file(file) is None


@pytest.mark.parametrize("verb", ["model", "scorer"])
def test_what_is_damaged_beside_a_file_is_mended_by_the_same_import(
    verb: str, tmp_path: Path, server: Server
) -> None:
    words_of, store = VERBS[verb]
    words, here = words_of(tmp_path, 0, server), tmp_path / "here"
    whole, folder = made(words, here, store), folder_of(store, here)
    beside = folder / next(name for name in whole if name != f"{NAME}{store.suffix}")
    beside.write_bytes(beside.read_bytes()[:-1] + b"?")
    assert run([*words, "--force"], here) == 0 and content(folder) == whole


@pytest.mark.parametrize("verb", ["model", "scorer", "latents"])
def test_what_is_renamed_keeps_its_bytes_and_what_it_names(
    verb: str, tmp_path: Path, server: Server
) -> None:
    """Whoever takes the old name, cleans up or removes that one, leaves it whole."""
    words_of, store = VERBS[verb]
    here, main = tmp_path / "here", f"{NAME}{store.suffix}"
    whole, folder = made(words_of(tmp_path, 0, server), here, store), folder_of(store, here)
    wanted = {f"other{store.suffix}" if name == main else name: data
              for name, data in whole.items()}  # fmt: skip
    done = latty("rename", NAME, "other", home=here)
    assert done.returncode == 0 and done.stdout == "other\n", done.stderr
    assert content(folder) == wanted
    assert run(words_of(tmp_path, 1, server), here) == 0
    assert latty("clean", "--yes", home=here).returncode == 0
    assert wanted.items() <= content(folder).items()
    taken = latty("rename", NAME, "other", home=here)
    assert taken.returncode == 73 and "'other' already (choose another name)" in taken.stderr
    assert latty("remove", "--yes", NAME, home=here).returncode == 0
    assert content(folder) == wanted
    assert latty("inspect", str(folder / f"other{store.suffix}"), home=here).returncode == 0
    assert latty("remove", "--yes", "other", home=here).returncode == 0
    assert content(folder) == {}


def test_scores_of_latents_get_the_new_name_too(tmp_path: Path, server: Server) -> None:
    words, here = VERBS["latents"][0](tmp_path, 0, server), tmp_path / "here"
    made(words, here, VERBS["latents"][1])
    (tmp_path / "y.csv").write_text("smile\n0.25\n0.5\n")
    imported = ["import", str(tmp_path / "y.csv"), "--for", NAME]
    assert latty(*imported, home=here).returncode == 0
    folder = folder_of(VERBS["latents"][1], here)
    before = content(folder)
    assert latty("rename", NAME, "other", home=here).returncode == 0
    assert content(folder) == {name.replace(NAME, "other"): data for name, data in before.items()}
    assert len(before) == 2


def test_a_name_of_two_kinds_is_not_guessed(tmp_path: Path, server: Server) -> None:
    (here := tmp_path / "here").mkdir()
    for verb in ("latents", "set"):
        assert run(VERBS[verb][0](tmp_path, 0, server), here) == 0
    done = latty("rename", NAME, "other", home=here)
    assert done.returncode == 2 and "say which: --kind set or --kind latents" in done.stderr
    assert latty("rename", NAME, "other", "--kind", "latents", home=here).returncode == 0
    assert latty("rename", NAME, "third", "--json", home=here).returncode == 0
