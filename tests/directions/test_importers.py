"""Every format of the field becomes a direction set or latents, each number where it belongs."""

from pathlib import Path
from typing import Any

import importer_files as files
import numpy as np
import places
import pytest
import torch
from importer_files import WIDTH

from latty.checkpoints import open_checkpoint
from latty.directions.file import ARRAY, read, read_header, write
from latty.directions.importing.base import CODES, Codes, Imported
from latty.directions.importing.recognise import look
from latty.directions.opening import find
from latty.directions.registries import IMPORTERS as IMPORTERS_REGISTRY
from latty.errors import BadData, UsageError
from latty.scene import ALL, Layers

ENTRIES = IMPORTERS_REGISTRY.names()
OURS = "latty"
REAL = places.REAL / "directions"


def known(path: Path, wanted: str = "", space: str = "") -> Imported:
    found = look(path, wanted, space)
    assert found is not None, f"{path.name} is not recognised"
    return found


def header(found: Imported) -> Any:
    assert found.kind == "directions"
    return found.header


def vectors(found: Imported) -> torch.Tensor:
    array = found.load()[ARRAY]
    assert tuple(array.shape) == found.shape and array.dtype == torch.float32
    return array


def codes(found: Imported) -> torch.Tensor:
    assert found.kind == "latents"
    array = found.load()[CODES]
    assert tuple(array.shape) == found.shape and array.dtype == torch.float32
    return array


def params(found: Imported) -> dict[str, Any]:
    return dict(header(found).params)


# --- every entry ----------------------------------------------------------------------------------


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name != OURS])
def test_each_format_is_recognised_by_its_importer_alone(entry: str, tmp_path: Path) -> None:
    path = files.made(entry, tmp_path)
    assert known(path).entry == entry
    assert known(path, entry).header == known(path).header


@pytest.mark.parametrize("entry", [name for name in ENTRIES if name != OURS])
def test_each_format_can_be_kept_and_read_again(entry: str, tmp_path: Path) -> None:
    found = known(files.made(entry, tmp_path))
    if isinstance(found.header, Codes):
        assert codes(found).isfinite().all() and found.header.space in ("z", "w")
        return
    write(tmp_path / "kept.safetensors", found.header, found.load())
    again, arrays = read(tmp_path / "kept.safetensors")
    assert again.names == found.names and again.space == found.header.space
    assert again.method and again.model and not again.model_digest
    assert dict(again.params)["importer"] == entry
    for name, array in found.load().items():
        torch.testing.assert_close(arrays[name], array)


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_says_what_it_reads(entry: str) -> None:
    assert IMPORTERS_REGISTRY.summary(entry)
    guide = places.ROOT / "docs" / "importing.md"
    assert f"`{entry}`" in guide.read_text(encoding="utf-8")


def test_names_do_not_matter_where_content_is_clear(tmp_path: Path) -> None:
    for i, entry in enumerate(("ganspace_pkl", "ganspace_npz", "tlgan", "rosinality")):
        path = files.made(entry, tmp_path)
        assert known(path.rename(tmp_path / f"download ({i})")).entry == entry


def test_unknown_importers_and_spaces_are_refused(tmp_path: Path) -> None:
    path = files.made("interfacegan", tmp_path)
    with pytest.raises(UsageError, match=r"no importer 'interfacegam'.*did you mean"):
        look(path, "interfacegam")
    with pytest.raises(UsageError, match="no space 'x'"):
        look(path, space="x")


# --- GANSpace -------------------------------------------------------------------------------------


def test_an_edit_keeps_every_field(tmp_path: Path) -> None:
    found = known(files.dumped(tmp_path / "e.pkl", files.edit()))
    info = header(found).infos[0]
    assert (info.name, info.sigma, info.usable) == ("Light direction", 1.25, (-2.8, 2.8))
    assert info.layers == Layers(8, 9) and header(found).space == "w"
    assert (header(found).family, header(found).model) == ("stylegan2", "StyleGAN2 ffhq")
    np.testing.assert_array_equal(vectors(found), files.edit()["lat_comp"])
    kept = params(found)
    told = {"sigma_range": -2.8, "component_index": 15, "truncation": 0.9, "act_stdev": 1.5}
    told |= {"example_seed": 1941578080, "decomposition.layer": "style", "edit_type": "latent"}
    told |= {"decomposition.samples": 1_000_000, "output_class": "ffhq"}
    assert told.items() <= kept.items()


