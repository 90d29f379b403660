"""One test for every exit code that `latty --help` promises; signals are in test_signals_cli."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_in_process import latty as in_process
from cli_process import COMMAND, environment, latty, write_preset

from latty.cli.parser import CODES


def said(done: "subprocess.CompletedProcess[str]", code: int) -> str:
    """What went wrong, after making sure that it was said properly."""
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("latty: ") or last.startswith("       ")
    return done.stderr


def test_every_code_of_the_table_is_tested() -> None:
    listed = {int(word) for word in CODES.split() if word.isdecimal()}
    assert listed == {0, 1, 2, 65, 66, 69, 73, 74, 75, 78, 129, 130, 143, 141}


def test_0_ok(tmp_path: Path) -> None:
    assert latty("list", "formats", home=tmp_path).returncode == 0


def test_that_of_the_worst_of_several_presets(tmp_path: Path) -> None:
    write_preset(tmp_path)
    done = latty("render", "none.toml", "tiny.toml", home=tmp_path)
    assert done.returncode == 66 and done.stdout == "renders/tiny.gif\n"
    assert "1 of 2 presets failed" in done.stderr and "none.toml" in done.stderr


def test_1_and_a_report_for_what_nobody_foresaw(tmp_path: Path) -> None:
    code = (
        "import sys, latty.presets, latty_tui.__main__ as m\n"
        "def broken(): raise RuntimeError('a fault of ours')\n"
        "latty.presets.schema = broken\n"
        "sys.exit(m.main(['schema', *sys.argv[1:]]))"
    )
    for flags in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *flags],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1 and "RuntimeError: a fault of ours" in done.stderr
        assert ("Traceback" in done.stderr) == bool(flags)
    reports = [*(tmp_path / "home" / "state" / "reports").iterdir()]
    assert len(reports) == 2 and "in broken" in reports[0].read_text()
    assert str(reports[0].parent) in done.stderr


def test_2_usage(tmp_path: Path) -> None:
    assert "did you mean 'render'?" in said(latty("rendr", "x", home=tmp_path), 2)


@pytest.mark.parametrize("place", ["./", ".", "/", "", "..", "../", "a/.."])
def test_2_an_output_that_is_a_place_alone(place: str, tmp_path: Path) -> None:
    """It is told how to render into one."""
    write_preset(tmp_path)
    done = in_process("render", "tiny.toml", "-o", place, home=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert f"the output '{place}' is a place, and has no name" in done.stderr
    assert "--out-dir" in done.stderr


@pytest.mark.parametrize("words", [
    "render tiny.toml -o ~nosuch/x.gif",
    "render tiny.toml -o ~nosuch/x/",
    "sample demo --seeds 0 -o ~nosuch/x.png",
    "sample demo --seeds 0 --files {seed}.png -o ~nosuch",
    "pack tiny.toml -o ~nosuch/x.latty",
    "export demo --as npy -o ~nosuch/x.npy",
    "discover random demo -o ~nosuch/x.safetensors",
    "rank demo --scorers smile -o ~nosuch",
    "traverse demo -o ~nosuch",
])  # fmt: skip
def test_an_output_of_a_user_that_is_none(words: str, tmp_path: Path) -> None:
    """No folder of the name ~nosuch is made."""
    write_preset(tmp_path)
    done = in_process(*words.split(), home=tmp_path)
    assert done.returncode not in (0, 1) and done.stderr.count("\n") == 1, done.stderr
    assert "there is no user of the name after ~" in done.stderr
    assert not [*tmp_path.rglob("*nosuch*")]


def test_65_bad_preset_with_its_place(tmp_path: Path) -> None:
    path = write_preset(tmp_path)
    path.write_text(path.read_text().replace("frames", "framse"))
    for verb in ("render", "check"):
        text = said(latty(verb, "tiny.toml", home=tmp_path), 65)
        assert "tiny.toml:3:1" in text and "did you mean 'frames'?" in text


def test_65_a_picture_without_a_recipe(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 4)).save(tmp_path / "plain.png")
    said(latty("render", "plain.png", home=tmp_path), 65)


@pytest.mark.parametrize("words", ["render no.toml", "inspect no.bin", "sample no.pt", "no.gif"])
def test_66_missing(words: str, tmp_path: Path) -> None:
    assert "no" in said(latty(*words.split(), home=tmp_path), 66)


def test_69_no_such_device(tmp_path: Path) -> None:
    write_preset(tmp_path)
    assert "cuda:99" in said(latty("render", "tiny.toml", "--device", "cuda:99", home=tmp_path), 69)


@pytest.mark.slow
def test_73_would_overwrite(tmp_path: Path) -> None:
    write_preset(tmp_path)
    assert latty("render", "tiny.toml", "-q", home=tmp_path).returncode == 0
    before = (tmp_path / "renders/tiny.gif").read_bytes()
    assert "--overwrite" in said(latty("render", "tiny.toml", home=tmp_path), 73)
    assert (tmp_path / "renders/tiny.gif").read_bytes() == before
    assert latty("render", "tiny.toml", "--force", home=tmp_path).returncode == 0


def test_74_output_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    words = "sample portraits --seeds 0 --size 16 -o taken/x.png"
    said(latty(*words.split(), "-q", home=tmp_path), 74)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_74_disk_full(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "list", "formats"],
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 74 and done.stderr.count("\n") == 1, done.stderr


def test_75_somebody_else_writes_it(tmp_path: Path) -> None:
    write_preset(tmp_path, "slow", frames=4000, size=256)
    first = subprocess.Popen(
        [*COMMAND, "render", "slow.toml", "--progress", "json"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert first.stderr is not None and '"start"' in first.stderr.readline()
        assert '"frames"' in first.stderr.readline()
        said(latty("render", "slow.toml", home=tmp_path), 75)
        assert first.poll() is None
    finally:
        first.kill()
        first.communicate()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("devise = 'cpu'", "did you mean 'device'?"),
        ("batch = 0", "batch: must be at least 1, not 0"),
        ("batch = ", "latty.toml"),
        ("pictures = 'ascii'", "sixel"),
    ],
)
def test_78_settings_in_a_file(text: str, hint: str, tmp_path: Path) -> None:
    (tmp_path / "latty.toml").write_text(text)
    write_preset(tmp_path)
    assert hint in said(latty("render", "tiny.toml", home=tmp_path), 78)


def test_78_settings_in_the_environment(tmp_path: Path) -> None:
    write_preset(tmp_path)
    done = latty("render", "tiny.toml", home=tmp_path, LATTY_BATHC="3")
    assert "did you mean 'LATTY_BATCH'?" in said(done, 78)


@pytest.mark.parametrize("words", ["list formats", "inspect tiny.toml --json", "render tiny.toml"])
def test_141_nobody_reads(words: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, *words.split()],
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert done.returncode == 141
    # Progress may have been said; nothing about the pipe.
    assert all(" frames in " in line for line in done.stderr.splitlines()), done.stderr


def test_141_nobody_reads_the_words(tmp_path: Path) -> None:
    write_preset(tmp_path, frames=50)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*COMMAND, "render", "tiny.toml"],
        cwd=tmp_path,
        env=environment(tmp_path),
        stderr=write,
        check=False,
    )
    os.close(write)
    assert done.returncode == 141
