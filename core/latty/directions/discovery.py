"""One search for directions, from a method's name to a stored set: the same for CLI, jobs, studio.

A search that takes long keeps its progress in a folder of its own under the state directory, named
by everything the result depends on: the same search goes on there after a kill.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latty import locks
from latty.directions.file import ARRAY, LINEAR, DirectionSet, Value, read_header, write
from latty.directions.parameters import parameters, resolved
from latty.directions.registries import METHODS
from latty.directions.store import SETS
from latty.directions.viewing import Viewing, folder_of_search, shown
from latty.errors import BadData, LattyError, UsageError, WouldOverwrite, did_you_mean
from latty.report import Report, silent
from latty.store import name_from
from latty.version import __version__

if TYPE_CHECKING:
    from latty.directions.base import Method
    from latty.models.base import Generator


def target_of(name: str) -> Path:
    """The file a search writes: a name in the store, or a path that ends in .safetensors.

    Raises UsageError.
    """
    path = Path(name).expanduser()
    return path if path.suffix == SETS.suffix else SETS.place(name)


@contextmanager
def claimed(name: str) -> Iterator[Path]:
    """`target_of`, where nobody else writes until the block ends. Raises UsageError, Locked,
    OutputError, WouldOverwrite for a folder or a pipe, which no set replaces."""
    target = target_of(name)
    with locks.writing(target):
        _refuse_other_kinds(target)
        yield target


def refuse_early(name: str, method: str, overwrite: bool) -> None:
    """What is certain to stop a search, as far as it is seen without its model. Raises UsageError,
    Locked, OutputError, WouldOverwrite."""
    target = target_of(name)
    locks.refuse_taken(target)
    _refuse_other_kinds(target)
    if target.exists() and not overwrite:
        header = _header(target)
        if header is None or header.complete or header.method != method:
            raise _there(target)


def _refuse_other_kinds(target: Path) -> None:
    """Raises WouldOverwrite for a folder or a pipe."""
    if target.exists() and not target.is_file():
        what = f"{target} is in the way: it is no file"
        raise WouldOverwrite(what, "move it away, or choose another name")


def _there(target: Path) -> WouldOverwrite:
    return WouldOverwrite(f"{target} is there already", "--overwrite replaces it, or -o NAME")


def default_names(model: str, method: str) -> Iterator[str]:
    """What a search's set may be called where nobody says: MODEL-METHOD, MODEL-METHOD-2, ..."""
    name = name_from(f"{Path(model).stem}-{method}")
    return chain([name], (f"{name[:75]}-{number}" for number in count(2)))


def default_name(
    model: str, method: str, params: Mapping[str, Any] | None = None, overwrite: bool = False
) -> str:
    """The first of `default_names` that neither ships nor is taken by another search, nor is being
    written by one.

    params    of the search, which may have a set by this name already; None = any set takes it
    overwrite a set of the user's that is there is replaced

    Raises UsageError for parameters that the method does not take.
    """
    for name in default_names(model, method):
        if SETS.ships(name):
            continue
        file = SETS.place(name)
        own = params is not None and file.exists() and _is_of(file, model, method, params)
        if (overwrite or own or not file.exists()) and not locks.is_writing(file):
            return name
    raise AssertionError("names do not end")


def _is_of(file: Path, model: str, method: str, params: Mapping[str, Any]) -> bool:
    """Whether a set was found by this method, with these parameters, in a model of this name."""
    header = _header(file)
    if header is None or header.method != method or header.model not in (model, Path(model).stem):
        return False
    return dict(header.params) == dict(params_of(make(method, params)))


def _header(file: Path) -> DirectionSet | None:
    with suppress(LattyError):
        return read_header(file)
    return None


def make(method: str, params: Mapping[str, Any]) -> "Method":
    """The method with these parameters. Raises Missing, UsageError for a name it does not know."""
    known = [parameter.name for parameter in parameters(method)]
    for name in params:
        if name not in known:
            raise UsageError(f"{method} has no parameter '{name}'", did_you_mean(name, known))
    made: Method = METHODS.load(method).METHOD(**params)
    return made


def discover(
    method: str,
    params: Mapping[str, Any],
    generator: "Generator",
    target: Path,
    report: Report = silent,
    overwrite: bool = False,
    before: "Callable[[Method, Path], None] | None" = None,
    viewing: Viewing | None = None,
) -> DirectionSet:
    """Search, and write the set to `target`, which is `claimed`; `complete` is False after an
    interruption.

    before   is called with the method and its folder before the fit: it may draw the shards
    viewing  how a method that can be looked at shows its work

    Raises WouldOverwrite where another set is in the way, Locked while the same search runs,
    OutputError, ConfigError, and what the method raises.
    """
    made = make(method, resolved(params, generator))
    if lacks := made.missing(generator):
        raise BadData(f"{method}: {lacks}", "see: latty list methods")
    work = folder_of_search(method, params_of(made), generator)
    if not overwrite and target.exists():
        _refuse(target, work, _found(target, method, made, generator))
    what = f"at this very search ({method} on {generator.info.name})"
    with locks.at_work(work, what) as done, shown(made, viewing, work.name, overwrite):
        if before is not None:
            before(made, work)
        made.fit(generator, report, work)
        header = save(target, method, made, generator)
        if header.complete:
            done()
    return header


def params_of(method: "Method") -> tuple[tuple[str, Value], ...]:
    """Every parameter of a method by name: its attributes without "_" at the end. What its class
    names in LATER, and nobody said, is left out: sets that are older have no word for it. So is
    what it names in BESIDE: the result does not depend on it."""
    public: dict[str, Any] = vars(method)
    later, beside = (getattr(method, name, ()) for name in ("LATER", "BESIDE"))
    return tuple(
        (key, value if value is None or isinstance(value, int | float | tuple) else str(value))
        for key, value in public.items()
        if not key.startswith("_") and not key.endswith("_")
        if key not in beside and (key not in later or value != getattr(type(method), key))
    )


def save(path: Path, name: str, method: "Method", generator: "Generator") -> DirectionSet:
    """Write what the fitted method `name` found in `generator`. Raises BadData, OutputError."""
    info = generator.info
    header = DirectionSet(
        method=name,
        space=method.space_,
        infos=tuple(method.infos_),
        model=info.name,
        family=info.family,
        model_digest=info.digest,
        params=params_of(method),
        seeds=method.seeds_,
        form=getattr(method, "form", LINEAR),
        complete=method.complete_,
        latty=__version__,
        precision=info.precision,
    )
    vectors = getattr(method, "directions_", None)  # paths and climbs have none
    arrays = {} if vectors is None else {ARRAY: vectors}
    write(path, header, {**arrays, **getattr(method, "extra_", {})})
    return header


def _refuse(target: Path, work: Path, found: DirectionSet | None) -> None:
    """Raise WouldOverwrite, unless the set in the way is what this search `found` so far; what a
    finished one left when it was killed is removed."""
    if found is not None and not found.complete:
        return
    if found is not None and work.exists():
        with suppress(LattyError), locks.at_work(work, "at this very search") as done:
            done()
    raise _there(target)


def _found(
    target: Path, method: str, made: "Method", generator: "Generator"
) -> DirectionSet | None:
    """The set in the way where it is the result of this very search."""
    header = _header(target)
    if header is None or header.method != method or header.model_digest != generator.info.digest:
        return None
    same = header.precision == generator.info.precision
    return header if same and dict(header.params) == dict(params_of(made)) else None
