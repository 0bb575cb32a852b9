"""New files for a trained run: read as the training files, whole rows handed on, and rows without a text."""

import csv
import json
import re

import pytest

import mtsmart
from mtsmart.data.readers import whole_rows
from mtsmart.errors import ConfigError, DataError, MtsmartWarning
from mtsmart.evaluation.given_rows import predictable, table_of
from mtsmart.evaluation.new_file_rows import NewFileRows
from mtsmart.evaluation.new_files import GivenForm
from mtsmart.evaluation.prediction_files import write_rows
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from mtsmart.tasks.dataset import DatasetSource
from tests.evaluation.in_memory import predict_file

WORDS = ["the red box", "the blue car", "a red cup", "the green box"]


def train(workspace, task, **files):
    """A run of one task after one update; ``files``: name -> text."""
    for name, text in files.items():
        (workspace.folder / name.replace("_", ".")).write_text(text)
    (workspace.folder / "mine.yaml").write_text(task)
    encoder = mtsmart.config.document.read_yaml(workspace.experiment).data["encoder"]["path"]
    experiment = workspace.folder / "mine_experiment.yaml"
    experiment.write_text(
        f"name: mine\ntask_files: [mine.yaml]\ntasks: [mine]\nencoder: {{path: {encoder}}}\n"
        "training: {epochs: 1, max_updates: 1, batch_size: 4}\n"
    )
    return mtsmart.train(experiment, output_dir=workspace.folder / "run").load()


TASK = "mine:\n  task_type: classification\n  dataset: {files: {train: FILE, validation: FILE}, MORE}\n"
TASK += "  text: text\n  labels: [a, b]\n"


def task(file, more, extra=""):
    return TASK.replace("FILE", file).replace("MORE", more) + extra


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_a_file_without_a_header_is_read_as_the_training_file(workspace):
    lines = "".join(f"{label}|{text}\n" for label, text in zip("abab", WORDS, strict=True))
    run = train(workspace, task("d.psv", "columns: [label, text], delimiter: '|'"), d_psv=lines)
    new = workspace.folder / "new.psv"
    new.write_text("?|green sea\nx|red sea\n")
    rows = predict_file(run, ["mine"], new)
    assert [(row["label"], row["text"]) for row in rows] == [("?", "green sea"), ("x", "red sea")]
    assert run.predict("mine", [{"text": "green sea"}])[0]["prediction"] == rows[0]["prediction"]


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_the_ending_the_header_or_the_user_says_that_a_file_is_written_otherwise(workspace):
    lines = "".join(f"{label}|{text}\n" for label, text in zip("abab", WORDS, strict=True))
    run = train(workspace, task("d.psv", "columns: [label, text], delimiter: '|'"), d_psv=lines)
    folder = workspace.folder
    (folder / "other.jsonl").write_text('{"text": "red sea"}\n')
    (folder / "header.psv").write_text("text|label\nred sea|a\n")
    (folder / "bare.dat").write_text("red sea\n")
    given = {"bare.dat": GivenForm("csv", ["text"])}
    for name in ("other.jsonl", "header.psv", "bare.dat"):
        (row,) = predict_file(run, ["mine"], folder / name, given=given.get(name, GivenForm()))
        assert row["text"] == "red sea"
    with pytest.raises(ConfigError, match=r"file_format: is no kind of data file, got 'cvs'. Did you mean 'csv'"):
        predict_file(run, ["mine"], folder / "bare.dat", given=GivenForm("cvs"))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("id,id,text", "two columns have the same name, got 'id,id,text'"),
        ("text...,b", "only the last column may take all further fields"),
        ("id,,text", "a column has no name, got 'id,,text'"),
    ],
)
def test_columns_that_a_task_file_may_not_name_are_refused(trained, workspace, cli, columns, message):
    (workspace.folder / "new.csv").write_text("1,2,red sea\n")
    for command in (["evaluate", trained.path, "--file"], ["predict", trained.path, "-i"]):
        refused = cli(*command, "new.csv", "-t", "color", "--columns", columns)
        assert refused.code == 2 and f"--columns: {message}" in refused.err


def test_what_is_about_a_file_needs_one_and_a_split_is_none(trained, workspace):
    file = workspace.folder / "color_validation.jsonl"
    for argument, value in (("file_format", "csv"), ("columns", ["text"])):
        with pytest.raises(ConfigError, match=f"{argument}: goes with a new file, got '"):
            trained.evaluate("color", **{argument: value})
    with pytest.raises(ConfigError, match="split: does not go with a new file, got 'train'"):
        trained.evaluate("color", "train", file=file)
    with pytest.raises(ConfigError, match="columns: should be a list, got 'text'"):
        trained.evaluate("color", file=file, columns="text")


