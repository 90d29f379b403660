"""The procedural model: a Generator like the others, whose factors are known exactly."""

import pytest
import torch

from latty.errors import UsageError
from latty.models import open_model
from latty.models.base import AnySize, Generator, HasFactors, HasLayerWeights
from latty.models.families.portraits import LAYERS, Portraits, build, renderer
from latty.models.families.portraits.renderer import NAMES, render

SIZE = 32


@pytest.fixture(scope="module")
def portraits() -> Portraits:
    return build({}, {}, torch.device("cpu")).at_size(SIZE)


def test_it_is_a_generator_with_factors(portraits: Portraits) -> None:
    for protocol in (Generator, HasFactors, HasLayerWeights, AnySize):
        assert isinstance(portraits, protocol)
    assert open_model("portraits", "cpu").info.resolution == 256


def test_a_new_size_is_a_new_view_of_the_same_model(portraits: Portraits) -> None:
    large = portraits.at_size(48)
    assert (portraits.info.resolution, large.info.resolution) == (SIZE, 48)
    codes = portraits.mapping(portraits.sample([3]))
    assert torch.equal(codes, large.mapping(large.sample([3])))
    assert large.synthesis(codes).shape == (1, 3, 48, 48)
    assert large.info.digest == portraits.info.digest


def test_seeds_do_not_depend_on_their_batch(portraits: Portraits) -> None:
    together = portraits.sample([4, 8, 15])
    assert torch.equal(together[1:2], portraits.sample([8]))
    pictures = portraits.synthesis(portraits.mapping(together))
    alone = portraits.synthesis(portraits.mapping(portraits.sample([8])))
    torch.testing.assert_close(pictures[1:2], alone, atol=1e-4, rtol=0)


def test_the_latent_space_stays_what_it_was(portraits: Portraits) -> None:
    """Presets name seeds: the faces behind them must not move between versions or machines."""
    factors = portraits.factors(portraits.mapping(portraits.sample([0])))[0]
    known = dict(zip(portraits.factor_names(), factors.tolist(), strict=True))
    for name, value in KNOWN.items():
        assert known[name] == pytest.approx(value, abs=2e-4)


KNOWN = {
    "yaw": -0.83412,
    "smile": -0.5986,
    "hair_length": 0.8158,
    "skin": 0.87653,
    "glasses": 0.48984,
    "beard": -0.204,
}


def test_pictures_are_renders_of_the_factors(portraits: Portraits) -> None:
    codes = portraits.mapping(portraits.sample(range(3)))
    assert portraits.factor_names() == NAMES
    wanted = render(portraits.factors(codes), SIZE) * 2 - 1
    assert torch.equal(portraits.synthesis(codes), wanted)


def test_factors_are_spread_and_centred(portraits: Portraits) -> None:
    factors = portraits.factors(portraits.mapping(portraits.sample(range(4000))))
    for i, name in enumerate(NAMES):
        column = factors[:, i]
        assert 0.3 < column.std() < 0.8, name
        if name not in ("beard", "age", "mouth_open", "glasses"):
            assert abs(column.mean()) < 0.05, name


def test_each_layer_moves_only_its_own_factors(portraits: Portraits) -> None:
    codes = portraits.mapping(portraits.sample([1, 2]))
    first, second = portraits.factors(codes)
    for layer, names in enumerate(LAYERS):
        mixed = codes[:1].clone()
        mixed[:, layer] = codes[1, layer]
        factors = portraits.factors(mixed)[0]
        for i, name in enumerate(NAMES):
            source = second if name in names else first
            torch.testing.assert_close(factors[i], source[i], msg=name)


def test_a_style_row_moves_its_factor_most(portraits: Portraits) -> None:
    codes = portraits.mapping(portraits.sample(range(16)), truncation=0.3)
    before = portraits.factors(codes)
    for layer, (weight, names) in enumerate(zip(portraits.layer_weights(), LAYERS, strict=True)):
        for row, name in zip(weight, names, strict=True):
            moved = codes.clone()
            moved[:, layer] += 0.3 * row / row.norm()
            change = (portraits.factors(moved) - before).abs().mean(0)
            assert NAMES[int(change.argmax())] == name


def test_truncation_moves_toward_the_mean_face(portraits: Portraits) -> None:
    z = portraits.sample(range(512))
    full = portraits.mapping(z)
    none = portraits.mapping(z, truncation=0.0)
    half = portraits.mapping(z, truncation=0.5)
    low = portraits.mapping(z, truncation=0.5, cutoff=2)
    torch.testing.assert_close(half, (full + none) / 2)
    torch.testing.assert_close(none, none[:1].expand_as(none))
    assert torch.equal(low[:, 2:], full[:, 2:]) and torch.equal(low[:, :2], half[:, :2])
    assert torch.equal(portraits.mapping(z, truncation=0.5, cutoff=0), full)
    torch.testing.assert_close(full.mean(0), none[0], atol=0.12, rtol=0)
    assert portraits.factors(half).std() < portraits.factors(full).std()


def test_pictures_are_differentiable_in_the_codes(portraits: Portraits) -> None:
    codes = portraits.mapping(portraits.sample([0, 1])).clone().requires_grad_(True)
    portraits.synthesis(codes).square().sum().backward()
    assert codes.grad is not None and torch.isfinite(codes.grad).all()
    assert (codes.grad.abs().sum((0, 2)) > 0).all()


@pytest.mark.parametrize("size", [64, 150])
def test_pictures_painted_in_parts_are_the_whole(
    portraits: Portraits, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What shows nowhere in a part is left out there: in no pixel and no gradient is it missed."""
    found = []
    for side in (48, 10**6):
        monkeypatch.setattr(renderer, "TILE", side)
        codes = portraits.mapping(portraits.sample(range(4))).requires_grad_()
        pictures = portraits.at_size(size).synthesis(codes)
        (pictures * torch.linspace(-1, 1, size)).sum().backward()
        found.append((pictures.detach(), codes.grad))
    (parts, its_gradient), (whole, gradient) = found
    assert gradient is not None and its_gradient is not None
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(
        its_gradient, gradient, atol=float(gradient.abs().max()) * 1e-4, rtol=0
    )


def test_what_does_not_fit_is_refused_with_words(portraits: Portraits) -> None:
    with pytest.raises(UsageError, match="no classes"):
        portraits.mapping(portraits.sample([0]), torch.tensor([1]))
    with pytest.raises(UsageError, match="codes are"):
        portraits.synthesis(torch.zeros(1, 2, 32))
