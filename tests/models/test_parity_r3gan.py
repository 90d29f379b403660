"""R3GAN: the reference's own pictures, its equations written another way, files to be refused."""

from pathlib import Path

import family_promises as promises
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from places import CASES
from small_families import r3gan_tensors
from torch import Tensor

from latty.errors import BadData
from latty.models import open_model
from latty.models.families import r3gan
from latty.models.recognition import families_of
from latty.models.state_dict import shapes_of

FILES = sorted((CASES / "parity/r3gan").glob("*.pkl"))
LIMIT = 2e-5  # of the largest value
CPU = torch.device("cpu")


@pytest.mark.skipif(not FILES, reason="the parity fixtures are not beside the checkout")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_pictures_of_the_reference(file: Path) -> None:
    known = dict(np.load(file.with_suffix(".npz")))
    label = torch.from_numpy(known["c"]) if known["c"].size else None
    generator = open_model(str(file), "cpu")
    images = generator.synthesis(generator.mapping(torch.from_numpy(known["z"]), label), label)
    limit = LIMIT * float(np.abs(known["img"]).max())
    np.testing.assert_allclose(images.numpy(), known["img"], 0, limit)


def drawn(
    made: dict[str, Tensor], blocks: int, groups: tuple[int, ...], z: Tensor, label: Tensor | None
) -> Tensor:
    """Section 3's equations, the up-sampling as one transposed convolution."""
    t = {name.removeprefix("Model."): tensor for name, tensor in made.items()}
    x = z if label is None else torch.cat([z, label @ t["EmbeddingLayer.weight"].t()], 1)
    for s, cardinality in enumerate(groups):
        stage = f"MainLayers.{s}.Layers"
        if s == 0:
            x = (
                t[f"{stage}.0.Basis"]
                * (x @ t[f"{stage}.0.LinearLayer.weight"].t())[..., None, None]
            )
        else:
            if f"{stage}.0.LinearLayer.Layer.weight" in t:
                x = F.conv2d(x, t[f"{stage}.0.LinearLayer.Layer.weight"])
            n, c, h, w = x.shape
            kernel = 4 * t[f"{stage}.0.Resampler.Kernel"][None, None]
            x = F.conv_transpose2d(x.reshape(n * c, 1, h, w), kernel, stride=2, padding=1)
            x = x.reshape(n, c, 2 * h, 2 * w)
        for k in range(1, blocks + 1):
            y = x
            for i in (1, 2, 3):
                part = cardinality if i == 2 else 1
                weight = t[f"{stage}.{k}.LinearLayer{i}.Layer.weight"]
                y = F.conv2d(y, weight, padding=int(i == 2), groups=part)
                if i < 3:
                    bias = t[f"{stage}.{k}.NonLinearity{i}.Bias"]
                    y = F.leaky_relu(y + bias[:, None, None], 0.2)
            x = x + y
    return F.conv2d(x, t["AggregationLayer.Layer.weight"])


@pytest.mark.parametrize("outer", ["Model.", ""])
@pytest.mark.parametrize(
    ("widths", "groups", "classes"),
    [
        ((8, 8, 8, 4), (4, 4, 4, 2), 10),  # as CIFAR-10's: four equal widths, but one
        ((8, 8, 8, 8, 6, 4, 2), (4, 4, 4, 4, 3, 2, 1), 0),  # 256 px, as FFHQ's
        ((6,) * 5, (1,) * 5, 3),
    ],
)
def test_pictures_are_those_of_the_equations(
    widths: tuple[int, ...], groups: tuple[int, ...], classes: int, outer: str
) -> None:
    made = r3gan_tensors(widths, groups, classes, blocks=2)
    named = {outer + name.removeprefix("Model."): tensor for name, tensor in made.items()}
    assert list(families_of(shapes_of(named), {})) == ["r3gan"]
    generator = r3gan.build(named, {}, CPU)
    z, label = generator.sample([1, 2]), torch.eye(classes)[[0, -1]] if classes else None
    wanted = drawn(made, 2, groups, z, label)
    assert generator.info.resolution == wanted.shape[-1]
    assert len(generator.activation_names()) == 3 * len(widths)
    ours = generator.synthesis(generator.mapping(z, label), label)
    torch.testing.assert_close(ours, wanted, atol=2e-6 * float(wanted.abs().max()), rtol=0)


@pytest.mark.parametrize(
    "name",
    [
        "Model.MainLayers.0.Layers.0.Basis",
        "Model.MainLayers.1.Layers.1.LinearLayer2.Layer.weight",
        "Model.MainLayers.1.Layers.0.Resampler.Kernel",
        "Model.AggregationLayer.Layer.weight",
    ],
)
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(r3gan.build, r3gan_tensors(), {}, name)


def test_gaps_and_odd_groups_are_refused() -> None:
    made = r3gan_tensors()
    without = {name: t for name, t in made.items() if ".1.Layers." not in name}
    with pytest.raises(BadData, match=r"MainLayers\.1\.Layers\.0\.Resampler"):
        r3gan.build(without, {}, CPU)
    name = "Model.MainLayers.2.Layers.1.LinearLayer2.Layer.weight"
    for shape in ((8, 3, 3, 3), (8, 4, 2, 2)):
        with pytest.raises(BadData, match="LinearLayer2"):
            r3gan.build({**made, name: torch.ones(shape)}, {}, CPU)
    wide = {"Model.EmbeddingLayer.weight": torch.ones(11, 3)}
    with pytest.raises(BadData, match="the class gives 11"):
        r3gan.build({**made, **wide}, {}, CPU)
