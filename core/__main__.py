"""`python -m core VERB ...`: the headless half by itself, as jobs run it."""

from core.verbs import _signals as signals

if __name__ == "__main__":
    signals.install()  # before anything slow: a job that is cancelled keeps what is finished
    from core.cli import main

    raise SystemExit(main())
