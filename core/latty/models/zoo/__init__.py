"""The zoo: public checkpoints by name, read strictly from zoo.toml or a private file like it."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from latty.errors import ConfigError, Missing, did_you_mean
from latty.models.registries import FAMILIES
from latty.store import RULE, is_name

OURS = Path(__file__).with_name("zoo.toml")
SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Source:
    """A project that names checkpoints: its title, its page, and its files that name them."""

    title: str
    page: str
    named_in: str
    licence: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One checkpoint: what it is and where it lies. None stands for what was not published."""

    name: str
    source: Source
    family: str
    resolution: int  # px
    address: str
    licence: str
    sha256: str | None = None  # of what the address gives
    size: int | None = None  # bytes of what the address gives
    member: str | None = None  # the file wanted of a tar archive
    config: str | None = None  # address of the settings beside the checkpoint
    by_hand: bool = False  # a page for a browser

    @property
    def file(self) -> str:
        """A safe name for what the address gives, as the address calls it."""
        last = unquote(urlsplit(self.address).path).rsplit("/", 1)[-1]
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", last).strip(".-")[:100]
        return plain if "." in plain else "checkpoint"

    def what(self) -> str:
        """One line for a list."""
        size = f", {self.size / 1e6:.0f} MB" if self.size else ""
        check = "" if self.sha256 else "; checksum not published"
        line = f"{self.family}, {self.resolution} px{size}, {self.source.title}; licence: "
        return f"{line}{self.licence}{check}{'; by hand' if self.by_hand else ''}"


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _address(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and is_web(value) and " " not in value


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def _member(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9][\w.-]{0,99}", value) is not None


def is_web(address: str) -> bool:
    """Whether it is an http or https address with a host, without a name or password in it."""
    try:
        parts = urlsplit(address)
        bare = parts.username is None and parts.password is None and parts.port != 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and bare


@dataclass(frozen=True, slots=True)
class _Key:
    good: Callable[[Any], bool]
    what: str
    needed: bool = False


_SOURCE = {
    "title": _Key(_text, "must be a line of text", True),
    "page": _Key(_address, "must be an http or https address", True),
    "named_in": _Key(_text, "must be a line of text", True),
    "licence": _Key(_text, "must be a line of text", True),
}
_MODEL = {
    "source": _Key(_text, "must be a key of [sources]", True),
    "family": _Key(_text, "must be a family", True),
    "resolution": _Key(_positive, "must be a number of pixels", True),
    "address": _Key(_address, "must be an http or https address", True),
    "licence": _Key(_text, "must be a line of text"),
    "sha256": _Key(_digest, "must be 64 lower-case hexadecimal digits"),
    "size": _Key(_positive, "must be a number of bytes"),
    "member": _Key(_member, "must be the bare name of a file"),
    "config": _Key(_address, "must be an http or https address"),
    "by_hand": _Key(lambda value: isinstance(value, bool), "must be true or false"),
}


@dataclass(slots=True)
class _Reader:
    """Reads one file; every complaint names it."""

    file: str
    sources: dict[str, Source] = field(default_factory=dict)

    def fail(self, where: str, what: str, hint: str = "") -> ConfigError:
        return ConfigError(f"{self.file}: {where}: {what}", hint)

    def table(self, value: Any, where: str) -> Mapping[str, Any]:
        if not isinstance(value, dict) or not value:
            raise self.fail(where, "must be a table with something in it")
        return value

    def checked(self, value: Any, where: str, keys: Mapping[str, _Key]) -> Mapping[str, Any]:
        table = self.table(value, where)
        for key, found in table.items():
            if key not in keys:
                raise self.fail(where, f"unknown key '{key}'", did_you_mean(key, keys))
            if not keys[key].good(found):
                raise self.fail(f"{where}.{key}", keys[key].what)
        for key, rule in keys.items():
            if rule.needed and key not in table:
                raise self.fail(where, f"'{key}' is missing")
        return table

    def entry(self, name: str, value: Any) -> Entry:
        where = f"models.{name}"
        if not is_name(name):
            raise self.fail(where, "is no name", RULE)
        found = dict(self.checked(value, where, _MODEL))
        key, families = found.pop("source"), FAMILIES.names()
        if key not in self.sources:
            hint = did_you_mean(key, self.sources)
            raise self.fail(f"{where}.source", f"no source '{key}'", hint)
        if found["family"] not in families:
            what = f"no family '{found['family']}'"
            raise self.fail(f"{where}.family", what, did_you_mean(found["family"], families))
        found.setdefault("licence", self.sources[key].licence)
        return Entry(name=name, source=self.sources[key], **found)

    def read(self, text: str) -> dict[str, Entry]:
        data = tomllib.loads(text)
        for key in data:
            if key not in ("schema", "sources", "models"):
                raise self.fail(key, "unknown key", "there is: schema, sources, models")
        if data.get("schema") != SCHEMA or isinstance(data["schema"], bool):
            raise self.fail("schema", f"must be {SCHEMA}")
        for key, value in self.table(data.get("sources"), "sources").items():
            self.sources[key] = Source(**self.checked(value, f"sources.{key}", _SOURCE))
        models = self.table(data.get("models"), "models")
        return {name: self.entry(name, value) for name, value in models.items()}


def read(path: Path | None = None) -> dict[str, Entry]:
    """Every entry by name, in the file's order; raises ConfigError. None is latty's own zoo."""
    path = path or OURS
    try:
        text = path.read_text(encoding="utf-8")
        return _Reader(str(path) if path != OURS else path.name).read(text)
    except FileNotFoundError:
        raise ConfigError(f"there is no zoo {path}", "LATTY_ZOO names a zoo.toml") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None


def find(name: str, entries: Mapping[str, Entry]) -> Entry:
    """The entry of that name; raises Missing with the nearest one."""
    if name not in entries:
        near = did_you_mean(name, entries)
        hint = near if near.startswith("did") else "see: latty list models --zoo"
        raise Missing(f"no checkpoint '{name}' in the zoo", hint)
    return entries[name]
