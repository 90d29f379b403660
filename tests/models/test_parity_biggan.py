"""Both BigGANs make the pictures that their own code makes.

The files and the references' outputs lie in ../shared/parity, an optional folder beside the
checkout, whose README states the noise floor of each; we allow ten times that. Everything else is
held on small random networks.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_networks as small
import torch
from numpy.typing import NDArray
from places import PARITY

from latty.checkpoints.refusals import Refusal
from latty.errors import BadData, UsageError
from latty.models import open_model
from latty.models.base import Generator, HasActivations, HasLayerWeights
from latty.models.families import biggan, biggan_deep
from latty.models.latent_generator import Latent
from latty.models.recognition import families_of

needs_files = pytest.mark.skipif(not PARITY.is_dir(), reason="no ../shared/parity here")
DEEP = {"deep128_w4": 1.0e-6, "deep256_w4": 1.4e-6}  # noise floors
PLAIN = {"big128_ch4": 3.7e-6, "big32_ch16_c10": 1.6e-6}


def fixture(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path) as stored:
        return {key: stored[key] for key in stored.files}


def same(ours: torch.Tensor, theirs: NDArray[Any], floor: float) -> None:
    stride = ours.shape[-1] // theirs.shape[-1]
    ours = ours[:, :, ::stride, ::stride]
    assert ours.shape == theirs.shape
    assert float(np.abs(ours.detach().numpy() - theirs).max()) <= max(10 * floor, 1e-5)


@needs_files
@pytest.mark.parametrize("name", DEEP)
def test_biggan_deep_for_every_truncation(name: str) -> None:
    folder = PARITY / "biggan_deep_hf" / name
    model, data = (
        open_model(str(folder / "pytorch_model.bin"), "cpu"),
        fixture(folder / "fixture.npz"),
    )
    z, weights = torch.from_numpy(data["z"]), torch.from_numpy(data["class_onehot"])
    index = torch.from_numpy(data["class_index"])
    with torch.inference_mode():
        for key in [key for key in data if key.startswith("trunc_")]:
            t = float(data[key])
            wanted = next(data[k] for k in data if k.startswith(f"img_{key[6:]}"))
            for label in (weights, index):
                same(model.synthesis(model.mapping(z, label, t), label, t), wanted, DEEP[name])
        mix = torch.from_numpy(data["class_mix"])
        wanted = next(data[k] for k in data if k.startswith("img_mix"))
        same(model.synthesis(model.mapping(z[:1], mix, 0.4), mix, 0.4), wanted, DEEP[name])


@needs_files
@pytest.mark.parametrize("name", PLAIN)
def test_biggan(name: str) -> None:
    path = PARITY / "biggan_pytorch" / f"{name}.pth"
    model, data = open_model(str(path), "cpu"), fixture(path.with_suffix(".npz"))
    assert model.info.z_dim == int(data["dim_z"])
    label = torch.from_numpy(data["y"])
    weights = torch.eye(model.info.num_classes)[label.long()]
    with torch.inference_mode():
        codes = model.mapping(torch.from_numpy(data["z"]))
        same(model.synthesis(codes, label), data["img"], PLAIN[name])
        same(model.synthesis(codes, weights), data["img"], PLAIN[name])


# --- what holds for small random networks --------------------------------------------------------

MADE = {
    "biggan": lambda: biggan.build(small.biggan(), {}, small.CPU),
    "flat": lambda: biggan.build(small.biggan(hierarchical=False), {}, small.CPU),
    "deep": lambda: biggan_deep.build(small.biggan_deep(), {}, small.CPU),
}


@pytest.fixture(params=MADE)
def model(request: pytest.FixtureRequest) -> Latent:
    return MADE[request.param]()


def test_sizes_are_read_from_the_tensors() -> None:
    chunks, flat, deep = (make().info for make in MADE.values())
    assert (chunks.resolution, chunks.z_dim, chunks.num_layers, chunks.width) == (16, 12, 3, 4)
    assert (flat.resolution, flat.z_dim, flat.num_layers, flat.width) == (16, 4, 1, 4)
    assert (deep.resolution, deep.z_dim, deep.num_layers, deep.width) == (16, 5, 5, 5)
    assert deep.num_classes == 3 and chunks.num_classes == 5


def test_only_the_own_layout_is_recognised() -> None:
    for family, mine in (("biggan", small.biggan()), ("biggan_deep", small.biggan_deep())):
        assert list(families_of(small.shapes(mine), {})) == [family]
        assert not list(families_of(small.shapes(mine), {"family": "stylegan2"}))


def test_it_keeps_the_promises_of_a_generator(model: Latent) -> None:
    assert isinstance(model, Generator)
    assert isinstance(model, HasLayerWeights) and isinstance(model, HasActivations)
    z = model.sample([3, 8])
    assert z.shape == (2, model.info.z_dim) and z.abs().max() <= 2
    assert torch.equal(z[1:], model.sample([8]))
    codes, label = model.mapping(z), torch.tensor([0, 2])
    images = model.synthesis(codes, label)
    assert images.shape == (2, 3, 16, 16) and not images.requires_grad
    alone = torch.cat([model.synthesis(codes[i : i + 1], label[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(images, alone, atol=1e-5, rtol=1e-4)
    assert torch.equal(model.synthesis(codes), model.synthesis(codes, torch.zeros(2).long()))


@pytest.mark.parametrize("family", ["biggan", "biggan_deep"])
def test_the_whole_network_goes_to_its_device(family: str) -> None:
    """Torch's "meta" device mixes with no other: a tensor left behind would stop the run."""
    entry, made = (
        (biggan, small.biggan()) if family == "biggan" else (biggan_deep, small.biggan_deep())
    )
    model = entry.build(made, {}, torch.device("meta"))
    image = model.synthesis(model.mapping(model.sample([1, 2])), torch.tensor([0, 1]), 0.5)
    assert image.device.type == "meta" and image.shape == (2, 3, 16, 16)


