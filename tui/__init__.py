"""latty's terminal half: imports core, never torch. What lives where:

__main__.py   the entry point: signals first, then the command line with this terminal's screen
show.py       a model, a preset or a picture in the terminal
play.py       animations, in place
pictures/     one file per way to show a picture; probe.py asks the terminal once
"""
