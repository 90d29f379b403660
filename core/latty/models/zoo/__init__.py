"""The zoo: public checkpoints by name, read strictly from zoo.toml or a private file like it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from latty import home
from latty.errors import ConfigError, Missing, did_you_mean
from latty.folders import owned
from latty.models.registries import FAMILIES
from latty.store import RULE, is_name
from latty.tables.reading import read_settings
from latty.tables.rules import (
    Fault,
    Key,
    checked,
    flag,
    keys_of,
    mapping,
    matching,
    option,
    record,
    says,
    table,
    text,
    whole,
)
from latty.tables.words import shown

OURS = Path(__file__).with_name("zoo.toml")
SCHEMA = 1


def is_web(address: str) -> bool:
    """Whether it is an http or https address with a host, without a name or password in it."""
    try:
        parts = urlsplit(address)
        bare = parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and is_web(value) and " " not in value


PACKAGED = re.compile(
    r"pip:([A-Za-z0-9][\w.-]{0,99})==([0-9][\w.!+-]{0,63})#((?:\w[\w.-]*/){0,9}\w[\w.-]{0,99})",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Package:
    """A published package of one version, and the path of one file in its wheel."""

    name: str
    version: str
    member: str

    @classmethod
    def of(cls, address: str) -> "Package | None":
        """Of "pip:NAME==VERSION#PATH"; None for any other text."""
        found = PACKAGED.fullmatch(address)
        return cls(*found.groups()) if found else None

    @property
    def file(self) -> str:
        """The bare name of that file."""
        return self.member.rpartition("/")[2]


def _is_place(value: Any) -> bool:
    return _is_address(value) or (isinstance(value, str) and Package.of(value) is not None)


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


LINE = text(1000)
ADDRESS = matching("an http or https address", _is_address)
PLACE = matching("an http or https address, or pip:NAME==VERSION#PATH", _is_place)
DIGEST = matching("64 lower-case hexadecimal digits", _matches("[0-9a-f]{64}"))
MEMBER = matching("the bare name of a file", _matches(r"[A-Za-z0-9][\w.-]{0,99}"))


@dataclass(frozen=True, slots=True)
class Project:
    """A project that names checkpoints: its title, its page, and its files that name them."""

    title: str = field(metadata=says(LINE))
    page: str = field(metadata=says(ADDRESS))
    named_in: str = field(metadata=says(LINE))
    licence: str = field(metadata=says(LINE))


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkpoint: what it is and where it lies. None stands for what was not published.

    address  of the checkpoint, of an archive that holds it, or of a page for a browser (`by_hand`);
             pip:NAME==VERSION#PATH is a file in the wheel of a published package
    sha256, size  in bytes, of what the address gives
    member   the file that is wanted of a tar archive
    config   address of the settings beside the checkpoint
    """

    name: str
    source: Project
    family: str = field(metadata=says(LINE))
    resolution: int = field(metadata=says(whole(1, 2**20)))  # px
    address: str = field(metadata=says(PLACE))
    licence: str = field(metadata=says(LINE))
    sha256: str | None = option(None, DIGEST)
    size: int | None = option(None, whole(1, 2**50))
    member: str | None = option(None, MEMBER)
    config: str | None = option(None, ADDRESS)
    by_hand: bool = option(False, flag())

    @property
    def package(self) -> Package | None:
        """The package that holds the checkpoint; None for an address of the web."""
        return Package.of(self.address)

    @property
    def file(self) -> str:
        """A safe name for what the address gives, as the address calls it."""
        if self.package is not None:
            return self.package.file
        last = unquote(urlsplit(self.address).path).rsplit("/", 1)[-1]
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")[:100]
        return plain if "." in plain else "checkpoint"

    def cache(self) -> Path:
        """The folder where what is fetched is kept. Raises ConfigError for another user's."""
        return owned(home.cache_dir() / "zoo" / self.name)

    def what(self) -> str:
        """One line for a list."""
        size = f", {self.size / 1e6:.0f} MB" if self.size else ""
        check = "" if self.sha256 else "; checksum not published"
        line = f"{self.family}, {self.resolution} px{size}, {self.source.title}; licence: "
        return f"{line}{self.licence}{check}{'; by hand' if self.by_hand else ''}"


def _some(pairs: tuple[Any, ...]) -> dict[str, Any]:
    if not pairs:
        raise ValueError("must be a table with something in it")
    return dict(pairs)


# The licence of an entry is that of its source where it has none of its own.
MODEL = table({**keys_of(Entry), "source": Key(LINE, required=True), "licence": Key(LINE)})
ZOO = table(
    {
        "schema": Key(
            matching(f"{SCHEMA}", lambda v: v == SCHEMA and v is not True), required=True
        ),
        "sources": Key(checked(mapping(record(Project)), _some), required=True),
        "models": Key(checked(mapping(MODEL), _some), required=True),
    }
)


def _across(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Names that are none, sources and families that are not there; `data` may be anything."""
    sources, models = (data.get(key) for key in ("sources", "models"))
    known = {"source": sources if isinstance(sources, dict) else {}, "family": FAMILIES.names()}
    for name, model in models.items() if isinstance(models, dict) else ():
        if not is_name(name):
            yield Fault(("models", name), "is no name", RULE)
        if isinstance(model, dict) and str(model.get("address")).startswith("pip:"):
            yield from _of_package(name, model)
        for key, choice in known.items() if isinstance(model, dict) else ():
            said = model.get(key)
            if isinstance(said, str) and said not in choice:
                what = f"no {key} '{shown(said)}'"
                yield Fault(("models", name, key), what, did_you_mean(shown(said), choice))


def _of_package(name: str, model: Mapping[str, Any]) -> Iterator[Fault]:
    """A wheel is checked before it is opened; its address names the one file of it."""
    if "sha256" not in model:
        yield Fault(("models", name, "sha256"), "is missing", "a package's wheel needs one")
    for key in ("member", "config", "by_hand"):
        if key in model:
            yield Fault(("models", name, key), "is not for packages", "the address says it all")


def read(path: Path | None = None) -> dict[str, Entry]:
    """Every entry by name, in the file's order. Raises ConfigError with every fault.

    path  a private zoo; None = latty's own
    """
    file = read_settings(path or OURS, "zoo")
    if file is None:
        raise ConfigError(f"there is no zoo {path}", "LATTY_ZOO names a zoo.toml")
    zoo = file.checked(ZOO, _across)
    entries = {}
    for name, model in zoo["models"].items():
        source = zoo["sources"][model.pop("source")]
        entries[name] = Entry(name, source, **{"licence": source.licence, **model})
    return entries


def find(name: str, entries: Mapping[str, Entry]) -> Entry:
    """The entry of that name; raises Missing with the nearest one."""
    if name not in entries:
        near = did_you_mean(name, entries)
        hint = near if near.startswith("did") else "see: latty list models --zoo"
        raise Missing(f"no checkpoint '{name}' in the zoo", hint)
    return entries[name]
