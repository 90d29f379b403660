"""ProGAN: the references' own pictures, the promises of a generator, files to be refused."""

import math
from pathlib import Path

import family_promises as promises
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from places import CASES, PARITY
from small_families import progan_tensors
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.families import progan
from latty.models.recognition import families_of

FLOORS = {  # of the fixtures' READMEs
    "genforce_sefa/pggan_32": 8.3e-6,
    "progan_netdissect/netdissect_64": 1.2e-5,
    "progan_netdissect/netdissect_32_oldnames": 5.2e-6,
    "progan_warped/prog_64": 4.4e-5,
    "interfacegan/pggan_64": 4e-6,
}
CPU = torch.device("cpu")


@pytest.mark.parametrize("name", FLOORS)
def test_pictures_of_the_reference(name: str) -> None:
    places = [place for place in (PARITY, CASES / "parity") if (place / f"{name}.pth").is_file()]
    if not places:
        pytest.skip("the parity fixtures are not beside the checkout")
    known = dict(np.load(places[0] / f"{name}.npz"))
    generator = open_model(str(places[0] / f"{name}.pth"), "cpu")
    assert isinstance(generator, progan.ProGAN)
    codes = generator.mapping(torch.from_numpy(known["z"]))
    for lod, key in ((0.0, "img"), (1.0, "img_lod1"), (0.5, "img_lod05")):
        if key in known:
            got = generator.with_lod(lod).synthesis(codes).numpy()
            np.testing.assert_allclose(got, known[key], atol=10 * FLOORS[name], rtol=0, err_msg=key)


# --- a small random model -------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [0, 3])
def test_promises(classes: int, tmp_path: Path) -> None:
    promises.check_all(progan.build, progan_tensors(classes), progan.metadata(7), tmp_path)


@pytest.mark.parametrize("name", ["features.2.conv.weight", "features.1.wscale.b"])
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(progan.build, progan_tensors(), {}, name)


def test_without_scales_the_he_constant_holds() -> None:
    plain = progan_tensors(scales=False)
    written = dict(plain)
    for name in list(plain):
        if name.endswith(".conv.weight"):
            fan_in, gain = plain[name][0].numel(), 1 if "output" in name else math.sqrt(2)
            scale = torch.tensor([gain / math.sqrt(fan_in)])
            written[name.replace("conv.weight", "wscale.scale")] = scale
    one, other = (progan.build(tensors, {}, CPU) for tensors in (plain, written))
    codes = promises.codes_of(one)
    torch.testing.assert_close(one.synthesis(codes), other.synthesis(codes))


def test_the_matrix_of_the_first_layer() -> None:
    tensors = progan_tensors()
    generator = progan.build(tensors, {}, CPU)
    (matrix,) = generator.layer_weights()
    assert matrix.shape == (16 * 6, 7)
    z = generator.sample([1])
    conv = torch.nn.functional.conv2d(
        z[:, :, None, None], generator.network.layers[0].weight, padding=3
    )
    torch.testing.assert_close((matrix @ z[0]).reshape(6, 4, 4), conv[0])


def test_a_growing_network_blends_two_pictures() -> None:
    generator = progan.build(progan_tensors(), {}, CPU)
    codes = promises.codes_of(generator)
    images = {lod: generator.with_lod(lod).synthesis(codes) for lod in (0.0, 0.25, 1.0, 2.0)}
    assert all(image.shape == (3, 2, 16, 16) for image in images.values())
    torch.testing.assert_close(images[0.25], 0.75 * images[0.0] + 0.25 * images[1.0])
    coarse = images[2.0][:, :, ::4, ::4].repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.equal(coarse, images[2.0])
    stored = progan.build({**progan_tensors(), "lod": torch.tensor(1.0)}, {}, CPU)
    assert torch.equal(stored.synthesis(codes), images[1.0])
    with pytest.raises(BadData, match="lod"):
        progan.build({**progan_tensors(), "lod": torch.tensor(9.0)}, {}, CPU)
    with pytest.raises(BadData, match="8 px"):
        progan.build(progan_tensors(outputs=False), {}, CPU).with_lod(1.0)
    with pytest.raises(UsageError):
        generator.with_lod(1.0).synthesis_with(codes, {"layer1": torch.zeros(1)})


