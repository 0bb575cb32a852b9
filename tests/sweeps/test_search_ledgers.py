"""A search says how many trials may be trained, and takes over the scores of trials with the same settings."""

import pytest

from mtsmart.sweeps.ledger import LEDGER, Ledger
from mtsmart.sweeps.search.page import Search
from mtsmart.sweeps.search.plan import record_of
from mtsmart.sweeps.search.study import Tried, propose
from tests.sweeps.grids import SEARCH, line_of

pytest.importorskip("optuna", reason="optuna is not installed")


def fill(plan, ledger):
    """Add the lines of all trials, as the sampler draws them one after the other."""
    tried = []
    for number in range(1, plan.search.trials + 1):
        values = propose(plan.search, number, tried)
        job = plan.job(number, values, [])
        ledger.add(line_of(job, 1 / number, trial=record_of(job.trial, [1 / number], is_pruned=False)))
        tried.append(Tried(number, values, 1 / number))


def test_trials_whose_scores_are_taken_over_may_not_be_trained(search_of, tmp_path):
    """The search with another objective draws the same settings in its first trials."""
    ledger = Ledger(tmp_path / LEDGER)
    short = SEARCH.replace("trials: 14", "trials: 3")
    assert Search(search_of(short)).queue(ledger).to_train() == "at most 3"
    fill(search_of(short), ledger)
    assert Search(search_of(short)).queue(ledger).to_train() == "at most 0"
    other = search_of(SEARCH, "search.task=color")
    queue = Search(other).queue(ledger)
    assert queue.to_train() == "at most 14"
    assert queue.next((), 1).trial.number == 4
    assert queue.to_train() == "at most 10"
    assert list(other.lines(Ledger(tmp_path / LEDGER))) == [1, 2, 3]
