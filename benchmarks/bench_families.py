"""Each family's forward against its own code, in one run on one CPU.

BigGAN-deep's is Hugging Face's package, where that is installed. Of the others there is none: the
textbook (`_textbook*.py`, ours) writes out what their code does without CUDA extensions: per-sample
grouped weights, zeros inserted before filters, spectral norms at every call, pictures doubled
before they are convolved. Same weights, same codes, variants interleaved; ratios are of processor
time on one thread. Networks are of moderate size: StyleGAN3 and the BigGANs a third of the
published widths or less; then some follow at their real size, of 1024 px where that is theirs (not
with --quick; `python -m benchmarks.bench_families --large` runs these alone). StyleGAN2 has a
benchmark of its own.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks import _textbook as plain
from benchmarks import _textbook_biggan as large
from benchmarks import _textbook_stylegan3 as alias_free
from benchmarks._clock import Cost, costs, user_ratio
from benchmarks.bench_stylegan2 import Row, _error, _one_thread
from latty.models.families import biggan, biggan_deep, dcgan, progan, sngan, stylegan1, stylegan3

CPU = torch.device("cpu")
BATCH = 4
SPECTRAL = "BigGAN-PyTorch's equations, written out"
DOUBLED = "its equations, written out: doubled, then convolved"
UNFOLDED = "torch.nn as their code has it, batch norms unfolded"
Made = tuple[nn.Module, Any]  # the textbook, and our generator of the same tensors


def _scaled(widths: tuple[int, ...], quick: bool) -> tuple[int, ...]:
    """Widths of a network; a quarter of them to show quickly that the benchmark works."""
    return tuple(width // 4 for width in widths) if quick else widths


def _same(family: Any, module: nn.Module, **meta: str) -> Made:
    textbook = plain.shaken(module)
    tensors = {name: tensor.clone() for name, tensor in textbook.state_dict().items()}
    return textbook, family.build(tensors, meta, CPU)


def _families(quick: bool) -> Iterator[tuple[str, str, Callable[[], Made]]]:
    """Name, what the textbook does, and the maker of both."""
    full = partial(_scaled, quick=quick)
    twice = tuple(width for width in full((512, 512, 256, 128, 64)) for _ in range(2))
    yield "StyleGAN 64 px", DOUBLED, lambda: _same(stylegan1, plain.StyleGAN1(twice))
    yield "ProGAN 64 px", DOUBLED, lambda: _same(progan, plain.ProGAN(twice))
    deep = full((512, 512, 512, 512, 256, 256, 128, 128, 64, 64, 32))
    yield _deep("BigGAN-deep 128 px", deep)
    wide = full((512, 512, 256, 128, 64, 32))
    yield "BigGAN 128 px", SPECTRAL, lambda: _same(biggan, large.BigGAN(wide, attended=3))
    yield (
        "SNGAN 32 px",
        UNFOLDED,
        lambda: _same(sngan, plain.SNGAN(full((256, 256, 256, 256)))),
    )
    yield (
        "DCGAN 64 px",
        UNFOLDED,
        lambda: _same(dcgan, plain.DCGAN((*full((100, 512, 256, 128, 64)), 3))),
    )


def _large_families() -> Iterator[tuple[str, str, Callable[[], Made]]]:
    """Likewise, at the widths and sizes of the networks that were published."""
    twice = tuple(width for width in (512, 512, 512, 512, 256, 128, 64, 32, 16) for _ in range(2))
    yield "StyleGAN 1024 px", DOUBLED, lambda: _same(stylegan1, plain.StyleGAN1(twice))
    yield "ProGAN 1024 px", DOUBLED, lambda: _same(progan, plain.ProGAN(twice))
    deep = (*[2048] * 4, *[1024] * 4, 512, 512, 256, 256, 128, 128, 128)
    yield _deep("BigGAN-deep 512 px", deep)


def _deep(title: str, widths: tuple[int, ...]) -> tuple[str, str, Callable[[], Made]]:
    """Beside Hugging Face's own code, or the same written out where it is not installed."""
    try:
        module = large.published(widths, attended=8)
    except ImportError:
        peer = "pytorch-pretrained-biggan's equations, written out"
        return title, peer, lambda: _same(biggan_deep, large.BigGANDeep(widths, attended=8))
    return title, "pytorch-pretrained-biggan", lambda: _same(biggan_deep, module)


def _row(title: str, peer: str, ours: Cost, theirs: Cost) -> Row:
    batch = len(ours.result)
    note = f"{ours.total / batch:.4f} s/image, {user_ratio(ours, theirs)}"
    error = _error(ours.result, theirs.result)
    return f"{title}, batch {batch}", peer, theirs.total / ours.total, f"{note}, {error}"


def _plain_row(
    title: str, peer: str, make: Callable[[], Made], batch: int = BATCH, rounds: int = 7
) -> Row:
    torch.manual_seed(0)
    textbook, generator = make()
    codes = generator.mapping(generator.sample(range(batch))).contiguous()
    inputs: tuple[Tensor, ...] = (codes,)
    if generator.info.num_classes:
        inputs = (codes, torch.arange(batch) % generator.info.num_classes)
    works = {
        "ours": partial(generator.synthesis, *inputs),
        peer: partial(textbook, *inputs),
    }
    measured = costs(works, rounds)
    return _row(title, peer, measured["ours"], measured[peer])


def _alias_free_rows(
    kind: str, size: int, base: int, most: int, batch: int = BATCH, rounds: int = 3
) -> Iterator[Row]:
    torch.manual_seed(0)
    config = alias_free.settings(size, base, most, 3 if kind == "T" else 1)
    tensors = alias_free.tensors_of(config, kind == "R")
    generator = stylegan3.build(tensors, stylegan3.metadata(config), CPU)
    codes = torch.randn(1, 1, 512).expand(batch, config.num_layers, 512).contiguous()
    passes = "NVlabs' equations, written out, filters as 1-D passes"
    kernels = "the same, filters as 2-D"
    books = {
        name: alias_free.Textbook(generator, tensors, config, name == kernels)
        for name in ((passes, kernels) if rounds > 1 else (passes,))
    }
    works: dict[str, Callable[[], Tensor]] = {"ours": partial(generator.synthesis, codes)}
    works |= {name: partial(book, codes) for name, book in books.items()}
    measured = costs(works, rounds)
    ours = measured.pop("ours")
    for peer, theirs in measured.items():
        yield _row(f"StyleGAN3-{kind} {size} px", peer, ours, theirs)


def run(quick: bool = False) -> Iterator[Row]:
    """All rows; `quick` uses narrow networks alone, to show that the benchmark works."""
    sizes = (32, 512, 32) if quick else (64, 4096, 128)
    with _one_thread(), torch.no_grad():
        for kind in "TR":
            yield from _alias_free_rows(kind, *sizes)
        for family in _families(quick):
            yield _plain_row(*family)
        if not quick:
            yield from run_large()


def run_large() -> Iterator[Row]:
    """Networks at their real size, a picture at a time; StyleGAN3 takes minutes and 7 GB."""
    with _one_thread(), torch.no_grad():
        for family in _large_families():
            yield _plain_row(*family, 1, 3)
        yield from _alias_free_rows("T", 1024, 32768, 512, 1, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="narrow networks, seconds")
    parser.add_argument("--large", action="store_true", help="networks at their real size")
    options = parser.parse_args()
    for name, peer, ratio, note in run_large() if options.large else run(options.quick):
        print(f"{ratio:5.2f}x  {name}  vs {peer}  ({note})", flush=True)


if __name__ == "__main__":
    main()
