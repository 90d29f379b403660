"""Which models there are, by name, without importing torch."""

from pathlib import Path

from latty import home
from latty.checkpoints.safetensors import read_header
from latty.errors import BadData, Missing

WITHOUT_FILE = ("portraits",)  # entries of this folder that are models themselves
GENERATOR = "generator"  # what the header of a generator's file says under "kind"


def _files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.safetensors")) if _is_model(path)}


def _is_model(path: Path) -> bool:
    try:
        return read_header(path).meta.get("kind") == GENERATOR
    except BadData:
        return False


def model_files() -> dict[str, Path]:
    """Name -> file of every model that ships or lies in the store; shipped names win."""
    return {**_files(home.models_dir()), **_files(home.shipped_dir() / "models")}


def model_names() -> list[str]:
    """Every name `open_model` takes."""
    return sorted({*model_files(), *WITHOUT_FILE})


def model_file(ref: str) -> Path | None:
    """The file of a name or path, None for a model without one; raises Missing for a bad path."""
    if ref in model_files():
        return model_files()[ref]
    path = Path(ref).expanduser()
    if path.is_file():
        return path
    if path.suffix or len(path.parts) > 1:
        raise Missing(f"there is no file {ref}", "check the path, or see: latty list models")
    return None
