"""One precision for the runs of a sweep that leave it to mtsmart (``training.precision: auto``).

Scores of two precisions are not compared in silence. A run that names its precision is not concerned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mtsmart.config.loader import build_experiment
from mtsmart.errors import ConfigError, TrainingError
from mtsmart.sweeps.ledger import FinishedRun
from mtsmart.sweeps.plan import Job

AUTO = "auto"
_KEY = "training.precision"
_HINT = f"Say which one all runs have, such as {_KEY}=float32, or allow both: grid.mixed_precision=true"


@dataclass(frozen=True)
class Chosen:
    """What was chosen for a run.

    Attributes:
        label: the run's readable name.
        precision: ``float32`` or ``bfloat16``.
        reason: why, in a few words.
    """

    label: str
    precision: str
    reason: str

    def __str__(self) -> str:
        return f"{self.precision} ({self.label}: {self.reason})"


@dataclass(frozen=True)
class Precisions:
    """What was chosen on this machine.

    Attributes:
        of_configs: hash of a configuration -> the choice.
    """

    of_configs: Mapping[str, Chosen] = field(default_factory=dict)

    def settled(self, job: Job) -> Job:
        """The run with its precision; as it is where it names one, or where nothing could be chosen.

        A trial of a search has the choice of the first one, so that all trials have the same.
        """
        first = next(iter(self.of_configs.values()), None)
        choice = self.of_configs.get(job.config, first)
        if choice is None or not is_open(job):
            return job
        # Nothing else of the document is read again with another meaning: the item comes last.
        experiment = build_experiment(job.experiment.document, [f"{_KEY}={choice.precision}"])
        return replace(job, experiment=experiment, precision=choice.precision)


def is_open(job: Job) -> bool:
    """Whether a run leaves its precision to mtsmart."""
    return job.experiment.config.training.precision == AUTO


def open_jobs(jobs: Iterable[Job]) -> list[Job]:
    """One run for each configuration that leaves its precision open."""
    return list({job.config: job for job in jobs if is_open(job)}.values())


def not_chosen(reason: str) -> TrainingError:
    """The error of a sweep whose choice failed: each run would then choose for itself, perhaps differently."""
    hint = f"Say which one all runs have, such as {_KEY}=float32"
    return TrainingError(f"cannot be chosen: {reason}", key=_KEY, value=AUTO, hint=hint)


def refuse_mixed(found: Iterable[Chosen], finished: Iterable[FinishedRun], may_mix: bool) -> None:
    """Refuse runs whose precision was left open and is not the same.

    Args:
        found: what is chosen for the runs that are left.
        finished: the lines of the ledger.
        may_mix: whether the experiment allows it.

    Raises:
        ConfigError: names both precisions, and what to write.
    """
    known: dict[str, str] = {}
    for run in finished:
        if run.precision is not None:
            known.setdefault(run.precision, f"{run.precision} ({run.run}, seed {run.seed}, on {run.machine})")
    for choice in found:
        known.setdefault(choice.precision, str(choice))
    if len(known) > 1 and not may_mix:
        message = f"the runs that leave it open would be compared in {' and in '.join(known.values())}"
        raise ConfigError(message, key=_KEY, value=AUTO, hint=_HINT)
