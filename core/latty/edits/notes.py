"""What is worth a word about a scene that was drawn: what had to be assumed, what was made for
another model."""

from latty import latents
from latty.directions.opening import made_for_another
from latty.directions.remembered import remembered
from latty.models.base import Generator
from latty.models.classes import names_of, words_of
from latty.scene import MIXING, Scene, references, to_table


def assumed(scene: Scene, generator: Generator) -> list[str]:
    """A note where the scene is drawn with a class that it does not name. Raises Missing,
    BadData."""
    label, source = remembered(scene) if generator.info.num_classes else (None, "")
    if label is None:
        return []
    words = words_of(label, names_of(generator))
    return [f"class {words}, as {source} remembers it; label in [scene] says another"]


def foreign(scene: Scene, generator: Generator) -> list[str]:
    """A note for every set and every file of latents that was made for another model. Raises
    Missing, BadData."""
    notes: dict[str, None] = {}
    for _, kind, ref in references(to_table(scene)):
        if kind == "latent":
            notes[latents.made_for_another(ref, generator.info)] = None
        elif kind != "model" and not ref.startswith(MIXING):
            notes[made_for_another(ref, generator.info)] = None
    return [note for note in notes if note]
