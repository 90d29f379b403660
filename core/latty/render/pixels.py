"""From scenes to pixels: codes, synthesis, uint8."""

from collections.abc import Callable, Sequence
from functools import cache, partial

import torch
from torch import Tensor

from latty import edits
from latty.errors import BadData
from latty.models.activations import Changes
from latty.models.base import AnySize, Generator, HasActivations, HasPrefix
from latty.models.graphs import GRAPHS
from latty.models.memory import at_once
from latty.models.steps import HasSteps, Steps
from latty.models.styled_generator import SynthesisState
from latty.presets.formats import Pixels
from latty.render.options import USUAL_BATCH
from latty.scene import Noise, Scene

ON_GPU = 32  # pictures drawn at once, at most


def at_size(generator: Generator, size: int | None) -> Generator:
    """A generator that draws at any size, at `size` px; any other generator unchanged."""
    if size is None or not isinstance(generator, AnySize):
        return generator
    return generator.at_size(size)


def has_prefixes(generator: Generator) -> bool:
    """Whether what the first layers give pictures that differ above them only is computed once."""
    return isinstance(generator, HasPrefix) and not generator.info.num_classes


def together(generator: Generator, scenes: Sequence[Scene], foreign: bool = False) -> int:
    """How many pictures of films of such scenes are drawn at once where nobody says it. Raises
    BadData, Missing."""
    if torch.device(generator.device).type != "cuda":
        return at_once(generator, USUAL_BATCH)
    return at_once(generator, ON_GPU, edits.layers_inside(scenes, generator, foreign))


def to_uint8(images: Tensor) -> Pixels:
    """Pixels (N, H, W, 3) of images (N, C, H, W), (N, H, W, 4) of four channels: -1 is 0, 1 is
    255, always. Of two channels the first is shown, as grey; of more than four the first three.

    A range per picture would flicker. Raises BadData for numbers that are not finite.
    """
    return sent(images)()


def sent(images: Tensor) -> Callable[[], Pixels]:
    """Pixels of images (N, C, H, W) on their way: what is called waits for them, and raises
    BadData. From a GPU they come by one copy, beside what it is asked for next."""
    return _downloaded(images) if images.is_cuda else partial(_checked, images)


def _checked(images: Tensor) -> Pixels:
    if not torch.isfinite(images).all():
        raise _not_finite()
    return _levels(images).contiguous().cpu().numpy()


def _not_finite() -> BadData:
    return BadData("the model drew numbers that are not finite", "try smaller strengths")


def _levels(images: Tensor) -> Tensor:
    """Bytes (N, H, W, 3 or 4), where the images are."""
    levels = ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    channels = levels.shape[1]
    if channels < 3:
        levels = levels[:, :1].expand(-1, 3, -1, -1)
    levels = levels[:, : 4 if channels == 4 else 3]
    return levels.permute(0, 2, 3, 1)


def _downloaded(images: Tensor) -> Callable[[], Pixels]:
    """Bytes, and behind them whether all numbers are finite, into memory that the GPU reaches by
    itself. torch hands such memory out again once nobody holds it: two batches take turns."""
    flat, shape = packed(images)
    host = torch.empty(flat.shape, dtype=flat.dtype, pin_memory=True)
    stream = _copying(flat.device)
    stream.wait_stream(torch.cuda.current_stream(flat.device))
    with torch.cuda.stream(stream):
        host.copy_(flat, non_blocking=True)
        arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrived.record(stream)
    flat.record_stream(stream)

    def wait() -> Pixels:
        arrived.synchronize()
        return unpacked(host, shape)

    return wait


