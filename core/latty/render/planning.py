"""What a render would write, for --dry-run: nothing is drawn, torch is not imported."""

from collections.abc import Iterator
from typing import Any

from latty import models
from latty.presets import Output, Preset
from latty.presets.codecs import held_side
from latty.presets.formats import format_of
from latty.render.options import Options
from latty.render.outputs import targets
from latty.render.shots import Shown, played, shots
from latty.render.sizes import (
    Beside,
    Needed,
    beside_of,
    bytes_expected,
    bytes_kept,
    frame_shape,
    heights,
    needed,
    seen_of,
    width_at,
)


def plan(
    preset: Preset, options: Options, own: tuple[int, int] | None = None
) -> list[dict[str, Any]]:
    """What `write` would do, one table per output, for --dry-run; draws nothing.

    size and width are height and width of one picture in px, bytes about how large the file becomes
    (presets.codecs.bytes_expected), work_bytes what its pictures take on disk until it is there,
    but for those that an output before it shows.
    `own`: height and width of the model's own pictures; None = the model is asked. Raises BadData
    for outputs that cannot be written.
    """
    rows, own = [], own or models.picture_size(preset.scene.model)
    beside = beside_of(preset, lambda scene: models.picture_size(scene.model)[0])
    before = Shown()
    for output, target in zip(preset.outputs, targets(preset, options), strict=True):
        size = heights(preset, output, own, beside).shown or own[0]
        width = width_at(size, own)
        parts = [_needed(preset, part, output, own, beside) for part in preset.parts]
        channels = (models.picture_channels(part.scene.model) for part in preset.parts)
        count = sum(len(part.scenes) for part in parts)
        form, frame = format_of(output.path), None
        assert form is not None  # or it were no target
        if side := frame_shape(preset, output, (size, width)):
            frame = "{1} x {0} px".format(*held_side(output, side))
        order, rate = played(preset, output)
        rows.append(
            {
                "path": str(target),
                "writer": form.writer,
                "pictures": count,
                "frames": len(order),
                "fps": round(float(rate), 3),
                "seconds": round(float(len(order) / rate), 3) if len(order) > 1 else 0,
                "size": size,
                "width": width,
                "frame": frame,
                "bytes": bytes_expected(preset, output, (size, width), count),
                "work_bytes": sum(
                    bytes_kept(before.add(one.scenes), one.drawn, deep)
                    for one, deep in zip(parts, channels, strict=True)
                ),
                "model": preset.scene.model,
                "device": options.device,
                "batch": options.batch or "auto",
                "exists": target.exists(),
            }
        )
    return rows


def pictures(preset: Preset) -> int:
    """How many pictures its outputs show. Raises BadData for one that shows none."""
    beside = Beside(len(preset.panels), 0) if preset.panels else None
    return sum(
        len(shots(part, seen_of(output, beside), None))
        for output in preset.outputs
        for part in preset.parts
    )


def evened(preset: Preset, options: Options, own: tuple[int, int]) -> Iterator[str]:
    """Which films get another size than their frames have, in words; `own`: height and width of
    the model's pictures."""
    beside = beside_of(preset, lambda scene: models.picture_size(scene.model)[0])
    for output, target in zip(preset.outputs, targets(preset, options), strict=True):
        size = heights(preset, output, own, beside).shown or own[0]
        side = frame_shape(preset, output, (size, width_at(size, own)))
        if side and (held := held_side(output, side)) != side:
            (high, wide), (tall, broad) = side, held
            what = f"{wide} x {high} px become {broad} x {tall}: its colours are halved"
            yield f"{target.name}: {what}"


def _needed(
    preset: Preset, part: Preset, output: Output, own: tuple[int, int], beside: Beside | None
) -> Needed:
    """What an output needs of a part of a preset whose model draws pictures of `own` size."""
    model = part.scene.model
    side = own if model == preset.scene.model else models.picture_size(model)
    return needed(part, output, side, models.draws_any_size(model), beside)
