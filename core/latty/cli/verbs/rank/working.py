"""`latty rank` at work: curves, figures, the page."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from latty.attributes import parse_attributes
from latty.cli import signals, values, workers
from latty.cli.run import Run
from latty.rank import Measured, best, gallery
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
    _tell(run, found, ranked)
    luck = {one: by[run.args.by] for one, by in found.random.items()}
    random = {one: round(lucky.expected, 5) for one, lucky in luck.items()}
    within = {one: [round(lucky.low, 5), round(lucky.high, 5)] for one, lucky in luck.items()}
    run.out.result(str(folder), path=str(folder), set=run.args.set, model=model, random=random,
                   random_range=within, rows=[*map(gallery.table_row, found.rows)])  # fmt: skip


def _kept(run: Run, kept: Path, scorers: str, interest: str, folder: Path, spread: bool,
          progress: Any) -> tuple[str, Measured, Sequence[str]]:  # fmt: skip
    """What a traversal keeps, and which attributes are ranked. Nothing is drawn."""
    from latty.rank.traversal import header, kept_films
    from latty.rank.traversal import ranking as kept_ranking

    args, said = run.args, header.read_header(kept)
    if spread:
        run.out.say("nothing is drawn: --workers does nothing for it")
    if args.model is not None and not said.factors:
        run.out.say(f"{said.model} knows no factors of its codes: --model does nothing for it")
    generator = kept_ranking.model_of(said, run.config().device, args.model)
    curves = kept_ranking.kept_curves(kept, said, scorers, generator, progress)
    found = Measured.of(curves)
    ranked = kept_films.ranked_set(kept, said)
    return said.model, found, _written(run, folder, ranked, found, interest, generator, progress)


def _drawn(run: Run, model: str, rest: dict[str, Any], scorers: str, interest: str, folder: Path,
           spread: bool, progress: Any) -> tuple[Measured, Sequence[str]]:  # fmt: skip
    """What the model draws, but for scores that are kept, and which attributes are ranked."""
    from latty.rank import drawn_films, kept_of, planned, ranking, work_of  # with torch

    args, config = run.args, run.config()
    rest["label"] = values.label(args.label, model, config.device, run.precision(model))
    rest["precision"] = run.precision(model)
    plan, generator = planned(args.set, model, scorers, config.device, args.baseline,
                              pictures=False, report=progress, **rest)  # fmt: skip
    options = Options(device=config.device, frame_cache=config.frame_bytes, recipe=config.recipe)
    ranked = drawn_films.ranked_set(plan, generator, options)
    if not (work_of(plan, generator).exists() or any(kept_of(plan, generator).glob("*"))):
        shape = len(plan.chosen()), len(plan.starts)
        gallery.refuse(folder, args.overwrite, ranked, shape)
    share = partial(workers.share, run, model=plan.model, generator=generator,
                    report=progress) if spread else None  # fmt: skip
    with ranking(plan, generator, progress, share) as curves:
        found = Measured.of(curves)
        return found, _written(run, folder, ranked, found, interest, generator, progress)


def _written(run: Run, folder: Path, ranked: gallery.RankedSet, found: Measured, interest: str,
             generator: Any, progress: Any) -> Sequence[str]:  # fmt: skip
    """The files. The attributes that are ranked."""
    args, names = run.args, found.curves.attributes
    if interest:  # the first of all, perhaps by longer names
        names = names[: len(parse_attributes(interest, generator))]
    gallery.write_all(folder, ranked, found, names, overwrite=args.overwrite,
                      top=args.top, key=args.by, report=progress)  # fmt: skip
    return names


def _tell(run: Run, found: Measured, ranked: Sequence[str]) -> None:
    """The best direction of each ranked attribute, beside the best of as many random ones."""
    key, random, curves = run.args.by, found.random, found.curves
    lines, table = list[str](), list[list[str]]()
    few = curves.random is not None and len(curves.random) < len(curves.directions)
    about = "about " if few else ""  # of a normal distribution
    for attribute in ranked:
        row, luck = best(found.rows, attribute, key, 1)[0], "-"
        if random:
            one = random[attribute][key]
            luck = f"{about}{one.expected:.2f}, {one.low:.2f} to {one.high:.2f}"
        figures = [f"{row.size(key):.2f}", luck, f"{row.figures.corr:+.2f}",
                   f"{row.amplitude:+.2f}", f"{row.figures.leakage:.2f}"]  # fmt: skip
        count = len(curves.directions)
        beside = f"best of {count} random ones: {luck}" if random else "no random ones"
        told = f"{key} {figures[0]} ({beside})"
        more = {"corr": figures[2], "amplitude": f"{figures[3]} sd", "leakage": figures[4]}
        rest = ", ".join(f"{name} {words}" for name, words in more.items() if name != key)
        lines.append(f"  {attribute}: {row.direction}, {told}, {rest}")
        table.append([attribute, *figures, row.direction])
    head = ("attribute", key, "of random", "corr", "amplitude, sd", "leakage", "best direction")
    run.out.figures(lines, table, head)
