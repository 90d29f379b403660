"""Films and presets: keyframes of states, and the files they come from and go to.

film.py, keyframes.py    between states and presets
documents.py             preset files: found, read, saved, watched
"""
