"""multiple_choice and ranking: candidates, labels, layout, divergence within lists, decoding, what they refuse."""

from itertools import pairwise

import datasets
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import encode_split
from mtsmart.errors import ConfigError, DataError
from mtsmart.losses import Role
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.arranges_rows import arranged as arranged_rows
from mtsmart.task_types.interface.base import Outputs
from mtsmart.tasks import TaskDefinition
from tests.task_types.examples import multiple_choice, ranking

SOURCE = {"files": {"train": "x.jsonl"}}


def task(kind="multiple_choice", options=None, **changes):
    options = options or {"choices" if kind == "multiple_choice" else "candidates": ["a", "b"]}
    return build_task(
        "t", TaskDefinition(**{"task_type": kind, "dataset": SOURCE, "text": ["text"], "options": options, **changes})
    )


@pytest.fixture(scope="module")
def tokenizer(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


def encode(chosen, tokenizer, rows, with_labels=True):
    columns = {name: [row[name] for row in rows] for name in rows[0]} | {"row": list(range(len(rows)))}
    arranged = arranged_rows(chosen, datasets.Dataset.from_dict(columns))
    return datasets.Dataset.from_dict(chosen.encode(arranged[:], tokenizer, 32, with_labels))


def row(label, a="the cat", b="a red dog", **more):
    return {"text": "the dog", "a": a, "b": b, "label": label, **more}


@pytest.mark.parametrize(("label", "index"), [(0, 0), ("1", 1), ("b", 1), (1, 1)])
def test_labels_by_index_or_name_of_the_column(tokenizer, label, index):
    assert encode(task(), tokenizer, [row(label)])["labels"][:] == [index]
    assert encode(task("ranking"), tokenizer, [row(label)])["labels"][:] == [[1.0 - index, float(index)]]


def test_labels_that_are_numbers_are_names(tokenizer):
    assert encode(task(labels=["1", "2"]), tokenizer, [row("1"), row("2")])["labels"][:] == [0, 1]
    with pytest.raises(DataError, match="row 1: label: is none of the candidates, got 0"):
        encode(task(labels=["1", "2"]), tokenizer, [row(0)])


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (2, "row 1: label: is out of range: the row has 2 candidates, counted from 0, got 2"),
        (-1, "is out of range.*got -1.*'mtsmart predict' needs no label"),
        ("choice_b", "row 1: label: is none of the candidates, got 'choice_b'"),
    ],
)
def test_other_labels_name_the_row(tokenizer, label, message):
    with pytest.raises(DataError, match=message):
        encode(task(), tokenizer, [row(label)])


@pytest.mark.parametrize("value", ["the cat", [], "[]", '{"a": 1}'])
def test_what_is_no_list_of_candidates_names_the_row(tokenizer, value):
    chosen = task(options={"choices": "list"})
    with pytest.raises(DataError, match="row 1: list: is not a list of candidates"):
        chosen.candidates({"list": [value], "row": [0]})
    with pytest.raises(DataError, match="row 1: list: holds a candidate that is not a text, got 3"):
        chosen.candidates({"list": [["a", 3]], "row": [0]})
    assert chosen.candidates({"list": ['["a", "b"]', ["c"]], "row": [0, 1]}) == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        ("multiple_choice", {"options": {"choices": ["a", "text"]}}, "a column serves only one purpose, got 'text'"),
        ("multiple_choice", {"options": {"choice": ["a"]}}, "t.options.choice: unknown key. Did you mean 'choices'"),
        ("multiple_choice", {"labels": ["x", "y", "z"]}, "t.labels: must name every candidate"),
        ("multiple_choice", {"adv_loss": "mse"}, "does not go with task type 'multiple_choice'"),
        ("ranking", {"options": {"candidates": ["a"], "group": "id"}}, "give either 'candidates'"),
        ("ranking", {"options": {"group": "id"}}, "t.text: needs two columns with 'group'"),
    ],
)
def test_definitions_that_do_not_fit(kind, changes, message):
    with pytest.raises(ConfigError, match=message):
        task(kind, **changes)


