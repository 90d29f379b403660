"""Lines of the latent panel: noise, class, mixed seeds, stored latents, size; and all in order."""

from dataclasses import replace
from typing import Any, ClassVar

from latty.models.registries import FAMILIES
from latty.scene import SEED_LIMIT, Edit, Walk
from latty_tui.dialogs import readers as reading
from latty_tui.library.direction_facts import MIXING
from latty_tui.panels.latent.field import Change, LatentField, Look, Question
from latty_tui.panels.latent.seed_fields import After, Along, Blend, Cutoff, Seed, Truncation
from latty_tui.state import State

SIZES = (None, 64, 128, 256, 512, 1024, 2048)
MIX_HINT = "a seed, the share of the way to it, layers: 42 70% @ 0-3"


NOISES = ("none", "const")  # before the seeds


class Noise(LatentField):
    NAME = "noise"
    USUAL: ClassVar = {"noise": "const"}

    def words(self, look: Look) -> str:
        noise = look.scene.noise
        return noise if isinstance(noise, str) else f"seed {noise}"

    def why(self, look: Look) -> str:
        family = look.model.family if look.model else ""
        silent = not FAMILIES.constant(family, "NOISE", True)
        return "this model has no noise" if silent else ""

    def _at(self, state: State, noise: Any) -> Change:
        return state.with_scene(noise=noise), f"noise {noise}"

    def nudged(self, look: Look, way: int, coarse: bool = False) -> Change:
        noise = look.scene.noise
        now = noise if isinstance(noise, int) else NOISES.index(noise) - len(NOISES)
        at = max(-len(NOISES), min(SEED_LIMIT - 1, now + way))
        return self._at(look.state, at if at >= 0 else NOISES[at])

    def question(self, look: Look) -> Question:
        return Question("noise", str(look.scene.noise), lambda text: (reading.noise(text),),
                        self._at, "const, none, or a seed")  # fmt: skip


class Class(LatentField):
    NAME = "class"
    USUAL: ClassVar = {"label": None}

    def _names(self, look: Look) -> tuple[str, ...]:
        return look.model.classes if look.model else ()

    def words(self, look: Look) -> str:
        return reading.label_words(look.scene.label, self._names(look))

    def why(self, look: Look) -> str:
        return "" if look.model and look.model.num_classes else "this model has no classes"

    def at(self, look: Look, state: State, label: Any) -> Change:
        words = reading.label_words(label, self._names(look))
        return state.with_scene(label=label), f"class {words}"

    def nudged(self, look: Look, way: int, coarse: bool = False) -> Change:
        label, names = look.scene.label, self._names(look)
        if isinstance(label, tuple):
            label = label[0][0]
        if isinstance(label, str):
            label = names.index(label) if label in names else 0
        count = look.model.num_classes if look.model else 1
        start = label if label is not None else -1 if way > 0 else 0
        return self.at(look, look.state, (start + way * (10 if coarse else 1)) % count)

    def question(self, look: Look) -> Question:
        names, count = self._names(look), look.model.num_classes if look.model else 0
        return Question("class", reading.label_words(look.scene.label, names, typed=True),
                        lambda text: (reading.label(text, count, names),),
                        lambda state, label: self.at(look, state, label),
                        f"0 to {count - 1}, a name, or several: 3=0.7, 5=0.3; none")  # fmt: skip


class Mix(LatentField):
    """A seed that is mixed in: edit `index`."""

    def __init__(self, index: int, seed: str) -> None:
        self.index, self.seed = index, seed

    @property
    def name(self) -> str:
        return f"mix {self.seed}"

    def words(self, look: Look) -> str:
        edit = look.scene.edits[self.index]
        return f"{edit.strength * 100:.4g}% of {'all' if edit.layers is None else edit.layers}"

    def _made(self, state: State, edit: Edit) -> Change:
        words = f"mix {reading.mix_words(edit)}"
        changed = state.edited(
            self.index, direction=edit.direction, strength=edit.strength, layers=edit.layers
        )
        return changed, words

    def nudged(self, look: Look, way: int, coarse: bool = False) -> Change:
        edit = look.scene.edits[self.index]
        share = round(edit.strength + way * (0.25 if coarse else 0.05), 6)
        return self._made(look.state, replace(edit, strength=share))

    def question(self, look: Look) -> Question:
        value = reading.mix_words(look.scene.edits[self.index])
        return Question("mix in a seed", value, lambda text: (reading.mixed(text),),
                        self._made, MIX_HINT)  # fmt: skip


class NewMix(LatentField):
    NAME = "mix"

    def words(self, look: Look) -> str:
        return "add: Enter"

    def question(self, look: Look) -> Question:
        def made(state: State, edit: Edit) -> Change:
            return state.added(edit), f"mix {reading.mix_words(edit)}"

        return Question("mix in a seed", "", lambda text: (reading.mixed(text),), made, MIX_HINT)


class Start(LatentField):
    """Stored latents to start at; the panel asks which, as their files have to be read."""

    NAME = "start"
    USUAL: ClassVar = {"latent": None}

    def words(self, look: Look) -> str:
        return look.scene.latent or "the seed"

    def nudged(self, look: Look, way: int, coarse: bool = False) -> Change | None:
        source, mark, which = (look.scene.latent or "").rpartition("#")
        if not mark or not which.isdecimal() or int(which) + way < 0:
            return None
        latent = f"{source}#{int(which) + way}"
        return look.state.with_scene(latent=latent), f"start at {latent}"


class Size(LatentField):
    NAME = "size"
    USUAL: ClassVar = {"size": None}

    def words(self, look: Look) -> str:
        own = f" {look.model.resolution} px" if look.model else ""
        return f"{look.scene.size} px" if look.scene.size else f"own{own}"

    def _at(self, state: State, size: int | None) -> Change:
        return state.with_scene(size=size), f"size {f'{size} px' if size else 'own'}"

    def nudged(self, look: Look, way: int, coarse: bool = False) -> Change:
        now = look.scene.size or 0
        larger = [size for size in SIZES if (size or 0) > now]
        smaller = [size for size in SIZES if (size or 0) < now]
        new = (larger[:1] if way > 0 else smaller[-1:]) or [look.scene.size]
        return self._at(look.state, new[0])

    def question(self, look: Look) -> Question:
        return Question("height of the picture", str(look.scene.size or "own"),
                        lambda text: (reading.size(text),), self._at,
                        "in px, 8 to 4096, or own")  # fmt: skip


def fields(look: Look) -> list[LatentField]:
    """The lines for a state, from the top."""
    walk = [Along(), Blend()] if isinstance(look.scene.seed, Walk) else []
    mixes = [Mix(i, edit.direction.removeprefix(MIXING))
             for i, edit in enumerate(look.scene.edits)
             if edit.direction.startswith(MIXING)]  # fmt: skip
    return [Seed(), *walk, Truncation(), Cutoff(), After(), Noise(), Class(), *mixes, NewMix(),
            Start(), Size()]  # fmt: skip
