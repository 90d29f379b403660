"""What a preset file may say: the rules of its tables, and their JSON schema for editors.

The keys of a scene, an edit and an output are declared where their values are: the fields of
latty.scene.Scene and Edit, and of latty.presets.values.Output.
"""

from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

from latty.presets.easing import EASINGS
from latty.presets.paths import name_fault
from latty.presets.values import MOST_SEEDS, SCHEMA, Output, Track
from latty.scene import SEED, STRENGTH, Blend, Edit, Scene, Walk
from latty.tables.rules import (
    Key,
    Rule,
    array,
    checked,
    keys_of,
    matching,
    one_of,
    table,
    text,
    whole,
    word,
)

Pairs = tuple[tuple[float, float], ...]


class Path(NamedTuple):
    """A walk over its whole length, as a file says it."""

    walk: Walk
    easing: str


def _rising(keys: Pairs) -> Pairs:
    moments = [t for t, _ in keys]
    if not all(0 <= t <= 1 for t in moments):
        raise ValueError("the first number of each key is a time from 0 to 1")
    if any(after <= before for before, after in pairwise(moments)):
        raise ValueError("times of keys must rise")
    return keys


def _sweep(easing: str, **ends: float) -> Track:
    return Track(((0.0, ends["from"]), (1.0, ends["to"])), easing)


def _path(walk: tuple[int, ...], blend: Blend, easing: str) -> Path:
    return Path(Walk(walk, blend), easing)


def _easing(help: str) -> Key:
    return Key(word(*EASINGS), help, default="linear")


SWEEP = {
    "from": Key(STRENGTH, "Value of the first frame.", required=True),
    "to": Key(STRENGTH, "Value of the last frame.", required=True),
    "easing": _easing("How it gets there."),
}
KEYS = {
    "keys": Key(
        checked(array(array(STRENGTH, 2, 2), 1, 1000), _rising),
        "[time, value] pairs; times rise from 0 to 1.",
        required=True,
    ),
    "easing": _easing("How it goes from each key to the next."),
}
PATH = {
    "walk": replace(keys_of(Walk)["seeds"], required=True),
    "blend": keys_of(Walk)["blend"],
    "easing": _easing("How the place on the whole path moves."),
}
SEEDS = one_of(
    "a whole number, a list of them or { walk = [...] }",
    SEED,
    array(SEED, 1, MOST_SEEDS),
    table(PATH, _path),
)


def _track(rule: Rule) -> Rule:
    """The number, or a Track all of whose values lie in the number's range."""
    low, high = rule.schema["minimum"], rule.schema["maximum"]

    def within(track: float | Track) -> float | Track:
        for _, value in track.keys if isinstance(track, Track) else ():
            if not low <= value <= high:
                raise ValueError(f"must be from {low:g} to {high:g}, not {value:g}")
        return track

    words = "a number, { from = ..., to = ... } or { keys = [[time, value], ...] }"
    keys = table(KEYS, Track, mark="keys")
    return checked(one_of(words, rule, keys, table(SWEEP, _sweep)), within)


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
_ANY_TEXT = matching("text in quotes", lambda value: isinstance(value, str), {"type": "string"})
OUTPUT = {**keys_of(Output)}
OUTPUT["path"] = replace(OUTPUT["path"], rule=checked(_ANY_TEXT, _name))
PRESET = table(
    {
        "schema": Key(whole(1, SCHEMA), "Layout of this file.", SCHEMA),
        "name": Key(text(100), "What it is called; absent: the file's name."),
        "frames": Key(whole(1, 10**5), "How many; absent: 60 where something moves, else 1."),
        "scene": Key(table(SCENE), "Everything one picture depends on.", required=True),
        "outputs": Key(array(table(OUTPUT, Output), 0, 100), "The files to write.", ()),
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
