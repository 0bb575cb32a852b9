"""Writes RESULTS.md of a search, and the experiment with the best settings."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from mtsmart.config.loader import dump_config
from mtsmart.storage.durable import write_text
from mtsmart.storage.owned import OwnedFolder
from mtsmart.sweeps.ledger import FinishedRun, Ledger
from mtsmart.sweeps.page import BEST, BEST_COMMAND, PAGE, SIGN, effort
from mtsmart.sweeps.plan import Job
from mtsmart.sweeps.search.plan import SearchPlan, SearchQueue
from mtsmart.sweeps.search.study import Tried
from mtsmart.text.escaping import markdown
from mtsmart.text.json_text import json_text

_INTRODUCTION = (
    f"{SIGN} from runs.jsonl, which has a line for each trial. Scores are those of the last evaluation, times 100. The "
    "best of many trials is chosen on the validation rows that it is scored on, so its score is too good: score it on "
    "other rows, or train it with other seeds. A trial whose end is early was below the median of the trials before it "
    "and was not trained further."
)


@dataclass(frozen=True)
class Search:
    """What a search trains, and the page about it.

    Attributes:
        plan: the trials.
    """

    plan: SearchPlan

    @property
    def planned(self) -> int:
        """The number of all trials."""
        return self.plan.search.trials

    @property
    def may_mix(self) -> bool:
        """Whether runs that leave their precision open may have different ones. Trials are there to be compared."""
        return False

    @property
    def unused(self) -> Sequence[str]:
        """Nothing of a search is left out."""
        return ()

    def done(self, ledger: Ledger) -> int:
        """The number of trials that have ended."""
        return len(self.plan.lines(ledger))

    def queue(self, ledger: Ledger) -> SearchQueue:
        """The trials that are left."""
        return SearchQueue(self.plan, ledger)

    def samples(self, ledger: Ledger) -> Iterable[Job]:
        """A trial with the first values of the space, unless all trials have ended."""
        values = {name: each.ends[0] for name, each in self.plan.search.space.items()}
        return [self.plan.job(1, values, [])] if self.done(ledger) < self.planned else []

    def write(self, ledger: Ledger, owned: OwnedFolder, notify: Callable[[str], None]) -> None:
        """Write the page and the best settings, and tell these."""
        write_search_page(self.plan, ledger, owned)
        line = best_line(self.plan, ledger, owned)
        if line is not None:
            notify(line)


def write_search_page(plan: SearchPlan, ledger: Ledger, owned: OwnedFolder) -> None:
    """Write RESULTS.md and best.yaml into a sweep's folder.

    Raises:
        StorageError: a file cannot be written, or a file of others has its name.
    """
    lines = plan.lines(ledger)
    owned.check([PAGE, BEST])
    best = best_of(plan, lines)
    parts = [f"# {markdown(plan.name)}", _INTRODUCTION, _best_text(best), _table(plan, lines, best)]
    if best is not None:
        owned.claim(BEST)
        write_text(owned.path / BEST, dump_config(plan.experiment(best.values).config), owned.scratch)
    parts.append(effort(list(lines.values()), plan.search.trials))
    owned.claim(PAGE)
    write_text(owned.path / PAGE, "\n\n".join(parts) + "\n", owned.scratch)


def best_line(plan: SearchPlan, ledger: Ledger, owned: OwnedFolder) -> str | None:
    """The best trial in one line, for the terminal; None before a trial is finished."""
    best = best_of(plan, plan.lines(ledger))
    if best is None:
        return None
    settings = " ".join(shlex.quote(f"{name}={_shown(value)}") for name, value in best.values.items())
    return f"best: trial {best.number}, {best.score:.4f}, {settings}; mtsmart train {owned.path / BEST}"


def best_of(plan: SearchPlan, lines: dict[int, FinishedRun]) -> Tried | None:
    """The trial with the highest score, of two the earlier one. Trials that ended early are left out."""
    finished = [one for run in lines.values() if not (one := plan.tried(run)).is_pruned]
    return max(finished, key=lambda one: (one.score, -one.number), default=None)


def _best_text(best: Tried | None) -> str:
    if best is None:
        return "No trial is finished yet."
    return f"The best is trial {best.number}. {BEST_COMMAND} trains it again."


def _table(plan: SearchPlan, lines: dict[int, FinishedRun], best: Tried | None) -> str:
    goal = "score" if plan.search.task is None else f"score of {plan.search.task}"
    names = list(plan.search.space)
    head = ["trial", goal, *names, "evaluations", "updates", "end"]
    tried = [(plan.tried(run), run) for run in lines.values()]
    rows = ["| " + " | ".join(map(markdown, head)) + " |", "|" + "---|" * len(head)]
    for one, run in sorted(tried, key=lambda pair: (pair[0].is_pruned, -pair[0].score, pair[0].number)):
        score = f"{100 * one.score:.2f}"
        cells = [
            str(one.number),
            f"**{score}**" if best is not None and one.number == best.number else score,
            *(markdown(_shown(one.values[name])) for name in names),
            str(len(one.curve) or "-"),  # Those of a run that another sweep trained are not known.
            f"{run.updates:,}",
            "early" if one.is_pruned else "full",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _shown(value: object) -> str:
    """A value as it is written in YAML."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json_text(value)
