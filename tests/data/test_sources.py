"""Sources: slices, names of labels, missing rows, and real Hub clones."""

import os
import shutil

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.completeness import select_complete
from mtsmart.data.data_files import read_files
from mtsmart.data.encoding import encode_split
from mtsmart.data.sources import has_split, load_split, split_place
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.tasks import TaskDefinition, TaskLibrary
from mtsmart.tasks.dataset import DatasetSource
from tests.conftest import write_jsonl


def definition(**changes):
    base = {"task_type": "classification", "text": ["text"], "labels": ["no", "yes"]}
    return TaskDefinition(**{**base, **changes})


@pytest.fixture
def clone(tmp_path):
    """A Hub data set as a local folder, with named labels and a hidden one."""
    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["yes", "no"])})
    rows = datasets.Dataset.from_dict({"text": ["a", "b", "c"], "label": [0, 1, -1]}, features=features)
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "train.parquet")
    return tmp_path


def test_named_labels_come_out_as_names(clone):
    task = definition(dataset={"path": "owner/name"})
    rows = load_split("t", task, "train", task.text, DataConfig(hub_dir=str(clone)))
    assert rows["label"][:] == ["yes", "no", None]
    assert rows["row"][:] == [0, 1, 2]


def test_the_environment_names_the_clones_too(clone, monkeypatch):
    monkeypatch.setenv("MTSMART_HUB_DIR", str(clone))
    assert has_split(definition(dataset={"path": "owner/name"}), "train", DataConfig())


def test_an_unreachable_data_set_is_one_clear_error():
    with pytest.raises(DataError, match=r"data set no/such: cannot be loaded: .*For local clones set data\.hub_dir"):
        load_split("t", definition(dataset={"path": "no/such"}), "train", ["text"], DataConfig())


@pytest.fixture
def ten(tmp_path):
    file = write_jsonl(tmp_path / "ten.jsonl", [{"text": f"t{i}", "label": "yes"} for i in range(10)])
    return lambda spec: definition(dataset={"files": {"train": str(file)}}, splits={"train": spec})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("train", range(10)),
        ("train[:3]", range(3)),
        ("train[85%:]", range(8, 10)),
        ("train[:85%]", range(8)),
        ("train[-2:]", range(8, 10)),
        ("train[:2]+train[8:]", [0, 1, 8, 9]),
    ],
)
def test_slices(ten, spec, expected):
    rows = load_split("t", ten(spec), "train", ["text"], DataConfig())
    assert rows["text"][:] == [f"t{i}" for i in expected]


@pytest.mark.parametrize(
    ("spec", "rows"), [("train[10:]", 0), ("train[50:]", 0), ("train[3:3]", 0), ("train[:2]+train[10:]", 2)]
)
def test_a_slice_past_the_end_selects_no_rows(ten, spec, rows):
    if rows:
        assert len(load_split("t", ten(spec), "train", ["text"], DataConfig())) == rows
        return
    with pytest.raises(DataError, match=r"splits\.train: selects no rows, got 'train"):
        load_split("t", ten(spec), "train", ["text"], DataConfig())


def test_splits_that_are_added_are_all_named_and_must_have_the_same_columns(tmp_path):
    files = {
        "a": write_jsonl(tmp_path / "a.jsonl", [{"text": "x", "label": "yes"}]),
        "b": write_jsonl(tmp_path / "b.jsonl", [{"text": "y", "label": 3}]),
    }
    both = definition(dataset={"files": {name: str(file) for name, file in files.items()}}, splits={"train": "a+b"})
    assert "a.jsonl, " in split_place("t", both, "train") and "b.jsonl)" in split_place("t", both, "train")
    with pytest.raises(DataError, match="splits\\.train: adds splits whose columns differ"):
        load_split("t", both, "train", ["text"], DataConfig())


def test_slices_by_percent_neither_share_nor_lose_rows(ten):
    parts = [
        load_split("t", ten(spec), "train", ["text"], DataConfig())["text"][:]
        for spec in ("train[:85%]", "train[85%:]")
    ]
    assert sorted(parts[0] + parts[1]) == [f"t{i}" for i in range(10)]


