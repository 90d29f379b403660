"""Classifiers that people bring: a TOML and weights of each kind, and all that is refused."""

import io
import json
import math
import os
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
import torch.nn.functional as F
from cli_in_process import latty
from onnx import TensorProto
from onnx_scorers import ONNX, onnx_network
from places import ROOT
from safetensors.torch import save_file
from scorer_cards import CNN, card, plain
from torch import Tensor, nn
from toy_generator import Toy

from latty import home
from latty.attributes import attribute, open_scorer, scores_of, store
from latty.attributes.card import Card, read_card
from latty.attributes.classifier import prepare
from latty.attributes.resnet import ResNet
from latty.attributes.sampled import sampled_scores
from latty.errors import BadData, Missing, PresetError, UsageError, WouldOverwrite


def pictures(count: int = 3, side: int = 24) -> Tensor:
    state = torch.Generator().manual_seed(5)
    return torch.rand(count, 3, side, side, generator=state) * 2 - 1


@pytest.fixture
def cnn(tmp_path: Path) -> Path:
    save_file(plain().state_dict(), tmp_path / "w.safetensors")
    return card(tmp_path, CNN.format(weights="w.safetensors"))


def half(images: Tensor, side: int) -> Tensor:
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True)


# --- plain networks -------------------------------------------------------------------------------


def test_a_plain_network_is_what_its_layers_say(cnn: Path) -> None:
    scorer, images = open_scorer(str(cnn)), pictures()
    assert scorer.names == ("smile", "hat") and scorer.units == ("probability",) * 2
    wanted = plain()(half(images, 16)).sigmoid().detach()
    torch.testing.assert_close(scorer.score(images), wanted, atol=1e-5, rtol=1e-5)
    images.requires_grad_()
    scorer.score(images)[:, 0].sum().backward()
    assert scorer.differentiable and images.grad is not None and images.grad.any()
    assert open_scorer(str(cnn)) is scorer, "opened once"


@pytest.mark.parametrize("how", ["module", "nested", "named"])
def test_whatever_stands_before_the_names_is_found(how: str, tmp_path: Path) -> None:
    state = {f"module.{k}": v for k, v in plain().state_dict().items()}
    saved: Any = state
    if how != "module":
        saved = {"epoch": 7, "net": state, "optimizer": {"lr": 0.1, "state": {0: torch.ones(3)}}}
    torch.save(saved, tmp_path / "w.pth")
    text = CNN.format(weights="w.pth")
    text = f'prefix = "net.module."\n{text}' if how == "named" else text
    wanted = plain()(half(pictures(), 16)).sigmoid().detach()
    found = open_scorer(str(card(tmp_path, text))).score(pictures())
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


def test_opened_under_inference_mode_it_can_still_be_climbed(cnn: Path) -> None:
    with torch.inference_mode():
        scorer = open_scorer(str(cnn))
    images = pictures().requires_grad_()
    scorer.score(images).sum().backward()
    assert images.grad is not None and images.grad.any()


def test_changed_weights_are_seen_and_have_another_digest(cnn: Path) -> None:
    before = open_scorer(str(cnn))
    again = open_scorer(str(cnn)).digest
    state = {k: v + 0.5 if k == "8.bias" else v for k, v in plain().state_dict().items()}
    save_file(state, cnn.parent / "w.safetensors")
    after = open_scorer(str(cnn))
    assert again == before.digest != after.digest
    assert not torch.equal(before.score(pictures()), after.score(pictures()))
    text = cnn.read_text()
    cnn.write_text(text.replace("[-1, 1]", "[0, 1]"))
    assert open_scorer(str(cnn)).digest != after.digest
    cnn.write_text(text + '\ntitle = "other words, same numbers"\n')
    assert open_scorer(str(cnn)).digest == after.digest


# --- what goes in, what comes out -----------------------------------------------------------------