@pytest.mark.parametrize(
    ("model", "layer", "space"),
    [
        ("StyleGAN2", "conv1", "activation:b4.conv1"),
        ("StyleGAN2", "convs.0", "activation:b8.conv0"),
        ("StyleGAN2", "convs.5", "activation:b32.conv1"),
        ("StyleGAN", "g_synthesis.blocks.8x8", "activation:layer3"),
        ("StyleGAN", "g_synthesis.blocks.4x4.epi1", "activation:layer0"),
        ("ProGAN", "layer3", "activation:layer2"),
        ("BigGAN-512", "generator.layers.9", "activation:block8"),
        ("BigGAN-512", "generator.gen_z", "activation:gen_z"),
        ("DCGAN", "odd layer", "activation:odd-layer"),
    ],
)
def test_an_edit_of_an_activation(model: str, layer: str, space: str, tmp_path: Path) -> None:
    block = files.unit(1, 1, 2 * 4 * 4).reshape(1, 2, 4, 4)
    plan = {**files.edit()["decomposition"], "layer": layer}
    given = files.edit(edit_type="activation", act_comp=block, model_name=model, decomposition=plan)
    found = known(files.dumped(tmp_path / "e.pkl", given))
    assert header(found).space == space and header(found).infos[0].sigma == 1.5
    np.testing.assert_array_equal(vectors(found), block.reshape(1, -1))
    latent = known(tmp_path / "e.pkl", space="w")
    np.testing.assert_array_equal(vectors(latent), given["lat_comp"])


def test_gen_z_has_its_channels_last(tmp_path: Path) -> None:
    flat = files.unit(1, 1, 16 * 3)
    plan = {**files.edit()["decomposition"], "layer": "generator.gen_z"}
    given = files.edit(edit_type="activation", act_comp=flat, model_name="BigGAN-128",
                       decomposition=plan)  # fmt: skip
    found = vectors(known(files.dumped(tmp_path / "e.pkl", given)))
    wanted = flat.reshape(4, 4, 3).transpose(2, 0, 1).reshape(1, -1)
    np.testing.assert_array_equal(found, wanted)


def test_an_activation_of_the_mapping_is_w(tmp_path: Path) -> None:
    found = known(files.dumped(tmp_path / "e.pkl", files.edit(edit_type="activation")))
    assert header(found).space == "w" and header(found).infos[0].sigma == 1.5
    np.testing.assert_array_equal(vectors(found), files.edit()["act_comp"])


@pytest.mark.parametrize(
    ("start", "end", "layers"),
    [(0, 18, Layers(0, 18)), (3, 3, Layers(3)), (-4, 2, ALL), (None, None, ALL), ("x", {}, ALL)],
)
def test_odd_layers_of_an_edit(start: Any, end: Any, layers: Layers, tmp_path: Path) -> None:
    given = files.edit(edit_start=start, edit_end=end)
    assert header(known(files.dumped(tmp_path / "e.pkl", given))).infos[0].layers == layers


def test_a_basis_is_one_set(tmp_path: Path) -> None:
    name = "stylegan2-ffhq_style_ipca_c5_n1000000_w_seed7.npz"
    found = known(files.npz(tmp_path / name, **files.basis()))
    infos = header(found).infos
    assert [info.name for info in infos] == ["c0", "c1", "c2", "c3", "c4"]
    np.testing.assert_allclose([info.sigma for info in infos], files.basis()["lat_stdev"])
    assert dict(infos[0].scores)["var_ratio"] == pytest.approx(0.2)
    assert (header(found).space, header(found).family) == ("w", "stylegan2")
    told = {"model": "stylegan2-ffhq", "layer": "style", "components": 5, "samples": 1_000_000}
    assert {**told, "estimator": "ipca", "seed": 7}.items() <= params(found).items()
    np.testing.assert_array_equal(vectors(found), files.basis()["lat_comp"][:, 0])


