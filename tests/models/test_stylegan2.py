"""StyleGAN2: the textbook's pictures, the reference's pictures, and files that must be refused."""

import copy
import json
import math
from argparse import Namespace
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from places import PARITY
from small_families import STYLEGAN2, deep_stylegan2, stylegan2_network
from torch import Tensor

from latty.errors import BadData, UsageError
from latty.models.base import Generator, HasActivations, HasLayerWeights, HasPrefix
from latty.models.families import stylegan2
from latty.models.families.stylegan2 import StyleGAN2Config, StyleGAN2Network
from latty.models.ops import ACTIVATIONS
from latty.models.recognition import families_of
from latty.models.styled_generator import StyledGenerator

CPU = torch.device("cpu")


def built(config: StyleGAN2Config = STYLEGAN2, **options: object) -> StyledGenerator:
    tensors = stylegan2_network(config).state_dict()
    return stylegan2.build(tensors, stylegan2.metadata(config), CPU, **options)


def codes_of(generator: StyledGenerator, count: int = 3) -> Tensor:
    """Codes (N, L, D) that differ from layer to layer."""
    shape = (count, generator.info.num_layers, generator.info.width)
    return torch.from_numpy(np.random.RandomState(1).randn(*shape).astype(np.float32))


# --- the textbook: per-sample weights, grouped convolutions, zeros inserted -----------------------


def upfirdn(x: Tensor, taps: tuple[float, ...], up: int, front: int, back: int) -> Tensor:
    n, c, h, w = x.shape
    line = 2 * torch.tensor(taps, dtype=x.dtype).flip(0) / sum(taps)
    wide = x.new_zeros(n, c, h, up, w, up)
    wide[:, :, :, 0, :, 0] = x
    wide = F.pad(wide.reshape(n, c, h * up, w * up), (front, back, front, back))
    return F.conv2d(wide, torch.outer(line, line).expand(c, 1, -1, -1), groups=c)


