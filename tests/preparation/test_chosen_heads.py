"""Heads and learning-rate factors that a task leaves open, and what runs of before keep."""

import json

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.errors import CheckpointError
from mtsmart.preparation.chosen_heads import settle_heads, summary_of_heads
from mtsmart.runs.folder import RunFolder
from mtsmart.tasks import select_tasks

TASK = "{task_type: %s, text: [text], labels: [a, b], dataset: {files: {train: rows.jsonl}}%s}"


@pytest.fixture
def settled(tmp_path):
    """Encoder settings, tasks and more lines -> the definitions that training begins with."""

    def settle(tasks, more="", known=None, begun=None, source="encoder: {path: ./encoder}\n"):
        (tmp_path / "encoder").mkdir(exist_ok=True)
        lines = "".join(f"  {name}: {text}\n" for name, text in tasks.items())
        (tmp_path / "e.yaml").write_text(f"tasks:\n{lines}{source}{more}")
        experiment = load_experiment(tmp_path / "e.yaml")
        entries = settle_heads(select_tasks(experiment, known), experiment.config, known or {}, begun or {})
        return {name: entry.definition for name, entry in entries.items()}

    return settle


def write_pooling(folder, *modes, **settings):
    (folder / "1_Pooling").mkdir(parents=True)
    known = ["cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens"]
    flags = {f"pooling_mode_{mode}": mode in modes for mode in known}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings or flags))


def form(definition):
    return definition.head.type, definition.head.pooling, definition.learning_rate_factor


@pytest.mark.parametrize(
    ("modes", "settings", "expected"),
    [
        (["mean_tokens"], {}, ("plain", "mean", 100)),
        (["cls_token"], {}, ("plain", "cls", 100)),
        (["max_tokens"], {}, ("plain", "max", 100)),
        ([], {"pooling_mode": "mean"}, ("plain", "mean", 100)),
        ([], {"pooling_mode": ["mean"]}, ("plain", "mean", 100)),
        ([], {"pooling_mode": ["mean", "cls"]}, ("plain", "cls_mean", 100)),
        (["mean_tokens", "cls_token"], {}, ("plain", "cls_mean", 100)),
        ([], {"pooling_mode": ["mean", "max"]}, ("native", None, 30)),
        (["mean_tokens", "max_tokens"], {}, ("native", None, 30)),
        (["mean_sqrt_len_tokens"], {}, ("native", None, 30)),
    ],
)
def test_the_pooling_that_the_encoder_was_made_with(tmp_path, settled, modes, settings, expected):
    write_pooling(tmp_path / "encoder", *modes, **settings)
    assert form(settled({"x": TASK % ("classification", "")})["x"]) == expected


@pytest.mark.parametrize("mode", ["mean_tokens", "cls_token"])
def test_many_labels_and_choices_take_both_poolings(tmp_path, settled, mode):
    write_pooling(tmp_path / "encoder", mode)
    own = mode.partition("_")[0]
    for labels, pooling in (("[a, b, c, d]", own), ("[a, b, c, d, e]", "cls_mean")):
        task = (TASK % ("classification", "")).replace("[a, b]", labels)
        assert form(settled({"x": task})["x"]) == ("plain", pooling, 100)
    choice = (
        "{task_type: multiple_choice, text: [text], options: {choices: [a, b]}, dataset: {files: {train: x.jsonl}}}"
    )
    assert form(settled({"x": choice})["x"]) == ("plain", "cls_mean", 100)


def test_the_file_beside_the_encoders_folder(tmp_path, settled):
    write_pooling(tmp_path, "mean_tokens")
    assert form(settled({"x": TASK % ("classification", "")})["x"])[0] == "native"  # this is no sentence encoder
    (tmp_path / "modules.json").write_text("[]")
    assert form(settled({"x": TASK % ("classification", "")})["x"])[:2] == ("plain", "mean")


def test_the_own_head_for_a_number_for_each_token_and_where_no_pooling_is_known(tmp_path, settled):
    assert form(settled({"x": TASK % ("classification", "")})["x"]) == ("native", None, 30)
    write_pooling(tmp_path / "encoder", "mean_tokens")
    assert form(settled({"x": TASK % ("tagging", "")})["x"]) == ("native", None, 10)
    number = (TASK % ("regression", "")).replace("labels: [a, b], ", "")
    assert form(settled({"x": number})["x"]) == ("native", None, 30)


PAIR = "{task_type: %s, text: [a, b], labels: [a, b], dataset: {files: {train: rows.jsonl}}%s}"


