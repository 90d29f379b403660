"""Lines of the latent panel: the seed, a walk through several, and truncation."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import ClassVar

from latty.scene import BLENDS, SEED_LIMIT, Walk
from latty_tui.dialogs import readers as reading
from latty_tui.finding import Thing
from latty_tui.panels.latent.field import Change, FieldContext, LatentField, Question
from latty_tui.state import State

TRUNCATION = 2.0  # as in presets
TRUNCATION_STEP = 0.05


def reseeded(state: State, seed: int | Walk) -> Change:
    """The state at another seed; stored latents are left."""
    return state.with_scene(seed=seed, latent=None), f"seed {reading.seed_words(seed)}"


def stepped(state: State, by: int) -> Change:
    """The state at the next seed, or with every seed of a walk moved on."""
    seed = state.scene.seed
    if isinstance(seed, Walk):
        moved = tuple((one + by) % SEED_LIMIT if isinstance(one, int) else one
                      for one in seed.seeds)  # fmt: skip
        return reseeded(state, replace(seed, seeds=moved))
    return reseeded(state, (seed + by) % SEED_LIMIT)


def seed_question(look: FieldContext) -> Question:
    now = look.scene.seed
    hint = f"0 to {SEED_LIMIT - 1}; several make a walk: 1, 5, 9"
    return Question("seed", reading.seed_words(now), lambda text: reading.seeds(text, now),
                    reseeded, hint)  # fmt: skip


def typed(text: str, go: Callable[[int], object]) -> Iterator[Thing]:
    """The seed that a text means in the palette, if it means one."""
    with suppress(ValueError):
        number = reading.seed(text.lower().removeprefix("seed").strip())
        yield Thing(f"Seed {number}", "seed", partial(go, number), more="the picture of that seed")


def psi_words(psi: float) -> str:
    """Two digits, more where there are more."""
    return f"{psi:.2f}" if round(psi, 2) == psi else f"{psi:.4g}"


def truncated(state: State, by: float) -> Change:
    """The state with another truncation."""
    psi = max(-TRUNCATION, min(TRUNCATION, round(state.scene.truncation + by, 4)))
    return state.with_scene(truncation=psi), f"truncation {psi:.4g}"


class SeedField(LatentField):
    name = "seed"

    def words(self, look: FieldContext) -> str:
        return reading.seed_words(look.scene.seed)

    def why(self, look: FieldContext) -> str:
        return "stored latents are shown: n, R or s leave them" if look.scene.latent else ""

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        return stepped(look.state, way * (10 if coarse else 1))

    def question(self, look: FieldContext) -> Question:
        return seed_question(look)


class AlongField(LatentField):
    """The place on a walk."""

    name = "along"

    def words(self, look: FieldContext) -> str:
        return f"{look.scene.seed.t:.4g}"  # type: ignore[union-attr]

    def _at(self, state: State, t: float) -> Change:
        walk = state.scene.seed
        if not isinstance(walk, Walk):
            return state, ""
        return state.with_scene(seed=replace(walk, t=t)), f"along {t:.4g}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        t = look.scene.seed.t + way * (0.2 if coarse else 0.05)  # type: ignore[union-attr]
        return self._at(look.state, max(0.0, min(1.0, round(t, 6))))

    def question(self, look: FieldContext) -> Question:
        return Question("place on the walk", self.words(look),
                        reading.number(0, 1, "the place"), self._at,
                        "0 = the first seed, 1 = the last")  # fmt: skip


class BlendField(LatentField):
    name = "blend"

    def words(self, look: FieldContext) -> str:
        return look.scene.seed.blend  # type: ignore[union-attr]

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        blend = BLENDS[(BLENDS.index(self.words(look)) + way) % len(BLENDS)]
        walk = replace(look.scene.seed, blend=blend)  # type: ignore[type-var]
        return look.state.with_scene(seed=walk), f"blend {blend}"


class TruncationField(LatentField):
    name = "truncation"
    WORDS = "psi ψ truncation"
    USUAL: ClassVar = {"truncation": 1.0}

    def words(self, look: FieldContext) -> str:
        return f"ψ {psi_words(look.scene.truncation)}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        return truncated(look.state, way * (0.25 if coarse else TRUNCATION_STEP))

    def question(self, look: FieldContext) -> Question:
        def made(state: State, psi: float) -> Change:
            return state.with_scene(truncation=psi), f"truncation {psi:.4g}"

        limits = -TRUNCATION, TRUNCATION
        return Question("truncation ψ", f"{look.scene.truncation:.4g}",
                        reading.number(*limits, "ψ"), made,
                        "1 = as sampled, 0 = the average picture")  # fmt: skip


class CutoffField(LatentField):
    name = "cutoff"
    USUAL: ClassVar = {"cutoff": None}

    def words(self, look: FieldContext) -> str:
        if (cutoff := look.scene.cutoff) is None:
            return "all layers"
        return f"below {cutoff}" if cutoff else "no layer"

    def why(self, look: FieldContext) -> str:
        return "" if look.layers > 1 else "this model has one layer"

    def _at(self, state: State, cutoff: int | None) -> Change:
        return state.with_scene(cutoff=cutoff), f"cutoff {'all' if cutoff is None else cutoff}"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        now = look.layers if look.scene.cutoff is None else look.scene.cutoff
        new = max(0, min(look.layers, now + way))
        return self._at(look.state, None if new == look.layers else new)

    def question(self, look: FieldContext) -> Question:
        value = "all" if look.scene.cutoff is None else str(look.scene.cutoff)
        return Question("truncate layers below", value,
                        reading.cutoff(look.layers), self._at,
                        f"0 to {look.layers}, or all")  # fmt: skip


class AfterField(LatentField):
    name = "truncated"
    USUAL: ClassVar = {"truncation_after_edits": False}

    def words(self, look: FieldContext) -> str:
        return "after the edits" if look.scene.truncation_after_edits else "before the edits"

    def nudged(self, look: FieldContext, way: int, coarse: bool = False) -> Change:
        after = not look.scene.truncation_after_edits
        words = f"truncation {'after' if after else 'before'} the edits"
        return look.state.with_scene(truncation_after_edits=after), words
