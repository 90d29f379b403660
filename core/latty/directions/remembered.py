"""The class that a scene is drawn with where it names none; neither torch nor numpy."""

from latty import latents
from latty.directions.store import set_info, split
from latty.errors import LattyError
from latty.scene import MIXING, Label, Scene


def remembered(scene: Scene) -> tuple[Label, str]:
    """The class that its stored latents remember, or else the sets of its edits, if all of them
    remember the same one; and who remembers it. (None, "") where nobody does, or the scene names
    a class. Raises Missing, BadData for its latents."""
    if scene.label is not None:
        return None, ""
    if scene.latent is not None and (label := latents.look(scene.latent).label) is not None:
        return label, scene.latent
    edits = [edit.direction for edit in scene.edits if not edit.direction.startswith(MIXING)]
    try:
        sets = dict.fromkeys(split(ref)[0] for ref in edits)
        labels = {set_info(ref).label for ref in sets}
    except LattyError:  # applying the edits says it, with the edit
        return None, ""
    return (labels.pop(), ", ".join(sets)) if len(labels) == 1 else (None, "")
