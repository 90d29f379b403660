"""How far work is: a bar, a line a film, JSON lines; the time left is that of all stages."""

import json
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cli_in_process import latty
from cli_process import COMMAND, environment, write_preset
from cli_process import latty as process_of

from latty.cli.out import Out
from latty.cli.progress import KINDS, WORDS, Progress, TimeLeft
from latty.errors import BadData
from latty.presets import from_dict
from latty.presets.formats import formats
from latty.render import Options, write
from latty.report import FRAMES, Expected

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"
EVENT = {"time", "event", "preset", "stage", "done", "total", "left_s"}
WORDS_EVENT = {"time", "event", "text"}
DOUBTFUL = """schema = 1
frames = 2
[scene]
model = "demo"
[[outputs]]
path = "a.gif"
crf = 3
"""


class Clock:
    """time.monotonic, moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    monkeypatch.setattr(TimeLeft, "learnt", {})
    return made


def test_a_film_is_a_line_where_nobody_watches(tmp_path: Path) -> None:
    names = [str(write_preset(tmp_path, name, frames=12)) for name in ("one", "two")]
    done = latty("render", *names, home=tmp_path)
    first, second = done.stderr.splitlines()
    assert re.fullmatch(r"latty: one: 12 frames in \d+ s", first) and "two: 12" in second
    assert done.stdout == "renders/one.gif\nrenders/two.gif\n"


PANELS = """schema = 1
frames = 4
[scene]
model = "demo"
seed = { walk = [1, 2, 1] }
[[panels]]
[[panels]]
seed = { walk = [3, 4, 3] }
[[outputs]]
path = "a.gif"
"""


@pytest.mark.parametrize("drawn_before", [False, True])
def test_the_last_line_counts_the_pictures_of_all_panels(
    drawn_before: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(PANELS)
    for _ in range(2 if drawn_before else 1):
        done = latty("render", "a.toml", "--overwrite", home=tmp_path)
    assert done.stderr.splitlines()[-1].startswith("latty: a: 8 frames in ")


def test_a_long_film_says_how_far_it_is_each_half_minute(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(Out(), "tiny", way="plain") as progress:
        for i in range(201):
            progress(i, 200, FRAMES)
            clock.now += 0.4
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition("  ")[0] for line in lines] == [
        "latty: tiny frames 75/200",
        "latty: tiny frames 150/200",
        "latty: tiny: 200 frames in 1 min 20 s",
    ]
    assert lines[0].endswith("37 %  50 s left")


def test_a_terminal_has_one_line_that_is_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(Out(), "tiny", way="bar")
    progress(0, 2, FRAMES)
    progress(2, 2, FRAMES)
    progress.close()
    text = capsys.readouterr().err
    assert "\n" not in text and text.startswith("\r\x1b[K") and text.endswith("\r\x1b[K")


def events(text: str) -> list[dict[str, object]]:
    """What was said, of which every line is JSON."""
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("more", [(), pytest.param(("--workers", "2"), marks=pytest.mark.slow)])
def test_json_lines_say_start_stages_and_ends(more: Sequence[str], tmp_path: Path) -> None:
    good = str(write_preset(tmp_path))
    done = latty("--progress", "json", "render", good, "none.toml", *more, home=tmp_path)
    told = events(done.stderr)
    assert done.returncode == 66
    assert {one["event"] for one in told} <= {*KINDS, *WORDS}
    for one in told:
        assert one.keys() >= (WORDS_EVENT if one["event"] in WORDS else EVENT)
    assert all(re.fullmatch(TIME, str(one["time"])) for one in told)
    ends = [
        (one["preset"], one["event"], one.get("code")) for one in told if one["event"] in KINDS[-2:]
    ]
    assert ("tiny", "done", None) in ends and ("none.toml", "failed", 66) in ends
    if not more:
        mine = [(one["event"], one["stage"]) for one in told if one.get("preset") == "tiny"]
        assert mine[:2] == [("start", ""), ("stage", "frames")]
        assert ("stage", "gif") in mine and mine[-1] == ("done", "gif")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("render none.toml", {"failed", "error"}),
        ("render none.toml other.toml", {"failed", "error"}),
        ("render a.toml --dry-run", {"note"}),
        ("render a.toml --dry-run -q", set()),
        ("render a.toml -o -", {"start", "stage", "done", "note"}),
        ("render none.toml --debug", {"failed", "error"}),
        ("check none.toml", {"error"}),
        ("rendr a.toml", {"error"}),
        ("render", {"error"}),
        ("render a.toml --loud", {"error"}),
        ("jobs show none", {"error"}),
        ("doctor --image none", {"error"}),
    ],
)
@pytest.mark.parametrize("asked", ["before", "after", "=", "environment", "settings"])
def test_every_line_of_words_is_json(
    words: str, said: set[str], asked: str, tmp_path: Path
) -> None:
    (tmp_path / "a.toml").write_text(DOUBTFUL)
    line, known = words.split(), {}
    if asked == "environment":
        known["LATTY_PROGRESS"] = "json"
    elif asked == "settings":
        (tmp_path / "latty.toml").write_text('progress = "json"\n')
    elif asked == "=":
        line = ["--progress=json", *line]
    else:
        flag = ["--progress", "json"]
        line = [*flag, *line] if asked == "before" else [*line, *flag]
    done = latty(*line, home=tmp_path, **known)
    told = events(done.stderr)
    assert {one["event"] for one in told} - {"progress"} == said
    assert all(one["text"] for one in told if one["event"] in WORDS)
    assert done.returncode == (0 if "error" not in said else done.returncode or 1)


WARNS = """import sys, warnings
class Finder:
    def find_spec(self, name, *rest):
        if name == "latty.render.filling":
            warnings.warn("a word of a library\\nin two lines", UserWarning)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("--quiet",), ("--workers", "2"), ("--workers=2", "-q")])
