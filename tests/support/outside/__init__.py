"""latty_outside as a distribution: its files, its entry points, and a folder to import it from."""

from pathlib import Path
from zipfile import ZipFile

from wheels import make_wheel

ENTRIES = {
    "latty.models.families": {"twig": "twig"},
    "latty.models.layouts": {"bush": "bush"},
    "latty.directions.methods": {"bend": "bend"},
    "latty.directions.importers": {"twig_notes": "twig_notes"},
    "latty.directions.transforms": {"dim": "dim"},
    "latty.attributes.scorers": {"warmth": "warmth"},
    "latty.render.writers": {"flip_book": "flip_book"},
    "latty.cli.verbs": {"greet": "greet"},
    "latty_tui.pictures": {"ascii_art": "ascii_art"},
    "latty_tui.panels": {"hints": "hints"},
}
BAD = {  # of every kind: raises at import, lacks what it must have, has the name of one of ours
    "latty.models.families": "stylegan2",
    "latty.models.layouts": "nvidia",
    "latty.directions.methods": "sefa",
    "latty.directions.importers": "folder",
    "latty.directions.transforms": "scale",
    "latty.attributes.scorers": "brightness",
    "latty.render.writers": "gif",
    "latty.cli.verbs": "render",
    "latty_tui.pictures": "sixel",
    "latty_tui.panels": "history",
}


def good() -> str:
    """entry_points.txt with an entry of each kind."""
    return _text({group: dict(entries) for group, entries in ENTRIES.items()})


def bad() -> str:
    """entry_points.txt with three bad entries of each kind."""
    return _text({group: {"broken": "bad_raises", "empty": "bad_lacks", ours: "bad_lacks"}
                  for group, ours in BAD.items()})  # fmt: skip


def _text(groups: dict[str, dict[str, str]]) -> str:
    lines: list[str] = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{n} = latty_outside.{m}" for n, m in entries.items()), ""]
    return "\n".join(lines)


def site(folder: Path, name: str, entry_points: str) -> Path:
    """A folder for PYTHONPATH in which the distribution `name` lies installed."""
    package = Path(__file__).parent / "latty_outside"
    files = {f"latty_outside/{path.name}": path.read_text() for path in package.glob("*.py")}
    with ZipFile(make_wheel(folder, name, files, entry_points)) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"