def test_a_basis_in_z_and_of_an_activation(tmp_path: Path) -> None:
    name = "biggan-512-husky_generator.gen_z_ipca_c5_n1000000.npz"
    path = files.npz(tmp_path / name, **files.basis(in_w=False))
    found = known(path)
    assert (header(found).space, header(found).family) == ("z", "biggan_deep")
    assert any("activation:gen_z" in note for note in found.notes)
    moved = known(path, space="activation:gen_z")
    assert [info.sigma for info in header(moved).infos] == pytest.approx([2, 1.75, 1.5, 1.25, 1])
    assert moved.shape == (5, WIDTH)


def test_a_colab_direction(tmp_path: Path) -> None:
    found = known(files.npy(tmp_path / "old man.npy", files.unit(1, 1, WIDTH)))
    assert found.names == ("old man",) and header(found).space == "w"
    assert any("--space z" in note for note in found.notes)
    assert header(known(tmp_path / "old man.npy", space="z")).space == "z"


# --- InterFaceGAN, Steerability -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "name", "conditions", "space", "family"),
    [
        ("stylegan_ffhq_smile_w_boundary", "smile", (), "w", "stylegan1"),
        ("pggan_celebahq_age_c_gender_eyeglasses_boundary", "age", ("gender", "eyeglasses"), "z",
         "progan"),
        ("stylegan_celebahq_pose_boundary", "pose", (), "z", "stylegan1"),
        ("stylegan2_ffhq_age_c_gender_w_boundary", "age", ("gender",), "w", "stylegan2"),
        ("boundary", "boundary", (), "z", ""),
        ("5_boundary", "b5", (), "z", ""),
    ],
)  # fmt: skip
def test_the_name_of_a_boundary(
    stem: str, name: str, conditions: Any, space: str, family: str, tmp_path: Path
) -> None:
    found = known(files.npy(tmp_path / f"{stem}.npy", files.unit(1, 1, WIDTH, dtype=np.float64)))
    assert found.entry == "interfacegan" and found.names == (name,)
    assert (header(found).space, header(found).family) == (space, family)
    assert params(found)["conditions"] == conditions
    assert header(found).infos[0].sigma == 1.0 and "sigma 1" in " ".join(found.notes)


def test_walks_keep_their_lengths(tmp_path: Path) -> None:
    layered = 5 * files.unit(1, 16, WIDTH) * np.arange(1, 17, dtype=np.float32)[:, None]
    found = known(files.npy(tmp_path / "rotate2d.npy", layered))
    assert found.entry == "steerability" and found.shape == (1, 16, WIDTH)
    np.testing.assert_array_equal(vectors(found)[0], layered)
    folder = tmp_path / "stylegan_cars"
    folder.mkdir()
    inside = known(files.npy(folder / "shifty.npy", layered))
    assert (header(inside).family, header(inside).model) == ("stylegan1", "stylegan_cars")


def test_several_walks_of_one_pickle(tmp_path: Path) -> None:
    colour = files.normal(2, 1, WIDTH * 2, 3)
    given = {"w_zoom": files.normal(1, 1, WIDTH * 2, 1), "w_color": colour}
    found = known(files.dumped(tmp_path / "walks.pkl", given))
    assert found.names == ("zoom", "color-0", "color-1", "color-2")
    np.testing.assert_array_equal(vectors(found)[1:].T, colour[0])


def test_directions_that_came_with_e4e(tmp_path: Path) -> None:
    pca = {"comp": torch.from_numpy(files.unit(1, 4, 1, WIDTH)), "std": torch.arange(1.0, 5),
           "mean": torch.zeros(1, WIDTH)}  # fmt: skip
    found = known(files.pt(tmp_path / "ffhq_pca.pt", pca))
    assert found.entry == "ganspace_npz" and header(found).space == "w"
    assert [info.sigma for info in header(found).infos] == [1, 2, 3, 4]
    torch.testing.assert_close(vectors(found), pca["comp"][:, 0])
    age = known(files.pt(tmp_path / "age.pt", 2 * torch.from_numpy(files.unit(2, 1, WIDTH))))
    assert (age.entry, age.names, header(age).space) == ("interfacegan", ("age",), "w")
    assert known(tmp_path / "age.pt", "latents").kind == "latents"


