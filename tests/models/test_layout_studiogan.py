"""StudioGAN's residual generators: a reference of torch.nn layers, in each of their four kinds."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import small_networks as small
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData
from latty.models import open_model

Z, CLASSES, WIDTHS = 12, 3, (16, 8, 8)  # two blocks: 16 px


class Norm(nn.Module):
    """Batch norm whose gain and shift a condition of `width` numbers gives."""

    def __init__(self, width: int, channels: int, normed: bool) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=1e-4, affine=False)
        for name in ("gain", "bias"):
            linear = nn.Linear(width, channels, bias=False)
            setattr(self, name, spectral_norm(linear) if normed else linear)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.bn(x) * (1 + self.gain(y))[..., None, None] + self.bias(y)[..., None, None]


class Block(nn.Module):
    def __init__(self, width: int, inputs: int, outputs: int, normed: bool) -> None:
        super().__init__()
        norms = [Norm(width, n, normed) if width else nn.BatchNorm2d(n, eps=1e-4)
                 for n in (inputs, outputs)]  # fmt: skip
        self.bn1, self.bn2 = norms
        sizes = (inputs, outputs, 1), (inputs, outputs, 3), (outputs, outputs, 3)
        for i, (a, b, side) in enumerate(sizes):
            conv = nn.Conv2d(a, b, side, padding=side // 2)
            setattr(self, f"conv2d{i}", spectral_norm(conv) if normed else conv)

    def forward(self, x: Tensor, *y: Tensor) -> Tensor:
        h = F.interpolate(torch.relu(self.bn1(x, *y)), scale_factor=2)
        h = self.conv2d2(torch.relu(self.bn2(self.conv2d1(h), *y)))
        return h + self.conv2d0(F.interpolate(x, scale_factor=2))


class Attention(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        for name, (a, b) in {"theta": (c, c // 8), "phi": (c, c // 8), "g": (c, c // 2),
                             "attn": (c // 2, c)}.items():  # fmt: skip
            setattr(self, f"conv1x1_{name}", spectral_norm(nn.Conv2d(a, b, 1, bias=False)))
        self.sigma = nn.Parameter(torch.tensor([0.7]))

    def forward(self, x: Tensor) -> Tensor:
        keys, values = self.conv1x1_phi(x), self.conv1x1_g(x)
        key, value = (F.max_pool2d(part, 2).flatten(2) for part in (keys, values))
        seen = (self.conv1x1_theta(x).flatten(2).transpose(1, 2) @ key).softmax(-1)
        found = (value @ seen.transpose(1, 2)).unflatten(2, x.shape[2:])
        return x + self.sigma * self.conv1x1_attn(found)


class Studio(nn.Module):
    """`chunks`: z is cut, one chunk for each block (big_resnet); else it is whole (resnet)."""

    def __init__(self, chunks: bool, classes: bool, normed: bool) -> None:
        super().__init__()
        self.chunks, self.classes = chunks, classes
        start = Z // 3 if chunks else Z
        width = start * chunks + (5 if chunks else CLASSES) * classes
        linear = nn.Linear(start, 16 * WIDTHS[0])
        self.linear0 = spectral_norm(linear) if normed else linear
        if chunks and classes:
            self.shared = nn.Embedding(CLASSES, 5)
        blocks = [Block(width, a, b, normed) for a, b in pairwise(WIDTHS)]
        parts = [blocks[0], Attention(WIDTHS[1]), blocks[1]] if normed else blocks
        self.blocks = nn.ModuleList(nn.ModuleList([part]) for part in parts)
        self.bn4 = nn.BatchNorm2d(WIDTHS[-1], eps=1e-4)
        last = nn.Conv2d(WIDTHS[-1], 3, 3, padding=1)
        self.conv2d5 = spectral_norm(last) if normed else last

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        hot = F.one_hot(label, CLASSES).float()
        start, *chunks = z.split(Z // 3, 1) if self.chunks else (z,)
        x, done = self.linear0(start).view(len(z), -1, 4, 4), 0
        for (part,) in self.blocks:
            if isinstance(part, Attention):
                x = part(x)
                continue
            given = [self.shared(label) if self.chunks else hot] if self.classes else []
            given += [chunks[done]] if self.chunks else []
            x, done = part(x, *([torch.cat(given, 1)] if given else [])), done + 1
        return torch.tanh(self.conv2d5(torch.relu(self.bn4(x))))


def network(chunks: bool, classes: bool, normed: bool) -> nn.Module:
    torch.manual_seed(0)
    made = Studio(chunks, classes, normed)
    made(torch.randn(4, Z), torch.arange(4) % CLASSES)  # a step of power iteration, and statistics
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return made.eval()


@pytest.mark.parametrize("chunks", [True, False])
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("normed", [True, False])
def test_pictures_are_those_of_torchs_own_layers(
    chunks: bool, classes: bool, normed: bool, tmp_path: Path
) -> None:
    made = network(chunks, classes, normed)
    torch.save({"state_dict": made.state_dict(), "step": 3}, tmp_path / "m.pth")
    model, label = open_model(str(tmp_path / "m.pth"), "cpu"), torch.tensor([2, 0])
    assert model.info.num_classes == CLASSES * classes and model.info.z_dim == Z
    assert model.info.num_layers == (3 if chunks else 1)
    z = model.sample([1, 2])
    with torch.no_grad():
        wanted = made(z, label)
    given = label if classes else None
    images = model.synthesis(model.mapping(z, given), given)
    torch.testing.assert_close(images, wanted, atol=3e-6, rtol=1e-5)
    assert any("ReLU" in note for note in model.info.notes)


def test_a_spectral_norm_without_its_vector_is_refused(tmp_path: Path) -> None:
    tensors = small.tensors(network(True, True, True))
    del tensors["conv2d5.weight_u"]
    torch.save(tensors, tmp_path / "m.pth")
    with pytest.raises(Refusal, match=r"conv2d5\.weight_u"):
        open_model(str(tmp_path / "m.pth"), "cpu")


def test_its_settings_say_how_latents_are_drawn(tmp_path: Path) -> None:
    torch.save(network(True, True, True).state_dict(), tmp_path / "m.pth")
    said = tmp_path / "config.json"
    for prior in ("gaussian", "uniform"):
        said.write_text(json.dumps({"g_act_fn": "ReLU", "z_prior": prior}))
        model = open_model(str(tmp_path / "m.pth"), "cpu")
        assert (float(model.sample(range(9)).abs().max()) <= 1) == (prior == "uniform")
        assert not model.info.notes
    said.write_text(json.dumps({"g_act_fn": "Leaky_ReLU"}))
    with pytest.raises(BadData, match="g_act_fn"):
        open_model(str(tmp_path / "m.pth"), "cpu")
