"""The user's model store: one safetensors file and one JSON card for each imported model.

Files are written beside their place and renamed, so a reader finds a whole one or none. The same
source gives the same bytes: the header is written in sorted order, which other writers do not do.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from latty import home
from latty.checkpoints.safetensors import pieces
from latty.errors import OutputError, UsageError, WouldOverwrite
from latty.files import replace_whole
from latty.models.names import WITHOUT_FILE
from latty.models.parts import Converted
from latty.version import __version__

if TYPE_CHECKING:
    from latty.models.base import ModelInfo

T = TypeVar("T")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
SHOWN = ("resolution", "channels", "z_dim", "num_layers", "width", "num_classes", "space")


def name_for(file: Path) -> str:
    """A name made of a file's: `stylegan2-ffhq.nosrc.pkl` is stylegan2-ffhq."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.split(".", 1)[0])
    return stem.strip("-_")[:64] or "model"


def check_name(name: str) -> None:
    """Raises UsageError for a name that cannot be a file's, or that ships with latty."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' is no name", "letters, digits, - and _, at most 64")
    if name in WITHOUT_FILE or (home.shipped_dir() / "models" / f"{name}.safetensors").exists():
        raise UsageError(f"'{name}' is the name of a model that ships", "choose another: --name")


def place(name: str) -> Path:
    """Where a model of that name lies."""
    return home.models_dir() / f"{name}.safetensors"


def check_free(name: str, force: bool) -> None:
    """Raises WouldOverwrite, UsageError."""
    check_name(name)
    if place(name).exists() and not force:
        hint = "use --force, or choose another: --name"
        raise WouldOverwrite(f"there is a model '{name}' already", hint)


def save(model: Converted, info: "ModelInfo", card: Mapping[str, Any], force: bool) -> Path:
    """Write a model under info.name; raises WouldOverwrite, OutputError.

    card    what is known of the source: "file", "sha256", "bytes", "licence"
    """
    check_free(info.name, force)
    path = place(info.name)
    facts = {key: getattr(info, key) for key in SHOWN}
    text = {
        **model.meta,
        **{key: str(value) for key, value in facts.items()},
        "title": f"{info.family}, {info.resolution} px, from {card['file']}",
        "source": str(card["file"]),
        "source_sha256": str(card["sha256"]),
        "license": str(card["licence"]),
        "notes": "\n".join(model.notes),
        "latty": __version__,
    }
    config = json.loads(model.meta.get("config") or "null")
    origin = model.meta.get("origin", "")
    told = {"name": info.name, "family": info.family, "origin": origin, **facts, "source": {**card},
            "notes": list(model.notes), "config": config, "latty": __version__}  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        replace_whole(path.with_suffix(".json"), [json.dumps(told, indent=2).encode() + b"\n"])
        replace_whole(path, pieces(_sorted(text), _sorted(model.tensors)))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "is the disk full?") from None
    return path


def _sorted(table: Mapping[str, T]) -> dict[str, T]:
    return {key: table[key] for key in sorted(table)}