def test_gradients_reach_every_layer_and_the_label(model: Latent) -> None:
    codes = model.mapping(model.sample([1])).clone().requires_grad_(True)
    label = torch.full((1, model.info.num_classes), 0.2, requires_grad=True)
    model.synthesis(codes, label).square().sum().backward()
    assert codes.grad is not None and label.grad is not None
    assert (codes.grad.abs().sum(-1) > 0).all() and (label.grad != 0).any()


@pytest.mark.parametrize("name", MADE)
def test_the_callers_inference_mode_does_not_stick(name: str) -> None:
    with torch.inference_mode():
        model = MADE[name]()
        codes = model.mapping(model.sample([1])).clone()
    codes = codes.clone().requires_grad_(True)
    model.synthesis(codes).sum().backward()
    assert codes.grad is not None


def test_truncation_multiplies_the_latent(model: Latent) -> None:
    z = model.sample([1, 2])
    torch.testing.assert_close(model.mapping(z, truncation=0.5), model.mapping(z) / 2)
    torch.testing.assert_close(
        model.truncate(model.mapping(z), torch.tensor([1.0, 0.0]), None)[1],
        torch.zeros(model.info.num_layers, model.info.width),
    )


def test_layers_can_be_read_and_changed(model: Latent) -> None:
    codes, label = model.mapping(model.sample([1, 2])), torch.tensor([1, 2])
    images = model.synthesis(codes, label)
    for name in model.activation_names():
        found = model.activation(codes, name, label=label)
        same = model.synthesis_with(codes, {name: torch.zeros_like(found)}, label)
        torch.testing.assert_close(same, images)
        other = model.synthesis_with(codes, {name: torch.ones_like(found)}, label)
        assert (other - images).abs().max() > 1e-4


def test_the_first_layers_weights_move_its_features(model: Latent) -> None:
    codes = model.mapping(model.sample([1]))
    step = torch.zeros_like(codes)
    step[:, 0] = torch.randn(model.info.width, generator=torch.Generator().manual_seed(0))
    name = model.activation_names()[0]
    moved = (model.activation(codes + step, name) - model.activation(codes, name)).flatten()
    wanted = model.layer_weights()[0] @ step[0, 0]
    torch.testing.assert_close(moved.sort().values, wanted.sort().values, atol=1e-4, rtol=1e-4)
    assert all(weight.shape[1] == model.info.width for weight in model.layer_weights())
    assert len(model.layer_weights()) == model.info.num_layers


def test_each_layer_reads_its_own_code() -> None:
    model = MADE["deep"]()
    codes = model.mapping(model.sample([1]))
    for layer in range(1, model.info.num_layers):
        other = codes.clone()
        other[:, layer] = 1
        below, at = f"block{layer - 2}" if layer > 1 else "gen_z", f"block{layer - 1}"
        assert torch.equal(model.activation(codes, below), model.activation(other, below))
        assert not torch.equal(model.activation(codes, at), model.activation(other, at))


def test_truncation_chooses_statistics_of_the_deep_network_alone() -> None:
    for name, make in MADE.items():
        model = make()
        codes = model.mapping(model.sample([1]))
        full, half = model.synthesis(codes), model.synthesis(codes, truncation=0.5)
        assert torch.equal(full, half) == (name != "deep")


