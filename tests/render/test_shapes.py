"""Pictures that are not square, and those with an opacity, in every format and on every road."""

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from cli_in_process import latty
from frames_for_writers import content, psnr
from PIL import Image, ImageSequence
from small_families import SHAPES, made, write_example

from latty import render
from latty.attributes import open_scorer
from latty.attributes.registries import SCORERS
from latty.directions.likeness import smaller
from latty.errors import BadData
from latty.models import open_model
from latty.models.base import ModelInfo
from latty.presets.formats import formats
from latty.render import provenance
from latty.render.grids import PAPER, on_board, opaque, tile
from latty.render.journal import Journal, Mark
from latty.render.pixels import to_uint8
from latty.render.sizes import bytes_kept
from latty.scene import Scene

CLEAR, WIDE = "stylegan2 wide and clear", "stylegan2 wide"
HEIGHT = 32  # px that are asked for: of pictures of 8 x 20 and 12 x 28 px
WIDTHS = {CLEAR: 80, WIDE: 75}
PRESET = """\
schema = 1
name = "x"
frames = 3
[scene]
model = "mine"
seed = [3, 9]
truncation = {{ from = 1, to = 0.5 }}
[[outputs]]
path = "one{suffix}"
size = 32
quality = 100
captions = false
"""


def imported(name: str, home: Path) -> str:
    """The words of `latty import`, which makes it the model `mine`."""
    file = write_example(name, home / "mine.safetensors")
    done = latty("import", str(file), home=home)
    assert done.returncode == 0, done.stderr
    return done.stderr


def written(name: str, suffix: str, home: Path) -> Path:
    """A film of the model `mine`, in a format."""
    keys = "" if "quality" in formats()[suffix].reads else "quality = 100\n"
    text = PRESET.format(suffix=suffix)
    (home / "x.toml").write_text(text.replace(keys, "") if keys else text)
    done = latty("render", "x.toml", home=home)
    assert done.returncode == 0, done.stderr
    assert ("an opacity" in done.stderr) == (name == CLEAR)
    return home / done.stdout.strip()


def frames(path: Path) -> Iterator[np.ndarray]:
    """Pictures (H, W, 3 or 4) of a file or folder, as other programs see them."""
    if path.is_dir():
        yield from (np.asarray(Image.open(file)) for file in sorted(path.iterdir()))
    elif path.suffix in (".mp4", ".webm", ".mov", ".mkv"):
        with av.open(str(path)) as container:
            yield from (f.to_ndarray(format="rgb24") for f in container.decode(video=0))
    else:
        with Image.open(path) as image:
            for frame in ImageSequence.Iterator(image):
                yield np.asarray(frame if frame.mode == "RGBA" else frame.convert("RGB"))


