"""Ordinal classification: ordered labels as C - 1 questions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.data.batch import Batch
from mtsmart.errors import ConfigError, DataError
from mtsmart.metrics import METRICS
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl


def task(owner=None, **changes):
    base = {
        "task_type": "ordinal",
        "dataset": {"files": {"train": "x"}},
        "text": ["text"],
        "labels": ["low", "mid", "high"],
    }
    return build_task("t", TaskDefinition(**{**base, **changes}), owner)


@pytest.mark.parametrize("labels", [["a", "b", "c"], ["high", "mid", "low"], ["low", "mid", "high", "top"]])
def test_a_shared_head_asks_the_same_questions(labels):
    assert task(task(), share_head="other").head_spec == task().head_spec
    with pytest.raises(ConfigError, match=r"t\.labels: are not those of the shared head"):
        task(task(labels=labels), share_head="other")


def test_a_head_that_averages_over_labels_is_refused():
    with pytest.raises(ConfigError, match=r"t\.head\.type: averages over labels of which one is right: .* 'ordinal'"):
        task(text=["a", "b"], head={"type": "san"})


def test_the_loss_is_that_of_c_minus_1_binary_questions():
    """threshold_cross_entropy in closed form: a label is above exactly those before it."""
    logits = torch.tensor([[0.3, -1.2], [2.0, 0.5]], dtype=torch.float64)
    p = torch.sigmoid(logits)
    expected = -(torch.log(p[0, 0]) + torch.log(1 - p[0, 1]) + torch.log(p[1, 0]) + torch.log(p[1, 1])) / 4
    batch = Batch("t", {}, {"labels": torch.tensor([1, 2])})
    assert float(task().criterion(logits, batch)) == pytest.approx(float(expected), abs=1e-6)


def test_decode_and_describe():
    outputs = Outputs([torch.tensor([-1.0, -2.0]), torch.tensor([1.0, -2.0]), torch.tensor([2.0, 1.0])], None)
    assert task().decode(outputs) == [0, 1, 2]
    rows = task().describe(outputs, None)
    assert [row["prediction"] for row in rows] == ["low", "mid", "high"]
    assert rows[1]["p(>low)"] == pytest.approx(0.7310586, abs=1e-6)
    assert task().baseline([2, 2, 0], [1, 1]) == [2, 2]
    assert task().head_spec.num_labels == 2


def test_quadratic_kappa_counts_far_misses_more():
    kappa = METRICS["quadratic_kappa"]
    truth = [0, 1, 2, 0, 1, 2]
    assert kappa(truth, truth) == 1.0
    assert kappa([1, 1, 2, 0, 1, 2], truth) > kappa([2, 1, 2, 0, 1, 2], truth)
    assert kappa([1] * 6, [1] * 6) == 0.0


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=20))
def test_quadratic_kappa_measures_distances_between_places(pairs):
    """1 - mean squared miss / mean squared distance of all predictions from all labels, whichever labels occur."""
    predictions, references = (np.array(side, dtype=float) for side in zip(*pairs, strict=True))
    by_chance = np.square(predictions[:, None] - references[None, :]).mean()
    expected = 1 - np.square(predictions - references).mean() / by_chance if by_chance else 0.0
    found = METRICS["quadratic_kappa"](predictions.astype(int).tolist(), references.astype(int).tolist())
    assert found == pytest.approx(expected, abs=1e-12)


def test_what_does_not_fit():
    with pytest.raises(DataError, match="row 4: label: is not one of .* got 'hihg'. Did you mean 'high'"):
        task().encode_label("hihg", 3)
    with pytest.raises(ConfigError, match="t.labels: is required for task type 'ordinal', lowest first"):
        task(labels=None)


def test_training_learns_an_order(workspace, cli):
    """Through the command line, with SMART and MBPP on: how often 'red' stands in a text."""
    names = ["none", "one", "many"]
    texts = ["the cat", "a red cat", "red red dog", "old house", "red house", "red cat and red car"] * 12
    rows = [{"text": text, "label": names[min(2, text.split().count("red"))]} for text in texts]
    write_jsonl(workspace.folder / "o.jsonl", rows)
    (workspace.folder / "o.yaml").write_text(
        "reds: {task_type: ordinal, dataset: {files: {train: o.jsonl, validation: o.jsonl}}, text: [text], "
        "labels: [none, one, many], head: {pooling: mean, layers: 0}}\n"
    )
    settings = ["task_files=[o.yaml]", "tasks=[reds]", "training.epochs=6", "optimizer.learning_rate=2e-2"]
    result = cli("train", workspace.experiment, *settings, "-o", "run")
    assert result.code == 0, result.err
    import mtsmart

    scores = mtsmart.load("run").evaluate().tasks["reds"].metrics
    assert scores["quadratic_kappa"] > 0.5
