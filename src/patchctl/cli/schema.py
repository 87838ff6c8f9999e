"""`patchctl schema`: the JSON Schema of the configuration file."""

from __future__ import annotations

import typer


def schema() -> None:
    """Print the JSON Schema of patchctl.toml.

    Editors and checks of your own can go by it.

    \b
    Example:
      patchctl schema > patchctl.schema.json
    """
    import json

    from patchctl.config import Config

    document = Config.model_json_schema()
    document |= {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "patchctl.toml",
    }
    typer.echo(json.dumps(document, indent=2))
