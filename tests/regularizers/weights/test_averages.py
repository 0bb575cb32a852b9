"""EMA, SWA and the mean of the last evaluations: closed forms, what is scored, and state."""

import pytest
import torch

import mtsmart
from mtsmart.config.regularizers import REGULARIZERS
from tests.regularizers.weights.cycle import copies, method_of

NAMES = ["ema", "swa", "last_mean"]


def drift(model, generator):
    """Stands for an optimizer update."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 1e-2)


def averager(name, bench, total_updates=20, **changes):
    method = REGULARIZERS[name]
    settings = method.presets[0].settings.model_copy(update=changes)
    return method_of(method, bench.model, settings, total_updates)


def history_of(method, bench, updates):
    """The weights after each update, while the method follows; each update is evaluated."""
    generator = torch.Generator().manual_seed(0)
    history = []
    for _ in range(updates):
        drift(bench.model, generator)
        method.after_update(lambda: bench.model)
        method.before_evaluation(bench.model)
        history.append(copies(bench.model))
    return history


def assert_average(method, history, weights):
    """The average is the sum of the history with these weights."""
    for name, found in method.average.model.named_parameters():
        expected = sum(weight * each[name] for weight, each in zip(weights, history, strict=True))
        torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


def test_ema_equals_its_closed_form(tiny_bench):
    """m_n = sum of (1 - beta_i) w_i times the later betas, with beta_i = min(beta, 1 - 1 / i)."""
    ema = averager("ema", tiny_bench, beta=0.8)
    history = history_of(ema, tiny_bench, 20)
    betas = [min(0.8, 1 - 1 / update) for update in range(1, 21)]
    later = [torch.tensor(betas[index + 1 :], dtype=torch.float64).prod() for index in range(20)]
    assert_average(ema, history, [(1 - beta) * rest for beta, rest in zip(betas, later, strict=True)])


@pytest.mark.parametrize(
    ("share", "interval", "counted"),
    [(0.25, 1, range(15, 20)), (0.25, 2, [15, 17, 19]), (1.0, 1, range(20)), (0.01, 1, [19])],
)
def test_swa_is_the_mean_of_the_last_part(tiny_bench, share, interval, counted):
    swa = averager("swa", tiny_bench, share=share, interval=interval)
    history = history_of(swa, tiny_bench, 20)
    assert_average(swa, history, [(index in counted) / len(counted) for index in range(20)])


@pytest.mark.parametrize("evaluations", [1, 3, 50])
def test_last_mean_is_the_mean_of_the_last_evaluations(tiny_bench, evaluations):
    mean = averager("last_mean", tiny_bench, evaluations=evaluations)
    history = history_of(mean, tiny_bench, 6)
    counted = min(evaluations, 6)
    assert_average(mean, history, [0.0] * (6 - counted) + [1 / counted] * counted)


@pytest.mark.parametrize("name", NAMES)
def test_before_there_is_an_average_the_model_is_scored(tiny_bench, name):
    method = averager(name, tiny_bench)
    assert method.candidates({"student": tiny_bench.model}) == {"student": tiny_bench.model}
    history_of(method, tiny_bench, 20)
    assert list(method.candidates({"student": tiny_bench.model})) == [name]
    better = averager(name, tiny_bench, keep="better")
    history_of(better, tiny_bench, 20)
    assert list(better.candidates({"student": tiny_bench.model, "teacher": None})) == ["student", "teacher", name]


@pytest.mark.parametrize("name", NAMES)
def test_an_average_goes_on_from_its_state_to_the_bit(tiny_bench, name):
    changes = {"share": 1.0} if name == "swa" else {}
    methods = [averager(name, tiny_bench, total_updates=8, **changes) for _ in range(2)]
    history_of(methods[0], tiny_bench, 4)
    state = {key: value.clone() for key, value in methods[0].tensors().items()}
    methods[1].load_state(methods[0].state_dict(), state)
    drift(tiny_bench.model, torch.Generator().manual_seed(1))
    for method in methods:
        method.after_update(lambda: tiny_bench.model)
        method.before_evaluation(tiny_bench.model)
    pairs = zip(*(method.average.model.parameters() for method in methods), strict=True)
    assert methods[0].count == methods[1].count == 5
    assert all(torch.equal(one, other) for one, other in pairs)


def test_the_average_that_was_scored_is_the_model_of_the_run(workspace):
    settings = ["smart=off", "mbpp=off", "ema={beta: 0.9}", "training.epochs=2"]
    run = mtsmart.train(workspace.experiment, settings)
    assert mtsmart.load(run.path).evaluate().score == pytest.approx(run.results["score"], abs=1e-6)
    assert '"model": "ema"' in (run.path / "metrics.jsonl").read_text()
