"""Directions renamed, flipped, deleted, copied, exported and kept: files in, files out."""

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latty import edits, home
from latty.checkpoints.checkpoint import digest
from latty.directions import manage
from latty.directions.base import Info
from latty.directions.file import DirectionSet, read, read_header, write
from latty.directions.methods.voynov.deformators import CurveNetwork
from latty.directions.opening import find
from latty.directions.renaming import names_since
from latty.errors import BadData, Missing, UsageError, WouldOverwrite
from latty.models import open_model
from latty.scene import Edit, Scene

SHIPPED = home.shipped_dir() / "directions"


def own(name: str) -> str:
    """A copy of a shipped set in the user's store, under another name; its path."""
    target = home.directions_dir() / f"own-{name}.safetensors"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(SHIPPED / f"{name}.safetensors", target)
    return str(target)


def curves(count: int = 3, width: int = 32) -> str:
    """A set of curves of a small network, for portraits; its path."""
    torch.manual_seed(3)
    infos = tuple(Info(f"d{i}", 0.5 + i) for i in range(count))
    digest = open_model("portraits", "cpu").info.digest
    header = DirectionSet("voynov", "w", infos, "portraits", "portraits", digest, form="voynov")
    path = home.directions_dir() / "own-curves.safetensors"
    write(path, header, dict(CurveNetwork(count, width, 16).state_dict()))
    return str(path)


def moved(path: str, name: str, strength: float) -> torch.Tensor:
    """Codes of a face after a move."""
    generator = open_model("portraits", "cpu")
    codes = generator.mapping(generator.sample([5]))
    ref = f"{Path(path).stem}/{name}"
    return find(ref, generator).move(codes, torch.tensor([strength]), generator)


FORMS = ["portraits-sefa", "portraits-interfacegan", "portraits-warped", "portraits-plumerault"]


def form(name: str) -> tuple[str, str]:
    """A path and a direction of it."""
    path = curves() if name == "curves" else own(name)
    return path, read_header(Path(path)).names[1]


