"""Directions: one file per method that finds them."""
