"""Regularisers of other packages that train nothing, or at other updates than their settings say: it is told."""

import pytest

from tests.plugins.test_faults_in_packages import PACKAGE, bad, warned  # noqa: F401 (a fixture)

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
