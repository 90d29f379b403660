"""Jobs: headless verbs that outlive the terminal. Folders, locks and processes; no server.

Imports nothing: every run of every verb passes here on its way to `events`.

control.py     submit, resume, cancel
run.py         a job's folder: what was asked, how it stands, what it said
supervisor.py  the detached process of a job: waits for its slots, starts the worker, waits
slots.py       GPUs (or the one CPU) and the queue before them
events.py      lines of JSON that one writes and many follow
pool.py        processes that compute shards, here (task.py, shards.py) or on Ray (ray_pool.py)
engine/        no job: the process that draws previews for the app, until the app ends
wire.py        what the two say to each other, and scenes as JSON

A job is alive while its lock is held, a slot taken while its lock is held, a place in the queue
kept while its ticket is held; the kernel lets go of all three with the process, however it ends.
What a supervisor imports is the standard library: it waits for days and should weigh nothing.
"""
