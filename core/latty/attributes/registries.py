"""The registry of scorers: what judges pictures and ships with latty or with another package."""

from typing import TYPE_CHECKING

from latty.plugins import Registry

if TYPE_CHECKING:
    from latty.attributes.base import Scorer

# Literals of an entry, read without torch: ATTRIBUTES, its names; UNITS; EXACT = True, where a
# model that knows its own factors gives them in place of this scorer, which is then asked first.
# Of our own entries also DIGEST, that of its scores, or WEIGHTS, the file in shipped/scorers/ whose
# digest it is; one without either, or of another package, is opened to ask.
SCORERS: "Registry[type[Scorer]]" = Registry(
    "latty.attributes.scorers", "SCORER", needs=("names", "units", "digest", "score")
)