def test_incomplete_rows_are_refused_or_dropped_and_counted():
    rows = datasets.Dataset.from_dict(
        {"text": ["a", "", None, "d"], "label": ["x", "y", "z", None], "row": [0, 1, 2, 3]}
    )
    complete, dropped = select_complete(rows, "t", ["text"], ["label"], "drop")
    assert (complete["row"][:], dropped) == ([0], 3)
    with pytest.raises(DataError, match=r"^t: text: 3 of 4 rows lack a text or label, the first is row 2"):
        select_complete(rows, "t", ["text"], ["label"], "refuse")
    unlabelled, dropped = select_complete(rows, "t", ["text"], [], "drop")
    assert (unlabelled["row"][:], dropped) == ([0, 3], 2)


def test_each_of_several_label_columns_needs_a_value_where_empty_texts_are_allowed():
    """A missing text may be an empty one, but a missing label is never read as a label."""
    rows = datasets.Dataset.from_dict(
        {"text": ["a", None, "c", "d"], "rude": ["1", "0", None, "1"], "late": ["0", "1", "0", ""], "row": [0, 1, 2, 3]}
    )
    with pytest.raises(DataError, match=r"^t: rude: 2 of 4 rows lack a text or label, the first is row 3"):
        select_complete(rows, "t", ["text"], ["rude", "late"], "empty")
    policies = {"text": "empty", "rude": "drop", "late": "drop"}
    complete, dropped = select_complete(rows, "t", ["text"], ["rude", "late"], policies)
    assert (complete["row"][:], complete["text"][:], dropped) == ([0, 1], ["a", ""], 2)


def test_an_empty_text_is_a_label_where_the_task_type_says_so():
    rows = datasets.Dataset.from_dict({"text": ["a", "", "c"], "label": ["", "x", None], "row": [0, 1, 2]})
    complete, dropped = select_complete(rows, "t", ["text"], ["label"], "drop", empty_label=True)
    assert (complete["row"][:], dropped) == ([0], 2)


def test_encoding_is_cached_by_content(tmp_path):
    calls = []

    def encode(batch):
        calls.append(len(batch["text"]))
        return {"input_ids": [[1] * len(text) for text in batch["text"]], "row": batch["row"]}

    config = DataConfig(cache_dir=str(tmp_path))

    def run(texts, signature):
        source = datasets.Dataset.from_dict({"text": texts, "row": list(range(len(texts)))})
        return encode_split(source, encode, signature, config)

    first = run(["a", "bb"], {"v": 1})
    assert first.lengths.tolist() == [1, 2]
    again = run(["a", "bb"], {"v": 1})
    assert calls == [2]
    assert again.rows["input_ids"][:] == [[1], [1, 1]]
    run(["a", "bc"], {"v": 1})
    run(["a", "bb"], {"v": 2})
    assert calls == [2, 2, 2]


@pytest.mark.parametrize(
    ("task", "split", "rows"),
    [
        ("rte", "train", 2490),
        ("stsb", "validation", 1500),
        ("snli", "validation", 9842),
        ("scitail", "test", 2126),
        ("copa", "train", 400),
    ],
)
def test_shipped_definitions_fit_the_real_data(hub_dir, task, split, rows):
    definition = TaskLibrary()[task]
    loaded = load_split(task, definition, split, definition.text, DataConfig(hub_dir=hub_dir))
    assert len(loaded) == rows
    if definition.labels:
        assert set(loaded[definition.label]) == set(definition.labels)


def test_label_order_of_the_data_does_not_matter(hub_dir):
    """wnli counts not_entailment as 0 and rte as 1: by name they mean the same."""
    config = DataConfig(hub_dir=hub_dir)
    raw = pq.read_table(f"{hub_dir}/nyu-mll/glue/wnli/validation-00000-of-00001.parquet")["label"].to_pylist()
    named = load_split("wnli", TaskLibrary()["wnli"], "validation", ["sentence1"], config)["label"][:]
    assert [name == "entailment" for name in named] == [value == 1 for value in raw]


