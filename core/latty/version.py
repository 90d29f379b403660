"""The version of latty: files that it writes say it."""

__version__ = "0.1.0"
