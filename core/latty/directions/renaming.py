"""Names of directions before they were others. The header of a set lists what was renamed, and the
SHA-256 of the file as it was then proves it: nothing that a header says is believed without."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path

from latty.checkpoints import safetensors
from latty.checkpoints.refusals import opening
from latty.directions import file
from latty.directions.file import OFFSET, RENAMES, DirectionSet

HASHED = 2**28  # bytes at most, in a search for one SHA-256
HEADER = 64  # bytes that are hashed while one of a header is made


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
    header, arrays = file.read_header(path), safetensors.read_header(path).arrays
    now, left = header.names, HASHED
    with opening(path) as opened:
        numbers = 8 + int.from_bytes(opened.read(8), "little")
        for before in _before(header):
            start = b"".join(safetensors.beginning(file.free_text(before), arrays))
            opened.seek(numbers)
            if file_digest(opened, partial(sha256, start)).hexdigest().startswith(said):
                return dict(zip(before.names, now, strict=True))
            left -= opened.tell() + HEADER * len(start)
            if left <= 0:
                break
    return None


def _before(header: DirectionSet) -> Iterator[DirectionSet]:
    """A set as it was before each of its renames, the last first."""
    while header.renamed and header.renamed[-1][1] in header.names:
        (old, new), rest = header.renamed[-1], header.renamed[:-1]
        header = replace(_called(header, new, old), renamed=rest)
        yield header
    # what the names stand for, some forms say with the first rename (DirectionForm.explicit)
    params = tuple(one for one in header.params if one[1] != header.names)
    if not header.renamed and len(params) < len(header.params):
        yield replace(header, params=params)


def _called(header: DirectionSet, old: str, new: str) -> DirectionSet:
    infos = tuple(replace(one, name=new) if one.name == old else one for one in header.infos)
    # what is made by hand has a parameter for each direction: how it was made
    own = header.method == OFFSET
    params = tuple((new if own and key == old else key, value) for key, value in header.params)
    return replace(header, infos=infos, params=params)
