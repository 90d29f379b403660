"""A checkpoint becomes a model of the store: what `latty import` and `latty fetch` share."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty.cli.run import Run
from latty.models import store
from latty.text import size_words

if TYPE_CHECKING:
    from latty.checkpoints import Checkpoint
    from latty.models.base import ModelInfo


def keep(
    run: Run,
    path: Path,
    name: str,
    card: Mapping[str, Any],
    spec: Path | None = None,
    licensed: str = "",
    given: Mapping[str, Any] | None = None,
    read: "Checkpoint | None" = None,
) -> "ModelInfo":
    """Convert the checkpoint at `path`, try it, write it; the result is the name, which is claimed.

    card        what is known of its source: "licence", or what its metadata say; more goes along
    spec        the architecture of a plain network
    licensed    who named the licence
    given       settings of the model that the user states
    read        the checkpoint, where it is open

    Raises BadData, OutputError, UsageError.
    """
    from latty.models import opening

    model = opening.convert(path, spec, given, read=read)
    from latty.models.device import pick_device  # brings torch, for what was not refused

    info = opening.build(model, path, name, pick_device("cpu"), spec).info  # nothing broken is kept
    card = {"file": path.name, "bytes": path.stat().st_size, "sha256": info.digest,
            "licence": model.meta.get("license", ""), **card}  # fmt: skip
    encoder = store.companion_file(target := store.save(model, info, card))
    kept = encoder.name if encoder else ""
    for note in info.notes:
        run.out.say(note)
    if not info.differentiable:
        run.out.say("it has no gradients: methods that need some say so; see docs/checkpoints.md")
    if card["licence"]:
        run.out.say(f"licence: {card['licence']}{f' (named by {licensed})' if licensed else ''}")
    if kept:
        run.out.say(f"its encoder is kept beside it, for projecting pictures: {kept}")
    origin = model.meta.get("origin", info.family)
    told = info.family if origin == info.family else f"{info.family} from {origin}"
    layers = "1 layer" if info.num_layers == 1 else f"{info.num_layers} layers"
    shape = f"{size_words(info.height, info.width_px)}, {layers}"
    classes = f", {info.num_classes} classes" if info.num_classes else ""
    run.out.say(f"{told}, {shape}{classes}; try: latty sample {name}")
    run.out.result(name, name=name, kind="model", path=str(target), family=info.family,
                   origin=origin, resolution=info.resolution, height=info.height,
                   width_px=info.width_px, channels=info.channels, num_layers=info.num_layers,
                   num_classes=info.num_classes, encoder=kept,
                   notes=[*info.notes], **card)  # fmt: skip
    return info