@pytest.mark.parametrize("text", ["{", "[]", '{"z_dim": 0}', '{"z_dim": true}', '{"z_dim": 99}'])
def test_a_wrong_header_is_refused(text: str) -> None:
    with pytest.raises(BadData, match="header"):
        progan.build(progan_tensors(), {"config": text}, CPU)


# --- layouts in the wild --------------------------------------------------------------------------


def opened(tensors: dict[str, Tensor], tmp_path: Path, **around: object) -> progan.ProGAN:
    file = tmp_path / "made.pth"
    torch.save({**around, "state_dict": tensors} if around else tensors, file)
    generator = open_model(str(file), "cpu")
    assert isinstance(generator, progan.ProGAN)
    return generator


def genforce(tensors: dict[str, Tensor], fused: bool) -> dict[str, Tensor]:
    """Our tensors under genforce's names, as the transposed convolutions it fuses or plain."""
    named = {"lod": torch.zeros(())}
    for name, tensor in tensors.items():
        head, number, *kind = name.replace("output.", "outputs.2.").split(".")
        word = "layer" if head == "features" else "output"
        if fused and word == "layer" and number in ("2", "4") and kind[-1] == "weight":
            tensor = tensor.transpose(0, 1).flip(2, 3).contiguous()
        named[f"{word}{number}.{'weight' if kind[-1] == 'weight' else 'bias'}"] = tensor
    return named


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("classes", [0, 3])
def test_genforce_fused_or_not(fused: bool, classes: int, tmp_path: Path) -> None:
    tensors = progan_tensors(classes + 1, scales=False)  # 8 or 11 inputs
    wanted = progan.build(tensors, progan.metadata(8), CPU)
    got = opened(genforce(tensors, fused), tmp_path)
    assert got.info.num_classes == classes and got.info.z_dim == 8
    codes = promises.codes_of(got)
    torch.testing.assert_close(got.synthesis(codes), wanted.synthesis(codes))


def test_what_genforce_fuses_is_assumed_where_no_shape_shows_it(tmp_path: Path) -> None:
    tensors = progan_tensors(1, scales=False)
    for name in [n for n in tensors if n.startswith("features") and n.endswith("conv.weight")]:
        tensors[name] = (
            tensors[name][:4, :4] if name != "features.0.conv.weight" else tensors[name][:4]
        )
    for name in [n for n in tensors if n.endswith("wscale.b") and n.startswith("features")]:
        tensors[name] = tensors[name][:4]
    for name in [n for n in tensors if n.startswith("output") and n.endswith("conv.weight")]:
        tensors[name] = tensors[name][:, :4]
    wanted = progan.build(tensors, progan.metadata(8), CPU)
    for fused in (False, True):
        if fused:
            (tmp_path / "config.json").write_text('{"fused_scale": true}')
        got = opened(genforce(tensors, fused), tmp_path)
        assert any("fused_scale" in note for note in got.info.notes) == (not fused)
        codes = promises.codes_of(got)
        torch.testing.assert_close(got.synthesis(codes), wanted.synthesis(codes))


@pytest.mark.parametrize("fused", [False, True])
def test_interfacegan_fused_or_not(fused: bool, tmp_path: Path) -> None:
    tensors = progan_tensors(scales=False)
    wanted, named = progan.build(tensors, {}, CPU), {"lod": torch.zeros(())}
    for name, tensor in tensors.items():
        head, number, *kind = name.replace("output.", "outputs.2.").split(".")
        word = "layer" if head == "features" else "output"
        what = "conv.weight" if kind[-1] == "weight" else "wscale.bias"
        if fused and word == "layer" and number in ("2", "4") and kind[-1] == "weight":
            what, tensor = "weight", tensor.flip(2, 3).permute(2, 3, 1, 0).contiguous()
        named[f"{word}{number}.{what}"] = tensor
    got = opened(named, tmp_path)
    codes = promises.codes_of(got)
    torch.testing.assert_close(got.synthesis(codes), wanted.synthesis(codes))


class BaseConfig:
    """As pytorch_GAN_zoo pickles its settings: an object of a class that nobody has here."""


