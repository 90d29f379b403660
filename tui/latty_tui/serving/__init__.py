"""`latty serve`: the studio in a browser, on this machine or over a forwarded port.

The studio is the very `latty` of a terminal, on a pseudo terminal (`hosted.py`); the page is
xterm.js with its image addon (`files.py`), and a websocket lies between the two (`server.py`).
Who may come in is said in `gate.py`.
"""