def test_what_a_library_warns_of_is_json_in_every_process(
    more: Sequence[str], tmp_path: Path
) -> None:
    names = [str(write_preset(tmp_path, name)) for name in ("one", "two")]
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(WARNS)
    done = process_of("render", *names, "--progress", "json", *more, home=tmp_path,
                      PYTHONPATH=str(tmp_path / "site"))  # fmt: skip
    assert done.returncode == 0, done.stderr
    notes = [one["text"] for one in events(done.stderr) if one["event"] == "note"]
    quiet = {"--quiet", "-q"} & {*more}
    assert ("UserWarning: a word of a library\nin two lines" in notes) == (not quiet)


def test_a_flag_is_obeyed_before_the_settings(tmp_path: Path) -> None:
    (tmp_path / "latty.toml").write_text('progress = "json"\n')
    assert latty("rendr", "--progress", "plain", home=tmp_path).stderr.startswith("latty: ")
    assert latty("rendr", home=tmp_path, LATTY_PROGRESS="plain").stderr.startswith("latty: ")


@pytest.mark.slow
def test_what_signals_say_is_json(tmp_path: Path) -> None:
    path = str(write_preset(tmp_path, frames=5000))
    words = [*COMMAND, "--progress", "json", "render", path]
    with subprocess.Popen(words, cwd=tmp_path, env=environment(tmp_path), text=True,
                          stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as run:  # fmt: skip
        assert run.stderr is not None
        lines = [next(run.stderr)]
        while json.loads(lines[-1])["event"] != "stage":
            lines.append(next(run.stderr))
        run.send_signal(signal.SIGINT)
        lines += [*run.stderr]
    told = [json.loads(line) for line in lines]
    assert run.returncode == 130
    assert "stopping after this step" in next(one["text"] for one in told if "text" in one)
    assert [one["event"] for one in told][-2:] == ["failed", "error"]


def test_json_lines_come_twice_a_second_at_most(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadData), Progress(Out(), "tiny", way="json") as progress:
        for i in range(100):
            progress(i, 100, FRAMES)
            clock.now += 0.125
        raise BadData("a fault", "mend it")
    told = events(capsys.readouterr().err)
    assert [one["event"] for one in told] == ["start", "stage", *24 * ["progress"], "failed"]
    assert told[10]["done"] == 36 and told[10]["left_s"] == 8.0
    assert (told[-1]["error"], told[-1]["code"]) == ("a fault", 65)


@pytest.mark.parametrize("flags", [("--progress", "none"), ("-q",), ("-q", "--progress", "plain")])
def test_nothing_is_said_where_nothing_is_asked_for(flags: Sequence[str], tmp_path: Path) -> None:
    done = latty("render", str(write_preset(tmp_path)), *flags, home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_words_have_their_time(tmp_path: Path) -> None:
    path = str(write_preset(tmp_path))
    done = latty("render", path, "--log-time", home=tmp_path)
    assert re.fullmatch(TIME + r" latty: tiny: 3 frames in \d+ s\n", done.stderr)
    done = latty("--log-time", "render", path, home=tmp_path)
    assert re.match(TIME + " latty: renders/tiny.gif is there already", done.stderr)


def test_settings_say_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_preset(tmp_path)
    (tmp_path / "latty.toml").write_text('progress = "json"\nlog_time = true\n')
    done = latty("render", "tiny.toml", home=tmp_path)
    assert [one["event"] for one in events(done.stderr)][-1] == "done"
    (tmp_path / "latty.toml").write_text('progress = "loud"\n')
    done = latty("render", "tiny.toml", home=tmp_path)
    assert done.returncode == 78 and "auto, bar, plain, json, none" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "--json check tiny.toml",
        "check tiny.toml --json",
        "--progress plain --json check -v tiny.toml",
        "--no-color --device cpu --json render tiny.toml --dry-run",
    ],
)
def test_options_may_stand_before_the_verb(words: str, tmp_path: Path) -> None:
    write_preset(tmp_path)
    done = latty(*words.split(), home=tmp_path)
    assert done.returncode == 0 and isinstance(json.loads(done.stdout), dict), done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("--json completion bash", "latty completion --help"),
        ("--jsno check x", "did you mean '--json'?"),
        ("--progress loud check x", "--progress: invalid choice"),
    ],
)
def test_an_option_that_a_verb_does_not_take_is_refused(
    words: str, hint: str, tmp_path: Path
) -> None:
    done = latty(*words.split(), home=tmp_path)
    assert done.returncode == 2 and hint in done.stderr and done.stderr.count("\n") == 1


