"""The page of all methods: what it calls better, worse and a hint, and that the methods' cards agree with it."""

from pathlib import Path

from benchmarks.methods import hints, verdicts
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.metrics.statistics import paired_difference, summarize
from mtsmart.sweeps.tables import Comparison, Row

PAGE = Path(__file__).resolve().parents[2] / "experiments" / "methods" / "README.md"
PLAIN = [0.5, 0.6, 0.55, 0.58, 0.52]
NOISE = [0.0, 0.0002, -0.0001, 0.0001, -0.0002]


def row(arm, gain, noise=1.0):
    """An arm whose five scores are ``gain`` above the plain ones, but for some noise."""
    scores = [score + gain + noise * each for score, each in zip(PLAIN, NOISE, strict=True)]
    difference = None if arm == "plain" else paired_difference(scores, PLAIN)
    return Row(arm, {(seed, None): score for seed, score in enumerate(scores)}, summarize(scores), difference, True)


def test_what_the_correction_does_not_let_count_is_a_hint():
    arms = [row("plain", 0), row("up", 0.02), row("down", -0.02), row("maybe", 0.01, 40), row("nothing", 0.0001, 9)]
    others = [row(f"other {number}", 0.001, 50) for number in range(40)]  # the more arms, the less counts
    found = [Comparison("rte", "rte", "accuracy", "plain", arms + others, "277")]
    better, worse = verdicts(found)
    assert better == {("up", "rte")}
    assert worse == {("down", "rte")}
    assert hints(found, better, 1) == {("maybe", "rte")}
    assert hints(found, worse, -1) == set()


def test_the_cards_say_what_the_page_says():
    """The cards of methods that the page compares claim no significant gain."""
    text = PAGE.read_text(encoding="utf-8")
    says_none = "**Better than plain**: none." in text
    claims = [name for name, method in REGULARIZERS.ordered().items() if "experiments/methods" in method.text.evidence]
    assert claims
    for name in claims:
        assert says_none and "no significant gain" in REGULARIZERS[name].text.evidence
