"""The engine draws a large network step by step: what two pictures share is kept, a coarse picture
comes first, and what nobody wants any more is left between two steps."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_house import PROBE, House, house
from places import LIMIT
from small_families import deep_stylegan2, example, write_made

from latty import render
from latty.scene import Edit, Layers, Scene
from latty_tui.drawing.engine import Drawn

LAYERS = 18


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def deep(home: Path) -> str:
    """A network of 1024 px: as many blocks as a real one, of a few channels each."""
    return str(write_made(deep_stylegan2(), home / "deep.safetensors"))


@pytest.fixture(scope="module")
def shared(home: Path, deep: str) -> Iterator[House]:
    with house(home, command=PROBE, precision="fp32") as found:  # "auto" would measure meanwhile
        found.do(found.engine.draw([Scene(deep)]))
        yield found


@pytest.fixture
def place(shared: House) -> Iterator[House]:
    """The engine, whose steps are counted."""
    shared.do(shared.engine.call("watch", seconds=0.0))
    yield shared
    assert not shared.deaths


def pixels(drawn: Drawn | None) -> np.ndarray:
    assert drawn is not None
    return np.frombuffer(drawn.pixels, np.uint8).reshape(drawn.height, drawn.width, 3)


def moved(model: str, strength: float, layers: Layers, seed: int = 1) -> Scene:
    return Scene(model, seed, edits=(Edit("seed:7", strength, layers),))


def run(place: House) -> list[int]:
    """The steps that were run since one last asked."""
    found: list[int] = place.do(place.engine.call("steps"))
    return found


# --- what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 5, 8, 12, 13, 17])
def test_the_first_move_of_any_layers_costs_what_the_second_does(
    place: House, deep: str, first: int
) -> None:
    place.do(place.engine.draw([Scene(deep, 2)]))
    place.do(place.engine.draw([Scene(deep, 1)]))
    assert run(place)[-LAYERS:] == list(range(1, LAYERS + 1))
    for strength in (0.3, 0.4):
        place.do(place.engine.draw([moved(deep, strength, Layers(first, LAYERS))]))
        assert run(place) == list(range(first + 1, LAYERS + 1))


def test_what_is_kept_does_not_show(place: House, deep: str) -> None:
    """One walk over ranges, seeds, noise and edits inside; every picture is that of render."""
    ranges = [(12, 18), (16, 18), (4, 8), (0, 18), (17, 18), (12, 18)]
    for i, (first, stop) in enumerate(ranges):
        for strength in (0.5, 0.8):
            scene = moved(deep, strength, Layers(first, stop), seed=1 + i // 5)
            drawn = place.do(place.engine.draw([scene]))
            assert np.array_equal(pixels(drawn), render.picture(scene, "cpu")), (first, strength)


@pytest.mark.parametrize(
    "family", ["biggan", "biggan_deep", "progan", "stylegan1", "stylegan2", "stylegan3"]
)
def test_so_it_is_of_every_family(place: House, home: Path, family: str) -> None:
    file = write_made(example(family), home / f"{family}.safetensors")
    label = None if family == "progan" else 1
    for seed, strength, first in [(2, 0.2, 0), (2, 0.7, 0), (2, 0.7, 1), (2, 0.9, 1), (3, 0.9, 1)]:
        layers = None if family == "progan" else Layers(first, None)
        edits = (Edit("seed:7", strength, layers),)
        scene = Scene(str(file), seed, label=label, truncation=0.7, edits=edits)
        drawn = place.do(place.engine.draw([scene]))
        assert np.array_equal(pixels(drawn), render.picture(scene, "cpu"))


def test_what_is_kept_is_bounded() -> None:
    """The real sizes, without the memory: a StyleGAN2 of 1024 px keeps a state of each block up to
    256 px in 64 MiB, and room is made for a new size only."""
    import torch

    from latty.jobs.engine.kept_states import KEPT, KeptStates, height_of, size_of
    from latty.models.styled_generator import SynthesisState

    class Steps:
        codes, each, places, count = torch.zeros(1, LAYERS, 4), True, {}, LAYERS

        def start(self) -> SynthesisState:
            return SynthesisState(0, None)

    kept, steps = KeptStates(), Steps()
    widths = (512, 512, 512, 512, 512, 256, 128, 64, 32)
    kept.begin(steps, None)  # type: ignore[arg-type]
    for step in range(1, LAYERS):
        block = step // 2
        x = torch.empty(1, widths[block], 4 << block, 4 << block, device="meta")
        kept.keep(SynthesisState(step, x), steps, 0)  # type: ignore[arg-type]
        assert kept.bytes <= KEPT
    assert {height_of(one) for one in kept.states.values()} == {4, 8, 16, 32, 64, 128, 256}
    assert {1, 2, 4, 6, 8, 10, 12} <= set(kept.states)  # the first of each size
    assert sum(map(size_of, kept.states.values())) == kept.bytes
    _, shared = kept.begin(steps, None)  # type: ignore[arg-type]
    assert shared == LAYERS
    _, shared = kept.begin(steps, "another noise")  # type: ignore[arg-type]
    assert shared == 0 and kept.bytes == 0


# --- a coarse picture first -----------------------------------------------------------------------


def both(place: House, scene: Scene, **asked: Any) -> tuple[list[Drawn], Drawn]:
    """The coarse pictures that came, and the whole one."""
    coarse: list[Drawn] = []
    drawn = place.do(place.engine.draw([scene], early=coarse.append, **asked))
    assert drawn is not None and not drawn.coarse and all(one.coarse for one in coarse)
    return coarse, drawn


def test_a_coarse_picture_comes_first_where_one_asks(place: House, deep: str) -> None:
    scene = Scene(deep, 3)
    assert both(place, scene)[0] == []
    [coarse], drawn = both(place, Scene(deep, 4), coarse=256)
    assert coarse.height == coarse.width and 64 <= coarse.height <= 512
    assert np.array_equal(pixels(drawn), render.picture(Scene(deep, 4), "cpu"))
    assert coarse.ms < drawn.ms
    late = moved(deep, 0.8, Layers(13, LAYERS), seed=4)
    [coarse], drawn = both(place, late, coarse=256)
    assert coarse.height == 512  # below it nothing has moved
    both(place, Scene(deep, 4))
    last = moved(deep, 0.8, Layers(17, LAYERS), seed=4)
    assert both(place, last, coarse=256)[0] == []
    assert both(place, Scene(deep, 3, size=64), coarse=256)[1].height == 64


def test_no_coarse_picture_where_the_whole_one_is_soon_there(place: House, deep: str) -> None:
    place.do(place.engine.call("watch", seconds=0.0, soon=1e9))
    both(place, Scene(deep, 5))
    assert both(place, Scene(deep, 6), coarse=256)[0] == []


def test_several_pictures_and_networks_without_small_images_have_none(
    place: House, home: Path, deep: str
) -> None:
    coarse: list[Drawn] = []
    scenes = [Scene(deep, 1), Scene(deep, 2)]
    assert place.do(place.engine.draw(scenes, columns=2, coarse=256, early=coarse.append))
    for family in ("biggan", "stylegan3"):
        file = write_made(example(family), home / f"none-{family}.safetensors")
        place.do(place.engine.draw([Scene(str(file))], coarse=256, early=coarse.append))
    assert coarse == []


# --- what is left between two steps ---------------------------------------------------------------


def test_a_newer_request_ends_an_older_one_between_two_steps(place: House, deep: str) -> None:
    place.do(place.engine.call("watch", seconds=0.05))
    place.do(place.engine.draw([Scene(deep, 9)]))  # now it is known how long one takes
    run(place)

    async def two() -> tuple[Drawn | None, Drawn | None]:
        first = asyncio.create_task(place.engine.draw([Scene(deep, 10)]))
        await asyncio.sleep(0.12)
        second = await place.engine.draw([Scene(deep, 11)])
        return await first, second

    first, second = place.do(two())
    assert first is None
    assert np.array_equal(pixels(second), render.picture(Scene(deep, 11), "cpu"))
    steps = run(place)
    assert steps[-LAYERS:] == list(range(1, LAYERS + 1))
    assert 1 <= len(steps) - LAYERS < LAYERS / 2


def test_what_is_cancelled_ends_between_two_steps(place: House, deep: str) -> None:
    place.do(place.engine.call("watch", seconds=0.05))

    async def cancelled() -> Drawn | None:
        draw = asyncio.create_task(place.engine.draw([Scene(deep, 12)], coarse=256))
        await asyncio.sleep(0.12)
        place.engine.cancel("picture")
        return await draw

    assert place.do(cancelled()) is None
    assert len(run(place)) < LAYERS / 2


def test_held_keys_show_coarse_pictures(place: House, deep: str) -> None:
    """A newer request waits for the coarse picture of the one that is drawn, and for no more."""
    place.do(place.engine.call("watch", seconds=0.01))
    shown: list[Drawn] = []

    async def held() -> list[Drawn | None]:
        draws = []
        for seed in range(40):
            draw = place.engine.draw([Scene(deep, 20 + seed)], coarse=64, early=shown.append)
            draws.append(asyncio.create_task(draw))
            await asyncio.sleep(0.03)
        return await asyncio.gather(*draws)

    drawn = place.do(held())
    assert np.array_equal(pixels(drawn[-1]), render.picture(Scene(deep, 59), "cpu"))
    assert len(shown) >= 3  # the screen moves
    assert sum(one is not None for one in drawn) <= len(shown)
    assert len(run(place)) < 40 * LAYERS / 2


@pytest.mark.parametrize(
    ("near", "patience", "count"), [(1e9, 1e9, 1), (0.0, 0.3, 1), (0.0, 0.3, 4)]
)
def test_held_keys_show_pictures_where_there_are_no_coarse_ones(
    place: House, deep: str, near: float, patience: float, count: int
) -> None:
    """One that is soon there is drawn to its end, and of those that take longer one now and then;
    so are several at once."""
    place.do(place.engine.call("watch", seconds=0.005, near=near, patience=patience))
    place.do(place.engine.draw([Scene(deep, 9)]))  # now it is known how long one takes

    async def held() -> int:
        draws, seen = list[asyncio.Task[Drawn | None]](), 0
        loop = asyncio.get_running_loop()
        end = loop.time() + LIMIT / 10
        while loop.time() < end and seen < 3:
            scenes = [Scene(deep, 100 + len(draws) + i) for i in range(count)]
            draws.append(asyncio.create_task(place.engine.draw(scenes, columns=2)))
            await asyncio.sleep(0.02)
            seen = sum(one.done() and one.result() is not None for one in draws)
        await asyncio.gather(*draws)
        return seen

    assert place.do(held()) == 3  # while newer ones are asked for without end


def test_a_strip_is_left_for_a_picture_and_goes_on(place: House, deep: str) -> None:
    place.do(place.engine.call("watch", seconds=0.02))

    async def beside() -> list[str]:
        order: list[str] = []

        async def named(name: str, scenes: list[Scene], channel: str) -> Drawn | None:
            found = await place.engine.draw(scenes, channel)
            order.append(name)
            return found

        strip = asyncio.create_task(named("strip", [Scene(deep, 30)], "strip"))
        await asyncio.sleep(0.1)  # it has begun
        call = asyncio.create_task(place.engine.call("who", order=1))
        picture, whole = await asyncio.gather(named("picture", [Scene(deep, 31)], "picture"), strip)
        assert await call == 1
        assert np.array_equal(pixels(picture), render.picture(Scene(deep, 31), "cpu"))
        assert np.array_equal(pixels(whole), render.picture(Scene(deep, 30), "cpu"))
        return order

    assert place.do(beside()) == ["picture", "strip"]
    assert len(run(place)) == 2 * LAYERS  # nothing was drawn twice


def test_what_is_dropped_leaves_nothing(place: House, deep: str) -> None:
    place.do(place.engine.call("watch", seconds=0.02))
    place.do(place.engine.draw([Scene(deep, 40)]))
    before = place.do(place.engine.call("states"))

    async def dropped(channel: str, seed: int) -> None:
        draw = asyncio.create_task(place.engine.draw([Scene(deep, seed)], channel))
        await asyncio.sleep(0.08)
        place.engine.cancel(channel)
        assert await draw is None

    for seed in range(6):
        place.do(dropped(("picture", "strip")[seed % 2], 41 + seed))
    after = place.do(place.engine.call("states"))
    assert after["count"] <= before["count"] and after["bytes"] <= before["bytes"]
    place.do(place.engine.call("forget"))
    assert place.do(place.engine.call("states"))["count"] == 0
