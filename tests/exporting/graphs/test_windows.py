"""Tasks that read long texts in windows, as a graph: the run's splitting, its logits and its predictions."""

import json

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

import mtsmart
from mtsmart.data.encoding import noting_cuts
from mtsmart.data.tokenizing import filler_of, frame_of
from mtsmart.exporting.onnx.runtime.tokens import Tokens
from mtsmart.exporting.onnx.runtime.windows import in_windows, pooled
from mtsmart.task_types.windows.options import Windows
from mtsmart.task_types.windows.splitting import split_rows
from tests.conftest import WORDS, sentences, write_jsonl
from tests.exporting.graphs.bare import assert_equal_predictions, predicted_bare
from tests.models.architectures import save
from tests.regularizers.every_type import example

answer = pytest.importorskip(
    "mtsmart.exporting.onnx.runtime.answer", reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')"
)

IN_WINDOWS = {
    "classification": {"overlap": 2, "pooling": "attention"},
    "ordinal": {"overlap": 1, "pooling": "max"},
    "regression": {"overlap": 1, "pooling": "mean"},
    "multi_label": {"overlap": 1, "pooling": "attention"},
}
PROJECTED = {"labels": ["sure", "unsure"], "project": {"yes": "sure", "no": "sure", "maybe": "unsure"}}
TASKS = [*IN_WINDOWS, "cut", "projected", "compared"]
LONG = " ".join([*WORDS, *WORDS[::-1], *WORDS[::2]])
# The first update of Adam moves each weight by the learning rate, so the vectors of attention are not 0 any more.
SETTINGS = [
    "mixing.strategy=rounds",
    "training.max_updates=1",
    "optimizer.learning_rate=0.1",
    "optimizer.warmup=0",
    "data.max_length=12",
]


def definitions(folder):
    """Every type in windows, and on the texts of the regression a task that cuts them."""
    tasks = {}
    for name, windows in IN_WINDOWS.items():
        file = str(write_jsonl(folder / f"{name}.jsonl", example(name).ROWS))
        source = {"files": {"train": file, "validation": file}}
        tasks[name] = {**example(name).DEFINITION, "dataset": source, "options": {"windows": windows}}
        tasks[name] |= {"learning_rate_factor": 10.0}
    tasks["cut"] = {**tasks["regression"], "options": {}}
    tasks["compared"] = {**tasks["classification"], "head": {"type": "pair"}}
    tasks["projected"] = {**tasks["classification"], **PROJECTED, "share_head": "classification"}
    del tasks["projected"]["metrics"], tasks["projected"]["learning_rate_factor"]
    return tasks


@pytest.fixture(scope="module")
def in_one_graph(tmp_path_factory):
    """A run, and the folder of its graph."""
    place = tmp_path_factory.mktemp("windows")
    save("BERT", place / "encoder")
    tasks = definitions(place)
    file = place / "tasks.yaml"
    file.write_text(yaml.safe_dump(tasks))
    experiment = {
        "name": "windows",
        "tasks": [name for name in tasks if name != "projected"],
        "task_files": [str(file)],
        "encoder": {"path": str(place / "encoder")},
    }
    (place / "experiment.yaml").write_text(yaml.safe_dump(experiment))
    mtsmart.train(place / "experiment.yaml", SETTINGS, output_dir=place / "run")
    mtsmart.export(place / "run", TASKS, place / "graph", form="onnx", task_files=[file])
    return mtsmart.load(place / "run", [file]), place / "graph"


def rows_of(task):
    """Short rows, some that just fit, and long ones."""
    texts = [*sentences(6), LONG, "", "a cat", f"{LONG} {LONG}"]
    if task in ("classification", "projected", "compared"):
        others = ["the dog", LONG, "a", "the dog", "", LONG, "red " * 30, "a", LONG, "a cat"]
        return [{"premise": one, "hypothesis": other} for one, other in zip(texts, others, strict=True)]
    return [{"text": text} for text in texts]


def complete(rows):
    return [row for row in rows if all(row.values())]


@pytest.mark.filterwarnings("ignore:.*(lacks? a text|are cut|is cut)")
def test_predictions_are_the_runs_where_there_is_no_torch(in_one_graph, tmp_path):
    run, folder = in_one_graph
    jobs = [{"task": task, "rows": rows_of(task)} for task in TASKS]
    jobs.append({"task": ["regression", "cut", "multi_label", "ordinal"], "rows": rows_of("regression")})
    for job, found in zip(jobs, predicted_bare(tmp_path, folder, jobs), strict=True):
        ours = json.loads(json.dumps(run.predict(job["task"], job["rows"])))
        assert_equal_predictions(ours, found, str(job["task"]))


