"""`latty compare`: cosines of directions, as a table, as files and as a picture."""

import csv
import json
import subprocess
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_in_process import latty
from cli_process import COMMAND, environment
from PIL import Image

from latty import home as places
from latty import locks
from latty.directions.base import Info
from latty.directions.file import ARRAY, DirectionSet, read, write
from latty.render.heatmap import HeatMap, drawn

LAYERS, WIDTH = 3, 8


def stored(home: Path, name: str, vectors: Any, **said: Any) -> None:
    """A set in the store of a home, of vectors (K, D) or (K, L, D)."""
    infos = tuple(Info(f"{name}{i}", 1.0) for i in range(len(vectors)))
    header = DirectionSet("toy", "w", infos, "toy", "plain", "a" * 64)
    folder = home / "home" / "data" / "directions"
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {ARRAY: torch.as_tensor(vectors).float()}
    write(folder / f"{name}.safetensors", replace(header, **said), arrays)


def told(home: Path, *words: str) -> list[dict[str, Any]]:
    done = latty("compare", *words, "--json", home=home)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def table(rows: list[dict[str, Any]]) -> Any:
    return np.array([[*row["cosines"].values()] for row in rows], float)


def random(seed: int, *shape: int) -> Any:
    return np.random.RandomState(seed).randn(*shape)


def cosine(a: Any, b: Any) -> float:
    a, b = a.ravel(), b.ravel()
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_cosines_are_those_of_the_equation(tmp_path: Path) -> None:
    """Over all layers, some of them, and each; one vector for all layers is the same in each."""
    one, two = random(1, 4, LAYERS, WIDTH), random(2, 3, WIDTH)
    stored(tmp_path, "a", one)
    stored(tmp_path, "b", two)
    spread = np.repeat(two[:, None], LAYERS, 1)

    def wanted(part: slice) -> Any:
        return np.array([[cosine(x[part], y[part]) for y in spread] for x in one])

    found = table(told(tmp_path, "a", "b"))
    np.testing.assert_allclose(found, wanted(slice(None)), atol=2e-6)
    found = table(told(tmp_path, "a", "b", "--layers", "1-2"))
    np.testing.assert_allclose(found, wanted(slice(1, 3)), atol=2e-6)
    rows = told(tmp_path, "a", "b", "--layers", "each")
    for layer in range(LAYERS):
        part = [row for row in rows if row["layers"] == str(layer)]
        np.testing.assert_allclose(table(part), wanted(slice(layer, layer + 1)), atol=2e-6)


def test_a_set_is_compared_with_itself(tmp_path: Path) -> None:
    """And where a vector is 0 in a layer there is no cosine, and no NaN in JSON."""
    vectors = random(3, 3, LAYERS, WIDTH)
    vectors[1, 2] = 0
    stored(tmp_path, "a", vectors)
    np.testing.assert_allclose(np.diag(table(told(tmp_path, "a"))), 1)
    last = table(told(tmp_path, "a", "--layers", "2"))
    assert np.isnan(last[1]).all() and np.isnan(last[:, 1]).all()
    assert np.isfinite(last[[0, 0, 2], [0, 2, 0]]).all()
    done = latty("compare", "a", "--layers", "2", home=tmp_path)
    assert done.stdout.splitlines()[2].split() == ["a1", "-", "-", "-"]
    assert f"deviation of {WIDTH**-0.5:.3f}" in done.stderr


def test_csv_and_picture(tmp_path: Path) -> None:
    done = latty(*["compare", "demo", "portraits-random", "--foreign"], home=tmp_path)
    assert done.returncode == 65 and "move different latents" in done.stderr
    words = ["compare", "portraits", "portraits-interfacegan", "-o", "x.csv", "-o", "x.png"]
    done = latty(*words, home=tmp_path)
    assert done.returncode == 0 and done.stdout.endswith("x.csv\nx.png\n"), done.stderr
    head, *rows = csv.reader(StringIO((tmp_path / "x.csv").read_text()))
    assert head == ["layers", "set", "direction", "with_set", "with", "cosine"]
    folder = places.shipped_dir() / "directions"
    sets = [read(folder / f"{name}.safetensors") for name in words[1:3]]
    one, two = (arrays[ARRAY].numpy() for _, arrays in sets)
    if one.ndim == 3:
        two = np.repeat(two[:, None], one.shape[1], 1)
    places_of = [{name: i for i, name in enumerate(header.names)} for header, _ in sets]
    assert len(rows) == len(one) * len(two)
    for _, _, a, _, b, value in rows:
        assert abs(cosine(one[places_of[0][a]], two[places_of[1][b]]) - float(value)) < 2e-6
    pixels = np.asarray(Image.open(tmp_path / "x.png")).astype(int)
    red = (pixels[..., 0] - pixels[..., 2] > 120).sum()
    assert red > 4 * 30**2  # the cells of the four attributes that both have
    assert latty(*words, home=tmp_path).returncode == 73
    assert latty(*words, "--overwrite", home=tmp_path).returncode == 0


