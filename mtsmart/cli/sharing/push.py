"""``mtsmart push``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from typing import Annotated

import typer

from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import require_output, say
from mtsmart.errors import ConfigError
from mtsmart.quiet import quiet_libraries


def push(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|DIR", help="Folder of a run, or of an exported model.", autocompletion=completion.runs
        ),
    ],
    repository: Annotated[str, typer.Argument(metavar="REPO", help="Repository on the Hub: owner/name.")],
    task: Annotated[
        str | None,
        typer.Option(
            "--task", "-t", help="Send this task of RUN, as a Hugging Face model.", autocompletion=completion.tasks
        ),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody see it. Default: private.")] = False,
    licence: Annotated[
        str | None, typer.Option("--license", help="The licence, as the Hub names it: apache-2.0.")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="Code of a language of the texts: en; repeatable.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send it without a question.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files, and send nothing.")] = False,
) -> None:
    """Send a run or an exported model to the Hugging Face Hub; data and resume points never go along."""
    require_output()
    quiet_libraries()
    from mtsmart.hub.push import push_model

    address = push_model(
        source,
        repository,
        public=public,
        task=task,
        licence=licence,
        languages=language or [],
        dry_run=dry_run,
        agreed=partial(_agreed, repository, public, yes or dry_run),
    )
    say("Nothing was sent." if address is None else f"Sent: {address}")


def _agreed(repository: str, public: bool, is_sure: bool, sizes: Mapping[str, int]) -> bool:
    """Show what will be sent, and ask whether it may be, unless that is sure."""
    say(_listed(sizes, repository, public))
    return is_sure or _asked()


def _listed(sizes: Mapping[str, int], repository: str, public: bool) -> str:
    """What will be sent, a line a file."""
    lines = [f"  {_size(size):>9}  {name}" for name, size in sorted(sizes.items())]
    seen = "a new repository will be public" if public else "a new repository will be private"
    head = f"These files go to {repository} ({seen}):"
    return "\n".join([head, *lines, f"  {_size(sum(sizes.values())):>9}  in all"])


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count:,} B"


def _asked() -> bool:
    """The user's answer.

    Raises:
        ConfigError: nobody is there to answer.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        message = "a question comes before anything is sent, and there is no terminal to answer it"
        raise ConfigError(message, key="push", hint="Use --yes to send, or --dry-run to list the files")
    return typer.confirm("Send them?")
