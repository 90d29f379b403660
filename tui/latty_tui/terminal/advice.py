"""What the doctor tells about the terminal, and one line on how to get better pictures."""

import os
from collections.abc import Mapping

from latty_tui.terminal import PICTURES
from latty_tui.terminal.probe import Terminal

SETTING = "set -as terminal-features ',xterm*:sixel'"


def facts(found: Terminal) -> dict[str, str]:
    """In words."""
    told = {"pictures": found.way, "which is": PICTURES.constant(found.way, "ADVICE", found.way)}
    if found.way == "saved" and not found.rtt:  # nobody was asked
        return {**told, "better pictures": advice(found, os.environ)}
    told |= {
        "brand": found.brand or "-",
        "cell": f"{found.cell[0]} x {found.cell[1]} px",
        "truecolor": "yes" if found.truecolor else "no: 256 colours",
        "sixels": "yes" if found.sixel else "no",
        "whole frames": "shown at once (?2026)" if found.sync else "may flicker (no ?2026)",
        "answered after": f"{found.rtt * 1000:.0f} ms" if found.rtt else "no answer",
    }
    if found.features or found.passthrough:
        told["tmux knows"] = found.features or "nothing about the terminal around it"
        told["tmux passthrough"] = found.passthrough or "-"
        told["around tmux"] = found.around or "-"
    return {**told, "better pictures": advice(found, os.environ)}


def advice(found: Terminal, environ: Mapping[str, str]) -> str:
    """One line."""
    remote = bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))
    brand = found.brand.lower()
    if found.way == "saved":
        return "in a terminal, with TERM other than dumb, and neither CI nor NO_COLOR set"
    if found.way != "blocks":
        plain = found.way == "sixel" and remote
        return "connect with ssh -C: it halves what a picture takes" if plain else "none better"
    if found.features or found.passthrough:
        if found.passthrough == "off" and found.around.startswith(("kitty", "ghostty")):
            return "in tmux.conf: set -g allow-passthrough on"
        return f"tmux 3.4 or newer, built with sixels, and in tmux.conf: {SETTING}; or outside tmux"
    if found.tmux or environ.get("STY") or environ.get("TERM", "")[:6] == "screen":
        return "start it outside of tmux and screen"
    if found.sixel:
        return "it has sixels but tells no cell size; --image sixel tries them all the same"
    if brand.startswith("xterm("):
        return "xterm -ti vt340 draws sixels"
    if brand.startswith("xterm.js") or environ.get("TERM_PROGRAM") == "vscode":
        return "turn on terminal.integrated.enableImages in the settings of VS Code"
    return "kitty, Ghostty, WezTerm, iTerm2, foot, Konsole, Windows Terminal 1.22 draw exact pixels"
