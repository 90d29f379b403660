"""ONNX generators: what goes in and out is found out or said; nothing reaches beyond the file."""

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from onnx_files import Recipe, opened
from places import SHARED
from processes import children

from latty.checkpoints import onnxfile
from latty.checkpoints.refusals import Refusal
from latty.cli.main import main
from latty.errors import BadData, Interrupted, Missing
from latty.models import open_model
from latty.models.opening import convert

Captured = pytest.CaptureFixture[str]
RECIPES = {
    "plain": Recipe(),
    "one at a time": Recipe(batch=1, height=4),
    "four at a time": Recipe(batch=4, width=16),
    "one written into it": Recipe(baked=True),
    "channels last": Recipe(last=True, z_dim=3),
    "a picture of a latent": Recipe(axes=4, z_dim=100, height=64, width=64),
    "grey, 0 to 1": Recipe(channels=1, ends=0),
    "opacity": Recipe(channels=4, last=True),
    "0 to 255": Recipe(ends=255),
    "bytes": Recipe(ends=256, last=True),
    "half": Recipe(dtype="float16"),
    "weights of classes": Recipe(label="onehot"),
    "index of a class": Recipe(label="index", classes=7),
    "a version to come": Recipe(version=14),
}


PRESET = """\
schema = 1
name = "film"
frames = 4
[scene]
model = "faces"
seed = 1
[[scene.edits]]
direction = "faces-tlgan/warmth"
strength = { from = -2, to = 2 }
[[outputs]]
path = "f.gif"
"""


def put(folder: Path, data: bytes, name: str = "net.onnx") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_it_draws_what_the_file_draws(recipe: Recipe, tmp_path: Path) -> None:
    generator: Any = open_model(str(put(tmp_path, recipe.data())), "cpu")
    info = generator.info
    assert (info.height, info.width_px, info.channels) == (
        recipe.height, recipe.width, recipe.channels)  # fmt: skip
    assert (info.z_dim, info.num_layers, info.space) == (recipe.z_dim, 1, "z")
    assert info.num_classes == (recipe.classes if recipe.label else 0) and not info.differentiable
    z = generator.sample([0, 5, 9])
    label = torch.tensor([2, 0, 4]) if recipe.label else None
    images = generator.synthesis(generator.mapping(z, label), label)
    wanted = recipe.array(z.numpy(), None if label is None else label.numpy())
    tolerance = 2.5 / 255 if recipe.ends == 256 else 1e-5
    np.testing.assert_allclose(images.numpy(), wanted, atol=tolerance)
    alone = generator.synthesis(generator.mapping(z[1:2]), None if label is None else label[1:2])
    torch.testing.assert_close(alone, images[1:2], atol=1e-5, rtol=0)


