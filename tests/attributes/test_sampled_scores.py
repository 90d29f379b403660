"""Scores of random samples: computed once, kept whole, the same whatever lies in the cache."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from toy_generator import Factored, Toy

from latty import home
from latty.attributes import names_of, open_scorer, scores_of
from latty.attributes.sampled import BLOCK, sampled_scores
from latty.errors import Interrupted, Missing


class Counting(Toy):
    """Knows how many pictures it drew."""

    drawn = most = 0

    def synthesis(self, codes: Tensor, *rest: object, **more: object) -> Tensor:
        self.drawn += len(codes)
        self.most = max(self.most, len(codes))
        return super().synthesis(codes)


def files() -> list[str]:
    folder = home.cache_dir() / "scores"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def folders() -> list[Path]:
    return sorted((home.cache_dir() / "scores").iterdir())


def test_scores_are_those_of_the_pictures() -> None:
    toy = Toy()
    names, scores = sampled_scores(toy, range(3, 40), "colour", batch=10)
    codes = toy.mapping(toy.sample(range(3, 40)))
    wanted = scores_of(toy, codes, scorer="colour")
    assert names == wanted[0] == names_of("colour", toy)
    torch.testing.assert_close(scores, wanted[1], atol=1e-6, rtol=1e-6)
    assert scores.dtype == torch.float32 and not scores.requires_grad


def test_pictures_are_drawn_once_and_only_those_asked_for() -> None:
    toy = Counting()
    first = sampled_scores(toy, range(490, 1200), "colour")[1]
    assert toy.drawn == 710
    assert files() == ["1000-1199.safetensors", "490-499.safetensors", "500.safetensors"]
    assert torch.equal(sampled_scores(toy, range(490, 1200), "colour")[1], first)
    assert toy.drawn == 710
    assert torch.equal(sampled_scores(toy, range(500, 1000), "colour")[1], first[10:510])
    assert toy.drawn == 710


def test_what_lies_in_the_cache_changes_no_bit() -> None:
    """A piece of a block is drawn in batches of its own, even where the block is known."""
    before = sampled_scores(Toy(), range(17, 60), "colour")[1]
    sampled_scores(Toy(), range(500), "colour")
    for folder in folders():
        (folder / "17-59.safetensors").unlink()
    assert torch.equal(sampled_scores(Toy(), range(17, 60), "colour")[1], before)


def test_a_stopped_run_goes_on_after_the_last_whole_block() -> None:
    told: list[tuple[int, int, str]] = []

    def stop(done: int, total: int, what: str) -> None:
        told.append((done, total, what))
        if done > BLOCK + 150:
            raise Interrupted(2)

    toy = Counting()
    with pytest.raises(Interrupted):
        sampled_scores(toy, range(2 * BLOCK), "colour", report=stop)
    assert [done for done, _, _ in told] == [100, 200, 300, 400, 500, 600, 700]
    assert {(total, what) for _, total, what in told} == {(2 * BLOCK, "samples")}
    assert files() == ["0.safetensors"]
    toy.drawn = 0
    found = sampled_scores(toy, range(2 * BLOCK), "colour")[1]
    assert toy.drawn == BLOCK
    for folder in folders():
        for path in folder.iterdir():
            path.unlink()
    assert torch.equal(sampled_scores(toy, range(2 * BLOCK), "colour")[1], found)


@pytest.mark.parametrize(("px", "most"), [(256, 100), (512, 2), (1024, 1)])
def test_large_pictures_are_drawn_as_few_at_once_as_a_cpu_holds(px: int, most: int) -> None:
    toy = Counting()
    toy.info = replace(toy.info, height=px)
    sampled_scores(toy, range(120), "colour")
    assert (toy.drawn, toy.most) == (120, most)


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "other"])
def test_a_damaged_piece_is_computed_again(damage: str) -> None:
    toy = Counting()
    wanted = sampled_scores(toy, range(20), "colour")[1]
    (path,) = folders()[0].iterdir()
    data = path.read_bytes()
    if damage == "flipped":
        data = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    path.write_bytes(
        {"cut": data[:-9], "empty": b"", "flipped": data, "other": b"no scores"}[damage]
    )
    assert torch.equal(sampled_scores(toy, range(20), "colour")[1], wanted)
    assert toy.drawn == 40
    assert torch.equal(sampled_scores(toy, range(20), "colour")[1], wanted)
    assert toy.drawn == 40, "the piece was mended"


def test_everything_that_matters_is_part_of_the_key() -> None:
    sampled_scores(Toy(), range(5), "colour")
    sampled_scores(Toy(), range(5), "colour")
    assert len(folders()) == 1
    sampled_scores(Toy(), range(5), "brightness")
    sampled_scores(Toy(digest="toy1"), range(5), "colour")
    sampled_scores(Toy(classes=3), range(5), "colour", label=1)
    sampled_scores(Toy(classes=3), range(5), "colour", label=2)
    sampled_scores(Toy(), range(5), "colour", batch=3)
    assert len(folders()) == 6


def test_a_class_is_drawn_where_one_is_asked_for() -> None:
    toy = Toy(classes=3)
    codes = toy.mapping(toy.sample(range(4)), torch.full((4,), 2))
    wanted = scores_of(toy, codes, "colour", torch.full((4,), 2))[1]
    found = sampled_scores(toy, range(4), "colour", label=2)[1]
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-6)


def test_exact_factors_need_no_picture_and_no_cache() -> None:
    generator = Factored()
    names, scores = sampled_scores(generator, range(120), "factors")
    assert names == generator.factor_names()
    codes = generator.mapping(generator.sample(range(120)))
    torch.testing.assert_close(scores, generator.factors(codes))
    assert not home.cache_dir().exists()


def test_scores_that_cannot_be_said_stay_nan(monkeypatch: pytest.MonkeyPatch) -> None:
    grey = Counting()
    grey.paint = torch.zeros_like(grey.paint)  # even pictures: no subject, so no place
    for _ in range(2):
        scores = sampled_scores(grey, range(6), "geometry")[1]
        assert scores[:, :2].isnan().all() and (scores[:, 2] < 0.02).all()
    assert grey.drawn == 6


def test_an_unwritable_cache_only_costs_time(tmp_path: Path) -> None:
    home.cache_dir().parent.mkdir(parents=True, exist_ok=True)
    home.cache_dir().write_text("a file where the folder would be")
    toy = Counting()
    for count in (7, 14):
        assert sampled_scores(toy, range(7), "colour")[1].shape == (7, 7)
        assert toy.drawn == count


def test_no_seeds_and_no_scorer() -> None:
    assert sampled_scores(Toy(), range(9, 9), "colour")[1].shape == (0, 7)
    with pytest.raises(Missing, match="no scorer 'color'"):
        sampled_scores(Toy(), range(3), "color")


def test_it_gives_no_gradient_and_keeps_the_scorer_climbable() -> None:
    toy = Toy()
    sampled_scores(toy, range(3), "factors")
    images = torch.zeros(1, 3, 64, 64, requires_grad=True)
    open_scorer("factors").score(images).sum().backward()
    assert images.grad is not None and images.grad.any()
