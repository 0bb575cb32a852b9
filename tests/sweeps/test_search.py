"""The search for settings: what is tried, what ends early, and that a killed search goes on as if it had not been."""

import math
import random
import re
import statistics
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import mtsmart
from mtsmart.config.loader import build_experiment, load_experiment
from mtsmart.config.sweeps.search import RangeConfig, SearchConfig
from mtsmart.errors import MtsmartError, StorageError
from mtsmart.storage.owned import MARKER, OwnedFolder
from mtsmart.sweeps.folder import own_sweep
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.page import BEST
from mtsmart.sweeps.plan import make_plan
from mtsmart.sweeps.search.page import Search
from mtsmart.sweeps.search.plan import record_of
from mtsmart.sweeps.search.study import Tried, is_hopeless, propose
from mtsmart.sweeps.work.grid import Grid
from mtsmart.sweeps.worker import train_job
from tests.sweeps.grids import SEARCH, line_of, marked

pytest.importorskip("optuna", reason="optuna is not installed")

SPACE = {
    "optimizer.learning_rate": RangeConfig(low=1e-5, high=1e-1, log=True),
    "optimizer.weight_decay": RangeConfig(low=0.0, high=1.0),
    "training.epochs": RangeConfig(low=1, high=8),
    "training.batch_size": RangeConfig(choices=[8, 16, 32]),
}


def surface(values):
    """Highest at a learning rate of 1e-3, a weight decay of 0.3, 5 epochs and batches of 16."""
    rate, decay, epochs, size = values.values()
    return -((math.log10(rate) + 3) ** 2) - 4 * (decay - 0.3) ** 2 - 0.02 * (epochs - 5) ** 2 - 0.3 * (size != 16)


def best_of(search, surface):
    tried = []
    for number in range(1, search.trials + 1):
        values = propose(search, number, [] if search.sampler == "random" else tried)
        tried.append(Tried(number, values, surface(values)))
    return max(one.score for one in tried)


@pytest.mark.slow
def test_tpe_finds_better_settings_than_random_search():
    """Both have the same first trials, and then the same number of others."""
    wins = 0
    for seed in range(10):
        tpe, any_ = (SearchConfig(space=SPACE, trials=40, sampler=name, seed=seed) for name in ("tpe", "random"))
        wins += best_of(tpe, surface) > best_of(any_, surface)
    assert wins >= 9


@settings(max_examples=15)
@given(number=st.integers(1, 1000), seed=st.integers(0, 5), sampler=st.sampled_from(["tpe", "random"]))
def test_settings_are_within_their_ranges_and_the_same_again(number, seed, sampler):
    search = SearchConfig(space=SPACE, sampler=sampler, seed=seed)
    values = propose(search, number, [])
    assert values == propose(search, number, []) and list(values) == list(SPACE)
    rate, decay, epochs, size = values.values()
    assert 1e-5 <= rate <= 1e-1 and 0 <= decay <= 1
    assert isinstance(epochs, int) and 1 <= epochs <= 8 and size in (8, 16, 32)


@settings(max_examples=25)
@given(
    curves=st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=0, max_size=8),
    curve=st.lists(st.floats(0, 1), min_size=1, max_size=3),
)
def test_a_trial_below_the_median_is_hopeless(curves, curve):
    search = SearchConfig(space=SPACE)
    values = propose(search, 1, [])
    earlier = [Tried(number, values, each[-1], tuple(each)) for number, each in enumerate(curves, 1)]
    pruned = Tried(99, values, 1.0, (1.0, 1.0, 1.0), is_pruned=True)  # It does not count.
    below = len(curves) >= 5 and max(curve) < statistics.median(each[len(curve) - 1] for each in curves)
    assert is_hopeless(search, curve, [*earlier, pruned]) == below
    assert not is_hopeless(search.model_copy(update={"pruner": "none"}), curve, earlier)
    assert not is_hopeless(search, [*curve[:-1], None], earlier)


