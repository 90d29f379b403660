"""Write the trained generator as the small file that ships: fp16 safetensors, NVIDIA's names.

    python -m training.export RUN core/latty/shipped/models/demo.safetensors

Weights are stored as the equalised learning rate keeps them (unit variance), and the header holds
the arguments of the network, the mapping's rate among them: the gains that make the weights
effective are computed again when the file is read, so they must be those of training.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from latty.models.families.stylegan2 import metadata
from latty.models.families.stylegan2.network import StyleGAN2Config


def write_generator(
    tensors: Mapping[str, Tensor], config: StyleGAN2Config, path: Path, notes: Mapping[str, str]
) -> None:
    """A network's state_dict to fp16 safetensors; the header holds architecture and notes."""
    half = {n: t.detach().cpu().to(torch.float16).contiguous() for n, t in tensors.items()}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    save_file(half, temporary, {**metadata(config), **notes})
    temporary.chmod(0o644)  # safetensors writes for the owner alone; these files are shipped
    temporary.replace(path)


def main(arguments: list[str] | None = None) -> None:
    """The command line: a run folder and the file to write."""
    parser = argparse.ArgumentParser(description="Export the average weights of a training run.")
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    state = torch.load(options.run / "state.pt", map_location="cpu", weights_only=True)
    said = json.loads(state["config"])
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
    config = StyleGAN2Config(**values)
    write_generator(state["average"], config, options.out, {"images": str(state["images"])})


if __name__ == "__main__":
    main()
