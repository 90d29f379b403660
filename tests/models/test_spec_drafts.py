"""Specs drafted: of a whole module all of it, of a state_dict what names and shapes tell."""

import math
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import small_networks as small
import torch
import torch.nn.functional as F
from cli_in_process import latty
from costs import cost
from plain_files import check, drafted, imported, saved
from safetensors.torch import save_file
from torch import Tensor, nn

from latty.checkpoints import open_checkpoint
from latty.errors import BadData
from latty.models import spec as models_spec
from latty.models.draft import draft


class Dropped(nn.Sequential):
    """A generator class of somebody's own around a chain."""


def whole() -> nn.Module:
    return Dropped(
        nn.Linear(6, 40), nn.BatchNorm1d(40), nn.ELU(0.5), nn.Unflatten(1, (10, 2, 2)),
        nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
        nn.utils.spectral_norm(nn.Conv2d(10, 8, 3, padding=1, padding_mode="reflect")),
        nn.GroupNorm(2, 8), nn.Dropout(0.1),
        nn.SiLU(), nn.ConvTranspose2d(8, 4, (3, 4), (1, 2), 1, groups=2), nn.InstanceNorm2d(4),
        nn.PReLU(4), nn.PixelShuffle(2), nn.ReflectionPad2d(1), nn.Conv2d(1, 3, 3), nn.Sigmoid(),
    )  # fmt: skip


def test_a_whole_module_drafts_its_whole_spec(tmp_path: Path, monkeypatch: Any) -> None:
    network = small.shaken(whole())
    monkeypatch.setattr(Dropped, "__module__", "__main__")
    monkeypatch.setattr("__main__.Dropped", Dropped, raising=False)
    path = saved(network, tmp_path)
    text = drafted(path, tmp_path)
    assert "FILL IN:" not in text
    model, told = imported(path, text, tmp_path)
    check(model, lambda z: network(z) * 2 - 1)
    assert (model.info.height, model.info.width_px) == (8, 16) and "FILL IN" not in told


