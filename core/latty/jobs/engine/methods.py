"""What the methods of discovery say of a model: asked of the engine, which has it open."""

from typing import Any

from latty.attributes.names import names_of, scorer_names
from latty.directions.registries import METHODS
from latty.errors import LattyError
from latty.jobs.engine.cache import ModelCache


def methods(model: str, cache: ModelCache) -> dict[str, Any]:
    """`lacks`: method -> what the model lacks for it, of those that do not fit; `attributes`:
    scorer -> the names it scores."""
    generator = cache.generator(model)
    lacks, attributes = {}, {}
    for name in METHODS.names():
        try:
            words = METHODS.load(name).METHOD().missing(generator)
        except (LattyError, ImportError) as error:
            words = str(error)
        if words:
            lacks[name] = words
    for scorer in scorer_names():
        try:
            attributes[scorer] = list(names_of(scorer, generator))
        except (LattyError, OSError):  # it says why when it is asked for
            attributes[scorer] = []
    return {"lacks": lacks, "attributes": attributes}
