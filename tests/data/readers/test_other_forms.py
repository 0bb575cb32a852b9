"""Forms of files besides plain tables: CoNLL's columns, nested JSON, other delimiters and escapes; and hints."""

import json
import warnings

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.data.readers import Layout, read_table
from mtsmart.errors import DataError, MtsmartWarning


def write(tmp_path, name, content):
    file = tmp_path / name
    file.write_text(content, encoding="utf-8", newline="")
    return file


def rows_of(tmp_path, name, content, kind=None, wanted=None, **layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_table(write(tmp_path, name, content), kind, layout=Layout(**layout), wanted=wanted).to_pylist()


# CoNLL ----------------------------------------------------------------------------------------------------------

NAMES = ["words", "pos", "tags"]


@pytest.mark.parametrize(
    "content",
    [
        "-DOCSTART- -X- O\n\nAda NNP B-PER\nran VBD O\n\n\nOslo NNP B-LOC\n",
        "Ada\tNNP\tB-PER\r\nran\tVBD\tO\r\n\r\n-DOCSTART-\tX\tO\r\n\r\nOslo\tNNP\tB-LOC",
        "# id = 7\nAda  NNP   B-PER \nran VBD O\n \n# and one more\nOslo NNP B-LOC\n\n",
    ],
)
def test_conll_columns_are_sentences(tmp_path, content):
    sentences = [
        {"words": ["Ada", "ran"], "pos": ["NNP", "VBD"], "tags": ["B-PER", "O"]},
        {"words": ["Oslo"], "pos": ["NNP"], "tags": ["B-LOC"]},
    ]
    assert rows_of(tmp_path, "x.conll", content, columns=NAMES) == sentences
    assert rows_of(tmp_path, "x.txt", content, "conll", columns=NAMES) == sentences


def test_a_hash_and_a_hard_blank_are_words(tmp_path):
    rows = rows_of(tmp_path, "x.conll", "12\u00a0000 B-NUM\n# O\n", columns=["words", "tags"])
    assert rows == [{"words": ["12\u00a0000", "#"], "tags": ["B-NUM", "O"]}]


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("Ada B\n", None, r"gives none. It has 2; example: columns: \[words, tags\]"),
        ("Ada X B\n", None, r"It has 3; example: columns: \[words, column2, tags\]"),
        ("Ada B\n\nran\n", ["words", "tags"], r"x\.conll:3: has 1 field where 'columns' names 2"),
        ("Ada\tB\n\tO\n", ["words", "tags"], r"x\.conll:2: begins with an empty field"),
        ("win B\n#1\n", ["words", "tags"], r"x\.conll:2: has 1 field where 'columns' names 2"),  # no comment: inside
        ("\n\n", ["words", "tags"], "has no rows"),
    ],
)
def test_conll_columns_that_do_not_fit(tmp_path, content, columns, message):
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path, "x.conll", content, columns=columns)


CONLL_U = (
    "# sent_id = 1\n# text = to the b c d e f\n"
    "1-2\tzum\t_\t_\t_\t_\t_\t_\t_\t_\n1\tzu\tzu\tADP\t_\t_\t3\tcase\t_\t_\n2\tdem\tder\tDET\t_\t_\t3\tdet\t_\t_\n"
    "3\t8.1\t8.1\tNUM\t_\t_\t0\troot\t_\t_\n3.1\tis\tbe\tVERB\t_\t_\t_\t_\t0:root\t_\n\n"
    "# a b c d e f g h i\n1\t#\t#\tSYM\t_\t_\t0\troot\t_\t_\n"
)
TEN = ["id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"]


@pytest.mark.parametrize("delimiter", [None, "\t", "blank"])
@pytest.mark.parametrize("columns", [TEN, ["number", *TEN[1:]]])
def test_of_conll_u_only_words_are_read_and_it_is_told(tmp_path, columns, delimiter):
    file = write(tmp_path, "x.conll", CONLL_U)
    with pytest.warns(MtsmartWarning, match=r"x\.conll:3: 1-2 is the number of no word.*left out") as told:
        rows = read_table(file, layout=Layout(columns=columns, delimiter=delimiter), wanted=["form", "upos"])
    assert rows.column("form").to_pylist() == [["zu", "dem", "8.1"], ["#"]]
    assert rows.column("upos").to_pylist() == [["ADP", "DET", "NUM"], ["SYM"]]
    assert len(told) == 1


