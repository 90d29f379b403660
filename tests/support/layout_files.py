"""Each published layout's file at the largest size that its real files have, with thin layers.

What a layout does from some size on only (fused up-sampling, attention, another number of channels)
is walked by these; the pictures wanted are those of the family, of the tensors the file was made
from. Where that is None the size alone is known. Written from the references, as inverses.
"""

import math
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import fastgan_networks
import numpy as np
import pytest
import small_networks as small
import stylegan1_files as sg1
import torch
from safetensors.torch import save_file
from small_families import (
    lightweight_tensors,
    r3gan_tensors,
    stylegan1_tensors,
    stylegan2_network,
)
from torch import Tensor

from latty.models.base import Generator
from latty.models.families import biggan, biggan_deep, dcgan, progan, r3gan, sngan, stylegan1
from latty.models.families import fastgan as fast
from latty.models.families import lightweight_gan as light
from latty.models.families import stylegan2 as sg2

CPU = torch.device("cpu")
THIN = (3, 3, 3, 3, 3, 2, 2, 2, 2)  # 1024 px: other channels from 128 px on, as real ones have
Tensors = dict[str, Tensor]


class Made(NamedTuple):
    """A file, its size in px, and what its pictures are compared with."""

    file: Path
    size: int
    wanted: Generator | None


def saved(
    folder: Path, tensors: Any, size: int, wanted: Generator | None, name: str = "m.pth"
) -> Made:
    torch.save(tensors, folder / name)
    return Made(folder / name, size, wanted)


# --- StyleGAN -------------------------------------------------------------------------------------


def _stylegan1(folder: Path, rename: Callable[[Tensors], Any], epsilon: float) -> Made:
    tensors = stylegan1_tensors(THIN)
    wanted = stylegan1.build(tensors, stylegan1.metadata(epsilon), CPU)
    return saved(folder, rename(tensors), 1024, wanted)


def genforce_stylegan1(folder: Path) -> Made:
    return _stylegan1(folder, sg1.genforce, 1e-8)


def interfacegan(folder: Path) -> Made:
    return _stylegan1(folder, sg1.interfacegan, 1e-8)


def lernapparat(folder: Path) -> Made:
    return _stylegan1(folder, sg1.lernapparat, 1e-5)


def family_stylegan1(folder: Path) -> Made:
    return _stylegan1(folder, lambda tensors: tensors, 1e-8)


def nvidia_tf_stylegan1(folder: Path) -> Made:
    tensors = stylegan1_tensors(THIN)
    wanted = stylegan1.build(tensors, stylegan1.metadata(1e-5), CPU)
    networks = sg1.tensorflow(tensors)
    kwargs = {"resolution": 1024, "fused_scale": "auto"}
    return Made(_tensorflow(folder / "m.pkl", networks, kwargs, 3), 1024, wanted)


def _tensorflow(
    file: Path, networks: dict[str, Tensors], kwargs: dict[str, Any], version: int
) -> Path:
    """NVIDIA's pickle: (G, D, Gs), each a network with its variables as arrays."""
    place = "dnnlib.tflib.network"
    kind = type("Network", (), {"__module__": place})

    def network(name: str, **parts: Any) -> Any:
        made = kind()
        arrays = [(key, tensor.numpy()) for key, tensor in networks[name].items()]
        made.__dict__.update(version=version, name=name, static_kwargs=kwargs, components=parts)
        made.__dict__.update(build_module_src="", build_func_name="G", variables=arrays)
        return made

    parts = {name: network(name) for name in networks if name}
    whole = network("", **parts)
    module = ModuleType(place)
    module.Network = kind  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("dnnlib", "dnnlib.tflib"):
            patch.setitem(sys.modules, name, ModuleType(name))
        patch.setitem(sys.modules, place, module)
        file.write_bytes(pickle.dumps((whole, whole, whole), protocol=4))  # G, D, Gs
    return file


