"""Keys that do nothing where they stand: their writer does not read them, or another key says what
makes them idle."""

from collections.abc import Iterator, Mapping
from typing import Any

from latty.presets import codecs
from latty.presets.formats import is_film, suffix_of
from latty.presets.values import Output, Preset
from latty.tables import words
from latty.tables.rules import keys_of

Said = tuple[words.Path, str, str]  # key of the preset, what, hint
NOTHING = "does nothing"
TABLE = ("row_names", "column_names")


def idle(data: Mapping[str, Any], preset: Preset) -> Iterator[Said]:
    """Such keys of a preset's data, which is that of this preset."""
    for index, said in enumerate(data.get("text", ())):
        for key, what, hint in _of_text(said, preset, index):
            yield ("text", index, key), what, hint
    for index, said in enumerate(data.get("panels", ())):
        for key, what in _of_panel(said, preset, index):
            yield ("panels", index, key), what, ""
    for index, said in enumerate(data.get("outputs", ())):
        for key, what in _of_output(said, preset, preset.outputs[index]):
            yield ("outputs", index, key), what, ""
    for where, track in _followed(data):
        if "decay" in track and not track.get("onsets"):
            yield (*where, "decay"), f"{NOTHING} without onsets", ""
        if track.get("from") == track.get("to"):
            yield (*where, "to"), "is what from says: nothing will follow the sound", ""


def unread(data: Mapping[str, Any]) -> Iterator[Said]:
    """Keys of an output that its writer, or the output itself, does not read."""
    for index, output in enumerate(data.get("outputs", [])):
        unread = dict(codecs.unread(output))
        for key in output:
            if what := _useless(key, output, unread, bool(data.get("panels"))):
                yield ("outputs", index, key), what, ""


def _useless(key: str, output: Mapping[str, Any], unread: Mapping[str, str], panels: bool) -> str:
    """Why a key of an output does nothing there, "" where it does something."""
    facts, layout = keys_of(Output)[key].facts, output.get("layout", "frames")
    if key in unread and not (facts.get("everywhere") or facts.get("film")):
        return f"means nothing for {unread[key]}"
    if facts.get("film") and not is_film(output["path"]):
        return f"means nothing for {suffix_of(output['path'])}, which does not play"
    if key in TABLE and not panels:
        return f"{NOTHING}: there are no panels"
    named = any(output.get(one) for one in TABLE)
    if facts.get("still") and is_film(output["path"]) and not named:
        return f"means nothing for {suffix_of(output['path'])}, which plays"
    if layout not in facts.get("layouts", (layout,)):
        return f"means nothing where layout is '{layout}'"
    return ""


def _of_text(said: Mapping[str, Any], preset: Preset, index: int) -> Iterator[tuple[str, str, str]]:
    caption = preset.texts[index]
    if caption.fade and caption.start == 0 and caption.end == 1:
        what = f"{NOTHING}: the text is there from the first frame to the last"
        yield "fade", what, "say start or end"
    if caption.start >= caption.end:
        yield "end", "is not after start: the text is never seen", ""
    elif caption.start > 0 and preset.outputs and not any(is_film(o.path) for o in preset.outputs):
        yield "start", "a picture shows the beginning: the text is never seen", ""
    if "outline_color" in said and not caption.outline:
        yield "outline_color", f"{NOTHING}: outline is 0", ""


def _of_panel(said: Mapping[str, Any], preset: Preset, index: int) -> Iterator[tuple[str, str]]:
    part = preset.panels[index].preset
    if said.get("alone") and said.get("preset"):
        yield "alone", f"{NOTHING} beside preset, which is a whole scene"
    for key in ("seconds", "loop"):
        if key in said and not part.moves:
            yield key, f"{NOTHING}: the panel does not move"
        elif key == "loop" and key in said and part.pace is None:
            yield key, f"{NOTHING}: the panel lasts as long as the film"


def _of_output(
    said: Mapping[str, Any], preset: Preset, output: Output
) -> Iterator[tuple[str, str]]:
    film = is_film(output.path)
    several = len(preset.panels) or len(preset.seeds)
    pages = not film and (output.layout != "frames" or preset.count(output) > 1)
    if several < 2 and not pages:
        for key in ("gap", "columns"):
            if key in said:
                yield key, f"{NOTHING}: there is one picture"
    if output.layout == "steps" and "columns" in said:
        yield "columns", f"{NOTHING}: steps have a column for each edit"
    if "fit" in said and not (output.width and output.height):
        yield "fit", f"{NOTHING} without width and height"
    if said.get("offset") and not output.sound:
        yield "offset", f"{NOTHING} without sound"


def _followed(data: Any, where: words.Path = ()) -> Iterator[tuple[words.Path, Mapping[str, Any]]]:
    """The tracks that follow a sound."""
    if isinstance(data, dict) and isinstance(data.get("sound"), str) and "from" in data:
        yield where, data
    pairs = data.items() if isinstance(data, dict) else ()
    for key, one in enumerate(data) if isinstance(data, list) else pairs:
        yield from _followed(one, (*where, key))
