"""Losses and criteria of other packages: one value a row, and a scalar for a batch."""

import pytest

from mtsmart.losses import CRITERIA
from mtsmart.task_types import TASK_TYPES
from tests.plugins.test_faults_in_packages import PACKAGE, bad, lending_for, train  # noqa: F401 (fixtures)

KIND = "\nfrom mtsmart.task_types.classification import Classification\n\nclass Kind(Classification):\n    "
ROWS = """
import torch.nn.functional as F


def own(logits, labels):
    rows = F.cross_entropy(logits, labels, reduction="none")
    return """


@pytest.fixture
def own_loss(bad, train, workspace):  # noqa: F811
    """What a loss makes of the rows' losses, and options -> exit code and last line of a run with it."""

    def run(gives, options=""):
        module = bad(ROWS + gives)
        text = workspace.tasks.read_text()
        more = f"\n  loss: b_entry\n  options: {{{options}}}"
        workspace.tasks.write_text(text.replace("[other, red]", f"[other, red]{more}", 1))
        with lending_for(CRITERIA, module.own):
            return train("tasks=[color]")

    return run


@pytest.mark.parametrize(
    ("gives", "form"),
    [
        ("rows.mean()", "of the type Tensor and of shape ()"),
        ("rows[:, None] * torch.ones(8)", "of the type Tensor and of shape (8, 8)"),
        ("-F.one_hot(labels, 2) * logits.log_softmax(-1)", "of the type Tensor and of shape (8, 2)"),
        ("None", "None"),
    ],
)
def test_a_loss_of_another_shape_is_refused(own_loss, gives, form):
    code, line = own_loss(gives, "class_weights: {red: 3}")
    assert code == 2
    assert line.startswith(
        f"mtsmart: the loss 'b_entry' of the package {PACKAGE}: gives what is {form}. It must give"
    ), line


@pytest.mark.parametrize("gives", ["rows", "rows[:, None]"])
def test_one_value_a_row_is_right(own_loss, gives):
    code, line = own_loss(gives, "class_weights: {red: 3}")
    assert code == 0, line


@pytest.mark.parametrize(
    ("gives", "form"), [("logits.sum(-1)", "of the type Tensor and of shape (8,)"), ("0.3", "of the type float")]
)
def test_a_criterion_that_is_no_scalar_is_refused(bad, train, workspace, gives, form):  # noqa: F811
    module = bad(f"{KIND}def criterion(self, logits, batch): return {gives}\n")
    text = workspace.tasks.read_text()
    workspace.tasks.write_text(text.replace("task_type: classification", "task_type: b_kind", 1))
    with TASK_TYPES.lending({"b_kind": module.Kind}):
        code, line = train("tasks=[color]")
    assert code == 2
    assert line == (
        f"mtsmart: the task type 'b_kind' of the package {PACKAGE} (criterion, task color): gives what is {form}. It "
        "must give the mean over what counts in the batch, one number in a tensor"
    )
