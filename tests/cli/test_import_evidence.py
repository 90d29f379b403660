"""What a bare array is taken for, what is asked, and what `latty import` says of it."""

import json
import re
from pathlib import Path
from typing import Any

import importer_files as files
import numpy as np
import places
import pytest
import torch

from latty import latents
from latty.cli.main import main
from latty.directions.file import ARRAY, read
from latty.directions.store import SETS

Captured = pytest.CaptureFixture[str]
D = 512
WILD = places.SHARED / "cases" / "wild"


def run(*words: object, code: int = 0) -> None:
    assert main([str(word) for word in words]) == code


def told(capsys: Captured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def mean_code(seed: int, *shape: int) -> Any:
    """Codes around a common mean, as those of one picture are: not as normal samples."""
    return (0.6 + files.normal(seed, *shape) * 0.6).astype(np.float32)


def alike(seed: int, layers: int, scale: float = 1.0) -> Any:
    return np.repeat(scale * files.unit(seed, 1, D), layers, 0)


# name -> array, words of the command line, what it becomes, its shape
TAKEN: dict[str, tuple[Any, str, str, tuple[int, ...]]] = {
    "pose.pt": (alike(1, 18)[None], "", "directions", (1, D)),
    "walk.pt": (files.unit(2, 1, 18, D), "", "directions", (1, 18, D)),
    "layered.npy": (files.unit(3, 1, 14, D), "", "directions", (1, 14, D)),
    "several.npy": (files.unit(4, 5, 18, D), "", "directions", (5, 18, D)),
    "basis.npy": (files.right_angles(5, 18, D), "", "directions", (18, D)),
    "found.npy": (files.unit(6, 20, D), "", "directions", (20, D)),
    "square.pt": (7 * files.unit(7, 64, 64) + 1, "", "directions", (64, 64)),
    "directions.npy": (3 * files.unit(8, 16, D), "", "directions", (16, D)),
    "smile_wp_boundary.npy": (files.unit(9, 1, 18 * D, dtype=np.float64), "", "directions",
                              (1, 18, D)),
    "flat.npy": (files.unit(10, 1, 16 * D), "", "directions", (1, 16, D)),
    "me.npy": (mean_code(11, 16, D), "", "latents", (1, 16, D)),
    "code.npy": (mean_code(12, 8, D), "", "latents", (1, 8, D)),
    "me_w_plus.pt": (mean_code(13, 18, D), "", "latents", (1, 18, D)),
    "repeated.pt": (alike(14, 16, 9.0), "", "latents", (1, 16, D)),
    "me_flat.npy": (mean_code(15, 2, 18 * D), "", "latents", (2, 18, D)),
    "latents.npy": (mean_code(16, 18, D), "", "latents", (18, D)),
    "some.npy": (files.normal(17, 16, D), "", "latents", (16, D)),
    "asked.npy": (mean_code(18, 16, D), "--layers 1", "latents", (16, D)),
    "asked2.npy": (files.normal(19, 10, D), "--layers 10", "latents", (1, 10, D)),
    "asked3.npy": (mean_code(20, 1, 6 * 64), "--layers 6", "latents", (1, 6, 64)),
    "asked4.npy": (mean_code(21, 16, D), "--as directions --layers 1", "directions", (16, D)),
    "asked5.npy": (files.unit(22, 18, D), "--layers 18", "directions", (1, 18, D)),
    "asked6.npy": (files.unit(22, 18, D), "--layers 1", "directions", (18, D)),
    "asked7.npy": (files.unit(22, 1, 18, D), "--as latents", "latents", (1, 18, D)),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_what_an_array_is_taken_for_is_said_and_kept(
    name: str, tmp_path: Path, capsys: Captured
) -> None:
    array, words, kind, shape = TAKEN[name]
    write = files.npy if name.endswith(".npy") else files.pt
    value = array if name.endswith(".npy") else torch.from_numpy(array)
    path = write(tmp_path / name, value)
    run("import", path, "--name", "mine", "--json", *words.split())
    (made,) = told(capsys)
    assert (made["kind"], tuple(made["shape"])) == (kind, shape)
    said = " ".join(made["notes"])
    assert kind != "latents" or "--as directions" in said
    assert (kind == "latents" or len(shape) == 2) or "--as latents" in said
    if kind == "directions":
        header, arrays = read(SETS.find("mine"))
        assert list(dict(header.params)["notes"]) == made["notes"]
        kept = arrays[ARRAY]
    else:
        found = latents.read("mine")
        assert list(found.notes) == made["notes"]
        kept = found.array
    assert tuple(kept.shape) == shape
    wanted = np.unique(np.float32(array).reshape(-1, shape[-1]), axis=0)
    np.testing.assert_array_equal(np.unique(kept.reshape(-1, shape[-1]), axis=0), wanted)
    run("inspect", made["path"], "--json")
    assert told(capsys)[0]["notes"] == made["notes"]


@pytest.mark.parametrize(
    ("name", "array", "asks"),
    [
        ("seen.npy", files.unit(1, 18, D), r"--layers 18: .*--layers 1: 18 directions"),
        ("latent_codes.npy", files.unit(2, 5, D), "--as directions, --as latents"),
        ("smile_wp_boundary.npy", files.unit(3, 1, 700), "--layers N"),
    ],
)
def test_what_cannot_be_told_is_asked(
    name: str, array: Any, asks: str, tmp_path: Path, capsys: Captured
) -> None:
    path = files.npy(tmp_path / name, array)
    run("import", path, code=65)
    said = capsys.readouterr()
    assert not said.out and name in said.err and re.search(asks, said.err), said.err
    run("inspect", path)
    assert re.search(asks, capsys.readouterr().out)


def test_the_model_decides(tmp_path: Path, capsys: Captured) -> None:
    """Rows as many as its layers are its layers; what is as long as its codes is one."""
    from latty.models import open_model

    info = open_model("demo", "cpu").info
    codes = open_model("demo", "cpu").mapping(open_model("demo", "cpu").sample([3]))[0].numpy()
    path = files.npy(tmp_path / "x.npy", codes)
    run("import", path, "--for", "demo", "--json")
    (made,) = told(capsys)
    assert (made["kind"], made["shape"]) == ("latents", [1, info.num_layers, info.width])
    assert latents.read("x").model_digest == info.digest
    small = files.npy(tmp_path / "y.npy", 0.01 * codes)
    run("import", small, "--for", "demo", "--json")
    (made,) = told(capsys)
    assert made["kind"] == "directions" and SETS.find("y").is_file()
    run("import", files.npy(tmp_path / "age.npy", files.unit(1, 1, 7)), "--for", "demo", code=65)
    assert "demo has" in capsys.readouterr().err


# --- many files -----------------------------------------------------------------------------------


def several(folder: Path) -> Path:
    """Boundaries of two models in two spaces, and what is no boundary."""
    folder.mkdir()
    for i, name in enumerate(("age", "smile", "age_c_gender")):
        for model in ("stylegan_ffhq", "pggan_celebahq"):
            one = files.unit(i, 1, D, dtype=np.float64)
            files.npy(folder / f"{model}_{name}_boundary.npy", one)
    files.npy(folder / "stylegan_ffhq_pose_w_boundary.npy", files.unit(8, 1, D, dtype=np.float64))
    files.npy(folder / "seen.npy", files.unit(9, 18, D))
    files.npy(folder / "pictures.npy", np.zeros((2, 8, 8, 3)))
    (folder / "broken.pt").write_bytes(b"PK\3\4" + b"\0" * 40)
    return folder


@pytest.mark.parametrize("how", ["folder", "files"])
def test_several_kinds_become_a_set_each(how: str, tmp_path: Path, capsys: Captured) -> None:
    folder = several(tmp_path / "boundaries")
    words = [folder] if how == "folder" else sorted(folder.iterdir())
    run("import", *words, "--json")
    made = {one["name"]: one for one in told(capsys)}
    assert {name: one["names"] for name, one in made.items()} == {
        "boundaries-pggan_celebahq-z": ["age", "age_c_gender", "smile"],
        "boundaries-stylegan_ffhq-z": ["age", "age_c_gender", "smile"],
        "boundaries-stylegan_ffhq-w": ["pose"],
    }
    left = made["boundaries-stylegan_ffhq-w"]["left_out"]
    assert (
        sorted(left) == ["broken.pt", "pictures.npy", "seen.npy"] and "--layers" in left["seen.npy"]
    )
    np.testing.assert_allclose(
        read(SETS.find("boundaries-stylegan_ffhq-z"))[1][ARRAY][2],
        files.unit(1, 1, D, dtype=np.float64)[0], atol=1e-7,
    )  # fmt: skip
    run("import", *words, code=73)
    run("import", folder / "broken.pt", folder / "pictures.npy", code=65)


def test_layers_go_with_vectors(tmp_path: Path, capsys: Captured) -> None:
    """e4e's folder: one set; a real vector per layer makes all of them so."""
    folder = tmp_path / "interfacegan_directions"
    for name, seed in (("age", 1), ("smile", 2)):
        files.pt(folder / f"{name}.pt", torch.from_numpy(files.unit(seed, 1, D)))
    files.pt(folder / "pose.pt", torch.from_numpy(alike(3, 18)[None]))
    run("import", folder, "--json")
    (made,) = told(capsys)
    assert (made["names"], made["shape"], made["space"]) == (["age", "pose", "smile"], [3, D], "w")
    other = tmp_path / "mixed"
    for name, array in (("age", files.unit(1, 1, D)), ("smile", files.unit(2, 1, 18 * D))):
        other.mkdir(exist_ok=True)
        files.npy(
            other / f"stylegan_ffhq_{name}_{'w' if name == 'age' else 'wp'}_boundary.npy", array
        )
    run("import", other, "--json")
    (made,) = told(capsys)
    assert made["shape"] == [2, 18, D]
    both = read(SETS.find("mixed"))[1][ARRAY]
    torch.testing.assert_close(both[0], torch.from_numpy(alike(1, 18)))


def test_codes_of_several_files_are_one_pool(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "inversions"
    folder.mkdir()
    for i, name in enumerate(("ann", "bob")):
        files.npy(folder / f"{name}.npy", mean_code(i, 1, 18, D))
    run("import", folder, "--json")
    (made,) = told(capsys)
    assert (made["kind"], made["names"], made["shape"]) == ("latents", ["ann", "bob"], [2, 18, D])
    np.testing.assert_allclose(latents.read("inversions").array[1], mean_code(1, 1, 18, D)[0])


@pytest.mark.skipif(not WILD.is_dir(), reason="no ../shared/cases here")
def test_published_shapes(capsys: Captured) -> None:
    run("import", WILD / "interfacegan_directions", "--json")
    (made,) = told(capsys)
    assert (made["names"], made["shape"][1:]) == (["age", "pose", "smile"], [D])
    run("import", WILD / "interfacegan_directions" / "pose.pt", "--json")
    assert told(capsys)[0]["kind"] == "directions"
    run("import", WILD / "stylegan_ffhq_smile_wp_boundary.npy", "--json")
    (made,) = told(capsys)
    assert (made["space"], made["shape"], made["family"]) == ("w", [1, 18, D], "stylegan1")


def test_right_angles_are_looked_for_between_all_rows(tmp_path: Path, capsys: Captured) -> None:
    """A walk whose neighbours alone are at right angles is no basis."""
    basis = files.right_angles(30, 18, D)
    mixed = basis.copy()
    mixed[4] = mixed[2] * 0.6 + mixed[4] * 0.8
    for name, array, shape in (("a", basis, [18, D]), ("zoom_walk", mixed, [1, 18, D])):
        run("import", files.npy(tmp_path / f"{name}.npy", array), "--json")
        assert told(capsys)[0]["shape"] == shape


def test_pools_drawn_in_different_ways_stay_apart(tmp_path: Path, capsys: Captured) -> None:
    """Their truncation and class hold for all of a pool."""
    for i, psi in enumerate((0.4, 0.7, 0.7)):
        folder = tmp_path / "pools" / f"p{i}"
        files.pt(folder / "latent_code_z.pt", torch.from_numpy(files.normal(i, 1, D)))
        (folder / "args.json").write_text(json.dumps({"gan": "stylegan2", "truncation": psi}))
    paths = sorted((tmp_path / "pools").rglob("latent_code_z.pt"))
    run("import", *paths, "--json")
    made = told(capsys)
    drawn = {one["shape"][0]: dict(latents.read(one["name"]).params) for one in made}
    assert {count: params["truncation"] for count, params in drawn.items()} == {1: 0.4, 2: 0.7}
    assert drawn[2]["files"] == ("p1/latent_code_z.pt", "p2/latent_code_z.pt")


def test_a_repository_is_looked_through(tmp_path: Path, capsys: Captured) -> None:
    """As e4e's: directions two folders down, with code, a checkpoint and pictures around them."""
    repository = tmp_path / "encoder"
    there = repository / "editings" / "interfacegan_directions"
    files.pt(there / "age.pt", torch.from_numpy(files.unit(1, 1, D)))
    files.pt(repository / "pretrained_models" / "x.pt", {"epoch": 3, "opts": {"lr": 0.1}})
    (repository / "README.md").write_text("words")
    run("import", repository, "--json")
    (made,) = told(capsys)
    assert made["names"] == ["age"] and list(made["left_out"]) == ["pretrained_models/x.pt"]


def test_latents_of_styleflow(tmp_path: Path, capsys: Captured) -> None:
    each = [mean_code(i, 1, 18, D) for i in range(3)]
    for name, held in (("list", each), ("array", np.stack(each))):
        run("import", files.dumped(tmp_path / f"{name}.pickle", {"Latent": held}), "--json")
        (made,) = told(capsys)
        assert (made["kind"], made["shape"], made["space"]) == ("latents", [3, 18, D], "w")
        np.testing.assert_array_equal(latents.read(name).array, np.concatenate(each))


def test_what_is_alone_in_its_group_keeps_what_it_knows(tmp_path: Path, capsys: Captured) -> None:
    edit = files.dumped(tmp_path / "edit.pkl", files.edit())
    run("import", edit, "--name", "one", "--json")
    (alone,) = told(capsys)
    run("import", edit, files.npy(tmp_path / "me_wp.npy", mean_code(1, 18, D)), "--json")
    made = next(one for one in told(capsys) if one["kind"] == "directions")
    assert made["importer"] == alone["importer"] == "ganspace_pkl"
    assert read(Path(made["path"]))[0] == read(Path(alone["path"]))[0]
