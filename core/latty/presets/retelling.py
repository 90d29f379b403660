"""A preset told again with something else in it: what its panels and times say stays said."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from latty.presets.values import Preset


def retold(preset: Preset, said: Mapping[str, Any]) -> Preset:
    """The preset of what a file says of this one, with other values of some of its keys: a time in
    seconds stays at its second, and panels take what they do not say from another scene. Panels of
    other files keep these. Raises PresetError."""
    from latty.presets import reading  # only presets with panels, and moved ones, pay for it
    from latty.presets.convert import to_dict, to_preset

    data = {key: value for key, value in {**to_dict(preset.of_one_piece), **said}.items()
            if value is not None}  # fmt: skip
    source = reading.from_data(data, preset.name, reading.RECIPE)
    made = to_preset(reading.accepted(source), preset.name)
    pairs = zip(made.panels, preset.panels, strict=True)
    panels = (replace(new, source=old.source, alone=old.alone, own=old.own) for new, old in pairs)
    return replace(made, panels=tuple(panels))


def over(preset: Preset, new: Preset) -> Preset:
    """`new` with the panels of `preset`, which take what they do not say from its scene. Raises
    PresetError."""
    if not preset.panels:
        return new
    from latty.presets.convert import to_dict

    data = to_dict(replace(new, panels=(), texts=(), outputs=(), pins=None))
    return replace(new, panels=retold(preset, data).panels)
