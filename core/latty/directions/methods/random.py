"""The baseline: directions drawn at random. What a method finds should be better than these."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from torch import Tensor

from latty.directions.base import Info
from latty.directions.sampling import deviations, latents, space_of
from latty.errors import BadData
from latty.models.base import Generator
from latty.report import Report, silent
from latty.scene import Label

FINDS = "the baseline: directions drawn at random, to compare others with"
NEEDS = ""
ORDER = 90
COST = {"mapping": ("samples",)}
FORM = ("components", "kind", "samples")  # of the parameters, what is asked first


@dataclass
class Random:
    """Unit vectors that prefer no direction."""

    components: int = 10  # how many
    kind: Literal["normal", "orthonormal"] = "normal"
    # normal = each drawn for itself; orthonormal = at right angles, as principal components are
    space: Literal["auto", "z", "w"] = "auto"  # auto = where the family's directions act best
    samples: int = 4000  # latents that measure sigma
    label: Label = None  # the class or mixture they are drawn for, where there are classes
    seed: int = 100_000  # of the vectors, and first of the sampled seeds

    def missing(self, generator: Generator) -> str:
        """Nothing is asked of the generator itself."""
        return ""

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Draw, then measure sigma; an interruption only leaves that to fewer samples.

        Raises BadData for more directions at right angles than there are dimensions.
        """
        if self.components < 1 or self.samples < 2:
            raise BadData("components and samples must be above 0", "for example 10 and 4000")
        self.space_: str = space_of(generator, self.space)
        width = latents(generator, [self.seed], self.space_, self.label).shape[1]
        self.directions_ = self._drawn(width)
        seeds = range(self.seed, self.seed + self.samples)
        sigmas, self.complete_ = deviations(
            generator, self.directions_, self.space_, seeds, self.label, report
        )
        self.seeds_ = f"{seeds.start}-{seeds.stop - 1}"
        self.infos_ = tuple(Info(f"r{i}", sigma) for i, sigma in enumerate(sigmas))
        return self

    def _drawn(self, width: int) -> Tensor:
        """(K, D) float32."""
        random = np.random.RandomState(self.seed % 2**32).randn(self.components, width)
        if self.kind == "normal":
            return torch.from_numpy(random / np.linalg.norm(random, axis=1, keepdims=True)).float()
        if self.components > width:
            raise BadData(
                f"{self.components} directions cannot be at right angles in {width} dimensions",
                "take fewer, or --kind normal",
            )
        columns, triangle = np.linalg.qr(random.T)  # (D, K); signs as drawn: no preference
        return torch.from_numpy(columns * np.sign(np.diag(triangle))).T.float().contiguous()


def quick(generator: Generator) -> dict[str, Any]:
    """Few directions and samples."""
    return {"components": 3, "samples": 200}


METHOD = Random
