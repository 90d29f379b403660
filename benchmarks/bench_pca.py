"""Principal components: of w, of a layer, of two million dimensions, and their latent directions.

The whole search in w, seeds and mapping included, against GANSpace's (`_ganspace.py`); the rest
against scikit-learn's IncrementalPCA in GANSpace's batches, on the same rows; angles are between
the subspace of all components found and that of a float64 decomposition. Layers are those of a
StyleGAN2 with random weights, whose spectra are about as flat as trained ones. Widths that take
memory run in a process of their own; its peak is read from /proc, without what the libraries and
the reading of rows take.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import _ganspace
from benchmarks.bench_stylegan2 import FULL, SMALL, Row, _network, _one_thread
from latty.directions.methods.ganspace import METHOD
from latty.directions.methods.ganspace.estimators import choose
from latty.directions.methods.ganspace.pca import Components, Estimator
from latty.directions.methods.ganspace.plan import FitPlan
from latty.models.families import stylegan2
from latty.models.families.stylegan2 import StyleGAN2Config
from latty.models.styled_generator import StyledGenerator
from latty.report import silent

WIDE = StyleGAN2Config(resolution=128, channels=(128, 128, 128, 128, 128, 128))  # 2097152 at b128
IPCA = "IncrementalPCA"
CPU = torch.device("cpu")


def _generator(config: StyleGAN2Config) -> StyledGenerator:
    network = _network(config)
    return stylegan2.build(network.state_dict(), stylegan2.metadata(config), CPU)


def _fed(estimator: Estimator, rows: Tensor) -> Estimator:
    for part in torch.split(rows, estimator.block):
        estimator.room()[: len(part)] = part
        estimator.add(len(part))
    return estimator


def _ipca(rows: np.ndarray, components: int, batch: int) -> np.ndarray:
    from sklearn.decomposition import IncrementalPCA

    pca = IncrementalPCA(components)
    for start in range(0, len(rows), batch):
        pca.partial_fit(rows[start : start + batch])
    return np.asarray(pca.components_)


def _precise(rows: Tensor, components: int) -> np.ndarray:
    """In float64, by whichever Gram matrix is smaller."""
    x = rows.double().numpy()
    x -= x.mean(0)
    if x.shape[0] > x.shape[1]:
        return np.linalg.eigh(x.T @ x)[1].T[::-1][:components]
    from scipy.linalg import eigh

    n = len(x)
    left = eigh(x @ x.T, subset_by_index=[n - components, n - 1], driver="evr")[1]
    vectors = left.T[::-1] @ x
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def _angles(found: np.ndarray, wanted: np.ndarray) -> str:
    """Mean and largest principal angle, by sines where cosines cannot tell."""
    a, b = (np.linalg.qr(rows.astype(np.float64).T)[0] for rows in (found, wanted))
    sines = np.linalg.svd(b - a @ (a.T @ b), compute_uv=False)
    angles = np.degrees(np.arcsin(sines.clip(0, 1)))
    return f"{angles.mean():.1e}/{angles.max():.1e} deg"


def _w_row(quick: bool) -> Row:
    n, k, batch = (20_000, 80, 2000) if quick else (100_000, 80, 10_000)
    network = _network(SMALL if quick else FULL)
    with torch.no_grad():
        parts = [network.mapping(z) for z in torch.randn(n, 512).split(5000)]
    rows = torch.cat([part if part.dim() == 2 else part[:, 0] for part in parts]).contiguous()
    start = time.process_time()
    theirs = _ipca(rows.numpy(), k, batch)
    middle = time.process_time()
    found = _fed(choose("auto", FitPlan(n, rows.shape[1], 0, k)), rows).finish(k, silent)
    stop = time.process_time()
    wanted = _precise(rows, k)
    note = (
        f"{'' if quick else 'goal 10x at 1e-3 deg, '}{stop - middle:.2f} s, mean/largest angle "
        f"{_angles(found.vectors.numpy(), wanted)}, theirs {_angles(theirs, wanted)}"
    )
    title = f"PCA of w, {n} x {rows.shape[1]}, {k} components"
    return title, f"{IPCA}, batch {batch}", (middle - start) / (stop - middle), note


def _whole_row(samples: int, quick: bool = False) -> Row:
    """Seeds, mapping and components in one: what a user waits for."""
    generator, k = _generator(SMALL if quick else FULL), 80
    METHOD(samples=3000).fit(generator)  # the first call is slower than the others
    theirs = _ganspace.w_components(generator.network.mapping, samples, k)
    start = time.process_time()
    METHOD(samples=samples, components=k).fit(generator)
    ours = time.process_time() - start
    note = (
        f"{'' if quick else 'goal 3x, '}{ours:.1f} s against {theirs.seconds:.1f} (drawing "
        f"{theirs.drawing:.1f}, mapping {theirs.mapping:.1f}, IncrementalPCA {theirs.fitting:.1f})"
    )
    title = f"discover ganspace on w, {samples} samples, {k} components"
    return title, "GANSpace's pipeline, written out", theirs.seconds / ours, note


# --- in a process of their own --------------------------------------------------------------------


def _peak() -> float:
    """Most memory so far, in MB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    raise OSError("no VmHWM in /proc/self/status")


