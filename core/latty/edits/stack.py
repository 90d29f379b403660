"""The stack of edits of scenes of one generator: what moves latents, then what moves codes."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from latty import latents
from latty.directions.base import Direction, keep_layers
from latty.directions.opening import find
from latty.edits import steps
from latty.edits.conditioned import labelled
from latty.edits.labels import labels
from latty.edits.locks import Locks
from latty.edits.walk import Paths, latent
from latty.errors import BadData
from latty.models.base import Generator
from latty.scene import ALL, MIXING, Edit, Layers, Scene, Walk

MOST = 256  # starts that are kept: a film may have a new one in each frame


class Stack:
    """Applies stacks of edits to the latents of one generator; repeated work is done once."""

    def __init__(self, generator: Generator, foreign: bool) -> None:
        self.generator, self.foreign = generator, foreign
        self.paths = Paths(generator, foreign)
        self.draw = self.paths.draw
        self.known: OrderedDict[Scene, Tensor] = OrderedDict()
        self.found: dict[str, Direction] = {}
        self.locks = Locks(self._found)

    @staticmethod
    def kind(scene: Scene) -> tuple[object, ...]:
        """Scenes of one kind have one stack: they differ in numbers only."""
        edits = tuple(map(steps.kind, scene.edits))
        label = "class" if isinstance(scene.label, int | str) else type(scene.label)
        return edits, scene.locks, label

    def start(self, scene: Scene) -> Tensor:
        """Codes (1, L, D) before the code edits; kept for scenes that differ in those only."""
        edits = tuple(edit for edit in scene.edits if self._space(edit) == "z" and edit.amount)
        key = replace(
            scene,
            seed=scene.seed if scene.latent is None else 0,
            noise="const",
            edits=edits,
            size=None,
            locks=scene.locks if edits else (),
            truncation_after_edits=False,
        )
        if scene.truncation_after_edits:
            key = replace(key, truncation=1.0, cutoff=None)
        if key not in self.known:
            self.known[key] = self._mapped(key)
            if len(self.known) > MOST:
                self.known.popitem(last=False)
        return self.known[key]

    def _mapped(self, scene: Scene) -> Tensor:
        """Each layer has a latent of its own, the same one until an edit names some layers."""
        count, label = self.generator.info.num_layers, labels([scene], self.generator)
        space, begin = self._begin(scene)
        if space == "w":
            return self._given(begin, scene)
        each = [begin] * count
        for edit in scene.edits:
            moved = {id(z): self._moved_latent(z, edit, scene) for z in each}
            chosen = self._layers(edit).indices(count)
            each = [moved[id(z)] if i in chosen else z for i, z in enumerate(each)]
        distinct = {id(z): z for z in each}
        mapped = {
            key: self.generator.mapping(z, label, scene.truncation, scene.cutoff)
            for key, z in distinct.items()
        }
        return torch.cat([mapped[id(z)][:, i : i + 1] for i, z in enumerate(each)], 1)

    def _begin(self, scene: Scene) -> tuple[str, Tensor]:
        """Where a scene starts: its space, and a latent (1, Z) or codes (1, L, D)."""
        if scene.latent is None:
            if isinstance(scene.seed, Walk):
                return self.paths.place(scene, scene.seed)
            return "z", latent(self.draw, scene.seed)
        space, begin = latents.start(scene.latent, self.generator.info, self.foreign)
        return space, begin.to(self.generator.device)

    def _given(self, codes: Tensor, scene: Scene) -> Tensor:
        """Stored codes (1, L, D): behind the mapping, so that no z edit can act on them."""
        if scene.edits:
            raise BadData(
                f"{scene.edits[0].direction} moves z, and {_named(scene)} lies behind the mapping",
                "start at a seed or at a stored z, or edit in w",
            )
        if scene.truncation == 1:
            return codes
        return self._of_class(scene).truncate(codes, scene.truncation, scene.cutoff)

    def _of_class(self, *scenes: Scene) -> Generator:
        """The generator with the scenes' labels wherever none is given."""
        return labelled(self.generator, labels(scenes, self.generator))

    def _moved_latent(self, z: Tensor, edit: Edit, scene: Scene) -> Tensor:
        """A latent (1, Z) after one edit."""
        if edit.direction.startswith(MIXING):
            _check_mixing(edit)
            moved = torch.lerp(z, latent(self.draw, _seed(edit)), edit.strength)
        else:
            strength = torch.tensor([edit.strength], device=z.device)
            where = self._of_class(scene)
            moved = steps.moved(z, edit, strength, self._found(edit.direction), where)
        held = self.locks.held(edit, "z", scene.locks).hold(z, moved)
        return steps.blended(z, held, [edit.amount])

    def _found(self, ref: str) -> Direction:
        if ref not in self.found:
            self.found[ref] = find(ref, self.generator, self.foreign)
        return self.found[ref]

    def _space(self, edit: Edit) -> str:
        """What an edit moves: z before the mapping, codes after it, or an activation."""
        if edit.direction.startswith(MIXING):
            return self.generator.info.space
        return self._found(edit.direction).space

    def _layers(self, edit: Edit) -> Layers:
        if edit.layers is not None:
            return edit.layers
        return ALL if edit.direction.startswith(MIXING) else self._found(edit.direction).layers

    def finish(self, starts: Tensor, scenes: Sequence[Scene]) -> Tensor:
        """Code edits in stack order on codes (N, L, D) of scenes of one kind, then truncation
        where it comes last."""
        moved = starts
        for i, edit in enumerate(scenes[0].edits):
            if self._space(edit) == "w" and edit.amount:
                moved = self._moved_codes(moved, i, scenes)
        return self._truncated(moved, scenes)

    def _moved_codes(self, codes: Tensor, i: int, scenes: Sequence[Scene]) -> Tensor:
        """Codes (N, L, D) after edit `i` of their scenes."""
        edit = scenes[0].edits[i]
        strengths = [scene.edits[i].strength for scene in scenes]
        strength = torch.tensor(strengths, device=codes.device)
        if edit.direction.startswith(MIXING):
            _check_mixing(edit)
            goals = torch.cat([self._goal(edit, scene) for scene in scenes])
            moved = torch.lerp(codes, goals, strength.view(-1, 1, 1))  # exact at 1
        else:
            where = self._of_class(*scenes)
            moved = steps.moved(codes, edit, strength, self._found(edit.direction), where)
        moved = self.locks.held(edit, "w", scenes[0].locks).hold(codes, moved)
        amounts = [scene.edits[i].amount for scene in scenes]
        return keep_layers(codes, steps.blended(codes, moved, amounts), self._layers(edit))

    def _goal(self, edit: Edit, scene: Scene) -> Tensor:
        """Codes (1, L, D) of the seed an edit moves toward, with the scene's label, truncation."""
        other = replace(scene, seed=_seed(edit), latent=None, edits=(), locks=())
        return self.start(other)

    def _truncated(self, moved: Tensor, scenes: Sequence[Scene]) -> Tensor:
        late = [i for i, scene in enumerate(scenes) if scene.truncation_after_edits]
        if not late:
            return moved
        result = moved.clone()
        for i in late:
            psi, cutoff = scenes[i].truncation, scenes[i].cutoff
            alone = self._of_class(scenes[i])
            result[i : i + 1] = alone.truncate(moved[i : i + 1], psi, cutoff)
        return result


def _named(scene: Scene) -> str:
    """The stored latents where a scene starts."""
    walk = scene.seed
    passed = walk.latents if isinstance(walk, Walk) else ()
    return scene.latent or ", ".join(one for one in passed if isinstance(one, str))


def _check_mixing(edit: Edit) -> None:
    """Raises BadData: a seed has neither a coordinate nor a unit."""
    steps.check(edit)
    if edit.mode != "relative" or edit.unit != "sigma":
        words = f"mode = '{edit.mode}'" if edit.mode != "relative" else "unit = 'own'"
        raise BadData(f"{edit.direction} takes no {words}", "its strength is a share of the way")


def _seed(edit: Edit) -> int:
    text = edit.direction.removeprefix(MIXING)
    if not text.isdecimal():
        raise BadData(f"'{edit.direction}' names no seed", "write seed:42")
    return int(text)
