"""Number types and views: read as torch reads them, or told of without a word about attacks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from places import SHARED
from safetensors.torch import save_file

from latty.checkpoints import inspect, open_checkpoint
from latty.checkpoints.refusals import Refusal
from latty.checkpoints.values import plain
from latty.models.opening import convert

pytestmark = pytest.mark.filterwarnings("ignore")  # torch on sparse and quantised tensors
FLOAT8 = [
    *(torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.float8_e5m2fnuz),
    torch.float8_e8m0fnu,
]
UNSIGNED = [torch.uint16, torch.uint32, torch.uint64]
WAYS = pytest.mark.parametrize("way", ["zip", "legacy"])


def read(folder: Path, value: Any, way: str = "zip") -> Any:
    path = folder / "tensor.pt"
    torch.save({"w": value}, path, _use_new_zipfile_serialization=way == "zip")
    assert inspect(path)["refused"] is None
    return open_checkpoint(path)


def same(found: np.ndarray, wanted: torch.Tensor) -> None:
    assert found.shape == tuple(wanted.shape)
    assert np.array_equal(found, wanted.numpy(), equal_nan=wanted.is_floating_point())


@WAYS
@pytest.mark.parametrize("dtype", FLOAT8, ids=str)
def test_every_byte_of_float8_is_what_torch_says(
    tmp_path: Path, dtype: torch.dtype, way: str
) -> None:
    stored = torch.arange(256, dtype=torch.uint8).view(dtype).reshape(16, 16)
    for tensor in (stored, stored.t(), stored[3:5, 2:], stored[1, 1], stored[:0]):
        checkpoint = read(tmp_path, tensor, way)
        same(checkpoint.tensors()["w"], tensor.float())
    name = str(dtype).removeprefix("torch.")
    assert inspect(tmp_path / "tensor.pt")["tensors"]["w"]["dtype"] == name
    few = read(tmp_path, stored[2:4, :3], way)
    assert plain(few.tree["w"]) == stored[2:4, :3].float().tolist()


def test_float8_of_safetensors(tmp_path: Path) -> None:
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2):
        stored = torch.arange(256, dtype=torch.uint8).view(dtype)
        save_file({"w": stored}, tmp_path / "t.safetensors")
        same(open_checkpoint(tmp_path / "t.safetensors").tensors()["w"], stored.float())


@WAYS
@pytest.mark.parametrize("dtype", UNSIGNED, ids=str)
def test_wide_unsigned_numbers(tmp_path: Path, dtype: torch.dtype, way: str) -> None:
    numbers = torch.tensor([[0, 1, 2**15], [7, 9, 2**16 - 1]]).to(dtype)
    same(read(tmp_path, numbers, way).tensors()["w"], numbers)


def views() -> dict[str, torch.Tensor]:
    numbers = torch.randn(3, 4, dtype=torch.complex64, generator=torch.Generator().manual_seed(1))
    return {
        "negative": torch._neg_view(numbers.real.contiguous()),
        "negative part": torch._neg_view(numbers.real.contiguous())[1:, ::2],
        "conjugate": numbers.conj(),
        "negative conjugate": torch._neg_view(numbers.conj()),
        "imaginary": numbers.conj().imag,
        "negative empty": torch._neg_view(numbers.real.contiguous())[:0],
        "float8": torch._neg_view(numbers.real.contiguous()).to(torch.bfloat16),
    }


@WAYS
@pytest.mark.parametrize("name", views())
def test_views_have_their_sign(tmp_path: Path, name: str, way: str) -> None:
    tensor = views()[name]
    checkpoint = read(tmp_path, tensor, way)
    wanted = tensor.resolve_conj().resolve_neg()
    wanted = wanted.float() if wanted.dtype == torch.bfloat16 else wanted
    same(checkpoint.tensors()["w"], wanted)
    assert plain(checkpoint.tree["w"]) == wanted.tolist()


@WAYS
@pytest.mark.parametrize("dtype", [torch.qint8, torch.quint8, torch.qint32], ids=str)
def test_one_scale_for_a_tensor_is_read(tmp_path: Path, dtype: torch.dtype, way: str) -> None:
    numbers = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    tensor = torch.quantize_per_tensor(numbers, 0.037, 3, dtype)
    same(read(tmp_path, tensor, way).tensors()["w"], tensor.dequantize())


class Own(torch.Tensor):
    """A tensor class of the file's author."""


def test_tensors_with_attributes_and_classes_of_their_own(tmp_path: Path) -> None:
    marked = torch.arange(3.0)
    marked.origin = "somewhere"  # type: ignore[attr-defined]
    same(read(tmp_path, marked).tensors()["w"], torch.arange(3.0))
    same(read(tmp_path, torch.arange(3.0).as_subclass(Own)).tensors()["w"], torch.arange(3.0))


def odd() -> dict[str, tuple[torch.Tensor, str]]:
    flat = torch.eye(4)
    scales = (torch.ones(4).double(), torch.zeros(4).long(), 0)
    return {
        "sparse": (flat.to_sparse(), "sparse"),
        "csr": (flat.to_sparse_csr(), "sparse"),
        "meta": (torch.empty(10**7, 10, device="meta"), "meta"),
        "channels": (torch.quantize_per_channel(flat, *scales, torch.qint8), "quantised"),
        "nested": (torch.nested.nested_tensor([flat, flat[:2]]), "kind"),
    }


@pytest.mark.parametrize("name", ["sparse", "csr", "meta", "channels", "nested"])
def test_what_cannot_be_read_is_said_where_it_is_needed(tmp_path: Path, name: str) -> None:
    tensor, word = odd()[name]
    checkpoint = read(tmp_path, tensor)
    with pytest.raises(Refusal) as caught:
        checkpoint.tensors()
    words = str(caught.value)
    assert caught.value.code == "bad-tensor" and word in words and "tensor 'w'" in words
    assert not any(one in words for one in ("trust", "mislead", "damaged", "run "))
    torch.save({"g": {"x": torch.ones(2)}, "optimizer": {"s": tensor}}, tmp_path / "two.pt")
    whole = open_checkpoint(tmp_path / "two.pt")
    same(whole.tensors(whole.tree["g"])["x"], torch.ones(2))


HOSTILE = SHARED / "cases/hostile"


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no folder of cases beside the checkout")
@pytest.mark.parametrize("name", ["neg", "float8", "quant"])
def test_cases_that_are_read_are_equal_to_torch(name: str) -> None:
    path = HOSTILE / f"{name}.pt"
    whole = torch.load(path, map_location="cpu", weights_only=False)
    found = open_checkpoint(path).tensors()
    for key, tensor in whole.items():
        dense = tensor.dequantize() if tensor.is_quantized else tensor.resolve_neg()
        same(found[key], dense.float() if dense.is_floating_point() else dense)


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no folder of cases beside the checkout")
@pytest.mark.parametrize("name", ["csr", "meta"])
def test_cases_that_cannot_be_read_are_no_attack(name: str) -> None:
    with pytest.raises(Refusal) as caught:
        convert(HOSTILE / f"{name}.pt")
    words = str(caught.value)
    assert caught.value.exit_code == 65 and "main.0.weight" in words and "trust" not in words