def test_input_is_the_texts_joined_and_the_candidate(tokenizer):
    chosen = task(text=["text", "more"])
    encoded = encode(chosen, tokenizer, [row(0, more="runs")])
    expected = [tokenizer("the dog runs", candidate)["input_ids"] for candidate in ("the cat", "a red dog")]
    assert encoded["input_ids"][:] == [expected]


@pytest.fixture
def ragged(tokenizer):
    """The example's batch: six lists of 3, 2, 4, 2, 2 and 3 candidates."""
    chosen = build_task("t", TaskDefinition(**multiple_choice.DEFINITION))
    encoded = encode(chosen, tokenizer, multiple_choice.ROWS)
    return chosen, encoded, chosen.collate(list(encoded), tokenizer, 0)


def test_lists_of_any_length_make_one_batch_without_padding_candidates(ragged):
    chosen, encoded, batch = ragged
    assert batch.inputs["input_ids"].shape[0] == 16
    assert batch.rows == [0, 1, 2, 3, 4, 5]
    assert batch.layout["present"].sum(-1).tolist() == [3, 2, 4, 2, 2, 3]
    scores = torch.arange(16.0).unsqueeze(-1)
    logits = chosen.adapt(scores, batch)
    assert logits[1].tolist() == [3.0, 4.0, -1e4, -1e4]
    assert [one.tolist() for one in chosen.unbatch(logits, batch)][2] == [5.0, 6.0, 7.0, 8.0]
    expected = sum(
        torch.nn.functional.cross_entropy(one, torch.tensor(label))
        for one, label in zip(chosen.unbatch(logits, batch), encoded["labels"], strict=True)
    )
    assert float(chosen.criterion(logits, batch)) == pytest.approx(float(expected) / 6, rel=1e-6)


@pytest.mark.parametrize("name", ["symmetric_kl", "kl", "js", "hellinger"])
def test_absent_candidates_count_nothing(ragged, name):
    """The divergence is the mean of each list's own, and finite gradients reach every candidate."""
    from mtsmart.losses import DIVERGENCES

    chosen, _, batch = ragged
    chosen = task(options={"choices": "endings"}, adv_loss=name)
    p, q = torch.randn(2, 16, 1).requires_grad_(True)
    a, b = chosen.adapt(p, batch), chosen.adapt(q, batch)
    value = chosen.divergence(a, b, batch, Role.ADVERSARIAL)
    lists = zip(chosen.unbatch(a, batch), chosen.unbatch(b, batch), strict=True)
    expected = sum(float(DIVERGENCES[name](x, y).detach()) for x, y in lists) / 6
    assert float(value.detach()) == pytest.approx(expected, rel=1e-5)
    assert torch.isfinite(torch.autograd.grad(value, p)[0]).all()
    assert float(chosen.divergence(a, a, batch, Role.ADVERSARIAL).detach()) == 0.0
    assert float(chosen.changed(a, a, batch)) == 0.0


def test_length_of_a_row_is_its_longest_candidates(ragged, tmp_path):
    _, encoded, _ = ragged
    source = datasets.Dataset.from_dict({"row": encoded["row"][:]})

    def columns(rows):
        return {"input_ids": [encoded[i]["input_ids"] for i in rows["row"]], "row": rows["row"]}

    split = encode_split(source, columns, {}, DataConfig(cache_dir=str(tmp_path)))
    assert split.lengths.tolist() == [max(map(len, ids)) for ids in encoded["input_ids"]]


def test_choice_describe_and_baseline(ragged):
    chosen, encoded, batch = ragged
    logits = chosen.unbatch(chosen.adapt(torch.arange(16.0).unsqueeze(-1), batch), batch)
    described = chosen.describe(Outputs(logits, encoded), None)
    assert described[0]["prediction"] == 2 and described[0]["prediction_text"] == "eats"
    assert described[0]["probabilities"] == pytest.approx(torch.softmax(torch.arange(3.0), 0).tolist())
    assert chosen.decode(Outputs(logits, encoded)) == [2, 1, 3, 1, 1, 2]
    assert chosen.baseline([1, 1, 0], [0, 0]) == [1, 1]


