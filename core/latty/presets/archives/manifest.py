"""What latty.json, the first member of an archive, says; and by it what an archive is."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from latty import reading
from latty.checkpoints.ziparchive import ARCHIVE, LOCAL
from latty.errors import BadData
from latty.tables.reading import Kind, TableFile
from latty.tables.rules import (
    Fault,
    Key,
    array,
    checked,
    mapping,
    matching,
    option,
    record,
    says,
    table,
    text,
)
from latty.unpacked import FILES, NAMED, PRESETS
from latty.version import __version__

NAME, SUFFIX = ARCHIVE, ".latty"
SCHEMA = 1
MOST = 1000  # members
LONGEST, LONGEST_FILE = 240, 200  # bytes of the name of one, characters without its folder
KIND = Kind("archive", hint="pack it again")
_FILE = rf"\w[\w+. ()-]{{0,{LONGEST_FILE - 1}}}"
_FOLDERS = "|".join((PRESETS, FILES, *NAMED))
MEMBER = re.compile(rf"(?:{_FOLDERS})/{_FILE}")

Pairs = tuple[tuple[str, str], ...]


def parted(ref: str | Path) -> tuple[Path, str] | None:
    """The archive that a text names, and which preset of it: "FILE" or "FILE#PRESET". None for
    what is no archive."""
    try:
        path = Path(ref).expanduser()
    except RuntimeError:  # a user nobody knows
        return None
    if is_archive(path):
        return path, ""
    whole, mark, which = str(path).rpartition("#")
    return (Path(whole), which) if mark and which and is_archive(Path(whole)) else None


def is_archive(path: Path) -> bool:
    """Whether a file is an archive of presets by its first bytes, or is called so; where it cannot
    be read, whoever opens it says why."""
    begin, head = NAME.encode(), b""
    with suppress(OSError, ValueError):
        if not path.is_file():
            return False
        with suppress(OSError), reading.opened(path) as file:
            head = file.read(30 + len(begin))
        return (head.startswith(LOCAL) and head.endswith(begin)) or path.suffix.lower() == SUFFIX
    return False


def is_member(value: Any) -> bool:
    """Whether it is what a member of an archive may be called: FOLDER/FILE, on every system."""
    if not isinstance(value, str) or len(value.encode("utf-8", "replace")) > LONGEST:
        return False
    plain = MEMBER.fullmatch(value) is not None and not value.endswith((".", " "))
    return plain and unicodedata.is_normalized("NFC", value)


LINE = text(1000)
MEMBERS = matching("the name of a member, as in directions/mine.safetensors", is_member)
SHA = matching("64 lower-case hexadecimal digits",
               lambda v: isinstance(v, str) and bool(re.fullmatch("[0-9a-f]{64}", v)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """A model, and where it is from; "" for what nobody knows.

    digest         SHA-256 of its file
    name           as the preset spells it
    source         the name of the file that it was imported from; source_sha256 of that
    address        where that was fetched from; zoo: its name for `latty fetch`
    file           the member that it is, where the archive holds it
    """

    digest: str = field(metadata=says(SHA))
    name: str = field(metadata=says(LINE))
    family: str = option("", LINE)
    source: str = option("", LINE)
    source_sha256: str = option("", SHA)
    address: str = option("", LINE)
    zoo: str = option("", LINE)
    file: str = option("", MEMBERS)

    def facts(self) -> dict[str, str]:
        """What is known, by key."""
        return {key: value for key, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Manifest:
    """presets  the members to be rendered; others are extended, or scenes of panels
    members  the SHA-256 of each, by name
    names    of each preset what its texts stand for: kind -> text -> member, of a model its digest
    models   where they are from
    """

    presets: tuple[str, ...]
    members: Pairs
    names: tuple[tuple[str, dict[str, Pairs]], ...] = ()
    models: tuple[Origin, ...] = ()
    latty: str = __version__

    @property
    def stems(self) -> dict[str, str]:
        """What is to be rendered, by the names of the files without their suffix."""
        return {PurePosixPath(member).stem: member for member in self.presets}

    def named(self, preset: str, kind: str, ref: str) -> str | None:
        """What a text of a preset stands for; None where the archive does not say."""
        return dict(dict(self.names).get(preset, {}).get(kind, ())).get(ref)

    def origin(self, digest: str | None) -> Origin | None:
        """The model of that digest."""
        return next((one for one in self.models if one.digest == digest), None)

    def sealed(self) -> bytes:
        """The same as bytes that whoever opens the archive can read. Raises BadData where nobody
        could."""
        said = self.dumps()
        if len(self.members) > MOST or len(said) > reading.SMALL:
            what = f"an archive holds at most {MOST} files, named in {reading.SMALL >> 20} MiB"
            raise BadData(what, "pack fewer presets")
        parsed(reading.json_of(said, NAME), "the archive")
        return said

    def dumps(self) -> bytes:
        """As latty.json has it: the same bytes for the same content."""
        names = {preset: {kind: dict(pairs) for kind, pairs in said.items()}
                 for preset, said in self.names}  # fmt: skip
        models = [one.facts() for one in self.models]
        data = {"schema": SCHEMA, "latty": self.latty, "presets": list(self.presets),
                "members": dict(self.members), "names": names, "models": models}  # fmt: skip
        return json.dumps(data, sort_keys=True, indent=1).encode() + b"\n"


# By which the texts of a preset are told apart, and where the members are that they stand for; a
# model is named by its digest.
FOLDERS = {"extends": (PRESETS,), "panels": (PRESETS,), "directions": ("directions", FILES),
           "latents": ("latents", FILES), "sounds": (FILES,), "fonts": (FILES,)}  # fmt: skip
KINDS = ("model", *FOLDERS)
_REFS = mapping(text(1000))
_NAMES = table({kind: Key(_REFS, default=()) for kind in KINDS})
RULE = table(
    {
        "schema": Key(matching(str(SCHEMA), lambda v: v == SCHEMA and v is not True),
                      required=True),
        "latty": Key(text(100), required=True),
        "presets": Key(array(MEMBERS, 1, MOST), required=True),
        "members": Key(checked(mapping(SHA), lambda pairs: _few(pairs)), required=True),
        "names": Key(mapping(_NAMES), default=()),
        "models": Key(array(record(Origin), 0, MOST), default=()),
    },
    lambda **said: Manifest(**{key: value for key, value in said.items() if key != "schema"}),
)  # fmt: skip


def _few(pairs: Pairs) -> Pairs:
    if not 0 < len(pairs) <= MOST:
        raise ValueError(f"must hold 1 to {MOST} members")
    return pairs


def parsed(data: Any, file: str) -> Manifest:
    """The manifest in the data of a JSON document. Raises BadData, PresetError with every fault."""
    schema = data.get("schema") if isinstance(data, dict) else None
    if isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA:
        what = f"{file} has schema {schema}, newer than this latty, which reads up to {SCHEMA}"
        raise BadData(what, "update latty")
    if not isinstance(data, dict):
        raise BadData(f"{file}: {NAME} is no table", "pack it again")
    made: Manifest = TableFile(f"{file}: {NAME}", data, kind=KIND).checked(RULE, _across)
    return made


def _across(data: Any) -> Iterator[Fault]:
    """Members that no system has, or two under one name, and what stands for none; the data may
    hold anything."""
    members = data.get("members") if isinstance(data, dict) else None
    known = members if isinstance(members, dict) else {}
    seen: dict[str, str] = {}
    for name in known:
        if not is_member(name):
            yield Fault(("members", name), "is no name of a member", "pack it again")
        elif (other := seen.setdefault(name.casefold(), name)) != name:
            yield Fault(("members", name), f"is '{other}' where case does not count")
    for where, member, folders in _members_named(data):
        folder = member.partition("/")[0] if isinstance(member, str) and member in known else ""
        if folder not in folders:
            yield Fault(where, f"is no member of {' or '.join(folders)}", "pack it again")


def _members_named(
    data: Mapping[str, Any],
) -> Iterator[tuple[tuple[str | int, ...], Any, tuple[str, ...]]]:
    """Where members are named, how, and in which folders those may be."""
    presets, names, models = (data.get(key) for key in ("presets", "names", "models"))
    for index, one in enumerate(presets if isinstance(presets, list) else ()):
        yield ("presets", index), one, (PRESETS,)
    for index, model in enumerate(models if isinstance(models, list) else ()):
        if isinstance(model, dict) and "file" in model:
            yield ("models", index, "file"), model["file"], ("models",)
    for preset, said in names.items() if isinstance(names, dict) else ():
        yield ("names", preset if is_member(preset) else "?"), preset, (PRESETS,)
        for kind, pairs in said.items() if isinstance(said, dict) else ():
            for ref, member in pairs.items() if isinstance(pairs, dict) else ():
                if kind in FOLDERS:
                    yield ("names", preset, kind, ref), member, FOLDERS[kind]
