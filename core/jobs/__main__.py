"""`python -m core.jobs JOB LOCK TICKET`: the supervisor of one job, as desk.py starts it."""

from core.jobs.supervisor import main

if __name__ == "__main__":
    main()
