"""Pictures as a terminal gets them: decoders of sixel, kitty and iTerm2, and how alike two are."""

import re
import zlib
from base64 import standard_b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
FAR_OFF = 70  # a channel so far from what it should be is a speckle that the eye sees


@dataclass(frozen=True)
class Sixel:
    """A decoded sixel: `painted` is where it has pixels, `late` colours came after data began."""

    pixels: Pixels
    painted: NDArray[np.bool_]
    colours: int
    late: int


def read_sixel(data: bytes) -> Sixel:
    """Decode DCS ... q ... ST as terminals do; raises AssertionError where it breaks the rules."""
    head = re.match(rb'\x1bP[\d;]*q"1;1;(\d+);(\d+)', data)
    assert head and data.endswith(b"\x1b\\"), f"no sixel: {data[:40]!r}"
    width, height = int(head[1]), int(head[2])
    body = data[head.end() : -2]
    define = re.compile(rb"#(\d+);2;(\d+);(\d+);(\d+)")
    first = re.search(rb"[?-~]", define.sub(lambda m: b" " * len(m[0]), body))
    colours: dict[int, list[int]] = {}
    late = 0
    for found in define.finditer(body):
        number, *percent = (int(group) for group in found.groups())
        late += first is not None and found.start() > first.start()
        colours[number] = [round(p * 255 / 100) for p in percent]
    assert len(colours) <= 256, f"{len(colours)} colours: more than most terminals have"
    plain = re.sub(rb"!(\d+)([?-~])", lambda m: m[2] * int(m[1]), define.sub(b"", body))
    canvas = np.zeros((height + 6, width, 3), np.uint8)
    painted = np.zeros((height + 6, width), np.bool_)
    colour = 0
    for band, line in enumerate(plain.split(b"-")):
        here, mask = canvas[6 * band : 6 * band + 6], painted[6 * band : 6 * band + 6]
        assert len(here) == 6 or not line, "more bands than the height that was promised"
        for sweep in line.split(b"$"):
            colour = _sweep(sweep, here, mask, colours, colour)
    assert not painted[height:].any(), "pixels below the height that was promised"
    return Sixel(canvas[:height], painted[:height], len(colours), late)


def _sweep(
    data: bytes,
    band: Pixels,
    mask: NDArray[np.bool_],
    colours: Mapping[int, list[int]],
    colour: int,
) -> int:
    """One way across a band; the colour it ends with."""
    x = 0
    for select, run in re.findall(rb"#(\d+)|([?-~]+)", data):
        if select:
            colour = int(select)
            continue
        bits = np.frombuffer(run, np.uint8) - 63
        on = np.unpackbits(bits[:, None], axis=1, bitorder="little")[:, :6].T.astype(bool)
        assert x + len(bits) <= band.shape[1], "pixels beyond the width that was promised"
        band[:, x : x + len(bits)][on] = colours[colour]
        mask[:, x : x + len(bits)] |= on
        x += len(bits)
    return colour


@dataclass
class Kitty:
    """The kitty graphics commands that latty uses: transmit in chunks, place, delete."""

    pending: bytes = b""
    keys: dict[str, str] = field(default_factory=dict)
    images: dict[int, Pixels] = field(default_factory=dict)

    def take(self, command: bytes) -> tuple[dict[str, str], Pixels | None]:
        """One ESC _ G ... ST: its keys, and the picture to place when one is complete."""
        control, _, payload = command[3:-2].partition(b";")
        keys = dict(pair.split("=", 1) for pair in control.decode().split(",") if pair)
        if self.keys:
            keys = {**self.keys, "m": keys.get("m", "0")}
        action = keys.get("a", "t")
        if action in "tT":
            self.pending += payload
            if keys.get("m", "0") == "1":
                self.keys = keys
                return keys, None
            self.images[int(keys.get("i", 0))] = self._image(keys)
            self.keys, self.pending = {}, b""
        placed = self.images.get(int(keys.get("i", 0))) if action in "Tp" else None
        return keys, placed

    def _image(self, keys: Mapping[str, str]) -> Pixels:
        data = standard_b64decode(self.pending)
        if keys.get("o") == "z":
            data = zlib.decompress(data)
        if keys["f"] == "100":
            return _opened(data)
        shape = (int(keys["v"]), int(keys["s"]), int(keys["f"]) // 8)
        return np.frombuffer(data, np.uint8).reshape(shape)[..., :3]


def read_iterm(data: bytes) -> tuple[dict[str, str], Pixels]:
    """OSC 1337 ; File = keys : base64."""
    head, _, payload = data.partition(b":")
    keys = dict(pair.split("=", 1) for pair in head.decode().partition("File=")[2].split(";"))
    return keys, _opened(standard_b64decode(payload.rstrip(b"\x07\x1b\\")))


def _opened(data: bytes) -> Pixels:
    from PIL import Image

    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def scaled(rgb: Pixels, width: int, height: int) -> Pixels:
    """As a terminal scales a picture to its cells."""
    from PIL import Image

    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR))


def psnr(a: Pixels, b: Pixels) -> float:
    """In dB; 99 where they are equal."""
    assert a.shape == b.shape, f"{a.shape} is not {b.shape}"
    error = ((a.astype(np.float64) - b) ** 2).mean()
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def outliers(a: Pixels, b: Pixels) -> float:
    """Pixels of 10,000 with a channel more than FAR_OFF away."""
    far = (np.abs(a.astype(np.int16) - b) > FAR_OFF).any(axis=-1)
    return float(far.mean() * 10_000)


def found_at(wanted: Pixels, screen: Pixels) -> tuple[int, int]:
    """(x, y) where `wanted` lies in `screen` with the least squared error, over every place."""
    big, small = screen.astype(np.float64).mean(-1), wanted.astype(np.float64).mean(-1)
    height, width = small.shape
    mirrored = np.fft.rfft2(small[::-1, ::-1], big.shape)
    cross = np.fft.irfft2(np.fft.rfft2(big) * mirrored, big.shape)[height - 1 :, width - 1 :]
    sums = np.pad(big**2, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    energy = sums[height:, width:] - sums[:-height, width:]
    energy = energy - sums[height:, :-width] + sums[:-height, :-width]
    y, x = np.unravel_index(int((energy - 2 * cross).argmin()), energy.shape)
    return int(x), int(y)
