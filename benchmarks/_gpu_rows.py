"""The rows of benchmarks/gpu.py: each is measured in a process of its own.

A row is a function of a Place that yields Found; what it raises is its row. Networks have random
weights of the real sizes; `small` ones show on a CPU that a row works.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks import _textbook_stylegan3 as alias_free
from benchmarks.bench_stylegan2 import LARGE, SMALL
from latty import presets, render
from latty.models import gpu, graphs
from latty.models.families import stylegan2, stylegan3
from latty.models.families.stylegan3.fused import FusedActivation
from latty.models.families.stylegan3.ops import FilteredActivation
from latty.render.options import Options
from latty.render.pixels import Painter, to_uint8
from latty.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
NEAR = 1e-4  # of the range of a picture: fp32 on a GPU against fp32 on a CPU
CPU = torch.device("cpu")


class Found(NamedTuple):
    """One line of the table; `good` is None where there is no goal."""

    what: str
    value: str
    goal: str = ""
    good: bool | None = None


class Place(NamedTuple):
    """Where, and whether small networks do."""

    device: torch.device
    small: bool

    def seconds(self, work: Callable[[], object], rounds: int = 20) -> float:
        """The median time of some work, until the device has done it; the first ones prepare."""
        spent = []
        for turn in range(2 if self.small else rounds + 4):
            begun = time.perf_counter()
            work()
            self.wait()
            if self.small or turn >= 4:
                spent.append(time.perf_counter() - begun)
        return statistics.median(spent)

    def wait(self) -> None:
        """Until the device has done what it was asked for."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def stylegan2_tensors(place: Place) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Config F at 1024 px, with noise."""
    config = SMALL if place.small else LARGE
    torch.manual_seed(0)
    network = stylegan2.StyleGAN2Network(config)
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for name, tensor in state.items():
        if name.endswith("noise_strength"):
            tensor.fill_(0.1)
    return state, stylegan2.metadata(config)


def stylegan3_made(place: Place, radial: bool, device: torch.device, dtype: Any = None) -> Any:
    """Config T or R at 1024 px."""
    size = (32, 512, 8) if place.small else (1024, 32768, 512)
    config = alias_free.settings(*size, 1 if radial else 3)
    torch.manual_seed(0)
    tensors = alias_free.tensors_of(config, radial)
    return stylegan3.build(tensors, stylegan3.metadata(config), device, dtype)


def apart(got: Tensor, wanted: Tensor) -> float:
    """The largest difference, of the range of what is wanted."""
    got, wanted = got.cpu().double(), wanted.cpu().double()
    return float((got - wanted).abs().max() / (wanted.max() - wanted.min()).clamp(min=1e-20))


def machine(place: Place) -> Iterator[Found]:
    """What was found."""
    if place.device.type == "cuda":
        one = torch.cuda.get_device_properties(place.device)
        yield Found(
            "GPU", f"{one.name}, {one.total_memory / 2**30:.0f} GiB, {one.major}.{one.minor}"
        )
        yield Found("CUDA, cuDNN", f"{torch.version.cuda}, {torch.backends.cudnn.version()}")
    yield Found("torch", str(torch.__version__))
    try:
        import triton

        yield Found("Triton", str(triton.__version__))
    except ImportError as error:
        yield Found("Triton", str(error), "there", False)