@pytest.mark.parametrize(
    "network",
    [
        small.DCGAN(),
        small.DCGAN((12, 9, 7, 5, 1)),
        nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 9), nn.ReLU(), nn.Linear(9, 192),
                      nn.Tanh()),
        nn.Sequential(nn.Linear(5, 9), nn.LayerNorm(9), nn.ReLU(), nn.Linear(9, 64), nn.Tanh()),
        nn.Sequential(nn.Linear(5, 9), nn.PReLU(), nn.Linear(9, 64), nn.Tanh()),
        nn.Sequential(nn.Linear(5, 32), nn.Unflatten(1, (8, 2, 2)),
                      nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()),
        nn.Sequential(nn.Linear(5, 32), nn.Unflatten(1, (8, 2, 2)), nn.BatchNorm2d(8),
                      nn.ReLU(), nn.ConvTranspose2d(8, 3, 2, 2, bias=False), nn.Tanh()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("lead", ["", "gen.", "state_dict/module."])
def test_a_state_dict_drafts_a_usual_network(network: nn.Module, lead: str, tmp_path: Path) -> None:
    small.shaken(network)
    holder, _, prefix = lead.rpartition("/")
    tensors = {prefix + name: t for name, t in network.state_dict().items()}
    critic = {"critic.0.weight": torch.ones(1, 3, 4, 4)} if prefix == "gen." else {}
    path = saved({holder: tensors} if holder else {**tensors, **critic}, tmp_path)
    text = drafted(path, tmp_path)
    assert text.count("FILL IN:") <= ("relu" in text), text
    model, told = imported(path, text, tmp_path)
    dcgan = isinstance(network, small.DCGAN)
    check(model, (lambda z: network(z)) if dcgan else network)
    marked = re.findall(r"=.*# FILL IN", text)
    assert (f"{len(marked)} line" in told and "still marked FILL IN" in told) == bool(marked)


def test_a_draft_says_what_it_cannot_know(tmp_path: Path) -> None:
    tensors = {"a.weight": torch.randn(5, 5, 3, 3), "odd": torch.ones(2, 3, 4, 5, 6)}
    text = drafted(saved({"fc.weight": torch.randn(20, 6), **tensors}, tmp_path), tmp_path)
    assert "FILL IN: conv or conv_transpose?" in text and "what is 'odd' for" in text
    assert models_spec.parse(text).ignore == ("odd",)
    classes = {"emb.weight": torch.randn(4, 6), "fc.weight": torch.randn(16, 6)}
    text = drafted(saved(classes, tmp_path), tmp_path)
    assert models_spec.parse(text).join == "product" and "FILL IN: product or sum?" in text
    critic = saved({"netD": {"0.weight": torch.ones(3)}}, tmp_path)
    assert latty("inspect", str(critic), "--spec", home=tmp_path).returncode == 65


@pytest.mark.parametrize("shape", [(0, 0), (0, 4, 4, 4), (4, 0, 3, 3), (1, 1), (7,), ()])
@pytest.mark.parametrize("after", [(4, 4, 4, 4), (9, 5), (0,)])
def test_odd_shapes_are_refused_or_drafted(shape: Any, after: Any, tmp_path: Path) -> None:
    tensors = {"\x7f\u00e9\x1b.weight": torch.zeros(shape), "b.weight": torch.zeros(after)}
    done = latty("inspect", str(saved(tensors, tmp_path)), "--spec", home=tmp_path)
    assert done.returncode in (0, 65) and "our fault" not in done.stderr
    if done.returncode == 0:
        tomllib.loads(done.stdout)


# --- what is no chain ----------------------------------------------------------------------------


class Block(nn.Module):
    """SNGAN's: norm, relu, up, convolution, twice; a convolution beside them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.b1, self.c1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.b2, self.c2 = nn.BatchNorm2d(outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.c_sc = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.c1(F.interpolate(F.relu(self.b1(x)), scale_factor=2))
        return self.c2(F.relu(self.b2(h))) + self.c_sc(F.interpolate(x, scale_factor=2))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.l1, self.block2, self.block3 = nn.Linear(6, 9 * 16), Block(9, 9), Block(9, 5)
        self.b4, self.c4 = nn.BatchNorm2d(5), nn.Conv2d(5, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.block3(self.block2(self.l1(z).view(-1, 9, 4, 4)))
        return torch.tanh(self.c4(F.relu(self.b4(x))))


class Shuffled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(6, 9 * 16)
        self.net = nn.Sequential(
            nn.Conv2d(9, 20, 3, padding=1), nn.PixelShuffle(2), nn.ReLU(),
            nn.Conv2d(5, 1, 3, padding=1), nn.Tanh(),
        )  # fmt: skip

    def forward(self, z: Tensor) -> Tensor:
        x: Tensor = self.net(F.relu(self.fc(z)).view(-1, 9, 4, 4))
        return x


class Meeting(nn.Module):
    """A latent and a class that meet behind a transposed convolution each."""

    def __init__(self) -> None:
        super().__init__()
        self.deconv1_1, self.bn1_1 = nn.ConvTranspose2d(6, 5, 4), nn.BatchNorm2d(5)
        self.deconv1_2, self.bn1_2 = nn.ConvTranspose2d(4, 5, 4), nn.BatchNorm2d(5)
        self.deconv2 = nn.ConvTranspose2d(10, 3, 4, 2, 1)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        told = F.one_hot(label, 4).float()[:, :, None, None]
        x = F.relu(self.bn1_1(self.deconv1_1(z[:, :, None, None])))
        y = F.relu(self.bn1_2(self.deconv1_2(told)))
        return torch.tanh(self.deconv2(torch.cat([x, y], 1)))


class Embedded(nn.Module):
    """The same of linear layers, the class embedded and first in the file."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lab, self.lat = nn.Embedding(4, 7), nn.Linear(7, 9), nn.Linear(6, 45)
        self.gen = nn.ConvTranspose2d(6, 3, 4, 2, 1)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        y = F.relu(self.lab(self.embed(label))).view(-1, 1, 3, 3)
        return torch.tanh(self.gen(torch.cat([F.relu(self.lat(z)).view(-1, 5, 3, 3), y], 1)))


@pytest.mark.parametrize("make", [ResNet, Shuffled, Meeting, Embedded])
def test_sums_and_branches_are_drafted(make: Any, tmp_path: Path) -> None:
    network = small.shaken(make())
    path = saved({"gen": network.state_dict()}, tmp_path)
    model, _ = imported(path, drafted(path, tmp_path), tmp_path)
    check(model, network, torch.tensor([0, 3, 1]) if model.info.num_classes else None)


def test_padding_in_words_and_idle_modules_are_drafted(tmp_path: Path) -> None:
    network = small.shaken(nn.Sequential(
        nn.Conv2d(6, 8, 1, padding="valid"), nn.SELU(), nn.AlphaDropout(0.1),
        nn.Upsample(scale_factor=4, mode="nearest-exact"),
        nn.Conv2d(8, 3, (3, 5), padding="same", dilation=(2, 1)), nn.Tanh(),
    ))  # fmt: skip
    path = saved(network, tmp_path)
    text = drafted(path, tmp_path)
    assert "FILL IN:" not in text
    check(imported(path, text, tmp_path)[0], lambda z: network(z[:, :, None, None]))


ODD = [b"\xff", 3j, math.nan, math.inf, None, "word", [[1], [2]], {"a": 1}, {1, 2}, -1, 0, 1e308,
       torch.float32, torch.zeros(3), ("a", None, {}), ...]  # fmt: skip


@pytest.mark.parametrize(
    "value", ODD, ids=[f"{type(one).__name__}-{i}" for i, one in enumerate(ODD)]
)
def test_settings_that_no_layer_has_are_one_line_or_data(value: Any, tmp_path: Path) -> None:
    names = {name for layer in whole() for name in vars(layer) if not name.startswith("_")}
    for name in sorted(names - {"training"}):
        network = nn.Sequential(*whole())
        for layer in network:
            if name in vars(layer):
                vars(layer)[name] = value
        torch.save(network, tmp_path / "n.pt")
        with suppress(BadData):
            tomllib.loads(draft(open_checkpoint(tmp_path / "n.pt")))


def test_a_module_without_a_setting(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(4, 3, 3, padding="same"))
    del network[0].kernel_size
    torch.save(network, tmp_path / "n.pt")
    done = latty("inspect", "n.pt", "--spec", home=tmp_path)
    assert done.returncode == 65 and done.stderr.count("\n") == 1 and "n.pt" in done.stderr


def test_many_blocks_cost_no_more_than_their_names(tmp_path: Path) -> None:
    one = torch.zeros(1, 1, 1, 1)
    shapes = {f"b{i}.{k}.weight": one for i in range(6_000) for k in ("c_sc", "conv")}
    save_file({name: one.clone() for name in shapes}, tmp_path / "many.safetensors")
    done = cost(["inspect", "many.safetensors", "--spec"], tmp_path)
    assert done.code == 0 and done.seconds < 2, done.seconds
