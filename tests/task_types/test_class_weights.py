"""Class weights, label smoothing, focal losses and soft labels: equal to torch's, and what does not fit is refused."""

import datasets
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from mtsmart.data.batch import Batch, Share
from mtsmart.errors import ConfigError, DataError
from mtsmart.losses import CRITERIA
from mtsmart.preparation.batch_parts import part_of
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition

LABELS = ["ham", "eggs", "spam"]
GIVEN = {"ham": 0.25, "spam": 7}
WEIGHTS = torch.tensor([0.25, 1.0, 7.0])


def task(kind="classification", options=None, **changes):
    base = {"task_type": kind, "dataset": {"files": {"train": "x.jsonl"}}, "text": ["text"], "labels": LABELS}
    return build_task("t", TaskDefinition(**{**base, "options": options or {}, **changes}))


def batch(labels):
    rows = len(labels)
    return Batch(
        "t",
        {"input_ids": torch.ones(rows, 2), "attention_mask": torch.ones(rows, 2)},
        {"labels": labels},
        list(range(rows)),
    )


def drawn(rows=9, width=3):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(rows, width, generator=generator) * 3


HARD = torch.tensor([0, 1, 2, 0, 0, 0, 1, 2, 0])
SOFT = torch.softmax(drawn().flip(0), dim=-1)
SETS = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1]] * 3).float()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [None, GIVEN])
@pytest.mark.parametrize("labels", [HARD, SOFT])
def test_cross_entropy_is_torchs(smoothing, weights, labels):
    options = {"class_weights": weights, "label_smoothing": smoothing, "soft_labels": labels is SOFT}
    own = task(options=options).criterion(drawn(), batch(labels))
    wanted = F.cross_entropy(drawn(), labels, None if weights is None else WEIGHTS, label_smoothing=smoothing)
    torch.testing.assert_close(own, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("gamma", [None, 0.0, 0.5, 3.0])
@pytest.mark.parametrize("weights", [None, GIVEN])
def test_focal_is_its_formula(gamma, weights):
    logits = drawn().requires_grad_()
    own = task(options={"gamma": gamma, "class_weights": weights}, loss="focal").criterion(logits, batch(HARD))
    p = torch.softmax(drawn().double(), dim=-1)[torch.arange(9), HARD]
    losses = -((1 - p) ** (2.0 if gamma is None else gamma)) * p.log()
    each = torch.ones(9) if weights is None else WEIGHTS[HARD]
    torch.testing.assert_close(own.double(), (each * losses).sum() / each.sum(), rtol=1e-5, atol=1e-6)
    own.backward()
    assert logits.grad.isfinite().all()


def test_a_row_that_is_surely_right_has_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    task(options={"gamma": 0.5}, loss="focal").criterion(logits, batch(torch.tensor([0]))).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", [None, GIVEN])
def test_binary_cross_entropy_is_torchs(smoothing, weights):
    own = task("multi_label", {"class_weights": weights, "label_smoothing": smoothing}).criterion(drawn(), batch(SETS))
    soft = SETS * (1 - smoothing) + smoothing / 2
    wanted = F.binary_cross_entropy_with_logits(drawn(), soft, pos_weight=None if weights is None else WEIGHTS)
    torch.testing.assert_close(own, wanted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("weights", [None, GIVEN])
def test_binary_focal_is_its_formula(weights):
    own = task("multi_label", {"class_weights": weights}, loss="binary_focal").criterion(drawn(), batch(SETS))
    p = torch.sigmoid(drawn().double())
    right = torch.where(SETS > 0, p, 1 - p)
    factor = torch.ones(3) if weights is None else WEIGHTS
    wanted = (-((1 - right) ** 2) * right.log() * torch.where(SETS > 0, factor, 1.0)).mean()
    torch.testing.assert_close(own.double(), wanted, rtol=1e-5, atol=1e-6)
    if weights is None:
        torch.testing.assert_close(
            CRITERIA["binary_focal"](drawn(), SETS).mean().double(), wanted, rtol=1e-5, atol=1e-6
        )


def test_ordinal_labels_are_weighted_by_row():
    own = task("ordinal", {"class_weights": GIVEN}).criterion(drawn(width=2), batch(HARD))
    losses = CRITERIA["threshold_cross_entropy"](drawn(width=2), HARD)
    torch.testing.assert_close(own, (WEIGHTS[HARD] * losses).sum() / WEIGHTS[HARD].sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_tags_are_weighted_as_torch_does_it(smoothing):
    labels = HARD.clone()
    labels[[2, 5]] = -100
    tagging = task("tagging", {"class_weights": GIVEN, "label_smoothing": smoothing})
    own = tagging.criterion(drawn().view(3, 3, 3), batch(labels.view(3, 3)))
    wanted = F.cross_entropy(drawn(), labels, WEIGHTS, label_smoothing=smoothing)
    torch.testing.assert_close(own, wanted, rtol=1e-6, atol=1e-6)
    nothing = tagging.criterion(drawn().view(3, 3, 3), batch(torch.full((3, 3), -100)))
    assert float(nothing) == 0


# Balanced weights ----------------------------------------------------------------------------------------------------


def test_balanced_weights_are_scikit_learns():
    rows = datasets.Dataset.from_dict({"labels": HARD.tolist()})
    for kind in ("classification", "ordinal"):
        one = task(kind, {"class_weights": "balanced"})
        assert one.label_weights() is None  # before the training rows are known
        one.learn(rows)
        wanted = compute_class_weight("balanced", classes=np.arange(3), y=HARD.numpy())
        np.testing.assert_allclose(one.label_weights(), wanted, rtol=1e-6)


def test_balanced_weights_of_tags_and_sets():
    tagging = task("tagging", {"class_weights": "balanced"})
    tagging.learn(datasets.Dataset.from_dict({"tags": [[0, 0, 1], [], [0, 0, 0, 2]]}))
    np.testing.assert_allclose(tagging.label_weights(), [7 / 15, 7 / 3, 7 / 3], rtol=1e-6)
    sets = task("multi_label", {"class_weights": "balanced"})
    sets.learn(datasets.Dataset.from_dict({"labels": [[1, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]]}))
    assert sets.label_weights().tolist() == [3.0, 1.0, 1.0]  # a label of no row, or of all rows, has no other side


def test_a_label_without_training_rows_counts_one():
    one = task(options={"class_weights": "balanced"})
    one.learn(datasets.Dataset.from_dict({"labels": [0, 0, 0, 1]}))
    np.testing.assert_allclose(one.label_weights(), [4 / 6, 2.0, 1.0], rtol=1e-6)


def test_weights_of_an_interrupted_run_are_used_again():
    one = task(options={"class_weights": "balanced"})
    one.learn(datasets.Dataset.from_dict({"labels": [0, 1, 2]}))
    one.use({"ham": 3.0, "eggs": 2.0, "spam": 1.0})
    assert one.learnt() == {"ham": 3.0, "eggs": 2.0, "spam": 1.0}
    one.use({})  # of a run without such weights
    assert one.label_weights().tolist() == [3.0, 2.0, 1.0]
    explicit = task(options={"class_weights": GIVEN})
    explicit.use({"ham": 3.0, "eggs": 2.0, "spam": 1.0})
    assert explicit.label_weights().tolist() == [0.25, 1.0, 7.0]


@pytest.mark.parametrize(
    "options", [{"class_weights": GIVEN}, {"class_weights": {"ham": 0.01, "eggs": 0.02, "spam": 0.01}}]
)
@pytest.mark.parametrize("kind", ["classification", "ordinal"])
def test_the_mean_over_processes_is_that_of_the_whole_batch(options, kind):
    one = task(kind, options)
    logits = drawn(width=3 if kind == "classification" else 2)
    total = 0.0
    for rank in range(2):
        part = part_of(batch(HARD), one, rank, 2)
        rows = slice(part.rows[0], part.rows[-1] + 1)
        total += float(part.scaled(one.criterion(logits[rows], part), Share.CRITERION)) / 2
    assert total == pytest.approx(float(one.criterion(logits, batch(HARD))), rel=1e-6)


# Soft labels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([0.5, 0.25, 0.25], [0.5, 0.25, 0.25]),
        ({"spam": 0.75, "ham": 0.25}, [0.25, 0.0, 0.75]),
        ({"spam": 1, "ham": None, "eggs": None}, [0.0, 0.0, 1.0]),  # as Arrow fills mappings of several rows
        ("[0, 1, 0]", [0.0, 1.0, 0.0]),
        ('{"eggs": 0.5, "spam": 0.5}', [0.0, 0.5, 0.5]),
        ("eggs", [0.0, 1.0, 0.0]),
        ([0.33, 0.33, 0.33], [1 / 3] * 3),
    ],
)
def test_soft_labels_in_each_form(value, expected):
    assert task(options={"soft_labels": True}).encode_label(value, 0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            [0.5, 0.5],
            "row 5: label: is neither a label nor the probabilities of 3 labels.*Give 3 numbers in the order ham",
        ),
        ({"spma": 1.0}, "is not one of the task's labels, got 'spma'. Did you mean 'spam'"),
        ([3, 1, 0], "sums to 4, and probabilities sum to 1.*Divide"),
        ([1.5, -0.5, 0.0], "is not a probability for each label"),
        (["x", 0.5, 0.5], "is not a probability for each label"),
        ([float("nan"), 0.5, 0.5], "is not a probability for each label"),
        ("eegs", "Did you mean 'eggs'"),
        ("[", "is neither a label nor"),
    ],
)
def test_what_is_no_soft_label_names_the_row(value, message):
    with pytest.raises(DataError, match=message):
        task(options={"soft_labels": True}).encode_label(value, 4)


