"""The precision of what is kept: who says it, the recipe that holds it, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from cli_in_process import latty
from PIL import Image

from latty.directions.file import read_header
from latty.jobs import run
from latty.models import open_model
from latty.models.precision import native
from latty.render import picture, provenance
from latty.scene import Scene

PRESET = """\
name = "one"
[scene]
model = "demo"
seed = 3
{precision}
[[outputs]]
path = "one.png"
"""
CHOICES = "auto, fp32, bf16, fp16"


def preset(folder: Path, precision: str = "") -> str:
    line = f'precision = "{precision}"' if precision else ""
    (folder / "one.toml").write_text(PRESET.format(precision=line))
    return "one.toml"


def rendered(folder: Path, *words: str, out: str = "out", code: int = 0, **more: str) -> bytes:
    """The one picture of a render."""
    done = latty("render", *words, "--out-dir", out, "--overwrite", home=folder, **more)
    assert done.returncode == code, done.stderr
    return (folder / out / "one.png").read_bytes()


def said(folder: Path, file: str = "out/one.png") -> str | None:
    """The precision in a recipe."""
    found: str | None = provenance.read(folder / file)["preset"]["scene"].get("precision")
    return found


def test_what_says_the_precision_of_a_file(tmp_path: Path) -> None:
    """The flag, then the preset, then the environment and the files of settings, then fp32."""
    exact = rendered(tmp_path, preset(tmp_path))
    assert said(tmp_path) is None
    near = rendered(tmp_path, "one.toml", "--precision", "bf16")
    assert said(tmp_path) == "bf16" and near != exact
    assert rendered(tmp_path, "one.toml", LATTY_PRECISION="bf16") == near
    assert rendered(tmp_path, "one.toml", "--set", "scene.precision=bf16") == near
    (tmp_path / "latty.toml").write_text('precision = "bf16"\n')
    assert rendered(tmp_path, "one.toml") == near
    assert rendered(tmp_path, preset(tmp_path, "fp32")) == exact
    assert rendered(tmp_path, "one.toml", "--precision", "bf16") == near
    assert rendered(tmp_path, preset(tmp_path, "bf16"), "--precision", "auto") == exact


def test_a_recipe_keeps_its_precision(tmp_path: Path) -> None:
    """Whatever the settings say now; one without the word means fp32, as all did before it."""
    kept = {}
    for precision in ("fp32", "bf16"):
        kept[precision] = rendered(tmp_path, preset(tmp_path, precision), out=precision)
        for setting in ("fp32", "bf16"):
            again = rendered(tmp_path, f"{precision}/one.png", out="again", LATTY_PRECISION=setting)
            assert again == kept[precision]
    assert rendered(tmp_path, "fp32/one.png", "--precision", "bf16") == kept["bf16"]
    assert rendered(tmp_path, "bf16/one.png", "--precision", "fp32") == kept["fp32"]


def test_update_compares_the_precision(tmp_path: Path) -> None:
    preset(tmp_path)

    def updated(*words: str) -> str:
        done = latty("render", "one.toml", "--update", *words, home=tmp_path)
        assert done.returncode == 0, done.stderr
        return "fresh" if "up to date" in done.stderr else "made"

    asked = [(), (), ("--precision", "fp32"), ("--precision", "bf16"), ("--precision", "bf16"), ()]
    assert [updated(*words) for words in asked] == [
        "made", "fresh", "fresh", "made", "fresh", "made"
    ]  # fmt: skip


def test_panels_side_by_side_in_two_precisions(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(
        PRESET.format(precision="")
        + '[[panels]]\nprecision = "fp32"\n[[panels]]\nprecision = "bf16"\n'
    )
    rendered(tmp_path, "one.toml")
    with Image.open(tmp_path / "out/one.png") as image:
        both = np.asarray(image.convert("RGB"))
    for precision, place in (("fp32", 0), ("bf16", 1)):
        wanted = picture(Scene("demo", 3, precision=precision), "cpu")
        where = [x for x in range(both.shape[1] - 63)
                 for y in range(both.shape[0] - 63)
                 if (both[y : y + 64, x : x + 64] == wanted).all()]  # fmt: skip
        assert len(where) == 1 and (where[0] >= both.shape[1] // 2) == bool(place)
    again = (tmp_path / "out/one.png").read_bytes()
    assert rendered(tmp_path, "out/one.png", out="again", LATTY_PRECISION="bf16") == again


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        (("sample", "demo", "--precision", "fp8"), 2, "--precision: invalid choice: 'fp8'"),
        (("sample", "demo", "--precision", "fp16", "--device", "cpu"), 69, "a CPU draws nothing"),
        (("sample", "portraits", "--precision", "bf16"), 65, "portraits draws in fp32 only"),
        (("discover", "voynov", "demo", "--precision", "bf16"), 65, "training is done in fp32"),
        (("render", "one.toml"), 65, "one.toml:5:1: scene.precision: must be one of 'auto'"),
        (("check", "plain.toml"), 65, "plain.toml:5:1: scene.precision: portraits draws in fp32"),
        (("render", "plain.toml"), 65, "plain.toml:5:1: scene.precision: portraits draws in fp32"),
    ],
)
def test_what_cannot_be_is_one_line(
    words: tuple[str, ...], code: int, line: str, tmp_path: Path
) -> None:
    preset(tmp_path, "fp8")
    text = PRESET.format(precision='precision = "bf16"').replace("demo", "portraits")
    (tmp_path / "plain.toml").write_text(text)
    done = latty(*words, home=tmp_path)
    assert done.returncode == code, done.stderr
    assert line in done.stderr and done.stderr.count("\n") == 1
    assert not done.stdout and not [*tmp_path.rglob("*.png")]


ONLY = "portraits draws in fp32 only, not in bf16 as the settings say\n"
SHEET = ("portraits", "--seeds", "0-1", "--size", "16", "-o", "a.png")
SMALL = ("--samples", "50", "--components", "2", "-o", "a.safetensors")


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (("sample", *SHEET), "a.png"),
        (("sample", *SHEET[:-1], "a", "--files", "{seed}.png"), "a/0.png"),
        (("discover", "sefa", "portraits", *SMALL), "a.safetensors"),
        (("render", "two.toml", "--out-dir", "."), "one.png"),
    ],
)
def test_settings_are_for_models_that_draw_like_that(
    words: tuple[str, ...], file: str, tmp_path: Path
) -> None:
    """Others draw as without, and one line says so."""
    text = PRESET.format(precision="size = 16").replace("demo", "portraits")
    (tmp_path / "two.toml").write_text(text)
    found = list[bytes]()
    for setting in ("auto", "bf16"):
        done = latty(*words, "--overwrite", home=tmp_path, LATTY_PRECISION=setting)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(ONLY) == (setting == "bf16"), done.stderr
        found.append((tmp_path / file).read_bytes())
    assert found[0] == found[1]


def test_settings_are_for_each_panel_by_itself(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text(
        PRESET.format(precision="size = 64") + '[[panels]]\n[[panels]]\nmodel = "portraits"\n'
    )
    rendered(tmp_path, "one.toml", LATTY_PRECISION="bf16")
    recipe = provenance.read(tmp_path / "out/one.png")["preset"]
    words = [panel["scene"].get("precision") if "scene" in panel else panel.get("precision")
             for panel in recipe["panels"]]  # fmt: skip
    assert [recipe["scene"].get("precision"), *words][-1] in (None, "fp32", "auto"), recipe
    assert "bf16" in [recipe["scene"].get("precision"), *words]


def test_a_setting_that_is_no_precision(tmp_path: Path) -> None:
    done = latty("sample", "demo", home=tmp_path, LATTY_PRECISION="half")
    assert done.returncode == 78 and f"must be one of {CHOICES}" in done.stderr


def test_every_verb_that_draws_says_it_in_what_it_writes(tmp_path: Path) -> None:
    def done(*words: str) -> None:
        ended = latty(*words, "--precision", "bf16", home=tmp_path)
        assert ended.returncode == 0, ended.stderr

    done("sample", "demo", "--seeds", "0-1", "-o", "sheet.png")
    assert said(tmp_path, "sheet.png") == "bf16"
    done("sample", "demo", "--seeds", "0-1", "--files", "{seed}.png", "-o", "pool")
    assert said(tmp_path, "pool/0.png") == "bf16"
    done(
        "discover",
        "sefa",
        "demo",
        "--components",
        "2",
        "--samples",
        "50",
        "-o",
        "found.safetensors",
    )
    assert read_header(tmp_path / "found.safetensors").precision == "bf16"
    walked = ("found.safetensors", "--seeds", "0", "--steps", "3", "--samples", "10",
              "--scorers", "brightness", "--baseline", "0")  # fmt: skip
    done("traverse", *walked, "-o", "walks")
    assert json.loads((tmp_path / "walks/traverse.json").read_text())["precision"] == "bf16"
    assert {said(tmp_path, str(one)) for one in (tmp_path / "walks").rglob("*.gif")} == {"bf16"}


def test_a_walk_up_an_attribute_in_bf16(tmp_path: Path) -> None:
    words = ("edit", "demo", "--attribute", "brightness", "--to", "p90", "--frames", "2",
             "--steps", "2", "-o", "up.gif")  # fmt: skip
    done = latty(*words, "--precision", "bf16", home=tmp_path)
    assert done.returncode in (0, 1), done.stderr  # two steps may not lead there
    assert said(tmp_path, "up.gif") == "bf16"


def test_a_set_of_fp32_says_nothing(tmp_path: Path) -> None:
    """As every set that was written before there was the word."""
    from latty.checkpoints.safetensors import read_header as container

    done = latty(
        "discover",
        "sefa",
        "demo",
        "--components",
        "2",
        "--samples",
        "50",
        "-o",
        "a.safetensors",
        home=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "precision" not in container(tmp_path / "a.safetensors").meta["set"]


def test_a_job_draws_in_the_precision_of_the_settings_of_its_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LATTY_SLOTS", "a")
    (tmp_path / "latty.toml").write_text('precision = "bf16"\n')
    done = latty("render", preset(tmp_path), "--detach", home=tmp_path, LATTY_SLOTS="a")
    assert done.returncode == 0, done.stderr
    job = done.stdout.strip()
    assert ("LATTY_PRECISION", "bf16") in run.status(job).spec.environment
    latty("jobs", "cancel", job, home=tmp_path, LATTY_SLOTS="a")


@pytest.mark.slow
def test_several_processes_draw_in_the_precision_of_the_first(tmp_path: Path) -> None:
    from cli_process import latty as process

    preset(tmp_path)
    text = (tmp_path / "one.toml").read_text()
    (tmp_path / "two.toml").write_text(text.replace("one", "two"))
    words = ("render", "one.toml", "two.toml", "--overwrite", "--out-dir")
    for out, more in (("alone", ()), ("several", ("--workers", "2"))):
        done = process(*words, out, *more, home=tmp_path, LATTY_PRECISION="bf16")
        assert done.returncode == 0, done.stderr
        assert said(tmp_path, f"{out}/two.png") == "bf16"
    for name in ("one.png", "two.png"):
        pair = [(tmp_path / out / name).read_bytes() for out in ("alone", "several")]
        assert pair[0] == pair[1]


def test_doctor_says_what_this_machine_gains(tmp_path: Path) -> None:
    done = latty("doctor", "--json", home=tmp_path)
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    found = {one["name"]: one["value"] for one in facts if one["section"] == "precision"}
    known = native(torch.device("cpu"))
    assert found["cpu"].startswith(", ".join(known))
    assert all(found[f"cpu {one}"].endswith("x fp32 in a convolution") for one in known[1:])


def test_generators_of_two_precisions_differ_in_their_pictures_alone() -> None:
    exact, near = open_model("demo", "cpu"), open_model("demo", "cpu", "bf16")
    codes = [one.mapping(one.sample([5])) for one in (exact, near)]
    assert torch.equal(*codes)
    assert not torch.equal(exact.synthesis(codes[0]), near.synthesis(codes[1]))


@pytest.mark.parametrize("method", ["voynov", "ascent"])
def test_what_trains_is_in_fp32_whatever_the_settings_say(method: str, tmp_path: Path) -> None:
    """The same set, and one line says so; where a command asks for it, it is refused (above)."""
    small = {
        "voynov": "--iterations 2 --batch 2 --reconstructor lenet --probes 2 --directions 2 "
        "--size 32",
        "ascent": "--names smile --samples 50 --steps 2 --probes 0",
    }[method].split()
    found = {}
    for setting in ("fp32", "bf16"):
        done = latty("discover", method, "demo", *small, "-o", f"{setting}.safetensors",
                     home=tmp_path, LATTY_PRECISION=setting)  # fmt: skip
        assert done.returncode == 0, done.stderr
        line = f"{method} trains in fp32, not in bf16 as the settings say\n"
        assert done.stderr.count(line) == (setting == "bf16"), done.stderr
        header = read_header(tmp_path / f"{setting}.safetensors")
        assert header.precision == "fp32"
        found[setting] = [
            vars(info) if hasattr(info, "__dict__") else info for info in header.infos
        ]
    assert found["fp32"] == found["bf16"]
