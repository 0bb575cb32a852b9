"""What a trial knows of its own evaluations when it goes on; test_search.py has the rest of pruning."""

import pytest

from mtsmart.config.sweeps.search import RangeConfig, SearchConfig
from mtsmart.sweeps.search.pruning import Pruning
from mtsmart.sweeps.search.study import Trial
from mtsmart.training.callbacks import Started
from tests.conftest import write_jsonl

LINES = [
    {"type": "train", "update": 2, "learning_rate": 0.1, "tasks": {"color": {"loss": 0.7}}},
    {"type": "evaluation", "update": 2, "score": 0.5, "tasks": {"color": {"accuracy": 0.75}, "near": {"f1": 0.25}}},
    {"type": "evaluation", "update": 4, "score": None, "tasks": {"color": {"accuracy": 0.5}, "near": {"f1": None}}},
]


@pytest.mark.parametrize(("task", "curve"), [(None, [0.5, None]), ("color", [0.75, 0.5]), ("near", [0.25, None])])
def test_a_resumed_trial_has_its_earlier_evaluations(tmp_path, task, curve):
    """Without them, it would be compared with other evaluations of the earlier trials."""
    search = SearchConfig(space={"training.epochs": RangeConfig(low=1, high=3)}, trials=2, task=task)
    trial = Trial(search, "study", number=2, values={"training.epochs": 2}, earlier=())
    write_jsonl(tmp_path / "metrics.jsonl", LINES)
    pruning = Pruning(trial, tmp_path / "metrics.jsonl")
    pruning.on_start(Started({}, {}, {}, [], updates=8, done=4, device="cpu", regularizers=[]))
    assert pruning.curve == curve
    assert not pruning.has_stopped
