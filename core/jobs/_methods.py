"""What the methods of discovery say of a model: asked of the engine, which has it open."""

from typing import Any

from core import plugins
from core.attributes._names import names_of, scorer_names
from core.directions._params import PACKAGE
from core.errors import LattyError
from core.jobs._preview import Easel


def methods(model: str, easel: Easel) -> dict[str, Any]:
    """`lacks`: method -> what the model lacks for it, of those that do not fit; `attributes`:
    scorer -> the names it scores."""
    generator = easel.generator(model)
    lacks, attributes = {}, {}
    for name in plugins.names(PACKAGE):
        try:
            words = plugins.load(PACKAGE, name, "METHOD")().missing(generator)
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
