"""What validation cannot see: do the models and directions exist, and does every key do something.

One function, `checked`, says all that can be known of a preset before torch is imported: `latty
check`, a dry run, a render before its work, a job before it is submitted and the studio ask it.
What cannot be drawn is refused; what does nothing, or is doubtful, is a warning.

Names come from file headers alone: nothing here imports torch or numpy.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latty.errors import LattyError, Problem
from latty.presets import codecs, naming, reading, together, with_model
from latty.presets.convert import to_preset
from latty.presets.formats import FOLDER, format_of, is_film, suffix_of
from latty.presets.idle import idle
from latty.presets.reading import PresetFile
from latty.presets.values import Output, Preset
from latty.tables.rules import keys_of

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


def checked(source: PresetFile) -> Checked:
    """The preset of what was loaded. Raises PresetError with every fault."""
    preset = to_preset(reading.accepted(source, _references(source)), source.file)
    source.refuse([*together.missing(source, preset)])
    faults = together.of_scenes(source, preset, together.faults, with_model.faults)
    faults += together.silent(source, preset)
    source.refuse([*faults, *_fonts(source, preset), *together.unscored(source, preset)])
    checks = (_whole, _timing, together.paces, together.sounds_end)
    found = [*_unused(source), *(one for find in checks for one in find(source, preset))]
    found += [source.problem(*said) for said in idle(source.data, preset)]
    finds = together.unused, together.for_other_models, with_model.doubts
    found += together.of_scenes(source, preset, *finds)
    return Checked(preset, Doubts(source.file, tuple(found)))


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


def _references(source: PresetFile) -> Iterator[Problem]:
    """Models, directions and latents that are not there; the data may be anything."""
    for where, kind, ref in naming.of_scenes(source.data):
        if isinstance(ref, str) and (error := naming.fault(kind, ref)) is not None:
            yield source.problem(where, error.message, error.hint, error.exit_code)
    for where, error in naming.no_sounds(source.data):
        yield source.problem(where, error.message, error.hint, error.exit_code)


def _unused(source: PresetFile) -> Iterator[Problem]:
    """Keys of an output that its writer, or the output itself, does not read."""
    for index, output in enumerate(source.data.get("outputs", [])):
        unread = dict(codecs.unread(output))
        for key in output:
            if what := _useless(key, output, unread):
                yield source.problem(("outputs", index, key), what)


def _useless(key: str, output: Mapping[str, Any], unread: Mapping[str, str]) -> str:
    """Why a key of an output does nothing there, "" where it does something."""
    facts, layout = keys_of(Output)[key].facts, output.get("layout", "frames")
    if key in unread and not facts.get("everywhere"):
        return f"means nothing for {unread[key]}"
    if facts.get("still") and is_film(output["path"]):
        return f"means nothing for {suffix_of(output['path'])}, which plays"
    if layout not in facts.get("layouts", (layout,)):
        return f"means nothing where layout is '{layout}'"
    return ""


def _whole(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """What is legal and probably not meant."""
    yield from (source.problem(*doubt) for doubt in source.doubts)
    if "schema" not in source.data and source.places is not None:
        yield source.problem((), "no schema number, read as 1", "add: schema = 1")
    if not preset.outputs:
        yield source.problem((), NOTHING, "add one, or name one with -o")
    if _moves(preset) and preset.count() == 1:
        yield source.problem(("frames",), "is 1: nothing will be seen to move")
    for index, output in enumerate(preset.outputs):
        if output.layout == "strip" and not preset.scene.edits:
            yield source.problem(("outputs", index, "layout"), "is a strip of edits: there is none")


def _moves(preset: Preset) -> bool:
    return any(part.moves for part in preset.parts)


def _timing(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Films that are slower, longer or less smooth than they look in the file."""
    films = [(i, output) for i, output in enumerate(preset.outputs) if is_film(output.path)]
    for index, output in films if _moves(preset) and preset.count() > 1 else ():
        form, first = format_of(output.path), films[0][1]
        if form is not None and form.fastest and output.rate > form.fastest:
            what = f"{form.suffix} plays {form.fastest} a second: frames are left out"
            yield source.problem(("outputs", index, "fps"), what)
        lasts, wanted = (preset.count(o) / o.rate for o in (output, first))
        if preset.seconds is None and lasts != wanted:
            what = f"lasts {float(lasts):g} s, outputs.{films[0][0]} {float(wanted):g} s"
            hint = "write seconds = ... in the place of frames"
            yield source.problem(("outputs", index, "fps"), what, hint)
        plays = suffix_of(output.path) != FOLDER
        if (
            plays
            and output.loop == "loop"
            and not all(part.shown(output).closed for part in preset.parts)
        ):
            what = "does not close: it jumps from its end to its beginning"
            hint = 'or say loop = "seamless": what moves goes back; or "once", "bounce"'
            yield source.problem(("outputs", index, "loop"), what, hint)
