"""latty in a terminal: a pseudo-terminal that answers, or does not; and where there is none."""

import os
import sys
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, latty, write_preset
from PIL import Image
from places import FAKES
from terminal_fake import PLAIN, running

pytestmark = pytest.mark.slow

ANSWER = b"\x1bP1$r48:2:1:2:3m\x1b\\\x1b[?62;c"


def in_terminal(
    words: list[str], home: Path, answer: bytes = ANSWER, studio: bool = False, **more: str
) -> tuple[int, bytes]:
    """Exit code and everything that a terminal saw which gives that answer when it is asked. The
    studio needs all three streams; without it stderr is elsewhere."""
    import pty

    child, master = pty.fork()
    if child == 0:
        os.chdir(home)
        if not studio:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.execve(sys.executable, [*COMMAND, *words], environment(home, **more))
    seen = b""
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # the child has closed the terminal
            break
        if b"\x1b[c" in data:
            os.write(master, answer)
        seen += data
        if not data:
            break
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen


def test_a_film_plays_in_a_terminal_and_leaves_it_clean(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), (40 * i, 90, 20)) for i in range(4)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:], duration=60)
    code, seen = in_terminal(["film.gif"], tmp_path)
    assert code == 0
    assert "▀".encode() in seen and seen.count(b"\x1b[?2026h") >= 2
    assert b"\x1b[?25l" in seen and seen.rstrip().endswith(b"\x1b[?25h")


def test_no_picture_where_nobody_looks(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "still.png")
    done = latty("still.png", home=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "still.png\n", "")
    code, seen = in_terminal(["still.png"], tmp_path, CI="true")
    assert code == 0 and b"\x1b" not in seen


@pytest.mark.parametrize("flag", ["NO_COLOR", "--no-color", ""])
def test_colours_can_be_refused(flag: str, tmp_path: Path) -> None:
    words = ["inspect", "nowhere.bin", *([flag] if flag.startswith("--") else [])]
    more = {flag: "1"} if flag == "NO_COLOR" else {}
    code, seen = in_terminal(words, tmp_path, studio=True, **more)
    assert code == 66 and (b"\x1b[31m" in seen) == (flag == "")


def test_a_render_shows_what_it_made(tmp_path: Path) -> None:
    write_preset(tmp_path, frames=2)
    code, seen = in_terminal(["render", "tiny.toml", "--show", "--quiet"], tmp_path)
    assert code == 0 and seen.startswith(b"renders/tiny.gif") and "▀".encode() in seen
    done = latty("render", "tiny.toml", "--show", "--quiet", "--force", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "renders/tiny.gif\n")


def test_a_model_and_a_preset_are_shown(tmp_path: Path) -> None:
    write_preset(tmp_path)
    code, seen = in_terminal(["tiny.toml", "-q"], tmp_path)
    assert code == 0 and "▀".encode() in seen and b"\x1b[?1049h" not in seen
    done = latty("tiny.toml", "-q", home=tmp_path)
    path = Path(done.stdout.strip())
    assert done.returncode == 0 and path.is_relative_to(tmp_path / "home" / "cache")
    with Image.open(path) as image:
        assert image.width > 0


@pytest.mark.parametrize("words", [[], ["tiny.toml"], ["portraits"]], ids=str)
def test_the_studio_opens(words: list[str], tmp_path: Path) -> None:
    write_preset(tmp_path)
    environ = environment(tmp_path, TERM="xterm-256color", TEXTUAL_ANIMATIONS="none")
    script = [
        sys.executable,
        str(FAKES / "studio.py"),
        "nothing",
    ]
    with running([*script, *words], environ, kind=PLAIN, folder=tmp_path) as terminal:
        terminal.wait_for("▀")
        assert f" latty  {'portraits' if words else 'demo'} " in terminal.text()
        terminal.wait_for("load tiny" if words == ["tiny.toml"] else "start")
        terminal.press("q")
        assert terminal.ended() == 0


@pytest.mark.parametrize(
    "words, code, said",
    [(["demoo"], 2, "did you mean 'demo'?"), (["gone.toml"], 66, "there is no file gone.toml")],
)
def test_what_is_not_there_opens_no_studio(
    words: list[str], code: int, said: str, tmp_path: Path
) -> None:
    found, seen = in_terminal(words, tmp_path, studio=True)
    assert found == code and said.encode() in seen and b"\x1b[?1049h" not in seen


def test_the_welcome_says_what_to_try(tmp_path: Path) -> None:
    done = latty(home=tmp_path)
    assert done.returncode == 0 and "latty render hello" in done.stdout
    assert "\x1b" not in done.stdout and done.stderr == ""


def test_a_terminal_that_answers_nothing_is_waited_for_briefly(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (200, 30, 60)).save(tmp_path / "still.png")
    code, seen = in_terminal(["still.png"], tmp_path, answer=b"")
    assert code == 0 and b"48;5;" in seen  # no answer: 256 colours


def test_pictures_can_be_chosen(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "still.png")
    for way, sign in (("kitty", b"\x1b_Ga=T"), ("sixel", b"\x1bP0;1;0q"), ("saved", b"still.png")):
        code, seen = in_terminal(["still.png"], tmp_path, LATTY_PICTURES=way)
        assert code == 0 and sign in seen


def test_tables_have_colours_and_heads_on_a_terminal_only(tmp_path: Path) -> None:
    plain = latty("list", "methods", home=tmp_path).stdout
    assert "\x1b" not in plain and "what it is" not in plain
    code, seen = in_terminal(["list", "methods"], tmp_path)
    assert code == 0 and b"what it is" in seen and b"\x1b[36m" in seen
    code, seen = in_terminal(["list", "methods"], tmp_path, NO_COLOR="1")
    assert code == 0 and seen.decode().replace("\r\n", "\n") == plain
    code, seen = in_terminal(["list", "methods", "--json"], tmp_path)
    assert code == 0 and b"\x1b" not in seen


def test_a_bar_on_a_terminal_leaves_no_trace(tmp_path: Path) -> None:
    write_preset(tmp_path)
    code, seen = in_terminal(["render", "tiny.toml"], tmp_path, studio=True)
    assert code == 0 and "━".encode() in seen and b"3/3" in seen and b"\x1b[?25l" not in seen
    assert seen.endswith(b"\r\x1b[Krenders/tiny.gif\r\n")
    words = ["render", "tiny.toml", "--force"]
    code, seen = in_terminal(words, tmp_path, studio=True, NO_COLOR="1")
    assert code == 0 and "━".encode() not in seen and b"100 %" in seen