def score_of(values):
    rate, size = values.values()
    return 1 / (1 + (math.log10(rate) + 3) ** 2) - 0.1 * (size == 4)


def run(queue, ledger, rng, stop_after=math.inf):
    """Train all trials that are left, three at a time, in any order of their ends; or stop in the midst of it."""
    working, ended = {}, 0
    while ended < stop_after:
        while len(working) < 3 and (job := queue.next(working, 3)):
            working[job.key] = job
        if not working:
            return
        job = working.pop(rng.choice(list(working)))
        score = score_of(job.trial.values)
        pruned = score < 0.3
        record = record_of(job.trial, [score / 2] if pruned else [score / 2, score], pruned)
        finished = line_of(job, score, trial=record)
        ledger.add(finished)
        queue.done(job, finished)
        ended += 1


def records(file, plan):
    return {number: run.trial for number, run in plan.lines(Ledger(file)).items()}


def test_a_killed_search_goes_on_to_the_same_ledger(search_of, tmp_path):
    """Trials end in any order, and a kill leaves a line incomplete; the settings of a trial depend on neither."""
    plan = search_of()
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    ledger = Ledger(whole)
    run(Search(plan).queue(ledger), ledger, random.Random(0))
    rng = random.Random(1)
    for stop_after in (1, 4, 3, math.inf):
        ledger = Ledger(killed)
        run(Search(plan).queue(ledger), ledger, rng, stop_after)
        with killed.open("a") as stream:
            stream.write('{"run": "trial')
    assert sorted(records(whole, plan)) == list(range(1, 15))
    assert records(killed, plan) == records(whole, plan)
    more = search_of(SEARCH.replace("trials: 14", "trials: 16"))
    ledger = Ledger(killed)
    assert len(Search(more).queue(ledger)) == 2, "more trials continue the same search"
    other = search_of(SEARCH.replace("1e-2", "1e-1"))
    assert len(Search(other).queue(ledger)) == 14, "another space is another search"


def test_settings_that_were_trained_before_are_not_trained_again(search_of, tmp_path):
    space = (
        "search:\n  trials: 5\n  space: {training.batch_size: {choices: [4, 8]}, training.epochs: {low: 1, high: 2}}\n"
    )
    plan = search_of(space)
    ledger = Ledger(tmp_path / "l.jsonl")
    queue = Search(plan).queue(ledger)
    trained = []
    while (job := queue.next([], 1)) is not None:
        trained.append(job.key)
        finished = line_of(job, 0.5, trial=record_of(job.trial, [0.5], False))
        ledger.add(finished)
        queue.done(job, finished)
    assert len(trained) == len(set(trained)) <= 4 and len(queue) == 0
    assert list(plan.lines(Ledger(tmp_path / "l.jsonl"))) == [1, 2, 3, 4, 5]


EVERY = "search: {trials: 4, sampler: random, space: {training.batch_size: {choices: [4, 8, 16, 32]}}}\n"


def end_all(plan, ledger, is_pruned=False):
    """End all trials that are left with the scores 0.5 and 0.6, one at a time; the settings of those trained."""
    queue = Search(plan).queue(ledger)
    trained = []
    while (job := queue.next([], 1)) is not None:
        trained.append(job.trial.values)
        finished = line_of(job, 0.6, trial=record_of(job.trial, [0.5, 0.6], is_pruned))
        ledger.add(finished)
        queue.done(job, finished)
    return trained


def test_a_search_takes_over_the_scores_of_another_search_but_not_its_curves(search_of, tmp_path):
    ledger = Ledger(tmp_path / "l.jsonl")
    assert end_all(search_of(EVERY), ledger)
    other = search_of(EVERY, "search.task=color")
    assert end_all(other, ledger) == []
    assert [other.score(run) for run in other.lines(ledger).values()] == [0.6] * 4
    assert [record.curve for record in records(tmp_path / "l.jsonl", other).values()] == [[]] * 4


