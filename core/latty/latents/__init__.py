"""Stored latents, where a scene may start instead of at a seed.

A reference is "SOURCE", "SOURCE#INDEX" or "SOURCE#NAME"; the source is a name in the store or any
file of numbers: latty's own (file.py), or one of others (foreign.py). Nothing in a file is run.
A latent is a z, or codes in w: one for all layers or one per layer. Files of others say which by
the name of their array or by its shape; "SOURCE:z#0" and "SOURCE:w#0" say it for them, and choose
the form of those of a pool (pools.py), where "SOURCE:wp#0" is one code per layer. A folder of
pictures and latents that `latty sample --files` wrote is a source as well.

N latents, L layers, D latent width, Z z-width.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from latty import home
from latty.checkpoints import open_checkpoint
from latty.errors import BadData
from latty.files import cached, stamp
from latty.latents import pools, scores
from latty.latents.file import FORMS, SEEDS, is_own, write
from latty.latents.file import look as look_own
from latty.latents.foreign import look as look_foreign
from latty.latents.found import SCORES, Found, Latents, Model, Space
from latty.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = [
    "LATENTS",
    "SCORES",
    "Found",
    "Latents",
    "Model",
    "Space",
    "from_file",
    "is_own",
    "look",
    "own_scores",
    "read",
    "rows",
    "score",
    "scored",
    "seeds",
    "split",
    "start",
    "write",
]


def _is_latents(path: Path) -> bool:
    """Whether a file of the store is no file beside another one."""
    return not path.name.endswith(scores.ENDING)


LATENTS = Store(
    "latents", home.latents_dir, holds=_is_latents, beside=(scores.ENDING,), inside=pools.FILE
)


def split(ref: str) -> tuple[str, str, str]:
    """ "SOURCE:SPACE#INDEX" as (source, space or "", index or name). Raises BadData."""
    source, _, which = ref.rpartition("#") if "#" in ref else (ref, "#", "0")
    start, mark, space = source.rpartition(":")
    source, space = (start, space) if mark and space in FORMS else (source, "")
    if not source or not which:
        raise BadData(f"'{ref}' names no latent", "write FILE#INDEX or NAME#INDEX")
    return source, space, which


def look(ref: str) -> Found:
    """What the source of a reference holds; neither torch nor numpy. Raises Missing, BadData."""
    source, space, _ = split(ref)
    path = LATENTS.find(source)
    if not is_own(path):
        return look_foreign(path, FORMS.get(space, ""))
    found = look_own(path, space)
    if not found.arrays and FORMS.get(space, "") not in ("", found.space):
        raise BadData(f"'{ref}' asks for {space}, and its latents lie in {found.space}")
    return found


def start(ref: str, model: Model, foreign: bool = False) -> "tuple[Space, Tensor]":
    """Where a scene starts: a latent z (1, Z), or codes w (1, L, D).

    Raises Missing where it is not there, BadData where it is none of this model's or was made for
    another one; with `foreign` only the shapes must fit.
    """
    found = look(ref)
    if not foreign and (mismatch := _mismatch(found, model)):
        hint = "take latents of this model; --foreign starts there where the shapes fit"
        raise BadData(mismatch, hint)
    space = found.space_in(model)
    row = _row(found, found.index(split(ref)[2]), stamp(found.path))
    if space == "z":
        return space, row[None]
    return space, row.expand(model.num_layers, model.width)[None].clone()


def score(ref: str) -> float | None:
    """What a scorer said of the latent of a reference; None where its file does not say it. Raises
    Missing, BadData."""
    source, _, which = split(ref)
    path = LATENTS.find(source)
    if not is_own(path) or not (known := (found := _looked(path)).scores):
        return None
    return known[found.index(which)]


def own_scores(ref: str) -> Mapping[str, float | None]:
    """What was imported of the latent of a reference, by attribute; None where nobody knows. Raises
    Missing, BadData."""
    found = look(ref)
    kept = _kept(scores.place_of(found.path)) if scored(found) else None
    if kept is None:
        return {}
    row = kept.array[found.index(split(ref)[2])].tolist()
    return {n: x if x == x else None for n, x in zip(kept.names, row, strict=True)}


@cached(8)
def _kept(place: Path) -> scores.Scores:
    """The scores in a file that lies beside latents."""
    return scores.of_file(place)


_looked = cached(8)(look_own)  # a film asks for each of its frames


def read(ref: str) -> Latents:
    """All latents of a source; an index in the reference is ignored. Raises Missing, BadData."""
    return _loaded(look(ref))


def from_file(path: Path, space: Literal["z", "w", ""] = "") -> Latents:
    """The latents in a file, by content; `space` as far as it is known. Raises Missing, BadData."""
    return _loaded(look_own(path) if is_own(path) else look_foreign(path, space))


def rows(found: Found, which: Sequence[int]) -> "Tensor":
    """Some latents of a source, (n, Z), (n, D) or (n, L, D) float32: no others are read. Raises
    BadData where one is not finite."""
    taken = slice(which.start, which.stop, which.step) if isinstance(which, range) else which
    return _finite(found, _numbers(found)[taken])


def seeds(found: Found) -> "NDArray[Any]":
    """The seeds (N,) of a pool."""
    return open_checkpoint(found.path).views()[SEEDS].numpy()


def scored(found: Found) -> tuple[str, ...]:
    """The attributes whose scores lie beside a source; () where there are none. The latents are
    not read: whether the scores are theirs is told where these are used. Raises BadData."""
    return scores.names_of(found.path, trusted=True)


def _loaded(found: Found) -> Latents:
    array = _finite(found, _numbers(found)[:])
    words = ("model", "family", "model_digest", "names", "notes", "params")
    space = found.space or "z"
    return Latents(cast(Space, space), array, **{word: getattr(found, word) for word in words})


def _numbers(found: Found) -> Any:
    """The array (N, ...) over the file: only the rows that are taken are read."""
    view = open_checkpoint(found.path).views()[found.key]
    return view.numpy().reshape(found.shape)


@lru_cache(maxsize=256)
def _row(found: Found, index: int, state: object) -> "Tensor":
    """One latent, kept while its file does not change: `state` is part of the key only."""
    import torch

    with torch.inference_mode(False):  # kept for callers who need gradients, whoever asks first
        return _finite(found, _numbers(found)[index])


def _finite(found: Found, numbers: Any) -> "Tensor":
    import torch

    array = torch.from_numpy(numbers.astype("float32"))
    if not array.isfinite().all():
        raise BadData(f"{found.path.name}: a latent is not finite", "check what made it")
    return array


def made_for_another(ref: str, model: Model) -> str:
    """Words where latents were made for another model than this; "" where not. Raises Missing,
    BadData."""
    return _mismatch(look(ref), model)


def _mismatch(found: Found, model: Model) -> str:
    if found.model_digest and model.digest:
        same = found.model_digest == model.digest
    else:
        same = not found.family or found.family == model.family
    if same:
        return ""
    made_for = f"{found.model} ({found.family})" if found.model else found.family
    return f"{found.path.name} was made for {made_for}, this is {model.name} ({model.family})"