def test_a_first_column_called_id_counts_words_in_other_files_too(tmp_path):
    content = "1\tto\tX\n2-3\tzum\t_\n2\tzu\tY\n"
    with pytest.warns(MtsmartWarning, match=r"x\.conll:2: 2-3 is the number of no word"):
        rows = read_table(write(tmp_path, "x.conll", content), layout=Layout(columns=["ID", "words", "tags"]))
    assert rows.column("words").to_pylist() == [["to", "zu"]]
    words = rows_of(tmp_path, "y.conll", "1\tNUM\n2-3\tNUM\n8.1\tNUM\n", columns=["words", "tags"])
    assert words == [{"words": ["1", "2-3", "8.1"], "tags": ["NUM"] * 3}]
    with pytest.raises(DataError, match=r"example: columns: \[id, form, lemma, upos"):
        rows_of(tmp_path, "x.conll", CONLL_U)


def test_a_comment_does_not_say_what_parts_the_fields(tmp_path):
    rows = rows_of(tmp_path, "x.conll", "# one two\nNew York\tB\tX\n", columns=["words", "tags", "more"])
    assert rows == [{"words": ["New York"], "tags": ["B"], "more": ["X"]}]


def test_words_without_a_blank_line_are_told_where_they_are_many(tmp_path):
    columns = ["words", "tags"]
    many = "a O\n" * 301
    with pytest.warns(MtsmartWarning, match="no blank line ends a sentence, so its 301 words are read as one sentence"):
        read_table(write(tmp_path, "x.conll", many), layout=Layout(columns=columns))
    assert len(rows_of(tmp_path, "x.conll", f"{many}\n{many}", columns=columns)) == 2
    assert len(rows_of(tmp_path, "x.conll", "a O\n" * 300, columns=columns)) == 1
    parts = "a O\n-DOCSTART- O\nb O\n"
    assert [row["words"] for row in rows_of(tmp_path, "x.conll", parts, columns=columns)] == [["a"], ["b"]]


def test_words_with_blank_lines_between_are_told(tmp_path):
    file = write(tmp_path, "x.tsv", "Ada\tB\nran\tO\n\nno\tO\n")
    with pytest.warns(MtsmartWarning, match=r"x\.tsv:3: a blank line .* write 'format: conll'"):
        read_table(file, layout=Layout(columns=["words", "tags"]))
    with_header = write(tmp_path, "y.csv", "word,tag\nAda,B\n\nno,O\n")
    with pytest.warns(MtsmartWarning, match=r"y\.csv:3: .*format: conll"):
        read_table(with_header)
    assert len(rows_of(tmp_path, "z.csv", "text,label\na long text,x\n\nanother one,y\n")) == 2  # no warning


# Delimiters, quotes and escapes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delimiter", "content"),
    [
        (";", 'text;label\n"a; b, c";x\n'),
        ("|", "text|label\na; b, c|x\n"),
        ("\t", 'text\tlabel\n"a; b, c"\tx\n'),
        ("~", "text~label\na; b, c~x\n"),
    ],
)
def test_any_character_parts_fields(tmp_path, delimiter, content):
    assert rows_of(tmp_path, "x.csv", content, delimiter=delimiter) == [{"text": "a; b, c", "label": "x"}]


def test_a_delimiter_says_enough_about_an_unknown_ending(tmp_path):
    rows = rows_of(tmp_path, "x.label", "DESC:def What is  a comet ?\r\nNUM:date When\twas it ?\n\n", **TREC)
    assert rows == [
        {"label": "DESC:def", "text": "What is  a comet ?"},
        {"label": "NUM:date", "text": "When\twas it ?"},
    ]
    assert rows_of(tmp_path, "y.txt", "label text\nA  one two\n", delimiter="blank") == [
        {"label": "A", "text": "one two"}
    ]
    assert rows_of(tmp_path, "z.txt", "A one two\nB x\n", delimiter="blank", columns=["label", "words..."]) == [
        {"label": "A", "words": ["one", "two"]},
        {"label": "B", "words": ["x"]},
    ]
    with pytest.raises(DataError, match=r"x\.label:2: has 1 field where 'columns' names 2"):
        rows_of(tmp_path, "x.label", "A b\nB\n", **TREC)


