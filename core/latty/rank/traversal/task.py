"""What is to be traversed, what it depends on, and how large it becomes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from latty.models.base import Generator
from latty.presets import Output, codecs, digests
from latty.rank.films import size_of
from latty.rank.plan import RankPlan
from latty.rank.traversal.pieces import pieces_of_plan
from latty.render.options import Options
from latty.render.output_files import check_space
from latty.text import bytes_words
from latty.version import __version__


@dataclass(frozen=True, slots=True)
class TraverseTask:
    """What `latty traverse` makes.

    plan   its `wanted` are the scorers whose scores are kept, with all their attributes
    film   the suffix of the films; "" = none
    """

    plan: RankPlan
    film: str = ".gif"

    def key(self, generator: Generator, options: Options) -> str:
        """A hash of all that the files depend on, but for the scorers."""
        plan = self.plan
        sources = {one.rpartition("#")[0] for one in plan.latents}
        said = [
            __version__,
            generator.info.digest or generator.info.name,
            generator.info.numbers(generator.device.type),
            digests.set_digest(plan.ref),
            [digests.latents_digest(one.split(":")[0]) for one in sorted(sources)],
            {**plan.said, "wanted": ()},
            len(plan.baseline()),
            [self.film, options.recipe],
        ]
        return sha256(json.dumps(said, default=str).encode()).hexdigest()


def check_room(
    task: TraverseTask,
    target: Path,
    generator: Generator,
    options: Options,
    say: Callable[[str], None],
    each: float,
) -> None:
    """Say how much disk all of it takes, where a picture takes `each` bytes. Raises OutputError
    where that is more than is free."""
    plan, info = task.plan, generator.info
    count = sum(piece.count for piece in pieces_of_plan(plan))
    films, size = 0, 0
    if task.film:
        films = len(plan.chosen()) * len(plan.starts)
        side = (size_of(generator) or info.height) ** 2 * info.width_px / info.height
        played = 2 * len(plan.kept) - 2
        size = codecs.bytes_expected(Output(f"x{task.film}"), int(2 * side * played))
    codes = 4 * info.width * len(plan.kept) * len(plan.starts) * len(plan.moves())
    total = round(count * each + films * size + codes)
    more = f", {films} films" if films else ""
    say(f"{count} pictures{more}: about {bytes_words(total)}")
    check_space(target, total, options)
