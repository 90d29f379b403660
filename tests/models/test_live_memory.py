"""What a batch takes of a card, from shapes alone: beside what a CPU's allocator is asked for."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from card import Card
from small_families import (
    FAMILIES,
    SHAPES,
    STYLEGAN2,
    STYLEGAN3,
    labels_for,
    made,
    stylegan3_tensors,
)

from latty.models import live_memory, ops
from latty.models.base import HasActivations
from latty.models.families import stylegan2, stylegan3
from latty.models.live_memory import GUESSED, SHARE, fitting, needed, weighs
from latty.models.memory import at_once
from latty.models.registries import FAMILIES as REGISTRY

HOST = {"onnx"}  # its features are its session's
DRAWN = [one for one in (*FAMILIES, *SHAPES) if one not in HOST]
BLOCK = 16  # channels
PACKED = 64 << 10  # bytes that a library packs of small weights
SLOW = {"portraits"}  # a thousand small operations
CARDS = [4, 8, 24, 80, 139]  # GiB


def marked(names: list[str]) -> list[Any]:
    """As parameters."""
    return [pytest.param(one, marks=[pytest.mark.slow] * (one in SLOW)) for one in names]


def allocated(draw: Callable[[], object], place: Path) -> int:
    """The most bytes that torch's own allocator had given out at once, by torch's profiler."""
    draw()  # constants are made once
    with torch.profiler.profile(profile_memory=True) as profile:
        draw()
    profile.export_chrome_trace(str(place))
    events = json.loads(place.read_text())["traceEvents"]
    steps = sorted((one["ts"], one["args"]["Bytes"]) for one in events if one["name"] == "[memory]")
    now = peak = 0
    for _, size in steps:
        now += size
        peak = max(peak, now)
    return peak


def in_blocks() -> Any:
    """A StyleGAN3 of as many channels as a library lays out together (16 with AVX-512, 8 with
    AVX2): of fewer it makes up the rest, and a few channels take several times their bytes."""
    layers = [replace(one, inputs=BLOCK, outputs=2 if one.torgb else BLOCK)
              for one in STYLEGAN3.layers]  # fmt: skip
    config = replace(STYLEGAN3, layers=tuple(layers), input_channels=BLOCK)
    entry: Any = REGISTRY.load("stylegan3")
    said = stylegan3.metadata(config)
    return entry.build(stylegan3_tensors(config), said, torch.device("cpu"))


def wide(px: int, dtype: torch.dtype | None = None) -> Any:
    """A StyleGAN2 with all its channels, of zeros."""
    channels = tuple(min(512, 32768 >> place) for place in range(2, px.bit_length()))
    config = replace(STYLEGAN2, z_dim=512, w_dim=512, resolution=px, channels=channels)
    with torch.device("meta"):
        shapes = stylegan2.StyleGAN2Network(config).state_dict()
    tensors = {name: torch.zeros(one.shape) for name, one in shapes.items()}
    entry: Any = REGISTRY.load("stylegan2")
    meta = stylegan2.metadata(config)
    options = {} if dtype is None else {"dtype": dtype}
    said = meta if dtype is None else {**meta, "precision": "bf16"}
    return entry.build(tensors, said, torch.device("cpu"), **options)


@pytest.mark.parametrize("family", marked(DRAWN))
def test_what_is_needed_is_what_an_allocator_is_asked_for(family: str, tmp_path: Path) -> None:
    """Half or twice as much at most: how a library packs and lays out features is its own."""
    generator = in_blocks() if family == "stylegan3" else made(family)
    label = labels_for(generator, 16)
    codes = generator.mapping(generator.sample(range(16)), label)
    weights = live_memory.bytes_of(live_memory.without_numbers(generator)[1])

    @torch.no_grad()
    def draw() -> torch.Tensor:
        return generator.synthesis(codes, label)

    before = draw()
    found, measured = needed(generator, 16) - weights, allocated(draw, tmp_path / "trace.json")
    assert (measured - PACKED) / 2 <= found <= 2 * measured
    assert needed(generator, 8) > needed(generator, 4) > needed(generator, 1)
    assert torch.equal(draw(), before), "the generator itself has kept its numbers"


@pytest.mark.parametrize("family", marked(FAMILIES))
def test_a_batch_is_the_largest_that_fits(family: str) -> None:
    generator: Any = made(family)
    weights = weighs(generator)
    for total in (weights, *(card(generator, count) for count in (2, 3, 8))):
        batch = fitting(generator, 32, total)
        assert batch in (1, 2, 4, 8, 16, 32)
        room = weights + (total - weights) * SHARE
        assert batch == 1 or min(needed(generator, batch), batch * _guess(generator)) <= room
        assert batch == 32 or needed(generator, 2 * batch) > room
    wanted = fitting(generator, 8, total := int(1.1 * card(generator, 4)))
    live_memory.KNOWN.clear()
    with Card(total):
        assert at_once(made(family, "cuda"), 8) == wanted


def card(generator: Any, count: int) -> int:
    """Bytes of one where so many pictures just fit."""
    weights = weighs(generator)
    return weights + int((needed(generator, count) - weights) / SHARE)


def test_weights_that_fill_half_of_a_card_leave_room_for_several_pictures() -> None:
    """What is left is planned with, and no share of the whole that weights alone are beyond."""
    generator = wide(8)
    total, features = 2 * weighs(generator), needed(generator, 2) - needed(generator, 1)
    several = int((total - weighs(generator)) * SHARE / features)
    assert 3 < several < 10_000
    batch = fitting(generator, 2**14, total)
    assert several / 4 <= batch <= several + 1


def test_a_network_is_counted_once_whatever_it_is_called() -> None:
    live_memory.KNOWN.clear()
    one, other = made("stylegan2"), made("stylegan2")
    other.info = replace(one.info, name="another", notes=("a note",), class_names=())
    assert needed(one, 1) == needed(other, 1) and len(live_memory.KNOWN) == 1


def _guess(generator: Any) -> int:
    return int(GUESSED * generator.info.height * generator.info.width_px)


@pytest.mark.parametrize("family", marked(DRAWN))
def test_what_edits_replace_inside_is_counted(family: str) -> None:
    generator: Any = made(family)
    names = generator.activation_names() if isinstance(generator, HasActivations) else []
    for name in names:
        assert needed(generator, 2, [name]) >= needed(generator, 2)
    if names:
        assert needed(generator, 2, names) < 3 * needed(generator, 2), "and not guessed"


@pytest.mark.slow
def test_large_networks_fill_a_share_of_every_card() -> None:
    """A StyleGAN2 of 1024 px with all its channels."""
    batches = {}
    for dtype in (None, torch.bfloat16):
        generator = wide(1024, dtype)
        batches[dtype] = [fitting(generator, 32, size << 30) for size in CARDS]
        assert batches[dtype] == sorted(batches[dtype])
        assert batches[dtype][0] >= 1 and batches[dtype][-1] == 32
        for size, batch in zip(CARDS, batches[dtype], strict=True):
            room = weighs(generator) + ((size << 30) - weighs(generator)) * SHARE
            assert batch in (1, 32) or needed(generator, batch) <= room
    assert all(half >= full for full, half in zip(*batches.values(), strict=True))


def test_nothing_without_numbers_is_left_in_what_is_kept() -> None:
    ops.constant.cache_clear()
    generator: Any = made("stylegan3")
    needed(generator, 5)
    codes = generator.mapping(generator.sample([1]))
    assert torch.isfinite(generator.synthesis(codes)).all()


def test_a_network_that_does_not_run_without_numbers_is_guessed() -> None:
    generator: Any = made("onnx")
    assert needed(generator, 3) == 3 * _guess(generator)


def test_two_models_of_one_name_and_other_widths_are_counted_each() -> None:
    narrow, wide = made("stylegan3"), in_blocks()
    assert narrow.info == wide.info
    assert needed(narrow, 2) < needed(wide, 2)
