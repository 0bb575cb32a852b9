"""Rows that are held out for validation, splits in a column, and several files a split."""

import json
from collections import Counter

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import file_digests, has_split, load_split, split_place
from mtsmart.errors import DataError, MtsmartError
from mtsmart.tasks.definition import TaskDefinition


def task(folder, text="text", splits=None, **dataset):
    files = dataset.pop("files")
    named = {split: str(folder / name) for split, name in files.items()} if isinstance(files, dict) else None
    dataset["files"] = named or (
        [str(folder / name) for name in files] if isinstance(files, list) else str(folder / files)
    )
    return TaskDefinition(task_type="classification", dataset=dataset, text=[text], splits=splits or {})


def load(definition, split, columns=None):
    return load_split("t", definition, split, columns or definition.text, DataConfig())


@pytest.fixture
def sorted_file(tmp_path):
    rows = [("neg", n) for n in range(80)] + [("pos", n) for n in range(20)]
    (tmp_path / "d.csv").write_text("text,label\n" + "".join(f"{label} {n},{label}\n" for label, n in rows))
    return tmp_path


def test_a_holdout_has_each_label_with_its_share(sorted_file):
    definition = task(sorted_file, files={"train": "d.csv"}, holdout="20%")
    train, held = load(definition, "train"), load(definition, "validation")
    assert Counter(held["label"]) == {"neg": 16, "pos": 4}
    assert Counter(train["label"]) == {"neg": 64, "pos": 16}
    assert sorted([*train["row"], *held["row"]]) == list(range(100))
    assert held["row"][:] == sorted(held["row"])
    assert held["text"][:] == [f"neg {n}" if n < 80 else f"pos {n - 80}" for n in held["row"]]
    assert has_split(definition, "validation", DataConfig())


