"""The latents of a pool, and its manifest: a row for each seed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from latty import edits
from latty.edits.labels import with_labels
from latty.errors import BadData
from latty.latents import pools
from latty.latents.found import Value
from latty.models.base import Generator
from latty.models.classes import typed
from latty.report import Report
from latty.scene import FP32, Scene, Walk

BLOCK = 256  # latents computed at once


class PoolRows:
    """The rows of seeds that come in blocks: `blocks(size)` gives them from the first on."""

    def __init__(
        self,
        scene: Scene,
        blocks: Callable[[int], Iterator[list[int]]],
        files: str,
        generator: Generator,
        report: Report,
    ) -> None:
        self.scene, self.blocks, self.files = scene, blocks, files
        self.generator, self.report = generator, report
        self.label = with_labels([scene], generator)[0].label

    def header(self, forms: Sequence[str], count: int) -> pools.PoolHeader:
        """Of the file of `count` latents in these forms. Raises BadData for w where layers have
        codes of their own."""
        info, scene = self.generator.info, self.scene
        shapes = {form: tuple(self._form(form, [0]).shape[1:]) for form in forms}
        noise = None if isinstance(scene.noise, Walk) else scene.noise
        said: dict[str, Value] = {"class": typed(self.label), "truncation": scene.truncation}
        said |= {"noise": noise, "precision": info.precision}
        usual = (None, "const", FP32)
        params = tuple((key, value) for key, value in said.items() if value not in usual)
        return pools.PoolHeader(info.name, info.family, info.digest, self.files, count, shapes,
                                params)  # fmt: skip

    def numbers(self, header: pools.PoolHeader) -> Iterator[bytes]:
        """Of each form in its order, then the seeds."""
        for form in header.shapes:
            done = 0
            for block in self.blocks(BLOCK):
                yield self._form(form, block).numpy().astype("<f4").tobytes()
                done += len(block)
                self.report(done, header.count, f"latents {form}")
        for block in self.blocks(BLOCK):
            yield torch.tensor(block).numpy().astype("<i8").tobytes()

    @torch.no_grad()
    def _form(self, form: str, seeds: Sequence[int]) -> Tensor:
        """Latents (n, Z), (n, D) or (n, L, D) of seeds, of w before any truncation. Raises
        BadData."""
        if form == "z":
            return torch.cat([self.generator.sample([seed]) for seed in seeds]).cpu().float()
        bare = [replace(self.scene, seed=seed, truncation=1.0, cutoff=None) for seed in seeds]
        codes = edits.codes(bare, self.generator).cpu().float()
        if form == "wp":
            return codes
        if not torch.equal(codes, codes[:, :1].expand_as(codes)):
            what = f"{self.generator.info.name}: its layers read different codes, so there is no w"
            raise BadData(what, "--save-latents z,wp")
        return codes[:, 0]

    def manifest(self) -> Iterator[bytes]:
        """Its lines."""
        yield f"{','.join(pools.COLUMNS)}\n".encode()
        words, row = typed(self.label), 0
        quoted = f'"{words}"' if words and "," in str(words) else "" if words is None else words
        for block in self.blocks(BLOCK):
            lines = [f"{pools.file_of(self.files, seed)},{seed},{quoted},{row + i}\n"
                     for i, seed in enumerate(block)]  # fmt: skip
            row += len(block)
            yield "".join(lines).encode()
