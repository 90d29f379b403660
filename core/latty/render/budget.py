"""A file of at most so many bytes: the same finished frames are encoded again until it fits.

What costs the eye least goes first: the writer's own quality, from what the output asks down to
where it begins to be seen (`coarser` of the writer); then frames are left out, at the same speed
and length; then pictures get smaller. The file is as large as fits, and says what was chosen.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from latty.errors import BadData
from latty.presets import Output
from latty.presets.formats import Frames, Pixels, format_of, writer_of
from latty.render.grids import fit
from latty.render.options import Allowed, Options
from latty.render.sizes import width_at
from latty.report import Report
from latty.tables import amounts

SLOWEST = 10  # frames per second: below it a film is a slide show
SHARES = (Fraction(2, 3), Fraction(1, 2), Fraction(1, 3))  # of the frames that are kept
SCALES = (0.84, 0.71, 0.59, 0.5, 0.42, 0.35, 0.3, 0.25, 0.21, 0.18)  # of the size
LEAST = 16  # px of the shorter side
Seal = Callable[[dict[str, Any]], str]  # what was chosen -> the recipe that says so


class Reduction(NamedTuple):
    """What is left of a film before it is encoded: a share of its frames, px of its height."""

    share: Fraction
    height: int


class Within(NamedTuple):
    """A file that fits: its recipe, what was chosen by key, and in words ("" where nothing was)."""

    comment: str
    chosen: dict[str, Any]
    said: str


@dataclass(frozen=True, slots=True)
class Reduced:
    """A film with some of its frames left out, each `height` px high; it lasts as long."""

    film: Frames
    choice: Reduction
    nearest: bool

    @property
    def height(self) -> int:
        return self.choice.height

    @property
    def width(self) -> int:
        return width_at(self.choice.height, (self.film.height, self.film.width))

    @property
    def fps(self) -> Fraction:
        return self.film.fps * len(self) / len(self.film)

    @property
    def loops(self) -> bool:
        return self.film.loops

    def __len__(self) -> int:
        return max(1, round(len(self.film) * self.choice.share))

    def __getitem__(self, index: int) -> Pixels:
        pixels = self.film[index * len(self.film) // len(self)]
        return fit(pixels, self.height, self.nearest)

    def __iter__(self) -> Iterator[Pixels]:
        return map(self.__getitem__, range(len(self)))


def encode(
    film: Frames, path: Path, output: Output, seal: Seal, options: Options, report: Report
) -> dict[str, Any]:
    """Write a film as an output says; what was chosen for its `max_bytes`. Raises BadData for a
    size that it cannot have, what the writer raises."""
    form = format_of(output.path)
    if output.max_bytes is None or form is None or "max_bytes" not in form.reads:
        writer_of(output).write(film, path, output, seal({}), report)
        return {}
    made = write_within(film, path, output, seal, report)
    if made.said:
        options.tell(Allowed("max_bytes", made.said))
    return made.chosen


def write_within(film: Frames, path: Path, output: Output, seal: Seal, report: Report) -> Within:
    """The film as the file `path` of at most `output.max_bytes`, its recipe inside. Raises BadData
    where no choice fits, what the writer raises."""
    search = _Search(film, path, output, seal, report)
    try:
        return search.run()
    finally:
        search.kept.unlink(missing_ok=True)


class Coarsens(Protocol):
    """A writer that reads `max_bytes`."""

    def coarser(self, output: Output) -> Sequence[Output]:
        """The output itself, then others whose files are smaller and smaller."""


class _Search:
    def __init__(
        self, film: Frames, path: Path, output: Output, seal: Seal, report: Report
    ) -> None:
        self.film, self.path, self.output, self.seal, self.report = film, path, output, seal, report
        self.most = amounts.exact(output.max_bytes or 0)
        self.writer = writer_of(output)
        self.kept = path.with_name(path.name + ".fits")  # the largest file that fits so far
        self.tried = 0
        self.smallest = 0  # bytes of the last try at the coarsest
        self.best: tuple[Reduction, Output, str] | None = None

    def run(self) -> Within:
        """Raises BadData where no choice fits."""
        as_asked = Reduction(Fraction(1), self.film.height)
        if self._fits(as_asked, self.output):
            return self._done()
        rungs, qualities = self._rungs(), list(cast(Coarsens, self.writer).coarser(self.output))
        if not self._fits(rungs[0], qualities[-1]):
            first = self._first(rungs[1:], lambda rung: self._fits(rung, qualities[-1]))
            if first is None:
                size = amounts.shown_bytes(self.smallest)
                what = f"{self.output.path} cannot be made of {amounts.shown_bytes(self.most)}"
                raise BadData(what, f"the smallest that it can be is {size}")
        assert self.best is not None
        rung = self.best[0]
        finer = qualities[:-1] if rung != as_asked else qualities[1:-1]
        self._first(finer, lambda quality: self._fits(rung, quality))
        return self._done()

    def _first(self, choices: Sequence[Any], fits: Callable[[Any], bool]) -> Any:
        """The first of choices that shrink from one to the next that fits, None where none does:
        fewer and fewer are left."""
        low, high, found = 0, len(choices), None
        while low < high:
            middle = (low + high) // 2
            if fits(choices[middle]):
                found, high = choices[middle], middle
            else:
                low = middle + 1
        return found

    def _rungs(self) -> list[Reduction]:
        film, form = self.film, format_of(self.output.path)
        shares = [Fraction(1)]
        if len(film) > 1 and form is not None and not form.codecs:
            shares += [share for share in SHARES if film.fps * share >= SLOWEST]
        heights = [round(film.height * scale) for scale in SCALES]
        shortest = min(1.0, film.width / film.height)
        smaller = [height for height in heights if height * shortest >= LEAST]
        rungs = [Reduction(share, film.height) for share in shares]
        return rungs + [Reduction(shares[-1], height) for height in smaller]

    def _fits(self, choice: Reduction, output: Output) -> bool:
        """Whether the file of a choice fits; the last that does is kept."""
        self.tried += 1
        chosen = self._chosen(choice, output)
        comment = self.seal(chosen)
        film = Reduced(self.film, choice, output.scale == "nearest")
        if not chosen:
            self.writer.write(self.film, self.path, output, comment, self.report)
        else:
            self.writer.write(film, self.path, output, comment, self._told)
        size = self.path.stat().st_size
        self.smallest = size
        if size > self.most:
            self.path.unlink()
            return False
        self.path.rename(self.kept)
        self.best = choice, output, comment
        return True

    def _told(self, done: int, total: int, what: str) -> None:
        self.report(done, total, f"{what}, try {self.tried}")

    def _chosen(self, choice: Reduction, output: Output) -> dict[str, Any]:
        """What differs from what was asked."""
        keys: dict[str, Any] = {
            one.name: getattr(output, one.name)
            for one in fields(output)
            if getattr(output, one.name) != getattr(self.output, one.name)
        }
        film = Reduced(self.film, choice, False)
        if len(film) != len(self.film):
            keys["fps"] = round(float(film.fps), 3)
        if film.height != self.film.height:
            keys |= {"width": film.width, "height": film.height}
        return keys

    def _done(self) -> Within:
        self.kept.rename(self.path)
        assert self.best is not None
        choice, output, comment = self.best
        chosen = self._chosen(choice, output)
        words = ", ".join(f"{key} {value}" for key, value in chosen.items())
        size = amounts.shown_bytes(self.path.stat().st_size)
        said = f"{self.output.path}: {size} with {words}" if chosen else ""
        return Within(comment, chosen, said)
