"""Honest files of every container: the numbers that torch and numpy read, nothing imported."""

import json
import os
import pickle
import pickletools
import subprocess
import sys
from argparse import Namespace
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from places import PARITY, ROOT
from safetensors.torch import save_file

from benchmarks._pickles import Call, Global, Numbers, Writer, generator, pickled
from latty.checkpoints import inspect, open_checkpoint, refusals
from latty.checkpoints.checkpoint import Checkpoint, read
from latty.checkpoints.opcodes import NAMES
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.safetensors import WRITTEN, pieces, read_header, read_tensors
from latty.checkpoints.tally import Tally
from latty.checkpoints.values import Persistent, TfNetwork
from latty.errors import Missing

SUFFIXES = (".pkl", ".pt", ".pth", ".bin", ".npz")
FIXTURES = sorted(p for p in PARITY.rglob("*") if p.suffix in SUFFIXES)
TYPES = [
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32),
    *(torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64),
]


def state(dtype: torch.dtype = torch.float32) -> "OrderedDict[str, torch.Tensor]":
    """Tensors of every awkward kind: 0-d, empty, transposed, shared, a slice of another."""
    numbers = torch.randn(6, 5, generator=torch.Generator().manual_seed(1)) * 50
    whole = (numbers > 0) if dtype == torch.bool else numbers.to(dtype)
    entries = [
        ("whole", whole),
        ("turned", whole.t()),
        ("part", whole[1:4, ::2]),
        ("one", whole[2, 2].clone()),
        ("none", whole[:0].clone()),
        ("again", whole),
    ]
    return OrderedDict(entries)


def same(checkpoint: Checkpoint, wanted: dict[str, torch.Tensor]) -> None:
    found = checkpoint.tensors()
    assert list(found) == list(wanted)
    for name, tensor in wanted.items():
        half = tensor.dtype in (torch.float16, torch.bfloat16)
        array = (tensor.float() if half else tensor).numpy()
        assert found[name].dtype == array.dtype and found[name].shape == array.shape, name
        assert np.array_equal(found[name], array), name


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_torch_files_read_as_torch_reads_them(
    tmp_path: Path, dtype: torch.dtype, new: bool
) -> None:
    path = tmp_path / "model.anything"
    torch.save(state(dtype), path, _use_new_zipfile_serialization=new)
    checkpoint = open_checkpoint(path)
    assert checkpoint.kind == ("torch-zip" if new else "torch-legacy")
    same(checkpoint, torch.load(path, weights_only=True))
    assert checkpoint.warnings == ()


@pytest.mark.parametrize("new", [True, False], ids=["zip", "legacy"])
def test_training_files_with_arguments_and_optimisers_open(tmp_path: Path, new: bool) -> None:
    layer = torch.nn.Linear(3, 2)
    optimiser = torch.optim.Adam(layer.parameters())
    layer(torch.ones(1, 3)).sum().backward()
    optimiser.step()
    path = tmp_path / "train.pt"
    whole = {
        "g_ema": layer.state_dict(),
        "optim": optimiser.state_dict(),
        "args": Namespace(size=64, lr=0.002, path="x"),
        "size": torch.Size([1, 2]),
        "type": torch.float32,
        "device": torch.device("cpu"),
    }
    torch.save(whole, path, _use_new_zipfile_serialization=new)
    checkpoint = open_checkpoint(path)
    assert checkpoint.tree["args"] == {"size": 64, "lr": 0.002, "path": "x"}
    assert checkpoint.tree["size"] == (1, 2) and checkpoint.tree["device"] == "cpu"
    assert np.array_equal(checkpoint.tensors()["g_ema.weight"], layer.weight.detach().numpy())
    assert checkpoint.globals["argparse.Namespace"] == 1
    assert inspect(path)["settings"]["args"]["size"] == 64


def test_safetensors_read_as_the_reference_reads_them(tmp_path: Path) -> None:
    for dtype in TYPES:
        path = tmp_path / "model.bin"
        whole = {name: t.contiguous().clone() for name, t in state(dtype).items()}
        save_file(whole, path, metadata={"license": "MIT"})
        checkpoint = open_checkpoint(path)
        ordered = {name: whole[name] for name in checkpoint.views()}
        same(checkpoint, ordered)
        assert checkpoint.licence == "MIT" and checkpoint.kind == "safetensors"
        assert read_header(path).shapes["whole"] == (6, 5)


