"""Command lines that put something of each kind into a store under a name: real runs, each in two
variants, of different content."""

import shutil
from collections.abc import Callable
from pathlib import Path

import encoder_files
import importer_files
import numpy as np
import torch
from loopback import File, Server
from PIL import Image
from safetensors.torch import save_file
from scorer_cards import CNN, card, plain
from zoo_files import zoo_text

from latty import home
from latty.attributes.store import CARDS
from latty.directions.store import SETS
from latty.latents import LATENTS
from latty.models.store import MODELS
from latty.store import Store

Words = list[str]
Verb = Callable[[Path, int, Server], Words]
NAME = "taken"


def _imported(file: Path) -> Words:
    return ["import", str(file), "--name", NAME]


def a_model(folder: Path, variant: int, server: Server) -> Words:
    """With the encoder that came with it."""
    tensors = {name: tensor + variant for name, tensor in encoder_files.rosinality().items()}
    mean = torch.ones(4, encoder_files.WIDTH)
    return _imported(encoder_files.written(folder / f"{variant}.pt", "e4e", tensors, mean))


def a_set(folder: Path, variant: int, server: Server) -> Words:
    shipped = ("demo", "portraits-random")[variant]
    file = folder / f"set{variant}.safetensors"
    shutil.copy(home.shipped_dir() / f"directions/{shipped}.safetensors", file)
    return _imported(file)


def latents(folder: Path, variant: int, server: Server) -> Words:
    file = importer_files.npy(folder / f"wp{variant}.npy", importer_files.normal(variant, 2, 6, 16))
    return _imported(file)


def a_scorer(folder: Path, variant: int, server: Server) -> Words:
    weights = {name: tensor + variant for name, tensor in plain().state_dict().items()}
    save_file(weights, folder / f"w{variant}.safetensors")
    text = CNN.format(weights=f"w{variant}.safetensors")
    return _imported(card(folder, text, f"card{variant}"))


def discovered(folder: Path, variant: int, server: Server) -> Words:
    return ["discover", ("random", "sefa")[variant], "portraits", "-o", NAME]


def trained(folder: Path, variant: int, server: Server) -> Words:
    for i in range(24):
        place = folder / "pictures" / "ab"[i % 2]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 10 * i, np.uint8)).save(place / f"{i}.png")
    words = ["train-scorer", str(folder / "pictures"), "-o", NAME, "--size", "16", "--width", "4"]
    return [*words, "--epochs", "4", "--batch", "4", "--seed", str(variant)]


def fetched(folder: Path, variant: int, server: Server) -> Words:
    """From the zoo that LATTY_ZOO names."""
    file = Path(a_model(folder, variant, server)[1])
    address = server.at(f"/{variant}.pt", File(file.read_bytes()))
    (folder / "zoo.toml").write_text(zoo_text(address, NAME, resolution=8))
    return ["fetch", NAME]


VERBS: dict[str, tuple[Verb, Store]] = {
    "model": (a_model, MODELS),
    "set": (a_set, SETS),
    "latents": (latents, LATENTS),
    "scorer": (a_scorer, CARDS),
    "discover": (discovered, SETS),
    "train-scorer": (trained, CARDS),
    "fetch": (fetched, MODELS),
}
