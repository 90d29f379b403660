"""StyleGAN3: the reference's own pictures, the promises of a generator, files to be refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import family_promises as promises
import numpy as np
import pytest
import torch
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.families import stylegan3
from latty.models.families.stylegan3.network import Config, LayerConfig, Network

PARITY = Path(__file__).parents[3] / "shared" / "parity" / "nvlabs_stylegan3"
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


TINY = Config(
    z_dim=7,
    w_dim=8,
    c_dim=3,
    resolution=15,
    img_channels=2,
    input_channels=6,
    input_size=12,
    sampling_rate=8.0,
    bandwidth=2.0,
    layers=(
        LayerConfig("L0_12_5", 6, 5, 12, 12, 3, 2, 2, (3, 2), 256.0, False),
        LayerConfig("L1_15_4", 5, 4, 12, 15, 3, 4, 2, (-5, -6), None, False),
        LayerConfig("L2_15_2", 4, 2, 15, 15, 1, 1, 1, (0, 0), 256.0, True),
    ),
    hidden_dim=9,
    embed_dim=5,
)


def tensors_of(config: Config = TINY, radial: bool = False) -> dict[str, Tensor]:
    """Random weights in which every tensor matters."""
    torch.manual_seed(0)
    tensors = {name: torch.randn(t.shape) for name, t in Network(config).state_dict().items()}
    for i in range(config.mapping_layers):  # as trained: the learning rate is 0.01
        tensors[f"mapping.fc{i}.weight"] *= 100
    tensors["synthesis.input.transform"] = torch.eye(3)
    for name in ("L0_12_5", "L1_15_4", "L2_15_2"):
        tensors[f"synthesis.{name}.magnitude_ema"] = torch.rand(()) + 0.5
    line = torch.tensor([1.0, 4.0, 9.0, 9.0, 5.0, 1.0])
    line /= line.sum()
    down = torch.outer(line, line) + 0.01 * torch.eye(6) if radial else line
    long = torch.hann_window(14, periodic=False)[1:-1]
    tensors["synthesis.L0_12_5.up_filter"] = line
    tensors["synthesis.L1_15_4.up_filter"] = long / long.sum()
    tensors["synthesis.L0_12_5.down_filter"] = tensors["synthesis.L1_15_4.down_filter"] = down
    return {name: tensor.clone() for name, tensor in tensors.items()}


def built(**options: object) -> stylegan3.StyleGAN3:
    return stylegan3.build(tensors_of(), stylegan3.metadata(TINY), CPU, **options)


@pytest.mark.parametrize("radial", [False, True], ids=["T", "R"])
def test_promises(radial: bool, tmp_path: Path) -> None:
    tensors = tensors_of(radial=radial)
    promises.check_all(stylegan3.build, tensors, stylegan3.metadata(TINY), tmp_path)


@pytest.mark.parametrize(
    "name", ["synthesis.L1_15_4.weight", "synthesis.input.freqs", "mapping.w_avg"]
)
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(stylegan3.build, tensors_of(), stylegan3.metadata(TINY), name)


def test_a_filter_is_checked() -> None:
    for name, bad in (
        ("synthesis.L0_12_5.up_filter", torch.ones(6, 6)),
        ("synthesis.L0_12_5.down_filter", torch.ones(6, 5)),
        ("synthesis.L0_12_5.down_filter", torch.full((6,), float("nan"))),
        ("synthesis.L9_12_5.down_filter", torch.ones(6)),
        ("synthesis.L0_12_5.magnitude_ema", torch.zeros(())),
    ):
        with pytest.raises(BadData, match=name.replace(".", r"\.")):
            stylegan3.build({**tensors_of(), name: bad}, stylegan3.metadata(TINY), CPU)
    with pytest.raises(BadData, match="L0_12_5"):
        longer = {**tensors_of(), "synthesis.L0_12_5.down_filter": torch.ones(8)}
        stylegan3.build(longer, stylegan3.metadata(TINY), CPU)


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
    said = json.dumps({**asdict(TINY), **change})
    with pytest.raises(BadData, match=words):
        stylegan3.build(tensors_of(), {"config": said}, CPU)
    for text in ("{", "[1]", ""):
        with pytest.raises(BadData):
            stylegan3.build(tensors_of(), {"config": text}, CPU)


@pytest.mark.parametrize("key", ["in_size", "out_size", "up", "down", "padding", "kernel", "torgb"])
def test_a_wrong_layer_is_refused(key: str) -> None:
    first = asdict(TINY.layers[0])
    for value in (1 << 40, "2", [1]):
        layers = [{**first, key: value}, *(asdict(one) for one in TINY.layers[1:])]
        said = json.dumps({**asdict(TINY), "layers": layers})
        with pytest.raises(BadData):
            stylegan3.build(tensors_of(), {"config": said}, CPU)


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
    shapes = {name: tuple(t.shape) for name, t in tensors_of().items()}
    assert stylegan3.recognise(shapes, {})
    shapes.pop("synthesis.input.freqs")
    assert not stylegan3.recognise(shapes, {}) and not stylegan3.recognise({}, {})


def test_layers_that_do_not_fit_are_refused() -> None:
    wrong = replace(TINY, layers=(TINY.layers[1], TINY.layers[0], TINY.layers[2]))
    with pytest.raises(BadData, match="fit"):
        stylegan3.build(tensors_of(), stylegan3.metadata(wrong), CPU)
