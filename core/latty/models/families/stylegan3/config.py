"""From a file's settings and shapes to a StyleGAN3Config that fits, or one error that says why.

What the tensors do not show (rates, paddings, clamps) travels as the JSON of a StyleGAN3Config
in the header, key "config". Nothing is allocated from a number in a file that was not compared.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Meta, Shapes
from latty.models.families.stylegan3.network import (
    StyleGAN3Config,
    StyleGAN3LayerConfig,
    StyleGAN3Network,
)
from latty.models.ops import ACTIVATIONS
from latty.models.state_dict import (
    checked,
    header_config,
    is_number,
    shapes_of,
    shapes_only,
)

FILTERS = (".up_filter", ".down_filter")
AGAIN = "import the model again, from NVIDIA's own .pkl"
LARGEST = 4096  # px of a line on the coarse grid; the largest released model has 1044
MAX_FACTOR, MAX_TAPS, MAX_LAYERS = 16, 256, 64
NAME = re.compile(r"L\d+_\d+_\d+")
WHOLE = ("inputs", "outputs", "in_size", "out_size", "kernel", "up", "down")
SIZES = (*("z_dim", "w_dim", "resolution", "img_channels"), "input_channels", "input_size")


def from_attributes(said: Mapping[str, Any], shapes: Shapes) -> StyleGAN3Config:
    """What the attributes of NVIDIA's modules describe. Raises BadData where some are missing."""
    try:
        return _from_attributes(said, shapes)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BadData(f"the file's module settings are incomplete: {error}", AGAIN) from None


def _from_attributes(said: Mapping[str, Any], shapes: Shapes) -> StyleGAN3Config:
    names = [str(name) for name in said["synthesis.layer_names"]]
    first, vectors = said["synthesis.input.size"], "mapping.embed_proj.weight" in shapes
    return StyleGAN3Config(
        z_dim=said["z_dim"],
        w_dim=said["w_dim"],
        c_dim=said["c_dim"],
        resolution=said["img_resolution"],
        img_channels=said["img_channels"],
        input_channels=shapes["synthesis.input.weight"][0],
        input_size=_square(first),
        sampling_rate=float(said["synthesis.input.sampling_rate"]),
        bandwidth=float(said["synthesis.input.bandwidth"]),
        layers=tuple(_layer(f"synthesis.{name}", name, said, shapes) for name in names),
        mapping_layers=said["mapping.num_layers"],
        mapping_lr=float(said["mapping.fc0.bias_gain"]),
        mapping_activation=said["mapping.fc0.activation"],
        embed_dim=0
        if vectors or not said["c_dim"]
        else shapes.get("mapping.embed.weight", (0,))[0],
        hidden_dim=shapes["mapping.fc0.weight"][0] if said["mapping.num_layers"] > 1 else 0,
        output_scale=float(said["synthesis.output_scale"]),
        class_dim=shapes["mapping.embed.weight"][1] if vectors else 0,
    )


def _layer(path: str, name: str, said: Mapping[str, Any], shapes: Shapes) -> StyleGAN3LayerConfig:
    outputs, inputs, kernel, _ = shapes[f"{path}.weight"]
    left, right, top, bottom = said[f"{path}.padding"]
    if (left, right) != (top, bottom):
        raise ValueError(f"{name} is not square")
    clamp = said[f"{path}.conv_clamp"]
    return StyleGAN3LayerConfig(
        name=name,
        inputs=inputs,
        outputs=outputs,
        in_size=_square(said[f"{path}.in_size"]),
        out_size=_square(said[f"{path}.out_size"]),
        kernel=kernel,
        up=said[f"{path}.up_factor"],
        down=said[f"{path}.down_factor"],
        padding=(left, right),
        clamp=None if clamp is None else float(clamp),
        torgb=said[f"{path}.is_torgb"],
    )


def _square(size: Any) -> int:
    width, height = size
    if width != height:
        raise ValueError("pictures are not square")
    return int(width)


# --- the header of our own files ------------------------------------------------------------------


def read_config(meta: Meta) -> StyleGAN3Config:
    """The StyleGAN3Config of a header; every number in it is checked. Raises BadData for an
    impossible one."""
    if "config" not in meta:
        raise BadData("the file does not say how its layers resample", AGAIN)
    said = header_config(meta)
    layers = said.get("layers")
    if not isinstance(layers, list) or not 1 <= len(layers) <= MAX_LAYERS:
        raise BadData("the header's config has no list of layers", AGAIN)
    config: StyleGAN3Config = _record(
        StyleGAN3Config, {"class_dim": 0, **said, "layers": tuple(map(_read_layer, layers))}
    )
    check(config)
    return config


def _read_layer(said: Any) -> StyleGAN3LayerConfig:
    if not isinstance(said, dict):
        raise BadData("a layer in the header's config is no table", AGAIN)
    padding = said.get("padding")
    if not isinstance(padding, list) or len(padding) != 2:
        raise BadData("the header's padding must be two numbers", AGAIN)
    layer: StyleGAN3LayerConfig = _record(StyleGAN3LayerConfig, {**said, "padding": tuple(padding)})
    return layer


def _record(kind: Any, said: Mapping[str, Any]) -> Any:
    known = {field.name for field in fields(kind)}
    for key in said.keys() ^ known:
        state = "has no key" if key in said else "lacks the key"
        raise BadData(f"the header's config {state} '{key}'", AGAIN)
    return kind(**said)


