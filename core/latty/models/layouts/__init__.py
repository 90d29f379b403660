"""Layouts in the wild: one file for each, which turns a Part into the layout of one family.

latty/models/registries.py says what an entry must have.
"""
