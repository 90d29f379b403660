"""What only a GPU can show: `make gpu` runs these, and anywhere else they are skipped."""

from typing import Any

import numpy as np
import pytest
import torch
from small_families import FAMILIES, labels_for, made

from benchmarks._textbook_stylegan3 import settings, tensors_of
from latty.jobs.engine.kept_states import KeptStates
from latty.jobs.engine.painter import PreviewPainter
from latty.models import gpu, graphs
from latty.models.families import stylegan3
from latty.models.families.stylegan3.fused import FusedActivation
from latty.models.steps import HasSteps
from latty.render.pixels import Painter, to_uint8
from latty.scene import Scene

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here"),
]
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def nothing_failed_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "FAILED", {})


def near(got: torch.Tensor, wanted: torch.Tensor, share: float = 1e-4) -> None:
    span = float(wanted.max() - wanted.min())
    torch.testing.assert_close(got.cpu().float(), wanted.float(), rtol=0, atol=share * span)


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_are_those_of_the_cpu_and_the_same_again(family: str) -> None:
    here, there = made(family), made(family, "cuda")
    label = labels_for(here, 2)
    codes = here.mapping(here.sample([1, 2]), label)
    with torch.no_grad():
        wanted = here.synthesis(codes, label)
        on = None if label is None else label.to(CUDA)
        got, again = (there.synthesis(codes.to(CUDA), on) for _ in range(2))
    near(got, wanted)
    assert torch.equal(got, again)


@pytest.mark.parametrize("family", [one for one in FAMILIES if one not in ("onnx", "portraits")])
def test_a_graph_has_the_bytes_of_the_plain_way(family: str) -> None:
    generator, kept = made(family, "cuda"), graphs.Graphs()
    assert isinstance(generator, HasSteps)
    with torch.no_grad():
        for seed in range(6):
            label = labels_for(generator, 2)
            codes = generator.mapping(generator.sample([seed, seed + 1]), label)
            steps: Any = generator.steps(codes, label)
            wanted = steps.image(steps.start())
            assert torch.equal(kept.image(steps, steps.start()), wanted)
            half = kept.run(steps, steps.start(), steps.count // 2)
            assert torch.equal(kept.image(steps, half), wanted)
    noisy = family in ("fastgan", "lightweight_gan")
    assert len(kept) == (0 if noisy else 3) and not gpu.FAILED


@pytest.mark.parametrize("radial", [False, True], ids=["T", "R"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_kernel_is_in_use_and_draws_the_pictures_of_the_cpu(
    radial: bool, dtype: torch.dtype
) -> None:
    config = settings(128, 2048, 64, 1 if radial else 3)
    torch.manual_seed(0)
    tensors = tensors_of(config, radial)
    meta = stylegan3.metadata(config)
    here = stylegan3.build(dict(tensors), meta, torch.device("cpu"))
    there = stylegan3.build(dict(tensors), meta, CUDA, dtype)
    acts = [there.network.synthesis.layer(i).activation for i in range(len(config.layers) - 1)]
    assert not gpu.FAILED and all(isinstance(one, FusedActivation) and one.is_fused for one in acts)
    codes = here.mapping(here.sample([1, 2]))
    with torch.no_grad():
        share = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}[dtype]
        near(there.synthesis(codes.to(CUDA)), here.synthesis(codes), share)


def test_pixels_come_as_on_the_cpu() -> None:
    images = torch.rand(3, 3, 33, 65) * 2.4 - 1.2
    for channels in (images, images[:, :1], torch.cat([images, images[:, :1]], 1)):
        assert np.array_equal(to_uint8(channels.to(CUDA)), to_uint8(channels))
    images[1, 0, 3, 3] = torch.nan
    with pytest.raises(Exception, match="not finite"):
        to_uint8(images.to(CUDA))


def drawn_by(preview: PreviewPainter, scene: Scene) -> np.ndarray:
    drawing = preview.stepwise(scene)
    while True:
        try:
            next(drawing)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3", "dcgan", "biggan"])
def test_previews_are_the_pictures_of_a_render(family: str) -> None:
    generator = made(family, "cuda")
    plain, preview = Painter(generator), PreviewPainter(generator, KeptStates())
    for seed in range(8):
        scene = Scene(generator.info.name, seed // 2)
        assert np.array_equal(drawn_by(preview, scene), plain([scene])[0])
    assert not gpu.FAILED


def test_what_was_begun_is_what_is_asked_for() -> None:
    generator = made("stylegan2", "cuda")
    painter, plain = Painter(generator), Painter(generator)
    batches = [[Scene("m", seed), Scene("m", seed + 1)] for seed in range(6)]
    begun = [painter.begin(batch) for batch in batches]
    for wait, batch in zip(begun, batches, strict=True):
        assert np.array_equal(wait(), plain(batch))
