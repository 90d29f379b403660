"""Where there is no studio: a model, a preset or a picture as one picture, in place."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from latty.cli.kinds import kind
from latty.cli.out import Out
from latty.config import Config
from latty.errors import LattyError
from latty.presets.formats import media_of
from latty_tui import terminal as latty_tui_terminal
from latty_tui.terminal.probe import probe

if TYPE_CHECKING:
    from latty import Preset

FIRST_SAMPLES = 8
WELCOME = """\
Try next:
  latty demo                     a sheet of the demo model's samples
  latty render hello --show      a preset becomes renders/hello.gif
  latty list directions          what can be steered
  latty --help                   the rest
"""


def show(ref: str | None, config: Config, out: Out) -> None:
    """What `ref` names; without one, a first picture and what to try next. Raises LattyError."""
    path = Path(ref or "").expanduser()
    if ref is None:
        _welcome(config, out)
    elif path.is_file():
        _file(path, ref, config, out)
    else:
        _named(ref, config, out)


def show_file(path: Path, config: Config, out: Out) -> None:
    """A picture or film that is a file; nothing where pictures cannot be shown."""
    terminal = probe(config.image)
    if terminal.way == "saved":
        return
    from latty_tui import play

    if path.is_dir():  # numbered frames
        path = min(path.glob("*.png"), default=path)
    if path.is_dir() or not media_of(path):
        out.say(f"{path} cannot be shown")
        return
    play.play(path, terminal)


def _file(path: Path, ref: str, config: Config, out: Out) -> None:
    found = kind(path)
    if media_of(path):
        if probe(config.image).way == "saved":
            out.result(str(path))
        show_file(path, config, out)
    elif found in ("toml", "archive"):
        _preset(ref, config, out)
    else:  # opening says what else it may be
        _model(ref, config, out)


def _named(ref: str, config: Config, out: Out) -> None:
    from latty.models.store import MODELS

    if ref in MODELS.names():
        _model(ref, config, out)
    else:
        _preset(ref, config, out)


def _draw(rgb: latty_tui_terminal.Pixels, config: Config, out: Out) -> None:
    """One picture; where none can be drawn, the path of a file that holds it."""
    terminal = probe(config.image)
    if terminal.way == "saved":
        out.result(latty_tui_terminal.render(rgb, terminal)[0])
        return
    sys.stdout.write(latty_tui_terminal.draw(rgb, terminal))
    sys.stdout.flush()


def _model(ref: str, config: Config, out: Out) -> None:
    from latty import Scene, open_model
    from latty.render import Options, pictures
    from latty.render.grids import on_board, sheet

    scenes = [Scene(ref, seed, 0.8) for seed in range(FIRST_SAMPLES)]
    precision = Options(precision=config.precision).wished(ref)
    drawn = pictures(scenes, open_model(ref, config.device, precision))
    _draw(sheet([*map(on_board, drawn)], [], FIRST_SAMPLES // 2), config, out)
    out.say(f"seeds 0-{FIRST_SAMPLES - 1}; more: latty sample {ref} --seeds 0-31")


def _preset(ref: str, config: Config, out: Out) -> None:
    from latty import read_preset

    preset = read_preset(ref)
    _draw(_middle(preset, config), config, out)
    out.say(f"{preset.name}, the middle frame; all of it: latty render {ref} --show")


def _middle(preset: "Preset", config: Config) -> latty_tui_terminal.Pixels:
    from latty.render import Options, picture
    from latty.render.grids import on_board

    options = Options(precision=config.precision)
    scene = options.settled(options.as_able(preset)[0]).at(0.5)
    return on_board(picture(scene, config.device))


def _welcome(config: Config, out: Out) -> None:
    """The first shipped face that can be drawn; a missing one is no reason to stop."""
    if probe(config.image).way != "saved":
        from latty import read_preset

        try:
            _draw(_middle(read_preset("hello"), config), config, out)
        except LattyError as error:
            out.say(str(error), loudness=1)
    out.result("latty: the studio for steering pretrained GANs from a terminal\n\n" + WELCOME)
