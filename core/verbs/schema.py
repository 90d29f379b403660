"""`latty schema`: the JSON schema of preset files, for editors."""

import json

from core.cli import Run


def schema(run: Run) -> int:
    """The JSON schema of a preset file."""
    from core import presets

    run.out.result(json.dumps(presets.schema(), indent=2, ensure_ascii=True))
    return 0