def test_a_large_table_is_a_picture_of_its_cells(tmp_path: Path) -> None:
    stored(tmp_path, "a", np.eye(300))
    assert latty("compare", "a", "-o", "a.png", home=tmp_path).returncode == 0
    pixels = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    red = pixels[..., 0] - pixels[..., 2] > 120
    assert 300 * 4**2 <= red.sum() < 300 * 4**2 + 1200  # the diagonal, and the legend's end


@pytest.mark.parametrize("name", ["微笑", "\u0e22\u0e34\u0e49\u0e21"])
def test_a_name_that_cannot_be_drawn_is_its_number_in_the_picture(name: str) -> None:
    def page(rows: list[str], columns: list[str]) -> Any:
        return drawn([HeatMap("cosines", rows, columns, [[1, 0], [0, 1]])])

    found = page(["a", name], [name, "b"])
    assert np.array_equal(found, page(["a", "1"], ["0", "b"]))


REFUSED = {
    "another space": (["z", "a"], 65, "z lies in z, a in w"),
    "another model": (["other", "a"], 65, "was made for mine (plain, bbbbbbbbbbbb), a for toy"),
    "other sizes": (["wide", "a", "--foreign"], 65, "are 9, in a 3x8"),
    "other layers": (["tall", "a"], 65, "are 4x8, in a 3x8"),
    "layers of z": (["z", "--layers", "1"], 65, "in z have no layers"),
    "no such layers": (["a", "--layers", "7-9"], 65, "layers 0 to 2"),
    "layers of what has none": (["flat", "--layers", "1"], 65, "the same in all layers"),
    "each layer of what has none": (["flat", "--layers", "each"], 65, "the same in all layers"),
    "one file twice": (["a", "-o", "x.csv", "-o", "x.csv"], 2, "x.csv is named twice"),
    "no layers": (["a", "--layers", "x"], 2, "no layer range"),
    "three sets": (["a", "a", "a"], 2, "3 sets"),
    "no vectors": (["portraits-warped"], 65, "are no vectors"),
    "unknown": (["b"], 66, "no direction set 'b'"),
    "no picture": (["a", "-o", "x.jpg"], 2, "no .png or .csv"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_be_compared_is_told_in_one_line(why: str, tmp_path: Path) -> None:
    stored(tmp_path, "a", random(1, 2, LAYERS, WIDTH))
    stored(tmp_path, "z", random(2, 2, WIDTH), space="z")
    stored(tmp_path, "other", random(3, 2, WIDTH), model="mine", model_digest="b" * 64)
    stored(tmp_path, "wide", random(4, 2, 9))
    stored(tmp_path, "flat", random(6, 2, WIDTH))
    stored(tmp_path, "tall", random(5, 2, LAYERS + 1, WIDTH))
    words, code, said = REFUSED[why]
    done = latty("compare", *words, home=tmp_path)
    assert done.returncode == code and said in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and not done.stdout
    assert [*tmp_path.iterdir()] == [tmp_path / "home"]


def test_nobody_is_disturbed_who_writes(tmp_path: Path) -> None:
    with locks.writing(tmp_path / "a.csv"):
        done = latty("compare", "demo", "-o", str(tmp_path / "a.csv"), home=tmp_path)
    assert done.returncode == 75 and not (tmp_path / "a.csv").exists()


def test_files_are_whole_though_nobody_reads_the_table(tmp_path: Path) -> None:
    line = " ".join([*COMMAND, "compare portraits -o a.csv -o a.png"])
    shell = ["bash", "-c", f"(sleep 0.5; exec {line}) | true; exit ${{PIPESTATUS[0]}}"]
    done = subprocess.run(shell, cwd=tmp_path, env=environment(tmp_path), capture_output=True,
                          check=False)  # fmt: skip
    assert done.returncode == 141 and (tmp_path / "a.png").stat().st_size
    assert (tmp_path / "a.csv").read_text().count("\n") > 20