def means(folder: Path, more: str, channels: int = 3, size: str = "8") -> Tensor:
    """What a network sees in the mean of each channel, for one picture of three colours."""
    save_file({"a.weight": torch.eye(channels)[:, :, None, None]}, folder / "w.safetensors")
    names = json.dumps(["one", "two", "three"][:channels])
    text = (
        f'kind = "cnn"\nweights = "w.safetensors"\nsize = {size}\nchannels = {channels}\n'
        f'outputs = {names}\nactivation = "none"\n{more}\n'
        'layers = [{ kind = "conv", tensors = "a", bias = false }, { kind = "global_pool" }]\n'
    )
    image = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 32, 48)
    return open_scorer(str(card(folder, text))).score(image)[0]


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("", [1, 0.5, 0]),
        ("range = [-1, 1]", [1, 0, -1]),
        ("range = [0, 255]", [255, 127.5, 0]),
        ("mean = [0.5, 0.25, 0]\nstd = [0.5, 0.25, 2]", [1, 1, 0]),
        ("mean = 0.5\nstd = 0.5", [1, 0, -1]),
        ('order = "bgr"\nmean = [0, 0, 1]', [0, 0.5, 0]),
    ],
)
def test_numbers_as_the_network_wants_them(tmp_path: Path, more: str, wanted: list[float]) -> None:
    torch.testing.assert_close(
        means(tmp_path, more), torch.tensor(wanted).float(), atol=1e-4, rtol=1e-5
    )


def test_grey_networks_see_luma_and_sizes_are_height_and_width(tmp_path: Path) -> None:
    found = means(tmp_path, "", channels=1, size="[4, 9]")
    torch.testing.assert_close(found, torch.tensor([0.2126 + 0.5 * 0.7152]), atol=1e-5, rtol=0)


def test_the_middle_of_the_picture_is_looked_at() -> None:
    image = torch.full((1, 3, 40, 60), -1.0)
    image[..., 10:30, 15:45] = 1
    wanted = Card("cnn", "w", (8, 8), (), crop=0.5)
    torch.testing.assert_close(prepare(image, wanted), torch.ones(1, 3, 8, 8))


def test_groups_have_their_own_activations(tmp_path: Path) -> None:
    save_file({"a.weight": torch.eye(6)[:, :3] * 3.0}, tmp_path / "w.safetensors")
    text = """\
kind = "cnn"
weights = "w.safetensors"
size = 1
layers = [{ kind = "linear", tensors = "a", bias = false }]
[[outputs]]
names = ["cat", "dog"]
activation = "softmax"
[[outputs]]
names = ["smile"]
activation = "sigmoid"
[[outputs]]
names = ["age"]
activation = "none"
unit = "years"
[[outputs]]
names = ["left", "up"]
activation = "tanh"
"""
    scorer = open_scorer(str(card(tmp_path, text)))
    assert scorer.units == ("probability", "probability", "probability", "years", "-1..1", "-1..1")
    image = torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)
    numbers = torch.tensor([3.0, 1.5, 0, 0, 0, 0])
    wanted = [*numbers[:2].softmax(0), 0.5, 0, 0, 0]
    torch.testing.assert_close(scorer.score(image)[0], torch.tensor(wanted))
    assert float(scorer.score(image)[0, :2].sum()) == pytest.approx(1)


# --- residual networks ----------------------------------------------------------------------------

RESNET = """\
kind = "resnet"
weights = "r.pth"
size = 32
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
outputs = ["black_hair", "blond_hair", "glasses", "smiling"]
activation = "sigmoid"
"""


def bound(name: str, state: dict[str, Tensor], x: Tensor, stride: int, padding: int) -> Tensor:
    """A convolution and the batch norm after it, from a state dict alone."""
    x = F.conv2d(x, state[f"{name[0]}.weight"], None, stride, padding)
    n = name[1]
    stats = state[f"{n}.running_mean"], state[f"{n}.running_var"]
    return F.batch_norm(x, *stats, state[f"{n}.weight"], state[f"{n}.bias"])


