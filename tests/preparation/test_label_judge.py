"""Labels judged before they are encoded: by their own column, and by that of the training split."""

import warnings

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl
from tests.models.architectures import tokenizer_of


@pytest.fixture
def splits(tmp_path):
    """A function that writes labels as files, one a split, and gives a function that encodes a split's labels."""

    def written(**labels):
        files = {}
        for split, values in labels.items():
            rows = [{"text": f"row {number}", "label": value} for number, value in enumerate(values)]
            files[split] = str(write_jsonl(tmp_path / f"{split}.jsonl", rows))
        config = DataConfig(cache_dir=str(tmp_path / "cache"))

        def encoded(split, preparer=None, **changes):
            base = {"task_type": "classification", "text": ["text"], "labels": ["sun", "rain", "snow"]}
            definition = TaskDefinition(**{**base, "dataset": {"files": files}, **changes})
            preparer = preparer or Preparer(tokenizer_of("BERT"), config, None)
            return preparer.split(build_task("t", definition), split).rows["labels"][:]

        return encoded

    return written


@pytest.mark.parametrize("first", [["train"], []], ids=["train is encoded before", "train is read for it"])
def test_a_split_without_0_is_read_as_the_training_split_is(splits, first, tmp_path):
    encoded = splits(train=[0, 1, 2], validation=[1, 2, 1])
    preparer = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    for split in first:
        encoded(split, preparer)
    assert encoded("validation", preparer) == [1, 2, 1]


def test_a_training_split_without_0_is_refused_whatever_others_hold(splits):
    encoded = splits(train=[1, 2, 1], validation=[0, 1])
    message = r"task t, split train \(.*train\.jsonl\), row 1: label: may be counted from 0 or from 1.*labels_from: 1"
    with pytest.raises(DataError, match=message):
        encoded("train")
    assert encoded("train", labels_from=1) == [0, 1, 0]
    assert encoded("train", labels_from=0) == [1, 2, 1]


def test_a_split_of_numbers_beside_a_training_split_of_names_is_refused(splits):
    encoded = splits(train=["sun", "rain"], validation=[0, 1])
    message = r"split validation .*row 1: label: is a number, and the training rows hold names, such as 'sun', got 0"
    with pytest.raises(DataError, match=message):
        encoded("validation")
    assert encoded("validation", labels_from=0) == [0, 1]


@pytest.mark.parametrize(
    ("labels", "settings", "message"),
    [
        (
            {"train": ["sun", "rain"], "validation": [True, False]},
            {"labels": ["rain", "sun"]},
            "row 1: label: is true or false, and the training rows hold names, such as 'sun', got true. "
            "Say labels_from: 0 if false stands for 'rain' and true for 'sun', or write names only",
        ),
        (
            {"train": [["sun"], ["rain", "snow"]], "validation": [[0, 1, 1], [1, 0, 0]]},
            {"task_type": "multi_label"},
            r"row 1: label: is a list of 0 and 1 as long as the labels, and the training rows hold other lists",
        ),
        (
            {"train": [[1, 0, 1], [1, 1, 0]], "validation": [[0, 1], [2]]},
            {"task_type": "multi_label"},
            r"row 1: label: is no list of 0 and 1 as long as the labels, and the training rows hold such lists",
        ),
    ],
)
def test_a_split_of_another_kind_than_the_training_split_is_refused_by_a_row_of_its_own(
    splits, labels, settings, message
):
    encoded = splits(**labels)
    with pytest.raises(DataError, match=rf"split validation \(.*validation\.jsonl\), {message}"):
        encoded("validation", **settings)


@pytest.mark.parametrize("new", [[True, False], ["true", "False"], ["TRUE", "no"]])
@pytest.mark.parametrize("names", [["no", "yes"], ["False", "True"], ["No", "Yes", "perhaps"]])
def test_true_and_false_beside_training_rows_of_names_are_the_labels_that_say_so(splits, names, new):
    assert splits(train=names, validation=new)("validation", labels=names) == [1, 0]


@pytest.mark.parametrize("new", [[True, False], ["true", "False"]])
def test_true_and_false_beside_other_names_are_read_where_labels_from_says_so(splits, new):
    assert splits(train=["sun", "rain"], validation=new)("validation", labels=["rain", "sun"], labels_from=0) == [1, 0]


