"""Every task type on every architecture as a graph: the run's logits, and its predictions without torch."""

import json

import numpy as np
import pytest
import torch

from tests.exporting.graphs.bare import assert_equal_predictions, predicted_bare
from tests.exporting.graphs.runs import TASKS, rows_of

ARCHITECTURES = [
    "BERT",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("MPNet", "DeBERTa-v2", "ModernBERT", "DistilBERT")),
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("RoBERTa", "ALBERT", "ELECTRA", "XLNet")),
]
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)
LENGTHS = (3, 11, 38)
BATCHES = (1, 4, 9)


def inputs_for(tokenizer, names, rows, width):
    """Random tokens; the first row fills the width, the others have padding."""
    generator = torch.Generator().manual_seed(100 * rows + width)
    mask = torch.zeros(rows, width, dtype=torch.int64)
    for row in range(rows):
        count = max(2, width - 3 * row)
        mask[row, slice(width - count, width) if tokenizer.padding_side == "left" else slice(count)] = 1
    ids = torch.randint(5, 29, (rows, width), generator=generator)
    segments = torch.randint(1, 3, (rows, width), generator=generator) * mask
    found = {
        "input_ids": ids.masked_fill(mask == 0, tokenizer.pad_token_id),
        "attention_mask": mask,
        "token_type_ids": (segments == 2).long(),
        "segments": segments,
        "positions": mask.argmax(-1, keepdim=True) + torch.arange(2),
    }
    return {name: found[name] for name in names}


@every_architecture
def test_the_graph_computes_the_runs_logits(every_type, architecture):
    """At three lengths and three batch sizes, none of which the trace has seen."""
    import onnxruntime

    export = every_type(architecture)
    model, tokenizer = export.loaded.model, export.loaded.tokenizer
    session = onnxruntime.InferenceSession(str(export.folder / "model.onnx"), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    names_of_outputs = [each.name for each in session.get_outputs()]
    outputs = {name: name.removesuffix(".logits") for name in names_of_outputs if name.endswith(".logits")}
    assert {*names_of_outputs} - {*outputs} == {"classification-windows.window_scores"}
    assert set(outputs.values()) == set(TASKS) - {"projected"}
    for width in LENGTHS:
        for rows in BATCHES:
            inputs = inputs_for(tokenizer, names, rows, width)
            found = session.run(list(outputs), {name: tensor.numpy() for name, tensor in inputs.items()})
            real = inputs["attention_mask"].numpy() == 1
            for head, theirs in zip(outputs.values(), found, strict=True):
                with torch.no_grad():
                    ours = model(head, model.embed(inputs["input_ids"]), inputs).numpy()
                kept = real if ours.ndim == 3 and ours.shape[:2] == real.shape else slice(None)
                np.testing.assert_allclose(
                    theirs[kept], ours[kept], atol=1e-4, rtol=0, err_msg=f"{head} {rows}x{width}"
                )


def jobs_for(export):
    """Each task with the rows of its example; texts to fill have masks."""
    mask = export.loaded.tokenizer.mask_token
    for task in TASKS:
        rows = rows_of(task)
        if task.startswith("masked_lm"):
            rows = [{"text": f"{row['text'].replace('the', mask)} {mask}"} for row in rows]
        yield {"task": task, "rows": rows}


@every_architecture
def test_predictions_are_the_runs_where_there_is_no_torch(every_type, architecture, tmp_path):
    export = every_type(architecture)
    jobs = list(jobs_for(export))
    assert {"span", "tagging"} <= {job["task"] for job in jobs}
    for job, found in zip(jobs, predicted_bare(tmp_path, export.folder, jobs), strict=True):
        ours = json.loads(json.dumps(export.loaded.predict(job["task"], job["rows"])))
        assert_equal_predictions(ours, found, job["task"])


def test_long_rows_make_several_windows(every_type):
    """The length limit of the runs is short, so that what is compared above has windows, cut pairs and parts."""
    answer = pytest.importorskip("mtsmart.exporting.onnx.runtime.answer", reason="onnxruntime is not installed")
    export = every_type("BERT")
    model = answer.Model(export.folder)
    for task in ("span", "tagging", "masked_lm"):
        (job,) = [job for job in jobs_for(export) if job["task"] == task]
        assert max(map(len, model.logits(task, job["rows"]))) > 1, task