def check(config: StyleGAN3Config) -> None:
    """Raises BadData unless every setting is possible and the sizes fit each other."""
    for key in SIZES:
        _whole(f"header's {key}", getattr(config, key), 1, 1 << 20)
    _whole("header's input_size", config.input_size, 1, LARGEST)
    for key in ("c_dim", "embed_dim", "hidden_dim", "class_dim"):
        _whole(f"header's {key}", getattr(config, key), 0, 1 << 20)
    _whole("header's mapping_layers", config.mapping_layers, 1, MAX_LAYERS)
    for key in ("mapping_lr", "output_scale", "sampling_rate", "bandwidth"):
        _positive(f"header's {key}", getattr(config, key))
    if config.class_dim and not config.c_dim:
        raise BadData("the header has vectors of classes and no classes", AGAIN)
    if config.mapping_activation not in ACTIVATIONS:
        raise BadData(f"the header's mapping_activation cannot be {config.mapping_activation!r}")
    if config.sampling_rate <= 2 * config.bandwidth:
        raise BadData("the header's bandwidth is above half its sampling_rate", AGAIN)
    size, channels = config.input_size, config.input_channels
    for layer in config.layers:
        _check_layer(layer)
        if (layer.in_size, layer.inputs) != (size, channels):
            raise BadData(f"layer {layer.name} does not fit the layer before it", AGAIN)
        size, channels = layer.out_size, layer.outputs
    if (size, channels) != (config.resolution, config.img_channels):
        raise BadData("the header's last layer does not make the header's picture", AGAIN)
    if [layer.torgb for layer in config.layers] != [False] * (len(config.layers) - 1) + [True]:
        raise BadData("the header's last layer, and no other, must be the to-RGB", AGAIN)


def _check_layer(layer: StyleGAN3LayerConfig) -> None:
    if not isinstance(layer.name, str) or not NAME.fullmatch(layer.name):
        raise BadData("a layer in the header's config has no proper name", AGAIN)
    for key in WHOLE:
        top = MAX_FACTOR if key in ("up", "down", "kernel") else LARGEST
        _whole(f"{key} of layer {layer.name}", getattr(layer, key), 1, top)
    for number in layer.padding:
        _whole(f"padding of layer {layer.name}", number, -8 * LARGEST, 8 * LARGEST)
    if layer.clamp is not None:
        _positive(f"clamp of layer {layer.name}", layer.clamp)
    if not isinstance(layer.torgb, bool):
        raise BadData(f"torgb of layer {layer.name} cannot be {layer.torgb!r}", AGAIN)


def _whole(what: str, value: Any, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadData(f"the {what} cannot be {value!r}", AGAIN)


def _positive(what: str, value: Any) -> None:
    if not (is_number(value) and value > 0):
        raise BadData(f"the {what} cannot be {value!r}", AGAIN)


# --- tensors --------------------------------------------------------------------------------------


def load(
    tensors: Mapping[str, Tensor], config: StyleGAN3Config
) -> tuple[StyleGAN3Network, dict[str, Tensor], dict[str, Tensor]]:
    """The network with its weights, the same by name, and its filters by name; (T,) or (T, T).
    Raises BadData for a name, shape or number that is wrong."""
    taps = {name: tensor for name, tensor in tensors.items() if name.endswith(FILTERS)}
    rest = {name: tensor for name, tensor in tensors.items() if name not in taps}
    with shapes_only():
        network = StyleGAN3Network(config)
    state = checked(rest, shapes_of(network.state_dict()), lend=True)
    for name, tensor in state.items():
        if name.endswith(".magnitude_ema") and float(tensor) <= 0:
            raise BadData(f"tensor '{name}' must be above zero")
    for layer in config.layers:
        _check_filters(layer, taps)
    known = {f"synthesis.{layer.name}{kind}" for layer in config.layers for kind in FILTERS}
    for name in taps:
        if name not in known:
            raise BadData(f"tensor '{name}' is no part of this network")
    network.load_state_dict(state, assign=True)
    return network, state, {name: tensor.detach().float() for name, tensor in taps.items()}


def _check_filters(layer: StyleGAN3LayerConfig, taps: Mapping[str, Tensor]) -> None:
    up, down = f"synthesis.{layer.name}.up_filter", f"synthesis.{layer.name}.down_filter"
    length = (layer.in_size + layer.kernel - 1) * layer.up + sum(layer.padding)
    if up in taps:
        length -= _taps(up, taps[up], (1,)) - 1
    elif layer.up > 1 or any(layer.padding):
        raise BadData(f"tensor '{up}' is missing")
    if down in taps:
        length -= _taps(down, taps[down], (1, 2)) - 1
    elif layer.down > 1:
        raise BadData(f"tensor '{down}' is missing")
    if length < 1 or (length - 1) // layer.down + 1 != layer.out_size:
        raise BadData(f"layer {layer.name} cannot have {layer.out_size} px with its filters", AGAIN)


def _taps(name: str, taps: Tensor, dims: tuple[int, ...]) -> int:
    """The number of taps of a filter (T,) or (T, T)."""
    shape = tuple(taps.shape)
    if taps.dim() not in dims or len(set(shape)) != 1 or not 1 <= shape[0] <= MAX_TAPS:
        raise BadData(f"tensor '{name}' has the shape {list(shape)}, which is no filter")
    if not taps.is_floating_point() or not bool(torch.isfinite(taps).all()):
        raise BadData(f"tensor '{name}' holds numbers that are not finite")
    return shape[0]
