"""`latty import` of a checkpoint: a stranger's generator becomes a model of the store."""

from pathlib import Path

from latty.cli.run import Run
from latty.errors import Missing


def model(run: Run, path: Path) -> int:
    """Convert, try, write; the name is the result."""
    from latty.models import opening, store
    from latty.models.device import pick_device

    spec = _spec(run.args.spec)
    name = run.args.name or store.name_for(path)
    store.MODELS.free_place(name, run.args.force)
    model = opening.convert(path, spec)
    generator = opening.build(model, path, name, pick_device("cpu"))  # nothing broken is stored
    card = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "sha256": generator.info.digest,
        "licence": model.meta.get("license", ""),
    }
    target = store.save(model, generator.info, card, run.args.force)
    info = generator.info
    for note in model.notes:
        run.out.say(note)
    if card["licence"]:
        run.out.say(f"licence: {card['licence']}")
    size = f"{info.resolution} px, {info.num_layers} layers"
    classes = f", {info.num_classes} classes" if info.num_classes else ""
    origin = model.meta.get("origin", info.family)
    run.out.say(f"{info.family} from {origin}, {size}{classes}; try: latty sample {name}")
    run.out.result(name, name=name, kind="model", path=str(target), family=info.family,
                   origin=origin, resolution=info.resolution, num_layers=info.num_layers,
                   num_classes=info.num_classes, notes=list(model.notes), **card)  # fmt: skip
    return 0


def _spec(given: str | None) -> Path | None:
    if given is None:
        return None
    path = Path(given).expanduser()
    if not path.is_file():
        raise Missing(f"there is no file {path}", "see docs/specs.md for what to write in it")
    return path
