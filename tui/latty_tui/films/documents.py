"""Preset files as the studio knows them: found, read, saved, watched, opened in an editor.

Everything here reads or writes files: it runs in threads, and knows no Textual.
"""

import json
import os
import re
import shlex
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latty import home, presets, reading
from latty.errors import BadData, ConfigError, LattyError, Loses, Missing, PresetError
from latty.files import Stamp, replace_whole, stamp_of
from latty.folders import private
from latty.presets import Preset
from latty.presets.archives.manifest import SUFFIX, is_archive, parted

if TYPE_CHECKING:
    from latty.render.sources import PresetSource

RECENT = "recent-presets.json"
# Keys of a preset that name directions: a scene is drawn without those that cannot be had.
DIRECTION = re.compile(r"(edits\.\d+\.(direction|within|conditions\.\d+)|locks\.\d+)$")
MOST_RECENT = 20
MOST_MEDIA = 50  # results that are offered, newest first
MOST_SEEN = 500  # files of a folder that are looked into
LARGEST = 4 * 2**20  # bytes of a preset that was edited
HEAD = 2**16  # bytes of a file that are looked at
EDITORS = ("nano", "vim", "vi")  # where neither $VISUAL nor $EDITOR says
PLUS = ("vi", "vim", "nvim", "view", "nano", "pico", "emacs", "emacsclient", "mg", "joe", "jed",
        "kak", "ne", "mcedit", "gvim", "kate", "gedit", "less")  # fmt: skip
COLON = ("hx", "helix", "subl", "zed", "micro")
CODE = ("code", "codium", "code-insiders", "cursor")


@dataclass(frozen=True, slots=True)
class Document:
    """The file of the present preset. `saved` = the preset as it was read or written last."""

    path: Path
    name: str
    saved: Preset | None
    stamp: Stamp | None


class Offer(NamedTuple):
    """Something that can be loaded: what opens it, what it is called, what it is."""

    ref: str
    name: str
    what: str

    @property
    def kind(self) -> str:
        """A preset, or the picture or film that carries one."""
        media = presets.format_of(Path(self.ref))
        return "preset" if media is None else "film" if media.film else "picture"


class Read(NamedTuple):
    """What was read: a preset, its file where it may be edited, and warnings; or the archive that
    it is from, which stays as it is."""

    preset: Preset
    file: Path | None
    warnings: tuple[str, ...]
    stamp: Stamp | None
    archive: Path | None = None


def several(ref: str) -> list[str]:
    """What names each preset of an archive of several; [] of all else."""
    from latty.presets.archives.opening import each

    names = each(ref)
    return names if len(names) > 1 else []


def read(
    ref: str,
    answers: Sequence[str] = (),
    anyway: bool = False,
    lacking: Collection[str] | None = (),
) -> Read:
    """The preset of a file, a shipped name, or a picture that latty made; `answers` to what a
    picture must not name by itself. With `anyway` what it is made of may have another content: it
    is the preset of what is here, and pins nothing else. Directions of `lacking` (None: any) that
    cannot be had are no fault: warnings name them.

    Raises PresetError with every fault, models and directions that are not there among them;
    Unplaced for what a picture must not name; Changed; BadData, Missing, OutputError.
    """
    from latty.render import sources

    before = stamp_of(Path(ref).expanduser())
    source = sources.read(ref, answers, anyway)
    differs = [one.words("the one that it was made with") for one in source.differs]
    count = source.loaded.each.count
    first = [f"it stands for {count} presets: this is the first"] if count > 1 else []
    if source.loaded.each.pass_of(source.loaded.number).axes is not None:
        first.append("keys of [[each]] are panels here: space shows them with their captions")
    warnings = (*first, *differs, *_doubts(source, lacking))
    preset = source.preset
    if preset.pins is not None:
        untrue = {(one.kind, one.name) for one in source.differs}
        preset = replace(preset, pins=preset.pins.without(untrue, preset.scene.model))
    if (names := source.loaded.names) is not None:  # whose other presets no file can name
        return Read(preset.of_one_piece, None, tuple(warnings), None, names.archive.path)
    return Read(preset, source.file, tuple(warnings), before or stamp_of(source.file))


def _doubts(source: "PresetSource", lacking: Collection[str] | None) -> list[str]:
    """What is doubtful about a preset. Raises PresetError."""
    try:
        return source.doubts().lines()
    except PresetError as error:
        for one in error.problems:
            if not DIRECTION.search(one.key):
                raise
            named = source.loaded.named_at(one.key) or {""}
            if lacking is not None and not named <= {*lacking}:
                raise
        return [f"drawn without {one.key}: {one.what}" for one in error.problems]


