"""Strangers' plain networks through the front door: a spec beside a file, or drafted from it.

The networks are torch.nn's, saved as people save them; the pictures are compared with their own.
"""

import re
from pathlib import Path

import numpy as np
import pytest
import small_networks as small
import torch
from cli_in_process import latty
from costs import cost
from places import SHARED
from plain_files import check, imported, saved
from safetensors import safe_open
from torch import Tensor, nn

from latty.models import open_model
from latty.models import spec as models_spec
from latty.models.measuring import measured, strays
from latty.models.opening import build, convert

WILD = SHARED / "cases/wild"
needs_wild = pytest.mark.skipif(not WILD.is_dir(), reason="no ../shared/cases/wild here")


# --- classes -------------------------------------------------------------------------------------


class Conditional(nn.Module):
    """A class joined to a latent of 6 numbers in one of the ways of people."""

    def __init__(self, kind: str, join: str, width: int, first: bool) -> None:
        super().__init__()
        self.table = nn.Linear(4, width) if kind == "linear" else nn.Embedding(4, width)
        self.join, self.first = join, first
        self.out = nn.Linear(6 + width * (join == "concat"), 64)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        linear = isinstance(self.table, nn.Linear)
        told = self.table(nn.functional.one_hot(label, 4).float() if linear else label)
        joined = {"product": lambda: z * told, "sum": lambda: z + told}.get(
            self.join, lambda: torch.cat([told, z] if self.first else [z, told], 1)
        )
        return torch.tanh(self.out(joined()))


@pytest.mark.parametrize("kind", ["embedding", "linear"])
@pytest.mark.parametrize(
    ("join", "width", "first"),
    [("concat", 3, False), ("concat", 3, True), ("concat", 4, False), ("product", 6, False),
     ("sum", 6, False)],
)  # fmt: skip
def test_a_class_enters_in_every_way(
    kind: str, join: str, width: int, first: bool, tmp_path: Path
) -> None:
    network = small.shaken(Conditional(kind, join, width, first))
    said = f'join = "{join}"' if join != "concat" else f'first = "{"class" if first else "latent"}"'
    text = f"""layers = [{{ kind = "linear", tensors = "out" }}, {{ kind = "tanh" }},
{{ kind = "reshape", shape = [4, 2, 8] }}]
latent = {{ size = 6 }}
image = {{ channels = 4, size = [2, 8] }}
classes = {{ count = 4, embedding = "table.weight", {said} }}"""
    model, told = imported(saved(network.state_dict(), tmp_path), text, tmp_path)
    check(model, network, torch.tensor([0, 3, 1]))
    assert (model.info.height, model.info.width_px, model.info.channels) == (2, 8, 4)
    assert ("is square: taken as an embedding" in told) == (width == 4 and kind == "embedding")


class Branches(nn.Module):
    """A latent of 6 numbers and a class of 4 that meet behind layers of their own."""

    def __init__(self, join: str, embedded: bool) -> None:
        super().__init__()
        self.join, self.table = join, nn.Embedding(4, 5) if embedded else None
        self.z = nn.Sequential(nn.ConvTranspose2d(6, 3, 4), nn.BatchNorm2d(3), nn.ReLU())
        self.y = nn.Sequential(
            nn.ConvTranspose2d(5 if embedded else 4, 3, 4), nn.BatchNorm2d(3), nn.ELU()
        )
        self.out = nn.ConvTranspose2d(6 if join == "concat" else 3, 3, 4, 2, 1)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        told = self.table(label) if self.table else nn.functional.one_hot(label, 4).float()
        x, y = self.z(z[:, :, None, None]), self.y(told[:, :, None, None])
        x = {"product": lambda: x * y, "sum": lambda: x + y}.get(
            self.join, lambda: torch.cat([x, y], 1)
        )()
        return torch.tanh(self.out(x))


BRANCHES = """layers = [
  {{ kind = "conv_transpose", tensors = "out", stride = 2, padding = 1 }},
  {{ kind = "tanh" }},
]
statistics = "{statistics}"
[latent]
size = 6
layers = [
  {{ kind = "conv_transpose", tensors = "z.0" }},
  {{ kind = "batch_norm", tensors = "z.1" }},
  {{ kind = "relu" }},
]
[image]
channels = 3
size = 8
[classes]
count = 4
join = "{join}"
{embedding}
layers = [
  {{ kind = "conv_transpose", tensors = "y.0" }},
  {{ kind = "batch_norm", tensors = "y.1" }},
  {{ kind = "elu" }},
]
"""


