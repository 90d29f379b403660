"""Scorers: one entry per file, which says what a picture is like, in numbers."""
