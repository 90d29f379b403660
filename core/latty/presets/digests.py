"""Digests: SHA-256 of the files that names of a preset stand for, by kind. No torch.

model        of its file; a family that needs none says one as DIGEST
directions   of a direction set's file
latents      of a file of stored latents
scorers      of a scorer's card and its weights
sounds       of a sound's file
fonts        of a font's file
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from latty.attributes.store import files_of
from latty.checkpoints.checkpoint import digest
from latty.checkpoints.safetensors import read_header
from latty.directions.store import SETS
from latty.errors import LattyError
from latty.files import cached
from latty.latents import LATENTS
from latty.models.registries import FAMILIES
from latty.models.store import MODELS, SOURCE, model_file
from latty.presets import fonts, sounds
from latty.store import Store

WHOLE = 64  # digits
STORES: dict[str, Store] = {"model": MODELS, "directions": SETS, "latents": LATENTS}


@cached(256)
def digest_of(path: Path) -> str:
    """SHA-256 of a file, which is read again only where it has changed."""
    return digest(path)


def model_digest(ref: str) -> str:
    """That of a model's file, or what a family that needs none says; "" where it says nothing.
    Raises Missing, BadData, OutputError."""
    file = model_file(ref)
    return digest_of(file) if file is not None else FAMILIES.constant(ref, "DIGEST", "")


def set_digest(ref: str) -> str:
    """That of a set's file. Raises Missing, OutputError."""
    return digest_of(SETS.find(ref))


def latents_digest(ref: str) -> str:
    """That of a file of latents. Raises Missing, OutputError."""
    return digest_of(LATENTS.find(ref))


def scorer_digest(ref: str) -> str:
    """That of a scorer's card and its weights; "" for a scorer that ships. Raises Missing,
    BadData, OutputError."""
    both = "".join(map(digest_of, files_of(ref)))
    return sha256(both.encode()).hexdigest() if both else ""


def sound_digest(ref: str) -> str:
    """That of a sound's file. Raises Missing, BadData, OutputError."""
    sounds.look(ref)
    return digest_of(Path(ref).expanduser())


def font_digest(ref: str) -> str:
    """That of a font's file. Raises Missing, BadData, OutputError."""
    return digest_of(fonts.path_of(ref))


DIGESTS: dict[str, Callable[[str], str]] = {
    "model": model_digest,
    "directions": set_digest,
    "latents": latents_digest,
    "scorers": scorer_digest,
    "sounds": sound_digest,
    "fonts": font_digest,
}


def same(said: str, kind: str, source: str) -> bool:
    """Whether what is here begins with the digits that were said. What a file says of where it came
    from does not count: anybody may write that. Raises Missing, BadData, OutputError."""
    found = DIGESTS[kind](source)
    return not found or found.startswith(said)


def named_here(kind: str, said: str, family: object = None) -> str:
    """The name of what has this SHA-256 in the store; "" where nothing has. Of models only those of
    a family are read where it is known: they are the largest files."""
    if kind not in STORES or len(said) < WHOLE:
        return ""
    for name, path in STORES[kind].files().items():
        with suppress(LattyError, OSError):
            if kind == "model" and family not in (None, read_header(path).meta.get("family")):
                continue
            if digest_of(path) == said:
                return name
    return ""


def of_content(kind: str, said: str, family: object = None) -> str:
    """The same, or the model that was imported from a file of this SHA-256, which the import wrote
    into its header."""
    if name := named_here(kind, said, family):
        return name
    for name, path in MODELS.files().items() if kind == "model" else ():
        with suppress(LattyError, OSError):
            if read_header(path).meta.get(SOURCE) == said:
                return name
    return ""
