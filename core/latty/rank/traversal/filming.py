"""The film of each walk of a traversal, as a file that can be opened as its preset."""

from contextlib import suppress
from pathlib import Path

from latty.errors import Missing
from latty.folders import Folder
from latty.models.base import Generator
from latty.presets import Preset
from latty.rank.films import file_of, film_of, size_of
from latty.rank.plan import RankPlan
from latty.rank.traversal.composing import compose, sealed
from latty.rank.traversal.kept_walks import KeptWalks
from latty.render.options import Options
from latty.scene import Edit


class WalkFilms:
    """The films of the walks that are kept in a folder."""

    def __init__(self, plan: RankPlan, walks: Path, generator: Generator, options: Options):
        self.plan, self.generator, self.options = plan, generator, options
        self.walks = KeptWalks(walks, len(plan.starts), len(plan.kept))
        self.moves = plan.moves()[: len(plan.chosen())]

    def names(self, suffix: str) -> dict[str, tuple[int, int]]:
        """The name of each film, and its direction and start."""
        return {
            file_of(move, info.name, start, suffix): (move, at)
            for move, (_, info) in enumerate(self.moves)
            for at, start in enumerate(self.plan.starts)
        }

    def make(self, name: str, move: int, start: int, folder: Folder) -> None:
        """One film, whole or not there. Raises OSError, OutputError, BadData."""
        preset, draft = self.preset(name, move, start), f".{name}"
        comment = ""
        if self.options.recipe:
            with suppress(Missing):  # of a traversal whose set is gone
                comment = sealed(preset, self.generator, self.options)
        folder.remove(draft)
        original, walk = self.walks.original(start), self.walks.reel(move, start)
        compose(preset, original, walk, folder / draft, comment)
        folder.rename(draft, folder, name)

    def preset(self, name: str, move: int, start: int) -> Preset:
        """What a render of a film would draw."""
        ref, info = self.moves[move]
        begin = self.plan.starts[start]
        edit = Edit(ref, 0.0, self.plan.layers)
        strengths = self.plan.strengths(info)
        return film_of(self.plan.base(begin), edit, begin, strengths, name, size_of(self.generator))
