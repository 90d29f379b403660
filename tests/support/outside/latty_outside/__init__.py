"""A package as somebody else would write it: one entry of each kind that latty has."""