def test_a_folder_of_directions_is_one_set(tmp_path: Path) -> None:
    path = files.boundaries(tmp_path / "boundaries")
    found = known(path)
    assert found.names == ("age", "pose", "smile") and header(found).family == "stylegan1"
    np.testing.assert_allclose(vectors(found)[2], files.unit(1, 1, WIDTH)[0], atol=1e-7)
    assert params(found)["files"][0] == "stylegan_ffhq_age_w_boundary.npy"
    files.npy(path / "stylegan_ffhq_age_boundary.npy", files.unit(1, 1, WIDTH, dtype=np.float64))
    with pytest.raises(BadData, match=r"several kinds of directions: .* in w.*; .* in z"):
        look(path)


# --- the same array, told apart -------------------------------------------------------------------


def test_bare_arrays_are_told_apart(tmp_path: Path) -> None:
    single, layered = files.unit(1, 1, 512), 3 * files.unit(2, 18, 512)
    arrays = {
        "old man.npy": (single, "ganspace_npy"),
        "double.npy": (single.astype(np.float64), "interfacegan"),
        "young.npy": (single, "ganspace_npy"),
        "shiftx.npy": (3 * single, "steerability"),
        "smile.npy": (layered, "steerability"),
        "boundary.npy": (single, "interfacegan"),
        "age_direction.npy": (layered, "steerability"),
        "me_latents.npy": (layered, "latents"),
        "code.npy": (files.normal(3, 1, 512), "latents"),
        "seeds.npy": (files.normal(4, 18, 512), "latents"),
        "e4e.npy": (files.normal(5, 1, 18, 512), "latents"),
        "z.npy": (files.normal(6, 40, 512), "latents"),
    }
    for name, (array, entry) in arrays.items():
        assert known(files.npy(tmp_path / name, array)).entry == entry, name
    assert known(tmp_path / "old man.npy", "interfacegan").entry == "interfacegan"
    assert codes(known(tmp_path / "age_direction.npy", "latents")).shape == (18, 512)


def test_what_is_neither_is_left_alone(tmp_path: Path) -> None:
    arrays = [np.arange(12), np.zeros((4, 64, 64, 3)), np.ones((100, 1)), np.ones((3, 2, 900, 900))]
    for i, array in enumerate(arrays):
        assert look(files.npy(tmp_path / f"{i}.npy", array)) is None, array.shape
    files.dumped(tmp_path / "x.pkl", {"a": 1})
    files.pt(tmp_path / "y.pt", {"weird": torch.ones(3)})
    (tmp_path / "n.csv").write_text("name, x\nold, 1\n")
    for name in ("x.pkl", "y.pt", "n.csv", "."):
        assert look(tmp_path / name) is None


# --- WarpedGANSpace -------------------------------------------------------------------------------


def test_an_experiment_with_paths(tmp_path: Path) -> None:
    found = known(files.warped_experiment(tmp_path / "exp", shift_in_w_space=True))
    assert header(found).form == "warped" and found.names == ("p0", "p1", "p2")
    assert (header(found).space, header(found).family) == ("w", "progan")
    arrays, given = found.load(), files.support()
    torch.testing.assert_close(arrays["support"][1, 3], given["SUPPORT_SETS"][1, 3 * WIDTH :])
    torch.testing.assert_close(arrays["alphas"], given["ALPHAS"])
    torch.testing.assert_close(arrays["loggamma"], given["LOGGAMMA"][:, 0])
    assert params(found)["gan_type"] == "ProgGAN"
    alone = known(tmp_path / "exp" / "models" / "support_sets-2000.pt")
    assert alone.shape == (3, 4, 5) and header(alone).space == "w"
    assert known(tmp_path / "exp" / "models").shape == (3, 4, WIDTH)
    (tmp_path / "exp" / "models" / "support_sets.pt").unlink()
    assert known(tmp_path / "exp").shape == (3, 4, 6)  # the latest, not the last by its letters
    for path in (tmp_path / "exp" / "models").glob("support_sets-*"):
        path.unlink()
    assert known(tmp_path / "exp" / "models" / "checkpoint.pt").shape == (3, 4, 7)


