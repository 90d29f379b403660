"""The command line: parse, call, print. One verb per file of `verbs/`."""