def textbook(network: StyleGAN2Network, codes: Tensor) -> Tensor:
    """Images (N, C, H, W) of codes (N, L, D) by the equations, one sample's weights at a time."""
    config, state = network.config, network.synthesis.state_dict()
    taps, n = config.resample_filter, codes.shape[0]
    front, back = (len(taps) + 1) // 2, (len(taps) - 2) // 2
    activation = ACTIVATIONS[config.activation]

    def style(name: str, code: Tensor) -> Tensor:
        weight = state[f"{name}.affine.weight"]
        return F.linear(code, weight / math.sqrt(weight.shape[1]), state[f"{name}.affine.bias"])

    def limited(x: Tensor, gain: float = 1) -> Tensor:
        limit = config.conv_clamp
        return x if limit is None else x.clamp(-limit * gain, limit * gain)

    def conv(name: str, x: Tensor, code: Tensor, gain: float = 1) -> Tensor:
        weight = state[f"{name}.weight"] * style(name, code)[:, None, :, None, None]
        weight = weight / (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
        o, i, (h, w) = weight.shape[1], weight.shape[2], x.shape[2:]
        x = x.reshape(1, n * i, h, w)
        if name.endswith("conv0"):
            weight = weight.transpose(1, 2).reshape(n * i, o, 3, 3)
            y = F.conv_transpose2d(x, weight, stride=2, groups=n)
            y = upfirdn(y.reshape(n, o, 2 * h + 1, 2 * w + 1), taps, 1, front - 1, back)
        else:
            y = F.conv2d(x, weight.reshape(n * o, i, 3, 3), padding=1, groups=n)
            y = y.reshape(n, o, h, w)
        if config.use_noise:
            y = y + state[f"{name}.noise_const"] * state[f"{name}.noise_strength"]
        y = activation.function(y + state[f"{name}.bias"][:, None, None]) * activation.gain * gain
        return limited(y, gain)

    def rgb(name: str, x: Tensor, code: Tensor) -> Tensor:
        weight = state[f"{name}.weight"][:, :, 0, 0]
        weight = weight * style(name, code)[:, None] / math.sqrt(weight.shape[1])
        y = torch.einsum("nihw,nci->nchw", x, weight) + state[f"{name}.bias"][:, None, None]
        return limited(y)

    image: Tensor | None = None
    x = state["b4.const"].expand(n, -1, -1, -1)
    layer = 0
    for size in config.blocks:
        residual = f"b{size}.skip.weight" in state
        if residual:
            weight = state[f"b{size}.skip.weight"]
            beside = F.conv2d(x, weight / math.sqrt(weight.shape[1]))
            beside = upfirdn(beside, taps, 2, front, back) * math.sqrt(0.5)
        if size > 4:
            x = conv(f"b{size}.conv0", x, codes[:, layer])
            layer += 1
        x = conv(f"b{size}.conv1", x, codes[:, layer], math.sqrt(0.5) if residual else 1)
        layer += 1
        x = x + beside if residual else x
        image = None if image is None else upfirdn(image, taps, 2, front, back)
        if f"b{size}.torgb.weight" in state:
            new = rgb(f"b{size}.torgb", x, codes[:, layer])
            image = new if image is None else image + new
    assert image is not None
    return image


VARIANTS = {
    "skip": STYLEGAN2,
    "resnet": replace(STYLEGAN2, architecture="resnet"),
    "orig": replace(STYLEGAN2, architecture="orig"),
    "clamped": replace(STYLEGAN2, conv_clamp=0.6),
    "resnet swish clamped": replace(
        STYLEGAN2, architecture="resnet", activation="swish", conv_clamp=0.6
    ),
    "3 taps": replace(STYLEGAN2, resample_filter=(1.0, 2.0, 1.0)),
    "5 taps": replace(STYLEGAN2, resample_filter=(1.0, 4.0, 6.0, 4.0, 1.0), architecture="resnet"),
    "gray": replace(STYLEGAN2, img_channels=1, use_noise=False),
    "classes": replace(STYLEGAN2, c_dim=4),
    **{name: replace(STYLEGAN2, activation=name) for name in ACTIVATIONS},
}


@pytest.mark.parametrize("wide", [1, 1 << 40], ids=["weights scaled", "features scaled"])
@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_the_textbook_draws_the_same(
    config: StyleGAN2Config, wide: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latty.models.families.stylegan2.network.WIDE", wide)
    network = stylegan2_network(config).double().requires_grad_(False)
    codes = torch.randn(3, config.num_layers, config.w_dim, dtype=torch.float64)
    wanted = textbook(network, codes)
    torch.testing.assert_close(network.synthesis(codes), wanted, atol=1e-10, rtol=0)
    with torch.no_grad():
        unfrozen = network.synthesis(codes)
        frozen = copy.deepcopy(network).freeze().synthesis(codes)
    torch.testing.assert_close(unfrozen, wanted, atol=1e-10, rtol=0)
    torch.testing.assert_close(frozen, wanted, atol=1e-10, rtol=0)


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_a_file_says_everything(config: StyleGAN2Config) -> None:
    network = stylegan2_network(config)
    generator = stylegan2.build(network.state_dict(), stylegan2.metadata(config), CPU)
    assert asdict(generator.network.config) == asdict(config)
    shapes = {name: tuple(t.shape) for name, t in network.state_dict().items()}
    assert "stylegan2" in families_of(shapes, {})
    z, label = generator.sample([3, 4]), torch.tensor([1, 3]) if config.c_dim else None
    with torch.no_grad():
        wanted = network.synthesis(network.mapping(z, label))
    images = generator.synthesis(generator.mapping(z, label))
    torch.testing.assert_close(images, wanted, atol=1e-5, rtol=1e-5)


def test_it_offers_what_the_contracts_name() -> None:
    generator = built()
    contracts = (Generator, HasLayerWeights, HasActivations, HasPrefix)
    assert all(isinstance(generator, contract) for contract in contracts)
    weights = generator.layer_weights()
    assert [tuple(w.shape) for w in weights] == [
        (8, 10),
        (8, 10),
        (8, 10),
        (8, 10),
        (6, 10),
        (6, 10),
    ]
    conv, code = generator.network.synthesis.conv(2), torch.randn(1, 10)
    torch.testing.assert_close(code @ weights[2].T + conv.affine.bias, conv.affine(code))


# --- the reference's own pictures -----------------------------------------------------------------


def from_rosinality(g: dict[str, Tensor], w_avg: Tensor) -> dict[str, Tensor]:
    """rosinality's tensors under NVIDIA's names: its 1/sqrt(9 I) goes into the weights."""
    tensors = {"mapping.w_avg": w_avg, "synthesis.b4.const": g["input.input"][0]}
    mapped = sum(key.startswith("style.") for key in g) // 2
    for i in range(mapped):
        for kind in ("weight", "bias"):
            tensors[f"mapping.fc{i}.{kind}"] = g[f"style.{i + 1}.{kind}"]

    def put(new: str, old: str, noise: int | None) -> None:
        weight = g[f"{old}.conv.weight"][0]
        tensors[f"{new}.affine.weight"] = g[f"{old}.conv.modulation.weight"]
        tensors[f"{new}.affine.bias"] = g[f"{old}.conv.modulation.bias"]
        if noise is None:
            tensors[f"{new}.weight"], tensors[f"{new}.bias"] = weight, g[f"{old}.bias"].flatten()
            return
        tensors[f"{new}.weight"] = weight / math.sqrt(9 * weight.shape[1])
        tensors[f"{new}.bias"] = g[f"{old}.activate.bias"]
        tensors[f"{new}.noise_strength"] = g[f"{old}.noise.weight"][0]
        tensors[f"{new}.noise_const"] = g[f"noises.noise_{noise}"][0, 0]

    put("synthesis.b4.conv1", "conv1", 0)
    put("synthesis.b4.torgb", "to_rgb1", None)
    for i in range(sum(key.startswith("to_rgbs") for key in g) // 5):
        block = f"synthesis.b{8 << i}"
        put(f"{block}.conv0", f"convs.{2 * i}", 2 * i + 1)
        put(f"{block}.conv1", f"convs.{2 * i + 1}", 2 * i + 2)
        put(f"{block}.torgb", f"to_rgbs.{i}", None)
    return tensors


@pytest.mark.parametrize("name", ["ros_converted32.pt", "ros_train64.pt"])
def test_pictures_of_the_reference(name: str) -> None:
    path = PARITY / "rosinality_stylegan2" / name
    if not path.is_file():
        pytest.skip("the parity fixtures are not beside the checkout")
    known = dict(np.load(path.with_suffix(".npz")))
    with torch.serialization.safe_globals([Namespace]):
        file = torch.load(path, map_location="cpu", weights_only=True)
    w_avg = file.get("latent_avg", torch.from_numpy(known["latent_avg"]))
    generator = stylegan2.build(from_rosinality(file["g_ema"], w_avg.flatten()), {}, CPU)
    z = torch.from_numpy(known["z"]).float()
    tolerance = 1e-5 * float(np.abs(known["img"]).max())
    for codes, noise, key in (
        (generator.mapping(z), "const", "img"),
        (generator.mapping(z), "none", "img_noise_none"),
        (generator.mapping(z, truncation=0.7), "const", "img_psi07"),
        (torch.from_numpy(known["wplus"]).float(), "const", "img_wplus"),
    ):
        got = generator.synthesis(codes, noise=noise).numpy()
        np.testing.assert_allclose(got, known[key], atol=tolerance, rtol=0, err_msg=key)


# --- promises ------------------------------------------------------------------------------------


def test_a_picture_does_not_depend_on_its_neighbours() -> None:
    generator = built()
    codes = codes_of(generator)
    together = generator.synthesis(codes)
    alone = torch.cat([generator.synthesis(code[None]) for code in codes])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_gradients_reach_every_code_and_every_parameter(architecture: str) -> None:
    config = replace(STYLEGAN2, architecture=architecture)
    generator = built(config)
    codes = codes_of(generator).requires_grad_()
    generator.synthesis(codes).square().mean().backward()
    assert codes.grad is not None and (codes.grad.abs().sum((0, 2)) > 0).all()
    network = stylegan2_network(config)
    network(torch.randn(2, config.z_dim)).square().mean().backward()
    lost = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not lost


def test_no_gradient_is_kept_for_codes_that_need_none() -> None:
    generator = built()
    assert not generator.synthesis(codes_of(generator)).requires_grad


def test_bfloat16_is_near() -> None:
    config = StyleGAN2Config(w_dim=64, z_dim=64, resolution=64, channels=(64, 64, 64, 32, 16))
    exact, fast = built(config), built(config, dtype=torch.bfloat16)
    codes = exact.mapping(exact.sample(range(4)))
    wanted, got = exact.synthesis(codes), fast.synthesis(codes)
    assert got.dtype == torch.float32
    span, error = wanted.max() - wanted.min(), (got - wanted).square().mean().sqrt()
    assert 20 * torch.log10(span / error) >= 45


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_a_kept_prefix_changes_nothing(architecture: str) -> None:
    generator = built(replace(STYLEGAN2, architecture=architecture))
    codes = codes_of(generator)
    plain = generator.synthesis(codes, noise=5)
    for layer in range(generator.info.num_layers + 1):
        edited = codes.clone()
        edited[:, layer:] += 1
        state = generator.prefix(codes, layer, noise=5)
        kept = state.x.clone()
        assert torch.equal(generator.synthesis_from(state, codes, noise=5), plain)
        full = generator.synthesis(edited, noise=5)
        assert torch.equal(generator.synthesis_from(state, edited, noise=5), full)
        assert torch.equal(state.x, kept), "a kept state was overwritten"


def test_one_prefix_serves_many_frames() -> None:
    generator = built(replace(STYLEGAN2, architecture="resnet"))
    start = codes_of(generator, 1)
    frames = start.repeat(4, 1, 1)
    frames[:, 4:] += torch.arange(4.0)[:, None, None]
    for layer in range(5):
        images = generator.synthesis_from(generator.prefix(start, layer), frames)
        torch.testing.assert_close(images, generator.synthesis(frames), atol=1e-5, rtol=1e-5)


def test_activations_can_be_read_and_moved() -> None:
    generator = built()
    codes = codes_of(generator)
    names = generator.activation_names()
    assert names == ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1"]
    for name, size in zip(names, (4, 8, 8, 16, 16), strict=True):
        activation = generator.activation(codes, name)
        assert activation.shape[2:] == (size, size)
        offset = torch.zeros(1, activation.shape[1], 1, 1, requires_grad=True)
        same = generator.synthesis_with(codes, {name: offset})
        torch.testing.assert_close(same, generator.synthesis(codes), atol=1e-5, rtol=1e-5)
        same.sum().backward()
        assert offset.grad is not None and offset.grad.any()
    with pytest.raises(UsageError, match="conv9"):
        generator.activation(codes, "b8.conv9")


def test_noise_is_stored_absent_or_seeded() -> None:
    generator = built()
    codes = codes_of(generator, 1)
    pictures = [generator.synthesis(codes, noise=noise) for noise in ("const", "none", 3, 4)]
    for i, first in enumerate(pictures):
        assert all((first - other).abs().max() > 1e-3 for other in pictures[i + 1 :])
    assert torch.equal(pictures[2], generator.synthesis(codes, noise=3))


def test_truncation_and_its_cutoff() -> None:
    generator = built()
    z, mean = generator.sample([1, 2]), generator.network.mapping.w_avg
    full = generator.mapping(z)
    half = generator.mapping(z, truncation=0.5, cutoff=2)
    torch.testing.assert_close(half[:, :2], mean + 0.5 * (full[:, :2] - mean))
    assert torch.equal(half[:, 2:], full[:, 2:])
    torch.testing.assert_close(generator.mapping(z, truncation=0)[1, 0], mean)


def test_labels_are_classes_or_weights() -> None:
    generator = built(replace(STYLEGAN2, c_dim=4))
    z = generator.sample([1, 2])
    by_class = generator.mapping(z, torch.tensor([0, 3]))
    by_weight = generator.mapping(z, torch.eye(4)[[0, 3]])
    assert torch.equal(by_class, by_weight)
    assert torch.equal(generator.mapping(z), generator.mapping(z, torch.zeros(2, 4)))
    for label in (torch.tensor([0, 4]), torch.tensor([0]), torch.zeros(2, 3)):
        with pytest.raises(UsageError):
            generator.mapping(z, label)
    with pytest.raises(UsageError, match="no classes"):
        built().mapping(z, torch.tensor([0, 0]))


def test_a_model_opened_without_gradients_can_still_give_them() -> None:
    with torch.inference_mode():
        generator = built()
        generator.synthesis(codes_of(generator), noise=9)
    codes = codes_of(generator).requires_grad_()
    generator.synthesis(codes, noise=9).sum().backward()
    assert codes.grad is not None


# --- files ----------------------------------------------------------------------------------------


def test_filters_in_a_file_count() -> None:
    taps = torch.tensor([1.0, 2.0, 1.0]) / 4
    tensors = stylegan2_network().state_dict()
    tensors["synthesis.b8.conv0.resample_filter"] = torch.outer(taps, taps)
    tensors["synthesis.b8.conv1.resample_filter"] = torch.eye(4) / 4  # stored, but never used
    generator = stylegan2.build(tensors, {}, CPU)
    assert generator.network.config.resample_filter == (0.25, 0.5, 0.25)
    tensors["synthesis.b8.resample_filter"] = torch.ones(4, 4) / 16
    with pytest.raises(BadData, match=r"b8\.resample_filter"):
        stylegan2.build(tensors, {}, CPU)


CONV = "synthesis.b8.conv0.weight"
DAMAGE = {
    "missing": lambda t: t.pop(CONV),
    "shape": lambda t: t.update({CONV: torch.zeros(8, 8, 3, 2)}),
    "dimensions": lambda t: t.update({CONV: torch.zeros(8)}),
    "nan": lambda t: t[CONV].view(-1)[5].fill_(math.nan),
    "infinite": lambda t: t[CONV].view(-1)[5].fill_(math.inf),
    "integers": lambda t: t.update({CONV: t[CONV].long()}),
    "empty": lambda t: t.update({CONV: torch.zeros(0, 8, 3, 3)}),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_tensor_is_named(damage) -> None:
    tensors = {name: t.clone() for name, t in stylegan2_network().state_dict().items()}
    damage(tensors)
    with pytest.raises(BadData, match=r"b8\.conv0\.weight"):
        stylegan2.build(tensors, {}, CPU)


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("synthesis.b8.conv0.wieght", torch.zeros(1)),
        ("synthesis.b8.conv0.resample_filter", torch.ones(2, 3)),
        ("synthesis.b8.conv0.resample_filter", torch.full((4, 4), math.nan)),
        ("synthesis.b8.conv0.resample_filter", torch.eye(4) / 4),
        ("mapping.embed.weight", torch.zeros(3)),
        ("synthesis.b4.conv1.weight", torch.zeros(8)),
        ("synthesis.b64.conv1.weight", torch.zeros(8, 8, 3, 3)),
    ],
)
def test_a_strange_tensor_is_named(name: str, tensor: Tensor) -> None:
    tensors = {**stylegan2_network().state_dict(), name: tensor}
    place = name if "b64" not in name else "synthesis.b32"
    with pytest.raises(BadData, match=place):
        stylegan2.build(tensors, {}, CPU)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("{", "JSON"),
        ("[1]", "JSON object"),
        ({"activation": "lreul"}, "lreul"),
        ({"activations": "relu"}, "activations"),
        ({"conv_clamp": "256"}, "conv_clamp"),
        ({"conv_clamp": -1}, "conv_clamp"),
        ({"mapping_lr": math.nan}, "mapping_lr"),
        ({"resample_filter": [1, "3"]}, "resample_filter"),
        ({"resample_filter": []}, "resample_filter"),
        ({"resolution": 1 << 40}, "resolution"),
        ({"channels": [10**12, 8, 6]}, "channels"),
    ],
)
def test_a_wrong_header_is_refused(config: object, words: str) -> None:
    text = config if isinstance(config, str) else json.dumps(config)
    with pytest.raises(BadData, match=words):
        stylegan2.build(stylegan2_network().state_dict(), {"config": text}, CPU)


def test_other_families_are_not_recognised() -> None:
    shapes = {name: tuple(t.shape) for name, t in stylegan2_network().state_dict().items()}
    assert "stylegan2" not in families_of({}, {})
    shapes.pop("synthesis.b4.const")
    assert "stylegan2" not in families_of(shapes, {})


@pytest.mark.slow
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_torch_compiles_a_whole_run_once(precision: torch.dtype) -> None:
    """As one graph without a break, however many layers; other codes and another noise do not
    compile it again."""
    from torch._dynamo.testing import CompileCounter

    tensors, meta = deep_stylegan2()
    network = stylegan2.build(tensors, meta, torch.device("cpu"), precision).network
    counter = CompileCounter()

    def finish(codes: Tensor, pictures: list[Tensor]) -> Tensor:
        return network.finish(network.start(codes), codes, pictures)

    compiled = torch.compile(finish, fullgraph=True, backend=counter)
    with torch.no_grad():
        for seed in range(3):
            codes = network.codes(torch.randn(1, network.config.z_dim), None).contiguous()
            pictures = network.pictures(seed)
            wanted = finish(codes, pictures)
            assert torch.equal(compiled(codes, pictures), wanted)
    assert counter.frame_count == 1
