"""`open_model` takes any file: the right part, what is missing made up, what is bad refused.

The files are made here from a small network of our own; ../shared/badfiles, an optional folder
beside the checkout, has worse.
"""

import json
import math
import os
import re
import shutil
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import BADFILES
from torch import Tensor

from latty import home
from latty.checkpoints.checkpoint import Checkpoint
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import Persistent, Storage, TensorView, TfNetwork, packed
from latty.errors import BadData, LattyError
from latty.jobs.engine.cache import ModelCache
from latty.models import forget_all, is_kept, kept, open_model, opening
from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from latty.models.parts import parts
from latty.models.registries import FAMILIES as FAMILIES_REGISTRY
from latty.models.styled_generator import StyledGenerator

SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=16, channels=(8, 8, 6), mapping_layers=2)
Z = torch.from_numpy(np.random.RandomState(3).randn(2, 8).astype(np.float32))


def network(config: StyleGAN2Config = SMALL) -> StyleGAN2Network:
    torch.manual_seed(0)
    made = StyleGAN2Network(config).eval()
    with torch.no_grad():
        made.mapping.w_avg.normal_()
        for name, parameter in made.named_parameters():
            if name.endswith(("noise_strength", ".bias")):
                parameter.add_(torch.randn_like(parameter) * 0.3)
    return made


def picture(
    made: StyleGAN2Network | StyledGenerator, z: Tensor = Z, label: Tensor | None = None
) -> Tensor:
    with torch.inference_mode():
        codes = made.mapping(z, label)
        network = made if isinstance(made, StyleGAN2Network) else made.network
        codes = network.mean_code + 0.6 * (codes - network.mean_code)
        drawn: Tensor = made.synthesis(codes)
        return drawn


def opened(path: Path) -> StyledGenerator:
    model = open_model(str(path), "cpu")
    assert isinstance(model, StyledGenerator)
    return model


def view(tensor: Tensor) -> TensorView:
    data = tensor.detach().numpy().astype("<f4").tobytes()
    shape = tuple(tensor.shape)
    return TensorView(Storage("<f4", tensor.numel(), data), "<f4", shape, packed(shape))


# --- parts ----------------------------------------------------------------------------------------

