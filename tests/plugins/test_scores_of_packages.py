"""Task types and metrics of other packages: what they score, and what is refused of what they give."""

import json
import textwrap

import pytest

from mtsmart.metrics import METRICS
from mtsmart.task_types import TASK_TYPES
from tests.plugins.test_faults_in_packages import PACKAGE, bad, lending_for, train  # noqa: F401 (fixtures)

KIND = """
import numpy as np
from mtsmart.task_types.classification import Classification


class Kind(Classification):
"""


@pytest.fixture
def own_type(bad, train, workspace):  # noqa: F811
    """The body of a subclass of classification, and the task's metrics -> exit code and last line of a run with it."""

    def run(body, metrics="accuracy"):
        module = bad(KIND + textwrap.indent(body, "    "))
        text = workspace.tasks.read_text()
        assert "metrics: [accuracy, f1]" in text
        text = text.replace("task_type: classification", "task_type: b_kind", 1)
        workspace.tasks.write_text(text.replace("metrics: [accuracy, f1]", f"metrics: [{metrics}]", 1))
        with TASK_TYPES.lending({"b_kind": module.Kind}):
            return train("tasks=[color]", "training.epochs=1")

    return run


def scores(workspace):
    """The scores of the last evaluation, and those of the baseline."""
    results = json.loads((workspace.folder / "run-0" / "results.json").read_text())
    return results["best"]["tasks"]["color"], results["baselines"]["color"]


SCORE = "def score(self, predictions, references): return "


def test_a_subclass_of_classification_says_what_is_scored(own_type, workspace):
    assert own_type(SCORE + "{'mine': np.float32(0.5)}")[0] == 0
    assert scores(workspace) == ({"mine": 0.5}, {"mine": 0.5})


def test_what_a_subclass_adds_stands_beside_metrics_of_probabilities_and_labels(own_type, workspace):
    code, line = own_type(SCORE + "{**super().score(predictions, references), 'mine': 1}", "auc, accuracy, label_f1")
    assert code == 0, line
    for found in scores(workspace):
        assert list(found) == ["auc", "accuracy", "f1[other]", "f1[red]", "mine"]
        assert found["mine"] == 1.0


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (SCORE + "None", "(score): gives None. It must give a mapping from the names of scores to numbers, the main"),
        (SCORE + "{}", "(score): gives no scores. It must give a mapping from the names of scores to numbers, the"),
        (SCORE + "{'a': 'b'}", "(score): gives a score that is of the type str. It must be one number"),
        ("def baseline(self, train, references): return [0]", "(baseline): gives 1 prediction for "),
        ("def decode(self, outputs): return super().decode(outputs)[:-1]", "(decode): gives "),
    ],
)
def test_wrong_scores_and_predictions_of_a_task_type_are_told(own_type, body, message):
    code, line = own_type(body)
    assert code == 2
    assert line.startswith(f"mtsmart: the task type 'b_kind' of the package {PACKAGE} {message}"), line


@pytest.fixture
def own_metric(bad, train, workspace):  # noqa: F811
    """What a metric gives -> exit code and last line of a run with it."""

    def run(value):
        module = bad(f"\nimport numpy as np\n\ndef gives(predictions, references):\n    return {value}\n")
        text = workspace.tasks.read_text()
        workspace.tasks.write_text(text.replace("metrics: [accuracy, f1]", "metrics: [b_entry]", 1))
        with lending_for(METRICS, module.gives):
            return train("tasks=[color]")

    return run


@pytest.mark.parametrize("value", ["np.float32(0.5)", "torch.tensor(0.5)", "np.array(0.5)", "np.float64(0.5)"])
def test_a_number_of_another_library_is_a_score(own_metric, workspace, value):
    code, line = own_metric(value)
    assert code == 0, line
    assert scores(workspace) == ({"b_entry": 0.5}, {"b_entry": 0.5})


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "-np.inf", "torch.tensor(torch.inf)"])
def test_a_score_that_is_not_finite_is_none_and_told(own_metric, workspace, value):
    code, line = own_metric(value)
    assert code == 0
    assert line.startswith("mtsmart: warning: task color: the validation rows do not define b_entry, so the run has no")
    results = json.loads((workspace.folder / "run-0" / "results.json").read_text())
    assert results["last"]["score"] is None and results["last"]["tasks"]["color"] == {"b_entry": None}


def test_a_truth_value_is_0_or_1(own_metric, workspace):
    assert own_metric("True")[0] == 0
    assert [repr(found["b_entry"]) for found in scores(workspace)] == ["1.0", "1.0"]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("None", "None"),
        ("'0.5'", "of the type str"),
        ("[0.5]", "of the type list"),
        ("np.ones(2)", "of the type ndarray and of shape (2,)"),
        ("{'b_entry': 0.5}", "of the type dict"),
    ],
)
def test_what_is_no_number_is_refused_with_the_metric(own_metric, value, form):
    code, line = own_metric(value)
    assert code == 2
    assert line == (
        f"mtsmart: the metric 'b_entry' of the package {PACKAGE}: gives a score that is {form}. It must be one number"
    )
