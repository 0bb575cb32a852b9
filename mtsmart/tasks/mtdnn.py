"""Task files in MT-DNN's form, turned into definitions of ours.

The keys of a file show that it has this form. What can be used, but means something slightly different here, gives a
warning (``MtsmartWarning``), one line for each kind of difference. What cannot be used is a ConfigError.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mtsmart.config.document import Document, Key, Origin, read_yaml
from mtsmart.errors import ConfigError, did_you_mean, warn
from mtsmart.tasks import mtdnn_tables as tables
from mtsmart.tasks.mtdnn_tables import Kind, Layout
from mtsmart.user_paths import path_of_variable

_WORDS = {"yes": True, "on": True, "no": False, "off": False}  # MT-DNN's YAML reader reads them as booleans.
# Key of a definition -> the key it comes from.
_SOURCES = {
    "dataset": "data_format",
    "text": "data_format",
    "label": "data_format",
    "splits": "split_names",
    "options": "task_type",
    "metrics": "metric_meta",
    "head": "dropout_p",
}


def is_mtdnn(document: Document) -> bool:
    """Whether a task file is in MT-DNN's form."""
    return any(_is_entry(task) for task in document.data.values())


def is_mtdnn_file(path: str) -> bool:
    """Whether a task file that has been read before is in MT-DNN's form."""
    return is_mtdnn(read_yaml(path, []))


def from_mtdnn(document: Document, duplicates: Iterable[ConfigError], data_dir: str | Path | None = None) -> Document:
    """The same tasks as definitions of ours, not yet validated.

    Args:
        document: a task file in MT-DNN's form; entries that are definitions of ours stay as they are.
        duplicates: errors of keys that are given twice, of which the document has the last ones.
        data_dir: folder of the data files; None: the first of ``data_folders`` that has one of the task's.

    Raises:
        ConfigError: something has no counterpart here, or is not MT-DNN's form either.
    """
    notes = _Notes()
    for error in duplicates:
        notes.add(Origin(str(error.file), error.line), "", str(error.key), f"{error.message}; the last one counts")
    data: dict[str, Any] = {}
    origins = dict(document.origins)
    for name, task in document.data.items():
        if not _is_entry(task):
            data[name] = task
            continue
        entry = _Entry(document, name, notes)
        data[name] = entry.definition(data_dir)
        origins = {key: origin for key, origin in origins.items() if len(key) < 2 or key[0] != name}
        origins |= {(name, key): entry.origin(_SOURCES.get(key, key)) for key in data[name]}
        origins[name, "head", "type"] = entry.origin("enable_san")
    notes.warn()
    return Document(data, origins)


def data_folders(folder: Path) -> list[Path]:
    """The folders that may hold the data: ``MTSMART_CANONICAL_DIR``, or some beside ``folder`` and the present one."""
    named = path_of_variable("MTSMART_CANONICAL_DIR")
    if named is not None:
        return [named]
    below = Path("data") / "canonical_data"
    return [folder, folder / "canonical_data", folder / below, Path.cwd() / below]


def _is_entry(task: Any) -> bool:
    return isinstance(task, dict) and bool(tables.SIGNATURE & set(task)) and not {"dataset", "text"} & set(task)


class _Notes:
    """Warnings of a file; tasks with the same warning share one."""

    def __init__(self) -> None:
        self._places: dict[tuple[str, str], list[tuple[Origin, str]]] = {}

    def add(self, origin: Origin, task: str, key: str, message: str) -> None:
        self._places.setdefault((key, message), []).append((origin, task))

    def warn(self) -> None:
        for (key, message), places in self._places.items():
            (origin, task), *others = places
            place = f"{origin.file}:{origin.line}" if origin.line is not None else origin.file
            also = f" (also {', '.join(name for _, name in others)})" if others and task else ""
            dotted = f"{task}.{key}" if task else key
            warn(f"{place}: {dotted}: {message}{also}")


