"""JSON without the words NaN and Infinity, which most readers refuse."""

import json
import math

import numpy as np
import pytest

from mtsmart.runs.results import Results, ScoredUpdate
from mtsmart.storage.durable import write_json
from mtsmart.text.json_text import json_text


def strict(text):
    """Read JSON as other programs do."""
    return json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_a_number_that_is_not_finite_is_null_at_any_depth(number):
    data = {"a": number, "b": [1.5, {"c": (number, "NaN")}], "d": "Infinity"}
    expected = {"a": None, "b": [1.5, {"c": [None, "NaN"]}], "d": "Infinity"}
    assert strict(json_text(data)) == strict(json_text(data, indent=2, ensure_ascii=False)) == expected


def test_finite_data_is_written_as_json_dumps_writes_it():
    data = {"é": [1e-300, 1, True, None, "x"], "n": {"m": 0.1}}
    assert json_text(data) == json.dumps(data)
    assert json_text(data, indent=2, ensure_ascii=False) == json.dumps(data, indent=2, ensure_ascii=False)
    assert json_text({"a": {3}}, default=str) == '{"a": "{3}"}'


def test_a_file_has_null(tmp_path):
    write_json(tmp_path / "x.json", {"score": math.nan})
    assert strict((tmp_path / "x.json").read_text()) == {"score": None}


def test_an_undefined_score_is_null_in_results_and_undefined_again_afterwards():
    scored = ScoredUpdate(3, math.nan, {"t": {"auc": math.nan, "accuracy": 1.0}})
    results = Results(None, scored, {"t": {"auc": math.nan}})
    data = strict(json_text(results.to_json()))
    assert data["last"] == {"update": 3, "score": None, "tasks": {"t": {"auc": None, "accuracy": 1.0}}}
    again = Results.from_json(data)
    assert math.isnan(again.last.tasks["t"]["auc"])
    assert again.last.tasks["t"]["accuracy"] == 1.0
    assert math.isnan(again.baselines["t"]["auc"])