def _apart(task: str, *words: object) -> dict[str, float]:
    """Run `task` of this file in a fresh process and read what it measured."""
    command = [sys.executable, "-m", "benchmarks.bench_pca", task, *map(str, words)]
    home = Path(__file__).parent.parent
    out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=home)
    return dict(json.loads(out.stdout))


def _task_layer(kind: str, folder: Path, n: int, width: int, k: int, batch: int) -> None:
    """Components of the rows in FOLDER/rows by one implementation; rows are read as they go."""
    warm = np.random.RandomState(0).randn(400, 50).astype(np.float32)
    _ipca(warm, 4, 200)
    _fed(choose("sketch", FitPlan(400, 50, 0, 4)), torch.from_numpy(warm)).finish(4, silent)
    before, start = _peak(), time.process_time()
    with (folder / "rows").open("rb", buffering=0) as file:
        if kind == "ipca":
            from sklearn.decomposition import IncrementalPCA

            pca = IncrementalPCA(k)
            for _ in range(n // batch):
                pca.partial_fit(np.fromfile(file, np.float32, batch * width).reshape(batch, width))
            found = np.asarray(pca.components_)
        else:
            estimator = choose(kind, FitPlan(n, width, 0, k))
            while estimator.count < n:
                room = estimator.room()[: n - estimator.count]
                for row in room.numpy():
                    file.readinto(row.data)
                estimator.add(len(room))
            found = estimator.finish(k, silent).vectors.numpy()
    spent = time.process_time() - start
    np.save(folder / f"{kind}.npy", found)
    print(json.dumps({"seconds": spent, "megabytes": _peak() - before}))


def _layer_row(quick: bool) -> Row:
    config, name = (SMALL, "b8.conv1") if quick else (FULL, "b4.conv1")  # 8192 dimensions both
    n, k, batch = (1500, 20, 500) if quick else (6000, 80, 2000)
    generator = _generator(config)
    parts = []
    for first in range(0, n, 100):
        codes = generator.mapping(generator.sample(range(first, first + 100)))
        parts.append(generator.activation(codes, name).flatten(1))
    rows = torch.cat(parts)
    width, wanted = rows.shape[1], _precise(rows, k)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        rows.numpy().tofile(folder / "rows")
        del parts, rows
        measured = {
            kind: _apart("layer", kind, folder, n, width, k, batch) for kind in ("ipca", "sketch")
        }
        angles = {kind: _angles(np.load(folder / f"{kind}.npy"), wanted) for kind in measured}
    theirs, ours = measured["ipca"], measured["sketch"]
    memory = f"extra memory {ours['megabytes']:.0f} MB against {theirs['megabytes']:.0f} MB"
    note = (
        f"{'' if quick else 'goal 7x, a tenth of the memory, mean 1 deg: '}"
        f"{ours['seconds']:.1f} s, {memory}, mean/largest angle {angles['sketch']}, "
        f"theirs {angles['ipca']}"
    )
    title = f"PCA of a layer, {n} x {width}, {k} components"
    return title, f"{IPCA}, batch {batch}", theirs["seconds"] / ours["seconds"], note


def _task_wide(samples: int) -> None:
    """The whole search on a layer of 2097152 dimensions."""
    start = time.process_time()
    found = METHOD(samples=samples, layer="b128.conv0").fit(_generator(WIDE))
    spent = time.process_time() - start
    count = len(found.directions_)
    print(json.dumps({"seconds": spent, "megabytes": _peak(), "count": count}))


def _wide_row() -> Row:
    n = 720  # more than fit in the memory as they are: a sketch, merged twice
    measured = _apart("wide", n)
    note = (
        f"the process, generator and all: {measured['megabytes']:.0f} MB at most, "
        f"{measured['count']:.0f} directions, {measured['seconds']:.0f} s (memory, not time)"
    )
    title = f"directions of a layer, {n} x 2097152"
    return title, "8 GB", 8000 / measured["megabytes"], note


# --- directions in the same pass ------------------------------------------------------------------


def _second_pass(generator: StyledGenerator, name: str, found: Components, n: int) -> np.ndarray:
    """Latent directions the long way: run the generator again, project, and solve."""
    from scipy.linalg import lstsq

    scores, latents = [], []
    for first in range(1, n + 1, 20):
        codes = generator.mapping(generator.sample(range(first, min(first + 20, n + 1))))
        scores.append(generator.activation(codes, name).flatten(1) @ found.vectors.T)
        latents.append(codes[:, 0])
    x, z = (torch.cat(parts).double().numpy() for parts in (scores, latents))
    x = (x - x.mean(0)) / found.stdev.numpy()
    return np.asarray(lstsq(x, z - z.mean(0), lapack_driver="gelsd")[0])


def _regression_row(quick: bool) -> Row:
    config, n = (SMALL, 1000) if quick else (FULL, 2500)
    generator, name, k = _generator(config), "b8.conv1", 20 if quick else 80
    options: Any = {"samples": n, "layer": name, "components": k, "batch": 20}
    start = time.process_time()
    ours = METHOD(**options, estimator="sketch").fit(generator)
    middle = time.process_time()
    edit = METHOD(**options, estimator="sketch", edit="activation")
    vectors = edit.fit(generator)
    stdev = torch.tensor([info.sigma for info in vectors.infos_]).double()
    empty = torch.zeros(0, 0).double()
    found = Components(vectors.directions_, stdev, 1.0, empty, empty, empty, n)
    solved = _second_pass(generator, name, found, n)
    stop = time.process_time()
    cosines = torch.cosine_similarity(ours.directions_.double(), torch.from_numpy(solved)).abs()
    note = (
        f"{'' if quick else 'goal 1.8x at cos 0.9999, '}lowest cos {float(cosines.min()):.6f}, "
        f"{middle - start:.1f} s"
    )
    title = f"latent directions of {n} x {name}, {k} components"
    against = "components, a second pass, gelsd"
    return title, against, (stop - middle) / (middle - start), note


def _rows(quick: bool) -> Iterator[Row]:
    yield _whole_row(20_000 if quick else 100_000, quick)
    yield _w_row(quick)
    yield _layer_row(quick)
    yield _regression_row(quick)
    if not quick:
        yield _wide_row()


def run(quick: bool = False) -> Iterator[Row]:
    """All rows; `quick` uses few samples of a narrow network, to show that the benchmark works."""
    with _one_thread(), torch.no_grad():
        yield from _rows(quick)


def main() -> None:
    """One measurement in this process: whole N, layer KIND FOLDER N WIDTH K BATCH, or wide N."""
    task, *words = sys.argv[1:]
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    with torch.no_grad():
        if task == "whole":
            print(_whole_row(int(words[0])))
        elif task == "wide":
            _task_wide(int(words[0]))
        else:
            kind, folder, *numbers = words
            _task_layer(kind, Path(folder), *map(int, numbers))


if __name__ == "__main__":
    main()
