"""What a shell offers after the Tab key: experiments, runs, tasks and settings.

The user waits for it, so names are found by looking at files, and no library is imported that needs long.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import typer

from mtsmart.resources import shipped, shipped_experiments
from mtsmart.text.escaping import is_visible

_RUNS = Path("runs")
_YAML = (".yaml", ".yml")
_LARGEST = 2_000_000  # bytes of a file that is looked at
_TOP_KEY = re.compile(r"^([\w-]+):", re.MULTILINE)
_TASKS_OF_RUN = re.compile(r"^tasks:\n((?: .*\n?|\n)+)", re.MULTILINE)
_INNER_KEY = re.compile(r"^  ([\w-]+):", re.MULTILINE)


def experiments(incomplete: str) -> list[str]:
    """Names of shipped experiments, YAML files and folders."""
    return _fitting([*sorted(shipped_experiments()), *_paths(incomplete, _YAML)], incomplete)


def runs(incomplete: str) -> list[str]:
    """Folders of runs, and folders that may contain some."""
    known = [str(folder) for folder in _inside(_RUNS) if _is_run(folder)]
    return _fitting([*known, *_paths(incomplete)], incomplete)


def tasks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the tasks that a command can use: those of its run; for other commands, those of task files."""
    words = _typed()
    run = next((Path(word) for word in words if _is_run(Path(word))), None)
    files = [Path(word) for option, word in pairwise(words) if option == "--task-file"]
    of_run = [] if run is None else _tasks_of_run(run)
    of_files = [name for file in files for name in _keys(file, _TOP_KEY)]
    of_library = [] if of_run and ctx.info_name in ("evaluate", "predict", "try", "export") else _shipped_tasks()
    return _fitting([*of_run, *of_files, *of_library], incomplete)


def settings(incomplete: str) -> list[str]:
    """``section.key=`` for each setting of an experiment."""
    from mtsmart.config.forms import sections_in, types_at  # They take longer than all other words together.
    from mtsmart.config.open_section import PARTS
    from mtsmart.config.sections import RunConfig

    found = []
    for key in RunConfig.known_keys():
        # Transforms of the encoder are left out, because their modules import torch.
        sections = sections_in(types_at(RunConfig, [key]))
        inner = [name for section in sections for name in section.model_fields if name != PARTS]
        found += [f"{key}.{name}=" for name in inner] or [f"{key}="]
    return _fitting(found, incomplete)


def _typed() -> list[str]:
    """The words of the line. The parsed line lacks all of them if it ends with an option that still has no value."""
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    try:
        return shlex.split(line)
    except ValueError:  # a quote is still open
        return line.split()


def _fitting(words: Iterable[str], incomplete: str) -> list[str]:
    """The words that go on from what is typed, each once. A name that a terminal would act on is left out."""
    fitting = [word for word in words if word.startswith(incomplete) and all(map(is_visible, word))]
    return list(dict.fromkeys(fitting))


def _paths(incomplete: str, endings: tuple[str, ...] = ()) -> Iterator[str]:
    """Folders, and files with one of the endings, that go on from what is typed."""
    start = incomplete.rpartition("/")[0]
    folder = Path(f"{start}/" if start or incomplete.startswith("/") else ".")
    for path in _inside(folder):
        if path.is_dir():
            yield str(path) if _is_run(path) else f"{path}/"
        elif path.suffix in endings:
            yield str(path)


def _inside(folder: Path) -> list[Path]:
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return []


def _is_run(folder: Path) -> bool:
    return (folder / ".mtsmart.json").is_file() and (folder / "config.yaml").is_file()


def _shipped_tasks() -> list[str]:
    return [name for file in sorted(shipped("tasks").rglob("*.yaml")) for name in _keys(file, _TOP_KEY)]


def _tasks_of_run(run: Path) -> list[str]:
    section = _TASKS_OF_RUN.search(_text(run / "config.yaml"))
    return [] if section is None else _INNER_KEY.findall(section[1])


def _keys(file: Path, pattern: re.Pattern[str]) -> list[str]:
    return pattern.findall(_text(file))


def _text(file: Path) -> str:
    """The text of a file; empty if it cannot be read or is too large."""
    with suppress(OSError, ValueError):
        if file.is_file() and file.stat().st_size <= _LARGEST:
            return file.read_text(encoding="utf-8", errors="replace")
    return ""
