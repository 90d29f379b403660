"""List the classes of a model, by number and name."""

from latty.cli.parser import Parser
from latty.cli.run import Run
from latty.errors import BadData

ORDER = 105


def options(parser: Parser) -> None:
    """What it takes."""
    parser.epilog = (
        "--label and presets take a class by its number, by one of its names, by a word of them\n"
        'that no other has, or a mixture: --label "husky:0.7,lynx:0.3".\n'
        "A model of 1000 classes without names of its own has ImageNet's.\n\n"
        'stdout: a line per class. --json: {"index", "name"} per class.'
    )
    parser.add_argument("model", metavar="MODEL", help="a name (latty list models) or a path")
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help="only names with it")
    parser.add_json()


def run(run: Run) -> int:
    """One row per class. Raises BadData for a model without classes, and a word in no name."""
    from latty.models import classes, open_model

    generator = open_model(run.args.model, "cpu")
    info, word = generator.info, run.args.word.casefold()
    if not info.num_classes:
        raise BadData(f"{info.name} knows no classes", "it draws without a label")
    names = classes.names_of(generator)
    if names and not classes.own_names(generator):
        run.out.say(f"{info.name} names none of its {len(names)} classes: these are ImageNet's")
    rows = [(i, names[i] if names else "") for i in range(info.num_classes)]
    shown = [row for row in rows if word in row[1].casefold()]
    if not shown:
        classes.index_of(run.args.word, names, info.num_classes, info.name)  # says what is near
    if run.out.json:
        for index, name in shown:
            run.out.result("", index=index, name=name)
    else:
        run.out.rows([[str(index), name] for index, name in shown])
    return 0
