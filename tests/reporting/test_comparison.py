"""A comparison of runs shows settings as the user writes them, and marks a score as the best one only among equals."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

import mtsmart
from mtsmart.reporting.report.compared_rows import ComparedRows
from mtsmart.reporting.report.comparison import DIFFERENT_TASKS, read_runs
from mtsmart.reporting.report.page import comparison_page

BOLD = re.compile(r'class="number best">([^<]*)<')


@pytest.fixture
def two_runs(trained_run):
    return trained_run(name="one"), trained_run(name="other")


def change_settings(run, **sections):
    file = run / "config.yaml"
    config = yaml.safe_load(file.read_text())
    for section, values in sections.items():
        config[section] = {**(config.get(section) or {}), **values}
    file.write_text(yaml.safe_dump(config, sort_keys=False))


def change_results(run, change):
    file = run / "results.json"
    results = json.loads(file.read_text())
    change(results["best"])
    results["score"], results["tasks"] = results["best"]["score"], results["best"]["tasks"]
    file.write_text(json.dumps(results))


def without_near(run):
    """The run as if it had been trained on ``color`` alone."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    del config["tasks"]["near"]
    (run / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    change_results(run, lambda best: best["tasks"].pop("near"))


def page_of(*runs, **compared):
    comparison = read_runs(runs)
    return comparison_page(comparison, {task: compared.get(task, ComparedRows()) for task in comparison.tasks})


def cells_of(page):
    """First cell -> the other cells, for each row of the tables."""
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    return {cells[0]: cells[1:] for cells in rows if cells}


def test_page_and_terminal_write_each_kind_of_setting_alike(two_runs, cli):
    one, other = two_runs
    change_settings(one, training={"epochs": 7}, optimizer={"weight_decay": 0.25})
    config = yaml.safe_load((one / "config.yaml").read_text())
    config["tasks"]["color"]["text"] = ["text", "more"]
    config["tasks"]["color"]["replaces_shipped"] = True
    config["tasks"]["color"]["splits"] = {"test": "validation"}  # An empty mapping in the other run.
    (one / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    cells = cells_of(page_of(one, other))
    expected = {
        "training.epochs": "7",
        "optimizer.weight_decay": "0.25",
        "tasks.color.text": "[&#39;text&#39;, &#39;more&#39;]",
        "tasks.color.replaces_shipped": "true",
        "tasks.color.splits.test": "validation",
    }
    assert {key: cells[key][0] for key in expected} == expected
    assert cells["tasks.color.splits"] == ["-", "{}"]
    printed = cli("runs", "compare", one, other).out
    for key, value in expected.items():
        assert re.search(rf"{re.escape(key)}\W+{re.escape(value.replace('&#39;', chr(39)))} ", printed), key


def test_scores_over_different_tasks_have_no_winner(two_runs, cli):
    one, other = two_runs
    without_near(one)
    change_results(one, lambda best: best.update(score=0.1, tasks={"color": {"accuracy": 0.9}}))
    change_results(
        other, lambda best: best.update(score=0.7, tasks={"color": {"accuracy": 0.6}, "near": {"pearson": 0.8}})
    )
    page = page_of(one, other)
    assert DIFFERENT_TASKS in page and BOLD.findall(page) == ["0.9000"] * 2  # over the shared task, and of that task
    compared = cli("runs", "compare", one, other)
    assert re.search(r"\(1 shared\)\W+score\W+0\.9000\W+0\.6000", compared.out)
    assert DIFFERENT_TASKS in " ".join(compared.out.split())
    data = json.loads(cli("runs", "compare", one, other, "--json").out)
    assert data["shared_tasks"] == ["color"] and data["runs"]["other"]["shared_score"] == 0.6


def test_scores_on_other_rows_have_no_winner(two_runs):
    one, other = two_runs
    change_results(
        one, lambda best: best.update(score=0.1, tasks={"color": {"accuracy": 0.9}, "near": {"pearson": 0.3}})
    )
    change_results(
        other, lambda best: best.update(score=0.7, tasks={"color": {"accuracy": 0.6}, "near": {"pearson": 0.8}})
    )
    assert BOLD.findall(page_of(one, other)) == ["0.7000", "0.9000", "0.8000"]
    assert BOLD.findall(page_of(one, other, color=ComparedRows(has_other_rows=True))) == ["0.8000"]


def longer(workspace):
    """A workspace whose task `near` has four validation rows more."""
    file = workspace.folder / "near_validation.jsonl"
    file.write_text(file.read_text() + "".join(file.read_text().splitlines(keepends=True)[:4]))


def other(workspace):
    """A workspace whose task `near` has another score in one of its validation rows."""
    file = workspace.folder / "near_validation.jsonl"
    file.write_text(file.read_text().replace('"score": 0.5', '"score": 1.0', 1))


@pytest.mark.parametrize(
    ("change", "counts"),
    [(longer, "one: 16 rows; two: 20 rows"), (other, "16 rows in each, but not the same")],
    ids=["number", "content"],
)
def test_scores_on_other_rows_are_told(trained_run, cli, change, counts):
    """The data files have the same rows for both runs now; the resume points know those of then."""
    runs = trained_run(name="one"), trained_run(name="two", change=change)
    told = f"Task near was scored on other rows ({counts}), so a higher score is not a better one."
    printed = " ".join(cli("runs", "compare", *runs).out.split())
    assert told in printed and "Task color" not in printed
    assert json.loads(cli("runs", "compare", *runs, "--json").out)["other_rows"] == {"near": told}
    assert cli("report", *runs, "-o", "both.html").code == 0
    page = Path("both.html").read_text()
    assert told in page and not BOLD.findall(page)  # Both have the same score of color.


def test_other_ways_to_read_rows_are_no_other_rows(trained_run, cli):
    runs = trained_run(name="one"), trained_run("data.max_length=16", name="short")
    printed = " ".join(cli("runs", "compare", *runs).out.split())
    assert "on the same rows of color, near is not known here" in printed and "other rows" not in printed


def test_the_same_rows_are_not_mentioned(two_runs, cli):
    assert "rows" not in cli("runs", "compare", *two_runs).out


def test_a_task_that_one_run_lacks_is_one_line_without_its_defaults(two_runs, cli):
    one, other = two_runs
    without_near(one)
    compared = cli("runs", "compare", one, other)
    assert "task near: only in other" in compared.out and "tasks.near" not in compared.out
    page = page_of(one, other)
    assert "task near: only in <bdi>other</bdi>" in page and "tasks.near" not in page
    cells = cells_of(page)
    assert cells["task_type"] == ["-", "regression"] and "replaces_shipped" not in cells and "options" not in cells


def test_a_factor_that_nobody_has_set_is_no_difference(trained_run, cli):
    """It follows from the learning rate."""
    runs = trained_run(name="one"), trained_run("optimizer.learning_rate=1e-5", name="slow")
    out = cli("runs", "compare", *runs).out
    assert "optimizer.learning_rate" in out and "learning_rate_factor" not in out
    assert "learning_rate_factor" not in cli("runs", "compare", *runs, "--json").out
    without_near(runs[0])
    assert "learning_rate_factor" not in page_of(*runs)


def test_a_head_that_nobody_has_set_is_no_difference(workspace, tiny_encoder, cli):
    """It follows from the encoder."""
    pooled = workspace.folder / "sentence_encoder"
    shutil.copytree(tiny_encoder, pooled)
    (pooled / "1_Pooling").mkdir()
    (pooled / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')

    def trained(name, *given):
        settings = ["tasks=[color]", "training.epochs=1", *given]
        return mtsmart.train(workspace.experiment, settings, output_dir=name, progress=False).path

    plain, other = trained("plain"), trained("other", f"encoder.path={pooled}")
    heads = [yaml.safe_load((run / "config.yaml").read_text())["tasks"]["color"]["head"] for run in (plain, other)]
    assert heads[0] != heads[1]
    out = cli("runs", "compare", plain, other).out
    assert "encoder.path" in out and ".head." not in out
    assert ".head." not in cli("runs", "compare", plain, other, "--json").out
    named = trained("named", "tasks.color.head=native")
    assert re.search(r"tasks\.color\.head\.type\W+auto\W+native", cli("runs", "compare", plain, named).out)


def test_a_factor_that_somebody_has_set_is_a_difference(two_runs, cli):
    one, other = two_runs
    config = yaml.safe_load((one / "config.yaml").read_text())
    config["tasks"]["color"]["learning_rate_factor"] = 7.0
    (one / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    assert re.search(r"tasks\.color\.learning_rate_factor\W+7\.0\W+-", cli("runs", "compare", one, other).out)


def test_names_of_settings_are_never_cut(two_runs, cli):
    one, other = two_runs
    change_settings(one, training={"checkpoint_every": 123}, data={"cache_dir": "/" + 40 * "x"})
    change_settings(other, data={"cache_dir": "/" + 40 * "y"})
    out = cli("runs", "compare", one, other).out
    first = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert "training.checkpoint_every" in "".join(first) and "…" not in "".join(first)


def test_one_run_alone_is_not_compared(trained_run, cli):
    refused = cli("runs", "compare", trained_run())
    assert (refused.code, refused.out) == (2, "")
    assert "RUN: are at least two where runs are compared" in refused.err and "Name another run too" in refused.err


def test_a_run_without_an_evaluation_has_a_dash_for_a_score(trained_run, cli):
    run = trained_run(name="runs/young")
    (run / "results.json").unlink()
    assert re.search(r"young\W.*color, near\W+│ +- │", cli("runs", "list").out)
    assert "undefined" not in cli("runs", "list").out


@pytest.mark.parametrize(
    ("command", "argument"),
    [("report", "RUN"), ("runs compare", "RUN"), ("runs list", "DIR")],
)
def test_an_address_on_the_hub_is_refused_as_one(cli, command, argument):
    others = ["hub:ada/other"] if command == "runs compare" else []
    done = cli(*command.split(), "hub:ada/tickets", *others)
    assert done.code == 2
    assert f"{argument}: is an address on the Hub, where a run has no curves and times, so only a folder" in done.err
    assert "got 'hub:ada/tickets'. Name the folder that training has written; `mtsmart evaluate` gives" in done.err
