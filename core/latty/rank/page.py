"""The page of a ranking: Markdown beside its films and plots, and HTML that holds them."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from latty.rank.baseline import SETS, BestOfRandom
from latty.rank.films import title_of
from latty.rank.plan import Start
from latty.rank.table import KEYS, RankRow
from latty.rank.walk_curves import Curves
from latty.text import clean

HEAT = "heatmap.svg"
MOST = 32_000_000  # bytes of films inside the HTML; what is beyond lies beside it
TYPES = {".gif": "image/gif", ".webp": "image/webp", ".apng": "image/apng", ".avif": "image/avif",
         ".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime",
         ".mkv": "video/x-matroska"}  # fmt: skip
HEAD = ("direction", *KEYS, "leakage", "usable")
ABOUT = (
    "corr: mean over starts of the correlation of strength and attribute. corr_l1: its share of "
    "the |corr| of all attributes. amplitude: how far it goes, in standard deviations of the "
    "attribute (WarpedGANSpace's corr). selectivity: its share of the amplitudes of all attributes "
    "(WarpedGANSpace's corr_l1). leakage: the mean |corr| of the others. In the map red raises an "
    "attribute, blue lowers it; grey is what the best of as many random ones is expected to do."
)
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:70em;padding:0 1em}"
    "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right}"
    "td:first-child,th:first-child{text-align:left}.row{display:flex;flex-wrap:wrap;gap:8px;"
    "align-items:flex-start}figure{margin:0}figcaption{color:#666;font-size:13px}"
    "img,video{max-width:100%}h3{margin-bottom:.3em}"
)


@dataclass(frozen=True, slots=True)
class RankingPage:
    """What both forms of the page show.

    leaders  of each attribute of interest the best directions
    random   what the best of as many random directions has, {} where none were walked
    films    of each leading direction the starts and names of its films
    plots    of each (direction, attribute) that leads the name of its plot
    inside   whether the directions act inside the network, where no random ones are drawn
    """

    title: str
    found: Curves
    leaders: Mapping[str, Sequence[RankRow]]
    key: str
    random: Mapping[str, Mapping[str, BestOfRandom]]
    films: Mapping[str, Sequence[tuple[Start, str]]]
    plots: Mapping[tuple[str, str], str]
    inside: bool = False

    @property
    def counts(self) -> str:
        found = self.found
        kept = [name for name in found.attributes if name not in self.leaders]
        held = f"; {', '.join(kept)} must stay" if kept else ""
        return (
            f"{len(found.directions)} directions, {len(found.attributes)} attributes{held}; "
            f"{len(found.seeds)} starts, {len(found.strengths[0])} strengths. Best by {self.key}."
        )

    def luck(self, attribute: str) -> Sequence[tuple[str, BestOfRandom]]:
        """What the best of as many random directions has of it, by each figure."""
        return [*self.random.get(attribute, {}).items()]

    def compared(self, attribute: str) -> str:
        """The best direction beside the best of as many random ones."""
        count, own = len(self.found.directions), self.leaders[attribute][0].size(self.key)
        if attribute not in self.random or self.found.random is None:
            return (
                "No random directions were walked (--baseline 0): the best of "
                f"{count} alone says nothing of how the directions were found."
            )
        where = "of the codes, not inside the network" if self.inside else "in the same layers"
        luck, walked = self.random[attribute][self.key], len(self.found.random)
        about, how = "", f"sets of {count} drawn again from the {walked} that were walked"
        if walked < SETS * count:
            how += "; so few of them make the range too narrow"
        if count > walked:
            about = "about "
            how = f"by the mean and the spread of the {walked} that were walked"
        return (
            f"Best of {count} directions: {self.key} {own:.2f}. Best of {count} random ones "
            f"{where}, at the same strengths in sigma, chosen from the same starts: {about}"
            f"{luck.expected:.2f} expected, {luck.low:.2f} to {luck.high:.2f} in 90 % of such sets "
            f"({how})."
        )


def cells(row: RankRow) -> list[str]:
    """A row of the table."""
    f = row.figures
    return [row.direction, f"{f.corr:+.2f}", f"{row.corr_l1:.2f}", f"{row.amplitude:+.2f}",
            f"{row.selectivity:.2f}", f"{f.leakage:.2f}",
            f"{f.low:+.1f} to {f.high:+.1f}"]  # fmt: skip


def plain(name: str) -> str:
    """A name, which may be anything, as text of Markdown: no markup, no cell of its own."""
    return re.sub(r"[\\`*\[\]<>|&]", r"\\\g<0>", name)


def markdown(page: RankingPage) -> Iterator[str]:
    """Its lines."""
    yield f"# {plain(page.title)}\n"
    yield f"{plain(page.counts)}\n\n{ABOUT}\n"
    yield f"![what each direction does to each attribute]({HEAT})\n"
    for attribute, rows in page.leaders.items():
        yield f"## {plain(attribute)}\n\n{page.compared(attribute)}\n"
        yield f"| {' | '.join(HEAD)} | |\n|{' --- |' * (len(HEAD) + 1)}"
        for row in rows:
            plot = page.plots[row.direction, attribute]
            shown = " | ".join(map(plain, cells(row)))
            yield f"| {shown} | ![{plain(row.direction)}]({plot}) |"
        yield ""
    yield "## Films\n"
    for direction, films in page.films.items():
        yield f"**{plain(direction)}**\n"
        yield " ".join(f"![{plain(title_of(one))}]({name})" for one, name in films) + "\n"


def html(page: RankingPage, folder: Path) -> Iterator[str]:
    """The same as one file: plots and films of a folder are inside it. Raises OSError."""
    title, places = _safe(page.title), {name: i for i, name in enumerate(page.films)}
    yield f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>'
    yield f"<style>{STYLE}</style><h1>{title}</h1>"
    yield f"<p>{_safe(page.counts, 4000)}</p><p>{escape(ABOUT)}</p>"
    yield _drawing(folder / HEAT)
    head = "".join(f"<th>{word}</th>" for word in HEAD)
    for attribute, rows in page.leaders.items():
        yield f"<h2>{_safe(attribute)}</h2><p>{escape(page.compared(attribute))}</p>"
        yield f"<table><tr>{head}</tr>"
        for row in rows:
            first, *rest = map(_safe, cells(row))
            link = f'<td><a href="#film-{places[row.direction]}">{first}</a></td>'
            yield f"<tr>{link}{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>"
        yield '</table><div class="row">'
        yield from (_drawing(folder / page.plots[row.direction, attribute]) for row in rows)
        yield "</div>"
    yield "<h2>Films</h2>"
    room = MOST
    for direction, films in page.films.items():
        yield f'<h3 id="film-{places[direction]}">{_safe(direction)}</h3><div class="row">'
        for start, name in films:
            room -= (folder / name).stat().st_size
            caption = f"<figcaption>{_safe(title_of(start))}</figcaption>"
            yield f"<figure>{_film(folder / name, room >= 0)}{caption}</figure>"
        yield "</div>"


def _safe(words: str, limit: int = 200) -> str:
    return escape(clean(words, limit))


def _drawing(file: Path) -> str:
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<img alt="" src="data:image/svg+xml;base64,{data}">'


def _film(file: Path, inside: bool) -> str:
    kind = TYPES.get(file.suffix, "")
    source = escape(file.name, quote=True)
    if inside and kind:
        source = f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
    if kind.startswith("video"):
        return f'<video src="{source}" autoplay loop muted playsinline></video>'
    return f'<img alt="" src="{source}">'
