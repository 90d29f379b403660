"""Keys of [[each]] as rows and columns of one sheet, or of a film of panels."""

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_in_process import latty
from each_files import each, goes_on_after_kills, write
from numpy.typing import NDArray
from PIL import Image
from small_networks import biggan_deep

from latty import presets
from latty.errors import PresetError, Unkept
from latty.models import open_model
from latty.presets import Output, reading, shape
from latty.render import captions, grids, pictures, shots
from latty.scene import Scene
from latty_tui.films import documents
from latty_tui.films.film import state_of
from latty_tui.films.table import film_of, film_table

BARE = "size = 32\ncaptions = false\ngap = 0\nmargin = 0\n"
EDIT = "[[scene.edits]]\ndirection = '{d}'\nstrength = '{s}'\n"
SMILE = "[scene]\nmodel = 'portraits'\n[[scene.edits]]\ndirection = 'portraits/smile'\n"
MOVES = SMILE + "strength = { from = '-{span}', to = '{span}' }\n"

Pixels = NDArray[np.uint8]


def output(path: str, **said: object) -> str:
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in {"path": path, **said}.items()]
    return "[[outputs]]\n" + "".join(lines)


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


def cut(whole: Pixels, rows: int, columns: int) -> list[Pixels]:
    """The cells of a bare sheet, row by row."""
    height, width = whole.shape[0] // rows, whole.shape[1] // columns
    assert whole.shape[:2] == (rows * height, columns * width)
    return [
        whole[i * height : (i + 1) * height, j * width : (j + 1) * width]
        for i in range(rows)
        for j in range(columns)
    ]


def alike(one: Pixels, other: Pixels) -> bool:
    """But for the last rounding, which depends on what is drawn beside."""
    return one.shape == other.shape and bool(np.abs(one.astype(int) - other).max() <= 1)


def rendered(file: Path, *more: str) -> list[Path]:
    ended = latty("render", file.name, *more, home=file.parent)
    assert ended.returncode == 0, ended.stderr
    return [file.parent / line for line in ended.stdout.splitlines()]


def refused(file: Path) -> str:
    with pytest.raises(PresetError) as caught:
        presets.check(file)
    return str(caught.value).replace(f"{file.parent}/", "")


