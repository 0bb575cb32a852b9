"""Figures of other packages' methods that have the name of another figure are refused."""

import pytest

from mtsmart.regularizers import REGULARIZERS
from mtsmart.weighting import WEIGHTINGS
from tests.plugins.test_faults_in_packages import PACKAGE, bad, train  # noqa: F401 (fixtures)

METHOD = f"mtsmart: the regulariser 'b_odd' of the package {PACKAGE}"


@pytest.mark.parametrize("name", ["update", "type", "learning_rate", "gradient_norm", "tasks", "skipped"])
def test_a_figure_of_the_state_takes_no_key_of_the_line(bad, train, name):  # noqa: F811
    module = bad(f"\nclass Odd(Bad):\n    def measure(self, model): return {{'{name}': 1.0}}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}")
    assert exit_code == 2
    assert line.startswith(f"{METHOD} (measure): each line of metrics.jsonl has '{name}' already. Give it another"), (
        line
    )


def test_a_figure_of_the_state_takes_no_figure_of_another_method(bad, train):  # noqa: F811
    module = bad(
        """
        class Odd(Bad):
            def measure(self, model): return {"m": 1.0}

        class Weighs(Combines):
            def measure(self): return {"m": 2.0}
        """
    )
    with REGULARIZERS.lending({"b_odd": module.Odd}), WEIGHTINGS.lending({"b_weighs": module.Weighs}):
        exit_code, line = train("b_odd={}", "weighting=b_weighs")
    assert exit_code == 2
    assert line.startswith(f"mtsmart: the weighting 'b_weighs' of the package {PACKAGE} (measure): each line of "), line


def test_a_truth_value_is_no_figure(bad, train):  # noqa: F811
    module = bad("\nclass Odd(Bad):\n    def measure(self, model): return {'m': True}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        assert train("b_odd={}") == (
            2,
            f"{METHOD} (measure): 'm' is of the type bool, which is no number. Give float(value)",
        )


@pytest.mark.parametrize(("name", "others"), [("loss", []), ("r_drop", ["r_drop=paper"])])
def test_a_figure_of_a_term_takes_no_other_figures_name(bad, train, name, others):  # noqa: F811
    code = f"value = clean.logits.square().mean(); return Term(value, {{'{name}': value.detach()}})"
    module = bad(f"\nclass Odd(Bad):\n    def term(self, clean, settings): {code}\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}", *others)
    assert exit_code == 2
    assert line.startswith(f"{METHOD}: its figure '{name}' has the name of another figure of the task. Give it"), line