def test_a_label_that_is_a_mapping_comes_through_as_it_is(tmp_path):
    """As the Hub's SQuAD has it; the numbers in it are no label numbers."""
    answers = [{"text": ["a", "b"], "answer_start": [0, 2]}, {"text": [], "answer_start": []}]
    folder = tmp_path / "owner" / "name"
    folder.mkdir(parents=True)
    rows = {"question": ["q", "r"], "context": ["a b", "c"], "answers": answers, "id": ["1", "2"]}
    datasets.Dataset.from_dict(rows).to_parquet(folder / "train.parquet")
    task = definition(dataset={"path": "owner/name"}, task_type="span", text=["question", "context"], label="answers")
    loaded = load_split("t", task, "train", task.text, DataConfig(hub_dir=str(tmp_path)))
    assert loaded["answers"][:] == answers
    assert loaded.column_names == ["question", "context", "answers", "row"]


def test_tokens_are_stored_in_few_bytes(tmp_path):
    columns = {"input_ids": [[[5, 70_000], []], [[1]]], "token_type_ids": [[[0, 1], []], [[0]]], "row": [0, 1]}
    source = datasets.Dataset.from_dict({"row": [0, 1]})
    split = encode_split(source, lambda rows: columns, {}, DataConfig(cache_dir=str(tmp_path)))
    assert split.rows.to_dict() == columns
    assert [str(split.rows.data.schema.field(name).type) for name in ("input_ids", "token_type_ids")] == [
        "list<item: list<item: int32>>",
        "list<item: list<item: int8>>",
    ]
    assert split.lengths.tolist() == [2, 1]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_local_clone_that_changes_is_read_again(tmp_path, streaming):
    """Also where neither the size of a file nor its time of modification tells, as after an archive is unpacked."""
    clone = tmp_path / "hub" / "my" / "rows"
    clone.mkdir(parents=True)
    source = definition(dataset={"path": "my/rows", "streaming": streaming}, splits={"train": "train[:3]"})
    config = DataConfig(hub_dir=str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    for text in ("cats", "dogs"):
        file = write_jsonl(clone / "train.jsonl", [{"text": f"{text} {i}", "label": "yes"} for i in range(4)])
        os.utime(file, ns=(10**18, 10**18))
        rows = load_split("t", source, "train", ["text"], config)
        assert rows["text"][:] == [f"{text} {i}" for i in range(3)]


def test_without_the_hub_its_cache_is_used_and_told(tmp_path, monkeypatch):
    clone, cache = tmp_path / "rows", tmp_path / "cache"
    clone.mkdir()
    write_jsonl(clone / "train.jsonl", [{"text": "a", "label": "yes"}])
    datasets.load_dataset(str(clone), cache_dir=str(tmp_path / "made"))
    (made,) = (tmp_path / "made").glob("rows/*/*/*/")
    target = cache / "me___rows" / "default" / made.parent.name / made.name
    shutil.copytree(made, target)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    source = definition(dataset={"path": "me/rows"})
    with pytest.warns(
        MtsmartWarning, match="data set me/rows: the Hub cannot be reached.*the copy in the cache is used"
    ):
        assert load_split("t", source, "train", ["text"], DataConfig())["text"][:] == ["a"]


def test_tries_to_reach_the_hub_are_not_told_one_by_one(capfd):
    import logging

    from mtsmart.quiet import quiet_libraries

    quiet_libraries()
    logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("streaming", [False, True])
@pytest.mark.parametrize(
    "path",
    [
        "json",
        "text",
        "webdataset",
        "pandas",
        "arrow",
        "buckets/a/b",
        "hf://datasets/a/b",
        "http://127.0.0.1:9/x",
        "../x",
    ],
)
def test_only_names_on_the_hub_go_to_the_hub(tmp_path, monkeypatch, path, streaming):
    """The library has readers of its own under such names, which take files from any place."""
    monkeypatch.setattr(datasets, "load_dataset_builder", None)
    monkeypatch.chdir(tmp_path)
    definition = TaskDefinition(
        task_type="regression", text=["text"], dataset={"path": path, "streaming": streaming}, splits={"train": "train"}
    )
    with pytest.raises(DataError, match="is neither a local clone nor the name of a data set on the Hub"):
        load_split("t", definition, "train", ["text"], DataConfig(cache_dir=str(tmp_path)))


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
def test_a_file_that_lacks_a_column_of_another_file_of_the_split_is_named(tmp_path, ending):
    tables = [{"text": ["a"], "label": ["x"]}, {"text": ["b"], "lable": ["y"]}]
    for name, table in zip(("one", "two"), tables, strict=True):
        file = tmp_path / f"{name}.{ending}"
        if ending == "parquet":
            pq.write_table(pa.table(table), file)
        else:
            sign = {"csv": ",", "tsv": "\t"}[ending]
            file.write_text(f"{sign.join(table)}\n{sign.join(value for (value,) in table.values())}\n")
    source = DatasetSource(files=str(tmp_path / f"*.{ending}"))
    message = rf"two\.{ending}: label: lacks this column, which one\.{ending} has. Did you mean 'lable'"
    with pytest.raises(DataError, match=message):
        read_files(str(tmp_path / f"*.{ending}"), source, ["text", "label"])


def test_objects_in_json_may_lack_a_key_in_all_rows_of_a_file(tmp_path):
    (tmp_path / "one.jsonl").write_text('{"text": "a", "label": "x"}\n')
    (tmp_path / "two.jsonl").write_text('{"text": "b"}\n')
    names = [str(tmp_path / "one.jsonl"), str(tmp_path / "two.jsonl")]
    assert read_files(names, DatasetSource(files=names), ["text", "label"]).column("label").to_pylist() == ["x", None]


def test_labels_whose_kind_changes_far_down_or_in_another_file_are_read_as_texts(tmp_path):
    first = write_jsonl(tmp_path / "a.jsonl", [{"text": "t", "label": 1}] * 10_000 + [{"text": "t", "label": "2"}])
    second = write_jsonl(tmp_path / "b.jsonl", [{"text": "t", "label": 3.5}])
    definition = TaskDefinition(
        task_type="regression", text=["text"], dataset={"files": {"train": [str(first), str(second)]}}
    )
    rows = load_split("t", definition, "train", ["text"], DataConfig())
    assert rows["label"][9_998:] == ["1", "1", "2", "3.5"]
    write_jsonl(second, [{"text": 5, "label": "1"}])
    with pytest.raises(DataError, match=r"b\.jsonl: text: is int64 .* and string in a.*parse: \{text: text\}"):
        load_split("t", definition, "train", ["text"], DataConfig())


@pytest.mark.parametrize("text", [["{a}"], ["{a} and {b}"], ["b"]], ids=["one", "two", "plain"])
@pytest.mark.parametrize(("ending", "delimiter"), [("csv", ","), ("tsv", "\t")])
def test_an_empty_field_is_missing_in_a_text_of_columns_as_in_a_plain_one(tmp_path, text, ending, delimiter):
    lines = [["a", "b", "label"], ["red", "dog", "yes"], ["", "", "no"], ["blue", "cat", "no"]]
    file = tmp_path / f"d.{ending}"
    file.write_text("".join(delimiter.join(line) + "\n" for line in lines))
    task = definition(text=text, dataset={"files": {"train": str(file)}})
    rows = load_split("t", task, "train", text, DataConfig())
    with pytest.raises(DataError, match="1 of 3 rows lacks a text or label, it is row 2"):
        select_complete(rows, "t", text, [], "refuse")
    assert select_complete(rows, "t", text, [], "drop")[0]["row"][:] == [0, 2]


@pytest.mark.parametrize("columns", [{}, {"split_column": "set"}], ids=["split", "split column"])
def test_half_of_a_text_of_columns_may_be_an_empty_field_if_the_task_says_so(tmp_path, columns):
    (tmp_path / "d.csv").write_text("a,b,set\nred,dog,train\nred,,train\n")
    text = "{a} and {b}"
    source = {"files": {"train": str(tmp_path / "d.csv")}, **columns}
    refusing, filling = (definition(text=[text], dataset=source, missing=said) for said in ("refuse", {"b": "empty"}))
    assert load_split("t", refusing, "train", [text], DataConfig())[text][:] == ["red and dog", None]
    assert load_split("t", filling, "train", [text], DataConfig())[text][:] == ["red and dog", "red and "]


def test_the_csv_files_of_a_clone_have_missing_values_too(tmp_path):
    (tmp_path / "owner" / "name").mkdir(parents=True)
    (tmp_path / "owner" / "name" / "train.csv").write_text("a,b\nred,dog\nred,\n")
    task = definition(text=["{a} {b}"], dataset={"path": "owner/name"})
    assert load_split("t", task, "train", task.text, DataConfig(hub_dir=str(tmp_path)))["{a} {b}"][:] == [
        "red dog",
        None,
    ]