TREC = {"delimiter": "blank", "columns": ["label", "text"]}


def test_a_backslash_before_quotes(tmp_path):
    content = 'text,label\n"a \\"big\\" one, too",x\n"two\nlines",y\n'
    assert rows_of(tmp_path, "x.csv", content, escape="\\") == [
        {"text": 'a "big" one, too', "label": "x"},
        {"text": "two\nlines", "label": "y"},
    ]
    with pytest.raises(DataError, match=r"x\.csv:2: cannot be read.*backslash.*write 'escape: "):
        rows_of(tmp_path, "x.csv", content)


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("x.csv", "text;label\na, b;x\n", 'delimiter: ";"'),
        ("x.csv", "text\tlabel\na\tx\n", "delimiter: tab"),
        ("x.csv", "Text, all;text;label\na;b;x\n", 'delimiter: ";"'),
        ("x.csv", "text|label\na|x\n", r'delimiter: "\|"'),
        ("x.tsv", "text,label\na,x\n", 'delimiter: ","'),
        ("x.tsv", '"text"\t"label"\n"a"\t"x"\n', "format: csv, delimiter: tab"),
    ],
)
def test_a_header_between_other_delimiters_is_told(tmp_path, name, content, hint):
    with pytest.raises(DataError, match=rf":1: has none of the task's columns.*{hint}"):
        rows_of(tmp_path, name, content, wanted=["text", "label"])


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("x.csv", "a;x\nb;y\n", 'delimiter: ";"'),
        ("x.tsv", "a,x\n", 'delimiter: ","'),
        ("x.tsv", "x some words\n", "delimiter: blank"),
        ("x.tsv", '"a\nb"\tx\n', "format: csv, delimiter: tab"),
    ],
)
def test_rows_between_other_delimiters_are_told(tmp_path, name, content, hint):
    with pytest.raises(DataError, match=rf"where 'columns' names 2.*{hint}"):
        rows_of(tmp_path, name, content, columns=["text", "label"])


def test_quoted_fields_of_a_tsv_file_are_told_once(tmp_path):
    file = write(tmp_path, "x.tsv", 'text\tlabel\n"an ""odd"" one"\tx\n"again ""odd"""\ty\n')
    with pytest.warns(MtsmartWarning, match=r"x\.tsv:2: .*'format: csv, delimiter: tab'") as told:
        read_table(file)
    assert len(told) == 1
    assert read_table(file, "csv", layout=Layout(delimiter="\t")).to_pylist()[0]["text"] == 'an "odd" one'
    plain = 'text\tlabel\n"Fine."\tx\nsays "" and ""\ty\n"a" or "b"\tz\n'
    assert len(rows_of(tmp_path, "y.tsv", plain)) == 3  # no warning


# JSON -------------------------------------------------------------------------------------------------------------

ROWS = [{"a": "x", "n": 1}, {"a": "y", "n": 23}]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_list_is_read_under_both_endings(tmp_path, name, indent):
    assert rows_of(tmp_path, name, json.dumps(ROWS, indent=indent)) == ROWS


def test_a_list_within_an_object(tmp_path):
    content = {"v": 12, "more": [[1, {"a": 2}], "]"], "set": {"dev": [], "train": ROWS, "z": 1}, "end": True}
    assert rows_of(tmp_path, "x.json", json.dumps(content), field="set.train") == ROWS
    assert rows_of(tmp_path, "x.jsonl", json.dumps(content, indent=1), field="set.train") == ROWS
    for field, message in {
        "set.trian": "has no 'trian', where the rows should be. Did you mean",
        "v": "has no list at 'v'",
        "nothing": "has no 'nothing'",
        "v.x": "has no 'x'",
    }.items():
        with pytest.raises(DataError, match=message):
            rows_of(tmp_path, "x.json", json.dumps(content), field=field)


def test_numbers_at_the_end_of_a_block_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("mtsmart.data.readers.forms.json_text.BLOCK", 7)
    content = {"long": 1234567890, "true": True, "rows": ROWS}
    assert rows_of(tmp_path, "x.json", json.dumps(content), field="rows") == ROWS