@pytest.mark.parametrize("join", ["concat", "product", "sum"])
@pytest.mark.parametrize("embedded", [True, False])
@pytest.mark.parametrize("statistics", ["stored", "measured"])
def test_latent_and_class_have_layers_before_they_meet(
    join: str, embedded: bool, statistics: str, tmp_path: Path
) -> None:
    network = small.shaken(Branches(join, embedded))
    embedding = 'embedding = "table.weight"' if embedded else ""
    text = BRANCHES.format(join=join, embedding=embedding, statistics=statistics)
    model, _ = imported(saved(network.state_dict(), tmp_path), text, tmp_path)
    if statistics == "measured":
        in_training_mode(network, labels=torch.arange(1024) % 4)
    check(model, network, torch.tensor([0, 3, 1]))
    z = model.sample([5])
    with torch.no_grad():
        wanted = network.z[0](z[:, :, None, None]) - network.z[0].bias[:, None, None]
    (matrix,) = model.layer_weights()
    torch.testing.assert_close(z @ matrix.T, wanted.flatten(1))
    shown = latty("inspect", "net", "--spec", home=tmp_path).stdout
    assert models_spec.parse(shown) == models_spec.parse(text)


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ('"y.0" }', '"y.0", stride = 2, padding = 1 }', "16:2: classes",
         "a concat needs .*: 3 x 2 x 2 is not 3 x 4 x 4"),
        ('"y.1"', '"z"', "22:3: classes.layers.1", r"\(batch_norm\): tensor 'z\."),
        ('"z.0"', '"z.9"', "9:3: latent.layers.0", "'z.9.weight' is missing"),
    ],
)  # fmt: skip
def test_a_misfit_before_they_meet_has_its_place(
    old: str, new: str, place: str, said: str, tmp_path: Path
) -> None:
    text = BRANCHES.format(join="concat", embedding="", statistics="stored").replace(old, new)
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    path = saved(Branches("concat", False).state_dict(), tmp_path)
    done = latty("import", str(path), "--spec", "s.toml", home=tmp_path)
    assert done.returncode == 65 and f"s.toml:{place}: " in done.stderr, done.stderr
    assert re.search(said, done.stderr), done.stderr


# --- names ---------------------------------------------------------------------------------------

MLP = """layers = [{{ kind = "linear", tensors = "{0}fc" }}, {{ kind = "tanh" }},
{{ kind = "reshape", shape = [1, 4, 4] }}]
latent = {{ size = 6 }}
image = {{ channels = 1, size = 4 }}
"""


@pytest.mark.parametrize("held", ["", "model_state_dict.", "gen."])
@pytest.mark.parametrize("wrapped", ["", "module."])
@pytest.mark.parametrize("long", [True, False])
def test_a_spec_may_use_the_names_of_inspect_and_those_of_the_network(
    held: str, wrapped: str, long: bool, tmp_path: Path
) -> None:
    network = nn.Linear(6, 16)
    tensors = {f"{wrapped}fc.{name}": t for name, t in network.state_dict().items()}
    whole = {held[:-1]: tensors, "optimizer": {"m": torch.ones(2)}, "aaa": {"w": torch.ones(3)}}
    path = saved(whole if held else tensors, tmp_path)
    listed = latty("inspect", str(path), home=tmp_path).stdout
    assert f"{held}{wrapped}fc.weight" in listed
    text = MLP.format(held + wrapped if long else "")
    model, _ = imported(path, text, tmp_path)
    check(model, lambda z: torch.tanh(network(z)))