@pytest.mark.parametrize("near", [0, 2**26])
def test_tensors_come_in_the_order_of_their_file(
    near: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read or mapped: what is written again has the same bytes."""
    monkeypatch.setattr(refusals, "NEAR", near)
    path = tmp_path / "x.safetensors"
    kinds = [getattr(torch, name) for name in WRITTEN if name != "float16"]  # which is widened
    whole = {f"k{5 * k % 8}": (torch.rand(3, k + 1) * 9).to(kind) for k, kind in enumerate(kinds)}
    whole |= {"none": torch.zeros(0, 4), "one": torch.tensor(5)}
    path.write_bytes(b"".join(pieces({"kind": "x"}, whole)))
    found = read_tensors(path)
    assert [*found] == [*whole] == [*read_header(path).shapes]
    assert all(torch.equal(one, whole[name]) for name, one in found.items())
    assert b"".join(pieces({"kind": "x"}, found)) == path.read_bytes()


def saved(path: Path, kind: str) -> None:
    whole = {"a": torch.rand(3, 400), "b": torch.rand(400, 3).t()}
    if kind == "safetensors":
        save_file({name: tensor.contiguous() for name, tensor in whole.items()}, path)
    elif kind == "npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in whole.items()})
    else:
        torch.save(whole, path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["zip", "legacy", "npz", "safetensors"])
def test_numbers_of_a_mapped_file_that_is_cut_short_are_refused(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no SIGBUS ends the process."""
    path = tmp_path / "x.npz"
    saved(path, kind)
    wanted = open_checkpoint(path).tensors()
    monkeypatch.setattr(refusals, "NEAR", 0)
    monkeypatch.setattr(refusals, "PIECE", 1000)
    found = open_checkpoint(path)
    assert all(np.array_equal(wanted[name], one) for name, one in found.tensors().items())
    os.truncate(path, 100)
    with pytest.raises(Refusal, match=r"x\.npz: another program wrote it while it was read"):
        found.tensors()


@pytest.mark.parametrize("pack", [np.savez, np.savez_compressed])
def test_npz_reads_as_numpy_reads_it(tmp_path: Path, pack: "object") -> None:
    arrays = {
        "turned": np.asfortranarray(np.arange(12, dtype=">f4").reshape(3, 4)),
        "one": np.float64(3.5),
        "text": np.array(["a", "bc"]),
        "big": np.random.RandomState(0).randn(100, 300).astype(np.float32),
        "none": np.zeros((0, 4), np.int16),
    }
    path = tmp_path / "a.npz"
    pack(path, **arrays)  # type: ignore[operator]
    found = open_checkpoint(path).tensors()
    assert list(found) == list(arrays)
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickled_arrays_read_as_python_reads_them(tmp_path: Path, protocol: int) -> None:
    value = {
        "direction": np.random.RandomState(0).randn(512).astype(np.float32),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float64(-2.8),
        "flag": np.bool_(True),
        "big-endian": np.arange(4, dtype=">i4"),
        "name": ["age", "smile"],
        "nested": {"layers": (0, 9), "start": None, "bytes": b"x" * 3000, "int": 2**70},
    }
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    checkpoint = open_checkpoint(path)
    found = checkpoint.tensors()
    for name in ("direction", "turned", "scalar", "flag", "big-endian"):
        assert np.array_equal(found[name], value[name]), name
    assert found["scalar"].shape == ()
    assert checkpoint.tree["name"] == value["name"]
    nested = checkpoint.tree["nested"]
    assert bytes(nested.pop("bytes")) == b"x" * 3000
    assert nested == {"layers": (0, 9), "start": None, "int": 2**70}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_layout_of_nvidia(tmp_path: Path, protocol: int) -> None:
    block = np.arange(300, dtype="<f4").tobytes()
    path = tmp_path / "n.pkl"
    with path.open("wb") as file:
        g_ema = generator(block, 16, 128, 16)
        number = Call(
            Global("numpy.core.multiarray", "scalar"),
            (Call(Global("numpy", "dtype"), ("i8", False, True)), (2).to_bytes(8, "little")),
        )
        g_ema.children["synthesis"].children["b8"].attributes["up_factor"] = number
        Writer(file, protocol).done({"G_ema": g_ema, "augment_pipe": None})
    checkpoint = open_checkpoint(path)
    tensors = checkpoint.tensors()
    assert np.array_equal(tensors["G_ema.mapping.fc3.bias"], (np.arange(512) % 300))
    assert tensors["G_ema.synthesis.b8.conv0.noise_strength"].shape == ()
    part = checkpoint.tree["G_ema"]
    assert isinstance(part, Persistent) and part.class_name == "Generator"
    layer = part.child("synthesis.b8.conv0")
    assert layer.attributes["conv_clamp"] == 256 and layer.attributes["use_noise"] is True
    assert part.child("synthesis.b8").attributes["up_factor"] == 2
    assert "mapping.fc3.bias" in checkpoint.views(part)
    assert checkpoint.modules()["G_ema.synthesis.b4.conv1"].state["up"] == 1
    with pytest.raises(Refusal, match=r"synthesis\.b99"):
        part.child("synthesis.b99")


def test_source_text_is_hashed_dropped_and_its_licence_said(tmp_path: Path) -> None:
    meta = {
        "class_name": "G",
        "module_src": "# Copyright NVIDIA CORPORATION\nimport os; os.mkdir('ran')",
        "state": {"_parameters": {"w": Numbers((2,), bytes(8))}},
    }
    made = Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), (meta,))
    path = tmp_path / "n.pkl"
    path.write_bytes(pickled({"G_ema": made}))
    checkpoint = open_checkpoint(path)
    assert "non-commercial" in checkpoint.licence
    assert len(checkpoint.tree["G_ema"].source_sha256) == 64
    assert "mkdir" not in repr(checkpoint.tree["G_ema"].state)
    assert "NVIDIA" in inspect(path)["licence"]


