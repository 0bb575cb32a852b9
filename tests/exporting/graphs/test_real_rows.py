"""500 rows of real data sets of each kind: a graph predicts without torch what the run predicts."""

import json

import pytest

import mtsmart
from mtsmart.data.sources import load_split
from tests.exporting.graphs.bare import assert_equal_predictions, predicted_bare

TASKS = ["cola", "stsb", "rte", "wnut_17", "copa", "xquad_en", "go_emotions"]
ROWS = 500
pytestmark = [pytest.mark.slow, pytest.mark.hub]


@pytest.fixture(scope="module")
def exported(minilm, hub_dir, tmp_path_factory):
    """A run that has seen a batch of each task, and its graph."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')")
    folder = tmp_path_factory.mktemp("real")
    splits = {"train": "train[:32]", "validation": "validation[:32]"}
    own = {"xquad_en": {"train": "validation[:32]", "validation": "validation[32:64]"}}
    tasks = {name: {"splits": own.get(name, splits)} for name in TASKS}
    experiment = {
        "name": "real",
        "tasks": tasks,
        "encoder": {"path": minilm},
        "data": {"max_length": 96, "hub_dir": hub_dir},
        "mixing": {"strategy": "rounds"},
        "training": {"max_updates": 2, "batch_size": 4},
    }
    run = mtsmart.train(experiment, output_dir=folder / "run").path
    mtsmart.export(run, TASKS, folder / "graph", form="onnx")
    return mtsmart.load(run, device="cpu"), folder / "graph"


@pytest.mark.parametrize("task", TASKS)
def test_a_graph_predicts_what_the_run_predicts(exported, tmp_path, task):
    run, folder = exported
    one = run.task(task)
    definition = one.definition.model_copy(update={"splits": {"validation": f"validation[:{ROWS}]"}})
    found = load_split(task, definition, "validation", one.columns, run.config.data)
    rows = [{column: row[column] for column in one.columns} for row in found.to_list()]
    assert len(rows) == min(ROWS, len(rows)) >= 100
    (theirs,) = predicted_bare(tmp_path, folder, [{"task": task, "rows": rows}])
    assert_equal_predictions(json.loads(json.dumps(run.predict(task, rows))), theirs, task)