@pytest.mark.parametrize("other", ["search.seed=1", "search.sampler=tpe", "search.pruner=none"])
def test_another_way_to_search_is_another_search(search_of, tmp_path, other):
    ledger = Ledger(tmp_path / "l.jsonl")
    end_all(search_of(EVERY), ledger)
    changed = search_of(EVERY, other)
    assert Search(changed).done(ledger) == 0
    end_all(changed, ledger)
    proposed = {number: propose(changed.search, number, []) for number in (1, 2, 3, 4)}  # The first ones are at random.
    assert {number: record.values for number, record in records(tmp_path / "l.jsonl", changed).items()} == proposed
    assert Search(search_of(EVERY)).done(ledger) == 4


def test_trials_of_another_search_that_ended_early_are_trained(search_of, tmp_path):
    ledger = Ledger(tmp_path / "l.jsonl")
    own = search_of(EVERY)
    tried = end_all(own, ledger, is_pruned=True)
    assert all(record.is_pruned for record in records(tmp_path / "l.jsonl", own).values())
    assert end_all(search_of(EVERY, "search.task=color"), Ledger(tmp_path / "l.jsonl")) == tried


def test_a_trial_that_ended_early_is_no_finished_run_of_a_grid(search_of, workspace, tmp_path):
    plan = search_of(EVERY)
    folder = tmp_path / "s"
    folder.mkdir()
    ledger = Ledger(folder / "runs.jsonl")
    values = {"training.batch_size": 4}
    trial = plan.job(1, values, [])
    text = workspace.experiment.read_text().replace(EVERY, "grid: {seeds: [42], arms: {four: {}}}\n")
    settings = ["tasks=[color]", "training.batch_size=4"]
    experiment = load_experiment(workspace.write_experiment(text), settings)
    grid = Grid(make_plan(experiment, settings, folder), folder)
    assert [job.key for job in grid.plan.jobs] == [trial.key]
    ledger.add(line_of(trial, 0.25, trial=record_of(trial.trial, [0.25], True)))
    for known in (ledger, Ledger(folder / "runs.jsonl")):
        assert grid.done(known) == 0 and len(grid.queue(known)) == 1
    ledger.add(line_of(grid.plan.jobs[0], 0.75))
    ledger.add(line_of(trial, 0.25, trial=record_of(trial.trial, [0.25], True)))
    assert grid.done(ledger) == 1 and ledger[trial.key].main("color")[1] == 0.75


def test_the_page_names_the_best_and_its_experiment_can_be_trained(search_of, tmp_path):
    plan = search_of()
    folder = tmp_path / "s"
    folder.mkdir()
    ledger = Ledger(folder / "runs.jsonl")
    run(Search(plan).queue(ledger), ledger, random.Random(0))
    told = []
    Search(plan).write(ledger, marked(folder), told.append)
    tried = [plan.tried(line) for line in plan.lines(ledger).values()]
    best = max((one for one in tried if not one.is_pruned), key=lambda one: one.score)
    page = (folder / "RESULTS.md").read_text()
    assert f"| {best.number} | **{100 * best.score:.2f}** |" in page and "14 of 14 runs are finished" in page
    assert page.count("| early |") == sum(one.is_pruned for one in tried) > 0
    assert page.count("| full |") == sum(not one.is_pruned for one in tried) and "whose end is early" in page
    assert "\\." not in page and "together they took 1 min 10 s." in page  # 14 times 5 s
    assert told[0].startswith(f"best: trial {best.number}, {best.score:.4f}, optimizer.learning_rate=")
    config = load_experiment(folder / BEST).config
    assert config == plan.experiment(best.values).config
    assert config.optimizer.learning_rate == best.values["optimizer.learning_rate"] and config.search is None


