"""What a preset file may say: every key, its range, its default and its help text.

Written in pydantic's core schemas rather than as model classes: the engine, the errors and the
JSON schema are the same, and `latty check` starts in half the time because only pydantic_core is
imported.
"""

from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from typing import Any, cast, get_args

from pydantic_core import CoreSchema, SchemaValidator

from latty.presets.easing import EASINGS
from latty.presets.paths import name_fault
from latty.presets.values import SCHEMA, Chroma, Encoder, Layout, Loop, Output, Rows
from latty.presets.words import unsafe_character
from latty.scene import BLENDS, MODES, SEED_LIMIT, UNITS, Layers

Schema = dict[str, Any]  # a core schema, or a part of one

TAG = "\0"  # starts the tag of a union's arm, which pydantic mixes into the path of an error


def _int(low: int, high: int) -> Schema:
    return {"type": "int", "ge": low, "le": high}


def _float(low: float, high: float) -> Schema:
    return {"type": "float", "ge": low, "le": high, "allow_inf_nan": False}


def _words(*expected: str) -> Schema:
    return {"type": "literal", "expected": list(expected)}


def _text(longest: int, check: Callable[[str], str]) -> Schema:
    return _checked({"type": "str", "min_length": 1, "max_length": longest}, check)


def _list(items: Schema, low: int, high: int) -> Schema:
    return {"type": "list", "items_schema": items, "min_length": low, "max_length": high}


def _checked(schema: Schema, check: Callable[[Any], Any]) -> Schema:
    """The schema, and a function that raises ValueError with what else is wrong."""
    function = {"type": "no-info", "function": check}
    return {"type": "function-after", "schema": schema, "function": function}


def _key(schema: Schema, description: str, required: bool = False, default: Any = None) -> Schema:
    """One key of a table with its help text; no default = it may be absent."""
    if default is not None:
        schema = {"type": "default", "schema": schema, "default": default}
    told = {**schema, "metadata": {"pydantic_js_updates": {"description": description}}}
    return {"type": "typed-dict-field", "schema": told, "required": required}


def _table(keys: Mapping[str, Schema]) -> Schema:
    return {"type": "typed-dict", "fields": dict(keys), "extra_behavior": "forbid"}


