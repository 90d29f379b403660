"""Names of directions before they were others. The header of a set lists what was renamed, and the
SHA-256 of the file as it was then proves it: nothing that a header says is believed without."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path

from latty import reading
from latty.checkpoints import safetensors
from latty.directions import file
from latty.directions.file import OFFSET, RENAMES, DirectionSet

HASHED = 2**28  # bytes at most, in a search for one SHA-256


def renamed(header: DirectionSet, old: str, new: str) -> DirectionSet:
    """A set with another name for one of its directions. One that gets the name before its last is
    as it was."""
    known = header.renamed
    if known[-1:] == ((new, old),):
        return replace(_called(header, old, new), renamed=known[:-1])
    known = known if len(known) < RENAMES else ()
    return replace(_called(header, old, new), renamed=(*known, (old, new)))


def names_since(path: Path, said: str) -> Mapping[str, str] | None:
    """What `store.new_names` says of the file of a set. Raises Missing, BadData, OutputError."""
    header, container = file.read_header(path), safetensors.read_header(path)
    if not {*container.dtypes.values()} <= {*safetensors.WRITTEN}:
        return None  # no file that latty wrote
    arrays = {name: (container.dtypes[name], shape) for name, shape in container.shapes.items()}
    now, left = header.names, HASHED
    with reading.opened(path) as opened:
        numbers = 8 + int.from_bytes(opened.read(8), "little")
        while left > 0 and header.renamed and header.renamed[-1][1] in header.names:
            (old, new), rest = header.renamed[-1], header.renamed[:-1]
            header = replace(_called(header, new, old), renamed=rest)
            start = b"".join(safetensors.beginning(file.free_text(header), arrays))
            opened.seek(numbers)
            if file_digest(opened, partial(sha256, start)).hexdigest().startswith(said):
                return dict(zip(header.names, now, strict=True))
            left -= opened.tell()
    return None


def _called(header: DirectionSet, old: str, new: str) -> DirectionSet:
    infos = tuple(replace(one, name=new) if one.name == old else one for one in header.infos)
    # what is made by hand has a parameter for each direction: how it was made
    own = header.method == OFFSET
    params = tuple((new if own and key == old else key, value) for key, value in header.params)
    return replace(header, infos=infos, params=params)
