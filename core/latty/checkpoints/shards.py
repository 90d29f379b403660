"""A checkpoint in several files: the index that Hugging Face writes, and the shards that it names.

The index is JSON: {"weight_map": {tensor: file}}; the files lie beside it.
"""

import json
from pathlib import Path
from typing import Any

from latty.checkpoints.refusals import Refusal, naming
from latty.text import clean

INDEX_LIMIT, SHARDS_LIMIT = 16 * 2**20, 256
AGAIN = "fetch the whole folder again"


def names_in(path: Path) -> list[str]:
    """The files that an index names, each once, in order. Raises Refusal, OutputError."""
    with naming(path):
        return list(dict.fromkeys(weight_map(text_of(path)).values()))


def text_of(path: Path) -> bytes:
    """The bytes of an index, no more than tell that it is too long. Raises OSError."""
    with path.open("rb") as file:
        return file.read(INDEX_LIMIT + 1)


def weight_map(text: bytes | memoryview) -> dict[str, str]:
    """Tensor -> file, of an index. Raises Refusal for names that are no plain file names."""
    if len(text) > INDEX_LIMIT:
        raise Refusal("too-big", "it is an index of more than 16 MiB", "this is no checkpoint")
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
