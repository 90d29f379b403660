"""Write a model, directions or latents as other programs read them."""

from pathlib import Path

from latty.cli.parser import Parser
from latty.cli.run import Run

ORDER = 65


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "models       rosinality, nvidia: tensors under these names, .safetensors\n"
        "directions   interfacegan: one boundary .npy each; ganspace_npz; npy\n"
        "latents      projected_w: an .npz of w, as NVIDIA's projector writes; npy\n"
        "What a format cannot hold is refused, or said. Nothing is written as a pickle.\n\n"
        'stdout: the files. --json: {"paths", "kind", "format", "notes"}.'
    )
    add = parser.add_argument
    add("ref", metavar="MODEL|SET|LATENTS", help="a name or file; SET/NAME, LATENTS#0 for one")
    add("--as", dest="kind", metavar="FORMAT", required=True, help="one of those below")
    add("-o", "--output", metavar="PATH", required=True,
        help="the file; a folder where several are written")  # fmt: skip
    add("--layers", type=int, default=0, metavar="N", help="for codes that are one for all layers")
    parser.add_overwrite("overwrite what is there")
    parser.add_json()


def run(run: Run) -> int:
    """Look it up, convert, write. Raises UsageError, Missing, BadData, WouldOverwrite."""
    from latty.cli.verbs.export.writing import export

    args = run.args
    output = Path(args.output).expanduser()
    made = export(args.ref, args.kind, output, args.overwrite, args.layers)
    for note in made.notes:
        run.out.say(note)
    paths = [str(path) for path in made.paths]
    run.out.result("\n".join(paths), paths=paths, kind=made.kind, format=args.kind,
                   notes=list(made.notes))  # fmt: skip
    return 0
