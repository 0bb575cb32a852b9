"""What a task type says of its mistakes agrees with its metrics and with scikit-learn."""

import datasets
import numpy as np
import pytest
import torch
from sklearn.metrics import log_loss, multilabel_confusion_matrix, precision_recall_fscore_support

from mtsmart.metrics.entities import entity_f1
from mtsmart.task_types import Outputs, build_task
from mtsmart.task_types.span import Reference
from mtsmart.tasks.definition import TaskDefinition


def task_of(kind, text=("x",), **more):
    return build_task(
        "task", TaskDefinition(task_type=kind, dataset={"files": {"train": "t"}}, text=list(text), **more)
    )


def tagging(tags, rows):
    """A tagger of rows of words, each in one window, and outputs that say the tags of ``rows``."""
    task = task_of("tagging", labels=tags)
    logits = [torch.eye(len(tags))[[tags.index(tag) for tag in row]] * 3 for row in rows]
    words = [[str(place) for place in range(len(row))] for row in rows]
    places = [list(range(len(row))) for row in rows]
    features = {"row": list(range(len(rows))), "window": [0] * len(rows), "words": words, "word": places}
    return task, Outputs(logits, datasets.Dataset.from_dict(features))


def test_entities_are_counted_by_type_and_exact_span():
    tags = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    found = [["B-PER", "I-PER", "O"], ["B-LOC", "O", "B-PER"]]
    gold = [["B-PER", "O", "O"], ["B-LOC", "O", "B-PER"]]
    task, outputs = tagging(tags, found)
    counts = task.label_counts(task.decode(outputs), gold)
    assert {name: (each.hits, each.predicted, each.gold) for name, each in counts.items()} == {
        "PER": (1, 2, 2),
        "LOC": (1, 1, 1),
    }
    hits = sum(each.hits for each in counts.values())
    both = sum(each.predicted + each.gold for each in counts.values())
    assert 2 * hits / both == entity_f1(found, gold)
    assert task.confusion(found, gold).counts[0].tolist() == [2, 0, 1, 0, 0]
    assert task.in_words(gold[0]) == "B-PER O O"


def test_plain_tags_are_counted_as_scikit_learn_counts_them():
    tags = ["N", "V", "D"]
    gold = [["N", "V"], ["D", "N", "V"]]
    task, outputs = tagging(tags, [["N", "N"], ["D", "V", "V"]])
    found = task.decode(outputs)
    flat = [[tag for row in rows for tag in row] for rows in (gold, found)]
    expected = precision_recall_fscore_support(*flat, labels=tags, zero_division=0)
    counts = task.label_counts(found, gold)
    assert [each.f1 for each in counts.values()] == pytest.approx(list(expected[2]))
    probabilities = torch.softmax(torch.cat(list(outputs.logits)), -1).numpy()
    places = [tags.index(tag) for tag in flat[0]]
    assert task.costs(outputs, gold).sum() == pytest.approx(log_loss(places, probabilities, normalize=False), rel=1e-5)
    sure, right = task.events(outputs, gold)
    assert right.tolist() == [True, False, True, False, True] and sure == pytest.approx(probabilities.max(-1))


def test_sets_of_labels_are_counted_as_scikit_learn_counts_them():
    task = task_of("multi_label", labels=["a", "b", "c"])
    logits = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    outputs = Outputs(list(logits), None)
    gold = list((torch.randn(20, 3, generator=torch.Generator().manual_seed(1)) > 0).long().numpy())
    counts = task.label_counts(task.decode(outputs), gold)
    expected = multilabel_confusion_matrix(np.asarray(gold), (logits > 0).long().numpy())
    assert [each.hits for each in counts.values()] == [table[1, 1] for table in expected]
    assert [each.predicted for each in counts.values()] == [table[:, 1].sum() for table in expected]
    each = [log_loss(np.asarray(gold)[:, c], torch.sigmoid(logits[:, c]).numpy(), normalize=False) for c in range(3)]
    assert task.costs(outputs, gold).sum() == pytest.approx(sum(each), rel=1e-5)
    assert task.in_words(np.array([1, 0, 1])) == "a, c"


def test_choices_cost_their_likelihood_in_lists_of_any_length():
    task = task_of("multiple_choice", options={"choices": ["p", "q", "r"]})
    lists = [[2.0, 1.0], [0.0, 1.0, 5.0]]
    outputs = Outputs([torch.tensor(scores) for scores in lists], None)
    expected = [-torch.tensor(scores).log_softmax(0)[gold].item() for scores, gold in zip(lists, [1, 2], strict=True)]
    assert task.costs(outputs, [1, 2]) == pytest.approx(expected, rel=1e-5)
    assert task.events(outputs, [1, 2])[1].tolist() == [False, True]
    assert [task.in_words(0), task.in_words(7)] == ["p", "7"]


def test_an_answer_is_wrong_by_the_words_that_it_lacks():
    task = task_of("span", text=("question", "context"))
    task.decode = lambda outputs: ["red dog", "", "dog"]
    references = [Reference(["the red dog"], ""), Reference([], ""), Reference(["red dog", "red dog"], "")]
    assert task.costs(None, references) == pytest.approx([0, 0, 1 / 3])
    assert [task.is_wrong(*pair) for pair in zip(task.decode(None), references, strict=True)] == [False, False, True]
    assert [task.in_words(reference) for reference in references] == ["the red dog", "(no answer)", "red dog"]
