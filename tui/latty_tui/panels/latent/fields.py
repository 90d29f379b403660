"""Lines of the latent panel: noise, class, mixed seeds, stored latents, size; and all in order."""

from dataclasses import replace
from typing import Any, ClassVar, Literal

from latty.models.registries import FAMILIES
from latty.scene import MIXING, SEED_LIMIT, Edit, Walk
from latty_tui.dialogs import readers as reading
from latty_tui.library import edit_layers
from latty_tui.library.direction_facts import guessed
from latty_tui.panels.latent import seed_fields
from latty_tui.panels.latent.field import Change, FieldContext, LatentField, Question
from latty_tui.state import State

SIZES = (None, 64, 128, 256, 512, 1024, 2048)
MIX_HINT = "a seed, the share of the way to it, layers: 42 70% @ 0-3"


NOISES = ("none", "const")  # before the seeds


class NoiseField(LatentField):
    name = "noise"
    WORDS = "noise texture"
    USUAL: ClassVar = {"noise": "const"}

    def words(self, look: FieldContext) -> str:
        noise = look.scene.noise
        if isinstance(noise, Walk):
            return "walk"
        return noise if isinstance(noise, str) else f"seed {noise}"

    def why(self, look: FieldContext) -> str:
        family = look.model.family if look.model else ""
        silent = not FAMILIES.constant(family, "NOISE", True)
        return "this model has no noise" if silent else ""

    def _at(self, state: State, noise: Any) -> Change:
        return state.with_scene(noise=noise), f"noise {noise}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        noise = look.scene.noise
        noise = 0 if isinstance(noise, Walk) else noise
        now = noise if isinstance(noise, int) else NOISES.index(noise) - len(NOISES)
        at = max(-len(NOISES), min(SEED_LIMIT - 1, now + way))
        return self._at(look.state, at if at >= 0 else NOISES[at])

    def question(self, look: FieldContext) -> Question:
        return Question("noise", self.words(look).removeprefix("seed "), reading.noise,
                        self._at, "const, none, or a seed")  # fmt: skip


class ClassField(LatentField):
    name = "class"
    USUAL: ClassVar = {"label": None}

    def _names(self, look: FieldContext) -> tuple[str, ...]:
        return look.model.classes if look.model else ()

    def words(self, look: FieldContext) -> str:
        return reading.label_words(look.scene.label, self._names(look))

    def why(self, look: FieldContext) -> str:
        return "" if look.model and look.model.num_classes else "this model has no classes"

    def at(self, look: FieldContext, state: State, label: Any) -> Change:
        words = reading.label_words(label, self._names(look))
        return state.with_scene(label=label), f"class {words}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        label, names = look.scene.label, self._names(look)
        if isinstance(label, tuple):
            label = label[0][0]
        if isinstance(label, str):
            label = names.index(label) if label in names else 0
        count = look.model.num_classes if look.model else 1
        start = label if label is not None else -1 if way > 0 else 0
        return self.at(look, look.state, (start + way * (10 if coarse else 1)) % count)

    def question(self, look: FieldContext) -> Question:
        names, count = self._names(look), look.model.num_classes if look.model else 0
        return Question("class", reading.label_words(look.scene.label, names, typed=True),
                        lambda text: reading.label(text, count, names),
                        lambda state, label: self.at(look, state, label),
                        f"0 to {count - 1}, a name, or several: 3=0.7, 5=0.3; none")  # fmt: skip


class MixField(LatentField):
    """A seed that is mixed in: edit `index`."""

    def __init__(self, index: int, seed: str) -> None:
        self.index, self.seed, self.name = index, seed, f"mix {seed}"

    def words(self, look: FieldContext) -> str:
        edit = look.scene.edits[self.index]
        return f"{edit.strength * 100:.4g}% of {'all' if edit.layers is None else edit.layers}"

    def _made(self, state: State, edit: Edit) -> Change:
        words = f"mix {reading.mix_words(edit)}"
        changed = state.edited(
            self.index, direction=edit.direction, strength=edit.strength, layers=edit.layers
        )
        return changed, words

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        edit = look.scene.edits[self.index]
        share = round(edit.strength + way * (0.25 if coarse else 0.05), 6)
        return self._made(look.state, replace(edit, strength=share))

    def no_layers(self, look: FieldContext) -> str:
        """Why it has no layers to choose; "" = it has."""
        return edit_layers.refused(guessed(f"{MIXING}{self.seed}"), look.layers)

    def layered(self, look: FieldContext, end: Literal["start", "stop"], by: int) -> Change:
        """One end of its layers moved."""
        edit = look.scene.edits[self.index]
        layers = edit_layers.moved(edit, guessed(edit.direction), end, by, look.layers)
        return look.state.edited(self.index, layers=layers), f"{self.name} layers {layers}"

    def question(self, look: FieldContext) -> Question:
        value = reading.mix_words(look.scene.edits[self.index])
        return Question("mix in a seed", value, reading.mixed,
                        self._made, MIX_HINT)  # fmt: skip


class NewMixField(LatentField):
    name = "mix"
    WORDS = "mix blend style-mixing crossover"

    def words(self, look: FieldContext) -> str:
        return "none; Enter adds a seed"

    def question(self, look: FieldContext) -> Question:
        def made(state: State, edit: Edit) -> Change:
            return state.added(edit), f"mix {reading.mix_words(edit)}"

        return Question("mix in a seed", "", reading.mixed, made, MIX_HINT)


class StartField(LatentField):
    """Stored latents to start at; the panel asks which, as their files have to be read."""

    name = "start"
    WORDS = "latents stored project projected inversion"
    USUAL: ClassVar = {"latent": None}

    def words(self, look: FieldContext) -> str:
        return look.scene.latent or "at the seed"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change | None:
        source, mark, which = (look.scene.latent or "").rpartition("#")
        if not mark or not which.isdecimal() or int(which) + way < 0:
            return None
        latent = f"{source}#{int(which) + way}"
        return look.state.with_scene(latent=latent), f"start at {latent}"


class SizeField(LatentField):
    name = "size"
    WORDS = "size resolution height px pixels"
    USUAL: ClassVar = {"size": None}

    def words(self, look: FieldContext) -> str:
        own = f"{look.model.height} px, " if look.model else ""
        return f"{look.scene.size} px" if look.scene.size else f"{own}the model's own"

    def _at(self, state: State, size: int | None) -> Change:
        return state.with_scene(size=size), f"size {f'{size} px' if size else 'of the model'}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        now = look.scene.size or 0
        larger = [size for size in SIZES if (size or 0) > now]
        smaller = [size for size in SIZES if (size or 0) < now]
        new = (larger[:1] if way > 0 else smaller[-1:]) or [look.scene.size]
        return self._at(look.state, new[0])

    def question(self, look: FieldContext) -> Question:
        return Question("height of the picture", str(look.scene.size or "own"),
                        reading.size, self._at,
                        "in px, 8 to 4096, or own")  # fmt: skip


def fields(look: FieldContext) -> list[LatentField]:
    """The lines for a state, from the top."""
    seed: list[LatentField] = [seed_fields.SeedField()]
    if isinstance(look.scene.seed, Walk):
        seed += [seed_fields.AlongField(), seed_fields.BlendField()]
    seed += [seed_fields.TruncationField(), seed_fields.CutoffField(), seed_fields.AfterField()]
    mixes = [MixField(i, edit.direction.removeprefix(MIXING))
             for i, edit in enumerate(look.scene.edits)
             if edit.direction.startswith(MIXING)]  # fmt: skip
    return [*seed, NoiseField(), ClassField(), *mixes, NewMixField(), StartField(), SizeField()]
