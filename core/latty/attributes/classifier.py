"""Classifiers that people bring or train: a card (TOML) and weights, read and never run as code."""

import re
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from latty.attributes import cnn
from latty.attributes.card import Card, Group, read_card, weights_digest, weights_of
from latty.attributes.onnx import OnnxNetwork
from latty.attributes.pixels import luma, middle, shares
from latty.attributes.resnet import STEM, ResNet, blocks_of
from latty.checkpoints.checkpoint import read as open_checkpoint
from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models.parts import to_torch
from latty.models.state_dict import TensorReader, shapes_only
from latty.text import clean

Network = Callable[[Tensor], Tensor]
UNREAD = "is it the file that the TOML describes? ignore = [...] leaves tensors out"


def open_card(path: Path) -> "Classifier":
    """The classifier that a TOML describes. Raises Missing, OutputError, BadData."""
    card = read_card(path)
    weights = weights_of(path)
    with torch.inference_mode(False):  # kept for callers who need gradients, whoever asks first
        network = _network(card, weights)
        scorer = Classifier(path.name, card, network, weights_digest(path))
        with torch.no_grad():  # one grey picture: nothing that fails later is opened
            scorer.score(torch.zeros(1, card.channels, *card.size))
    return scorer


class Classifier:
    """A network between a card's preparation of pictures and its activations."""

    def __init__(self, file: str, card: Card, network: Network, digest: str) -> None:
        self.file, self.card, self.network, self.digest = file, card, network, digest
        self.names = card.names
        self.units = card.units
        self.differentiable = card.kind != "onnx"

    def score(self, images: Tensor) -> Tensor:
        """Scores (N, A) of images (N, 1 or 3, H, W). Raises BadData."""
        prepared = prepare(images, self.card)
        if isinstance(self.network, nn.Module):
            self.network.to(images.device)
        try:
            found = self.network(prepared).flatten(1)
        except RuntimeError as error:  # sizes that do not meet, in torch's words
            what = clean(str(error).split("\n", 1)[0], 160)
            raise BadData(f"{self.file}: the network does not run: {what}") from None
        if found.shape[1] != len(self.names):
            what = f"{self.file}: the network gives {found.shape[1]} numbers"
            raise BadData(what, f"outputs names {len(self.names)}")
        parts = torch.split(found, [len(group.names) for group in self.card.groups], 1)
        return torch.cat(
            [_activated(part, group) for part, group in zip(parts, self.card.groups, strict=True)],
            1,
        )


def _activated(numbers: Tensor, group: Group) -> Tensor:
    if group.activation == "softmax":
        return numbers.softmax(1)
    if group.activation == "none":
        return numbers
    return numbers.sigmoid() if group.activation == "sigmoid" else numbers.tanh()


def prepare(images: Tensor, card: Card) -> Tensor:
    """Pictures (N, C, H, W) in -1..1 as a card's network takes them: crop, size, numbers.

    Raises BadData for other channels.
    """
    x = middle(shares(images), card.size)
    if card.channels == 1 and x.shape[1] == 3:
        x = luma(x)[:, None]
    x = x.expand(-1, card.channels, -1, -1)
    if card.crop < 1:
        height, width = (max(1, round(n * card.crop)) for n in x.shape[-2:])
        top, left = (x.shape[-2] - height) // 2, (x.shape[-1] - width) // 2
        x = x[..., top : top + height, left : left + width]
    if tuple(x.shape[-2:]) != card.size:
        x = F.interpolate(x, card.size, mode="bilinear", align_corners=False, antialias=True)
    if card.order == "bgr":
        x = x.flip(1)
    x = x * (card.high - card.low) + card.low
    mean, std = (torch.tensor(n).to(x).view(-1, 1, 1) for n in (card.mean, card.std))
    return (x - mean) / std


# --- weights --------------------------------------------------------------------------------------


def _network(card: Card, weights: Path) -> Network:
    if card.kind == "onnx":
        return OnnxNetwork(weights, card)
    try:
        tensors = own_tensors(card, weights)
        if card.kind == "resnet":
            return _resnet(tensors, card)
        reader = TensorReader(tensors)
        network = cnn.read_layers(reader, card.layers, (card.channels, *card.size))
        reader.finish(_ignored(card), UNREAD)
        return network
    except Refusal as refusal:
        known = clean(weights.name) in refusal.message
        raise (refusal if known else refusal.about(weights.name)) from None
    except BadData as error:
        raise BadData(f"{clean(weights.name)}: {error.message}", error.hint) from None


def own_tensors(card: Card, weights: Path) -> dict[str, Tensor]:
    """The tensors of the network itself, without what stands before all of their names:
    "state_dict.", DataParallel's "module.", ... Raises Refusal, OutputError. Weights such as (C, C,
    3, 3)."""
    arrays = open_checkpoint(weights).weights()
    first = next((layer.tensors for layer in card.layers if layer.tensors), "conv1")
    marker, prefix = f"{first}.weight", card.prefix  # a name that it must have
    if not prefix:
        ends = [n.removesuffix(marker) for n in arrays if n == marker or n.endswith(f".{marker}")]
        prefix = min(ends, key=len, default="")
    inside = {name: array for name, array in arrays.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): to_torch(array) for name, array in inside.items()}


def _ignored(card: Card) -> str:
    """The pattern of names that the card leaves out."""
    return "|".join(f"{re.escape(prefix)}.*" for prefix in card.ignore)


def _resnet(tensors: dict[str, Tensor], card: Card) -> ResNet:
    """A ResNet of the depth that the names show. Raises Refusal."""
    reader, blocks = TensorReader(tensors), blocks_of([*tensors])
    if not blocks or sum(blocks) > 400:
        what = "it holds no ResNet in torchvision's names (conv1, layer1.0, ..., fc)"
        raise Refusal("unknown-architecture", what, 'describe its layers: kind = "cnn"')
    reader.take("conv1.weight", STEM, card.channels, 7, 7)
    outputs = reader.take("fc.weight", -1, -1).shape[0]
    with shapes_only():
        network = ResNet(blocks, card.channels, outputs, "layer1.0.conv3.weight" in tensors)
    state = network.state_dict()
    for name, tensor in state.items():
        counts = name.endswith("num_batches_tracked")
        zero = torch.zeros((), dtype=torch.int64)
        state[name] = zero if counts else reader.take(name, *tensor.shape)
    reader.finish(_ignored(card), UNREAD)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)