def test_a_choice_between_columns_is_named_too():
    outputs = Outputs([torch.tensor([0.5, 2.0])], {"candidates": [["the cat", "a red dog"]]})
    for changes, name in (({}, "b"), ({"labels": ["no", "yes"]}, "yes")):
        (described,) = task(**changes).describe(outputs, None)
        assert (described["prediction"], described["prediction_label"]) == (1, name)


def test_relevances_of_lists(tokenizer):
    chosen = task("ranking", labels=["bad", "good"], options={"candidates": ["a", "b"]})
    rows = [row(["good", "bad"]), row(["0.5", "2"])]
    assert encode(chosen, tokenizer, rows)["labels"][:] == [[1.0, 0.0], [0.5, 2.0]]
    assert encode(chosen, tokenizer, [row("[0, 3]")])["labels"][:] == [[0.0, 3.0]]
    for label, message in (
        ([1], "row 1: label: holds 1 relevance for 2 candidates"),
        (["goood", "bad"], "row 1: label: is not a relevance, got 'goood'. Did you mean 'good'"),
        (["-1", "1"], "row 1: label: is not a relevance, got '-1'"),
    ):
        with pytest.raises(DataError, match=message):
            encode(chosen, tokenizer, [row(label)])


def grouped(**changes):
    return build_task("t", TaskDefinition(**{**ranking.DEFINITION, **changes}))


def test_groups_are_lists(tokenizer):
    encoded = encode(grouped(), tokenizer, ranking.ROWS)
    assert encoded["row"][:] == [0, 1, 3, 5]
    assert encoded["labels"][:] == [[0, 1], [2, 0, 1], [1], [1, 0]]
    assert encoded["positions"][:] == [[0, 2], [1, 4, 6], [3], [5, 7]]


def test_the_text_of_a_query_may_be_its_id(tokenizer):
    texts = {row["id"]: f"{row['query']} {row['id']}" for row in ranking.ROWS}
    rows = [{**row, "query": texts[row["id"]]} for row in ranking.ROWS]
    by_id = encode(grouped(), tokenizer, rows)
    by_text = encode(grouped(options={"group": "query"}), tokenizer, [{**row, "id": "x"} for row in rows])
    assert by_text["group"][:] == list(dict.fromkeys(texts.values()))
    for name in ("row", "positions", "labels", "input_ids"):
        assert by_text[name][:] == by_id[name][:]
    with pytest.raises(ConfigError, match="a column serves only one purpose, got 'candidate'"):
        grouped(text=["query", "candidate"], options={"group": "candidate"})


def test_a_row_of_a_group_that_does_not_fit_is_named(tokenizer):
    rows = [dict(row) for row in ranking.ROWS]
    rows[4]["label"] = -2
    with pytest.raises(DataError, match="row 5: label: is not a relevance, got -2"):
        encode(grouped(), tokenizer, rows)


def test_an_id_with_two_queries_names_both_rows(tokenizer):
    rows = [dict(row) for row in ranking.ROWS]
    rows[6]["query"] = "small red car"
    message = "row 7: query: is another query than row 2 has with the same id 'q2', got 'small red car'"
    with pytest.raises(DataError, match=message):
        encode(grouped(), tokenizer, rows, with_labels=False)


