"""Settings and where each came from: flag, LATTY_* environment, latty.toml, config.toml, default.

latty.toml is looked for in the working directory and above it, up to a folder with .git or the home
folder; config.toml lies in the user's config directory. Unknown keys are errors, not silence. A
latty.toml of another user is not obeyed, as git does not obey a repository of one.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from latty import home, plugins
from latty.errors import ConfigError, UsageError, did_you_mean
from latty.plugins import Registry
from latty.report import WAYS
from latty.scene import PRECISIONS
from latty.tables import amounts
from latty.tables.reading import read_settings
from latty.tables.rules import (
    Faults,
    Key,
    Rule,
    array,
    checked,
    flag,
    mapping,
    matching,
    one_of,
    option,
    record,
    says,
    table,
    text,
    whole,
)
from latty.tables.words import Path as KeyPath

PICTURES = Registry[Any]("latty_tui.pictures")  # asked for names alone: nothing of it is imported
AUTO = "auto"  # the way that the terminal answers to, or that its kind asks for
PREFIX = "LATTY_"
ON_GPU = (AUTO, "graphs", "kernels", "plain")  # words for `gpu`
TRUSTED = "trusted_folders"  # a latty.toml cannot say that itself
# Read elsewhere: where config.toml itself is, and what jobs tell their workers.
ELSEWHERE = ("LATTY_HOME", "LATTY_JOB", "LATTY_SLOTS")


def ways() -> list[str]:
    """Every word for `image`: auto, and the entries that show pictures in a terminal."""
    return [AUTO, *PICTURES.names()]


def _way(word: str) -> str:
    if word != AUTO and word not in PICTURES:
        raise ValueError(f"must be one of {', '.join(ways())}")
    return word


def _progress(word: str) -> str:
    if word not in (AUTO, *WAYS):
        raise ValueError(f"must be one of {', '.join((AUTO, *WAYS))}")
    return word


def _on_gpu(word: str) -> str:
    if word not in ON_GPU:
        raise ValueError(f"must be one of {', '.join(ON_GPU)}")
    return word


def _precision(word: str) -> str:
    if word not in (AUTO, *PRECISIONS):
        raise ValueError(f"must be one of {', '.join((AUTO, *PRECISIONS))}")
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


def _as_folders(word: str) -> Any:
    return [part for part in word.split(os.pathsep) if part]


def _place(word: str) -> str:
    """A path, whose ~ is somebody's."""
    try:
        Path(word).expanduser()
    except RuntimeError:
        raise ValueError(f"no user's home is {word.partition('/')[0]}") from None
    return word


AUTO_OR_NUMBER = f"{AUTO} or a whole number"
SWITCHES = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
TEXT = text(4096)
PLACE = checked(TEXT, _place)
KEYS: dict[str, Key] = {
    "device": Key(TEXT, "where networks run: auto, cpu, cuda, cuda:1, mps", "auto"),
    "precision": Key(
        checked(TEXT, _precision),
        "numbers of networks: fp32, bf16, fp16; auto = fp32 for files, the quickest for previews",
        AUTO,
    ),
    "gpu": Key(
        checked(TEXT, _on_gpu),
        "what a GPU runs beside torch's own operations: graphs, kernels, plain = neither, auto",
        AUTO,
    ),
    "out_dir": Key(PLACE, "where results go", "renders"),
    "batch": Key(
        _from_text(
            one_of(AUTO_OR_NUMBER, matching(AUTO, lambda given: given == AUTO), whole(1, 1024)),
            _as_number,
        ),
        "frames made at once; auto = by the size of the pictures and the device",
        AUTO,
    ),
    "sidecar": Key(
        _from_text(flag(), _as_flag), "write the recipe beside a result too, not only in it", False
    ),
    "recipe": Key(
        _from_text(flag(), _as_flag), "every result holds the recipe that makes it again", True
    ),
    "image": Key(
        checked(TEXT, _way), "how a terminal shows pictures: auto, or one way always", AUTO
    ),
    "progress": Key(
        checked(TEXT, _progress),
        "how far work is: bar, plain (a line a film), json, none; auto = a bar on a terminal",
        AUTO,
    ),
    "log_time": Key(_from_text(flag(), _as_flag), "words begin with the time", False),
    "frame_cache": Key(
        amounts.rule(), "pictures of films that are kept for the next encode; 0 = none", "2GB"
    ),
    "onnx_memory": Key(
        _from_text(whole(1, 1024), _as_number), "GiB that one ONNX network may take", 4
    ),
    "onnx_seconds": Key(
        _from_text(whole(1, 86_400), _as_number), "seconds that ONNX may take for a picture", 60
    ),
    TRUSTED: Key(
        _from_text(array(PLACE, high=1000), _as_folders),
        "folders whose latty.toml is obeyed although another user owns it",
        (),
    ),
    "zoo": Key(PLACE, "a zoo.toml of your own, in place of latty's, for latty fetch", ""),
}
FORMERLY = {"pictures": "image"}  # still read; the new name wins where both are given


@dataclass(frozen=True, slots=True)
class AttributeGroup:
    """A [groups.NAME] table: attributes of interest, and those that must stay as they are."""

    attributes: tuple[str, ...] = field(metadata=says(array(TEXT, 1, 100), "What is to change."))
    keep: tuple[str, ...] = option((), array(TEXT, 0, 100), "What must stay as it is.")