# --- StyleGAN2 ------------------------------------------------------------------------------------

SG2 = sg2.StyleGAN2Config(z_dim=8, w_dim=8, resolution=1024, channels=THIN, mapping_layers=2)


def _stylegan2() -> tuple[Tensors, Generator]:
    tensors = {name: tensor.clone() for name, tensor in stylegan2_network(SG2).state_dict().items()}
    return tensors, sg2.build(tensors, sg2.metadata(SG2), CPU)


def _convs() -> list[str]:
    """The convolutions from 4 px on."""
    names = ["synthesis.b4.conv1"]
    return names + [f"synthesis.b{8 << i}.conv{k}" for i in range(len(THIN) - 1) for k in (0, 1)]


def nvidia(folder: Path) -> Made:
    tensors, wanted = _stylegan2()
    return saved(folder, tensors, 1024, wanted)


def encoders(folder: Path) -> Made:
    made = rosinality(folder)
    return made._replace(file=_with_encoder(made.file, "g_ema", len(_convs()) + 1))


def encoders_stylegan3(folder: Path) -> Made:
    made = nvidia_stylegan3(folder)
    return made._replace(file=_with_encoder(made.file, "", 16))


def _with_encoder(file: Path, key: str, rows: int) -> Path:
    """The same generator under "decoder.", beside half an encoder, as training scripts save it."""
    held = torch.load(file, weights_only=True)
    generator = held[key] if key else held
    mean = held["latent_avg"] if key else generator.pop("mapping.w_avg")
    state = {f"decoder.{name}": tensor for name, tensor in generator.items()}
    state |= {"encoder.input_layer.0.weight": torch.randn(4, 3, 3, 3)}
    torch.save({"state_dict": state, "latent_avg": mean.repeat(rows, 1), "opts": {}}, file)
    return file


def rosinality(folder: Path) -> Made:
    tensors, wanted = _stylegan2()
    named = {"input.input": tensors["synthesis.b4.const"][None]}
    for i in range(2):
        for last in ("weight", "bias"):
            named[f"style.{i + 1}.{last}"] = tensors[f"mapping.fc{i}.{last}"]
    for i, old in enumerate(_convs()):
        new = f"convs.{i - 1}" if i else "conv1"
        weight = tensors[f"{old}.weight"]
        named[f"{new}.conv.weight"] = weight[None] * math.sqrt(weight[0].numel())
        named[f"{new}.noise.weight"] = tensors[f"{old}.noise_strength"].reshape(1)
        named[f"{new}.activate.bias"] = tensors[f"{old}.bias"]
        named[f"noises.noise_{i}"] = tensors[f"{old}.noise_const"][None, None]
        for last in ("weight", "bias"):
            named[f"{new}.conv.modulation.{last}"] = tensors[f"{old}.affine.{last}"]
    for b in range(len(THIN)):
        old, new = f"synthesis.b{4 << b}.torgb", f"to_rgbs.{b - 1}" if b else "to_rgb1"
        named[f"{new}.conv.weight"] = tensors[f"{old}.weight"][None]
        named[f"{new}.bias"] = tensors[f"{old}.bias"].reshape(1, 3, 1, 1)
        for last in ("weight", "bias"):
            named[f"{new}.conv.modulation.{last}"] = tensors[f"{old}.affine.{last}"]
    return saved(folder, {"g_ema": named, "latent_avg": tensors["mapping.w_avg"]}, 1024, wanted)


