"""What every regulariser must hold, for every one that is registered: a new method is tested without an edit here."""

from collections import Counter

import pytest
import torch

import mtsmart
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.distill.term import TEACHER
from mtsmart.preparation.batch_parts import part_of
from mtsmart.regularizers import CleanPass
from mtsmart.regularizers.shared import perturbation
from mtsmart.task_types import TASK_TYPES
from mtsmart.training.step import TrainStep
from tests.regularizers import every_type
from tests.regularizers.at_work import at_work, first_settings
from tests.regularizers.every_type import PAIRS, objective
from tests.training.test_resume import SETTINGS, StopAt, assert_same_run

METHODS = REGULARIZERS.ordered()
# Padding on the right, padding on the left, and relative positions.
SOME_PAIRS = [pair for pair in PAIRS if pair[0] in ("BERT", "XLNet", "DeBERTa-v2")]
every_method = pytest.mark.parametrize("name", METHODS)
# The others leave a batch's loss as it is; what they do around an update is in weights/test_all_at_once.py.
WITH_TERM = [name for name, method in METHODS.items() if any(figure.is_term for figure in method.figures)]
every_term = pytest.mark.parametrize("name", WITH_TERM)
_ON_ALL = ("smart", "mbpp")  # the methods that the suite runs on every architecture and for every task type


def on_pairs(names, pairs=PAIRS):
    """Cases of methods on pairs of an architecture and a task type."""
    cases = [
        pytest.param(pair, name, id="-".join((*pair, name)), marks=[] if is_quick(pair, name) else pytest.mark.slow)
        for pair in pairs
        for name in names
        if METHODS[name].has_term_for(pair[1].partition("-")[0])
    ]
    return pytest.mark.parametrize(("pair", "name"), cases, indirect=["pair"])


def is_quick(pair, name):
    """Whether the suite runs it. The others run with the slow tests; of them, BERT has one task type for each head."""
    if name in _ON_ALL:
        return every_type.is_quick(pair)
    return pair[0] == "BERT" and pair[1] in every_type.OF_A_HEAD


def method_on(case, name, **changes):
    """A method on a case, with the settings of its first preset."""
    settings = first_settings(METHODS[name]).model_copy(update=changes)
    return at_work(name, case.model, case.tasks(), settings)


def terms_of(name):
    """The names of the figures that are parts of the loss."""
    return {figure.name for figure in METHODS[name].figures if figure.is_term}


def teach(case):
    """Give the batch a teacher that says what the student says; for methods that learn from one."""
    with torch.no_grad():
        case.batch.targets[TEACHER] = case.clean().logits.detach().clone()


