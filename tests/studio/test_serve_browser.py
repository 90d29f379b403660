"""The studio in a real browser: what the page shows is the picture, and keys reach the studio."""

import re
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, opened
from cli_process import latty
from PIL import Image
from served import serving
from terminal_pictures import Pixels, found_at, outliers, psnr
from terminal_studio import FIRST, drawn
from terminal_tools import missing

from latty.scene import Scene

pytestmark = pytest.mark.slow
LIKE = 36.0  # dB
GROUND = (21, 23, 26)  # the page's and the studio's
NEXT = Scene(FIRST.model, FIRST.seed + 1, FIRST.truncation)
SCREEN = """typeof terminal === "undefined" ? "" : [...Array(terminal.rows).keys()]
    .map((y) => terminal.buffer.active.getLine(y).translateToString()).join("\\n")"""
PASTE = """{
    const data = new DataTransfer();
    data.setData("text/plain", "smile");
    const event = { clipboardData: data, bubbles: true, cancelable: true };
    document.querySelector("textarea").dispatchEvent(new ClipboardEvent("paste", event));
}"""


def text(page: Browser) -> str:
    """What the terminal of the page says."""
    return str(page.run(SCREEN))


def size_of(page: Browser) -> tuple[int, int] | None:
    """That of the picture in px: the widest there is that is no line of the screen's whole width,
    and as high as it is in its middle."""
    if "picture" not in text(page):
        return None
    other = (page.shot() != np.array(GROUND)).any(-1)
    runs = [run for row in other if (run := longest(row))[1] < 0.9 * other.shape[1]]
    left, width = max(runs, key=lambda run: run[1], default=(0, 0))
    _, height = longest(other[:, left + width // 2])
    return (int(width), int(height)) if min(width, height) > 100 else None


def longest(line: Pixels) -> tuple[int, int]:
    """Where the longest run of what is true begins, and how long it is."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], line.astype(np.int8), [0]))))
    return max(zip(edges[::2], edges[1::2] - edges[::2], strict=True),
               key=lambda run: run[1], default=(0, 0))  # fmt: skip


def shows(page: Browser, scene: Scene, what: str, folder: Path) -> None:
    """The picture of a scene comes, whole and in its own size."""
    screen: Pixels | None = None
    best = 0.0

    def there() -> bool:
        nonlocal screen, best
        if (size := size_of(page)) is None:
            return False
        wanted, screen = drawn(scene, *size), page.shot()
        x, y = found_at(wanted, screen)
        seen = screen[y : y + size[1], x : x + size[0]]
        best = psnr(seen, wanted)
        return best >= LIKE and outliers(seen, wanted) < 1

    try:
        page.wait(there, what, 60)
    except AssertionError:
        if screen is not None:
            Image.fromarray(screen).save(folder / "screen.png")
        raise AssertionError(f"{what}: {best:.1f} dB, see {folder}\n{text(page)}") from None


def test_the_page_is_the_studio(tmp_path: Path) -> None:
    if missing("chromium", "npm"):
        pytest.skip(f"needs {', '.join(missing('chromium', 'npm'))}")
    done = latty("serve", "--setup", home=tmp_path)
    if done.returncode:
        pytest.skip(f"npm does not answer: {done.stderr}")
    with serving(tmp_path) as served, opened(tmp_path) as page:
        page.go(served.address)
        shows(page, FIRST, "start", tmp_path)
        assert page.run("location.search") == ""

        page.press("n")
        shows(page, NEXT, "next picture", tmp_path)
        for keys, word in (
            (["ctrl+p"], "a command, direction"),
            (["?"], "search"),
            (["ctrl+o"], "letter"),
        ):
            page.press(*keys)
            page.wait(lambda word=word: word in text(page), f"{keys} to open")
            page.press("Escape")
            shows(page, NEXT, f"after {keys}", tmp_path)

        x, y, width, height = page.run("""(() => {
            const box = document.querySelector(".xterm-screen").getBoundingClientRect();
            return [box.x, box.y, box.width / terminal.cols, box.height / terminal.rows] })()""")
        row = next(i for i, line in enumerate(text(page).split("\n")) if " pitch " in line)
        page.click(x + 8 * width, y + (row + 0.5) * height)
        page.wait(lambda: "strip: pitch" in text(page), "the mouse on pitch")

        page.press("/")
        page.run(PASTE)
        page.wait(lambda: re.search(r"smile[^\n]*\n(.*\n){0,3}.*smile", text(page)), "pasted")
        page.press("Escape")

        before = size_of(page)
        page.resize(800, 560)
        page.wait(lambda: size_of(page) not in (None, before), "another size")
        shows(page, NEXT, "resized", tmp_path)

        page.page("Page.reload")
        shows(page, NEXT, "loaded again", tmp_path)
        page.run("socket.close(); 0")
        page.wait(lambda: page.run("socket.readyState === 1 && seen > 0"), "connected again")
        shows(page, NEXT, "connected again", tmp_path)

        page.press("q")
        page.wait(lambda: "has ended" in page.run("document.body.innerText"), "the end")
        page.press("Enter")
        shows(page, NEXT, "opened again", tmp_path)
