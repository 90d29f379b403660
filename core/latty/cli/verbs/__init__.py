"""The verbs of the command line: each file is one, as latty.cli.parser.Verb says."""
