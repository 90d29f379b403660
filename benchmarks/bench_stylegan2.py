"""StyleGAN2 at 64, 256 and 1024 px: ours against the equations of others, in one run on one CPU.

The code of NVlabs and rosinality is in no package, so their equations are written out here as they
run where no CUDA extension is built: modulated weights are written for every sample and run as one
grouped convolution; up-sampling filters insert zeros, pad and convolve. The second form, NVlabs'
with fused_modconv=False, scales input and output, as ours does, and is otherwise the same plain
code. Same weights, same codes, variants interleaved; ratios are of processor time.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from latty.models.families.stylegan2 import StyleGAN2Config, StyleGAN2Network

Row = tuple[str, str, float, str]  # what is measured, against what, how many times faster, a note

FULL = StyleGAN2Config()  # config F at 256 px: 90.7 GFLOP per image
LARGE = StyleGAN2Config(resolution=1024, channels=(*[512] * 5, 256, 128, 64, 32))
HALF = StyleGAN2Config(resolution=64, channels=(512, 512, 512, 512, 512))
SMALL = StyleGAN2Config(resolution=64, channels=(128, 128, 128, 64, 32))
TEXTBOOK = "rosinality's and NVlabs' equations, written out: grouped per-sample weights"
UNFUSED = "NVlabs' unfused equations, written out"


def _upfirdn(x: Tensor, kernel: Tensor, up: int, front: int, back: int) -> Tensor:
    """Insert zeros, pad, convolve each channel of x (N, C, H, W)."""
    n, c, h, w = x.shape
    x = x.reshape(n * c, 1, h, w)
    if up > 1:
        x = F.pad(x.reshape(n * c, 1, h, 1, w, 1), (0, up - 1, 0, 0, 0, up - 1))
        x = x.reshape(n * c, 1, h * up, w * up)
    y = F.conv2d(F.pad(x, (front, back, front, back)), kernel.flip(0, 1)[None, None])
    return y.reshape(n, c, y.shape[2], y.shape[3])


class Textbook:
    """StyleGAN2 synthesis from the tensors of a network, skip architecture, noise "const"."""

    def __init__(self, network: StyleGAN2Network, grouped: bool = True) -> None:
        self.config, self.grouped = network.config, grouped
        state = network.synthesis.state_dict()
        self.tensors: dict[str, Tensor] = {name: tensor.clone() for name, tensor in state.items()}
        line = torch.tensor(self.config.resample_filter) / sum(self.config.resample_filter)
        self.kernel = torch.outer(line, line) * 4

    def _style(self, name: str, code: Tensor) -> Tensor:
        weight, bias = self.tensors[f"{name}.affine.weight"], self.tensors[f"{name}.affine.bias"]
        return F.linear(code, weight / math.sqrt(weight.shape[1]), bias)

    def _scaled(self, name: str, x: Tensor, style: Tensor, up: bool) -> Tensor:
        weight = self.tensors[f"{name}.weight"]
        norm = (weight[None] * style[:, None, :, None, None]).square().sum((2, 3, 4)) + 1e-8
        x = x * style[:, :, None, None]
        if up:
            y = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
        else:
            y = F.conv2d(x, weight, padding=1)
        return y * norm.rsqrt()[:, :, None, None]

    def _grouped(self, name: str, x: Tensor, style: Tensor, up: bool) -> Tensor:
        n, i, h, w = x.shape
        weight = self.tensors[f"{name}.weight"] * style[:, None, :, None, None]
        weight = weight * torch.rsqrt(weight.square().sum((2, 3, 4), keepdim=True) + 1e-8)
        o = weight.shape[1]
        x = x.reshape(1, n * i, h, w)
        if up:
            weight = weight.transpose(1, 2).reshape(n * i, o, 3, 3)
            y = F.conv_transpose2d(x, weight, stride=2, groups=n)
        else:
            y = F.conv2d(x, weight.reshape(n * o, i, 3, 3), padding=1, groups=n)
        return y.reshape(n, o, *y.shape[2:])

    def _conv(self, name: str, x: Tensor, code: Tensor, up: bool) -> Tensor:
        convolve = self._grouped if self.grouped else self._scaled
        y = convolve(name, x, self._style(name, code), up)
        y = _upfirdn(y, self.kernel, 1, 1, 1) if up else y
        y = y + self.tensors[f"{name}.noise_const"] * self.tensors[f"{name}.noise_strength"]
        y = y + self.tensors[f"{name}.bias"][:, None, None]
        return F.leaky_relu(y, 0.2) * math.sqrt(2)

    def _rgb(self, name: str, x: Tensor, code: Tensor) -> Tensor:
        n, i, h, w = x.shape
        weight = self.tensors[f"{name}.weight"]
        weight = weight * (self._style(name, code) / math.sqrt(i))[:, None, :, None, None]
        c = weight.shape[1]
        y: Tensor = F.conv2d(x.reshape(1, n * i, h, w), weight.reshape(n * c, i, 1, 1), groups=n)
        return y.reshape(n, c, h, w) + self.tensors[f"{name}.bias"][:, None, None]

    def __call__(self, codes: Tensor) -> Tensor:
        """Codes (N, L, D) -> images (N, C, H, W)."""
        x = self.tensors["b4.const"].expand(codes.shape[0], -1, -1, -1)
        x = self._conv("b4.conv1", x, codes[:, 0], False)
        image = self._rgb("b4.torgb", x, codes[:, 1])
        for index, size in enumerate(self.config.blocks[1:]):
            x = self._conv(f"b{size}.conv0", x, codes[:, 2 * index + 1], True)
            x = self._conv(f"b{size}.conv1", x, codes[:, 2 * index + 2], False)
            image = _upfirdn(image, self.kernel, 2, 2, 1)
            image = image + self._rgb(f"b{size}.torgb", x, codes[:, 2 * index + 3])
        return image


Work = Callable[[], Tensor]


def _measure(variants: dict[str, Work], rounds: int) -> dict[str, tuple[float, Tensor]]:
    """Median process CPU seconds and result of each variant; every round runs all in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    results: dict[str, Tensor] = {}
    for _ in range(rounds):
        for name, work in variants.items():
            start = time.process_time()
            results[name] = work()
            seconds[name].append(time.process_time() - start)
    return {name: (statistics.median(seconds[name]), results[name]) for name in variants}


