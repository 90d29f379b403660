"""latty's terminal half: imports core, never torch. What lives where:

__main__.py   the entry point: signals first, then the command line with this terminal's screen
start.py      the studio's start: the terminal is asked while Textual is imported
app.py        the studio: a key becomes a State, every panel hears of it, the engine draws it
state.py      State (one step of undo) and History: pure, frozen, no screen
main_screen.py, app.tcss, panel.py, panels/    what is on the screen; a panel is one file
dialogs/      what opens above it
drawing/      from a State to pixels: the engine's process, encoding in threads, one painter
pictures/     one file per way to show a picture; probe.py asks the terminal once
shelf/        models and directions to choose from      films/   keyframes and presets
jobs.py       the queue, read from the jobs' folders    widgets/ what panels share
commands.py, keymap.py    every command, from the bindings; keys of the user's own
memory.py, themes.py, messages.py, opening.py, manners.py, mishaps.py, late.py
show.py, play.py          where there is no studio: a picture or film, in place
"""
