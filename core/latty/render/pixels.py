"""From scenes to pixels: codes, synthesis, uint8."""

from collections.abc import Sequence

import torch
from torch import Tensor

from latty import edits
from latty.errors import BadData
from latty.models.activations import Changes
from latty.models.base import AnySize, Generator, HasActivations, HasPrefix
from latty.presets.formats import Pixels
from latty.scene import Noise, Scene


def at_size(generator: Generator, size: int | None) -> Generator:
    """A generator that draws at any size, at `size` px; any other generator unchanged."""
    if size is None or not isinstance(generator, AnySize):
        return generator
    return generator.at_size(size)


def has_prefixes(generator: Generator) -> bool:
    """Whether what the first layers give pictures that differ above them only is computed once."""
    return isinstance(generator, HasPrefix) and not generator.info.num_classes


def to_uint8(images: Tensor) -> Pixels:
    """Pixels (N, H, W, 3) of images (N, C, H, W), (N, H, W, 4) of four channels: -1 is 0, 1 is
    255, always. Of two channels the first is shown, as grey; of more than four the first three.

    A range per picture would flicker. Raises BadData for numbers that are not finite.
    """
    if not torch.isfinite(images).all():
        raise BadData("the model drew numbers that are not finite", "try smaller strengths")
    levels = ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    channels = levels.shape[1]
    if channels < 3:
        levels = levels[:, :1].expand(-1, 3, -1, -1)
    levels = levels[:, : 4 if channels == 4 else 3]
    return levels.permute(0, 2, 3, 1).contiguous().cpu().numpy()


class Painter:
    """Draws batches of scenes with one generator; what a batch shares is computed once.

    The pictures of a batch depend on nothing outside it, so that a film that goes on after a kill
    has the bytes of one that ran through; the memory of the last prefix is exact.
    """

    def __init__(self, generator: Generator, foreign: bool = False) -> None:
        self.generator, self.foreign = generator, foreign
        self._prefix: tuple[tuple[int, Noise, bytes], object] | None = None

    def __call__(self, scenes: Sequence[Scene]) -> Pixels:
        """Pixels (N, H, W, 3 or 4) of N scenes of this model, at the generator's own size."""
        return to_uint8(self.images(scenes))

    @torch.no_grad()
    def images(self, scenes: Sequence[Scene]) -> Tensor:
        """The same as images (N, C, H, W) float32, nominally in [-1, 1]."""
        return self.drawn(edits.applied(scenes, self.generator, self.foreign))

    def pixels(self, scenes: edits.Applied) -> Pixels:
        """Pixels (N, H, W, 3 or 4) of scenes with their edits applied."""
        return to_uint8(self.drawn(scenes))

    @torch.no_grad()
    def drawn(self, scenes: edits.Applied) -> Tensor:
        """Images (N, C, H, W) float32 of scenes with their edits applied."""
        return torch.cat([self._images(scenes.codes[run.rows], run) for run in scenes.runs])

    def _images(self, codes: Tensor, run: edits.SynthesisRun) -> Tensor:
        """Images (N, C, H, W) of the codes (N, L, D) of one run."""
        generator, noise, changes = self.generator, run.noise, run.changes
        if has_prefixes(generator):
            assert isinstance(generator, HasPrefix)
            layer = min(self.shared_layers(codes), _lowest(generator, changes))
            if layer:
                state = self._state(generator, codes, layer, noise)
                return generator.synthesis_from(state, codes, noise, changes)
        if not changes:
            return generator.synthesis(codes, run.label, run.truncation, noise)
        assert isinstance(generator, HasActivations)  # or nothing could change
        return generator.synthesis_with(codes, changes, run.label, run.truncation, noise)

    def shared_layers(self, codes: Tensor) -> int:
        """How many leading layers of codes (N, L, D) are the same in all rows, and so worth
        computing once; below L."""
        if len(codes) < 2:
            return 0
        same = (codes == codes[:1]).all(dim=2).all(dim=0).tolist()  # (L,)
        count = same.index(False) if False in same else len(same)
        return min(count, len(same) - 1)

    def _state(self, generator: HasPrefix, codes: Tensor, layer: int, noise: Noise) -> object:
        below = codes[:1, :layer].contiguous().cpu().numpy().tobytes()
        key = (layer, noise, below)
        if self._prefix is None or self._prefix[0] != key:
            self._prefix = key, generator.prefix(codes[:1], layer, noise)
        return self._prefix[1]


def _lowest(generator: Generator, changes: Changes) -> int:
    """How many leading layers nothing inside changes, the lowest changed one with them: a change
    comes after its layer."""
    if not changes or not isinstance(generator, HasActivations):
        return generator.info.num_layers
    names = generator.activation_names()
    return min(names.index(name) for name in changes) + 1
