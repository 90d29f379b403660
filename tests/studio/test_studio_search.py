"""A model without directions leads to a search: what is recommended, its form, trying again."""

from pathlib import Path
from typing import Any

import pytest
from studio import Keys, run, settled, text, until

from latty import home
from latty.directions.file import read_header
from latty.directions.pace import START, ModelPace, Reached, seconds
from latty.directions.parameters import parameters
from latty.directions.registries import METHODS
from latty.errors import LattyError
from latty_tui.dialogs import discover
from latty_tui.dialogs.choose import Choose
from latty_tui.dialogs.discover import remembered
from latty_tui.dialogs.discover.form import DiscoverForm
from latty_tui.drawing.engine import EngineClient, OpenModel
from latty_tui.library import methods, sets
from latty_tui.library.marks import Marks
from latty_tui.library.methods import Facts, about

DEMO = OpenModel("demo", "stylegan2", 64, 64, 3, 64, 10, 128, 0, "w",
             read_header(home.shipped_dir() / "directions/demo.safetensors").model_digest, (), (),
             ("b8.conv1",), "cpu")  # fmt: skip
TOLD = {
    "lacks": {"sefa": "it offers no layer weights"},
    "fits": {"ganspace": {"layer": "b8.conv0", "samples": 10_000}},
    "attributes": {"factors": ["smile"]},
    "pace": {"mapping": 1e-5, "picture": 0.01,
             "layers": {"b4.conv1": {"size": [64, 4, 4], "seconds": 0.001},
                        "b8.conv0": {"size": [32, 8, 8], "seconds": 0.002}}},
}  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that says what it measured."""

    async def call(engine: EngineClient, name: str, **args: object) -> dict[str, object]:
        assert name == "methods"
        return TOLD

    monkeypatch.setattr(EngineClient, "call", call)


# --- what is known of methods ---------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS.names())
def test_a_method_says_what_it_finds_and_costs(method: str) -> None:
    names = {one.name for one in parameters(method)}
    assert 0 < len(METHODS.constant(method, "FINDS")) < 70
    assert set(METHODS.constant(method, "FORM")) <= names
    words = {word for many in METHODS.constant(method, "COST").values() for word in many}
    assert {word for word in words if isinstance(word, str)} <= names
    usual = {one.name: one.default for one in parameters(method)}
    once = seconds(method, usual, ModelPace(1e-4, 1e-2))
    assert once > START and seconds(method, usual, ModelPace(2e-4, 2e-2)) - START == pytest.approx(
        2 * (once - START)
    )


def test_a_layer_costs_as_far_as_it_is() -> None:
    pace = ModelPace(0.0, 1.0, {"near": Reached((8, 4, 4), 0.25)})
    said = {"samples": 100, "layer": "near"}
    assert seconds("ganspace", said, pace) == START + 25
    assert seconds("ganspace", {**said, "layer": ""}, pace) == START


def test_the_first_that_fits_and_needs_nothing_is_recommended() -> None:
    facts = Facts("x", pace=ModelPace(1e-4, 1e-2))
    assert methods.recommended(facts) == "ganspace"
    assert methods.advice(facts) == (
        "ganspace finds the main ways in which its pictures differ, the strongest first, "
        "in about 15 s"
    )
    lacks = dict.fromkeys(["ganspace", "sefa", "plumerault"], "no")
    assert methods.recommended(Facts("x", lacks)) == "random"
    assert methods.recommended(Facts("x", dict.fromkeys(METHODS.names(), "no"))) == ""
    said = [about(one) for one in (0.2, 8, 44, 200, 7000, 1e6, None)]
    assert said == ["about 1 s", "about 8 s", "about 45 s", "about 3 min", "about 2 h",
                    "about 10 days", ""]  # fmt: skip


def test_what_a_job_was_told_is_its_form_again() -> None:
    words = ["discover", "--overwrite", "ganspace", "demo", "-o", "mine", "--device=cpu",
             "--workers=2", "--samples=5x", "--space", "w"]  # fmt: skip
    filled = {"more": "yes", "overwrite": "yes", "name": "mine", "device": "cpu", "workers": "2",
              "with_samples": "5x", "with_space": "w"}  # fmt: skip
    assert discover.said_in(words) == ("ganspace", "demo", filled)
    detached = ["discover", "-q", "--force", "--json", "--pin=model:demo=00", *words[2:]]
    assert discover.said_in(detached) == ("ganspace", "demo", filled)
    with pytest.raises(LattyError):
        discover.said_in(["discover", "ganspace"])


def test_what_was_typed_is_remembered_for_each_model() -> None:
    remembered.write("a", "ganspace", {"with_samples": "500"})
    remembered.write("b", "ganspace", {"with_samples": "700"})
    remembered.write("a", "sefa", {"with_components": "3"})
    assert remembered.read("a", "ganspace") == {"with_samples": "500"}
    assert remembered.read("b", "ganspace") == {"with_samples": "700"}
    assert remembered.read("b", "sefa") == remembered.read("c", "ganspace") == {}
    for number in range(60):
        remembered.write(f"model {number}", "sefa", {"with_components": "3"})
    assert remembered.read("a", "sefa") == {} and remembered.read("model 59", "sefa")
    (home.state_dir() / remembered.FILE).write_text('{"a": {"sefa": [1]}, "b": 7')
    assert remembered.read("a", "sefa") == {}


def test_what_was_made_for_others_is_one_line() -> None:
    other = sets.SetReader().look()
    foreign = [one for one in other if sets.misfit(one, DEMO)]
    rows = sets.rows(other, DEMO, Marks(), {})
    assert (rows[-1].key, rows[-1].title) == ("others", "sets of other models")
    assert rows[-1].count == len(foreign)
    assert sum(bool(row.misfit) for row in rows) == 1
    damaged = sets.SetEntry("torn", Path("torn.safetensors"), False, error="it is damaged")
    told = sets.rows((*other, damaged), DEMO, Marks(), {})
    assert told[-1].title == rows[-1].title and told[-2].entry is damaged
    assert told[-2].misfit == "it is damaged", "it is no set of another model"
    opened = sets.rows(other, DEMO, Marks(), {"others": False})
    assert sum(row.entry in foreign and row.found is None for row in opened) == len(foreign)
    found = [row for row in sets.rows(other, DEMO, Marks(), {}, "portraits smile") if row.found]
    assert found and all(row.misfit == "made for portraits" for row in found)


# --- on the screen --------------------------------------------------------------------------------


def test_a_model_without_directions_leads_to_a_search(told: None, tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"any")

    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        listed = app.panel("directions")
        await until(pilot, lambda: listed.rows and listed.rows[0].title.startswith("search: gans"))
        assert listed.rows[0].title == "search: ganspace, about 25 s"
        assert listed.list.cursor == 0
        await until(pilot, lambda: "ganspace finds" in " ".join(text(pilot).split()))
        assert app.panel("edits").empty.startswith("No direction of this model yet.")
        assert listed.rows[-1].key == "others" and not listed.rows[-1].open
        listed.focus()
        await pilot.press("enter")
        await until(
            pilot, lambda: isinstance(app.screen, DiscoverForm) and app.screen.ready.is_set()
        )
        form = app.screen
        assert form.values["with_layer"] == "b8.conv0" and form.values["with_samples"] == "10000"
        shown = [name for name in form.fields if form.query_one(f"#row-{name}").display]
        assert shown == ["name", "with_components", "with_samples", "with_layer", "more"]
        await until(pilot, lambda: "about 25 s here" in text(pilot))
        form.set("with_samples", "100000")
        await until(pilot, lambda: "about 3 min here" in text(pilot))
        await _a_layer_is_chosen_or_typed(pilot, form)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("d")
        await until(pilot, lambda: isinstance(app.screen, Choose), "the methods")
        await until(pilot, lambda: "about 25 s" in text(pilot) and "best first" in text(pilot))
        assert "needs a scorer" in text(pilot) and "needs training" in text(pilot)
        assert app.screen.seen[0].value == "ganspace" and app.screen.seen[-1].value == "sefa"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DiscoverForm), "the form")
        assert app.screen.values["with_samples"] == "100000"  # as it was typed
        await pilot.press("escape")

    run(keys, ref=str(tmp_path / "mine.pt"), size=(140, 44))


async def _a_layer_is_chosen_or_typed(pilot: Keys, form: Any) -> None:
    """From the list, with sizes; what is typed is checked at once."""
    facts = form.facts
    known = ("b4.conv1", "b8.conv0")
    assert facts.pace.layers.keys() == set(known)
    form.control("with_layer").focus()
    await pilot.press("space")
    await until(pilot, lambda: "64 x 4 x 4" in text(pilot))
    await pilot.press(*"b4", "enter")
    await until(pilot, lambda: form.values["with_layer"] == "b4.conv1")
    form.set("with_layer", "b4.conv9")
    await until(pilot, lambda: "no layer 'b4.conv9'" in text(pilot))
    form.set("with_layer", "b4.conv1")
    await until(pilot, lambda: "no layer" not in text(pilot))


def test_where_nothing_is_measured_the_line_is_there_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"any")

    async def keys(pilot: Keys) -> None:
        app: Any = pilot.app
        listed = app.panel("directions")
        await until(pilot, lambda: listed.rows and listed.rows[0].title == "search for directions")
        await pilot.press("slash", *"smile")
        await until(pilot, lambda: all(row.key != sets.SEARCH for row in listed.rows))

    run(keys, ref=str(tmp_path / "mine.pt"))
