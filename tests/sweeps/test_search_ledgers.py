"""A search goes on with the ledger of an earlier version, or of another search, and says what it takes over."""

import pytest

from mtsmart.sweeps.ledger import LEDGER, Ledger
from mtsmart.sweeps.search.page import Search
from mtsmart.sweeps.search.plan import record_of
from mtsmart.sweeps.search.study import Tried, propose
from mtsmart.sweeps.work.fingerprint import Fingerprints
from tests.sweeps.grids import SEARCH, line_of

pytest.importorskip("optuna", reason="optuna is not installed")


def fill(plan, ledger, sampler):
    """Add the lines of all trials, as a sampler draws them one after the other."""
    search = plan.search.model_copy(update={"sampler": sampler})
    tried = []
    for number in range(1, search.trials + 1):
        values = propose(search, number, tried)
        job = plan.job(number, values, [])
        ledger.add(line_of(job, 1 / number, trial=record_of(job.trial, [1 / number], is_pruned=False)))
        tried.append(Tried(number, values, 1 / number))


def test_a_search_of_an_earlier_version_goes_on_with_labels_of_equal_meaning(workspace, search_of, tmp_path):
    """Earlier versions kept labels by their YAML value."""
    text = workspace.tasks.read_text()
    workspace.tasks.write_text(text.replace("[other, red]", "['0', '1']"))
    old = search_of()
    ledger = Ledger(tmp_path / LEDGER)
    fill(old, ledger, "tpe")
    workspace.tasks.write_text(text.replace("[other, red]", "[00, 01]"))
    assert search_of().study != old.study
    new = search_of(fingerprints=Fingerprints(tmp_path / LEDGER))
    assert new.study == old.study and Search(new).done(ledger) == 14
    line = new.lines(ledger)[1]
    assert new.job(1, line.trial.values, []).config == line.config


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_trials_whose_scores_are_taken_over_do_not_count_as_to_be_trained(search_of, tmp_path, sampler):
    ledger = Ledger(tmp_path / LEDGER)
    short = SEARCH.replace("trials: 14", "trials: 3")
    assert Search(search_of(short)).queue(ledger).to_train(2) == "at most 3"
    fill(search_of(short), ledger, sampler)
    settings = ["search.task=color", f"search.sampler={sampler}"]
    other = search_of(SEARCH, *settings)
    queue = Search(other).queue(ledger)
    assert queue.to_train(2) == "at most 11" and len(queue) == 11
    assert list(other.lines(Ledger(tmp_path / LEDGER))) == [1, 2, 3]
    assert Search(search_of(short, *settings, "search.pruner=none")).queue(ledger).to_train(2) == "0"


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_trials_that_another_sampler_drew_are_told(search_of, tmp_path, monkeypatch, sampler):
    """Earlier versions kept the trials of both samplers in one search."""
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    fill(search_of(), Ledger(tmp_path / LEDGER), sampler)
    known = Fingerprints(tmp_path / LEDGER)
    told = Search(search_of(fingerprints=known)).unused
    assert len(told) == (sampler == "random")
    if told:
        assert "all 2 trials after trial 12 have the settings that search.sampler=random draws" in told[0]
        again = Search(search_of(SEARCH, "search.sampler=random", fingerprints=known))
        assert again.unused == () and again.queue(Ledger(tmp_path / LEDGER)).to_train(1) == "0"
