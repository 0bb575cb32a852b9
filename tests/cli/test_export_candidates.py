"""Cards of exported tasks whose input is a text with candidates: their own code gives the numbers of ``predict``."""

import json
import re

import numpy as np
import pytest

import mtsmart
from tests.conftest import sentences, write_jsonl
from tests.models.test_export import alone

TASKS = """
choose:
  task_type: multiple_choice
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  options: {choices: [one, two, three]}
  head: HEAD
order:
  task_type: ranking
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text, more]
  options: {candidates: list}
  head: HEAD
filled:
  task_type: multiple_choice
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text, gap]
  options: {choices: list, placeholder: "@here", keys: names}
  label: name
  head: HEAD
"""


def with_candidates(head):
    def change(workspace):
        texts = sentences(120, seed=4)
        rows = [
            {
                "text": texts[i],
                "more": texts[i + 20],
                "gap": f"a {texts[i + 40]} @here red",
                **dict(zip(["one", "two", "three"], texts[i + 60 : i + 63], strict=True)),
                "list": texts[i + 60 : i + 63],
                "names": ["x", "y", "z"],
                "label": i % 3,
                "name": "xyz"[i % 3],
            }
            for i in range(20)
        ]
        write_jsonl(workspace.folder / "rows.jsonl", rows)
        workspace.tasks.write_text(TASKS.replace("HEAD", head))
        workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[choose, order, filled]"))

    return change


CHANGES = {head: with_candidates(head) for head in ("native", "{type: plain, pooling: mean}")}
NATIVE, PLAIN = CHANGES


def trained(trained_run, head):
    settings = ["training.max_updates=3", "mixing.strategy=rounds", "smart=off", "mbpp=off"]
    return trained_run(*settings, change=CHANGES[head])


def pairs_of(task, row):
    """What the card says that the model reads of a row."""
    if task == "filled":
        return [(row["text"], row["gap"].replace("@here", text)) for text in row["list"]]
    text = row["text"] if task == "choose" else f"{row['text']} {row['more']}"
    return [(text, candidate) for candidate in row["list"]]


INPUTS = {
    "choose": "- Input: pairs of text and each candidate (one, two, three), cut to 32 tokens",
    "order": "- Input: pairs of text and more, with a blank between them, and each candidate (list), cut to 32 tokens",
    "filled": "- Input: pairs of text and gap, where each candidate (list) takes the place of `@here`, cut to 32",
}


def code_of(folder, task):
    card = (folder / "README.md").read_text()
    assert INPUTS[task] in card
    assert ("in the order of their numbers" if task == "order" else "the softmax over all candidates of a row") in card
    return re.search(r"```python\n(.*?)```", card, flags=re.DOTALL).group(1)


@pytest.mark.parametrize("task", ["choose", "order", "filled"])
@pytest.mark.parametrize("head", [NATIVE, PLAIN])
def test_the_cards_code_reads_pairs_and_gives_our_numbers(trained_run, workspace, cli, head, task):
    if head == PLAIN:
        pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
    run = trained(trained_run, head)
    assert cli("export", run, "--task", task, "out").code == 0
    code = code_of(workspace.folder / "out", task)
    row = json.loads((workspace.folder / "rows.jsonl").read_text().splitlines()[0])
    after = code[code.index("\n", code.index("pairs =")) :]  # the same lines for the pairs of a real row
    ask = f"pairs = {pairs_of(task, row)!r}\n{after}\nimport json; print('ANSWER', json.dumps(outputs.tolist()))"
    script = f"import sys; sys.modules['mtsmart'] = None\n{code}\n{ask}"
    said = alone(workspace.folder, script, *(["sentence_transformers"] if head == PLAIN else []))
    numbers = np.ravel(json.loads(said.split("ANSWER")[1]))
    (ours,) = mtsmart.load(run).predict(task, [row])
    if task == "order":
        np.testing.assert_allclose(numbers, ours["scores"], atol=1e-5)
        assert np.argsort(-numbers).tolist() == ours["prediction"]
    else:
        np.testing.assert_allclose(np.exp(numbers) / np.exp(numbers).sum(), ours["probabilities"], atol=1e-5)
        assert int(numbers.argmax()) == ours["prediction"]


def test_a_pooled_heads_card_shows_pairs_too(trained_run, workspace, cli):
    assert cli("export", trained(trained_run, PLAIN), "--task", "choose", "out").code == 0
    code = code_of(workspace.folder / "out", "choose")
    assert 'pairs = [("...", "a candidate"), ("...", "another candidate")]' in code
    assert "model.encode(pairs)" in code


def test_the_card_of_a_graph_shows_a_row_with_its_candidates(trained_run, workspace, cli):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason=f"{package} is not installed")
    result = cli("export", trained(trained_run, NATIVE), "-t", "filled", "-t", "choose", "out", "--format", "onnx")
    assert result.code == 0, result.err
    card = (workspace.folder / "out" / "README.md").read_text()
    assert INPUTS["filled"] in card and INPUTS["choose"] in card
    code = re.search(r"```python\n(.*?)```", card, flags=re.DOTALL).group(1)
    said = alone(workspace.folder, f"import sys; sys.path.insert(0, 'out'); sys.modules['mtsmart'] = None\n{code}")
    assert "'prediction_label': '" in said
