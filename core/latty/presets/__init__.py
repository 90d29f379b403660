"""Presets: a TOML file becomes a Preset, and a Preset at a moment t is a Scene.

    values.py      what the program uses: Output, Preset
    tracks/        the numbers that move, a module for each kind
    moments.py     times as people write them, and when each frame is; rates.py: frame rates
    shape.py       what a file may say: the rules of latty.tables, and the JSON schema for editors
    convert.py     between the two
    reading.py     bytes -> data -> Preset
    preset_file.py the data of a file: layers.py (extends), --set, variables.py ([vars]), paths;
                   each.py ([[each]]): one file that stands for many
    naming.py      what it names: models, directions, latents, and where these are
    checking.py    all that can be known before it is drawn: does it go together,
    together.py    with its directions and latents, with_model.py with its model
    retelling.py   a preset told again with something else in it
    saving.py      back to TOML; an existing file keeps its comments, what it extends and its
                   placeholders: merging.py changes it in place, comments.py knows where these
                   stand
    overrides.py   --set KEY=VALUE        migrations.py  older layouts
    paths.py       where a preset may write
    codecs.py      the codecs of films, and which goes into which format
    formats.py     the output formats and their writers

Nothing here imports torch or numpy; tomlkit only when a file is written.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from latty.presets.tracks import Track
from latty.presets.values import SCHEMA, Output, Preset

if TYPE_CHECKING:
    from latty.presets.codecs import fitting, keeps_alpha
    from latty.presets.convert import to_dict
    from latty.presets.finding import shipped
    from latty.presets.formats import format_of
    from latty.presets.migrations import migrate
    from latty.presets.paths import safe_output
    from latty.presets.reading import PresetFile

__all__ = [
    "SCHEMA",
    "Output",
    "Preset",
    "Track",
    "check",
    "dumps",
    "fitting",
    "format_of",
    "from_dict",
    "from_recipe",
    "keeps_alpha",
    "migrate",
    "read",
    "safe_output",
    "save",
    "schema",
    "shipped",
    "to_dict",
]


# Imported when they are first asked for (PEP 562): whoever uses a preset pays for no reader of one.
_ELSEWHERE = {
    "fitting": "codecs",
    "format_of": "formats",
    "keeps_alpha": "codecs",
    "migrate": "migrations",
    "safe_output": "paths",
    "shipped": "finding",
    "to_dict": "convert",
}


def __getattr__(name: str) -> Any:
    """A public name of a module of this package. Raises AttributeError."""
    if name not in _ELSEWHERE:
        raise AttributeError(f"module 'latty.presets' has no attribute '{name}'")
    found = getattr(import_module(f"latty.presets.{_ELSEWHERE[name]}"), name)
    globals()[name] = found
    return found


def read(source: str | Path, overrides: Sequence[str] = (), number: int = 0) -> Preset:
    """The preset in a file, of a shipped name, or on stdin ("-"), with `--set` overrides; of one
    that stands for several ([[each]]) that of a number.

    Raises PresetError with every problem, Missing, OutputError, UsageError for an override.
    """
    from latty.presets import reading

    return _preset(reading.load(source, overrides, number))


def from_dict(data: Mapping[str, Any], file: str) -> Preset:
    """The preset in data that is not a file's: the same checks. Raises PresetError."""
    from latty.presets import reading

    return _preset(reading.from_data(data, file))


def from_recipe(data: Mapping[str, Any], file: str) -> Preset:
    """The preset that a picture carries: a size or truncation may be as far from the usual ones as
    `latty sample` takes them, farther than in a file that people write. Raises PresetError."""
    from latty.presets import reading

    return _preset(reading.from_data(data, file, reading.RECIPE))


def _preset(source: "PresetFile") -> Preset:
    from latty.presets.convert import to_preset
    from latty.presets.reading import accepted

    return to_preset(accepted(source), source.file)


def check(source: str | Path, overrides: Sequence[str] = ()) -> list[str]:
    """Warnings of a preset whose models and directions exist too; raises as `read` does."""
    from latty.presets import checking

    return checking.check(source, overrides)


def dumps(preset: Preset) -> str:
    """A preset as TOML text."""
    from latty.presets import saving

    return saving.dumps(preset)


def save(
    preset: Preset, path: str | Path, loses: Literal["nothing", "placeholders", "all"] = "nothing"
) -> None:
    """Write a preset; a file that is there keeps its comments, what it extends, its placeholders
    and all that did not change. Raises Unkept where that cannot be; `loses` = what may go then."""
    from latty.presets import saving

    saving.save(preset, Path(path), loses)


def schema() -> dict[str, Any]:
    """The JSON schema of preset files."""
    from latty.presets import shape

    return shape.schema()
