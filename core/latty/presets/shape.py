"""What a preset file may say: the rules of its tables, and their JSON schema for editors.

The keys of a scene, an edit and an output are declared where their values are: the fields of
latty.scene.Scene and Edit, and of latty.presets.values.Output.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from latty.presets import codecs
from latty.presets.moments import LONGEST, MOST
from latty.presets.paths import name_fault
from latty.presets.pins import Pins
from latty.presets.texts import MOST as MOST_TEXTS
from latty.presets.texts import Caption
from latty.presets.tracks import TRACK, Motion, Track, words
from latty.presets.tracks.keyed import easing_key
from latty.presets.values import MOST_SEEDS, SCHEMA, Output
from latty.scene import SEED, Blend, Edit, Scene, Walk
from latty.tables.rules import (
    Faults,
    Key,
    Rule,
    array,
    checked,
    keys_of,
    mapping,
    matching,
    number,
    one_of,
    record,
    table,
    text,
    whole,
)


class Path(NamedTuple):
    """A walk over its whole length, as a file says it."""

    walk: Walk
    easing: str


def _path(walk: tuple[int, ...], blend: Blend, easing: str) -> Path:
    return Path(Walk(walk, blend), easing)


PATH = {
    "walk": replace(keys_of(Walk)["seeds"], required=True),
    "blend": keys_of(Walk)["blend"],
    "easing": easing_key("How the place on the whole path moves."),
}
SEEDS = one_of(
    "a whole number, a list of them or { walk = [...] }",
    SEED,
    array(SEED, 1, MOST_SEEDS),
    table(PATH, _path),
)


def _track(rule: Rule) -> Rule:
    """The number, or a track all of whose values lie in the number's range."""
    low, high = rule.schema["minimum"], rule.schema["maximum"]

    def within(track: float | Motion) -> float | Motion:
        for value in () if isinstance(track, int | float) else track.reach():
            if not low <= value <= high:
                values = [v for _, v in track.keys] if isinstance(track, Track) else [value]
                far = "" if value in values else ": its easing goes beyond its keys"
                raise ValueError(f"must be from {low:g} to {high:g}, not {value:.4g}{far}")
        return track

    return checked(one_of(words("a number"), rule, TRACK), within)


def _name(path: str) -> str:
    if fault := name_fault(path):
        raise ValueError(fault)
    return path


def _moving(made: type, **rules: Rule) -> dict[str, Key]:
    """The keys of a Scene or an Edit as a file says them: what moves may be a track."""
    keys = {
        name: replace(key, rule=_track(key.rule)) if key.facts.get("moves") else key
        for name, key in keys_of(made).items()
    }
    return keys | {name: replace(keys[name], rule=rule) for name, rule in rules.items()}


SCENE = _moving(Scene, seed=SEEDS, edits=array(table(_moving(Edit)), 0, 100))


def _fitting(rule: Rule) -> Rule:
    """The rule of an output, and that its codec goes with its format."""

    def read(value: Any, where: tuple[str | int, ...], faults: Faults) -> Any:
        made = rule.read(value, where, faults)
        if isinstance(value, dict):
            for key, what, hint in codecs.faults(value):
                faults.add((*where, key), what, hint)
        return made

    return replace(rule, read=read)


_ANY_TEXT = matching("text in quotes", lambda value: isinstance(value, str), {"type": "string"})
OUTPUT = {**keys_of(Output)}
OUTPUT["path"] = replace(OUTPUT["path"], rule=checked(_ANY_TEXT, _name))
_VALUE = matching(
    "a value that a key may have", lambda value: isinstance(value, (str, int, float, list, dict))
)
PRESET = table(
    {
        "schema": Key(whole(1, SCHEMA), "Layout of this file.", SCHEMA),
        "extends": Key(
            text(1000), "A preset, by path or name: what this one does not say is there."
        ),
        "vars": Key(mapping(_VALUE), 'Values by name: "{name}" stands for one in any text.'),
        "name": Key(text(100), "What it is called; absent: the file's name."),
        "frames": Key(whole(1, MOST), "How many; absent: 60 where something moves, else 1."),
        "seconds": Key(
            number(0.001, LONGEST), "How long, in the place of frames; each output has its own fps."
        ),
        "bpm": Key(number(1, 1000), "Beats a minute, for times such as '12b'."),
        "scene": Key(table(SCENE), "Everything one picture depends on.", required=True),
        "pins": Key(record(Pins), "Which content its names stand for: digests of files."),
        "text": Key(array(record(Caption), 0, MOST_TEXTS), "Words over the pictures.", ()),
        "outputs": Key(array(_fitting(table(OUTPUT, Output)), 0, 100), "The files to write.", ()),
    }
)


def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a preset file, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "latty preset",
        "description": "One scene, what moves in it, and the files to write.",
        **PRESET.schema,
    }
