"""Faults of a preset that only several keys together show."""

from collections.abc import Iterator
from math import prod
from typing import Any, get_args

from latty.errors import LattyError
from latty.presets import sounds
from latty.presets.axes import leftover
from latty.presets.each import keys_of
from latty.presets.formats import format_of
from latty.presets.moments import MOST as MOST_FRAMES
from latty.presets.moments import USUAL, rate_of, time_line
from latty.presets.naming import scenes
from latty.presets.paths import OutputNames
from latty.presets.values import COLUMNS, MOST_SEEDS, Layout
from latty.scene import MIXING, MODES
from latty.tables.rules import Fault
from latty.tables.words import Path

Table = dict[str, Any]  # a whole preset, not yet checked

PAGES = get_args(Layout)[1:]  # what is one picture of many
MOST = MOST_SEEDS * COLUMNS  # pictures of a grid or a strip
SHARE = "means nothing for a seed: its strength is a share of the way"


def across(data: Table, recipe: bool) -> Iterator[Fault]:
    """Faults that only two keys together show; the data, or recipe of a picture, may hold
    anything."""
    for where, scene in scenes(data):
        yield from _edits_across(scene, where)
    yield from _length_across(data)
    yield from _sounds_across(data)
    taken, outputs = OutputNames(), data.get("outputs")
    for index, output in enumerate(outputs if isinstance(outputs, list) else []):
        path = output.get("path") if isinstance(output, dict) else None
        if not isinstance(path, str):
            continue
        if fault := taken.claim(path, f"outputs.{index}"):
            yield Fault(("outputs", index, "path"), fault)
        yield from _table_across(data, output, index)
        layout, found = output.get("layout", "frames"), format_of(path)
        if layout in PAGES and data.get("panels"):
            yield Fault(("outputs", index, "layout"), *without_panels(layout))
        if fault := _span_fault(data, output):
            yield Fault(("outputs", index, "span"), fault)
        if recipe:  # `--output x.gif` of a strip is a film, and its recipe says both
            continue
        if layout in PAGES and found is not None and "layout" not in found.reads:
            yield Fault(("outputs", index, "layout"), f"'{layout}' is one picture: it needs a .png")


def _table_across(data: Table, output: Table, index: int) -> Iterator[Fault]:
    """Rows and columns that are none: of no key, or of more or fewer names than they are."""
    where, panels = ("outputs", index), data.get("panels")
    for side, what, hint in leftover(output, [*keys_of(data)]):
        yield Fault((*where, side), what, hint)
    names, columns = output.get("column_names"), output.get("columns")
    count = len(panels) if isinstance(panels, list) else 0
    across = columns if type(columns) is int and 0 < columns <= count else count
    if count and isinstance(names, list) and len(names) not in (0, across):
        yield Fault((*where, "column_names"), f"are {len(names)}, of {across} columns")
    if output.get("layout") in PAGES and (many := _pictures(data, columns)) > MOST:
        what = f"has {many:,} pictures, more than {MOST:,}"
        yield Fault((*where, "layout"), what, "say fewer seeds, edits or columns")
    names, rows = output.get("row_names"), -(-count // max(1, across))
    if count and isinstance(names, list) and len(names) not in (0, rows):
        yield Fault((*where, "row_names"), f"are {len(names)}, of {rows} rows")


def _pictures(data: Table, columns: Any) -> int:
    """How many pictures a grid or a strip has."""
    scene = data.get("scene")
    lists = [scene.get(key) for key in ("seed", "edits")] if isinstance(scene, dict) else []
    counts = [len(one) for one in lists if isinstance(one, list)]
    return prod(counts) * (columns if type(columns) is int else COLUMNS)


def _span_fault(data: Table, output: Table) -> str:
    """What is wrong with a span for each edit, "" for nothing."""
    span, scene = output.get("span"), data.get("scene")
    if not isinstance(span, list) or output.get("layout") not in ("grid", "strip"):
        return ""
    edits = scene.get("edits") if isinstance(scene, dict) else None
    count = len(edits) if isinstance(edits, list) else 0
    return "" if len(span) == count else f"has {len(span)} numbers for {count} edits"


def without_panels(layout: str) -> tuple[str, str]:
    """What is said of a grid, a strip or steps of panels, and what to do."""
    has = "steps have" if layout == "steps" else f"a {layout} has"
    return f"{has} no panels", "leave [[panels]] out, or layout"


def _length_across(data: Table) -> Iterator[Fault]:
    """A film that is said to be long twice, or too long for one of its outputs."""
    if "seconds" not in data:
        return
    if "frames" in data:
        yield Fault(("frames",), "is said beside seconds", "leave one of them out")
    seconds, outputs = time_line(data).seconds, data.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        rate = rate_of(output.get("fps", USUAL)) if isinstance(output, dict) else None
        if rate and seconds and seconds * rate > MOST_FRAMES:
            most = f"at most {MOST_FRAMES} frames, or {float(MOST_FRAMES / rate):g} s"
            yield Fault(("seconds",), f"takes {most}, not {seconds:g} at {float(rate):g} fps")
            return


def _sounds_across(data: Table) -> Iterator[Fault]:
    """A film as long as a sound that cannot be told, or of frames where it follows one."""
    if data.get("seconds") == sounds.WHOLE:
        try:
            sounds.lasting(data)
        except ValueError as error:
            yield Fault(("seconds",), str(error), "write how many")
        except LattyError as error:
            yield Fault(("seconds",), error.message, error.hint)
    elif "seconds" not in data:
        for where, _, _ in sounds.named({key: data.get(key) for key in ("scene", "panels")}):
            hint = f'write seconds = ... in the place of frames, or seconds = "{sounds.WHOLE}"'
            yield Fault(where, "goes with a film that says its seconds", hint)
    outputs = data.get("outputs")
    for index, output in enumerate(outputs if isinstance(outputs, list) else []):
        if isinstance(output, dict) and "sound" in output and output.get("loop") == "bounce":
            what = "plays the film backward, and a sound cannot go with it"
            yield Fault(("outputs", index, "loop"), f"'bounce' {what}", "choose another loop")


def _edits_across(scene: Any, beginning: Path) -> Iterator[Fault]:
    """Edits that ask for what a seed, or two words together, cannot mean."""
    edits = scene.get("edits") if isinstance(scene, dict) else None
    for index, edit in enumerate(edits if isinstance(edits, list) else []):
        if not isinstance(edit, dict):
            continue
        where, ref = (*beginning, "edits", index), edit.get("direction")
        mode, unit = edit.get("mode", "relative"), edit.get("unit", "sigma")
        if isinstance(ref, str) and ref.startswith(MIXING):
            if mode in MODES and mode != "relative":
                yield Fault((*where, "mode"), SHARE)
            if unit == "own":
                yield Fault((*where, "unit"), SHARE)
        elif unit == "own" and mode in MODES and mode != "relative":
            yield Fault((*where, "unit"), f"'own' moves by a way; mode '{mode}' counts in sigma")
