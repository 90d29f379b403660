"""A generator with one scene's class: what moves latents need not know that there are classes."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from latty.errors import BadData
from latty.models.base import Generator, HasClassMeans, Labels, ModelInfo
from latty.models.checks import truncated
from latty.scene import Noise

LABELLED = ("activation", "synthesis_with")  # what only some families have, and takes a label


def labelled(generator: Generator, label: Labels) -> Generator:
    """The generator, with `label` wherever none is given; itself where there is none to give."""
    return generator if label is None else Labelled(generator, label)


class Labelled:
    """Another generator, and a label for every call that gives none.

    label   class indices (N,) or weights (N, classes). One row serves any batch; more rows belong
            to latents in the same order.
    """

    def __init__(self, generator: Generator, label: Tensor) -> None:
        self._generator, self._label = generator, label

    @property
    def info(self) -> ModelInfo:
        return self._generator.info

    @property
    def device(self) -> torch.device:
        return self._generator.device

    def sample(self, seeds: Any) -> Tensor:
        """Latents z (N, Z)."""
        return self._generator.sample(seeds)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        """Codes (N, L, D) of latents (N, Z), of the scenes' classes where no label is given."""
        return self._generator.mapping(z, self._rows(len(z), label), truncation, cutoff)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        """Codes (N, L, D), truncated: toward the mean of their class, where it has one. One row of
        codes is truncated once for each label. Raises BadData for N codes of other labels."""
        if not isinstance(self._generator, HasClassMeans):
            return self._generator.truncate(codes, truncation, cutoff)
        count = len(codes) if len(codes) != 1 else len(self._label)
        means = self._generator.mean_codes(self._rows(count, None), count)
        codes = codes.to(self.device).expand(count, -1, -1)
        return truncated(codes, means, truncation, cutoff)

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: Noise = "const"
    ) -> Tensor:
        """Pictures (N, C, H, W) of codes (N, L, D)."""
        label = self._rows(len(codes), label)
        return self._generator.synthesis(codes, label, truncation, noise)

    def row(self, index: int) -> Generator:
        """The generator for latent `index` of the batch alone."""
        if len(self._label) == 1:
            return self
        return Labelled(self._generator, self._label[index : index + 1])

    def __getattr__(self, name: str) -> Any:
        """What else the generator has; what it lacks is lacking here, too."""
        found = getattr(self._generator, name)
        if name == "at_size":
            return lambda size: Labelled(found(size), self._label)
        return self._with_label(found) if name in LABELLED else found

    def _with_label(self, call: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def with_label(
            codes: Tensor, what: Any, label: Labels = None, *more: Any, **named: Any
        ) -> Tensor:
            return call(codes, what, self._rows(len(codes), label), *more, **named)

        return with_label

    def _rows(self, count: int, label: Labels) -> Labels:
        """The label given, or else this one's for `count` latents. Raises BadData."""
        if label is not None or len(self._label) == count:
            return self._label if label is None else label
        if len(self._label) != 1:
            what = f"{count} latents of scenes with {len(self._label)} labels"
            raise BadData(what, "draw the scenes one by one")
        return self._label.expand(count, *self._label.shape[1:])
