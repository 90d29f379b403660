"""The films of a ranking that are drawn: of directions that lead, from the first starts."""

from dataclasses import dataclass, replace
from pathlib import Path

from latty.directions.store import reference, set_info
from latty.models.base import Generator
from latty.presets import Preset
from latty.presets.digests import set_digest
from latty.rank import gallery
from latty.rank.films import file_of, film_of, size_of
from latty.rank.plan import RankPlan
from latty.render import Options, write
from latty.scene import Edit

FRAMES = 24  # strengths of a film, from one end of the walk to the other


@dataclass(frozen=True, slots=True)
class DrawnFilms:
    """The film of each direction of a plan from each of its starts."""

    plan: RankPlan
    generator: Generator
    options: Options

    def name(self, k: int, n: int) -> str:
        """What a film is called."""
        return file_of(k, self.plan.chosen()[k].name, self.plan.starts[n], ".gif")

    def preset(self, k: int, n: int) -> Preset:
        """What is drawn."""
        plan, info, start = self.plan, self.plan.chosen()[k], self.plan.starts[n]
        reach = plan.strengths(info)
        far = (reach[-1] - reach[0]) / (FRAMES - 1)
        strengths = [*(reach[0] + far * i for i in range(FRAMES - 1)), reach[-1]]
        edit = Edit(reference(plan.ref, info.name), 0.0, plan.layers)
        size = size_of(self.generator)
        return film_of(plan.base(start), edit, start, strengths, self.name(k, n), size)

    def make(self, k: int, n: int, path: Path) -> None:
        """One film. Raises what a render raises."""
        write(self.preset(k, n), replace(self.options, out_dir=path.parent))


def ranked_set(plan: RankPlan, generator: Generator, options: Options) -> gallery.RankedSet:
    """What is ranked where the walks are drawn."""
    films = DrawnFilms(plan, generator, replace(options, overwrite=True, foreign=True))

    def shows(k: int, n: int, path: Path) -> bool:
        return gallery.shows(path, films.preset(k, n))

    digests = set_digest(plan.ref), generator.info.digest or generator.info.name
    names = Path(plan.ref).name, Path(plan.model).name
    space = set_info(plan.ref).space
    return gallery.RankedSet(*names, space, digests, films.make, films.name, shows)
