"""The engine draws what `latty.render` draws, the newest first, and tells errors as data."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_house import PROBE, House, house

from latty import render
from latty.directions.discovery import discover
from latty.jobs.engine.kept_states import KeptStates
from latty.jobs.engine.painter import PreviewPainter
from latty.models import open_model
from latty.render.pixels import Painter
from latty.scene import Edit, Layers, Scene, Walk
from latty_tui.drawing.engine import Drawn, EngineError

SMILE = Edit("demo/smile", 2.0)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def shared(home: Path) -> Iterator[House]:
    with house(home, command=PROBE) as found:
        found.do(found.engine.draw([slow(0)]))  # what follows finds it awake
        yield found


@pytest.fixture
def place(shared: House) -> Iterator[House]:
    """The engine of all tests, which none of them may cost its life."""
    pid = shared.engine.pid
    yield shared
    assert shared.engine.pid == pid
    assert not shared.deaths


def pixels(drawn: Drawn | None) -> np.ndarray:
    assert drawn is not None
    assert len(drawn.pixels) == drawn.height * drawn.width * 3
    return np.frombuffer(drawn.pixels, np.uint8).reshape(drawn.height, drawn.width, 3)


def slow(seed: int, size: int = 768) -> Scene:
    """A picture that takes some tens of milliseconds."""
    return Scene("portraits", seed, size=size)


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scene",
    [
        Scene("demo"),
        Scene("demo", Walk((1, 2, 3), "slerp", 0.4), truncation=0.6, cutoff=4),
        Scene("demo", 7, edits=(SMILE, Edit("demo/age", -1.5, Layers(2, 6)))),
        Scene("demo", 7, edits=(Edit("demo-activations/c1", 2.0), SMILE), noise=5),
        Scene("demo", 8, edits=(Edit("seed:9", 0.5), SMILE), locks=("demo/yaw",), noise="none"),
        Scene("demo", 3, size=100),
        Scene("portraits", 4, edits=(Edit("portraits/smile", 2.0),)),
        Scene("portraits", 5, size=90),
    ],
    ids=lambda scene: f"{scene.model}-{scene.seed}-{scene.size}",
)
def test_a_picture_is_that_of_render(place: House, scene: Scene) -> None:
    drawn = place.do(place.engine.draw([scene]))
    assert np.array_equal(pixels(drawn), render.picture(scene, "cpu"))
    assert drawn is not None and drawn.device == "cpu" and drawn.ms > 0
    assert drawn.memory and 50e6 < drawn.memory[0] < drawn.memory[1]


def test_a_size_is_for_models_that_draw_at_any(place: House) -> None:
    free, own = Scene("portraits", 1), Scene("demo", 1)
    drawn = pixels(place.do(place.engine.draw([free], size=80)))
    assert np.array_equal(drawn, render.picture(Scene("portraits", 1, size=80), "cpu"))
    assert pixels(place.do(place.engine.draw([own], size=80))).shape == (64, 64, 3)
    assert pixels(place.do(place.engine.draw([slow(1, 48)], size=80))).shape == (48, 48, 3)


def test_what_stays_between_pictures_does_not_show(place: House) -> None:
    """Layers that two pictures share are kept; noise, seeds and edits still count."""
    for i in range(12):
        edits = (Edit("demo/light", i / 3, Layers(5 + i % 3, 10)),)
        scene = Scene("demo", seed=i // 6, noise=(3, "const")[i % 4 == 0], edits=edits)
        assert np.array_equal(
            pixels(place.do(place.engine.draw([scene]))), render.picture(scene, "cpu")
        )


def test_several_pictures_are_one(place: House) -> None:
    scenes = [Scene("demo", seed, edits=(SMILE,)) for seed in range(5)]
    drawn = pixels(place.do(place.engine.draw(scenes, "strip", columns=3, gap=2))).copy()
    assert drawn.shape == (64 * 2 + 2, 64 * 3 + 4, 3)
    for i, scene in enumerate(scenes):
        top, left = i // 3 * 66, i % 3 * 66
        found = drawn[top : top + 64, left : left + 64].astype(int)
        assert abs(found - render.picture(scene, "cpu")).max() <= 1  # drawn in other batches
    drawn[:64, :64] = drawn[:64, 66:130] = drawn[:64, 132:] = 0
    drawn[66:, :64] = drawn[66:, 66:130] = 0
    assert not drawn.any()  # gaps and blanks are black


def test_a_batch_is_that_of_render() -> None:
    scenes = [Scene("demo", seed) for seed in range(4)]
    generator = open_model("demo", "cpu")
    assert np.array_equal(
        PreviewPainter(generator, KeptStates())(scenes), Painter(generator)(scenes)
    )


# --- what comes first -----------------------------------------------------------------------------


def test_of_a_burst_few_are_drawn_and_the_last_is_right(place: House) -> None:
    async def burst() -> list[Drawn | None]:
        draws = [place.engine.draw([slow(seed, 200)]) for seed in range(50)]
        return await asyncio.gather(*draws)

    drawn = place.do(burst())  # every one of them is answered
    assert np.array_equal(pixels(drawn[-1]), render.picture(slow(49, 200), "cpu"))
    assert sum(one is not None for one in drawn) <= 5


@pytest.mark.slow
def test_a_picture_overtakes_a_strip(place: House) -> None:
    async def both() -> list[str]:
        order: list[str] = []

        async def named(name: str, scenes: list[Scene], channel: str) -> Drawn | None:
            found = await place.engine.draw(scenes, channel, columns=9)
            order.append(name)
            return found

        strip = asyncio.create_task(named("strip", [slow(i) for i in range(9)], "strip"))
        await asyncio.sleep(0.1)  # it has begun
        picture, whole = await asyncio.gather(named("picture", [slow(20)], "picture"), strip)
        assert np.array_equal(pixels(picture), render.picture(slow(20), "cpu"))
        last = pixels(whole)[:, 8 * 768 :].astype(int)
        assert abs(last - render.picture(slow(8), "cpu")).max() <= 1
        return order

    assert place.do(both()) == ["picture", "strip"]


def test_pictures_come_first_among_what_waits(place: House) -> None:
    async def waiting() -> list[str]:
        order: list[str] = []

        async def named(name: str) -> None:
            assert await place.engine.draw([slow(1)], name) is not None
            order.append(name)

        busy = asyncio.create_task(place.engine.call("sleep", seconds=0.2))
        await asyncio.gather(*(named(name) for name in ("strip", "grid", "picture")), busy)
        return order

    assert place.do(waiting()) == ["picture", "strip", "grid"]


def test_a_newer_strip_takes_the_place_of_one_half_done(place: House) -> None:
    async def two() -> tuple[Drawn | None, Drawn | None]:
        first = asyncio.create_task(place.engine.draw([slow(i) for i in range(9)], "strip"))
        await asyncio.sleep(0.1)
        second = await place.engine.draw([slow(1)], "strip")
        assert first.done() or await first is None  # it did not go on until its end
        return await first, second

    first, second = place.do(two())
    assert first is None
    assert np.array_equal(pixels(second), render.picture(slow(1), "cpu"))


def test_what_is_cancelled_is_answered(place: House) -> None:
    async def cancelled() -> list[Drawn | None]:
        draws = [place.engine.draw([slow(seed)], "strip") for seed in range(3)]
        tasks = [asyncio.create_task(draw) for draw in draws]
        await asyncio.sleep(0.02)
        place.engine.cancel("strip")
        place.engine.cancel("nothing there")
        return await asyncio.gather(*tasks)

    assert place.do(cancelled()) == [None, None, None]


def test_calls_are_all_done_in_order_also_between_pictures(place: House) -> None:
    async def held() -> list[str]:
        """What was done, while a key is held: there is always a newer picture to draw."""
        order: list[str] = []

        async def picture(number: int) -> None:
            if await place.engine.draw([slow(number, 400 if number > 1 else 768)]) is not None:
                order.append("picture")

        async def call(number: int) -> None:
            order.append(f"call {await place.engine.call('who', order=number)}")

        pictures = [asyncio.create_task(picture(i)) for i in range(2)]
        calls = [asyncio.create_task(call(i)) for i in range(5)]
        while not all(one.done() for one in calls):  # however slow the machine
            pictures.append(asyncio.create_task(picture(len(pictures))))
            await asyncio.sleep(0.005)
        await asyncio.gather(*calls, *pictures)
        return order

    order = place.do(held())
    calls = [one for one in order if one != "picture"]
    assert calls == [f"call {i}" for i in range(5)]
    before = order[: order.index("call 4")].count("picture")
    assert 3 <= before <= 11  # pictures are drawn between the calls
    assert order[-1] == "picture"  # and the newest after them


def test_one_who_no_longer_waits_is_no_trouble(place: House) -> None:
    async def left() -> None:
        draw = asyncio.create_task(place.engine.draw([slow(1)]))
        await asyncio.sleep(0.01)
        draw.cancel()

    place.do(left())
    assert pixels(place.do(place.engine.draw([Scene("demo")]))).any()


# --- models and calls -----------------------------------------------------------------------------


def test_a_model_says_what_it_is(place: House) -> None:
    model = place.do(place.engine.open("demo"))
    generator = open_model("demo", "cpu")
    for name in ("name", "family", "height", "width_px", "num_layers", "width", "space", "digest"):
        assert getattr(model, name) == getattr(generator.info, name)
    assert list(model.activations) == generator.activation_names()  # type: ignore[attr-defined]
    assert model.notes == open_model("demo", "cpu").info.notes
    assert model.classes == ()
    assert model.device == "cpu"
    assert place.do(place.engine.open("portraits")).activations == ()


def test_a_model_whose_file_changes_is_opened_again(place: House, home: Path) -> None:
    from latty import home as places

    file = home / "mine.safetensors"
    file.write_bytes((places.shipped_dir() / "models" / "demo.safetensors").read_bytes())
    assert pixels(place.do(place.engine.draw([Scene(str(file))]))).any()
    file.write_bytes(b"no model")
    with pytest.raises(EngineError) as caught:
        place.do(place.engine.draw([Scene(str(file))]))
    assert "mine.safetensors" in caught.value.message
    file.unlink()
    with pytest.raises(EngineError, match="there is no file"):
        place.do(place.engine.draw([Scene(str(file))]))


def test_a_set_that_changes_is_read_again(tmp_path: Path) -> None:
    """By the painter that stays, for pictures of their own and for those of a batch."""
    file, demo, seen = tmp_path / "mine.safetensors", open_model("demo", "cpu"), []
    scenes = [Scene("demo", seed, edits=(Edit(f"{file}#r0", 3.0),)) for seed in range(3)]
    painter = PreviewPainter(demo, KeptStates())
    for start in (0, 0, 900):
        file.unlink(missing_ok=True)
        discover("random", {"components": 1, "seed": start}, demo, file)
        seen.append([alone(painter, scenes[0]), *painter(scenes)])
    for first, again, other in zip(*seen, strict=True):
        assert np.array_equal(first, again) and not np.array_equal(again, other)


def alone(painter: PreviewPainter, scene: Scene) -> np.ndarray:
    steps = painter.stepwise(scene)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            drawn: np.ndarray = end.value
            return drawn


def test_what_is_called_is_a_function_of_the_table(place: House) -> None:
    used, whole = place.do(place.engine.call("forget"))  # bytes, of this machine
    assert 50e6 < used < whole
    assert place.do(place.engine.call("many", bytes=3_000_000)) == "x" * 3_000_000
    for name in ("os:system", "", "latty.jobs.engine.server:main"):
        with pytest.raises(EngineError, match="the engine has no"):
            place.do(place.engine.call(name))


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scene", "kind", "words", "hint"),
    [
        (Scene("nix"), "Missing", "no model 'nix'", "there is: demo, portraits"),
        (Scene("/no/file.pt"), "Missing", "there is no file", "check the path"),
        (Scene("portraits", edits=(SMILE,)), "BadData", "demo", "--foreign"),
        (Scene("demo", edits=(Edit("demo/smlie"),)), "Missing", "smlie", "did you mean 'smile'?"),
        (Scene("demo", edits=(Edit("demo/smile", float("nan")),)), "BadData", "finite", "another"),
        (Scene("demo", edits=(Edit("demo/smile", 1e38),)), "BadData", "not finite", "smaller"),
        (Scene("demo", label=3), "BadData", "", ""),
        (Scene("demo", size=10**9), "BadData", "size 1000000000", "4096"),
        (Scene("demo", latent="nowhere#0"), "Missing", "nowhere", ""),
    ],
)
def test_errors_are_data(place: House, scene: Scene, kind: str, words: str, hint: str) -> None:
    with pytest.raises(EngineError) as caught:
        place.do(place.engine.draw([scene], mend=False))
    error = caught.value
    assert error.kind == kind
    assert words in error.message and hint in error.hint
    assert "\n" not in error.message
    assert "Traceback" in error.detail and "drawing.py" in error.detail
    assert pixels(place.do(place.engine.draw([Scene("demo")]))).any()


def test_what_cannot_be_applied_is_left_out_and_named(place: House) -> None:
    lost, foreign = Edit("demo/smlie"), Edit("portraits/smile")
    held = Edit("demo/age", 1.0, conditions=("gone/x",))
    scene = Scene("demo", 3, edits=(lost, SMILE, foreign, held), locks=("gone/x", "demo/yaw"))
    drawn = place.do(place.engine.draw([scene]))
    rest = Scene("demo", 3, edits=(SMILE,), locks=("demo/yaw",))
    assert np.array_equal(pixels(drawn), render.picture(rest, "cpu"))
    assert drawn is not None and "--foreign" not in str(drawn.broken)
    broken = dict(drawn.broken)
    assert "did you mean 'smile'?" in broken["demo/smlie"]
    assert "made for portraits" in broken["portraits/smile"]
    assert broken.keys() == {lost.direction, foreign.direction, held.direction, "gone/x"}
    drawn = place.do(place.engine.draw([rest, scene], "strip", columns=2))
    assert pixels(drawn).shape == (64, 128, 3) and drawn is not None and len(drawn.broken) == 4
    bad = Scene("demo", label=3, edits=(lost,))  # the rest of it cannot be drawn either
    with pytest.raises(EngineError):
        place.do(place.engine.draw([bad]))


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"scenes": []}, "no scenes"),
        ({"scenes": [Scene("demo"), Scene("portraits")]}, "several models"),
        ({"scenes": [Scene("demo"), Scene("demo", size=3)]}, "several models or sizes"),
        ({"scenes": [Scene("demo")] * 1000}, "too many at once"),
        ({"scenes": [Scene("demo", size=4096)] * 200}, "too much at once"),
        ({"scenes": [Scene("demo")], "columns": 0}, "columns must be"),
        ({"scenes": [Scene("demo")], "gap": -1}, "gap must be"),
        ({"scenes": [Scene("portraits")], "size": 10**6}, "size must be"),
    ],
)
def test_what_cannot_be_drawn_is_said(place: House, asked: dict[str, object], words: str) -> None:
    with pytest.raises(EngineError, match=words):
        place.do(place.engine.draw(**asked))  # type: ignore[arg-type]


def test_errors_of_functions_are_data_too(place: House) -> None:
    wanted = {
        "value": ("ValueError", "unexpected ValueError"),
        "file": ("FileNotFoundError", "there is no /nowhere/at/all"),
        "deep": ("RecursionError", "deep"),
    }
    for what, (kind, words) in wanted.items():
        with pytest.raises(EngineError) as caught:
            place.do(place.engine.call("fail", kind=what))
        assert caught.value.kind == kind and words in caught.value.message
    for name, words in (("exit", "SystemExit"), ("odd", "not JSON"), ("who", "TypeError")):
        with pytest.raises(EngineError, match=words):
            place.do(place.engine.call(name))


def test_what_libraries_print_goes_to_the_log(place: House, home: Path) -> None:
    assert place.do(place.engine.call("shout", times=3)) == "said"
    assert pixels(place.do(place.engine.draw([Scene("demo")]))).any()
    log = (home / "state" / "engine.log").read_text(errors="replace")
    for words in ("a library says", "C says", "and complains"):
        assert log.count(words) >= 3


def test_the_log_stays_small(place: House, home: Path) -> None:
    for _ in range(3):
        place.do(place.engine.call("shout", times=5000))
    place.do(place.engine.call("who", order=1))
    assert (home / "state" / "engine.log").stat().st_size < 2**20


def test_memory_that_is_short_once_is_no_error(place: House) -> None:
    scene = Scene("demo", 3)
    place.do(place.engine.call("starve", times=1))
    drawn = place.do(place.engine.draw([scene]))
    assert np.array_equal(pixels(drawn), render.picture(scene, "cpu"))
    place.do(place.engine.call("starve", times=2))
    with pytest.raises(EngineError, match="does not fit in the memory") as caught:
        place.do(place.engine.draw([scene]))
    assert caught.value.kind == "DeviceError"
    drawn = place.do(place.engine.draw([scene]))
    assert np.array_equal(pixels(drawn), render.picture(scene, "cpu"))