def resnet18(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """He et al. 2015 as a formula over torchvision's names."""
    x = bound(("conv1", "bn1"), state, x, 2, 3).relu()  # type: ignore[arg-type]
    x = F.max_pool2d(x, 3, 2, 1)
    for stage in range(1, 5):
        for block in range(2):
            at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
            y = bound((f"{at}.conv1", f"{at}.bn1"), state, x, stride, 1).relu()  # type: ignore[arg-type]
            y = bound((f"{at}.conv2", f"{at}.bn2"), state, y, 1, 1)  # type: ignore[arg-type]
            if f"{at}.downsample.0.weight" in state:
                x = bound((f"{at}.downsample.0", f"{at}.downsample.1"), state, x, stride, 0)  # type: ignore[arg-type]
            x = (x + y).relu()
    return F.linear(x.mean((2, 3)), state["fc.weight"], state["fc.bias"])


def shaken(network: nn.Module) -> nn.Module:
    """Batch norms that do something."""
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point() and ("running" in name or ".bn" in name):
                tensor.copy_(torch.rand_like(tensor) * 0.5 + 0.5)
    return network.eval()


def test_a_resnet_in_torchvisions_names(tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = {k: v.detach() for k, v in shaken(ResNet(outputs=4)).state_dict().items()}
    held = {f"module.{k}": v for k, v in state.items()}
    torch.save({"state_dict": held, "epoch": 10}, tmp_path / "r.pth")
    scorer = open_scorer(str(card(tmp_path, RESNET)))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    images = pictures(2, 32)
    x = ((images + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(
        scorer.score(images), resnet18(state, x).sigmoid(), atol=1e-4, rtol=1e-4
    )
    images.requires_grad_()
    scorer.score(images)[0, 3].backward()
    assert images.grad is not None and images.grad[0].any() and not images.grad[1].any()


@pytest.mark.parametrize(
    ("blocks", "bottleneck"), [((3, 4, 6, 3), False), ((1, 1, 2, 1), True), ((2, 2, 2, 2), False)]
)
def test_the_depth_of_a_resnet_is_read_off_its_names(
    blocks: tuple[int, ...], bottleneck: bool, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    network = shaken(ResNet(blocks, 1, 4, bottleneck))
    save_file(network.state_dict(), tmp_path / "r.safetensors")
    text = RESNET.replace("r.pth", "r.safetensors").replace("size = 32", "size = 32\nchannels = 1")
    text = text.replace("[0.485, 0.456, 0.406]", "0").replace("[0.229, 0.224, 0.225]", "1")
    image = pictures(1, 32)[:, :1]
    wanted = network((image + 1) / 2).sigmoid().detach()
    found = open_scorer(str(card(tmp_path, text))).score(image)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


# --- ONNX -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", ["N", 1, 2, 4])
@pytest.mark.parametrize("last", [False, True])
def test_an_onnx_network(batch: int | str, last: bool, tmp_path: Path) -> None:
    data, matrix = onnx_network(batch, last, two=batch == 2)
    (tmp_path / "n.onnx").write_bytes(data)
    scorer, images = open_scorer(str(card(tmp_path, ONNX))), pictures(3, 8)
    assert not scorer.differentiable
    wanted = images.relu().mean((2, 3)) @ matrix
    torch.testing.assert_close(scorer.score(images), wanted, atol=1e-5, rtol=1e-5)
    with pytest.raises(BadData, match="no gradient to climb"):
        scorer.score(images.requires_grad_())
    with torch.no_grad():
        torch.testing.assert_close(scorer.score(images), wanted, atol=1e-5, rtol=1e-5)


def test_onnx_that_does_not_fit_is_refused_in_a_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    data, _ = onnx_network()
    path = card(tmp_path, ONNX)

    def refused(content: bytes, words: str, text: str = ONNX) -> None:
        (tmp_path / "n.onnx").write_bytes(content)
        path.write_text(text)
        with pytest.raises(BadData, match=words) as caught:
            open_scorer(str(path))
        assert "\n" not in str(caught.value)

    refused(b"", "no ONNX network")
    refused(data[: len(data) // 2], "no ONNX network")
    refused(b"PK\x03\x04" + bytes(100), "no ONNX network")
    refused(data.replace(b"Relu", b"\xffelu"), "no ONNX network")
    refused(data.replace(b"pixels", b"\xffixels"), "no ONNX network")
    refused(data, "takes pictures of", ONNX.replace("size = 8", "size = 16"))
    refused(data, "gives 2 numbers", ONNX.replace('["smile", "hat"]', '["smile"]'))
    refused(data, "only for kind", f'{ONNX}layers = [{{ kind = "relu" }}]')
    model = onnx.load_from_string(data)
    big = model.graph.initializer[0]
    big.ClearField("raw_data")
    big.data_location = TensorProto.EXTERNAL
    big.external_data.add(key="location", value="../secret.bin")
    refused(model.SerializeToString(), "in another file")
    assert capfd.readouterr().out == "", "stdout is for results"


def test_without_onnxruntime_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "n.onnx").write_bytes(onnx_network()[0])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Missing) as caught:
        open_scorer(str(card(tmp_path, ONNX)))
    assert "pip install 'latty[onnx]'" in str(caught.value)


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "cnn"', 'kind = "vgg"', "mine.toml:1:1: kind: must be"),
        ("size = 16", "sise = 16", "mine.toml:3:1: sise: unknown key, did you mean 'size'?"),
        ("size = 16\n", "", "mine.toml:1:1: size: is missing"),
        ("channels = 3", "channels = 4", "mine.toml:4:1: channels: must be 1 or 3"),
        ("channels = 3", "std = 0", "mine.toml:4:1: std: must be above 0"),
        ("channels = 3", "mean = [1, 2]", "mine.toml:4:1: mean: 2 numbers for 3 channels"),
        ("range = [-1, 1]", "range = [1, 1]", "mine.toml:5:1: range: black and white are the same"),
        ('["smile", "hat"]', '["smile", "smile"]', "mine.toml:6:1: outputs: the name 'smile'"),
        ('["smile", "hat"]', '["a/b", "hat"]', "mine.toml:6:12: outputs.0: must be one of names"),
        ('["smile", "hat"]', "[]", "mine.toml:6:1: outputs: must be a list of names"),
        ('activation = "sigmoid"\n', "", "activation: is missing"),
        ("slope = 0.1", "slop = 0.1", "mine.toml:11:26: layers.2.slop: unknown key"),
        ('"silu"', '"sulu"', "not text 'sulu', did you mean 'silu'?"),
        ("weights = ", 'prefix = 3\nweights = "../x"\n#', "mine.toml:3:1: weights: must be the"),
        ('kind = "cnn"', "kind = = 2", "mine.toml:1:8: invalid value"),
        ('kind = "cnn"', 'kind = "cnn"\nschema = 2', "mine.toml:2:1: schema: must be 1"),
    ],
)
def test_every_fault_of_a_card_has_its_place(cnn: Path, old: str, new: str, told: str) -> None:
    text = CNN.format(weights="w.safetensors")
    assert old in text
    cnn.write_text(text.replace(old, new, 1))
    with pytest.raises(PresetError) as caught:
        open_scorer(str(cnn))
    assert told in str(caught.value)


def test_all_faults_are_told_at_once(cnn: Path) -> None:
    cnn.write_text(
        'kind = "cnn"\nsize = 0\nstd = -1\n[[outputs]]\nnames = ["a"]\nactivation = "softmax"\n'
    )
    with pytest.raises(PresetError) as caught:
        open_scorer(str(cnn))
    told = str(caught.value).split("\n")
    assert len(told) == 5
    assert "a cnn needs a list" in told[0] and told[1] == "mine.toml:1:1: weights: is missing"
    assert "size" in told[2] and "std" in told[3]
    assert "mine.toml:4:3: outputs.0: a softmax over one output" in told[4]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: {k: v for k, v in s.items() if k != "8.bias"}, "'8.bias' is missing"),
        (lambda s: {**s, "9.weight": torch.ones(1)}, "'9.weight' is no part of this network"),
        (lambda s: {**s, "4.weight": torch.ones(6, 3, 2, 2)}, "layer 4 .conv.: tensor '4.weight'"),
        (lambda s: {**s, "0.bias": torch.full((8,), math.nan)}, "'0.bias' holds NaN"),
        (lambda s: {**s, "1.running_var": -torch.ones(8)}, "is a variance and holds negative"),
    ],
)
def test_weights_that_do_not_fit_are_named(cnn: Path, change: Any, words: str) -> None:
    save_file(change(dict(plain().state_dict())), cnn.parent / "w.safetensors")
    with pytest.raises(BadData, match=words) as caught:
        open_scorer(str(cnn))
    assert "w.safetensors" in caught.value.message and "\n" not in str(caught.value)


