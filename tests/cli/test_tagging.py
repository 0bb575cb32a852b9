"""A tagging task through the real command line: train, evaluate, and predict from jsonl, csv and tsv."""

import csv
import json
import random

import pytest

import mtsmart
from mtsmart.metrics import METRICS
from tests.conftest import make_workspace, sentences, write_jsonl

TAGS = {"cat": "B-animal", "dog": "B-animal", "house": "B-thing", "car": "B-thing"}
METRIC_NAMES = ["entity_f1", "entity_precision", "entity_recall", "tag_accuracy", "tag_macro_f1"]


def rows(count):
    """Tagged random sentences, some of them longer than the length limit."""
    rng = random.Random(3)
    texts = sentences(count)
    texts = [" ".join(rng.choices(texts, k=3)) if number % 5 == 0 else text for number, text in enumerate(texts)]
    made = []
    for text in texts:
        tags = [TAGS.get(word, "O") for word in text.split()]
        inside = [f"I-{a[2:]}" if a[2:] == b[2:] != "" else b for a, b in zip(["O", *tags], tags, strict=False)]
        made.append({"words": text.split(), "tags": inside})
    return made


def of_words(workspace):
    """Make the workspace one of a tagging task; its validation rows, which are there in three formats."""
    made = rows(70)
    write_jsonl(workspace.folder / "train.jsonl", made[:50])
    gold = made[50:]
    write_jsonl(workspace.folder / "validation.jsonl", gold)
    for suffix, delimiter in (("csv", ","), ("tsv", "\t")):
        lines = [f"{' '.join(row['words'])}{delimiter}{' '.join(row['tags'])}" for row in gold]
        (workspace.folder / f"validation.{suffix}").write_text("\n".join([f"words{delimiter}tags", *lines]) + "\n")
    (workspace.folder / "tiny_tasks.yaml").write_text(
        "who:\n  task_type: tagging\n"
        "  dataset: {files: {train: train.jsonl, validation: validation.jsonl, dev: validation.csv}}\n"
        "  text: [words]\n  label: tags\n  labels: [O, B-animal, I-animal, B-thing, I-thing]\n"
        f"  metrics: {METRIC_NAMES}\n  options: {{overlap: 3}}\n"
    )
    text = (
        workspace.experiment.read_text().replace("[color, near]", "[who]").replace("max_length: 32", "max_length: 16")
    )
    workspace.write_experiment(text.replace("epochs: 2", "epochs: 1").replace("1e-3", "1e-2"))
    assert max(len(row["words"]) for row in gold) > 16
    return gold


@pytest.fixture
def validation(workspace):
    """The validation rows, in three formats."""
    return of_words(workspace)


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder):
    """A finished run, which no test changes."""
    workspace = make_workspace(tmp_path_factory.mktemp("tagging"), tiny_encoder)
    of_words(workspace)
    return mtsmart.train(workspace.experiment, output_dir=workspace.folder / "run").path


def predicted(file, suffix):
    if suffix == "jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    form = {"delimiter": ","} if suffix == "csv" else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    with file.open(newline="") as stream:
        found = list(csv.DictReader(stream, **form))
    return [{**row, "prediction": row["prediction"].split()} for row in found]


def test_training_scores_the_task(run):
    results = json.loads((run / "results.json").read_text())
    assert list(results["tasks"]["who"]) == METRIC_NAMES
    assert results["score"] == results["tasks"]["who"]["entity_f1"] > 0
    assert results["baselines"]["who"]["entity_f1"] == 0.0
    assert results["baselines"]["who"]["tag_accuracy"] > 0.5
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    figures = [line["tasks"]["who"] for line in lines if line["type"] == "train"]
    assert all(set(line) == {"loss", "R", "D", "delta/x", "flips"} and line["R"] > 0 for line in figures)


@pytest.fixture(scope="module")
def scores(run):
    return json.loads((run / "results.json").read_text())["tasks"]["who"]


def test_every_format_is_scored_the_same(run, scores, cli):
    for options in ([], ["--split", "dev"]):
        assert json.loads(cli("evaluate", run, *options, "--json").out)["tasks"]["who"] == scores


