"""latty: the studio for steering pretrained GANs, as a library.

    open_model(ref)             a generator: one that ships, one of the store, any checkpoint
    picture(scene)              the picture of a scene; strip(scene, direction): along a direction
    open_directions(ref)        a direction set, whose directions are Edits
    discover(method, model, name), rank_directions(ref, scorers), open_scorer(name)
    read_preset(source), render_preset(preset, out_dir)
    Scene, Edit, Layers, Walk, Preset           the frozen values that all of it speaks of
    LattyError                  everything that can go wrong, with a hint

A name is imported when it is first used: `import latty` costs nothing. The rooms, bottom floor
first; each imports itself and what is above it here, never what is below:

    errors.py report.py scene.py home.py files.py process.py shard.py version.py    one word each
    plugins.py     a folder is a registry: names, load, and entries of other distributions
    checkpoints/   reading weight files; nothing in them is ever run
    models/        Generator and its protocols; families/ and layouts/ are registries
    latents/       stored latents, where a scene may start instead of at a seed
    attributes/    what a picture is like, in numbers; scorers/ is a registry
    directions/    how to find a direction and how to move along it; methods/, importers/ and
                   transforms/ are registries
    edits/         a stack of edits applied to latents
    presets/       a TOML file becomes a Preset; Preset.at(t) is a Scene
    render/        a Scene becomes a picture, a Preset becomes a GIF; writers/ is a registry
    rank/          what each direction does to each attribute, in figures and files
    jobs/          work that outlives the terminal; shards over processes and machines
    api.py         what this module offers
    config.py cli/ one command line; cli/verbs/ is a registry
    shipped/       the models, direction sets and scorer that come with latty
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from latty.version import __version__ as __version__

if TYPE_CHECKING:
    from latty.api import (
        discover,
        open_directions,
        open_scorer,
        picture,
        rank_directions,
        read_preset,
        render_preset,
        strip,
    )
    from latty.errors import LattyError
    from latty.models import open_model
    from latty.presets import Preset
    from latty.scene import Edit, Layers, Scene, Walk

__all__ = [
    "Edit",
    "LattyError",
    "Layers",
    "Preset",
    "Scene",
    "Walk",
    "discover",
    "open_directions",
    "open_model",
    "open_scorer",
    "picture",
    "rank_directions",
    "read_preset",
    "render_preset",
    "strip",
]
_ELSEWHERE = {
    "Edit": "scene",
    "LattyError": "errors",
    "Layers": "scene",
    "Preset": "presets",
    "Scene": "scene",
    "Walk": "scene",
    "open_model": "models",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for (PEP 562). Raises AttributeError."""
    if name not in __all__:
        raise AttributeError(f"module 'latty' has no attribute '{name}'")
    found = getattr(import_module(f"latty.{_ELSEWHERE.get(name, 'api')}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
