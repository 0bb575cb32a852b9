"""Columns that a task makes of the data's own: parts of nested columns, and texts made of several."""

import json

import pyarrow as pa
import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.derived import source_columns, with_derived
from mtsmart.data.sources import load_split
from mtsmart.errors import DataError
from mtsmart.evaluation.given_rows import table_of
from mtsmart.tasks.definition import TaskDefinition

TABLE = pa.table(
    {
        "c": [{"t": ["a", "b"], "k": 1}, None, {"t": [], "k": 3}],
        "l": [[{"x": "1"}, {"x": None}], None, [{"x": "q"}]],
        "w": ["u", None, "v"],
        "n": [1, 2, 3],
        "a.b": ["p", "q", ""],
        "nan": [0.5, float("nan"), 1.5],
    }
)


@pytest.mark.parametrize("start", [0, 1, 2])
@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("c.t", [["a", "b"], None, []]),
        ("c.k", [1, None, 3]),
        ("l.x", [["1", None], None, ["q"]]),
        ("a.b", ["p", "q", ""]),
        ("{w}: {n}", ["u: 1", None, "v: 3"]),
        ("{ n }/{c.k} {{w}}", ["1/1 {w}", None, "3/3 {w}"]),
        ("<{a.b}>", ["<p>", "<q>", ""]),
        ("{n}: {nan}", ["1: 0.5", None, "3: 1.5"]),
    ],
)
def test_values_are_those_of_the_row(column, values, start):
    assert with_derived(TABLE.slice(start), column, "x").column(column).to_pylist() == values[start:]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("c.z", r"x: c\.z: has no part 'z'. Choose from: k, t"),
        ("w.x", r"has no part 'x', because it is no mapping.*parse: \{w: json\}"),
        ("q.r", r"x: q\.r: there is no such column"),
        ("{ww}", r"names the column 'ww', which is not there"),
        ("{w.__class__}", "has no part '__class__'"),
        ("{w!r}", "names the column 'w!r', which is not there"),
        ("{n:>9}", "names the column 'n:>9', which is not there"),
        ("{l}", r"x, row 1: .*the column 'l' has no text or number"),
    ],
)
def test_what_is_no_column_is_refused(column, message):
    with pytest.raises(DataError, match=message):
        with_derived(TABLE, column, "x")


def test_the_columns_that_others_are_made_of():
    assert source_columns(["a", "b.c.d", "{e}: {f.g}"]) == ["a", "b.c.d", "b.c", "b", "{e}: {f.g}", "e", "f.g", "f"]


def test_a_split_has_the_columns_that_the_task_makes(tmp_path):
    rows = [{"m": {"s": "one"}, "w": "x", "y": {"z": "no"}}, {"m": {"s": "two"}, "w": "y", "y": {"z": "yes"}}]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    definition = TaskDefinition(
        task_type="classification",
        dataset={"files": {"train": str(tmp_path / "d.jsonl")}},
        text=["{w}: {m.s}", "m.s"],
        label="y.z",
    )
    split = load_split("t", definition, "train", definition.text, DataConfig())
    assert split[:] == {"{w}: {m.s}": ["x: one", "y: two"], "m.s": ["one", "two"], "y.z": ["no", "yes"], "row": [0, 1]}


def test_given_rows_get_the_columns_that_the_task_makes():
    rows = [{"w": "x", "m": {"s": "one"}}, {"w": "y", "m": {"s": "two"}}]
    assert table_of(rows, ["{w}!", "m.s"])[:] == {"{w}!": ["x!", "y!"], "m.s": ["one", "two"], "row": [0, 1]}


@pytest.mark.parametrize("template", ["{a: {b}", "{a}} {b}", "{a} {}", "{a}{", "} {a}"])
def test_a_brace_without_a_name_in_a_text_of_columns_is_refused(template):
    table = pa.table({"a": ["x"], "b": ["y"]})
    with pytest.raises(DataError, match="has a brace that encloses no name"):
        with_derived(table, template, "here")


def test_doubled_braces_and_a_column_with_braces_in_its_name_are_read():
    table = pa.table({"a": ["x"], "{a": ["z"]})
    read = with_derived(with_derived(table, "{{{a}}}", "here"), "{a", "here")
    assert read.column("{{{a}}}").to_pylist() == ["{x}"] and read.column("{a").to_pylist() == ["z"]


MARKED = pa.table(
    {
        "s": ["He saw it.", "A b  c d", "x"],
        "start": [7, 0, 0],
        "end": [9, 1, 1],
        "word": [2, 1, 0],
        "words": ["it", "b c", "X."],
    }
)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("{s | mark start end}", ["He saw *it*.", "*A* b  c d", "*x*"]),
        ("{words}: {s | mark start end}", ["it: He saw *it*.", "b c: *A* b  c d", "X.: *x*"]),
        ("{ s | mark_words word words }", ["He saw *it*.", "A *b  c* d", "*x*"]),
    ],
)
def test_a_part_of_a_text_is_marked(column, values):
    assert with_derived(MARKED, column, "x").column(column).to_pylist() == values


def test_a_mark_needs_the_columns_of_its_place():
    assert source_columns(["{s | mark a b.c}"]) == ["{s | mark a b.c}", "s", "a", "b.c", "b"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("{s | marks start end}", r"x: \{s \| marks start end\}: there is no such filter, got 'marks'.*'mark'"),
        ("{s | mark start ends}", "names the column 'ends', which is not there"),
        ("{s | marks start}", r"'s \| marks start' is neither a column nor .*\| mark a b\}\. Did you mean 'mark'"),
        ("{s|mark start end}", r"'s\|mark start end' is neither a column nor a filter .* \{column \| mark a b\}$"),
        ("{s | mark end start}", "x, row 1: .*has no characters 9 to 7, got 'He saw it.'"),
        ("{s | mark s end}", "cannot be marked at 'He saw it.', which is no whole number"),
        ("{s | mark_words end words}", "has 3 words, and none at place 9 to mark as 'it'"),
    ],
)  # fmt: skip
def test_a_mark_that_does_not_fit_is_refused(column, message):
    with pytest.raises(DataError, match=message):
        with_derived(MARKED, column, "x")


@pytest.mark.parametrize(
    ("text", "near"),
    [("{titel}: {body}", "title"), ("{title}: {bodi}", "body"), ("{title | mark strat end}", "start")],
)
def test_a_hint_names_any_column_of_the_file(tmp_path, text, near):
    """Not only those that the text names, which alone are read."""
    file = tmp_path / "t.csv"
    file.write_text("title,body,start,end,label\na b,c d,0,1,x\n")
    source = {"files": {"train": str(file)}}
    task = TaskDefinition(task_type="classification", labels=["x", "y"], text=[text], dataset=source)
    with pytest.raises(DataError, match=rf"names the column .* Did you mean '{near}'\?"):
        load_split("t", task, "train", [text], DataConfig())
