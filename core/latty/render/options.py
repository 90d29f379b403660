"""How a preset is rendered, beside what it says itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from latty.models import gpu
from latty.models.facts import in_fp32, wished
from latty.models.precision import settled
from latty.presets import Preset
from latty.scene import AUTO, FP32, Scene

if TYPE_CHECKING:  # torch takes seconds to import, and checking a preset does not need it
    import torch

    from latty.presets.contents import Difference

Batches = tuple[tuple[int, int], ...]  # (first picture, batch size) of each stretch, from 0 on

USUAL_BATCH = 8  # pictures drawn at once


def drawn_on(device: "torch.device") -> str:
    """What a recipe says of a device: what pictures depend on."""
    if device.type != "cuda":
        return device.type
    import torch

    without = "" if gpu.allows(gpu.KERNELS) else " without kernels"
    return torch.cuda.get_device_name(device) + without


class Allowed(NamedTuple):
    """Something that was done because a switch allowed it: "foreign", and what in words."""

    switch: str
    what: str


def in_precision(preset: Preset, change: Callable[[Scene], str]) -> Preset:
    """The preset with `change(scene)` as the precision of its scene and of those of its panels."""

    def changed(scene: Scene) -> Scene:
        word = change(scene)
        return scene if word == scene.precision else replace(scene, precision=word)

    made = preset.with_panels(lambda _, scene: changed(scene))
    own = changed(preset.scene)
    return made if own is preset.scene else replace(made, scene=own)


def unheard(allowed: Allowed) -> None:
    """Says nothing."""


@dataclass(frozen=True, slots=True)
class Options:
    """precision  of scenes that say none themselves; "auto" is fp32
    batch         pictures drawn at once, None = as `film.batched` says; what `provenance.recall`
                  returns gives the same bytes again
    overwrite     replace files that are there
    foreign       apply directions and latents that were made for another model
    ignore_space  go on with a disk that may not do
    tell          hears each time that one of these made a difference
    recipe        written into every file
    picture       the one whose recipe it is, in the place of preset_file
    spelled       how that recipe spells a kind of content and what is here, where it is a picture's
    differs       what has other content than the preset pins, or a picture was made of
    notes         what is to be said of it when it is done
    frame_cache   bytes of pictures of finished films that are kept in all, 0 = none
    sidecar  also write the recipe to `<output>.json`, with threads and batches
    """

    out_dir: Path = Path("renders")
    device: str = "auto"
    overwrite: bool = False
    batch: int | Batches | None = None
    sidecar: bool = False
    preset_file: Path | None = None
    picture: Path | None = None
    spelled: tuple[tuple[tuple[str, str], str], ...] = ()
    foreign: bool = False
    ignore_space: bool = False
    notes: tuple[str, ...] = ()
    recipe: bool = True
    frame_cache: int = 0
    precision: str = AUTO
    differs: "tuple[Difference, ...]" = ()
    tell: Callable[[Allowed], None] = unheard

    @property
    def folder(self) -> Path:
        """Where the files lie that a preset, or the recipe of a picture, names beside itself."""
        file = self.preset_file or self.picture
        return Path() if file is None else file.parent

    def settled(self, preset: Preset, insisted: str | None = None) -> Preset:
        """The preset whose scenes all say in which precision they are drawn: what is `insisted`
        on, their own word, that of the options, fp32."""
        words = () if insisted is None else (insisted, FP32)
        return in_precision(preset, lambda one: settled(*words, one.precision, self.precision))

    def wished(self, model: str) -> str:
        """The precision for a model where the options come of settings, which hold for all."""
        return wished(model, self.precision)

    def as_able(self, preset: Preset) -> tuple[Preset, list[str]]:
        """The preset for such options: a scene that says no precision, and whose model has no
        other, says fp32; that in words. Raises what `models.facts.wished` does."""
        open_ones = {one.model for one in (preset.scene, *preset.scenes) if one.precision == AUTO}
        plain = [one for one in sorted(open_ones) if self.wished(one) != self.precision]
        said = in_precision(preset, lambda one: FP32 if one.precision == AUTO and one.model in plain
                            else one.precision)  # fmt: skip
        return said, [in_fp32(one, self.precision) for one in plain]

    def settled_scene(self, scene: Scene) -> Scene:
        """The same of a scene."""
        return replace(scene, precision=settled(scene.precision, self.precision))

    @property
    def batches(self) -> Batches:
        batch = USUAL_BATCH if self.batch is None else self.batch
        return ((0, batch),) if isinstance(batch, int) else batch


@dataclass(frozen=True, slots=True)
class ClimbFilm:
    """What is made of a climb.

    frames    pictures at even distances on the way; None = every step
    captions  whether the score stands in each picture
    every     a strip of frames that are at most so many apart; None = no strip
    """

    frames: int | None = 30
    captions: bool = False
    every: int | None = None

    def files(self, place: Path) -> list[Path]:
        """PLACE.gif, the folder PLACE of numbered frames, PLACE.png where there is a strip, and
        PLACE.safetensors, whose latent i is that of frame i."""
        gif, png, latents = (
            place.with_name(f"{place.name}{end}") for end in (".gif", ".png", ".safetensors")
        )
        return [gif, place, *([png] if self.every else []), latents]
