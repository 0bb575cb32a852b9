"""``mtsmart methods``."""

from __future__ import annotations

from typing import Annotated

import typer


def methods(name: Annotated[str | None, typer.Argument(help="One regulariser, in detail.")] = None) -> None:
    """The regularisers, or one of them: formula, paper, settings, cost, when to use it, what the evidence says."""
    from mtsmart.reporting.regularizers import describe_method, methods_table

    typer.echo(methods_table() if name is None else describe_method(name))