def test_a_holdout_is_the_same_again_and_another_with_another_seed(sorted_file):
    first, again, other = (
        load(task(sorted_file, files="d.csv", holdout=10, seed=seed), "validation")["row"][:] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(first) == 10


def test_a_holdout_of_a_slice_or_a_sum(sorted_file):
    (sorted_file / "e.csv").write_text("text,label\nmore a,neg\nmore b,pos\nmore c,neg\nmore d,pos\n")
    files = {"train": "d.csv", "extra": "e.csv"}
    splits = {"train": "train[90:]+extra", "test": "train[:10]"}
    definition = task(sorted_file, files=files, splits=splits, holdout="50%")
    texts = [text for split in ("train", "validation") for text in load(definition, split)["text"]]
    assert sorted(texts) == sorted([*(f"pos {n}" for n in range(10, 20)), *(f"more {x}" for x in "abcd")])
    assert load(definition, "test")["row"][:] == list(range(10))  # no row of another split is held out
    digests = file_digests(definition, "validation", DataConfig())
    assert list(digests) == ["train", "extra"]


def test_the_encodings_of_the_two_parts_have_different_identities(sorted_file):
    definition = task(sorted_file, files="d.csv", splits={"test": "train"}, holdout="20%")
    assert len({definition.split(split) for split in ("train", "validation", "test")}) == 3


def test_numbers_of_many_values_are_no_classes(tmp_path):
    (tmp_path / "d.jsonl").write_text("".join(json.dumps({"text": "a", "label": n / 7}) + "\n" for n in range(50)))
    definition = task(tmp_path, files="d.jsonl", holdout="20%")
    assert len(load(definition, "validation")) == 10


def test_rows_of_a_group_stay_together(tmp_path):
    rows = [{"text": f"{n}", "q": n // 4, "label": n % 2} for n in range(40)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    definition = task(tmp_path, files="d.jsonl", holdout="25%").model_copy(update={"options": {"group": "q"}})
    held = load(definition, "validation", ["text", "q"])
    assert len(held) == 8
    assert set(held["q"]).isdisjoint(load(definition, "train", ["text", "q"])["q"])
    assert "q" not in load(definition, "train").column_names


@pytest.fixture
def passages(tmp_path):
    """Forty questions about ten passages, and one about none; they do not stand together."""
    rows = [{"text": f"question {n}", "passage": f"p{n % 10}", "label": n % 2} for n in range(40)]
    rows.append({"text": "a question", "passage": None, "label": 0})
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


@pytest.mark.parametrize("holdout", ["25%", 10])
def test_rows_of_a_passage_are_on_one_side(passages, holdout):
    definition = task(passages, files="d.jsonl", holdout=holdout, group_column="passage")
    sides = [load(definition, split, ["text", "passage"]) for split in ("train", "validation")]
    assert set(sides[0]["passage"]).isdisjoint(sides[1]["passage"]) and len(sides[1]) in (8, 9)
    assert sorted(row for side in sides for row in side["row"]) == list(range(41))
    assert "passage" not in load(definition, "validation").column_names
    parted = task(passages, files="d.jsonl", holdout=holdout)
    assert not set(load(parted, "train", ["passage"])["passage"]).isdisjoint(
        load(parted, "validation", ["passage"])["passage"]
    )


def test_a_row_without_a_group_stands_for_itself(tmp_path):
    (tmp_path / "d.csv").write_text("text,passage,label\n" + "".join(f"t{n},,{n % 2}\n" for n in range(20)))
    definition = task(tmp_path, files="d.csv", holdout="20%", group_column="passage")
    assert len(load(definition, "validation")) == 4


@pytest.mark.parametrize(
    ("holdout", "side", "passages", "sizes"),
    [
        ("5%", "validation", "ab", "are 2, and the smallest has 19 rows"),
        (39, "train", "a", "is one, with 38 rows"),
    ],
)
def test_groups_that_leave_a_side_empty_are_refused(tmp_path, holdout, side, passages, sizes):
    rows = [{"text": f"{n}", "passage": passages[n % len(passages)], "label": 0} for n in range(38)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    definition = task(tmp_path, files="d.jsonl", holdout=holdout, group_column="passage")
    message = f"dataset.holdout: of 38 rows leaves the split '{side}' without rows, because rows with the same "
    message += "'passage' stay together: of such groups there " + sizes
    with pytest.raises(DataError, match=message) as refused:
        load(definition, "validation")
    assert "'group_column'" in str(refused.value) and repr(holdout) in str(refused.value)


def test_a_column_of_groups_that_is_not_there_is_refused(passages):
    definition = task(passages, files="d.jsonl", holdout="20%", group_column="pasage")
    with pytest.raises(DataError, match="pasage: there is no such column. Did you mean 'passage'"):
        load(definition, "validation")


@pytest.mark.parametrize("field", [None, "data"], ids=["lines", "list"])
def test_rows_of_one_exploded_object_are_on_one_side(tmp_path, field):
    for name in "ab":
        objects = [{"items": [{"text": f"{name}{n}.{k}", "label": k % 2} for k in range(1 + n % 4)]} for n in range(20)]
        lines = [json.dumps(each) for each in objects]
        (tmp_path / f"{name}.json").write_text(f'{{"data": [{", ".join(lines)}]}}' if field else "\n".join(lines))
        (tmp_path / f"{name}.json").rename(tmp_path / f"{name}.{'json' if field else 'jsonl'}")
    files = [f"{name}.{'json' if field else 'jsonl'}" for name in "ab"]
    more = {"field": field} if field else {}
    definition = task(tmp_path, "items.text", files=files, explode="items", holdout="30%", **more)
    definition = definition.model_copy(update={"label": "items.label"})
    train, held = ([text.split(".")[0] for text in load(definition, split)["items.text"]] for split in SIDES)
    assert set(train).isdisjoint(held) and len(set(train) | set(held)) == 40 and 24 <= len(held) <= 30


SIDES = ("train", "validation")


def test_an_object_and_a_column_may_both_hold_rows_together(tmp_path):
    objects = [{"author": n // 3, "items": [{"text": f"{n}.{k}"} for k in range(2)]} for n in range(30)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(each) + "\n" for each in objects))
    definition = task(
        tmp_path, "items.text", files="d.jsonl", explode="items", holdout="30%", group_column="author"
    ).model_copy(update={"label": "author"})
    train, held = (load(definition, split, ["items.text", "author"]) for split in SIDES)
    assert set(train["author"]).isdisjoint(held["author"]) and len(held) == 18


@pytest.mark.parametrize("more", [{}, {"group_column": "id"}])
def test_questions_about_one_paragraph_of_a_squad_file_are_on_one_side(tmp_path, more):
    answers = [{"text": "w", "answer_start": 0}]
    paragraphs = [
        {"context": f"w {n}", "qas": [{"id": f"{n}.{k}", "question": f"q{k}", "answers": answers} for k in range(3)]}
        for n in range(20)
    ]
    (tmp_path / "d.json").write_text(json.dumps({"data": [{"title": "t", "paragraphs": paragraphs}]}))
    definition = task(tmp_path, "context", files="d.json", format="squad", holdout="20%", **more)
    definition = definition.model_copy(update={"label": "answers"})
    train, held = (load(definition, split)["context"][:] for split in SIDES)
    assert set(train).isdisjoint(held) and len(held) == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group_column": "label"}, "says which rows stay together where rows are drawn, and none are"),
        ({"group_column": "", "holdout": 5}, "at least 1 character"),
        ({"holdout": "0%"}, "must be a share of the rows such as 20%"),
        ({"holdout": "100%"}, "must be a share of the rows such as 20%"),
        ({"holdout": "a fifth"}, "must be a share of the rows such as 20%"),
        ({"holdout": 0.25}, "must be a share of the rows: 25%, or a number of rows"),
        ({"holdout": 2.0}, "must be a share of the rows such as 20%, or a number of rows"),
        ({"holdout": 0}, "must be a share of the rows such as 20%"),
        ({"holdout": 5, "splits": {"validation": "train[:5]"}}, "the task has a validation split"),
        ({"split_column": "s", "files": {"a": "d.csv", "b": "d.csv"}}, "'files' has no splits"),
        ({"files": []}, "names no file"),
        ({"delimiter": ";;"}, "must be one character such as ';'"),
        ({"escape": '"'}, "must be one character"),
    ],
)
def test_settings_that_do_not_fit(sorted_file, settings, message):
    with pytest.raises((MtsmartError, ValueError), match=message):
        task(sorted_file, **{"files": "d.csv", **settings})


@pytest.mark.parametrize("holdout", ["0.1%", 100])
def test_a_holdout_that_leaves_a_part_empty_is_refused(sorted_file, holdout):
    with pytest.raises(DataError, match=r"dataset\.holdout: of 100 rows leaves the split .* without rows"):
        load(task(sorted_file, files="d.csv", holdout=holdout), "validation")


# A column of splits -------------------------------------------------------------------------------------------------


def test_a_column_says_of_which_split_a_row_is(tmp_path):
    rows = ["TRAIN", "TEST", "TRIAL", "TRAIN", "", "TEST"]
    (tmp_path / "all.txt").write_text(
        "text\tlabel\tset\n" + "".join(f"t{n}\tx\t{name}\n" for n, name in enumerate(rows))
    )
    settings = {"files": "all.txt", "format": "tsv", "split_column": "set"}
    definition = task(tmp_path, splits={"validation": "TRIAL", "dev": "train[:1]"}, **settings)
    found = {split: load(definition, split) for split in ("train", "validation", "test", "dev")}
    assert {split: rows["text"][:] for split, rows in found.items()} == {
        "train": ["t0", "t3"],
        "validation": ["t2"],
        "test": ["t1", "t5"],
        "dev": ["t0"],
    }
    assert found["test"]["row"][:] == [1, 5]  # as they stand in the file
    assert has_split(definition, "test", DataConfig())
    assert not has_split(definition, "other", DataConfig())
    assert len(file_digests(definition, "test", DataConfig())["test"]) == 2
    with pytest.raises(DataError, match="the data has no split 'validation'. Choose from: TEST, TRAIN, TRIAL"):
        load(task(tmp_path, **settings), "validation")
    with pytest.raises(DataError, match="sett: there is no such column"):
        load(task(tmp_path, **{**settings, "split_column": "sett"}), "train")


# Several files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts").mkdir()
    for name in ("b", "a"):
        (tmp_path / "parts" / f"{name}.csv").write_text(f"text,label,{name}\n{name}1,x,1\n{name}2,y,2\n")
    (tmp_path / "parts" / "c.jsonl").write_text('{"label": "x", "text": "c1"}\n')
    return tmp_path


@pytest.mark.parametrize(
    ("files", "texts"),
    [
        ("parts/*.csv", ["a1", "a2", "b1", "b2"]),
        (["parts/b.csv", "parts/a.csv"], ["b1", "b2", "a1", "a2"]),
        (["parts/c.jsonl", "parts/[ab].csv"], ["c1", "a1", "a2", "b1", "b2"]),
        ("**/?.csv", ["a1", "a2", "b1", "b2"]),
    ],
)
def test_files_of_a_split_are_read_one_after_the_other(parts, files, texts):
    definition = task(parts, files=files)
    rows = load(definition, "train")
    assert rows["text"][:] == texts
    assert rows["row"][:] == list(range(len(texts)))
    before = file_digests(definition, "train", DataConfig())
    (parts / "parts" / "a.csv").write_text("text,label\na9,x\n")
    assert file_digests(definition, "train", DataConfig()) != before


def test_a_file_whose_name_looks_like_a_pattern(parts):
    (parts / "d[1].csv").write_text("text,label\nd,x\n")
    assert load(task(parts, files="d[1].csv"), "train")["text"][:] == ["d"]


def test_files_that_are_not_there_or_stand_twice(parts):
    with pytest.raises(DataError, match=r"parts/\*\.tsv: no file matches this pattern"):
        load(task(parts, files="parts/*.tsv"), "train")
    with pytest.raises(DataError, match=r"a\.csv: stands twice among the files"):
        load(task(parts, files=["parts/a.csv", "parts/*.csv"]), "train")
    (parts / "parts" / "n.jsonl").write_text('{"label": "a", "text": 1}\n')
    with pytest.raises(DataError, match=r"n\.jsonl: text: is int64 in this file and string in a\.csv"):
        load(task(parts, files=["parts/a.csv", "parts/n.jsonl"]), "train")


def test_messages_name_the_first_files(parts):
    definition = task(parts, files=[f"{n}.csv" for n in range(5)])
    assert split_place("t", definition, "train").endswith("2.csv and 2 more)")