def differing(error: LattyError) -> list[tuple[str, str]]:
    """What has another content here than was said, and how; [] of any other error."""
    from latty.presets.contents import SHOWN, Changed

    found = error.differences if isinstance(error, Changed) else ()
    return [(one.what, f"was {one.said[:SHOWN]}, here it is {one.found[:SHOWN]}") for one in found]


def asked(error: LattyError) -> tuple[str, Callable[[str], str]] | None:
    """What a picture must not name by itself, in words, and what makes an answer of the user's
    own; None for any other error."""
    from latty.render.named import Unplaced

    return (error.said, error.names[0].answered) if isinstance(error, Unplaced) else None


def leads(path: Path) -> bool:
    """Whether a path leads to a file, or to one preset of an archive: FILE.latty#NAME."""
    return path.is_file() or parted(path) is not None


def is_shipped(path: Path) -> bool:
    """Whether a preset came with latty: it is not written to."""
    return path.resolve().is_relative_to(home.presets_dir().resolve())


def save(preset: Preset, path: Path, loses: Loses = "nothing") -> Stamp | None:
    """Write a preset; a file that is there keeps its comments, what it extends and its
    placeholders. Raises PresetError where that is no preset or what is to be written is none,
    Unkept where more would be lost than `loses`, OutputError, BadData where that is an archive."""
    from latty_tui.films.copies import beside

    if is_archive(path):
        what = f"{shown(path)} is an archive of presets, and stays as it is"
        raise BadData(what, "save it under another name")
    preset = beside(preset, path)
    said = presets.to_dict(preset.of_one_piece)
    presets.from_dict(said, path.name)  # numbers beyond what files may say
    presets.save(preset, path, loses)
    remember(path)
    return stamp_of(path)


def copied(preset: Preset, original: Path | None) -> Path:
    """A file to edit a preset in that is not saved: with the comments of the original."""
    import tempfile

    folder = private(home.cache_dir() / "edit")
    path = Path(tempfile.mkdtemp(dir=folder)) / f"{file_name(preset.name)}.toml"
    if original is not None:
        with suppress(OSError):
            shutil.copyfile(original, path)
    try:
        presets.save(preset, path)
    except BadData:  # the original is no preset any more, or none without what it extends
        path.unlink(missing_ok=True)
        presets.save(preset, path)
    return path


def content(path: Path) -> bytes:
    """What is in the file of a preset. Raises OSError, UnfitFile where it is larger than any."""
    return reading.content(path, LARGEST)


def thrown_away(path: Path) -> None:
    """A file of `copied` is not needed any more."""
    shutil.rmtree(path.parent, ignore_errors=True)


def file_name(name: str) -> str:
    """A preset's name as that of a file."""
    kept = "".join(c if c.isalnum() or c in "-_. " else "-" for c in name)
    return kept.strip(" .-")[:80] or "preset"


def target(text: str, folder: Path) -> Path:
    """The file that somebody means who typed a name or a path. Raises ValueError."""
    words = text.strip()
    if not words or not all(c.isprintable() for c in words):
        raise ValueError("a name, or a path that ends in .toml")
    path = Path(words).expanduser()
    if path.suffix.lower() == SUFFIX:
        raise ValueError("archives are packed: latty pack NAME.toml -o NAME.latty")
    path = path if path.suffix.lower() == ".toml" else path.with_name(path.name + ".toml")
    if not path.stem or path.name == ".toml":
        raise ValueError("a name, or a path that ends in .toml")
    whole = folder / path
    if whole.is_dir():
        raise ValueError(f"{words} is a folder")
    if not whole.parent.is_dir():
        raise ValueError(f"there is no folder {whole.parent}")
    if is_shipped(whole):
        raise ValueError("presets that come with latty stay as they are: choose another name")
    return whole


def shown(path: Path) -> str:
    """A path as short as it can be said."""
    with suppress(ValueError, OSError):
        return str(path.relative_to(Path.cwd()))
    with suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)


# What there is to load.


def offers(out_dir: Path) -> list[Offer]:
    """Presets used lately, those in the working folder and in ./presets, those that come with
    latty, and results in `out_dir`, which carry theirs."""
    seen: set[str] = set()
    found = []
    for path, what in _known(out_dir):
        real = os.path.realpath(path)  # where links go in circles, too
        if real not in seen:
            seen.add(real)
            found.append(Offer(str(path), path.stem, what))
    return found