def test_all_rows_of_a_file_count_where_a_task_was_trained_on_a_few(workspace, trained_run):
    run = mtsmart.load(trained_run("tasks.color.shots=2", "smart=off", "mbpp=off", "training.max_updates=1"))
    assert run.evaluate("color", file=workspace.folder / "color_train.jsonl").tasks["color"].rows == 44


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_a_list_within_json_is_found_in_new_files_too(workspace):
    data = [{"text": text, "label": label, "id": 2**70} for label, text in zip("abab", WORDS, strict=True)]
    run = train(workspace, task("d.json", "field: all.rows"), d_json=json.dumps({"all": {"rows": data}}))
    new = workspace.folder / "new.json"
    new.write_text(json.dumps({"all": {"rows": [{"text": "red sea", "id": [1, "x"]}, {"text": "sea", "id": 2**70}]}}))
    assert [row["id"] for row in predict_file(run, ["mine"], new)] == [[1, "x"], 2**70]


OTHERS = [
    {"text": "red", "n": 1, "cut": "\ud83d", "map": {"k": [1, {"z": None}]}},
    {"text": "blue", "n": "one", "map": 3.5, "": "no name"},
    {"text": "sea", "n": 2**80, "late": True},
]


def test_columns_that_no_task_reads_come_out_as_they_went_in(workspace, trained):
    new = workspace.folder / "new.jsonl"
    new.write_text("".join(json.dumps(row) + "\n" for row in OTHERS))
    rows = predict_file(trained, ["color"], new)
    out = workspace.folder / "out.jsonl"
    write_rows(rows, out)
    written = [json.loads(line) for line in out.read_text().splitlines()]
    assert [{key: row[key] for key in given} for row, given in zip(written, OTHERS, strict=True)] == OTHERS
    assert all(
        set(row) - set(given) == set(rows[0]) - set(OTHERS[0]) for row, given in zip(written, OTHERS, strict=True)
    )


def test_rows_with_different_keys_become_a_table_of_all_keys(workspace, trained):
    new = workspace.folder / "new.jsonl"
    new.write_text("".join(json.dumps(row) + "\n" for row in OTHERS))
    out = workspace.folder / "out.csv"
    write_rows(predict_file(trained, ["color"], new, delimited=True), out)
    table = list(csv.reader(out.read_text().splitlines()))
    assert table[0][:7] == ["text", "n", "cut", "map", "", "late", "prediction"]
    assert [row[1] for row in table[1:]] == ["1", "one", str(2**80)]
    assert table[1][2] == "\\ud83d" and {len(row) for row in table} == {len(table[0])}


def test_columns_of_the_same_name_or_without_one_stay_in_a_csv_file(workspace, trained):
    new = workspace.folder / "new.csv"
    new.write_text("note,text,note,,\n1,red sea,2,x,\n")
    out = workspace.folder / "out.csv"
    write_rows(predict_file(trained, ["color"], new, delimited=True), out)
    header, row = csv.reader(out.read_text().splitlines())
    assert header[:6] == ["note", "text", "note", "", "", "prediction"] and row[:5] == ["1", "red sea", "2", "x", ""]


def test_whole_rows_need_no_common_type(tmp_path):
    (tmp_path / "x.tsv").write_text("a\ta\n1\t2\n")
    (row,) = whole_rows(tmp_path / "x.tsv", DatasetSource(files={"train": "x.tsv"}))
    assert row == {"a": "1", "a_2": "2"}


@pytest.mark.parametrize(("ending", "shown"), [("csv", None), ("jsonl", "red and ")])
def test_an_empty_field_of_a_new_csv_file_is_missing_in_a_text_of_columns(tmp_path, ending, shown):
    lines = {"csv": 'a,b\nred,\n"red",dog\n', "jsonl": '{"a": "red", "b": ""}\n{"a": "red", "b": "dog"}\n'}
    file = tmp_path / f"new.{ending}"
    file.write_text(lines[ending])
    source = DatasetSource(files={"train": f"x.{ending}"})
    text = "{a} and {b}"
    one = build_task("t", TaskDefinition(task_type="classification", text=[text], labels=["x", "y"], dataset=source))
    (part,) = NewFileRows(file, [one], {"t": source}).parts()
    assert [row["b"] for row in part.rows] == ["", "dog"]
    assert table_of(part.inputs, one.columns)[text][:] == [shown, "red and dog"]


