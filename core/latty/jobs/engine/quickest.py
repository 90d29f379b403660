"""The precision of previews: the quickest in which a model stays 50 dB or nearer to fp32.

It is measured once for a model on a kind of device, by a few pictures when the model is first
opened, and remembered in the cache folder. Files that are kept are never drawn by this rule.
"""

import json
import platform
import time
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
    if said in (BF16, FP16) or wished != AUTO:
        return open_model(ref, str(device), said if said in (BF16, FP16) else able(ref, wished))
    exact = open_model(ref, str(device))
    info = exact.info
    if BF16 not in native(device) or info.resolution < LEAST_PX or not info.digest:
        return exact
    note = _note(info.digest, device)
    chosen = _remembered(note)
    try:
        if chosen == FP32:
            return exact
        near = open_model(ref, str(device), BF16)
    except BadData:  # its family draws in fp32
        return exact
    if not chosen:
        chosen = BF16 if _is_quicker(exact, near) else FP32
        with suppress(LattyError):
            replace_whole(note, [json.dumps({"precision": chosen}).encode()])
    return near if chosen == BF16 else exact


def _note(digest: str, device: torch.device) -> Path:
    """Where is kept what was measured."""
    kind = platform.processor() or platform.machine()
    if device.type == "cuda":
        kind = torch.cuda.get_device_name(device)
    parts = [digest, device.type, kind, torch.__version__, __version__]
    key = sha256(json.dumps(parts).encode()).hexdigest()[:32]
    return home.cache_dir() / "precision" / f"{key}.json"


def _remembered(note: Path) -> str:
    """What was chosen; "" where nothing is."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(note.read_bytes())["precision"]
        return found if found in (FP32, BF16) else ""
    return ""


@torch.inference_mode()
def _is_quicker(exact: Generator, near: Generator) -> bool:
    """Whether the second is at most GAIN of the first's time, and LEAST_DB or nearer to it."""
    (wanted, slow), (got, quick) = _drawn(exact), _drawn(near)
    error = float((got.clamp(-1, 1) - wanted.clamp(-1, 1)).square().mean())
    return quick <= GAIN * slow and error <= 4 * 10 ** (-LEAST_DB / 10)


def _drawn(generator: Generator) -> tuple[torch.Tensor, float]:
    """A picture (1, C, H, W), and the seconds it takes where all is prepared."""
    codes = generator.mapping(generator.sample([SEED]))
    for _ in range(2):
        begun = time.perf_counter()
        picture = generator.synthesis(codes).cpu()
        seconds = time.perf_counter() - begun
        if seconds > ENOUGH:
            break
    return picture, seconds