def test_more_outputs_than_names_and_sizes_that_do_not_fit(cnn: Path) -> None:
    text = cnn.read_text()
    cnn.write_text(text.replace('["smile", "hat"]', '["smile", "hat", "more"]'))
    with pytest.raises(BadData, match="gives 2 numbers"):
        open_scorer(str(cnn))
    cnn.write_text(text.replace("size = 16", "size = 32"))
    with pytest.raises(BadData, match=r"layer 8 .linear.: tensor '8.weight'"):
        open_scorer(str(cnn))
    (cnn.parent / "w.safetensors").unlink()
    with pytest.raises(Missing, match=r"no file w\.safetensors beside mine\.toml"):
        open_scorer(str(cnn))


def test_torchscript_and_code_in_pickles_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    torch.save(plain().state_dict(), buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(tmp_path / "s.pt", "w") as script:
        for item in whole.infolist():
            script.writestr(item.filename, whole.read(item))
        top = whole.namelist()[0].split("/")[0]
        script.writestr(f"{top}/code/__torch__.py", "class Net(Module): ...")
    with pytest.raises(BadData, match="TorchScript program"):
        open_scorer(str(card(tmp_path, CNN.format(weights="s.pt"))))

    class Runs:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, ("true",)

    torch.save({**plain().state_dict(), "more": Runs()}, tmp_path / "runs.pt")
    with pytest.raises(BadData, match=r"runs\.pt"):
        open_scorer(str(card(tmp_path, CNN.format(weights="runs.pt"))))
    network = plain()  # a whole module is read as the tensors that it holds
    torch.save(network, tmp_path / "whole.pt")
    torch.save(network.state_dict(), tmp_path / "parts.pt")
    whole, parts = (
        open_scorer(str(card(tmp_path, CNN.format(weights=f"{name}.pt")))).score(pictures(2, 8))
        for name in ("whole", "parts")
    )
    assert torch.equal(whole, parts)
    (tmp_path / "r.pth").write_bytes((tmp_path / "s.pt").read_bytes()[:200])
    with pytest.raises(BadData, match=r"r\.pth"):
        open_scorer(str(card(tmp_path, RESNET)))


def test_no_resnet_is_told_what_to_do(tmp_path: Path) -> None:
    torch.save(plain().state_dict(), tmp_path / "r.pth")
    with pytest.raises(BadData, match="holds no ResNet") as caught:
        open_scorer(str(card(tmp_path, RESNET)))
    assert 'kind = "cnn"' in caught.value.hint


# --- the store ------------------------------------------------------------------------------------


def test_a_scorer_is_kept_under_a_name_without_a_pickle(tmp_path: Path) -> None:
    torch.save({"net": plain().state_dict(), "epoch": 3}, tmp_path / "w.pth")
    path = card(tmp_path, f"# by hand\n{CNN.format(weights='w.pth')}")
    assert store.is_card(path) and not store.is_card(tmp_path / "w.pth")
    kept = store.add(path, "smiles")
    weights = read_card(kept).weights
    assert {file.name for file in home.scorers_dir().iterdir()} == {"smiles.toml", weights}
    assert re.fullmatch(r"smiles\.[0-9a-f]{12}\.safetensors", weights)
    assert kept.read_text().startswith("# by hand\n")
    wanted = open_scorer(str(path)).score(pictures())
    assert torch.equal(open_scorer("smiles").score(pictures()), wanted)
    assert attribute("hat") == attribute("smiles/hat") == ("smiles", 1)
    with pytest.raises(WouldOverwrite, match="smiles"):
        store.add(path, "smiles")
    assert store.add(path, "smiles", overwrite=True) == kept
    for name in ("geometry", "a/b", ""):
        with pytest.raises(UsageError):
            store.add(path, name)


def test_a_broken_one_is_not_kept(cnn: Path) -> None:
    (cnn.parent / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(BadData):
        store.add(cnn, "smiles")
    assert not any(home.scorers_dir().iterdir())


def test_onnx_is_kept_as_it_is(tmp_path: Path) -> None:
    data, matrix = onnx_network()
    (tmp_path / "n.onnx").write_bytes(data)
    kept = store.add(card(tmp_path, ONNX), "net")
    assert (kept.parent / read_card(kept).weights).read_bytes() == data
    images = pictures(2, 8)
    wanted = images.relu().mean((2, 3)) @ matrix
    torch.testing.assert_close(open_scorer("net").score(images), wanted, atol=1e-5, rtol=1e-5)


def test_users_scorers_judge_generators_and_are_cached(cnn: Path) -> None:
    store.add(cnn, "smiles")
    toy = Toy()
    names, scores = sampled_scores(toy, range(12), "smiles")
    assert names == ("smile", "hat")
    wanted = scores_of(toy, toy.mapping(toy.sample(range(12))), scorer="smiles")[1]
    torch.testing.assert_close(scores, wanted, atol=1e-6, rtol=1e-6)


def test_the_list_of_scorers_has_ours_and_the_users(cnn: Path, tmp_path: Path) -> None:
    store = tmp_path / "home" / "data" / "scorers"
    store.mkdir(parents=True)
    (store / "smiles.toml").write_text(cnn.read_text() + 'title = "of my own"\n')
    (store / "broken.toml").write_text("size = 16\n")
    run = latty("list", "scorers", "--json", home=tmp_path)
    assert run.returncode == 0, run.stderr
    rows = {row["name"]: row for row in map(json.loads, run.stdout.splitlines())}
    assert rows["geometry"]["attributes"] == ["x", "y", "area"]
    assert rows["geometry"]["ranges"] == [[-0.5, 0.5], [-0.5, 0.5], [0, 1]]
    assert rows["factors"]["units"] == ["-1..1"] * 22 + ["logit"]
    assert rows["factors"]["ranges"][-1] is None
    assert rows["smiles"]["units"] == ["probability"] * 2 and rows["smiles"]["ranges"][0] == [0, 1]
    assert rows["broken"]["units"] == rows["broken"]["ranges"] == []
    assert rows["smiles"]["attributes"] == ["smile", "hat"] and rows["smiles"]["kind"] == "cnn"
    assert "of my own" in rows["smiles"]["what"] and "cannot be read" in rows["broken"]["what"]
    assert next(iter(rows)) == "factors" and len(rows["factors"]["attributes"]) == 23
    shown = latty("list", "scorers", home=tmp_path).stdout
    assert "yaw, pitch, roll" in shown and "smile, hat" in shown
    assert "-1..1; glasses: logit" in shown and "y: image heights, -0.5..0.5" in shown


def test_the_cards_of_the_guide_are_right(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "scorers.md").read_text(encoding="utf-8")
    blocks = [part.split("```")[0] for part in guide.split("```toml\n")[1:]]
    assert len(blocks) == 3
    kinds = [read_card(card(tmp_path, text, f"c{i}")).kind for i, text in enumerate(blocks)]
    assert kinds == ["resnet", "onnx", "cnn"]