def move(model, size):
    """Move the weights, as an optimizer does."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator).to(parameter) * size)


@on_pairs([name for name, method in METHODS.items() if method.still is not None])
def test_a_term_is_zero_where_nothing_differs(pair, name):
    """Without dropout, without a perturbation, at the first update, and with a teacher that agrees."""
    pair.model.eval()
    teach(pair)
    term = method_on(pair, name, **METHODS[name].still).loss(pair.clean())
    found = {figure: float(value) for figure, value in term.figures.items() if figure in terms_of(name)}
    assert found and all(abs(value) <= 1e-6 for value in found.values()), found


@on_pairs(WITH_TERM)
def test_a_training_step_has_finite_gradients_and_described_figures(pair, name):
    pair.model.eval()
    teach(pair)
    pair.model.train()
    step = TrainStep(pair.model, pair.tasks(), {name: method_on(pair, name)})
    move(pair.model, 0.02)
    loss, figures = step(pair.batch)
    loss.backward()
    described = {figure.name for figure in METHODS[name].figures}
    assert terms_of(name) <= figures.keys() <= {"loss", *described}
    assert all(not figure.requires_grad and figure.ndim == 0 for figure in figures.values())
    gradients = [parameter.grad for parameter in pair.model.parameters() if parameter.grad is not None]
    assert gradients and all(torch.isfinite(gradient).all() for gradient in gradients)
    assert any(gradient.abs().sum() > 0 for gradient in gradients)


@on_pairs(WITH_TERM, SOME_PAIRS)
def test_parts_of_a_batch_make_the_whole(pair, name):
    """The mean of the parts' terms and gradients is the whole batch's. How a batch is cut depends on the task type."""
    pair.model.eval()
    teach(pair)
    step = TrainStep(pair.model, pair.tasks(), {name: method_on(pair, name)})
    move(pair.model, 0.01)
    parts = [part_of(pair.batch, pair.task, rank, 2) for rank in range(2)]
    whole = objective(step, [pair.batch])
    together = objective(step, parts)
    for figure in {"objective", "loss", *terms_of(name)}:
        assert together[0][figure] == pytest.approx(whole[0][figure], rel=2e-3, abs=1e-6), figure
    assert float((whole[1] - together[1]).norm() / whole[1].norm()) < 2e-3


@every_term
def test_the_gradient_is_that_of_float64_differences(tiny_bench, monkeypatch, name):
    """Along a random direction. Perturbations and targets without a gradient are constants, so they are kept."""
    model = tiny_bench.model.double().eval()
    batch = tiny_bench.batch("kind")
    batch.targets[TEACHER] = tiny_bench.clean("kind", batch).logits.detach().clone()
    method = at_work(name, model, tiny_bench.tasks, first_settings(METHODS[name]))
    step = TrainStep(model, tiny_bench.tasks, {name: method})
    found = Kept(monkeypatch)
    move(model, 0.02)

    def objective():
        found.again()
        return step(batch)[0]

    parameters = list(model.encoder.parameters())
    generator = torch.Generator().manual_seed(1)
    direction = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in parameters]
    model.zero_grad()
    objective().backward()  # some methods differentiate inside the step, too
    pairs = zip(parameters, direction, strict=True)
    along = sum(float((p.grad * d).sum()) for p, d in pairs if p.grad is not None)
    step_size = 1e-4
    values = []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, each in zip(parameters, direction, strict=True):
                parameter.add_(sign * step_size * each)
        values.append(float(objective().detach()))
    # The divergences compute in float32, which limits what a difference quotient can resolve.
    assert (values[0] - values[1]) / (2 * step_size) == pytest.approx(along, rel=2e-2, abs=1e-4)


class Kept:
    """Constants of a gradient: what a method finds first, it finds again each time."""

    def __init__(self, monkeypatch):
        self.asked = Counter()
        for name in ("find_perturbation", "power_iteration", "ascend"):
            monkeypatch.setattr(perturbation, name, self._keeping(name, getattr(perturbation, name)))
        divergence = CleanPass.divergence
        same = self._keeping("target", lambda target: target)

        def of_kept(clean, logits, target, role):
            return divergence(clean, logits, target if target.requires_grad else same(target), role)

        monkeypatch.setattr(CleanPass, "divergence", of_kept)

    def again(self):
        self.asked.clear()

    def _keeping(self, name, find):
        found = []

        def find_once(*given):
            self.asked[name] += 1
            if self.asked[name] > len(found):
                found.append(find(*given))
            return found[self.asked[name] - 1]

        return find_once


@pytest.mark.parametrize(
    "name",
    [
        # Those without a term do so all at once in weights/test_all_at_once.py.
        pytest.param(name, marks=[] if name in WITH_TERM else pytest.mark.slow)
        for name, method in METHODS.items()
        if method.presets
    ],
)
def test_a_run_with_it_resumes_to_the_bit(workspace, name):
    """Methods without presets need files that only their own tests have; those test this too."""
    settings = [*SETTINGS, "smart=off", "mbpp=off", f"{name}={METHODS[name].presets[0].name}", "training.epochs=1"]
    settings = [item for item in settings if not item.startswith(("tasks.", "mbpp.", "smart."))]
    whole = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "whole").path
    stopped = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, settings, output_dir=stopped, callback=StopAt(5))
    mtsmart.train(workspace.experiment, settings, output_dir=stopped, resume=True)
    assert_same_run(whole, stopped, [name])


@every_method
def test_it_is_listed_explained_and_tells_what_was_on(cli, name):
    assert f"\n  {name} " in cli("methods").out
    shown = cli("methods", name).out
    method = METHODS[name]
    assert method.text.title in shown and all(key in shown for key in method.Settings.model_fields)
    assert set(method.task_types) <= set(TASK_TYPES)
    assert method.summary(first_settings(method))
