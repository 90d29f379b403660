"""Files of other repositories, made in the shape that their programs write and publish."""

import json
import re
from pathlib import Path
from typing import Any

import importer_files as files
import numpy as np
import pytest
import torch

from latty.directions.file import ARRAY, DirectionSet
from latty.directions.importing.base import CODES, Codes, Imported
from latty.directions.importing.recognise import look
from latty.errors import BadData

D = 512


def known(path: Path, *words: Any, **more: Any) -> Imported:
    found = look(path, *words, **more)
    assert found is not None, f"{path.name} is not recognised"
    return found


def header(found: Imported) -> DirectionSet:
    assert isinstance(found.header, DirectionSet)
    return found.header


def tensor(path: Path, array: Any) -> Path:
    return files.pt(path, torch.from_numpy(np.asarray(array)))


def folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("place", "family", "model"),
    [
        ("LowRankGAN/directions/ffhq1024", "stylegan2", "stylegan2 ffhq1024"),
        ("resefa/directions/ffhq/stylegan3", "stylegan3", "stylegan3 ffhq"),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_regions_are_moved_in_w_whatever_the_numbers(
    dtype: type, place: str, family: str, model: str, tmp_path: Path
) -> None:
    vector = files.unit(1, 1, D, dtype=dtype)
    found = known(files.npy(folder(tmp_path / place) / "eyes_size.npy", vector))
    assert (found.entry, found.names) == ("lowrankgan", ("eyes_size",))
    assert (header(found).space, header(found).family, header(found).model) == ("w", family, model)


def test_what_the_programs_of_regions_write(tmp_path: Path) -> None:
    for name in (
        "directions_img_03_region_left_eye_ffhq_projected",
        "image_00_region_mouth_name_x",
    ):
        found = known(files.npy(tmp_path / f"{name}.npy", files.unit(2, 9, D)))
        assert found.entry == "lowrankgan" and found.shape == (9, D)
        assert found.names[0] in ("left_eye-0", "mouth-0")


def test_the_space_of_float64_is_not_z(tmp_path: Path) -> None:
    vector = files.unit(3, 1, D, dtype=np.float64)
    found = known(files.npy(tmp_path / "thing.npy", vector))
    assert header(found).space == "w" and "--space" in " ".join(found.notes)
    there = folder(tmp_path / "stylegan3-editing" / "boundaries" / "ffhq")
    assert header(known(files.npy(there / "Smiling_boundary.npy", vector))).space == "w"
    assert header(known(files.npy(tmp_path / "Smiling_boundary.npy", vector))).space == "z"


@pytest.mark.parametrize(("group", "first"), [("coarse", 0), ("mid", 40), ("fine", 80)])
def test_the_hessian_penalty_orthonormalises_and_pads(
    group: str, first: int, tmp_path: Path
) -> None:
    matrix = 5 * files.normal(4, 40, 40)
    found = known(tensor(tmp_path / f"our_goldens_{group}.pt", matrix))
    made = found.load()[ARRAY]
    assert found.shape == tuple(made.shape) == (40, 120) and header(found).space == "z"
    block = made[:, first : first + 40].double()
    assert made.count_nonzero() == block.count_nonzero() == 1600
    torch.testing.assert_close(block @ block.T, torch.eye(40).double(), atol=1e-5, rtol=0)
    rows: list[Any] = []  # by the definition of Gram and Schmidt
    for row in matrix.astype(np.float64):
        left = row - sum((row @ other) * other for other in rows)
        rows.append(left / np.linalg.norm(left))
    np.testing.assert_allclose(block, np.stack(rows), atol=1e-5)


def test_a_basis_of_the_hessian_penalty_stays(tmp_path: Path) -> None:
    matrix = files.right_angles(5, 120, 120)
    found = known(tensor(folder(tmp_path / "directions") / "voynov.pt", matrix))
    assert found.entry == "hessian_penalty"
    np.testing.assert_allclose(found.load()[ARRAY], matrix, atol=1e-5)
    with pytest.raises(BadData, match="depend on each other"):
        known(tensor(tmp_path / "our_x.pt", np.ones((120, 120), np.float32))).load()
    with pytest.raises(BadData, match="which third"):
        known(tensor(tmp_path / "our_x.pt", files.normal(1, 40, 40)))


def test_features_of_autolume(tmp_path: Path) -> None:
    array = files.right_angles(6, 3, D)
    for name in ("plan_xcomp", "plan_zcomp"):
        found = known(files.npy(tmp_path / f"{name}.npy", array))
        assert (found.entry, found.names) == ("autolume", ("c0", "c1", "c2"))
        assert (header(found).space, header(found).model) == ("w", "plan")


def contraclip(path: Path, count: int = 2, layers: int = 16) -> Path:
    """experiments/latent_codes/GAN/GAN-N as its sample_gan.py leaves it."""
    path.mkdir(parents=True)
    (path / "args.json").write_text(json.dumps({"gan": "stylegan2_ffhq1024", "truncation": 0.6}))
    for i in range(count):
        w = 1 + files.normal(20 + i, 1, D)
        there = path / f"{i:040x}"
        for kind, array in {"z": files.normal(i, 1, D), "w": w, "w+": w.repeat(layers, 0)}.items():
            tensor(there / f"latent_code_{kind}.pt", array)
    return path


def test_pools_of_contraclip(tmp_path: Path) -> None:
    pool = contraclip(tmp_path / "stylegan2_ffhq1024" / "stylegan2_ffhq1024-2")
    found = known(pool)
    assert isinstance(found.header, Codes) and found.entry == "warped_pool"
    params = dict(found.header.params)
    assert (found.header.space, found.header.family) == ("w", "stylegan2")
    assert (params["truncated"], params["truncation"]) == (0.6, 1.0)
    np.testing.assert_array_equal(found.load()[CODES][1:], 1 + files.normal(21, 1, D))
    z = known(pool, space="z")
    np.testing.assert_array_equal(z.load()[CODES][1:], files.normal(1, 1, D))
    assert isinstance(z.header, Codes) and dict(z.header.params)["truncation"] == 0.6
    one = known(pool / f"{0:040x}" / "latent_code_w+.pt")
    assert one.shape == (1, 16, D)


def test_styles_are_called_by_their_name(tmp_path: Path) -> None:
    widths = [512] * 10 + [256, 128, 64, 32]
    layers = [files.normal(i, 3, n) for i, n in enumerate(widths)]
    names = [f"G_synthesis/{i}" for i in range(len(widths))]
    means = [array.mean(0) for array in layers]
    shapes = [torch.from_numpy(array)[:, None, :, None, None] for array in layers]
    given = {
        "S": lambda p: files.dumped(p, [names, layers]),
        "S_mean_std": lambda p: files.dumped(p, [means, means]),
        "S_1000": lambda p: files.dumped(p, dict(zip(names, layers, strict=True))),
        "S_Flat.npy": lambda p: files.npy(p, np.concatenate(layers, 1)),
        "test_faces.pt": lambda p: files.pt(p, shapes),
        "styles.npz": lambda p: files.npz(p, **{f"s{i}": a for i, a in enumerate(layers)}),
    }
    for name, make in given.items():
        with pytest.raises(BadData, match=r"styles \(S\).*W\.npy"):
            look(make(tmp_path / name))


def test_a_class_is_remembered(tmp_path: Path) -> None:
    plan = {**files.edit()["decomposition"], "layer": "generator.gen_z"}
    edit = files.edit(model_name="BigGAN-512", output_class="husky", decomposition=plan)
    found = known(files.dumped(tmp_path / "e.pkl", edit))
    assert dict(header(found).params)["class"] == "husky"
    basis = files.npz(tmp_path / "biggan-512-husky_generator.gen_z_ipca_c5_n1000.npz",
                      **files.basis(in_w=False))  # fmt: skip
    assert dict(header(known(basis)).params)["class"] == "husky"
    pool = known(files.pool(tmp_path / "BigGAN-239" / "BigGAN-239_3"))
    assert isinstance(pool.header, Codes) and dict(pool.header.params)["class"] == 239


@pytest.mark.parametrize("space", ["Z", "W", "W+", "S"])
def test_support_sets_of_contraclip(space: str, tmp_path: Path) -> None:
    told = {"gan": "stylegan2_ffhq1024", "stylegan_space": space, "stylegan_layer": 1}
    folder(tmp_path / "e" / "models")
    (tmp_path / "e" / "args.json").write_text(json.dumps(told))
    width = 2 * D if space == "W+" else D
    sets = {"SUPPORT_SETS": torch.ones(3, 4 * width), "ALPHAS": torch.ones(3, 4)}
    path = tmp_path / "e" / "models" / "latent_support_sets.pt"
    files.pt(path, {**sets, "LOGGAMMA": torch.zeros(3, 1)})
    for where in (tmp_path / "e", path):
        if space in ("W+", "S"):
            with pytest.raises(BadData, match=rf"lie in {re.escape(space)}"):
                look(where)
            continue
        found = known(where)
        assert (header(found).space, header(found).family) == (space.lower(), "stylegan2")
    files.pt(path, {**sets, "LOGGAMMA": torch.zeros(3, 4)})
    with pytest.raises(BadData, match="gamma of its own" if space in "ZW" else "."):
        look(path)
