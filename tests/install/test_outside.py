"""A package of somebody else adds an entry of each kind, and each is used from end to end."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import outside
import pytest
from cli_process import environment
from many_runs import run_all
from outside.latty_outside import twig
from places import LIMIT
from safetensors.torch import save_file
from terminal_fake import PLAIN, running

from latty.errors import Missing

pytestmark = pytest.mark.slow
Runs = Callable[..., list[subprocess.CompletedProcess[str]]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return outside.site(tmp_path_factory.mktemp("outside"), "latty_outside", outside.good())


@pytest.fixture
def runs(site: Path, tmp_path: Path) -> Runs:
    """Command lines in a home with twig.safetensors, bush.safetensors and d.npz."""
    tensors, _ = twig.example()
    save_file(tensors, tmp_path / "twig.safetensors")
    names = {"bush.m": "twig.mapping", "bush.p": "twig.paint"}
    turned = {theirs: tensors[ours].T.contiguous() for theirs, ours in names.items()}
    save_file(turned, tmp_path / "bush.safetensors")
    np.savez(tmp_path / "d.npz", twig_directions=np.eye(5, dtype=np.float32)[:3])

    def run(*lines: str) -> list[subprocess.CompletedProcess[str]]:
        done = run_all(lines, tmp_path, PYTHONPATH=str(site))
        for one in done:
            assert one.returncode == 0, (one.args, one.stderr)
            assert "left out" not in one.stderr, one.stderr
        return done

    return run


def preset(folder: Path, name: str, model: str, edits: str = "", output: str = "p.png") -> None:
    """A preset of one seed, 16 px."""
    (folder / f"{name}.toml").write_text(
        f'schema = 1\nframes = 3\n[scene]\nmodel = "{model}"\nseed = 3\n{edits}'
        f'[[outputs]]\npath = "{output}"\nsize = 16\n'
    )


def names(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The names that `list --json` gives."""
    return [json.loads(line)["name"] for line in done.stdout.splitlines()]


def test_a_family_and_a_layout(runs: Runs, tmp_path: Path) -> None:
    preset(tmp_path, "t", "mine", output="t.png")
    preset(tmp_path, "b", "other", output="b.png")
    inspected, layout, *_, listed, _, _, again = runs(
        "inspect twig.safetensors --json",
        "inspect bush.safetensors --json",
        "import twig.safetensors --name mine",
        "import bush.safetensors --name other",
        "list models --json",
        "check t.toml b.toml",
        "render t.toml b.toml --out-dir .",
        "render t.png --out-dir again",
        "sample mine --seeds 0-3 -o s.png",
        "render s.png --out-dir again",
    )[:-2]
    assert (tmp_path / "again/s.png").read_bytes() == (tmp_path / "s.png").read_bytes()
    assert "twig" in inspected.stdout and "twig" in layout.stdout
    assert {"mine", "other"} <= {*names(listed)}
    assert again.stdout
    first = (tmp_path / "t.png").read_bytes()
    assert (tmp_path / "again/t.png").read_bytes() == first
    from PIL import Image

    pictures = [np.asarray(Image.open(tmp_path / name)) for name in ("t.png", "b.png")]
    assert np.array_equal(*pictures), "the layout holds the same network"


EDIT = '[[scene.edits]]\ndirection = "{}"\nstrength = {}\n'


def test_a_method_with_a_form_of_its_own(runs: Runs, site: Path, tmp_path: Path) -> None:
    for name, direction, strength in (
        ("a", "curves/bend1", 2),
        ("back", "curves/lean", -2),
        ("cut", "curves/bend2", 2),
    ):
        preset(tmp_path, name, "mine", EDIT.format(direction, strength), f"{name}.png")
    helped, *_ = runs(
        "discover bend --help",
        "import twig.safetensors --name mine",
        "list methods",
        "discover bend mine --bends 3 -o curves",
        "check a.toml",
        "render a.toml --out-dir .",
    )
    assert "--bends" in helped.stdout and "how many" in helped.stdout
    code = (
        "from latty.directions import manage\n"
        "path = {path!r}\nmanage.rename(path, 'bend1', 'lean'); manage.flip(path, 'lean')\n"
        "manage.delete(path, ['bend0']); manage.copied(path, 'lean')\n"
        "manage.export(path, None, {out!r})\n"
    )
    path = tmp_path / "home/data/directions/curves.safetensors"
    done = python(
        code.format(path=str(path), out=str(tmp_path / "out.safetensors")), tmp_path, site
    )
    assert done.returncode == 0, done.stderr
    listed, _, _ = runs(
        "list directions --json", "check back.toml cut.toml", "render back.toml --out-dir ."
    )
    assert {"curves/lean", "curves/bend2"} <= {*names(listed)}
    assert "curves/bend0" not in names(listed)
    from PIL import Image

    one, other = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("a", "back"))
    assert np.array_equal(one, other), "turned around and asked for the other way: the same"


