"""Which methods go together, and which need all weights in each process."""

import pytest

from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.regularizers import check_regularizers
from mtsmart.tasks import TaskDefinition

WHOLE = [name for name, method in REGULARIZERS.ordered().items() if not method.takes_parts]


def check(sections, *, of_task=None, sharded=True):
    written = {name: REGULARIZERS[name].section()(**values) for name, values in sections.items()}
    config = RunConfig(tasks={"a": {}, "b": {}}, encoder={"path": "e"}, **written)
    data = {"task_type": "regression", "dataset": {"path": "a/b"}, "text": ["a"]}
    definitions = {"a": TaskDefinition(**data), "b": TaskDefinition(**data, **(of_task or {}))}
    check_regularizers(config, definitions, sharded=sharded)


@pytest.mark.parametrize("name", WHOLE)
def test_methods_that_need_all_weights_are_refused_before_training(name):
    check({name: {"preset": "paper"}}, sharded=False)
    check({name: {"preset": "off"}})
    message = "does not go with sharded weights. Leave training.shard out$"
    with pytest.raises(ConfigError, match=f"^{name}: {message}"):
        check({name: {"preset": "paper"}})
    if REGULARIZERS[name].per_task:
        with pytest.raises(ConfigError, match=rf"^tasks\.b\.{name}: {message}"):
            check({}, of_task={name: {"preset": "paper"}})


def test_free_lb_is_one_of_them_and_others_are_not():
    """It differentiates passes of its own."""
    assert "free_lb" in WHOLE and "sam" in WHOLE
    check({"smart": {"preset": "tuned"}, "mbpp": {"preset": "tuned"}, "vat": {"preset": "paper"}})


def test_r4f_is_refused_and_r3f_is_not():
    check({"r3f": {"preset": "r4f"}}, sharded=False)
    check({"r3f": {"preset": "paper"}})
    check({"r3f": {"preset": "r4f", "weight": 0}})
    message = r"r3f\.bounded_head: does not go with sharded weights. Leave training.shard out$"
    with pytest.raises(ConfigError, match=f"^{message}"):
        check({"r3f": {"preset": "r4f"}}, of_task={"r3f": {"weight": 2}})
    for section in ({}, {"r3f": {"preset": "paper"}}):
        with pytest.raises(ConfigError, match=rf"^tasks\.b\.{message}"):
            check(section, of_task={"r3f": {"preset": "r4f"}})


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"free_lb": {"preset": "paper"}, "r_drop": {"preset": "paper"}}, "free_lb takes the place of 1 and r_drop"),
        (
            {"free_lb": {"preset": "paper"}, "distill": {"teachers": ["t"], "weight": 0.3}},
            "free_lb takes the place of 1 and distill takes the place of 0.3 of the gold loss",
        ),
    ],
)
def test_methods_that_take_more_than_the_gold_loss_are_refused(sections, told):
    """The clean pass's loss would get a negative weight."""
    with pytest.raises(ConfigError, match=rf"^tasks\.a: {told}"):
        check(sections, sharded=False)
    for name in sections:
        check({name: sections[name]}, sharded=False)


def test_methods_that_share_the_gold_loss_go_together():
    half = {"teachers": ["t"], "weight": 0.5}
    check({"r_drop": {"preset": "paper"}, "distill": half}, sharded=False)
    check({"free_lb": {"preset": "paper"}, "distill": {**half, "tasks": ["other"]}}, sharded=False)
    check({"free_lb": {"preset": "paper", "weight": 0.5}, "distill": half}, sharded=False)
