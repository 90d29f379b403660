"""What a training leaves to be looked at is called so; read without torch."""

import re

STATS = "stats.jsonl"
CHART = "chart-{:06}.png"  # of an iteration
CHARTS = re.compile(r"chart-(\d{6,})\.png")
DRAFTS = re.compile(r"\.(?:chart-\d{6,}\.png|stats\.jsonl)\.[0-9a-f]{12}")  # of killed writers


def latest(names: list[str]) -> str:
    """The newest chart among the names of a folder; "" where there is none."""
    found = [(int(match[1]), name) for name in names if (match := CHARTS.fullmatch(name))]
    return max(found, default=(0, ""))[1]
