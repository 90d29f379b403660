"""Open the studio in a browser, here or over a forwarded port."""

from latty.cli.parser import Parser
from latty.cli.run import Run, Serving
from latty.errors import Missing, UsageError

ORDER = 145
KEEP = 10.0  # minutes


def options(parser: Parser) -> None:
    """What is opened, and where the page is."""
    parser.epilog = (
        "The address holds a token that is good for one browser, once; each time one is used, the\n"
        "next is printed. Jobs go on whatever is closed. The page is docs/serve.md.\n\n"
        'stdout: the address. --json: {"address", "port", "forward"}; "forward" is the ssh line.'
    )
    add = parser.add_argument
    add("ref", nargs="?", metavar="MODEL | PRESET | PICTURE", help="what is opened first")
    add("--setup", action="store_true", help="bring xterm.js, which the page needs, with npm; once")
    add("--port", type=int, metavar="N", help="0: any that is free (default: 8282, or near it)")
    add("--host", default="127.0.0.1", metavar="ADDRESS",
        help="where to listen (default: 127.0.0.1, this machine alone)")  # fmt: skip
    add("--open", action="store_true", help="open the page in the browser of this machine")
    add("--keep", type=float, default=KEEP, metavar="MINUTES",
        help=f"how long a studio without a page goes on (default: {KEEP:g})")  # fmt: skip
    parser.add_device()
    parser.add_precision()
    parser.add_image()
    parser.add_json()


def run(run: Run) -> int:
    """Serve until a signal ends it. Raises Interrupted then, and what `Screen.serve` raises."""
    args = run.args
    if run.screen is None:
        raise Missing("the studio is no part of this call", "latty serve")
    if args.setup:
        run.screen.bring_page(run.out)
        return 0
    if args.port is not None and not 0 <= args.port < 1 << 16:
        raise UsageError(f"--port {args.port}: ports are 0 to 65535")
    if not 0 <= args.keep < 1e6:
        raise UsageError(
            f"--keep {args.keep}: so many minutes cannot be counted", "0 ends it at once"
        )
    run.config()  # what is wrong with the settings is said here
    words = ["--image", args.image or "auto"]  # the settings speak of another terminal
    for flag in ("device", "precision"):
        if (value := getattr(args, flag)) is not None:
            words += [f"--{flag}", value]
    words += [args.ref] if args.ref is not None else []
    order = Serving(args.ref, tuple(words), args.host, args.port, 60 * args.keep, args.open)
    run.screen.serve(order, run.out)
    return 0
