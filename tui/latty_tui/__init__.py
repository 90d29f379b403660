"""latty's terminal half: imports latty, never torch. What lives where:

__main__.py   the entry point: signals first, then the command line with this terminal's screen
start.py      the studio's start: the terminal is asked while Textual is imported
desk.py       what panels and dialogs may know of the app, and what panels hear from it
app.py        the studio: a key becomes a State, every panel hears of it, the engine draws it
base_app.py   its toasts, dialogs, error handling and shutdown; error_reports.py; undoing.py
state.py      State (one step of undo) and History: pure, frozen, no screen
main_screen.py, app.tcss, panel.py, panels/    what is on the screen; a panel is one entry
dialogs/      what opens above it, and what people type there
drawing/      from a State to pixels: the engine's process, encoding in threads, one writer
pictures/     one entry for each way to show a picture; terminal/ asks the terminal once
library/      models and directions to choose from      films/   keyframes and presets
jobs.py       the queue, read from the jobs' folders    widgets/ what panels share
commands.py, keymap.py    every command, from the bindings; keys of the user's own
memory/       what is kept between two runs: histories, written as they happen
themes.py, threads.py     looks; threads that look at files
show.py, still.py, play.py    what is opened; where there is no studio: a picture, a film
"""
