"""Faults in extensions of other packages: the message names the extension, its package and what it was doing."""

import re
import sys
import textwrap
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from mtsmart.losses import CRITERIA
from mtsmart.metrics import METRICS
from mtsmart.models.heads import HEADS
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transforms import TRANSFORMS
from mtsmart.regularizers import REGULARIZERS
from mtsmart.weighting import WEIGHTINGS

MODULE = """
import torch
from torch import nn

from mtsmart.models.transforms import Order, Transform
from mtsmart.regularizers import Figure, MethodSettings, MethodText, Regularizer, Term
from mtsmart.weighting import Weighting, WeightingSettings


class S(MethodSettings):
    weight: float = 1.0


class Bad(Regularizer[S]):
    Settings = S
    text = MethodText(title="Bad", formula="f", paper="none", cost="none", use="tests", evidence="none")
    figures = (Figure("Q", "its term", "none", "Q is its term", is_term=True),)

    def term(self, clean, settings):
        value = clean.logits.square().mean()
        return Term(value, {"Q": value.detach()})


def fail():
    raise KeyError("labels")


class Combines(Weighting[WeightingSettings]):
    Settings = WeightingSettings

    def combine(self, losses):
        for one in losses:
            losses.backward(one.objective / len(losses))

    def factor(self, task, batches):
        return 1 / batches


class Freezes(Transform[bool]):
    settings_type = bool
    order = Order.FREEZE

    def apply(self, encoder):
        fail()


class Head(nn.Module):
    def __init__(self, encoder, spec):
        super().__init__()
        self.output = nn.Linear(encoder.hidden_size, spec.num_labels)

    def forward(self, outputs, inputs):
        fail()


def loss(logits, labels):
    fail()


def metric(predictions, references):
    fail()
"""
PACKAGE = "mtsmart-bad 0.1"
ON = ["smart=off", "mbpp=off", "training.max_updates=2", "training.log_every=1"]