@pytest.mark.filterwarnings("ignore:.*(are cut|is cut)")
@pytest.mark.parametrize("task", IN_WINDOWS)
def test_logits_are_the_runs(in_one_graph, task):
    """Alone, so that each long row is a batch of its own windows, and all together."""
    run, folder = in_one_graph
    rows = complete(rows_of(task))
    theirs = answer.Model(folder, threads=1).logits(task, rows)
    one = run.task(task)
    for row, arrays in zip(rows, theirs, strict=True):
        columns = {column: [row[column]] for column in one.columns}
        encoded = one.encode({**columns, "row": [0]}, run.tokenizer, run.max_length(task), False)
        feature = {name: values[0] for name, values in encoded.items()}
        inputs = one.collate([feature], run.tokenizer, 0).inputs
        ours = run.model(task, run.model.embed(inputs["input_ids"]), inputs).detach().numpy()
        np.testing.assert_allclose(np.stack(arrays), ours, atol=1e-4, rtol=0)


def test_attention_is_not_the_mean(in_one_graph):
    """So the comparisons above would see scores that are wrong."""
    model = answer.Model(in_one_graph[1], threads=1)
    attention = model.logits("multi_label", [LONG])[0][0]
    model.settings["tasks"]["multi_label"]["windows"] = {"pooling": "mean", "scores": None}
    assert np.abs(model.logits("multi_label", [LONG])[0][0] - attention).max() > 1e-3


def test_tasks_share_a_pass_whatever_their_pooling(in_one_graph, monkeypatch):
    """Only the one that cuts its texts reads something else."""
    passes = []

    class Counted(answer.onnxruntime.InferenceSession):
        def run(self, names, feeds, options):
            passes.append(sorted(names))
            return super().run(names, feeds, options)

    monkeypatch.setattr(answer.onnxruntime, "InferenceSession", Counted)
    model = answer.Model(in_one_graph[1], threads=1)
    model.predict(["cut", "multi_label", "ordinal", "regression"], [LONG, "a cat"])
    shared = ["multi_label.logits", "multi_label.window_scores", "ordinal.logits", "regression.logits"]
    assert passes == [["cut.logits"], shared]


def test_a_graph_of_integers_pools_too(in_one_graph, tmp_path):
    run, _ = in_one_graph
    mtsmart.export(run.path, list(IN_WINDOWS), tmp_path / "int8", form="onnx", int8=True)
    model = answer.Model(tmp_path / "int8", threads=1)
    for task in IN_WINDOWS:
        rows = complete(rows_of(task))
        found = np.array(answer.Model(in_one_graph[1], threads=1).logits(task, rows))
        assert np.isfinite(model.logits(task, rows)).all()
        assert np.corrcoef(np.ravel(model.logits(task, rows)), found.ravel())[0, 1] > 0.9


def test_the_form_of_transformers_has_no_windows(in_one_graph, cli, tmp_path):
    run, _ = in_one_graph
    refused = cli("export", run.path, "--task", "regression", tmp_path / "out")
    assert (refused.code, refused.out) == (2, "")
    assert "the task reads long texts in windows (options.windows), which no Hugging Face class does" in refused.err
    assert "Say --format onnx, or train the task without windows" in refused.err
    assert not (tmp_path / "out").exists()


# The splitting --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory):
    """Side that is cut -> a tokenizer, and what the runtime has of it."""
    found = {}
    for side in ("right", "left"):
        folder = tmp_path_factory.mktemp(side)
        save("BERT", folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, truncation_side=side)
        tokenizer.backend_tokenizer.save(str(folder / "bare.json"))
        frames = {str(count): vars(frame_of(tokenizer, count)) for count in (1, 2)}
        described = {"frames": frames, "truncation_side": side, "filler": filler_of(tokenizer)}
        found[side] = (tokenizer, Tokens(folder / "bare.json", described))
    return found


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(st.lists(st.sampled_from(WORDS), max_size=45).map(" ".join), min_size=1, max_size=2),
    size=st.integers(8, 30),
    overlap=st.integers(0, 1),
    side=st.sampled_from(["right", "left"]),
)
def test_rows_are_split_as_mtsmart_splits_them(tokenizers, texts, size, overlap, side):
    tokenizer, tokens = tokenizers[side]
    with noting_cuts() as noted:
        ours = split_rows([[text] for text in texts], tokenizer, Windows(size, overlap), "t", segments=True)
    (whole,), _ = tokens.framed([texts], None)
    theirs, is_cut = in_windows(whole, size, overlap, keeps_end=side == "left")
    for name, rows in ours.items():
        assert rows[0] == [window[name] for window in theirs]
    assert is_cut == bool(noted[0][0])


def test_pooling_of_one_window_is_that_window():
    logits = np.array([1.5, -2.0], dtype=np.float32)
    for how, scores in (("mean", None), ("max", None), ("attention", [np.float32(700)])):
        np.testing.assert_array_equal(pooled([logits], how, scores), logits)
