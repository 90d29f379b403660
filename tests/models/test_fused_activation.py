"""StyleGAN3's activations as one kernel, in Triton's interpreter, against the same as products."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_families import STYLEGAN3, stylegan3_tensors
from torch import Tensor

from benchmarks._textbook_stylegan3 import settings
from latty import plugins
from latty.models import gpu, live_memory
from latty.models.families import stylegan3
from latty.models.families.stylegan3 import fused, network, ops

KERNEL = "latty.models.families.stylegan3.kernel"
NEAR = {torch.float32: 2e-6, torch.bfloat16: 6e-3, torch.float16: 8e-4}  # half a last bit, about
SIZE = 22  # px of what a layer makes here, whatever it makes in the network


@pytest.fixture(scope="module")
def interpreted() -> Iterator[None]:
    """Triton runs kernels on the CPU; it looks when they are defined."""
    pytest.importorskip(
        "triton", reason="Triton is not installed: it comes with torch's CUDA builds"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        patch.delitem(sys.modules, KERNEL, raising=False)
        yield
    sys.modules.pop(KERNEL, None)


@pytest.fixture
def failures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said under -v in this test; nothing has failed before it."""
    said = list[str]()
    monkeypatch.setattr(gpu, "FAILED", {})
    monkeypatch.setattr(plugins, "tell_more", said.append)
    return said


def geometries() -> list[tuple[str, int, int, int, bool]]:
    """What the layers of T and R of 1024 and 256 px do: up, down, front padding, radial."""
    found = {}
    for size in (256, 1024):
        for kind, kernel in (("T", 3), ("R", 1)):
            config = settings(size, 32768, 512, kernel)
            for layer in config.layers[:-1]:
                radial = kind == "R" and layer is not config.layers[-2]
                what = layer.up, layer.down, layer.padding[0], radial
                found.setdefault(what, f"{kind}-{size} {layer.name}")
    return [(name, *what) for what, name in found.items()]


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return (torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 2).to(dtype)


def hann(count: int) -> Tensor:
    line = torch.hann_window(count + 2, periodic=False)[1:-1]
    return line / line.sum()


def close(got: Tensor, wanted: Tensor, dtype: torch.dtype) -> None:
    torch.testing.assert_close(
        got.float(), wanted, rtol=NEAR[dtype], atol=NEAR[dtype] * float(wanted.abs().max())
    )


@pytest.mark.parametrize(
    ("up", "down", "front", "radial", "dtype"),
    [
        pytest.param(*what, dtype, id=f"{name} {str(dtype).removeprefix('torch.')}")
        for name, *what in geometries()
        for dtype in (NEAR if "_52_" in name else [torch.float32])
    ],
)
def test_every_layer_of_t_and_r(
    up: int, down: int, front: int, radial: bool, dtype: torch.dtype,
    interpreted: None, failures: list[str],
) -> None:  # fmt: skip
    grow = ops.Resampling(tuple((up * hann(6 * up)).tolist()), up, front)
    kernel = torch.outer(hann(6 * down), hann(6 * down)) if radial else hann(6 * down)
    like = torch.zeros((), dtype=dtype)
    act = fused.FusedActivation(grow, kernel, down, SIZE, 0.2, 1.5, like)
    side = (SIZE * down + 6 * (up + down)) // up + 1
    x = noise(2, 2, side, side, dtype=dtype)
    plain = ops.FilteredActivation(grow, kernel, down, SIZE, 0.2, 1.5, torch.zeros(()))
    wanted = plain(x.float())
    for laid_out in (x, x.contiguous(memory_format=torch.channels_last), x[:1]):
        kept = laid_out.clone()
        got = act.fused(laid_out)
        assert got.dtype == dtype and torch.equal(laid_out, kept)
        close(got, wanted[: len(got)], dtype)
    assert torch.equal(act.fused(x)[1:], act.fused(x[1:]))  # the same numbers in any batch
    assert not failures


