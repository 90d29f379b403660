"""Scores that people bring: every form is read; what does not fit is one line with its place."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from latty import latents
from latty.attributes.score_tables import read_scores
from latty.errors import BadData, Missing
from latty.latents import Found, Latents, pools

SEEDS = [10, 12, 11, 30]
VALUES = np.array([[0.5, -1], [0.25, 1], [-2, 1], [3, -1]], np.float32)


@pytest.fixture
def pool(tmp_path: Path) -> Found:
    """A pool of four z."""
    return pool_called(tmp_path, "{seed:03d}.png")


def pool_called(tmp_path: Path, files: str) -> Found:
    """A pool of four z, whose file says that its pictures are called so."""
    header = pools.PoolHeader("toy", "toy", "0", files, 4, {"z": (6,)})
    numbers = [np.zeros((4, 6), "<f4").tobytes(), np.array(SEEDS, "<i8").tobytes()]
    path = tmp_path / "p.safetensors"
    path.write_bytes(b"".join(header.pieces(numbers)))
    return latents.look(str(path))


def lines(*rows: str) -> str:
    return "".join(f"{row}\n" for row in rows)


GOOD = {
    "in order.csv": lines("smile,yaw", "0.5,-1", "0.25,1", "-2,1", "3,-1"),
    "by file.csv": lines("file,smile,yaw", "012.png,0.25,1", "a/010.png,0.5,-1", "030.png,3,-1",
                         "011.png,-2,1"),
    "by seed.csv": lines("smile;seed;yaw", "-2;11;1", "0.25;12;1", "3;30;-1", "0.5;10;-1"),
    "manifest.csv": lines("file,seed,class,row,smile,yaw", "012.png,12,,1,.25,1",
                          "010.png,10,,0,.5,-1", "011.png,11,,2,-2,1", "030.png,30,,3,3,-1"),
    "list.txt": lines("4", "smile yaw ", "010.jpg  0.5 -1", "012.jpg 0.25  1", "030.jpg  3 -1",
                      "011.jpg -2  1"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_tables(name: str, pool: Found, tmp_path: Path) -> None:
    (tmp_path / name).write_text(GOOD[name])
    found = read_scores(tmp_path / name, pool)
    assert found.names == ("smile", "yaw") and found.array.dtype == torch.float32
    np.testing.assert_array_equal(found.array.numpy(), VALUES)


def test_an_empty_cell_is_a_score_that_nobody_knows(pool: Found, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(GOOD["in order.csv"].replace("-2,1", ",1"))
    found = read_scores(tmp_path / "x.csv", pool).array.numpy()
    assert np.isnan(found).sum() == 1 and np.isnan(found[2, 0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "bool"])
def test_arrays(dtype: str, pool: Found, tmp_path: Path) -> None:
    table = VALUES.astype(dtype)
    np.save(tmp_path / "y.npy", table)
    found = read_scores(tmp_path / "y.npy", pool, ("a", "b"))
    np.testing.assert_array_equal(found.array.numpy(), table.astype(np.float32))
    np.save(tmp_path / "smile_scores.npy", table[:, :1])
    assert read_scores(tmp_path / "smile_scores.npy", pool).names == ("smile",)
    np.savez(tmp_path / "y.npz", smile=table[:, 0], yaw=table[:, 1])
    assert read_scores(tmp_path / "y.npz", pool).names == ("smile", "yaw")


BAD = {
    "short.csv": (lines("smile", "1", "2", "3"), "3 lines for the 4 latents of p"),
    "long.csv": (lines("smile", *"12345"), "long.csv:6: more lines than the 4 latents of p"),
    "nan.csv": (lines("smile", "1", "nan", "3", "4"), "nan.csv:3: column smile is no number"),
    "inf.csv": (lines("smile", "1", "2", "-inf", "4"), "inf.csv:4: column smile is infinite"),
    "word.csv": (lines("smile", "1", "x", "3", "4"), "word.csv:3: 'x' in column smile"),
    "empty.csv": (lines("smile,yaw", "1,", "2,", "3,", "4,"), "no score in column yaw"),
    "twice.csv": (lines("file,smile", "010.png,1", "011.png,1", "010.png,2"),
                  "twice.csv:4: row 0 has a line already, 2"),
    "missing.csv": (lines("file,smile", "010.png,1", "011.png,1", "030.png,2"),
                    "3 lines for the 4 latents of p; the first without one is row 1"),
    "unknown.csv": (lines("file,smile", "010.png,1", "013.png,1"),
                    "unknown.csv:3: no latent of p has the file '013.png'"),
    "against.csv": (lines("file,seed,smile", "010.png,11,1"),
                    "against.csv:2: file 010.png is row 0, seed 11 is row 2"),
    "cells.csv": (lines("file,smile", "010.png"), "cells.csv:2: 1 cells"),
    "names.csv": (lines("1.0", "2", "3", "4"), "names.csv:1: it names no attributes"),
    "alike.csv": (lines("smile,smile", "1,2"), "alike.csv:1: the column 'smile' stands twice"),
    "count.txt": (lines("5", "smile", "010.jpg 1", "011.jpg 1", "012.jpg 1", "030.jpg 1"),
                  "count.txt:1: it says 5, and 4 lines follow"),
    "cells.txt": (lines("4", "smile yaw", "010.jpg 1"), "cells.txt:3: 1 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_tables_that_do_not_fit(name: str, pool: Found, tmp_path: Path) -> None:
    text, told = BAD[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(BadData) as caught:
        read_scores(tmp_path / name, pool)
    assert told in str(caught.value)


def test_arrays_that_do_not_fit(pool: Found, tmp_path: Path) -> None:
    def refused(array: object, *names: str) -> str:
        np.save(tmp_path / "y.npy", np.asarray(array))
        with pytest.raises(BadData) as caught:
            read_scores(tmp_path / "y.npy", pool, names)
        return str(caught.value)

    assert "y.npy: 3 scores for the 4 latents of p" in refused([1.0, 2, 3])
    assert "row 2, column 0 is nan, and 1 more" in refused([1.0, 2, np.nan, np.inf])
    assert "--name smile,age" in refused(VALUES)
    assert "2 scores of each latent" in refused(VALUES, "a")
    assert "(N,) or (N, A)" in refused(VALUES[None])
    assert "stands twice" in refused(VALUES, "a", "a")


def test_latents_that_know_no_files(tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.random.RandomState(0).randn(4, 6))
    unnamed = latents.look(str(tmp_path / "z.npy"))
    (tmp_path / "x.csv").write_text(GOOD["by file.csv"])
    with pytest.raises(BadData, match="z does not know the file of its latents"):
        read_scores(tmp_path / "x.csv", unnamed)
    (tmp_path / "y.csv").write_text(GOOD["in order.csv"])
    assert len(read_scores(tmp_path / "y.csv", unnamed).array) == 4
    names = tuple(f"{seed:03d}" for seed in SEEDS)
    latents.write(tmp_path / "n.safetensors", Latents("z", torch.zeros(4, 6), names=names))
    found = read_scores(tmp_path / "x.csv", latents.look(str(tmp_path / "n.safetensors")))
    np.testing.assert_array_equal(found.array.numpy(), VALUES)


@pytest.mark.parametrize(
    "files", ["", "x.png", "{0}.png", "{x}.png", "{seed.real}.png", "{seed:99999999999}.png", "{"]
)
def test_a_pool_whose_pictures_have_no_names(files: str, tmp_path: Path) -> None:
    odd = pool_called(tmp_path, files)
    (tmp_path / "x.csv").write_text(GOOD["by file.csv"])
    with pytest.raises(BadData, match="p does not know the file of its latents"):
        read_scores(tmp_path / "x.csv", odd)
    (tmp_path / "y.csv").write_text(GOOD["by seed.csv"])
    np.testing.assert_array_equal(read_scores(tmp_path / "y.csv", odd).array.numpy(), VALUES)


def test_hdf5(pool: Found, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "sample_y.h5", "w") as file:
        file["y"] = VALUES
        file["away"] = h5py.ExternalLink("other.h5", "y")
    found = read_scores(tmp_path / "sample_y.h5", pool, ("smile", "yaw"))
    np.testing.assert_array_equal(found.array.numpy(), VALUES)
    whole = (tmp_path / "sample_y.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadData, match=r"cut.h5 is a damaged HDF5 file"):
        read_scores(tmp_path / "cut.h5", pool, ("smile", "yaw"))


def test_hdf5_without_its_library(
    pool: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "y.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(Missing, match="pip install h5py"):
        read_scores(tmp_path / "y.h5", pool)
