"""The model of a traversal as its header has it: enough to read what is kept, and torch waits."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from latty.errors import BadData
from latty.models import open_model
from latty.models.base import Generator, ModelInfo
from latty.rank.traversal.header import TraversalHeader

if TYPE_CHECKING:  # scores that are kept need no torch
    import torch
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class ScoringDevice:
    """All that scoring pictures asks of a model that says nothing of them itself."""

    device: "torch.device"


@dataclass(frozen=True, slots=True)
class KeptModel:
    """A model that is opened when something is scored.

    device  the word for where networks run
    model   the file or name that somebody says it has; None = as the header calls it
    """

    header: TraversalHeader
    device: str
    model: str | None = None

    @property
    def info(self) -> ModelInfo:
        """What the header says of it; a code (D,) is read by any number of layers."""
        said, (height, width_px, channels) = self.header, self.header.picture
        layers = said.codes[0] if len(said.codes) > 1 else 1
        return ModelInfo(said.model, said.family, height, width_px, channels, 0, layers,
                         said.codes[-1], digest=said.model_digest)  # fmt: skip

    def opened(self) -> Generator:
        """What pictures and codes are scored with: the model where it knows factors of its codes,
        else a device. Raises Missing, BadData, DeviceError."""
        from latty.models.device import pick_device

        if not self.header.factors:
            return cast(Generator, ScoringDevice(pick_device(self.device)))
        generator = open_model(self.model or self.header.model, self.device)
        if generator.info.digest != self.header.model_digest:
            what = f"{self.model or self.header.model} is not the model that was walked"
            raise BadData(f"{what}: another digest", "--model names the file of that one")
        return generator


class KeptFactors(KeptModel):
    """One that knows factors of its codes (models.base.HasFactors)."""

    __slots__ = ()

    def factor_names(self) -> tuple[str, ...]:
        """As the header has them."""
        return self.header.factors

    def factors(self, codes: "Tensor") -> "Tensor":
        """The exact factors (N, A) of codes (N, L, D). Raises what `opened` does."""
        return cast("KeptFactors", self.opened()).factors(codes)
