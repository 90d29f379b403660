"""The picture around the picture, by numbers: sizes, places, colours and opacity, in files."""

from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from PIL import Image, ImageSequence
from small_families import write_example

from latty.presets.formats import formats
from latty.render import grids
from latty.render.sizes import width_at

HEAD = 'schema = 1\nname = "x"\nframes = 3\n[scene]\nmodel = "{model}"\nseed = {seed}\nsize = 32\n'
MOVE = "truncation = { from = 1, to = 0.4 }\n"
FITS = ["pad", "crop", "blur", "stretch"]
SHAPES = [(90, 160), (160, 90), (61, 61), (64, 40)]


def rendered(
    home: Path, output: str, model: str = "portraits", seed: str = "7", move: bool = True
) -> Path:
    """The file of a preset with one output of these keys."""
    text = HEAD.format(model=model, seed=seed)
    text = text + MOVE if move else text.replace("frames = 3", "frames = 1")
    (home / "x.toml").write_text(f"{text}[[outputs]]\n{output}\n")
    done = latty("render", "x.toml", home=home)
    assert done.returncode == 0, done.stderr
    return home / done.stdout.strip()


def picture(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def plain(home: Path, size: int) -> np.ndarray:
    """The same picture without anything around it."""
    return picture(rendered(home, f'path = "plain-{size}.png"\nsize = {size}', move=False))


@pytest.mark.parametrize("side", SHAPES)
@pytest.mark.parametrize("fit", FITS)
def test_a_frame_has_its_size_and_the_picture_its_place(
    fit: str, side: tuple[int, int], tmp_path: Path
) -> None:
    width, height = side
    keys = f'path = "a.webp"\nquality = 100\nsize = 32\nwidth = {width}\nheight = {height}'
    path = rendered(tmp_path, f'{keys}\nfit = "{fit}"\nbackground = "#102030"')
    with Image.open(path) as film:
        frames = [np.asarray(one.convert("RGB")) for one in ImageSequence.Iterator(film)]
    assert [one.shape for one in frames] == [(height, width, 3)] * 3
    (own,) = (picture(rendered(tmp_path, 'path = "b/"\nsize = 32') / "00001.png"),)
    top, left = (height - 32) // 2, (width - 32) // 2
    middle = frames[1][top : top + 32, left : left + 32]
    if fit in ("pad", "blur"):
        assert np.array_equal(middle, own)
    edge = frames[1][0, 0], frames[1][-1, -1]
    if fit == "pad":
        assert all((one == (0x10, 0x20, 0x30)).all() for one in edge)
        rest = frames[1].astype(int) - (0x10, 0x20, 0x30)
        rest[top : top + 32, left : left + 32] = 0
        assert not rest.any()
    if fit == "blur":  # itself, out of focus: nowhere a sharp edge, nowhere one colour
        ground = np.delete(frames[1].astype(int), range(left, left + 32), 1)
        if ground.size:
            assert np.abs(np.diff(ground, axis=0)).max() < 40
            assert len(np.unique(ground.reshape(-1, 3), axis=0)) > 50
    if fit in ("crop", "stretch"):
        assert not (frames[1] == (0x10, 0x20, 0x30)).all(2).any()
    if fit == "stretch":
        back = np.asarray(Image.fromarray(frames[1]).resize((32, 32)))
        assert np.abs(back.astype(int) - own).mean() < 6
    if fit == "crop":
        times = max(width, height) / 32
        back = np.asarray(Image.fromarray(own).resize((max(width, height),) * 2))
        cut = (max(width, height) - np.array((height, width))) // 2
        seen = back[cut[0] : cut[0] + height, cut[1] : cut[1] + width]
        assert np.abs(frames[1].astype(int) - seen).mean() < 3 * times


@pytest.mark.parametrize(
    ("keys", "shape"),
    [
        ("width = 96", (96, 96)),
        ("height = 50", (50, 50)),
        ("width = 1", (1, 1)),
        ("size = 32\nwidth = 48", (48, 48)),
        ("size = 32\nwidth = 47\nheight = 33", (33, 47)),
    ],
)
def test_a_side_that_is_not_said_follows(keys: str, shape: tuple[int, int], tmp_path: Path) -> None:
    path = rendered(tmp_path, f'path = "a.png"\n{keys}', move=False)
    assert picture(path).shape == (*shape, 3)


@pytest.mark.parametrize("fit", ["pad", "blur", "crop"])
def test_models_that_draw_any_size_fill_the_frame_sharply(fit: str, tmp_path: Path) -> None:
    text = HEAD.format(model="portraits", seed=7).replace("size = 32\n", "")
    text = text.replace("frames = 3", "frames = 1")
    (tmp_path / "x.toml").write_text(
        f'{text}[[outputs]]\npath = "a.png"\nwidth = 90\nheight = 160\nfit = "{fit}"\n'
    )
    done = latty("render", "x.toml", home=tmp_path)
    assert done.returncode == 0, done.stderr
    size = 160 if fit == "crop" else 90
    drawn, found = plain(tmp_path, size), picture(tmp_path / done.stdout.strip())
    part = drawn[:, 35:125] if fit == "crop" else drawn
    top = 0 if fit == "crop" else 35
    assert np.array_equal(found[top : top + size, :90], part)


def test_the_plan_says_the_frame(tmp_path: Path) -> None:
    text = HEAD.format(model="portraits", seed=7)
    (tmp_path / "x.toml").write_text(f'{text}[[outputs]]\npath = "a.gif"\nwidth = 90\nheight = 50')
    done = latty("render", "x.toml", "--dry-run", home=tmp_path)
    assert "90 x 50 px" in done.stdout, done.stdout


@pytest.mark.parametrize("suffix", [one for one in formats() if formats()[one].film])
def test_every_film_has_its_frame(suffix: str, tmp_path: Path) -> None:
    """Odd sides, too: halved colours repeat the last column, and never show another picture."""
    import imageio.v3 as iio

    name = "a/" if suffix == "/" else f"a{suffix}"
    path = rendered(tmp_path, f'path = "{name}"\nwidth = 45\nheight = 31\nbackground = "#000"')
    first = min(path.iterdir()) if path.is_dir() else path
    plugin = "pyav" if suffix in (".mp4", ".webm", ".mov", ".mkv") else "pillow"
    frame = np.asarray(iio.imread(first, index=0, plugin=plugin))
    assert frame.shape[1] in (45, 46) and frame.shape[0] in (31, 32)
    assert frame[..., :3][:, :5].max() < 12 and frame[..., :3][:, 12:30].max() > 60


@pytest.mark.parametrize(("times", "size"), [(2, 64), (5, 160)])
def test_nearest_keeps_every_pixel_a_square(times: int, size: int, tmp_path: Path) -> None:
    small = plain(tmp_path, 32)
    for keys in (f"size = {size}", f"width = {size + 13}\nheight = {size + 9}"):
        name = f"{len(keys)}.png"
        path = rendered(tmp_path, f'path = "{name}"\nscale = "nearest"\n{keys}', move=False)
        found = picture(path)
        top, left = (found.shape[0] - size) // 2, (found.shape[1] - size) // 2
        middle = found[top : top + size, left : left + size]
        assert np.array_equal(middle, small.repeat(times, 0).repeat(times, 1))


def test_nearest_in_a_film(tmp_path: Path) -> None:
    path = rendered(tmp_path, 'path = "a/"\nscale = "nearest"\nsize = 96')
    frame = picture(path / "00002.png")
    assert np.array_equal(frame, frame[1::3, 1::3].repeat(3, 0).repeat(3, 1))


# pictures side by side ----------------------------------------------------------------------------


def test_a_sprite_sheet_has_its_cells_at_multiples_of_the_size(tmp_path: Path) -> None:
    keys = "size = 32\ncolumns = 2\ngap = 0\nmargin = 0\ncaptions = false"
    sheet = picture(rendered(tmp_path, f'path = "sheet.png"\n{keys}'))
    frames = [picture(one) for one in sorted(rendered(tmp_path, 'path = "f/"').iterdir())]
    assert sheet.shape == (64, 64, 3) and len(frames) == 3
    for i, frame in enumerate(frames):
        top, left = i // 2 * 32, i % 2 * 32
        assert np.array_equal(sheet[top : top + 32, left : left + 32], frame)
    assert (sheet[32:, 32:] == 255).all()  # paper


def test_a_sprite_sheet_keeps_its_opacity(tmp_path: Path) -> None:
    write_example("stylegan2 wide and clear", tmp_path / "mine.safetensors")
    assert latty("import", "mine.safetensors", home=tmp_path).returncode == 0
    keys = "size = 32\ncolumns = 2\ngap = 0\nmargin = 0\ncaptions = false"
    sheet = picture(
        rendered(tmp_path, f'path = "s.png"\n{keys}\nbackground = "transparent"', "mine")
    )
    frames = [picture(one) for one in sorted(rendered(tmp_path, 'path = "f/"', "mine").iterdir())]
    width = frames[0].shape[1]
    assert sheet.shape == (64, 2 * width, 4)
    assert np.array_equal(sheet[:32, width:], frames[1])
    assert np.array_equal(sheet[32:, :width], frames[2])
    assert not sheet[32:, width:].any()


@pytest.mark.parametrize(
    ("columns", "gap", "margin", "shape"),
    [(None, 0, 0, (64, 64)), (3, 0, 0, (32, 96)), (1, 4, 0, (104, 32)), (2, 4, 6, (80, 80))],
)
def test_a_film_of_several_has_columns_a_gap_and_a_margin(
    columns: int | None, gap: int, margin: int, shape: tuple[int, int], tmp_path: Path
) -> None:
    keys = f'path = "a/"\ngap = {gap}\nmargin = {margin}\nbackground = "#ff0000"'
    keys += f"\ncolumns = {columns}" if columns else ""
    frame = picture(rendered(tmp_path, keys, seed="[1, 2, 3]") / "00000.png")
    assert frame.shape == (*shape, 3)
    across = columns or 2
    red = (frame == (255, 0, 0)).all(2)
    for i, seed in enumerate((1, 2, 3)):
        one = rendered(tmp_path, f'path = "{columns}-{seed}/"', seed=str(seed)) / "00000.png"
        top, left = margin + i // across * (32 + gap), margin + i % across * (32 + gap)
        part = frame[top : top + 32, left : left + 32].astype(int)
        assert np.abs(part - picture(one)).max() <= 1  # another batch
        red[top : top + 32, left : left + 32] = True
    assert red.all()


def test_sheets_take_a_background_and_light_ink(tmp_path: Path) -> None:
    keys = 'path = "{}.png"\nbackground = "{}"\ncaptions = {}'
    dark, bare = (
        picture(rendered(tmp_path, keys.format(name, "#101018", said)))
        for name, said in (("dark", "true"), ("bare", "false"))
    )
    assert (dark[0] == (0x10, 0x10, 0x18)).all()
    below = dark[-grids.style(32).margin - 16 :]
    assert below.max() > 220 and bare.shape[0] < dark.shape[0]


# opacity ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", formats())
def test_a_transparent_background_is_seen_through_or_refused(suffix: str, tmp_path: Path) -> None:
    name = "a/" if suffix == "/" else f"a{suffix}"
    text = HEAD.format(model="portraits", seed=7)
    quality = "quality = 100\n" if "quality" in formats()[suffix].reads else ""
    (tmp_path / "x.toml").write_text(
        f'{text}[[outputs]]\npath = "{name}"\nwidth = 64\nheight = 32\n{quality}'
        'columns = 1\nbackground = "transparent"\n'
    )
    done = latty("render", "x.toml", home=tmp_path)
    if not formats()[suffix].alpha:
        assert done.returncode == 65 and "keeps no opacity" in done.stderr, done.stderr
        assert latty("check", "x.toml", home=tmp_path).returncode == 65
        return
    assert done.returncode == 0, done.stderr
    path = tmp_path / done.stdout.strip()
    with Image.open(min(path.iterdir()) if path.is_dir() else path) as image:
        found = np.asarray(image.convert("RGBA"))
    assert found.shape == (32, 64, 4)
    assert not found[:, :16, 3].any() and not found[:, 48:, 3].any()
    assert (found[:, 16:48, 3] == 255).all() and found[:, 16:48, :3].max() > 100


def test_a_background_lies_behind_what_is_seen_through(tmp_path: Path) -> None:
    file = write_example("stylegan2 wide and clear", tmp_path / "mine.safetensors")
    assert latty("import", str(file), home=tmp_path).returncode == 0
    clear = picture(rendered(tmp_path, 'path = "a.png"\ncolumns = 1', "mine")).astype(int)
    red = picture(rendered(tmp_path, 'path = "b.png"\ncolumns = 1\nbackground = "red"', "mine"))
    opacity = clear[..., 3:] / 255
    assert red.shape == (32, width_at(32, (8, 20)), 3) and clear[..., 3].min() < 255
    wanted = clear[..., :3] * opacity + np.array((255, 0, 0)) * (1 - opacity)
    assert np.abs(red - wanted).max() <= 1


# what is wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("width = 0", "outputs.0.width: must be at least 1"),
        ("height = 9000", "outputs.0.height: must be at most 8192"),
        ('fit = "padd"', "did you mean 'pad'?"),
        ('background = "greeen"', "outputs.0.background: 'greeen' is no colour"),
        ('background = "#12"', "is no colour"),
        ("gap = -1", "outputs.0.gap: must be at least 0"),
        ('background = "transparent"', "outputs.0.background"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(keys: str, words: str, tmp_path: Path) -> None:
    text = HEAD.format(model="demo", seed=1)
    (tmp_path / "x.toml").write_text(f'{text}[[outputs]]\npath = "a.gif"\n{keys}\n')
    done = latty("check", "x.toml", home=tmp_path)
    assert done.returncode == 65 and words in done.stderr, done.stderr
    assert "x.toml:10:" in done.stderr or "x.toml:10:" in done.stdout


def test_frames_have_names_of_one_width(tmp_path: Path) -> None:
    path = rendered(tmp_path, 'path = "f/"')
    assert sorted(one.name for one in path.iterdir()) == [f"{i:05}.png" for i in range(3)]
    for one in path.iterdir():  # as an earlier version wrote them
        one.rename(path / one.name[1:])
    done = latty("render", "x.toml", "--force", home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(one.name for one in path.iterdir()) == [f"{i:05}.png" for i in range(3)]
