"""Writers against what GAN projects use: imageio's GIF, and imageio-ffmpeg as stylegan3 calls it.

Same frames, one run, processor time of this process and its children. Frames are a camera circling
over smooth colour noise, as busy as photographs, and portraits of latty's own model.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import imageio
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latty import presets, render
from latty.models import open_model
from latty.presets import Output
from latty.presets.formats import writer_of
from latty.render.pixels import Painter, at_size
from latty.render.shots import Shots
from latty.report import silent

Pixels = NDArray[np.uint8]
Row = tuple[str, str, float, str]


@dataclass
class Frames:
    """A film in memory."""

    frames: list[Pixels]
    fps: Fraction = Fraction(25)
    loops: bool = True

    @property
    def height(self) -> int:
        return int(self.frames[0].shape[0])

    @property
    def width(self) -> int:
        return int(self.frames[0].shape[1])

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[Pixels]:
        return iter(self.frames)


def circling(size: int, count: int) -> list[Pixels]:
    """A camera circling over noise with the spectrum of photographs: frames (size, size, 3)."""
    random = np.random.RandomState(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(2 * size), np.fft.fftfreq(2 * size)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(random.randn(3, 2 * size, 2 * size)) / frequency**1.3
    spectrum[:, 0, 0] = 0
    waves = np.fft.ifft2(spectrum).real
    waves /= waves.std((1, 2), keepdims=True)
    mix = np.array([[0.8, 0.3, 0.1], [0.8, -0.1, 0.2], [0.8, -0.2, -0.3]])
    levels = np.clip(0.5 + 0.22 * np.tensordot(mix, waves, 1), 0, 1) * 255
    big = Image.fromarray(np.rint(levels).astype(np.uint8).transpose(1, 2, 0))
    frames = []
    for angle in np.arange(count) / count * 2 * np.pi:
        x, y = size + size / 4 * np.cos(angle), size + size / 4 * np.sin(angle)
        half = size * (0.55 + 0.15 * np.sin(angle))
        box = (x - half, y - half, x + half, y + half)
        frames.append(np.asarray(big.resize((size, size), Image.Resampling.BICUBIC, box=box)))
    return frames


def preset(size: int, count: int, name: str = "x.gif") -> presets.Preset:
    edit = {"direction": "seed:9", "strength": {"from": 0, "to": 1}}
    scene = {"model": "portraits", "seed": 7, "size": size, "edits": [edit]}
    outputs = [{"path": name}]
    data = {"schema": 1, "name": "x", "frames": count, "scene": scene, "outputs": outputs}
    return presets.from_dict(data, "x.toml")


def cpu(work: Callable[[], object]) -> float:
    """Processor seconds of a call, with those of programs it started."""

    def now() -> float:
        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + child.ru_utime + child.ru_stime

    began = now()
    work()
    return now() - began


def psnr(path: Path, frames: list[Pixels]) -> float:
    """Mean over frames in dB, decoded by FFmpeg."""
    values = []
    with av.open(str(path)) as container:
        for back, frame in zip(container.decode(video=0), frames, strict=False):
            error = back.to_ndarray(format="rgb24").astype(float) - frame
            values.append(10 * np.log10(255**2 / np.mean(error**2)))
    return float(np.mean(values))


def ours(frames: list[Pixels], path: Path) -> None:
    output = Output(path.name)
    writer_of(output).write(Frames(frames), path, output, "{}", silent)


def imageio_gif(frames: list[Pixels], path: Path) -> None:
    imageio.mimsave(path, frames, fps=25)


def stylegan3_mp4(frames: list[Pixels], path: Path) -> None:
    """gen_video.py of NVlabs/stylegan3: 12 Mbit/s through a pipe to ffmpeg."""
    with imageio.get_writer(path, mode="I", fps=25, codec="libx264", bitrate="12M") as video:
        for frame in frames:
            video.append_data(frame)


def compare(
    what: str,
    against: str,
    frames: list[Pixels],
    suffix: str,
    peer: Callable[[list[Pixels], Path], None],
) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        mine, theirs = Path(folder) / f"a{suffix}", Path(folder) / f"b{suffix}"
        seconds = cpu(lambda: ours(frames, mine))
        peers = cpu(lambda: peer(frames, theirs))
        note = (
            f"{seconds / len(frames) * 1e3:.1f} against {peers / len(frames) * 1e3:.1f} ms/frame, "
            f"{psnr(mine, frames):.1f} against {psnr(theirs, frames):.1f} dB, "
            f"{mine.stat().st_size // 1000} against {theirs.stat().st_size // 1000} kB"
        )
    return what, against, peers / seconds, note


GROWTH = """
import resource, sys
import numpy as np
from benchmarks.bench_writers import Frames, circling, imageio_gif, ours, stylegan3_mp4
from pathlib import Path
from PIL import Image
kind, suffix, count, folder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
base = circling(256, 20)
class Lazy(list):
    def __iter__(self):
        return (np.asarray(Image.fromarray(base[i % 20]).resize((512, 512))) for i in range(count))
    def __len__(self):
        return count
    def __getitem__(self, i):
        return next(iter(self))
