"""What a run tells of settings that have no effect, or too small a one; and what it does not tell."""

import warnings
from types import SimpleNamespace

import pytest

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.errors import MtsmartWarning
from mtsmart.regularizers import Context
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.conftest import DEFINITIONS

UPDATES = 100


@pytest.fixture
def told(tiny_bench):
    """A method's section, and the section of the task ``kind`` -> the notices of a run with them."""

    def build(method, section, own=None, precision="float32"):
        parts = {} if own is None else {method: own}
        tasks = {
            "kind": build_task("kind", TaskDefinition(**DEFINITIONS["kind"], **parts)),
            "score": tiny_bench.tasks["score"],
        }
        kind = REGULARIZERS[method]
        config = SimpleNamespace(
            parts={method: kind.section()(**section)}, training=SimpleNamespace(precision=precision)
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            kind.build(config, Context(tiny_bench.model, tasks, UPDATES))
        return [str(each.message) for each in caught if issubclass(each.category, MtsmartWarning)]

    return build


@pytest.mark.parametrize(
    ("method", "section", "own"),
    [
        ("smart", {"weight": 0.0, "epsilon": 0.02}, {"weight": 1.0}),
        ("mbpp", {"weight": 0.0, "horizon": 0.1}, {"weight": 1.0}),
        ("smart", {"preset": "tuned", "noise": 0.1}, {"direction": "ascent"}),
        ("smart", {"preset": "paper", "noise": 1e-4}, {"preset": "tuned"}),
        ("mbpp", {"preset": "paper", "horizon": 0.1}, None),
        ("mbpp", {"beta": 0.5, "early": 0.0}, None),
    ],
)
def test_values_that_some_task_uses_are_not_told(method, section, own, told):
    assert told(method, section, own) == []


@pytest.mark.parametrize(
    ("method", "section", "own", "key", "reason"),
    [
        ("smart", {"weight": 0.0, "epsilon": 0.02}, {"preset": "tuned"}, "smart.epsilon=0.02", "smart is off"),
        ("mbpp", {"horizon": 0.1, "beta": 0.5}, None, "mbpp.beta=0.5", "mbpp.horizon=0.1 takes its place"),
        ("smart", {"noise": 0.1}, None, "smart.noise=0.1", "smart.direction=predicted takes its place"),
        ("smart", {"preset": "tuned"}, {"noise": 0.1}, "tasks.kind.smart.noise=0.1", "tasks.kind.smart.direction="),
        ("smart", {"steps": 0, "step_size": 0.5}, None, "smart.step_size=0.5", "smart.steps=0 takes its place"),
    ],
)
def test_values_without_an_effect_are_told_once(method, section, own, key, reason, told):
    (text,) = told(method, section, own)
    assert text.startswith(f"{key}: has no effect, because {reason}")


WITH_PRESETS = [name for name, method in REGULARIZERS.ordered().items() if method.presets]


@pytest.mark.parametrize("method", WITH_PRESETS)
def test_the_default_preset_is_told_to_be_off(method, told, cli):
    first = REGULARIZERS[method].presets[0].name
    (text,) = told(method, {"preset": "default"})
    off = "this preset is off, so the method does nothing"
    assert text == f"{method}=default: {off}; {method}={first} switches it on"
    shown = " ".join(cli("methods", method).out.split())
    assert f"default, off: the method is off; write '{method}: {first}' to switch it on" in shown


def test_the_default_preset_of_a_task_is_told_and_only_where_it_decides(told):
    (text,) = told("smart", {"preset": "tuned"}, {"preset": "default"})
    assert text.startswith("tasks.kind.smart=default: this preset is off, ")
    assert told("smart", {"preset": "default", "epsilon": 0.02}) == []
    assert told("smart", {"preset": "off"}) == []


@pytest.mark.parametrize(("horizon", "steps", "share"), [(0.005, 1, "0.5"), (0.1, 10, "10")])
def test_a_horizon_that_is_no_average_is_told(horizon, steps, share, told):
    (text,) = told("mbpp", {"horizon": horizon, "inner_steps": steps})
    assert text.startswith(f"mbpp.horizon={horizon}: is {share} of the run's 100 updates, and the teacher moves every")
    assert told("mbpp", {"horizon": 3 * horizon, "inner_steps": steps}) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"preset": "paper"}, "epsilon=1e-05"),
        ({"epsilon": 5e-4, "epsilon_unit": "token"}, "epsilon=0.0005"),
        ({"norm": "l2", "epsilon": 3e-3}, "epsilon=0.003"),
        ({"step_size": 4e-4, "steps": 2}, "step_size=0.0004"),
        ({"steps": 0, "noise": 5e-4}, "noise=0.0005"),
    ],
)
def test_perturbations_that_bfloat16_rounds_away_are_told(changes, key, told):
    (text,) = told("smart", changes, precision="bfloat16")
    assert text.startswith(f"smart.{key} (kind, score): moves embeddings by less than 0.001 of their RMS")
    assert told("smart", changes) == []


@pytest.mark.parametrize(
    "changes",
    [{}, {"epsilon": 2e-3}, {"norm": "l2", "epsilon": 0.05}, {"step_size": 1e-5, "constraint": "normalize"}],
)
def test_perturbations_that_bfloat16_keeps_are_not_told(changes, told):
    assert told("smart", {"preset": "tuned", **changes}, precision="bfloat16") == []


ONLY_SCORES = "has no effect, because the term is for regression alone"


@pytest.mark.parametrize(
    ("fitting", "own", "told_of"),
    [
        ((), {"preset": "paper"}, []),
        (("regression",), None, []),
        (("regression",), {"preset": "paper"}, [f"tasks.kind.smart: {ONLY_SCORES}"]),
        (("span",), None, ["smart: has no effect, because the term is for span alone"]),
    ],
)
def test_tasks_for_whose_type_there_is_no_term_are_told(fitting, own, told_of, told, monkeypatch):
    monkeypatch.setattr(REGULARIZERS["smart"], "task_types", fitting)
    assert told("smart", {"preset": "tuned"}, own) == told_of


def test_a_batch_of_another_type_has_no_term(tiny_bench, monkeypatch):
    method = at_work("smart", tiny_bench.model, tiny_bench.tasks, preset("smart"))
    clean = tiny_bench.clean("kind", tiny_bench.batch("kind"))
    assert method.loss(clean) is not None
    monkeypatch.setattr(type(method), "task_types", ("regression",))
    assert method.loss(clean) is None and not method.is_active("kind") and method.is_active("score")
