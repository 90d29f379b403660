"""Settings and where each came from: flag, LATTY_* environment, latty.toml, config.toml, default.

latty.toml is looked for in the working directory and above it, up to a folder with .git or the home
folder; config.toml lies in the user's config directory. Unknown keys are errors, not silence.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from latty import home
from latty.errors import ConfigError, did_you_mean
from latty.plugins import Registry
from latty.tables.reading import read_settings
from latty.tables.rules import Faults, Key, Rule, checked, flag, table, text, whole
from latty.tables.words import Path as KeyPath

PICTURES = Registry[Any]("latty_tui.pictures")  # asked for names alone: nothing of it is imported
AUTO = "auto"  # the way that the terminal answers to
PREFIX = "LATTY_"
# Read elsewhere: where config.toml itself is, and what jobs tell their workers.
ELSEWHERE = ("LATTY_HOME", "LATTY_JOB", "LATTY_SLOTS")


def ways() -> list[str]:
    """Every word for `image`: auto, and the entries that show pictures in a terminal."""
    return [AUTO, *PICTURES.names()]


def _way(word: str) -> str:
    if word != AUTO and word not in PICTURES:
        raise ValueError(f"must be one of {', '.join(ways())}")
    return word


def _from_text(rule: Rule, convert: Callable[[str], Any]) -> Rule:
    """The rule, for a value that may be text, too: environment and flags have nothing else."""

    def read(value: Any, where: KeyPath, faults: Faults) -> Any:
        return rule.read(convert(value) if isinstance(value, str) else value, where, faults)

    return replace(rule, read=read)


def _as_number(word: str) -> Any:
    return int(word) if word.isdecimal() and len(word) < 10 else word


def _as_flag(word: str) -> Any:
    return SWITCHES.get(word.lower(), word)


SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
TEXT = text(4096)
KEYS: dict[str, Key] = {
    "device": Key(TEXT, "where networks run: auto, cpu, cuda, cuda:1, mps", "auto"),
    "out_dir": Key(TEXT, "where results go", "renders"),
    "batch": Key(_from_text(whole(1, 1024), _as_number), "frames made at once", 8),
    "sidecar": Key(
        _from_text(flag(), _as_flag), "write the recipe beside a result too, not only in it", False
    ),
    "image": Key(
        checked(TEXT, _way), "how a terminal shows pictures: auto, or one way always", AUTO
    ),
    "onnx_memory": Key(
        _from_text(whole(1, 1024), _as_number), "GiB that one ONNX network may take", 4
    ),
    "onnx_seconds": Key(
        _from_text(whole(1, 86_400), _as_number), "seconds that ONNX may take for a picture", 60
    ),
    "zoo": Key(TEXT, "a zoo.toml of your own, in place of latty's, for latty fetch", ""),
}
FORMERLY = {"pictures": "image"}  # still read; the new name wins where both are given
FILE = table({name: Key(KEYS[FORMERLY.get(name, name)].rule) for name in (*KEYS, *FORMERLY)})


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one run. `origins` names the place of each value."""

    device: str
    out_dir: Path
    batch: int
    sidecar: bool
    image: str
    onnx_memory: int
    onnx_seconds: int
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
    faults = Faults()
    value = KEYS[name].rule.read(value, (name,), faults)
    for fault in faults.found:
        raise ConfigError(f"{place}: {name}: {fault.what}", fault.hint or KEYS[name].help)
    return value


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
    file = read_settings(path, "settings file")
    found = file.checked(FILE) if file else {}
    for old, name in FORMERLY.items():
        if old in found:
            value = found.pop(old)
            found.setdefault(name, value)
    return {name: (value, str(path)) for name, value in found.items()}