def test_an_imported_path_moves_as_its_equation_says(tmp_path: Path) -> None:
    """A short step goes along the gradient of the function, at unit speed."""
    found = known(files.pt(tmp_path / "support_sets.pt", files.support()), space="z")
    write(tmp_path / "set.safetensors", header(found), found.load())
    from small_families import made

    generator = made("dcgan")
    path = find(f"{tmp_path / 'set.safetensors'}#p1", generator, foreign=True)
    z = torch.from_numpy(files.normal(1, 2, WIDTH)).requires_grad_()
    state = files.support()
    ends = state["SUPPORT_SETS"][1].view(4, WIDTH)
    squares = (z[:, None] - ends).square().sum(2)
    weights = state["ALPHAS"][1] * torch.exp(-state["LOGGAMMA"][1].exp() * squares)
    (slope,) = torch.autograd.grad(weights.sum(), z)

    class Wide:
        info = generator.info

    with torch.no_grad():
        ends = [path.move(z.detach(), torch.full((2,), way), Wide()) for way in (0.01, -0.01)]
    torch.testing.assert_close((ends[0] - ends[1]) / 0.02, slope / slope.norm(dim=1, keepdim=True),
                               atol=2e-3, rtol=0)  # fmt: skip


def test_pools_of_latents(tmp_path: Path) -> None:
    found = known(files.pool(tmp_path / "BigGAN-239" / "BigGAN-239_3"))
    assert codes(found).shape == (3, WIDTH) and len(found.names) == 3
    assert isinstance(found.header, Codes)
    assert (found.header.space, found.header.family) == ("z", "biggan")
    assert "label = 239" in " ".join(found.notes)
    for i, row in enumerate(codes(found)):
        np.testing.assert_array_equal(row, np.random.RandomState(i).randn(WIDTH).astype("f4"))
    single = next((tmp_path / "BigGAN-239").rglob("latent_code.pt"))
    assert codes(known(single)).shape == (1, WIDTH)
    assert codes(known(tmp_path / "BigGAN-239")).shape == (3, WIDTH)
    assert look(tmp_path) is None  # some pool somewhere below is not what was named


def test_codes_of_paths(tmp_path: Path) -> None:
    array = torch.from_numpy(files.normal(1, 2, 5, WIDTH))
    found = known(files.pt(tmp_path / "paths_latent_codes.pt", array))
    torch.testing.assert_close(codes(found), array.reshape(10, WIDTH))
    assert found.names[6] == "p1-1" and "step 2" in found.notes[0]


# --- Plumerault, TL-GAN, Voynov, SeFa, NVIDIA -----------------------------------------------------


def test_a_direction_in_decimals(tmp_path: Path) -> None:
    path = tmp_path / "scale" / "14" / "directions" / "direction.csv"
    found = known(files.csv(path, files.unit(1, 120)))
    assert found.names == ("scale-14",) and header(found).family == "biggan"
    torch.testing.assert_close(vectors(found)[0], torch.from_numpy(files.unit(1, 120)),
                               atol=1e-6, rtol=0)  # fmt: skip
    files.csv(tmp_path / "brightness" / "3" / "directions" / "direction.csv", files.unit(2, 120))
    assert known(tmp_path).names == ("brightness-3", "scale-14")


def test_barycentres_are_no_direction(tmp_path: Path) -> None:
    path = tmp_path / "barycenters.csv"
    path.write_text("name, x, y, mean\n0_alpha=0.0, 0.1, 0.2, 0.3\n")
    with pytest.raises(BadData, match=r"barycenters\.csv: .*no direction.*direction.csv beside it"):
        look(path)


