"""Parts of the training rows for cross-validation: they partition the rows, and groups never straddle them."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mtsmart.config.sections import DataConfig
from mtsmart.config.strict import Misfit
from mtsmart.data.drawn import draw_folds
from mtsmart.data.sources import known_splits, load_split
from mtsmart.errors import DataError
from mtsmart.tasks.definition import TaskDefinition

LABELS = st.one_of(st.sampled_from(["a", "b", None]), st.floats(allow_nan=True), st.lists(st.integers(0, 2)))


@settings(max_examples=80)
@given(data=st.data(), count=st.integers(2, 5), seed=st.integers(0, 3))
def test_folds_partition_the_rows_and_groups_never_straddle(data, count, seed):
    labels = data.draw(st.lists(LABELS, min_size=count, max_size=40))
    folds = draw_folds(count, labels, None, seed)
    assert len(folds) == len(labels) and set(folds.tolist()) == set(range(count))
    names = st.integers(0, 8)
    groups = data.draw(st.lists(names, min_size=len(labels), max_size=len(labels)))
    assume(len(set(groups)) >= count)
    folds = draw_folds(count, labels, groups, seed)
    assert set(folds.tolist()) == set(range(count))
    assert all(len({folds[place] for place, group in enumerate(groups) if group == one}) == 1 for one in set(groups))


def shares(values, folds):
    return [Counter(np.asarray(values)[folds == fold].tolist()) for fold in range(5)]


def test_each_fold_has_its_share_of_each_label():
    labels = ["neg"] * 80 + ["pos"] * 20
    folds = draw_folds(5, labels, None, 0)
    assert shares(labels, folds) == [{"neg": 16, "pos": 4}] * 5
    assert folds.tolist() == draw_folds(5, labels, None, 0).tolist() != draw_folds(5, labels, None, 1).tolist()
    groups = [place // 4 for place in range(100)]
    assert shares(labels, draw_folds(5, labels, groups, 0)) == [{"neg": 16, "pos": 4}] * 5


def test_numbers_are_divided_at_their_quantiles():
    values = np.arange(200.0) ** 3  # each tenth of the rows, from the smallest to the largest, is one kind
    folds = draw_folds(5, (values / 7).tolist(), None, 0)
    assert shares(np.arange(200) // 20, folds) == [dict.fromkeys(range(10), 4)] * 5


@pytest.fixture
def definition(tmp_path):
    """A task with rows of authors, and a validation split that folds leave alone."""
    rows = [{"text": f"{n}", "author": n // 3, "label": "ab"[n % 2]} for n in range(30)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "v.jsonl").write_text(json.dumps({"text": "other", "label": "a"}) + "\n")
    files = {"train": str(tmp_path / "d.jsonl"), "validation": str(tmp_path / "v.jsonl")}

    def make(number=1, of=5, group_column=None, **more):
        fold = {"number": number, "of": of, "group_column": group_column}
        given = {"task_type": "classification", "text": ["text"], "labels": ["a", "b"], **more}
        return TaskDefinition(**given, dataset={"files": files, "fold": fold})

    return make


def load(definition, split):
    return load_split("t", definition, split, ["text"], DataConfig())


@pytest.mark.parametrize("group", [None, "author"])
def test_a_run_trains_on_the_rest_and_is_scored_on_its_fold(definition, group):
    held = []
    for number in range(1, 6):
        train, validation = (load(definition(number, group_column=group), split) for split in ("train", "validation"))
        assert sorted([*train["row"], *validation["row"]]) == list(range(30))
        assert train.column_names == ["text", "label", "row"]
        held += validation["row"][:]
        if group is not None:
            assert {row // 3 for row in train["row"]}.isdisjoint(row // 3 for row in validation["row"])
    assert sorted(held) == list(range(30))
    assert "validation" in known_splits(definition(), DataConfig())


def test_more_folds_than_rows_or_groups_are_refused(definition):
    with pytest.raises(DataError, match=r"dataset\.fold\.of: are more parts than the 30 rows, got 31"):
        load(definition(of=31), "train")
    with pytest.raises(DataError, match=r"are more parts than the 10 values of 'author', got 11"):
        load(definition(of=11, group_column="author"), "train")
    with pytest.raises(DataError, match=r"writer: there is no such column"):
        load(definition(group_column="writer"), "train")


def test_settings_that_do_not_fit(definition):
    with pytest.raises((Misfit, ValueError), match="is more than the 5 parts"):
        definition(number=6)
    with pytest.raises(ValueError, match="the rows of the lists in 'query' must stay together"):
        definition(group_column="author", options={"group": "query"})
    source = definition().dataset.model_dump()
    with pytest.raises(ValueError, match="'fold' makes the validation split too"):
        TaskDefinition(task_type="classification", text=["text"], dataset={**source, "holdout": "20%"})
    with pytest.raises(ValueError, match="need all rows"):
        changes = {"path": "a/b", "files": None, "streaming": True}
        TaskDefinition(task_type="classification", text=["text"], dataset={**source, **changes})
