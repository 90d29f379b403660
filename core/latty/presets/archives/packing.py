"""Presets and all that they name as one archive. The same content gives the same bytes."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path, PurePath

from latty.attributes.store import files_of
from latty.checkpoints.refusals import changed
from latty.checkpoints.refusals import naming as naming_file
from latty.errors import BadData
from latty.presets import contents, naming
from latty.presets.archives import privacy
from latty.presets.archives.manifest import LONGEST, LONGEST_FILE, NAME, Manifest, Origin
from latty.presets.archives.opening import bytes_of, unfit
from latty.presets.archives.origins import model_of, origin_of
from latty.presets.archives.zipping import Piece, piece, zipped
from latty.presets.reading import PresetFile, load
from latty.unpacked import FILES, PRESETS

IMPORT = "latty import FILE --name NAME, and name that"
SUFFIX = 12  # characters of a file's suffix that stay: ".safetensors"


@dataclass(slots=True)
class Pack:
    """What an archive is to hold.

    zoo         address -> name of an entry of the zoo
    with_model  the files of models, too
    doubts      what it would show of this machine, line by line

    Its methods raise Missing, BadData, OutputError.
    """

    zoo: Mapping[str, str] = field(default_factory=dict)
    with_model: bool = False
    presets: list[str] = field(default_factory=list)
    pieces: dict[str, Piece] = field(default_factory=dict)
    names: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    models: dict[str, Origin] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    _members: dict[tuple[str, Path], str] = field(default_factory=dict)

    def add(self, source: PresetFile) -> None:
        """A preset that can be drawn, and all that it names."""
        if (member := self._preset(source)) not in self.presets:
            self.presets.append(member)

    def content(self) -> Iterator[bytes]:
        """The bytes of the archive, its manifest first."""
        said = piece(self.manifest().sealed())
        return zipped({NAME: said, **dict(sorted(self.pieces.items()))})

    def manifest(self) -> Manifest:
        """What the archive says of itself."""
        members = tuple((name, self.pieces[name].digest) for name in sorted(self.pieces))
        names = tuple(
            (preset, {kind: tuple(pairs.items()) for kind, pairs in said.items()})
            for preset, said in self.names.items()
        )
        models = tuple(sorted(self.models.values(), key=lambda one: (one.name, one.digest)))
        return Manifest(tuple(self.presets), members, names, models)

    def _preset(self, source: PresetFile) -> str:
        """The member of a preset; those that it extends, and what all of them name, are added."""
        members = [self._file(PRESETS, layer.path or Path()) for layer in source.layers]
        new = {member: layer for member, layer in zip(members, source.layers, strict=True)
               if member not in self.names}  # fmt: skip
        for member, layer in new.items():
            if layer.path is not None and not layer.says(self.pieces[member].content()):
                raise changed().about(layer.path.name)
        self.names |= {member: {} for member in new}
        self.doubts += [line for layer in new.values() for line in privacy.of_preset(layer)]
        for layer, member, above in zip(source.layers, members, [*members[1:], ""], strict=True):
            if above:
                self._say(member, "extends", layer.base, above)
        for place, kind, said, found in source.named():
            self._name(members[place], kind, said, found)
        for place, ref, path in source.panels():
            self._say(members[place], "panels", ref, self._preset(load(path)))
        return members[0]

    def _say(self, preset: str, kind: str, ref: str, what: str) -> None:
        """What a text of a preset stands for."""
        self.names[preset].setdefault(kind, {})[ref] = what

    def _name(self, preset: str, kind: str, said: str, found: str) -> None:
        """Add what a text names: spelled as in the preset, and as it is here."""
        table = naming.PACKED[kind]
        if table == "model":
            if digest := self._model(said, found):
                self._say(preset, table, said, digest)
            return
        store = naming.source_of(kind, f"{found}#0")[0]
        path = store.find(found) if store is not None else Path(found).expanduser()
        is_named = store is not None and store.named(found) is not None
        self._say(preset, table, said, self._file(table if is_named else FILES, path))
        if table == "directions":
            for scorer in contents.scorers_of(found):
                self._scorer(scorer)

    def _model(self, said: str, found: str) -> str:
        """The digest of a model; "" of one that has none."""
        if (origin := origin_of(found, self.zoo, said)) is None:
            return ""
        if self.with_model and (file := model_of(found)) is not None:
            origin = replace(origin, file=self._file("models", file))
        self.models.setdefault(origin.digest, origin)
        return origin.digest

    def _scorer(self, name: str) -> None:
        """The card of a scorer and its weights; those that come with latty are there anyway."""
        for path in files_of(name):
            if self._file("scorers", path) != f"scorers/{path.name}":
                what = f"two scorers have files of the name {path.name}"
                raise BadData(what, "import one of them under another name")

    def _file(self, folder: str, path: Path) -> str:
        """The member that a file is."""
        # what a preset names begins in the folder of its link, which is called as it is
        key = folder, path.parent.resolve() / path.name if folder == PRESETS else path.resolve()
        if key not in self._members:
            name = self._members[key] = self._free(folder, path.name)
            with naming_file(path), bytes_of(path) as content:
                if fault := unfit(name, content):
                    raise BadData(f"{path.name} {fault}", IMPORT)
                if folder != PRESETS:
                    self.doubts += privacy.of_file(name, content)
                self.pieces[name] = piece(bytes(content) if folder == PRESETS else path)
        return self._members[key]

    def _free(self, folder: str, file: str) -> str:
        """The name of a member that no other has, where case does not count."""
        plain = re.sub(r"[^\w+. ()-]", "-", unicodedata.normalize("NFC", file)).lstrip(" .()+-")
        path = PurePath(plain.rstrip(" .") or "file")
        # each preset has a name of its own
        suffix = ".toml" if folder == PRESETS else path.suffix[:SUFFIX].rstrip()
        taken = {name.casefold() for name in self.pieces}
        for number in count(1):
            tail = f"-{number}{suffix}" if number > 1 else suffix
            room = LONGEST - len(f"{folder}/{tail}".encode())
            stem = path.stem[: LONGEST_FILE - len(tail)].encode()[:room].decode(errors="ignore")
            name = f"{folder}/{stem.rstrip(' .')}{tail}"
            if name.casefold() not in taken:
                return name
        raise AssertionError("numbers end")