work = ours if kind == "ours" else imageio_gif if suffix == ".gif" else stylegan3_mp4
work(Lazy() if kind == "ours" or suffix == ".mp4" else list(Lazy()), Path(folder) / ("x" + suffix))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(kind: str, suffix: str, count: int) -> float:
    """Peak memory in MB of a fresh process that writes `count` frames of 512 px."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", GROWTH, kind, suffix, str(count), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout)


def growth(suffix: str, short: int, long: int) -> Row:
    mine = peak("ours", suffix, long) - peak("ours", suffix, short)
    theirs = peak("peer", suffix, long) - peak("peer", suffix, short)
    what = f"memory, {suffix[1:]} 512 px, {short} to {long} frames"
    note = f"grows {mine:.1f} against {theirs:.1f} MB"
    return what, f"imageio {suffix[1:]}", max(theirs, 1.0) / max(mine, 1.0), note


def whole_write(count: int) -> Row:
    """The whole of `write` against drawing alone: 1 would be a render that costs nothing else."""
    made, generator = preset(128, count), open_model("portraits", "cpu")
    shots = Shots(made, made.times(), 128)
    painter = Painter(at_size(generator, 128))
    painter(shots[:8])  # the first call is slower than the others

    def draw() -> None:
        for first in range(0, count, 8):
            painter(shots[first : first + 8])

    with tempfile.TemporaryDirectory() as folder:
        alone = cpu(draw)
        everything = cpu(lambda: render.write(made, render.Options(Path(folder), device="cpu")))
    note = f"{everything / count * 1e3:.1f} against {alone / count * 1e3:.1f} ms/frame"
    return f"write(), {count} frames, gif 128 px", "drawing alone", alone / everything, note


def run(quick: bool = False) -> list[Row]:
    """One row per comparison; above 1 latty is better."""
    count = 12 if quick else 60
    made = preset(256, count)
    portraits = list(render.frames(made, "cpu"))
    rows = [
        compare("gif, 256 px", "imageio gif", circling(256, count), ".gif", imageio_gif),
        compare("gif, 256 px, portraits", "imageio gif", portraits, ".gif", imageio_gif),
        compare("gif, 512 px", "imageio gif", circling(512, count), ".gif", imageio_gif),
        compare("mp4, 256 px", "stylegan3", circling(256, count), ".mp4", stylegan3_mp4),
        compare("mp4, 256 px, portraits", "stylegan3", portraits, ".mp4", stylegan3_mp4),
        compare("mp4, 512 px", "stylegan3", circling(512, count), ".mp4", stylegan3_mp4),
        whole_write(count),
    ]
    long = 60 if quick else 300
    return [*rows, growth(".gif", long // 5, long), growth(".mp4", long // 5, long)]
