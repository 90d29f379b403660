"""Every precision: near to fp32 where a family takes it, one line where it or a device does not."""

import inspect
import math
from pathlib import Path

import pytest
import torch
from small_families import FAMILIES, example, labels_for, made, write_example
from torch import Tensor

from latty.errors import BadData, DeviceError
from latty.jobs.engine import quickest
from latty.models import open_model
from latty.models.base import ModelInfo
from latty.models.device import pick_device
from latty.models.precision import dtype_of, native, refuse, settled
from latty.models.registries import FAMILIES as REGISTRY
from latty.models.registries import built
from latty.scene import AUTO, BF16, FP16, FP32

CPU = torch.device("cpu")
LEAST = {BF16: 50.0, FP16: 60.0}  # dB
# Of its four channels no sum is long enough to average what each layer rounds.
LESS = {("progan", BF16): 46.0}
TAKES = [
    one for one in FAMILIES if "dtype" in inspect.signature(REGISTRY.load(one).build).parameters
]


def psnr(got: Tensor, wanted: Tensor) -> float:
    """In dB of the range that the wanted pictures span."""
    span, error = float(wanted.max() - wanted.min()), float((got - wanted).square().mean())
    return 20 * math.log10(span) - 10 * math.log10(error)


@pytest.mark.parametrize("precision", [BF16, FP16])
@pytest.mark.parametrize("family", TAKES)
def test_pictures_are_near_those_of_fp32(family: str, precision: str) -> None:
    exact, near = made(family), made(family, dtype=dtype_of(precision))
    z, label = exact.sample(range(8)), labels_for(exact, 8)
    wanted, got = (one.synthesis(one.mapping(z, label), label) for one in (exact, near))
    assert got.dtype == torch.float32
    assert psnr(got, wanted) >= LESS.get((family, precision), LEAST[precision])


@pytest.mark.parametrize("family", sorted({*FAMILIES} - {*TAKES}))
def test_a_family_in_fp32_alone_says_so(family: str) -> None:
    tensors, meta = example(family)
    assert built(family, tensors, meta, CPU).info.precision == FP32
    with pytest.raises(BadData, match=f"{family}.* draws in fp32 only, not in bf16"):
        built(family, tensors, meta, CPU, BF16)


@pytest.mark.parametrize("family", FAMILIES)
def test_headers_tell_who_draws_in_fp32_alone(family: str) -> None:
    assert REGISTRY.constant(family, "FP32_ONLY", False) == (family not in TAKES)


def test_a_model_is_open_in_each_precision_by_itself(tmp_path: Path) -> None:
    file = str(write_example("stylegan2", tmp_path / "net.safetensors"))
    exact, near = open_model(file, "cpu"), open_model(file, "cpu", BF16)
    assert exact is not near and near is open_model(file, "cpu", BF16)
    assert exact is open_model(file, "cpu", AUTO) is open_model(file, "cpu", FP32)
    assert (exact.info.precision, near.info.precision) == (FP32, BF16)
    assert exact.info.digest == near.info.digest
    assert (exact.info.numbers(CPU), near.info.numbers(CPU)) == ("cpu", "cpu bf16")
    assert not exact.info.unfit_to_train and "bf16" in near.info.unfit_to_train


