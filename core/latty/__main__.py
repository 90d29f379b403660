"""`python -m latty VERB ...`: the headless half by itself, as jobs run it."""

from latty.cli import signals
from latty.process import leave_working_folder

if __name__ == "__main__":
    leave_working_folder()
    signals.install()  # before anything slow: a job that is cancelled keeps what is finished
    from latty.cli.main import main

    raise SystemExit(main())
