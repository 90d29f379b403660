"""The precision of previews: the quickest in which a model stays 50 dB or nearer to fp32.

It is measured once for a model on a kind of device, by a few pictures drawn while nobody waits, and
remembered in the cache folder; until then a model draws in fp32. Files that are kept are never
drawn by this rule.
"""

import json
import platform
import time
from collections import abc
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import torch

from latty import home
from latty.errors import BadData, LattyError
from latty.files import replace_whole
from latty.models import open_model
from latty.models.base import Generator
from latty.models.facts import wished as able
from latty.models.precision import native
from latty.models.steps import HasSteps, StepState
from latty.scene import AUTO, BF16, FP16, FP32
from latty.version import __version__

LEAST_DB = 50.0  # of PSNR against fp32, for levels from -1 to 1
LEAST_PX = 256  # smaller pictures take milliseconds: there is nothing to gain
ENOUGH = 0.3  # seconds of a picture beside which what a first one prepares is little
GAIN = 0.9  # of the time of fp32 that another precision may take at most
SEED = 0


def for_previews(ref: str, device: torch.device, said: str, wished: str) -> Generator:
    """The generator that draws pictures which nobody keeps.

    said    the scene's own word: bf16 and fp16 are shown as they will be drawn
    wished  that of the settings or of --precision; "auto" = the quickest

    Raises what `open_model` does.
    """
    if not is_free(said, wished):
        return open_model(ref, str(device), said if said in (BF16, FP16) else able(ref, wished))
    exact = open_model(ref, str(device))
    if not _may_gain(exact, device) or _remembered(_note(exact, device)) != BF16:
        return exact
    with suppress(BadData):  # its family draws in fp32
        return open_model(ref, str(device), BF16)
    return exact


def is_free(said: str, wished: str) -> bool:
    """Whether the quickest may be taken, by the words of `for_previews`."""
    return said not in (BF16, FP16) and wished == AUTO


def measure(ref: str, device: torch.device) -> Iterator[None]:
    """Measure a model and remember the precision, a layer at a time; nothing where it is known.
    Raises what `open_model` and drawing raise."""
    exact = open_model(ref, str(device))
    if not _may_gain(exact, device) or _remembered(note := _note(exact, device)):
        return
    try:
        near = open_model(ref, str(device), BF16)
    except BadData:  # its family draws in fp32
        return
    chosen = BF16 if (yield from _is_quicker(exact, near)) else FP32
    with suppress(LattyError):  # it stays in fp32 where nothing can be written
        replace_whole(note, [json.dumps({"precision": chosen}).encode()])


def _may_gain(exact: Generator, device: torch.device) -> bool:
    info = exact.info
    return BF16 in native(device) and info.resolution >= LEAST_PX and bool(info.digest)


def _note(exact: Generator, device: torch.device) -> Path:
    """Where is kept what was measured of a generator in fp32."""
    kind = platform.processor() or platform.machine()
    if device.type == "cuda":
        kind = torch.cuda.get_device_name(device)
    parts = [exact.info.digest, device.type, kind, torch.__version__, __version__]
    key = sha256(json.dumps(parts).encode()).hexdigest()[:32]
    return home.cache_dir() / "precision" / f"{key}.json"


def _remembered(note: Path) -> str:
    """What was chosen; "" where nothing is."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(note.read_bytes())["precision"]
        return found if found in (FP32, BF16) else ""
    return ""


def _is_quicker(exact: Generator, near: Generator) -> abc.Generator[None, None, bool]:
    """Whether the second is at most GAIN of the first's time, and LEAST_DB or nearer to it."""
    wanted, slow = yield from _drawn(exact)
    got, quick = yield from _drawn(near)
    error = float((got.clamp(-1, 1) - wanted.clamp(-1, 1)).square().mean())
    return quick <= GAIN * slow and error <= 4 * 10 ** (-LEAST_DB / 10)


@torch.no_grad()
def _drawn(generator: Generator) -> abc.Generator[None, None, tuple[torch.Tensor, float]]:
    """A picture (1, C, H, W), and the seconds it takes where all is prepared."""
    codes = generator.mapping(generator.sample([SEED]))
    for _ in range(2):
        seconds, begun = 0.0, time.perf_counter()
        steps = generator.steps(codes) if isinstance(generator, HasSteps) else None
        if steps is None:
            picture = generator.synthesis(codes).cpu()
        else:
            state: StepState = steps.start()
            while state.layer < steps.count:
                kept = state if state.layer == 0 else state.spared()
                state = steps.run(kept, state.layer + 1)
                # a number that comes back: what was asked of a GPU is done then
                float(state.tensors[0].flatten()[0])
                seconds += time.perf_counter() - begun
                yield
                begun = time.perf_counter()
            picture = steps.image(state).cpu()
        seconds += time.perf_counter() - begun
        if seconds > ENOUGH:
            break
    return picture, seconds
