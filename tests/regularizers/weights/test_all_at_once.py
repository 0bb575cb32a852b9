"""What every method on weights must hold, for every one that is registered, alone and beside all others."""

import pytest
import torch

import mtsmart
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import MtsmartWarning
from mtsmart.training.step import TrainStep
from tests.regularizers.at_work import at_work, first_settings
from tests.regularizers.every_type import PAIRS
from tests.regularizers.weights.cycle import update
from tests.training.test_resume import SETTINGS, StopAt, assert_same_run

METHODS = {name: one for name, one in REGULARIZERS.ordered().items() if ".weights." in one.__module__}
ON_BERT = [pair for pair in PAIRS if pair[0] == "BERT"]
TOGETHER = [f"{name}=paper" for name in METHODS if name != "child_tuning"] + ["child_tuning={preset: task, batches: 2}"]
# Short runs: an average begins early, and the pull of RecAdam gives way.
SHORT = ["swa.share=0.7", "rec_adam.t0=3", "last_mean.evaluations=2", "ema.keep=better"]


def test_the_folder_has_the_methods_that_the_docs_name():
    assert set(METHODS) == {
        "child_tuning",
        "ema",
        "l2_sp",
        "last_mean",
        "mixout",
        "noisy_tune",
        "rec_adam",
        "sam",
        "swa",
    }


@pytest.mark.parametrize("pair", ON_BERT, ids="-".join, indirect=True)
def test_an_update_with_all_of_them_is_finite_and_moves_the_model(pair):
    model = pair.model.train()
    methods = {name: at_work(name, model, pair.tasks(), first_settings(METHODS[name])) for name in METHODS}
    step = TrainStep(model, pair.tasks(), methods)
    for method in methods.values():
        method.begin(model)
    before = {name: one.clone() for name, one in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(2):
        update(list(methods.values()), model, lambda: step(pair.batch)[0], optimizer)
        for method in methods.values():
            method.before_evaluation(model)
    after = model.state_dict()
    assert all(torch.isfinite(one).all() for one in after.values() if one.is_floating_point())
    assert any(not torch.equal(before[name], one) for name, one in after.items())
    assert not any(term.loss(pair.clean()) for term in methods.values())  # none of them has a term of a batch
    described = {figure.name for method in METHODS.values() for figure in method.figures}
    assert {name for method in methods.values() for name in method.measure(model)} == described


def test_a_run_with_all_of_them_resumes_to_the_bit(workspace):
    """Beside SMART, MBPP and accumulation."""
    settings = [*SETTINGS, *TOGETHER, *SHORT, "training.epochs=1"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=StopAt(5))
    torch.manual_seed(999)
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert_same_run(whole, stopped, ["smart", "mbpp", *METHODS])
    assert '"ema"' in (whole / "metrics.jsonl").read_text() or '"swa"' in (whole / "metrics.jsonl").read_text()


def test_a_frozen_encoder_leaves_methods_on_pretrained_weights_nothing_to_do_and_that_is_told(workspace):
    names = ["noisy_tune", "mixout", "child_tuning", "rec_adam"]
    settings = ["smart=off", "mbpp=off", "encoder.freeze=all", "training.max_updates=2", *TOGETHER]
    with pytest.warns(MtsmartWarning) as told:
        mtsmart.train(workspace.experiment, settings)
    for name in names:
        assert any(f"{name}: no pretrained weight" in str(warning.message) for warning in told), name


def test_a_setting_beside_one_that_is_off_is_told_with_its_switch(workspace):
    with pytest.warns(MtsmartWarning, match=r"sam\.adaptive=True: has no effect.*sam\.rho=0\.05"):
        mtsmart.train(
            workspace.experiment,
            ["smart=off", "mbpp=off", "sam={preset: off, adaptive: true}", "training.max_updates=1"],
        )
