"""StyleGAN of 2019: the references' own pictures, promises, layouts in the wild, refusals."""

import json
from pathlib import Path

import family_promises as promises
import numpy as np
import pytest
import torch
from places import CASES, PARITY
from small_families import stylegan1_tensors
from stylegan1_files import genforce, higan, interfacegan, lernapparat
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models import open_model, opening
from latty.models.conversion import stylegan1 as common
from latty.models.families import stylegan1
from latty.models.recognition import families_of

CPU = torch.device("cpu")


def fixture(folder: str, name: str, known: str) -> tuple[Path, dict[str, np.ndarray]]:
    for place in (PARITY / folder, CASES / "parity" / folder):
        if (place / name).is_file():
            return place / name, dict(np.load(place / known))
    pytest.skip("the parity fixtures are not beside the checkout")


def close(images: Tensor, known: np.ndarray, floor: float) -> None:
    np.testing.assert_allclose(images.numpy(), known, atol=10 * floor, rtol=0)


def test_pictures_of_genforce() -> None:
    file, known = fixture("genforce_sefa", "stylegan_32.pth", "stylegan_32.npz")
    generator, z = open_model(str(file), "cpu"), torch.from_numpy(known["z"])
    assert isinstance(generator, stylegan1.StyleGAN1)
    codes = generator.mapping(z)
    np.testing.assert_allclose(codes[:, 0].numpy(), known["w"], atol=1e-5)
    for images, key in (
        (generator.synthesis(codes), "img"),
        (generator.synthesis(generator.mapping(z, truncation=0.7)), "img_psi07_all"),
        (generator.synthesis(generator.mapping(z, truncation=0.5, cutoff=3)), "img_psi05_l3"),
        (generator.synthesis(torch.from_numpy(known["wplus"])), "img_wplus"),
        (generator.with_lod(1.0).synthesis(codes), "img_lod1"),
        (generator.with_lod(0.5).synthesis(codes), "img_lod05"),
    ):
        close(images, known[key], 1.0e-5)


def test_pictures_of_genforce_where_it_fuses() -> None:
    file, known = fixture("genforce_stylegan1", "stylegan_256.pth", "stylegan_256.npz")
    generator, z = open_model(str(file), "cpu"), torch.from_numpy(known["z"])
    for images, key in (
        (generator.synthesis(generator.mapping(z)), "img_stride4"),
        (generator.synthesis(generator.mapping(z, None, 0.7, 8)), "img_psi07_l8_stride4"),
    ):
        close(images[:, :, ::4, ::4], known[key], 1e-5 * np.abs(known[key]).max())


@pytest.mark.parametrize("name", ["sg1_32.pt", "sg1_32.tf.pkl"])
def test_pictures_of_lernapparat_and_of_its_source(name: str) -> None:
    file, known = fixture("stylegan1_lernapparat", name, "sg1_32.npz")
    model = opening.convert(file)
    if name.endswith(".pt"):  # it holds neither noise nor mean code
        assert len(model.notes) == 2
        for layer in range(8):
            noise = torch.from_numpy(known[f"noise_{layer}"])[0, 0]
            model.tensors[f"synthesis.layer{layer}.noise"] = noise
        model.tensors["mapping.w_avg"] = torch.from_numpy(known["avg_latent"])
    generator, z = opening.build(model, file, "sg1", CPU), torch.from_numpy(known["z"])
    codes = generator.mapping(z)
    np.testing.assert_allclose(codes[:, 0].numpy(), known["w"], atol=1e-5)
    close(generator.synthesis(codes), known["img"], 1.8e-5)
    close(generator.synthesis(codes, noise="none"), known["img_noise_none"], 1.8e-5)
    eighteen = torch.from_numpy(known["w_list"])
    close(generator.synthesis(eighteen), known["img_w_list"], 1.8e-5)
    cut = generator.mapping(z, truncation=0.7, cutoff=8)
    close(generator.synthesis(cut), known["img_trunc07_8"], 1.8e-5)


# --- a small random model -------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 3])
def test_promises(classes: int, tmp_path: Path) -> None:
    tensors = stylegan1_tensors(classes=classes)
    promises.check_all(stylegan1.build, tensors, stylegan1.metadata(1e-5), tmp_path)


@pytest.mark.parametrize("name", ["synthesis.layer2.weight", "synthesis.layer3.noise"])
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(stylegan1.build, stylegan1_tensors(), {}, name)


def test_eighteen_codes_are_taken_and_the_first_count() -> None:
    generator = stylegan1.build(stylegan1_tensors(), {}, CPU)
    codes = torch.randn(2, 18, 8)
    assert torch.equal(generator.synthesis(codes), generator.synthesis(codes[:, :6]))
    with pytest.raises(UsageError):
        generator.synthesis(codes[:, :5])


def test_a_growing_network_blends_two_pictures() -> None:
    generator = stylegan1.build(stylegan1_tensors(), {}, CPU)
    codes = promises.codes_of(generator)
    images = {lod: generator.with_lod(lod).synthesis(codes) for lod in (0.0, 0.25, 1.0, 2.0)}
    assert all(image.shape == (3, 3, 16, 16) for image in images.values())
    torch.testing.assert_close(images[0.25], 0.75 * images[0.0] + 0.25 * images[1.0])
    stored = stylegan1.build({**stylegan1_tensors(), "synthesis.lod": torch.tensor(1.0)}, {}, CPU)
    assert torch.equal(stored.synthesis(codes), images[1.0])
    with pytest.raises(BadData, match="lod"):
        generator.with_lod(3.0)


