"""YAML with places: scalars, origins, bounds, merging."""

import math
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.config.document import Document, parse_value, parse_yaml
from mtsmart.config.loader import parse_override
from mtsmart.config.reading import yaml_types
from mtsmart.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-5", 5e-5),
        ("1e5", 1e5),
        (".5", 0.5),
        ("010", 10),
        ("no", "no"),
        ("off", "off"),
        ("true", True),
        ("null", None),
        ("", None),
        ("[rte, mrpc]", ["rte", "mrpc"]),
        ("{a: 1}", {"a": 1}),
        ("2026-11-22", "2026-11-22"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
    ],
)
def test_scalars_follow_yaml_1_2(text, value):
    assert parse_value(text) == value


def test_every_key_knows_its_line():
    document = parse_yaml("a: 1\nb:\n  c: 2\n  d:\n    - 3\n    - e: 4\n", "f.yaml")
    assert document.data == {"a": 1, "b": {"c": 2, "d": [3, {"e": 4}]}}
    lines = {key: origin.line for key, origin in document.origins.items()}
    assert (lines["a",], lines["b", "c"], lines["b", "d", 1, "e"]) == (1, 3, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", r"f.yaml:3: a: is given twice \(first on line 1\)"),
        ("a: [1\n", "f.yaml:2: is not valid YAML"),
        ("- 1\n", "f.yaml:1: must be a mapping"),
        ("", "f.yaml: is empty"),
        ("a: !!python/object/apply:os.system [ls]\n", "f.yaml:1: (tags are not allowed|a value of type)"),
        ("a: !secret x\n", "f.yaml:1: tags are not allowed"),
        ("a: !!binary aGk=\n", "f.yaml:1: a value of type 'binary' is not allowed"),
        ("? [1, 2]\n: 3\n", "f.yaml:1: a key must be plain text"),
        ("a: *b\n", "f.yaml:1: is not valid YAML: found undefined alias"),
        ("a: " + "[" * 100 + "]" * 100, "nested too deeply"),
        ("a: \x00", "is not valid YAML"),
        ("a: 1\nb: " + "9" * 5000, "f.yaml:2: is a number of too many digits, got '999"),
    ],
)
def test_refusals_name_the_line(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, "f.yaml")


def test_alias_bombs_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(ConfigError, match="expands to too many values"):
        parse_yaml("\n".join(lines), "f.yaml")


def test_no_more_nodes_are_made_than_are_allowed(monkeypatch):
    """Each takes about a KB. As many as the text has would take over 50 MB."""
    monkeypatch.setattr(yaml_types, "MAX_NODES", 2000)
    tracemalloc.start()
    try:
        with pytest.raises(ConfigError, match=r"f\.yaml:2: .*expands to too many values"):
            parse_yaml("b: 1\na: [" + "{}," * 100_000 + "]", "f.yaml")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_merging_keeps_the_origin_of_what_wins():
    base = parse_yaml("a: {x: 1, y: 2}\nb: [1]\n", "base.yaml")
    over = parse_yaml("\na: {y: 3}\nb: [2, 3]\n", "over.yaml")
    merged = base.merged(over)
    assert merged.data == {"a": {"x": 1, "y": 3}, "b": [2, 3]}
    assert merged.origin(("a", "x")).file == "base.yaml"
    assert (merged.origin(("a", "y")).file, merged.origin(("b", 1)).line) == ("over.yaml", 3)


KEYS = st.sampled_from("abc")
TREES = st.recursive(st.integers(), lambda child: st.dictionaries(KEYS, child, max_size=3), max_leaves=8)


@given(st.dictionaries(KEYS, TREES), st.dictionaries(KEYS, TREES))
def test_merging_laws(old, new):
    merged = Document(old).merged(Document(new)).data
    assert Document(old).merged(Document(old)).data == old
    assert Document(merged).merged(Document(new)).data == merged
    assert set(merged) == set(old) | set(new)


@given(st.text(max_size=200))
def test_any_text_parses_or_is_refused(text):
    try:
        parse_yaml(text, "f.yaml")
    except ConfigError as error:
        assert str(error).startswith("f.yaml")


@pytest.mark.parametrize("written", ["01", "010", "1.10", "1e3", "+1", "1.0", ".5", "007", "True", "1_0"])
def test_a_label_keeps_its_spelling(written):
    assert parse_yaml(f"a:\n  labels: [{written}, x]\n", "f.yaml").data == {"a": {"labels": [written, "x"]}}
    assert parse_yaml(f"labels:\n- {written}\n", "f.yaml").data == {"labels": [written]}
    assert parse_override(f"tasks.a.labels=[{written}]").data == {"tasks": {"a": {"labels": [written]}}}


def test_a_word_for_no_number_is_no_label_and_other_lists_hold_numbers():
    assert parse_yaml("labels: [.inf, ~]\nothers: [01]\n", "f.yaml").data == {"labels": [math.inf, None], "others": [1]}


def test_merge_keys_are_refused_with_their_line_and_a_quoted_one_is_a_key():
    text = "base: &base {a: 1}\nother:\n  <<: *base\n  b: 2\n"
    with pytest.raises(ConfigError, match=r"f\.yaml:3: '<<' merges .* is not supported\. Write the keys out here, or"):
        parse_yaml(text, "f.yaml")
    assert parse_yaml("'<<': 1\n", "f.yaml").data == {"<<": 1}
    assert parse_yaml("a: &b {c: 1}\nd: *b\n", "f.yaml").data["d"] == {"c": 1}