@pytest.mark.parametrize(("radial", "limit"), [(False, None), (True, 0.7)])
@pytest.mark.parametrize(
    ("size", "up", "taps", "padding", "down", "down_taps"),
    [(7, 2, 12, (9, 8), 2, 12), (14, 4, 24, (-2, -3), 2, 12), (24, 2, 12, (-5, -6), 2, 12),
     (8, 1, 5, (2, 2), 1, 3), (6, 2, 7, (4, 3), 1, 4), (14, 3, 12, (9, 8), 2, 9)],
)  # fmt: skip
def test_filters_of_any_length_and_no_symmetry(
    size: int, up: int, taps: int, padding: tuple[int, int], down: int, down_taps: int,
    radial: bool, limit: float | None, interpreted: None, failures: list[str],
) -> None:  # fmt: skip
    grow = ops.Resampling(tuple(noise(taps).tolist()), up, padding[0])
    kernel = noise(*(down_taps,) * (2 if radial else 1))
    after = (size * up + sum(padding) - taps + 1 - down_taps) // down + 1
    made = grow, kernel, down, after, 0.2, limit, torch.zeros(())
    x = noise(1, 2, size, size)
    close(fused.FusedActivation(*made)(x), ops.FilteredActivation(*made)(x.clone()), x.dtype)
    assert not failures