def genforce(folder: Path) -> Made:
    tensors, wanted = _stylegan2()
    named = {"synthesis.early_layer.const": tensors["synthesis.b4.const"][None],
             "truncation.w_avg": tensors["mapping.w_avg"]}  # fmt: skip
    for i in range(2):
        for last in ("weight", "bias"):
            named[f"mapping.dense{i}.{last}"] = tensors[f"mapping.fc{i}.{last}"]
    pairs = {old: f"synthesis.layer{i}" for i, old in enumerate(_convs())}
    pairs |= {f"synthesis.b{4 << b}.torgb": f"synthesis.output{b}" for b in range(len(THIN))}
    for old, new in pairs.items():
        weight = tensors[f"{old}.weight"]
        if ".torgb" not in old:
            weight = weight * math.sqrt(weight[0].numel())
            named[f"{new}.noise_strength"] = tensors[f"{old}.noise_strength"]
            named[f"{new}.noise"] = tensors[f"{old}.noise_const"][None, None]
        named[f"{new}.weight"] = weight.flip(2, 3) if old.endswith("conv0") else weight
        named[f"{new}.bias"] = tensors[f"{old}.bias"]
        named[f"{new}.style.weight"] = tensors[f"{old}.affine.weight"]
        named[f"{new}.style.bias"] = tensors[f"{old}.affine.bias"] - 1
    return saved(folder, {"generator_smooth": named}, 1024, wanted)


def nvidia_tf(folder: Path) -> Made:
    tensors, wanted = _stylegan2()
    networks: dict[str, Tensors] = {"": {"dlatent_avg": tensors["mapping.w_avg"]}, "mapping": {}}
    for i in range(2):
        networks["mapping"][f"Dense{i}/weight"] = tensors[f"mapping.fc{i}.weight"].t()
        networks["mapping"][f"Dense{i}/bias"] = tensors[f"mapping.fc{i}.bias"]
    found = {"4x4/Const/const": tensors["synthesis.b4.const"][None], "lod": torch.zeros(())}
    for i, old in enumerate(_convs()):
        found[f"noise{i}"] = tensors[f"{old}.noise_const"][None, None]
    for old in [*_convs(), *(f"synthesis.b{4 << b}.torgb" for b in range(len(THIN)))]:
        _, block, kind = old.split(".")
        word = {"conv0": "Conv0_up", "conv1": "Conv1" if block != "b4" else "Conv"}.get(
            kind, "ToRGB"
        )
        new, weight = f"{block[1:]}x{block[1:]}/{word}", tensors[f"{old}.weight"]
        weight = weight.flip(2, 3) if kind == "conv0" else weight
        found[f"{new}/weight"] = weight.permute(2, 3, 1, 0)
        found[f"{new}/bias"] = tensors[f"{old}.bias"]
        found[f"{new}/mod_weight"] = tensors[f"{old}.affine.weight"].t()
        found[f"{new}/mod_bias"] = tensors[f"{old}.affine.bias"] - 1
        if kind != "torgb":
            found[f"{new}/noise_strength"] = tensors[f"{old}.noise_strength"]
    networks["synthesis"] = found
    return Made(_tensorflow(folder / "m.pkl", networks, {"resolution": 1024}, 4), 1024, wanted)


# --- StyleGAN3 ------------------------------------------------------------------------------------


