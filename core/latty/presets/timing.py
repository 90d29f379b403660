"""Times that do nothing, or are not what they look like in the file: warnings of a preset that can
be drawn."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from latty.errors import PresetError, Problem
from latty.presets import reading, together
from latty.presets.formats import FOLDER, format_of, is_film, suffix_of
from latty.presets.moments import TimeLine
from latty.presets.reading import PresetFile
from latty.presets.values import Preset
from latty.tables.rules import Faults, table


def beats(source: PresetFile, _: Preset) -> Iterator[Problem]:
    """A tempo in which nothing counts: without it the preset is as right as with it."""
    rest = {key: value for key, value in source.data.items() if key != "bpm"}
    if len(rest) < len(source.data):
        with suppress(PresetError):
            reading.accepted(replace(source, data=rest))
            yield source.problem(("bpm",), "does nothing: no time is in beats")


def of_panels(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Times that a panel says beside a preset of another length: what its rules refuse where nobody
    knows how long a film is."""
    from latty.presets.shape import PANEL

    for index in together.of_another_length(preset):
        pace = preset.panels[index].preset.pace
        assert pace is not None  # or it were as long as the film
        faults = Faults(about=TimeLine(None, preset.bpm))
        table(PANEL).read(source.data["panels"][index], ("panels", index), faults)
        what = f"counts the film's {pace.film:g} s, and its preset lasts {pace.seconds:g} s"
        for fault in faults.found:
            yield source.problem(fault.where, what, "say seconds beside it: times count these")


def moves(preset: Preset) -> bool:
    """Whether anything of it does."""
    return any(part.moves for part in preset.parts)


def rates(source: PresetFile, preset: Preset) -> Iterator[Problem]:
    """Films that are slower, longer or less smooth than they look in the file."""
    films = [(i, output) for i, output in enumerate(preset.outputs) if is_film(output.path)]
    for index, output in films if moves(preset) and preset.count() > 1 else ():
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
