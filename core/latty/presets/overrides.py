"""`--set scene.edits.0.strength=2`: values of a preset changed from the command line."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from latty.errors import UsageError
from latty.tables.words import Path, dotted, shown


@dataclass(frozen=True, slots=True)
class Override:
    """One KEY=VALUE; numbers in the key count entries from 0."""

    text: str
    path: Path
    value: Any

    def covers(self, path: Path) -> bool:
        """True where the value at `path`, or what holds it, came from here."""
        shared = min(len(path), len(self.path))
        return shared > 0 and path[:shared] == self.path[:shared]


def parse(text: str) -> Override:
    """Read KEY=VALUE, the value as TOML and a bare word as text. Raises UsageError."""
    key, equals, value = text.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise UsageError(f"'{shown(text)}' is no KEY=VALUE", "for example --set scene.seed=3")
    path = tuple(int(part) if part.isdecimal() and i else part for i, part in enumerate(parts))
    return Override(text, path, _value(value.strip()))


def settings(texts: Iterable[str]) -> dict[str, Any]:
    """KEY=VALUE of settings without tables, the last of one key. Raises UsageError."""
    found: dict[str, Any] = {}
    for text in texts:
        override = parse(text)
        if len(override.path) != 1:
            raise UsageError(f"'{shown(text)}' is no setting", "for example --set z_space_dim=24")
        found[str(override.path[0])] = override.value
    return found


def _value(text: str) -> Any:
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def apply(data: dict[str, Any], override: Override) -> None:
    """Put the value in its place, in place; a missing table, or one past a list's end, is made."""
    holder: Any = data
    for depth, part in enumerate(override.path[:-1]):
        following = override.path[depth + 1]
        holder = _entered(holder, part, override, [] if isinstance(following, int) else {})
    _placed(holder, override.path[-1], override)


def _entered(holder: Any, part: str | int, override: Override, empty: Any) -> Any:
    if isinstance(holder, dict) and isinstance(part, str):
        return holder.setdefault(part, empty)
    if isinstance(holder, list) and isinstance(part, int) and part <= len(holder):
        if part == len(holder):
            holder.append(empty)
        return holder[part]
    raise _misplaced(holder, part, override)


def _placed(holder: Any, part: str | int, override: Override) -> None:
    if isinstance(holder, dict) and isinstance(part, str):
        holder[part] = override.value
    elif isinstance(holder, list) and isinstance(part, int) and part <= len(holder):
        holder[part : part + 1] = [override.value]
    else:
        raise _misplaced(holder, part, override)


def _misplaced(holder: Any, part: str | int, override: Override) -> UsageError:
    where = dotted(override.path[: override.path.index(part)])
    if isinstance(holder, list):
        why = f"{where} has {len(holder)} entries, counted from 0"
    elif isinstance(holder, dict):
        why = f"{where} is a table, not a list"
    else:
        why = f"{where} is a single value"
    return UsageError(f"--set {shown(override.text)}: {why}", "see: latty schema")
