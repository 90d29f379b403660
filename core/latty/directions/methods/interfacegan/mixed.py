"""Samples of W+: codes whose layers come from two latents, with the scores of their pictures.

A mapping gives every layer the same code, so that nothing could be learnt of single layers from its
own samples. Style mixing (Karras et al. 2019, section 3.1) draws codes that generators were trained
on: up to a random layer those of one latent, from there on those of another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latty import files
from latty.attributes import names_of, score_file
from latty.directions.sampling import StoppableReport, blocks, gathered
from latty.directions.traverse import scored
from latty.models.base import Generator
from latty.models.labels import class_labels
from latty.models.memory import at_once
from latty.scene import Label


@dataclass(frozen=True, slots=True, eq=False)
class Mixed:
    """`count` samples; number i mixes seed + i with the seed after it, the last with the first."""

    generator: Generator
    label: Label
    seed: int
    count: int

    def codes(self, places: Sequence[int]) -> Tensor:
        """Codes (N, L, D) of the samples at `places`, on the generator's device."""
        layers = self.generator.info.num_layers
        random = np.random.RandomState(self.seed % 2**32)
        cuts = random.randint(1, max(layers, 2), self.count)[np.asarray(places)]
        codes = self._mapped([self.seed + place for place in places])
        others = self._mapped([self.seed + (place + 1) % self.count for place in places])
        own = torch.arange(layers)[None] < torch.from_numpy(cuts)[:, None]
        return torch.where(own.to(codes.device)[..., None], codes, others)

    def _mapped(self, seeds: Sequence[int]) -> Tensor:
        z = self.generator.sample(seeds)
        return self.generator.mapping(z, class_labels(self.label, z, self.generator))

    def scores(
        self, scorer: str, batch: int, least: int, progress: StoppableReport, work: Path | None
    ) -> Tensor:
        """Scores (n, A) of the first n samples: all, or what an interruption left time for. Whole
        blocks are kept in `work`. Raises Interrupted where they are fewer than `least`."""
        attributes, batch = len(names_of(scorer, self.generator)), at_once(self.generator, batch)

        def parts() -> Iterator[Tensor]:
            for block in blocks(range(self.count)):
                path = work / f"scores-{block.start}.safetensors" if work else None
                kept = score_file.read(path, len(block), attributes)
                if kept is None:
                    kept = self._scored(block, scorer, batch, progress), batch
                    if path:
                        files.write(path, [score_file.content(*kept)])
                yield kept[0]
                progress(block.stop, self.count, "samples")

        return gathered(parts(), least, progress)

    def _scored(self, block: range, scorer: str, batch: int, progress: StoppableReport) -> Tensor:
        parts, score = [], scored(self.generator, scorer, self.label)
        for part in blocks(block, batch):
            parts.append(score(self.codes(part)).float().cpu())
            if part.stop < block.stop:
                progress(part.stop, self.count, "samples")
        return torch.cat(parts)
