"""lightweight-gan: its checkpoints open at the average over training; equations; refusals."""

import re
from pathlib import Path

import family_promises as promises
import pytest
import torch
import torch.nn.functional as F
from small_families import lightweight_tensors
from torch import Tensor

from latty.errors import BadData
from latty.models import open_model
from latty.models.families import lightweight_gan

CPU = torch.device("cpu")


def checkpoint(folder: Path) -> Path:
    """As its Trainer writes one: every network under its own prefix."""
    made, file = lightweight_tensors(), folder / "model_7.pt"
    gan = {f"GE.{name}": tensor for name, tensor in made.items()}
    gan |= {f"G.{name}": tensor + 1 for name, tensor in made.items()}
    gan |= {
        "D.to_logits.0.weight": torch.ones(3, 3, 1, 1),
        "GE.initial_conv.1.num_batches_tracked": torch.tensor(3),
    }
    torch.save({"GAN": gan, "version": "1.2.1", "G_scaler": {}, "D_scaler": {}}, file)
    return file


def test_the_average_over_training_is_taken(tmp_path: Path) -> None:
    model = open_model(str(checkpoint(tmp_path)), "cpu")
    ours = lightweight_gan.build(lightweight_tensors(), {}, CPU)
    z = model.sample([1, 2])
    assert model.info.family == "lightweight_gan" and model.info.resolution == 64
    assert any("noise seeded with 0" in note for note in model.info.notes)
    for noise in ("const", "none", 4):
        images = (one.synthesis(one.mapping(z), noise=noise) for one in (model, ours))
        torch.testing.assert_close(*images)


def test_spectral_norm_is_divided_out(tmp_path: Path) -> None:
    made, given = lightweight_tensors(), {}
    for name, tensor in lightweight_tensors().items():
        given[f"GE.{name}"] = tensor
        if tensor.dim() != 4 or not name.endswith(".weight"):
            continue
        swap = name == "initial_conv.0.weight"
        matrix = (tensor.transpose(0, 1) if swap else tensor).flatten(1)
        left, sigma, right = torch.linalg.svd(matrix, full_matrices=False)
        made[name], u, v = tensor / sigma[0], left[:, 0], right[0]
        new = f"GE.{name.removesuffix('weight')}parametrizations.weight."
        given |= {f"{new}original": given.pop(f"GE.{name}"), f"{new}0._u": u, f"{new}0._v": v}
    torch.save({"GAN": given}, tmp_path / "model_7.pt")
    model = open_model(str(tmp_path / "model_7.pt"), "cpu")
    z, ours = model.sample([1]), lightweight_gan.build(made, {}, CPU)
    torch.testing.assert_close(*(one.synthesis(one.mapping(z)) for one in (model, ours)))


def attended(t: dict[str, Tensor], x: Tensor) -> Tensor:
    """One head of both attentions, pixel by pixel: softmax over all, and over the neighbours."""
    t = {name.removeprefix("layers.1.2."): tensor for name, tensor in t.items()}
    y = F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)
    y = y * t["norm.g"] + t["norm.b"]
    deep = F.conv2d(y, t["fn.to_lin_kv.net.0.weight"], padding=1, groups=x.shape[1])
    key, value = F.conv2d(deep, t["fn.to_lin_kv.net.1.weight"]).flatten(2).chunk(2, 1)
    query = F.conv2d(y, t["fn.to_lin_q.weight"]).flatten(2).softmax(1) / 8
    linear = torch.einsum("ndi,nei,ndj->nej", key.softmax(2), value, query).reshape(
        -1, 64, *x.shape[2:]
    )
    query = F.conv2d(y, t["fn.to_q.weight"]) / 8
    key, value = F.pad(F.conv2d(y, t["fn.to_kv.weight"]), (1, 1, 1, 1)).chunk(2, 1)
    local = torch.empty_like(query)
    for i in range(x.shape[2]):
        for j in range(x.shape[3]):
            near = [part[:, :, i : i + 3, j : j + 3].flatten(2) for part in (key, value)]
            share = torch.einsum("nd,ndk->nk", query[:, :, i, j], near[0]).softmax(1)
            local[:, :, i, j] = torch.einsum("nk,ndk->nd", share, near[1])
    both = torch.cat([F.gelu(linear), local], 1)
    return x + F.conv2d(both, t["fn.to_out.weight"], t["fn.to_out.bias"])


@pytest.mark.parametrize("fixed", [False, True])
def test_pictures_are_those_of_the_equations(fixed: bool) -> None:
    t = lightweight_tensors((6, 5, 4, 4, 3, 3, 2, 2), fixed)  # 512 px: a gated layer gates
    model = lightweight_gan.build(t, {}, CPU)
    z = model.sample([1, 2])

    def normed(x: Tensor, name: str) -> Tensor:
        parts = (t[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.glu(F.batch_norm(x, *parts), 1)

    x = F.conv_transpose2d(
        z[:, :, None, None], t["initial_conv.0.weight"], t["initial_conv.0.bias"]
    )
    x = normed(x, "initial_conv.1")
    x = x / x.square().sum(1, keepdim=True).sqrt()
    gates: dict[int, Tensor] = {}
    for place in range(7):
        x = attended(t, x) if place == 1 else x
        name = f"layers.{place}.0"
        x = F.conv2d(x, t[f"{name}.0.net.0.weight"], t[f"{name}.0.net.0.bias"])
        x = F.pixel_shuffle(x * x.sigmoid(), 2)
        if place == 2:  # the one that is blurred
            line = t["layers.2.0.1.f"] / 4
            kernel = torch.outer(line, line).expand(x.shape[1], 1, 3, 3)
            x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=x.shape[1])
        x = F.conv2d(F.pad(x, (2, 1, 2, 1)), t[f"{name}.2.1.weight"], t[f"{name}.2.1.bias"])
        x = normed(x, f"{name}.4")
        ungated, gate = x, f"layers.{place}.1"
        if place in gates:
            x = x * gates[place]
        if f"{gate}.net.0.weight" in t:
            share = t.get(f"{gate}.dct_weights")
            if share is None:
                share = F.conv2d(ungated, t[f"{gate}.to_k.weight"], t[f"{gate}.to_k.bias"])
                share = share.flatten(1).softmax(1).reshape(-1, 1, *x.shape[2:])
            y = (ungated * share).sum((2, 3), keepdim=True)
            y = F.conv2d(y, t[f"{gate}.net.0.weight"], t[f"{gate}.net.0.bias"])
            y = F.conv2d(F.leaky_relu(y, 0.1), t[f"{gate}.net.2.weight"], t[f"{gate}.net.2.bias"])
            gates[place + 3] = y.sigmoid()
    wanted = F.conv2d(x, t["out_conv.weight"], t["out_conv.bias"], padding=1) * 2 - 1
    ours = model.synthesis(model.mapping(z), noise="none")
    torch.testing.assert_close(ours, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "name", ["layers.0.0.2.1.weight", "layers.1.2.fn.to_q.weight", "layers.2.0.4.bias"]
)
def test_a_damaged_tensor_is_named(name: str) -> None:
    promises.check_damage(lightweight_gan.build, lightweight_tensors(), {}, name)


def test_gates_of_a_layer_that_is_not_there_are_refused() -> None:
    made = lightweight_tensors()
    moved = {re.sub(r"^layers\.0\.1\.", "layers.3.1.", name): t for name, t in made.items()}
    with pytest.raises(BadData, match=r"layers\.3\.1"):
        lightweight_gan.build(moved, {}, CPU)
