"""A film as JSON, in the file of the studio's memory."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from latty import easing as easings
from latty import presets
from latty.presets.moments import LONGEST, TimeLine
from latty.presets.tracks import TRACK, Motion
from latty.presets.values import SCHEMA, Loop, Output, Preset
from latty.scene import from_table
from latty.tables.rules import Faults, array, number, record, whole, word
from latty_tui.state import FilmSettings

RULES = {
    "frames": whole(1, 10**5),
    "fps": number(1, 120),
    "easing": easings.rule(),
    "loop": word(*get_args(Loop)),
}
SECONDS = number(0.001, LONGEST)


def film_table(film: FilmSettings) -> dict[str, Any]:
    """A film as JSON."""
    table = {key: getattr(film, key) for key in RULES}
    table |= {} if film.seconds is None else {"seconds": film.seconds}
    if film.source is None:
        return table
    panels = film.source.panels
    if panels:
        table |= {"panels": [one.source for one in panels], "own": [one.own for one in panels]}
    return {**table, "preset": presets.to_dict(film.source.of_one_piece)}


def film_of(table: Mapping[str, Any]) -> FilmSettings:
    """The film of a table. Raises KeyError, TypeError, ValueError, AttributeError, BadData for
    anything else."""
    for name, rule in RULES.items():
        if not rule.accepts(table[name]):
            raise ValueError(f"no film has {name} {table[name]!r}")
    seconds = table.get("seconds")
    if seconds is not None and not SECONDS.accepts(seconds):
        raise ValueError(f"no film has seconds {seconds!r}")
    film = FilmSettings(**{name: table[name] for name in RULES}, seconds=seconds)
    if (told := table.get("preset")) is not None:
        files, own = table.get("panels", []), table.get("own", [])
        return _with_source(film, presets.from_recipe(told, "history"), files, own)
    if not (earlier := table.get("source")):
        return film
    source = _source_of(earlier)
    return replace(film, source=source, seconds=source.seconds)


def _with_source(
    film: FilmSettings, source: Preset, files: list[str], own: list[list[str]]
) -> FilmSettings:
    """The film of a preset, whose panels are those of these files, "" = of none, and say these keys
    beside them."""
    count = len(source.panels)
    rows = zip(source.panels, files or [""] * count, own or [[]] * count, strict=True)
    panels = (
        replace(one, source=str(file), alone=one.alone and not file, own=tuple(map(str, keys)))
        for one, file, keys in rows
    )
    source = replace(source, panels=tuple(panels))
    lasts = source.seconds if source.seconds == film.seconds else film.seconds  # "sound", as said
    return replace(film, source=source, seconds=lasts)


# What earlier versions wrote in the place of "preset".


def _source_of(table: Mapping[str, Any]) -> Preset:
    faults = Faults(limits=False)
    told = [{key: value for key, value in one.items() if value is not None}
            for one in table["outputs"]]  # fmt: skip
    outputs = array(record(Output)).read(told, ("outputs",), faults)
    if faults.found:
        raise ValueError(faults.found[0].what)
    bare = Preset(
        SCHEMA,
        str(table["name"]),
        from_table(table["scene"]),
        int(table["frames"]),
        (),
        tuple(int(seed) for seed in table["seeds"]),
        outputs,
        _number(table.get("seconds")),
        _number(table.get("bpm")),
    )
    return replace(bare, tracks=tuple(_track(*one, line=bare.line) for one in table["tracks"]))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _track(key: Any, said: Any, easing: Any = "", *, line: TimeLine) -> tuple[str, Motion]:
    """A key of the scene and how it moves: its table, or [keys, easing] as earlier versions kept
    it. Raises TypeError, ValueError."""
    said = said if isinstance(said, dict) else {"keys": said, "easing": easing}
    faults = Faults(limits=False, about=line)
    found = TRACK.read(said, (str(key),), faults)
    if faults.found or not isinstance(found, Motion):
        raise ValueError(f"no track is {said!r:.60}")
    return str(key), found
