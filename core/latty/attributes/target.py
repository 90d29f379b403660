"""Where an attribute shall go, as people say it: 0.95, 95% or p90.

0.95    a score in the attribute's own unit
95%     a probability: of a logit its logit, on a scale of 0..1 the share
p90     a percentile: the score that 90 % of random pictures of the model do not exceed
"""

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from latty.attributes.base import LOGIT, range_of
from latty.attributes.names import names_of, units_of
from latty.errors import BadData
from latty.report import Report, silent

if TYPE_CHECKING:
    from latty.models.base import Generator, Label

LIMIT = 1e9  # of a score
SAMPLES = range(300_000, 300_500)  # random pictures of a percentile: the first of `ascent`'s own
TARGETS = "a score such as 0.95, a probability such as 95%, or a percentile such as p90"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"


@dataclass(frozen=True, slots=True)
class AttributeTarget:
    """`number` is a score, a probability in 0..1, or a percentile in 0..100."""

    number: float
    kind: Literal["score", "probability", "percentile"] = "score"

    def score(
        self,
        generator: "Generator",
        ref: tuple[str, int],
        label: "Label" = None,
        report: Report = silent,
    ) -> float:
        """The score of an attribute (scorer and column) that is meant. Raises BadData where the
        attribute is no probability, or no picture has it."""
        scorer, column = ref
        if self.kind == "percentile":
            return self._among(generator, scorer, column, label, report)
        if self.kind == "score":
            return self.number
        unit, name = units_of(scorer, generator)[column], names_of(scorer, generator)[column]
        if unit == LOGIT and 0 < self.number < 1:
            return math.log(self.number / (1 - self.number))
        if range_of(unit) == (0.0, 1.0):
            return self.number
        if unit == LOGIT:
            raise BadData(f"{name}: no logit is {self.number:.0%}", "take one between 0% and 100%")
        counts = f"counts {unit}" if unit else "says no unit"
        raise BadData(f"{name} is no probability: it {counts}", "--to a score, or pN: a percentile")

    def _among(
        self, generator: "Generator", scorer: str, column: int, label: "Label", report: Report
    ) -> float:
        from latty.attributes.sampled import sampled_scores

        scores = sampled_scores(generator, SAMPLES, scorer, label, report=report)[1][:, column]
        scores = scores[scores.isfinite()]
        if not len(scores):
            raise BadData("no random picture has this attribute", "--to a score")
        return float(scores.double().quantile(self.number / 100))


def parse_target(text: str) -> AttributeTarget:
    """What "0.95", "95%" or "p90" mean. Raises ValueError that says what is wrong."""
    found = re.fullmatch(rf"\s*(p?)({_NUMBER})\s*(%?)\s*", text, re.ASCII)
    if found is None or (found[1] and found[3]):
        raise ValueError(f"'{text}' is no goal")
    number = float(found[2])
    if not found[1] and not found[3]:
        if not abs(number) <= LIMIT:
            raise ValueError(f"'{text}' is not from {-LIMIT:g} to {LIMIT:g}")
        return AttributeTarget(number)
    if not 0 <= number <= 100:
        what = "percentile" if found[1] else "probability"
        raise ValueError(f"'{text}' is no {what}: it goes from 0 to 100")
    if found[1]:
        return AttributeTarget(number, "percentile")
    return AttributeTarget(number / 100, "probability")
