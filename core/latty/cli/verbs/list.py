"""The models, directions, methods, scorers, presets, formats or jobs there are."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.directions.registries import METHODS
from latty.errors import LattyError, UsageError
from latty.plugins import Registry

ORDER = 100
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

Row = dict[str, Any]
SHOWN = 5  # attributes of a scorer in a table


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = '--json: {"name", "what", ...} per entry; more keys depend on the kind.'
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--zoo", action="store_true", dest="in_zoo",
                        help="the models that latty fetch can get")  # fmt: skip
    parser.add_json()


def run(run: Run) -> int:
    """A table for people (name, then what it is), or a JSON object per entry."""
    kinds: dict[str, Callable[[], Iterator[Row]]] = {
        "models": _models,
        "directions": _directions,
        "latents": _latents,
        "methods": lambda: _entries(METHODS),
        "scorers": _scorers,
        "presets": _presets,
        "formats": _formats,
        "jobs": _jobs,
    }
    if run.args.in_zoo and run.args.kind != "models":
        raise UsageError("--zoo goes with models", "latty list models --zoo")
    rows = [*(_zoo(run) if run.args.in_zoo else kinds[run.args.kind]())]
    if run.out.json:
        for row in rows:
            run.out.result("", **row)
    elif rows:
        run.out.rows([[row["name"], *_more(row), row["what"]] for row in rows])
    else:
        run.out.say(f"no {run.args.kind} here")
    return 0


def _entries(registry: Registry[Any]) -> Iterator[Row]:
    for name in registry.names():
        yield {"name": name, "what": registry.summary(name)}


def _more(row: Row) -> Sequence[str]:
    """What stands between name and words of a scorer: its attributes, the first of them."""
    names = row.get("attributes")
    if names is None:
        return []
    return [f"{', '.join(names[:SHOWN])}{f', ... ({len(names)})' if len(names) > SHOWN else ''}"]


def _scorers() -> Iterator[Row]:
    from latty.attributes.card import read_card
    from latty.attributes.names import names_of, scorer_names
    from latty.attributes.registries import SCORERS
    from latty.attributes.store import CARDS

    mine = CARDS.files()
    for name in scorer_names():
        if name not in mine:
            yield {"name": name, "what": SCORERS.summary(name), "kind": "built in",
                   "attributes": [*names_of(name)]}  # fmt: skip
            continue
        try:
            card = read_card(mine[name])
        except LattyError as error:
            reason = str(error).split("\n", 1)[0]
            yield {"name": name, "what": f"cannot be read: {reason}", "attributes": []}
            continue
        what = f"{card.kind}, {card.size[0]} x {card.size[1]} px"
        yield {"name": name, "what": f"{what}, {card.title}" if card.title else what,
               "kind": card.kind, "attributes": [*card.names]}  # fmt: skip


def _models() -> Iterator[Row]:
    from latty.checkpoints.safetensors import read_header
    from latty.models.registries import FAMILIES
    from latty.models.store import MODELS

    files = MODELS.files()
    for name in MODELS.names():
        if name not in files:
            yield {"name": name, "what": FAMILIES.summary(name), "family": name}
            continue
        meta = read_header(files[name]).meta
        what = meta.get("title") or meta.get("description") or meta.get("family", "")
        yield {"name": name, "what": what, "family": meta.get("family", ""),
               "bytes": files[name].stat().st_size}  # fmt: skip


def _zoo(run: Run) -> Iterator[Row]:
    from pathlib import Path

    from latty.models import zoo
    from latty.models.store import MODELS

    own, here = run.config().zoo, MODELS.names()
    for entry in zoo.read(Path(own).expanduser() if own else None).values():
        words = f"{entry.what()}{'; is here' if entry.name in here else ''}"
        yield {"name": entry.name, "what": words, "family": entry.family,
               "resolution": entry.resolution, "address": entry.address, "sha256": entry.sha256,
               "bytes": entry.size, "licence": entry.licence, "by_hand": entry.by_hand,
               "source": entry.source.title, "page": entry.source.page,
               "named_in": entry.source.named_in, "here": entry.name in here}  # fmt: skip


def _directions() -> Iterator[Row]:
    from latty.directions.file import read_header
    from latty.directions.store import SETS

    for name, path in SETS.files().items():
        try:
            header = read_header(path)
        except LattyError as error:
            yield {"name": name, "what": f"cannot be read: {error.message}"}
            continue
        for info in header.infos:
            low, high = info.usable
            words = f"{header.model}, {header.method}, {low:+g} to {high:+g} sigma"
            scores = dict(info.scores)
            words += "".join(f", {key} {value:.2f}" for key, value in [*scores.items()][:3])
            yield {"name": f"{name}/{info.name}", "what": f"{words}, layers {info.layers}",
                   "model": header.model, "method": header.method, "space": header.space,
                   "sigma": info.sigma, "usable": [low, high], "layers": str(info.layers),
                   "scores": scores}  # fmt: skip


def _latents() -> Iterator[Row]:
    from latty import latents

    for name in latents.LATENTS.files():
        try:
            found = latents.look(name)
        except LattyError as error:
            yield {"name": name, "what": f"cannot be read: {error.message}"}
            continue
        shape = " x ".join(str(size) for size in found.shape)
        yield {"name": name, "what": f"{found.space}, {shape}", "space": found.space,
               "shape": [*found.shape]}  # fmt: skip


def _jobs() -> Iterator[Row]:
    from latty.cli.job_table import how_far, row
    from latty.jobs import run as runs

    for status in runs.listed():
        words = f"{status.state:<11}  {how_far(status)}  latty {status.spec.title}"
        yield {"name": status.id, "what": words, **row(status)}


def _presets() -> Iterator[Row]:
    import tomllib

    from latty.presets import shipped

    for name, path in shipped().items():
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
        paths = [output.get("path", "") for output in data.get("outputs", ())]
        # A preset says what it is in the first comment that is not for editors.
        notes = (line.lstrip("# ") for line in text.splitlines() if line.startswith("# "))
        yield {"name": name, "what": next(notes, ", ".join(paths)), "outputs": paths,
               "model": data.get("scene", {}).get("model", "")}  # fmt: skip


def _formats() -> Iterator[Row]:
    from latty.presets.formats import FOLDER, WRITERS, formats

    for suffix, found in formats().items():
        name = "NAME/" if suffix == FOLDER else suffix
        yield {"name": name, "what": WRITERS.summary(found.writer)}
