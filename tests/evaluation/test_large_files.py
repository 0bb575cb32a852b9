"""Files of any length: predicted part by part, with the answers, the order and the errors of one part."""

import gzip
import json
import resource
from functools import partial

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mtsmart
from mtsmart.errors import DataError, MtsmartWarning
from mtsmart.evaluation import new_file_rows
from mtsmart.evaluation.prediction_files import predicted_rows, write_rows
from tests.conftest import make_workspace, sentences
from tests.evaluation.in_memory import predict_file
from tests.forked import Forked

pytestmark = pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
COUNT = 23
PART = 4  # rows, so that the last part is smaller

TASKS = """
kind: {task_type: classification, labels: [a, b], text: text, label: kind, DATA}
same: {task_type: regression, text: [text, other], label: number, DATA}
grade: {task_type: ordinal, labels: [low, middle, high], text: text, label: grade, DATA}
marks: {task_type: multi_label, labels: [x, y], text: text, label: marks, DATA}
choose: {task_type: multiple_choice, text: text, options: {choices: listed}, label: right, DATA}
order: {task_type: ranking, text: text, options: {candidates: listed}, label: right, DATA}
group: {task_type: ranking, text: [query, other], options: {group: id}, label: number, DATA}
where: {task_type: span, text: [text, context], label: answers, options: {stride: 2}, max_length: 20, DATA}
tags: {task_type: tagging, labels: [O, B-x], text: words, label: tags, options: {overlap: 2}, max_length: 8, DATA}
both: {task_type: classification, labels: [a, b], text: "{text}: {other}", label: kind, DATA}
""".replace("DATA", "dataset: {files: {train: all.jsonl, validation: all.jsonl}}")