def python(code: str, home: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """A program that sees the package."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(home, PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_importer_and_a_transform(runs: Runs, tmp_path: Path) -> None:
    preset(tmp_path, "d", "mine", EDIT.format("theirs/twig1", 2), "d.png")
    inspected, *_, listed = runs(
        "inspect d.npz",
        "import twig.safetensors --name mine",
        "import d.npz --name theirs",
        "check d.toml",
        "render d.toml --out-dir .",
        "discover plumerault mine --transforms dim --trajectories 2 -o darker",
        "list directions --json",
    )
    assert "direction" in inspected.stdout
    assert {"theirs/twig0", "theirs/twig2"} <= {*names(listed)}
    assert any(name.startswith("darker/") for name in names(listed))


def test_a_scorer(runs: Runs, tmp_path: Path) -> None:
    listed, *_ = runs(
        "list scorers --json",
        "import twig.safetensors --name mine",
        "discover random mine --components 2 --samples 64 -o r",
        "rank r --scorers warmth --seeds 0-3 -o ranked",
        "edit mine --seed 1 --attribute warmth --to 0.05 -o e.gif",
    )
    assert any("warmth" in name for name in names(listed))
    assert any("warmth" in path.read_text() for path in tmp_path.rglob("ranked*/*.csv"))
    assert (tmp_path / "e.gif").is_file()


def test_a_writer(runs: Runs, tmp_path: Path) -> None:
    preset(tmp_path, "w", "demo", output="w.flip")
    listed, _, _, seen, *_ = runs(
        "list formats",
        "check w.toml",
        "render w.toml --out-dir .",
        "inspect w.flip",
        "render w.flip --out-dir again",
        "sample demo --seeds 0-1 --size 16 -o s.leaf",
        "render s.leaf --out-dir again",
    )
    assert ".flip" in listed.stdout
    assert "demo" in seen.stdout
    for name in ("w.flip", "s.leaf"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_a_verb(runs: Runs) -> None:
    helped, own, done = runs("--help", "greet --help", "greet demo")
    assert "greet" in helped.stdout and "Say hello" in helped.stdout
    assert "MODEL" in own.stdout and done.stdout == "hello demo\n"


def test_a_panel_and_a_way_to_show_pictures(site: Path, tmp_path: Path) -> None:
    environ = environment(tmp_path, TERM="xterm-256color", PYTHONPATH=str(site))
    words = [sys.executable, "-m", "latty_tui", "--image", "ascii_art"]
    with running(words, environ, kind=PLAIN, folder=tmp_path, columns=160, rows=48) as terminal:
        terminal.wait_for("from outside")
        terminal.wait_for(r"[.:+*#%@=-]{12}")


def studio(which: str, site: Path, home: Path) -> dict[str, Any]:
    """What outside_studio.py says of a studio that sees the package."""
    script = Path(outside.__file__).parents[1] / "outside_studio.py"
    paths = f"{site}:{script.parent}"
    done = subprocess.run(
        [sys.executable, str(script), which],
        env=environment(home, PYTHONPATH=paths),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_lists_of_the_studio(runs: Runs, site: Path, tmp_path: Path) -> None:
    runs("import twig.safetensors --name mine", "discover bend mine --bends 3 -o curves")
    told = studio("good", site, tmp_path)
    assert re.search(r"● mine +16 px", told["first"]) and "from outside" in told["first"]
    assert {"curves/bend0", "curves/bend2"} <= {*told["directions"]}
    assert told["edits"] == ["curves/bend1"] and told["left"] == ["bend1", "bend2"]
    assert re.search("bend .*Bend: directions that curve", told["methods"])
    assert re.search("│ bends +3", told["parameters"])
    assert "[ ] flip" in told["formats"] and "[ ] leaf" in told["formats"]
    assert {"ascii_art", "blocks", "sixel"} <= {*told["ways"]}


def test_the_studio_names_bad_entries_once_and_goes_on(tmp_path: Path) -> None:
    told = studio("bad", outside.site(tmp_path, "latty_bad", outside.bad()), tmp_path)
    said = [line for line in told["said"] if "left out" in line]
    assert all("latty_bad" in line and "\n" not in line for line in said)
    assert max(Counter(said).values()) == 1, "told twice"
    for what in ("panel 'history'", "panel 'broken'", "panel 'empty'", "picture 'broken'"):
        assert [line for line in said if line.startswith(what)], said
    assert "- broken  does not fit: method 'broken' of latty_bad is left out" in told["methods"]
    assert {"blocks", "sixel"} <= {*told["ways"]} and not {"broken", "empty"} & {*told["ways"]}


def test_a_way_to_show_pictures_that_cannot_be_used(tmp_path: Path) -> None:
    site = outside.site(tmp_path, "latty_bad", outside.bad())
    variables = {"PYTHONPATH": str(site), "LATTY_IMAGE": "broken"}
    environ = environment(tmp_path, TERM="xterm-256color", **variables)
    words = [sys.executable, "-m", "latty_tui"]
    with running(words, environ, kind=PLAIN, folder=tmp_path, columns=160) as terminal:
        terminal.wait_for("picture 'broken' of latty_bad is left out")
        assert terminal.ended() == Missing.exit_code
        assert "Traceback" not in terminal.text()


def test_bad_entries_are_named_once_and_left_out(tmp_path: Path) -> None:
    site = outside.site(tmp_path, "latty_bad", outside.bad())
    lines = ["list methods", "list scorers", "list formats", "list directions", "doctor",
             "check hello", "render hello --set frames=1", "greet"]  # fmt: skip
    done = run_all(lines, tmp_path, PYTHONPATH=str(site))
    assert [one.returncode for one in done] == [0, 0, 0, 0, 0, 0, 0, 2]
    said = [line for one in done for line in one.stderr.splitlines() if "left out" in line]
    assert said and all("latty_bad" in line for line in said)
    assert max(Counter(said).values()) == 1, "told twice"
    assert not any("Traceback" in one.stderr for one in done)
    doctor = done[4].stdout + done[4].stderr
    assert re.search("method.*sefa.*latty", doctor) or any("'sefa'" in line for line in said)
