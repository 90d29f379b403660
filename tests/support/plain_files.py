"""Plain networks in files as people save them: imported, drafted, compared with torch."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from cli_in_process import latty
from torch import Tensor

from latty.models import open_model
from latty.models import spec as models_spec


def imported(path: Path, text: str, home: Path, name: str = "net") -> Any:
    """The model that `latty import FILE --spec` stores, and what it said."""
    spec = home / f"{name}.toml"
    spec.write_text(text, encoding="utf-8")
    done = latty("import", str(path), "--spec", str(spec), "--name", name, home=home)
    assert done.returncode == 0, done.stderr
    stored = next(home.rglob(f"{name}.safetensors"))
    return open_model(str(stored), "cpu"), done.stderr


def saved(value: Any, folder: Path, name: str = "net.pth") -> Path:
    torch.save(value, folder / name)
    return folder / name


def check(model: Any, network: Callable[..., Tensor], label: Tensor | None = None) -> None:
    """Pictures of a model are those of the network it was made of."""
    z = model.sample([1, 2, 3])
    with torch.no_grad():
        wanted = network(z) if label is None else network(z, label)
    found = model.synthesis(model.mapping(z, label), label)
    torch.testing.assert_close(found, wanted.reshape(found.shape), atol=1e-5, rtol=1e-4)


def drafted(path: Path, home: Path) -> str:
    done = latty("inspect", str(path), "--spec", home=home)
    assert done.returncode == 0, done.stderr
    tomllib.loads(done.stdout)
    models_spec.parse(done.stdout)
    return done.stdout