@cache
def _copying(device: torch.device) -> torch.cuda.Stream:
    """The stream of a device on which nothing is done but copies to this machine."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def packed(images: Tensor) -> tuple[Tensor, torch.Size]:
    """Bytes (N H W C + 1,) of images (N, C, H, W), the last one 1 where all are finite; the shape
    of the pixels."""
    levels = _levels(images)
    flat = torch.empty(levels.numel() + 1, dtype=torch.uint8, device=images.device)
    flat[:-1].view(levels.shape).copy_(levels)
    flat[-1] = torch.isfinite(images).all()
    return flat, levels.shape


def unpacked(flat: Tensor, shape: torch.Size) -> Pixels:
    """The pixels (N, H, W, C) of such bytes (N H W C + 1,). Raises BadData."""
    found: Pixels = flat.numpy()
    if not found[-1]:
        raise _not_finite()
    return found[:-1].reshape(shape)


class Painter:
    """Draws batches of scenes with one generator; what a batch shares is computed once.

    The pictures of a batch depend on nothing outside it, so that a film that goes on after a kill
    has the bytes of one that ran through; the memory of the last prefix is exact.
    """

    def __init__(self, generator: Generator, foreign: bool = False) -> None:
        self.generator, self.foreign = generator, foreign
        self.stack = edits.Stack(generator, foreign)
        self._prefix: tuple[tuple[int, Noise, bytes], object] | None = None

    def __call__(self, scenes: Sequence[Scene]) -> Pixels:
        """Pixels (N, H, W, 3 or 4) of N scenes of this model, at the generator's own size."""
        return self.begin(scenes)()

    def begin(self, scenes: Sequence[Scene]) -> Callable[[], Pixels]:
        """The same on their way: a GPU goes on while this process does something else."""
        return sent(self.images(scenes))

    @torch.no_grad()
    def images(self, scenes: Sequence[Scene]) -> Tensor:
        """The same as images (N, C, H, W) float32, nominally in [-1, 1]."""
        return self.drawn(edits.applied(scenes, self.generator, self.foreign, self.stack))

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
        steps = self.on_gpu(codes, run)
        if has_prefixes(generator):
            assert isinstance(generator, HasPrefix)
            seen = codes.cpu() if len(codes) > 1 else codes  # once: the device is waited for
            layer = min(self.shared_layers(seen), _lowest(generator, changes))
            if layer:
                state = self._state(generator, codes, (layer, noise, _bytes(seen, layer)))
                if steps is not None and isinstance(state, SynthesisState):
                    return GRAPHS.image(steps, state.repeated(len(codes)))
                return generator.synthesis_from(state, codes, noise, changes)
        if steps is not None:
            return GRAPHS.image(steps, steps.start())
        if not changes:
            return generator.synthesis(codes, run.label, run.truncation, noise)
        assert isinstance(generator, HasActivations)  # or nothing could change
        return generator.synthesis_with(codes, changes, run.label, run.truncation, noise)

    def on_gpu(self, codes: Tensor, run: edits.SynthesisRun) -> Steps | None:
        """The synthesis of the codes (N, L, D) of a run, where a graph of it may be worth it."""
        generator = self.generator
        if torch.device(generator.device).type != "cuda" or run.changes:
            return None
        if not isinstance(generator, HasSteps):
            return None
        return generator.steps(codes, run.label, run.truncation, run.noise)

    def shared_layers(self, codes: Tensor) -> int:
        """How many leading layers of codes (N, L, D) are the same in all rows, and so worth
        computing once; below L."""
        if len(codes) < 2:
            return 0
        same = (codes == codes[:1]).all(dim=2).all(dim=0).tolist()  # (L,)
        count = same.index(False) if False in same else len(same)
        return min(count, len(same) - 1)

    def _state(self, generator: HasPrefix, codes: Tensor, key: tuple[int, Noise, bytes]) -> object:
        layer, noise, _ = key
        if self._prefix is None or self._prefix[0] != key:
            self._prefix = key, generator.prefix(codes[:1], layer, noise)
        return self._prefix[1]


def _bytes(codes: Tensor, layer: int) -> bytes:
    """What the layers below `layer` read of the first row of codes (N, L, D)."""
    return codes[0, :layer].contiguous().numpy().tobytes()


def _lowest(generator: Generator, changes: Changes) -> int:
    """How many leading layers nothing inside changes, the lowest changed one with them: a change
    comes after its layer."""
    if not changes or not isinstance(generator, HasActivations):
        return generator.info.num_layers
    names = generator.activation_names()
    return min(names.index(name) for name in changes) + 1
