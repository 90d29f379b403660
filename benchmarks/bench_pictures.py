"""Pictures for the terminal against textual-image, the library of Textual apps for it.

Same pixels, one run, processor time of the best of several rounds that take turns. Pictures are a
portrait of the demo model, enlarged and with the grain of a photograph, and noise with the spectrum
of photographs, as busy as a church of StyleGAN2.
"""

import io
import time
from base64 import standard_b64encode
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.bench_writers import circling
from latty.render import picture
from latty.scene import Scene
from latty_tui import terminal

Pixels = NDArray[np.uint8]
Row = tuple[str, str, float, str]
SIZES = (256, 512, 1024)
COLUMNS, ROWS = 88, 36  # the studio's picture in a terminal of 120 x 40


def photograph(size: int) -> Pixels:
    """A portrait (size, size, 3): smooth, with film grain of two sizes."""
    portrait = Image.fromarray(picture(Scene("demo", 7, 0.8), "cpu"))
    big = np.asarray(portrait.resize((size, size), Image.Resampling.BICUBIC)).astype(np.float64)
    random = np.random.RandomState(0)
    coarse = np.clip(random.randn(size // 2, size // 2) * 8 + 128, 0, 255).astype(np.uint8)
    enlarged = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
    grain = (np.asarray(enlarged).astype(np.float64) - 128)[..., None] / 2
    noisy: Pixels = np.clip(big + grain + random.randn(size, size, 3), 0, 255).astype(np.uint8)
    return noisy


def psnr(back: Pixels, rgb: Pixels) -> float:
    """In dB."""
    return float(10 * np.log10(255**2 / np.mean((back.astype(np.float64) - rgb) ** 2)))


def best(variants: Mapping[str, Callable[[], str]], rounds: int) -> dict[str, float]:
    """Processor seconds of the fastest call of each, in this thread."""
    spent = dict.fromkeys(variants, float("inf"))
    for work in variants.values():
        work()  # the first call is slower than the others
    for _ in range(rounds):
        for name, work in variants.items():
            began = time.thread_time()
            work()
            spent[name] = min(spent[name], time.thread_time() - began)
    return spent


def compare(
    what: str, peer: str, ours: Callable[[], str], theirs: Callable[[], str], rounds: int
) -> Row:
    """One row: times and KiB of both."""
    spent = best({"ours": ours, "theirs": theirs}, rounds)
    note = (
        f"{spent['ours'] * 1e3:.1f} against {spent['theirs'] * 1e3:.1f} ms, "
        f"{len(ours().encode()) / 1024:.0f} against {len(theirs().encode()) / 1024:.0f} KiB"
    )
    return what, peer, spent["theirs"] / spent["ours"], note


def sixels(name: str, rgb: Pixels, rounds: int) -> Row:
    from textual_image._sixel import image_to_sixels

    encode, image = terminal.way("sixel").encode, Image.fromarray(rgb)
    row = compare(
        f"sixel, {len(rgb)} px, {name}",
        "textual-image sixel",
        lambda: encode(rgb, 1, 1),
        lambda: image_to_sixels(image),
        rounds,
    )
    return (*row[:3], f"{row[3]}; {quality(rgb)}")


def quality(rgb: Pixels) -> str:
    """PSNR of the palettes: ours, and the octree that textual-image takes from Pillow."""
    from latty_tui.terminal import quantise as terminal_quantise

    back = terminal_quantise.quantise(rgb).convert("RGB")
    octree = Image.fromarray(rgb).quantize(256, Image.Quantize.FASTOCTREE, dither=0).convert("RGB")
    return f"{psnr(np.asarray(back), rgb):.1f} against {psnr(np.asarray(octree), rgb):.1f} dB"


def kitty(name: str, rgb: Pixels, rounds: int) -> Row:
    from textual_image._pixeldata import PixelData

    encode, data = terminal.way("kitty").encode, PixelData(Image.fromarray(rgb))
    size = len(rgb)
    return compare(
        f"kitty, {size} px, {name}",
        "textual-image kitty",
        lambda: encode(rgb, COLUMNS, ROWS),
        lambda: data.scaled(size, size).to_base64(),
        rounds,
    )


def iterm(name: str, rgb: Pixels, rounds: int) -> Row:
    """textual-image has no such way; others send a PNG."""
    encode, image = terminal.way("iterm").encode, Image.fromarray(rgb)

    def png() -> str:
        file = io.BytesIO()
        image.save(file, "PNG")
        return standard_b64encode(file.getvalue()).decode()

    what = f"iterm, {len(rgb)} px, {name}"
    return compare(what, "a PNG", lambda: encode(rgb, COLUMNS, ROWS), png, rounds)


def blocks(name: str, rgb: Pixels, rounds: int) -> Row:
    from rich.console import Console
    from textual_image.renderable.halfcell import Image as HalfCells

    encode = terminal.way("blocks").encode
    small = terminal.fitted(rgb, (COLUMNS, 2 * ROWS))
    image = Image.fromarray(small)

    def theirs() -> str:
        out = io.StringIO()
        console = Console(
            file=out, width=COLUMNS, height=ROWS, force_terminal=True, color_system="truecolor"
        )
        console.print(HalfCells(image, COLUMNS, ROWS))
        return out.getvalue()

    what = f"half blocks, {COLUMNS} x {ROWS} cells, {name}"
    peer = "textual-image half cells"
    return compare(what, peer, lambda: encode(small, COLUMNS, ROWS), theirs, rounds)


def run(quick: bool = False) -> list[Row]:
    """One row per comparison; above 1 latty is better."""
    rounds = 3 if quick else 15
    both = {"photograph": photograph, "busy": lambda size: circling(size, 1)[0]}
    made = {(name, size): make(size) for name, make in both.items() for size in SIZES}
    rows = [sixels(name, rgb, rounds) for (name, _), rgb in made.items()]
    rows += [blocks(name, made[name, 256], rounds) for name in both]
    rows += [kitty(name, rgb, min(rounds, 5)) for (name, _), rgb in made.items()]
    rows += [iterm("photograph", made["photograph", size], min(rounds, 5)) for size in SIZES]
    return rows
