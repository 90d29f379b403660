"""Models by name, without torch. An imported one is a safetensors file with a JSON card beside it.

Files are written beside their place and renamed, so a reader finds a whole one or none. The same
source gives the same bytes: the header is written in sorted order, which other writers do not do.
"""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import files, home
from latty.checkpoints.safetensors import pieces, says_kind
from latty.models.registries import without_file
from latty.store import Store
from latty.text import size_words
from latty.version import __version__

if TYPE_CHECKING:
    from latty.models.base import ModelInfo
    from latty.models.parts import Converted

SHOWN = ("resolution", "height", "width_px", "channels", "z_dim", "num_layers", "width",
         "num_classes", "space")  # fmt: skip
LARGEST = 2**16  # px that a header may say
ENCODER = "encoder"
GENERATOR = "generator"  # what the header of a generator's file says under "kind"


MODELS = Store(
    "model", home.models_dir, holds=partial(says_kind, kind=GENERATOR), built_in=without_file
)


def model_file(ref: str) -> Path | None:
    """The file of a model's name or path, or the one in a folder; None for one without a file.
    Raises Missing, BadData, OutputError."""
    file = MODELS.named(ref)
    if file is None and ref in without_file():
        return None
    return file or in_folder(ref) or MODELS.find(ref)


def in_folder(ref: str | Path) -> Path | None:
    """The checkpoint in a folder; None for what is no folder. Raises BadData, OutputError."""
    with suppress(OSError, RuntimeError, ValueError):
        folder = Path(ref).expanduser()
        if folder.is_dir():
            from latty.models.folders import checkpoint_in

            return checkpoint_in(folder)
    return None


def said_size(meta: Mapping[str, str]) -> tuple[int, int] | None:
    """Height and width in px of a model's pictures, as its header says; None where it does not."""
    said: Mapping[str, Any] = meta
    with suppress(KeyError, ValueError, AttributeError, TypeError, RecursionError):
        if not (meta.get("height") or meta.get("resolution")):
            said = json.loads(meta["config"])
        both = (int(said.get(key) or said["resolution"]) for key in ("height", "width_px"))
        height, width = (px if 0 < px <= LARGEST else 0 for px in both)
        return (height, width) if height and width else None
    return None


def name_for(file: Path) -> str:
    """A name made of a file's: `stylegan2-ffhq.nosrc.pkl` is stylegan2-ffhq."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.split(".", 1)[0])
    return stem.strip("-_")[:64] or "model"


def save(model: "Converted", info: "ModelInfo", card: Mapping[str, Any], force: bool) -> Path:
    """Write a model under info.name; raises UsageError, WouldOverwrite, OutputError.

    card    what is known of the source: "file", "sha256", "bytes", "licence"
    """
    path = MODELS.free_place(info.name, force)
    facts = {key: getattr(info, key) for key in SHOWN}
    text = {
        **model.meta,
        **{key: str(value) for key, value in facts.items()},
        "title": f"{info.family}, {size_words(info.height, info.width_px)}, from {card['file']}",
        "source": str(card["file"]),
        "source_sha256": str(card["sha256"]),
        "license": str(card["licence"]),
        "notes": "\n".join(model.notes),
        "latty": __version__,
    }
    config = json.loads(model.meta.get("config") or "null")
    origin = model.meta.get("origin", "")
    told = {"name": info.name, "family": info.family, "origin": origin, **facts, "source": {**card},
            "notes": list(info.notes), "config": config, "latty": __version__}  # fmt: skip
    kept = _keep_companion(path, model, text)
    told |= {model.companion.kind: kept.name} if model.companion and kept else {}
    files.write(path.with_suffix(".json"), [json.dumps(told, indent=2).encode() + b"\n"])
    files.write(path, pieces(dict(sorted(text.items())), dict(sorted(model.tensors.items()))))
    return path


def companion_file(path: Path, kind: str = ENCODER) -> Path:
    """Where the other half of a stored model's file lies: NAME.encoder.safetensors."""
    return path.with_suffix(f".{kind}{path.suffix}")


def _keep_companion(path: Path, model: "Converted", said: Mapping[str, str]) -> Path | None:
    """The file of what came with a generator; one of another model that had its name is removed."""
    file = companion_file(path)
    if model.companion is None:
        file.unlink(missing_ok=True)
        return None
    shared = ("source", "source_sha256", "origin", "license", "latty")
    meta = {
        **model.companion.meta,
        "model": path.stem,
        **{key: said[key] for key in shared if key in said},
    }
    files.write(file, pieces(dict(sorted(meta.items())), model.companion.tensors()))
    return file
