"""`python -m latty.jobs JOB LOCK TICKET`: the supervisor of one job, as control.py starts it."""

from latty.jobs.supervisor import main

if __name__ == "__main__":
    main()