def _kind(value: Any) -> str | None:
    """Which arm of a union a value means, so that only that arm's faults are told."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{TAG}number"
    if isinstance(value, dict):
        return f"{TAG}keys" if "keys" in value else f"{TAG}table"
    names = {list: f"{TAG}list", str: f"{TAG}text"}
    return next((name for kind, name in names.items() if isinstance(value, kind)), None)


def _walk_kind(value: Any) -> str | None:
    return f"{TAG}walk" if isinstance(value, dict) else _kind(value)


def _one_of(words: str, kind: Callable[[Any], str | None] = _kind, **arms: Schema) -> Schema:
    return {
        "type": "tagged-union",
        "choices": {f"{TAG}{name}": arm for name, arm in arms.items()},
        "discriminator": kind,
        "custom_error_type": "kind",
        "custom_error_message": f"must be {words}",
    }


def _plain(text: str) -> str:
    if character := unsafe_character(text):
        raise ValueError(f"holds the control character {character}")
    return text


def _layers(text: str) -> str:
    Layers.parse(_plain(text))
    return text


def _path(text: str) -> str:
    if fault := name_fault(text):
        raise ValueError(fault)
    return text


def _mixture(pairs: list[list[float]]) -> list[list[float]]:
    for index, weight in pairs:
        if index < 0 or index != int(index) or not 0 <= weight <= 1:
            raise ValueError("holds [class index, weight from 0 to 1] pairs")
    return pairs


def _rising(keys: list[list[float]]) -> list[list[float]]:
    moments = [t for t, _ in keys]
    if not all(0 <= t <= 1 for t in moments):
        raise ValueError("the first number of each key is a time from 0 to 1")
    if any(after <= before for before, after in pairwise(moments)):
        raise ValueError("times of keys must rise")
    return keys


def _within(low: float, high: float) -> Callable[[Any], Any]:
    def check(track: Any) -> Any:
        """Every value that a number or track names."""
        values = [track]
        if isinstance(track, dict):
            keys = track.get("keys", [(0, track.get("from")), (1, track.get("to"))])
            values = [value for _, value in keys]
        for value in values:
            if not low <= value <= high:
                raise ValueError(f"must be from {low:g} to {high:g}, not {value:g}")
        return track

    return check


SEED = _int(0, SEED_LIMIT - 1)
NUMBER = _float(-100, 100)
EASING = _words(*EASINGS)
SIZE = _int(8, 4096)
SWEEP = _table(
    {
        "from": _key(NUMBER, "Value of the first frame.", required=True),
        "to": _key(NUMBER, "Value of the last frame.", required=True),
        "easing": _key(EASING, "How it gets there.", default="linear"),
    }
)
KEYS = _table(
    {
        "keys": _key(
            _checked(_list(_list(NUMBER, 2, 2), 1, 1000), _rising),
            "[time, value] pairs; times rise from 0 to 1.",
            required=True,
        ),
        "easing": _key(EASING, "How it goes from each key to the next.", default="linear"),
    }
)
WALK = _table(
    {
        "walk": _key(_list(SEED, 2, 1000), "Seeds, in the order they are passed.", required=True),
        "blend": _key(
            _words(*BLENDS),
            "lerp: straight lines. slerp: great circles. circular: one closed curve.",
            default="slerp",
        ),
        "easing": _key(EASING, "How the place on the whole path moves.", default="linear"),
    }
)


def _track(number: Schema) -> Schema:
    words = "a number, { from = ..., to = ... } or { keys = [[time, value], ...] }"
    return _one_of(words, number=number, table=SWEEP, keys=KEYS)


MOST_SEEDS = 4096  # pictures on a sheet
SEEDS = _one_of(
    "a whole number, a list of them or { walk = [...] }",
    _walk_kind,
    number=SEED,
    list=_list(SEED, 1, MOST_SEEDS),
    walk=WALK,
)
LABEL = _one_of(
    "a class index, a class name or [[index, weight], ...]",
    number=_int(0, 10**6),
    text=_text(100, _plain),
    list=_checked(_list(_list(_float(0, 10**6), 2, 2), 1, 1000), _mixture),
)
NOISE = _one_of("'const', 'none' or a whole number", number=SEED, text=_words("const", "none"))
REF = _text(1000, _plain)
EDIT = _table(
    {
        "direction": _key(
            REF, 'SET/NAME, SET/INDEX, FILE#NAME, or "seed:42": toward that seed.', required=True
        ),
        "strength": _key(
            _track(NUMBER), "How far, in sigma; for a seed the share of the way.", default=1.0
        ),
        "layers": _key(
            _text(20, _layers), '"all", "4" or "4-8" (inclusive); absent: where it works best.'
        ),
        "mode": _key(
            _words(*MODES), "By a way, to a place, or across the mean.", default="relative"
        ),
        "unit": _key(
            _words(*UNITS), '"own": the direction\'s own, as image widths.', default="sigma"
        ),
        "conditions": _key(_list(REF, 0, 100), "Directions along which this edit does not go."),
    }
)
SCENE = _table(
    {
        "model": _key(REF, "A model's name, or a file's path.", required=True),
        "seed": _key(SEEDS, "Which picture: a seed, a list (rows of a grid), a walk.", default=0),
        "truncation": _key(
            _checked(_track(_float(-2, 2)), _within(-2, 2)),
            "1: as sampled; toward 0: closer to the average picture.",
            default=1.0,
        ),
        "cutoff": _key(
            _checked(_track(_int(0, 64)), _within(0, 64)),
            "Truncation acts on layers below it only; absent: on all.",
        ),
        "label": _key(LABEL, "A class by index or name, or a mixture [[index, weight], ...]."),
        "noise": _key(NOISE, '"const": stored, "none", or a seed.', default="const"),
        "size": _key(SIZE, "Height in pixels; absent: the model's own."),
        "truncation_after_edits": _key(
            {"type": "bool"}, "Truncate edited codes, as GANSpace does.", default=False
        ),
        "latent": _key(
            REF, "Start at a stored latent, FILE#INDEX, or at one after the other, FILE#0-59."
        ),
        "locks": _key(_list(REF, 0, 100), "Directions along which no edit goes but their own."),
        "edits": _key(_list(EDIT, 0, 100), "Moves, in this order."),
    }
)


CAPTIONS = _one_of(
    "true, false or 'short'",
    lambda value: f"{TAG}flag" if isinstance(value, bool) else _kind(value),
    flag={"type": "bool"},
    text=_words("short"),
)


def _output(name: str, schema: Schema, description: str) -> tuple[str, Schema]:
    default = getattr(_OUTPUT, name)
    return name, _key(schema, description, default=default)


_OUTPUT = Output("")  # its defaults are the file's
OUTPUT = _table(
    {
        "path": _key(
            _checked({"type": "str"}, _path),
            "Relative; .gif .mp4 .webm .webp .png, or a name ending in / for frames.",
            required=True,
        ),
        **dict(
            [
                _output("fps", _float(1, 120), "Frames per second."),
                _output("size", SIZE, "Height in pixels; absent: the scene's."),
                _output("loop", _words(*get_args(Loop)), "bounce: there and back again."),
                _output("crf", _int(0, 63), "Video quality, 0 (best) to 63."),
                _output("chroma", _words(*get_args(Chroma)), "444 is sharper, 420 plays anywhere."),
                _output("quality", _int(1, 100), "WebP quality; 100 is lossless."),
                _output(
                    "dither", {"type": "bool"}, "GIF: smoother gradients, a slightly larger file."
                ),
                _output("encoder", _words(*get_args(Encoder)), "MP4: nvenc is used if it opens."),
                _output("layout", _words(*get_args(Layout)), "Of a .png: sheet, grid or strip."),
                _output("rows", _words(*get_args(Rows)), "What each row of a grid is."),
                _output("columns", _int(1, MOST_SEEDS), "Pictures in a row."),
                _output("span", _float(0.01, 100), "Of a grid or strip: strength -span to +span."),
                _output(
                    "captions", CAPTIONS, 'Write names into the picture; "short": numbers only.'
                ),
            ]
        ),
    }
)
PRESET = _table(
    {
        "schema": _key(_int(1, SCHEMA), "Layout of this file.", default=SCHEMA),
        "name": _key(_text(100, _plain), "What it is called; absent: the file's name."),
        "frames": _key(_int(1, 10**5), "How many; absent: 60 where something moves, else 1."),
        "scene": _key(SCENE, "Everything one picture depends on.", required=True),
        "outputs": _key(_list(OUTPUT, 0, 100), "The files to write."),
    }
)
_TABLES = {(): PRESET, ("scene",): SCENE, ("scene", "edits"): EDIT, ("outputs",): OUTPUT}
_ARMS = {f"{TAG}keys": KEYS, f"{TAG}table": SWEEP, f"{TAG}walk": WALK}


@cache
def _validator() -> SchemaValidator:
    return SchemaValidator(cast(CoreSchema, PRESET))


def validated(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with defaults filled in. Raises pydantic_core.ValidationError with all faults."""
    table: dict[str, Any] = _validator().validate_python(data, strict=True)
    return table


def keys_at(path: tuple[str | int, ...]) -> list[str]:
    """The keys that a table may hold; `path` is pydantic's, with the tags of unions in it."""
    words = tuple(part for part in path if isinstance(part, str))
    table = _ARMS.get(words[-1]) if words and words[-1] in _ARMS else _TABLES.get(words)
    return list(table["fields"]) if table else []
