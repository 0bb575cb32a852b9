"""From data files to encoded splits: what is read again and what is not."""

import datasets
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.errors import DataError
from mtsmart.task_types import build_task, preparation
from mtsmart.task_types.preparation import Preparer
from mtsmart.tasks import TaskDefinition
from tests.conftest import write_jsonl
from tests.models.architectures import tokenizer_of

ROWS = [{"text": "a red dog", "label": "yes"}, {"text": "", "label": "no"}, {"text": "blue cat", "label": "no"}]


@pytest.fixture
def read(tmp_path, monkeypatch):
    """A function that prepares the training split of a task, and the list of how often files were parsed."""
    parsed, load_split = [], preparation.load_split
    monkeypatch.setattr(preparation, "load_split", lambda *args: parsed.append(1) or load_split(*args))
    file = tmp_path / "train.jsonl"
    write_jsonl(file, ROWS)

    def prepare(max_length=16, with_labels=True, **changes):
        base = {"task_type": "classification", "text": ["text"], "labels": ["no", "yes"], "missing": "drop"}
        definition = TaskDefinition(**{**base, "dataset": {"files": {"train": str(file)}}, **changes})
        config = DataConfig(cache_dir=str(tmp_path / "cache"), max_length=max_length)
        return Preparer(tokenizer_of("BERT"), config, None).split(build_task("t", definition), "train", with_labels)

    return prepare, parsed, file


def test_a_second_start_does_not_parse_the_file(read):
    prepare, parsed, _ = read
    first, second = prepare(), prepare()
    assert len(parsed) == 1
    assert first.rows.to_list() == second.rows.to_list() and first.rows.features == second.rows.features
    assert (first.key, first.dropped, first.lengths.tolist()) == (second.key, second.dropped, second.lengths.tolist())
    assert second.dropped == 1


@pytest.mark.parametrize(
    "change",
    [{"max_length": 4}, {"labels": ["yes", "no"]}, {"with_labels": False}, {"splits": {"train": "train[1:]"}}],
    ids=str,
)
def test_what_makes_other_rows_is_read_anew(read, change):
    prepare, parsed, _ = read
    prepare()
    prepare(**change)
    assert len(parsed) == 2


def test_a_changed_file_is_read_anew(read):
    prepare, parsed, file = read
    before = prepare()
    write_jsonl(file, [*ROWS, {"text": "small house", "label": "yes"}])
    after = prepare()
    assert len(parsed) == 2
    assert len(after) == len(before) + 1


def test_a_setting_that_would_refuse_the_rows_is_not_passed_over(read):
    prepare, _, _ = read
    prepare()
    with pytest.raises(DataError, match="1 of 3 rows lack a text or label, the first is row 2"):
        prepare(missing="refuse")


@pytest.mark.parametrize("damage", ["truncate", "remove", "note"])
def test_a_damaged_cache_is_made_again(read, tmp_path, damage):
    prepare, parsed, _ = read
    before = prepare().rows.to_list()
    (arrow,) = (tmp_path / "cache" / "encoded").glob("*.arrow")
    (note,) = (tmp_path / "cache" / "encoded").glob("*.json")
    if damage == "remove":
        arrow.unlink()
    elif damage == "note":
        note.write_text("{")
    else:
        arrow.write_bytes(arrow.read_bytes()[:40])
    assert prepare().rows.to_list() == before
    assert len(parsed) == 2


def test_missing_values_of_every_kind(tmp_path):
    from mtsmart.data.encoding import select_complete

    rows = datasets.Dataset.from_dict(
        {"text": ["a", "", None, "b", "c"], "score": [1.0, 2.0, 3.0, float("nan"), None], "row": list(range(5))}
    )
    kept, dropped = select_complete(rows, "here", ["text"], "score", "drop")
    assert kept["row"][:] == [0] and dropped == 4
    kept, dropped = select_complete(rows, "here", [], "text", "drop", empty_label=True)
    assert kept["row"][:] == [0, 1, 3, 4] and dropped == 1
