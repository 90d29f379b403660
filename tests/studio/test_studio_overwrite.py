"""What the render form says of files that are there."""

from pathlib import Path

import pytest
from cli_in_process import latty
from film_files import FILM

from latty import presets
from latty.jobs import control
from latty_tui.dialogs.render.order import Order


@pytest.mark.slow
def test_an_update_names_what_is_left_and_is_handed_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "film.toml").write_text(FILM)
    assert latty("render", "film.toml", "--out-dir", "out", home=here).returncode == 0
    handed: list[list[str]] = []
    monkeypatch.setattr(control, "submit", lambda words, *_: handed.append(words) or "x")
    preset = presets.read("film.toml")
    order = Order(preset, Path("out"), (64, 64))
    values = {"name": "film", "formats": "gif", "folder": "out", "overwrite": "update"}
    values |= {"device": "auto"}
    values |= {"fps": "10", "loop": "loop", "seconds": "4"}
    assert order.plan(values) == "out/film.gif is up to date, and is left"
    assert "about" in order.plan({**values, "overwrite": "yes"})
    for said, switch in (("update", ["--update"]), ("yes", ["--overwrite"]), ("no", [])):
        order.submit({**values, "overwrite": said})
        assert [word for word in handed[-1] if word in ("--update", "--overwrite")] == switch