@pytest.mark.parametrize("output", ["jsonl", "csv", "tsv"])
@pytest.mark.parametrize("source", ["jsonl", "csv", "tsv"])
def test_predict_reproduces_evaluate_exactly(workspace, run, validation, scores, cli, source, output):
    file = workspace.folder / f"out.{output}"
    result = cli("predict", run, "--task", "who", "--input", f"validation.{source}", "--output", file)
    assert result.code == 0, result.err
    found = predicted(file, output)
    assert list(found[0]) == ["words", "tags", "prediction", "probabilities", "entities"]
    predictions, gold = [row["prediction"] for row in found], [row["tags"] for row in validation]
    assert {name: METRICS[name](predictions, gold) for name in METRIC_NAMES} == scores


def test_lists_become_text_in_delimited_files(tmp_path):
    from mtsmart.evaluation.prediction_files import write_rows

    rows = [
        {"words": ["a", "cat"], "p": [0.5, 1.0], "entities": [{"type": "x", "start": 1}], "n": 3},
        {"words": ["New York", "is"], "p": [], "entities": [], "n": None},
    ]
    write_rows(rows, tmp_path / "out.tsv")
    assert (tmp_path / "out.tsv").read_text().splitlines() == [
        "words\tp\tentities\tn",
        'a cat\t0.5 1.0\t[{"type": "x", "start": 1}]\t3',
        '["New York", "is"]\t\t\t',  # a word with a blank would not be found again in text
    ]
    write_rows(rows, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream)) == {
            "words": "a cat",
            "p": "0.5 1.0",
            "entities": '[{"type": "x", "start": 1}]',
            "n": "3",
        }


def test_a_wrong_tag_names_file_row_and_nearest(workspace, validation, cli):
    write_jsonl(workspace.folder / "train.jsonl", [*validation[:2], {"words": ["a", "cat"], "tags": ["O", "B-animl"]}])
    result = cli("train", workspace.experiment)
    assert result.code == 2
    assert "train.jsonl), row 3: tags: the tag of word 2 is not one of the task's, got 'B-animl'" in result.err
    assert "Did you mean 'B-animal'?" in result.err


def test_a_row_without_words_is_predicted_like_any_other(workspace, run, cli):
    write_jsonl(
        workspace.folder / "in.jsonl", [{"words": ["a", "cat"]}, {"words": []}, {"words": ["dog", "", "\u200b"]}]
    )
    result = cli("predict", run, "-t", "who", "-i", "in.jsonl")
    assert result.code == 0, result.err
    assert [len(json.loads(line)["prediction"]) for line in result.out.splitlines()] == [2, 0, 3]


def test_an_input_file_is_read_as_the_tasks_own_files_are(workspace, validation, cli):
    """Words as JSON lists in csv, also where one of them holds a blank or the row is empty."""
    tasks = workspace.folder / "tiny_tasks.yaml"
    text = tasks.read_text().replace("validation.csv}}", "validation.csv}, parse: {words: json}}")
    for name in ("train", "validation"):
        made = [json.loads(line) for line in (workspace.folder / f"{name}.jsonl").read_text().splitlines()]
        with (workspace.folder / f"{name}.json.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["words", "tags"])
            writer.writerows([json.dumps(row["words"]), " ".join(row["tags"])] for row in made)
        text = text.replace(f"{name}: {name}.jsonl", f"{name}: {name}.json.csv")
    tasks.write_text(text)
    assert cli("train", workspace.experiment, "-o", "run", "training.max_updates=1").code == 0
    with (workspace.folder / "in.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([["words"], ['["a", "big cat", "dog"]'], ["[]"]])
    write_jsonl(workspace.folder / "in.jsonl", [{"words": ["a", "big cat", "dog"]}, {"words": []}])
    for source in ("in.csv", "in.jsonl"):
        result = cli("predict", "run", "-t", "who", "-i", source)
        assert result.code == 0, result.err
        first, second = (json.loads(line) for line in result.out.splitlines())
        assert len(first["prediction"]) == 3 and second["prediction"] == []
    assert cli("predict", "run", "-t", "who", "-i", "in.csv", "--output", "out.csv").code == 0
    with (workspace.folder / "out.csv").open(newline="") as stream:
        assert next(csv.DictReader(stream))["words"] == '["a", "big cat", "dog"]'  # as it was
    (workspace.folder / "in.csv").write_text("words\na cat\n")
    result = cli("predict", "run", "-t", "who", "-i", "in.csv")
    assert result.code == 2 and "in.csv, row 1: words: is not valid JSON, got 'a cat'" in result.err
