"""What `latty check` says of a preset before a job is made of it, field by field of the form."""

from latty.errors import PresetError
from latty.presets import Preset


def refuse(preset: Preset) -> None:
    """Raises PresetError with all that cannot be drawn, and what else reading one does."""
    from latty.render import sources

    sources.read(preset).doubts()


def found(preset: Preset) -> tuple[dict[str, str], list[str]]:
    """By field what cannot be drawn, and what is doubtful. Blocking. Raises LattyError for what is
    no fault of the preset."""
    from latty.render import sources

    try:
        doubts = sources.read(preset).doubts()
    except PresetError as error:
        faults: dict[str, str] = {}
        for one in error.problems:
            hint = f" ({one.hint})" if one.hint else ""
            faults.setdefault(_field(one.key), f"{_short(one.key)}: {one.what}{hint}")
        return faults, []
    told = (f"{_short(one.key)}: {one.what}" for one in doubts.found if one.key)
    return {}, list(dict.fromkeys(told))


def _short(key: str) -> str:
    """A key of an output without the number of that."""
    return key.rpartition(".")[2] if key.startswith("outputs") else key


def _field(key: str) -> str:
    """The field of the form that says a key of a preset, "" for none."""
    table, _, last = key.rpartition(".")
    if table.startswith("outputs"):
        return {"path": "name"}.get(last, last)
    return "seeds" if key == "scene.seed" else key