def test_one_object_is_told_where_its_rows_may_be(tmp_path):
    content = {"version": 1, "items": [{"text": "a"}]}
    for indent in (None, 1):
        with pytest.raises(DataError, match=r"may be the items of items: write 'field: items'"):
            rows_of(tmp_path, "x.json", json.dumps(content, indent=indent), wanted=["text"])


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ({"version": 1, "data": {"train": [{"text": "a"}]}}, "the items of data.train: write 'field: data.train'"),
        ({"meta": {"a": [1]}, "x": {"y": {"z": [{"text": "a"}], "u": [{}]}}}, "of x.y.z, x.y.u: write 'field: x.y.z'"),
        ({"a.b": [{"text": "a"}], "c": {"d": [{"text": "a"}]}}, "the items of c.d: write 'field: c.d'"),
    ],
)
def test_lists_deep_in_one_object_are_told(tmp_path, content, hint):
    for indent in (None, 1):
        with pytest.raises(DataError, match=hint):
            rows_of(tmp_path, "x.json", json.dumps(content, indent=indent), wanted=["text"])
    assert rows_of(tmp_path, "x.json", json.dumps({"x": {"y": ROWS}}), field="x.y") == ROWS


def test_each_item_of_a_nested_list_becomes_a_row(tmp_path):
    records = [
        {"id": 1, "p": {"t": "one", "qs": [{"q": "a?", "as": [{"t": "x"}, {"t": "y"}]}, {"q": "b?", "as": []}]}},
        {"id": 2, "p": {"t": "two", "qs": [{"q": "c?", "as": [{"t": "z"}]}]}},
    ]
    content = "".join(json.dumps(record) + "\n" for record in records)
    rows = rows_of(tmp_path, "x.jsonl", content, explode="p.qs")
    assert [(row["id"], row["p"]["t"], row["p"]["qs"]["q"]) for row in rows] == [
        (1, "one", "a?"),
        (1, "one", "b?"),
        (2, "two", "c?"),
    ]
    deep = rows_of(tmp_path, "x.json", json.dumps({"data": records}), field="data", explode="p.qs.as")
    assert [row["p"]["qs"] for row in deep] == [
        {"q": "a?", "as": {"t": "x"}},
        {"q": "a?", "as": {"t": "y"}},
        {"q": "c?", "as": {"t": "z"}},
    ]
    with pytest.raises(DataError, match=r"x\.jsonl:1: p\.q: has no 'q', which 'explode' names"):
        rows_of(tmp_path, "x.jsonl", content, explode="p.q")
    with pytest.raises(DataError, match=r"x\.jsonl:1: id: is no list"):
        rows_of(tmp_path, "x.jsonl", content, explode="id")


def squad(**question):
    paragraph = {"context": "Bo lives in Rome.", "qas": [{"id": "1", "question": "Where?", **question}]}
    return json.dumps({"version": "x", "data": [{"title": "t", "paragraphs": [paragraph]}]})


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ({"answers": [{"text": "Rome", "answer_start": 12}] * 2}, {"text": ["Rome"] * 2, "answer_start": [12, 12]}),
        ({"answers": [], "is_impossible": True}, {"text": [], "answer_start": []}),
        ({"is_impossible": True}, {"text": [], "answer_start": []}),
        ({}, None),
    ],
)
def test_squads_questions_are_rows(tmp_path, question, answers):
    (row,) = rows_of(tmp_path, "x.json", squad(**question), "squad")
    assert row == {"id": "1", "title": "t", "context": "Bo lives in Rome.", "question": "Where?", "answers": answers}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (squad(answers=[{"text": "Rome"}]), r"row 1: has an answer without text and answer_start"),
        (squad(answers=[{"text": "x", "answer_start": 0}], is_impossible=True), "'is_impossible'"),
        ('{"data": [{"title": "t"}]}', "has no list 'paragraphs'"),
        ('{"rows": []}', "has no 'data', where the rows should be"),
        ('{"data": [1]}', "row 1: must be a JSON object"),
    ],
)
def test_what_is_not_squads_form_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        rows_of(tmp_path, "x.json", content, "squad")


def test_settings_of_other_kinds_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"'field' goes with jsonl and json files. This one is read as csv"):
        rows_of(tmp_path, "x.csv", "a\nb\n", field="data")
    with pytest.raises(DataError, match=r"'delimiter' goes with csv, tsv and conll files. This one is read as jsonl"):
        rows_of(tmp_path, "x.jsonl", "{}\n", delimiter=";")
    with pytest.raises(DataError, match=r"unknown kind.*'\.txt'.*format: csv, tsv"):
        rows_of(tmp_path, "x.txt", "a\n")


