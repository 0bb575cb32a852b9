"""The ``mtsmart`` command. Each command's module is imported only when it runs, so that --help is fast."""

from __future__ import annotations

import sys

import typer

from mtsmart.cli import evaluate, finetune, predict, tasks, train
from mtsmart.errors import MtsmartError

app = typer.Typer(
    name="mtsmart",
    help="Multi-task NLU fine-tuning with SMART and MBPP on every update.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("train")(train.train)
app.command("finetune")(finetune.finetune)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.add_typer(tasks.app, name="tasks")


def main() -> None:
    """Run the command line; a user's mistake is one line on standard error and exit code 2."""
    try:
        app()
    except MtsmartError as error:
        print(f"mtsmart: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