GROUPS = "groups"  # tables in latty.toml and config.toml, of no flag and no variable
FILE = table(
    {name: Key(KEYS[FORMERLY.get(name, name)].rule) for name in (*KEYS, *FORMERLY)}
    | {GROUPS: Key(mapping(record(AttributeGroup)))}
)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings of one run. `origins` names the place of each value; `passed_over` are files
    that were not obeyed."""

    device: str
    precision: str
    gpu: str
    out_dir: Path
    batch: int | str
    sidecar: bool
    recipe: bool
    image: str
    progress: str
    log_time: bool
    frame_cache: amounts.Amount
    onnx_memory: int
    onnx_seconds: int
    trusted_folders: tuple[str, ...]
    zoo: str
    origins: tuple[tuple[str, str], ...]
    passed_over: tuple[str, ...]
    groups: tuple[tuple[str, AttributeGroup], ...] = ()

    def group(self, name: str) -> AttributeGroup:
        """A group of attributes. Raises UsageError with the nearest name."""
        known = dict(self.groups)
        if name not in known:
            hint = (
                did_you_mean(name, known) or "write [groups.NAME] attributes = [...] in latty.toml"
            )
            raise UsageError(f"--group: no group '{name}'", hint)
        return known[name]

    @property
    def frames_at_once(self) -> int | None:
        """What `batch` says; None = auto."""
        return None if isinstance(self.batch, str) else self.batch

    @property
    def pinned(self) -> dict[str, str]:
        """The environment in which another process draws in the precision of these settings,
        whatever the files of settings say by then; presets and recipes that say one keep it."""
        said = self.precision
        return {} if said == AUTO else {f"{PREFIX}PRECISION": said}

    @property
    def frame_bytes(self) -> int:
        """What `frame_cache` says."""
        return amounts.exact(self.frame_cache)


def load(
    flags: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Flags that are None were not given. Raises ConfigError for a value that cannot be used."""
    found: dict[str, tuple[Any, str]] = {k: (key.default, "default") for k, key in KEYS.items()}
    user, ours = _user(), _environment(environ or os.environ)
    trusted = {**user, **ours}.get(TRUSTED, ((), ""))[0]
    project, passed_over = _project(folder or Path.cwd(), trusted)
    groups = dict[str, AttributeGroup]()
    for source in (user, project, ours):
        groups |= dict(source.pop(GROUPS, ((), ""))[0])
        found.update(source)
    for name, value in (flags or {}).items():
        if name in KEYS and value is not None:
            flag = "--" + name.replace("_", "-")
            found[name] = (_read(name, value, flag), flag)
    values = {name: value for name, (value, _) in found.items()}
    values["out_dir"] = Path(values["out_dir"]).expanduser()
    origins = tuple((name, place) for name, (_, place) in found.items())
    return Config(**values, origins=origins, passed_over=tuple(passed_over),
                  groups=tuple(groups.items()))  # fmt: skip


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


def _project(folder: Path, trusted: Sequence[str]) -> tuple[dict[str, tuple[Any, str]], list[str]]:
    """What the nearest latty.toml says that is obeyed, and what is said of nearer ones."""
    passed_over = []
    for place in (folder, *folder.parents):
        file = place / "latty.toml"
        if (owner := _stranger(file)) is not None and not _is_in(place, trusted):
            passed_over.append(f"{file} is not obeyed: it belongs to another user, {owner}")
            _tell(f"{passed_over[-1]} (LATTY_TRUSTED_FOLDERS={place}, or {TRUSTED} in "
                  f"{home.config_dir() / 'config.toml'}, has it obeyed)")  # fmt: skip
        elif os.path.lexists(file):
            found = _file(file)
            if TRUSTED in found:
                raise ConfigError(f"{file}: {TRUSTED}: a project cannot say that itself",
                                  f"it belongs in {home.config_dir() / 'config.toml'}")  # fmt: skip
            for name in found.keys() & {"out_dir", "zoo"}:  # relative to the file that says it
                value, origin = found[name]
                found[name] = (str(place / Path(value).expanduser()), origin)
            return found, passed_over
        if os.path.lexists(place / ".git") or place == _home():
            break
    return {}, passed_over


def _home() -> Path | None:
    with suppress(RuntimeError):  # a user without one
        return Path.home()
    return None


def _stranger(path: Path) -> str | None:
    """Who owns a file, or the link to it, where that is neither this user nor root; under sudo
    neither who called it."""
    if not hasattr(os, "geteuid"):  # Windows: nobody else writes there unasked
        return None
    known = {0, os.geteuid()}
    if os.geteuid() == 0 and (caller := os.environ.get("SUDO_UID", "")).isdecimal():
        known.add(int(caller))
    with suppress(OSError):
        for owner in (path.lstat().st_uid, path.stat().st_uid):
            if owner not in known:
                return _name_of(owner)
    return None


def _name_of(owner: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


def _is_in(place: Path, folders: Sequence[str]) -> bool:
    """Whether a folder is one of them or lies in one."""
    where = place.resolve()
    return any(where.is_relative_to(Path(one).expanduser().resolve()) for one in folders)


_TOLD = set[str]()  # lines of this process


def _tell(line: str) -> None:
    """Say it once, however often settings are asked for, also by who is about to say it."""
    if line not in _TOLD:
        _TOLD.add(line)
        plugins.tell(line)


def _file(path: Path) -> dict[str, tuple[Any, str]]:
    file = read_settings(path, "settings file")
    found = file.checked(FILE) if file else {}
    for old, name in FORMERLY.items():
        if old in found:
            value = found.pop(old)
            found.setdefault(name, value)
    return {name: (value, str(path)) for name, value in found.items()}
