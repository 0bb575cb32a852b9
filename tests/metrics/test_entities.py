"""Entity scores: closed forms, CoNLL's rules, and equality with nervaluate's strict scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nervaluate.evaluator import Evaluator

from mtsmart.metrics import METRICS
from mtsmart.metrics.entities import entities, marks_entities

TYPES = ["PER", "ORG", "creative-work"]
TAGS = ["O", *(f"{prefix}-{kind}" for kind in TYPES for prefix in "BI")]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ("O B-PER I-PER O", [("PER", 1, 2)]),
        ("B-PER B-PER", [("PER", 0, 0), ("PER", 1, 1)]),
        ("B-PER I-ORG", [("PER", 0, 0), ("ORG", 1, 1)]),
        ("I-PER I-PER B-PER", [("PER", 0, 1), ("PER", 2, 2)]),
        ("O I-creative-work I-creative-work", [("creative-work", 1, 2)]),
        ("I-PER O I-PER", [("PER", 0, 0), ("PER", 2, 2)]),
        ("O O", []),
        ("B-PER I-PER E-PER S-PER", [("PER", 0, 2), ("PER", 3, 3)]),
        ("B-PER L-PER U-ORG U-ORG", [("PER", 0, 1), ("ORG", 2, 2), ("ORG", 3, 3)]),
        ("B-LOC M-LOC E-LOC W-LOC", [("LOC", 0, 2), ("LOC", 3, 3)]),
        ("E-PER E-PER I-PER", [("PER", 0, 0), ("PER", 1, 1), ("PER", 2, 2)]),
        ("S-PER I-PER O B-PER I-PER", [("PER", 0, 0), ("PER", 1, 1), ("PER", 3, 4)]),
        ("B-PER E-ORG", [("PER", 0, 0), ("ORG", 1, 1)]),
        ("B I O I B", [("", 0, 1), ("", 3, 3), ("", 4, 4)]),
        ("U O B I L", [("", 0, 0), ("", 2, 4)]),
        ("", []),
    ],
)
def test_where_entities_begin_and_end(tags, found):
    assert entities(tags.split()) == found


def test_closed_forms():
    gold = [["B-PER", "I-PER", "O", "B-ORG"], ["O", "B-PER"]]
    ours = [["B-PER", "I-PER", "O", "B-PER"], ["O", "O"]]  # one right, one wrong type, one missed
    assert METRICS["entity_precision"](ours, gold) == 1 / 2
    assert METRICS["entity_recall"](ours, gold) == 1 / 3
    assert METRICS["entity_f1"](ours, gold) == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))
    assert METRICS["tag_accuracy"](ours, gold) == 4 / 6
    # O: 2 of 3 predicted right, 2 of 2 found; B-PER: 1 of 2, 1 of 2; I-PER: all; B-ORG: never predicted.
    assert METRICS["tag_macro_f1"](ours, gold) == pytest.approx((4 / 5 + 1 / 2 + 1 + 0) / 4)


def test_a_span_that_is_off_by_one_word_is_wrong():
    assert METRICS["entity_f1"]([["B-PER", "O"]], [["B-PER", "I-PER"]]) == 0.0


@pytest.mark.parametrize("name", ["entity_f1", "entity_precision", "entity_recall", "tag_accuracy", "tag_macro_f1"])
def test_nothing_to_score_is_zero_and_everything_right_is_one(name):
    assert METRICS[name]([], []) == METRICS[name]([[]], [[]]) == 0.0
    rows = [["B-PER", "I-PER", "O"], ["B-ORG"]]
    assert METRICS[name](rows, rows) == 1.0


def test_rows_of_different_length_are_refused():
    with pytest.raises(ValueError):
        METRICS["tag_accuracy"]([["O"]], [["O", "O"]])


def nervaluate_strict(ours, gold):
    strict = Evaluator(gold, ours, tags=TYPES, loader="list").evaluate()["overall"]["strict"]
    return [strict.f1, strict.precision, strict.recall]


def scores(ours, gold):
    return [METRICS[name](ours, gold) for name in ("entity_f1", "entity_precision", "entity_recall")]


@st.composite
def tag_sequences(draw):
    """Any tags, well-formed or not; predictions are gold tags of which some were changed, so that some are right."""
    gold = draw(st.lists(st.lists(st.sampled_from(TAGS), min_size=1, max_size=12), min_size=1, max_size=6))
    changed = st.one_of(st.none(), st.none(), st.sampled_from(TAGS))
    return [[draw(changed) or tag for tag in row] for row in gold], gold


@given(tag_sequences())
def test_equals_nervaluate_on_any_tags(pair):
    assert scores(*pair) == pytest.approx(nervaluate_strict(*pair), abs=1e-12)


def test_equals_nervaluate_on_realistic_tags():
    gold = [
        "B-PER I-PER O O B-ORG I-ORG I-ORG O".split(),
        "O O B-creative-work I-creative-work O".split(),
        "B-ORG O O B-PER".split(),
        "O O O".split(),
    ]
    ours = [
        "B-PER I-PER O O B-ORG I-ORG O O".split(),  # cut short
        "O O I-creative-work I-creative-work O".split(),  # I- without B-: right
        "B-PER O O B-PER".split(),  # another type
        "O B-ORG O".split(),  # from nowhere
    ]
    assert scores(ours, gold) == pytest.approx(nervaluate_strict(ours, gold), abs=1e-12)
    assert scores(ours, gold) == pytest.approx([2 * 3 / 11, 3 / 6, 3 / 5])


@pytest.mark.parametrize(
    ("tags", "answer"),
    [
        (TAGS, True),
        (["O", "I-PER"], True),
        (["O", "S-PER", "B-PER", "E-PER"], True),
        (["U-gene", "B-gene", "I-gene", "L-gene", "O"], True),
        (["B", "I", "O"], True),
        (["O", "B", "I", "L", "U"], True),
        (["O"], False),
        (["NOUN", "VERB"], False),
        (["B", "I"], False),
        (["S", "E", "O"], False),
        (["O", "B", "I-PER"], False),
        (["O", "B-PER", "X-PER"], False),
        (["O", "B-PER", ""], False),
    ],
)
def test_which_tags_mark_entities(tags, answer):
    assert marks_entities(tags) is answer


def test_one_text_in_three_schemes_has_one_score():
    schemes = {
        "BIO": ("B-PER I-PER I-PER O B-ORG B-ORG", "B-PER I-PER O O B-ORG B-PER"),
        "BIOES": ("B-PER I-PER E-PER O S-ORG S-ORG", "B-PER E-PER O O S-ORG S-PER"),
        "BILOU": ("B-PER I-PER L-PER O U-ORG U-ORG", "B-PER L-PER O O U-ORG U-PER"),
    }
    for gold, ours in schemes.values():
        assert scores([ours.split()], [gold.split()]) == pytest.approx([1 / 3, 1 / 3, 1 / 3])
