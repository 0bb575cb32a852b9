"""The library of tasks: finds them by name, suite or pattern in the shipped task files and in the user's own."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from mtsmart.config.document import Document, Origin, read_yaml
from mtsmart.config.loader import Experiment, absolute_files
from mtsmart.config.reading.kinds import check_tasks
from mtsmart.config.validate import validate
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.resources import shipped
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.tasks.mtdnn import from_mtdnn, is_mtdnn
from mtsmart.text.counts import counted
from mtsmart.text.html import html_table
from mtsmart.text.names import Kind, clash_with, problem_of, same_for_files
from mtsmart.user_paths import hint_for_absent, is_pattern


@dataclass(frozen=True)
class Entry:
    """A task as a file gives it; ``document`` is that one task's mapping."""

    name: str
    document: Document

    @cached_property
    def definition(self) -> TaskDefinition:
        """The validated definition."""
        return validate(TaskDefinition, self.document)

    @property
    def suite(self) -> str | None:
        """The suite, read without validating the rest."""
        suite = self.document.data.get("suite")
        return suite if isinstance(suite, str) else None

    @property
    def replaces_shipped(self) -> bool:
        """Whether the task may take the place of a shipped one, read without validating the rest."""
        return self.document.data.get("replaces_shipped") is True

    def is_from(self, paths: Iterable[Path]) -> bool:
        """Whether the task stands in one of the files, or below one of the folders."""
        file = Path(self.document.origin(()).file).resolve()
        return any(file.is_relative_to(path.resolve()) for path in paths)


class TaskLibrary(Mapping[str, TaskDefinition]):
    """All known tasks; a definition is validated when it is asked for."""

    def __init__(self, files: Iterable[str | Path] = ()) -> None:
        """Read the task files. The tasks that come with the package are known too.

        Args:
            files: the user's task files, or folders of them.

        Raises:
            ConfigError: a file that is not a task file, or a name that stands in two files.
        """
        self._entries: dict[str, Entry] = {}
        known = {path.resolve() for path in _shipped_files()}
        for entry in _shipped_entries():
            self._add(Entry(entry.name, entry.document))  # Each library validates for itself.
        for path in (path for file in files for path in _yaml_files(Path(file))):
            if path.resolve() not in known:
                for entry in read_task_file(path):
                    self._add(entry)

    def _add(self, entry: Entry) -> None:
        known = self._entries.get(entry.name)
        if known is not None and not (entry.replaces_shipped and known.is_from([shipped("tasks")])):
            first, again = (e.document.origin(()) for e in (known, entry))
            raise ConfigError(
                f"a task of this name is already defined in {first.file}, line {first.line}",
                file=again.file,
                line=again.line,
                key=entry.name,
                hint="Give it another name",
            )
        self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> TaskDefinition:
        return self.entry(name).definition

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"TaskLibrary({counted(len(self), 'task')}: {', '.join(self)})"

    def _repr_html_(self) -> str:
        """A line for each task, for notebooks. The definitions are not validated for it."""
        rows = [
            [name, *(_text_of(entry, key) for key in ("suite", "task_type", "description"))]
            for name, entry in self._entries.items()
        ]
        return html_table(counted(len(self), "task"), ["task", "suite", "type", "description"], rows)

    def entry(self, name: str) -> Entry:
        """The unvalidated entry called ``name``.

        Raises:
            ConfigError: there is none.
        """
        if name not in self._entries:
            raise ConfigError("there is no task of this name", value=name, hint=did_you_mean(name, self))
        return self._entries[name]

    def has(self, pattern: str) -> bool:
        """Whether ``pattern`` stands for any task, as :meth:`find` reads it."""
        return bool(self._matches(pattern))

    def _matches(self, pattern: str) -> list[str]:
        if pattern in self._entries:
            return [pattern]
        suite = [name for name, entry in self._entries.items() if entry.suite == pattern]
        return suite or fnmatch.filter(self._entries, pattern)

    def find(self, pattern: str) -> list[str]:
        """Names that ``pattern`` stands for: one task, a suite's tasks, or the matches of a glob.

        Raises:
            ConfigError: it stands for none.
        """
        if names := self._matches(pattern):
            return names
        suites = {entry.suite for entry in self._entries.values() if entry.suite}
        raise ConfigError(
            "there is no task, suite or match of this name", value=pattern, hint=did_you_mean(pattern, {*self, *suites})
        )


def _text_of(entry: Entry, key: str) -> str:
    """A setting of a task that is not validated."""
    value = entry.document.data.get(key)
    return " ".join(value.split()) if isinstance(value, str) else ""


@cache
def _shipped_files() -> list[Path]:
    return sorted(shipped("tasks").rglob("*.yaml"))


@cache
def _shipped_entries() -> list[Entry]:
    """The tasks that come with the package. They do not change, so a process reads them once."""
    return [entry for path in _shipped_files() for entry in read_task_file(path)]


