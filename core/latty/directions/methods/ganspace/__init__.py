"""GANSpace: principal components of the latent w, or of a layer's activations.

Härkönen et al. 2020, "GANSpace: Discovering Interpretable GAN Controls". With components V of a
layer's activations y and coordinates x = S^-1 V (y - mean), the latent directions are the least
squares of latents on coordinates (sec. 3.2). All sums for that are gathered while the components
are found: one pass through the generator, in any amount of memory (see `pca`, `sketch`).
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, cast

import torch
from torch import Tensor

from latty.directions.base import Info, layers_of
from latty.directions.methods.ganspace.estimators import choose
from latty.directions.methods.ganspace.pca import Components, Estimator
from latty.directions.methods.ganspace.plan import MEGABYTE, FitPlan
from latty.directions.methods.ganspace.samples import LATENTS, GanspaceRows, counted, rows_of
from latty.directions.methods.ganspace.signs import senses
from latty.directions.methods.ganspace.state import FitState, fit_key, piece_content
from latty.errors import BadData, Interrupted
from latty.models.base import Generator, HasActivations
from latty.report import Report, silent
from latty.scene import ALL, SEED_LIMIT, Label, Layers
from latty.shard import Shard

FINDS = "the main ways in which its pictures differ, the strongest first"
NEEDS = ""
ORDER = 10
LAYERED = {"samples": 10_000}  # of parameters, what is usual where a layer is read
COST = {"mapping": ("samples",), "layer": ("samples",)}
FORM = ("components", "samples", "layer")  # of the parameters, what is asked first

BATCH_SHARE = 0.03  # of the memory allowed: a generator needs several times its last activation

# What the original calls its estimators, and what it has that is something else here.
ALIASES = {"estimator": {"pca": "auto", "ipca": "sketch", "fbpca": "randomised"}}
INSTEAD = {"estimator": {"spca": "its sparsity means something else: take sparse, and --sparsity"}}


@dataclass
class GANSpace:
    """Principal components."""

    samples: int = 100_000  # latents drawn: 100000 are enough for w, a tenth for most layers
    components: int = 80  # directions to find, as many as there are dimensions at most
    layer: str = ""  # whose activations; empty = the latent w; z, w or a name of `latty inspect`
    edit: Literal["latent", "activation"] = "latent"  # move latents, or the activation of the layer
    space: Literal["auto", "z", "w"] = "auto"  # to move; auto = where the model is edited best
    layers: str = "all"  # code layers the edits act in by default: all or 4-8
    estimator: Literal["auto", "exact", "sketch", "dual", "randomised", "ica", "sparse"] = "auto"
    # auto = what time and memory allow; of scikit-learn: randomised, ica, sparse
    sketch: int = 0  # rows the sketch keeps; 0 = three times the components
    block: int = 0  # rows merged into the sketch at a time; 0 = twice what it keeps
    memory: int = 6000  # MB that rows and sums may take
    sparsity: float = 1.0  # of estimator sparse: 1 drops weights below those of a random direction
    batch: int = 32  # latents that go through the generator at once
    seed: int = 1  # first of the sampled seeds
    label: Label = None  # the class or mixture to draw; none = another class for every sample
    latents: str = ""  # stored latents in the place of samples: NAME, FOLDER or NAME#0-999

    LATER: ClassVar[tuple[str, ...]] = ("latents",)

    def __post_init__(self) -> None:
        """The estimator has one name from here on."""
        self.estimator = ALIASES["estimator"].get(self.estimator, self.estimator)  # type: ignore[assignment]

    def missing(self, generator: Generator) -> str:
        """Layers need activations; the latent itself must have axes of its own."""
        name, layer = generator.info.name, self.layer
        if layer not in ("", *LATENTS) and not isinstance(generator, HasActivations):
            return f"{name} shows no activations of its layers: only its latent can be analysed"
        if layer in ("", "w") and _isotropic(generator):
            known = generator.activation_names() if isinstance(generator, HasActivations) else []
            hint = f"take a layer: {', '.join(known)}" if known else "it shows no layers"
            return f"the latent of {name} is the same in all directions, so it has no axes; {hint}"
        return ""

    @torch.no_grad()
    def fit(self, generator: Generator, report: Report = silent, work: Path | None = None) -> Self:
        """Draw, sum up, decompose. Raises BadData for parameters that fit no generator, or not this
        one, or not the memory; Interrupted before there is anything to show."""
        if lack := self.missing(generator):
            raise BadData(lack)
        shown = self._checked(generator)
        source = self._source(generator)
        estimator = choose(self.estimator, self._plan(generator, source))
        store = FitState(work, self._key(generator, source))
        asked = self.batch
        self.complete_, used = self._sample(source, estimator, store, report)
        if self.complete_ and used < min(asked, self._batch(source)):
            self.batch = used  # what the numbers come from: memory was too short for more
        rest = report if self.complete_ else silent
        found = estimator.finish(min(self.components, source.width), rest)
        if not len(found.stdev) or not float(found.stdev[0]):
            raise BadData(f"'{source.layer}' is the same for every sample", "take another layer")
        self.seeds_ = source.said(found.count)
        self._results(found, source, shown)
        return self

    # --- parameters ---------------------------------------------------------------------------

    def _checked(self, generator: Generator) -> Layers:
        """The layers for edits, after a look at every parameter."""
        if self.samples < 2 or self.components < 1:
            raise BadData("components need two samples at least, and one component", "more samples")
        if self.seed < 0 or self.seed + self.samples > SEED_LIMIT:
            raise BadData(f"seeds go from 0 to {SEED_LIMIT - 1}", "take a lower seed")
        for name in ("sketch", "block", "batch", "memory", "sparsity"):
            if getattr(self, name) < (1 if name in ("batch", "memory") else 0):
                raise BadData(f"{name} is {getattr(self, name)}", "it must be above 0")
        if 0 < self.sketch < self.components:
            raise BadData(
                f"a sketch of {self.sketch} rows has no {self.components} components",
                "three times as many rows as components are good",
            )
        if self.edit == "activation" and self.layer in ("", *LATENTS):
            raise BadData("an activation edit needs a layer", "name it: layer = ...")
        return layers_of(self.layers, generator.info)

    def _source(self, generator: Generator) -> GanspaceRows:
        layer = self.layer or "w"
        natural = layer if layer in LATENTS else generator.info.space
        space = cast(Literal["z", "w"], natural if self.space == "auto" else self.space)
        moved = self.edit == "latent" and layer != space
        kept = space if moved else ""
        source = rows_of(generator, layer, kept, self.seed, self.label, self.latents)
        if self.latents:
            self.label = source.label  # which the set remembers
            if source.count < 2:
                raise BadData("one latent has no components", "take a pool of many")
        return source

    def _plan(self, generator: Generator, source: GanspaceRows) -> FitPlan:
        return FitPlan(
            min(self.samples, source.count),
            source.width,
            source.latent,
            min(self.components, source.width),
            self.sketch,
            self.block,
            self.memory * MEGABYTE,
            self.sparsity,
            self.seed,
            generator.device,
        )

    def _params(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if not key.endswith("_")}

    def _key(self, generator: Generator, source: GanspaceRows) -> str:
        params = {**self._params(), **({"latents": source.source} if source.source else {})}
        return fit_key(generator.info, str(generator.device), params)

    # --- the pass -----------------------------------------------------------------------------

    def _batch(self, source: GanspaceRows) -> int:
        """Samples that go through the generator at once."""
        row = 4 * (source.width + source.latent)
        return min(self.batch, max(1, int(BATCH_SHARE * self.memory * MEGABYTE / row)))

    def _sample(
        self, source: GanspaceRows, estimator: Estimator, store: FitState, report: Report
    ) -> tuple[bool, int]:
        """Fill the estimator; False if it was interrupted with something to show, and how many
        samples fitted in memory at once."""
        if kept := store.read():
            estimator.restore(kept)
        batch = used = self._batch(source)
        while estimator.count < estimator.samples:
            start, filled = estimator.count, 0
            rows = min(estimator.piece, estimator.samples - start)
            piece = store.piece(start, rows) if start % estimator.piece == 0 else None
            stop = start + (rows if piece else min(estimator.block, estimator.samples - start))
            try:
                if piece:
                    estimator.take(piece[0])
                    used = min(used, piece[1])
                    report(stop, estimator.samples, counted(used, batch))
                    continue
                room = estimator.room()[: stop - start]
                for filled, most in source.fill(room, start, batch):
                    used = min(used, most)
                    report(start + filled, estimator.samples, counted(used, batch))
            except Interrupted:
                store.write(estimator.state())
                if not estimator.eager or estimator.count + filled <= self.components:
                    raise
                if filled:
                    estimator.add(filled)
                return False, used
            estimator.add(stop - start)
            if store.due() or (not estimator.eager and stop == estimator.samples):
                store.write(estimator.state())
        return True, used

    # --- pieces -------------------------------------------------------------------------------

    def shards(self, generator: Generator, work: Path) -> list[Shard]:
        """The pieces that are not summed up yet."""
        self._checked(generator)
        source = self._source(generator)
        estimator = choose(self.estimator, self._plan(generator, source))
        store = FitState(work, self._key(generator, source))
        if kept := store.read():
            estimator.restore(kept)
        found = []
        for start in range(0, estimator.samples, estimator.piece):
            rows = min(estimator.piece, estimator.samples - start)
            if start >= estimator.count:
                whole = partial(store.has, start, rows)
                arguments = (self._params(), start, rows, store.key)
                found.append(Shard(piece, arguments, store.piece_file(start), whole))
        return found

    @torch.no_grad()
    def piece(self, generator: Generator, start: int, rows: int, key: str) -> bytes:
        """The file of one piece."""
        source = self._source(generator)
        part = choose(self.estimator, self._plan(generator, source)).part(rows)
        batch = used = self._batch(source)
        for at in range(0, rows, part.block):
            room = part.room()[: min(part.block, rows - at)]
            for _, most in source.fill(room, start + at, batch):
                used = min(used, most)
            part.add(len(room))
        return piece_content(key, rows, used, part.state())

    # --- results ------------------------------------------------------------------------------

    def _results(self, found: Components, source: GanspaceRows, layers: Layers) -> None:
        vectors, sigma = found.vectors, found.stdev
        sense = senses(vectors, source)  # of the layer's component, whichever edit is asked for
        self.space_ = source.moved or source.layer
        if self.edit == "activation":
            self.space_, layers = f"activation:{source.layer}", ALL
        elif source.moved:
            vectors, sigma = _latent_moves(found)
        if self.space_ == "z":
            sigma = torch.ones(len(vectors))  # as in GANSpace: one unit of a normal latent
        used = vectors.norm(dim=1) > 0
        self.directions_ = (vectors * sense.to(vectors))[used]
        figures = zip(used.tolist(), sigma.tolist(), found.stdev.tolist(), found.r2, strict=True)
        infos = []
        for i, (kept, step, stdev, r2) in enumerate(figures):
            if not kept:
                continue
            share = stdev * stdev / found.total
            told = {"variance": share, "stdev": stdev, "random": found.random}
            told |= {"r2": float(r2)} if source.moved else {}
            scores = tuple((name, float(f"{figure:.5g}")) for name, figure in told.items())
            infos.append(Info(f"c{i}", step, layers=layers, scores=scores))
        self.infos_ = tuple(infos)


def piece(generator: Generator, params: dict[str, Any], start: int, rows: int, key: str) -> bytes:
    """In any process: the file of the rows from `start` on, of a fit with these parameters."""
    return GANSpace(**params).piece(generator, start, rows, key)


def _latent_moves(found: Components) -> tuple[Tensor, Tensor]:
    """Unit vectors (K, Q) float32 in the latent space, and the standard deviation of the latents
    along them (K,): GANSpace throws the length of the least squares away."""
    length = found.regression.norm(dim=1, keepdim=True)
    unit = found.regression / length.clamp_min(1e-30)
    sigma = ((unit @ found.latents) * unit).sum(1).clamp_min(0).sqrt()
    return unit.float(), sigma


def _isotropic(generator: Generator) -> bool:
    """Whether w is z under another name, so that every direction in it is as good as another."""
    info = generator.info
    if info.space == "z" or info.z_dim != info.width:
        return info.space == "z"
    z = generator.sample([0, 1])
    return torch.equal(generator.mapping(z)[:, 0], z)


def quick(generator: Generator) -> dict[str, Any]:
    """Few samples; where the latent has no axes of its own, of the first layer."""
    params = {"samples": 120, "components": 3, "batch": 20}
    if generator.info.space == "z" and isinstance(generator, HasActivations):
        return {**params, "layer": generator.activation_names()[0]}
    return params


METHOD = GANSpace