def test_config_json_says_which_blocks_double() -> None:
    table = [[True, 16, 16], [False, 16, 8], [False, 8, 8], [True, 8, 8]]
    meta = {"beside": json.dumps({"layers": table, "output_dim": 16})}
    model = biggan_deep.build(small.biggan_deep(), meta, small.CPU)
    codes = model.mapping(model.sample([1]))
    assert model.activation(codes, "block0").shape[-1] == 8
    with pytest.raises(BadData, match="output_dim"):
        wrong = {"beside": json.dumps({"layers": table, "output_dim": 64})}
        biggan_deep.build(small.biggan_deep(), wrong, small.CPU)
    with pytest.raises(Refusal, match="4 blocks"):
        wrong = {"beside": json.dumps({"layers": table[:2]})}
        biggan_deep.build(small.biggan_deep(), wrong, small.CPU)


SAID = {"G_ch": 1, "hier": True, "dim_z": 13, "shared_dim": 6, "n_classes": 5,
        "resolution": 16, "G_attn": "16", "G_nl": "inplace_relu", "num_epochs": 3}  # fmt: skip
FLAT = {"hier": False, "dim_z": 6, "shared_dim": 0}  # 0: as wide as the latent


def settled(folder: Path, changes: dict[str, Any], flat: bool = False) -> Generator:
    made = small.biggan(hierarchical=not flat)
    if flat:  # the latent and the class embedding are equally wide
        made["linear.weight"] = torch.randn(256, 6)
    return beside(folder, made, {**SAID, **(FLAT if flat else {}), **changes})


def beside(folder: Path, made: dict[str, torch.Tensor], said: dict[str, Any]) -> Generator:
    """The model of a file of these tensors with these settings beside it."""
    torch.save(made, folder / "m.pth")
    (folder / "config.json").write_text(json.dumps(said))
    return open_model(str(folder / "m.pth"), "cpu")


def test_settings_that_agree_with_the_tensors(tmp_path: Path) -> None:
    for flat in (False, True):
        (tmp_path / str(flat)).mkdir()
        assert settled(tmp_path / str(flat), {}, flat).info.z_dim == (6 if flat else 12)


CONTRADICTIONS = [
    ("shared_dim", 0), ("shared_dim", 5), ("dim_z", 20), ("hier", False), ("G_attn", "8"),
    ("G_attn", "0"), ("G_ch", 2), ("G_shared", False), ("n_classes", 6), ("norm_style", "gn"),
    ("G_nl", "elu"), ("model", "BigGANdeep"), ("G_param", "None"),
]  # fmt: skip
DEEP_SAID = {"layers": [[True, 16, 16], [False, 16, 8], [False, 8, 8], [True, 8, 8]]}
DEEP_CONTRADICTIONS = [("n_stats", 9), ("channel_width", 3), ("attention_layer_position", 1)]


@pytest.mark.parametrize(("key", "value"), CONTRADICTIONS)
def test_settings_that_contradict_the_tensors_or_ask_for_other_arithmetic(
    key: str, value: object, tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=key):
        settled(tmp_path, {key: value})


@pytest.mark.parametrize(("key", "value"), DEEP_CONTRADICTIONS)
def test_settings_that_contradict_the_tensors_of_the_deep_network(
    key: str, value: object, tmp_path: Path
) -> None:
    with pytest.raises(BadData, match=key):
        beside(tmp_path, small.biggan_deep(), {**DEEP_SAID, key: value})


@pytest.mark.parametrize(("key", "value"), [*CONTRADICTIONS, ("BN_eps", 1e-3)])
def test_a_model_of_the_store_opens_whatever_lay_beside_its_file(key: str, value: object) -> None:
    """Settings are judged on import: those of models that are stored already change nothing."""
    meta = {"family": "biggan", "beside": json.dumps({**SAID, key: value})}
    model, plain = (biggan.build(small.biggan(), m, small.CPU) for m in (meta, {}))
    codes = plain.mapping(plain.sample([1]))
    same_as_before = torch.equal(model.synthesis(codes), plain.synthesis(codes))
    assert same_as_before == (key != "BN_eps")


def test_an_epsilon_beside_the_file_is_of_every_norm_but_the_last(tmp_path: Path) -> None:
    pictures = []
    for i, said in enumerate(({**SAID, "BN_eps": 0.3}, {"BN_eps": 0.3}, SAID)):
        (tmp_path / str(i)).mkdir()
        model = beside(tmp_path / str(i), small.biggan(), said)
        norms = [norm.statistics for block in model.network.blocks for norm in block.norms]
        assert {norm.eps for norm in norms} == {0.3 if i < 2 else 1e-5}
        assert model.network.statistics.eps == 1e-5
        pictures.append(model.synthesis(model.mapping(model.sample([1]))))
    assert torch.equal(pictures[0], pictures[1]) and not torch.equal(pictures[0], pictures[2])


