"""Whose model files open, and what each was checked against: the entries, the list, the page."""

import json
from pathlib import Path

import pytest
from cli_in_process import latty
from places import ROOT

from latty import plugins
from latty.models.registries import FAMILIES, LAYOUTS, Readable, readable

PAGE = ROOT / "docs/checkpoints.md"
ENTRIES = [one for one in readable() if not one.registry.owner(one.name)]
GROUNDS = ("reference", "output of", "real file", "by equation only", "torch's own", "the layouts")


def of(one: Readable) -> str:
    return one.name


@pytest.mark.parametrize("one", ENTRIES, ids=of)
def test_every_entry_says_whose_files_it_reads_and_how_that_was_checked(one: Readable) -> None:
    for word in ("ORIGIN", "CHECKED"):
        said = one.registry.constant(one.name, word)
        assert isinstance(said, str) and 5 < len(said) < 90 and "\n" not in said and "|" not in said
    assert any(ground in one.checked for ground in GROUNDS), one.checked


@pytest.mark.parametrize("one", ENTRIES, ids=of)
def test_the_page_names_each_origin_with_its_check(one: Readable) -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    assert sum(row.startswith(f"| {one.origin} | {one.checked} |") for row in rows) == 1


def test_the_page_names_nothing_else() -> None:
    table = PAGE.read_text(encoding="utf-8").split("## What opens")[1].split("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == len(ENTRIES) + 2  # and its head


def test_the_list_has_them_all(tmp_path: Path) -> None:
    done = latty("list", "formats", "--json", home=tmp_path)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    read = {row["name"]: row for row in rows if row["use"] == "read"}
    assert {*read} == {one.name for one in readable()}
    assert all((row["origin"], row["family"]) for row in read.values())
    assert {row["family"] for row in read.values()} <= {*FAMILIES.names()}
    assert {*LAYOUTS.names()} <= {*read}
    shown = latty("list", "formats", home=tmp_path).stdout
    assert all(f"{one.origin} (checked: {one.checked})" in shown for one in ENTRIES)


def test_a_literal_is_read_alone_as_it_is_with_its_whole_file() -> None:
    for registry in plugins.every_registry():
        for name in registry.names():
            source = registry.source(name)
            if not registry.owner(name) and source is not None:
                for word, value in plugins.constants(source).items():
                    assert registry.constant(name, word) == value, (registry.package, name, word)