WRAPPINGS = {
    "bare": lambda state: state,
    "parallel": lambda state: {f"module.{name}": t for name, t in state.items()},
    "state_dict": lambda state: {"state_dict": state, "epoch": 7},
    "ema": lambda state: {"g": {n: t * 0 for n, t in state.items()}, "g_ema": state, "d": {}},
    "lightning": lambda state: {
        "state_dict": {
            **{f"generator.{name}": t for name, t in state.items()},
            "discriminator.main.0.weight": torch.zeros(8, 3, 4, 4),
        }
    },
    "own name": lambda state: {"my_generator": state, "optimizer": {"state": {}}},
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_state_dict_opens_however_it_is_wrapped(
    wrapping: str, legacy: bool, tmp_path: Path
) -> None:
    made, path = network(), tmp_path / "anything.bin"
    state = WRAPPINGS[wrapping](OrderedDict(made.state_dict()))
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    model = opened(path)
    assert model.info.name == "anything" and len(model.info.digest) == 64
    torch.testing.assert_close(picture(model), picture(made), atol=1e-5, rtol=1e-5)
    assert any("defaults are assumed" in note for note in open_model(str(path), "cpu").info.notes)


def test_the_average_of_training_comes_first() -> None:
    tensor = view(torch.ones(2))
    names = ["G", "D", "G_ema", "extra", "augment_pipe"]
    tree = {**{name: {"a.weight": tensor} for name in names}, "augment_pipe": None}
    checkpoint = Checkpoint(Path("x.pkl"), "pickle", 0, tree, Tally())
    assert [part.name for part in parts(checkpoint)] == ["G_ema", "G", "extra"]


def test_models_are_kept_while_they_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three that are drawn in turn, as in the panels of a film that plays, are opened once."""
    forget_all()
    refs = [str(tmp_path / f"{name}.safetensors") for name in "abc"]
    for ref in refs:
        shutil.copy(home.shipped_dir() / "models/demo.safetensors", ref)
    cache = ModelCache("cpu")
    first = [cache.generator(ref) for ref in refs]
    assert [open_model(ref, "cpu") for ref in refs] == first == [*map(cache.generator, refs)]
    room = 2.5 * Path(refs[0]).stat().st_size
    monkeypatch.setattr(kept, "room", lambda device: room)
    shutil.copy(refs[0], other := str(tmp_path / "d.safetensors"))
    cache.generator(other)
    assert [is_kept(one) for one in first] == [False, False, True]
    assert cache.generator(refs[2]) is first[2] and cache.generator(refs[0]) is not first[0]
    os.utime(refs[2], (1, 1))  # another content
    assert cache.generator(refs[2]) is not first[2]
    forget_all()
    assert not any(map(is_kept, first))


def test_settings_beside_the_file_are_read(tmp_path: Path) -> None:
    (tmp_path / "args.json").write_text('{"latent_dim": 8}')
    tree = {"a.weight": view(torch.ones(2))}
    part = next(parts(Checkpoint(tmp_path / "x.pt", "torch-zip", 0, tree, Tally())))
    assert part.attributes["config"] == {"latent_dim": 8}
    (tmp_path / "args.json").write_text("[1]")
    part = next(parts(Checkpoint(tmp_path / "x.pt", "torch-zip", 0, tree, Tally())))
    assert part.attributes == {}


# --- what is missing ------------------------------------------------------------------------------


@pytest.mark.slow
def test_mean_code_and_noise_are_made_up_the_same_way_every_time(tmp_path: Path) -> None:
    made = network()
    state = {
        name: tensor
        for name, tensor in made.state_dict().items()
        if not name.endswith(("w_avg", "noise_const"))
    }
    for name in ("a.pt", "b.pt"):
        torch.save(state, tmp_path / name)
    first, second = opened(tmp_path / "a.pt"), opened(tmp_path / "b.pt")
    assert torch.equal(picture(first), picture(second))
    notes = " ".join(open_model(str(tmp_path / "a.pt"), "cpu").info.notes)
    assert "5 noise pictures drawn with seed 0" in notes and "10000 latents" in notes
    with torch.inference_mode():
        codes = made.mapping(torch.from_numpy(np.random.RandomState(9).randn(20_000, 8)).float())
    error = (codes[:, 0].mean(0) - first.network.mapping.w_avg).abs().max()
    assert float(error) < 0.05 * float(codes.std())


# --- NVIDIA ---------------------------------------------------------------------------------------


def module(name: str, tree: Mapping[str, Any], settings: Mapping[str, Any]) -> Persistent:
    """A Persistent of nested tables of tensors, every module with the same settings."""
    children = {k: module(k, v, settings) for k, v in tree.items() if isinstance(v, dict)}
    own = {k: view(v) for k, v in tree.items() if isinstance(v, Tensor)}
    lr = settings["lr"] if name.startswith("fc") else 1.0
    kind = "linear" if name == "affine" else settings["activation"]
    clamp = None if name == "skip" else settings["conv_clamp"]
    attributes = {"activation": kind, "conv_clamp": clamp, "bias_gain": lr}
    tables = {"_parameters": own, "_buffers": {}, "_modules": children}
    state = {**tables, **attributes}
    return Persistent(name, state, source_sha256="", nvidia=True)


def nvidia(config: StyleGAN2Config, made: StyleGAN2Network) -> Checkpoint:
    tree: dict[str, Any] = {}
    for name, tensor in made.state_dict().items():
        *folders, last = name.split(".")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = tensor
    for block in tree["synthesis"].values():
        taps = torch.tensor(config.resample_filter)
        block["resample_filter"] = torch.outer(taps, taps) / taps.sum() ** 2
    settings = {
        "activation": config.activation,
        "conv_clamp": config.conv_clamp,
        "lr": config.mapping_lr,
    }
    tree["mapping"] = {**tree["mapping"]}
    root = module("G", tree, settings)
    for name, layer in root.children["mapping"].children.items():
        layer.state["activation"] = "linear" if name == "embed" else config.mapping_activation
    return Checkpoint(Path("net.pkl"), "pickle", 0, {"G_ema": root}, Tally())


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "resnet", "activation": "swish", "conv_clamp": 0.8},
        {"architecture": "orig", "resample_filter": (0.25, 0.5, 0.25), "mapping_lr": 0.1},
        {"activation": "relu", "use_noise": False, "mapping_activation": "relu"},
        {"c_dim": 3, "embed_dim": 5, "hidden_dim": 12, "mapping_layers": 3},
    ],
    ids=["resnet", "orig", "relu", "widths"],
)
def test_settings_of_nvidias_modules_are_read(changes: dict[str, Any]) -> None:
    config = replace(SMALL, **changes)
    made = network(config)
    model = opening.convert_checkpoint(nvidia(config, made))
    assert json.loads(model.meta["config"]) == json.loads(json.dumps(asdict(config)))
    built = FAMILIES_REGISTRY.load("stylegan2").build(
        model.tensors, model.meta, torch.device("cpu")
    )
    label = torch.tensor([0, 2]) if config.c_dim else None
    ours, theirs = picture(built, label=label), picture(made, label=label)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_layers_that_differ_in_a_setting_are_refused() -> None:
    checkpoint = nvidia(SMALL, network())
    checkpoint.tree["G_ema"].child("synthesis.b8.conv1").state["conv_clamp"] = 3.0
    with pytest.raises(BadData, match=r"layers differ in conv_clamp.*b8\.conv1"):
        opening.convert_checkpoint(checkpoint)


def test_tensorflows_joint_label_embedding() -> None:
    """stylegan2 in TensorFlow appends label @ W to z and normalises both together."""
    config = replace(SMALL, c_dim=3, embed_dim=4, label_norm="joint")
    weight = torch.randn(3, 4)
    made = network(config)
    with torch.no_grad():
        made.mapping.embed.weight.copy_(weight.t() * math.sqrt(3))
        made.mapping.embed.bias.zero_()
        x = torch.cat([Z, weight[[0, 2]]], 1)
        x = x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)
        for i in range(2):
            layer = made.mapping.get_submodule(f"fc{i}")
            y = x @ layer.weight.t() * (0.01 / math.sqrt(x.shape[1])) + layer.bias * 0.01
            x = torch.nn.functional.leaky_relu(y, 0.2) * math.sqrt(2)
        codes = made.mapping(Z, torch.tensor([0, 2]))
    torch.testing.assert_close(codes[:, 0], x, atol=1e-6, rtol=1e-5)


# --- other people's layouts -----------------------------------------------------------------------


def rosinality(state: dict[str, Tensor], config: StyleGAN2Config) -> dict[str, Any]:
    """The same network in rosinality's names: weights times 3 sqrt(I), as its code divides them."""
    g = {"input.input": state["synthesis.b4.const"][None]}
    for i in range(config.mapping_layers):
        for last in ("weight", "bias"):
            g[f"style.{i + 1}.{last}"] = state[f"mapping.fc{i}.{last}"]
    for layer in range(config.num_layers - 1):
        ours = f"synthesis.b{4 << (layer + 1) // 2}.conv{1 - layer % 2}"
        theirs = f"convs.{layer - 1}" if layer else "conv1"
        weight = state[f"{ours}.weight"]
        g[f"{theirs}.conv.weight"] = weight[None] * math.sqrt(weight[0].numel())
        g[f"{theirs}.noise.weight"] = state[f"{ours}.noise_strength"][None]
        g[f"{theirs}.activate.bias"] = state[f"{ours}.bias"]
        g[f"noises.noise_{layer}"] = state[f"{ours}.noise_const"][None, None]
        for last in ("weight", "bias"):
            g[f"{theirs}.conv.modulation.{last}"] = state[f"{ours}.affine.{last}"]
    for block, size in enumerate(config.blocks):
        ours = f"synthesis.b{size}.torgb"
        theirs = f"to_rgbs.{block - 1}" if block else "to_rgb1"
        g[f"{theirs}.conv.weight"] = state[f"{ours}.weight"][None]
        g[f"{theirs}.bias"] = state[f"{ours}.bias"][None, :, None, None]
        for last in ("weight", "bias"):
            g[f"{theirs}.conv.modulation.{last}"] = state[f"{ours}.affine.{last}"]
    taps = torch.tensor(config.resample_filter)
    g["convs.0.conv.blur.kernel"] = torch.outer(taps, taps) / taps.sum() ** 2 * 4
    return {"g_ema": g, "latent_avg": state["mapping.w_avg"]}


def genforce(state: dict[str, Tensor], config: StyleGAN2Config) -> dict[str, Any]:
    """In genforce's names: up-sampling weights turned by half a turn, style biases less 1."""
    g = {
        "synthesis.early_layer.const": state["synthesis.b4.const"][None],
        "truncation.w_avg": state["mapping.w_avg"],
    }
    for name in [name for name in state if name.startswith("mapping.fc")]:
        g[name.replace("fc", "dense")] = state[name]
    for layer in range(config.num_layers - 1):
        ours = f"synthesis.b{4 << (layer + 1) // 2}.conv{1 - layer % 2}"
        theirs, weight = f"synthesis.layer{layer}", state[f"{ours}.weight"]
        scaled = weight * math.sqrt(weight[0].numel())
        g[f"{theirs}.weight"] = scaled.flip(2, 3) if layer % 2 else scaled
        g[f"{theirs}.bias"] = state[f"{ours}.bias"]
        g[f"{theirs}.noise_strength"] = state[f"{ours}.noise_strength"]
        g[f"{theirs}.noise"] = state[f"{ours}.noise_const"][None, None]
        g[f"{theirs}.style.weight"] = state[f"{ours}.affine.weight"]
        g[f"{theirs}.style.bias"] = state[f"{ours}.affine.bias"] - 1
    for block, size in enumerate(config.blocks):
        ours, theirs = f"synthesis.b{size}.torgb", f"synthesis.output{block}"
        g[f"{theirs}.weight"], g[f"{theirs}.bias"] = state[f"{ours}.weight"], state[f"{ours}.bias"]
        g[f"{theirs}.style.weight"] = state[f"{ours}.affine.weight"]
        g[f"{theirs}.style.bias"] = state[f"{ours}.affine.bias"] - 1
    return {"generator": {n: t * 2 for n, t in g.items()}, "generator_smooth": g}


def bare_nvidia(state: dict[str, Tensor], config: StyleGAN2Config) -> dict[str, Any]:
    """As NVIDIA's names have it, without the settings that only its modules hold."""
    return {"G_ema": {**state}}


STARTS = [(4, 4), (8, 4), (4, 2), (3, 5)]  # StyleGAN-Human's constant is (C, 4, 2)


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize("layout", [rosinality, genforce, bare_nvidia])
def test_the_same_network_in_other_names(
    layout: Any, start: tuple[int, int], tmp_path: Path
) -> None:
    config = replace(SMALL, start=start, resolution=4 * max(start))
    config = replace(config, resample_filter=(0.25, 0.5, 0.25)) if layout is rosinality else config
    made, path = network(config), tmp_path / "net.pt"
    torch.save(layout(made.state_dict(), config), path)
    model = opened(path)
    torch.testing.assert_close(picture(model), picture(made), atol=1e-4, rtol=1e-4)
    info = open_model(str(path), "cpu").info
    assert (info.height, info.width_px) == (4 * start[0], 4 * start[1])
    assert info.resolution == 4 * max(start) and (info.notes == ()) == (layout is not bare_nvidia)


@pytest.mark.parametrize("layout", [rosinality, genforce, bare_nvidia])
def test_noise_of_another_shape_is_named_as_its_file_has_it(layout: Any, tmp_path: Path) -> None:
    state, path = network(SMALL).state_dict(), tmp_path / "net.pt"
    state["synthesis.b8.conv1.noise_const"] = torch.randn(8, 4)
    saved = layout(state, SMALL)
    torch.save(saved, path)
    with pytest.raises(BadData, match=r"8 x 8|8, 8") as told:
        open_model(str(path), "cpu")
    named = re.search(r"'(.*?)'", told.value.message)
    assert named and any(named[1] in part for part in saved.values() if isinstance(part, dict))


def tensorflow(state: dict[str, Tensor], config: StyleGAN2Config, **kwargs: Any) -> Checkpoint:
    """In TensorFlow's names and orders, as the third of three networks."""
    kinds = {"conv0": "Conv0_up", "conv1": "Conv1", "torgb": "ToRGB", "skip": "Skip"}
    synthesis = [("4x4/Const/const", state["synthesis.b4.const"][None]), ("lod", torch.zeros(()))]
    mapping = []
    for name, tensor in state.items():
        _, *place, last = name.split(".")
        if name.startswith("mapping.fc"):
            mapping.append(
                (f"Dense{place[0][2:]}/{last}", tensor.t() if last == "weight" else tensor)
            )
        elif last == "noise_const":
            level = int(math.log2(int(place[0][1:])))
            number = 0 if level == 2 else 2 * level - (5 if place[1] == "conv0" else 4)
            synthesis.append((f"noise{number}", tensor[None, None]))
        elif len(place) > 1:
            size = place[0][1:]
            kind = "Conv" if (size, place[1]) == ("4", "conv1") else kinds[place[1]]
            if place[-1] == "affine":
                last, tensor = f"mod_{last}", tensor.t() if last == "weight" else tensor - 1
            elif last == "weight":
                tensor = tensor.flip(2, 3) if kind in ("Conv0_up", "Skip") else tensor
                tensor = tensor.permute(2, 3, 1, 0)
            synthesis.append((f"{size}x{size}/{kind}/{last}", tensor))
    parts_ = {
        key: TfNetwork({"variables": [(n, view(t.contiguous())) for n, t in pairs]})
        for key, pairs in (("synthesis", synthesis), ("mapping", mapping))
    }
    top = [("dlatent_avg", view(state["mapping.w_avg"]))]
    gs = TfNetwork({"components": parts_, "variables": top, "static_kwargs": kwargs, "version": 4})
    return Checkpoint(Path("x.pkl"), "pickle", 0, (TfNetwork({}), TfNetwork({}), gs), Tally())


@pytest.mark.parametrize(
    ("architecture", "start"), [("skip", (4, 4)), ("resnet", (4, 2)), ("orig", (3, 5))]
)
def test_the_same_network_as_tensorflow_has_it(architecture: str, start: tuple[int, int]) -> None:
    config = replace(SMALL, start=start, resolution=4 * max(start))
    config = replace(config, architecture=architecture, activation="relu", mapping_lr=0.1)
    made = network(config)
    checkpoint = tensorflow(made.state_dict(), config, nonlinearity="relu", mapping_lrmul=0.1)
    model = opening.convert_checkpoint(checkpoint)
    assert model.meta["origin"] == "nvidia_tf" and model.notes == ()
    build = FAMILIES_REGISTRY.load("stylegan2").build
    built = build(model.tensors, model.meta, torch.device("cpu"))
    torch.testing.assert_close(picture(built), picture(made), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kwargs", [{"resample_kernel": ["x"]}, {"nonlinearity": 3}])
def test_settings_of_tensorflow_that_are_no_settings(kwargs: dict[str, Any]) -> None:
    with pytest.raises(BadData, match=next(iter(kwargs))):
        opening.convert_checkpoint(tensorflow(network().state_dict(), SMALL, **kwargs))


# --- refusals -------------------------------------------------------------------------------------


def refusal(path: Path) -> Refusal:
    with pytest.raises(Refusal) as caught:
        open_model(str(path), "cpu")
    assert path.name in caught.value.message and "\n" not in str(caught.value)
    return caught.value


BAD: dict[str, tuple[Any, str]] = {
    "list": ([torch.zeros(2)], "no-model"),
    "nothing": ({}, "no-model"),
    "settings": ({"epoch": 3}, "no-model"),
    "integers": ({"weight": torch.ones(3, dtype=torch.int64)}, "no-model"),
    "unknown": ({"weird.weight": torch.ones(3, 3)}, "unknown-architecture"),
    "discriminator": (
        {"D": {"main.0.weight": torch.ones(8, 3, 4, 4)}, "optimizer": {"lr": 1}},
        "unknown-architecture",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_files_without_a_generator(case: str, tmp_path: Path) -> None:
    content, code = BAD[case]
    torch.save(content, tmp_path / f"{case}.pt")
    refused = refusal(tmp_path / f"{case}.pt")
    assert refused.code == code and refused.hint
    if case == "unknown":
        assert "--spec" in refused.hint and "weird.weight" in refused.message
    assert ("discriminator" in refused.message.split(":", 1)[1]) == (case == "discriminator")


def test_damaged_generators_name_the_tensor(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    for change, words in {
        "nan": "b8.conv1.bias' holds NaN",
        "shape": "b8.conv1.bias' has the shape",
        "missing": "b8.conv1.bias' is missing",
    }.items():
        state = dict(network().state_dict())
        name = "synthesis.b8.conv1.bias"
        if change == "nan":
            state[name] = state[name] * math.nan
        elif change == "shape":
            state[name] = state[name][:3]
        else:
            del state[name]
        torch.save(state, path)
        with pytest.raises(BadData, match=words) as caught:
            open_model(str(path), "cpu")
        assert caught.value.message.startswith("net.pt: ")


def test_a_tensorflow_file_that_is_cut_short_is_refused() -> None:
    pairs = [
        ("4x4/Conv/mod_weight", view(torch.ones(8, 8))),
        ("4x4/Conv/strange", view(torch.ones(8))),
    ]
    synthesis = TfNetwork({"variables": pairs})
    mapping = TfNetwork({"variables": [("Dense0/weight", view(torch.ones(8, 8)))]})
    whole = TfNetwork({"components": {"synthesis": synthesis, "mapping": mapping}})
    tree = (TfNetwork({}), TfNetwork({}), whole)
    with pytest.raises(BadData):
        opening.convert_checkpoint(Checkpoint(Path("x.pkl"), "pickle", 0, tree, Tally()))


def test_files_of_the_corpus_are_refused_for_their_reason() -> None:
    if not BADFILES.is_dir():
        pytest.skip("no ../shared/badfiles here")
    manifest = json.loads((BADFILES / "manifest.json").read_text())
    for name, entry in manifest.items():
        if name[0] not in "abcd":
            continue
        if entry["expect"] == "ok":
            assert open_model(str(BADFILES / name), "cpu").info.family == "dcgan"
            continue
        with pytest.raises(LattyError) as caught:
            open_model(str(BADFILES / name), "cpu")
        code = getattr(caught.value, "code", "")
        assert code in entry["expect"].split("|"), f"{name}: {caught.value}"
        assert caught.value.exit_code == 65 and str(caught.value).isprintable()
        assert caught.value.message.startswith(f"{name}: ") and caught.value.hint
