"""multiple_choice, ranking and multi_label as a user meets them: train, evaluate, predict, and one score throughout."""

import csv
import json
import random

import numpy as np
import pytest

from mtsmart.metrics import METRICS
from tests.conftest import sentences, write_jsonl

NAMES = ["cat", "dog", "red"]
TASKS = """
choose:
  task_type: multiple_choice
  dataset: {files: {train: choose.jsonl, validation: choose.jsonl}}
  text: [text]
  options: {choices: endings}
rank:
  task_type: ranking
  dataset: {files: {train: rank.jsonl, validation: rank.jsonl}}
  text: [query, candidate]
  options: {group: id}
  label: relevance
  metrics: [mrr, ndcg, top1]
mark:
  task_type: multi_label
  dataset: {files: {train: mark.csv, validation: mark.csv}}
  text: [text]
  label: marks
  labels: [cat, dog, red]
  options: {threshold: tuned, separator: "|"}
  metrics: [micro_f1, macro_f1, subset_accuracy]
"""


@pytest.fixture
def experiment(workspace):
    """Twenty-four rows each; the queries' rows are shuffled, and csv holds an empty field where no label is."""
    rng, texts, others = random.Random(0), sentences(24), sentences(96, seed=1)
    lists = [others[4 * i : 4 * i + rng.randint(2, 4)] for i in range(24)]
    choose = [
        {"text": t, "endings": few, "label": rng.randrange(len(few))} for t, few in zip(texts, lists, strict=True)
    ]
    rank = [
        {"id": i, "query": texts[i], "candidate": c, "relevance": int(n == 0)}
        for i in range(8)
        for n, c in enumerate(lists[i])
    ]
    rng.shuffle(rank)
    write_jsonl(workspace.folder / "choose.jsonl", choose)
    write_jsonl(workspace.folder / "rank.jsonl", rank)
    marks = [",".join([t, "|".join(n for n in NAMES if n in t.split())]) for t in texts]
    assert any(line.endswith(",") for line in marks)
    (workspace.folder / "mark.csv").write_text("\n".join(["text,marks", *marks]) + "\n")
    workspace.tasks.write_text(TASKS)
    text = workspace.experiment.read_text().replace("[color, near]", "[choose, rank, mark]")
    return workspace.write_experiment(text)


def test_prediction_files_give_the_scores_of_evaluate(workspace, experiment, cli):
    trained = cli("train", experiment, "training.epochs=1", "-o", "run")
    assert trained.code == 0, trained.err
    run = workspace.folder / "run"
    shown = cli("evaluate", run, "--json")
    assert shown.code == 0, shown.err
    scores = json.loads(shown.out)["tasks"]
    for ending in ("jsonl", "csv"):
        rows = {name: _predicted(cli, run, name, ending) for name in ("choose", "rank", "mark")}
        hits = [int(row["prediction"]) == int(row["label"]) for row in rows["choose"]]
        assert np.mean(hits) == pytest.approx(scores["choose"]["accuracy"])

        groups = {}
        for row in rows["rank"]:
            groups.setdefault(str(row["id"]), []).append(row)
        given = [[float(row["score"]) for row in group] for group in groups.values()]
        gold = [[float(row["relevance"]) for row in group] for group in groups.values()]
        for metric in ("mrr", "ndcg", "top1"):
            assert METRICS[metric](given, gold) == pytest.approx(scores["rank"][metric])
        assert all(sorted(int(r["prediction"]) for r in g) == list(range(1, len(g) + 1)) for g in groups.values())

        sets = [
            row["prediction"] if ending == "jsonl" else [name for name in row["prediction"].split("|") if name]
            for row in rows["mark"]
        ]
        given = [[int(n in names) for n in NAMES] for names in sets]
        gold = [[int(n in row["marks"].split("|")) for n in NAMES] for row in rows["mark"]]
        for metric in ("micro_f1", "subset_accuracy"):
            assert METRICS[metric](given, gold) == pytest.approx(scores["mark"][metric])


def _predicted(cli, run, name, ending):
    source = run.parent / ("mark.csv" if name == "mark" else f"{name}.jsonl")
    output = run.parent / f"{name}_out.{ending}"
    result = cli("predict", run, "--input", source, "--task", name, "--output", output)
    assert result.code == 0, result.err
    if ending == "jsonl":
        return [json.loads(line) for line in output.read_text().splitlines()]
    with output.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_missing_choices_column_is_one_clear_error(experiment, cli, workspace):
    workspace.tasks.write_text(TASKS.replace("choices: endings", "choices: ending"))
    result = cli("train", experiment, "-o", "other")
    assert result.code == 2
    assert "ending: there is no such column. Did you mean 'endings'?" in " ".join(result.err.split())


def test_a_training_query_without_a_relevant_candidate_is_one_clear_error(experiment, cli, workspace):
    file = workspace.folder / "rank.jsonl"
    file.write_text(file.read_text().replace('"relevance": 1', '"relevance": 0', 1))
    result = cli("train", experiment, "-o", "other")
    assert result.code == 2
    assert "id: is a query without a relevant candidate" in " ".join(result.err.split())
