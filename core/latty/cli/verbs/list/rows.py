"""Rows of `latty list` for what needs no file of its own; all kinds by their name."""

import tomllib
from collections.abc import Callable, Iterator

from latty.cli.run import Run
from latty.cli.verbs.list import stored
from latty.cli.verbs.list.scorers import scorers
from latty.cli.verbs.list.stored import Row, entry
from latty.directions.registries import METHODS


def methods(run: Run) -> Iterator[Row]:
    """Methods that find directions."""
    return (entry(METHODS, name) for name in METHODS.names())


def presets(run: Run) -> Iterator[Row]:
    """Presets that ship."""
    from latty.presets import shipped

    for name, path in shipped().items():
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
        paths = [output.get("path", "") for output in data.get("outputs", ())]
        # A preset says what it is in the first comment that is not for editors.
        notes = (line.lstrip("# ") for line in text.splitlines() if line.startswith("# "))
        yield {"name": name, "what": next(notes, ", ".join(paths)), "outputs": paths,
               "model": data.get("scene", {}).get("model", "")}  # fmt: skip


def formats(run: Run) -> Iterator[Row]:
    """What a preset can be rendered to, by suffix; then whose model files open."""
    from latty.models.registries import readable
    from latty.presets import formats as known

    for suffix, found in known.formats().items():
        name = "NAME/" if suffix == known.FOLDER else suffix
        yield {
            **entry(known.WRITERS, found.writer),
            "name": name,
            "what": found.about + (f" codec: {', '.join(found.codecs)}." if found.codecs else ""),
            "use": "write",
            "codecs": found.codecs,
        }
    for one in readable():
        what = f"{one.origin}{f' (checked: {one.checked})' if one.checked else ''}"
        yield {**entry(one.registry, one.name), "what": what, "use": "read", "family": one.family,
               "origin": one.origin, "checked": one.checked}  # fmt: skip


def jobs(run: Run) -> Iterator[Row]:
    """Jobs, the oldest first."""
    from latty.cli.job_table import how_far, row
    from latty.jobs import run as runs

    for status in runs.listed():
        words = f"{status.state:<11}  {how_far(status)}  latty {status.spec.title}"
        yield {"name": status.id, "what": words, **row(status)}


KINDS: dict[str, Callable[[Run], Iterator[Row]]] = {
    "models": stored.models,
    "directions": stored.directions,
    "latents": stored.latents,
    "methods": methods,
    "scorers": scorers,
    "presets": presets,
    "formats": formats,
    "jobs": jobs,
}