@pytest.mark.parametrize("name", [*FORMS, "portraits-ascent", "curves"])
def test_flip_turns_around_and_back(name: str) -> None:
    path, one = form(name)
    other = read_header(Path(path)).names[0]
    up, down, rest = moved(path, one, 1.0), moved(path, one, -0.5), moved(path, other, 1.0)
    before = read_header(Path(path)).infos[1]
    assert not torch.allclose(up, down, atol=1e-3)
    manage.flip(path, one)
    torch.testing.assert_close(moved(path, one, -1.0), up, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(moved(path, one, 0.5), down, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(moved(path, other, 1.0), rest, atol=1e-6, rtol=1e-5)
    after = read_header(Path(path)).infos[1]
    assert after.usable == (-before.usable[1], -before.usable[0])
    assert "monotone" not in dict(after.scores)
    manage.flip(path, one)
    torch.testing.assert_close(moved(path, one, 1.0), up, atol=1e-4, rtol=1e-4)


def test_a_flipped_transform_counts_the_other_way() -> None:
    path = own("portraits-plumerault")
    generator = open_model("portraits", "cpu")
    codes = generator.mapping(generator.sample([5]))
    for name in read_header(Path(path)).names:
        ref, amount = f"{Path(path).stem}/{name}", torch.tensor([0.05])
        before = find(ref, generator).move_by(codes, amount, generator)  # type: ignore[attr-defined]
        manage.flip(path, name)
        undone = -amount if name != "scale" else 1 / (1 + amount) - 1  # of a factor: its inverse
        after = find(ref, generator).move_by(codes, undone, generator)  # type: ignore[attr-defined]
        torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", [*FORMS, "portraits-ascent", "curves"])
def test_others_stay_when_one_is_deleted_or_renamed(name: str) -> None:
    path, one = form(name)
    names = read_header(Path(path)).names
    first, last = moved(path, names[0], 0.7), moved(path, names[-1], 0.7)
    assert manage.delete(path, [one]) == len(names) - 1
    assert read_header(Path(path)).names == tuple(n for n in names if n != one)
    assert one not in manage.rename(path, names[-1], "grin")
    torch.testing.assert_close(moved(path, names[0], 0.7), first, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(moved(path, "grin", 0.7), last, atol=1e-6, rtol=1e-5)
    with pytest.raises(Missing, match=one):
        manage.delete(path, [one])


@pytest.mark.parametrize("name", [*FORMS, "portraits-ascent", "curves"])
def test_what_was_renamed_is_proven_whatever_the_set_is_made_of(name: str) -> None:
    """The bytes of the set as it was are found again, and those of any number of arrays are the
    same after a name and back."""
    path, one = form(name)
    file, names = Path(path), read_header(Path(path)).names
    first = digest(file)
    manage.rename(path, names[0], "mine")
    second = digest(file)
    manage.rename(path, one, "ours")
    now = ("mine", "ours", *names[2:])
    assert names_since(file, first) == dict(zip(names, now, strict=True))
    assert names_since(file, second) == dict(zip(("mine", *names[1:]), now, strict=True))
    manage.rename(path, "ours", one)
    assert digest(file) == second


def test_the_file_goes_with_the_last_direction() -> None:
    path = own("portraits-random")
    assert manage.delete(path, list(read_header(Path(path)).names)) == 0
    assert not Path(path).exists()


def test_names_are_checked_before_anything_is_written() -> None:
    path = own("portraits-random")
    before = Path(path).read_bytes()
    with pytest.raises(WouldOverwrite, match="r1"):
        manage.rename(path, "r0", "r1")
    for name in ("12", "a/b", "", "x" * 81, "a\x1bb"):
        with pytest.raises(UsageError, match="name"):
            manage.rename(path, "r0", name)
    assert Path(path).read_bytes() == before


def test_shipped_sets_stay_and_a_copy_is_changed() -> None:
    shipped = SHIPPED / "portraits-warped.safetensors"
    before = shipped.read_bytes()
    for change in (
        lambda: manage.rename(str(shipped), "p0", "x"),
        lambda: manage.flip(str(shipped), "p0"),
        lambda: manage.delete(str(shipped), ["p0"]),
        lambda: manage.delete_set(str(shipped)),
        lambda: manage.rename_set(str(shipped), "mine"),
    ):
        with pytest.raises(UsageError, match="ships"):
            change()
    path = manage.copied(str(shipped), "p2")
    assert Path(path).stem == "my-portraits-warped"
    assert manage.copied(str(shipped), "p5") == path
    assert manage.copied(str(shipped), "p2") == path
    assert read_header(Path(path)).names == ("p2", "p5")
    torch.testing.assert_close(moved(path, "p5", 1.0), moved(str(shipped), "p5", 1.0))
    assert shipped.read_bytes() == before


@pytest.mark.parametrize("name", ["portraits-ascent", "portraits-plumerault", "portraits"])
def test_a_copy_moves_as_its_original(name: str) -> None:
    shipped = str(SHIPPED / f"{name}.safetensors")
    first, second, *_ = read_header(Path(shipped)).names
    path = manage.copied(shipped, second)
    assert manage.copied(shipped, first) == path
    for one in (first, second):
        torch.testing.assert_close(moved(path, one, 0.5), moved(shipped, one, 0.5))


def test_sets_are_renamed_and_deleted() -> None:
    path = own("portraits-random")
    renamed = manage.rename_set(path, "noise")
    assert not Path(path).exists() and Path(renamed).name == "noise.safetensors"
    other = own("portraits-sefa")
    with pytest.raises(WouldOverwrite, match="noise"):
        manage.rename_set(other, "noise")
    with pytest.raises(UsageError, match="ships"):
        manage.rename_set(other, "demo")
    with pytest.raises(UsageError, match="no name"):
        manage.rename_set(other, "../noise")
    manage.delete_set(renamed)
    assert not Path(renamed).exists()


def test_export(tmp_path: Path) -> None:
    path = own("portraits-interfacegan")
    vector, whole, one = (tmp_path / n for n in ("yaw.npy", "all.safetensors", "one.safetensors"))
    words = manage.export(path, "yaw", str(vector))
    assert "32 numbers in w" in words[0] and "1.391" in words[0]
    found = np.load(vector, allow_pickle=False)
    header, arrays = read(Path(path))
    assert found.shape[-1] == 32 and found.dtype == np.float32
    np.testing.assert_array_equal(found.ravel(), arrays["directions"][0].numpy().ravel())
    manage.export(path, None, str(whole))
    manage.export(path, "smile", str(one))
    assert read_header(whole) == header
    assert read_header(one).names == ("smile",)
    generator = open_model("portraits", "cpu")
    codes, way = generator.mapping(generator.sample([2])), torch.tensor([1.0])
    ours = find(f"{one}#smile", generator).move(codes, way, generator)
    torch.testing.assert_close(ours, find(f"{path}#smile", generator).move(codes, way, generator))
    with pytest.raises(WouldOverwrite, match="is there already"):
        manage.export(path, "yaw", str(vector))
    with pytest.raises(UsageError, match="safetensors or"):
        manage.export(path, "yaw", str(tmp_path / "yaw.txt"))
    with pytest.raises(BadData, match="no vector"):
        manage.export(own("portraits-warped"), "p0", str(tmp_path / "p.npy"))


def test_an_exported_vector_comes_back_by_import(tmp_path: Path) -> None:
    from latty.directions.importing.recognise import look

    vector = tmp_path / "yaw_w_boundary.npy"
    manage.export(str(SHIPPED / "portraits-interfacegan.safetensors"), "yaw", str(vector))
    found = look(vector)
    assert found is not None and found.entry == "interfacegan" and found.names == ("yaw",)


def test_an_offset_repeats_the_edits() -> None:
    generator = open_model("portraits", "cpu")
    scene = Scene("portraits", 4, 0.8, edits=(Edit("portraits/smile", 1.5), Edit("seed:9", 0.3)))
    shown, bare = edits.codes([scene, replace(scene, edits=())], generator)
    ref = manage.keep_offset("grin", shown - bare, generator.info, "portraits/smile +1.5")
    assert ref == "mine/grin"
    again = edits.codes([replace(scene, edits=(Edit(ref),))], generator)[0]
    torch.testing.assert_close(again, shown, atol=1e-5, rtol=1e-5)
    header = read_header(home.directions_dir() / "mine.safetensors")
    assert dict(header.params) == {"grin": "portraits/smile +1.5"}
    assert math.isclose(header.infos[0].sigma, float((shown - bare).norm()), rel_tol=1e-6)
    with pytest.raises(WouldOverwrite, match="mine/grin"):
        manage.keep_offset("grin", shown - bare, generator.info, "")
    assert manage.keep_offset("more", bare - shown, generator.info, "") == "mine/more"
    with pytest.raises(BadData, match="nothing to keep"):
        manage.keep_offset("none", shown - shown, generator.info, "")


def test_offsets_of_another_model_have_a_set_of_their_own() -> None:
    first = open_model("portraits", "cpu").info
    other = replace(first, name="faces two", digest="ab" * 32)
    offset = torch.ones(first.num_layers, first.width)
    assert manage.keep_offset("a", offset, first, "") == "mine/a"
    assert manage.keep_offset("a", offset, other, "") == "mine-faces-two/a"
    assert manage.keep_offset("b", offset, other, "") == "mine-faces-two/b"
    assert manage.rename(str(home.directions_dir() / "mine.safetensors"), "a", "c") == ["c"]
