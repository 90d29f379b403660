"""Transforms: one entry per change of a picture that a direction can be found for (plumerault)."""
