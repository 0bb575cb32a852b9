"""Regularisers of other packages that train nothing, or at other updates than their settings say: it is told."""

import pytest

from mtsmart.regularizers import REGULARIZERS
from tests.plugins.test_faults_in_packages import ON, PACKAGE, bad, train, warned  # noqa: F401 (fixtures)

START = f"mtsmart: warning: the regulariser 'b_odd' of the package {PACKAGE}"
CONSTANT = f"{START}: its term depends on no weights, so it trains nothing: compute it without torch.no_grad() and "
TERMS = [
    ("clean.logits.square().mean().detach()", [CONSTANT + "detach(), which cut it off"]),
    ("torch.tensor(3.0)", [CONSTANT + "detach(), which cut it off"]),
    ("torch.zeros(())", []),
]


@pytest.mark.parametrize(("value", "told"), TERMS)
def test_a_constant_term_is_told_once(bad, cli, workspace, value, told):  # noqa: F811
    code = f"value = {value}; return Term(value, {{'Q': value.detach()}})"
    module = bad(f"\nclass Odd(Bad):\n    def term(self, clean, settings): {code}\n")
    assert warned("b_odd", module.Odd, cli, workspace) == told


def test_a_method_that_never_gives_its_term_is_told(bad, cli, workspace):  # noqa: F811
    module = bad("\nclass Odd(Bad):\n    def term(self, clean, settings): return None\n")
    missing = "never reported 'Q', which its figures describe with is_term: 'term' must give it in Term(value, figures)"
    assert warned("b_odd", module.Odd, cli, workspace) == [f"{START} {missing}"]


def test_an_update_that_a_method_does_not_count_is_refused(bad, train):  # noqa: F811
    """Its term would never be due, or in the wrong updates."""
    module = bad("\nclass Odd(Bad):\n    def after_update(self, model): pass\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        exit_code, line = train("b_odd={}")
    assert exit_code == 2
    assert line == (
        f"mtsmart: the regulariser 'b_odd' of the package {PACKAGE} (after_update): its 'updates' is 0, and 1 are "
        "done. after_update must call super().after_update(...), which counts them"
    )


def test_a_method_that_forgets_the_count_of_a_resumed_run_is_refused(bad, cli, workspace, train):  # noqa: F811
    module = bad("\nclass Odd(Bad):\n    def load_state(self, state, tensors): pass\n")
    with REGULARIZERS.lending({"b_odd": module.Odd}):
        assert train("b_odd={}")[0] == 0
        longer = ["training.max_updates=3", "--resume", "--allow-changes", "training"]
        run = workspace.folder / "run-0"
        done = cli("train", workspace.experiment, *ON, "b_odd={}", *longer, "--output-dir", run)
    assert done.code == 2
    assert "(load_state): its 'updates' is 0, and 2 are done. load_state must call super().load_state(" in done.err
