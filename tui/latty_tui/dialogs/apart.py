"""What is on the screen and in no keyframe: nobody saves or renders a film without being told."""

from latty.errors import BadData
from latty_tui.desk import Desk
from latty_tui.dialogs.choose import Choice, Decide
from latty_tui.films import keyframes

MOST = 3  # differences that are named


async def settled(desk: Desk, verb: str) -> bool:
    """Whether the film is what is wanted: it goes through what is on the screen, or somebody has
    said what becomes of that. `verb` is what would be done with it."""
    nearest, words = keyframes.apart(desk.state)
    if not words:
        return True
    more = f" and {len(words) - MOST} more" if words[MOST:] else ""
    choices = [
        Choice("set", f"set keyframe {nearest + 1} to it", "the one that is most like it"),
        Choice("new", "add it", f"as a keyframe after {nearest + 1}"),
        Choice("leave", f"{verb} the film without it", "the keyframes as they are"),
    ]
    found = await desk.answer(Decide(f"in no keyframe: {', '.join(words[:MOST])}{more}", choices))
    if found in (None, "leave"):
        return found is not None
    instead = found == "set"
    at = nearest + (not instead)
    try:
        after = keyframes.with_key(desk.state, at, instead)
    except BadData as error:
        desk.fail(error, "this cannot be a keyframe")
        return False
    desk.change(after, f"{'set' if instead else 'new'} keyframe {at + 1}")
    return True
