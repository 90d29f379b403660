"""A checkpoint in several files: the index that Hugging Face writes, and the shards that it names.

The index is JSON: {"weight_map": {tensor: file}}; the files lie beside it.
"""

import json
from pathlib import Path
from typing import Any

from latty import reading
from latty.checkpoints.refusals import Refusal, naming, opening
from latty.errors import UnfitFile
from latty.text import clean

INDEX_LIMIT, SHARDS_LIMIT = 4 * 2**20, 256
AGAIN = "fetch the whole folder again"


def names_in(path: Path) -> list[str]:
    """The files that an index names, each once, in order. Raises Missing, Refusal, OutputError."""
    with naming(path):
        return list(dict.fromkeys(weight_map(text_of(path)).values()))


def files_of(path: Path) -> list[Path]:
    """Where those files are. Raises likewise, and Refusal for one that leads elsewhere."""
    return [beside(path, name) for name in names_in(path)]


def beside(path: Path, name: str) -> Path:
    """A file that an index names. Raises Refusal for a link out of the index's folder."""
    try:
        return reading.inside(path.parent, name, path)
    except UnfitFile as error:
        raise Refusal("bad-tensor", f"its index names {clean(name)}, which {error.strerror}", AGAIN
                      ) from None  # fmt: skip


def text_of(path: Path) -> bytes:
    """The bytes of an index, no more than tell that it is too long. Raises Missing, Refusal,
    OutputError."""
    with opening(path) as file:
        return file.read(INDEX_LIMIT + 1)


def weight_map(text: bytes | memoryview) -> dict[str, str]:
    """Tensor -> file, of an index. Raises Refusal for names that are no plain file names."""
    if len(text) > INDEX_LIMIT:
        what = f"it is an index of more than {INDEX_LIMIT >> 20} MiB"
        raise Refusal("too-big", what, "this is no checkpoint")
    try:
        said = json.loads(bytes(text))
    except (ValueError, RecursionError):
        said = None
    table = said.get("weight_map") if isinstance(said, dict) else None
    if not isinstance(table, dict) or not table:
        raise Refusal("json", "it is JSON text, not a model; its index of shards is damaged", AGAIN)
    for file in table.values():
        if not isinstance(file, str) or Path(file).name != file or "\\" in file or "\0" in file:
            raise Refusal("bad-tensor", "its index names a file outside its folder", AGAIN)
    if len(set(table.values())) > SHARDS_LIMIT:
        raise Refusal("too-big", f"its index names more than {SHARDS_LIMIT} files", AGAIN)
    return table


def merged(trees: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
    """The tensors of all shards by name, each from the file that the index names. Raises
    Refusal."""
    found: dict[str, Any] = {}
    for name, file in wanted.items():
        tree = trees[file]
        if not isinstance(tree, dict) or name not in tree:
            what = f"tensor '{clean(name)}' is not in {clean(file)}, where the index has it"
            raise Refusal("missing-key", what, AGAIN)
        found[name] = tree[name]
    return found
