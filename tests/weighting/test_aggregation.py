"""pcgrad, upgrad, cagrad, aligned_mtl and imtl_g: what each promises, on gradients written by hand and in runs."""

import math
import sys

import pytest
import torch

import mtsmart
from mtsmart.errors import ConfigError
from mtsmart.hardware import free_memory
from mtsmart.weighting import WEIGHTINGS, GradientWeighting
from tests.training.test_resume import StopAt, assert_same_run
from tests.weighting.fixed import Fixed, context

for _library in ("torchjd", "quadprog", "cvxpy"):
    pytest.importorskip(_library, reason="the extra torchjd is not installed")

NAMES = ["pcgrad", "upgrad", "cagrad", "aligned_mtl", "imtl_g"]
CONFLICT = torch.tensor([[1.0, 0.0], [-1.0, 1.0]])


def weighting(name, tasks=("a", "b"), **settings):
    method = WEIGHTINGS[name]
    return method(context(tasks), method.Settings(**settings))


def merged(name, gradients, **settings):
    tasks = [f"task {number}" for number in range(len(gradients))]
    return weighting(name, tasks, **settings).merge(gradients, tasks)


def test_pcgrad_of_two_tasks_is_as_computed_by_hand():
    """g1 = (1, 0), g2 = (-1, 1): g1' = (1/2, 1/2), g2' = (0, 1); the mean is (1/4, 3/4)."""
    losses = Fixed({"a": lambda p: p[0], "b": lambda p: p[1] - p[0]})
    method = weighting("pcgrad")
    method.combine(losses)
    torch.testing.assert_close(losses.point.grad, torch.tensor([0.25, 0.75]))
    assert method.measure() == pytest.approx({"weight/a": 1.0, "weight/b": 0.75})


def test_pcgrad_of_gradients_that_agree_is_their_mean():
    gradients = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0]])
    torch.testing.assert_close(merged("pcgrad", gradients), gradients.mean(0))


def test_pcgrad_draws_its_orders_from_numbers_of_its_own():
    """Three tasks in conflict, so that the order matters. It is the same in each process."""
    gradients = torch.tensor([[1.0, 0.2, 0.0], [-1.0, 0.5, 0.3], [0.1, -2.0, -1.0]])
    first, second = (weighting("pcgrad", ("a", "b", "c")) for _ in range(2))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    results = [first.merge(gradients, ["a", "b", "c"]) for _ in range(6)]
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(2)
    assert all(second.merge(gradients, ["a", "b", "c"]).equal(result) for result in results)
    assert any(not result.equal(results[0]) for result in results)


def test_upgrad_takes_no_step_against_a_task():
    gradients = torch.tensor([[1.0, 0.1, 0.0], [-3.0, 1.0, 0.5], [0.2, -1.0, 1.0]])
    assert bool((gradients @ gradients.mean(0) < 0).any())
    assert bool((gradients @ merged("upgrad", gradients) >= -1e-3).all())


def test_upgrad_of_two_tasks_is_the_mean_of_the_projections():
    torch.testing.assert_close(merged("upgrad", CONFLICT), torch.tensor([0.25, 0.75]), atol=1e-3, rtol=0)


def test_cagrad_is_the_best_direction_in_the_ball():
    """Searched for on a circle of angles, in float64."""
    gradients = torch.tensor([[1.0, 0.0], [-0.6, 0.3]])
    mean = gradients.double().mean(0)
    angles = torch.linspace(0, 2 * math.pi, 20_001, dtype=torch.float64)
    around = mean + 0.5 * mean.norm() * torch.stack([angles.cos(), angles.sin()], 1)
    best = around[(around @ gradients.double().T).min(1).values.argmax()]
    torch.testing.assert_close(merged("cagrad", gradients, c=0.5).double(), best, atol=2e-3, rtol=0)


def test_cagrad_with_radius_0_is_the_mean():
    torch.testing.assert_close(merged("cagrad", CONFLICT, c=0), CONFLICT.mean(0), atol=1e-4, rtol=0)


def test_aligned_mtl_turns_the_gradients_into_orthogonal_ones_of_the_smallest_singular_length():
    left, values, right = torch.linalg.svd(CONFLICT.double(), full_matrices=False)
    expected = (values.min() * left @ right).mean(0)
    torch.testing.assert_close(merged("aligned_mtl", CONFLICT).double(), expected, atol=1e-5, rtol=0)


def test_imtl_g_has_the_same_projection_onto_every_gradient():
    gradients = torch.tensor([[1.0, 0.0, 2.0], [0.0, 5.0, 1.0], [0.3, 0.1, -0.2]])
    projections = (gradients / gradients.norm(dim=1, keepdim=True)) @ merged("imtl_g", gradients)
    torch.testing.assert_close(projections, projections[:1].expand(3), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_that_are_not_finite_stay_so_for_the_guard(name):
    assert not bool(merged(name, torch.tensor([[math.nan, 1.0], [1.0, 1.0]])).isfinite().all())


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_of_zeros_leaves_the_result_finite(name):
    assert bool(merged(name, torch.tensor([[0.0, 0.0], [1.0, 1.0]])).isfinite().all())


SETTINGS = ["mixing.strategy=rounds", "training.epochs=1", "training.log_every=1", "training.keep_checkpoints=99"]


@pytest.mark.parametrize("name", ["pcgrad", *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])])
def test_a_run_resumes_to_the_bit(workspace, name):
    settings = [*SETTINGS, f"weighting={name}", "smart=off", "mbpp=off"]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    assert '"weight/color"' in (whole / "metrics.jsonl").read_text()
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=StopAt(2))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert_same_run(whole, stopped, ["weighting"] if name == "pcgrad" else [])


def test_the_memory_is_told_before_training(workspace, cli):
    done = cli("train", workspace.experiment, *SETTINGS, "weighting=pcgrad", "training.max_updates=1", "-o", "run")
    assert done.code == 0
    assert "weighting: the gradients of 2 batches take " in done.out + done.err


def test_memory_that_is_not_free_is_told_as_such(monkeypatch):
    monkeypatch.setattr("mtsmart.weighting.shared.gradients.free_memory", lambda device: 1000)
    one = torch.nn.Parameter(torch.zeros(300))
    assert issubclass(WEIGHTINGS["pcgrad"], GradientWeighting)
    (text,) = weighting("pcgrad").notices([one], batches=2)
    assert text.startswith("weighting: the gradients of 2 batches take 0.0 MB (2 x 300 float32), more than the 0.0 MB")


def test_the_free_memory_of_the_processor_is_known_on_linux():
    free = free_memory(torch.device("cpu"))
    assert (free is not None and free > 1e6) == sys.platform.startswith("linux")
    assert free_memory(torch.device("meta")) is None


def test_without_torchjd_one_line_says_how_to_install_it(workspace, cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchjd", None)
    with pytest.raises(ConfigError, match=r"needs torchjd, .*pip install 'mtsmart\[torchjd\]'"):
        WEIGHTINGS["pcgrad"].check_installed()
    done = cli("train", workspace.experiment, *SETTINGS, "weighting=pcgrad", "-o", "run")
    assert done.code == 2 and "Traceback" not in done.err
    assert "needs torchjd, which is not installed" in done.err