@pytest.mark.parametrize("radial", [False, True], ids=["T", "R"])
def test_pictures_of_a_network(
    radial: bool, interpreted: None, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stylegan3_tensors(radial=radial), stylegan3.metadata(STYLEGAN3), torch.device("cpu")
    plain = stylegan3.build(*made)
    monkeypatch.setattr(network.alias_free, "FilteredActivation", fused.FusedActivation)
    quick = stylegan3.build(*made)
    codes = plain.mapping(plain.sample([1, 2]))
    with torch.no_grad():
        wanted, got = plain.synthesis(codes), quick.synthesis(codes)
    torch.testing.assert_close(got, wanted, rtol=0, atol=1e-5 * float(wanted.abs().max()))
    live_memory.KNOWN.clear()  # that of another network of this name
    assert live_memory.needed(quick, 2) != 2 * live_memory.GUESSED * 15**2, "counted, not guessed"
    assert not failures
    # what needs a gradient goes through the products, which have one
    gradient, same = (
        torch.autograd.grad(one.synthesis(codes.requires_grad_()).square().sum(), codes)[0]
        for one in (plain, quick)
    )
    assert torch.equal(gradient, same) and not failures


def test_what_is_no_number_stays_none(interpreted: None, failures: list[str]) -> None:
    grow = ops.Resampling(tuple((2 * hann(12)).tolist()), 2, 9)
    act = fused.FusedActivation(grow, hann(12), 2, 20, 0.2, 1.0, torch.zeros(()))
    x = noise(1, 2, 20, 20)
    x[0, 0, 5, 5] = torch.nan
    y = act.fused(x)
    assert y[0, 0].isnan().any() and y[0, 1].isfinite().all()


def test_products_of_few_bits_do_not_make_pictures_paler(
    interpreted: None, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from triton.runtime.interpreter import InterpreterBuilder

    dot, kinds = InterpreterBuilder.create_dot, set[str]()

    def as_a_gpu_does(self: Any, a: Any, b: Any, d: Any, precision: Any, *more: Any) -> Any:
        kinds.add(precision.name)
        for one in (a, b):  # the last 13 bits are not read
            one.data = (one.data.view(np.int32) & -0x2000).view(np.float32)
        return dot(self, a, b, d, precision, *more)

    monkeypatch.setattr(InterpreterBuilder, "create_dot", as_a_gpu_does)
    x = noise(1, 2, 20, 20).abs().half()  # the interpreter writes bf16 cut off, a GPU rounds
    act, plain = small(x[:0]), small(x[:0].double())
    got, wanted = act.fused(x).double(), plain(x.double())
    assert kinds == {"TF32"} and not failures
    assert float(got.sum() / wanted.sum()) == pytest.approx(1, abs=3e-4)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["fp32", "bf16"])
def test_it_compiles_for_a_gpu_that_is_not_here(dtype: str) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    words = [sys.executable, "-c", COMPILE, dtype]
    env = {name: said for name, said in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(words, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    shared, *used = done.stdout.split()
    assert int(shared) <= 48 << 10  # bytes, which every GPU has for a program
    assert used == {"fp32": ["fma"], "bf16": ["mma", "bf16"]}[dtype]


COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from latty.models.families.stylegan3.kernel import filtered

dtype = sys.argv[1]
precision = "ieee" if dtype == "fp32" else "tf32"
fixed = {"window": 32, "fine": 64, "out": 32, "terms": 5, "limited": True,
         "precision": precision, "stride_w": 1}
of = {"x": "*" + dtype, "y": "*" + dtype, "slope": "fp32", "limit": "fp32"}
of |= dict.fromkeys(("rows", "columns", "down_columns", "down_rows"), "*fp32")
of |= dict.fromkeys(fixed, "constexpr")
types = {name: of.get(name, "i32") for name in filtered.arg_names}
made = triton.compile(
    ASTSource(filtered, types, fixed), target=GPUTarget("cuda", 90, 32),
    options={"num_warps": 4, "num_stages": 1},
)
ptx = made.asm["ptx"]
assert made.asm["cubin"]
product = "mma" if "mma" in ptx else "fma"
written = [kind for kind in ("bf16", "f16") if "cvt.rn." + kind in ptx]  # rounded
print(made.metadata.shared, product, *written)
"""


def small(like: Tensor) -> fused.FusedActivation:
    grow = ops.Resampling(tuple((2 * hann(12)).tolist()), 2, 9)
    return fused.FusedActivation(grow, hann(12), 2, 20, 0.2, 1.0, like)


def test_without_triton_it_is_said_once_and_products_are_taken(
    failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    monkeypatch.delitem(sys.modules, KERNEL, raising=False)
    x = noise(1, 2, 20, 20)
    pictures = [small(x)(x.clone()) for _ in range(3)]
    plain = ops.FilteredActivation(
        ops.Resampling(tuple((2 * hann(12)).tolist()), 2, 9), hann(12), 2, 20, 0.2, 1.0, x
    )
    assert all(torch.equal(one, plain(x.clone())) for one in pictures)
    assert len(failures) == 1 and "does without kernels" in failures[0]


def test_a_kernel_that_computes_something_else_is_not_used(
    interpreted: None, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = fused.tiling
    monkeypatch.setattr(fused, "tiling", lambda *given: replace(right(*given), first=-2))
    x = noise(1, 2, 20, 20)
    small(x)
    assert len(failures) == 1 and "of its range off" in failures[0]


def test_a_kernel_that_fails_later_is_said_once_and_products_are_taken(
    interpreted: None, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = noise(1, 2, 20, 20)
    acts = [small(x), small(x)]
    monkeypatch.setattr(acts[0], "_run", None)
    wanted = acts[0](x.clone())
    for act in acts:
        monkeypatch.setattr(act, "_run", {(): None})  # of no size that is asked for
    assert all(torch.equal(act(x.clone()), wanted) for act in acts * 2)
    assert len(failures) == 1 and "does without kernels: KeyError" in failures[0]


@pytest.mark.parametrize("word", ["plain", "graphs"])
def test_the_setting_switches_it_off(
    word: str, interpreted: None, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_GPU", word)
    monkeypatch.setattr(fused.FusedActivation, "fused", None)  # it is never called
    x = noise(1, 2, 20, 20)
    assert small(x)(x).shape == (1, 2, 20, 20) and not failures


def test_double_precision_goes_through_the_products(interpreted: None, failures: list[str]) -> None:
    x = noise(1, 2, 20, 20).double()
    assert small(x)(x).dtype == torch.float64


def test_a_computer_without_a_gpu_never_imports_triton() -> None:
    words = (
        "import sys; from latty.models.families import stylegan3; sys.exit('triton' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", words], check=True)