# --- what does not fit blames the spec -----------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("size = 6", "size = 7", "2:3: layers.0", r"'fc.weight' has the shape \[16, 6\], not"),
        ('"fc"', '"fd"', "2:3: layers.0", "'fd.weight' is missing, did you mean 'fc.weight'"),
        ("[1, 4, 4]", "[1, 4, 3]", "4:3: layers.2", "do not fill 1 x 4 x 3"),
        ("size = 4", "size = [4, 5]", "6:1: image", "pictures, the spec says 1 x 4 x 5"),
        ('"tanh"', '"tanhh"', "3:5: layers.1.kind", "did you mean 'tanh'"),
    ],
)
def test_what_does_not_fit_is_told_at_its_place_in_the_spec(
    old: str, new: str, place: str, said: str, tmp_path: Path
) -> None:
    path = saved({"fc." + n: t for n, t in nn.Linear(6, 16).state_dict().items()}, tmp_path)
    text = MLP.format("").replace("[{", "[\n  {").replace("}, {", "},\n  {")
    text = text.replace("},\n{", "},\n  {")
    (tmp_path / "s.toml").write_text(text.replace(old, new), encoding="utf-8")
    done = latty("import", str(path), "--spec", "s.toml", home=tmp_path)
    assert done.returncode == 65 and "net.pth:" not in done.stderr
    assert f"s.toml:{place}: " in done.stderr and re.search(said, done.stderr), done.stderr


LINEAR = '{ kind = "linear", tensors = "0" },\n'
SEVERAL = {
    "chain": LINEAR * 300,
    "sums": f'{{ kind = "residual", layers = [{LINEAR.strip() * 30}] }},\n' * 10,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SEVERAL)
def test_layers_that_read_one_tensor_have_no_gigabytes_of_it(kind: str, tmp_path: Path) -> None:
    path = saved(nn.Sequential(nn.Linear(768, 768)), tmp_path)
    (tmp_path / "s.toml").write_text(
        "latent = { size = 768 }\nimage = { channels = 3, size = 16 }\nlayers = [\n"
        + LINEAR * 3 + SEVERAL[kind] + '{ kind = "reshape", shape = [3, 16, 16] } ]\n'
    )  # fmt: skip
    done = cost(["import", path.name, "--spec", "s.toml"], tmp_path)
    assert done.code == 65 and "too many layers read the same tensors, as '0.weight'" in done.err
    assert re.search(r"s\.toml:\d+:\d+: layers", done.err) and done.peak < 600


def test_a_tensor_that_nothing_reads_blames_the_spec(tmp_path: Path) -> None:
    tensors = {"fc." + n: t for n, t in nn.Linear(6, 16).state_dict().items()}
    path = saved({**tensors, "more.weight": torch.ones(3)}, tmp_path)
    (tmp_path / "s.toml").write_text(MLP.format(""), encoding="utf-8")
    done = latty("import", str(path), "--spec", "s.toml", home=tmp_path)
    assert done.returncode == 65
    assert "s.toml:1:1: layers: tensor 'more.weight' is no part of this network" in done.stderr
    assert "ignore = [...]" in done.stderr


# --- statistics of batch norms -------------------------------------------------------------------


class Sum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 5, 3, padding=1))
        self.b = nn.Sequential(nn.Conv2d(5, 5, 1), nn.BatchNorm2d(5, affine=False))

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) + self.b(x)


def normed() -> nn.Module:
    first = nn.ConvTranspose2d(6, 5, 4), nn.BatchNorm2d(5, eps=0.01), nn.LeakyReLU(0.2)
    last = nn.ConvTranspose2d(5, 3, 4, 2, 1), nn.Tanh()
    return small.shaken(nn.Sequential(*first, Sum(), *last))


NORMED = """
layers = [
  { kind = "conv_transpose", tensors = "0" },
  { kind = "batch_norm", tensors = "1", eps = 0.01 },
  { kind = "leaky_relu", slope = 0.2 },
  { kind = "residual", layers = [
      { kind = "batch_norm", tensors = "3.a.0" },
      { kind = "relu" },
      { kind = "conv", tensors = "3.a.2", padding = 1 },
    ], shortcut = [
      { kind = "conv", tensors = "3.b.0" },
      { kind = "batch_norm", tensors = "3.b.1", affine = false },
  ] },
  { kind = "conv_transpose", tensors = "4", stride = 2, padding = 1 },
  { kind = "tanh" },
]
latent = { size = 6 }
image = { channels = 3, size = 8 }
"""
MEASURED = 'statistics = "measured"' + NORMED


