"""Codecs of films: one entry each, named as an output's `codec` names it."""