def test_features_of_tlgan(tmp_path: Path) -> None:
    matrix = files.unit(1, 5, WIDTH, dtype=np.float64).T
    names = ["Smiling", "Smiling", "7", "a/b#c", "\x1b[31m  red\n"]
    found = known(files.dumped(tmp_path / "f.pkl", {"direction": matrix, "name": names}))
    assert found.names == ("Smiling", "Smiling-2", "d7", "a-b-c", "[31m red")
    np.testing.assert_allclose(vectors(found).T, matrix, atol=1e-7)
    array = {"direction": matrix, "name": np.array(files.CELEBA)}
    assert known(files.dumped(tmp_path / "g.pkl", array)).names == tuple(files.CELEBA)


def test_an_orthogonal_deformator(tmp_path: Path) -> None:
    half = torch.from_numpy(files.normal(1, 8, 8)).double()
    path = files.voynov_experiment(tmp_path / "v", {"log_mat_half": half.float()}, shift_scale=4)
    found = known(path)
    assert found.names[:4] == ("background - blur", "d1", "zoom", "d3")
    assert (header(found).space, header(found).family) == ("w", "stylegan2")
    assert found.shape == (8, 512) and header(found).infos[0].usable == (-4.0, 4.0)
    wanted = torch.linalg.matrix_exp(half - half.T)
    torch.testing.assert_close(vectors(found)[:, :8], wanted.T.float(), atol=1e-5, rtol=0)
    assert vectors(found)[:, 8:].abs().max() == 0
    single = known(path / "models" / "deformator_100000.pt")
    assert single.names == found.names and single.shape == found.shape
    fewer = known(files.voynov_experiment(tmp_path / "u", {"log_mat_half": half.float()},
                                          directions_count=3, gan_type="own"))  # fmt: skip
    assert fewer.shape == (3, 8)


def test_a_linear_deformator_is_its_columns(tmp_path: Path) -> None:
    matrix = torch.from_numpy(files.normal(1, WIDTH, 3))
    path = files.pt(
        tmp_path / "deformator_7.pt", {"linear.weight": matrix, "linear.bias": matrix[:, 0]}
    )
    found = known(path)
    torch.testing.assert_close(vectors(found), matrix.T)
    assert any("bias" in note for note in found.notes) and any("linear" in n for n in found.notes)
    files.voynov_experiment(
        tmp_path / "p", {"linear.weight": matrix}, deformator="proj", gan_type="x"
    )
    unit = known(tmp_path / "p")
    torch.testing.assert_close(vectors(unit), (matrix / matrix.norm(dim=0)).T)


@pytest.mark.parametrize("kind", ["fc", "proj"])
def test_a_deformator_that_bends(kind: str, tmp_path: Path) -> None:
    """Against the network in torch.nn, at several strengths, its shift at 0 taken off."""
    from small_families import made

    torch.manual_seed(2)
    module = files.fc() if kind == "fc" else torch.nn.Linear(WIDTH, WIDTH)
    state = module.state_dict()
    state = state if kind == "fc" else {f"linear.{name}": t for name, t in state.items()}
    given = files.voynov_experiment(tmp_path / "v", state, deformator=kind, gan_type="own",
                                    w_shift=False)  # fmt: skip
    found = known(given)
    assert header(found).form == "voynov" and found.shape == (WIDTH, WIDTH)
    write(tmp_path / "set.safetensors", header(found), found.load())
    direction = find(f"{tmp_path / 'set.safetensors'}#zoom", made("dcgan"), foreign=True)
    amounts = torch.tensor([-3.0, 0.0, 0.5, 6.0])
    x = torch.zeros(4, WIDTH)
    x[:, 2] = amounts
    with torch.no_grad():
        wanted = module(x)
        if kind == "fc":
            wanted = wanted - module(torch.zeros(1, WIDTH))
        else:
            wanted = x.norm(dim=1, keepdim=True) * wanted / wanted.norm(dim=1, keepdim=True)
    z = torch.from_numpy(files.normal(3, 4, WIDTH))
    moved = direction.move(z, amounts, made("dcgan"))
    torch.testing.assert_close(moved - z, wanted, atol=1e-4, rtol=1e-4)