def test_a_tensorflow_network(tmp_path: Path) -> None:
    scalar = Call(
        Global("numpy.core.multiarray", "scalar"),
        (Call(Global("numpy", "dtype"), ("f4",)), np.float32(0.25).tobytes()),
    )
    state = {
        "version": 4,
        "name": "Gs",
        "static_kwargs": {"resolution": 32},
        "build_module_src": "raise SystemExit",
        "variables": [("lod", scalar)],
    }
    inner = Call(Global("dnnlib.tflib.network", "Network"), (), state, new=True)
    outer = {**state, "components": {"synthesis": inner}}
    whole = Call(Global("dnnlib.tflib.network", "Network"), (), outer, new=True)
    path = tmp_path / "tf.pkl"
    path.write_bytes(pickled((whole, whole, whole)))
    checkpoint = open_checkpoint(path)
    smoothed = checkpoint.tree[2]
    assert isinstance(smoothed, TfNetwork) and smoothed.kwargs == {"resolution": 32}
    assert "build_module_src" not in smoothed.state
    assert checkpoint.tensors()["2.synthesis.lod"].shape == ()
    assert checkpoint.weights()["2.lod"] == np.float32(0.25)


def test_an_array_alone_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    torch.save(torch.arange(3), tmp_path / "a.pt")
    for name in ("a.npy", "a.pt"):
        checkpoint = open_checkpoint(tmp_path / name)
        assert checkpoint.tensors()["array"].tolist() == [0, 1, 2]
        with pytest.raises(Refusal) as caught:
            checkpoint.weights()
        assert caught.value.code == "no-model" and name in str(caught.value)


