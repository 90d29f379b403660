"""Goals as people say them: a score, a probability, a percentile."""

import math

import pytest
from toy_generator import Factored, Toy

from latty.attributes import attribute
from latty.attributes.sampled import sampled_scores
from latty.attributes.target import SAMPLES, AttributeTarget, parse_target
from latty.errors import BadData


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("0.95", AttributeTarget(0.95)),
        ("-10", AttributeTarget(-10.0)),
        ("+1e3", AttributeTarget(1000.0)),
        (".5", AttributeTarget(0.5)),
        ("95%", AttributeTarget(0.95, "probability")),
        (" 0% ", AttributeTarget(0.0, "probability")),
        ("p90", AttributeTarget(90.0, "percentile")),
        ("p99.5", AttributeTarget(99.5, "percentile")),
    ],
)
def test_what_they_mean(text: str, wanted: AttributeTarget) -> None:
    assert parse_target(text) == wanted


@pytest.mark.parametrize(
    "text", ["", "p", "%", "nan", "inf", "p90%", "90p", "p-1", "p101", "101%", "-5%", "1e10",
             "smile", "0,5", "p=0.95", "\u0665"],
)  # fmt: skip
def test_what_means_nothing(text: str) -> None:
    with pytest.raises(ValueError, match=r"no goal|no percentile|no probability|not from"):
        parse_target(text)


def test_a_probability_of_a_logit_is_its_logit() -> None:
    ref = attribute("glasses")
    found = parse_target("95%").score(Toy(), ref)
    assert found == pytest.approx(math.log(0.95 / 0.05))
    for text in ("0%", "100%"):
        with pytest.raises(BadData, match="no logit"):
            parse_target(text).score(Toy(), ref)


def test_a_probability_is_one_only_where_the_unit_says_so() -> None:
    assert parse_target("20%").score(Toy(), attribute("luma")) == 0.2  # of 0..1
    for name, counts in (("smile", "counts -1..1"), ("geometry/x", "counts image widths")):
        with pytest.raises(BadData, match=counts):
            parse_target("20%").score(Toy(), attribute(name))
    with pytest.raises(BadData, match="says no unit"):
        parse_target("20%").score(Factored(), attribute("one", Factored()))


def test_a_percentile_is_one_of_random_pictures() -> None:
    toy = Factored()
    ref = attribute("one", toy)
    scores = sampled_scores(toy, SAMPLES, "factors")[1][:, ref[1]]
    found = parse_target("p90").score(toy, ref)
    assert float((scores <= found).double().mean()) == pytest.approx(0.9, abs=0.01)
    assert parse_target("p0").score(toy, ref) == pytest.approx(float(scores.min()))