def test_it_is_imported_and_used(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = put(tmp_path, Recipe(height=16, width=16).data(), "faces.onnx")
    assert main(["inspect", str(path)]) == 0
    said = capsys.readouterr().out
    assert "ONNX network" in said and "z float32 Nx8" in said and "img float32 Nx3x16x16" in said
    assert "matrix" in said and "8x768" in said
    assert main(["import", str(path)]) == 0
    said = capsys.readouterr().err
    assert "from -1 to 1 (it ends in Tanh)" in said and "no gradients" in said
    assert "latents taken to be normal" in said
    path.unlink()
    assert main(["sample", "faces", "--seeds", "0-3"]) == 0
    assert main(["discover", "random", "faces", "--samples", "50"]) == 0
    assert main(["discover", "ganspace", "faces", "--layer", "picture", "--samples", "60",
                 "--components", "3"]) == 0  # fmt: skip
    for method in ("tlgan", "interfacegan"):
        words = ["discover", method, "faces", "--scorer", "colour", "--samples", "1024"]
        assert main(words) == 0, capsys.readouterr().err
    (tmp_path / "p.toml").write_text(PRESET)
    assert main(["render", str(tmp_path / "p.toml"), "--out-dir", str(tmp_path)]) == 0
    assert (tmp_path / "f.gif").stat().st_size > 100


@pytest.mark.parametrize("words", [
    ["discover", "ascent", "faces", "--scorer", "brightness"],
    ["discover", "voynov", "faces"], ["discover", "warped", "faces"],
    ["discover", "plumerault", "faces"], ["discover", "sefa", "faces"],
    ["edit", "faces", "--attribute", "brightness/luma", "--to", "1"],
])  # fmt: skip
def test_what_needs_more_says_so_in_a_line(
    words: list[str], tmp_path: Path, capsys: Captured
) -> None:
    assert main(["import", str(put(tmp_path, Recipe().data(), "faces.onnx"))]) == 0
    capsys.readouterr()
    assert main(words) == 65
    said = capsys.readouterr().err.splitlines()[-1]
    assert "no gradients" in said or "no layer weights" in said, said


def test_settings_decide(tmp_path: Path) -> None:
    path = put(tmp_path, Recipe().data())
    settings = {"range": [0, 255], "distribution": "uniform"}
    (tmp_path / "config.json").write_text(json.dumps(settings))
    generator = open_model(str(path), "cpu")
    z = generator.sample([3])
    assert float(z.abs().max()) <= 1
    images = generator.synthesis(generator.mapping(z))
    wanted = Recipe().array(z.numpy()) / 127.5 - 1
    np.testing.assert_allclose(images.numpy(), wanted, atol=1e-5)
    for wrong in ({"range": [0, 2]}, {"layout": "up"}, {"range": "wide"}, {"distribution": "odd"}):
        (tmp_path / "config.json").write_text(json.dumps(wrong))
        with pytest.raises(BadData, match="the setting"):
            convert(path)


@pytest.mark.slow
def test_settings_are_stated_on_the_command_line(tmp_path: Path, capsys: Captured) -> None:
    plain = str(put(tmp_path, Recipe().data(), "faces.onnx"))
    classes = str(put(tmp_path, Recipe(label="index").data(), "things.onnx"))
    z = np.random.RandomState(3).randn(1, 8).astype(np.float32)
    for text, low, high in (("0,1", 0, 1), ("[0,255]", 0, 255), ("-1,1", -1, 1)):
        assert main(["import", plain, "--name", "net", "--force", "--set", f"range={text}"]) == 0
        assert "(as the settings say)" in capsys.readouterr().err
        generator = open_model("net", "cpu")
        images = generator.synthesis(generator.mapping(torch.from_numpy(z)))
        wanted = (Recipe().array(z) - low) * 2 / (high - low) - 1
        np.testing.assert_allclose(images.numpy(), wanted, atol=1e-5)
    names = "ape,bee,cat,dog,emu"
    assert (
        main(["import", classes, "--name", "net", "--force", "--set", f"class_names={names}"]) == 0
    )
    assert open_model("net", "cpu").info.class_names == tuple(names.split(","))
    for file, text, told in (
        (plain, "range=0,2", "the setting range is 0,2"),
        (plain, "rnage=0,1", "did you mean 'range'?"),
        (classes, "classes=7", "the file has 5"),
        (classes, "class_names=ape,bee", "does not name 5 classes"),
    ):
        capsys.readouterr()
        assert main(["import", file, "--name", "net", "--force", "--set", text]) in (2, 65)
        assert told in capsys.readouterr().err


def test_a_network_of_torch_draws_as_torch_does(tmp_path: Path) -> None:
    """A DCGAN in operations as torch's exporter names them."""
    torch.manual_seed(0)
    shapes = [(10, 8, 4, 4), (8, 6, 4, 4), (6, 3, 4, 4)]
    weights = [torch.randn(shape) * 0.2 for shape in shapes]
    nodes, stored, x, y = [], [], torch.randn(3, 10, 1, 1), "z"
    wanted = x
    for i, weight in enumerate(weights):
        stride, padding = (1, 0) if i == 0 else (2, 1)
        wanted = torch.nn.functional.conv_transpose2d(wanted, weight, None, stride, padding)
        wanted = wanted.relu() if i < 2 else wanted.tanh()
        stored.append(onnx.numpy_helper.from_array(weight.numpy(), f"w{i}"))
        nodes += [
            helper.make_node("ConvTranspose", [y, f"w{i}"], [f"c{i}"], strides=[stride] * 2,
                             pads=[padding] * 4),
            helper.make_node("Relu" if i < 2 else "Tanh", [f"c{i}"], [f"a{i}"]),
        ]  # fmt: skip
        y = f"a{i}"
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 10, 1, 1])]
    outputs = [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "dcgan", inputs, outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    generator = open_model(str(put(tmp_path, model.SerializeToString())), "cpu")
    torch.testing.assert_close(generator.synthesis(x[:, None, :, 0, 0]), wanted, atol=1e-5, rtol=0)


# --- files that are refused -----------------------------------------------------------------------


def changed(change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = onnx.load_from_string(Recipe().data())
    change(model)
    data: bytes = model.SerializeToString()
    return data


def outside(model: onnx.ModelProto) -> None:
    big = model.graph.initializer[0]
    big.ClearField("raw_data")
    big.external_data.add(key="location", value="/etc/passwd")


def loop(model: onnx.ModelProto) -> None:
    model.graph.node[0].op_type = "Loop"


def loop_inside(model: onnx.ModelProto) -> None:
    branch = helper.make_graph([helper.make_node("Scan", [], [])], "b", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("then_branch", branch))


def outside_inside(model: onnx.ModelProto) -> None:
    value = TensorProto(name="v", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    model.graph.node[0].attribute.append(helper.make_attribute("value", value))


def laughs(model: onnx.ModelProto) -> None:
    for i in range(12):
        kind, domain = (f"f{i + 1}", "d") if i < 11 else ("Relu", "")
        inner = [helper.make_node(kind, ["x"], ["y"], domain=domain) for _ in range(10)]
        model.functions.append(helper.make_function("d", f"f{i}", ["x"], ["y"], inner, []))
    model.graph.node.append(helper.make_node("f0", ["z"], ["l"], domain="d"))


def itself(model: onnx.ModelProto) -> None:
    inner = [helper.make_node("f", ["x"], ["y"], domain="d")]
    model.functions.append(helper.make_function("d", "f", ["x"], ["y"], inner, []))
    model.graph.node.append(helper.make_node("f", ["z"], ["l"], domain="d"))


def two_latents(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, ["N", 4]))


def numbers(model: onnx.ModelProto) -> None:
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("x2", TensorProto.FLOAT, ["N", 9]))


WRONG = {
    "keeps its numbers in another file": outside,
    "node 1, Loop, is a loop, which may never end": loop,
    "node 1, .*, has a network among its settings": loop_inside,
    "its numbers in another file": outside_inside,
    "more parts than any generator": laughs,
    "its function f calls itself": itself,
    "not one latent": two_latents,
    "an ONNX network that gives Nx9: not one picture": numbers,
}


@pytest.mark.parametrize("words", WRONG)
def test_a_line_says_what_is_wrong(words: str, tmp_path: Path) -> None:
    path, begun = put(tmp_path, changed(WRONG[words])), time.monotonic()
    with pytest.raises(BadData, match=words) as caught:
        convert(path)
    assert "\n" not in str(caught.value) and "net.onnx" in str(caught.value)
    assert time.monotonic() - begun < 5


def test_every_cut_and_every_changed_byte_is_one_line(tmp_path: Path) -> None:
    data = Recipe(z_dim=2, height=2, width=2).data()
    random = np.random.RandomState(0)
    for case in range(300):
        if case % 2:
            bad = bytearray(data)
            bad[random.randint(len(data))] = random.randint(256)
        else:
            bad = bytearray(data[: random.randint(3, len(data))])
        try:
            onnxfile.read(memoryview(bytes(bad)))
        except Refusal as refusal:
            assert "\n" not in str(refusal)


def test_a_signal_ends_a_run(tmp_path: Path) -> None:
    """At once, and nothing runs on behind it."""
    side, steps = 600, 2000
    square = helper.make_tensor_value_info("x", TensorProto.FLOAT, [side, side])
    nodes = [helper.make_node("Transpose", ["x"], ["y0"])]
    nodes += [helper.make_node("MatMul", [f"y{i}", "x"], [f"y{i + 1}"]) for i in range(steps)]
    out = helper.make_tensor_value_info(f"y{steps}", TensorProto.FLOAT, [side, side])
    model = helper.make_model(helper.make_graph(nodes, "g", [square], [out]), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 13)])  # fmt: skip
    others = children()
    session = opened(model.SerializeToString())
    its = children() - others

    def stop(number: int, frame: object) -> None:
        raise Interrupted(number)

    before = signal.signal(signal.SIGALRM, stop)
    begun = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Interrupted):
            session.run({"x": np.zeros((side, side), np.float32)})
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - begun < 10  # all of it takes minutes
    assert its and not its & children(), "it runs on"