def named(file: Path, number: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of rows and columns of the first output."""
    first = presets.read(file, (), number).outputs[0]
    return first.row_names, first.column_names


def moments(preset: presets.Preset) -> list[Scene]:
    """What each cell shows."""
    return [panel.preset.at(0.5) for panel in preset.panels]


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model `net` of named classes."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    tensors = biggan_deep()
    count = tensors["embeddings.weight"].shape[1]
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    names = ["red fox", "fox terrier", *(f"thing {i}" for i in range(2, count))]
    (tmp_path / "config.json").write_text(json.dumps({"class_names": names}))
    assert latty("import", "pytorch_model.bin", "--name", "net", home=tmp_path).returncode == 0


# --- every kind of key, cell by cell --------------------------------------------------------------

DEMO = "[scene]\nmodel = 'demo'\nseed = 3\n"
MIXED = "[[scene.edits]]\ndirection = 'seed:{a}'\nlayers = '{b}'\nstrength = 1\n"
KINDS = {
    "direction, strength": (
        "'demo/smile,demo/yaw'", "[-2, 0, 2]",
        "[scene]\nmodel = 'demo'\n[[scene.edits]]\ndirection = '{a}'\nstrength = '{b}'\n",
        (("smile", "yaw"), ("-2", "0", "+2")),
    ),
    "seed, direction": (
        "'0-2'", "['demo/smile', 'demo/hair_length']",
        "[scene]\nmodel = 'demo'\nseed = '{a}'\n[[scene.edits]]\ndirection = '{b}'\nstrength = 2\n",
        (("seed 0", "seed 1", "seed 2"), ("smile", "hair length")),
    ),
    "mixing, layers": ("'4-5'", "['0-2', '3-', 'all']", DEMO + MIXED,
                       (("toward 4", "toward 5"), ("layers 0-2", "layers 3-", "layers all"))),
    "latent, truncation": (
        "'z.npy#0-1'", "[0.5, 1]",
        "[scene]\nmodel = 'portraits'\nlatent = '{a}'\ntruncation = '{b}'\n",
        (("latent 0", "latent 1"), ("b 0.5", "b 1")),
    ),
    "model, seed": ("'demo,portraits'", "'0-1'", "[scene]\nmodel = '{a}'\nseed = '{b}'\n",
                    (("demo", "portraits"), ("seed 0", "seed 1"))),
    "own word, own number": (
        "['smile', 'yaw']", "[1, 2.5]",
        "[scene]\nmodel = 'portraits'\n[[scene.edits]]\ndirection = 'portraits/{a}'\n"
        "strength = '-{b}'\n", (("smile", "yaw"), ("b 1", "b 2.5")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("down", "across", "scene", "names"), KINDS.values(), ids=KINDS)
def test_each_cell_is_the_picture_that_it_is_alone(
    tmp_path: Path, down: str, across: str, scene: str, names: tuple[tuple[str, ...], ...]
) -> None:
    np.save(tmp_path / "z.npy", np.random.RandomState(1).randn(2, 32).astype(np.float32))
    file = write(
        tmp_path, each("a", down), each("b", across), scene,
        output("one/{a}_{b}.png", size=32), output("all.png", rows="a", columns="b") + BARE,
        output("turned.png", rows="b", columns="a") + BARE,
    )  # fmt: skip
    made = rendered(file)
    rows, columns = map(len, names)
    count = rows * columns
    assert len(made) == count + 2 and len({*made}) == len(made)
    alone = [pixels(path) for path in made[:count]]
    cells = cut(pixels(made[count]), rows, columns)
    assert all(map(alike, cells, alone))
    turned = cut(pixels(made[count + 1]), columns, rows)
    assert all(map(alike, [turned[j * rows + i] for i in range(rows) for j in range(columns)],
                   alone))  # fmt: skip
    assert any(not alike(one, cells[0]) for one in cells[1:])
    assert named(file, count) == names


@pytest.mark.usefixtures("classes")
def test_a_grid_of_classes_and_edits(tmp_path: Path) -> None:
    for values, wanted in {
        "['red fox', 'fox terrier']": ("red fox", "fox terrier"),
        "'0-1'": ("red fox", "fox terrier"),
    }.items():
        file = write(
            tmp_path, each("class", values), each("s", "'5-7'"),
            "[scene]\nmodel = 'net'\nlabel = '{class}'\n[[scene.edits]]\ndirection = 'seed:{s}'\n"
            "strength = 0.5\n", output("one/{class}_{s}.png"),
            output("all.png", rows="class", columns="s") + BARE.replace("size = 32\n", ""),
        )  # fmt: skip
        assert named(file, 6) == (wanted, ("toward 5", "toward 6", "toward 7"))
        *alone, whole = rendered(file, "--overwrite")
        cells = cut(pixels(whole), 2, 3)
        assert all(map(alike, cells, map(pixels, alone))) and not alike(cells[0], cells[3])


def test_columns_of_strength_are_moments_at_even_distances(tmp_path: Path) -> None:
    file = write(
        tmp_path, each("span", "[1, 3]"), "frames = 40\n", MOVES,
        output("a.png", rows="span", columns="strength") + BARE,
        output("b.png", rows="span", columns=3) + BARE,
        output("c.png", columns="span", rows="strength") + BARE,
        output("d.png", rows="span", columns="frames") + BARE,
    ).rename(tmp_path / "y.toml")  # fmt: skip
    file.write_text(file.read_text().replace("frames = 40\n", "", 1).replace(
        "schema = 1\n", "schema = 1\nframes = 40\n", 1))  # fmt: skip
    scene = presets.read(file).panels[0].preset.at(0.0)
    generator = open_model("portraits")

    def drawn(strength: float) -> Pixels:
        edit = Scene("portraits", edits=scene.edits).edits[0]
        moved = Scene("portraits", size=32, edits=(edit,)).with_number("edits.0.strength", strength)
        return pictures([moved], generator)[0]

    made = dict(zip("abcd", map(pixels, rendered(file)), strict=True))
    wanted = [drawn(span * (i - 3) / 3) for span in (1, 3) for i in range(7)]
    assert all(map(alike, cut(made["a"], 2, 7), wanted))
    assert all(map(alike, cut(made["d"], 2, 7), wanted))
    few = [drawn(span * (i - 1)) for span in (1, 3) for i in range(3)]
    assert all(map(alike, cut(made["b"], 2, 3), few))
    turned = cut(made["c"], 7, 2)
    assert all(alike(turned[i * 2 + j], wanted[j * 7 + i]) for i in range(7) for j in range(2))


def test_captions_that_differ_from_row_to_row_stand_below_each_cell(tmp_path: Path) -> None:
    head = "frames = 9\n" + each("span", "[1, 3]") + MOVES
    said = []
    for rows in ("span", "seed"):
        more = each("seed", "'1-2'") if rows == "seed" else ""
        keys = {"span": rows, "seed": "seed"}
        text = head.replace("[1, 3]", "[2]") if more else head
        text = text.replace("'portraits'\n", "'portraits'\nseed = '{seed}'\n") if more else text
        file = write(tmp_path, text.replace("[scene]", more + "[scene]"),
                     output("a.png", rows=keys[rows], columns=3))  # fmt: skip
        preset = presets.read(file)
        said.append(captions.table_captions(preset, preset.outputs[0]))
    assert said == [
        grids.TableCaptions(["span 1", "span 3"], [], ["-1", "0", "+1", "-3", "0", "+3"]),
        grids.TableCaptions(["seed 1", "seed 2"], ["-2", "0", "+2"], [""] * 6),
    ]


def test_several_keys_in_one_side(tmp_path: Path) -> None:
    file = write(
        tmp_path, each("seed", "'1-2'"), each("d", "'portraits/smile,portraits/yaw'"),
        each("s", "[-2, 2]"), "[scene]\nmodel = 'portraits'\nseed = '{seed}'\n", EDIT,
        output("one/{seed}_{d}_{s}.png", size=32),
        output("all.png", rows=["seed", "d"], columns="s") + BARE,
        output("{s}.png", rows="d", columns="seed", captions="short"),
    )  # fmt: skip
    assert reading.load(file).each.count == reading.load(file).each.files == 8 + 1 + 2
    made = rendered(file)
    assert [path.name for path in made[8:]] == ["all.png", "-2.png", "2.png"]
    assert all(map(alike, cut(pixels(made[8]), 4, 2), map(pixels, made[:8])))
    assert named(file, 8)[0] == ("seed 1, smile", "seed 1, yaw", "seed 2, smile", "seed 2, yaw")
    assert named(file, 9) == (("smile", "yaw"), ("1", "2"))


def test_names_of_ones_own(tmp_path: Path) -> None:
    said = {"row_names": ["ours {direction}", "{{x}}"], "column_names": ["a", "b"]}
    file = write(tmp_path, each("d", "'portraits/smile,portraits/yaw'"), each("s", "[-2, 2]"),
                 "[scene]\nmodel = 'portraits'\n", EDIT,
                 output("a.png", rows="d", columns="s", **said))  # fmt: skip
    preset = presets.read(file)
    found = captions.table_captions(preset, preset.outputs[0])
    assert found[:2] == (["ours smile", "{x}"], ["a", "b"])
    file.write_text(file.read_text().replace('"{{x}}"', '"x", "y"'))
    assert "x.toml:17:1: outputs.0.row_names: are 3, of 2 rows" in refused(file)


# --- films ----------------------------------------------------------------------------------------


def test_every_cell_of_a_film_moves(tmp_path: Path) -> None:
    file = write(
        tmp_path, "frames = 5\n", each("span", "[1, 3]"), each("seed", "'1-2'"),
        MOVES.replace("'portraits'\n", "'portraits'\nseed = '{seed}'\n"),
        output("one/{span}_{seed}/", size=32), output("all/", rows="span", columns="seed") + BARE,
        output("words.gif", rows="span", columns="seed", size=32),
        output("words.mp4", rows="span", columns="seed", size=32),
    )  # fmt: skip
    made = rendered(file)
    films = [[pixels(path) for path in sorted(folder.iterdir())] for folder in made[:4]]
    whole = [pixels(path) for path in sorted(made[4].iterdir())]
    assert len(whole) == 5
    for number, frame in enumerate(whole):
        assert all(map(alike, cut(frame, 2, 2), [film[number] for film in films]))
    with Image.open(made[5]) as gif:
        assert gif.n_frames == 5 and gif.size[0] > 64 and gif.size[1] > 64  # type: ignore[attr-defined]
    again = latty("render", str(made[5]), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0 and (tmp_path / "again/words.gif").read_bytes() == (
        made[5].read_bytes()
    )


# --- what is wrong has its place ------------------------------------------------------------------

HEAD = each("d", "'portraits/smile,portraits/yaw'") + each("s", "[-2, 2]")
BODY = "[scene]\nmodel = 'portraits'\n" + EDIT


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"rows": "f"}, "x.toml:15:1: outputs.0.rows: 'f' is no key of [[each]]"),
        ({"rows": "dd"}, "outputs.0.rows: 'dd' is no key of [[each]], did you mean 'd'?"),
        ({"columns": "strenght"}, "outputs.0.columns: 'strenght' is no key of [[each]]"),
        ({"rows": ["d", "f"]}, "outputs.0.rows: 'f' is no key of [[each]]"),
        ({"rows": []}, "outputs.0.rows: needs at least 1 entries, has 0"),
        ({"columns": "strength"}, "outputs.0.columns: 'strength' goes beside a key of [[each]]"),
        ({"rows": "d", "columns": "d"}, "outputs.0.columns: d is laid out in rows, too"),
        ({"rows": ["d", "d"]}, "outputs.0.rows: names a key twice"),
        ({"rows": "d", "columns": "strength"}, "outputs.0.columns: are moments, and no strength"),
        ({"rows": "d", "columns": 3}, "outputs.0.columns: are moments: nothing moves"),
        ({"rows": "d", "layout": "strip"}, "outputs.0.layout: is a page of its own"),
        ({"rows": "d", "path": "{d} {s}.png"}, "outputs.0.path: {d} is laid out in rows or col"),
        ({"rows": "d", "path": "a.gif", "columns": "frames"}, "outputs.0.columns: lays moments"),
        ({"rows": "ss", "columns": "d"}, "outputs.0.rows: 'ss' is no key of [[each]], did you"),
        ({"rows": "d", "columns": "ss"}, "outputs.0.columns: 'ss' is no key of [[each]], did you"),
        ({"rows": ["ss"], "columns": "d"}, "outputs.0.rows: 'ss' is no key of [[each]]"),
        ({"rows": "d", "columns": ["s", "strength"]}, "outputs.0.columns: 'strength' goes beside"),
        ({"rows": "seeds", "columns": "d"}, "outputs.0.rows: 'seeds' is no key of [[each]]"),
        ({"rows": "d", "columns": "amount"}, "as in amount = { from = 0, to = 1 }"),
        ({"rows": 2, "columns": "d"}, "outputs.0.rows: must be 'seeds', 'edits', or a key"),
        ({"rows": [], "columns": "d"}, "outputs.0.rows: needs at least 1 entries, has 0"),
        ({"rows": [3], "columns": "d"}, "outputs.0.rows.0: must be a key of [[each]]"),
        ({"rows": "d", "columns": 0}, "outputs.0.columns: must be at least 1"),
        ({"rows": "d", "columns": 1.5}, "outputs.0.columns: must be a whole number"),
        ({"rows": "d", "columns": 2000}, "outputs.0.columns: lays out 4,000 pictures, more than"),
    ],
)  # fmt: skip
def test_what_cannot_be_laid_out_has_its_place(
    tmp_path: Path, said: dict[str, object], told: str
) -> None:
    file = write(tmp_path, HEAD, BODY, output(**{"path": "{s}.png", **said}))  # type: ignore[arg-type]
    found = refused(file)
    assert told in found and len(found.splitlines()) == 1, found
    ended = latty("render", file.name, home=tmp_path)
    assert ended.returncode == 65 and not (tmp_path / "renders").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("name = '{d}'\n", "name: {d} is laid out in rows or columns: it has no single value"),
        ("frames = '{d}'\n", "frames: {d} is laid out"),
        ("sede = 3\n", "scene.sede: unknown key, did you mean 'seed'?"),
        ("[[panels]]\nseed = 3\n", "outputs.0.rows: lays keys out as panels"),
    ],
)
def test_what_else_is_wrong_is_told_once(tmp_path: Path, more: str, told: str) -> None:
    """Not once for each cell."""
    head, tail = (more, "") if more[0] in "nf" else ("", "")
    body = BODY.replace("[scene]\n", f"[scene]\n{more}") if "sede" in more else BODY
    tail = more if "panels" in more else tail
    file = write(tmp_path, head, HEAD, body, tail, output("{s}.png", rows="d"))
    found = refused(file)
    assert told in found and len(found.splitlines()) == 1, found


def test_a_mistake_that_all_cells_share_is_told_once(tmp_path: Path) -> None:
    """However many cells there are; 66 where something is not there."""
    file = write(tmp_path, SMILE.replace("model = 'portraits'", "model = 'nope'"),
                 each("seed", "'0-6'"), each("strength", "'-3..3'"),
                 output("a.png", rows="seed", columns="strength"))  # fmt: skip
    ended = latty("check", file.name, home=tmp_path)
    assert (ended.returncode, ended.stderr.count("no model 'nope'")) == (66, 1), ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_cell_that_cannot_be_drawn_has_the_place_of_its_key(tmp_path: Path) -> None:
    file = write(tmp_path, each("d", "'portraits/smile,portraits/smiel'"), each("s", "[-2, 200]"),
                 BODY, output("a.png", rows="d", columns="s"))  # fmt: skip
    found = refused(file).splitlines()
    assert len(found) == 2, found
    assert "x.toml:11:1: scene.edits.0.direction" in found[0] and "smiel" in found[0]
    assert "x.toml:12:1: scene.edits.0.strength: must be at most 100" in found[1]


def test_doubts_are_told_once_and_a_text_that_captions_say_is_one(tmp_path: Path) -> None:
    text = "[[text]]\nvalue = 'all {s}'\n[[text]]\nvalue = '{d}'\n[[text]]\nvalue = 'x'\nfade = 1\n"
    file = write(tmp_path, HEAD.replace("[-2, 2]", "[-2, 90]"), BODY, text,
                 output("{s}.png", rows="d"))  # fmt: skip
    ended = latty("check", file.name, home=tmp_path)
    assert ended.returncode == 0
    lines = [line.partition("x.toml:")[2] for line in ended.stderr.splitlines()]
    assert len(lines) == len({*lines})
    assert [re.sub(r":.*", "", line) for line in lines if "text" in line] == ["22", "19"]
    assert (
        sum("lays {d} out: text.1, which says it, is not written here" in one for one in lines) == 1
    )
    assert ended.stdout == "x.toml: ok, 2 presets, 2 files, 4 pictures\n"
    assert len(presets.read(file).texts) == 2


@pytest.mark.parametrize(
    ("text", "more", "written"),
    [
        ("{edits.0.strength:+.1f}", {"rows": "span", "columns": "strength"}, False),
        ("{strength}", {"rows": "span"}, False),
        ("{frame}", {"rows": "span", "columns": 3}, False),
        ("{frame}", {"rows": "span"}, True),
        ("face {seed}", {"rows": "n"}, False),
        ("face {seed}", {"rows": "span"}, True),
        ("{{seed}} {model}", {"rows": "n", "columns": "strength"}, True),
    ],
)
def test_a_text_of_what_differs_between_cells_is_not_written_over_all_of_them(
    tmp_path: Path, text: str, more: dict[str, object], written: bool
) -> None:
    scene = MOVES.replace("'portraits'\n", "'portraits'\nseed = '{n}'\n", 1)
    file = write(tmp_path, "frames = 5\n", each("span", "[1, 2]"), each("n", "[1, 2]"),
                 scene, f"[[text]]\nvalue = '{text}'\n",
                 output("{n}.png" if more["rows"] == "span" else "{span}.png", **more))  # fmt: skip
    ended = latty("check", file.name, home=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ("is not written here" in ended.stderr) is not written
    assert bool(presets.read(file).texts) is written


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("'0-99'", "'0-99'", "outputs.0.rows: lays out 10,000 pictures, more than 2,048"),
        ("'5-2'", "'0-9'", "each.0.values: 5-2 is no rising range"),
    ],
)
def test_too_many_cells_and_none(tmp_path: Path, one: str, other: str, told: str) -> None:
    file = write(tmp_path, each("a", one), each("b", other),
                 "[scene]\nmodel = 'portraits'\nseed = '{a}'\ntruncation = '{b}'\n",
                 output("x.png", rows="a", columns="b"))  # fmt: skip
    assert told in refused(file) and len(refused(file).splitlines()) == 1


def test_outputs_of_one_name(tmp_path: Path) -> None:
    file = write(tmp_path, HEAD, BODY, output("same.png", rows="d"))
    ended = latty("check", file.name, home=tmp_path)
    assert ended.returncode == 65
    assert "x.toml:14:1: outputs.0.path: is also written by" in ended.stderr


def test_a_key_that_is_wrong_makes_no_second_mistake_of_a_sheet(tmp_path: Path) -> None:
    file = write(tmp_path, each("d", "'portraits/smile'"), each("s", "'5-3'"), BODY,
                 output("a.png", rows=["d", "s"], columns="strength"))  # fmt: skip
    assert refused(file).splitlines() == [
        "x.toml:7:1: each.1.values: 5-3 is no rising range below 2^32"
    ]


def test_files_are_counted_where_keys_are_laid_out(tmp_path: Path) -> None:
    many = each("a", "'0-9999'") + each("b", "'0-3'")
    scene = "[scene]\nmodel = 'portraits'\nseed = '{a}'\n[[scene.edits]]\n"
    scene += "direction = 'portraits/smile'\nstrength = '{b}'\n"
    file = write(tmp_path, many, scene, output("{a}.png", rows="b"))
    assert reading.load(file).each.files == 10_000
    file = write(tmp_path, many, scene, output("{a}.png", rows="b"), output("one.png", rows="b"))
    ended = latty("check", file.name, home=tmp_path)
    assert ended.returncode == 65 and "makes 20,000 files, more than 10,000" in ended.stderr


# --- many, made again, killed ---------------------------------------------------------------------


def test_a_sheet_opens_again_as_a_preset(tmp_path: Path) -> None:
    file = write(tmp_path, "frames = 9\n", each("span", "[1, 3]"), MOVES,
                 output("a.png", rows="span", columns="strength", size=32))  # fmt: skip
    (made,) = rendered(file)
    again = latty("render", str(made), "--out-dir", "again", home=tmp_path)
    assert again.returncode == 0 and (tmp_path / "again/a.png").read_bytes() == made.read_bytes()
    ended = latty("render", file.name, "--update", home=tmp_path)
    assert ended.returncode == 0 and "is up to date" in ended.stderr
    ended = latty("render", file.name, "--update", "--set", "each.0.values=[1,2]", home=tmp_path)
    assert ended.stdout == "renders/a.png\n"
    ended = latty("render", str(made), "--set", "outputs.0.size=48", "--out-dir", "b",
                  home=tmp_path)  # fmt: skip
    assert ended.returncode == 0 and pixels(tmp_path / "b/a.png").shape > pixels(made).shape
    plan = latty("render", file.name, "--dry-run", "--json", "--overwrite", home=tmp_path)
    assert json.loads(plan.stdout)["pictures"] == 14


def test_a_sheet_is_pinned_and_packed(tmp_path: Path) -> None:
    file = write(tmp_path, each("d", "'demo/smile,portraits/yaw'"), each("model", "'demo'"),
                 "[scene]\nmodel = 'portraits'\n[[scene.edits]]\ndirection = '{d}'\n",
                 output("{model}.png", rows="d", size=32))  # fmt: skip
    assert latty("pin", file.name, home=tmp_path).returncode == 0
    assert {*reading.load(file).data["pins"]["directions"]} == {"demo", "portraits"}
    assert latty("pin", "--check", file.name, home=tmp_path).returncode == 0
    assert latty("pack", file.name, "-o", "x.latty", home=tmp_path).returncode == 0
    ended = latty("check", "x.latty", home=tmp_path)
    assert ended.returncode == 0 and ended.stdout == "x.latty: ok, 1 preset, 1 file, 2 pictures\n"


def test_cells_of_a_model_fill_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As few as the engine allows, and not one for each panel."""
    from latty.render.pixels import Painter

    drawn, images = list[int](), Painter.images

    def counted(self: Painter, scenes: list[Scene]) -> torch.Tensor:
        drawn.append(len(scenes))
        return images(self, scenes)

    monkeypatch.setattr(Painter, "images", counted)
    file = write(tmp_path, each("seed", "'0-4'"), each("s", "[-2, -1, 0, 1, 2]"),
                 "[scene]\nmodel = 'demo'\nseed = '{seed}'\n[[scene.edits]]\n"
                 "direction = 'demo/smile'\nstrength = '{s}'\n",
                 output("a.png", rows="seed", columns="s"))  # fmt: skip
    rendered(file)
    assert drawn == [8, 8, 8, 1]


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_killed_at_any_moment_sheets_go_on(tmp_path: Path, more: tuple[str, ...]) -> None:
    file = write(
        tmp_path, "frames = 6\n", each("span", "[1, 2, 3]"), each("seed", "'0-5'"),
        MOVES.replace("'portraits'\n", "'portraits'\nseed = '{seed}'\n"),
        output("{seed}.png", rows="span", columns=5, size=64),
        output("film{span}.gif", rows="seed", size=64),
    )  # fmt: skip
    words = ("render", str(file), *more)
    assert goes_on_after_kills(words, tmp_path, after=(1, 4, 7)) == 9


@pytest.mark.slow
def test_a_recipe_that_nobody_could_read_again_is_refused(tmp_path: Path) -> None:
    edits = EDIT.replace("{d}", "portraits/hair_length").replace("'{s}'", "0.01")
    file = write(tmp_path, each("seed", "'0-999'"), each("s", "[1, 2]"),
                 "[scene]\nmodel = 'portraits'\nseed = '{seed}'\n", edits * 12,
                 output("a.png", rows="seed", columns="s", size=8))  # fmt: skip
    ended = latty("render", file.name, home=tmp_path)
    assert ended.returncode == 65 and not [*(tmp_path / "renders").glob("*.png")]
    assert "the recipe of a.png is larger than 1 MiB" in ended.stderr


def test_a_name_that_cannot_be_drawn_is_its_number(tmp_path: Path) -> None:
    """Latty's font has no letters of most scripts; those of strokes are drawn."""
    file = write(tmp_path, SMILE, "[[panels]]\nseed = 1\n[[panels]]\nseed = 2\n",
                 output("a.png", columns=1, size=32,
                        row_names=["\u5fae\u7b11", "\u03b1"]))  # fmt: skip
    ended = latty("check", file.name, home=tmp_path)
    assert ended.returncode == 0 and "outputs.0.row_names: names have a" in ended.stderr
    (made,) = rendered(file)
    file.write_text(file.read_text().replace("\\u5fae\\u7b11", "0"))
    assert "names have" not in latty("check", file.name, home=tmp_path).stderr
    (plain,) = rendered(file, "--out-dir", "plain")
    assert np.array_equal(pixels(made), pixels(plain))
    file.write_text(file.read_text().replace("\\u03b1", "\\u03b2"))
    (other,) = rendered(file, "--out-dir", "other")
    assert not np.array_equal(pixels(plain), pixels(other))


def test_panels_of_ones_own_have_names_and_moments(tmp_path: Path) -> None:
    panels = "".join(f"[[panels]]\nseed = {n}\nat = {t}\n" for n in (1, 2) for t in (0, 0.5, 1))
    file = write(tmp_path, "frames = 5\n", SMILE, "strength = { from = -2, to = 2 }\n", panels,
                 output("a.png", columns=3, row_names=["{seed}", "two"],
                        column_names=["{strength:+}"] * 3) + BARE)  # fmt: skip
    preset, generator = presets.read(file), open_model("portraits")
    words = captions.table_captions(preset, preset.outputs[0])
    assert words == grids.TableCaptions(["1", "two"], ["-2", "0", "+2"], [""] * 6)
    wanted = [
        replace(preset.scene, seed=seed, size=32).with_number("edits.0.strength", strength)
        for seed in (1, 2)
        for strength in (-2.0, 0.0, 2.0)
    ]
    (made,) = rendered(file)
    drawn = [pictures([scene], generator)[0] for scene in wanted]
    assert all(map(alike, cut(pixels(made), 2, 3), drawn))
    file.write_text(file.read_text().replace("at = 0.5", "at = 2"))
    assert "panels.1.at: must be a time from 0 to 1" in refused(file)


def test_titles_and_a_bar_are_on_panels_that_have_names_too(tmp_path: Path) -> None:
    """As without names: each frame has the same pixels."""
    panels = "".join(f"[[panels]]\nseed = {n}\ntitle = '{n}: {{strength:+}}'\n" for n in (1, 2))
    looks: dict[str, object] = {"size": 64, "progress": True, "gap": 0, "margin": 0}
    looks |= {"background": "black", "columns": 2}
    file = write(tmp_path, "frames = 4\n", SMILE, "strength = { from = -2, to = 2 }\n", panels,
                 output("bare.webp", **looks),
                 output("named.webp", **looks, row_names=["x"], captions=False))  # fmt: skip
    bare, names = (Image.open(path) for path in rendered(file))
    for number in range(4):
        bare.seek(number)
        names.seek(number)
        assert np.array_equal(np.asarray(bare.convert("RGB")), np.asarray(names.convert("RGB")))
    strip = np.asarray(bare.convert("RGB"))[-2:]
    assert strip.mean() > 240


@pytest.mark.slow
def test_a_large_sheet_takes_little_beside_its_pixels(tmp_path: Path) -> None:
    """Cells come from the disk one by one."""
    file = write(tmp_path, each("seed", "'0-29'"), each("s", "[-2, -1, 0, 1, 2]"),
                 "[scene]\nmodel = 'portraits'\nseed = '{seed}'\n[[scene.edits]]\n"
                 "direction = 'portraits/smile'\nstrength = '{s}'\n",
                 output("a.png", rows="seed", columns="s", size=32))  # fmt: skip
    began = time.process_time()
    (made,) = rendered(file)
    assert time.process_time() - began < 20 and pixels(made).shape[0] > 30 * 32
    assert len(presets.read(file).panels) == 150


def test_the_schema_knows_keys_and_moments() -> None:
    keys = shape.schema()["properties"]["outputs"]["items"]["properties"]
    assert {"row_names", "column_names"} <= {*keys}
    assert [one["type"] for one in keys["columns"]["oneOf"]] == ["integer", "string", "array"]
    assert not Output("a.png").is_table and Output("a.png", row_names=("x",)).is_table


def test_the_studio_opens_a_sheet_as_panels_and_loses_no_key(tmp_path: Path) -> None:
    file = write(tmp_path, each("span", "[1, 3]"), "[scene]\nmodel = 'portraits'\n",
                 "[[scene.edits]]\ndirection = 'portraits/smile'\n",
                 "strength = { from = 0, to = '{span}' }\n",
                 output("a.png", rows="span", columns="strength"))  # fmt: skip
    before, opened = file.read_bytes(), documents.read(str(file))
    told = "keys of [[each]] are panels here: space shows them with their captions"
    assert told in opened.warnings
    shown = state_of(opened.preset)
    again = film_of(json.loads(json.dumps(film_table(shown.film))))
    assert again.source is not None and moments(again.source) == moments(opened.preset)
    assert again.source.outputs[0].row_names == ("span 1", "span 3")
    changed = replace(opened.preset, name="other")
    with pytest.raises(Unkept, match=r"lays keys of \[\[each\]\] out, and here they are panels"):
        documents.save(changed, file)
    assert file.read_bytes() == before
    documents.save(changed, tmp_path / "y.toml")
    assert moments(presets.read(tmp_path / "y.toml")) == moments(opened.preset)
    (made,) = rendered(tmp_path / "y.toml")
    (sheet,) = rendered(file, "--out-dir", "z")
    assert alike(pixels(made), pixels(sheet))


# --- several seeds and several edits in grids and strips ------------------------------------------

TWO = "[scene]\nmodel = 'portraits'\nseed = {seed}\n" + "".join(
    f"[[scene.edits]]\ndirection = 'portraits/{name}'\nstrength = 1\n" for name in ("smile", "yaw")
)


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ({"layout": "strip"}, ["smile, seed 3", "smile, seed 5", "yaw, seed 3", "yaw, seed 5"]),
        ({"layout": "grid", "rows": "edits"},
         ["smile, seed 3", "smile, seed 5", "yaw, seed 3", "yaw, seed 5"]),
        ({"layout": "grid", "rows": "seeds"},
         ["seed 3, smile", "seed 3, yaw", "seed 5, smile", "seed 5, yaw"]),
    ],
)  # fmt: skip
def test_every_seed_and_every_edit_is_drawn(
    tmp_path: Path, said: dict[str, object], names: list[str]
) -> None:
    """None of them silently left out."""
    file = write(tmp_path, TWO.format(seed="[3, 5]"),
                 output("a.png", columns=3, span=2, **said) + BARE)  # fmt: skip
    preset = presets.read(file)
    assert shots.row_names(preset, preset.outputs[0]) == names
    cells, generator = cut(pixels(*rendered(file)), 4, 3), open_model("portraits")
    for row, name in enumerate(names):
        which, seed = int("yaw" in name), int(re.findall(r"\d", name)[0])
        for column, strength in enumerate((-2.0, 0.0, 2.0)):
            scene = replace(preset.scene, seed=seed, size=32)
            edits = scene.edits if said["layout"] == "grid" else scene.edits[which : which + 1]
            index = which if said["layout"] == "grid" else 0
            scene = replace(scene, edits=edits).with_number(f"edits.{index}.strength", strength)
            assert alike(pictures([scene], generator)[0], cells[row * 3 + column]), (name, column)


def test_one_seed_and_one_edit_are_named_as_ever(tmp_path: Path) -> None:
    for seed, rows, wanted in (
        ("7", "edits", ["smile", "yaw"]),
        ("7", "seeds", ["seed 7, smile", "seed 7, yaw"]),
        ("{ walk = [1, 2] }", "seeds", ["smile", "yaw"]),
    ):
        text = TWO.format(seed=seed) + output("a.png", layout="grid", rows=rows)
        preset = presets.read(write(tmp_path, "frames = 3\n", text))
        assert shots.row_names(preset, preset.outputs[0]) == wanted
        one = replace(preset, scene=replace(preset.scene, edits=preset.scene.edits[:1]))
        alone = {"edits": ["smile"], "seeds": ["seed 7" if seed == "7" else ""]}[rows]
        assert shots.row_names(one, preset.outputs[0]) == alone


def test_a_grid_that_nobody_can_draw_is_a_line(tmp_path: Path) -> None:
    file = write(tmp_path, TWO.format(seed=str([*range(4000)])),
                 output("a.png", layout="strip", columns=100))  # fmt: skip
    assert "outputs.0.layout: has 800,000 pictures, more than 28,672" in refused(file)
