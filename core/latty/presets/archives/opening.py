"""An archive checked and unpacked: its members lie in latty's cache, in a folder named after its
SHA-256. They are used from there; nothing of an archive goes into a store.

The reader of zip archives is that of checkpoints. Beside what it refuses, an archive holds nothing
but the members that its manifest names, each of the content that this says, and none is compressed.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePath, PureWindowsPath

from latty import reading
from latty.checkpoints import ziparchive
from latty.checkpoints.refusals import Refusal, Stamps, code_of, naming, opening
from latty.checkpoints.sniff import HEAD, sniff
from latty.checkpoints.ziparchive import STORED, Member, bad_zip
from latty.errors import BadData, LattyError, Missing, UsageError, did_you_mean
from latty.folders import owned
from latty.presets.archives import origins, unpacking
from latty.presets.archives.manifest import NAME, Manifest, parsed, parted
from latty.presets.archives.manifest import SUFFIX as SUFFIX  # who opens one sees it here
from latty.presets.digests import digest_of, model_digest
from latty.tables.words import LONGEST_FILE, shown
from latty.unpacked import FILES, PRESETS, place, unpacked

LARGEST = 2**32 - 2**20  # bytes: no field of a plain zip archive has more than 32 bits
_SAFE = ("safetensors", "npy", "npz")
SHOWN = 12  # digits of a digest in a message


@dataclass(frozen=True, slots=True)
class Archive:
    """One that was checked; its members lie below `root`."""

    path: Path
    root: Path
    manifest: Manifest

    @property
    def file(self) -> str:
        """What messages call it."""
        return shown(str(self.path), LONGEST_FILE)

    def preset(self, which: str = "") -> "Names":
        """The preset of that name; "" = the only one. Raises BadData where there are several,
        Missing."""
        found = self.manifest.stems
        if not which and len(found) > 1:
            what = f"{self.file} holds several presets: {', '.join(found)}"
            raise BadData(what, f"name one: {self.file}#{next(iter(found))}")
        if which and which not in found:
            raise Missing(f"no preset '{shown(which)}' in {self.file}", did_you_mean(which, found))
        return Names(self, found[which] if which else self.manifest.presets[0])

    def others(self, models: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """(name, digest, digest of what is here) of its models among these names that are not here,
        where what has their name here is another one. Raises BadData, OutputError."""
        for one in self.manifest.models:
            if one.name in models and not one.file and origins.here(one) is None:
                yield one.name, one.digest, model_digest(one.name)


@dataclass(frozen=True, slots=True)
class Names:
    """One preset of an archive: what its texts stand for."""

    archive: Archive
    member: str

    @property
    def path(self) -> Path:
        """Its own file."""
        return self.archive.root / self.member

    @property
    def file(self) -> str:
        """What messages call it."""
        return f"{self.archive.file}/{Path(self.member).name}"

    def other(self, kind: str, ref: str) -> "Names | None":
        """A preset that it "extends", or whose scene one of its "panels" shows; None where the
        archive does not hold it."""
        found = self.archive.manifest.named(self.member, kind, ref)
        return None if found is None else Names(self.archive, found)

    def place(self, kind: str, ref: str) -> str | None:
        """The path of what a text of this kind stands for, of a model its name here; None where the
        archive says nothing of it. A model of another content that has its name here is given, and
        told by `Archive.others`. Raises Missing for one that is not here, BadData, OutputError.
        """
        manifest = self.archive.manifest
        said = manifest.named(self.member, kind, ref)
        if kind != "model":
            return None if said is None else str(self.archive.root / said)
        if (origin := manifest.origin(said)) is None:
            return None
        if origin.file:
            return str(self.archive.root / origin.file)
        if (found := origins.here(origin)) is None and not origins.has_name(origin):
            raise origins.absent(origin, self.archive.file)
        return found or origin.name

    def texts(self) -> Iterator[tuple[tuple[str, str], str]]:
        """((kind of content, path or name here), text) of what this preset says; of a model that is
        not here nothing."""
        for kind, pairs in dict(self.archive.manifest.names).get(self.member, {}).items():
            for text, _ in pairs:
                with suppress(LattyError):  # told where it is placed
                    if place := self.place(kind, text):
                        yield (kind, place), text

    def others(self) -> Iterator["Names"]:
        """The other presets of its archive: those that it extends or shows in panels among them."""
        for member, _ in self.archive.manifest.names:
            if member != self.member:
                yield Names(self.archive, member)

    def spelled(self) -> Iterator[tuple[tuple[str, str], str]]:
        """((kind of content, path here), how a preset spells it) of what the archive holds, last
        what this preset says itself; a file from another folder without that."""
        said = dict(self.archive.manifest.names)
        for names in (*said.values(), said.get(self.member, {})):
            for kind, pairs in names.items():
                for text, member in pairs:
                    elsewhere = text.startswith(("/", "~", "\\")) or ".." in PurePath(text).parts
                    name = PureWindowsPath(text).name if elsewhere else text
                    yield (kind, str(self.archive.root / member)), name


def is_member(path: str) -> bool:
    """Whether a path leads to what an archive holds, where it is unpacked."""
    return unpacked(path) is not None


def refuse_packed(ref: str, why: str) -> None:
    """Raises UsageError where a text names an archive, which nobody writes into."""
    if parted(ref) is not None:
        raise UsageError(f"{shown(ref, LONGEST_FILE)} is packed, and stays as it is: {why}",
                         "name the preset, and pack it again")  # fmt: skip


def each(ref: str) -> list[str]:
    """What a text names that is to be rendered: the presets of an archive of several, else itself;
    an archive that cannot be opened tells that where it is."""
    with suppress(LattyError, OSError):
        if (found := parted(ref)) is not None and not found[1]:
            with bytes_of(found[0]) as code:
                names = looked(code, found[0])[1].stems
            return [f"{ref}#{name}" for name in names] if len(names) > 1 else [ref]
    return [ref]


def opened(path: Path) -> Archive:
    """An archive, checked and unpacked. Raises BadData, Missing, OutputError, ConfigError."""
    before = Stamps.now(path)
    with naming(path), bytes_of(path) as code:
        members, manifest = looked(code, path)
        root = owned(place(digest_of(path)))
        before.check()
        if not unpacking.is_whole(root, manifest.members):
            _check(code, members, manifest)
            contents = {name: members[name].raw(code) for name in members if name != NAME}
            unpacking.unpack(contents, manifest.members, root)
        with suppress(OSError):
            os.utime(root)  # it is in use: latty clean leaves it
    return Archive(path, root.absolute(), manifest)


def manifest_of(path: Path) -> Manifest:
    """What an archive says, its members as it says; nothing is unpacked. Raises BadData, Missing,
    OutputError."""
    with naming(path), bytes_of(path) as code:
        members, manifest = looked(code, path)
        _check(code, members, manifest)
        return manifest


@contextmanager
def bytes_of(path: Path) -> Iterator[memoryview]:
    """The bytes of a file. Raises Missing, Refusal, OutputError."""
    with opening(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise Refusal("empty", "it is empty: 0 bytes")
        if size > LARGEST:
            raise Refusal("too-big", "it has 4 GiB or more", "pack it without the model")
        yield code_of(file, size)


def looked(code: memoryview, path: Path) -> tuple[dict[str, Member], Manifest]:
    """The members of an archive and its manifest, which agree; their content is not looked at.
    Raises Refusal, BadData, PresetError."""
    members = ziparchive.members(code)
    if (first := members.get(NAME)) is None:
        what = "it is a zip archive, and none that latty packed"
        raise Refusal("wrong-format", what, "latty pack PRESET -o FILE.latty makes one")
    if packed := [one.name for one in members.values() if one.method != STORED]:
        raise bad_zip(f"{shown(packed[0])} is compressed, and latty compresses none")
    if first.size > reading.SMALL:
        raise bad_zip(f"{NAME} is larger than {reading.SMALL >> 20} MiB")
    name = shown(path.name, LONGEST_FILE)
    manifest = parsed(reading.json_of(bytes(first.raw(code)), f"{name}: {NAME}"), name)
    said = {NAME, *dict(manifest.members)}
    if odd := sorted({*members} ^ said):
        where = "not in it" if odd[0] in said else f"not in {NAME}"
        raise bad_zip(f"{shown(odd[0])} is {where}")
    return members, manifest


def _check(code: memoryview, members: Mapping[str, Member], manifest: Manifest) -> None:
    """Raises BadData for a member of another content than the manifest says, or of a kind that no
    archive holds."""
    for name, said in manifest.members:
        content = members[name].raw(code)
        if (found := sha256(content).hexdigest()) != said:
            what = f"{shown(name)} is not what {NAME} says ({said[:SHOWN]} / {found[:SHOWN]})"
            raise Refusal("checksum", what)
        if fault := unfit(name, content):
            raise Refusal("wrong-format", f"{shown(name)} {fault}", "pack it again")


def unfit(name: str, content: memoryview) -> str:
    """Why no member of that name may hold this, "" where one may."""
    folder, kind = name.partition("/")[0], ""
    with suppress(Refusal):  # text, sounds, fonts
        kind = sniff(bytes(content[:HEAD]))
    if kind == "zip":
        with suppress(Refusal):
            arrays = all(one.endswith(".npy") for one in ziparchive.members(content))
            kind = "npz" if arrays else "zip"
    if folder == PRESETS or name.endswith(".toml"):
        return f"is no text ({kind})" if kind else ""
    if folder != FILES and kind != "safetensors":
        return "is not safetensors"
    return f"is of a kind that no archive holds ({kind})" if kind and kind not in _SAFE else ""
