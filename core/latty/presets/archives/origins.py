"""Where a model is from, and what of it is here."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from latty.checkpoints.refusals import Refusal
from latty.checkpoints.safetensors import read_header, says_kind
from latty.errors import BadData, Missing
from latty.models.store import GENERATOR, MODELS, SOURCE, model_file
from latty.presets.archives.manifest import Origin
from latty.presets.digests import model_digest, of_content, same
from latty.store import is_name, name_from
from latty.tables.words import shown

SHOWN = 12  # digits of a digest in a message


def origin_of(ref: str, zoo: Mapping[str, str], name: str) -> Origin | None:
    """Where a model is from that is here, called `name` in the preset; None of one that needs no
    file and has no digest.

    zoo    address -> name of an entry of the zoo

    Raises Missing, BadData, OutputError.
    """
    if not (digest := model_digest(ref)):
        return None
    file, meta = model_file(ref), dict[str, str]()
    if file is not None:
        try:
            meta = dict(read_header(file).meta)
        except Refusal:
            meta = {"source": file.name}  # a checkpoint as it came
    address = meta.get("address", "")
    return Origin(
        digest,
        name,
        family=shown(meta.get("family", ""), 900),
        source=shown(meta.get("source", ""), 900),
        source_sha256=meta.get(SOURCE, ""),
        address=shown(address, 900),
        zoo=zoo.get(address, ""),
    )


def model_of(ref: str) -> Path | None:
    """The file of a model of the store; None of one that needs none. Raises Missing, BadData for a
    checkpoint as others wrote it, OutputError."""
    file = model_file(ref)
    if file is not None and not says_kind(file, GENERATOR):
        what = f"{file.name} is a checkpoint as others wrote it, and may be a program"
        raise BadData(what, "latty packs what it imported: latty import FILE --name NAME")
    return file


def here(origin: Origin) -> str | None:
    """The name of what is that model, whatever it is called; None where nothing is, and what has
    its name is another one. Raises BadData, OutputError."""
    name = origin.name
    if has_name(origin) and (same(origin.digest, "model", name) or _same_source(origin, name)):
        return name
    for content in filter(None, (origin.digest, origin.source_sha256)):
        if found := of_content("model", content, origin.family or None):
            return found
    return None


def _same_source(origin: Origin, name: str) -> bool:
    """Whether both were imported from one file, be it by another version."""
    file = MODELS.named(name)
    said = read_header(file).meta.get(SOURCE) if file is not None else None
    return bool(origin.source_sha256) and said == origin.source_sha256


def has_name(origin: Origin) -> bool:
    """Whether a model of that name is here, be it another one."""
    return (is_name(origin.name) and MODELS.named(origin.name) is not None) \
        or origin.name in MODELS.built_in()  # fmt: skip


def absent(origin: Origin, file: str) -> Missing:
    """The error that says which model an archive needs, and how to get it."""
    known = [word for word in (origin.family, f"SHA-256 {origin.digest[:SHOWN]}") if word]
    known += [f"of {shown(origin.source)}"] if origin.source else []
    what = f"{file}: its model '{shown(origin.name)}' ({', '.join(known)}) is not here"
    wanted = Path(origin.name).name.partition(".")[0]
    name = wanted if is_name(wanted) else name_from(wanted) or "model"
    way = f"latty import FILE --name {shlex.quote(name)}"
    if origin.address:
        way = f"it is from {shown(origin.address, 200)}: {way}"
    if is_name(origin.zoo):
        way = f"latty fetch {shlex.quote(origin.zoo)}"
    return Missing(what, f"{way}; or another one: --set scene.model=...")
