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
            model, found, ranked = _kept(run, kept, scorers, interest, folder, spread, progress)
        else:
            found, ranked = _drawn(run, model, rest, scorers, interest, folder, spread, progress)
    measured = rows(found)
    _tell(run, found, measured, ranked)
    random = {one: round(luck[run.args.by], 5) for one, luck in expected(found).items()}
    run.out.result(str(folder), path=str(folder), set=run.args.set, model=model, random=random,
                   rows=[gallery.table_row(row) for row in measured])  # fmt: skip


def _kept(run: Run, kept: Path, scorers: str, interest: str, folder: Path, spread: bool,
          progress: Any) -> tuple[str, Curves, Sequence[str]]:  # fmt: skip
    """What a traversal keeps, and which attributes are ranked. Nothing is drawn."""
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
           spread: bool, progress: Any) -> tuple[Curves, Sequence[str]]:  # fmt: skip
    """What the model draws, but for scores that are kept, and which attributes are ranked."""
    from latty.rank import drawn_films

    args, config = run.args, run.config()
    rest["label"] = values.label(args.label, model, config.device)
    plan, generator = planned(args.set, model, scorers, config.device, args.baseline, **rest)
    options = Options(device=config.device, frame_cache=config.frame_bytes, recipe=config.recipe)
    ranked = drawn_films.ranked_set(plan, generator, options)
    if not work_of(plan, generator).exists():
        shape = len(plan.chosen()), len(plan.starts)
        gallery.refuse(folder, args.overwrite, ranked, shape)
    share = partial(workers.share, run, model=plan.model, generator=generator,
                    report=progress) if spread else None  # fmt: skip
    with ranking(plan, generator, progress, share) as found:
        return found, _written(run, folder, ranked, found, interest, generator, progress)


def _written(run: Run, folder: Path, ranked: gallery.RankedSet, found: Curves, interest: str,
             generator: Any, progress: Any) -> Sequence[str]:  # fmt: skip
    """The files. The attributes that are ranked."""
    args, names = run.args, found.attributes
    if interest:  # the first of all, perhaps by longer names
        names = names[: len(parse_attributes(interest, generator))]
    gallery.write_all(folder, ranked, found, rows(found), names, overwrite=args.overwrite,
                      top=args.top, key=args.by, report=progress)  # fmt: skip
    return names


def _tell(run: Run, found: Curves, measured: list[RankRow], ranked: Sequence[str]) -> None:
    """The best direction of each ranked attribute, beside the best of as many random ones."""
    key, random = run.args.by, expected(found)
    lines, table = list[str](), list[list[str]]()
    few = found.random is not None and len(found.random) < len(found.directions)
    about = "about " if few else ""  # of a normal distribution
    for attribute in ranked:
        row = best(measured, attribute, key, 1)[0]
        luck = f"{about}{random[attribute][key]:.2f}" if random else "-"
        figures = [f"{row.size(key):.2f}", luck, f"{row.figures.corr:+.2f}",
                   f"{row.amplitude:+.2f}", f"{row.figures.leakage:.2f}"]  # fmt: skip
        beside = (
            f"best of {len(found.directions)} random ones: {luck}" if random else "no random ones"
        )
        told = f"{key} {figures[0]} ({beside})"
        more = {"corr": figures[2], "amplitude": f"{figures[3]} sd", "leakage": figures[4]}
        rest = ", ".join(f"{name} {words}" for name, words in more.items() if name != key)
        lines.append(f"  {attribute}: {row.direction}, {told}, {rest}")
        table.append([attribute, *figures, row.direction])
    head = ("attribute", key, "of random", "corr", "amplitude, sd", "leakage", "best direction")
    run.out.figures(lines, table, head)
