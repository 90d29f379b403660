"""Directions that the program Twig writes: a .npz with `twig_directions` (K, D)."""

from latty.directions.file import DirectionSet
from latty.directions.importing.base import CERTAIN, NO, Imported
from latty.directions.importing.sets import Named, linear, rows
from latty.directions.importing.source import ImportSource

KEY = "twig_directions"


def recognise(source: ImportSource) -> int:
    """By its key."""
    return CERTAIN if isinstance(source.tree, dict) and KEY in source.tree else NO


def convert(source: ImportSource) -> Imported:
    """A set named after the file."""
    found = [Named(f"twig{i}", view) for i, view in enumerate(rows(source.tree[KEY]))]
    header = DirectionSet("twig_notes", "w", (), "", "twig")
    return linear(source, found, "twig_notes", header, {})