def read_task_file(path: str | Path, data_dir: str | Path | None = None) -> list[Entry]:
    """The entries of one task file, in our form or MT-DNN's, not yet validated; relative data files become absolute.

    Args:
        path: the file.
        data_dir: folder of the data files of tasks in MT-DNN's form; None: it is looked for.

    Raises:
        ConfigError: the file is no mapping of task names to definitions, or two names differ only in the case of their
            letters.
    """
    duplicates: list[ConfigError] = []
    document = read_yaml(path, duplicates)
    if is_mtdnn(document):
        document = from_mtdnn(document, duplicates, data_dir)
    else:
        check_tasks(document, str(path))
        if duplicates:
            raise duplicates[0]
    for task in document.data.values():
        absolute_files(task, Path(path).parent)
    check_names(document.data, document)
    return [task_entry(document, name) for name in document.data]


def check_names(names: Collection[str], document: Document) -> None:
    """Refuse names that cannot be those of files.

    Args:
        names: the names of all tasks of a file, an experiment or a run.
        document: the document in which they stand, for the places in errors.

    Raises:
        ConfigError: a text is no name, or two names differ only in the case of their letters.
    """
    for name in names:
        if (problem := problem_of(name, Kind.WORD)) is not None:
            raise document.error(problem, (name,))
    if (pair := same_for_files(names)) is not None:
        first, second = pair
        raise document.error(clash_with(first), (second,), hint="Give one of the two tasks another name")


def task_entry(document: Document, name: str) -> Entry:
    """One task's entry out of a document of several."""
    value = document.data[name]
    check_names([name], document)
    if not isinstance(value, dict):
        raise document.error("must be a mapping with task_type, dataset, text ...", (name,), value=value)
    below = document.below(name)
    if isinstance(below.data.get("text"), str):
        below.data["text"] = [below.data["text"]]
    return Entry(name, below)


def select_tasks(experiment: Experiment, known: Mapping[str, TaskDefinition] | None = None) -> dict[str, Entry]:
    """The tasks of an experiment, in its order, with the experiment's changes.

    An entry under ``tasks:`` that has a ``dataset`` and is in no library is a definition of its own.

    Args:
        experiment: names the tasks.
        known: definitions that stand before the shipped ones, such as those of the run that training starts from;
            the experiment's own task files stand before them.

    Raises:
        ConfigError: an unknown task, or a definition that does not fit.
    """
    config = experiment.config
    document = experiment.document
    _check_task_files(experiment)
    library = TaskLibrary(config.task_files)
    here = document.below("tasks")
    own_files = [Path(file) for file in config.task_files]
    known = {
        name: definition
        for name, definition in (known or {}).items()
        if name not in library or not library.entry(name).is_from(own_files)
    }
    selected: dict[str, Entry] = {}
    for pattern, changes in config.tasks.items():
        if pattern not in library and pattern not in known and "dataset" in changes:
            selected[pattern] = task_entry(here, pattern)
            continue
        for name in [pattern] if pattern in known else _find(library, document, pattern):
            if name != pattern and name in config.tasks:
                continue  # Its own entry holds its settings.
            base = _known_document(name, known[name]) if name in known else library.entry(name).document
            merged = base.merged(task_entry(here, pattern).document) if changes else base
            selected[name] = Entry(name, merged)
    check_names(selected, here)
    _check_shared_heads(selected, here, {*library, *known, *selected})
    return selected


def _check_task_files(experiment: Experiment) -> None:
    """Refuse an experiment of which a task file is not there.

    Raises:
        ConfigError: names the line, and says why or which file is meant.
    """
    document = experiment.document
    for index, file in enumerate(experiment.config.task_files):
        if Path(file).exists():
            continue
        key = ("task_files", index) if ("task_files", index) in document.origins else ("task_files",)
        hint = "Patterns are not expanded here, so name each file, or their folder" if is_pattern(file) else None
        message = f"{file}: cannot be read: No such file or directory"
        raise document.error(message, key, hint=hint or hint_for_absent(file))


def _known_document(name: str, definition: TaskDefinition) -> Document:
    origin = Origin("the run that training starts from", above=("tasks", name))
    # The run's own head goes on, not the one that it has started from.
    return Document(definition.model_dump(exclude_defaults=True, exclude={"init"}), {(): origin})


def _find(library: TaskLibrary, document: Document, pattern: str) -> list[str]:
    try:
        return library.find(pattern)
    except ConfigError as error:
        raise document.error(error.message, ("tasks", pattern), hint=error.hint) from None


def check_owner(entry: Entry, known: Collection[str]) -> None:
    """Refuse a task that shares the head of a task that does not exist.

    Raises:
        ConfigError: names the file, the line and the nearest task.
    """
    owner = entry.definition.share_head
    if owner is not None and owner not in known:
        raise entry.document.error("names no task", ("share_head",), value=owner, hint=did_you_mean(owner, known))


def _check_shared_heads(tasks: Mapping[str, Entry], here: Document, known: Collection[str]) -> None:
    for name, entry in tasks.items():
        owner = entry.definition.share_head
        if owner is None:
            continue
        check_owner(entry, known)
        if owner not in tasks:
            message = f"shares the head of '{owner}', which is not among the tasks"
            hint = f"Add '{owner}', or evaluate '{name}' on a run that has it"
            raise here.error(message, (name,), hint=hint)
        lender = tasks[owner].definition.share_head
        if lender is not None:
            message = "names a task that has no head of its own"
            raise entry.document.error(message, ("share_head",), value=owner, hint=f"It shares the head of '{lender}'")


def _yaml_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted([*path.rglob("*.yaml"), *path.rglob("*.yml")])
    return [path]
