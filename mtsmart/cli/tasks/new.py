"""``mtsmart tasks new``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import names_in
from mtsmart.cli.terminal import say

if TYPE_CHECKING:
    from mtsmart.drafting.questions import Answer, Question


def new(
    source: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Data files, a folder of them, or a data set on the Hub.")
    ],
    name: Annotated[str | None, typer.Option("--name", help="The task's name. Default: after the data.")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="COLUMN,...", help="One or two text columns.")] = None,
    label: Annotated[str | None, typer.Option("--label", metavar="COLUMN", help="The label column.")] = None,
    task_type: Annotated[str | None, typer.Option("--type", help="'mtsmart tasks types' lists them.")] = None,
    config: Annotated[str | None, typer.Option("--config", help="Configuration of a Hub data set, as rte.")] = None,
    encoder: Annotated[str | None, typer.Option("--encoder", help="The experiment's encoder. Default: MiniLM.")] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Task file. Default: NAME.yaml.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files of these names.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, and print what is assumed.")] = False,
) -> None:
    """Look at data; write a task file and an experiment that trains it."""
    from mtsmart.drafting.draft import Given
    from mtsmart.drafting.new import new_task

    is_asked = sys.stdin.isatty() and sys.stdout.isatty() and not yes
    made = new_task(
        source,
        _ask if is_asked else _assume,
        Given(names_in(text), label, task_type),
        name=name,
        configuration=config,
        encoder=encoder,
        output=output,
        overwrite=overwrite,
    )
    say(f"{made.name}: {made.draft.task_type}, {made.draft.notes['task_type']}")
    for sentence in made.draft.told:
        say(sentence)
    say(f"{made.task_file} and {made.experiment} are written. Next:")
    say(f"  mtsmart tasks check {made.task_file}")
    say(f"  mtsmart train {made.experiment}")


def _ask(question: Question) -> Answer:
    say(question.text)
    for number, answer in enumerate(question.answers, 1):
        say(f"  {number}. {answer.text}")
    while True:
        chosen: int = typer.prompt("Number", default=1, type=int)
        if 1 <= chosen <= len(question.answers):
            return question.answers[chosen - 1]
        say(f"Write a number from 1 to {len(question.answers)}.")


def _assume(question: Question) -> Answer:
    first, *others = question.answers
    more = "; ".join(answer.text for answer in others)
    say(f"{question.text} Assumed: {first.text}. It may be: {more}. {question.flag} says it.")
    return first
