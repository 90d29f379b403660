"""What each verb takes: one function per verb, and the words of its `--help`."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial

from latty.cli import workers
from latty.cli.grammar import Parser

KINDS = (
    "models",
    "directions",
    "latents",
    "methods",
    "scorers",
    "presets",
    "formats",
    "jobs",
)
ACTIONS = ("list", "show", "watch", "cancel", "resume", "logs")
SHELLS = ("bash", "zsh", "fish")


def functions(words: Sequence[str] = ()) -> dict[str, Callable[[Parser], None]]:
    """Verb -> what adds its options to a parser; `words` name the method that `discover` asks."""
    return {
        "render": _render,
        "sample": _sample,
        "discover": partial(_discover, words=words),
        "rank": _rank,
        "edit": _edit,
        "import": _import,
        "fetch": _fetch,
        "train-scorer": _train_scorer,
        "jobs": _jobs,
        "list": _list,
        "inspect": _inspect,
        "check": _check,
        "doctor": json,
        "completion": _completion,
    }


def json(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def device(parser: Parser) -> None:
    parser.add_argument("--device", metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps")


def image(parser: Parser) -> None:
    ways = "auto, sixel, kitty, iterm, blocks or saved"
    parser.add_argument("--image", metavar="WAY", help=f"how to show pictures: {ways}")
    parser.add_argument("--pictures", metavar="WAY", dest="image", help=argparse.SUPPRESS)


def detach(parser: Parser) -> None:
    group = parser.add_argument_group("as a job")
    add = group.add_argument
    add("--detach", action="store_true", help="go on without this terminal; see: latty jobs")
    add("--gpus", type=int, default=1, metavar="N", help="GPUs the job needs at once (default: 1)")


def batch(parser: Parser) -> None:
    parser.add_argument("--batch", metavar="N", help="frames made at once (default 8)")


def _render(parser: Parser) -> None:
    parser.epilog = (
        "PRESET is a .toml file, the name of a shipped preset (hello), - for stdin, or a picture\n"
        "that latty made: it is rendered again under its own name into --out-dir.\n\n"
        'stdout: the files written. --json: {"preset", "path", "bytes"} per file, or, for a\n'
        'preset that failed, {"preset", "error", "hint", "code"}. --dry-run --json: the plan,\n'
        "one object per file that would be written."
    )
    add = parser.add_argument
    add("presets", nargs="+", metavar="PRESET")
    add("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
        help="change a value of the preset, as in scene.seed=3")  # fmt: skip
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("-o", "--output", metavar="PATH", help="write one file, there; the suffix is its format")
    add("--force", action="store_true", help="overwrite what is there; apply directions of others")
    add("--dry-run", action="store_true", help="say what would be made; write nothing")
    add("--show", action="store_true", help="show the results in this terminal afterwards")
    detach(parser)
    workers.options(parser)
    device(parser)
    batch(parser)
    image(parser)
    json(parser)


def _sample(parser: Parser) -> None:
    parser.epilog = 'stdout: the file written. --json: {"path", "bytes", "model", "seeds"}.'
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--seeds", default="0-15", metavar="LIST", help="such as 0-15,40 (default: 0-15)")
    add("--label", metavar="N", help="class: an index, a name, or a mixture such as 3=0.7,5=0.3")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled, 0 = mean")
    add("--noise", default="const", metavar="KIND", help="const, none or a seed")
    add("--size", type=int, metavar="PX", help="height of one picture")
    add("--columns", type=int, metavar="N", help="pictures in a row (default: nearly square)")
    add("-o", "--output", metavar="PATH", help="a .png (default: MODEL-samples.png in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--force", action="store_true", help="overwrite what is there")
    add("--show", action="store_true", help="show the sheet in this terminal afterwards")
    device(parser)
    batch(parser)
    image(parser)
    json(parser)


def _discover(parser: Parser, words: Sequence[str]) -> None:
    add = parser.add_argument
    add("method", metavar="METHOD", help="latty list methods; latty discover METHOD --help")
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("-o", "--output", metavar="NAME", help="what to call the set, or a .safetensors path "
        "(default: MODEL-METHOD)")  # fmt: skip
    add("--force", action="store_true", help="replace a set of that name")
    detach(parser)
    workers.options(parser)
    device(parser)
    json(parser)
    if "discover" not in words:
        return  # reading a method's parameters costs milliseconds that other verbs need not pay
    from latty.cli import parameters

    parameters.add(parser, words)


def _rank(parser: Parser) -> None:
    parser.epilog = (
        "writes ranking.csv, curves.csv, ranking.json, GIFs and README.md into one folder.\n\n"
        'stdout: the folder. --json: {"path", "set", "model", "rows"}.'
    )
    add = parser.add_argument
    add("set", metavar="SET", help="a direction set (latty list directions) or a path")
    add("--scorers", default="factors", metavar="LIST",
        help="attributes or scorers, as in smile,yaw,geometry (default: factors)")  # fmt: skip
    add("--model", metavar="MODEL", help="default: the model the set was made for")
    add("--directions", metavar="LIST", help="names in the set (default: all)")
    add("--seeds", default="0-31", metavar="LIST", help="where the walks start (default: 0-31)")
    add("--span", type=float, metavar="X", help="-X to +X sigma (default: the usable range)")
    add("--steps", type=int, default=7, metavar="N", help="strengths of a walk (default: 7)")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled")
    add("--by", choices=("corr", "amplitude", "selectivity"), default="corr", metavar="FIGURE",
        help="corr, amplitude or selectivity (default: corr)")  # fmt: skip
    add("--top", type=int, default=3, metavar="N", help="directions shown of each (default: 3)")
    add("-o", "--output", metavar="DIR", help="the folder (default: SET-rank in --out-dir)")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--force", action="store_true", help="replace a ranking that is there")
    add("--force-model", action="store_true", help="walk directions of another model, too")
    detach(parser)
    workers.options(parser)
    device(parser)
    json(parser)


def _edit(parser: Parser) -> None:
    parser.epilog = (
        "writes NAME.gif, the frames NAME/0000.png and so on, and NAME.safetensors with the\n"
        'latent of each frame: latent = "NAME.safetensors#-1" starts a preset where the walk\n'
        "ended. Where the goal is not reached they are written, too, and the exit code is 1.\n\n"
        'stdout: the files. --json: {"paths", "start", "end", "goal", "steps", "stopped", ...}.'
    )
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name (latty list models) or a path")
    add("--attribute", required=True, metavar="NAME", help="as in smile or geometry/area")
    add("--to", type=float, required=True, metavar="X", help="walk until the score is X")
    add("--seed", type=int, default=0, metavar="N", help="where the walk starts (default: 0)")
    add("--keep", metavar="LIST", help="attributes that stay, as in yaw,age")
    add("--identity", type=float, default=0.0, metavar="X",
        help="0 to 1: how strongly the first picture is held on to (default: 0)")  # fmt: skip
    add("--of", choices=("score", "logit"), default="score", metavar="WHAT",
        help="what is climbed: score, or the logit of a probability")  # fmt: skip
    add("--space", choices=("z", "w"), metavar="SPACE", help="z or w (default: the model's own)")
    add("--layers", default="all", metavar="RANGE", help="layers that move, as in 4-8")
    add("--step", type=float, default=0.3, metavar="X", help="longest step, in standard "
        "deviations of the latents (default: 0.3)")  # fmt: skip
    add("--steps", type=int, default=60, metavar="N", help="at most (default: 60)")
    add("--distance", type=float, default=8.0, metavar="X", help="at most (default: 8)")
    add("--label", metavar="N", help="class: an index, a name, or a mixture such as 3=0.7,5=0.3")
    add("--truncation", type=float, default=1.0, metavar="PSI", help="1 = as sampled, 0 = mean")
    add("--frames", type=int, default=30, metavar="N", help="pictures on the way (default: 30)")
    add("--size", type=int, metavar="PX", help="height of a picture")
    add("-o", "--output", metavar="PATH", help="the GIF; the rest goes beside it")
    add("--out-dir", metavar="DIR", help="where results go (default: renders)")
    add("--name", metavar="N", help="what to call them (default: MODEL-SEED-ATTRIBUTE)")
    add("--force", action="store_true", help="overwrite what is there")
    detach(parser)
    device(parser)
    batch(parser)
    json(parser)


def _import(parser: Parser) -> None:
    parser.set_defaults(verb="import_")  # Python keeps the bare word for itself
    parser.epilog = (
        "FILE is a checkpoint, directions or latents of another program, a scorer (TOML), or the\n"
        "folder of an experiment; its content decides, and nothing in it is run.\n"
        "docs/checkpoints.md says which checkpoints open, docs/specs.md how to describe a plain\n"
        "network whose strides no checkpoint holds, docs/importing.md all the other kinds.\n\n"
        'stdout: the name. --json: {"name", "kind", "path", "notes", ...}.'
    )
    add = parser.add_argument
    add("file", metavar="FILE")
    add("--name", metavar="N", help="what to call it (default: the file's own name)")
    add("--as", metavar="KIND", dest="kind", help="what it is, as in interfacegan or latents")
    add("--space", metavar="SPACE", help="of directions or latents: z, w or activation:LAYER")
    add("--spec", metavar="FILE", help="the architecture of a plain network, in TOML")
    add("--force", action="store_true", help="replace what has that name")
    json(parser)


def _fetch(parser: Parser) -> None:
    parser.epilog = (
        "NAME is one of `latty list models --zoo`. An interrupted run goes on where it stopped.\n"
        'LATTY_ZOO=FILE, or zoo = "FILE" in latty.toml, names a zoo of your own in place of it.\n\n'
        'stdout: the name of the model. --json: {"name", "path", "family", "address", ...}.'
    )
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--force", action="store_true", help="fetch again, replace the model")
    json(parser)


def _train_scorer(parser: Parser) -> None:
    parser.set_defaults(verb="train_scorer")
    parser.epilog = (
        "DATA is a folder that holds a folder of pictures for each class, or a CSV with a column\n"
        "'file' (paths beside the CSV) and a column per attribute: 0 and 1, or numbers. An\n"
        "interrupted run goes on where it stopped. docs/scorers.md says how scorers are used.\n\n"
        'stdout: the name. --json: {"name", "path", "attributes", "pictures", "skipped", ...}.'
    )
    add = parser.add_argument
    add("data", metavar="DATA")
    add("-o", "--output", required=True, metavar="NAME", help="what to call the scorer")
    add("--size", type=int, default=64, metavar="PX", help="px it looks at (default: 64)")
    add("--channels", type=int, default=3, metavar="N", help="3 colour, 1 grey (default: 3)")
    add("--width", type=int, default=16, metavar="N", help="of the network (default: 16)")
    add("--epochs", type=int, default=20, metavar="N", help="times all pictures (default: 20)")
    add("--batch", type=int, default=64, metavar="N", dest="batch_size",
        help="pictures per step (default: 64)")  # fmt: skip
    add("--lr", type=float, default=3e-3, metavar="X", help="learning rate (default: 0.003)")
    add("--val", type=float, default=0.1, metavar="X", help="share held out (default: 0.1)")
    add("--flip", action="store_true", help="mirror pictures at random")
    add("--seed", type=int, default=0, metavar="N", help="of every random number (default: 0)")
    add("--force", action="store_true", help="replace a scorer of that name")
    detach(parser)
    device(parser)
    json(parser)


def _jobs(parser: Parser) -> None:
    parser.epilog = (
        "ID is a job's id, a part of it that fits one job only, or last.\n"
        "watch without ID follows all that are not over; resume takes up all interrupted ones.\n\n"
        '--json: {"id", "state", "words", "progress", "outputs", "error", ...} per job.'
    )
    add = parser.add_argument
    add("action", nargs="?", choices=ACTIONS, default="list", metavar="ACTION",
        help=f"{', '.join(ACTIONS)} (default: list)")  # fmt: skip
    add("ids", nargs="*", metavar="ID")
    json(parser)


def _list(parser: Parser) -> None:
    parser.epilog = '--json: {"name", "what", ...} per entry; more keys depend on the kind.'
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--zoo", action="store_true", dest="in_zoo",
                        help="the models that latty fetch can get")  # fmt: skip
    json(parser)


def _inspect(parser: Parser) -> None:
    parser.epilog = '--json: {"file", "bytes", "kind", ...}: what is known of the file.'
    parser.add_argument("file", metavar="FILE")
    json(parser)


def _check(parser: Parser) -> None:
    parser.epilog = (
        '--json: {"preset", "ok", "warnings", "problems"} per preset;\n'
        'a problem is {"line", "column", "key", "what", "hint"}.'
    )
    parser.add_argument("presets", nargs="+", metavar="PRESET", help="a .toml, a name, or -")
    json(parser)


def _completion(parser: Parser) -> None:
    parser.epilog = (
        "bash: latty completion bash > ~/.local/share/bash-completion/completions/latty\n"
        "zsh:  latty completion zsh > a folder of your $fpath, named _latty\n"
        "fish: latty completion fish > ~/.config/fish/completions/latty.fish"
    )
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))