@pytest.mark.parametrize(
    ("values", "labels", "expected"),
    [
        ([1, "1", 0.0, "0", True], ["0", "1"], [1, 1, 0, 0, 1]),
        (["no", True, "yes", False], ["no", "yes"], [0, 1, 1, 0]),
        ([1, "high", 2, "0.5"], ["0.5", "1", "2", "high"], [1, 3, 2, 0]),
    ],
)
def test_labels_that_are_texts_in_some_rows_and_numbers_in_others_are_read_by_their_meaning(
    splits, values, labels, expected
):
    assert splits(train=values)("train", labels=labels) == expected


def test_numbers_beside_names_stay_refused_where_no_label_is_called_so(splits):
    with pytest.raises(DataError, match="row 1: label: is a number in a column that holds names too, such as 'rain'"):
        splits(train=[0, "rain"])("train")


def test_another_training_split_judges_a_split_that_was_encoded_before(splits):
    encoded = splits(train=[0, 1, 2], validation=[1, 2, 1])
    assert encoded("validation") == [1, 2, 1]
    encoded = splits(train=["sun", "rain", "snow"], validation=[1, 2, 1])
    with pytest.raises(DataError, match="is a number, and the training rows hold names"):
        encoded("validation")


def test_without_a_training_split_the_column_alone_is_judged(splits):
    encoded = splits(test=[0, 2])
    assert encoded("test") == [0, 2]
    with pytest.raises(DataError, match="may be counted from 0 or from 1"):
        splits(test=[1, 2])("test")


def test_an_assumption_is_told_in_each_run_and_what_is_obvious_is_not(splits):
    encoded = splits(train=[0, 2], validation=[2])
    for _ in range(2):
        with pytest.warns(
            MtsmartWarning, match=r"split train .*label: numbers are read as places in 'labels': 0 is 'sun'"
        ):
            assert encoded("train") == [0, 2]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert encoded("validation") == [2]
        assert splits(train=["snow"])("train") == [2]


def test_columns_of_0_and_1_are_read_from_a_file(tmp_path):
    rows = [
        {"text": "a", "hot": "1", "wet": "0"},
        {"text": "b", "hot": "", "wet": "1"},
        {"text": "c", "hot": "0", "wet": "1"},
    ]
    file = write_jsonl(tmp_path / "x.jsonl", rows)
    base = {
        "task_type": "multi_label",
        "text": ["text"],
        "label": ["hot", "wet"],
        "dataset": {"files": {"train": str(file)}},
    }
    preparer = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    with pytest.raises(DataError, match=r"1 of 3 rows lacks a text or label, it is row 2"):
        preparer.split(build_task("t", TaskDefinition(**base)), "train")
    dropped = preparer.split(build_task("t", TaskDefinition(**base, missing="drop")), "train")
    assert dropped.rows["labels"][:] == [[1, 0], [0, 1]]
    lacking = TaskDefinition(**{**base, "label": ["hot", "dry"]})
    with pytest.raises(DataError, match="label: the data has no such label column, got 'dry'.*hot, wet"):
        preparer.split(build_task("t", lacking), "train")


@pytest.mark.parametrize(
    ("header", "label", "hint"),
    [
        ("text, label", "label", "Did you mean ' label'"),
        ("text,Label,more", "label", "Did you mean 'Label'"),
        ("text,number,colour", "label", "Choose from: colour, number"),
        ("text", "label", "got 'label'$"),
    ],
)
def test_a_label_column_that_is_not_there_is_looked_for_among_the_others(tmp_path, header, label, hint):
    (tmp_path / "x.csv").write_text(f"{header}\n" + ",".join(["a"] * len(header.split(","))) + "\n")
    files = {"train": str(tmp_path / "x.csv")}
    definition = TaskDefinition(
        task_type="classification", text=["text"], label=label, labels=["a", "b"], dataset={"files": files}
    )
    preparer = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    with pytest.raises(DataError, match=hint):
        preparer.split(build_task("t", definition), "train")


def test_other_data_of_a_task_is_read_as_its_training_split_is(splits, tmp_path):
    """A new file has no training split beside it, so its numbers are those of the run's."""
    trained = splits(train=[0, 1, 2])
    files = {"train": str(tmp_path / "train.jsonl")}
    base = {"task_type": "classification", "text": ["text"], "labels": ["sun", "rain", "snow"]}
    preparer = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    new = splits(validation=[1, 2, 1])
    with pytest.raises(DataError, match="may be counted from 0 or from 1"):
        new("validation", preparer)
    assert trained("train", preparer) == [0, 1, 2]
    other = Preparer(tokenizer_of("BERT"), DataConfig(cache_dir=str(tmp_path / "cache")), None)
    other.judge_like(build_task("t", TaskDefinition(**base, dataset={"files": files})))
    assert new("validation", other) == [1, 2, 1]
