"""What each direction of a set does to each attribute: curves over a walk, figures, a ranking.

Every kind of direction is walked by the path that renders it, so vectors, paths, climbs and moves
inside the network are compared on the same footing. `corr` is the mean over seeds of the
correlation of strength and attribute; `amplitude` is WarpedGANSpace's index (Tzelepis et al. 2021):
the covariance over the spread of the strengths, so that how far it goes counts, here in standard
deviations of the attribute; `selectivity` is its share of the amplitudes of all attributes.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # torch takes seconds to import; what is in the way is told before
    from latty.rank.folders import kept_of, work_of
    from latty.rank.measuring import curves, ranking
    from latty.rank.plan import RankPlan, planned
    from latty.rank.table import KEYS, Measured, RankRow, best, expected, rows
    from latty.rank.walk_curves import Curves

__all__ = [
    "KEYS",
    "Curves",
    "Measured",
    "RankPlan",
    "RankRow",
    "best",
    "curves",
    "expected",
    "kept_of",
    "planned",
    "ranking",
    "rows",
    "work_of",
]
_PLACES = {
    "folders": ("kept_of", "work_of"),
    "measuring": ("curves", "ranking"),
    "plan": ("RankPlan", "planned"),
    "table": ("KEYS", "Measured", "RankRow", "best", "expected", "rows"),
    "walk_curves": ("Curves",),
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for (PEP 562). Raises AttributeError."""
    for module, names in _PLACES.items():
        if name in names:
            return getattr(import_module(f"latty.rank.{module}"), name)
    raise AttributeError(f"module 'latty.rank' has no attribute '{name}'")
