"""Texts over films, by numbers: what they say at a moment, where they stand, what is refused."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from cli_in_process import latty
from PIL import Image, ImageFont

from latty import presets
from latty.errors import PresetError
from latty.presets.fonts import own
from latty.presets.texts import PLACES, Caption, filled
from latty.render import captions, lettering, provenance
from latty.render.lettering import fitting, width_of

GREY = 128
HEAD = """\
schema = 1
name = "x"
seconds = 2
[scene]
model = "portraits"
seed = 13
size = 96
[[scene.edits]]
direction = "portraits/smile"
strength = { from = -2, to = 2 }
"""


def grey(height: int = 120, width: int = 200, channels: int = 3) -> np.ndarray:
    return np.full((height, width, channels), GREY, np.uint8)


def box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    """Top, left, bottom and right of what is not grey."""
    rows, columns = np.nonzero((pixels[..., :3] != GREY).any(2))
    return int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1


def preset(text: str, output: str = 'path = "a/"\nfps = 2') -> str:
    return f"{HEAD}[[text]]\n{text}\n[[outputs]]\n{output}\n"


def frames(home: Path, text: str, output: str = 'path = "a/"\nfps = 2') -> list[np.ndarray]:
    (home / "x.toml").write_text(preset(text, output))
    done = latty("render", "x.toml", "--force", home=home)
    assert done.returncode == 0, done.stderr
    path = home / done.stdout.strip()
    return [np.asarray(Image.open(one)) for one in sorted(path.iterdir())]


# what they say ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("template", "value", "said"),
    [
        ("{strength:+.1f} σ", 1.25, "+1.2 σ"),
        ("{strength:+.1f}", -0.04, "+0.0"),
        ("{strength:.1f}", -0.04, "0.0"),
        ("{t:.0%}", 0.5, "50%"),
        ("{frame:03d}", 7, "007"),
        ("{strength}", 1.23456, "1.23"),
        ("{{{seed}}}", "7", "{7}"),
        ("{edits.3.strength:6.2f}|", 2, "  2.00|"),
    ],
)
def test_numbers_take_a_format(template: str, value: float | str, said: str) -> None:
    assert filled(template, lambda _: value) == said


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{strenght}", "did you mean 'strength'"),
        ("{scene.__class__}", "has no value for"),
        ("{0}", "has no value for"),
        ("{strength!r}", "has no value for"),
        ("{strength:{t}}", "lone '{'"),
        ("{strength:>99999999}", "is no format"),
        ("{strength:.99999f}", "is no format"),
        ("{model:d}", "takes no format"),
        ("a } b", "lone '}'"),
        ("a { b", "lone '{'"),
        ("\x1b[2J", "control character"),
        ("a" * 10**5, "longer than 500"),
        (" ", "must not be empty"),
    ],
)
def test_texts_are_templates_of_a_closed_list(template: str, why: str) -> None:
    data = {"schema": 1, "scene": {"model": "demo"}, "text": [{"value": template}]}
    with pytest.raises(PresetError) as caught:
        presets.from_dict(data, "x.toml")
    assert why in str(caught.value) and "text.0.value" in str(caught.value)


def test_placeholders_follow_the_film() -> None:
    made = presets.from_dict(
        {
            "schema": 1, "name": "n", "seconds": 4,
            "scene": {"model": "demo", "seed": {"walk": [3, 5, 9]},
                      "truncation": {"from": 1, "to": 0},
                      "edits": [{"direction": "demo/smile", "strength": 2},
                                {"direction": "demo/hair_colour",
                                 "strength": {"from": 0, "to": 4}}]},
            "outputs": [{"path": "a.gif", "fps": 10}],
        },
        "x.toml",
    )  # fmt: skip
    facts = captions.facts_at(made, made.outputs[0], 0.5, 20)
    assert (facts["strength"], facts["edits.0.strength"], facts["truncation"]) == (2, 2, 0.5)
    assert (facts["seconds"], facts["frame"], facts["frames"]) == (2, 20, 40)
    assert (facts["seed"], facts["direction"], facts["model"]) == ("5", "hair colour", "demo")
    assert captions.facts_at(made, None, 1.0, 0)["strength"] == 4


def test_a_preset_with_texts_is_written_as_it_was_said(tmp_path: Path) -> None:
    times = 'start = "0.5s"\nend = "75%"\nfade = 0.2'
    (tmp_path / "x.toml").write_text(preset(f'value = "a" # mine\nplace = [0.5, 0.25]\n{times}'))
    made = presets.read(tmp_path / "x.toml")
    assert (made.texts[0].start, made.texts[0].end, made.texts[0].fade) == (0.25, 0.75, 0.1)
    assert presets.from_dict(presets.to_dict(made), "x.toml") == made
    before = (tmp_path / "x.toml").read_text()
    presets.save(made, tmp_path / "x.toml")
    assert (tmp_path / "x.toml").read_text() == before


# where they stand ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", PLACES)
def test_each_place(place: str) -> None:
    pixels = grey()
    captions.lay(pixels, Caption("Hg", place, size=0.2), "Hg", own())
    top, left, bottom, right = box(pixels)
    assert 10 < bottom - top < 40 and 10 < right - left < 60
    third = [120 / 3, 200 / 3]
    for words, sides, step in (
        (("top", "bottom"), (top, bottom), third[0]),
        (("left", "right"), (left, right), third[1]),
    ):
        first, last = (word in place for word in words)
        low = 0 if first else 2 * step if last else step / 2
        high = step if first else 3 * step if last else 2.5 * step
        assert low < sides[0] < sides[1] < high


@pytest.mark.parametrize(("x", "y"), [(0.5, 0.5), (0.3, 0.7), (0, 0), (1, 1)])
def test_a_point_is_the_middle_and_all_is_seen(x: float, y: float) -> None:
    pixels = grey()
    captions.lay(pixels, Caption("HH", (x, y), size=0.2), "HH", own())
    top, left, bottom, right = box(pixels)
    assert (top == 0) == (y == 0) and (right == 200) == (x == 1)
    if 0 < x < 1:
        assert abs((top + bottom) / 2 - 120 * y) <= 1 and abs((left + right) / 2 - 200 * x) <= 1


@pytest.mark.parametrize("height", [64, 256, 1080])
def test_size_is_a_share_of_the_shorter_side(height: int) -> None:
    pixels = grey(height, height * 2)
    captions.lay(pixels, Caption("H", "centre", size=0.2, outline=0), "H", own())
    top, _, bottom, _ = box(pixels)
    assert bottom - top == pytest.approx(0.69 * 0.2 * height, abs=2)  # of a capital


@pytest.mark.parametrize(
    ("width", "text"), list(product([150, 200, 400], ["word " * 12, "M" * 40]))
)
def test_long_texts_are_broken_or_made_smaller(width: int, text: str) -> None:
    pixels = grey(200, width)
    captions.lay(pixels, Caption(text, size=0.15), text.strip(), own())
    top, left, bottom, right = box(pixels)
    assert left >= 0 and right <= width and bottom - top < 200
    lines, size = fitting(text.strip(), own(), 30, (200, width - 30))
    assert all(width_of(line, own(), size) <= width - 30 for line in lines)
    assert (len(lines) > 1) == (" " in text.strip())


def test_colours_outline_and_opacity() -> None:
    def laid(opacity: float, **keys: object) -> np.ndarray:
        pixels = grey()
        made = Caption("HI", "centre", size=0.5, **keys)  # type: ignore[arg-type]
        captions.lay(pixels, made, "HI", own(), opacity)
        return pixels.reshape(-1, 3).astype(int)

    whole, half = laid(1, color="#ff0000", outline=0), laid(0.5, color="#ff0000", outline=0)
    assert (whole == (255, 0, 0)).all(1).any() and not (whole == (0, 0, 0)).all(1).any()
    assert np.abs(half - (whole + GREY) / 2).max() <= 1
    assert np.abs(laid(1, color="#ff000080", outline=0) - half).max() <= 2
    edged = laid(1, color="#ff0000", outline=0.1, outline_color="#0000ff")
    assert (edged == (0, 0, 255)).all(1).any() and (edged == (255, 0, 0)).all(1).any()


def test_on_nothing_only_the_letters_are_seen() -> None:
    pixels = np.zeros((120, 200, 4), np.uint8)
    captions.lay(pixels, Caption("HI", "centre", size=0.5, outline=0), "HI", own())
    seen = pixels[..., 3] > 0
    assert 0.01 < seen.mean() < 0.3 and (pixels[seen][:, :3] == 255).all()
    assert pixels[..., 3].max() == 255


# films --------------------------------------------------------------------------------------------


def test_times_and_fade(tmp_path: Path) -> None:
    plain = frames(tmp_path, 'value = "x"\nstart = "1.99s"', 'path = "b/"\nfps = 10')
    found = frames(
        tmp_path,
        'value = "X"\nsize = 0.5\noutline = 0\nstart = "0.5s"\nend = "1.5s"\nfade = 0.5',
        'path = "a/"\nfps = 10',
    )
    strength = [np.abs(a.astype(int) - b).sum() / 1e5 for a, b in zip(found, plain, strict=True)]
    assert len(found) == 20 and strength[4] == strength[5] == 0 < strength[6] < strength[8]
    assert strength[12] > strength[14] > 0 == strength[15] == strength[19]
    quarter = np.abs(found[7].astype(int) - plain[7]).max() / (255 - plain[7].min())
    assert 0.2 < quarter < 0.6


def test_another_text_draws_no_frame_again(tmp_path: Path) -> None:
    """What is written is no part of what the pictures are kept under."""
    from latty.render.shots import shots

    one, two = (
        presets.from_dict(
            {"schema": 1, "frames": 3, "scene": {"model": "demo"}, "text": [{"value": value}],
             "outputs": [{"path": "a.gif", "width": width}]}, "x.toml")
        for value, width in (("a", 90), ("b", 160))
    )  # fmt: skip
    assert repr(shots(one, one.outputs[0], 32)) == repr(shots(two, two.outputs[0], 32))


def test_a_font_by_file_goes_with_the_preset_and_the_recipe(tmp_path: Path) -> None:
    fonts = [ImageFont.load_default(20).font_bytes]  # type: ignore[union-attr]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "own.ttf").write_bytes(fonts[0])
    text = 'value = "a"\nfont = "own.ttf"'
    (tmp_path / "sub" / "x.toml").write_text(preset(text, 'path = "a.png"\ncolumns = 1'))
    done = latty("render", "sub/x.toml", home=tmp_path)
    assert done.returncode == 0, done.stderr
    path = tmp_path / done.stdout.strip()
    recipe = provenance.read(path)
    assert [*recipe["fonts"]] == ["own.ttf"] and len(recipe["fonts"]["own.ttf"]) == 64
    again = latty("render", str(path), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 66 and "not in its folder" in again.stderr, again.stderr
    (path.parent / "own.ttf").write_bytes(fonts[0])
    again = latty("render", str(path), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / again.stdout.strip()).read_bytes() == path.read_bytes()
    (path.parent / "own.ttf").write_bytes(fonts[0] + b"\0")
    again = latty("render", str(path), "--out-dir", "other", home=tmp_path)
    assert again.returncode == 65 and "the font 'own.ttf' is not the one" in again.stderr


def rescaled(font: bytes, units: int) -> bytes:
    """A font whose letters are drawn in so many units to a line (its table `head`)."""
    start = 12 + 16 * [font[at : at + 4] for at in range(12, 400, 16)].index(b"head")
    place = int.from_bytes(font[start + 8 : start + 12]) + 18
    return font[:place] + units.to_bytes(2) + font[place + 2 :]


def test_another_font_under_the_same_name_is_not_up_to_date(tmp_path: Path) -> None:
    font = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    (tmp_path / "x.toml").write_text(preset('value = "a"\nfont = "own.ttf"', 'path = "a.png"'))

    def made() -> tuple[str, bytes]:
        done = latty("render", "x.toml", "--update", home=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stderr, (tmp_path / "renders" / "a.png").read_bytes()

    (tmp_path / "own.ttf").write_bytes(font)
    _, first = made()
    assert made() == ("latty: renders/a.png is up to date\n", first)
    (tmp_path / "own.ttf").write_bytes(rescaled(font, 700))
    told, second = made()
    assert "up to date" not in told and second != first


@pytest.mark.parametrize("verb", ["check", "render"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('value = "\u4f60"', "latty's own font has no '\u4f60'"),
        ('value = "a"\nfont = "none.ttf"', "there is no font none.ttf"),
        ('value = "a"\nfont = "x.toml"', "x.toml is no font"),
        ('value = "a"\nfont = "large.ttf"', "large.ttf"),
        ('value = "a"\nfont = "pipe.ttf"', "pipe.ttf"),
        ('value = "a"\nfont = "cut.ttf"', "cut.ttf is no font"),
        ('value = "a"\nfont = "."', "font"),
        ('value = "a"\nfont = "wall.ttf"', "wall.ttf is no font"),
        ('value = "σ"\nfont = "own.ttf"', "own.ttf has no 'σ'"),
    ],
)
def test_what_cannot_be_written_is_one_line(
    text: str, words: str, verb: str, tmp_path: Path
) -> None:
    import os

    data = ImageFont.load_default(20).font_bytes  # type: ignore[union-attr]
    (tmp_path / "own.ttf").write_bytes(data)
    (tmp_path / "cut.ttf").write_bytes(data[:200])
    (tmp_path / "wall.ttf").write_bytes(rescaled(data, 16))
    with (tmp_path / "large.ttf").open("wb") as file:
        file.truncate(2**26)
    os.mkfifo(tmp_path / "pipe.ttf")
    (tmp_path / "x.toml").write_text(preset(text))
    done = latty(verb, "x.toml", home=tmp_path)
    assert done.returncode == 65, done.stderr
    assert words in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not list((tmp_path / "renders").rglob("*.png"))


def test_a_frame_that_is_too_small_for_a_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(preset('value = "words"', 'path = "a/"\nwidth = 1'))
    done = latty("render", "x.toml", home=tmp_path)
    assert done.returncode == 65 and "does not fit" in done.stderr, done.stderr


def test_latin_greek_and_arrows_are_there() -> None:
    rare = "ÆæÐðÞþĲĳĿŀŉŊŋŒœŦŧĦĸſ"
    latin = "".join(chr(c) for c in range(0xC0, 0x17F) if chr(c) not in rare)
    greek = "".join(chr(c) for c in range(0x391, 0x3CA) if c != 0x3A2)
    assert own().lacks(latin + greek + "→←↑↓↔±−×÷≈≠≤≥∞√…–—°²³µ€£ß") == ""
    assert own().lacks("\u4f60") == "\u4f60" and own().lacks("\ue000")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["direction \u5fae\u7b11, seed 5", "\u03b1"], ["direction \u2026, seed 5", "\u03b1"]),
        (["a", "\u5fae\u7b11", "\u5fae \u7b11"], ["a", "1", "2"]),
        (["\u5fae +1", "\u773c +1", "\u773c +2"], ["0", "1", "\u2026 +2"]),
        (["same", "same", "\u00e9\u2026"], ["same", "same", "\u00e9\u2026"]),
    ],
)
def test_names_keep_what_can_be_drawn_and_are_told_apart(names: list[str], said: list[str]) -> None:
    assert lettering.numbered(names) == said


def test_letters_of_strokes_are_as_heavy_as_the_font() -> None:
    """As much ink, as high, one beside the other: an alpha and an a, a sigma and an o."""
    for mine, known in (("α", "a"), ("σ", "o"), ("Π", "H"), ("ν", "v"), ("é", "e"), ("→", "—")):
        ink = []
        for letter in (mine, known):
            pixels = grey(200, 200)
            captions.lay(pixels, Caption(letter, "centre", size=0.5, outline=0), letter, own())
            top, _, bottom, _ = box(pixels)
            ink.append(((pixels - GREY).astype(float).sum(), bottom - top))
        assert 0.5 < ink[0][0] / ink[1][0] < 2, (mine, ink)
        if mine not in "é→":
            assert abs(ink[0][1] - ink[1][1]) <= 6, (mine, ink)


def test_a_line_of_strokes_costs_as_much_as_its_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not as much as its letters times its length: each is drawn in its own place."""
    new, drawn = Image.new, list[int]()

    def counted(mode: str, size: tuple[int, int], *rest: object) -> Image.Image:
        drawn.append(size[0] * size[1])
        return new(mode, size, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "new", counted)
    costs = []
    for text in ("αβaσλb" * 5, "αβaσλb" * 20):
        drawn.clear()
        lettering.ink([text], own(), 40, 4, 0.5)
        costs.append(sum(drawn))
    assert costs[1] < 5 * costs[0], costs
