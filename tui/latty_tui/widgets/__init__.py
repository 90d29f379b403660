"""Widgets that several panels share: lists of lines, a list with a filter, the line of keys."""