@pytest.fixture
def bad(tmp_path, monkeypatch):
    """The module of an installed package that adds entries of every kind; code that is added to it -> the module."""
    site = tmp_path / "site"
    facts = site / "mtsmart_bad-0.1.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mtsmart-bad\nVersion: 0.1\n")
    (facts / "entry_points.txt").write_text("[mtsmart.regularizers]\nbad = mtsmart_bad.methods\n")
    (site / "mtsmart_bad").mkdir()
    (site / "mtsmart_bad" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def load(code=""):
        import importlib

        (site / "mtsmart_bad" / "methods.py").write_text(MODULE + textwrap.dedent(code))
        return importlib.import_module("mtsmart_bad.methods")

    yield load
    for name in ("mtsmart_bad", "mtsmart_bad.methods"):
        sys.modules.pop(name, None)


@pytest.fixture
def train(cli, workspace):
    """Settings -> the exit code and the last line of standard error of a run of the workspace's experiment."""
    numbers = count()

    def run(*settings):
        folder = workspace.folder / f"run-{next(numbers)}"
        done = cli("train", workspace.experiment, *ON, *settings, "--output-dir", folder)
        return done.code, done.err.strip().splitlines()[-1]

    return run


def told(where, reason="KeyError: 'labels'", report="Please report it to that package"):
    """The form of the one line about an error that nobody has foreseen."""
    return (
        rf"mtsmart: an unexpected error in {re.escape(where)}: {re.escape(reason)}\. The details are in \S+\. {report}"
    )


FAILING = {
    "term": ("def term(self, clean, settings): fail()", "term, task (color|near)"),
    "term that asks for a helper of mtsmart": (
        "def term(self, clean, settings): return Term(clean.divergence(None, clean.logits, None), {})",
        "term, task (color|near)",
    ),
    "state_dict": ("def state_dict(self): fail()", "state_dict"),
    "differentiating": ("def differentiating(self, model): fail()", "differentiating"),
    "measure": ("def measure(self, model): fail()", "measure"),
    "needs": ("def needs(self, task): fail()", "needs, task (color|near)"),
    "before_step": ("def before_step(self, model, again): fail()", "before_step"),
    "after_step": ("def after_step(self, model): fail()", "after_step"),
    "build": ("@classmethod\n    def build(cls, config, context): fail()", "build"),
    "helper": ("def measure(self, model): self.help()\n\n    def help(self): [fail() for _ in 'x']", "measure"),
}


@pytest.mark.parametrize("case", FAILING)
def test_an_error_in_a_hook_names_the_method_its_package_and_the_task(bad, train, case):
    code, place = FAILING[case]
    module = bad(f"\nclass Raises(Bad):\n    {code}\n")
    with REGULARIZERS.lending({"b_raises": module.Raises}):
        exit_code, line = train("b_raises={}")
    assert exit_code == 1
    start = re.escape(f"mtsmart: an unexpected error in the regulariser 'b_raises' of the package {PACKAGE} (")
    assert re.fullmatch(rf"{start}{place}\): .+\. The details are in \S+\. Please report it to that package", line), (
        line
    )
    assert "in fail" in details(line) or case.endswith("of mtsmart")


def details(line):
    return Path(re.search(r"details are in (\S+)\. ", line)[1]).read_text()


def test_state_that_an_older_package_wrote_is_told_with_the_method(bad, cli, workspace, train):
    module = bad("\nclass Loads(Bad):\n    def load_state(self, state, tensors): state['other']\n")
    with REGULARIZERS.lending({"b_loads": module.Loads}):
        assert train("b_loads={}")[0] == 0
        longer = [
            "training.max_updates=3",
            "--resume",
            "--allow-changes",
            "training",
            "--output-dir",
            workspace.folder / "run-0",
        ]
        done = cli("train", workspace.experiment, *ON, "b_loads={}", *longer)
    assert done.code == 2
    assert f"cannot be resumed from: the regulariser 'b_loads' of the package {PACKAGE} (load_state): 'oth" in done.err


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "def state_dict(self): return {'mean': torch.zeros(2)}",
            "(state_dict): 'mean' holds what JSON cannot, in a Tensor. Tensors belong into what the method 'tensors' ",
        ),
        ("def tensors(self): return {'mean': 1.0}", "(tensors): 'mean' is no tensor but a float. Numbers and texts"),
        ("def measure(self, model): return {'m': torch.ones(1)}", "(measure): 'm' is of the type Tensor, which is no"),
    ],
)
def test_state_and_figures_of_another_type_are_named(bad, train, code, message):
    module = bad(f"\nclass Odd(Bad):\n    {code}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}")
    assert exit_code == 2
    assert line.startswith(f"mtsmart: the regulariser 'b_odd' of the package {PACKAGE} {message}"), line


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "Term(clean.logits.mean(-1), {})",
            r"the value of its term is of the type Tensor and of shape \(8,\)\. It must be the mean over the batch, a "
            r"tensor of shape \(\)",
        ),
        ("Term(0.5, {})", r"the value of its term is of the type float\. It must be the mean over .+"),
        (
            "clean.logits.mean()",
            r"its term is of the type Tensor and of shape \(\)\. It must be mtsmart.regularizers.Term\(value, .+",
        ),
        ("Term(clean.logits.mean(), {'Q': 0.5})", r"its figure 'Q' is of the type float\. It must be .+"),
        (
            "Term(clean.logits.mean(), {'Q': clean.logits[0]})",
            r"its figure 'Q' is of the type Tensor and of shape \(\d,\)\. It must be .+",
        ),
    ],
)
def test_a_term_that_is_no_scalar_is_told_with_its_shape(bad, train, given, message):
    module = bad(f"\nclass Odd(Bad):\n    def term(self, clean, settings): return {given}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}")
    assert exit_code == 2
    start = re.escape(f"mtsmart: the regulariser 'b_odd' of the package {PACKAGE} (task ")
    assert re.fullmatch(rf"{start}(color|near)\): {message}", line), line


def test_an_error_in_a_weighting(bad, train):
    module = bad("\nclass Raises(Combines):\n    def measure(self): fail()\n")
    with WEIGHTINGS.lending({"b_weighs": module.Raises}):
        _, line = train("weighting=b_weighs")
    assert re.fullmatch(told(f"the weighting 'b_weighs' of the package {PACKAGE} (measure)"), line), line


def test_a_weighting_that_waits_for_the_model_is_not_to_blame(bad, train, monkeypatch):
    """Its ``combine`` asks for the losses, and so is there when something else fails."""

    embed = MultiTaskModel.embed

    def fail(model, input_ids):
        if model.training:
            raise KeyError("labels")
        return embed(model, input_ids)

    monkeypatch.setattr(MultiTaskModel, "embed", fail)
    module = bad()
    with WEIGHTINGS.lending({"b_combines": module.Combines}):
        _, line = train("weighting=b_combines")
    form = r"mtsmart: an unexpected error \(task \w+\): KeyError: 'labels'\. The details .+ Please report it with them"
    assert re.fullmatch(form, line), line


