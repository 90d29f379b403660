"""One rule of names: every verb refuses the same names in the same words, and finds the others."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import importer_files as files
import pytest
import torch

from latty import home
from latty.attributes.store import CARDS
from latty.cli.main import main
from latty.directions import manage
from latty.directions.discovery import target_of
from latty.directions.store import SETS, direction_names, resolve
from latty.errors import Missing, UsageError
from latty.latents import LATENTS
from latty.models import open_model
from latty.models.store import MODELS
from latty.store import RULE, Store
from latty_tui.panels.directions import renaming

Captured = pytest.CaptureFixture[str]
BAD = ("a/b", "../x", "..", ".hidden", "a..b", "a.", "a.toml", "v1.5", "a b", "-a", "x" * 81, "")
BAD += ("a#b",)
MISLEADING = "a.safetensors"  # to `discover` it is the path of a file
GOOD = ("v1-5", "a_b+c", "é_1", "x" * 80)
OLD = ("v1.5", "a.toml", "a..b", "a b")  # names of files that earlier versions wrote
SHIPPED = {"models": "demo", "directions": "portraits", "scorers": "geometry"}


def model(tmp_path: Path, name: str) -> list[object]:
    return ["import", home.shipped_dir() / "models/demo.safetensors", f"--name={name}"]


def directions(tmp_path: Path, name: str) -> list[object]:
    return ["import", home.shipped_dir() / "directions/demo.safetensors", f"--name={name}"]


def latents(tmp_path: Path, name: str) -> list[object]:
    file = files.npy(tmp_path / "wp.npy", files.normal(1, 2, 6, 16))
    return ["import", file, f"--name={name}"]


def scorer(tmp_path: Path, name: str) -> list[object]:
    card = tmp_path / "card.toml"
    card.write_text('weights = "w"\noutputs = ["smile"]\n')
    return ["import", card, f"--name={name}"]


def discovered(tmp_path: Path, name: str) -> list[object]:
    return ["discover", "random", "portraits", f"--output={name}"]


def trained(tmp_path: Path, name: str) -> list[object]:
    return ["train-scorer", tmp_path, f"--output={name}"]


def fetched(tmp_path: Path, name: str) -> list[object]:
    """A name of the zoo is the name of a model."""
    zoo = tmp_path / "zoo.toml"
    zoo.write_text(
        'schema = 1\n[sources.a]\ntitle = "a"\npage = "https://a.org"\nnamed_in = "a"\n'
        f'licence = "a"\n[models."{name}"]\nsource = "a"\nfamily = "dcgan"\nresolution = 8\n'
        'address = "https://a.org/a.pt"\n'
    )
    return ["fetch", name]


VERBS: dict[Callable[[Path, str], list[object]], Store] = {
    model: MODELS,
    directions: SETS,
    latents: LATENTS,
    scorer: CARDS,
    discovered: SETS,
    trained: CARDS,
}


def run(words: list[object]) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_in_the_same_words(
    verb: Callable[[Path, str], list[object]], tmp_path: Path, capsys: Captured
) -> None:
    for name in [*BAD, *([] if verb is discovered else [MISLEADING])]:
        if not name and verb is not trained:
            continue  # an option without a value: the file's own name is taken
        assert run(verb(tmp_path, name)) == 2, name
        assert capsys.readouterr().err == f"latty: '{name}' is no name ({RULE})\n"
    kind = VERBS[verb].folder().name
    if kind in SHIPPED:
        name = SHIPPED[kind]
        assert run(verb(tmp_path, name)) == 2
        what = f"{kind}: '{name}' is a name that ships with latty"
        assert capsys.readouterr().err == f"latty: {what} (choose another)\n"
    assert not VERBS[verb].folder().exists()


@pytest.mark.parametrize("name", [*BAD, MISLEADING, "portraits"])
def test_what_the_studio_does_to_sets_refuses_too(name: str) -> None:
    target = SETS.place("own")
    target.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / "directions/demo.safetensors", target)
    words = "ships with latty" if name == "portraits" else "is no name"
    with pytest.raises(UsageError, match=words):
        manage.rename_set(str(target), name)
    info = open_model("portraits", "cpu").info
    with pytest.raises(UsageError, match=words):
        manage.keep_offset("one", torch.ones(4, 32), info, "", name)
    with pytest.raises(UsageError, match=words):
        renaming.set_reader(set())(name)
    if name != MISLEADING:
        with pytest.raises(UsageError, match=words):
            target_of(name)
    assert list(SETS.folder().iterdir()) == [target]


def test_where_a_set_lies_is_known_however_its_path_is_spelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "shipped"  # a copy, as this would change it where it fails
    shutil.copytree(home.shipped_dir() / "directions", whole / "directions")
    monkeypatch.setattr(home, "shipped_dir", lambda: whole)
    shipped, own = whole / "directions", SETS.place("own")
    stranger = tmp_path / "elsewhere"
    own.parent.mkdir(parents=True)
    shutil.copy(shipped / "demo.safetensors", own)
    stranger.mkdir()
    shutil.copy(own, stranger / own.name)
    (tmp_path / "link").symlink_to(shipped)
    (tmp_path / "linked.safetensors").symlink_to(shipped / "demo.safetensors")
    first, before = direction_names("own")[0], (shipped / "demo.safetensors").read_bytes()
    for spelled in (
        os.path.relpath(shipped / "demo.safetensors"),
        f"{tmp_path}/link/demo.safetensors",
        f"{tmp_path}/linked.safetensors",
    ):
        for change in (
            lambda path: manage.flip(path, first),
            lambda path: manage.rename(path, first, "other"),
            lambda path: manage.delete(path, [first]),
            lambda path: manage.rename_set(path, "new"),
            manage.delete_set,
        ):
            with pytest.raises(UsageError, match="ships with latty"):
                change(spelled)
    assert (shipped / "demo.safetensors").read_bytes() == before
    for elsewhere in (manage.delete_set, lambda path: manage.rename_set(path, "new")):
        with pytest.raises(Missing, match="is no direction set of the store"):
            elsewhere(str(stranger / own.name))
    monkeypatch.chdir(own.parent)
    renamed = manage.rename_set(own.name, "new")
    assert direction_names("new")[0] == first and not own.exists()
    link = tmp_path / "own.safetensors"
    shutil.copy(renamed, own)
    link.symlink_to(renamed)
    manage.rename_set(str(link), "newer")
    link.unlink()
    link.symlink_to(SETS.place("newer"))
    manage.delete_set(str(link))
    assert [*own.parent.iterdir()] == [own], "what the link leads to, not what is called like it"
    manage.delete_set(f"../directions/{own.name}")
    assert [*own.parent.iterdir()] == []


def test_the_zoo_has_names_of_models(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_ZOO", str(tmp_path / "zoo.toml"))
    assert run(fetched(tmp_path, "a/b")) == 78
    assert f"is no name, {RULE}" in capsys.readouterr().err
    assert run(fetched(tmp_path, "demo")) == 2
    assert "'demo' is a name that ships with latty" in capsys.readouterr().err


@pytest.mark.parametrize("name", GOOD)
def test_a_name_that_is_taken_is_found_again(name: str, tmp_path: Path, capsys: Captured) -> None:
    for verb in (model, directions, latents):
        assert run(verb(tmp_path, name)) == 0, capsys.readouterr().err
        assert name in VERBS[verb].names() and VERBS[verb].find(name).is_file()
        assert run(verb(tmp_path, name)) == 73
        assert f"there is a '{name}' already" in capsys.readouterr().err
    for kind in ("models", "directions", "latents"):
        assert run(["list", kind]) == 0 and name in capsys.readouterr().out
    assert open_model(name, "cpu").info.name == name
    smile = next(iter(manage.read(SETS.find(name))[0].names))
    preset = tmp_path / "x.toml"
    preset.write_text(
        f'schema = 1\nname = "x"\n[scene]\nmodel = "{name}"\n[[scene.edits]]\n'
        f'direction = "{name}/{smile}"\nstrength = 1\n[[outputs]]\npath = "x.png"\n'
    )
    assert run(["check", preset]) == 0, capsys.readouterr().err
    assert run(["inspect", name]) == 0


def test_a_search_does_not_take_a_shipped_name(capsys: Captured) -> None:
    """It would write a set that nobody can name: a shipped one stands before it."""
    assert run(["discover", "random", "portraits", "-o", "portraits"]) == 2
    assert "directions: 'portraits' is a name that ships with latty" in capsys.readouterr().err
    assert not home.data_dir().exists() and not (home.state_dir() / "discover").exists()


@pytest.mark.parametrize("name", OLD)
def test_what_lies_in_the_store_under_an_old_name_is_still_used(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    target = SETS.folder() / f"{name}.safetensors"
    target.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / "directions/demo.safetensors", target)
    assert SETS.find(name) == target and name in SETS.names()
    assert run(["list", "directions"]) == 0 and name in capsys.readouterr().out
    assert run(["inspect", target]) == 0
    first = direction_names(name)[0]
    assert resolve(f"{name}/{first}")[0] == target
    manage.flip(str(target), first)
    copy = Path(manage.copied(str(target), first))
    assert "." not in copy.stem and first in direction_names(copy.stem)
    renamed = manage.rename_set(str(target), "new")
    assert not target.exists() and SETS.find("new") == Path(renamed)
    Path(renamed).rename(target)
    manage.delete_set(str(target))
    assert name not in SETS.names()


def test_a_model_of_an_old_name_is_still_used(tmp_path: Path, capsys: Captured) -> None:
    target = MODELS.folder() / "v1.5.safetensors"
    target.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / "models/demo.safetensors", target)
    assert open_model("v1.5", "cpu").info.name == "v1.5"
    assert run(["list", "models"]) == 0 and "v1.5" in capsys.readouterr().out
    assert run(["sample", "v1.5", "--seeds", "0", "-o", tmp_path / "x.png"]) == 0


@pytest.mark.parametrize(("store", "kind"), [(MODELS, "model"), (SETS, "direction set")])
def test_a_damaged_file_of_a_store_is_told_and_can_be_removed(
    store: Store, kind: str, tmp_path: Path, capsys: Captured
) -> None:
    target = store.folder() / "mine.safetensors"
    target.parent.mkdir(parents=True)
    shutil.copy(home.shipped_dir() / store.folder().name / "demo.safetensors", target)
    os.truncate(target, target.stat().st_size // 2)
    model = "mine" if store is MODELS else "demo"
    preset = tmp_path / "x.toml"
    edit = '[[scene.edits]]\ndirection = "mine/smile"\nstrength = 1\n' if store is SETS else ""
    preset.write_text(
        f'schema = 1\n[scene]\nmodel = "{model}"\n{edit}[[outputs]]\npath = "x.png"\n'
    )
    assert run(["render", preset]) == 65
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "the download or copy was cut" in said
    with pytest.raises(Missing, match=f"no {kind} 'mins'"):
        store.find("mins")
    assert run(["remove", "mine", "-y"]) == 0 and not target.exists()


def test_names_that_latty_makes_are_taken(tmp_path: Path, capsys: Captured) -> None:
    """From a model's path and a file's name: what no name may hold becomes "-"."""
    model = tmp_path / "faces (1).v2.safetensors"
    shutil.copy(home.shipped_dir() / "models/demo.safetensors", model)
    assert run(["discover", "sefa", model]) == 0
    assert capsys.readouterr().out == "faces-1-v2-sefa\n"
    assert SETS.find("faces-1-v2-sefa").is_file()
    assert run(["import", model]) == 0
    assert capsys.readouterr().out == "faces-1\n" and MODELS.find("faces-1").is_file()