@pytest.fixture
def trained(workspace):
    return mtsmart.train(workspace.experiment, ["training.max_updates=2"], output_dir=workspace.folder / "r").load()


def test_rows_without_a_text_get_nothing_and_are_counted(workspace, trained):
    rows = [{"a": "red", "b": "sea"}, {"a": None, "b": "x"}, {"a": "red", "b": float("nan")}, {"a": "x", "b": ""}]
    with pytest.warns(MtsmartWarning, match="task near: 3 of 4 rows lack a text .* the first is row 2"):
        found = trained.predict("near", rows)
    assert [row["prediction"] is None for row in found] == [False, True, True, True]
    new = workspace.folder / "new.csv"
    new.write_text("text\nred sea\n\nblue\n")
    with pytest.warns(MtsmartWarning, match="1 of 3 rows lacks"):
        found = predict_file(trained, ["color"], new)
    assert [row["text"] for row in found] == ["red sea", "", "blue"]
    assert [value for key, value in found[1].items() if key != "text"] == [None, None, None]


def test_a_file_whose_rows_all_lack_a_text_has_the_same_columns(workspace, trained):
    with pytest.warns(MtsmartWarning, match="2 of 2 rows lack"):
        found = trained.predict(["color"], [{"text": ""}, {"text": None}])
    assert found == [{"color.prediction": None, "color.p(other)": None, "color.p(red)": None}] * 2


CHOICES = (
    "mine:\n  task_type: multiple_choice\n  dataset: {files: {train: d.jsonl, validation: d.jsonl}}\n"
    "  text: text\n  options: {choices: options, keys: names}\n"
)


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_rows_without_a_candidate_get_nothing_and_the_others_are_predicted(workspace):
    data = [{"text": text, "options": WORDS[:2], "names": ["A", "B"], "label": "A"} for text in WORDS]
    run = train(workspace, CHOICES, d_jsonl="".join(json.dumps(row) + "\n" for row in data))
    options = [["x", "y"], ["x", ""], ["x", None], ["x", float("nan")], [], '["x", null]', '["x", "y"]', None]
    new = [{"text": "red", "options": value, "names": ["A", "B"]} for value in options[:5]]
    new += [{"text": "red", "options": ["x", "y"], "names": ["A", None]}]
    with pytest.warns(MtsmartWarning, match="5 of 6 rows lack a text .* the first is row 2"):
        found = run.predict("mine", new)
    assert [row["prediction"] is None for row in found] == [False, *[True] * 5]
    in_text = [{"text": "red", "options": value, "names": ["A", "B"]} for value in options[5:]]
    assert [row["prediction"] is None for row in run.predict("mine", in_text)] == [True, False, True]
    assert run.predict("mine", new[1:2]) == [dict.fromkeys(found[0])]
    with pytest.raises(DataError, match="row 1: options: is not a list of candidates, got 'x'"):
        run.predict("mine", [{"text": "red", "options": "x", "names": ["A", "B"]}])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([["a", "b"], ["a", None], [None], ["", "b"], []], [True, False, False, True, True]),
        (["a b", '["a", null]', "[null] b", '["a"]'], [True, False, True, True]),
    ],
)
def test_rows_with_a_missing_word_cannot_be_predicted(words, expected):
    definition = TaskDefinition(
        task_type="tagging", text=["words"], labels=["O", "X"], dataset={"files": {"train": "x.jsonl"}}
    )
    rows = table_of([{"words": value} for value in words], ["words"])
    complete, is_complete = predictable(rows, build_task("t", definition), "refuse")
    assert is_complete.tolist() == expected
    assert complete["row"][:] == [number for number, whole in enumerate(expected) if whole]


def test_a_hint_says_where_a_setting_is_written_for_a_new_file(workspace, trained):
    new = workspace.folder / "new.csv"
    new.write_text("text;label\nred sea;red\n")
    where = "'delimiter: \";\"' into the task's dataset. The run has a task of its own, .* give that as `task_files`"
    with pytest.raises(DataError, match=where):
        predict_file(trained, ["color"], new)
    with pytest.raises(DataError, match=where):
        trained.evaluate("color", file=new)
    (workspace.folder / "semicolons.yaml").write_text(
        "color:\n  task_type: classification\n  dataset: {files: {train: new.csv}, delimiter: ';'}\n"
        "  text: text\n  labels: [other, red]\n"
    )
    run = mtsmart.load(trained.path, [workspace.folder / "semicolons.yaml"])
    assert run.evaluate("color", file=new).tasks["color"].rows == 1
    assert predict_file(run, ["color"], new)[0]["text"] == "red sea"
    new.write_text("text,label\nred sea,true\n")
    with pytest.raises(DataError, match="Say labels_from: 0 if .* or write names only. The run has a task of its own"):
        trained.evaluate("color", file=new)


