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


def of_content(store: Store, content: str, family: object) -> str | None:
    """The name of what has this SHA-256, or was imported from a file that has; None for none.

    family  of a model: those of others are not read
    """
    for name, path in store.files().items():
        try:
            meta = read_header(path).meta
            likely = store is not MODELS or meta.get("family") == family
            same = likely and digest_of(path) == content  # the largest files are not all read
        except (LattyError, OSError):
            continue
        if same or meta.get(SOURCE) == content:
            return name
    return None


def named_here(kind: str, said: str) -> str:
    """The name of what has this SHA-256 in the store; "" where nothing has."""
    if kind not in STORES or len(said) < WHOLE:
        return ""
    for name, path in STORES[kind].files().items():
        with suppress(LattyError, OSError):
            if digest_of(path) == said:
                return name
    return ""