def test_a_transform_a_loss_a_metric_and_a_head(bad, train, workspace):
    module = bad()
    with TRANSFORMS.lending({"b_freezes": module.Freezes}):
        _, line = train("encoder.b_freezes=true")
    assert re.fullmatch(told(f"the transform of the encoder 'b_freezes' of the package {PACKAGE} (apply)"), line), line
    cases = [
        (CRITERIA, module.loss, "loss: b_entry", "the loss", "task color"),
        (METRICS, module.metric, "metrics: [b_entry]", "the metric", "task color"),
        (HEADS, module.Head, "head: {type: b_entry}", "the head type", "forward, task color"),
    ]
    text = workspace.tasks.read_text().replace("  metrics: [accuracy, f1]\n", "")
    for registry, entry, setting, kind, place in cases:
        workspace.tasks.write_text(text.replace("[other, red]", f"[other, red]\n  {setting}", 1))
        with lending_for(registry, entry):
            _, line = train("tasks=[color]")
        assert re.fullmatch(told(f"{kind} 'b_entry' of the package {PACKAGE} ({place})"), line), line


@contextmanager
def lending_for(registry, entry):
    """Inside it the registry has the entry, which fits classification."""
    with registry.lending({"b_entry": entry}):
        registry.register("b_entry", fits=["classification"])(entry)
        yield


def test_an_error_in_our_own_method_names_it_and_asks_for_a_report(train, monkeypatch):
    def noisy(*given, **named):
        raise KeyError("labels")

    monkeypatch.setattr("mtsmart.regularizers.shared.noise.Noise", noisy)
    _, line = train("r3f=paper", "tasks=[color]")
    form = told("the regulariser 'r3f' (term, task color)", report="Please report it with them")
    assert re.fullmatch(form, line), line


def test_a_method_of_no_package_is_named_without_one(train):
    from tests.regularizers.test_hooks import Toy

    class Local(Toy):
        def term(self, clean, settings):
            raise KeyError("labels")

    with REGULARIZERS.lending({"local": Local}):
        _, line = train("local=on")
    form = (
        r"mtsmart: an unexpected error in the regulariser 'local' \(term, task \w+\): KeyError: 'labels'\. The details"
    )
    assert re.fullmatch(form + r" are in \S+", line), line


def warned(registry_name, method, cli, workspace, *settings):
    """The warnings about one method in a run with it."""
    with REGULARIZERS.lending({registry_name: method}):
        done = cli(
            "train",
            workspace.experiment,
            *ON,
            f"{registry_name}={{}}",
            *settings,
            "--output-dir",
            workspace.folder / "run",
        )
    assert done.code == 0, done.err
    return [line for line in done.err.splitlines() if f"warning: the regulariser '{registry_name}'" in line]


def test_a_figure_that_is_not_described_and_one_that_never_comes_are_told_once_each(bad, cli, workspace):
    module = bad(
        """
        class Reports(Bad):
            def term(self, clean, settings):
                return Term(clean.logits.square().mean(), {name: clean.loss.detach() for name in "ZY"})
        """
    )
    start = f"mtsmart: warning: the regulariser 'b_reports' of the package {PACKAGE} "
    assert warned("b_reports", module.Reports, cli, workspace) == [
        f"{start}reports 'Z' and 'Y', which none of its figures describes: add a Figure of this name to the class's "
        "'figures'",
        f"{start}never reported 'Q', which its figures describe with is_term: 'term' must give it in "
        "Term(value, figures)",
    ]


def test_a_method_that_reports_what_it_describes_warns_of_nothing(bad, cli, workspace):
    module = bad()
    assert warned("b_good", module.Bad, cli, workspace) == []


def test_a_figure_of_a_term_that_is_not_due_yet_is_not_missed(bad, cli, workspace):
    module = bad("\nclass Rare(Bad):\n    def is_active(self, task): return False\n")
    assert warned("b_rare", module.Rare, cli, workspace) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("class T(MethodSettings):\n    rate: float = 1.0", "T lacks the field 'weight'; add 'weight: float = .+"),
        (
            "class T(MethodSettings):\n    switch = 'rate'\n    weight: float = 1.0",
            "T lacks the field 'rate', which its 'switch' names; add the field",
        ),
        (
            "class T:\n    weight = 1.0",
            "its Settings are no MethodSettings; extend mtsmart.regularizers.MethodSettings",
        ),
    ],
)
def test_settings_that_nothing_switches_off_are_refused_at_registration(bad, settings, message):
    module = bad(f"\n{settings}\n\nclass Other(Bad):\n    Settings = T\n")
    with pytest.raises(ValueError, match=message):
        REGULARIZERS.register("b_other")(module.Other)
    assert "b_other" not in REGULARIZERS


def test_a_method_without_a_term_needs_no_weight_where_another_setting_switches_it(bad):
    module = bad(
        "\nclass T(MethodSettings):\n    switch = 'rate'\n    rate: float = 1.0\n\nclass O(Bad):\n    Settings = T\n"
    )
    with REGULARIZERS.lending({"b_other": module.O}):
        assert REGULARIZERS["b_other"] is module.O