def test_a_training_query_without_a_relevant_candidate_is_named(tokenizer):
    rows = [{**row, "label": 0 if row["id"] == "q4" else row["label"]} for row in ranking.ROWS]
    with pytest.raises(DataError, match="row 6: id: is a query without a relevant candidate, got 'q4'"):
        grouped().check_training(encode(grouped(), tokenizer, rows))
    grouped().check_training(encode(grouped(), tokenizer, ranking.ROWS))


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-5, 5, width=32)), min_size=1, max_size=25))
@settings(max_examples=100, deadline=None)
def test_every_source_row_comes_back_once_in_order(pairs):
    chosen, (ids, scores) = grouped(), zip(*pairs, strict=True)
    # Numbers repeat where a split is put together from several.
    columns = {"id": ids, "query": ["a"] * len(ids), "candidate": ["b"] * len(ids), "row": [0] * len(ids)}
    arranged = chosen.arrange(datasets.Dataset.from_dict({name: list(values) for name, values in columns.items()}))
    assert len(arranged) == len(set(ids))
    logits = [torch.tensor([scores[i] for i in positions]) for positions in arranged["positions"]]
    described = chosen.describe(Outputs(logits, arranged), None)
    assert [one["score"] for one in described] == list(scores)
    for key in set(ids):
        group = [one for one, own in zip(described, ids, strict=True) if own == key]
        assert sorted(one["prediction"] for one in group) == list(range(1, len(group) + 1))
        by_rank = sorted(group, key=lambda one: one["prediction"])
        assert all(x["score"] >= y["score"] for x, y in pairwise(by_rank))


def test_ranking_describe_and_baseline():
    chosen = task("ranking")
    described = chosen.describe(Outputs([torch.tensor([0.5, 2.0, 1.0])], None), None)
    assert described == [{"prediction": [1, 2, 0], "scores": [0.5, 2.0, 1.0]}]
    (scores,) = chosen.baseline([[0, 1], [0, 1], [1, 0]], [[0, 1, 0]])
    assert sorted(range(3), key=lambda i: -scores[i]) == [1, 0, 2]


READ = {"choices": "names", "by_text": True, "placeholder": "@"}


def reading(**changes):
    return task(options={**READ, **changes}, text=["text", "query"], label="answers", metrics=["answer_f1", "accuracy"])


def passage(answers, names=("the cat", "a dog", "dog")):
    return {"text": "the dog runs", "query": "@ runs", "names": list(names), "answers": answers}


def test_the_candidate_takes_the_place_of_a_part_of_the_text(tokenizer):
    encoded = encode(reading(), tokenizer, [passage(["dog"])])
    expected = [tokenizer("the dog runs", f"{name} runs")["input_ids"] for name in ("the cat", "a dog", "dog")]
    assert encoded["input_ids"][:] == [expected]


def test_any_of_several_right_texts_is_right(tokenizer):
    chosen = reading()
    rows = encode(
        chosen, tokenizer, [passage(["dog", "a dog"]), passage(["the cat"]), passage(["the cat", "elsewhere"])]
    )
    assert rows["labels"][:] == [1, 0, 0]
    references = chosen.references(rows)
    assert chosen.score([2, 2, 1], references) == {"answer_f1": pytest.approx(1 / 3), "accuracy": pytest.approx(1 / 3)}
    assert [chosen.is_wrong(2, reference) for reference in references] == [False, True, True]
    assert [chosen.in_words(reference) for reference in references] == ["dog / a dog", "the cat", "the cat / elsewhere"]
    logits = [torch.tensor([0.0, 0.0, 1.0])] * 3
    assert chosen.events(Outputs(logits, rows), references)[1].tolist() == [True, False, False]
    assert chosen.baseline([1, 1], references[:1]) == [1]
    assert encode(chosen, tokenizer, [passage("dog")])["labels"][:] == [2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (passage([]), "row 1: answers: names no right candidate"),
        (passage(["a dogg"]), "is the text of none of the row's candidates.*Did you mean 'a dog'"),
        ({**passage(["dog"]), "query": "runs"}, "row 1: query: does not hold '@', got 'runs'"),
    ],
)
def test_texts_that_are_not_there_name_the_row(tokenizer, row, message):
    with pytest.raises(DataError, match=message):
        encode(reading(), tokenizer, [row])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {**READ, "by_text": False}}, "t.metrics: compares texts, and the label is an index or a name"),
        ({"options": {**READ, "keys": "k"}}, "t.options.by_text: does not go with 'keys'"),
        ({"text": ["query"]}, "t.options.placeholder: needs two texts"),
    ],
)
def test_options_of_texts_that_do_not_fit(changes, message):
    with pytest.raises(ConfigError, match=message):
        task(**{"options": READ, "text": ["text", "query"], "metrics": ["answer_f1"], **changes})
