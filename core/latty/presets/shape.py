"""What a preset file may say: the rules of its tables, and their JSON schema for editors.

The keys of a scene, an edit and an output are declared where their values are: the fields of
latty.scene.Scene and Edit, and of latty.presets.values.Output.
"""

from dataclasses import replace
from typing import Any, NamedTuple

from latty.presets import codecs
from latty.presets.each import RULE as EACH
from latty.presets.moments import LONGEST, MOST, TimeLine, lasting, moment
from latty.presets.paths import name_fault
from latty.presets.pins import Pins
from latty.presets.texts import MOST as MOST_TEXTS
from latty.presets.texts import TEMPLATE, Caption
from latty.presets.tracks import TRACK, Motion, Track, easing_key, noise, words
from latty.presets.tracks.noise import Wander
from latty.presets.values import MOST_CELLS, MOST_SEEDS, SCHEMA, Output
from latty.scene import REF, SEED, Blend, Edit, Scene, Walk
from latty.stops import PLAIN, Stop, schedule
from latty.tables.rules import (
    ABSENT,
    Faults,
    Key,
    Rule,
    array,
    checked,
    flag,
    keys_of,
    mapping,
    matching,
    number,
    one_of,
    record,
    table,
    text,
    whole,
    word,
)


class Path(NamedTuple):
    """A walk over its whole length, as a file says it."""

    walk: Walk
    pace: str | Motion  # an easing, or how its place moves


def _stop(**said: Any) -> tuple[int | str, Stop]:
    """What is passed there, and what is said of it."""
    passed = [said.pop(key) for key in ("seed", "latent") if key in said]
    if len(passed) != 1:
        raise ValueError("needs a seed or a latent, and not both")
    return passed[0], Stop(**said)


def _path(walk: tuple[Any, ...], blend: Blend, even: bool, easing: str) -> Path:
    pairs = [one if isinstance(one, tuple) else (one, PLAIN) for one in walk]
    seeds, stops = (tuple(part) for part in zip(*pairs, strict=True))
    stops = stops if any(stop != PLAIN for stop in stops) else ()
    schedule(stops or (PLAIN,) * len(seeds), blend == "circular")
    return Path(Walk(seeds, blend, even=even, stops=stops), easing)


STOP = {
    "seed": Key(SEED, "The seed that it passes."),
    "latent": Key(REF, "The stored latent that it passes, FILE#INDEX."),
    **keys_of(Stop),
    "at": replace(keys_of(Stop)["at"], rule=moment()),
    "hold": replace(keys_of(Stop)["hold"], rule=moment("length")),
}
PASSED = one_of(
    "a seed, a stored latent or { seed = ..., hold = ..., easing = ... }",
    SEED,
    REF,
    checked(table(STOP), lambda said: _stop(**said)),
)


def _wander(said: dict[str, Any]) -> Path:
    wander = Wander(**said)
    return Path(wander.walk, wander)


PATH = {
    "walk": Key(
        array(PASSED, 2, 1000),
        "Seeds, stored latents and { seed = 7, hold = '1s' }, in the order they are passed.",
        required=True,
    ),
    "blend": keys_of(Walk)["blend"],
    "even": keys_of(Walk)["even"],
    "easing": easing_key("How the place on the whole path moves."),
}
SEEDS = one_of(
    "a whole number, a list of them, { walk = [...] } or { noise = ..., amplitude = ... }",
    SEED,
    array(SEED, 1, MOST_SEEDS),
    checked(table(noise.LATENT, mark="noise"), _wander),
    checked(table(PATH), lambda said: _path(**said)),
)
PICTURES = {  # a walk through noise pictures: each seed is a set of them
    "walk": Key(array(SEED, 2, 1000), "Seeds of noise, in the order they are passed.",
                required=True),
    "blend": replace(keys_of(Walk)["blend"], default="circular"),
    "easing": easing_key("How the place on the whole path moves."),
}  # fmt: skip
NOISE = one_of(
    "'const', 'none', a whole number, { walk = [...] } or { noise = ..., period = ... }",
    SEED,
    word("const", "none"),
    checked(table(noise.PICTURES, mark="noise"), _wander),
    checked(table(PICTURES), lambda said: _path(even=False, **said)),
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


SCENE = _moving(Scene, seed=SEEDS, noise=NOISE, edits=array(table(_moving(Edit)), 0, 100))

PANEL = {
    "title": Key(TEMPLATE, "Written into it, as the value of a [[text]].", ""),
    "preset": Key(text(1000), "The file of a preset whose scene it shows.", ""),
    "seconds": Key(number(0.001, LONGEST), "Its own length; absent: the film's, or its preset's."),
    "loop": Key(keys_of(Output)["loop"].rule, "What it does beyond its end: as an output does."),
    "at": Key(moment(), "The one moment of its film that it shows: it stands still."),
    "alone": Key(flag(), "It takes nothing of [scene]: what it does not say is as usual.", False),
    **{name: replace(key, default=ABSENT, required=False) for name, key in SCENE.items()},
}


def _own_time(rule: Rule) -> Rule:
    """The rule of a panel: where it says its seconds, its times count these."""

    def read(value: Any, where: tuple[str | int, ...], faults: Faults) -> Any:
        own, before = value.get("seconds") if isinstance(value, dict) else None, faults.about
        if isinstance(own, int | float) and own > 0 and isinstance(before, TimeLine):
            faults.about = replace(before, seconds=float(own))
        try:
            return rule.read(value, where, faults)
        finally:
            faults.about = before

    return replace(rule, read=read)


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
        "each": Key(
            EACH, "Keys and their values: the preset stands for one of each combination.", ()
        ),
        "vars": Key(mapping(_VALUE), 'Values by name: "{name}" stands for one in any text.'),
        "name": Key(text(100), "What it is called; absent: the file's name."),
        "frames": Key(whole(1, MOST), "How many; absent: 60 where something moves, else 1."),
        "seconds": Key(
            lasting(number(0.001, LONGEST)),
            "How long, in the place of frames; each output has its own fps; 'sound': as its sound.",
        ),
        "bpm": Key(number(1, 1000), "Beats a minute, for times such as '12b'."),
        "scene": Key(table(SCENE), "Everything one picture depends on.", required=True),
        "pins": Key(record(Pins), "Which content its names stand for: digests of files."),
        "panels": Key(
            array(_own_time(table(PANEL)), 0, MOST_CELLS),
            "Scenes side by side; the rest is [scene]'s.",
            (),
        ),
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
