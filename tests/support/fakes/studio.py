"""`latty` with the engine of fakes/engine.py and what a test plants: `studio.py PLANT WORDS...`

nothing     as it is
stuck       undo never returns
crash       the header cannot be drawn any more once the seed is 8
hung        a disk does not answer while it is looked what presets there are
modules     modules.txt in the state folder: what is imported at the first paint; cycles.txt: how
            often all was looked through for garbage in Textual, and whether it will be
"""

import asyncio
import gc
import sys
import time
from pathlib import Path
from typing import Any

from latty import home
from latty_tui.drawing import engine


def plant(what: str) -> None:
    """Change the studio before it starts."""
    if what == "nothing":
        return
    from latty_tui.app import Studio
    from latty_tui.films import documents
    from latty_tui.memory import Memory
    from latty_tui.panels.header import HeaderPanel

    if what == "stuck":
        Studio.action_undo = lambda self: time.sleep(600)  # type: ignore[method-assign]
    elif what == "crash":
        render = HeaderPanel.render

        def broken(self: Any) -> object:
            if self.desk.state.scene.seed == 8:
                raise KeyError("planted [red]")
            return render(self)

        HeaderPanel.render = broken  # type: ignore[method-assign, assignment]
    elif what == "hung":
        documents.offers = lambda folder: time.sleep(600) or []  # type: ignore[func-returns-value]
    elif what == "modules":
        listen, before = Memory.listen, gc.get_stats()[2]["collections"]

        def told(self: Any, tell: Any) -> None:
            """Right after the first paint."""
            home.state_dir().mkdir(parents=True, exist_ok=True)
            (home.state_dir() / "modules.txt").write_text("\n".join(sorted(sys.modules)))
            looks = gc.get_stats()[2]["collections"] - before

            def later() -> None:
                (home.state_dir() / "cycles.txt").write_text(f"{looks} {gc.isenabled()}")

            asyncio.get_running_loop().call_later(0.2, later)
            listen(self, tell)

        Memory.listen = told  # type: ignore[method-assign]


def main() -> int:
    """latty, from there."""
    command = (sys.executable, "-P", str(Path(__file__).parent / "engine.py"))
    engine.EngineClient.__init__.__defaults__ = (command, "auto")  # type: ignore[attr-defined]
    plant(sys.argv[1])
    from latty_tui.__main__ import main

    return main(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
