"""Plumerault on a generator whose transforms are known in closed form, and on portraits (slow);
the curve against other solvers; the file, interruptions, resuming."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.optimize import nnls
from small_families import made
from torch import Tensor

from latty.directions.base import Calibrated, HasCoordinate, HasNormal
from latty.directions.discovery import save
from latty.directions.file import read, write
from latty.directions.likeness import Target
from latty.directions.methods.plumerault import METHOD, CalibratedDirection
from latty.directions.methods.plumerault.monotone import Curve, fitted, joint, nonnegative
from latty.directions.opening import find
from latty.errors import BadData, Interrupted, Missing
from latty.models import open_model
from latty.models.base import HasFactors, Labels, ModelInfo, sample_normal

pytestmark = pytest.mark.slow

FAR = 0.2  # image widths from the middle to where the blob's position levels off


class Blob:
    """z (N, 6) -> codes (N, 3, 6) -> one bright blob: its place across, its place down, its size
    and the light are four orthogonal directions of the code, two more colour it."""

    def __init__(self, space: str = "w", size: int = 24) -> None:
        self.turn = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(2)))[
            0
        ]
        self.info = ModelInfo("blob", "toy", size, size, 3, 6, 3, 6, 0, (), space, "blob0")  # type: ignore[arg-type]
        self.device = torch.device("cpu")

    def sample(self, seeds: Sequence[int]) -> Tensor:
        return sample_normal(seeds, 6)

    def mapping(
        self, z: Tensor, label: Labels = None, truncation: float = 1.0, cutoff: int | None = None
    ) -> Tensor:
        return 3 * (z + 0.5)[:, None].expand(-1, 3, -1)

    def truncate(self, codes: Tensor, truncation: Tensor | float, cutoff: int | None) -> Tensor:
        return codes

    def facts(self, codes: Tensor) -> dict[str, Tensor]:
        """Place in widths and heights, radius, light (N,) of codes: read from layer 1 alone."""
        q = (codes[:, 1] / 3 - 0.5) @ self.turn
        return {
            "x": FAR * torch.tanh(0.7 * q[:, 0]),
            "y": FAR * torch.tanh(0.7 * q[:, 1]),
            "radius": 0.15 * torch.exp(0.25 * q[:, 2]),
            "light": 0.15 * q[:, 3],
        }

    def synthesis(
        self, codes: Tensor, label: Labels = None, truncation: float = 1.0, noise: object = "const"
    ) -> Tensor:
        fact = {name: v.view(-1, 1, 1, 1) for name, v in self.facts(codes).items()}
        axis = (torch.arange(self.info.resolution) + 0.5) / self.info.resolution - 0.5
        across, down = axis - fact["x"], axis[:, None] - fact["y"]
        blob = torch.exp(-0.5 * (across**2 + down**2) / fact["radius"] ** 2)
        q = (codes[:, 1] / 3 - 0.5) @ self.turn
        tint = 1 + 0.05 * torch.stack([q[:, 4], -q[:, 4], q[:, 5]], 1)[..., None, None]
        return 0.9 * blob * tint - 0.4 + fact["light"]


QUICK = {"trajectories": 12, "batch": 6, "steps": 12, "amounts": 2, "probes": 16, "size": 24}


@pytest.fixture(scope="module")
def blob() -> tuple[Blob, METHOD]:
    generator = Blob()
    return generator, METHOD(("x", "brightness"), **QUICK).fit(generator)  # type: ignore[arg-type]


@pytest.fixture
def directions(blob: tuple[Blob, METHOD], tmp_path: Path) -> dict[str, CalibratedDirection]:
    """Through the file and back."""
    generator, method = blob
    save(tmp_path / "b.safetensors", "plumerault", method, generator)
    found = {
        name: find(f"{tmp_path}/b.safetensors#{name}", generator) for name in method.transforms
    }
    assert all(isinstance(one, CalibratedDirection) for one in found.values())
    return found  # type: ignore[return-value]


def test_it_finds_the_directions(blob: tuple[Blob, METHOD]) -> None:
    generator, method = blob
    assert method.complete_ and method.space_ == "w" and method.form == "plumerault"
    for k, (axis, least) in enumerate(((0, 0.98), (3, 0.9))):  # a larger blob is brighter, too
        true = generator.turn[:, axis]
        assert float(torch.cosine_similarity(method.directions_[k], true, dim=0)) > least
        normal = method.extra_["normals"][k]
        assert float(torch.cosine_similarity(normal, true, dim=0)) > least
        assert float(normal @ method.directions_[k]) == pytest.approx(1, abs=1e-4)
        assert method.infos_[k].sigma == pytest.approx(3, rel=0.05)
    assert [info.unit for info in method.infos_] == ["image widths", "brightness"]
    for info in method.infos_:
        scores = dict(info.scores)
        assert scores["corr"] > 0.9 and scores["monotone"] == 1 and scores["error"] < 0.12
    assert dict(method.infos_[0].scores)["x"] > 0.9 > dict(method.infos_[0].scores)["luma"]
    assert dict(method.infos_[1].scores)["luma"] > 0.9


@pytest.mark.parametrize("amount", [-0.12, 0.03, 0.12])
def test_the_amount_asked_is_the_amount_moved(
    directions: dict[str, CalibratedDirection], amount: float
) -> None:
    """By the closed form, where the blob can go that far at all."""
    generator = Blob()
    codes = generator.mapping(generator.sample(range(900, 932)))
    asked = torch.full((32,), amount)
    moved = directions["x"].move_by(codes, asked, generator)
    before, after = generator.facts(codes)["x"], generator.facts(moved)["x"]
    possible = (before + amount).abs() < 0.85 * FAR
    assert possible.sum() >= 8
    error = ((after - before - amount).abs() / abs(amount))[possible]
    assert error.median() < 0.1 and error.max() < 0.3
    moved = directions["brightness"].move_by(codes, asked, generator)
    change = (generator.synthesis(moved) - generator.synthesis(codes)).mean((1, 2, 3))
    error = (change - amount).abs() / abs(amount)
    assert error.median() < 0.1 and error.max() < 0.3


def test_beyond_the_end_of_the_curve_it_stays_there(
    directions: dict[str, CalibratedDirection],
) -> None:
    generator = Blob()
    codes = generator.mapping(generator.sample(range(40, 48)))
    far = directions["x"].move_by(codes, torch.full((8,), 9.0), generator)
    assert torch.isfinite(far).all()
    assert (generator.facts(far)["x"] > 0.85 * FAR).all()
    place = directions["x"].coordinate(far, generator)
    assert place.max() < 6, "a flat end leads nowhere, however far"
    further = directions["x"].move_by(far, torch.full((8,), 9.0), generator)
    torch.testing.assert_close(further, far, atol=1e-4, rtol=0)
    back = directions["x"].move_by(far, torch.full((8,), -0.1), generator)
    change = generator.facts(back)["x"] - generator.facts(far)["x"]
    torch.testing.assert_close(change, torch.full((8,), -0.1), atol=0.02, rtol=0)
    same = directions["x"].move_by(codes, torch.zeros(8), generator)
    torch.testing.assert_close(same, codes)


def test_moves_and_coordinates_agree(directions: dict[str, CalibratedDirection]) -> None:
    generator, one = Blob(), directions["x"]
    assert isinstance(one, Calibrated) and isinstance(one, HasCoordinate)
    assert isinstance(one, HasNormal)
    codes = generator.mapping(generator.sample([3, 4]))
    place = one.coordinate(codes, generator)
    assert place.shape == (2, 3)
    per_layer = torch.tensor([[1.0, 0.0, -2.0], [0.5, 0.5, 0.5]])
    moved = one.move(codes, per_layer, generator)
    torch.testing.assert_close(
        one.coordinate(moved, generator) - place, per_layer, atol=1e-4, rtol=1e-4
    )
    plain = one.move(codes, torch.tensor([1.0, -1.0]), generator)
    length = (plain - codes).norm(dim=2)
    torch.testing.assert_close(length, torch.full((2, 3), one.sigma))


def test_scale_is_a_factor(tmp_path: Path) -> None:
    generator = Blob()
    method = METHOD(("scale",), **QUICK).fit(generator)  # type: ignore[arg-type]
    save(tmp_path / "s.safetensors", "plumerault", method, generator)
    one = find(f"{tmp_path}/s.safetensors#0", generator)
    assert isinstance(one, CalibratedDirection) and one.factor
    # a blob off the centre cannot follow a scale about the centre: those in the middle can
    codes = generator.mapping(generator.sample(range(300)))
    fact = generator.facts(codes)
    codes = codes[(fact["x"].abs() < 0.05) & (fact["y"].abs() < 0.05)]
    for asked in (-0.2, 0.25):
        moved = one.move_by(codes, torch.full((len(codes),), asked), generator)
        ratio = generator.facts(moved)["radius"] / generator.facts(codes)["radius"]
        assert float(ratio.median()) == pytest.approx(1 + asked, abs=0.2 * abs(asked))


def test_layers_and_z(tmp_path: Path) -> None:
    """Only layer 1 is read; in z everything moves before the mapping."""
    some = METHOD(("x",), layers="1", **QUICK).fit(Blob())  # type: ignore[arg-type]
    assert str(some.infos_[0].layers) == "1" and dict(some.infos_[0].scores)["corr"] > 0.9
    generator = Blob(space="z")
    method = METHOD(("x",), **QUICK).fit(generator)  # type: ignore[arg-type]
    assert method.space_ == "z" and method.directions_.shape == (1, 6)
    true = generator.turn[:, 0]
    assert float(torch.cosine_similarity(method.directions_[0], true, dim=0)) > 0.95
    save(tmp_path / "z.safetensors", "plumerault", method, generator)
    one = find(f"{tmp_path}/z.safetensors#x", generator)
    assert isinstance(one, CalibratedDirection)
    z = generator.sample(range(60))
    z = z[(generator.facts(generator.mapping(z))["x"]).abs() < 0.08]
    moved = one.move_by(z, torch.full((len(z),), 0.06), generator)
    change = generator.facts(generator.mapping(moved))["x"]
    change = change - generator.facts(generator.mapping(z))["x"]
    assert float(change.median()) == pytest.approx(0.06, rel=0.2)


@pytest.mark.parametrize("family", ["stylegan2", "stylegan3", "biggan", "progan", "plain"])
def test_families(family: str) -> None:
    generator = made(family)
    method = METHOD(("x", "brightness"), trajectories=2, batch=2, steps=2, amounts=2, probes=2)
    method.fit(generator)
    width = generator.info.z_dim if method.space_ == "z" else generator.info.width
    assert method.directions_.shape == (2, width) and torch.isfinite(method.directions_).all()
    torch.testing.assert_close(method.directions_.norm(dim=1), torch.ones(2))
    assert (method.extra_["values"].diff(dim=1) >= 0).all()


# --- interruptions, resuming, bytes ---------------------------------------------------------------


class Stop:
    """Interrupts at a step; says afterwards how often it was called again."""

    def __init__(self, at: int) -> None:
        self.at, self.after = at, 0

    def __call__(self, done: int, total: int, what: str) -> None:
        if self.at < 0:
            self.after += 1
        elif done >= self.at:
            self.at = -1
            raise Interrupted(2)


def arrays_of(method: METHOD) -> list[Tensor]:
    return [method.directions_, *method.extra_.values()]


def test_a_killed_fit_goes_on(blob: tuple[Blob, METHOD], tmp_path: Path) -> None:
    generator, whole = blob
    stop = Stop(30)  # in the first transform's first block
    with pytest.raises(Interrupted):
        METHOD(("x", "brightness"), **QUICK).fit(generator, stop, tmp_path)  # type: ignore[arg-type]
    later = Stop(110)
    part = METHOD(("x", "brightness"), **QUICK).fit(generator, later, tmp_path)  # type: ignore[arg-type]
    assert not part.complete_ and later.after == 0 and list(tmp_path.iterdir())
    assert part.infos_[0].name == "x"
    seen: list[int] = []
    again = METHOD(("x", "brightness"), **QUICK).fit(  # type: ignore[arg-type]
        generator, lambda done, total, what: seen.append(done), tmp_path
    )
    assert again.complete_ and seen == sorted(seen)
    assert all(torch.equal(a, b) for a, b in zip(arrays_of(again), arrays_of(whole), strict=True))
    assert again.infos_ == whole.infos_


def test_an_interruption_keeps_the_blocks_that_are_done(tmp_path: Path) -> None:
    """One block of two is there: a direction without figures, which can be used."""
    generator = Blob()
    method = METHOD(("x",), **QUICK)  # type: ignore[arg-type]
    method.fit(generator, Stop(60), tmp_path)
    assert not method.complete_ and method.infos_[0].scores == ()
    true = generator.turn[:, 0]
    assert float(torch.cosine_similarity(method.directions_[0], true, dim=0)) > 0.9
    save(tmp_path / "p.safetensors", "plumerault", method, generator)
    one = find(f"{tmp_path}/p.safetensors#x", generator)
    codes = generator.mapping(generator.sample(range(30)))
    moved = one.move_by(codes, torch.full((30,), 0.08), generator)  # type: ignore[attr-defined]
    change = generator.facts(moved)["x"] - generator.facts(codes)["x"]
    assert 0.03 < float(change.median()) < 0.13


def test_wrong_parameters_are_told() -> None:
    for wrong, words in (
        ({"transforms": ("x", "x")}, "twice"),
        ({"transforms": ()}, "no transforms"),
        ({"steps": 0}, "steps is 0, below 1"),
        ({"probes": 1}, "probes is 1, below 2"),
        ({"lr": 0.0}, "above 0"),
        ({"layers": "7-9"}, "no layers 7-9"),
        ({"layers": "a"}, "no layer range"),
    ):
        with pytest.raises(BadData, match=words):
            METHOD(**wrong).fit(Blob())  # type: ignore[arg-type]
    with pytest.raises(Missing, match="no transform 'rotat'"):
        METHOD(("rotat",)).fit(Blob())


def test_a_damaged_set_is_refused(blob: tuple[Blob, METHOD], tmp_path: Path) -> None:
    generator, method = blob
    path = tmp_path / "b.safetensors"
    save(path, "plumerault", method, generator)
    header, arrays = read(path)
    for key, array in (
        ("knots", arrays["knots"].flip(1)),
        ("values", arrays["values"].flip(1)),
        ("normals", arrays["normals"][:, :3]),
        ("factor", arrays["factor"][:1]),
        ("knots", arrays["knots"][:, 1:]),
    ):
        broken = tmp_path / f"{key}-{array.shape}.safetensors"
        write(broken, header, {**arrays, key: array})
        with pytest.raises(BadData):
            find(f"{broken}#x", generator)
    one = find(f"{path}#x", generator)
    with pytest.raises(BadData, match="another model"):
        one.move(torch.zeros(1, 3, 5), torch.ones(1), generator)


# --- curves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 4, 24])
def test_nonnegative_least_squares_against_lawson_and_hanson(size: int) -> None:
    state = np.random.RandomState(size)
    for _ in range(40):
        rows, right = state.randn(size + 4, size), state.randn(size + 4)
        found = nonnegative(torch.from_numpy(rows.T @ rows), torch.from_numpy(rows.T @ right))
        np.testing.assert_allclose(found.numpy(), nnls(rows, right)[0], atol=1e-8)


def test_a_curve_is_fitted_to_differences() -> None:
    state = torch.Generator().manual_seed(1)
    start, stop = torch.randn(2, 400, generator=state).double()
    amounts = torch.erf(stop) - torch.erf(start)
    amounts[::15] += 3.0  # what robust fits are for
    curve = fitted(start, stop, amounts, torch.linspace(-3, 3, 25), smooth=0.01)
    x = torch.linspace(-2, 2, 9).double()
    wanted = torch.erf(x)
    found = curve(x)
    torch.testing.assert_close(found - found.mean(), wanted - wanted.mean(), atol=0.02, rtol=0)
    assert (curve.slopes >= 0).all()


def test_a_falling_relation_becomes_a_flat_curve() -> None:
    x = torch.linspace(-1, 1, 50).double()
    curve = fitted(x, x + 0.5, torch.full((50,), -0.2), torch.linspace(-2, 2, 9))
    assert curve.values.abs().max() < 1e-9
    moved = curve.moved(x, torch.full((50,), 0.1).double())
    assert torch.isfinite(moved).all()


def test_turning_a_curve_around() -> None:
    """Flat from 0 to 1: upward the nearer end, downward the other one."""
    curve = Curve(
        torch.tensor([-1.0, 0.0, 1.0, 2.0]).double(), torch.tensor([-1.0, 0.0, 0.0, 1.0]).double()
    )
    x = torch.tensor([-1.0, -0.5, 0.5, 0.5, 2.0, 0.25])
    amount = torch.tensor([1.0, 0.75, 0.5, -0.5, -1.0, 0.0])
    wanted = torch.tensor([0.0, 1.25, 1.5, -0.5, 1.0, 0.25])
    torch.testing.assert_close(curve.moved(x, amount), wanted)
    far = curve.moved(torch.tensor([0.5, 5.0]), torch.tensor([7.0, 7.0]))
    assert 1.9 < float(far[0]) <= 2.0 and float(far[1]) == 5.0


def test_direction_and_curve_together() -> None:
    state = torch.Generator().manual_seed(0)
    true = torch.zeros(8).double()
    true[2] = 1
    before = torch.randn(500, 8, generator=state).double()
    way = 0.5 * torch.randn(500, 8, generator=state).double()
    way[:, 2] += 4 * torch.rand(500, generator=state).double() - 2
    amounts = torch.tanh(before[:, 2] + way[:, 2]) - torch.tanh(before[:, 2])
    direction, curve = joint(before, before + way, amounts, 0.1, 10, 24)
    assert float(direction @ true) > 0.995
    rise = curve(torch.tensor([-1.0, 1.0]).double()).diff()
    assert float(rise) == pytest.approx(2 * np.tanh(1), rel=0.05)


def test_the_error_of_a_target_by_hand() -> None:
    picture, mask = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 1.0], [0.0, 1.0]]]])
    goal = Target(picture, mask, torch.ones_like(mask), 0.0)
    found = goal.error(torch.tensor([[[[1.0, 2.0], [9.0, 0.0]]]]))
    assert float(found) == pytest.approx(5 / 3)


# --- portraits: the truth -------------------------------------------------------------------------


def test_portraits_move_by_what_is_asked() -> None:
    """From seeds nobody fitted: the head's own place, by the exact factors, in image widths."""
    generator = open_model("portraits", "cpu")
    assert isinstance(generator, HasFactors)
    method = METHOD(("x",), trajectories=8, batch=8, amounts=2, probes=16).fit(generator)
    column = generator.factor_names().index("pos_x")
    info = method.infos_[0]
    codes = generator.mapping(generator.sample(range(40, 72)))
    one = _loaded(method, generator)
    before = generator.factors(codes)[:, column]
    for asked in (-0.07, 0.07):
        moved = one.move_by(codes, torch.full((32,), asked), generator)
        change = 0.11 * (generator.factors(moved)[:, column] - before)  # 0.22 of half a picture
        possible = (0.11 * before + asked).abs() < 0.1
        error = ((change - asked).abs() / abs(asked))[possible]
        assert possible.sum() >= 8 and error.median() < 0.2
    strengths = torch.linspace(-3, 3, 7)
    walk = torch.stack(
        [generator.factors(one.move(codes, s.expand(32), generator))[:, column] for s in strengths],
        1,
    )
    corr = [float(torch.corrcoef(torch.stack([strengths, row]))[0, 1]) for row in walk]
    assert np.mean(corr) > 0.9 and dict(info.scores)["error"] < 0.2


def _loaded(method: METHOD, generator: object) -> CalibratedDirection:
    from latty.directions.file import ARRAY, DirectionSet
    from latty.directions.methods.plumerault import direction

    header = DirectionSet("plumerault", method.space_, method.infos_, "portraits")
    arrays = {ARRAY: method.directions_, **method.extra_}
    return direction(header, 0, {key: value.float() for key, value in arrays.items()})