def _known(out_dir: Path) -> Iterator[tuple[Path, str]]:
    for path in recent():
        yield path, f"lately, {shown(path)}"
    here = Path.cwd()
    for folder in (here, here / "presets"):
        if not folder.exists() or not folder.samefile(home.presets_dir()):
            files = (path for path in _files(folder) if path.suffix in (".toml", SUFFIX))
            for path in islice(files, MOST_SEEN):
                if path.suffix == SUFFIX or "[scene" in _head(path):
                    yield path, shown(path)
    for path in presets.shipped().values():
        yield path, _first_comment(path) or "comes with latty"
    for path in results(out_dir, MOST_MEDIA):
        yield path, f"result, {shown(path)}"


def results(folder: Path, most: int) -> list[Path]:
    """The pictures and films of a folder, those that were written last first."""
    media = [path for path in _files(folder) if presets.format_of(path) is not None]
    dated = sorted(((_written(path), path) for path in media), reverse=True)
    return [path for _, path in dated[:most]]


def _written(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0


def _files(folder: Path) -> list[Path]:
    """The files in a folder, and what else is no pipe and no device, by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(one.path) for one in entries if is_file(one))
    except OSError:
        return []


def is_file(entry: "os.DirEntry[str]") -> bool:
    """Whether it is a file, or leads to one; links may go in circles."""
    with suppress(OSError):
        return entry.is_file()
    return False


def _head(path: Path) -> str:
    """How a file begins; "" where it cannot be read."""
    with suppress(OSError), reading.opened(path) as file:
        return file.read(HEAD).decode("utf-8", "replace")
    return ""


def _first_comment(path: Path) -> str:
    """What a shipped preset says of itself."""
    first = (line for line in _head(path).splitlines()[:5] if line.startswith("# "))
    return next(first, "")[2:]


def recent() -> list[Path]:
    """Files that were loaded or saved lately and are still there, newest first."""
    with suppress(OSError, BadData):
        names = reading.json_file(home.state_dir() / RECENT)
        known = names if isinstance(names, list) else []
        paths = [Path(name) for name in known if isinstance(name, str)]
        return [path for path in paths if _is_there(path)]
    return []


def _is_there(path: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.is_file()
    return False


def remember(path: Path) -> None:
    """It was used just now."""
    whole = path.absolute()
    names = [str(whole), *(str(other) for other in recent() if other != whole)]
    with suppress(OSError, ConfigError):
        data = json.dumps(names[:MOST_RECENT]).encode()
        replace_whole(home.state_dir() / RECENT, [data])


def last(name: str) -> Read | None:
    """What was used last, where its preset is of this name and may be edited."""
    for path in recent()[:1]:
        with suppress(PresetError, BadData, Missing, OSError):
            found = read(str(path), lacking=None)
            if found.file is not None and found.preset.name == name and not is_shipped(path):
                return found._replace(file=path)
    return None


# Editors.


def editor(path: Path, line: int = 0) -> list[str]:
    """The command that opens a file in the user's editor, at a line where it can. Raises
    Missing."""
    asked = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    try:
        words = shlex.split(asked)
    except ValueError:
        raise BadData(f"$EDITOR cannot be read: {asked}", "close its quotes") from None
    if not words:
        words = next(([name] for name in EDITORS if shutil.which(name)), [])
    if not words:
        raise Missing("no editor was found", "set the environment variable EDITOR")
    if shutil.which(words[0]) is None:
        raise Missing(f"there is no editor '{words[0]}'", "set the environment variable EDITOR")
    return [*words, *_at(Path(words[0]).name, path, line)]


def _at(name: str, path: Path, line: int) -> Sequence[str]:
    """The file and the line, as this editor wants to be told."""
    wait = ("--wait",) if name in CODE else ()
    if line and name in PLUS:
        return f"+{line}", str(path)
    if line and name in COLON:
        return (f"{path}:{line}",)
    if line and name in CODE:
        return *wait, "--goto", f"{path}:{line}"
    return *wait, str(path)


def lines(path: Path) -> list[str]:
    """The lines of a file, for those who are told what is wrong with them; [] of an archive."""
    with suppress(OSError):
        if is_archive(path):
            return []
        return reading.content(path).decode("utf-8", "replace").splitlines()
    return []
