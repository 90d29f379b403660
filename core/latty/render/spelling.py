"""How a recipe spells what a preset names: people post their pictures.

A file in or below the preset's folder is spelled from there, any other without its folder. Where
two files would be spelled alike, those from elsewhere stand in a folder named after their content:
"3fa8c1d2e4b5/z.npy". Names of a store are no paths and stay; what an archive holds is spelled as
its preset spells it.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PureWindowsPath

from latty.errors import LattyError
from latty.presets import Preset, contents, digests
from latty.presets.naming import respelled
from latty.scene import MIXING, Scene
from latty.store import is_name
from latty.unpacked import unpacked

DIGITS = 12  # of a SHA-256, that tell files of one name apart

Key = tuple[str, str]  # the kind of content, and the file or name
Known = Iterable[tuple[Key, str]]


@dataclass(frozen=True, slots=True)
class FileNames:
    """The spelling of each file that is not spelled as the preset says it."""

    files: Mapping[Key, str]
    _known: dict[Key, str] = field(default_factory=dict, compare=False, repr=False)

    def file(self, kind: str, source: str) -> str:
        """A file or name of this kind of content."""
        packed = unpacked(source)
        return self.files.get((kind, source), packed.name if packed else source)

    def reference(self, kind: str, text: str) -> str:
        """A text that refers to this kind of thing, as `Scene.with_references` has it."""
        if text.startswith(MIXING):
            return text
        with suppress(LattyError):
            content, source = contents.source_of(kind, text)
            name, packed = self.file(content, source), unpacked(source)
            is_stored = packed.is_named and "/" not in name if packed else is_name(name)
            if content == "directions" and is_stored and name != source:
                return f"{name}/{text[len(source) + 1 :]}"
            return respelled(text, source, name)
        return text

    def scene(self, scene: Scene) -> Scene:
        """A scene whose texts are spelled so."""
        return scene.with_references(self._reference)

    def _reference(self, kind: str, text: str) -> str:
        if (kind, text) not in self._known:
            self._known[kind, text] = self.reference(kind, text)
        return self._known[kind, text]


def spelling(preset: Preset, folder: Path, known: Known = ()) -> FileNames:
    """That of a preset in a folder; what a recipe or an archive spells is `known`, and stays where
    it means one file. Reads files only where two would be spelled alike."""
    said = dict(known)
    plain = {key: said.get(key) or _plain(key[1], folder) for key in dict.fromkeys(_named(preset))}
    files, known_files = dict[Key, set[str]](), dict[Key, set[str]]()  # by kind and spelling
    for (kind, source), spelled in plain.items():
        files.setdefault((kind, spelled), set()).add(_whole(source))
        if (kind, source) in said:
            known_files.setdefault((kind, spelled), set()).add(_whole(source))
    for (kind, source), spelled in plain.items():
        whole, taken = {_whole(source)}, known_files.get((kind, spelled), set())
        named = source == spelled and len(PurePath(source).parts) == 1 and not Path(source).suffix
        first = taken == whole or (not taken and (named or whole == {_whole(folder / spelled)}))
        if files[kind, spelled] != whole and not first:
            with suppress(LattyError, OSError):
                digest = digests.DIGESTS[kind](source)[:DIGITS]
                plain[kind, source] = f"{digest}/{_file_name(spelled)}"
    return FileNames({key: spelled for key, spelled in plain.items() if spelled != key[1]})


def _named(preset: Preset) -> Iterator[Key]:
    for scene in preset.kinds:
        yield from contents.of_scene(scene)
    yield from contents.of_files(preset)


def archive_of(preset: Preset) -> str:
    """The SHA-256 of the archive that holds something of what a preset is made of; "" of none."""
    found = (unpacked(source) for _, source in _named(preset))
    return next((one.archive for one in found if one is not None), "")


def _plain(file: str, folder: Path) -> str:
    """A file as its folder's own presets say it, one from elsewhere without its folder."""
    if (packed := unpacked(file)) is not None:
        return packed.name
    if file.startswith("\\") or file[1:3] in (":\\", ":/"):  # another system's
        return _file_name(file)
    parts = PurePath(file).parts
    whole_path = file.startswith(("/", "~")) or ".." in parts
    if not whole_path and (len(parts) == 1 or not Path(file).exists()):
        return file
    whole, root = _whole(file), _whole(folder)
    above = Path(os.path.expanduser("~")).is_relative_to(root) and root != os.path.expanduser("~")  # noqa: PTH111
    if Path(whole).is_relative_to(root) and not above and whole != root:
        return PurePath(whole).relative_to(root).as_posix()
    return _file_name(file)


def _whole(file: str | Path) -> str:
    return os.path.abspath(os.path.expanduser(file))  # noqa: PTH100, PTH111  links stay


def _file_name(ref: str) -> str:
    return PureWindowsPath(ref).name  # knows both / and \
