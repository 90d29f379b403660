"""Writers against what GAN projects use: imageio's GIF, gifski where it is installed, FFmpeg's
palettes, and imageio-ffmpeg as stylegan3 calls it.

Same frames, one run, processor time of this process and its children. Frames are a camera circling
over smooth colour noise, as busy as photographs, portraits of latty's own model, and light that
moves over a gradient. Beside PSNR: SSIM (Wang 2004) of the mean of the channels in windows of
8 x 8, and flicker, the root mean square of changes from frame to frame that the film does not have.
"""

import resource
import shutil
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

    def __getitem__(self, index: int) -> Pixels:
        return self.frames[index]

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


def gradient(size: int, count: int) -> list[Pixels]:
    """Two lights that move over a gradient: frames (size, size, 3)."""
    y, x = np.mgrid[:size, :size] / size
    frames = []
    for turn in np.arange(count) / count * 2 * np.pi:
        one = (x - 0.4 - 0.08 * np.cos(turn)) ** 2 + (y - 0.45 - 0.08 * np.sin(turn)) ** 2
        two = (x - 0.75 + 0.05 * np.sin(turn)) ** 2 + (y - 0.7) ** 2
        a, b, c = np.exp(-one / 0.08), np.exp(-two / 0.15), 0.15 + 0.35 * y
        planes = (0.6 * c + 0.55 * a + 0.1 * b, 0.8 * c + 0.25 * a + 0.35 * b)
        whole = np.stack([*planes, 1.1 * c + 0.1 * a + 0.3 * b], 2)
        frames.append(np.clip(np.rint(whole * 255), 0, 255).astype(np.uint8))
    return frames


def likeness(path: Path, frames: list[Pixels]) -> str:
    """dB, SSIM and flicker of a film, decoded by FFmpeg."""
    with av.open(str(path)) as container:
        back = [one.to_ndarray(format="rgb24").astype(float) for one in container.decode(video=0)]
    pairs = list(zip(back, frames, strict=False))
    levels = np.mean([10 * np.log10(255**2 / np.mean((one - other) ** 2)) for one, other in pairs])
    alike = np.mean([ssim(one.mean(2), other.mean(2)) for one, other in pairs])
    changes = np.diff([one - other for one, other in pairs], axis=0)
    return f"{levels:.1f} dB, SSIM {alike:.4f}, flicker {np.sqrt(np.mean(changes**2)):.2f}"


def ssim(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Structural similarity of two pictures (H, W) of 255 levels."""
    a, b = means(one), means(other)
    spread = means(one * one) - a * a + means(other * other) - b * b
    common = means(one * other) - a * b
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * a * b + first) * (2 * common + second)
    return float(np.mean(alike / ((a * a + b * b + first) * (spread + second))))


def means(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each window of 8 x 8 of a picture (H, W)."""
    total = np.pad(picture, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    return (total[8:, 8:] - total[:-8, 8:] - total[8:, :-8] + total[:-8, :-8]) / 64


def ours(frames: list[Pixels], path: Path) -> None:
    output = Output(path.name)
    writer_of(output).write(Frames(frames), path, output, "{}", silent)


def imageio_gif(frames: list[Pixels], path: Path) -> None:
    imageio.mimsave(path, frames, fps=25)


def gifski(frames: list[Pixels], path: Path) -> None:
    """At its best quality, from PNG files, which is how it takes frames."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"{folder}/{i:05}.png" for i in range(len(frames))]
        for name, frame in zip(names, frames, strict=True):
            Image.fromarray(frame).save(name, compress_level=0)
        height, width, _ = frames[0].shape  # or it makes large ones smaller
        given = ["--width", str(width), "--height", str(height), "--fps", "25"]
        command = ["gifski", "--quiet", "--quality", "100", *given, "-o", str(path), *names]
        subprocess.run(command, check=True)


def ffmpeg_gif(frames: list[Pixels], path: Path) -> None:
    """A palette for each frame and its ordered dither."""
    height, width, _ = frames[0].shape
    ways = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer"
    given = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r 25 -i -".split()
    command = ["ffmpeg", "-loglevel", "error", *given, "-filter_complex", ways, str(path)]
    subprocess.run(command, input=np.stack(frames).tobytes(), check=True)


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
            f"{likeness(mine, frames)} against {likeness(theirs, frames)}, "
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


def gif_peers() -> list[tuple[str, Callable[[list[Pixels], Path], None]]]:
    """The peers that this machine has; it is said which are missing."""
    programs = {"gifski": ("gifski, quality 100", gifski), "ffmpeg": ("ffmpeg, bayer", ffmpeg_gif)}
    there = [one for name, one in programs.items() if shutil.which(name)]
    for name in programs:
        if not shutil.which(name):
            print(f"{name} is not installed: its rows are left out", file=sys.stderr)
    return [("imageio gif", imageio_gif), *there]


def run(quick: bool = False) -> list[Row]:
    """One row per comparison; above 1 latty is better."""
    count = 12 if quick else 60
    made = preset(256, count)
    portraits = list(render.frames(made, "cpu"))
    few = max(2, count // 6)
    films = {
        "256 px": circling(256, count),
        "256 px, portraits": portraits,
        "256 px, gradient": gradient(256, count),
        "1024 px": circling(1024, few),
        "1024 px, portraits": list(render.frames(preset(1024, few), "cpu")),
    }
    rows = [
        compare(f"gif, {kind}", against, frames, ".gif", peer)
        for kind, frames in films.items()
        for against, peer in gif_peers()
    ]
    rows += [
        compare("gif, 512 px", "imageio gif", circling(512, count), ".gif", imageio_gif),
        compare("mp4, 256 px", "stylegan3", circling(256, count), ".mp4", stylegan3_mp4),
        compare("mp4, 256 px, portraits", "stylegan3", portraits, ".mp4", stylegan3_mp4),
        compare("mp4, 512 px", "stylegan3", circling(512, count), ".mp4", stylegan3_mp4),
        compare("mp4, 1024 px", "stylegan3", circling(1024, count), ".mp4", stylegan3_mp4),
        whole_write(count),
    ]
    long = 60 if quick else 300
    return [*rows, growth(".gif", long // 5, long), growth(".mp4", long // 5, long)]
