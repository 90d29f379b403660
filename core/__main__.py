"""`python -m core VERB ...`: the headless half by itself, as jobs run it."""

from core.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
