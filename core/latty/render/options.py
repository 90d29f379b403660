"""How a preset is rendered, beside what it says itself."""

from dataclasses import dataclass
from pathlib import Path

Batches = tuple[tuple[int, int], ...]  # (first picture, batch size) of each stretch, from 0 on


@dataclass(frozen=True, slots=True)
class Options:
    """batch    pictures drawn at once; what `provenance.recall` returns gives the same bytes again
    force    overwrite, go on with a disk that may not do, apply directions of other models
    sidecar  also write the recipe to `<output>.json`; it is in every file anyway
    """

    out_dir: Path = Path("renders")
    device: str = "auto"
    force: bool = False
    batch: int | Batches = 8
    sidecar: bool = False
    preset_file: Path | None = None

    @property
    def batches(self) -> Batches:
        return ((0, self.batch),) if isinstance(self.batch, int) else self.batch
