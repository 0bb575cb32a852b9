"""``mtsmart schema task | experiment``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mtsmart.cli.terminal import say


def schema(
    kind: Annotated[str, typer.Argument(metavar="task|experiment", help="The kind of file.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Default: standard output.")] = None,
) -> None:
    """Write the JSON schema of task files or experiment files, with which editors complete and check them."""
    from mtsmart.reporting.schema import is_schema, schema_text
    from mtsmart.runs.claim import check_output_file
    from mtsmart.storage.durable import write_text
    from mtsmart.storage.replaceable import check_replaceable

    text = schema_text(kind)
    if output is None:
        say(text.rstrip())
        return
    check_output_file(output)
    check_replaceable(output, kind="a JSON schema", is_of_kind=is_schema)
    write_text(output, text)
    say(f"{output} is written. Editors with a YAML language server use it if a file begins with:")
    say(f"# yaml-language-server: $schema={output.name}")
