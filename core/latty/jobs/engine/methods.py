"""What the methods of discovery say of a model: asked of the engine, which has it open."""

from dataclasses import asdict
from typing import Any

from latty.attributes.names import names_of, scorer_names
from latty.directions.pace import measured
from latty.directions.registries import METHODS
from latty.errors import LattyError
from latty.jobs.engine.cache import ModelCache
from latty.models.base import Generator, HasActivations


def methods(model: str, cache: ModelCache) -> dict[str, Any]:
    """`lacks`: method -> what the model lacks for it, of those that do not fit; `fits`: method ->
    parameters with which it fits where it does not with the usual ones; `attributes`: scorer -> the
    names it scores; `pace`: how long things take with it here."""
    generator = cache.generator(model)
    lacks, fits, attributes = {}, {}, {}
    for name in METHODS.names():
        try:
            method = METHODS.load(name).METHOD
            words = method().missing(generator)
            if words and (layer := _layer(method, generator)):
                fits[name] = {"layer": layer, **METHODS.constant(name, "LAYERED", {})}
                words = ""
        except (LattyError, ImportError) as error:
            words = str(error)
        if words:
            lacks[name] = words
    for scorer in scorer_names():
        try:
            attributes[scorer] = list(names_of(scorer, generator))
        except (LattyError, OSError):  # it says why when it is asked for
            attributes[scorer] = []
    pace = asdict(measured(generator))
    return {"lacks": lacks, "fits": fits, "attributes": attributes, "pace": pace}


def _layer(method: Any, generator: Generator) -> str:
    """The first layer with which a method fits that does not without one; "" = none, or it reads
    no layer."""
    if "layer" not in vars(method()) or not isinstance(generator, HasActivations):
        return ""
    names = generator.activation_names()
    return next((name for name in names if not method(layer=name).missing(generator)), "")
