"""A method's parameters as options of `latty discover`, read from its source."""

from typing import Any

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.cli.values import label, model
from latty.directions.importing.model_names import GANSPACE
from latty.directions.parameters import LABEL, Parameter, parameters, parse, resolved
from latty.directions.registries import METHODS
from latty.latents import look

PREFIX = "parameter_"
LAYER = "layer"  # the parameter that names one
LATENTS = "latents"  # the parameter that names stored latents


def add(parser: Parser) -> None:
    """The options of the method that the command line names, and its summary as description."""
    method = next((word for word in parser.words if word in METHODS), None)
    if method is None:
        parser.epilog = f"methods: {', '.join(METHODS.names())}"
        return
    parser.description = f"{method}: {METHODS.summary(method)}"
    parser.epilog = (
        "The same command goes on where an interrupted one stopped.\n\n"
        'stdout: the name of the set. --json: {"name", "path", "method", "directions", ...}.'
    )
    group = parser.add_argument_group(f"parameters of {method}")
    for one in parameters(method):
        group.add_argument(
            f"--{one.name.replace('_', '-')}",
            dest=f"{PREFIX}{one.name}",
            metavar=_metavar(one),
            help=_help(one),
        )


def given(run: Run) -> dict[str, Any]:
    """The parameters that the command line names, in the words of the method and the model, which
    is opened only where a class or a layer is said in others. What is called otherwise here is
    told. Raises UsageError, and what opening does."""
    args, config = run.args, run.config()
    where = config.device, run.precision(args.model)
    model(args.model)
    texts = {one: getattr(args, f"{PREFIX}{one.name}", None) for one in parameters(args.method)}
    found = {one.name: parse(one, text) for one, text in texts.items() if text is not None}
    if ref := found.get(LATENTS):
        look(ref)  # what is not there is told before torch is imported
    if isinstance(found.get(LABEL), str):
        found[LABEL] = label(found[LABEL], args.model, *where)
    if GANSPACE.fullmatch(str(found.get(LAYER, ""))):
        from latty.models import open_model

        found = dict(resolved(found, open_model(args.model, *where)))
    for one, text in texts.items():
        if text is not None and (one.name == LAYER or one.aliases) and text != found[one.name]:
            more = f", for layers {found['layers']}" if text.startswith("strided_style") else ""
            run.out.say(f"--{one.name} {text} is {found[one.name]} here{more}")
    return found


def _metavar(one: Parameter) -> str:
    if one.choices:
        return "WORD"
    names = {"int": "N", "float": "X", "bool": "YES", "str": "WORD"}
    return names.get(one.kinds[0], "LIST")


def _help(one: Parameter) -> str:
    """What it is, its words, and what it is if nobody says."""
    words = one.help
    if one.choices:
        words += f": {', '.join(one.choices)}"
    if one.aliases:
        words += f"; also {', '.join(f'{said} ({own})' for said, own in one.aliases)}"
    default = one.default
    if isinstance(default, tuple):
        default = ",".join(str(item) for item in default)
    told = f"{words} (default: {default})" if default not in ("", None) else words
    return told.strip().replace("%", "%%")
