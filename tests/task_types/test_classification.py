"""Classification: labels by name or number, shared and projected heads, decoding."""

import pytest
import torch
from transformers import AutoTokenizer

from mtsmart.config.sections import DataConfig
from mtsmart.errors import ConfigError, DataError
from mtsmart.losses import Role
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task, build_tasks
from mtsmart.task_types.interface.base import Outputs, divergence_of
from mtsmart.tasks import TaskDefinition, TaskLibrary
from tests.conftest import write_jsonl

SOURCE = {"files": {"train": "x.jsonl"}}


def outputs(logits):
    return Outputs(list(logits), None)


def task(labels=("no", "yes"), head_labels=None, **changes):
    base = {"task_type": "classification", "dataset": SOURCE, "text": ["text"], "labels": list(labels)}
    owner = None if head_labels is None else task(head_labels)
    return build_task("t", TaskDefinition(**{**base, **changes}), owner)


@pytest.mark.parametrize(
    ("labels", "value", "index"),
    [
        (("no", "yes"), "yes", 1),
        (("no", "yes"), 1, 1),
        (("no", "yes"), "0", 0),
        (("1", "0"), 0, 1),
        (("1", "0"), "1", 0),
        (("true", "false"), "true", 0),
    ],
)
def test_labels_by_name_first_and_by_number_where_no_name_is_one(labels, value, index):
    assert task(labels).encode_label(value, 0) == index


@pytest.mark.parametrize("value", ["maybe", 2, -1, "٣", 1.5, None, float("nan"), [1]])
def test_other_labels_name_the_row(value):
    with pytest.raises(DataError, match=r"row 7: label: is not one of the task's labels"):
        task().encode_label(value, 6)


def test_numbers_do_not_become_indices_where_a_label_is_a_number():
    with pytest.raises(DataError):
        task(("1", "2")).encode_label(0, 0)


def test_decode_describe_and_baseline():
    chosen = task()
    logits = torch.tensor([[0.0, 1.0], [3.0, 0.0]])
    assert chosen.decode(outputs(logits)) == [1, 0]
    rows = chosen.describe(outputs(logits), None)
    assert [row["prediction"] for row in rows] == ["yes", "no"]
    assert rows[0]["p(yes)"] == pytest.approx(torch.softmax(logits[0].double(), 0)[1].item(), abs=1e-12)
    assert chosen.baseline([0, 1, 1], [0, 0]) == [1, 1]
    assert float(chosen.changed(logits, logits.flip(-1), None)) == 1.0


def test_hans_projects_three_labels_onto_two():
    library = TaskLibrary()
    hans = build_tasks({name: library.entry(name) for name in ("mnli", "hans")})["hans"]
    assert hans.head_name == "mnli"
    logits = torch.tensor([[1.0, 0.5, 0.4], [0.2, 0.1, -3.0]])
    expected = torch.softmax(logits, -1)
    projected = torch.softmax(hans.adapt(logits, None), -1)
    torch.testing.assert_close(projected, torch.stack([expected[:, 0], expected[:, 1] + expected[:, 2]], -1))
    # Entailment is the most likely of three labels in the first row, and the less likely of two.
    assert hans.decode(outputs(hans.adapt(logits, None))) == [1, 0]


def test_a_shared_head_is_matched_by_name():
    chosen = task(("yes", "no"), head_labels=["no", "yes"], share_head="other")
    logits = torch.tensor([[2.0, 1.0]])
    assert chosen.decode(outputs(chosen.adapt(logits, None))) == [1]


def test_a_shared_head_with_other_labels_is_refused():
    with pytest.raises(ConfigError, match=r"t\.project: does not say which of .* the shared head's label 'maybe'"):
        task(head_labels=["no", "yes", "maybe"], share_head="other")
    with pytest.raises(ConfigError, match="label 'No' stands for, got 'No'. Did you mean 'no'"):
        task(head_labels=["No", "yes"], share_head="other")
    with pytest.raises(ConfigError, match="got null. The shared head's label is 'A', not 'a'"):
        task(head_labels=["A", "b"], share_head="other", project={"a": "no", "b": "yes"})
    with pytest.raises(ConfigError, match="got 'NO'. Did you mean 'no'"):
        task(head_labels=["a", "b"], share_head="other", project={"a": "NO", "b": "yes"})
    with pytest.raises(ConfigError, match=r"t\.project: no label of the shared head stands for 'yes'"):
        task(head_labels=["a", "b"], share_head="other", project={"a": "no", "b": "no"})


def test_f1_needs_two_labels():
    with pytest.raises(ConfigError, match=r"t\.metrics: needs exactly two labels, got 'f1'\. Use macro_f1"):
        task(("a", "b", "c"), metrics=["f1"])


def test_the_loss_map_is_used():
    """adv_loss, prox_loss and kd_loss choose different divergences for SMART, MBPP and distillation."""
    from mtsmart.losses import DIVERGENCES

    chosen = task(adv_loss="js", prox_loss="hellinger", kd_loss="symmetric_kl")
    a, b = torch.randn(2, 4, 2)
    assert torch.equal(chosen.divergence(a, b, None, Role.ADVERSARIAL), DIVERGENCES["js"](a, b).mean())
    assert torch.equal(chosen.divergence(a, b, None, Role.PROXIMAL), DIVERGENCES["hellinger"](a, b).mean())
    assert torch.equal(chosen.divergence(a, b, None, Role.DISTILLATION), DIVERGENCES["symmetric_kl"](a, b).mean())
    assert [divergence_of(task(), role) for role in Role] == ["symmetric_kl", "symmetric_kl", "kl"]


def test_rows_of_a_group_are_judged_together(tmp_path, tiny_encoder):
    """The column of the group is read where labels are, and may be made of others."""
    rows = [{"text": "a dog", "label": "no", "i": {"p": i // 4, "q": i // 2}} for i in range(8)]
    file = write_jsonl(tmp_path / "d.jsonl", rows)
    definition = TaskDefinition(
        task_type="classification",
        dataset={"files": {"train": str(file)}, "holdout": 2},
        text=["text"],
        labels=["no", "yes"],
        options={"group": "{i.p}-{i.q}"},
        metrics=["accuracy", "group_exact"],
    )
    task = build_task("t", definition)
    preparer = Preparer(AutoTokenizer.from_pretrained(tiny_encoder), DataConfig(cache_dir=str(tmp_path)), None)
    held = preparer.split(task, "validation")
    assert len(set(held.rows["group"])) == 1 and len(held) == 2
    train = preparer.split(task, "train")
    references = task.references(train.rows)
    assert [reference.group for reference in references] == [f"{row // 4}-{row // 2}" for row in train.rows["row"]]
    assert task.score([0, 1, 0, 0, 0, 0], references) == {"accuracy": 5 / 6, "group_exact": 2 / 3}
    assert "group" not in preparer.split(task, "train", with_labels=False).rows.column_names
    with pytest.raises(ConfigError, match=r"t.metrics: needs rows that belong together.*options: \{group: COLUMN\}"):
        build_task("t", definition.model_copy(update={"options": {}}))
