"""`latty train-scorer`: a small convolutional network learns attributes from labelled pictures.

Every random number is a function of seed, epoch and step, the rate a function of the step: what a
run needs to go on is its weights, the optimizer's sums and one number. They are written every few
seconds, so that a run killed at any moment and started again ends with the bytes of one that was
not. The network is a plain stack of layers, stored as any classifier that people bring.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from latty import files, folders
from latty.attributes import labels, store
from latty.attributes.card import Card
from latty.attributes.labels import LabelledPictures
from latty.attributes.learner import Figures, figures, loss_of, rate, scale, stack
from latty.checkpoints.safetensors import read_tensors
from latty.errors import BadData, Interrupted, LattyError
from latty.report import Report, silent
from latty.text import clean
from latty.version import __version__

DECAY = 2e-2
NOISE = 0.03  # standard deviation of what is added to training pictures; 2 = black to white
EVERY = 1.0  # seconds between two states on disk, at least
SHARE = 20  # and so many times what writing one takes
AT_ONCE = 256  # pictures that are validated at once


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train.

    size      px of a side that the network looks at
    channels  3 for colour, 1 for grey
    width     channels of the first layer; the later ones have two and four times as many
    val       share of the pictures that is held out and measured on
    flip      mirror pictures at random, for attributes that know neither left nor right
    """

    size: int = 64
    channels: int = 3
    width: int = 16
    epochs: int = 20
    batch: int = 64
    lr: float = 3e-3
    val: float = 0.1
    flip: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Trained:
    """What came out: where the TOML is, what was measured on held-out pictures, and of what."""

    path: Path
    figures: Figures
    pictures: int
    skipped: int
    complete: bool
    interrupted: Interrupted | None = field(default=None, compare=False)


def train(
    data: Path,
    name: str,
    options: TrainingOptions,
    device: torch.device | None = None,
    report: Report = silent,
) -> Trained:
    """Train on labelled pictures and put the best network into the store under `name`, which is
    claimed.

    An interruption keeps the best so far. Raises BadData, Missing, OutputError, and Interrupted
    where nothing was measured yet; the same call goes on from there in either case.
    """
    labelled = labels.read_labels(data, report)
    key = sha256(repr((__version__, labelled.digest, options)).encode()).hexdigest()[:16]
    folder = store.trainings() / f"{name}-{key}"
    run = _Run(labelled, options, device or torch.device("cpu"), folder / "state.safetensors")
    stopped = None
    try:
        run.load(report)
        run.go(report)
    except Interrupted as error:
        if not run.best:
            raise
        stopped = error
    path, measured = run.export(name, complete=stopped is None)
    if stopped is None:
        folders.discard(folder)
    total = len(run.images)
    skipped = len(labelled.files) - total
    return Trained(path, measured, total, skipped, stopped is None, stopped)


# --- one run --------------------------------------------------------------------------------------