def tests(place: Place) -> Iterator[Found]:
    """The tests that need a GPU."""
    words = [sys.executable, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "tests/models"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    said = [line for line in done.stdout.splitlines() if line.strip()] or done.stderr.splitlines()
    for line in said:
        if line.startswith(("FAILED", "ERROR")):
            yield Found("test", line[:160], "passes", False)
    yield Found(
        "tests marked gpu", said[-1][:160] if said else "nothing said", "all", not done.returncode
    )


def parity(place: Place) -> Iterator[Found]:
    """Each family in fp32, small, against the CPU; and against itself."""
    sys.path.insert(0, str(ROOT / "tests/support"))
    from small_families import FAMILIES, labels_for, made

    for family in FAMILIES:
        try:
            here, there = made(family), made(family, str(place.device))
            label, codes = (
                labels_for(here, 3),
                here.mapping(here.sample([1, 2, 3]), labels_for(here, 3)),
            )
            on = None if label is None else label.to(place.device)
            with torch.no_grad():
                wanted = here.synthesis(codes, label)
                got = there.synthesis(codes.to(place.device), on)
                again = there.synthesis(codes.to(place.device), on)
        except Exception as error:
            yield Found(
                f"{family}, small", f"{type(error).__name__}: {error}"[:160], "draws", False
            )
            continue
        off, same = apart(got, wanted), torch.equal(got, again)
        value = f"{off:.1e} of the range from the CPU, {'same' if same else 'OTHER'} bytes again"
        yield Found(f"{family}, small", value, f"{NEAR:.0e}, same", off <= NEAR and same)


def parity_at_size(place: Place) -> Iterator[Found]:
    """StyleGAN2 and StyleGAN3-T at 1024 px in fp32 against the CPU, and against themselves."""
    state, meta = stylegan2_tensors(place)
    kinds: dict[str, Callable[[torch.device], Any]] = {
        "StyleGAN2 1024": lambda device: stylegan2.build(dict(state), meta, device),
        "StyleGAN3-T 1024": lambda device: stylegan3_made(place, False, device),
    }
    for name, make in kinds.items():
        here, there = make(CPU), make(place.device)
        codes = here.mapping(here.sample([1]))
        with torch.no_grad():
            wanted = here.synthesis(codes)
            got, again = (there.synthesis(codes.to(place.device)) for _ in range(2))
        off, same = apart(got, wanted), torch.equal(got, again)
        value = f"{off:.1e} of the range from the CPU, {'same' if same else 'OTHER'} bytes again"
        yield Found(f"{name}, fp32", value, f"{NEAR:.0e}, same", off <= NEAR and same)


def kernel(place: Place) -> Iterator[Found]:
    """StyleGAN3's activations: one kernel against products of matrices, all layers together."""
    for kind, radial in (("T", False), ("R", True)):
        for dtype in (torch.float32, torch.bfloat16):
            network = stylegan3_made(place, radial, place.device, dtype).network
            plain = fused = off = 0.0
            for layer in network.config.layers[:-1]:
                quick = network.synthesis.layer(network.config.layers.index(layer)).activation
                if not (isinstance(quick, FusedActivation) and quick.is_fused):
                    why = gpu.FAILED.get(gpu.KERNELS, "no GPU")
                    yield Found(f"kernel, {kind} {dtype}", why, "in use", False)
                    break
                side = layer.in_size + layer.kernel - 1
                x = torch.randn(1, layer.outputs, side, side, device=place.device).to(dtype)
                slow = partial(FilteredActivation.__call__, quick)
                off = max(off, apart(quick.fused(x), slow(x.clone())))
                fused += place.seconds(partial(quick.fused, x), 8)
                plain += place.seconds(lambda slow=slow, x=x: slow(x.clone()), 8)
            else:
                value = f"{fused * 1e3:.2f} ms, products {plain * 1e3:.2f} ms, {off:.1e} apart"
                yield Found(f"kernel, {kind} {dtype}", value, "quicker", fused < plain)


def graph(place: Place) -> Iterator[Found]:
    """One picture as a graph and the plain way."""
    state, meta = stylegan2_tensors(place)
    for dtype in (torch.float32, torch.bfloat16):
        generator = stylegan2.build(dict(state), meta, place.device, dtype)
        codes = generator.mapping(generator.sample([1]))
        with torch.no_grad():
            steps = generator.steps(codes)
            kept = graphs.Graphs()
            image = partial(kept.image, steps, steps.start())
            same = all(torch.equal(image(), steps.image(steps.start())) for _ in range(5))
            eager = place.seconds(lambda steps=steps: steps.image(steps.start()))
            quick = place.seconds(image)
        made = f"{len(kept)} graph" if len(kept) else gpu.FAILED.get(gpu.GRAPHS, "no graph")
        value = f"{quick * 1e3:.2f} ms, plain {eager * 1e3:.2f} ms = {eager / quick:.1f}x; {made}"
        good = same and len(kept) > 0 and eager >= 3 * quick
        yield Found(f"graph, StyleGAN2 1024 {dtype}, batch 1", value, "3x, same bytes", good)


def pictures(place: Place) -> Iterator[Found]:
    """Pictures a second, synthesis alone."""
    state, meta = stylegan2_tensors(place)
    batches = (1, 2) if place.small else (1, 8, 16, 32)
    for dtype in (torch.bfloat16, torch.float16, torch.float32):
        if place.device.type == "cpu" and dtype == torch.float16:
            continue
        rates = _rates(place, stylegan2.build(dict(state), meta, place.device, dtype), batches)
        best = max(rates.values())
        value = ", ".join(f"{rate:.0f} at {batch}" for batch, rate in rates.items())
        goal = ("1000/s", best >= 1000) if dtype != torch.float32 else ("", None)
        yield Found(f"pictures/s, StyleGAN2 1024 {dtype}", value, *goal)
    for name, radial in (("T", False), ("R", True)):
        for dtype in (torch.bfloat16, torch.float32):
            rates = _rates(place, stylegan3_made(place, radial, place.device, dtype), batches[:2])
            value = ", ".join(f"{rate:.1f} at {batch}" for batch, rate in rates.items())
            yield Found(f"pictures/s, StyleGAN3-{name} 1024 {dtype}", value)


def _rates(place: Place, generator: Any, batches: tuple[int, ...]) -> dict[int, float]:
    found = {}
    with torch.no_grad():
        for batch in batches:
            steps = generator.steps(generator.mapping(generator.sample(range(batch))))
            image = partial(graphs.GRAPHS.image, steps, steps.start())
            found[batch] = batch / place.seconds(image, 6)
            graphs.GRAPHS.forget()
    return found


def download(place: Place) -> Iterator[Found]:
    """Pixels on their way to the host."""
    side = 64 if place.small else 1024
    images = torch.rand(8, 3, side, side, device=place.device) * 2.2 - 1.1
    same = bool((to_uint8(images) == to_uint8(images.cpu())).all())
    spent = place.seconds(partial(to_uint8, images))
    value = (
        f"{spent * 1e3:.2f} ms for 8 pictures of {side} px, {images.numel() / spent / 1e9:.1f} GB/s"
    )
    yield Found("pixels to the host", value, "the CPU's bytes", same)


def films(place: Place) -> Iterator[Found]:
    """A film from the first picture to the last frame, against its drawing and its encoding."""
    with tempfile.TemporaryDirectory() as folder:
        state, meta = stylegan2_tensors(place)
        model = Path(folder, "model.safetensors")
        save_file(state, model, {**meta})
        precision = "fp32" if place.small else "bf16"
        for suffix in ("mp4", "gif"):
            made = _film(str(model), suffix, 4 if place.small else 120, precision)
            options = Options(Path(folder), str(place.device), frame_cache=10**11)
            generator = _model(made.scene, place)
            _draw(made, generator)  # what a first time prepares is none of the figures
            drawn = _seconds(lambda made=made, one=generator: _draw(made, one))
            walls = []
            for turn in ("first", "again", "other"):
                if turn == "other":  # nothing is kept: it is drawn again
                    options = Options(Path(folder), str(place.device))
                out = Options(Path(folder, turn), options.device, frame_cache=options.frame_cache)
                walls.append(_seconds(lambda made=made, out=out: render.write(made, out)))
            _, encoded, wall = walls
            first, other = (Path(folder, turn, f"film.{suffix}") for turn in ("first", "other"))
            same = first.read_bytes() == other.read_bytes()
            least = max(drawn, encoded)
            value = (f"{wall:.1f} s, drawing {drawn:.1f}, encoding {encoded:.1f}: "
                     f"{wall / least:.2f}; {'same' if same else 'OTHER'} bytes again")  # fmt: skip
            yield Found(f"render, {suffix}", value, "1.1, same", wall <= 1.1 * least and same)


def _model(scene: Scene, place: Place) -> Any:
    """The generator of a scene."""
    from latty.models import open_model

    return open_model(scene.model, str(place.device), scene.precision)


def _film(model: str, suffix: str, frames: int, precision: str) -> presets.Preset:
    edit = {"direction": "seed:42", "strength": {"from": 0, "to": 1}}
    scene = {"model": model, "seed": 1, "precision": precision, "edits": [edit]}
    data = {"schema": 1, "name": "film", "frames": frames, "scene": scene}
    return presets.from_dict({**data, "outputs": [{"path": f"film.{suffix}"}]}, "film.toml")


def _draw(made: presets.Preset, generator: Any) -> None:
    painter, last = Painter(generator), max(made.frames - 1, 1)
    scenes = [made.at(i / last) for i in range(made.frames)]
    for first in range(0, len(scenes), 8):
        painter(scenes[first : first + 8])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


# each with the seconds that it may take; the first ones are worth most
ROWS: dict[str, tuple[Callable[[Place], Iterator[Found]], int]] = {
    "machine": (machine, 40),
    "parity": (parity, 60),
    "kernel": (kernel, 90),
    "graph": (graph, 60),
    "pictures": (pictures, 110),
    "download": (download, 30),
    "films": (films, 110),
    "parity_at_size": (parity_at_size, 90),
    "tests": (tests, 120),
}
