"""Places of keys: compared with what tomllib reads from the same text."""

import random
import tomllib

import pytest

from latty.tables.places import DEEPEST, Places, TooDeep

TEXT = """\
# a comment with [brackets] and "quotes"
schema = 1
'quoted key' = "a # no comment"
scene.model = "demo"   # dotted
text = \"\"\"
fake = 1
[fake]
\"\"\"
[scene.inner]
seed = { walk = [1, 22, 333], "blend" = 'slerp', deep = { x.y = 1 } }
  keys = [
    [0, 1], # one
    [0.5, -2],
  ]
[[edits]]
direction = "a"
[[edits]]
direction = '''
]]'''
[edits.strength]
from = 1
[[edits.parts]]
to = 2
[[edits.parts]]
to = 3
"""


def line_of(path):
    return Places(TEXT).of(path)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("schema",), (2, 1)),
        (("quoted key",), (3, 1)),
        (("scene", "model"), (4, 7)),
        (("scene",), (4, 1)),
        (("text",), (5, 1)),
        (("scene", "inner"), (9, 8)),
        (("scene", "inner", "seed"), (10, 1)),
        (("scene", "inner", "seed", "walk"), (10, 10)),
        (("scene", "inner", "seed", "walk", 2), (10, 25)),
        (("scene", "inner", "seed", "blend"), (10, 31)),
        (("scene", "inner", "seed", "deep", "x", "y"), (10, 61)),
        (("scene", "inner", "keys"), (11, 3)),
        (("scene", "inner", "keys", 1, 1), (13, 11)),
        (("edits", 0), (15, 3)),
        (("edits", 1, "direction"), (18, 1)),
        (("edits", 1, "strength", "from"), (21, 1)),
        (("edits", 1, "parts", 1, "to"), (25, 1)),
        (("edits", 1, "missing"), (17, 3)),  # what is absent: where it would be
        (("nowhere", 3), (1, 1)),
    ],
)
def test_places(path, place):
    assert line_of(path) == place


def paths_of(value, path=()):
    """Every path of read data, as the places should know them."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items if isinstance(value, dict | list) else ():
        if isinstance(part, dict | list):
            yield from paths_of(part, (*path, key))
        else:
            yield (*path, key)


def test_knows_every_path_that_tomllib_reads():
    found = Places(TEXT)._scan.found
    assert set(paths_of(tomllib.loads(TEXT))) <= set(found)


def _value(rng, depth):
    kind = rng.randrange(6 if depth < 3 else 4)
    if kind == 4:
        return "[" + ", ".join(_value(rng, depth + 1) for _ in range(rng.randrange(3))) + "]"
    if kind == 5:
        pairs = (f"k{i} = {_value(rng, depth + 1)}" for i in range(rng.randrange(3)))
        return "{ " + ", ".join(pairs) + " }"
    return rng.choice(["1", "-2.5", "true", '"a,]}#"', "'x = 1'", "1979-05-27 07:32:00", "inf"])


def test_random_documents_are_located_completely():
    rng = random.Random(7)
    for _ in range(400):
        lines = [f"top = {_value(rng, 0)}"]
        for table in range(rng.randrange(4)):
            lines.append(rng.choice([f"[t{table}]", "[[list]]", f"[[list]]\n[list.sub{table}]"]))
            lines += [f"{rng.choice('abc')}{i} = {_value(rng, 0)} # c" for i in range(3)]
        text = "\n".join(lines)
        places = Places(text)
        for path in paths_of(tomllib.loads(text)):
            line, column = places.of(path)
            rest = text.split("\n")[line - 1][column - 1 :]
            assert path in places._scan.found
            assert isinstance(path[-1], int) or rest.startswith(str(path[-1])), (text, path)


def test_broken_texts_never_raise():
    rng = random.Random(3)
    for _ in range(3000):
        start, stop = sorted(rng.sample(range(len(TEXT)), 2))
        noise = "".join(rng.choice("[]{}\"'=.#\n a1,\\") for _ in range(rng.randrange(4)))
        places = Places(TEXT[:start] + noise + TEXT[stop:])
        assert places.of(("scene", "model")) >= (1, 1)


@pytest.mark.parametrize(
    "text",
    [
        "a" + ".a" * 500_000 + " = 1",
        "[a" + ".a" * 500_000 + "]",
        "a = " + "[" * 1_000_000,
        "a = " + "{a=" * 300_000,
    ],
)
def test_what_would_exhaust_the_parser_ends_here(text):
    with pytest.raises(TooDeep):
        Places(text)


def test_the_limit_is_far_above_a_preset():
    assert Places("a = " + "[" * DEEPEST + "]" * DEEPEST).of(("a",)) == (1, 1)


@pytest.mark.parametrize(
    ("text", "path", "place", "first"),
    [
        ("a = 1\nb = 2\na = 3", ("a",), (3, 1), 1),
        ("[t]\na = 1\n[t]\n", ("t",), (3, 2), 1),
        ("a = { b = 1, b = 2 }", ("a", "b"), (1, 14), 1),
    ],
)
def test_what_is_set_twice(text, path, place, first):
    assert Places(text).twice() == [(path, place, first)]


def test_entries_of_an_array_of_tables_are_not_twice():
    assert Places("[[a]]\nx = 1\n[[a]]\nx = 1\n[a.b]\n[[a]]\n[a.b]").twice() == []
