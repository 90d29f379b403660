"""What was typed into the form of a search, by model and method: searches.json in the state
folder."""

import json
from contextlib import suppress
from typing import Any

from latty import home, reading
from latty.errors import LattyError
from latty.files import replace_whole
from latty.folders import private

FILE = "searches.json"
MODELS = 50  # that are remembered, those searched in last


def read(model: str, method: str) -> dict[str, str]:
    """The texts of the fields that differed from the usual ones; {} = none did."""
    found = _all().get(model, {}).get(method, {})
    texts = found if isinstance(found, dict) else {}
    return {name: text for name, text in texts.items() if isinstance(text, str)}


def write(model: str, method: str, texts: dict[str, str]) -> None:
    """Remember them; a disk that does not take them costs no more than that."""
    known = _all()
    if known.get(model, {}).get(method, {}) == texts:
        return
    known[model] = {**known.pop(model, {}), method: texts}
    while len(known) > MODELS:
        del known[next(iter(known))]
    with suppress(OSError, LattyError):
        replace_whole(private(home.state_dir()) / FILE, [json.dumps(known).encode()])


def _all() -> dict[str, Any]:
    """All of it; {} of a file that cannot be read."""
    with suppress(OSError, LattyError):
        found = reading.json_file(home.state_dir() / FILE)
        if isinstance(found, dict):
            return {key: one for key, one in found.items() if isinstance(one, dict)}
    return {}
