"""Keys of the user's own: keymap.toml in the config folder, `ID = "KEY"` as in `undo = "ctrl+z"`.

The ids are those that `?` shows.
"""

import tomllib
from collections.abc import Iterator
from typing import Any

from textual.keys import Keys, key_to_character

from latty import home
from latty.errors import ConfigError, did_you_mean

FILE = "keymap.toml"


def read(known: list[str]) -> dict[str, str]:
    """The keymap file; {} where there is none. Raises ConfigError."""
    path = home.config_dir() / FILE
    try:
        table = dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    for name, key in table.items():
        if name not in known:
            raise ConfigError(f"{path}: no command '{name}'", did_you_mean(name, known))
        if not isinstance(key, str) or not key:
            raise ConfigError(f'{path}: {name}: the key must be text, as in "ctrl+z"')
        for one in key.split(","):
            if not is_key(one.strip()):
                words = did_you_mean(one.strip(), [known.value for known in Keys])
                raise ConfigError(f"{path}: {name}: no key '{one.strip()}'", words)
    return table


def _flat(table: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """`edits.mute = "b"` is a table within a table for TOML, and an id for people."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def is_key(text: str) -> bool:
    """Whether a terminal may send such a key: a character, a name, with modifiers before it."""
    *modifiers, key = text.split("+") if len(text) > 1 else [text]
    if any(one not in ("ctrl", "shift", "alt", "super", "meta", "hyper") for one in modifiers):
        return False
    names = {known.value.rpartition("+")[2] for known in Keys}
    return len(key) == 1 or key in names or key_to_character(key) is not None
