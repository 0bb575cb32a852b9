"""Which settings make a resumed run another run: those that mean something else, in whatever form they are written."""

import pytest

from mtsmart.config.document import parse_yaml
from mtsmart.config.loader import build_experiment
from mtsmart.runs.changes import Described, changed_settings
from mtsmart.tasks import select_tasks


def described(*overrides):
    experiment = build_experiment(parse_yaml("tasks: [rte, cola]\nencoder: {path: e}\n", "e.yaml"), overrides)
    return Described(experiment.config, {name: entry.definition for name, entry in select_tasks(experiment).items()})


@pytest.mark.parametrize(
    "overrides",
    [
        ["r_drop=off"],
        ["smart={preset: default, weight: 0}"],
        ["tasks.rte.smart=off"],
        ["weighting=mean"],
        ["training.epochs=3"],
        ["encoder.freeze=null"],
        ["tasks.rte.weight=1"],
        ["tasks.rte.description=other words"],
    ],
)
def test_another_form_of_the_same_is_no_change(overrides):
    assert changed_settings(described(), described(*overrides)) == {}
    assert changed_settings(described(*overrides), described()) == {}


@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("r_drop=paper", "r_drop.preset"),
        ("tasks.rte.smart=tuned", "tasks.rte.smart.preset"),
        ("encoder.freeze=all", "encoder.freeze"),
        ("tasks.rte.weight=2", "tasks.rte.weight"),
    ],
)
def test_another_meaning_is_a_change(override, key):
    assert list(changed_settings(described(), described(override))) == [key]


def test_a_preset_is_the_same_as_its_values():
    values = described("r_drop.weight=1", "r_drop.alpha=1", "r_drop.every=1")
    assert changed_settings(described("r_drop=paper"), values) == {}
