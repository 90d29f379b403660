"""Families: one entry per generator architecture."""
