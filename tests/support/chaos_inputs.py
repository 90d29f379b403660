"""What the verbs under kills are given: presets, a checkpoint, labelled pictures, a zoo."""

import csv
import time
from pathlib import Path

import loopback
import numpy as np
import torch
from PIL import Image
from zoo_files import zoo_text

from latty.models.families.stylegan2 import StyleGAN2Config, StyleGAN2Network

PRESET = """\
schema = 1
name = "{name}"
frames = 24
[scene]
model = "portraits"
seed = {{ walk = [1, 2] }}
"""
OUTPUT = """\
[[outputs]]
path = "{path}"
size = 32
"""
OUTPUTS = {
    "tiny": ("tiny.gif", "tiny.mp4", "tiny.webp", "tiny.png", "tiny/"),
    "other": ("other.gif", "other.webm"),
}
SMALL = StyleGAN2Config(z_dim=8, w_dim=8, resolution=16, channels=(8, 8, 6), mapping_layers=2)
PIECES = 20  # that the server sends the checkpoint in
PAUSE = 0.05  # seconds between two


class Inputs:
    """Made once in a folder, read by every run."""

    def __init__(self, folder: Path, server: loopback.Server) -> None:
        self.folder, self.zoo = folder, folder / "zoo.toml"
        folder.mkdir(parents=True)
        for name, paths in OUTPUTS.items():
            outputs = "".join(OUTPUT.format(path=path) for path in paths)
            (folder / f"{name}.toml").write_text(PRESET.format(name=name) + outputs)
        torch.manual_seed(0)
        torch.save({"g_ema": StyleGAN2Network(SMALL).state_dict()}, folder / "small.pt")
        dots(folder / "dots")
        answer = slowly((folder / "small.pt").read_bytes())
        self.zoo.write_text(zoo_text(server.at("/small.pt", answer)))


def slowly(data: bytes) -> loopback.Answer:
    """A file sent in pieces, so that most kills meet one that has come in part."""
    step = -(-len(data) // PIECES)

    def answer(to: loopback.Handler) -> None:
        asked = to.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        part = f"bytes {start}-{len(data) - 1}/{len(data)}"
        ranged = {"Content_Range": part} if start else {}
        to.head(206 if start else 200, ETag='"one"', Content_Length=len(data) - start, **ranged)
        for at in range(start, len(data), step):
            to.wfile.write(data[at : at + step])
            time.sleep(PAUSE)

    return answer


def dots(folder: Path, count: int = 120) -> None:
    """Pictures of a dot, left or right of the middle, and their CSV."""
    folder.mkdir()
    chance = np.random.RandomState(0)
    rows = [["file", "right", "light"]]
    for number in range(count):
        right, light = number % 2, 60 + float(chance.rand()) * 180
        pixels = chance.randint(0, 40, (20, 20, 3)).astype(np.uint8)
        pixels[8:12, 13 if right else 3 :][:, :4] = light
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append([f"{number}.png", str(right), f"{light:.1f}"])
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