class _Entry:
    """One task of the file."""

    def __init__(self, document: Document, name: str, notes: _Notes) -> None:
        self.document = document
        self.name = name
        self.notes = notes
        self.task: Mapping[str, Any] = document.data[name]

    def definition(self, data_dir: str | Path | None) -> dict[str, Any]:
        """The definition, without values that are our defaults."""
        self._check_keys()
        kind: Kind = self._entry_of("task_type", tables.TASK_TYPES)
        layout: Layout = self._entry_of("data_format", tables.DATA_FORMATS)
        if self.task["data_format"] not in kind.formats:
            hint = f"It goes with: {', '.join(kind.formats)}"
            raise self.error(
                f"does not go with task_type {self.task['task_type']}", "data_format", self.task["data_format"], hint
            )
        names = self._split_names()
        labels = self._labels(kind)
        result = {
            "task_type": kind.task_type,
            "dataset": self._dataset(kind, layout, names, data_dir),
            "text": list(layout.text),
            "label": layout.label,
            "labels": labels if kind.task_type in ("classification", "tagging", "ranking") else None,
            "splits": _our_splits(names),
            "options": self._options(kind),
            "replaces_shipped": True,
            "metrics": self._metrics(kind, labels or []),
            "adv_loss": self._divergence("adv_loss", kind),
            "kd_loss": self._divergence("kd_loss", kind),
            "head": self._head(kind, layout),
        }
        self._check_criterion(kind)
        return {key: value for key, value in result.items() if value not in (None, {}, [])}

    # Parts of the definition ------------------------------------------------------------------------------------

    def _dataset(self, kind: Kind, layout: Layout, names: list[str], data_dir: str | Path | None) -> dict[str, Any]:
        files = {split: f"{self.name}_{split}.{layout.ending}" for split in names}
        here = Path(self.document.origin(()).file).parent
        folders = [Path(data_dir)] if data_dir is not None else data_folders(here)
        # os.path gives False for a name that no file can have; Path raises an error.
        folder = next((f for f in folders if any(os.path.isfile(f / file) for file in files.values())), folders[0])
        dataset: dict[str, Any] = {"files": {split: os.path.abspath(folder / file) for split, file in files.items()}}
        if layout.columns is None:
            dataset["format"] = "jsonl"
        else:
            dataset["columns"] = list(layout.columns)
        dataset["parse"] = dict(layout.parse)
        if kind.task_type == "ranking" and self.task.get("labels"):  # The labels are names, from the worst to the best.
            dataset["parse"] = {"label": "names"}
        return {key: value for key, value in dataset.items() if value}

    def _labels(self, kind: Kind) -> list[str] | None:
        """Label names in order; without any, a classification's are the numbers from 0."""
        given = self._list("labels", "label names")
        count = self.task.get("n_class")
        if count is not None and (isinstance(count, bool) or not isinstance(count, int) or count < 1):
            raise self.error("must be a whole number from 1", "n_class", count)
        if given is None:
            if kind.task_type == "tagging" or (kind.task_type == "classification" and (count or 0) < 2):
                raise self.error("labels are required", "labels" if kind.task_type == "tagging" else "n_class", count)
            return [str(number) for number in range(count or 0)] if kind.task_type == "classification" else None
        labels = [label if isinstance(label, str) else str(label) for label in given]
        if count is not None and count != len(labels) and kind.task_type in ("classification", "tagging"):
            self.note("n_class", f"{count} does not fit the {len(labels)} labels: the labels count")
        if kind.task_type in ("regression", "span", "masked_lm"):
            self.note("labels", f"are ignored: a task of type '{kind.task_type}' has none")
        technical = [label for label in labels if label in tables.SUBWORD_LABELS]
        if kind.task_type == "tagging" and technical:
            self.note("labels", f"without {', '.join(technical)}: a word's first token alone carries its tag here")
            labels = [label for label in labels if label not in technical]
        return labels

    def _split_names(self) -> list[str]:
        given = self._list("split_names", "names of splits")
        names = list(tables.DEFAULT_SPLITS) if given is None else given
        for name in names:
            if not isinstance(name, str):
                raise self.error("must be a list of names of splits", "split_names", name)
        return list(dict.fromkeys(names))

    def _options(self, kind: Kind) -> dict[str, object]:
        options = dict(kind.options)
        if kind.task_type == "span" and "EmF12" in (self._list("metric_meta", "metrics") or []):
            options["no_answer"] = True  # This metric is for data in which some questions have no answer.
        return options

    def _metrics(self, kind: Kind, labels: list[str]) -> list[str] | None:
        ours: list[str] = []
        for metric in self._list("metric_meta", "metrics") or []:
            if metric not in tables.METRICS:
                raise self.error("is no metric of MT-DNN", "metric_meta", metric, did_you_mean(metric, tables.METRICS))
            ours += self._metric(metric, kind, labels)
        return list(dict.fromkeys(ours)) or None

    def _metric(self, metric: str, kind: Kind, labels: list[str]) -> tuple[str, ...]:
        names = tables.METRICS[metric].get(kind.task_type, ())
        if not names:
            self.note("metric_meta", f"{metric} is left out: there is none for task type '{kind.task_type}'")
        elif (metric, kind.task_type) in tables.INEXACT_METRICS:
            self.note("metric_meta", f"{metric} {tables.INEXACT_METRICS[metric, kind.task_type]}")
        if names == ("f1",) and len(labels) != 2:
            self.note("metric_meta", f"{metric} becomes macro_f1: there are {len(labels)} labels, not two")
            return ("macro_f1",)
        if names[:1] == ("entity_f1",) and not all(_is_entity_tag(label) for label in labels):
            self.note("metric_meta", f"{metric} becomes tag_accuracy: the labels mark no spans (B-..., I-..., O)")
            return ("tag_accuracy",)
        return names

    def _divergence(self, key: str, kind: Kind) -> str | None:
        """Our divergence; None for the task type's own."""
        value = self.task.get(key)
        if value is None or value == kind.divergence:
            return None
        if value not in tables.CRITERIA:
            raise self.error("is no criterion of MT-DNN", key, value, did_you_mean(value, tables.CRITERIA))
        ours = tables.DIVERGENCES.get(value)
        own = tables.DIVERGENCES[kind.divergence]
        if ours is None or (ours == "mse") != (own == "mse"):
            self.note(key, f"{value} becomes {own}: it does not compare two predictions of a '{kind.task_type}' task")
            return None
        if value in tables.INEXACT_DIVERGENCES:
            self.note(key, f"{value} {tables.INEXACT_DIVERGENCES[value]}")
        return None if ours == own else ours

    def _check_criterion(self, kind: Kind) -> None:
        value = self.task.get("loss")
        if value is None or value == kind.criterion:
            return
        if value not in tables.CRITERIA:
            raise self.error("is no criterion of MT-DNN", "loss", value, did_you_mean(value, tables.CRITERIA))
        self.note("loss", f"{value} is replaced by the criterion of task type '{kind.task_type}'")

    def _head(self, kind: Kind, layout: Layout) -> dict[str, Any]:
        dropout = self.task.get("dropout_p")
        if dropout is None:
            dropout = tables.DEFAULT_DROPOUT
        if isinstance(dropout, bool) or not isinstance(dropout, (int, float)) or not 0 <= dropout < 1:
            raise self.error("must be a number from 0 to below 1", "dropout_p", dropout)
        san = self.task.get("enable_san", False)
        san = _WORDS.get(san, san) if isinstance(san, str) else san
        if not isinstance(san, bool):
            raise self.error("must be true or false", "enable_san", san)
        if san and (kind.task_type not in ("classification", "regression") or len(layout.text) < 2):
            self.note("enable_san", "is ignored: SAN reads a pair of texts to classify or score")
            san = False
        return {"dropout": float(dropout), **({"type": "san"} if san else {})}

    # Reading ----------------------------------------------------------------------------------------------------

    def _check_keys(self) -> None:
        for key in self.task:
            if key not in tables.KEYS:
                raise self.error("is no key of MT-DNN's task files", key, hint=did_you_mean(key, tables.KEYS))
            if key in tables.IGNORED:
                self.note(key, tables.IGNORED[key])

    def _entry_of(self, key: str, table: Mapping[str, Any]) -> Any:
        """What the value of ``key`` stands for."""
        if key not in self.task:
            raise self.error("is required but missing", key)
        value = self.task[key]
        if not isinstance(value, str) or value not in table:
            known = [name for name, entry in table.items() if not isinstance(entry, str)]
            raise self.error(f"is no {key} of MT-DNN", key, value, did_you_mean(value, known))
        if isinstance(table[value], str):
            raise self.error(f"{value} {table[value]}", key)
        return table[value]

    def _list(self, key: str, what: str) -> list[Any] | None:
        value = self.task.get(key)
        value = [value] if isinstance(value, str) else value
        if value is None:
            return None
        if (
            not isinstance(value, list)
            or not value
            or any(isinstance(item, (dict, list, type(None))) for item in value)
        ):
            raise self.error(f"must be a list of {what}", key, value)
        return value

    def origin(self, key: str) -> Origin:
        """The place of ``key``, or of the task if the key is left out."""
        return self.document.origin((self.name, key))

    def note(self, key: str, message: str) -> None:
        """Warn, after the whole file is read."""
        self.notes.add(self.origin(key), self.name, key, message)

    def error(self, message: str, key: str, value: Any = None, hint: str | None = None) -> ConfigError:
        """An error that names ``key`` and its place."""
        got = {} if value is None else {"value": value}
        path: Key = (self.name, key)
        return self.document.error(message, path, hint=hint, **got)


def _our_splits(names: list[str]) -> dict[str, str]:
    """The splits that are our train, validation and test but have other names."""
    marks = {"train": ("train",), "validation": ("dev", "val"), "test": ("test",)}
    ours = {}
    for split, parts in marks.items():
        if split in names:
            continue
        found = [name for name in names if any(part in name.lower() for part in parts)]
        if found:
            ours[split] = found[0]
    return ours


def _is_entity_tag(label: str) -> bool:
    return label == "O" or (len(label) > 2 and label[0] in "BIESLUMW" and label[1] == "-")
