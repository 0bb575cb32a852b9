"""A mistake in the data that all runs of a sweep share is one line before any run."""

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.errors import DataError
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.work.shared_data import refuse_unreadable


def test_a_column_of_groups_that_is_not_there_is_told_before_any_run(workspace, cli):
    text = workspace.experiment.read_text() + "folds: {count: 3, group_column: nosuch}\n"
    file = workspace.write_experiment(text)
    result = cli("sweep", file, "tasks=[color]")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "there is no such column" in result.err and "label, text" in result.err and "failed" not in result.err
    assert not (workspace.folder / "sweeps").exists()


def test_data_that_some_runs_can_read_does_not_stop_the_others(workspace, tmp_path):
    tables = "  tables: {first: {tasks: [color]}, second: {tasks: [near]}}\n"
    text = workspace.experiment.read_text() + "grid:\n  seeds: [1]\n  arms: {one: {}}\n" + tables
    plan = make_plan(load_experiment(workspace.write_experiment(text)), [], tmp_path / "s")
    (workspace.folder / "color_train.jsonl").unlink()
    refuse_unreadable(plan.jobs)
    (workspace.folder / "near_train.jsonl").unlink()
    with pytest.raises(DataError, match="color_train"):
        refuse_unreadable(plan.jobs)


def test_a_search_reads_the_data_that_its_trials_share(workspace, cli):
    pytest.importorskip("optuna", reason="optuna is not installed")
    space = "search: {trials: 2, space: {optimizer.learning_rate: {low: 0.1, high: 0.2}}}\n"
    file = workspace.write_experiment(workspace.experiment.read_text() + space)
    (workspace.folder / "color_train.jsonl").unlink()
    result = cli("sweep", file)
    assert result.code == 2 and result.out == "" and "color_train" in result.err
