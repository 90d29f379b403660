"""Models by name, without torch. An imported one is a safetensors file whose header says where it
came from; it names the encoder that came with it, if one did.

The same source gives the same bytes: the header is written in sorted order, which other writers do
not do.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import home, reading
from latty.checkpoints.safetensors import pieces, read_header, says_kind
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
SOURCE = "source_sha256"  # what a header says of where a file came from
ENDING = f".{ENCODER}.safetensors"
GENERATOR = "generator"  # what the header of a generator's file says under "kind"


def _encoder(path: Path) -> tuple[str]:
    return (read_header(path).meta.get(ENCODER, ""),)


MODELS = Store(
    "model",
    home.models_dir,
    holds=partial(says_kind, kind=GENERATOR),
    reads=read_header,
    built_in=without_file,
    beside=(ENDING, ".json"),  # a card, of earlier versions
    companions=_encoder,
)


def model_file(ref: str) -> Path | None:
    """The file of a model's name or path, or the one in a folder; None for one without a file.
    Raises Missing, BadData, OutputError."""
    file = MODELS.named(ref)
    if file is None and ref in without_file():
        return None
    return file or in_folder(ref) or MODELS.find(ref)


def mark_used(file: Path) -> None:
    """Say that an imported model is used: `latty clean --models` goes by the time of access, which
    to look at files leaves as it was. Nothing is said of what is another user's."""
    if MODELS.kept(file) is not None:
        with suppress(OSError), reading.opened(file) as opened:
            now, before = time.time_ns(), os.fstat(opened.fileno()).st_mtime_ns
            os.utime(opened.fileno(), ns=(now, before))


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


def said_channels(meta: Mapping[str, str]) -> int | None:
    """How many channels its pictures have, likewise."""
    with suppress(KeyError, ValueError, AttributeError, TypeError, RecursionError):
        return int(meta.get("channels") or json.loads(meta["config"])["img_channels"])
    return None


def name_for(file: Path) -> str:
    """A name made of a file's: `stylegan2-ffhq.nosrc.pkl` is stylegan2-ffhq."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", file.name.split(".", 1)[0])
    return stem.strip("-_")[:64] or "model"


def save(model: "Converted", info: "ModelInfo", card: Mapping[str, Any]) -> Path:
    """Write a model under info.name, which is claimed. Raises UsageError, OutputError, and
    BadData where another program has changed its source meanwhile.

    card    what is known of the source: "file", "sha256", "bytes", "licence", "address", ...
    """
    facts = {key: str(getattr(info, key)) for key in SHOWN}
    size = size_words(info.height, info.width_px)
    source = {"title": f"{info.family}, {size}, from {card['file']}",
              "source": card["file"], SOURCE: card["sha256"],
              "source_bytes": card["bytes"], "license": card["licence"],
              **{key: card[key] for key in ("address", "named_by") if key in card}}  # fmt: skip
    said = {**model.meta, **facts, **{key: str(value) for key, value in source.items()},
            "notes": "\n".join(model.notes), "latty": __version__}  # fmt: skip
    said.pop(ENCODER, None)  # of the stored model that is imported again
    beside = {} if model.companion is None else {ENDING: _companion(model, info.name, said)}

    def content(names: Sequence[str]) -> list[bytes | memoryview]:
        text = {**said, **dict(zip((ENCODER,), names, strict=False))}
        whole = pieces(dict(sorted(text.items())), dict(sorted(model.tensors.items())))
        model.stamps.check()
        return whole

    return MODELS.write(info.name, content, beside)


def _companion(model: "Converted", name: str, said: Mapping[str, str]) -> list[bytes | memoryview]:
    """The file of what came with a generator."""
    assert model.companion is not None, "a companion"
    shared = ("source", SOURCE, "origin", "license", "latty")
    meta = {**model.companion.meta, "model": name,
            **{key: said[key] for key in shared if key in said}}  # fmt: skip
    return pieces(dict(sorted(meta.items())), model.companion.tensors())


def companion_file(path: Path) -> Path | None:
    """The encoder that came with a stored model, as its header says; None where none did."""
    meta = read_header(path).meta
    file = path.with_name(Path(meta.get(ENCODER, "")).name or f"{path.stem}{ENDING}")
    # Where it is not named it has the name of earlier versions, which one of another source may
    # have been left under.
    own = says_kind(file, ENCODER) and read_header(file).meta.get(SOURCE) == meta.get(SOURCE)
    return file if own else None