def gan_zoo(**settings: object) -> dict[str, object]:
    """A network of 8 px, its average, and its settings."""
    draw, named = torch.Generator().manual_seed(0), {}
    for name, *shape in (("formatLayer", 96, 5), ("groupScale0.0", 6, 6, 3, 3),
                         ("scaleLayers.0.0", 4, 6, 3, 3), ("scaleLayers.0.1", 4, 4, 3, 3),
                         ("toRGBLayers.0", 3, 6, 1, 1), ("toRGBLayers.1", 3, 4, 1, 1)):  # fmt: skip
        named[f"{name}.module.weight"] = torch.randn(*shape, generator=draw)
        named[f"{name}.module.bias"] = torch.randn(shape[0], generator=draw)
    config = BaseConfig()
    config.__dict__.update({"alpha": 0, "lossCriterion": "WGANGP", **settings})
    other = {name: 2 * tensor for name, tensor in named.items()}
    return {"config": config, "netG": other, "netD": {}, "avgG": named}


def zoo_pictures(named: dict[str, Tensor], z: Tensor, alpha: float) -> Tensor:
    """Written with torch's own functions: each layer is (W x + b) * sqrt(2 / inputs)."""

    def layer(name: str, x: Tensor) -> Tensor:
        weight, bias = named[f"{name}.module.weight"], named[f"{name}.module.bias"]
        y = x @ weight.t() + bias if x.dim() == 2 else F.conv2d(
            x, weight, bias, padding=weight.shape[-1] // 2)  # fmt: skip
        return y * math.sqrt(2 / weight[0].numel())

    def norm(x: Tensor) -> Tensor:
        return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()

    x = norm(F.leaky_relu(layer("formatLayer", norm(z)), 0.2).view(-1, 6, 4, 4))
    x = norm(F.leaky_relu(layer("groupScale0.0", x), 0.2))
    coarse, x = (F.interpolate(y, scale_factor=2) for y in (layer("toRGBLayers.0", x), x))
    for i in (0, 1):
        x = norm(F.leaky_relu(layer(f"scaleLayers.0.{i}", x), 0.2))
    return alpha * coarse + (1 - alpha) * layer("toRGBLayers.1", x)


@pytest.mark.parametrize("alpha", [0, 0.3])
def test_gan_zoo_takes_the_average_and_its_settings(alpha: float, tmp_path: Path) -> None:
    held = gan_zoo(alpha=alpha, latentVectorDim=5)
    torch.save(held, tmp_path / "m.pth")
    got = open_model(str(tmp_path / "m.pth"), "cpu")
    z = got.sample([1, 2])
    wanted = zoo_pictures(held["avgG"], z, alpha)
    torch.testing.assert_close(got.synthesis(got.mapping(z)), wanted, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("key", "value"),
    [("leakyReluLeak", 0.1), ("lossCriterion", "DCGAN"), ("latentVectorDim", 6)],
)
def test_gan_zoo_refuses_settings_of_other_arithmetic(
    key: str, value: object, tmp_path: Path
) -> None:
    torch.save(gan_zoo(**{key: value}), tmp_path / "m.pth")
    with pytest.raises(BadData, match=key):
        open_model(str(tmp_path / "m.pth"), "cpu")


@pytest.mark.parametrize("wrapped", [False, True])
def test_netdissect_wrapped_or_not(wrapped: bool, tmp_path: Path) -> None:
    tensors = progan_tensors(scales=False)
    named = {}
    for name, tensor in tensors.items():
        head, rest = name.split(".", 1)
        if head == "features":
            number, kind = rest.split(".", 1)
            named[f"layer{int(number) + 1}.{kind}"] = tensor
            named[f"layer{int(number) + 1}.wscale.scale"] = torch.full((1,), 9.0)  # not looked at
        elif head == "output":
            named[f"output_16x16.{rest}"] = tensor
    got = opened(named, tmp_path, **({"epoch": 3} if wrapped else {}))
    codes = promises.codes_of(got)
    wanted = progan.build(progan_tensors(scales=False), {}, CPU).synthesis(codes)
    torch.testing.assert_close(got.synthesis(codes), wanted)


def test_other_families_are_not_recognised() -> None:
    shapes = {name: tuple(t.shape) for name, t in progan_tensors().items()}
    assert "progan" in families_of(shapes, {})
    shapes["features.0.conv.weight"] = (6, 7, 3, 3)
    assert "progan" not in families_of(shapes, {}) and "progan" not in families_of({}, {})