@pytest.mark.parametrize("text", ["{", "[]", '{"epsilon": 0.0}', '{"epsilon": "1e-5"}'])
def test_a_wrong_header_is_refused(text: str) -> None:
    with pytest.raises(BadData, match="header"):
        stylegan1.build(stylegan1_tensors(), {"config": text}, CPU)


# --- layouts in the wild: 128 px, where the references fuse ---------------------------------------

WIDE = (8, 8, 7, 6, 5, 4)

LAYOUTS = {
    "genforce": (genforce, 1e-8),
    "interfacegan": (interfacegan, 1e-8),
    "higan": (higan, 1e-8),
    "lernapparat": (lernapparat, 1e-5),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_with_fused_convolutions(layout: str, tmp_path: Path) -> None:
    tensors, (rename, epsilon) = stylegan1_tensors(WIDE), LAYOUTS[layout]
    file = tmp_path / "made.pth"
    torch.save(rename(tensors), file)
    got = open_model(str(file), "cpu")
    wanted = stylegan1.build(tensors, stylegan1.metadata(epsilon), CPU)
    z = got.sample([1, 2])
    for truncation in (1.0, 0.5):
        codes = got.mapping(z, truncation=truncation)
        images = wanted.synthesis(wanted.mapping(z, truncation=truncation))
        torch.testing.assert_close(got.synthesis(codes), images)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_constant_that_is_not_square_is_named_as_its_file_has_it(
    layout: str, tmp_path: Path
) -> None:
    file = tmp_path / "made.pth"
    wide = stylegan1_tensors(WIDE) | {"synthesis.const": torch.randn(WIDE[0], 8, 4)}
    torch.save(LAYOUTS[layout][0](wide), file)
    with pytest.raises(BadData, match=r"'[\w.]*(const|first_layer)' has 8 x 4 px: not square"):
        open_model(str(file), "cpu")


@pytest.mark.parametrize(
    ("said", "fused"), [(None, {10}), (True, {2, 4, 6, 8, 10}), (False, set())]
)
def test_what_genforce_fuses_is_a_setting_beside_the_file(
    said: bool | None, fused: set[int], tmp_path: Path
) -> None:
    """No tensor shows it: their default is noted, a setting is followed."""
    tensors = stylegan1_tensors(WIDE)
    stored = {name: tensor.clone() for name, tensor in tensors.items()}
    for layer in fused ^ {10}:  # `genforce` turns layer 10
        name = f"synthesis.layer{layer}.weight"
        stored[name] = tensors[name].flip(2, 3)
    torch.save(genforce(stored), tmp_path / "made.pth")
    if said is not None:
        (tmp_path / "config.json").write_text(json.dumps({"fused_scale": said}))
    got, notes = open_model(str(tmp_path / "made.pth"), "cpu"), []
    wanted = stylegan1.build(tensors, stylegan1.metadata(1e-8), CPU)
    codes = wanted.mapping(wanted.sample([1]))
    torch.testing.assert_close(got.synthesis(codes), wanted.synthesis(codes))
    notes = [line for line in got.info.notes if "fused_scale" in line]
    assert len(notes) == (said is None)


@pytest.mark.parametrize(("key", "value"), [("final_tanh", True), ("fused_scale", "yes"),
                                            ("noise_type", "channel")])  # fmt: skip
def test_a_setting_of_other_arithmetic_is_refused(key: str, value: object, tmp_path: Path) -> None:
    torch.save(genforce(stylegan1_tensors(WIDE)), tmp_path / "made.pth")
    (tmp_path / "config.json").write_text(json.dumps({key: value}))
    with pytest.raises(BadData, match=key):
        open_model(str(tmp_path / "made.pth"), "cpu")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_network_that_lost_its_class_embedding_is_refused(layout: str, tmp_path: Path) -> None:
    tensors = stylegan1_tensors(WIDE)
    width = len(tensors["mapping.dense0.weight"])
    tensors["mapping.dense0.weight"] = torch.randn(width, 2 * width)
    torch.save(LAYOUTS[layout][0](tensors), tmp_path / "made.pth")
    with pytest.raises(BadData, match=f"{2 * width} numbers, {width} of them a latent"):
        open_model(str(tmp_path / "made.pth"), "cpu")


def test_what_a_file_lacks_is_made_the_same_each_time() -> None:
    bare = {k: t for k, t in stylegan1_tensors().items() if not k.endswith((".noise", "w_avg"))}
    one, two = (common.finished(dict(bare), 1e-5) for _ in range(2))
    assert len(one.notes) == 2 and "10,000" in " ".join(one.notes)
    assert all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    generator = stylegan1.build(one.tensors, one.meta, CPU)
    many = generator.mapping(generator.sample(range(3000)))[:, 0]
    error = (many.mean(0) - generator.network.mean_code).abs().max()
    assert error < 0.1 * many.std()


def test_another_blur_is_refused() -> None:
    with pytest.raises(BadData, match="kernel"):
        common.check_blur("kernel", torch.ones(1, 1, 3, 3))


def test_other_families_are_not_recognised() -> None:
    shapes = {name: tuple(t.shape) for name, t in stylegan1_tensors().items()}
    assert "stylegan1" in families_of(shapes, {})
    shapes.pop("synthesis.const")
    assert "stylegan1" not in families_of(shapes, {}) and "stylegan1" not in families_of({}, {})
