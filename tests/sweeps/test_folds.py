"""Cross-validation as a sweep: one run a fold, and what the folds give together."""

import re

import pytest

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.errors import ConfigError, MtsmartError
from mtsmart.sweeps.folds import fold_lines
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.page import write_page
from mtsmart.sweeps.plan import make_plan
from mtsmart.training.setup import prepare
from tests.sweeps.grids import line_of, marked

ONLY_SCORED = """
other:
  task_type: classification
  dataset: {files: {validation: color_validation.jsonl}}
  text: [text]
  labels: [other, red]
  share_head: color
  evaluation_only: true
"""


@pytest.fixture
def folds_of(workspace, tmp_path):
    """A function that makes a plan of the workspace's experiment with some more lines."""
    text = re.sub(r"^(smart|mbpp):.*\n", "", workspace.experiment.read_text(), flags=re.MULTILINE)

    def plan(more, *overrides):
        file = workspace.write_experiment(text + more)
        return make_plan(load_experiment(file, overrides), overrides, tmp_path / "s")

    return plan


def test_each_run_leaves_out_another_part_of_the_same_rows(folds_of):
    plan = folds_of("folds: 4\n", "tasks=[color]", "training.seed=7")
    assert [(job.label, job.seed, job.fold) for job in plan.jobs] == [(f"tiny, fold {n}", 7, n) for n in range(1, 5)]
    assert len({job.config for job in plan.jobs}) == 4
    held = []
    for job in plan.jobs:
        setup = prepare(job.experiment)
        rows = {split: of["color"].rows["row"][:] for split, of in (("t", setup.train), ("v", setup.validation))}
        assert sorted([*rows["t"], *rows["v"]]) == list(range(44))
        held += rows["v"]
    assert sorted(held) == list(range(44))


def test_the_seed_of_training_does_not_change_the_parts(folds_of):
    one, other = (folds_of("folds: 3\n", "tasks=[color]", f"training.seed={seed}").jobs[0] for seed in (1, 2))
    assert one.config == other.config and one.key != other.key
    parts = [folds_of(f"folds: {{count: 3, seed: {seed}}}\n").jobs[0].config for seed in (0, 1)]
    assert parts[0] != parts[1]


def test_a_holdout_and_tasks_that_are_only_scored_are_left_alone(folds_of, workspace):
    text = workspace.tasks.read_text().replace(", validation: color_validation.jsonl}", "}, holdout: 20%")
    workspace.tasks.write_text(text + ONLY_SCORED)
    (job, _) = folds_of("folds: {count: 2, group_column: {color: text}}\n", "tasks=[color, other]").jobs
    color, other = (job.experiment.config.tasks[name] for name in ("color", "other"))
    assert color["dataset"]["holdout"] is None and color["dataset"]["fold"]["group_column"] == "text"
    assert "dataset" not in other
    assert len(prepare(job.experiment).validation["color"]) == 22


def test_the_page_and_the_terminal_have_mean_and_deviation_of_each_metric(folds_of, tmp_path):
    plan = folds_of("folds: 3\n", "tasks=[color]")
    folder = tmp_path / "s"
    folder.mkdir()
    ledger = Ledger(folder / "runs.jsonl")
    for job, score in zip(plan.jobs, (0.5, 0.6, 0.7), strict=True):
        rows = {"color": {"train": f"30 rows, {job.fold}", "validation": f"14 rows, v{job.fold}"}}
        ledger.add(line_of(job, score, tasks={"color": {"accuracy": score, "f1": 0.25}}, rows=rows))
    write_page(plan, ledger, marked(folder), print)
    page = (folder / "RESULTS.md").read_text()
    assert "| arm | runs | mean | std | SE |\n" in page and "| tiny | 3 | 60.00 | 10.00 | 5.77 |" in page
    assert "| color | accuracy | 3 | 0.6000 | 0.1000 | 0.5000 | 0.6000 | 0.7000 |" in page
    assert "| color | f1 | 3 | 0.2500 | 0.0000 | 0.2500 | 0.2500 | 0.2500 |" in page
    assert "all but one of 3 parts" in page and "same rows" not in page and "Not significant" not in page
    assert fold_lines(plan, ledger) == [
        "tiny, color: accuracy 0.6000, standard deviation 0.1000, over 3 runs",
        "tiny, color: f1 0.2500, standard deviation 0.0000, over 3 runs",
    ]


def test_arms_of_a_grid_are_compared_fold_by_fold(folds_of):
    grid = "grid: {seeds: [1, 2], arms: {plain: {}, SMART: {smart: paper}, after: {start: joint}}, starts: {joint: {}}}"
    plan = folds_of(f"folds: 2\n{grid}\n", "tasks=[color]")
    starts, table = plan.tables
    assert [job.replicate for job in table.arms["plain"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [job.start.replicate for job in table.arms["after"]] == [job.replicate for job in table.arms["after"]]
    assert len(plan.jobs) == 12, "the start is trained like the plain arm"
    assert len(starts.arms["joint"]) == 4


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ("1", r"experiment\.yaml:\d+: folds\.count: should be .*2"),
        ("many", r"experiment\.yaml:\d+: folds: should be"),
        ("{count: 2, group_colum: a}", r"folds\.group_colum: unknown key\. Did you mean 'group_column'"),
        (
            "{count: 2, group_column: {colour: a}}",
            r"folds\.group_column\.colour: is none of the tasks\. Did you mean 'color'",
        ),
    ],
)
def test_folds_that_do_not_fit(folds_of, folds, message):
    with pytest.raises(ConfigError, match=message):
        folds_of(f"folds: {folds}\n")


def test_train_says_which_command_it_is(folds_of, workspace):
    folds_of("folds: 2\n")
    with pytest.raises(MtsmartError, match=r"folds: is for several runs, .*mtsmart sweep"):
        mtsmart.train(workspace.experiment)