@pytest.mark.parametrize("mode", ["mean_tokens", "cls_token"])
def test_pairs_of_texts_are_compared(tmp_path, settled, mode):
    write_pooling(tmp_path / "encoder", mode)
    number = (PAIR % ("regression", "")).replace("labels: [a, b], ", "")
    found = settled({"x": PAIR % ("classification", ""), "n": number, "one": TASK % ("classification", "")})
    assert form(found["x"]) == form(found["n"]) == ("pair", None, 100)
    assert form(found["one"]) == ("plain", mode.partition("_")[0], 100)
    assert "pair comparison at 100 times the learning rate (x, n)" in summary_of_heads(found)
    assert form(settled({"x": PAIR % ("classification", ", head: {type: pair, layers: 1}")})["x"]) == ("pair", None, 30)


def test_a_head_that_a_single_text_shares_compares_nothing(tmp_path, settled):
    write_pooling(tmp_path / "encoder", "mean_tokens")
    sharer = TASK % ("classification", ", share_head: x")
    found = settled({"x": PAIR % ("classification", ""), "y": sharer})
    assert form(found["x"])[:2] == ("plain", "mean")
    sharer = PAIR % ("classification", ", share_head: x")
    assert form(settled({"x": PAIR % ("classification", ""), "y": sharer})["x"])[0] == "pair"


def test_pairs_have_the_own_head_where_no_pooling_of_tokens_is_known(tmp_path, settled):
    assert form(settled({"x": PAIR % ("classification", "")})["x"])[0] == "native"
    write_pooling(tmp_path / "encoder", "max_tokens")
    assert form(settled({"x": PAIR % ("classification", "")})["x"])[:2] == ("plain", "max")


def test_a_damaged_file_is_named(tmp_path, settled):
    write_pooling(tmp_path / "encoder")
    (tmp_path / "encoder" / "1_Pooling" / "config.json").write_text("[")
    with pytest.raises(CheckpointError, match="1_Pooling/config.json: is damaged: config.json is not valid JSON"):
        settled({"x": TASK % ("classification", "")})


def test_what_the_task_says_stays(tmp_path, settled):
    write_pooling(tmp_path / "encoder", "mean_tokens")
    given = {
        "a": "head: {type: native}",
        "b": "head: {pooling: cls}",
        "c": "learning_rate_factor: 2",
        "d": "head: {pooling: attention}",
        "e": "head: {pooling: mean, layers: 1}",
    }
    found = settled({name: TASK % ("classification", f", {text}") for name, text in given.items()})
    assert {name: form(each) for name, each in found.items()} == {
        "a": ("native", None, 30),
        "b": ("plain", "cls", 100),
        "c": ("plain", "mean", 2),
        "d": ("plain", "attention", 30),
        "e": ("plain", "mean", 30),
    }
    assert settled({"f": TASK % ("classification", ", head: auto")})["f"].head.pooling == "mean"
    parts = [
        "the architecture's own at 30 times the learning rate (a)",
        "cls pooling at 100 times the learning rate (b)",
    ]
    summary = f"heads: {'; '.join(parts)}"
    assert summary_of_heads(found).startswith(summary)


@pytest.mark.parametrize(("rate", "factor"), [("1e-9", 30), ("5e-5", 30), ("2e-4", 7.5), ("1e-2", 1), ("1", 1)])
def test_a_new_heads_rate_where_the_encoders_is_high(settled, rate, factor):
    found = settled({"x": TASK % ("classification", "")}, f"optimizer: {{learning_rate: {rate}}}\n")
    assert found["x"].learning_rate_factor == factor


def test_runs_of_before_keep_their_heads(tmp_path, settled):
    write_pooling(tmp_path / "encoder", "mean_tokens")
    old = tmp_path / "old"
    old.mkdir()
    task = TASK % ("classification", "")
    (old / "config.yaml").write_text(f"tasks:\n  x: {task}\nencoder: {{path: ./encoder}}\n")
    known = RunFolder(old).definitions()
    assert form(known["x"]) == ("native", None, 1)
    assert form(settled({"x": task}, begun=known)["x"]) == ("native", None, 1)
    assert form(settled({"x": "{}"}, known=known)["x"]) == ("native", None, 1)


def test_a_run_that_goes_on_pools_as_the_heads_before(tmp_path, settled):
    known = {"x": settled({"x": TASK % ("classification", ", head: {pooling: max}")})["x"]}
    found = settled({"new": TASK % ("classification", "")}, known=known, source=f"init: {{run: {tmp_path}}}\n")
    assert form(found["new"])[:2] == ("plain", "max")


def test_a_run_that_goes_on_from_heads_that_compare_texts(tmp_path, settled):
    known = {"x": settled({"x": PAIR % ("classification", ", head: pair")})["x"]}
    more = {"new": TASK % ("classification", ""), "other": PAIR % ("classification", "")}
    found = settled(more, known=known, source=f"init: {{run: {tmp_path}}}\n")
    assert form(found["new"])[:2] == ("plain", "mean")
    assert form(found["other"])[0] == "pair"
