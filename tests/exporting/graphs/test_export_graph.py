"""``mtsmart export --format onnx`` as a user types it, what it writes, and what it refuses."""

import json

import pytest

import mtsmart
from mtsmart.errors import CheckpointError
from mtsmart.hub.card import CardFacts
from mtsmart.hub.content import content_of
from tests.conftest import sentences
from tests.exporting.graphs.bare import assert_equal_predictions

SHORT = ("training.max_updates=2", "smart=off", "mbpp=off")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')")


@pytest.fixture
def run(trained_run):
    """A short run."""
    return trained_run(*SHORT)


def rows_of_both():
    return [{"text": text, "a": text, "b": other} for text, other in zip(sentences(9), sentences(9, 1), strict=True)]


def predicted(folder, task, **options):
    from mtsmart.exporting.onnx.runtime.answer import Model

    return Model(folder, threads=1).predict(task, rows_of_both(), **options)


def test_both_tasks_stand_in_one_graph(workspace, run, cli):
    result = cli("export", run, "-t", "color", "-t", "near", "out", "--format", "onnx")
    assert result.code == 0, result.err
    assert "color, near written to out (a graph of ONNX; answer.py loads it)" in result.out
    folder = workspace.folder / "out"
    names = {path.name for path in folder.iterdir()}
    assert names == {".mtsmart.json", "README.md", "answer.py", "model.onnx", "tasks.json", "tokenizer.json"}
    content = json.loads((folder / "tasks.json").read_text())
    assert content["opset"] == 17 and content["versions"]["onnxruntime"] == onnxruntime.__version__
    card = (folder / "README.md").read_text()
    for part in (
        "opset 17",
        f"onnxruntime {onnxruntime.__version__}",
        "## color",
        "| accuracy |",
        'model.predict("color"',
    ):
        assert part in card
    assert_equal_predictions(
        mtsmart.load(run).predict(["color", "near"], rows_of_both()), predicted(folder, ["color", "near"])
    )


def test_a_graph_is_pushed_whole(workspace, run):
    mtsmart.export(run, "color", "out", form="onnx")
    content = content_of(workspace.folder / "out", CardFacts("me/colors", None, []))
    assert {*content.files} == {"README.md", "answer.py", "model.onnx", "tasks.json", "tokenizer.json"}


def test_weights_become_integers(workspace, run, cli):
    assert cli("export", run, "-t", "color", "-t", "near", "out", "--format", "onnx", "--int8").code == 0
    folder = workspace.folder / "out"
    import onnx

    kinds = {tensor.data_type for tensor in onnx.load(folder / "model.onnx").graph.initializer if len(tensor.dims) == 2}
    assert onnx.TensorProto.INT8 in kinds
    assert json.loads((folder / "tasks.json").read_text())["weights"] == "int8"
    assert "The weights are 8-bit integers" in (folder / "README.md").read_text()
    assert {path.name for path in folder.iterdir()} >= {"model.onnx"} and not (folder / "float32.onnx").exists()
    for ours, theirs in zip(mtsmart.load(run).predict("near", rows_of_both()), predicted(folder, "near"), strict=True):
        assert theirs["prediction"] == pytest.approx(ours["prediction"], abs=0.2)


def test_the_reports_temperature_goes_along(workspace, run, cli):
    from mtsmart.exporting.onnx.runtime.tokens import AnswerError

    assert cli("export", run, "-t", "color", "before", "--format", "onnx").code == 0
    with pytest.raises(AnswerError, match="color: has no temperature. `mtsmart report RUN` fits one"):
        predicted(workspace.folder / "before", "color", calibrated=True)
    mtsmart.report(run)
    assert cli("export", run, "-t", "color", "after", "--format", "onnx").code == 0
    ours = mtsmart.load(run).predict("color", rows_of_both(), calibrated=True)
    assert ours != mtsmart.load(run).predict("color", rows_of_both())
    assert_equal_predictions(ours, predicted(workspace.folder / "after", "color", calibrated=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-t", "color", "--format", "onx"), "--format: there is no such form, got 'onx'. Did you mean 'onnx'"),
        (
            ("-t", "color", "-t", "near"),
            "--task: one model of transformers has one task, got 'color, near'. Export them",
        ),
        (("-t", "color", "--int8"), "--int8: is for graphs of ONNX. Add --format onnx"),
        (("-t", "colour", "--format", "onnx"), "there is no task of this name, got 'colour'. Did you mean 'color'"),
    ],
)
def test_what_does_not_fit_is_refused(workspace, run, cli, arguments, message):
    result = cli("export", run, "out", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err and len(result.err.splitlines()) == 1
    assert not (workspace.folder / "out").exists()


def test_a_missing_package_is_named(workspace, run, cli, monkeypatch):
    monkeypatch.setattr("mtsmart.exporting.onnx.export.find_spec", lambda name: None)
    result = cli("export", run, "-t", "color", "out", "--format", "onnx")
    assert result.code == 2
    assert (
        "--format: needs onnx and onnxruntime, which are not installed, got 'onnx'. pip install 'mtsmart[onnx]'"
        in result.err
    )


def test_a_graph_that_computes_something_else_is_not_kept(workspace, run, monkeypatch):
    monkeypatch.setattr("mtsmart.exporting.onnx.graph.HeadsGraph.forward", lambda self, *given: _shifted(self, given))
    with pytest.raises(CheckpointError, match="the ONNX graph computes other logits"):
        mtsmart.export(run, "color", "out", form="onnx")
    assert not (workspace.folder / "out").exists()


def _shifted(graph, given):
    named = dict(zip(graph.inputs, given, strict=True))
    encoded = graph.encoder(graph.encoder.embed(named["input_ids"]), named)
    return tuple(head(encoded, named) + 0.01 for head in graph.heads)


def test_a_tokenizer_that_needs_transformers_is_refused(workspace, run, monkeypatch):
    from transformers import PreTrainedTokenizerFast

    encode = PreTrainedTokenizerFast.__call__

    def lowered(self, texts, *more, **options):
        given = [text.upper() for text in texts] if isinstance(texts, list) and isinstance(texts[0], str) else texts
        return encode(self, given, *more, **options)

    monkeypatch.setattr(PreTrainedTokenizerFast, "__call__", lowered)
    with pytest.raises(CheckpointError, match="the tokenizer gives other tokens without transformers"):
        mtsmart.export(run, "color", "out", form="onnx")
    assert not (workspace.folder / "out").exists()