def test_the_time_left_is_that_of_all_stages(clock: Clock) -> None:
    """30 frames drawn in 2 s each, two films of them written in 1 s a frame."""
    pace, left = (
        TimeLeft([Expected(FRAMES, 30, 10), Expected("gif", 30, 10), Expected("gif", 15, 20)]),
        [],
    )
    for what, total, each in ((FRAMES, 30, 2.0), ("gif", 30, 1.0), ("gif", 15, 2.0)):
        for done in range(total + 1):
            pace.enters(clock.now, done, what)
            left.append(pace.left(clock.now, done, total))
            clock.now += each if done < total else 0
    assert left[0] is None  # no network is like the last one
    assert left[15] == pytest.approx(30, abs=1)  # what a GIF takes nobody knows yet
    writing = [one for one in left[32:] if one is not None]
    assert writing[0] == pytest.approx(29 + 30)
    assert writing[-1] == pytest.approx(2) and sorted(writing, reverse=True) == writing
    again = TimeLeft([Expected(FRAMES, 30, 10), Expected("gif", 30, 10)])
    again.enters(clock.now, 0, FRAMES)
    assert again.left(clock.now, 0, 30) == pytest.approx(60 + 30)  # as in the film before


class Recorder:
    """A Report that compares what was expected with what comes."""

    def __init__(self) -> None:
        self.stages: list[Expected] = []
        self.seen: list[tuple[str, int]] = []
        self.last = ("", 0)

    def expect(self, stages: Sequence[Expected]) -> None:
        self.stages = [*stages]

    def __call__(self, done: int, total: int, what: str) -> None:
        if what != self.last[0] or done <= self.last[1]:
            self.seen.append((what, total))
        self.last = (what, done)


@pytest.mark.parametrize("suffix", sorted(formats()))
def test_every_stage_is_known_before_it_begins(suffix: str, tmp_path: Path) -> None:
    outputs = [{"path": f"a{suffix}"}, {"path": "b.png", "columns": 2}]
    scene = {"model": "demo", "seed": {"walk": [1, 2]}}
    data = {"schema": 1, "name": "a", "frames": 3, "scene": scene, "outputs": outputs}
    heard = Recorder()
    write(from_dict(data, "test"), Options(tmp_path), heard)
    drawn = [total for what, total in heard.seen if what == FRAMES]
    assert drawn == [stage.total for stage in heard.stages if stage.what == FRAMES]
    written = [total for what, total in heard.seen if what != FRAMES]
    assert written == [stage.total for stage in heard.stages if stage.what != FRAMES]
