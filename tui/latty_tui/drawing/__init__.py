"""From a state to pixels on the terminal.

preview.py       which scenes are drawn, and when
engine.py        the process that draws them, asked without waiting; engine_log.py its last words
pixels.py        the widget: cells that belong to Textual, a picture painted over them
encoding.py      what the terminal is sent, made in threads
pixel_writer.py  the one place that writes it, no faster than the line takes it
projector.py     a film of the present state
"""
