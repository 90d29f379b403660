"""Films, the strip and the editor in a real terminal: pixels come, go and come back."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from terminal_fake import FakeTerminal
from terminal_pictures import psnr
from terminal_studio import FIRST, comes, large, right, scene_now, studio

from latty.render import picture
from latty.scene import Edit
from latty_tui.panels.strip import GAP
from latty_tui.terminal import fitted

EDITOR = """#!{python}
import pathlib, sys
print("\\x1b[2J\\x1b[HEDITING")
sys.stdin.readline()
path = pathlib.Path(sys.argv[-1])
path.write_text(path.read_text().replace("[7, 9]", "[30, 9]"))
"""


def strip_is(terminal: FakeTerminal, rows: list[Edit]) -> None:
    """The strip shows the first face with each of these edits."""
    most = max(one.pixels.shape[0] for one in terminal.pictures)
    small = [one for one in terminal.pictures if one.pixels.shape[0] < most / 2][-1]
    seen, covered = terminal.area(small)
    assert covered == 1 and small.row > large(terminal.pictures)[-1].row
    gap = np.zeros((64, GAP, 3), np.uint8)
    parts = [gap]
    for edit in rows:
        parts += [picture(replace(FIRST, edits=(edit,) if edit.strength else ()), "cpu"), gap]
    wanted = fitted(np.hstack(parts[1:-1]), (seen.shape[1], seen.shape[0]))
    assert psnr(seen, wanted) >= 34, f"{psnr(seen, wanted):.1f} dB"
    assert psnr(seen, wanted[:, ::-1]) < 25, "it is no other order that fits as well"


@pytest.mark.slow
def test_a_film_and_an_editor_leave_the_picture_as_it_should_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text(EDITOR.format(python=sys.executable))
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))
    with studio(tmp_path, columns=140, rows=44) as terminal:
        strip_is(terminal, [Edit("demo/yaw", float(s)) for s in range(-3, 4)])
        terminal.press("K", "n")
        terminal.quiet(0.6)
        terminal.press("n")
        terminal.quiet(0.6)
        terminal.press("K")
        terminal.quiet(0.8)
        [before] = large(terminal.pictures)[-1:]
        count = len(terminal.pictures)
        terminal.press("ctrl+o")
        terminal.wait_for("press a letter")
        terminal.press("t")
        terminal.wait_for("Easing")
        terminal.press("space")
        terminal.wait(lambda: len(terminal.pictures) > count + 20, "a film")
        film = large(terminal.pictures[count:])
        assert {(one.row, one.column) for one in film} == {(before.row, before.column)}
        assert "▶" in terminal.text()
        terminal.press("escape")
        terminal.wait(lambda: "▶" not in terminal.text(), "the film to end")
        comes(terminal, scene_now(tmp_path), "after the film")

        terminal.press("e")
        terminal.wait_for("EDITING")
        assert "film" not in terminal.text()
        terminal.press("enter")
        terminal.wait(lambda: "seed 30" in terminal.text(), "what was edited")
        terminal.quiet(0.8)
        assert "EDITING" not in terminal.text()
        scene = scene_now(tmp_path)
        assert scene.seed == 30 and "◆" in terminal.text()
        right(terminal, large(terminal.pictures)[-1], scene, "after the editor", 30)
