"""`python -m latty.jobs.engine DEVICE`: the engine of one studio; see server.py."""

from latty.jobs.engine.server import main

if __name__ == "__main__":
    main()
