"""StyleGAN-XL: the reference's own pictures, a mean code for each class, what a family promises."""

import json
from dataclasses import replace
from pathlib import Path

import family_promises as promises
import numpy as np
import pytest
import torch
from places import CASES
from safetensors.torch import save_file
from small_families import STYLEGAN3, stylegan3_tensors
from torch import Tensor

from latty.edits.conditioned import labelled
from latty.edits.stack import Stack
from latty.errors import BadData
from latty.models import open_model, opening
from latty.models.families import stylegan3
from latty.models.recognition import fits
from latty.models.registries import LAYOUTS
from latty.scene import Scene

FILES = sorted((CASES / "parity/stylegan_xl").glob("*.pkl"))
LIMIT = 2e-5  # of the largest value
CPU = torch.device("cpu")
CLASSES = 4
SMALL = replace(STYLEGAN3, c_dim=CLASSES, embed_dim=0, class_dim=5, hidden_dim=0)


def small() -> stylegan3.StyleGAN3:
    return stylegan3.build(stylegan3_tensors(SMALL), stylegan3.metadata(SMALL), CPU)


# --- the reference's own pictures -----------------------------------------------------------------


@pytest.mark.skipif(not FILES, reason="the parity fixtures are not beside the checkout")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_pictures_of_the_reference(file: Path, tmp_path: Path) -> None:
    known = dict(np.load(file.with_name(f"{file.name.split('.')[0]}.npz")))
    z, classes = torch.from_numpy(known["z"]), known["c"].shape[1]
    label = torch.from_numpy(known["c"]) if classes else None
    model = opening.convert(file)
    written = tmp_path / "written.safetensors"
    save_file(model.tensors, written, model.meta)
    for generator in (open_model(str(file), "cpu"), open_model(str(written), "cpu")):
        assert generator.info.num_classes == classes
        for psi in ("1.0", "0.7"):
            codes = generator.mapping(z, label, float(psi))
            np.testing.assert_allclose(codes.numpy(), known[f"w_{psi}"], atol=1e-5, rtol=0)
            image, limit = known[f"img_{psi}"], LIMIT * float(np.abs(known[f"img_{psi}"]).max())
            np.testing.assert_allclose(generator.synthesis(codes).numpy(), image, 0, limit)


def test_layouts_tell_the_two_networks_apart() -> None:
    common = {"synthesis.input.freqs": (4, 2), "mapping.fc0.weight": (8, 8)}
    names = {
        "nvidia_stylegan3": [{}, {"mapping.embed.weight": (8, 3), "mapping.embed.bias": (8,)}],
        "stylegan_xl": [{"mapping.embed.weight": (9, 5)}],
    }
    for wanted, cases in names.items():
        for more in cases:
            found = [
                layout
                for layout in names
                if fits(LAYOUTS.constant(layout, "SIGNATURE"), {**common, **more})
            ]
            assert found == [wanted]


# --- a small random model -------------------------------------------------------------------------


def test_promises(tmp_path: Path) -> None:
    tensors, meta = stylegan3_tensors(SMALL), stylegan3.metadata(SMALL)
    promises.check_all(stylegan3.build, tensors, meta, tmp_path)


@pytest.mark.parametrize("name", ["mapping.embed.weight", "mapping.embed_proj.weight"])
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(
        stylegan3.build, stylegan3_tensors(SMALL), stylegan3.metadata(SMALL), name
    )


def test_vectors_of_classes_need_classes() -> None:
    with pytest.raises(BadData, match="no classes"):
        stylegan3.build({}, stylegan3.metadata(replace(SMALL, c_dim=0)), CPU)


def test_headers_of_before_go_on_to_be_read() -> None:
    header = stylegan3.metadata(STYLEGAN3)
    assert "class_dim" not in json.loads(header["config"])
    assert stylegan3.build(stylegan3_tensors(), header, CPU).info.num_classes == STYLEGAN3.c_dim


def mixture(*weights: float) -> Tensor:
    return torch.tensor([weights])


def test_truncation_moves_toward_the_mean_of_the_class() -> None:
    generator, means = small(), stylegan3_tensors(SMALL)["mapping.w_avg"]
    z = generator.sample([1])
    for label, mean in (
        (torch.tensor([2]), means[2]),
        (mixture(0, 0.25, 0.75, 0), 0.25 * means[1] + 0.75 * means[2]),
        (None, means[0]),
        (mixture(0, 0, 0, 0), means[0]),
    ):
        codes = generator.mapping(z, label)
        torch.testing.assert_close(generator.mapping(z, label, 0.0)[0, 0], mean)
        half = generator.mapping(z, label, 0.5, 2)
        torch.testing.assert_close(half[:, :2], (codes[:, :2] + mean) / 2)
        assert torch.equal(half[:, 2:], codes[:, 2:])
        torch.testing.assert_close(labelled(generator, label).truncate(codes, 0.5, 2), half)


def test_truncation_after_edits_is_that_of_the_scenes_class() -> None:
    generator = small()
    stack = Stack(generator, foreign=False)
    scenes = [Scene(model="x", seed=3, label=i, truncation=0.4) for i in (1, 3)]
    late = [replace(scene, truncation_after_edits=True) for scene in scenes]
    for kind in (scenes, late):
        found = stack.finish(torch.cat([stack.start(scene) for scene in kind]), kind)
        for row, scene in zip(found, kind, strict=True):
            z, label = generator.sample([3]), torch.tensor([scene.label])
            torch.testing.assert_close(row[None], generator.mapping(z, label, 0.4))


def test_one_row_of_codes_serves_every_label() -> None:
    """What is across the mean is asked of one code and of as many classes as there are scenes."""
    generator = small()
    means = labelled(generator, torch.tensor([1, 3])).truncate(torch.zeros(1, 4, 8), 0.0, None)
    torch.testing.assert_close(means[:, 0], stylegan3_tensors(SMALL)["mapping.w_avg"][[1, 3]])
    with pytest.raises(BadData, match="2 latents of scenes with 3 labels"):
        labelled(generator, torch.tensor([1, 3, 0])).truncate(torch.zeros(2, 4, 8), 0.0, None)


@pytest.mark.parametrize("old", ["L", "L0_", "L1_"])
@pytest.mark.parametrize("config", [STYLEGAN3, SMALL], ids=["NVIDIA's", "XL"])
def test_bare_weights_of_other_layers_are_refused(
    config: stylegan3.StyleGAN3Config, old: str, tmp_path: Path
) -> None:
    """Few layers, and names that are none: the settings cannot be told."""
    names = {
        name.replace(f"synthesis.{old}", "synthesis.L9_") if old != "L" else name: tensor
        for name, tensor in stylegan3_tensors(config).items()
    }
    torch.save(names, tmp_path / "bare.pt")
    with pytest.raises(BadData, match="without the settings of its layers"):
        open_model(str(tmp_path / "bare.pt"), "cpu")
