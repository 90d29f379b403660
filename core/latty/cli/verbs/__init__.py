"""The headless verbs: VERB.py holds VERB(run) -> exit code. Files with an underscore serve them."""
