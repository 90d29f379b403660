"""Train the embedded `demo` model: a StyleGAN2 network that learns the portrait renderer.

    python -m training.train --data DATA --out RUN --images 400000

Every latent stands for known factors (`latents.py`), so the network learns the right picture for
each (`losses.paired_loss`); from --adversarial-from images on a StyleGAN2 discriminator sharpens
it. An average of the weights over time is what is kept. Step k draws from a generator seeded with
(seed, k): a run that was killed and started again with the same command ends with the same weights
as one that was not.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from latty.models.families.stylegan2.network import StyleGAN2Config, StyleGAN2Network
from training import losses
from training.discriminator import Discriminator
from training.export import write_generator
from training.latents import Z_DIM, redraw_free
from training.muon import MuonAdam
from training.networks import channels_last
from training.prerender import load_shards

SHEET = 64  # pictures on the sample sheet
JUDGE = (32, 48, 64, 96, 96)  # channels of the discriminator, from 64 px down to 4


@dataclass
class Options:
    """The command line."""

    data: Path
    out: Path
    images: int = 400_000
    batch: int = 16
    lr: float = 1e-2
    cooldown: int = 100_000  # images over which the rate falls at the end
    channels: tuple[int, ...] = (128, 128, 128, 64, 32)
    w_dim: int = 128
    mapping_layers: int = 3
    mapping_lr: float = 1.0
    mouth: float = 3.0  # weight of the mouth in the paired loss, see losses.importance
    adversarial_from: int = 10**12
    adversarial_weight: float = 0.05
    r1: float = 0.1
    discriminator_lr: float = 2e-3
    half_life: int = 10_000  # of the weight average, in images
    seed: int = 0
    threads: int = 1
    save_every: float = 120.0  # seconds
    bf16: bool = True


class Trainer:
    """Networks, optimisers and the number of the next step; everything a checkpoint holds."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(options.seed)
        config = StyleGAN2Config(
            z_dim=Z_DIM,
            w_dim=options.w_dim,
            resolution=4 << (len(options.channels) - 1),
            channels=options.channels,
            mapping_layers=options.mapping_layers,
            mapping_lr=options.mapping_lr,
        )
        self.generator = StyleGAN2Network(config).to(self.device)
        self.discriminator = Discriminator(JUDGE[-len(options.channels) :]).to(self.device)
        channels_last(self.generator)
        channels_last(self.discriminator)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        if options.bf16:
            self.generator.synthesis.dtype = torch.bfloat16
        self.optimiser = MuonAdam(self.generator.parameters(), options.lr, (0.9, 0.99))
        self.judge = torch.optim.Adam(
            self.discriminator.parameters(), lr=options.discriminator_lr, betas=(0.0, 0.99)
        )
        self.step = 0

    @property
    def images(self) -> int:
        return self.step * self.options.batch

    def advance(self, data: dict[str, Tensor]) -> dict[str, float]:
        """One step of every network; returns what is logged."""
        options = self.options
        draw = torch.Generator().manual_seed(options.seed * 1_000_003 + self.step)
        left = (options.images - self.images) / max(options.cooldown, 1)
        warm = min(1.0, (self.images + options.batch) / 5000)
        self.optimiser.set_rate(options.lr * warm * max(min(1.0, left), 0.01))
        rows = torch.randint(len(data["z"]), (options.batch,), generator=draw)
        batch = {name: tensor[rows].to(self.device) for name, tensor in data.items()}
        real = (batch["images"].float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
        codes = self._codes(batch, draw)
        weight = losses.importance(batch["factors"], real.shape[-1], options.mouth)
        fake = self.generator.synthesis(codes, "none")
        total = losses.paired_loss(fake, real, weight)
        log = {"paired": total.detach()}
        adversarial = self.images >= options.adversarial_from
        if adversarial:
            log |= self._judge_step(real, fake.detach())
            self.discriminator.requires_grad_(False)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=options.bf16):
                fooled = losses.generator_loss(self.discriminator(fake))
            total = total + options.adversarial_weight * fooled
            log["generator"] = fooled.detach()
        self.optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._average_weights()
        self.step += 1
        return {name: float(value) for name, value in log.items()}

    def _codes(self, batch: dict[str, Tensor], draw: torch.Generator) -> Tensor:
        """Codes (N, L, D) of a batch, mixed at each row's cut; free coordinates are redrawn."""
        z = redraw_free(torch.cat([batch["z"], batch["z_above"]]), draw)
        below, above = self.generator.mapping(z).chunk(2)
        layers = torch.arange(below.shape[1], device=z.device)
        return torch.where((layers < batch["cut"][:, None])[..., None], below, above)

    def _judge_step(self, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """One step of the discriminator; R1 every 16 steps, 16 times as strong."""
        self.discriminator.requires_grad_(True)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.bf16):
            logits = self.discriminator(real), self.discriminator(fake)
        loss = losses.discriminator_loss(*logits)
        if self.step % 16 == 0:
            penalty = losses.gradient_penalty(self.discriminator, real)
            loss = loss + penalty * (self.options.r1 / 2 * 16)
        self.judge.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.judge.step()
        gap = (logits[0].mean() - logits[1].mean()).detach()
        return {"discriminator": loss.detach(), "gap": gap}

    def _average_weights(self) -> None:
        """Exponential average of the weights, shorter at the start of a run."""
        half_life = min(self.options.half_life, 0.05 * (self.images + self.options.batch))
        keep = 0.5 ** (self.options.batch / half_life)
        with torch.no_grad():
            pairs = zip(self.generator.parameters(), self.average.parameters(), strict=True)
            for new, old in pairs:
                old.lerp_(new, 1 - keep)

    def state(self) -> dict[str, Any]:
        """Everything the next step depends on."""
        networks = {
            name: getattr(self, name).state_dict()
            for name in ("generator", "discriminator", "average", "optimiser", "judge")
        }
        config = json.dumps(asdict(self.generator.config))
        return {**networks, "config": config, "step": self.step, "images": self.images}

    def save(self) -> None:
        """Write the checkpoint, the exported weights and a sheet, each whole or not at all."""
        out = self.options.out
        self._centre()
        temporary = out / f".state.{os.getpid()}"
        torch.save(self.state(), temporary)
        temporary.replace(out / "state.pt")
        tensors, config = self.average.state_dict(), self.average.config
        write_generator(tensors, config, out / "demo.safetensors", {"images": str(self.images)})
        sheet(self.average, out / "sheet.png")

    def _centre(self) -> None:
        """Set w_avg, the target of truncation, from 4096 fixed latents."""
        z = torch.from_numpy(np.random.RandomState(0).randn(4096, Z_DIM).astype(np.float32))
        with torch.no_grad():
            mean = self.average.mapping(z.to(self.device))[:, 0].mean(0)
        self.average.mapping.w_avg.copy_(mean)

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder, if there is one."""
        path = self.options.out / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        for name in ("generator", "discriminator", "average", "optimiser", "judge"):
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]


def sheet(network: StyleGAN2Network, path: Path, truncation: float = 0.8, columns: int = 8) -> None:
    """Seeds 0..63 as one PNG."""
    draws = [np.random.RandomState(seed).randn(Z_DIM) for seed in range(SHEET)]
    z = torch.from_numpy(np.stack(draws).astype(np.float32)).to(network.mapping.w_avg.device)
    with torch.no_grad():
        codes, mean = network.mapping(z), network.mean_code
        pictures = network.synthesis(mean + truncation * (codes - mean), "none").cpu()
    pictures = ((pictures.clamp(-1, 1) + 1) * 127.5 + 0.5).to(torch.uint8)
    n, c, h, w = pictures.shape
    grid = pictures.view(n // columns, columns, c, h, w).permute(0, 3, 1, 4, 2)
    temporary = path.with_name(f".{os.getpid()}{path.name}")
    Image.fromarray(grid.reshape(n // columns * h, columns * w, c).numpy()).save(temporary)
    temporary.replace(path)


def train(options: Options) -> None:
    """Run until enough images were seen."""
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(options)
    trainer.resume()
    data = load_shards(sorted(options.data.glob("*.safetensors")))
    (options.out / "options.json").write_text(json.dumps(asdict(options), default=str, indent=1))
    parameters = sum(p.numel() for p in trainer.generator.parameters())
    print(f"{parameters} parameters, {len(data['z'])} pictures, from {trainer.images}", flush=True)
    began, start, saved, logged = time.monotonic(), trainer.images, time.monotonic(), 0.0
    sums: dict[str, list[float]] = {}
    while trainer.images < options.images:
        for name, value in trainer.advance(data).items():
            sums.setdefault(name, []).append(value)
        now = time.monotonic()
        if now - logged > 20 or trainer.images >= options.images:
            logged = now
            speed = (trainer.images - start) / (now - began)
            line = {name: round(math.fsum(v) / len(v), 5) for name, v in sums.items()}
            line = {"images": trainer.images, "seconds": round(now - began), **line}
            with (options.out / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            rest = (options.images - trainer.images) / speed
            print(f"{line} {speed:.0f} images/s, {rest / 60:.1f} min left", file=sys.stderr)
            sums.clear()
        if now - saved > options.save_every:
            trainer.save()
            saved = time.monotonic()
    trainer.save()


def parse(arguments: list[str] | None = None) -> Options:
    """Options from a command line: one flag per field."""
    parser = argparse.ArgumentParser(description="Train the embedded demo model.")
    for name, field in Options.__dataclass_fields__.items():
        flag = f"--{name.replace('_', '-')}"
        if name in ("data", "out"):
            parser.add_argument(flag, type=Path, required=True)
        elif isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
        elif isinstance(field.default, tuple):
            parser.add_argument(flag, type=int, nargs="+", default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)
    values = vars(parser.parse_args(arguments))
    values["channels"] = tuple(values["channels"])
    return Options(**values)


if __name__ == "__main__":
    train(parse())
