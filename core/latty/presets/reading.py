"""From bytes to a Preset: encoding, TOML, overrides, validation; every fault with its place."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from latty import plugins
from latty.errors import BadData, LattyError, Missing, OutputError, PresetError, Problem, UnfitFile
from latty.presets import finding
from latty.presets.across import across
from latty.presets.migrations import migrate
from latty.presets.moments import time_line
from latty.presets.preset_file import PresetFile as PresetFile  # who reads one sees it here
from latty.presets.preset_file import of_archive, of_table
from latty.reading import is_stream, stream
from latty.tables import reading as tables
from latty.tables import words
from latty.tables.reading import Kind, TableFile

Table = dict[str, Any]  # a whole preset, checked

PRESET_FILE = Kind("preset")
RECIPE = Kind("preset", wide=True)  # inside a picture: whatever a verb has drawn renders again
LARGEST = 2.0  # truncation that a preset can say


def load(source: str | Path, overrides: Sequence[str] = (), number: int | None = 0) -> PresetFile:
    """A file, the name of a shipped preset, an archive or one preset of it (FILE.latty#NAME), "-"
    (stdin) or a pipe, as data in today's layout that is not checked yet; of one that stands for
    several that of this number, None = as it stands there. Raises Missing, OutputError, UsageError,
    PresetError, BadData for what is no text or a damaged archive."""
    if isinstance(source, str) and is_stream(source):
        path, name = None, "stdin" if source == "-" else words.shown(source, words.LONGEST_FILE)
        read = tables.parse(_streamed(source, name), name, PRESET_FILE)
    elif (names := finding.packed(source)) is not None:
        return of_archive(names, PRESET_FILE, overrides, number)
    else:
        path, file = finding.find(source), words.shown(str(source), words.LONGEST_FILE)
        finding.check_suffix(path, file)
        read = _read(path, file)
    return of_table(read, path, overrides, number=number)


def _streamed(source: str, name: str) -> bytes:
    """What comes through a pipe. Raises UnfitFile, OutputError, BadData for an archive."""
    try:
        raw = stream(source, PRESET_FILE.limit, plugins.tell)
    except UnfitFile:
        raise
    except OSError as error:
        raise OutputError(f"cannot read {name}: {error.strerror}") from None
    finding.refuse_archive(raw, name)
    return raw


def of_text(text: str, source: PresetFile) -> PresetFile:
    """The same for a text that is to take the place of a file's. Raises the same."""
    return of_table(tables.parse(text, source.file, source.kind), source.path, ())


def _read(path: Path, file: str) -> TableFile:
    """The document in a file. Raises PresetError, OutputError, BadData for what is no text."""
    try:
        return tables.read_again(path, PRESET_FILE, file)
    except PresetError:
        finding.refuse_others(path, file)
        raise


def from_data(data: Mapping[str, Any], file: str, kind: Kind = PRESET_FILE) -> PresetFile:
    """The same for data that is not in a file of its own, such as a RECIPE. Raises PresetError."""
    name = words.shown(file, words.LONGEST_FILE)
    source = PresetFile(name, dict(data), None, kind)
    try:
        return replace(source, data=migrate(source.data))
    except BadData as error:
        where = source.problem(("schema",), error.message, error.hint)
        raise PresetError(source.file, [where]) from None


def accepted(source: PresetFile, more: Iterable[Problem] = ()) -> Table:
    """The checked table. Raises PresetError with every fault, `more` among them."""
    from latty.presets.shape import PRESET  # dozens of rules: only reading pays for them

    table, problems = source.faults(PRESET, time_line(source.data))
    unfilled = dict.fromkeys(source.problem(*fault) for fault in source.unfilled)
    places = {problem.place for problem in unfilled}  # what is wrong with the rest of such a text
    places |= {source.problem(where, "").place for where in source.waiting}
    problems += [source.problem(*f) for f in across(source.data, source.kind is RECIPE)]
    found = dict.fromkeys((*problems, *more))  # many panels may have one from one place
    rest = [one for one in found if one.place not in places]
    source.refuse([*unfilled, *rest])
    panels = [_panel(source, i, panel) for i, panel in enumerate(table["panels"])]
    known = {} if source.kind is RECIPE else _known_truncation(source.data["scene"], {})
    return {**table, "scene": {**table["scene"], **known}, "panels": panels}


def _panel(source: PresetFile, index: int, panel: Table) -> Table:
    """A panel with the scene of the preset that it names, and what its latents know. Raises
    PresetError of either file."""
    beneath = {} if panel["alone"] else source.data["scene"]
    if panel["preset"]:
        file, other = _named(source, ("panels", index, "preset"), panel["preset"])
        beneath, panel = other.data["scene"], {**panel, **_played(other), "preset": file}
    if source.kind is RECIPE:  # which says all of it
        return panel
    return {**panel, **_known_truncation(source.data["panels"][index], beneath)}


def _file_of(ref: str, folder: Path | None) -> str:
    """The preset that a panel in a folder names: a path from the current one, or the name of one
    that ships."""
    with suppress(OSError):  # no file can have the name: told where it is read
        if folder is not None and not folder.samefile(Path()) and (folder / ref).is_file():
            return finding.whole_path(folder / ref)
    return ref


def _named(source: PresetFile, where: words.Path, ref: str) -> tuple[str, PresetFile]:
    """The file that a panel names, and what it says. Raises PresetError of either file."""
    if source.kind is RECIPE:  # of anybody's: no file that it names is opened
        what = "names a preset: latty writes the scenes themselves into recipes"
        raise PresetError(source.file, [source.problem(where, what)])
    names, file = source.names_of(where), ref
    if is_stream(ref):
        what = "is a pipe, which is read as a preset only where one is named on the command line"
        raise PresetError(source.file, [source.problem(where, what, "name a file")])
    try:
        if names is None:
            other = load(file := _file_of(ref, source.folder_of(where)))
        elif (packed := names.other("panels", ref)) is not None:
            other = of_archive(packed, PRESET_FILE, ())
        else:  # of an archive no other file is opened
            other = load(finding.shipped_file(ref))
    except (Missing, OutputError) as error:
        found = source.problem(where, error.message, error.hint, error.exit_code)
        raise PresetError(source.file, [found]) from None
    if "panels" in other.data:
        what = "names a preset that has panels of its own"
        raise PresetError(source.file, [source.problem(where, what)])
    if (count := other.each.count) > 1:
        what = f"names a preset that stands for {count} ([[each]])"
        hint = "one that extends it says which: each = [], and what its keys are in [vars]"
        raise PresetError(source.file, [source.problem(where, what, hint)])
    return file, other


def _played(other: PresetFile) -> Table:
    """Of the preset that a panel names its scene, how long that lasts where it says so, and what is
    after its end. Raises PresetError."""
    found, length = accepted(other), {"seconds", "frames"} & {*other.data}
    loops = [output.loop for output in found["outputs"][:1]]
    return {"scene": found["scene"], "lasts": time_line(other.data).seconds if length else None,
            **({"loops": loops[0]} if loops else {})}  # fmt: skip


def _known_truncation(scene: Table, beneath: Table) -> Table:
    """Of a scene that starts at stored latents, where neither it nor what is beneath it says a
    truncation: what their file says, 1 where it says none."""
    latent = scene.get("latent")
    if latent is None or "truncation" in {**beneath, **scene}:
        return {}
    from latty import latents  # few presets need it

    psi = None
    with suppress(LattyError):  # latents that are not there are told where they are needed
        psi = latents.look(latent).truncation
    return {"truncation": 1.0 if psi is None or not abs(psi) <= LARGEST else psi}