@pytest.mark.parametrize("suffix", formats())
@pytest.mark.parametrize("name", [CLEAR, WIDE])
def test_a_format_keeps_shape_and_opacity_or_says_so(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(name, tmp_path)
    path, form = written(name, suffix, tmp_path), formats()[suffix]
    found = [*frames(path)]
    generator = open_model(str(tmp_path / "mine.safetensors"), "cpu")
    scenes = [Scene("mine", seed, size=HEIGHT) for seed in (3, 9)]
    wanted = [*render.pictures(scenes, generator)]
    keeps = name == CLEAR and form.alpha
    laid = [picture if keeps else opaque(picture) for picture in wanted]
    assert wanted[0].shape == (HEIGHT, WIDTHS[name], 4 if name == CLEAR else 3)
    found = [picture if keeps or (picture[..., 3:] < 255).any() else picture[..., :3]
             for picture in found]  # fmt: skip
    assert {picture.shape[2] for picture in found} == {4 if keeps else 3}
    if form.film:
        film = np.concatenate(laid, 0)  # one above the other: wide pictures lie so
        assert len(found) == 3 and found[0].shape[0] == 2 * HEIGHT
        assert found[0].shape[1] - WIDTHS[name] in (0, 1)  # video of an odd width repeats its edge
        # a film's colours may go where nothing of them is seen
        seen = film[..., -1:] > 0 if keeps else np.ones_like(film[..., :1], bool)
        assert psnr(found[0][:, : WIDTHS[name]] * seen, film * seen) > 20
        if form.alpha and suffix != ".avif":
            assert np.array_equal(found[0] * seen, film * seen)
    else:
        assert _holds(found[0], laid[0], 40 if "j" in suffix else 0)
    ground = provenance.read(path).get("ground")
    assert ground == (PAPER if name == CLEAR and not form.alpha else None)
    again = latty("render", str(path), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert content(tmp_path / again.stdout.strip()) == content(path)


def _holds(page: np.ndarray, picture: np.ndarray, far: int) -> bool:
    """Whether a page has the picture somewhere, to `far` levels."""
    height, width = picture.shape[:2]
    for top in range(page.shape[0] - height + 1):
        for left in range(page.shape[1] - width + 1):
            part = page[top : top + height, left : left + width].astype(int)
            if np.abs(part - picture).max() <= far:
                return True
    return False


def test_import_and_lists_say_the_shape_and_the_opacity(tmp_path: Path) -> None:
    said = imported(CLEAR, tmp_path)
    assert (
        "8 x 20 px" in said and "PNG, WebP and TIFF keep it, other files lay them on white" in said
    )
    listed = latty("list", "models", "--json", home=tmp_path).stdout.splitlines()
    [mine] = [one for one in map(json.loads, listed) if one["name"] == "mine"]
    assert (mine["height"], mine["width_px"]) == (8, 20)
    assert "8 x 20 px" in latty("list", "models", home=tmp_path).stdout
    found = json.loads(latty("inspect", "mine", "--json", home=tmp_path).stdout)
    assert (found["height"], found["width_px"]) == (8, 20)
    (tmp_path / "x.toml").write_text(PRESET.format(suffix=".webp"))
    plan = latty("render", "x.toml", "--dry-run", "--json", home=tmp_path)
    row = json.loads(plan.stdout)
    assert (row["size"], row["width"]) == (HEIGHT, WIDTHS[CLEAR])


def test_strips_grids_and_sheets_keep_both(tmp_path: Path) -> None:
    imported(CLEAR, tmp_path)
    (tmp_path / "x.toml").write_text(
        'schema = 1\nname = "x"\n[scene]\nmodel = "mine"\nseed = 3\n[[scene.edits]]\n'
        'direction = "seed:9"\n[[outputs]]\npath = "strip.png"\nlayout = "strip"\ncolumns = 3\n'
        '[[outputs]]\npath = "grid.png"\nlayout = "grid"\ncolumns = 3\n'
    )
    done = latty("render", "x.toml", home=tmp_path)
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        with Image.open(tmp_path / line) as page:
            pixels = np.asarray(page)
        assert pixels.shape[2] == 4 and (pixels[0] == 255).all() and pixels[..., 3].min() < 255
        assert pixels.shape[1] > 3 * 20


@pytest.mark.parametrize("name", SCORERS.names())
def test_scorers_see_the_colours(name: str) -> None:
    images = torch.rand(2, 4, 40, 24) * 2 - 1
    scorer = open_scorer(name)
    assert torch.equal(scorer.score(images).nan_to_num(), scorer.score(images[:, :3]).nan_to_num())
    with pytest.raises(BadData, match="5 channels"):
        scorer.score(torch.zeros(1, 5, 40, 24))


def test_methods_see_the_colours() -> None:
    images = torch.rand(2, 4, 40, 24)
    assert torch.equal(smaller(images, 16), smaller(images[:, :3], 16))
    assert smaller(images, 16).shape == (2, 3, 16, 10) and smaller(images, 99).shape[1] == 3
    for info in (made(name).info for name in SHAPES):
        assert info.colours == (1 if info.channels == 1 else 3)


@pytest.mark.parametrize("name", [CLEAR, WIDE])
def test_the_plan_counts_the_channels_that_are_written(name: str, tmp_path: Path) -> None:
    imported(name, tmp_path)
    (tmp_path / "x.toml").write_text(PRESET.format(suffix=".png").replace("quality = 100\n", ""))
    told = latty("render", "x.toml", "--dry-run", "--json", home=tmp_path)
    row = json.loads(told.stdout)
    picture, channels = ((8, 20), 4) if name == CLEAR else ((12, 28), 3)
    assert row["pictures"] == 6 and row["work_bytes"] == bytes_kept(6, picture, channels)


@pytest.mark.parametrize(("channels", "shown"), [(1, 3), (2, 3), (3, 3), (4, 4), (5, 3), (9, 3)])
def test_any_number_of_channels_is_shown_and_said(channels: int, shown: int) -> None:
    images = torch.rand(2, channels, 5, 7) * 2 - 1
    pixels = to_uint8(images)
    assert pixels.shape == (2, 5, 7, shown) and pixels.flags["C_CONTIGUOUS"]
    used = 1 if channels < 3 else shown
    assert np.array_equal(pixels[..., :used], to_uint8(images[:, :used])[..., :used])
    sizes = {"z_dim": 1, "num_layers": 1, "width": 1}
    info = ModelInfo.of({"notes": "made up"}, "any", 8, channels=channels, **sizes)
    assert info.notes[0] == "made up" and len(info.notes) == 1 + (channels not in (1, 3))
    assert channels in (1, 3, 4) or f"{channels} channels" in info.notes[1]


def test_a_render_goes_on_with_its_opacity(tmp_path: Path) -> None:
    pictures = np.random.RandomState(0).randint(0, 256, (3, 4, 7, 4)).astype(np.uint8)
    with Journal(tmp_path / "pictures", "key") as journal:
        journal.append(pictures[:2], [Mark(2, 2, 0.0, i) for i in range(2)])
    with Journal(tmp_path / "pictures", "key") as journal:
        assert len(journal) == 2 and np.array_equal(journal[1], pictures[1])
        journal.append(pictures[2:], [Mark(2, 1, 0.0, 2)])
        assert np.array_equal(journal[2], pictures[2])


@pytest.mark.parametrize("height, width, whole", [(80, 10, (80, 20)), (10, 80, (20, 80))])
def test_two_pictures_leave_no_blank(height: int, width: int, whole: tuple[int, int]) -> None:
    pictures = [np.full((height, width, 3), level, np.uint8) for level in (50, 90)]
    assert tile(pictures).shape[:2] == whole and tile(pictures).min() == 50


def test_grounds() -> None:
    clear = np.zeros((32, 32, 4), np.uint8)
    clear[..., 0], clear[:, 16:, 3] = 200, 255
    laid, board = opaque(clear), on_board(clear)
    assert (laid[:, :16] == 255).all() and (laid[:, 16:] == (200, 0, 0)).all()
    assert {tuple(p) for p in board[:, :16].reshape(-1, 3)} == {(204,) * 3, (153,) * 3}
    assert (board[:, 16:] == (200, 0, 0)).all()
    half = np.full((1, 1, 4), 128, np.uint8)
    assert opaque(half).tolist() == [[[191, 191, 191]]]
    assert opaque(laid) is laid and on_board(laid) is laid


@pytest.mark.parametrize("name", SHAPES)
def test_a_size_is_a_height_and_shapes_stay(name: str, tmp_path: Path) -> None:
    file = str(write_example(name, tmp_path / "x.safetensors"))
    generator, info = open_model(file, "cpu"), made(name).info
    assert info.resolution == max(info.height, info.width_px)
    for size in (None, 5, 48):
        [picture] = render.pictures([Scene(file, 1, size=size)], generator)
        height = size or info.height
        assert picture.shape[0] == height
        assert picture.shape[1] == round(height * info.width_px / info.height)
