"""How many pictures are drawn at once on a CPU: of large ones few, as their features fill its
memory, and more are not drawn any faster. Known without torch, which takes seconds to import."""

ON_CPU = ((1024, 1), (512, 2))  # px of the longer side, and how many of these keep a CPU busy


def on_cpu(longer: int, most: int) -> int:
    """How many pictures of `longer` px are drawn at once, at most so many."""
    return min(most, next((count for px, count in ON_CPU if longer >= px), most))
