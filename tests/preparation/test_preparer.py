"""From data files to encoded splits: what is read again and what is not."""

import json
import multiprocessing
import pickle

import datasets
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.preparation import preparer as preparation
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
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
    ("name", "content", "message"),
    [
        ("d.tsv", 'text\tlabel\n"a ""red"" dog"\tyes\nblue cat\tno\n', "begins and ends with a quote"),
        ("d.csv", "text,label\ndog,yes\n\ncat,no\n", "a blank line stands between rows of one word"),
    ],
)
def test_what_is_strange_about_a_file_is_told_at_each_start(read, name, content, message):
    prepare, parsed, file = read
    other = file.with_name(name)
    other.write_text(content)
    for start in (1, 2):
        with pytest.warns(MtsmartWarning, match=message):
            prepare(dataset={"files": {"train": str(other)}})
        assert len(parsed) == start


@pytest.mark.filterwarnings("error")
def test_a_warning_that_is_made_an_error_stops_the_reading(read):
    prepare, _, file = read
    other = file.with_name("d.csv")
    other.write_text("text,label\ndog,yes\n\ncat,no\n")
    with pytest.raises(MtsmartWarning, match="a blank line stands between rows of one word"):
        prepare(dataset={"files": {"train": str(other)}})


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
    with pytest.raises(DataError, match="1 of 3 rows lacks a text or label, it is row 2"):
        prepare(missing="refuse")


@pytest.mark.parametrize("damage", ["truncate", "cut at a batch", "zeros", "seal", "remove", "note"])
def test_a_damaged_cache_is_made_again(read, tmp_path, damage):
    prepare, parsed, _ = read
    before = prepare().rows.to_list()
    (arrow,) = (tmp_path / "cache" / "encoded").glob("*.arrow")
    (seal,) = (tmp_path / "cache" / "encoded").glob("*.seal.json")
    (note,) = {*(tmp_path / "cache" / "encoded").glob("*.json")} - {seal}
    content = arrow.read_bytes()
    if damage == "remove":
        arrow.unlink()
    elif damage == "note":
        note.write_text("{")
    elif damage == "seal":
        seal.write_text("[]")
    else:
        place = {"truncate": 40, "cut at a batch": len(content) - 8, "zeros": len(content) // 2}[damage]
        arrow.write_bytes(content[:place] + bytes(len(content) - place if damage == "zeros" else 0))
    assert prepare().rows.to_list() == before
    assert len(parsed) == 2


def test_missing_values_of_every_kind(tmp_path):
    from mtsmart.data.completeness import select_complete

    rows = datasets.Dataset.from_dict(
        {"text": ["a", "", None, "b", "c"], "score": [1.0, 2.0, 3.0, float("nan"), None], "row": list(range(5))}
    )
    kept, dropped = select_complete(rows, "here", ["text"], ["score"], "drop")
    assert kept["row"][:] == [0] and dropped == 4
    kept, dropped = select_complete(rows, "here", [], ["text"], "drop", empty_label=True)
    assert kept["row"][:] == [0, 1, 3, 4] and dropped == 1


def test_processes_that_start_at_once_do_not_disturb_each_other(tmp_path):
    """Each writes the same file under a name of its own, so the last one's is whole."""
    from mtsmart.storage.durable import write_json

    context, file = multiprocessing.get_context("fork"), tmp_path / "note.json"

    def write(number):
        for _ in range(60):
            write_json(file, {"number": number, "text": "x" * 5000 * number})

    processes = [context.Process(target=write, args=(number,)) for number in (1, 2, 3)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        if file.exists():
            read = json.loads(file.read_text())
            assert len(read["text"]) == 5000 * read["number"]
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["note.json"]


@pytest.mark.parametrize("change", ["side", "names", "own length"])
def test_what_a_tokenizer_would_do_by_itself_is_no_part_of_what_rows_are_known_by(change):
    """How it cuts and which columns it gives is; how long it would cut to by itself is not: a saved copy forgets it."""
    one, other = tokenizer_of("BERT"), tokenizer_of("BERT")
    if change == "side":
        other.truncation_side = "left"
    elif change == "names":
        other.model_input_names = ["input_ids", "attention_mask"]
    else:
        other.backend_tokenizer.enable_truncation(7)
        other.backend_tokenizer.enable_padding(length=7)
    keys = [Preparer(tokenizer, DataConfig(), None)._tokenizer_key for tokenizer in (one, other)]
    assert (keys[0] == keys[1]) == (change == "own length")


def test_batches_can_be_made_by_processes_that_are_not_forked(read):
    prepare, _, _ = read
    rows = prepare(missing="drop")
    definition = TaskDefinition(
        task_type="classification", text=["text"], labels=["no", "yes"], dataset={"files": {"train": "x.jsonl"}}
    )
    collate = Preparer(tokenizer_of("BERT"), DataConfig(), None).collate(build_task("t", definition))
    copied = pickle.loads(pickle.dumps(collate))
    one, other = (function(list(rows.rows), 0) for function in (collate, copied))
    assert one.inputs.keys() == other.inputs.keys() and one.rows == other.rows


def test_lists_that_are_empty_in_the_first_rows_have_the_type_of_later_ones(tmp_path, monkeypatch):
    monkeypatch.setattr("mtsmart.data.encoding._READ", 2)
    file = write_jsonl(tmp_path / "t.jsonl", [{"w": [], "t": []}] * 4 + [{"w": ["red", "dog"], "t": ["O", "O"]}] * 2)
    definition = TaskDefinition(
        task_type="tagging", text=["w"], label="t", labels=["O", "B-x", "I-x"], dataset={"files": {"train": str(file)}}
    )
    config = DataConfig(cache_dir=str(tmp_path / "cache"), max_length=16)
    split = Preparer(tokenizer_of("BERT"), config, None).split(build_task("t", definition), "train")
    assert split.rows["words"][-1] == ["red", "dog"] and split.rows["words"][0] == []