class _Run:
    """Pictures, network and optimizer of one training, and where its state lies."""

    def __init__(
        self,
        labelled: LabelledPictures,
        options: TrainingOptions,
        device: torch.device,
        state: Path,
    ) -> None:
        self.labelled, self.options, self.device, self.path = labelled, options, device, state
        self.step, self.epoch = 0, -1
        self.best: dict[str, Tensor] = {}  # weights of the best epoch, and its loss
        self.least = math.inf
        self.saved, self.pause = time.monotonic(), EVERY

    def load(self, report: Report) -> None:
        """Read the pictures, then the state of an earlier run, if there is one."""
        options, labelled = self.options, self.labelled
        array, kept = labels.read_pictures(labelled.files, options.size, options.channels, report)
        self.images = torch.from_numpy(array)
        if len(self.images) < labels.FEWEST:
            what = f"only {len(self.images)} of {len(labelled.files)} pictures can be read"
            read = {*kept.tolist()}
            lost = next(file for i, file in enumerate(labelled.files) if i not in read)
            raise BadData(what, f"the first that cannot: {clean(str(lost))}")
        targets = torch.from_numpy(labelled.targets)[torch.from_numpy(kept)]
        order = torch.randperm(len(targets), generator=self._draws(-1, 0))
        held = min(max(1, round(options.val * len(targets))), len(targets) - 1)
        self.held, self.seen = order[:held], order[held:]
        self.middle, self.spread = scale(targets[self.seen], labelled.groups)
        self.targets = (targets - self.middle) / self.spread
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            network, self.layers = stack(
                options.size, options.channels, options.width, targets.shape[1]
            )
        self.network = network.to(self.device)
        self.optimizer = torch.optim.AdamW(network.parameters(), options.lr, weight_decay=DECAY)
        self._resume()

    def _draws(self, epoch: int, step: int) -> torch.Generator:
        """A random stream of this moment alone."""
        text = f"{self.options.seed} {epoch} {step}"
        number = int.from_bytes(sha256(text.encode()).digest()[:7], "big")
        return torch.Generator().manual_seed(number)

    @property
    def per_epoch(self) -> int:
        return math.ceil(len(self.seen) / self.options.batch)

    def go(self, report: Report) -> None:
        """Train to the end; the best epoch, by its loss on the held-out pictures, is kept."""
        total = self.per_epoch * self.options.epochs
        try:
            while self.step < total:
                report(self.step, total, "steps")
                self._update(total)
                self.step += 1
                if self.step % self.per_epoch == 0:
                    self._measure()
                if time.monotonic() - self.saved > self.pause:
                    self.save()
            report(total, total, "steps")
        except LattyError:
            self.save()
            raise

    def _update(self, total: int) -> None:
        """One step of the optimizer."""
        options, (epoch, place) = self.options, divmod(self.step, self.per_epoch)
        if epoch != self.epoch:
            shuffled = torch.randperm(len(self.seen), generator=self._draws(epoch, -1))
            self.epoch, self.order = epoch, self.seen[shuffled]
        rows = self.order[place * options.batch : (place + 1) * options.batch]
        draws = self._draws(epoch, place)
        pictures = self.images[rows].float() / 127.5 - 1
        if options.flip:
            mirrored = torch.rand(len(rows), 1, 1, 1, generator=draws) < 0.5
            pictures = torch.where(mirrored, pictures.flip(3), pictures)
        pictures = pictures + NOISE * torch.randn(pictures.shape, generator=draws)
        for group in self.optimizer.param_groups:
            group["lr"] = options.lr * rate(self.step / total)
        self.network.train(len(rows) > 1)  # a batch norm knows nothing of one picture
        numbers = self.network(pictures.to(self.device)).flatten(1)
        targets = self.targets[rows].to(self.device)
        loss = loss_of(numbers, targets, self.labelled.groups)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()

    @torch.no_grad()
    def _held_out(self) -> Tensor:
        """What the network says (n, A) of the held-out pictures."""
        self.network.eval()
        parts = [
            self.network((self.images[rows].float() / 127.5 - 1).to(self.device)).flatten(1).cpu()
            for rows in torch.split(self.held, AT_ONCE)
        ]
        return torch.cat(parts)

    def _measure(self) -> None:
        """The loss on the held-out pictures; the best weights so far are kept."""
        loss = float(loss_of(self._held_out(), self.targets[self.held], self.labelled.groups))
        if not math.isfinite(loss):
            raise BadData("training went astray: the loss is no number", "try a smaller --lr")
        if loss < self.least:
            self.least = loss
            self.best = {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def export(self, name: str, complete: bool) -> tuple[Path, Figures]:
        """Put the best network into the store; its TOML, and the figures that stand in it."""
        from safetensors.torch import save

        options, groups = self.options, self.labelled.groups
        self.network.load_state_dict(self.best)
        measured = figures(self._held_out(), self.targets[self.held], groups)
        tensors = {k: v for k, v in self.best.items() if not k.endswith("num_batches_tracked")}
        last = self.layers[-1].tensors  # measures leave the network in their own unit
        tensors[f"{last}.weight"] = tensors[f"{last}.weight"] * self.spread[:, None]
        tensors[f"{last}.bias"] = tensors[f"{last}.bias"] * self.spread + self.middle
        card = Card(
            kind="cnn",
            weights="",
            size=(options.size, options.size),
            groups=groups,
            channels=options.channels,
            low=-1,
            layers=self.layers,
            title=f"trained on {len(self.seen)} pictures",
        )
        facts = {
            "complete": complete,
            "pictures": len(self.images),
            "held_out": len(self.held),
            "epochs": self.step // self.per_epoch,
            "seed": options.seed,
            "latty": __version__,
            "figures": measured,
        }
        packed = save({k: v.contiguous() for k, v in tensors.items()})

        def content(names: Sequence[str]) -> list[bytes]:
            card_file = store.spelt(replace(card, weights=names[0]), facts).encode()
            if complete:  # who finds both removes the state
                files.write(
                    self.path.with_name(store.ENDED), [sha256(card_file).hexdigest().encode()]
                )
            return [card_file]

        return store.CARDS.write(name, content, {".safetensors": [packed]}), measured

    # --- what is written --------------------------------------------------------------------------

    def _named(self) -> Iterator[tuple[str, Tensor]]:
        """Every tensor that the next step depends on, by name, in place."""
        yield from self.network.state_dict().items()
        for index, parameter in enumerate(self.network.parameters()):
            for key, value in self.optimizer.state[parameter].items():
                yield f"adam.{index}.{key}", value

    def save(self) -> None:
        """The state, whole, in the place of the one before."""
        from safetensors.torch import save

        begun = time.monotonic()
        tensors = {f"now.{name}": value for name, value in self._named()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        tensors["step"] = torch.tensor(self.step)
        tensors["least"] = torch.tensor(self.least, dtype=torch.float64)
        flat = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        files.write(self.path, [save(flat)])
        self.saved = time.monotonic()
        self.pause = max(EVERY, SHARE * (self.saved - begun))

    def _resume(self) -> None:
        """Go on from the state on disk; one that cannot be read is as good as none."""
        if not self.path.is_file():
            return
        try:
            tensors = read_tensors(self.path)
            now = {k.removeprefix("now."): v for k, v in tensors.items() if k.startswith("now.")}
            adam = {name: now.pop(name) for name in [*now] if name.startswith("adam.")}
            self.network.load_state_dict(now)
            step, least = int(tensors["step"]), float(tensors["least"])
        except (LattyError, KeyError, RuntimeError):
            return
        for index, parameter in enumerate(self.network.parameters()):
            begin = f"adam.{index}."
            state = {k.removeprefix(begin): v for k, v in adam.items() if k.startswith(begin)}
            self.optimizer.state[parameter] = {
                k: v if k == "step" else v.to(self.device) for k, v in state.items()
            }
        self.step, self.least = step, least
        self.best = {k.removeprefix("best."): v for k, v in tensors.items() if k[:5] == "best."}
