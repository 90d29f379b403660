"""`latty rank` at work: curves, figures, the page."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from latty.attributes import parse_attributes
from latty.cli import signals, values, workers
from latty.cli.run import Run
from latty.rank import Curves, RankRow, best, expected, gallery, planned, ranking, rows, work_of
from latty.render import Options

GO_ON = "the same command goes on from there"


def rank(
    run: Run,
    kept: Path | None,
    model: str,
    rest: dict[str, Any],
    scorers: str,
    interest: str,
    folder: Path,
    spread: bool,
) -> None:
    """Measure, write, tell. Raises Missing, BadData, WouldOverwrite, and what a render raises."""
    gallery.refuse(folder, run.args.overwrite)
    with signals.cooperative(), run.progress("rank", GO_ON) as progress:
        if kept is not None:
            model, found, measured = _kept(run, kept, scorers, interest, folder, spread, progress)
        else:
            found, measured = _drawn(run, model, rest, scorers, interest, folder, spread, progress)
    _tell(run, found, measured)
    random = {one: figures[run.args.by] for one, figures in expected(found).items()}
    run.out.result(str(folder), path=str(folder), set=run.args.set, model=model, random=random,
                   rows=[gallery.table_row(row) for row in measured])  # fmt: skip


def _kept(run: Run, kept: Path, scorers: str, interest: str, folder: Path, spread: bool,
          progress: Any) -> tuple[str, Curves, list[RankRow]]:  # fmt: skip
    """What a traversal keeps. Nothing is drawn."""
    from latty.rank.traversal import header, kept_films
    from latty.rank.traversal import ranking as kept_ranking

    args, said = run.args, header.read_header(kept)
    if spread:
        run.out.say("nothing is drawn: --workers does nothing for it")
    generator = kept_ranking.model_of(said, run.config().device, args.model)
    found = kept_ranking.kept_curves(kept, said, scorers, generator, progress)
    ranked = kept_films.ranked_set(kept, said)
    return said.model, found, _written(run, folder, ranked, found, interest, generator, progress)


def _drawn(run: Run, model: str, rest: dict[str, Any], scorers: str, interest: str, folder: Path,
           spread: bool, progress: Any) -> tuple[Curves, list[RankRow]]:  # fmt: skip
    """What the model draws, but for scores that are kept."""
    from latty.rank import drawn_films

    args, config = run.args, run.config()
    rest["label"] = values.label(args.label, model, config.device)
    plan, generator = planned(args.set, model, scorers, config.device, args.baseline, **rest)
    options = Options(device=config.device, frame_cache=config.frame_bytes, recipe=config.recipe)
    ranked = drawn_films.ranked_set(plan, generator, options)
    if not work_of(plan, generator).exists():
        shape = len(plan.chosen()), len(plan.starts)
        gallery.refuse(folder, args.overwrite, ranked, shape)
    share = partial(_share, run, plan.model, generator, progress) if spread else None
    with ranking(plan, generator, progress, share) as found:
        return found, _written(run, folder, ranked, found, interest, generator, progress)


def _share(run: Run, model: str, generator: Any, report: Any, pieces: Sequence[Any]) -> None:
    """Every direction measured by one of several processes."""
    workers.share(run, pieces, model, generator, report)


def _written(run: Run, folder: Path, ranked: gallery.RankedSet, found: Curves, interest: str,
             generator: Any, progress: Any) -> list[RankRow]:  # fmt: skip
    args, measured, names = run.args, rows(found), found.attributes
    if interest:  # the first of all, perhaps by longer names
        names = names[: len(parse_attributes(interest, generator))]
    gallery.write_all(folder, ranked, found, measured, names, overwrite=args.overwrite,
                      top=args.top, key=args.by, report=progress)  # fmt: skip
    return measured


def _tell(run: Run, found: Curves, measured: list[RankRow]) -> None:
    """The best direction of each attribute, beside the best of as many random ones."""
    key, random = run.args.by, expected(found)
    lines, table = list[str](), list[list[str]]()
    few = found.random is not None and len(found.random) < len(found.directions)
    about = "about " if few else ""  # of a normal distribution
    for attribute in found.attributes:
        row = best(measured, attribute, key, 1)[0]
        luck = f"{about}{random[attribute][key]:.2f}" if random else "-"
        figures = [f"{row.size(key):.2f}", luck, f"{row.figures.corr:+.2f}",
                   f"{row.amplitude:+.2f}", f"{row.figures.leakage:.2f}"]  # fmt: skip
        told = f"{key} {figures[0]} (best of {len(found.directions)} random ones: {luck})"
        more = {"corr": figures[2], "amplitude": f"{figures[3]} sd", "leakage": figures[4]}
        rest = ", ".join(f"{name} {words}" for name, words in more.items() if name != key)
        lines.append(f"  {attribute}: {row.direction}, {told}, {rest}")
        table.append([attribute, *figures, row.direction])
    head = ("attribute", key, "of random", "corr", "amplitude, sd", "leakage", "best direction")
    run.out.figures(lines, table, head)