def test_a_file_cannot_say_in_which_precision_it_is_open(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    tensors, meta = example("stylegan2")
    file = tmp_path / "net.safetensors"
    save_file({k: t.contiguous() for k, t in tensors.items()}, file, {**meta, "precision": BF16})
    assert open_model(str(file), "cpu").info.precision == FP32


def test_a_cpu_draws_nothing_in_fp16() -> None:
    with pytest.raises(DeviceError, match="a CPU draws nothing in fp16"):
        open_model("demo", "cpu", FP16)
    refuse(BF16, CPU)  # on any, in software where it is not native
    assert native(CPU)[0] == FP32


def test_the_first_word_that_says_a_precision_counts() -> None:
    assert settled() == settled(AUTO, AUTO) == FP32
    assert settled(AUTO, BF16, FP16) == BF16


def test_what_torch_leaves_open_is_set_where_a_device_is_chosen() -> None:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    with cudnn.flags(deterministic=False, benchmark=True, allow_tf32=True):
        matmul.allow_tf32 = True
        pick_device("cpu")
        assert (cudnn.deterministic, cudnn.benchmark) == (True, False)
        assert (cudnn.allow_tf32, matmul.allow_tf32) == (False, False)


def test_gradients_reach_codes_through_bf16() -> None:
    generator = made("stylegan2", dtype=torch.bfloat16)
    exact = made("stylegan2")
    grads = []
    for one in (exact, generator):
        codes = one.mapping(one.sample([1])).detach().clone().requires_grad_()
        one.synthesis(codes).square().mean().backward()
        assert codes.grad is not None
        grads.append(codes.grad.flatten())
    assert torch.cosine_similarity(*grads, dim=0) > 0.99


# --- previews -------------------------------------------------------------------------------------


def large(tmp_path: Path) -> str:
    """A StyleGAN2 of 256 px as a file."""
    from safetensors.torch import save_file

    from latty.models.families import stylegan2

    torch.manual_seed(0)
    config = stylegan2.StyleGAN2Config(
        z_dim=8, w_dim=8, resolution=256, channels=(8,) * 7, mapping_layers=2
    )
    network = stylegan2.StyleGAN2Network(config)
    file = tmp_path / "large.safetensors"
    save_file(network.state_dict(), file, stylegan2.metadata(config))
    return str(file)


def after_measuring(file: str) -> str:
    """The precision of previews then."""
    for _ in quickest.measure(file, CPU):
        pass
    return quickest.for_previews(file, CPU, AUTO, AUTO).info.precision


@pytest.mark.skipif(BF16 not in native(CPU), reason="bf16 is not native to this CPU")
def test_the_quickest_is_measured_once_and_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    file = large(tmp_path)
    assert quickest.for_previews(file, CPU, AUTO, AUTO).info.precision == FP32  # nobody waits
    assert not [*(tmp_path / "home").rglob("precision/*.json")]
    chosen = after_measuring(file)
    (note,) = (tmp_path / "home").rglob("precision/*.json")
    assert f'"{chosen}"' in note.read_text()
    for remembered in (BF16, FP32):
        note.write_text(note.read_text().replace(chosen, remembered))
        chosen = remembered
        assert after_measuring(file) == remembered
    note.write_text("[")
    assert quickest.for_previews(file, CPU, AUTO, AUTO).info.precision == FP32
    after_measuring(file)
    assert note.read_text() != "["


@pytest.mark.skipif(BF16 not in native(CPU), reason="bf16 is not native to this CPU")
def test_what_is_quick_and_too_far_from_fp32_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However quick it is: here whatever takes a hundred times as long is quick enough."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(quickest, "GAIN", 100.0)
    file = large(tmp_path)
    assert after_measuring(file) == BF16
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "other"))
    monkeypatch.setattr(quickest, "LEAST_DB", 200.0)
    assert after_measuring(file) == FP32


@pytest.mark.parametrize(
    ("said", "wished", "drawn"),
    [(AUTO, AUTO, FP32), (AUTO, BF16, BF16), (BF16, FP32, BF16), (FP32, BF16, BF16)],
)
def test_what_previews_are_told(said: str, wished: str, drawn: str) -> None:
    """`demo` is small: alone it stays in fp32."""
    assert quickest.for_previews("demo", CPU, said, wished).info.precision == drawn


def test_previews_of_what_draws_in_fp32_alone() -> None:
    for wished in (AUTO, BF16):  # settings hold for all models
        info: ModelInfo = quickest.for_previews("portraits", CPU, AUTO, wished).info
        assert info.precision == FP32
    with pytest.raises(BadData, match="fp32 only"):
        quickest.for_previews("portraits", CPU, BF16, AUTO)