def in_training_mode(
    network: nn.Module, samples: int = 1024, labels: Tensor | None = None
) -> nn.Module:
    """The network with the statistics of one batch, as torch's own training mode measures them."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    z = np.stack([np.random.RandomState(seed).randn(6) for seed in range(samples)])
    latents = torch.from_numpy(z.astype(np.float32))
    given = (latents[:, :, None, None],) if labels is None else (latents, labels)
    with torch.no_grad():
        network.train()(*given)
    return network.eval()


@pytest.mark.parametrize("stored", [True, False])
def test_measured_statistics_are_those_of_training_mode(stored: bool, tmp_path: Path) -> None:
    network = normed()
    tensors = small.tensors(network)
    if not stored:  # track_running_stats = False
        tensors = {name: t for name, t in tensors.items() if "running" not in name}
    model, told = imported(saved(tensors, tmp_path), MEASURED, tmp_path)
    assert "measured over 1024 samples" in told and "measured over" in model.info.notes[0]
    check(model, lambda z: in_training_mode(network)(z[:, :, None, None]))
    assert model.activation_names() == ["0", "3"]
    again, _ = imported(next(tmp_path.rglob("net.safetensors")), MEASURED, tmp_path, "again")
    assert torch.allclose(again.synthesis(again.mapping(again.sample([1]))),
                          model.synthesis(model.mapping(model.sample([1]))), atol=1e-5)  # fmt: skip
    shown = latty("inspect", "net", home=tmp_path).stdout
    assert re.search(
        "^notes +the statistics.* measured over 1024 samples, seeds 0 to 1023", shown, re.M
    )


def test_stale_statistics_are_noted_and_true_ones_are_not(tmp_path: Path) -> None:
    stale, true = normed(), in_training_mode(normed(), 300)
    spec = models_spec.parse(NORMED)
    assert strays(small.tensors(true), spec) == ()
    _, told = imported(saved(stale.state_dict(), tmp_path), NORMED, tmp_path)
    assert "are far from those of 256 samples" in told and 'statistics = "measured"' in told
    for name, by in (("3.b.1.running_var", 9.0), ("1.running_var", 0.1)):
        tensors = small.tensors(true)
        tensors[name] *= by
        assert len(strays(tensors, spec)) == 1, name


def test_a_dcgan_is_looked_at_when_it_is_imported_not_when_it_is_opened(tmp_path: Path) -> None:
    path = saved(small.shaken(small.DCGAN((12, 7, 5, 3))).state_dict(), tmp_path)
    assert open_model(str(path), "cpu").info.notes == ()
    done = latty("import", str(path), home=tmp_path)
    assert "are far from those of 256 samples" in done.stderr
    stored = next(tmp_path.rglob("net.safetensors"))
    assert "far from" in open_model(str(stored), "cpu").info.notes[0]


def test_measuring_is_the_same_each_time() -> None:
    tensors, spec = small.tensors(normed()), models_spec.parse(MEASURED)
    one, two = measured(tensors, spec), measured(tensors, spec)
    assert one.keys() >= tensors.keys() and all(torch.equal(one[n], two[n]) for n in one)


def test_a_stored_model_gives_its_spec_back(tmp_path: Path) -> None:
    imported(saved(normed().state_dict(), tmp_path), MEASURED, tmp_path)
    text = latty("inspect", "net", "--spec", home=tmp_path).stdout
    assert models_spec.parse(text) == models_spec.parse(MEASURED)
    with safe_open(next(tmp_path.rglob("net.safetensors")), "pt") as file:
        assert models_spec.of_json(file.metadata()["spec"]) == models_spec.parse(MEASURED)


# --- cases beside the checkout -------------------------------------------------------------------

CASES = {
    "stale_bn": ("stored", ""),
    "stale_bn ": ("measured", 'statistics = "measured"\n'),
    "class_linear": ("img", ""),
    "layer_norm": ("img", ""),
}


@needs_wild
@pytest.mark.parametrize("case", CASES)
def test_published_shapes_draw_what_torch_draws(case: str, tmp_path: Path) -> None:
    (key, more), name = CASES[case], case.strip()
    text = more + (WILD / f"{name}.toml").read_text(encoding="utf-8")
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    file, spec = WILD / f"{name}.pth", tmp_path / "s.toml"
    model = build(convert(file, spec), file, "x", small.CPU, spec)
    with np.load(WILD / f"{name}_expected.npz") as data:
        z, wanted = torch.from_numpy(data["z"]), data[key]
        label = torch.full((len(z),), int(data["label"])) if "label" in data else None
    found = model.synthesis(model.mapping(z, label), label).detach().numpy()
    assert np.abs(found - wanted).max() < 2e-6