# Columns that nobody needs ------------------------------------------------------------------------------------------

ODD = [
    ("x.jsonl", '{"t": "a", "i": 1}\n{"t": "b", "i": "two"}\n'),
    ("x.jsonl", '{"t": "a", "i": {"k": 1}}\n{"i": "web", "t": "b"}\n'),
    ("x.jsonl", '{"t": "a", "i": 18446744073709551616}\n{"t": "b", "i": 5}\n'),
    ("x.jsonl", '{"t": "a", "i": "\\ud83d"}\n{"t": "b", "\\ud83d": 1, "": 2}\n'),
    ("x.jsonl", '{"i": 1, "i": 2, "t": "a"}\n{"t": "b", "i": ' + "[" * 60 + "]" * 60 + "}\n"),
    ("x.json", '[{"t": "a", "i": [1]}, {"t": "b", "i": ["x"]}]'),
    ("x.csv", "t,,,\na,,,\nb,1,,\n"),
    ("x.csv", "i,t,i\n1,a,2\n1,b,2\n"),
    ("x.tsv", "i\tt\ti\n1\ta\t2\n1\tb\t2\n"),
    ("x.csv", "t," + ",".join(f"c{n}" for n in range(3000)) + "\n" + ("a" + ",1" * 3000 + "\nb" + ",1" * 3000)),
]


@pytest.mark.parametrize(("name", "content"), ODD)
def test_columns_that_are_not_read_cannot_stop_a_file(tmp_path, name, content):
    table = read_table(write(tmp_path, name, content), wanted=["t", "label"])
    assert table.column("t").to_pylist() == ["a", "b"]
    others = [name for name in table.column_names if name != "t"]
    assert all(pa.types.is_null(table.schema.field(name).type) for name in others)


def test_columns_of_parquet_that_are_not_read(tmp_path):
    odd = {"m": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), "u": pa.array([2**64 - 1], pa.uint64())}
    twice = pa.Table.from_arrays(
        [pa.array(["a"]), pa.array([1]), pa.array([2]), *odd.values()], ["t", "d", "d", "m", "u"]
    )
    pq.write_table(twice, tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet", wanted=["t", "x"])
    assert table.column("t").to_pylist() == ["a"]
    assert read_table(tmp_path / "x.parquet", wanted=["no"]).num_rows == 1
    with pytest.raises(DataError, match=r"two columns have the same name, got 'd'. The task reads this column"):
        read_table(tmp_path / "x.parquet", wanted=["t", "d"])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "t,t\na,b\n", r"x\.csv:1: two columns have the same name, got 't'. The task reads this column"),
        ("x.jsonl", '{"t": "a"}\n{"t": "a", "t": "b"}\n', r"x\.jsonl:2: t: stands twice in one object"),
    ],
)
def test_a_doubled_name_that_is_read_is_refused(tmp_path, name, content, message):
    with pytest.raises(DataError, match=message):
        read_table(write(tmp_path, name, content), wanted=["t"])


@pytest.mark.parametrize("first", ["words,tags\n", "# made by hand\nwords,tags\n", "-DOCSTART-,O\n\nwords,tags\n", ""])
def test_a_first_line_with_the_names_of_the_columns_is_no_word(tmp_path, first):
    content = first + "Ada,B-PER\nran,O\n\nwords,tags\n"
    rows = rows_of(tmp_path, "x.csv", content, "conll", columns=["words", "tags"], delimiter=",")
    assert rows == [{"words": ["Ada", "ran"], "tags": ["B-PER", "O"]}, {"words": ["words"], "tags": ["tags"]}]


@pytest.mark.parametrize("blank", ["\n", "\t\n", "\t\n\t\n"])
def test_rows_of_a_word_with_blank_lines_or_empty_fields_between_are_told(tmp_path, blank):
    file = write(tmp_path, "x.tsv", f"words\ttags\nAda\tB\n{blank}ran\tO\n")
    with pytest.warns(MtsmartWarning, match=r"x\.tsv:3: a blank line stands between rows of one word"):
        table = read_table(file)
    assert [row["words"] for row in table.to_pylist() if row["words"]] == ["Ada", "ran"]
