"""Which stored latents a scene may start at; blocking, for a thread."""

from latty.errors import BadData, LattyError
from latty_tui.dialogs.choose import Choice
from latty_tui.drawing.engine import OpenModel

PATH = "\0path"  # what is chosen to type a path
MOST = 200  # latents of one file that are offered one by one


def offers(model: OpenModel | None) -> list[Choice]:
    """The seed, every latent of the store, and a path to type; those that do not fit the model
    say so."""
    from latty import latents

    found = [Choice("", "at the seed"), Choice(PATH, "a file ...", "type its path")]
    for name in latents.LATENTS.names():
        try:
            held = latents.look(name)
            why = unfit(name, model)
        except LattyError as error:
            found.append(Choice(name, name, error.message))
            continue
        for i in range(min(held.shape[0], MOST)):
            called = held.names[i] if held.names else str(i)
            found.append(Choice(f"{name}#{i}", f"{name}#{called}", why or f"in {held.space}"))
    return found


def unfit(ref: str, model: OpenModel | None) -> str:
    """Why a model cannot start there; "" = it can."""
    try:
        fault(ref, model)
    except LattyError as error:
        return error.message
    return ""


def fault(ref: str, model: OpenModel | None) -> None:
    """Raises Missing, BadData for latents that are not there or are none of the model's."""
    from latty import latents

    held = latents.look(ref)
    held.index(latents.split(ref)[2])
    if model is None:
        return
    held.space_in(model)
    if held.model_digest and model.digest:
        same = held.model_digest == model.digest
    else:
        same = not held.family or held.family == model.family
    if not same:
        made_for = held.model or held.family
        raise BadData(f"{ref} was made for {made_for}, this is {model.name}",
                      "take latents of this model")  # fmt: skip


def begin(ref: str, model: OpenModel | None) -> dict[str, float]:
    """What changes in a scene that starts there: the truncation, where the latents' file knows it.
    Raises as `fault` does."""
    from latty import latents

    fault(ref, model)
    psi = latents.look(ref).truncation
    return {} if psi is None else {"truncation": psi}