def test_a_warning_says_where_a_setting_is_written_for_a_new_file(workspace, trained):
    new = workspace.folder / "new.tsv"
    new.write_text('text\tmore\n"a ""red"" sea"\tx\n')
    with pytest.warns(MtsmartWarning, match="delimiter: tab' into the task's dataset. The run has .* with --task-file"):
        predict_file(trained, ["color"], new)


def test_a_new_file_is_scored(workspace, cli):
    assert cli("train", workspace.experiment, "training.max_updates=1", "-o", "run").code == 0
    whole = json.loads(cli("evaluate", "run", "--task", "color", "--json").out)
    given = cli("evaluate", "run", "--task", "color", "--json", "--file", "color_validation.jsonl")
    assert json.loads(given.out)["tasks"] == whole["tasks"]
    (workspace.folder / "other.csv").write_text("label,text\nred,red sea\nother,blue\n")
    assert "other.csv: score" in cli("evaluate", "run", "-t", "color", "--file", "other.csv").out
    refused = cli("evaluate", "run", "--file", "other.csv")
    assert refused.code == 2 and "--task: must say which task the file is for" in refused.err
    (workspace.folder / "bare.csv").write_text("text\nred sea\n")
    refused = cli("evaluate", "run", "-t", "color", "--file", "bare.csv")
    assert refused.code == 2 and "bare.csv): label: the data has no such label column" in refused.err


def test_a_score_that_one_row_does_not_define_is_said_to_be_so(workspace, trained_run, cli):
    run = trained_run("training.max_updates=1", "tasks.color.metrics=[auc]")
    (workspace.folder / "one.csv").write_text("label,text\nred,red sea\n")
    result = cli("evaluate", run, "-t", "color", "--file", "one.csv")
    assert result.code == 0, result.err
    assert "one.csv: score undefined over 1 row" in result.out.splitlines()[0]
    assert result.out.count("undefined") >= 2 and "1 rows" not in result.out
    assert not re.search(r"\bnan\b", result.out)


def test_a_task_without_labels_in_a_split_is_left_out_and_told(workspace, trained):
    (workspace.folder / "near_validation.jsonl").write_text('{"a": "x", "b": "y", "score": null}\n')
    with pytest.warns(MtsmartWarning, match="not scored, because the split 'validation' has no labels: near"):
        assert list(trained.evaluate().tasks) == ["color"]
    with pytest.raises(DataError, match="hidden"):
        trained.evaluate("near")


def test_a_task_file_changes_a_task_of_the_run_and_says_so(workspace, trained, caplog):
    changed = workspace.folder / "changed.yaml"
    (workspace.folder / "s.csv").write_text("sentence,label\nred sea,red\n")
    changed.write_text(
        "color:\n  task_type: classification\n  dataset: {files: {validation: s.csv}}\n"
        "  text: sentence\n  labels: [other, red]\n"
    )
    run = mtsmart.load(trained.path, [changed])
    with caplog.at_level(25, logger="mtsmart"):
        same = run.predict("color", [{"sentence": "red sea"}]) == trained.predict("color", [{"text": "red sea"}])
    assert same and run.evaluate("color").tasks["color"].rows == 1
    assert "differs from the run in: dataset, text" in caplog.text
    assert run.task("color").definition.metrics == ["accuracy", "f1"]  # as the run has it
    changed.write_text(changed.read_text().replace("[other, red]", "[red, other]"))
    with pytest.raises(ConfigError, match="gives the trained head other labels"):
        mtsmart.load(trained.path, [changed]).task("color")


