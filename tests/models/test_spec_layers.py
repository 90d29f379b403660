"""Every kind of layer of a spec is torch.nn's own, on random tensors; so are norms of weights."""

from collections.abc import Callable
from typing import Any

import pytest
import small_networks as small
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm

from latty.checkpoints.refusals import Refusal
from latty.models.layers import through
from latty.models.makers import made
from latty.models.reparametrised import take_weight
from latty.models.spec import KINDS, LAYER, Layer, Misfit
from latty.models.state_dict import TensorReader
from latty.tables.rules import Faults

Size = tuple[int, int, int]
READ = "m"  # the prefix of the layer's tensors
FEATURES: Size = (6, 4, 5)


class Bypassed(nn.Module):
    """f(x) + g(x)."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + self.shortcut(x)


def up(mode: str, **options: Any) -> nn.Module:
    return nn.Upsample(mode=mode, **options)


CASES: list[tuple[str, dict[str, Any], nn.Module, Size]] = [
    ("linear", {}, nn.Linear(120, 7), FEATURES),
    ("linear", {"bias": False}, nn.Linear(6, 7, bias=False), (6, 1, 1)),
    ("reshape", {"shape": [3, 2, 5]}, nn.Unflatten(1, (3, 2, 5)), (30, 1, 1)),
    ("conv", {"padding": 1, "kernel": 3}, nn.Conv2d(6, 4, 3, padding=1), FEATURES),
    ("conv", {"stride": [2, 1], "kernel": [3, 2], "padding": [1, 0]},
     nn.Conv2d(6, 4, (3, 2), (2, 1), (1, 0)), FEATURES),
    ("conv", {"dilation": 2, "groups": 3, "bias": False},
     nn.Conv2d(6, 9, 2, dilation=2, groups=3, bias=False), FEATURES),
    *[("conv", {"padding": [1, 2], "mode": mode},
       nn.Conv2d(6, 4, 3, padding=(1, 2), padding_mode=mode), FEATURES)
      for mode in ("zeros", "reflect", "replicate", "circular")],
    ("conv_transpose", {"stride": 2, "padding": 1, "output_padding": 1},
     nn.ConvTranspose2d(6, 4, 3, 2, 1, 1), FEATURES),
    ("conv_transpose", {"stride": [1, 3], "groups": 2, "dilation": 2, "bias": False},
     nn.ConvTranspose2d(6, 4, (2, 3), (1, 3), groups=2, dilation=2, bias=False), FEATURES),
    ("upsample", {}, up("nearest", scale_factor=2), FEATURES),
    ("upsample", {"factor": [2, 3]}, up("nearest", scale_factor=(2, 3)), FEATURES),
    ("upsample", {"size": [7, 9]}, up("nearest", size=(7, 9)), FEATURES),
    *[("upsample", {"mode": mode, "align_corners": corners},
       up(mode, scale_factor=2, align_corners=corners), FEATURES)
      for mode in ("bilinear", "bicubic") for corners in (True, False)],
    ("pixel_shuffle", {"factor": 2}, nn.PixelShuffle(2), (8, 3, 2)),
    ("avg_pool", {"kernel": 2}, nn.AvgPool2d(2), FEATURES),
    ("avg_pool", {"kernel": 3, "stride": 1, "padding": 1}, nn.AvgPool2d(3, 1, 1), FEATURES),
    ("max_pool", {"kernel": [2, 1]}, nn.MaxPool2d((2, 1)), FEATURES),
    ("pad", {"padding": 2, "mode": "reflect"}, nn.ReflectionPad2d(2), FEATURES),
    ("pad", {"padding": [1, 2, 0, 3]}, nn.ZeroPad2d((1, 2, 0, 3)), FEATURES),
    ("pad", {"padding": 1, "mode": "replicate"}, nn.ReplicationPad2d(1), FEATURES),
    ("batch_norm", {"eps": 0.1}, nn.BatchNorm2d(6, 0.1), FEATURES),
    ("batch_norm", {"affine": False}, nn.BatchNorm2d(6, affine=False), FEATURES),
    ("batch_norm", {}, nn.BatchNorm1d(6), (6, 1, 1)),
    ("layer_norm", {}, nn.LayerNorm(6), (6, 1, 1)),
    ("layer_norm", {"eps": 0.1}, nn.LayerNorm((6, 4, 5), 0.1), FEATURES),
    ("layer_norm", {}, nn.LayerNorm((4, 5)), FEATURES),
    ("layer_norm", {"bias": False}, nn.LayerNorm(5, bias=False), FEATURES),
    ("layer_norm", {"affine": False}, nn.LayerNorm(FEATURES, elementwise_affine=False), FEATURES),
    ("instance_norm", {}, nn.InstanceNorm2d(6, affine=True), FEATURES),
    ("instance_norm", {"tensors": None, "eps": 0.1}, nn.InstanceNorm2d(6, 0.1), FEATURES),
    ("instance_norm", {"running": True},
     nn.InstanceNorm2d(6, affine=True, track_running_stats=True), FEATURES),
    ("group_norm", {"groups": 3, "eps": 0.1}, nn.GroupNorm(3, 6, 0.1), FEATURES),
    ("group_norm", {"groups": 2, "affine": False}, nn.GroupNorm(2, 6, affine=False), FEATURES),
    ("residual", {"layers": [{"kind": "conv", "tensors": "m.layers", "padding": 1}]},
     Bypassed(nn.Conv2d(6, 6, 3, padding=1), nn.Identity()), FEATURES),
    ("residual", {"layers": [{"kind": "upsample"}, {"kind": "conv", "tensors": "m.layers.1"}],
                  "shortcut": [{"kind": "conv_transpose", "tensors": "m.shortcut", "stride": 2}]},
     Bypassed(nn.Sequential(up("nearest", scale_factor=2), nn.Conv2d(6, 3, 1)),
              nn.ConvTranspose2d(6, 3, 2, 2)), FEATURES),
    ("relu", {}, nn.ReLU(), FEATURES),
    ("leaky_relu", {"slope": 0.3}, nn.LeakyReLU(0.3), FEATURES),
    ("prelu", {}, nn.PReLU(), FEATURES),
    ("prelu", {}, nn.PReLU(6), FEATURES),
    ("elu", {"alpha": 0.7}, nn.ELU(0.7), FEATURES),
    ("selu", {}, nn.SELU(), FEATURES),
    ("gelu", {}, nn.GELU(), FEATURES),
    ("gelu", {"approximate": "tanh"}, nn.GELU("tanh"), FEATURES),
    ("silu", {}, nn.SiLU(), FEATURES),
    ("softplus", {}, nn.Softplus(), FEATURES),
    ("glu", {}, nn.GLU(1), FEATURES),
    ("tanh", {}, nn.Tanh(), FEATURES),
    ("sigmoid", {}, nn.Sigmoid(), FEATURES),
]  # fmt: skip
FLAT = (nn.Linear, nn.LayerNorm, nn.BatchNorm1d, nn.Unflatten)  # want (N, C) after a linear layer


def layer(kind: str, keys: dict[str, Any]) -> Layer:
    """A layer as a spec says it, that reads the tensors at READ where its kind reads any."""
    reads = {"tensors": READ} if "tensors" in KINDS[kind] else {}
    table = {"kind": kind, **reads, **keys}
    faults = Faults()
    found: Layer = LAYER.read({k: v for k, v in table.items() if v is not None}, (), faults)
    assert not faults.found
    return found


def reader(module: nn.Module) -> TensorReader:
    return TensorReader({f"{READ}.{name}": t for name, t in small.tensors(module).items()})


def test_every_kind_is_tested() -> None:
    assert {kind for kind, *_ in CASES} == set(KINDS)


@pytest.mark.parametrize(("kind", "keys", "module", "size"), CASES)
def test_a_layer_is_torchs(kind: str, keys: dict[str, Any], module: nn.Module, size: Size) -> None:
    small.shaken(module)
    source = reader(module)
    steps, after = made(source, [layer(kind, keys)], size)
    source.finish()
    x = torch.randn(3, *size, generator=torch.Generator().manual_seed(4))
    flat = (isinstance(module, FLAT) and size[1:] == (1, 1)) or isinstance(module, nn.Linear)
    with torch.no_grad():
        wanted = module(x.flatten(1) if flat else x)
        found = through(steps, x)
    assert found.shape[1:] == after
    torch.testing.assert_close(found.reshape(wanted.shape), wanted, atol=1e-5, rtol=1e-5)


# --- norms of weights ----------------------------------------------------------------------------

LAYERS: list[Callable[[], nn.Module]] = [
    lambda: nn.Linear(5, 4),
    lambda: nn.Conv2d(5, 4, 3),
    lambda: nn.Conv2d(4, 4, 3),
    lambda: nn.ConvTranspose2d(5, 4, 3),
    lambda: nn.ConvTranspose2d(4, 4, 3),
    lambda: nn.ConvTranspose2d(6, 4, 2, groups=2),
]
NORMS: dict[str, Callable[[nn.Module], nn.Module]] = {
    "weight norm": weight_norm,
    "weight norm over inputs": lambda m: weight_norm(m, dim=1),
    "weight norm of all": lambda m: weight_norm(m, dim=None),
    "weight norm, new": parametrizations.weight_norm,
    "weight norm, new, over inputs": lambda m: parametrizations.weight_norm(m, dim=1),
    "weight norm, new, of all": lambda m: parametrizations.weight_norm(m, dim=None),
    "spectral norm": spectral_norm,
    "spectral norm, new": parametrizations.spectral_norm,
}


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("make", LAYERS)
def test_a_normed_weight_is_torchs(norm: str, make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(2)
    module = NORMS[norm](make())
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.5).add_(0.1)
    module.eval()
    x = torch.randn(2, module.weight.shape[1], *[5] * (module.weight.dim() - 2))
    if isinstance(module, nn.ConvTranspose2d):
        x = torch.randn(2, module.in_channels, 5, 5)
    with torch.no_grad():
        module(x)  # the old norms set the weight as they run
        wanted = module.weight.clone()
    source = reader(module)
    outputs = int(isinstance(module, nn.ConvTranspose2d))
    found = take_weight(source, READ, *wanted.shape, outputs=outputs)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
    source.take(f"{READ}.bias", -1)
    source.finish()


def test_a_wrapped_spectral_norm_is_read() -> None:
    weight, u, v = torch.randn(4, 5), torch.randn(4), torch.randn(5)
    source = TensorReader({"m.weight_bar": weight, "m.weight_u": u, "m.weight_v": v})
    torch.testing.assert_close(take_weight(source, "m", 4, 5), weight / (u @ weight @ v))


def test_a_norm_of_zero_is_refused() -> None:
    source = TensorReader({"m.weight_g": torch.ones(4, 1), "m.weight_v": torch.zeros(4, 5)})
    with pytest.raises(Refusal, match=r"'m.weight_g' belongs to is zero"):
        take_weight(source, "m", 4, 5)


# --- what does not fit ---------------------------------------------------------------------------

WRONG = [
    ("conv", {"groups": 4}, nn.Conv2d(6, 4, 3), FEATURES, "cut into 4 groups"),
    ("conv", {}, nn.Conv2d(5, 4, 3), FEATURES, r"'m.weight' has the shape \[4, 5, 3, 3\]"),
    ("conv", {}, nn.Conv2d(6, 4, 7), FEATURES, "do not fit it: .*[Kk]ernel size"),
    ("conv", {"kernel": 5}, nn.Conv2d(6, 4, 3), FEATURES, "not \\* x 6 x 5 x 5"),
    ("conv_transpose", {"output_padding": 1}, nn.ConvTranspose2d(6, 4, 3), FEATURES, "padding"),
    ("pixel_shuffle", {"factor": 4}, nn.Identity(), FEATURES, "do not fit it"),
    ("glu", {}, nn.Identity(), (5, 2, 2), "do not fit it"),
    ("pad", {"padding": 6, "mode": "reflect"}, nn.Identity(), FEATURES, "do not fit it"),
    ("avg_pool", {"kernel": 9}, nn.Identity(), FEATURES, "do not fit it"),
    ("layer_norm", {}, nn.LayerNorm(6), FEATURES, r"'m.weight' has the shape \[6\], not 5"),
    ("instance_norm", {}, nn.InstanceNorm2d(6, affine=True), (6, 1, 1), "single pixels"),
    ("group_norm", {"groups": 5}, nn.GroupNorm(2, 6), FEATURES, "cut into 5 groups"),
    ("prelu", {}, nn.PReLU(4), FEATURES, r"has the shape \[4\], not 6"),
    ("residual", {"layers": [{"kind": "upsample"}]}, nn.Identity(), FEATURES, "its shortcut 6 x 4"),
]


@pytest.mark.parametrize(("kind", "keys", "module", "size", "said"), WRONG)
def test_a_misfit_names_its_layer(
    kind: str, keys: dict[str, Any], module: nn.Module, size: Size, said: str
) -> None:
    with pytest.raises(Misfit, match=said) as caught:
        made(reader(module), [Layer("relu"), layer(kind, keys)], size)
    assert caught.value.place == ("layers", 1) and f"layer 1 ({kind})" in caught.value.what


def test_a_misfit_inside_a_sum_has_its_own_place() -> None:
    keys = {"layers": [{"kind": "relu"}], "shortcut": [{"kind": "prelu", "tensors": "gone"}]}
    with pytest.raises(
        Misfit, match=r"layer 0.shortcut.0 \(prelu\): tensor 'gone.weight'"
    ) as caught:
        made(reader(nn.Identity()), [layer("residual", keys)], FEATURES)
    assert caught.value.place == ("layers", 0, "shortcut", 0)
