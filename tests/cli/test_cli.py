"""The command line: what it prints where, what it writes, how fast it starts."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment, write_preset
from cli_process import latty as in_a_process
from PIL import Image
from places import BADFILES

from latty.cli.main import main
from latty.cli.out import seconds, to_json
from latty.cli.parser import CODES, EXAMPLES, VERBS, parse, parse_studio
from latty.cli.values import noise, seeds
from latty.cli.verbs.list import KINDS
from latty.errors import UsageError
from latty.text import printable

HEAVY = ("torch", "numpy", "textual", "PIL", "rich", "asyncio", "sklearn", "av")
MODULES = 320  # Python's own and ours; each costs half a millisecond of every start
OURS = 220  # modules of latty that a first picture may take
UNUSED = ("sympy", "networkx", "torch._dynamo", "scipy", "sklearn", "av", "imageio", "textual",
          "rich", "tomlkit", "onnxruntime", "h5py", "ray")  # fmt: skip
QUICK = ["--help", "--version", "render --help", *(f"list {kind}" for kind in KINDS)]
QUICK += ["inspect tiny.toml", "inspect demo", "check tiny.toml", "jobs list", "schema",
          "clean --dry-run", "pack tiny.toml -o tiny.latty", "remove nosuch"]  # fmt: skip


def imported(folder: Path, names: tuple[str, ...], *lines: list[str]) -> tuple[list[str], int]:
    """Those of some modules that a process has after some command lines, and how many in all."""
    code = (
        "import json, sys, latty_tui.__main__ as m\n"
        "for words in json.loads(sys.argv[1]):\n"
        "    try: m.main(words)\n"
        "    except SystemExit: pass\n"
        f"found = [name for name in {names} if name in sys.modules]\n"
        "print(json.dumps([found, len(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(lines)],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    found, count = json.loads(done.stderr.splitlines()[-1])
    return found, count


@pytest.mark.parametrize("words", QUICK)
def test_quick_verbs_import_nothing_heavy(words: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    heavy, count = imported(tmp_path, HEAVY, words.split())
    assert heavy == [] and count <= MODULES


def test_no_help_imports_anything_heavy(tmp_path: Path) -> None:
    heavy, _ = imported(tmp_path, HEAVY, *([verb, "--help"] for verb in VERBS.names()))
    assert heavy == []


def test_a_picture_needs_torch_and_nothing_else_that_is_large(tmp_path: Path) -> None:
    found, _ = imported(tmp_path, (*UNUSED, "torch"), ["sample", "demo", "--seeds", "0"])
    assert found == ["torch"] and (tmp_path / "renders" / "demo-samples.png").exists()


def test_a_picture_imports_little_of_ours_and_no_cycle_is_looked_for_in_torch(
    tmp_path: Path,
) -> None:
    code = (
        "import gc, sys, latty_tui.__main__ as m\n"
        "m.main(['sample', 'demo', '--seeds', '0', '-q'])\n"
        "ours = sum(name.partition('.')[0] == 'latty' for name in sys.modules)\n"
        "print(ours, gc.get_stats()[2]['collections'])"
    )
    printed = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(tmp_path), text=True
    )
    ours, looks = map(int, printed.split()[-2:])
    assert ours <= OURS and looks == 0, "each full look walks all of torch, for 50 ms or more"


def test_help_names_every_verb_and_every_code(tmp_path: Path) -> None:
    text = latty("--help", home=tmp_path).stdout
    assert all(verb in text for verb in VERBS.names()) and CODES in text
    for verb in VERBS.names():
        done = latty(verb, "--help", home=tmp_path)
        assert done.returncode == 0 and verb in done.stdout, done.stderr


def test_version_names_licence_and_torch(tmp_path: Path) -> None:
    text = latty("--version", home=tmp_path).stdout
    assert text.startswith("latty ") and "Apache-2.0" in text and "torch 2." in text


@pytest.mark.parametrize("kind", KINDS)
def test_list_speaks_json(kind: str, tmp_path: Path) -> None:
    done = latty("list", kind, "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(row["name"] and "what" in row for row in rows)
    people = latty("list", kind, home=tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in people] == [row["name"] for row in rows]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("list modles", "did you mean 'models'?"),
        ("render x.toml --foreing", "did you mean '--foreign'?"),
        ("discover sefa demo --latents x", "(see: latty discover --help)"),
        ("sample demo --out x", "did you mean '--output'?"),
        ("rendr x.toml", "did you mean 'render'?"),
        ("portrats", "did you mean 'portraits'?"),
        ("completion tcsh", "bash"),
        ("sample demo --seeds 9-1", "as in 0-15"),
        ("sample demo --truncation many", "see: latty sample --help"),
        ("render a.toml b.toml -o x.gif", "--out-dir"),
    ],
)
def test_wrong_words_get_one_line_and_a_hint(words: str, hint: str, tmp_path: Path) -> None:
    done = latty(*words.split(), home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("latty: ") and done.stderr.count("\n") == 1
    assert hint in done.stderr


def test_render_writes_what_it_prints(tmp_path: Path) -> None:
    write_preset(tmp_path)
    done = latty("render", "tiny.toml", "--set", "frames=4", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "renders/tiny.gif\n"), done.stderr
    with Image.open(tmp_path / "renders/tiny.gif") as image:
        assert (image.size, image.n_frames) == ((32, 32), 4)
    assert "Traceback" not in done.stderr and "tiny" in done.stderr


def test_render_says_nothing_when_asked_to(tmp_path: Path) -> None:
    write_preset(tmp_path)
    done = latty("render", "tiny.toml", "--quiet", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_render_reads_stdin_and_takes_a_path(tmp_path: Path) -> None:
    text = write_preset(tmp_path).read_text()
    target = tmp_path / "elsewhere" / "one.png"
    done = latty("render", "-", "-o", str(target), home=tmp_path, stdin=text)
    assert (done.returncode, done.stdout) == (0, f"{target}\n"), done.stderr
    with Image.open(target) as image:
        assert image.format == "PNG"


def test_a_picture_renders_again(tmp_path: Path) -> None:
    write_preset(tmp_path)
    first = latty("render", "tiny.toml", home=tmp_path)
    assert first.returncode == 0, first.stderr
    made = tmp_path / "renders" / "tiny.gif"
    named = made.rename(tmp_path / "other.gif")
    again = latty("render", "other.gif", "--out-dir", "again", home=tmp_path)
    assert (again.returncode, again.stdout) == (0, "again/other.gif\n"), again.stderr
    assert (tmp_path / "again/other.gif").read_bytes() == named.read_bytes()
    moved = latty("render", "other.gif", "--set", "frames=5", "--out-dir", "x", home=tmp_path)
    assert moved.returncode == 0, moved.stderr
    with Image.open(tmp_path / "x/other.gif") as image:
        assert image.n_frames == 5


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_preset(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    for flags in ([], ["--json"]):
        done = latty("render", "tiny.toml", "--dry-run", *flags, home=tmp_path)
        assert done.returncode == 0 and "tiny.gif" in done.stdout, done.stderr
    assert json.loads(done.stdout)["path"].endswith("tiny.gif")
    assert sorted(tmp_path.rglob("*")) == before


def test_json_is_all_there_is_on_stdout(tmp_path: Path) -> None:
    write_preset(tmp_path)
    words = ["render", "tiny.toml", "none.toml", "--json", "-v"]
    done = latty(*words, home=tmp_path)
    assert done.returncode == 66, done.stderr
    good, bad = (json.loads(line) for line in done.stdout.splitlines())
    assert good["path"] == "renders/tiny.gif"
    assert good["bytes"] == (tmp_path / "renders/tiny.gif").stat().st_size
    assert (bad["preset"], bad["code"]) == ("none.toml", 66)
    for words in (["inspect", "tiny.toml"], ["check", "tiny.toml"], ["inspect", good["path"]]):
        done = latty(*words, "--json", home=tmp_path)
        assert done.returncode == 0 and isinstance(json.loads(done.stdout), dict), done.stderr


def test_sample_draws_a_sheet(tmp_path: Path) -> None:
    words = "sample portraits --seeds 0-2,9 --size 32 --columns 2 --truncation 0.7 -o sheet.png"
    done = latty(*words.split(), home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "sheet.png\n"), done.stderr
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.width >= 64 and image.height >= 64
    assert latty(*words.split(), home=tmp_path).returncode == 73
    assert latty(*words.split(), "--force", home=tmp_path).returncode == 0
    seen = json.loads(latty("inspect", "sheet.png", "--json", home=tmp_path).stdout)
    assert seen["preset"]["scene"]["seed"] == [0, 1, 2, 9]


def test_files_of_others_are_named_not_read(capsys: pytest.CaptureFixture[str]) -> None:
    if not BADFILES.is_dir():
        pytest.skip("no ../shared/badfiles here")
    for path in sorted(BADFILES.iterdir()):
        for flags in ([], ["--json"]):
            code = main(["inspect", str(path), *flags])
            seen = capsys.readouterr()
            assert code in (0, 65), f"{path.name}: {seen.err}"
            assert "Traceback" not in seen.err and "\x1b" not in seen.out + seen.err


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_names_of_strangers_move_no_terminal(stream: str, tmp_path: Path) -> None:
    path = write_preset(tmp_path)
    evil = path.read_text().replace('"tiny"', '"\\u001b[2Jevil\\u202e"').replace("frames", "fr")
    path.write_text(evil)
    for words in (["check", "tiny.toml"], ["inspect", "tiny.toml"], ["render", "tiny.toml"]):
        text = getattr(latty(*words, home=tmp_path), stream)
        assert not set(text) & {"\x1b", "\u202e", "\x9b"}


def test_clean_keeps_words_and_drops_the_rest() -> None:
    assert printable("smile σ=3\x1b[31m\u202e\u200b\x07\n\u2028x") == "smile σ=3[31mx"
    assert to_json({"a": "\x7f\x9b\u202eé"}).isascii()
    assert "\x7f" not in to_json({"a": "\x7f"})


def test_seeds_and_noise_are_read() -> None:
    assert seeds("0-3,40, 7") == [0, 1, 2, 3, 40, 7]
    for text in ("", "a", "1-", "-1", "3-1", "0-99999", str(2**32), "1,,2", "²"):
        with pytest.raises(UsageError):
            seeds(text)
    assert (noise("const"), noise("none"), noise("12")) == ("const", "none", 12)
    with pytest.raises(UsageError):
        noise("loud")


def test_stdout_that_knows_ascii_only(tmp_path: Path) -> None:
    write_preset(tmp_path, name="tiny")
    text = (tmp_path / "tiny.toml").read_text().replace('name = "tiny"', 'name = "café"')
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = in_a_process("inspect", "tiny.toml", home=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "caf?" in done.stdout


def test_closed_streams_are_no_crash(tmp_path: Path) -> None:
    command = " ".join([*COMMAND, "list", "formats", "<&-", ">&-", "2>&-"])
    done = subprocess.run(["sh", "-c", command], env=environment(tmp_path), check=False)
    assert done.returncode == 74


def test_durations_are_words() -> None:
    assert [seconds(s) for s in (0.4, 59, 185, 7620)] == ["0 s", "59 s", "3 min 05 s", "2 h 07 min"]


def test_the_examples_of_the_help_are_command_lines() -> None:
    words = [line.strip().split("   ")[0].split()[1:] for line in EXAMPLES.splitlines()[1:]]
    assert len(words) > 8
    for line in words:
        if line and line[0] in VERBS:
            assert parse(line).verb == line[0]
        else:
            assert parse_studio(line).ref == (line[0] if line else None)


def test_a_film_that_gets_another_size_says_so(tmp_path: Path) -> None:
    """Halved colour needs even sides: what is written is told, by check, plan and render."""
    preset = write_preset(tmp_path, size=51, suffix="mp4")
    checked = latty("check", str(preset), "--json", home=tmp_path)
    said = "tiny.mp4: 51 x 51 px become 52 x 52: its colours are halved"
    assert json.loads(checked.stdout)["warnings"] == [said] and said in checked.stderr
    planned = latty("render", str(preset), "--dry-run", "--json", home=tmp_path)
    assert json.loads(planned.stdout)["frame"] == "52 x 52 px"
    done = latty("render", str(preset), "--json", home=tmp_path)
    assert json.loads(done.stdout)["warnings"] == [said] and said in done.stderr
    with av.open(str(tmp_path / "renders" / "tiny.mp4")) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (52, 52)
    even = write_preset(tmp_path, "even", size=52, suffix="mp4")
    assert "warnings" not in json.loads(latty("render", str(even), "--json", home=tmp_path).stdout)
    assert "become" not in latty("check", str(even), home=tmp_path).stderr
    words = ("render", str(preset), "--overwrite", "--set", 'outputs.0.chroma="444"')
    whole = latty(*words, home=tmp_path)
    assert whole.returncode == 0 and "become" not in whole.stderr