def _network(config: StyleGAN2Config) -> StyleGAN2Network:
    torch.manual_seed(0)
    network = StyleGAN2Network(config)
    with torch.no_grad():  # a fresh network has no noise: give the layers what a trained one has
        for name, tensor in network.named_parameters():
            if name.endswith("noise_strength"):
                tensor.fill_(0.1)
    return network


def _error(images: Tensor, reference: Tensor) -> str:
    """Largest difference, and PSNR in dB of the range the reference spans."""
    difference = (images - reference).abs()
    span = float(reference.max() - reference.min())
    psnr = 20 * math.log10(span) - 10 * math.log10(float(difference.square().mean()) + 1e-30)
    return f"max error {float(difference.max()):.1e} of {span:.1f}, PSNR {psnr:.0f} dB"


def _variants(base: StyleGAN2Network) -> Iterator[tuple[str, StyleGAN2Network]]:
    """The same weights, frozen in each precision."""
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        network = StyleGAN2Network(base.config)
        network.load_state_dict(base.state_dict())
        yield name, network.freeze(dtype)


def _forward_rows(config: StyleGAN2Config, batch: int, rounds: int) -> Iterator[Row]:
    base = _network(config)
    codes = base.mapping(torch.randn(batch, config.z_dim)).contiguous()
    works: dict[str, Work] = {TEXTBOOK: partial(Textbook(base), codes)}
    if batch == 1:
        works[UNFUSED] = partial(Textbook(base, grouped=False), codes)
    for name, network in _variants(base):
        works[name] = partial(network.synthesis, codes)
    measured = _measure(works, rounds)
    peers = {name: measured.pop(name) for name in (TEXTBOOK, UNFUSED) if name in measured}
    for name, (seconds, images) in measured.items():
        title = f"StyleGAN2 {config.resolution} px {name}, batch {batch}"
        note = f"{seconds / batch:.3f} s/image, {_error(images, peers[TEXTBOOK][1])}"
        for peer, (other, _) in peers.items():
            yield title, peer, other / seconds, note


def _prefix_row(config: StyleGAN2Config, rounds: int) -> Row:
    network = _network(config).freeze(torch.float32)
    codes = network.mapping(torch.randn(1, config.z_dim)).contiguous()
    first = config.num_layers - 3  # conv0 of the last block
    noise = network.pictures("const")
    state = network.run(network.start(codes), codes, first, noise)
    codes[:, first:] += 0.5
    kept, again = "prefix kept", "everything again"
    measured = _measure(
        {
            kept: partial(network.finish, state, codes, noise),
            again: partial(network.synthesis, codes),
        },
        rounds,
    )
    (short, images), (long, reference) = measured[kept], measured[again]
    note = f"{short:.3f} s/image, max difference {float((images - reference).abs().max()):.0e}"
    title = f"StyleGAN2 {config.resolution} px edit of the last block, {kept}"
    return title, again, long / short, note


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # CPU time per image is then comparable on any machine
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def run(quick: bool = False, large: bool = False) -> Iterator[Row]:
    """All rows; `quick` uses a narrow 64 px network, to show that the benchmark works; `large` one
    of 1024 px alone, by one picture at a time."""
    with _one_thread(), torch.no_grad():
        if quick:
            yield from _rows(SMALL, batch=8, rounds=3)
            return
        if not large:
            yield from _rows(HALF, batch=8, rounds=3)
            yield from _rows(FULL, batch=8, rounds=1)
        yield from _rows(LARGE, batch=1, rounds=3)


def _rows(config: StyleGAN2Config, batch: int, rounds: int) -> Iterator[Row]:
    """One picture at a time, `batch` of them in so many rounds, an edit of the last block."""
    yield from _forward_rows(config, 1, 3)
    if batch > 1:
        yield from _forward_rows(config, batch, rounds)
    yield _prefix_row(config, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small network, seconds")
    parser.add_argument("--large", action="store_true", help="1024 px, config F")
    options = parser.parse_args()
    for name, alternative, ratio, note in run(options.quick, options.large):
        print(f"{ratio:5.2f}x  {name}  vs {alternative}  ({note})")


if __name__ == "__main__":
    main()
