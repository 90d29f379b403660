"""Keys of the user's own: keymap.toml in the config folder, `ID = "KEY"` as in `undo = "ctrl+z"`.

The ids are those that `?` shows.
"""

from collections.abc import Iterator
from typing import Any

from textual.keys import Keys, key_to_character

from latty import home
from latty.errors import did_you_mean
from latty.tables.reading import read_settings
from latty.tables.rules import Fault
from latty.tables.words import shown

FILE = "keymap.toml"


def read(known: list[str]) -> dict[str, str]:
    """The keymap file; {} where there is none. Raises ConfigError with every fault."""
    if (found := read_settings(home.config_dir() / FILE, "keymap")) is None:
        return {}
    keys = dict(_flat(found.data))
    found.refuse([found.problem(*fault) for path, key in keys.items()
                  for fault in _faults(path, key, known)])  # fmt: skip
    return {".".join(path): key for path, key in keys.items()}


def _faults(path: tuple[str, ...], key: Any, known: list[str]) -> Iterator[Fault]:
    name = ".".join(path)
    if name not in known:
        yield Fault(path, f"no command '{shown(name)}'", did_you_mean(name, known))
    elif not isinstance(key, str) or not key:
        yield Fault(path, 'the key must be text, as in "ctrl+z"')
    else:
        for one in map(str.strip, key.split(",")):
            if not is_key(one):
                words = did_you_mean(one, [known.value for known in Keys])
                yield Fault(path, f"no key '{shown(one)}'", words)


def _flat(
    table: dict[str, Any], before: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """`edits.mute = "b"` is a table within a table for TOML, and an id for people."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, (*before, name))
        else:
            yield (*before, name), value


def is_key(text: str) -> bool:
    """Whether a terminal may send such a key: a character, a name, with modifiers before it."""
    *modifiers, key = text.split("+") if len(text) > 1 else [text]
    if any(one not in ("ctrl", "shift", "alt", "super", "meta", "hyper") for one in modifiers):
        return False
    names = {known.value.rpartition("+")[2] for known in Keys}
    return len(key) == 1 or key in names or key_to_character(key) is not None