def test_settings_that_nobody_uses_are_named(tmp_path: Path) -> None:
    for more, words in (({}, ""), ({"z_var": 0.8}, "z_var"), ({"leaky": 0.1}, "leaky")):
        file = tmp_path / f"x{words}" / "G_ema.pth"
        file.parent.mkdir()
        torch.save(small.biggan(), file)
        file.with_name("config.json").write_text(json.dumps({**SAID, **more}))
        notes = open_model(str(file), "cpu").info.notes
        assert len(notes) == bool(words) and all(words in note for note in notes)


def test_norms_with_tables_of_their_own() -> None:
    """Without `G_shared` each norm reads the class through a table (classes, C) of its own."""
    made = small.biggan(hierarchical=False)
    shared = made.pop("shared.weight")
    tables = dict(made)
    for name in [name for name in made if ".bn" in name and name.endswith("weight")]:
        model = biggan.build({**made, "shared.weight": shared}, {}, small.CPU)
        del tables[name.replace("weight", "u0")], tables[name.replace("weight", "sv0")]
        _, block, _, norm, kind, _ = name.split(".")
        found = model.network.blocks[int(block)].norms[int(norm[-1]) - 1]
        matrix = found.gain if kind == "gain" else found.shift
        tables[name] = shared @ matrix.t()
    flat = biggan.build(tables, {}, small.CPU)
    codes, label = model.mapping(model.sample([1, 2])), torch.tensor([4, 0])
    assert flat.info.num_classes == 5
    torch.testing.assert_close(flat.synthesis(codes, label), model.synthesis(codes, label))


def test_class_names_come_with_the_settings() -> None:
    names = {"class_names": ["cat", "dog", "fox"]}
    model = biggan_deep.build(small.biggan_deep(), {"beside": json.dumps(names)}, small.CPU)
    assert model.class_names() == ("cat", "dog", "fox")
    labels = {"id2label": {"0": "cat", "1": "dog", "2": "fox"}}
    model = biggan_deep.build(small.biggan_deep(), {"beside": json.dumps(labels)}, small.CPU)
    assert model.class_names() == ("cat", "dog", "fox")
    assert MADE["biggan"]().class_names() == ()


def test_a_missing_v_makes_nearly_the_same_network() -> None:
    tensors = small.biggan_deep()
    old = {name: t for name, t in tensors.items() if not name.endswith("weight_v")}
    whole, without = (biggan_deep.build(t, {}, small.CPU) for t in (tensors, old))
    codes = whole.mapping(whole.sample([1]))
    torch.testing.assert_close(whole.synthesis(codes), without.synthesis(codes), atol=1e-4, rtol=0)


BAD = {
    "nonfinite": lambda t: t.flatten().index_fill_(0, torch.tensor(0), float("nan")).view(t.shape),
    "wrong-shape": lambda t: t[:-1],
    "missing-key": None,
}


@pytest.mark.parametrize("code", BAD)
@pytest.mark.parametrize("family", ["biggan", "biggan_deep"])
def test_bad_weights_are_refused_by_name(family: str, code: str) -> None:
    made = small.biggan() if family == "biggan" else small.biggan_deep()
    entry, change = (biggan if family == "biggan" else biggan_deep), BAD[code]
    name = (
        "blocks.1.0.conv1.weight" if family == "biggan" else "generator.layers.1.conv_1.weight_orig"
    )
    if change is None:
        del made[name]
    else:
        made[name] = change(made[name])
    with pytest.raises(Refusal, match=r"blocks\.1|layers\.1") as caught:
        entry.build(made, {}, small.CPU)
    assert caught.value.code == code


def test_negative_variances_and_strangers_are_refused() -> None:
    for made, entry, name in (
        (small.biggan(), biggan, "output_layer.0.stored_var"),
        (small.biggan_deep(), biggan_deep, "generator.bn.running_vars"),
    ):
        with pytest.raises(Refusal, match=name) as caught:
            entry.build({**made, name: -made[name]}, {}, small.CPU)
        assert caught.value.code == "negative-variance"
        with pytest.raises(Refusal, match="extra"):
            entry.build({**made, "extra.weight": torch.zeros(3)}, {}, small.CPU)


def test_labels_are_checked(model: Latent) -> None:
    codes = model.mapping(model.sample([1]))
    for label in (torch.tensor([99]), torch.tensor([-1]), torch.ones(1, 99), torch.ones(2).long()):
        with pytest.raises(UsageError):
            model.synthesis(codes, label)
    with pytest.raises(UsageError, match="codes are"):
        model.synthesis(codes[:, :, :-1])
