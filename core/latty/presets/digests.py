"""Digests: SHA-256 of the files that names of a preset stand for, by kind. No torch.

model        of its file; a family that needs none says one as DIGEST
directions   of a direction set's file
latents      of a file of stored latents
scorers      of a scorer's card and its weights
sounds       of a sound's file
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from latty.attributes.card import read_card
from latty.attributes.store import CARDS
from latty.checkpoints.checkpoint import digest
from latty.checkpoints.safetensors import read_header
from latty.directions.store import SETS
from latty.errors import LattyError
from latty.files import cached
from latty.latents import LATENTS
from latty.models.registries import FAMILIES
from latty.models.store import MODELS, SOURCE, model_file
from latty.presets import sounds
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
    if ref in CARDS.built_in():
        return ""
    card = CARDS.find(ref)
    both = digest_of(card) + digest_of(card.parent / read_card(card).weights)
    return sha256(both.encode()).hexdigest()


def sound_digest(ref: str) -> str:
    """That of a sound's file. Raises Missing, BadData, OutputError."""
    sounds.look(ref)
    return digest_of(Path(ref).expanduser())


DIGESTS: dict[str, Callable[[str], str]] = {
    "model": model_digest,
    "directions": set_digest,
    "latents": latents_digest,
    "scorers": scorer_digest,
    "sounds": sound_digest,
}


def by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Digests (name, SHA-256) by name. Files of several folders that have one name get one digest
    of them all: none of them is taken for the others."""
    found = dict[str, list[str]]()
    for name, digits in dict.fromkeys(pairs):
        found.setdefault(name, []).append(digits)
    return {
        name: every[0] if len(every) == 1 else sha256("".join(every).encode()).hexdigest()
        for name, every in found.items()
    }


def same(said: str, kind: str, source: str) -> bool:
    """Whether what is here begins with the digits that were said, or was imported from a file
    that does. Raises Missing, BadData, OutputError."""
    found = DIGESTS[kind](source)
    if not found or found.startswith(said):
        return True
    if kind == "sounds":
        return False
    with suppress(LattyError, OSError):
        path = {"model": model_file, "directions": SETS.find}.get(kind, LATENTS.find)(source)
        return path is not None and read_header(path).meta.get(SOURCE, "").startswith(said)
    return False


def named_here(kind: str, said: str) -> str:
    """The name of what has this SHA-256 in the store; "" where nothing has."""
    if kind not in STORES or len(said) < WHOLE:
        return ""
    for name, path in STORES[kind].files().items():
        with suppress(LattyError, OSError):
            if digest_of(path) == said:
                return name
    return ""
