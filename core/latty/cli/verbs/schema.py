"""`latty schema`: the JSON schema of preset files, for editors."""

import json

from latty.cli.main import Run


def schema(run: Run) -> int:
    """The JSON schema of a preset file."""
    from latty import presets

    run.out.result(json.dumps(presets.schema(), indent=2, ensure_ascii=True))
    return 0