@pytest.mark.parametrize("value", [[0.1, 0.2, 0.7], {"ham": 1.0}, "[0.1, 0.2, 0.7]"])
def test_probabilities_without_the_option_are_told_how(value):
    with pytest.raises(DataError, match="write options: {soft_labels: true}"):
        task().encode_label(value, 0)


def test_scores_compare_with_the_most_probable_label_and_balance_sums_probabilities():
    one = task(options={"soft_labels": True, "class_weights": "balanced"})
    rows = datasets.Dataset.from_dict({"labels": [[0.6, 0.4, 0.0], [0.0, 0.1, 0.9]]})
    assert one.references(rows) == [0, 2]
    one.learn(rows)
    np.testing.assert_allclose(one.label_weights(), 2 / (3 * np.array([0.6, 0.5, 0.9])), rtol=1e-6)


# What does not fit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "changes", "message"),
    [
        ("classification", {"class_weights": {"spma": 2}}, {}, "class_weights: is not one of.*Did you mean 'spam'"),
        ("classification", {"class_weights": {"SPAM": 2}}, {}, "is not one of.*got 'SPAM'. Did you mean 'spam'"),
        ("tagging", {"class_weights": {"b-X": 2}}, {"labels": ["O", "B-x"]}, "is not one of.*Did you mean 'B-x'"),
        ("classification", {"class_weights": {1.0: 2}}, {"labels": ["1", "22"]}, "got '1.0'. Did you mean '1'"),
        ("classification", {"class_weights": {True: 2}}, {"labels": ["no", "yes"]}, "got 'true'. Did you mean 'yes'"),
        ("ordinal", {"class_weights": {"ham": 0}}, {}, "class_weights.ham: should be above 0"),
        ("classification", {"class_weights": "balansed"}, {}, "should be 'balanced' or a mapping"),
        ("classification", {"label_smoothing": 1.0}, {}, "should be less than 1"),
        ("classification", {"label_smoothing": 0.1}, {"loss": "focal"}, "does not go with loss 'focal'"),
        ("tagging", {"gamma": 1.0}, {}, "gamma: does not go with loss 'cross_entropy'. Say loss: focal"),
        ("multi_label", {"gamma": 1.0}, {}, "Say loss: binary_focal"),
        ("classification", {"soft_labels": True}, {"loss": "focal"}, "does not go with options.soft_labels"),
        ("ordinal", {"label_smoothing": 0.1}, {}, "unknown key"),
        ("classification", {"class_weight": "balanced"}, {}, "Did you mean 'class_weights'"),
    ],
)
def test_what_does_not_fit_is_refused(kind, options, changes, message):
    with pytest.raises(ConfigError, match=message):
        task(kind, options, **changes)


@pytest.mark.parametrize(("key", "label"), [(2, "2"), (True, "true"), (0.5, "0.5")])
def test_yaml_keys_that_are_numbers_or_truth_values_name_labels(key, label):
    assert task(options={"class_weights": {key: 3}}, labels=["x", label]).label_weights().tolist() == [1.0, 3.0]


def test_encoded_rows_do_not_depend_on_options_of_the_loss():
    weighted = task(options={"class_weights": GIVEN, "label_smoothing": 0.1})
    assert weighted.signature() == task().signature()
    assert task(options={"soft_labels": True}).signature() != task().signature()
