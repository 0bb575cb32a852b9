"""Which flag of the command line stands for which argument of a Python function."""

from __future__ import annotations

import re

from mtsmart.errors import MtsmartError

_AS_NAMED = (
    "allow_changes",
    "base",
    "batches",
    "by",
    "columns",
    "encoder",
    "every",
    "figure_format",
    "figures",
    "file",
    "head",
    "host",
    "int8",
    "jobs",
    "label",
    "max_batch",
    "max_body",
    "max_requests",
    "max_rows",
    "max_text",
    "max_waiting",
    "name",
    "output",
    "output_dir",
    "port",
    "precision",
    "split",
    "start",
    "suite",
    "task",
    "text",
    "token_file",
    "updates",
    "weights",
    "without_token",
)
_SWITCHES = ("fill", "int8", "overwrite", "public", "resume", "without_token")
_OTHERWISE = {
    "board": "BOARD",
    "file_format": "--format",
    "folder": "DIR",
    "form": "--format",
    "kind": "KIND",
    "languages": "--language",
    "licence": "--license",
    "repository": "REPO",
    "run": "RUN",
    "runs": "RUN",
    "source": "SOURCE",
    "task_files": "--task-file",
    "task_type": "--type",
    "train=False": "--no-train",
}


def _flag_of(argument: str) -> str:
    return f"--{argument.replace('_', '-')}"


FLAGS = {
    **{name: _flag_of(name) for name in _AS_NAMED},
    **{f"{name}=True": _flag_of(name) for name in _SWITCHES},
    **_OTHERWISE,
}
"""Argument, or argument with its value -> flag."""

_QUOTED = re.compile(r"`(\w+)(?:=([^`]*))?`")


def in_flags(error: MtsmartError) -> str:
    """The text of an error as a user of the command line should read it."""
    argument = None if error.argument is None else FLAGS.get(error.argument, error.argument)
    hint = None if error.hint is None else _QUOTED.sub(_flag, error.hint)
    return error.described(argument, hint)


def _flag(match: re.Match[str]) -> str:
    """The flag for an argument in backquotes; anything else in backquotes stays as it is."""
    whole = match[0].strip("`")
    if whole in FLAGS:
        return FLAGS[whole]
    if match[1] in FLAGS:
        return f"{FLAGS[match[1]]} {match[2]}"
    return match[0]
