"""Measure the embedded models: the figures of CARD.md come from here and nowhere else.

    python -m training.evaluate                 # a table in Markdown
    python -m training.evaluate --json          # one JSON object

Pictures are compared in the hidden layer of the factor regressor, an independent network trained
on renders alone. Latents and renders used here were never trained on.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
import torch
from torch import Tensor

from latty import home
from latty.attributes.scorers.factors.network import Regressor, load_regressor
from latty.models import open_model
from latty.models.base import Generator
from latty.models.families.portraits.renderer import NAMES, render
from training.latents import CUTS, POSE_RANGE, factors_of, mix, sample_factors

FIRST_SEED = 1_000_000  # of the latents; training drew whole shards from small seeds
SWITCH = NAMES.index("glasses")
BATCH = 64


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance of two sets of features (N, F) as Gaussians (Heusel et al. 2017)."""
    mean = a.mean(0) - b.mean(0)
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    return float(mean @ mean + np.trace(first) + np.trace(second) - 2 * cross)


def precision_recall(real: np.ndarray, fake: np.ndarray, k: int = 3) -> tuple[float, float]:
    """Share of fakes inside the balls of the real ones, and the reverse; the radius of a ball is
    the distance to the k-th neighbour (Kynkaanniemi et al. 2019)."""
    return _inside(real, fake, k), _inside(fake, real, k)


def _inside(centres: np.ndarray, points: np.ndarray, k: int) -> float:
    c, p = torch.from_numpy(centres), torch.from_numpy(points)
    reach = torch.cdist(c, c).kthvalue(k + 1, dim=1).values  # the nearest is the point itself
    return float((torch.cdist(p, c) <= reach).any(1).float().mean())


def held_out(count: int, offset: int = 0, pose: float = POSE_RANGE) -> Tensor:
    """Renders (N, 3, 64, 64) in -1..1 that no training saw."""
    factors = sample_factors(count, FIRST_SEED + offset, pose)
    return torch.cat([render(part) for part in torch.split(factors, BATCH)]) * 2 - 1


def samples(generator: Generator, count: int, truncation: float = 1.0) -> tuple[Tensor, Tensor]:
    """Latents (N, Z) and pictures of unseen seeds."""
    z = generator.sample(range(FIRST_SEED, FIRST_SEED + count))
    parts = [
        generator.synthesis(generator.mapping(p, None, truncation)) for p in torch.split(z, BATCH)
    ]
    return z, torch.cat(parts).clamp(-1, 1)


def mixed(generator: Generator, count: int) -> tuple[Tensor, Tensor]:
    """Pictures whose codes from a cut on belong to another latent, and the factors they should
    show."""
    z = generator.sample(range(FIRST_SEED, FIRST_SEED + 2 * count))
    below, above = z.chunk(2)
    cut = torch.tensor(CUTS).repeat(count)[:count]
    codes, other = generator.mapping(below), generator.mapping(above)
    own = torch.arange(codes.shape[1]) < cut[:, None]
    codes = torch.where(own[..., None], codes, other)
    pictures = torch.cat([generator.synthesis(part) for part in torch.split(codes, BATCH)])
    return mix(factors_of(below), factors_of(above), cut), pictures.clamp(-1, 1)


def read(regressor: Regressor, pictures: Tensor) -> tuple[Tensor, np.ndarray]:
    """Factors (N, 23), glasses as 0 or 1, and features (N, F)."""
    factors = torch.cat([regressor(part) for part in torch.split(pictures, BATCH)])
    factors[:, SWITCH] = (factors[:, SWITCH] > 0).float()
    features = torch.cat([regressor.embed(part) for part in torch.split(pictures, BATCH)])
    return factors, features.double().numpy()


def explained(read_factors: Tensor, factors: Tensor) -> dict[str, float]:
    """R2 of each factor; for the switch the share of right answers."""
    r2 = 1 - (read_factors - factors).square().mean(0) / factors.var(0)
    right = (read_factors[:, SWITCH] == factors[:, SWITCH]).float().mean()
    return {name: round(float(right if i == SWITCH else r2[i]), 3) for i, name in enumerate(NAMES)}


@torch.inference_mode()
def measure(count: int = 2048) -> dict[str, object]:
    """Every figure of the card."""
    regressor = load_regressor(home.shipped_dir() / "scorers" / "factors.safetensors")
    generator = open_model("demo", "cpu")
    z, fake = samples(generator, count)
    wanted = factors_of(z)
    true = torch.cat([render(part) for part in torch.split(wanted, BATCH)]) * 2 - 1
    other = held_out(count)
    turned = held_out(count, 1, pose=1.0)
    fake_factors, fake_features = read(regressor, fake)
    true_factors, true_features = read(regressor, true)
    other_features = read(regressor, other)[1]
    precision, recall = precision_recall(other_features, fake_features)
    ceiling = precision_recall(other_features, true_features)
    mixed_factors, mixed_pictures = mixed(generator, count)
    spread = fake_factors.std(0) / true_factors.std(0)
    return {
        "pictures": count,
        "frechet": round(frechet(fake_features, other_features), 3),
        "frechet_floor": round(frechet(true_features, other_features), 3),
        "precision": round(precision, 3),
        "recall": round(recall, 3),
        "precision_floor": round(ceiling[0], 3),
        "recall_floor": round(ceiling[1], 3),
        "l1": round(float((fake - true).abs().mean()), 4),
        "spread": {name: round(float(spread[i]), 3) for i, name in enumerate(NAMES)},
        "demo_r2": explained(fake_factors, wanted),
        "demo_mixed_r2": explained(read(regressor, mixed_pictures)[0], mixed_factors),
        "regressor_r2": explained(true_factors, wanted),
        "regressor_r2_turned": explained(
            read(regressor, turned)[0], sample_factors(count, FIRST_SEED + 1)
        ),
    }


def table(figures: dict[str, object]) -> str:
    """The figures as Markdown."""
    rows = [
        "| demo against held-out renders | demo | renders against renders |",
        "| --- | --- | --- |",
        f"| Frechet distance | {figures['frechet']} | {figures['frechet_floor']} |",
        f"| precision | {figures['precision']} | {figures['precision_floor']} |",
        f"| recall | {figures['recall']} | {figures['recall_floor']} |",
        f"| mean absolute error to the render of the same latent (-1..1) | {figures['l1']} | 0 |",
        "",
        "| factor | spread of demo / renders | demo shows its latent | demo, two latents mixed "
        "| regressor on aligned renders | on renders at full pose |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    keys = ("spread", "demo_r2", "demo_mixed_r2", "regressor_r2", "regressor_r2_turned")
    columns = [figures[key] for key in keys]
    for name in NAMES:
        cells = [f"{column[name]:.2f}" for column in columns if isinstance(column, dict)]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(rows)


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the embedded models.")
    parser.add_argument("--count", type=int, default=2048, help="pictures of each kind")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    figures = measure(options.count)
    print(json.dumps(figures, indent=1) if options.json else table(figures))


if __name__ == "__main__":
    main()
