"""What hooks of other packages give is looked at: one message names the extension, its package and what is wrong."""

import json

import pytest

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.task_types import TASK_TYPES
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.weighting import WEIGHTINGS
from tests.plugins.test_faults_in_packages import ON, PACKAGE, bad, train  # noqa: F401 (fixtures)

METHOD = f"mtsmart: the regulariser 'b_odd' of the package {PACKAGE}"


@pytest.mark.parametrize(
    ("gives", "what"),
    [("pass", "what is None"), ("return {}", "no models"), ("return [1]", "what is of the type list")],
)
def test_candidates_that_are_no_models(bad, train, gives, what):  # noqa: F811
    module = bad(f"\nclass Odd(Bad):\n    def candidates(self, models): {gives}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}")
    assert exit_code == 2
    assert line.startswith(f"{METHOD} (candidates): gives {what}. It must give a dict from names to models"), line


def test_a_factor_that_is_no_number(bad, train):  # noqa: F811
    module = bad("\nclass Weighs(Combines):\n    def factor(self, task, batches): pass\n")
    with WEIGHTINGS.lending({"b_weighs": module.Weighs}):
        exit_code, line = train("weighting=b_weighs", "tasks=[color]")
    assert exit_code == 2
    assert line.startswith(
        f"mtsmart: the weighting 'b_weighs' of the package {PACKAGE} (factor, task color): gives what is None. It must"
    ), line


def test_tensors_of_a_state_may_share_their_memory(bad, cli, workspace, train):  # noqa: F811
    module = bad(
        """
        class Shares(Bad):
            def __init__(self, context, settings):
                super().__init__(context, settings)
                self.whole = torch.arange(6.0)

            def tensors(self):
                return {"whole": self.whole, "again": self.whole, "part": self.whole[2:]}

            def load_state(self, state, tensors):
                super().load_state(state, tensors)
                assert tensors["again"].tolist() == tensors["whole"].tolist() == [0, 1, 2, 3, 4, 5]
                assert tensors["part"].tolist() == [2, 3, 4, 5]
        """
    )
    with REGULARIZERS.lending({"b_shares": module.Shares}):
        code, line = train("b_shares={}")
        assert code == 0, line
        longer = ["training.max_updates=3", "--resume", "--allow-changes", "training"]
        run = workspace.folder / "run-0"
        done = cli("train", workspace.experiment, *ON, "b_shares={}", *longer, "--output-dir", run)
    assert done.code == 0, done.err


DESCRIBES = [
    ("super().describe(outputs, tokenizer)[:-1]", "gives 1 prediction for 2 rows"),
    ("[{'label': 1} for _ in outputs.logits]", "gives a row without the key 'prediction'"),
    ("None", "gives what is None"),
]


@pytest.mark.parametrize(("gives", "what"), DESCRIBES)
def test_predictions_that_are_not_one_for_each_row(bad, cli, train, workspace, gives, what):  # noqa: F811
    code = f"def describe(self, outputs, tokenizer): return {gives}"
    kind = "\nfrom mtsmart.task_types.classification import Classification\n\nclass Kind(Classification):\n    "
    module = bad(kind + code + "\n")
    text = workspace.tasks.read_text()
    workspace.tasks.write_text(text.replace("task_type: classification", "task_type: b_kind", 1))
    rows = workspace.folder / "new.jsonl"
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("a red one", "a big one")))
    with TASK_TYPES.lending({"b_kind": module.Kind}):
        assert train("tasks=[color]")[0] == 0
        output = workspace.folder / "out.csv"
        done = cli("predict", workspace.folder / "run-0", "--task", "color", "--input", rows, "--output", output)
    assert done.code == 2 and not output.exists()
    start = (
        f"mtsmart: the task type 'b_kind' of the package {PACKAGE} (describe, task color): {what}. It must give a list"
    )
    assert done.err.strip().splitlines()[-1].startswith(start), done.err


OFF = "model.requires_grad_(False)"
SWITCHES_OFF = [
    ("def __init__(self, context, settings): super().__init__(context, settings); context.", "build"),
    ("changes_start = True; begin = lambda self, model: ", "begin"),
    ("def after_update(self, model): super().after_update(model); self.context.", "after_update"),
]


@pytest.mark.parametrize(("code", "hook"), SWITCHES_OFF)
def test_a_method_that_leaves_nothing_to_train_is_named(bad, train, code, hook):  # noqa: F811
    module = bad(f"\nclass Odd(Bad):\n    {code}{OFF}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}", "r3f=paper")
    assert exit_code == 2
    assert line == (
        f"{METHOD} ({hook}): switches requires_grad off for every parameter of the model, so nothing is left to train. "
        "Leave it on for the parameters that the run trains"
    )


# At registration -----------------------------------------------------------------------------------------------------


def test_a_method_of_the_interface_that_is_not_written_is_named(bad):  # noqa: F811
    module = bad("\nclass Forgets(Weighting[WeightingSettings]):\n    def combine(self, losses): pass\n")
    with pytest.raises(ValueError, match=r"weighting 'b_forgets' lacks factor$"):
        WEIGHTINGS.register("b_forgets")(module.Forgets)

    class Kind(SequenceTask):
        losses = divergences = metrics = ()

    with pytest.raises(
        ValueError, match="task type 'b_kind' lacks baseline, decode, describe, encode_label, head_spec"
    ):
        TASK_TYPES.register("b_kind")(Kind)
    assert "b_kind" not in TASK_TYPES


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My.Method", "'My.Method' has a dot, which separates keys; the method needs another name"),
        ("data", "'data' is another key of experiments; the method needs another name"),
        ("tracking", "'tracking' is another key of experiments; the method needs another name"),
    ],
)
def test_a_name_with_which_a_method_could_not_be_switched_on_is_refused(bad, name, message):  # noqa: F811
    with pytest.raises(ValueError, match=message):
        REGULARIZERS.register(name)(bad().Bad)
    assert name not in REGULARIZERS


def test_a_text_that_is_no_method_text_is_refused(bad):  # noqa: F811
    module = bad("\nclass Odd(Bad):\n    text = 'my method'\n")
    with pytest.raises(ValueError, match="its text is no MethodText; write text = MethodText"):
        REGULARIZERS.register("b_odd")(module.Odd)


def test_one_task_type_may_be_a_text(bad):  # noqa: F811
    """As a text, it would hold for each type whose name is a part of it."""
    module = bad("\nclass Odd(Bad):\n    task_types = 'classification'\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        assert module.Odd.task_types == ("classification",)
        assert module.Odd.has_term_for("classification") and not module.Odd.has_term_for("class")
