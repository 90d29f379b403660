"""What the app tells its panels beside the state and the model: `studio.tell("under", ref)`.

A panel hears of it by having a method `on_studio_WORD(value)`. These are all the words there are;
a panel that is to hear, or to say, something new adds one here.
"""

WORDS: dict[str, str] = {
    "opening": "a model is being opened: what names it",
    "drawn": "a picture is there: the engine's Drawn",
    "under": "a list's cursor is on a direction: its ref, None = on nothing that fits",
    "ready": "the engine can draw: its Ready",
    "died": "the engine is gone: its Died",
    "submitted": "a job was handed in: its id",
    "imported": "directions or latents were imported: their name",
}
