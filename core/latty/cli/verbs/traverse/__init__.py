"""Walk every direction of a set from every seed: latents, films, scores, all kept."""

from pathlib import Path

from latty.cli import detach as cli_detach
from latty.cli import values, walks, workers
from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import UsageError, did_you_mean
from latty.presets.formats import FOLDER, format_of, formats
from latty.render import growing

ORDER = 39
DETACHES = True
NO_FILM = "none"
SEEDS, STEPS = "0-7", 33


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "writes traverse.json, latents.safetensors (K, N, T, D), walks/ (the pictures, exactly),\n"
        "films/ and scores/ into one folder (docs/traversals.md). The same command goes on where\n"
        "it was stopped. latty rank DIR scores what is kept, and draws nothing.\n\n"
        'stdout: the folder. --json: {"path", "set", "model", "latents", "shape", "films",\n'
        '"scores"}.'
    )
    parser.add_argument(
        "set", metavar="SET", help="a direction set (latty list directions), a path"
    )
    walks.options(parser, SEEDS, STEPS)
    add = parser.add_argument
    add("--leap", type=int, default=1, metavar="N",
        help="keep every N-th strength, counted from the middle (default: 1)")  # fmt: skip
    add("--scorers", default="", metavar="LIST",
        help="scores that are kept at once, as in smile,geometry (default: none)")  # fmt: skip
    add("--film", default="gif", metavar="FORMAT",
        help="gif, webp, mp4, webm ... or none (default: gif)")  # fmt: skip
    add("-o", "--output", metavar="DIR", help="the folder (default: SET-traverse in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--update", action="store_true",
        help="replace another traversal; add scores to this one")  # fmt: skip
    parser.add_recipe()
    parser.add_switches()
    parser.add_detach()
    parser.add_workers()
    parser.add_device()
    parser.add_precision()
    parser.add_json()


def run(run: Run) -> int:
    """Draw, write; the folder is the result. Raises UsageError, and what a traversal raises."""
    from latty.presets.naming import maker

    args, config = run.args, run.config()
    model = values.model(args.model or maker(args.set))
    rest, film = walks.of(args, SEEDS, STEPS), _film(args.film)
    if args.leap < 1:
        raise UsageError(f"--leap {args.leap}: 1 or more")
    folder = config.out_dir / f"{Path(args.set).stem}-traverse"
    if args.output is not None:
        folder = Path(args.output).expanduser()
    spread = workers.asked(run)
    growing.refuse_early(folder, values.switches(args)["overwrite"] or args.update)
    if args.detach:
        return cli_detach.detached(run)
    from latty.cli.verbs.traverse.working import traverse

    traverse(run, model, rest, film, folder, spread)
    return 0


def _film(word: str) -> str:
    """The suffix of films, "" for none. Raises UsageError for what is no film."""
    if word == NO_FILM:
        return ""
    found = format_of(f"x.{word.lstrip('.')}")
    if found is None or not found.film:
        known = [NO_FILM, *(one.suffix[1:] for one in formats().values() if one.film and
                            one.suffix != FOLDER)]  # fmt: skip
        hint = did_you_mean(word, known) or ", ".join(known)
        raise UsageError(f"--film: '{word}' is no film", hint)
    return found.suffix
