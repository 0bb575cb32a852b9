"""Which flag of the command line stands for which argument of a Python function."""

from __future__ import annotations

import re

from mtsmart.errors import MtsmartError

FLAGS = {
    "allow_changes": "--allow-changes",
    "base": "--base",
    "base=start": "--base start",
    "batches": "--batches",
    "board": "BOARD",
    "by": "--by",
    "columns": "--columns",
    "encoder": "--encoder",
    "every": "--every",
    "exact=True": "--exact",
    "figure_format": "--figure-format",
    "figures": "--figures",
    "file": "--file",
    "file_format": "--format",
    "fill=True": "--fill",
    "folder": "DIR",
    "form": "--format",
    "form=onnx": "--format onnx",
    "head": "--head",
    "host": "--host",
    "int8": "--int8",
    "int8=True": "--int8",
    "jobs": "--jobs",
    "kind": "KIND",
    "label": "--label",
    "languages": "--language",
    "licence": "--license",
    "max_batch": "--max-batch",
    "max_body": "--max-body",
    "max_requests": "--max-requests",
    "max_rows": "--max-rows",
    "max_text": "--max-text",
    "max_waiting": "--max-waiting",
    "name": "--name",
    "output": "--output",
    "output_dir": "--output-dir",
    "overwrite=True": "--overwrite",
    "port": "--port",
    "precision": "--precision",
    "public=True": "--public",
    "repository": "REPO",
    "resume=True": "--resume",
    "run": "RUN",
    "runs": "RUN",
    "source": "SOURCE",
    "split": "--split",
    "start": "--start",
    "suite": "--suite",
    "task": "--task",
    "task_files": "--task-file",
    "task_type": "--type",
    "text": "--text",
    "token_file": "--token-file",
    "train=False": "--no-train",
    "updates": "--updates",
    "weights": "--weights",
    "without_token": "--without-token",
    "without_token=True": "--without-token",
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
