"""The fields of the form of a render."""

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from latty.presets.formats import FOLDER, formats
from latty.presets.values import Fit, Layout
from latty.scene import Walk
from latty.tables import amounts
from latty_tui.dialogs import device as dialogs_device
from latty_tui.dialogs import readers
from latty_tui.dialogs.fields import FormField, Values
from latty_tui.dialogs.render.order import SWEEP, UPDATE, Order, seeds
from latty_tui.films import film
from latty_tui.state import LOOPS, FilmSettings

STILL = "a still"
SMALL, USEFUL = 256, 512  # px: pictures that are smaller are made about as large as that
USUAL = "usual"


def fields_of(order: Order, devices: Sequence[str], device: str) -> list[FormField]:
    """All of them, as the order is now."""
    preset, first = order.preset, order.first
    sweep = not order.moves and bool(preset.scene.edits)
    fixed = isinstance(preset.scene.seed, Walk) or preset.scene.latent is not None
    ways = (SWEEP, STILL) if sweep else (STILL,)
    return [
        FormField("name", "name", _name(order), "of the file, without its ending",
              read=_file_name),
        FormField("moves", "as", ways[0], "a film in which the edits grow, or one picture", ways,
              when=lambda values: sweep),
        FormField("formats", "formats", "gif" if sweep or order.moves else "png",
              "Space: this one too; frames is a folder of PNGs", _formats(), many=True),
        FormField("size", "height in px", _height(order),
              f"empty: the model's own, {preset.scene.size or order.own_size[0]}",
              read=readers.or_empty(readers.height)),
        *_film_fields(order),
        *_frame_fields(order),
        FormField("layout", "the png is", first.layout,
              "frames: a sheet; grid, strip: from -3 to +3; steps: one edit more in each",
              get_args(Layout),
              when=lambda values: bool(preset.scene.edits)
              and "png" in values["formats"].split(",")),
        FormField("seeds", "seeds", ",".join(map(str, preset.seeds)),
              "empty: this one; as in 1-4,9: all of them side by side",
              read=readers.or_empty(seeds), when=lambda values: not fixed),
        FormField("folder", "into", str(order.folder), "the folder of the files", read=_some),
        FormField("overwrite", "overwrite", "no",
              "files of that name; update: only what is not up to date", ("no", UPDATE, "yes")),
        *dialogs_device.fields(devices, device),
    ]  # fmt: skip


def _formats() -> tuple[str, ...]:
    """Films, pictures, and "frames" for a folder of them."""
    found = [one for one in formats().values() if one.offered]
    found.sort(key=lambda one: (one.suffix == FOLDER, not one.film, one.suffix))
    return tuple("frames" if one.suffix == FOLDER else one.suffix[1:] for one in found)


def _film_fields(order: Order) -> list[FormField]:
    """How long, how fast, how often: of what moves."""
    usual, first = FilmSettings(), order.first
    frames, fps, loop, seconds = usual.frames, usual.fps, usual.loop, ""
    if order.moves:
        preset = order.preset
        frames, fps, loop = preset.count(), float(first.rate), first.loop
        seconds = "" if preset.seconds is None else f"{preset.seconds:g}"
    codecs = (USUAL, *sorted({name for form in formats().values() for name in form.codecs}))
    return [
        FormField("seconds", "seconds", seconds, "how long; empty: as long as its frames take",
              read=readers.or_empty(readers.seconds), when=order.moving),
        FormField("frames", "pictures", str(frames), "how many pictures the film has",
              read=readers.frames,
              when=lambda values: order.moving(values) and not values["seconds"]),
        FormField("fps", "pictures a second", f"{fps:g}", "from 1 to 120", read=readers.fps,
              when=order.moving),
        FormField("loop", "at its end", loop, "once; loop: from the start; bounce: there and back; "
              "seamless: back within the film", LOOPS, when=order.moving),
        FormField("codec", "codec", first.codec or USUAL, "of a video; usual: plays anywhere",
              codecs, when=lambda values: order.moving(values) and _has_codecs(values)),
        FormField("max_bytes", "at most", str(first.max_bytes or ""),
              "bytes of a file, as in 2MB; empty: as large as it comes",
              read=readers.or_empty(amounts.exact), when=order.moving),
    ]  # fmt: skip


def _has_codecs(values: Values) -> bool:
    forms = (formats().get(f".{word}") for word in values["formats"].split(","))
    return any(form is not None and form.codecs for form in forms)


def _frame_fields(order: Order) -> list[FormField]:
    """The canvas around the picture, which files call its frame."""
    first = order.first
    side = readers.or_empty(readers.whole(1, 8192, "a side in px"))
    return [
        FormField("width", "canvas, px wide", str(first.width or ""),
              "as in 1080; empty: as wide as the picture", read=side),
        FormField("height", "canvas, px high", str(first.height or ""),
              "as in 1920; empty: as high as the picture", read=side),
        FormField("fit", "on the canvas", first.fit, "pad: all of it; crop: it is full; "
              "blur: itself behind; stretch", get_args(Fit),
              when=lambda values: bool(values["width"] or values["height"])),
    ]  # fmt: skip


def _height(order: Order) -> str:
    """What a file says; of a new one the model's own height, or some times as much where that is
    a stamp."""
    size, own = order.first.size, order.preset.scene.size or order.own_size[0]
    if size is None and order.preset.name == film.UNNAMED and own < SMALL:
        size = USEFUL // own * own
    return str(size or "")


def _name(order: Order) -> str:
    """What it is called already, else after its edits, or its model and seed."""
    scene = order.preset.scene
    if order.preset.name != film.UNNAMED:
        return Path(order.first.path).stem or order.preset.name
    words = [edit.direction.replace("#", "/").rpartition("/")[2] for edit in scene.edits[:2]]
    words = words or [Path(scene.model).stem, str(scene.seed if isinstance(scene.seed, int) else 0)]
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in "-".join(words))[:60]


def _some(text: str) -> str:
    if not text:
        raise ValueError("a folder, as in renders")
    return text


def _file_name(text: str) -> str:
    from latty.presets.paths import name_fault

    if "/" in text or (fault := name_fault(f"{text}.gif")):
        raise ValueError("a name without a slash" if "/" in text else f"it {fault}")
    if not text:
        raise ValueError("a name")
    return text
