"""``mtsmart methods``."""

from __future__ import annotations

from typing import Annotated

import typer

from mtsmart.cli.terminal import say


def methods(
    name: Annotated[str | None, typer.Argument(help="One regulariser, weighting or transform, in detail.")] = None,
) -> None:
    """List regularisers, weightings and transforms, or describe one: formula, paper, settings, cost, evidence."""
    from mtsmart.reporting.regularizers import describe_method, methods_table

    say(methods_table() if name is None else describe_method(name))
