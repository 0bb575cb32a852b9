"""The head of a task that has stopped: it is the best one in all weights that a run keeps, and nothing moves it."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.runs.checkpoints import list_checkpoints
from tests.conftest import quick_are
from tests.regularizers.weights.test_all_at_once import SHORT, TOGETHER
from tests.training.test_resume import StopAt, assert_same_run

SETTINGS = [
    "tasks.color.patience=1",
    "smart=off",
    "mbpp=off",
    "mixing.strategy=rounds",  # so that each update before the stop moves the head
    "optimizer.warmup=0",
    "training.epochs=4",
    "training.evaluate_every=2",
    "training.log_every=1",
    "training.checkpoint_every=1",
    "training.keep_checkpoints=99",
]
KEPT = {
    "ema": "ema={beta: 0.9}",
    "ema or student": "ema={beta: 0.9, keep: better}",
    "swa": "swa={share: 1.0, interval: 1}",
    "last_mean": "last_mean={evaluations: 3}",
    "teacher": "mbpp={preset: paper, keep: teacher}",
    "student": "mbpp=paper",
}


def heads_at(point):
    """The head of color in all weights that a resume point holds: file and name there -> name in the head, tensor."""
    found = {}
    for file in sorted(point.glob("*.safetensors")):
        for name, tensor in load_file(file).items():
            if part := re.search(r"heads\.color_head\.(.+)$", name):
                found[f"{file.stem}/{name}"] = (part[1], tensor)
            elif ".color_head." in name:  # a part of an adapter
                found[f"{file.stem}/{name}"] = (name.partition("encoder.model.")[2], tensor)
    return {name: one for name, one in found.items() if not name.startswith(("optimizer/", "best_heads/"))}


def best_head_of(run):
    """The points from when color stopped on, and the head that it had to get back."""
    stop = json.loads((run / "results.json").read_text())["stopped"]["color"]["update"]
    points = {int(re.search(r"\d+", point.name)[0]): point for point in list_checkpoints(run / "checkpoints")}
    kept = load_file(points[stop - 1] / "best_heads.safetensors")
    best = {name.removeprefix("color/"): tensor for name, tensor in kept.items()}
    after = [points[update] for update in sorted(points) if update >= stop]
    assert len(after) >= 6
    before = heads_at(points[stop - 1])
    assert any(not torch.equal(tensor, best[part]) for part, tensor in before.values())  # there is something to undo
    return after, best


# What another method of the same kind does is tested with the slow tests.
@pytest.mark.parametrize("kept", quick_are(KEPT, "ema", "last_mean", "teacher"))
def test_all_weights_that_a_run_stores_have_the_best_head_from_then_on(trained_run, kept):
    points, best = best_head_of(trained_run(*SETTINGS, KEPT[kept]))
    for point in points:
        found = heads_at(point)
        assert {name for name, _ in found.values()} == best.keys()
        assert len({name.partition("/")[0] for name in found}) == 2  # the student's file, and the method's
        assert not {name for name, (part, tensor) in found.items() if not torch.equal(tensor, best[part])}, point


def test_the_parts_of_adapters_that_are_the_heads_own_are_of_the_best_evaluation_too(trained_run):
    points, best = best_head_of(trained_run(*SETTINGS, KEPT["ema"], "encoder.peft={method: lora, per_task: true}"))
    assert any("lora_A" in name for name in best) and any("lora_A" not in name for name in best)
    for point in points:
        found = heads_at(point)
        assert {name for name, _ in found.values()} == best.keys()
        assert not {name for name, (part, tensor) in found.items() if not torch.equal(tensor, best[part])}, point


PULLED = {
    "all methods on weights": [*TOGETHER, *SHORT],
    "l2_sp": ["l2_sp=paper"],
    "l2_sp and adapters of the head": ["l2_sp=paper", "encoder.peft={method: lora, per_task: true}"],
}


@pytest.mark.parametrize("pulled", quick_are(PULLED, "all methods on weights"))
def test_no_method_moves_a_head_that_rests(trained_run, pulled):
    points, best = best_head_of(trained_run(*SETTINGS, *PULLED[pulled]))
    for point in points:
        found = heads_at(point)
        assert {name for name, _ in found.values()} == best.keys()
        assert not {name for name, (part, tensor) in found.items() if not torch.equal(tensor, best[part])}, point


def test_a_method_that_a_resumed_run_adds_knows_which_heads_rest(workspace, trained_run):
    before = trained_run(*SETTINGS, name="before")
    stop = json.loads((before / "results.json").read_text())["stopped"]["color"]["update"]
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, callback=StopAt(stop + 1))
    more = [*SETTINGS, "l2_sp=paper"]
    mtsmart.train(workspace.experiment, more, output_dir=folder, resume=True, allow_changes=["l2_sp"])
    points, best = best_head_of(folder)
    assert (points[-1] / "l2_sp.safetensors").is_file()
    for part, tensor in heads_at(points[-1]).values():
        assert torch.equal(tensor, best[part])


@pytest.mark.parametrize("kept", quick_are(["ema", "last_mean"], "last_mean"))
def test_a_run_that_is_resumed_with_a_resting_head_goes_on_to_the_bit(workspace, trained_run, kept):
    whole = trained_run(*SETTINGS, KEPT[kept], name="whole")
    stop = json.loads((whole / "results.json").read_text())["stopped"]["color"]["update"]
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, [*SETTINGS, KEPT[kept]], output_dir=folder, callback=StopAt(stop + 1))
    mtsmart.train(workspace.experiment, [*SETTINGS, KEPT[kept]], output_dir=folder, resume=True)
    assert_same_run(whole, folder, terms=[kept])
