"""Layouts in the wild: one file for each, which turns a Part into the layout of one family.

The contract, `recognise` and `convert`, is in core/latty/models/parts.py.
"""