def rows(count=COUNT):
    """Rows that every task reads; those of a group do not stand together."""
    texts, others, contexts = (sentences(count, seed) for seed in range(3))
    made = []
    for place, (text, other, context) in enumerate(zip(texts, others, contexts, strict=True)):
        long = f"{context} {other} {text} {context} {text}"
        words = long.split()[: 3 + place % 17]
        made.append(
            {
                "id": place % 5,
                "query": f"cat {'abcde'[place % 5]}",
                "text": text,
                "other": other,
                "listed": [other, context, text][: 2 + place % 2],
                "right": place % 2,
                "kind": "ab"[place % 2],
                "grade": ["low", "middle", "high"][place % 3],
                "marks": ["x"] if place % 2 else ["x", "y"],
                "number": place % 3,
                "context": long,
                "answers": {"text": [long.partition(" ")[0]], "answer_start": [0]},
                "words": words,
                "tags": ["B-x" if word == "cat" else "O" for word in words],
            }
        )
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder):
    folder = tmp_path_factory.mktemp("large")
    workspace = make_workspace(folder, tiny_encoder)
    (folder / "all.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    workspace.tasks.write_text(TASKS)
    names = [line.partition(":")[0] for line in TASKS.strip().splitlines()]
    workspace.write_experiment(
        f"name: large\ntasks: [{', '.join(names)}]\ntask_files: [tiny_tasks.yaml]\nencoder: {{path: {tiny_encoder}}}\n"
        "mixing: {strategy: rounds}\ntraining: {epochs: 1, max_updates: 1, batch_size: 8}\ndata: {max_length: 32}\n"
    )
    return mtsmart.train(workspace.experiment, output_dir=folder / "run").load()


@pytest.fixture
def in_small_parts(monkeypatch):
    """Switches to parts of a few rows, and to readers that read as few together."""

    def switch(size=PART):
        monkeypatch.setattr(new_file_rows, "CHUNK", size)
        monkeypatch.setattr("mtsmart.data.readers.columns.CHUNK", size - 1)

    return switch


def assert_alike(found, expected):
    """The same keys in the same order, and the same values but for rounding."""
    assert [list(row) for row in found] == [list(row) for row in expected]
    for row, other in zip(found, expected, strict=True):
        for key, value in row.items():
            assert value == pytest.approx(other[key], abs=1e-5) if _is_numeric(value) else value == other[key], key


def _is_numeric(value):
    return isinstance(value, float) or (isinstance(value, list) and all(isinstance(item, float) for item in value))


@pytest.mark.parametrize("task", [line.partition(":")[0] for line in TASKS.strip().splitlines()])
def test_every_task_type_answers_in_parts_as_at_once(run, task, tmp_path, in_small_parts):
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    for delimited in (False, True):
        whole = predict_file(run, [task], file, delimited)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(new_file_rows, "CHUNK", PART)
            parts = predict_file(run, [task], file, delimited)
        assert [row["text"] for row in parts] == [row["text"] for row in rows()]
        assert_alike(parts, whole)


def test_several_tasks_in_one_pass_answer_in_parts_as_at_once(run, tmp_path, in_small_parts):
    file = tmp_path / "in.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    names = ["kind", "tags", "grade", "group"]
    whole = predict_file(run, names, file)
    in_small_parts()
    assert_alike(predict_file(run, names, file), whole)
    assert_alike(predict_file(run, names[:3], file), predict_file(run, names[:3], file))


def _delimited(file, sign):
    lines = [["id", "text", "other"], *([str(row[key]) for key in ("id", "text", "other")] for row in rows())]
    file.write_text("".join(sign.join(line) + "\n" for line in lines))


def _json_lines(file):
    text = "".join(json.dumps(row) + "\n" for row in rows())
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


def _parquet(file):
    table = pa.table({key: [row[key] for row in rows()] for key in ("id", "text", "other")})
    pq.write_table(table, file, row_group_size=3)


FILES = {
    "in.csv": partial(_delimited, sign=","),
    "in.tsv": partial(_delimited, sign="\t"),
    "in.jsonl": _json_lines,
    "in.jsonl.gz": _json_lines,
    "in.json": lambda file: file.write_text(json.dumps(rows())),
    "in.parquet": _parquet,
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("output", ["out.csv", "out.tsv", "out.jsonl"])
def test_every_reader_and_writer_in_parts_as_at_once(run, tmp_path, in_small_parts, name, output):
    FILES[name](tmp_path / name)
    delimited = not output.endswith("jsonl")
    whole = predict_file(run, ["same"], tmp_path / name, delimited)
    in_small_parts()
    parts = predict_file(run, ["same"], tmp_path / name, delimited)
    assert_alike(parts, whole)
    assert write_rows(predicted_rows(run, ["same"], tmp_path / name, delimited), tmp_path / output) == COUNT
    lines = (tmp_path / output).read_text().splitlines()
    assert len(lines) == COUNT + delimited
    write_rows(parts, tmp_path / f"at-once-{output}")
    assert (tmp_path / f"at-once-{output}").read_bytes() == (tmp_path / output).read_bytes()


def test_columns_that_come_late_and_in_another_order_stand_in_all_rows_of_csv(run, tmp_path, in_small_parts):
    given = [{"text": text, "n": place} for place, text in enumerate(sentences(9))]
    given[5] = {"n": 5, "text": given[5]["text"]}
    given[8] = {"late": "x", **given[8]}
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    in_small_parts()
    found = predict_file(run, ["kind"], tmp_path / "in.jsonl", delimited=True)
    assert {tuple(row)[:3] for row in found} == {("text", "n", "late")}
    assert [row["n"] for row in found] == list(range(9)) and [row["late"] for row in found] == [None] * 8 + ["x"]
    plain = predict_file(run, ["kind"], tmp_path / "in.jsonl")
    assert [{key: row[key] for key in one} for row, one in zip(plain, given, strict=True)] == given
    assert "late" not in plain[0]


def test_rows_without_a_text_are_counted_over_all_parts(run, tmp_path, in_small_parts):
    texts = ["", "", "", "", "", "red", "", "blue", "cat"]
    (tmp_path / "in.csv").write_text("id,text\n" + "".join(f"{place},{text}\n" for place, text in enumerate(texts)))
    in_small_parts()
    with pytest.warns(MtsmartWarning, match="6 of 9 rows lack a text .* the first is row 1"):
        found = predict_file(run, ["kind"], tmp_path / "in.csv", delimited=True)
    assert len({tuple(row) for row in found}) == 1 and "p(a)" in found[0]
    assert [row["prediction"] is None for row in found] == [not text for text in texts]


def test_a_bad_row_in_a_late_part_is_named_and_nothing_is_left(run, tmp_path, in_small_parts):
    given = [{"words": text} for text in sentences(19)]
    given[17]["words"] = '["In", 2019]'  # a list of which an item is no word
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    out = tmp_path / "out.csv"
    out.write_text("before\n")
    in_small_parts()
    with pytest.raises(DataError, match=r"in.jsonl, row 18: words: .*2019"):
        write_rows(predicted_rows(run, ["tags"], tmp_path / "in.jsonl", True), out)
    assert out.read_text() == "before\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.csv"]
    with (tmp_path / "bad.csv").open("w") as stream:
        stream.write("id,text\n" + "1,cat\n" * 12 + "1,cat,more\n")
    with pytest.raises(DataError, match=r"bad.csv:14: has 3 fields"):
        next(predicted_rows(run, ["kind"], tmp_path / "bad.csv"))


def test_an_error_of_the_input_is_no_error_of_the_output(tmp_path):
    def failing():
        yield {"prediction": 1}
        raise OSError(5, "Input/output error", "in.csv")

    with pytest.raises(OSError, match="Input/output error: 'in.csv'"):
        write_rows(failing(), tmp_path / "out.csv")
    assert not list(tmp_path.iterdir())


def test_a_file_that_changes_while_it_is_predicted_is_refused(run, tmp_path, in_small_parts):
    file = tmp_path / "in.csv"
    file.write_text("text\n" + "cat\n" * 20)
    in_small_parts()
    found = predicted_rows(run, ["kind"], file)
    next(found)
    with file.open("a") as stream:
        stream.write("dog\n")
    with pytest.raises(DataError, match=r"in.csv: was changed while it was read"):
        list(found)


def test_a_taken_name_is_refused_before_the_first_row(run, tmp_path, in_small_parts):
    given = [{"text": "cat"}] * 9 + [{"text": "cat", "prediction": 1}]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    in_small_parts()
    with pytest.raises(DataError, match="prediction: the file already has a column of this name"):
        next(predicted_rows(run, ["kind"], tmp_path / "in.jsonl"))


def print_peaks(folder, files):
    """Predict each file in turn, and print this process's peak memory after each, in kB."""
    new_file_rows.CHUNK = 200
    run = mtsmart.load(folder)
    for file in files:
        write_rows(predicted_rows(run, ["kind"], file), file.with_suffix(".out.jsonl"))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)


