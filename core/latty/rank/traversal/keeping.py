"""The scores of a traversal: read where they are kept, else made of its pictures and kept."""

from pathlib import Path

from latty.models.base import Generator
from latty.rank import score_store
from latty.rank.plan import Wanted
from latty.rank.traversal.header import TraversalHeader
from latty.rank.traversal.kept_model import KeptModel
from latty.render import work
from latty.report import Report


def score(
    wanted: Wanted,
    folder: Path,
    found: TraversalHeader,
    generator: Generator,
    report: Report,
) -> score_store.WalkScores | None:
    """The scores of the attributes that are wanted, of what a traversal in a folder keeps; those of
    scorers that are not there yet are kept, too. None where nothing is wanted. Raises Missing,
    BadData, OutputError."""
    scores, walks = folder / work.SCORES, folder / work.WALKS
    asked = list[score_store.JudgeKey]()

    def measure(keys: list[score_store.JudgeKey]) -> list[score_store.Scores]:
        from latty.rank.traversal import judging  # torch, of which kept scores need nothing

        asked.extend(keys)
        model = generator.opened() if isinstance(generator, KeptModel) else generator
        made = judging.tables(scores, walks, found, keys, model, report)
        return [table.numpy() for table in made]

    if not wanted:
        return None
    kept = score_store.kept(scores, wanted, generator, found.shape, measure)
    if asked:
        from latty.rank.traversal import judging

        judging.forget(scores, asked, len(found.moves))
    return kept
