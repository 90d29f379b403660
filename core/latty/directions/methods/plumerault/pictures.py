"""The pictures of trajectories, to be looked at: what they should become, and what they became."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from latty import files
from latty.directions.likeness import smaller
from latty.directions.methods.plumerault.trajectories import Records, Trajectories
from latty.directions.viewing import Sheet, Viewing
from latty.errors import BadData, WouldOverwrite, unwritten
from latty.folders import made
from latty.models.base import AnySize

PX = 128  # height of a picture, at most


@dataclass(kw_only=True)
class KeepsPictures:
    """A method that keeps the pictures of its trajectories where somebody asks for them."""

    save_pictures: str | None = None
    # folder for the target and the generated pictures of every trajectory; none = not kept

    BESIDE: ClassVar[tuple[str, ...]] = ("save_pictures",)
    _viewing: ClassVar[Viewing | None] = None

    def show(self, viewing: Viewing) -> None:
        """How they are drawn."""
        self._viewing = viewing  # type: ignore[misc]

    def pictures(
        self, transforms: Iterable[str], seeds: range, work: Path | None
    ) -> "KeptPictures | None":
        """Where they go: a folder that is there from now on, and may hold other files; None where
        nobody asks. Raises WouldOverwrite where one is there that is not of this very search, which
        keeps its progress in `work`, and OutputError."""
        if self.save_pictures is None:
            return None
        if (viewing := self._viewing) is None:
            raise BadData("nobody draws the pictures of trajectories", "search with latty.discover")
        folder = Path(self.save_pictures).expanduser()
        begun = work is not None and any(work.glob("*.safetensors"))
        try:
            if folder.exists() and not folder.is_dir():
                raise WouldOverwrite(f"{folder} is no folder", "choose another name")
            names = {file_of(name, seed) for name in transforms for seed in seeds}
            there = names.intersection(path.name for path in made(folder).iterdir())
            if there and not (begun or viewing.overwrite):
                hint = "--overwrite replaces it, or choose another folder"
                raise WouldOverwrite(f"{folder / min(there)} is there already", hint)
        except OSError as error:
            raise unwritten(f"cannot write {folder}", error) from None
        return KeptPictures(folder, viewing)


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """A folder for the pictures of trajectories, and how they are drawn."""

    folder: Path
    viewing: Viewing

    @torch.no_grad()
    def keep(self, one: Trajectories, seeds: range, batch: int, pulse: Callable[[], None]) -> None:
        """A sheet for each trajectory of a transform, NAME-SEED.png; `pulse` is called between
        them. Raises OutputError."""
        for block, first in zip(one.blocks, range(0, len(seeds), batch), strict=True):
            part = seeds[first : first + batch]
            for seed, sheet in zip(part, _sheets(one, block, part), strict=True):
                files.write(self.folder / file_of(one.name, seed), [self.viewing.draw(sheet)])
                pulse()


def file_of(transform: str, seed: int) -> str:
    """What the pictures of a trajectory are called."""
    return f"{transform}-{seed}.png"


def _sheets(one: Trajectories, block: Records, seeds: range) -> list[Sheet]:
    """Of each seed (N): targets over generated pictures, by the amount asked, 0 among them."""
    space = one.space
    if isinstance(space.generator, AnySize):
        space = replace(space, generator=space.generator.at_size(PX))
    codes, _ = space.start(seeds)
    first = smaller(space.draw(codes), PX)
    steps: list[tuple[float, Tensor, Tensor]] = [(0.0, first, first)]
    count = len(seeds)
    for at in range(0, len(block.asked), count):  # a row for each seed, amount by amount
        amount, place = block.asked[at : at + count], block.after[at : at + count]
        target, mask = one.transform.apply(first, amount.to(first))
        drawn = smaller(space.draw(space.codes(codes, place.to(codes))), PX)
        steps.append((float(amount[0]), target * mask, drawn))  # grey where it is not known
    steps.sort(key=lambda step: step[0])
    words = [f"{amount:+.2g}" if amount else "0" for amount, _, _ in steps]
    targets, generated = [target for _, target, _ in steps], [drawn for *_, drawn in steps]
    both = torch.stack([_stacked(targets), _stacked(generated)], 1)  # (N, 2, T, C, H, W)
    return [Sheet(pictures, ["target", "generated"], words) for pictures in both]


def _stacked(pictures: list[Tensor]) -> Tensor:
    """(N, T, C, H, W) of T times (N, C, H, W)."""
    return torch.stack(pictures, 1).cpu()