def test_the_best_settings_of_a_commit_are_replaced_and_those_of_others_stay(search_of, tmp_path):
    """A clone of the repository has the ledger, the page and the best settings, and no marker."""
    plan = search_of()
    folder = tmp_path / "s"
    folder.mkdir()
    ledger = Ledger(folder / "runs.jsonl")
    run(Search(plan).queue(ledger), ledger, random.Random(0))
    Search(plan).write(ledger, own_sweep(folder), print)
    best = (folder / BEST).read_text()
    (folder / MARKER).unlink()
    owned = own_sweep(folder)
    Search(plan).write(ledger, owned, print)
    assert (folder / BEST).read_text() == best and BEST in OwnedFolder.read(folder).files
    (folder / MARKER).unlink()
    (folder / "RESULTS.md").write_text((folder / "RESULTS.md").read_text().replace(BEST, ""))
    with pytest.raises(StorageError, match=rf"{BEST}: was not written by mtsmart, and would be replaced"):
        Search(plan).write(ledger, own_sweep(folder), print)
    assert (folder / BEST).read_text() == best


def test_a_trial_is_trained_to_its_end_or_ends_early(search_of, tmp_path):
    plan = search_of(SEARCH, "training.epochs=2")
    values = {"optimizer.learning_rate": 1e-3, "training.batch_size": 8}
    done = train_job(plan.job(1, values, []), tmp_path / "s", None, keep=False)
    assert len(done.trial.curve) == 2 and not done.trial.is_pruned
    assert done.trial.curve[-1] == plan.score(done)
    good = [Tried(number, values, 2.0, (2.0, 2.0)) for number in range(1, 6)]
    early = train_job(plan.job(6, {**values, "training.batch_size": 4}, good), tmp_path / "s", None, keep=False)
    assert early.trial.is_pruned and len(early.trial.curve) == 1 and early.updates == 11
    assert early.rows["color"]["train"].startswith("44 rows")


def test_a_trial_that_patience_ends_is_trained_to_its_end(search_of, tmp_path):
    """Its second evaluation is below those of the trials before it, and no better than its first one."""
    plan = search_of(SEARCH, "training.epochs=9", "training.patience=1")
    values = {"optimizer.learning_rate": 1e-9, "training.batch_size": 8}
    others = {**values, "optimizer.learning_rate": 1e-5}
    good = [Tried(number, others, 2.0, (0.0, 2.0)) for number in range(1, 6)]
    done = train_job(plan.job(6, values, good), tmp_path / "s", None, keep=False)
    assert len(done.trial.curve) == 2 and done.updates == 12 and not done.trial.is_pruned


RATE = "optimizer.learning_rate"
OF_RATE = rf"search\.space\.{re.escape(RATE)}"
WRONG = {
    "{optimizer.learning_rat: {low: 1, high: 2}}": r"yaml:\d+: optimizer\.learning_rat: unknown key\. Did you mean",
    f"{{{RATE}: {{low: -1, high: 2}}}}": r"yaml:\d+: optimizer\.learning_rate: should be greater than 0, got -1",
    f"{{{RATE}: {{low: 1}}}}": rf"{OF_RATE}: needs 'low' and 'high', or 'choices'",
    f"{{{RATE}: {{low: 2, high: 1}}}}": rf"{OF_RATE}\.high: must be above 'low', which is 2, got 1",
    f"{{{RATE}: {{low: 0, high: 1, log: true}}}}": rf"{OF_RATE}\.low: must be above 0, because 'log'",
    f"{{{RATE}: {{choices: [1, 2], log: true}}}}": rf"{OF_RATE}\.log: does not go with 'choices'",
    "{training.batch_size: {choices: [8, 8]}}": r"batch_size\.choices: has the same value twice, got 8",
    "{training.batch_size: {low: 0.5, high: 8}}": r"training\.batch_size: should be a whole number, got 0\.5",
    "{training.seed: {low: 1, high: 8}}": r"search\.space\.training\.seed: is no setting to choose by its score",
    "{task_files: {choices: [a, b]}}": r"search\.space\.task_files: is the same in all trials",
    "{tasks.colour.weight: {low: 1, high: 8}}": r"colour.*Did you mean 'color'",
    "{}": r"search\.space: should have at least 1",
}


