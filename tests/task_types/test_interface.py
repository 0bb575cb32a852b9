"""The interface of task types: its size, its optional parts, and what types without a part do."""

import inspect

import datasets
import pytest
import torch

from mtsmart.data.batch import Batch
from mtsmart.losses import DIRECTIONS, DIVERGENCES, OnePass, Role
from mtsmart.task_types import TASK_TYPES, TaskType, build_task
from mtsmart.task_types.interface.arranges_rows import ArrangesRows, arranged
from mtsmart.task_types.interface.checks_training import ChecksTraining, check_training
from mtsmart.task_types.interface.decides import Decides, share_changed
from mtsmart.task_types.interface.distillable import Distillable, TaughtBy
from mtsmart.task_types.interface.explains_outputs import ExplainsCuts, ExplainsDecoding, HasUnit, decoding_rule
from mtsmart.task_types.interface.fits_decoding import FitsDecoding, fit_decoding
from mtsmart.task_types.interface.learns_from_labels import LearnsFromLabels
from mtsmart.task_types.interface.own_signature import OwnSignature, input_signature_of, signature_of
from mtsmart.task_types.interface.scores_labels import ScoresLabels
from mtsmart.task_types.interface.splits_batches import SplitsBatches, splitting_of
from mtsmart.task_types.interface.writes_text import WritesText, text_of
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.tasks import TaskDefinition

NAMES = {"classification", "masked_lm", "multi_label", "multiple_choice", "ordinal", "ranking", "regression", "span"}
PARTS = {
    ArrangesRows: {"ranking"},
    ChecksTraining: {"ranking"},
    Decides: {*NAMES, "tagging"} - {"regression"},
    Distillable: {*NAMES, "tagging"} - {"masked_lm"},
    ExplainsCuts: {"span"},
    ExplainsDecoding: {"multiple_choice", "ordinal", "ranking", "span", "tagging"},
    FitsDecoding: {"multi_label", "span"},
    HasUnit: {"regression"},
    LearnsFromLabels: {"classification", "multi_label", "ordinal", "regression", "tagging"},
    OwnSignature: {"classification", "multi_label", "ordinal", "regression", "span"},
    ScoresLabels: {"classification", "multi_label"},
    SplitsBatches: {*NAMES, "tagging"} - {"span"},
    WritesText: {"multi_label"},
}


def task(**changes):
    """A task whose type has none of the optional parts but the default ones of ``SequenceTask``."""
    base = {"task_type": "regression", "dataset": {"files": {"train": "x.jsonl"}}, "text": ["text"]}
    return build_task("t", TaskDefinition(**{**base, **changes}))


def test_the_interface_is_small():
    methods = [
        name for name, value in vars(TaskType).items() if inspect.isfunction(value) or isinstance(value, property)
    ]
    assert len(methods) <= 16
    variables = {name for name in inspect.get_annotations(TaskType) if name != "options"}
    assert len(variables) <= 6


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_which_types_have_which_part(part):
    assert {name for name in TASK_TYPES if issubclass(TASK_TYPES[name], part)} == PARTS[part]


def test_the_nine_types_are_found_and_no_helper_is_one():
    assert {*TASK_TYPES} == {*NAMES, "tagging"}


def test_types_without_a_part_behave_as_the_parts_file_says():
    plain = task()
    rows = datasets.Dataset.from_dict({"text": ["a"], "row": [0]})
    assert arranged(plain, rows) is rows
    check_training(plain, rows)
    fit_decoding(plain, None, [])
    assert plain.decoding == {}
    assert share_changed(plain, torch.zeros(1, 1), torch.ones(1, 1), None) is None
    assert decoding_rule(plain) is None
    assert text_of(plain, "prediction", [1, 2]) == [1, 2]
    batch = Batch("t", {"input_ids": torch.zeros(3, 2)}, {"labels": torch.arange(3.0)}, [4, 5, 6])
    splitting = splitting_of(plain)
    assert splitting.take(batch, slice(1, 3)).rows == [5, 6]
    assert splitting.count_labels(batch) == splitting.count_predictions(batch) == 3


def test_tasks_that_differ_in_their_labels_alone_read_the_same_input():
    words = {"task_type": "tagging", "text": ["words"]}
    one = task(**words, labels=["A", "B"])
    other = task(**words, labels=["C", "D", "E"], label="tags")
    assert signature_of(one) != signature_of(other)
    assert input_signature_of(one) == input_signature_of(other)
    assert input_signature_of(one) != input_signature_of(task(**words, labels=["A", "B"], options={"overlap": 2}))


def test_a_teachers_outputs_belong_to_the_column_that_both_must_read_alike():
    assert {kind.value for kind in TaughtBy} == {"row", "input_ids"}
    tokens = {name for name in PARTS[Distillable] if TASK_TYPES[name].taught_by is TaughtBy.TOKEN}
    assert tokens == {"span", "tagging"}


def test_roles_are_the_keys_of_the_yaml():
    assert all(role.value in TaskDefinition.model_fields for role in Role)


def test_one_reduction_serves_both_divergences_and_the_direction():
    class Twice(SequenceTask):
        losses, divergences, metrics = ("mse",), ("symmetric_kl", "kl"), ("pearson",)
        head_spec = encode_label = decode = describe = baseline = None  # not asked here

        def average(self, function, logits, target, batch):
            return 2 * function(logits, target).sum()

    definition = TaskDefinition(
        task_type="regression", dataset={"files": {"train": "x"}}, text=["text"], adv_loss="kl", loss="mse"
    )
    chosen, a, b = Twice("t", definition), torch.randn(2, 3), torch.randn(2, 3)
    assert torch.equal(chosen.divergence(a, b, None, Role.ADVERSARIAL), 2 * DIVERGENCES["kl"](a, b).sum())
    assert torch.equal(chosen.divergence(a, b, None, Role.PROXIMAL), 2 * DIVERGENCES["symmetric_kl"](a, b).sum())
    torch.manual_seed(0)
    found = chosen.direction(a, b, None, OnePass.FISHER)
    torch.manual_seed(0)
    assert torch.equal(found, 2 * DIRECTIONS["kl"].fisher(a, b).sum())
