"""What `latty inspect` tells where an option asks for it alone."""

from pathlib import Path

from latty.cli.run import Run


def spec(path: Path, run: Run) -> int:
    """The draft of a spec on stdout, to be saved and edited. Raises what opening the file does."""
    from latty.checkpoints import open_checkpoint
    from latty.models.draft import draft

    text = draft(open_checkpoint(path))
    run.out.result(text.rstrip("\n"), file=str(path), spec=text)
    run.out.say(f"save it, fill it in, then: latty import {path.name} --spec FILE (docs/specs.md)")
    return 0


def layers(run: Run) -> int:
    """The layers that directions and edits may name; the model is opened, and draws once.
    Raises what opening it does."""
    from latty.models import open_model
    from latty.models.looking import layer_sizes

    generator = open_model(run.args.file, "cpu")
    info, sizes = generator.info, layer_sizes(generator)
    run.out.say(f"{info.name}: codes of {info.num_layers} layers, {info.width} wide; "
                f"{len(sizes)} layers to look at, as channels x height x width")  # fmt: skip
    if run.out.json:
        rows = [{"name": name, "shape": list(shape)} for name, shape in sizes.items()]
        run.out.result("", model=info.name, codes=[info.num_layers, info.width], layers=rows)
    else:
        run.out.rows([[name, "x".join(map(str, shape))] for name, shape in sizes.items()])
    return 0