def test_a_bomb_is_bounded(tmp_path: Path) -> None:
    """Constants are not computed when the file opens, and no network takes all memory."""

    def bomb(model: onnx.ModelProto) -> None:
        size = onnx.numpy_helper.from_array(np.array([2**33], np.int64), "size")
        model.graph.initializer.append(size)
        last = model.graph.node[-1]
        last.output[0] = "real"
        model.graph.node.extend([
            helper.make_node("ConstantOfShape", ["size"], ["big"]),
            helper.make_node("ReduceSum", ["big"], ["zero"], keepdims=0),
            helper.make_node("Add", ["real", "zero"], ["img"]),
        ])  # fmt: skip

    begun = time.monotonic()
    with pytest.raises((BadData, MemoryError), match="more than 4 GiB at once"):
        convert(put(tmp_path, changed(bomb)))
    assert time.monotonic() - begun < 10


def test_without_onnxruntime_one_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    path = put(tmp_path, Recipe().data())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Missing, match=r"pip install 'latty\[onnx\]'"):
        convert(path)
    assert main(["inspect", str(path)]) == 0, "it is read without"
    assert "img float32" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["wild/generator", "hostile/ext_rel", "hostile/bomb",
                                  "hostile/loop"])  # fmt: skip
def test_the_cases(name: str, tmp_path: Path, capsys: Captured) -> None:
    source = SHARED / "cases" / f"{name}.onnx"
    if not source.exists():
        pytest.skip(f"no {source}")
    shutil.copy(source, tmp_path / "net.onnx")
    assert main(["import", str(tmp_path / "net.onnx")]) == 65
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "net.onnx" in said
