"""What encoded splits show before training, in lines with counts; and texts that are empty."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import EncodedSplit
from mtsmart.errors import ConfigError, DataError, MtsmartWarning
from mtsmart.preparation.data_checks import data_problems
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.preparer import Preparer
from mtsmart.preparation.split_checks import READ_WHOLE, cut_text, label_texts, overlap_text, tell_of_splits
from mtsmart.preparation.split_names import mistyped_splits, unread_validation
from mtsmart.task_types import build_task
from mtsmart.tasks.definition import TaskDefinition


@pytest.fixture
def prepared(tiny_encoder, tmp_path):
    """A function that prepares a task: its train and validation rows, then settings of its definition."""
    preparer = Preparer(AutoTokenizer.from_pretrained(tiny_encoder), DataConfig(cache_dir=str(tmp_path / "c")), 64)

    def prepare(train, validation, **settings):
        files = {}
        for name, rows in (("train", train), ("validation", validation)):
            files[name] = str(tmp_path / f"{name}.jsonl")
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        given = {"task_type": "classification", "text": ["text"], "labels": ["x", "y"], **settings}
        given["labels"] = given["labels"] or None
        definition = TaskDefinition(dataset={"files": files}, **given)
        task = build_task("t", definition)
        splits = (preparer.split(task, split) for split in ("train", "validation"))
        return PreparedTask(definition, task, preparer.collate(task), *splits)

    return prepare


def rows(*pairs):
    return [{"text": text, "label": label} for text, label in pairs]


HEALTHY = rows(("red dog", "x"), ("blue cat", "y"), ("red car", "x"), ("old house", "y"))
OTHER = rows(("a dog", "x"), ("the cat", "y"))


def test_healthy_splits_are_not_told(prepared):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell_of_splits(prepared(HEALTHY, OTHER), 64)


@pytest.mark.parametrize(
    ("kind", "labels", "train", "absent"),
    [
        ("classification", ["x", "y", "z"], ["x", "y", "x"], "label 'z'"),
        ("classification", ["x", "y"], ["x", "x", "x"], "label 'y'"),
        ("ordinal", ["low", "middle", "high"], ["low", "high", "low"], "label 'middle'"),
        ("multi_label", ["x", "y", "z"], [["x"], [], ["x"]], "labels 'y', 'z'"),
    ],
)
def test_labels_without_a_training_row_are_told(prepared, kind, labels, train, absent):
    given = rows(*zip(("red dog", "blue cat", "red car"), train, strict=True))
    texts = list(label_texts(prepared(given, OTHER if "y" in labels[:2] and kind != "multi_label" else given,
                                      task_type=kind, labels=labels)))  # fmt: skip
    assert texts[0].startswith(f"no training row has the {absent}, which cannot be learnt")


def test_a_tag_counts_as_learnt_if_one_of_its_kind_is(prepared):
    labels = ["O", "B-dog", "I-dog", "B-cat", "I-cat"]
    given = [{"text": ["a", "red", "dog"], "label": ["O", "O", "B-dog"]}] * 2
    texts = list(label_texts(prepared(given, given, task_type="tagging", labels=labels)))
    assert texts == ["no training row has the label 'cat', which cannot be learnt"]


@pytest.mark.parametrize(
    ("settings", "label", "shown"),
    [
        ({}, "y", "'y'"),
        ({"task_type": "regression", "labels": []}, 2.5, "2.5"),
        ({"task_type": "ordinal"}, "x", "'x'"),
    ],
    ids=["classification", "regression", "ordinal"],
)
def test_a_split_with_one_label_is_told(prepared, settings, label, shown):
    train = [1.0, 2.0, 3.0] if shown == "2.5" else ["x", "y", "x"]
    task = prepared(
        rows(*zip(("red dog", "cat", "car"), train, strict=True)), rows(("a", label), ("the", label)), **settings
    )
    assert list(label_texts(task)) == [f"all 2 validation rows have the label {shown}, so scores on them say little"]


def test_rows_that_stand_in_both_splits_are_counted(prepared):
    shared = [*OTHER, HEALTHY[2], {"text": HEALTHY[0]["text"], "label": "y"}]
    assert overlap_text(prepared(HEALTHY, shared)).startswith("2 of 4 validation rows have the text of a training row")
    pairs = [{"a": "red dog", "b": "cat", "label": "x"}, {"a": "red", "b": "dog cat", "label": "y"}]
    other = [{"a": "red dog cat", "b": "", "label": "x"}, {"a": "cat", "b": "red dog", "label": "y"}]
    assert overlap_text(prepared(pairs, other, text=["a", "b"], missing="empty")) is None
    lists = [{"text": "red", "choices": ["dog", "cat"], "label": 0}, {"text": "red", "choices": ["a", "b"], "label": 1}]
    choice = {"task_type": "multiple_choice", "labels": [], "options": {"choices": "choices"}}
    swapped = [{**lists[0], "choices": ["cat", "dog"]}, lists[1]]
    assert overlap_text(prepared(lists, swapped, **choice)).startswith("1 of 2 validation rows")


def test_a_row_of_just_the_most_tokens_is_not_cut(prepared):
    train = rows(("red " * 6, "x"), ("red " * 7, "y"), ("red", "x"), ("cat " * 99, "y"))
    task = prepared(train, OTHER, max_length=8)
    assert task.train.lengths.tolist() == [8, 8, 3, 8]
    assert cut_text(task, 8) == f"2 of 4 training rows (50%) are cut to 8 tokens; {READ_WHOLE}"
    again = prepared(train, OTHER, max_length=8)  # from the cache
    assert again.train.cut == 2 and again.validation.cut == 0
    lists = [{"text": "red " * 5, "choices": ["dog", "cat " * 9], "label": 0}] * 3
    choice = {"task_type": "multiple_choice", "labels": [], "options": {"choices": "choices"}, "max_length": 12}
    assert prepared(lists, lists, **choice).train.cut == 3


def test_rows_that_an_earlier_version_stored_are_told_as_far_as_known(prepared):
    train = prepared(rows(("red " * 6, "x"), ("red " * 7, "y"), ("red", "x")), OTHER, max_length=8).train
    stored = EncodedSplit(train.rows, train.lengths)
    task = prepared(HEALTHY, OTHER)
    unknown = PreparedTask(task.definition, task.type, task.collate, stored, task.validation)
    assert cut_text(unknown, 8) == f"up to 2 of 3 training rows (67%) are cut to 8 tokens; {READ_WHOLE}"


PAIRS = [
    {"a": "red dog", "b": "cat", "label": "x"},
    {"a": "red dog", "b": None, "label": "y"},
    {"a": "red dog", "b": "", "label": "y"},
]


@pytest.mark.parametrize("missing", ["empty", {"b": "empty"}, {"b": "empty", "a": "drop", "label": "drop"}])
def test_an_empty_second_text_keeps_the_form_of_a_pair(prepared, missing):
    task = prepared(PAIRS, PAIRS, text=["a", "b"], missing=missing)
    one, two, three = task.train.rows["input_ids"]
    separator = one[-1]
    assert two == three == [*one[:-2], separator] and two.count(separator) == 2
    assert task.train.dropped == 0


def test_each_column_has_its_own_policy(prepared):
    more = [*PAIRS, {"a": "", "b": "cat", "label": "x"}, {"a": "cat", "b": "dog", "label": None}]
    task = prepared(more, PAIRS, text=["a", "b"], missing={"b": "empty", "a": "drop", "label": "drop"})
    assert task.train.rows["row"] == [0, 1, 2] and task.train.dropped == 2
    with pytest.raises(DataError, match=r"train.jsonl\): a: 1 of 5 rows lacks a text or label, it is row 4"):
        prepared(more, PAIRS, text=["a", "b"], missing={"b": "empty", "label": "drop"})
    with pytest.raises(DataError, match="label: 1 of 5 rows lacks a text or label, it is row 5"):
        prepared(more, PAIRS, text=["a", "b"], missing="empty")


def test_a_text_made_of_columns_keeps_what_is_there(prepared):
    template = "{a} and {b}"
    task = prepared(PAIRS, PAIRS, text=[template], missing={"b": "empty"})
    written = prepared(rows(("red dog and cat", "x"), ("red dog and ", "y"), ("red dog and ", "y")), OTHER)
    assert task.train.rows["input_ids"] == written.train.rows["input_ids"]
    assert len(prepared(PAIRS, PAIRS, text=[template], missing={"b": "drop"}).train) == 2
    with pytest.raises(DataError, match="1 of 3 rows lacks a text"):
        prepared(PAIRS, PAIRS, text=[template])


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ({"c": "empty"}, "t.missing.c: is for a column that the task does not read"),
        (
            {"label": "empty"},
            "t.missing.label: a label cannot be read as an empty one, got 'empty'. Say refuse or drop",
        ),
    ],
)
def test_a_policy_that_says_nothing_is_refused(prepared, missing, message):
    with pytest.raises(ConfigError, match=message):
        prepared(PAIRS, PAIRS, text=["a", "b"], missing=missing)


def test_an_empty_text_has_a_token_without_special_ones(tiny_encoder):
    from mtsmart.data.tokenizing import TextTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.backend_tokenizer.post_processor = None
    encoded = TextTokenizer(tokenizer).encode([["red dog", ""]], 16)
    assert [len(row) for row in encoded["input_ids"]] == [2, 1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": {"train": "train[10%"}}, "splits.train: is not a split with an optional slice"),
        ({"splits": {"validation": "dev"}}, "splits.validation: the data has no split 'dev'"),
        ({"splits": {"test": "train[:"}}, "splits.test: is not a split with an optional slice"),
        ({"label": "gold"}, "label: the data has no such label column, got 'gold'"),
        ({"label": "gold, label"}, "several columns of 0 and 1 are written label: [gold, label]"),
        ({"labels": ["x", "w"]}, "row 2: label: is not one of the task's labels, got 'y'"),
        ({"text": ["body"]}, "body: there is no such column"),
        ({"task_type": "regression", "labels": None}, "row 1: label: is not a finite number, got 'x'"),
    ],
)
def test_the_data_of_a_task_is_checked_as_training_would(tmp_path, change, message):
    file = tmp_path / "d.csv"
    file.write_text("text,label\nred dog,x\ncat,y\n")
    given = {"task_type": "classification", "text": ["text"], "labels": ["x", "y"], **change}
    task = build_task("t", TaskDefinition(dataset={"files": {"train": str(file)}}, **given))
    (problem,) = data_problems(task)
    assert message in str(problem)


def test_a_fault_of_a_file_with_two_splits_is_told_once(tmp_path):
    (tmp_path / "d.csv").write_text("text,label\nred dog,x\ncat,y\nblue dog,x\nhouse,y\n")
    dataset = {"files": {"train": str(tmp_path / "d.csv")}, "holdout": 2, "group_column": "gruop"}
    given = {"task_type": "classification", "text": ["text"], "labels": ["x", "y"]}
    (problem,) = data_problems(build_task("t", TaskDefinition(dataset=dataset, **given)))
    assert "gruop: there is no such column" in str(problem)


def test_a_test_file_without_labels_is_no_problem(tmp_path):
    (tmp_path / "d.csv").write_text("text,label\nred dog,x\ncat,y\n")
    (tmp_path / "new.csv").write_text("text\nred dog\n")
    files = {"train": str(tmp_path / "d.csv"), "test": str(tmp_path / "new.csv")}
    definition = TaskDefinition(
        task_type="classification",
        text=["text"],
        labels=["x", "y"],
        dataset={"files": files},
        splits={"test": "test"},
    )
    assert data_problems(build_task("t", definition)) == []


def test_the_policies_of_missing_values_fill_only_texts():
    import pyarrow as pa

    from mtsmart.data.completeness import filled_with_empty

    numbers = pa.chunked_array([pa.array([1.0, None, float("nan")])])
    assert filled_with_empty(numbers) is numbers
    assert filled_with_empty(pa.chunked_array([pa.nulls(2)])).to_pylist() == ["", ""]
    assert filled_with_empty(pa.chunked_array([pa.array([np.nan, None])])).to_pylist() == ["", ""]


def test_tagged_rows_of_one_word_each_are_told_and_a_short_sentence_is_not(prepared):
    words = [{"text": [word], "label": [tag]} for word, tag in (("a", "O"), ("red", "O"), ("dog", "B-dog"))]
    labels = ["O", "B-dog", "I-dog"]
    (text,) = label_texts(prepared(words, words, task_type="tagging", labels=labels))
    assert text.startswith("each of the 3 training rows is a single word; if they are words of sentences, a row should")
    sentence = {"text": ["a", "dog"], "label": ["O", "B-dog"]}
    assert not list(label_texts(prepared([*words, sentence], words, task_type="tagging", labels=labels)))
    assert not list(label_texts(prepared([sentence], words, task_type="tagging", labels=labels)))


def test_a_file_of_one_word_a_line_is_told_once(tiny_encoder, tmp_path):
    lines = "words\ttags\nAda\tB-x\nran\tO\n\nBo\tB-x\n"
    files = {name: str(tmp_path / f"{name}.tsv") for name in ("train", "validation")}
    for file in files.values():
        Path(file).write_text(lines)
    definition = TaskDefinition(
        task_type="tagging", text=["words"], label="tags", labels=["O", "B-x"], dataset={"files": files}
    )
    with pytest.warns(MtsmartWarning) as told:
        assert data_problems(build_task("t", definition)) == []
    assert [str(each.message)[:20] for each in told if "conll" in str(each.message)] == [f"{files['train']}:4"[:20]]


def names_told(splits=None, files=("train", "validation")):
    given = {name: f"{name}.csv" for name in files}
    definition = TaskDefinition(
        task_type="classification", text=["text"], labels=["a", "b"], dataset={"files": given}, splits=splits or {}
    )
    return list(mistyped_splits(definition))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("vaildation", "validation"),
        ("validaton", "validation"),
        ("Validation", "validation"),
        ("valdiaton", "validation"),
        ("trian", "train"),
        ("trin", "train"),
        ("TEST", "test"),
        ("tset", "test"),
    ],
)
def test_a_mistyped_name_of_a_split_is_told(name, meant):
    text = f"splits: a split '{name}' is read only where it is asked for. Did you mean '{meant}'?"
    assert names_told({name: "train[:10%]"}, ["train"]) == [text]
    of_files = names_told(files=["train", name])
    assert of_files == ([] if name.casefold() == meant else [text.replace("splits", "dataset.files", 1)])


@pytest.mark.parametrize(
    "name",
    ["validation_matched", "dev2", "adv", "test2", "tests", "train_b", "trial", "rest", "extra"],
)
def test_other_names_of_splits_pass_without_a_word(name):
    assert names_told({name: "train[:10%]"}, ["train"]) == []
    assert names_told(files=["train", name]) == []


def test_names_of_the_data_are_no_mistakes():
    assert names_told({"validation": "vaildation[:50%]"}, ["train", "vaildation"]) == []
    assert names_told({"trian": "trian"}, ["train"]) == []


def test_checking_a_task_tells_of_a_mistyped_split(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\none,a\ntwo,b\n")
    definition = TaskDefinition(
        task_type="classification",
        text=["text"],
        labels=["a", "b"],
        dataset={"files": {"train": str(tmp_path / "a.csv")}},
        splits={"vaildation": "train"},
    )
    with pytest.warns(MtsmartWarning, match="task t: splits: a split 'vaildation' .* Did you mean 'validation'"):
        assert data_problems(build_task("t", definition)) == []


def test_checking_a_task_counts_rows_of_both_splits_as_training_does(prepared):
    task = prepared(HEALTHY, [*HEALTHY[:2], *OTHER])
    with pytest.warns(MtsmartWarning) as told:
        assert data_problems(task.type) == []
    (text,) = (str(each.message) for each in told)
    assert text == f"task t: {overlap_text(task)}" and "2 of 4 validation rows have the text" in text


def test_one_row_of_both_splits_is_one(prepared):
    assert "1 of 3 validation rows has the text" in overlap_text(prepared(HEALTHY, [HEALTHY[0], *OTHER]))


@pytest.mark.parametrize(
    ("label", "shown"), [("\x1b[31mx", "the label '\\x1b[31mx' has"), ("\u202ex", "\\u202ex"), ("x\u200b", "\\u200b")]
)
def test_labels_that_cannot_be_seen_are_told_as_escapes(prepared, label, shown):
    train = rows(("red dog", label), ("blue cat", "y"), ("red car", label), ("old house", "y"))
    (text,) = label_texts(prepared(train, train, labels=[label, "y"]))
    assert shown in text and "cannot be seen" in text and text.isprintable()


@pytest.mark.parametrize(
    "label", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469", "a b", "x\u0301"]
)
def test_joiners_that_are_part_of_a_script_are_no_hidden_characters(prepared, label):
    train = rows(("red dog", label), ("blue cat", "y"), ("red car", label), ("old house", "y"))
    assert list(label_texts(prepared(train, train, labels=[label, "y"]))) == []


def unread(files, **settings):
    definition = TaskDefinition(
        task_type="classification", text=["text"], labels=["a", "b"], dataset={"files": files}, **settings
    )
    return unread_validation(definition, DataConfig())


@pytest.mark.parametrize("name", ["dev", "valid", "val", "eval", "validate", "Dev"])
def test_a_usual_name_of_validation_rows_that_nobody_reads_is_told(name):
    told = f"'{name}' is read only where it is asked for; a run is scored on 'validation'."
    assert unread({"train": "a.csv", name: "b.csv"}) == f"dataset.files: {told} Write it as 'validation'"
    assert unread({"train": "a.csv"}, splits={name: "train[:9]"}) == f"splits: {told} Write it as 'validation'"
    assert unread({"train": "a.csv", name: "b.csv", "validation": "c.csv"}) is None
    assert unread({"train": "a.csv", name: "b.csv"}, splits={"validation": name}) is None


def test_training_and_checking_tell_of_validation_rows_that_nobody_reads(prepared, tmp_path):
    task = prepared(HEALTHY, OTHER)
    files = {"train": task.definition.dataset.files["train"], "dev": task.definition.dataset.files["validation"]}
    definition = TaskDefinition(**{**task.definition.model_dump(), "dataset": {"files": files}})
    unscored = PreparedTask(definition, build_task("t", definition), task.collate, task.train, None)
    with pytest.warns(MtsmartWarning, match="task t: dataset.files: 'dev' is read only"):
        tell_of_splits(unscored, 64)
    with pytest.warns(MtsmartWarning, match="task t: dataset.files: 'dev' is read only"):
        assert data_problems(unscored.type) == []


def test_checking_a_clone_tells_how_to_name_its_validation_rows(tmp_path, monkeypatch):
    (tmp_path / "o" / "c").mkdir(parents=True)
    (tmp_path / "o" / "c" / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - {split: train, path: a.csv}\n  - {split: dev, path: b.csv}\n---\n"
    )
    for name in ("a.csv", "b.csv"):
        (tmp_path / "o" / "c" / name).write_text("text,label\none,a\ntwo,b\n")
    monkeypatch.setenv("MTSMART_HUB_DIR", str(tmp_path))
    definition = TaskDefinition(task_type="classification", text=["text"], labels=["a", "b"], dataset={"path": "o/c"})
    with pytest.warns(MtsmartWarning, match="task t: 'dev' is read only .* Write splits: {validation: dev}"):
        assert data_problems(build_task("t", definition)) == []


def test_a_missing_file_of_any_split_is_a_problem(tmp_path):
    (tmp_path / "d.csv").write_text("text,label\nred dog,x\ncat,y\n")
    files = {"train": str(tmp_path / "d.csv"), "test": str(tmp_path / "gone.csv")}
    definition = TaskDefinition(task_type="classification", text=["text"], labels=["x", "y"], dataset={"files": files})
    (problem,) = data_problems(build_task("t", definition))
    assert "gone.csv: there is no such file" in str(problem)
