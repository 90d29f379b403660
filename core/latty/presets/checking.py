"""What validation cannot see: do the models and directions exist, and does every key do something.

One function, `checked`, says all that can be known of a preset before torch is imported: `latty
check`, a dry run, a render before its work, a job before it is submitted and the studio ask it.
What cannot be drawn is refused; what does nothing, or is doubtful, is a warning.

Names come from file headers alone: nothing here imports torch or numpy.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from latty.errors import LattyError, Problem
from latty.presets import idle, naming, reading, scored, timing, together, with_model
from latty.presets.convert import to_preset
from latty.presets.reading import PresetFile
from latty.presets.values import Preset
from latty.tables.words import shown

NOTHING = "no [[outputs]]: nothing to render"


@dataclass(frozen=True, slots=True)
class Doubts:
    """What does nothing, or is doubtful, in a file."""

    file: str
    found: tuple[Problem, ...]

    def lines(self, outputs: bool = True) -> list[str]:
        """As `file:line:col: key: what`; those of its own outputs only if these count."""
        counted = (one for one in self.found if outputs or not _of_outputs(one))
        return [one.format(self.file) for one in counted]


def _of_outputs(problem: Problem) -> bool:
    text = problem.key.partition("--set ")[2] or problem.key or problem.what
    return text.startswith(("outputs", NOTHING))


@dataclass(frozen=True, slots=True)
class Checked:
    """A preset that can be drawn, and its doubts."""

    preset: Preset
    doubts: Doubts


def check(source: str | Path, overrides: Sequence[str] = ()) -> list[str]:
    """The warnings of a preset; raises PresetError with every fault, and what `load` raises."""
    return checked(reading.load(source, overrides)).doubts.lines()


def checked(source: PresetFile, preset: Preset | None = None) -> Checked:
    """The preset of what was loaded. Raises PresetError with every fault.

    preset  the same, where `reading.accepted` has found no fault before
    """
    if preset is None:
        preset = to_preset(reading.accepted(source, _references(source)), source.file)
    else:
        source.refuse([*_references(source)])
    source.refuse([*together.missing(source, preset)])
    finds = together.faults, with_model.faults, together.silent
    faults = together.of_scenes(source, preset, *finds, numbers=False)
    source.refuse([*faults, *_fonts(source, preset), *scored.unscored(source, preset),
                   *_of_moments(source, preset)])  # fmt: skip
    found = [source.problem(*said) for said in idle.unread(source.data)]
    checks = (
        _whole,
        timing.beats,
        timing.rates,
        together.paces,
        timing.of_panels,
        together.sounds_end,
        _undrawn,
    )
    found += [one for find in checks for one in find(source, preset)]
    found += [source.problem(*said) for said in idle.idle(source.data, preset)]
    doubts = together.unused, together.for_other_models, with_model.doubts
    found += together.of_scenes(source, preset, *doubts)
    return Checked(preset, Doubts(source.file, tuple(dict.fromkeys(found))))


def _fonts(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Fonts that are not there, are none, or lack a letter."""
    for index, caption in enumerate(preset.texts):
        from latty.presets import fonts  # few presets have a text

        try:
            fault = fonts.lacking(caption, fonts.named(caption.font))
        except LattyError as error:
            yield source.problem(("text", index, "font"), error.message, error.hint)
        else:
            if fault:
                yield source.problem(("text", index, "value"), fault, fonts.OTHER)


def _undrawn(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Names beside a sheet of which not all can be drawn."""
    laid = source.each.pass_of(source.number).axes is not None
    keys = ("rows", "columns") if laid else ("row_names", "column_names")
    for index, output in enumerate(preset.outputs if preset.panels else ()):
        sides = dict(zip(keys, (output.row_names, output.column_names), strict=True))
        for side, names in sides.items():
            foreign = [name for name in names if not name.isascii()]
            if not foreign or not output.captions:
                continue
            from latty.presets import fonts  # few have such letters

            if letter := next(filter(None, map(fonts.own().lacks, foreign)), ""):
                what = f"names have a {shown(letter)!r}, which latty's own font lacks"
                told = f"{what}: '…' or a number stands there"
                yield source.problem(("outputs", index, side), told)


def _of_moments(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Rows or columns of moments that are all the same."""
    axes = source.each.pass_of(source.number).axes
    if axes is None or not (key := axes.moments):
        return
    if key in ("strength", "amount"):
        moves = any(name.endswith(f".{key}") for part in preset.parts for name, _ in part.tracks)
    else:
        moves = any(replace(part, held=None).moves for part in preset.parts)
    side = "rows" if axes.rows.moments else "columns"
    what = f"are moments, and no {key} moves" if key != "frames" else "are moments: nothing moves"
    track = (
        "amount = { from = 0, to = 1 }" if key == "amount" else "strength = { from = -3, to = 3 }"
    )
    for index in range(0 if moves else len(preset.outputs)):
        yield source.problem(("outputs", index, side), what, f"as in {track}")


def _references(source: PresetFile) -> Iterator[Problem]:
    """Models, directions and latents that are not there; the data may be anything."""
    known = dict[tuple[str, str], LattyError | None]()
    for where, kind, ref in naming.of_scenes(source.data):
        if isinstance(ref, str) and (kind, ref) not in known:
            known[kind, ref] = naming.fault(kind, ref)
        if isinstance(ref, str) and (error := known[kind, ref]) is not None:
            hint = error.hint
            if name := naming.called_now(kind, ref, where, source.data.get("pins")):
                hint = f"what is pinned is called '{name}' here: write that"
            yield source.problem(where, error.message, hint, error.exit_code)
    for where, error in naming.no_sounds(source.data):
        yield source.problem(where, error.message, error.hint, error.exit_code)


def _whole(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """What is legal and probably not meant."""
    yield from (source.problem(*doubt) for doubt in source.doubts)
    if "schema" not in source.data and source.places is not None:
        yield source.problem((), "no schema number, read as 1", "add: schema = 1")
    if not preset.outputs:
        yield source.problem((), NOTHING, "add one, or name one with -o")
    if timing.moves(preset) and preset.count() == 1:
        yield source.problem(("frames",), "is 1: nothing will be seen to move")
    for index, output in enumerate(preset.outputs):
        if output.layout in ("strip", "steps") and not preset.scene.edits:
            what = "is a strip" if output.layout == "strip" else "are steps"
            yield source.problem(("outputs", index, "layout"), f"{what} of edits: there is none")
