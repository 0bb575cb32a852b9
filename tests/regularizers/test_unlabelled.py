"""Tasks whose rows have no labels (``label: null``): only what compares predictions trains on them."""

import json

import pytest
import torch

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import ConfigError
from mtsmart.preparation.batch_parts import part_of
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from mtsmart.training.step import TrainStep
from tests.conftest import sentences, write_jsonl
from tests.regularizers.at_work import at_work, first_settings
from tests.regularizers.every_type import EXAMPLES, example, objective

WITHOUT = [name for name, method in REGULARIZERS.ordered().items() if method.without_labels and method.presets]
OF_TEXTS = ("masked_lm",)  # makes its labels itself
MORE = """
more:
  task_type: classification
  dataset: {files: {train: more.jsonl}}
  text: [text]
  label: null
  labels: [other, red]
  share_head: color
"""


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in OF_TEXTS])
def test_every_task_type_trains_on_rows_without_labels(benches, name):
    """There is no loss, each method has its term, and parts of a batch make the whole."""
    bench = benches("BERT")
    owner, model, state = bench.made(name)
    model.load_state_dict(state)
    model.eval()
    given = {key: value for key, value in example(name).DEFINITION.items() if key not in ("metrics", "loss", "head")}
    definition = TaskDefinition(**{**given, "label": None, "share_head": name})
    task = build_task("more", definition, owner)
    rows = bench.split(name, with_labels=False).rows.to_list()
    batch = task.collate(rows, bench.tokenizer, 3)
    batch.task = "more"
    methods = {each: at_work(each, model, {"more": task}, first_settings(REGULARIZERS[each])) for each in WITHOUT}
    step = TrainStep(model, {"more": task}, methods)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    whole = objective(step, [batch])
    together = objective(step, [part_of(batch, task, rank, 2) for rank in range(2)])
    assert "loss" not in whole[0] and {"R", "D", "r3f", "vat"} <= whole[0].keys()
    assert float(whole[1].abs().max()) > 0
    assert together[0]["objective"] == pytest.approx(whole[0]["objective"], rel=2e-3, abs=1e-6)
    assert float((whole[1] - together[1]).norm() / whole[1].norm()) < 2e-3


@pytest.fixture
def more(workspace):
    """The workspace with a third task, whose rows have no labels."""
    write_jsonl(workspace.folder / "more.jsonl", [{"text": text} for text in sentences(24, seed=9)])
    workspace.tasks.write_text(workspace.tasks.read_text() + MORE)
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[color, near, more]"))
    return workspace


def test_a_run_trains_on_them_and_scores_the_others(more, cli):
    off = ["smart=off", "mbpp=off", "training.epochs=1", "training.log_every=1"]
    trained = cli("train", more.experiment, *off, "tasks.more.vat=paper", "-o", "run")
    assert trained.code == 0, trained.err
    assert "more has no validation split; it is not scored" in trained.out
    lines = [json.loads(line) for line in (more.folder / "run" / "metrics.jsonl").read_text().splitlines()]
    figures = [line["tasks"]["more"] for line in lines if line["type"] == "train" and "more" in line["tasks"]]
    assert figures and all(set(each) == {"vat"} for each in figures)
    assert set(json.loads((more.folder / "run" / "results.json").read_text())["tasks"]) == {"color", "near"}
    evaluated = cli("evaluate", "run", "--split", "train")
    assert evaluated.code == 0, evaluated.err
    assert "not scored, because the split 'train' has no labels: more" in evaluated.err
    predicted = cli("predict", "run", "--task", "more", "--input", "more.jsonl", "--output", "out.jsonl")
    assert predicted.code == 0, predicted.err
    assert cli("tasks", "check", more.tasks).code == 0
    shown = cli("tasks", "show", "more", "--task-file", more.tasks, "--stats")
    assert shown.code == 0 and "train: 24 rows" in shown.out


def test_without_a_method_that_needs_no_labels_it_is_refused(more, cli):
    refused = cli("train", more.experiment, "smart=off", "mbpp=off", "free_lb=paper")
    assert refused.code == 2
    assert "tasks.more.label: its rows have no labels, and no method that trains without them is on" in refused.err
    assert "Switch on one of smart, r3f, vat, mbpp, distill, r_drop" in refused.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("  share_head: color\n", ""), "'label: null' needs 'share_head'"),
        (("  labels:", "  metrics: [f1]\n  labels:"), "'metrics' needs labels, and 'label' is null"),
        (("  labels:", "  evaluation_only: true\n  labels:"), "'evaluation_only' needs labels, and 'label' is null"),
        (("{train: more.jsonl}", "{train: more.jsonl}, holdout: 20%"), "'dataset.holdout' needs labels"),
    ],
)
def test_settings_that_need_labels_are_refused(workspace, cli, change, message):
    assert change[0] in MORE
    workspace.tasks.write_text(workspace.tasks.read_text() + MORE.replace(*change))
    result = cli("tasks", "check", workspace.tasks)
    assert result.code == 2
    assert message in result.err


def test_a_type_that_makes_its_labels_has_them():
    source = {"files": {"train": "unused.jsonl"}}
    definition = TaskDefinition(task_type="masked_lm", dataset=source, text=["text"], label=None, share_head="other")
    with pytest.raises(ConfigError, match=r"more\.label: does not go with task type 'masked_lm'"):
        build_task("more", definition)