@pytest.mark.parametrize(
    ("name", "text", "settings", "expected"),
    [
        ("x.conll", "a\tO\ncat\tB-x\n\nthe\tO\n", {"format": "conll", "columns": ["w", "t"]}, {"w": ["a", "cat"]}),
        (
            "x.json",
            '{"data": [{"title": "T", "paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q"}]}]}]}',
            {"format": "squad"},
            {"question": "q", "context": "c"},
        ),
        ("x.jsonl", '{"p": {"t": "c", "qs": [{"q": "one"}, {"q": "two"}]}, "n": 1}\n', {"explode": "p.qs"}, {"n": 1}),
        ("x.csv", 'a;b\n"x;y";2\n', {"delimiter": ";"}, {"a": "x;y", "b": "2"}),
        ("x.lab", "NUM how many ?\n", {"delimiter": "blank", "columns": ["l", "t"]}, {"l": "NUM", "t": "how many ?"}),
    ],
    ids=["conll", "squad", "explode", "semicolons", "blanks"],
)
def test_whole_rows_of_every_form(tmp_path, name, text, settings, expected):
    from mtsmart.data.readers import read_source_file

    (tmp_path / name).write_text(text)
    source = DatasetSource(files={"train": name}, **settings)
    rows = list(whole_rows(tmp_path / name, source))
    assert len(rows) == read_source_file(tmp_path / name, source).num_rows
    assert {key: rows[0][key] for key in expected} == expected


def test_whole_rows_of_parquet_keep_maps_and_numbers(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"u": pa.uint64(), "m": pa.map_(pa.string(), pa.int64())}
    given = {"u": [2**64 - 1, None], "m": [[("k", 1)], []]}
    pq.write_table(
        pa.table({name: pa.array(given[name], kind) for name, kind in kinds.items()}), tmp_path / "x.parquet"
    )
    rows = list(whole_rows(tmp_path / "x.parquet", DatasetSource(files={"train": "x.parquet"})))
    assert rows == [{"u": 2**64 - 1, "m": {"k": 1}}, {"u": None, "m": {}}]


def test_columns_of_the_same_name_or_without_one_stay_in_a_parquet_file(workspace, trained):
    import pyarrow as pa
    import pyarrow.parquet as pq

    new = workspace.folder / "new.parquet"
    columns = [["red sea"], [1], [[2, 3]], ["x"], [4]]
    names = ["text", "note", "note", "", "note"]
    pq.write_table(pa.Table.from_arrays([pa.array(values) for values in columns], names), new)
    (row,) = predict_file(trained, ["color"], new)
    assert [row[name] for name in ("note", "note_2", "", "note_3")] == [1, [2, 3], "x", 4]
    out = workspace.folder / "out.csv"
    write_rows(predict_file(trained, ["color"], new, delimited=True), out)
    header, row = csv.reader(out.read_text().splitlines())
    assert header[:6] == [*names, "prediction"] and row[:5] == ["red sea", "1", "2 3", "x", "4"]
    pq.write_table(pa.Table.from_arrays([pa.array(["red"]), pa.array(["sea"])], ["text", "text"]), new)
    with pytest.raises(DataError, match=r"two columns have the same name, got 'text'. The task reads this column"):
        predict_file(trained, ["color"], new)


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
@pytest.mark.parametrize("numbers", [[5, 6], [5, 6.5], [5, None]])
def test_a_number_in_place_of_a_text_is_shown_as_it_is_written_and_can_become_one(workspace, cli, numbers):
    """Whatever other numbers its column has; the hint is then followed."""
    run = train(workspace, task("d.csv", ""), d_csv="text,label\n" + "".join(f"{t},a\n" for t in WORDS)).path
    lines = "".join(json.dumps({"text": number}) + "\n" for number in numbers)
    (workspace.folder / "new.jsonl").write_text(lines)
    ask = ["predict", run, "-t", "mine", "-i", "new.jsonl"]
    refused = cli(*ask)
    told = "new.jsonl, row 1: text: is not a text, got 5. Write texts; for data files 'parse: {text: text}' into the"
    assert (refused.code, refused.out) == (2, "") and told in refused.err and "give that as --task-file" in refused.err
    (workspace.folder / "other.yaml").write_text(task("d.csv", "parse: {text: text}"))
    done = cli(*ask, "--task-file", "other.yaml")
    assert done.code == 0, done.err
    assert [json.loads(line)["prediction"] is None for line in done.out.splitlines()] == [n is None for n in numbers]


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_a_number_in_place_of_a_training_text_names_the_setting_too(workspace, cli):
    rows = [{"text": number, "label": label} for number, label in ((5, "a"), (6.5, "b"))]
    (workspace.folder / "n.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for more, told in (
        ("", "row 1: text: is not a text, got 5. Write texts; for data files"),
        ("parse: {text: text}", ""),
    ):
        (workspace.folder / "mine.yaml").write_text(task("n.jsonl", more))
        checked = cli("tasks", "check", "mine.yaml")
        assert checked.code == (2 if told else 0) and told in checked.err
