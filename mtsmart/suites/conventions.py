"""How suites are reported by those who made them: which scores make a line, and which lines make the average."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from mtsmart.tasks.library import TaskLibrary


class Overall(Enum):
    """How one number comes from the lines.

    Attributes:
        MEAN: each line counts alike.
        ROWS: each row counts alike, so a line counts as often as it has rows.
    """

    MEAN = auto()
    ROWS = auto()


@dataclass(frozen=True)
class Part:
    """A score: a task's metric; None: its main metric."""

    task: str
    metric: str | None = None


@dataclass(frozen=True)
class Line:
    """A line of a report. Its score is the mean of its parts."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Suite:
    """A suite of tasks.

    Attributes:
        name: as the command line knows it.
        lines: of the report.
        overall: how the lines make one number.
        split: the split that is scored.
        by: columns of the data; the report also has the scores for each combination of their values.
    """

    name: str
    lines: tuple[Line, ...]
    overall: Overall = Overall.MEAN
    split: str = "validation"
    by: tuple[str, ...] = ()

    @property
    def tasks(self) -> list[str]:
        """The tasks of all lines, each once."""
        return list(dict.fromkeys(part.task for line in self.lines for part in line.parts))


def _line(title: str, task: str, *metrics: str) -> Line:
    """A line of one task: the mean of some of its metrics, or of its main one."""
    return Line(title, tuple(Part(task, metric) for metric in metrics) or (Part(task),))


_GLUE = Suite(
    "glue",
    (
        _line("CoLA", "cola", "mcc"),
        _line("SST-2", "sst2", "accuracy"),
        _line("MRPC", "mrpc", "f1", "accuracy"),
        _line("STS-B", "stsb", "pearson", "spearman"),
        _line("QQP", "qqp", "f1", "accuracy"),
        Line("MNLI", (Part("mnli", "accuracy"), Part("mnli_mismatched", "accuracy"))),
        _line("QNLI", "qnli", "accuracy"),
        _line("RTE", "rte", "accuracy"),
        _line("WNLI", "wnli", "accuracy"),
    ),
)
_SUPERGLUE = Suite(
    "superglue",
    (
        _line("BoolQ", "boolq", "accuracy"),
        _line("CB", "cb", "macro_f1", "accuracy"),
        _line("COPA", "copa", "accuracy"),
        _line("MultiRC", "multirc", "f1", "group_exact"),
        _line("ReCoRD", "record", "answer_f1", "answer_exact"),
        _line("RTE", "superglue_rte", "accuracy"),
        _line("WiC", "wic", "accuracy"),
        _line("WSC", "wsc", "accuracy"),
    ),
)
# Its authors give QQP two scores, and MNLI one for each half of the genres; the average is over five tasks.
_ADVGLUE = Suite(
    "advglue",
    (
        _line("SST-2", "adv_sst2", "accuracy"),
        _line("QQP", "adv_qqp", "accuracy", "f1"),
        Line("MNLI", (Part("adv_mnli", "accuracy"), Part("adv_mnli_mismatched", "accuracy"))),
        _line("QNLI", "adv_qnli", "accuracy"),
        _line("RTE", "adv_rte", "accuracy"),
    ),
)
_ANLI = Suite(
    "anli",
    tuple(_line(f"round {number}", f"anli_r{number}", "accuracy") for number in (1, 2, 3)),
    Overall.ROWS,
    "test",
)
_HANS = Suite("hans", (_line("all rows", "hans", "accuracy"),), by=("label", "heuristic"))
SUITES = {suite.name: suite for suite in (_GLUE, _SUPERGLUE, _ADVGLUE, _ANLI, _HANS)}
_ON_TEST = ("paws", "snli_cad", "wanli")
"""Tasks whose authors report the test split, whose labels are public."""


def find_suite(name: str, library: TaskLibrary) -> Suite:
    """A suite by its name. One without a convention has a line for each task, which shows its main metric.

    Args:
        name: of a suite, a task, or a pattern of tasks.
        library: all tasks.

    Raises:
        ConfigError: it stands for no task.
    """
    if name in SUITES:
        return SUITES[name]
    tasks = library.find(name)
    split = "test" if all(task in _ON_TEST for task in tasks) else "validation"
    return Suite(name, tuple(_line(task, task) for task in tasks), split=split)
