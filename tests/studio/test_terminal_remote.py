"""The studio inside tmux, behind ssh, and killed while a job of its own goes on."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from cli_process import COMMAND, environment, write_preset
from PIL import Image
from terminal_fake import KITTY, PLAIN, SIXEL, Kind, running
from terminal_pictures import psnr
from terminal_remote import remote, sshd, tmux
from terminal_studio import FIRST, blocks_are, drawn, large, right, scene_now, settled, studio
from terminal_tools import needs

from latty.jobs import run
from latty.scene import Scene

pytestmark = pytest.mark.slow
TRUE = "set -as terminal-features ',*:RGB'"


@pytest.mark.parametrize(("settings", "like"), [([TRUE], 27.0), ([], 20.0)], ids=["RGB", "256"])
def test_in_tmux_half_blocks_are_shown(settings: list[str], like: float, tmp_path: Path) -> None:
    """Debian's tmux draws no sixels, whatever the terminal around it can do."""
    needs("tmux")
    environ = environment(tmp_path, TERM="xterm-256color", LC_ALL="C.UTF-8")
    with (
        tmux(tmp_path, "set -g escape-time 0", *settings) as window,
        running([*window, *COMMAND], environ, kind=SIXEL, folder=tmp_path) as terminal,
    ):
        terminal.wait_for("▀")
        terminal.quiet(0.8)
        assert not terminal.pictures and "i=31" not in terminal.text()
        blocks_are(terminal, tmp_path, like)
        terminal.press("n")
        terminal.quiet(0.8)
        assert scene_now(tmp_path).seed == FIRST.seed + 1
        blocks_are(terminal, tmp_path, like)


def test_tmux_lets_the_pictures_of_a_kitty_through(tmp_path: Path) -> None:
    """Its cells say where they are: they are wiped and come back like text."""
    needs("tmux")
    environ = environment(tmp_path, TERM="xterm-256color", LC_ALL="C.UTF-8")
    kitty = replace(KITTY, name="kitty(0.35.2)")

    def shows(scene: Scene) -> bool:
        shown = terminal.display.placeholders()
        if not shown:
            return False
        whole = max((one for *_, one in shown.values()), key=lambda one: one.size)
        return psnr(whole, drawn(scene, whole.shape[1], whole.shape[0])) >= 35

    with (
        tmux(tmp_path, "set -g escape-time 0", TRUE, "set -g allow-passthrough on") as window,
        running([*window, *COMMAND], environ, kind=kitty, folder=tmp_path) as terminal,
    ):
        terminal.wait(lambda: shows(FIRST), "the first picture")
        terminal.press("n")
        following = Scene(FIRST.model, FIRST.seed + 1, FIRST.truncation)
        terminal.wait(lambda: shows(following), "the next one")
        terminal.press("?")
        terminal.wait(lambda: not shows(following), "help over it")
        terminal.press("escape")
        terminal.wait(lambda: shows(following), "the picture again")


@pytest.mark.parametrize("kind", [SIXEL, PLAIN], ids=lambda kind: kind.pictures)
def test_ssh_needs_no_help_to_show_true_colours(kind: Kind, tmp_path: Path) -> None:
    """COLORTERM is not handed on: the terminal itself is asked."""
    needs("sshd", "ssh", "ssh-keygen")
    environ = environment(tmp_path, TERM="xterm-256color", COLORTERM="truecolor")
    there = {"LATTY_HOME": environ["LATTY_HOME"], "OMP_NUM_THREADS": "1"}
    with (
        sshd(tmp_path) as login,
        running(
            [*login, remote(COMMAND, there, tmp_path)],
            environ,
            kind=kind,
            rtt=0.1,
            cell=(8, 17),
            folder=tmp_path,
        ) as terminal,
    ):
        settled(terminal)
        if kind is SIXEL:
            right(terminal, large(terminal.pictures)[-1], FIRST, "over ssh")
        else:
            blocks_are(terminal, tmp_path, 27.0)  # in 256 colours it stays below
        terminal.press("q")
        assert terminal.ended() == 0


def test_a_job_goes_on_without_the_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed, not left: the job is finished all the same, and is there when the studio is back."""
    monkeypatch.setenv("LATTY_HOME", str(tmp_path / "home"))
    preset = write_preset(tmp_path, frames=300, size=64)
    with studio(tmp_path, str(preset)) as terminal:
        terminal.press("r")
        terminal.wait_for("⏎ start")
        terminal.press("enter")
        terminal.wait(lambda: list(run.listed()), "a job")
        [status] = run.listed()
        terminal.wait_for("(queued|starting|running|%).*render tiny")
        terminal.kill()
        assert terminal.ended() == -signal.SIGKILL
        assert not run.status(status.id).over, "the job was too short to tell"
    with studio(tmp_path) as terminal:
        terminal.wait_for("render tiny")
        terminal.wait(lambda: run.status(status.id).over, "the job's end")
        assert run.status(status.id).state == "done"
        terminal.wait_for(r"done +render tiny")
        [made] = tmp_path.rglob("tiny.gif")
        with Image.open(made) as film:
            assert getattr(film, "n_frames", 1) == 300
