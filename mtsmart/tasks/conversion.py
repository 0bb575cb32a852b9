"""From a task file in MT-DNN's form to one in ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mtsmart.config.document import dump_yaml, read_yaml
from mtsmart.errors import ConfigError
from mtsmart.tasks.library import read_task_file
from mtsmart.tasks.mtdnn import is_mtdnn


def convert_file(path: str | Path, output: str | Path | None = None, data_dir: str | Path | None = None) -> str:
    """The YAML text of a task file's definitions in our form.

    Args:
        path: a task file in MT-DNN's form.
        output: where the text is to be stored: data files at or below its folder are named relative to it, all others
            by their full path.
        data_dir: folder of the data files; None: where loading the file finds them.

    Raises:
        ConfigError: the file cannot be used, is in our form already, or is ``output`` itself.
    """
    if output is not None and Path(output).resolve() == Path(path).resolve():
        raise ConfigError("would overwrite the file that is read", argument="output", value=str(output))
    if not is_mtdnn(read_yaml(path, duplicates=[])):
        raise ConfigError("is not in MT-DNN's form", file=path, hint="There is nothing to convert")
    folder = None if output is None else Path(output).resolve().parent
    tasks: dict[str, Any] = {}
    for entry in read_task_file(path, data_dir):
        task = entry.definition.model_dump(exclude_defaults=True)
        if folder is not None and "files" in task["dataset"]:
            files = task["dataset"]["files"]
            task["dataset"]["files"] = {split: _relative(file, folder) for split, file in files.items()}
        tasks[entry.name] = task
    return dump_yaml(tasks)


def _relative(file: str, folder: Path) -> str:
    return os.path.relpath(file, folder) if Path(file).is_relative_to(folder) else file