@pytest.mark.parametrize("search", list(WRONG))
def test_a_search_that_does_not_fit_is_refused_before_it_begins(search_of, search):
    with pytest.raises(MtsmartError, match=WRONG[search]):
        search_of(f"search: {{space: {search}}}\n")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (f"search.space={{{RATE}: {{low: 1.0e-3, high: 1.0e-5}}}}", rf"command line: {OF_RATE}\.high: must be above"),
        ("search.space={training.batch_size: {choices: [zwei, 8]}}", r"command line: training\.batch_size: should be"),
        ("search={space: {training.batch_size: {choices: [8, 8]}}}", r"command line: search\..* same value twice"),
        ("search.space={}", r"command line: search\.space: should have at least 1"),
        ("folds=5", r"command line: folds: does not go with 'search'"),
        ("grid={seeds: [1], arms: {one: {}}}", r"command line: grid: does not go with 'search'"),
    ],
)
def test_a_mistake_of_the_command_line_is_told_as_one(search_of, override, said):
    with pytest.raises(MtsmartError, match=said):
        search_of(SEARCH, override)


def test_a_space_on_the_command_line_replaces_that_of_the_file(search_of):
    plan = search_of(SEARCH, "search.space={training.epochs: {low: 1, high: 3}}")
    assert list(plan.search.space) == ["training.epochs"] and plan.search.trials == 14


def test_folders_of_encoders_are_beside_the_file(search_of, workspace):
    plan = search_of("search: {space: {encoder.path: {choices: [./one, ../two]}}}\n")
    assert plan.search.space["encoder.path"].choices == [
        str(workspace.folder / "one"),
        str(workspace.folder.parent / "two"),
    ]


def test_a_task_that_is_never_scored_cannot_be_what_is_searched_for(workspace, tmp_path, cli):
    tasks = yaml.safe_load(workspace.tasks.read_text())
    del tasks["near"]["dataset"]["files"]["validation"]
    workspace.tasks.write_text(yaml.safe_dump(tasks))
    workspace.write_experiment(workspace.experiment.read_text() + SEARCH)
    refused = cli("sweep", workspace.experiment, "-o", tmp_path / "s", "search.task=near")
    assert refused.code == 2, refused.out
    assert "command line: search.task: has no score in training, got 'near'. Name a task that has" in refused.err
    assert not (tmp_path / "s" / "runs.jsonl").exists()


def test_a_search_stands_alone(search_of, workspace):
    with pytest.raises(MtsmartError, match=r"search\.task: is none of the tasks, got 'colour'\. Did you mean 'color'"):
        search_of(SEARCH, "search.task=colour")
    with pytest.raises(MtsmartError, match=r"search: does not go with 'folds'"):
        search_of(f"{SEARCH}folds: 2\n")
    with pytest.raises(MtsmartError, match=r"command line: training\.batch_size: is searched, so it cannot be set too"):
        search_of(SEARCH, "training.batch_size=4")
    with pytest.raises(MtsmartError, match=r"search: is for several runs, .*mtsmart sweep"):
        mtsmart.train(workspace.experiment, ["folds=null", "training.batch_size=8"])
    assert build_experiment(load_experiment(workspace.experiment, ["folds=null"]).document, ["search=null"])


def test_without_optuna_one_line_says_how_to_install_it(search_of, workspace, monkeypatch):
    search_of()
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(MtsmartError, match=r"search: needs optuna, .*pip install 'mtsmart\[search\]'"):
        mtsmart.sweep(workspace.experiment)
    assert not Path("sweeps").exists()