def nvidia_stylegan3(folder: Path) -> Made:
    """T at 1024 px as its own program would lay it out: sizes by section C.1 of the paper."""
    draw, layers, top = torch.Generator().manual_seed(0), 14, 512.0
    rates, named = [], {"mapping.w_avg": torch.randn(6, generator=draw)}
    for i in range(layers + 1):
        stop = 2**2.1 * (top * 2**0.3 / 2**2.1) ** min(i / (layers - 2), 1)
        rates.append(int(2 ** math.ceil(math.log2(min(2 * stop, 1024)))))
    sizes = [rate + 20 for rate in rates[:-2]] + [1024, 1024]

    def put(name: str, *shape: int, scale: float = 1.0) -> None:
        named[name] = scale * torch.randn(*shape, generator=draw)

    for i in range(2):
        put(f"mapping.fc{i}.weight", 6, 6, scale=100)
        put(f"mapping.fc{i}.bias", 6)
    line = torch.tensor(np.kaiser(12, 8), dtype=torch.float32)
    for name, shape in (("weight", (2, 2)), ("affine.weight", (4, 6)), ("affine.bias", (4,)),
                        ("freqs", (2, 2)), ("phases", (2,))):  # fmt: skip
        put(f"synthesis.input.{name}", *shape)
    named["synthesis.input.transform"] = torch.eye(3)
    for i in range(layers + 1):
        before, last = max(i - 1, 0), i == layers
        channels, inner = 3 if last else 2, max(rates[before], rates[i]) * (1 if last else 2)
        name = f"synthesis.L{i}_{sizes[i]}_{channels}"
        side = 1 if last else 3
        put(f"{name}.weight", channels, 2, side, side)
        put(f"{name}.bias", channels)
        put(f"{name}.affine.weight", 2, 6)
        put(f"{name}.affine.bias", 2)
        named[f"{name}.magnitude_ema"] = torch.ones(())
        for kind, factor in (("up", inner // rates[before]), ("down", inner // rates[i])):
            if factor > 1 and not last:
                taps = line if factor == 2 else torch.nn.functional.interpolate(
                    line[None, None], 6 * factor, mode="linear")[0, 0]  # fmt: skip
                named[f"{name}.{kind}_filter"] = taps / taps.sum()
    return saved(folder, named, 1024, None)


# --- ProGAN ---------------------------------------------------------------------------------------


def _progan() -> tuple[Tensors, Generator]:
    draw, tensors, inputs = torch.Generator().manual_seed(0), {}, 4
    for j in range(2 * len(THIN)):
        out, side = THIN[j // 2], 3 if j else 4
        tensors[f"features.{j}.conv.weight"] = torch.randn(out, inputs, side, side, generator=draw)
        tensors[f"features.{j}.wscale.b"] = 0.5 + torch.rand(out, generator=draw)
        inputs = out
    for b, out in enumerate(THIN):
        name = f"outputs.{b}" if b < len(THIN) - 1 else "output"
        tensors[f"{name}.conv.weight"] = torch.randn(3, out, 1, 1, generator=draw)
        tensors[f"{name}.wscale.b"] = torch.randn(3, generator=draw)
    return tensors, progan.build(tensors, progan.metadata(4), CPU)


def family_progan(folder: Path) -> Made:
    tensors, wanted = _progan()
    return saved(folder, tensors, 1024, wanted)


def _of_progan(folder: Path, weight: str, bias: str, fused: bool, transposed: bool) -> Made:
    tensors, wanted = _progan()
    named, last = {"lod": torch.zeros(())}, len(THIN) - 1
    for name, tensor in tensors.items():
        head, number, *kind = name.replace("output.", f"outputs.{last}.").split(".")
        word, what = head.rstrip("s").replace("feature", "layer"), weight
        if kind[-1] == "b":
            what = bias
        elif fused and head == "features" and int(number) > 1 and int(number) % 2 == 0:
            turned = tensor.flip(2, 3)
            tensor = turned.transpose(0, 1) if transposed else turned.permute(2, 3, 1, 0)
            what = "weight"
        named[f"{word}{number}.{what}"] = tensor
    return saved(folder, named, 1024, wanted)


def genforce_progan(folder: Path) -> Made:
    return _of_progan(folder, "weight", "bias", fused=True, transposed=True)


def interfacegan_progan(folder: Path) -> Made:
    return _of_progan(folder, "conv.weight", "wscale.bias", fused=True, transposed=False)


def netdissect(folder: Path) -> Made:
    tensors, wanted = _progan()
    named = {}
    for name, tensor in tensors.items():
        head, number, *kind = name.replace("output.", f"outputs.{len(THIN) - 1}.").split(".")
        size = 4 << int(number)
        place = f"layer{int(number) + 1}" if head == "features" else f"output_{size}x{size}"
        named[f"{place}.{'.'.join(kind)}"] = tensor
    return saved(folder, {"state_dict": named}, 1024, wanted)


def gan_zoo_progan(folder: Path) -> Made:
    """Every layer is scaled by sqrt(2 / inputs of a filter), its bias, too, and the picture's."""
    tensors, _ = _progan()
    ours, named = dict(tensors), {}
    for name in [name for name in tensors if name.endswith("conv.weight")]:
        head, weight = name.removesuffix(".conv.weight"), tensors[name]
        scale = math.sqrt(2 / (weight[0].numel() if weight.shape[-1] != 4 else weight.shape[1]))
        place, *number = head.split(".")
        j = int(number[0]) if number else len(THIN) - 1
        new = {"features": f"scaleLayers.{j // 2 - 1}.{j % 2}"}.get(place, f"toRGBLayers.{j}")
        bias = tensors[f"{head}.wscale.b"] / scale
        if place == "features" and j < 2:
            new = ("formatLayer", "groupScale0.0")[j]
        if new == "formatLayer":
            weight = weight.flip(2, 3).permute(0, 2, 3, 1).flatten(0, 2)
            bias = bias.repeat_interleave(16)
        named |= {f"{new}.module.weight": weight, f"{new}.module.bias": bias}
        ours[f"{head}.wscale.scale"] = torch.tensor([scale])
    wanted = progan.build(ours, progan.metadata(4), CPU)
    return saved(folder, {"avgG": named, "netG": {}, "config": {"alpha": 0}}, 1024, wanted)


# --- BigGAN and others ----------------------------------------------------------------------------


def _biggan512() -> Tensors:
    """Seven blocks; attention at 64 px, where the released networks have it."""
    made = small.biggan(widths=(16, 16, 8, 8, 8, 4, 2, 2))
    rest = {name: t for name, t in made.items() if not name.startswith("blocks.6.1.")}
    draw = torch.Generator().manual_seed(0)
    for name, shape in small.attention_shapes(8).items():
        rest[f"blocks.3.1.{name}.weight"] = torch.randn(*shape, generator=draw)
        rest[f"blocks.3.1.{name}.u0"] = torch.randn(1, shape[0], generator=draw)
    return {**rest, "blocks.3.1.gamma": torch.tensor(0.7)}


def family_biggan(folder: Path) -> Made:
    made = _biggan512()
    return saved(folder, made, 512, biggan.build(made, {}, CPU))


def studiogan(folder: Path) -> Made:
    """The same network: weights of norm one are what both divide by their spectral norms."""
    made, named = _biggan512(), {}
    header = {"config": '{"eps": 1e-4}'}
    words = {"conv1": "conv2d1", "conv2": "conv2d2", "conv_sc": "conv2d0", "theta": "conv1x1_theta",
             "phi": "conv1x1_phi", "g": "conv1x1_g", "o": "conv1x1_attn"}  # fmt: skip
    plain: Tensors = {}
    for name, tensor in made.items():
        if name.endswith((".u0", ".sv0")):
            continue
        plain[name] = tensor
        head, _, last = name.rpartition(".")
        u, normed = made.get(f"{head}.u0"), name
        if last == "weight" and u is not None:
            # One more step from u: a file keeps both vectors, and sigma is u W v of them.
            matrix = tensor.flatten(1)
            v = torch.nn.functional.normalize(matrix.t() @ u[0], dim=0)
            left = torch.nn.functional.normalize(matrix @ v, dim=0)
            plain[name] = tensor / (left @ matrix @ v)
        named[_studio(normed, words)] = tensor
        if last == "weight" and u is not None:
            old = _studio(name, words)
            named[f"{old}_orig"] = named.pop(old)
            named[f"{old}_u"], named[f"{old}_v"] = left, v
    wanted = biggan.build(plain, header, CPU)
    return saved(folder, {"state_dict": named}, 512, wanted)


def _studio(name: str, words: dict[str, str]) -> str:
    """A name of BigGAN-PyTorch as StudioGAN has it; attention has a number of its own."""
    ends = {"linear": "linear0", "output_layer.2": "conv2d5", "output_layer.0": "bn4"}
    head, _, last = name.rpartition(".")
    norm = {"stored_mean": "running_mean", "stored_var": "running_var"}
    if head in ends:
        last = norm.get(last, "weight" if last == "gain" else last)
        return f"{ends[head]}.{last}"
    if not name.startswith("blocks."):
        return name
    _, block, inner, *rest = name.split(".")
    number = int(block) + (int(block) > 3 or inner == "1")
    if rest[0] == "gamma":
        return f"blocks.{number}.0.sigma"
    tail = [words.get(rest[0], rest[0]), *rest[1:]]
    if rest[-1] in norm:
        tail = [rest[0], "bn", norm[rest[-1]]]
    return f"blocks.{number}.0.{'.'.join(tail)}"


def family_biggan_deep(folder: Path) -> Made:
    """The table of the released 512 px network, in eighths: attention before block 8."""
    sizes = (16, 16, 16, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8)
    table = tuple((i % 2 == 1, 2 * sizes[i], 2 * sizes[i + 1]) for i in range(14))
    made = small.biggan_deep(table)
    return saved(folder, made, 512, biggan_deep.build(made, {}, CPU), "pytorch_model.bin")


def family_dcgan(folder: Path) -> Made:
    made = small.tensors(small.shaken(small.DCGAN((12, 8, 6, 4, 4, 2, 3))))
    return saved(folder, made, 128, dcgan.build(made, {}, CPU))


def family_sngan(folder: Path) -> Made:
    made = small.tensors(small.shaken(small.SNGAN((16, 8, 4, 2, 2))))
    return saved(folder, made, 64, sngan.build(made, {}, CPU))


def family_r3gan(folder: Path) -> Made:
    made = r3gan_tensors((8,) * 5 + (4, 4), (4,) * 5 + (2, 2))
    return saved(folder, made, 256, r3gan.build(made, {}, CPU))


def fastgan(folder: Path) -> Made:
    return Made(fastgan_networks.written(_fastgan(1024, False), folder), 1024, None)


def projected_gan(folder: Path) -> Made:
    return Made(fastgan_networks.written(_fastgan(512, True), folder), 512, None)


def family_fastgan(folder: Path) -> Made:
    held = fastgan_networks.our_tensors(_fastgan(1024, False))
    made = {name: tensor for name, tensor in held.items() if not name.startswith("to_128.")}
    header = {"kind": "generator", **fast.metadata(normalised=False, tanh=True)}
    save_file(made, folder / "m.safetensors", header)
    return Made(folder / "m.safetensors", 1024, fast.build(made, header, CPU))


def _fastgan(size: int, projected: bool) -> fastgan_networks.Network:
    return fastgan_networks.trained(fastgan_networks.Network(size, 8, projected=projected))


LIGHT = (8, 8, 8, 8, 4, 4, 2, 2, 2)


def lightweight_gan(folder: Path) -> Made:
    made = lightweight_tensors(LIGHT)
    held = {"GAN": {f"GE.{name}": tensor for name, tensor in made.items()}, "version": "1.2.1"}
    return saved(folder, held, 1024, light.build(made, {}, CPU), "model_7.pt")


def family_lightweight_gan(folder: Path) -> Made:
    made = lightweight_tensors(LIGHT)
    save_file(made, folder / "m.safetensors", {"kind": "generator", "family": "lightweight_gan"})
    return Made(folder / "m.safetensors", 1024, light.build(made, {}, CPU))


def family_stylegan2(folder: Path) -> Made:
    return nvidia(folder)


def family_stylegan3(folder: Path) -> Made:
    return nvidia_stylegan3(folder)


NOT_HERE = {  # entry -> why its real size has no branch that a test of its own does not walk
    "family_plain": "its layers are those that a spec names, whatever the size",
    "family_onnx": "one graph, whatever the size",
    "onnx": "one graph, whatever the size",
    "stylegan_xl": "its super-resolution is walked by its own parity test",
}