def test_inspect_tells_everything_as_json(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save(state(), path)
    told = json.loads(json.dumps(inspect(path), allow_nan=False))
    assert told["kind"] == "torch-zip" and told["refused"] is None
    assert told["tensors"]["turned"] == {"shape": [5, 6], "dtype": "float32"}
    assert told["globals"]["torch._utils._rebuild_tensor_v2"] == 1
    assert told["opcodes"]["STOP"] == 1 and len(told["sha256"]) == 64


def test_inspect_names_every_global_of_a_refused_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.pkl"
    evil = Call(Global("os", "system"), ("touch ran",))
    path.write_bytes(
        pickled([evil, Call(Global("shutil", "rmtree"), ("x",)), Numbers((2,), bytes(8))])
    )
    told = inspect(path)
    assert told["forbidden"] == ["os.system", "shutil.rmtree"]
    assert told["refused"]["code"] == "forbidden-global" and "bad.pkl" in told["refused"]["message"]
    assert "collections.OrderedDict" in told["globals"]
    assert not (Path.cwd() / "ran").exists()


def test_reading_imports_neither_torch_nor_numpy(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({**state(), "n": {"args": Namespace(a=1)}}, path)
    code = (
        "import sys; from latty.checkpoints import inspect, open_checkpoint\n"
        "assert inspect(sys.argv[1])['refused'] is None\n"
        "assert len(open_checkpoint(sys.argv[1]).views()) == 6\n"
        "print([m for m in ('torch', 'numpy', 'argparse', 'pickle') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        **{"capture_output": True, "text": True, "check": True, "cwd": ROOT},
    )
    assert done.stdout.strip() == "[]"


def test_the_names_of_operations() -> None:
    assert {ord(op.code): op.name for op in pickletools.opcodes} == NAMES


def test_what_is_no_file() -> None:
    with pytest.raises(Missing):
        open_checkpoint("/nowhere/at/all.pkl")
    with pytest.raises(Missing):
        open_checkpoint("a\0b")
    with pytest.raises(Refusal) as caught:
        open_checkpoint(Path.cwd())
    assert caught.value.code == "not-a-file" and caught.value.exit_code == 65


def test_checksums_that_were_switched_off_warn(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(state(), path)
    finally:
        torch.serialization.set_crc32_options(before)
    checkpoint = open_checkpoint(path)
    same(checkpoint, torch.load(path, weights_only=True))
    assert "without checksums" in checkpoint.warnings[0]


def test_bytes_behind_the_end_warn(tmp_path: Path) -> None:
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps({"a": np.arange(3)}) + b"tail")
    assert "4 bytes" in open_checkpoint(path).warnings[0]


@pytest.mark.skipif(not FIXTURES, reason="no folder of parity data beside the checkout")
@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: "/".join(p.parts[-2:]))
def test_every_parity_file_opens(path: Path) -> None:
    checkpoint = read(path, Tally())
    found = checkpoint.tensors()
    if path.suffix == ".npz":
        with np.load(path) as archive:
            wanted = {name: archive[name] for name in archive.files}
    elif path.suffix == ".pkl":
        assert len(found) > 100 and all(np.isfinite(a).all() for a in found.values())
        return
    else:
        with torch.serialization.safe_globals([Namespace]):
            loaded = torch.load(path, map_location="cpu", weights_only=True)
        wanted = flattened(loaded)
    assert found.keys() == wanted.keys()
    assert all(np.array_equal(found[name], array) for name, array in wanted.items())


def flattened(value: object, name: str = "") -> dict[str, np.ndarray]:
    """Dotted name -> array, from what torch.load gives."""
    if isinstance(value, torch.Tensor):
        return {name: value.numpy()}
    inner: list[tuple[object, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list | tuple):
        inner = list(enumerate(value))
    return {
        key: array
        for part, item in inner
        for key, array in flattened(item, f"{name}.{part}".lstrip(".")).items()
    }


@pytest.mark.parametrize("length", [0x80 + 256 * n for n in range(1, 17)])
def test_a_safetensors_header_of_any_length_is_no_pickle(length: int, tmp_path: Path) -> None:
    """Its first bytes, the length, may be those of a pickle: 80 02, 80 04, ..."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    data = length.to_bytes(8, "little") + header.ljust(length) + b"\0\0\x80?"
    (tmp_path / "a.bin").write_bytes(data)
    assert open_checkpoint(tmp_path / "a.bin").tensors()["a"].tolist() == [1.0]