def test_kinds_that_save_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"no deformator.*id and random are not saved"):
        look(files.voynov_experiment(tmp_path / "v", {}))


def test_latents_of_sefa_and_nvidia(tmp_path: Path) -> None:
    wide = files.npy(tmp_path / "stylegan_car512_latents.npy", files.normal(1, 10, 16, WIDTH))
    found = known(wide)
    assert isinstance(found.header, Codes) and found.header.space == "w"
    assert found.header.family == "stylegan1" and "truncated already" in found.notes[0]
    flat = known(files.npz(tmp_path / "projected_w.npz", w=files.normal(2, 6, WIDTH)))
    assert codes(flat).shape == (1, 6, WIDTH)


def test_latents_of_anyone(tmp_path: Path) -> None:
    z, w = files.normal(1, 20, 512), 1 + files.normal(2, 20, 512)
    assert known(files.npy(tmp_path / "some.npy", z)).header.space == "z"
    assert known(files.npy(tmp_path / "other.npy", w)).header.space == "w"
    assert known(files.npy(tmp_path / "z.npy", w)).header.space == "z"
    assert known(tmp_path / "z.npy", space="w").header.space == "w"
    each = {"me.png": {"img": torch.ones(1, 3, 2, 2), "latent": torch.ones(6, WIDTH), "noise": []},
            "you.png": {"img": 0, "latent": torch.zeros(6, WIDTH)}}  # fmt: skip
    found = known(files.pt(tmp_path / "projected.pt", each))
    assert found.names == ("me.png", "you.png") and codes(found).shape == (2, 6, WIDTH)
    assert (
        codes(known(files.pt(tmp_path / "l.pt", {"latents": torch.ones(2, 18, 8)}))).shape[0] == 2
    )
    one = known(files.npy(tmp_path / "me_wp.npy", files.normal(4, 18, WIDTH)))
    assert codes(one).shape == (1, 18, WIDTH)
    (tmp_path / "gen").mkdir()
    files.npy(tmp_path / "gen" / "w.npy", w)
    files.npy(tmp_path / "gen" / "wp.npy", files.normal(3, 20, 6, 512))
    assert codes(known(tmp_path / "gen")).shape == (20, 6, 512)


def test_our_own_sets_come_as_they_are(tmp_path: Path) -> None:
    found = known(files.made("ganspace_pkl", tmp_path))
    write(tmp_path / "set.safetensors", header(found), found.load())
    again = known(tmp_path / "set.safetensors")
    assert again.entry == OURS and again.header == read_header(tmp_path / "set.safetensors")
    torch.testing.assert_close(again.load()[ARRAY], vectors(found))


# --- files as their authors published them --------------------------------------------------------

PUBLISHED = {
    "StyleGAN2-Light_direction-ffhq-ipca-w-style-comp15-range8-9.pkl": (
        "ganspace_pkl", "w", (1, 512), "Light direction"),
    "gan_steer-linear_zoom_512.pkl": ("steerability", "z", (1, 128), "zoom"),
    "pggan_celebahq_age_c_gender_eyeglasses_boundary.npy": ("interfacegan", "z", (1, 512), "age"),
    "sefa_pggan_celebahq1024_latents.npy": ("sefa", "z", (10, 512), ""),
    "steerability_stylegan_cars_rotate2d.npy": ("steerability", "w", (1, 16, 512), "rotate2d"),
    "stylegan_ffhq_smile_w_boundary.npy": ("interfacegan", "w", (1, 512), "smile"),
    "warped_pool": ("warped_pool", "z", (2, 120), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(name: str) -> None:
    if not (REAL / name).exists():
        pytest.skip("no ../shared/real/directions here")
    entry, space, shape, first = PUBLISHED[name]
    found = known(REAL / name)
    assert (found.entry, found.header.space, found.shape) == (entry, space, shape)
    array = next(iter(found.load().values()))
    assert tuple(array.shape) == shape and (not first or found.names == (first,))
    if (REAL / name).suffix == ".npy":
        tree = open_checkpoint(REAL / name).tree.numpy()
        np.testing.assert_allclose(array.reshape(tree.shape), tree, atol=1e-7)