def test_memory_does_not_grow_with_the_file(run, tmp_path):
    """The rows of the longer file alone would take 100 MB as Python's objects, in the way in which they were held."""
    counts = (400, 2_400)
    text = json.dumps({"text": "the cat sees", **{f"note{place}": "x" * 2_000 for place in range(20)}})
    files = [tmp_path / f"{count}.jsonl" for count in counts]
    for file, count in zip(files, counts, strict=True):
        file.write_text(f"{text}\n" * count)
    process = Forked(print_peaks, run.path, files, out=tmp_path / "peaks", err=tmp_path / "told")
    assert process.wait() == 0, (tmp_path / "told").read_text()
    few, many = (int(line) for line in (tmp_path / "peaks").read_text().split())  # kB
    assert many - few < 40_000
    assert len(files[1].with_suffix(".out.jsonl").read_text().splitlines()) == counts[1]


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_wrong_precision_is_one_line_with_the_nearest_one(run, tmp_path, cli, command):
    (tmp_path / "in.csv").write_text("text\ncat\n")
    more = ["--input", tmp_path / "in.csv"] if command == "predict" else []
    ended = cli(command, run.path, "--task", "kind", *more, "--precision", "bfloat6")
    assert ended.code == 2 and len(ended.err.strip().splitlines()) == 1
    assert "--precision: is no precision, got 'bfloat6'. Did you mean 'bfloat16'?" in ended.err


def test_bfloat16_rounds_and_float32_is_the_default(run, tmp_path, cli):
    texts = sentences(12)
    plain = run.predict("kind", texts)
    rounded = mtsmart.load(run.path, precision="bfloat16").predict("kind", texts)
    assert mtsmart.load(run.path, precision="float32").predict("kind", texts) == plain
    assert rounded != plain
    assert [row["p(a)"] for row in rounded] == pytest.approx([row["p(a)"] for row in plain], abs=0.05)
    (tmp_path / "in.csv").write_text("text\n" + "".join(f"{text}\n" for text in texts))
    out = tmp_path / "out.jsonl"
    assert (
        cli("predict", run.path, "-t", "kind", "-i", tmp_path / "in.csv", "-o", out, "--precision", "bfloat16").code
        == 0
    )
    written = [json.loads(line)["p(a)"] for line in out.read_text().splitlines()]
    assert written == pytest.approx([row["p(a)"] for row in rounded], abs=1e-5)
    assert cli("evaluate", run.path, "-t", "kind", "--precision", "bfloat16", "--json").code == 0
