"""StyleGAN3: the reference's own pictures, the promises of a generator, files to be refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import family_promises as promises
import numpy as np
import places
import pytest
import torch
from small_families import STYLEGAN3, stylegan3_tensors
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.families import stylegan3
from latty.models.recognition import families_of

PARITY = places.PARITY / "nvlabs_stylegan3"
FLOORS = {"t_uncond32.nosrc.pkl": 5.7e-6, "r_cond32.nosrc.pkl": 2.2e-7}  # of its README
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", FLOORS)
def test_pictures_of_the_reference(name: str) -> None:
    if not (PARITY / name).is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    known = dict(np.load(PARITY / f"{name.split('.')[0]}.npz"))
    generator = open_model(str(PARITY / name), "cpu")
    assert isinstance(generator, stylegan3.StyleGAN3)

    def close(images: Tensor, key: str) -> None:
        limit = 10 * max(FLOORS[name], 1e-6 * float(np.abs(known[key]).max()))
        np.testing.assert_allclose(images.numpy(), known[key], atol=limit, rtol=0, err_msg=key)

    z = torch.from_numpy(known["z"])
    label = torch.from_numpy(known["c"]) if known["c"].size else None
    for i in range(3):
        cutoff = int(known[f"cutoff_{i}"])
        psi = float(known[f"psi_{i}"])
        codes = generator.mapping(z, label, psi, None if cutoff < 0 else cutoff)
        np.testing.assert_allclose(codes.numpy(), known[f"ws_{i}"], atol=1e-5, rtol=0)
        close(generator.synthesis(codes), f"img_{i}")
    for i in range(2):
        moved = generator.with_transform(torch.from_numpy(known[f"user_transform_{i}"]))
        close(moved.synthesis(torch.from_numpy(known["ws_0"])), f"img_user_{i}")
    close(generator.synthesis(torch.from_numpy(known["wplus"])), "img_wplus")


# --- a small random model -------------------------------------------------------------------------


def built(**options: object) -> stylegan3.StyleGAN3:
    return stylegan3.build(stylegan3_tensors(), stylegan3.metadata(STYLEGAN3), CPU, **options)


@pytest.mark.parametrize("radial", [False, True], ids=["T", "R"])
def test_promises(radial: bool, tmp_path: Path) -> None:
    tensors = stylegan3_tensors(radial=radial)
    promises.check_all(stylegan3.build, tensors, stylegan3.metadata(STYLEGAN3), tmp_path)


@pytest.mark.parametrize(
    "name", ["synthesis.L1_15_4.weight", "synthesis.input.freqs", "mapping.w_avg"]
)
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(stylegan3.build, stylegan3_tensors(), stylegan3.metadata(STYLEGAN3), name)


def test_a_filter_is_checked() -> None:
    for name, bad in (
        ("synthesis.L0_12_5.up_filter", torch.ones(6, 6)),
        ("synthesis.L0_12_5.down_filter", torch.ones(6, 5)),
        ("synthesis.L0_12_5.down_filter", torch.full((6,), float("nan"))),
        ("synthesis.L9_12_5.down_filter", torch.ones(6)),
        ("synthesis.L0_12_5.magnitude_ema", torch.zeros(())),
    ):
        with pytest.raises(BadData, match=name.replace(".", r"\.")):
            stylegan3.build({**stylegan3_tensors(), name: bad}, stylegan3.metadata(STYLEGAN3), CPU)
    with pytest.raises(BadData, match="L0_12_5"):
        longer = {**stylegan3_tensors(), "synthesis.L0_12_5.down_filter": torch.ones(8)}
        stylegan3.build(longer, stylegan3.metadata(STYLEGAN3), CPU)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resolution": 16}, "picture"),
        ({"input_size": 1 << 40}, "input_size"),
        ({"sampling_rate": 4.0}, "bandwidth"),
        ({"output_scale": float("nan")}, "output_scale"),
        ({"mapping_activation": "lreul"}, "mapping_activation"),
        ({"z_dim": True}, "z_dim"),
        ({"colour": 1}, "colour"),
        ({"layers": []}, "layers"),
        ({"layers": [1]}, "layer"),
    ],
)
def test_a_wrong_header_is_refused(change: dict[str, object], words: str) -> None:
    said = json.dumps({**asdict(STYLEGAN3), **change})
    with pytest.raises(BadData, match=words):
        stylegan3.build(stylegan3_tensors(), {"config": said}, CPU)
    for text in ("{", "[1]", ""):
        with pytest.raises(BadData):
            stylegan3.build(stylegan3_tensors(), {"config": text}, CPU)


@pytest.mark.parametrize("key", ["in_size", "out_size", "up", "down", "padding", "kernel", "torgb"])
def test_a_wrong_layer_is_refused(key: str) -> None:
    first = asdict(STYLEGAN3.layers[0])
    for value in (1 << 40, "2", [1]):
        layers = [{**first, key: value}, *(asdict(one) for one in STYLEGAN3.layers[1:])]
        said = json.dumps({**asdict(STYLEGAN3), "layers": layers})
        with pytest.raises(BadData):
            stylegan3.build(stylegan3_tensors(), {"config": said}, CPU)


def test_a_transform_moves_the_picture_and_not_the_pixels() -> None:
    generator = built()
    codes = promises.codes_of(generator)
    plain = generator.synthesis(codes)
    assert torch.equal(generator.with_transform(torch.eye(3)).synthesis(codes), plain)
    moved = generator.with_transform(stylegan3.inverse_transform((0.125, 0.0)))
    # 0.125 of the canvas is one sample of the input layer, whose rate is 8 per unit.
    shifted = moved.activation(codes, "input")[..., 1:]
    torch.testing.assert_close(shifted, generator.activation(codes, "input")[..., :-1])
    assert (moved.synthesis(codes) - plain).abs().max() > 1e-3
    assert moved.with_transform(None).transform is None
    for wrong in (torch.eye(2), torch.full((3, 3), float("nan"))):
        with pytest.raises(UsageError):
            generator.with_transform(wrong)


def test_other_families_are_not_recognised() -> None:
    shapes = {name: tuple(t.shape) for name, t in stylegan3_tensors().items()}
    assert "stylegan3" in families_of(shapes, {})
    shapes.pop("synthesis.input.freqs")
    assert "stylegan3" not in families_of(shapes, {}) and "stylegan3" not in families_of({}, {})


def test_layers_that_do_not_fit_are_refused() -> None:
    wrong = replace(
        STYLEGAN3, layers=(STYLEGAN3.layers[1], STYLEGAN3.layers[0], STYLEGAN3.layers[2])
    )
    with pytest.raises(BadData, match="fit"):
        stylegan3.build(stylegan3_tensors(), stylegan3.metadata(wrong), CPU)
