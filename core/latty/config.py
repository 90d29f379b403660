"""Settings and where each came from: flag, LATTY_* environment, latty.toml, config.toml, default.

latty.toml is looked for in the working directory and above it, up to a folder with .git or the home
folder; config.toml lies in the user's config directory. Unknown keys are errors, not silence.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty import home
from latty.errors import ConfigError, did_you_mean
from latty.plugins import Registry

PICTURES = Registry[Any]("latty_tui.pictures")  # asked for names alone: nothing of it is imported
AUTO = "auto"  # the way that the terminal answers to
PREFIX = "LATTY_"
# Read elsewhere: where config.toml itself is, and what jobs tell their workers.
ELSEWHERE = ("LATTY_HOME", "LATTY_JOB", "LATTY_SLOTS")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text")
    return value


def _count(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 1024:
        raise ValueError("must be a whole number from 1 to 1024")
    return number


def _switch(value: Any) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    known = words.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(known, bool):
        raise ValueError("must be true or false")
    return known


def ways() -> list[str]:
    """Every word for `image`: auto, and the entries that show pictures in a terminal."""
    return [AUTO, *PICTURES.names()]


def _way(value: Any) -> str:
    word = _text(value)
    if word != AUTO and word not in PICTURES:
        raise ValueError(f"must be one of {', '.join(ways())}")
    return word


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: how a value is read, its default, and what it does."""

    read: Callable[[Any], Any]
    default: Any
    what: str


KEYS: dict[str, Key] = {
    "device": Key(_text, "auto", "where networks run: auto, cpu, cuda, cuda:1, mps"),
    "out_dir": Key(_text, "renders", "where results go"),
    "batch": Key(_count, 8, "frames made at once"),
    "sidecar": Key(_switch, False, "write the recipe beside a result too, not only in it"),
    "image": Key(_way, "auto", "how a terminal shows pictures: auto, or one way always"),
    "zoo": Key(_text, "", "a zoo.toml of your own, in place of latty's, for latty fetch"),
}
FORMERLY = {"pictures": "image"}  # still read; the new name wins where both are given


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one run. `origins` names the place of each value."""

    device: str
    out_dir: Path
    batch: int
    sidecar: bool
    image: str
    zoo: str
    origins: tuple[tuple[str, str], ...]


def load(
    flags: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Flags that are None were not given. Raises ConfigError for a value that cannot be used."""
    found: dict[str, tuple[Any, str]] = {k: (key.default, "default") for k, key in KEYS.items()}
    for source in (_user(), _project(folder or Path.cwd()), _environment(environ or os.environ)):
        found.update(source)
    for name, value in (flags or {}).items():
        if name in KEYS and value is not None:
            flag = "--" + name.replace("_", "-")
            found[name] = (_read(name, value, flag), flag)
    values = {name: value for name, (value, _) in found.items()}
    values["out_dir"] = Path(values["out_dir"]).expanduser()
    return Config(**values, origins=tuple((name, place) for name, (_, place) in found.items()))


def _read(name: str, value: Any, place: str) -> Any:
    try:
        return KEYS[name].read(value)
    except ValueError as error:
        raise ConfigError(f"{place}: {name} = {value!r}: {error}", KEYS[name].what) from None


def _environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    found = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX) or variable in ELSEWHERE:
            continue
        word = variable.removeprefix(PREFIX).lower()
        name = FORMERLY.get(word, word)
        if name not in KEYS:
            known = [*ELSEWHERE, *(PREFIX + key.upper() for key in KEYS)]
            raise ConfigError(f"environment: {variable} is unknown", did_you_mean(variable, known))
        value = _read(name, environ[variable], variable)
        if word == name or name not in found:
            found[name] = (value, variable)
    return found


def _user() -> dict[str, tuple[Any, str]]:
    return _file(home.config_dir() / "config.toml")


def _project(folder: Path) -> dict[str, tuple[Any, str]]:
    for place in (folder, *folder.parents):
        if (place / "latty.toml").is_file():
            found = _file(place / "latty.toml")
            for name in found.keys() & {"out_dir", "zoo"}:  # relative to the file that says it
                value, origin = found[name]
                found[name] = (str(place / Path(value).expanduser()), origin)
            return found
        if (place / ".git").exists() or place == Path.home():
            break
    return {}


def _file(path: Path) -> dict[str, tuple[Any, str]]:
    import tomllib

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    for old, name in FORMERLY.items():
        if old in data:
            value = data.pop(old)
            data.setdefault(name, value)
    for name in data:
        if name not in KEYS:
            raise ConfigError(f"{path}: unknown key '{name}'", did_you_mean(name, KEYS))
    return {name: (_read(name, value, str(path)), str(path)) for name, value in data.items()}
