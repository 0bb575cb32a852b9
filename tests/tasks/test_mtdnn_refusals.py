"""Task files in MT-DNN's form that are refused: one error with its place."""

import pytest

from mtsmart.errors import ConfigError
from mtsmart.tasks import TaskLibrary
from tests.tasks.mtdnn_entries import BASIC, changed
from tests.tasks.mtdnn_files import CASES


def test_a_line_with_too_few_fields_is_named(tmp_path, tiny_encoder, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    CASES["cola"].write("cola", tmp_path)
    lines = (tmp_path / "cola_train.tsv").read_text().splitlines()
    (tmp_path / "cola_train.tsv").write_text("\n".join([*lines, "8\t1"]) + "\n")
    (tmp_path / "e.yaml").write_text(f"tasks: [cola]\ntask_files: [tasks.yml]\nencoder: {{path: {tiny_encoder}}}\n")
    result = cli("train", "e.yaml")
    assert result.code == 2
    assert "cola_train.tsv:9: has 2 fields where 'columns' names 3" in result.err


# What is refused ----------------------------------------------------------------------------------------------------
ERRORS = {
    "format": (
        changed("PremiseOnly", "PremisOnly"),
        "t.yml:2: mine.data_format: is no data_format of MT-DNN, got 'PremisOnly'. Did you mean 'PremiseOnly'?",
    ),
    "type": (
        changed("Classification", "SequenceLabeling"),
        "t.yml:3: mine.task_type: is no task_type of MT-DNN, got 'SequenceLabeling'. Did you mean 'SeqenceLabeling'?",
    ),
    "type is a list": (
        changed("Classification", "[a]"),
        "t.yml:3: mine.task_type: is no task_type of MT-DNN, got ['a']. Choose from: Classification, ClozeChoice",
    ),
    "format is nothing": (changed(" PremiseOnly", ""), "t.yml:2: mine.data_format: is no data_format of MT-DNN"),
    "loss is a list": (BASIC + "  loss: [x]\n", "t.yml:7: mine.loss: is no criterion of MT-DNN, got ['x']"),
    "metric is a mapping": (changed("[ACC]", "{a: 1}"), "t.yml:5: mine.metric_meta: must be a list of metrics"),
    "metric in a list of lists": (changed("[ACC]", "[[ACC]]"), "t.yml:5: mine.metric_meta: must be a list of metrics"),
    "labels of nothing": (BASIC + "  labels: [a, ~]\n", "t.yml:7: mine.labels: must be a list of label names"),
    "a label twice": (BASIC + "  labels: [a, a]\n", "mine.labels: label 'a' is listed twice"),
    "san is a list": (changed("enable_san: false", "enable_san: [x]"), "mine.enable_san: must be true or false"),
    "metric": (
        changed("ACC", "ACCC"),
        "t.yml:5: mine.metric_meta: is no metric of MT-DNN, got 'ACCC'. Did you mean 'ACC'?",
    ),
    "loss": (
        BASIC + "  loss: CECriterion\n",
        "t.yml:7: mine.loss: is no criterion of MT-DNN, got 'CECriterion'. Did you mean 'CeCriterion'?",
    ),
    "divergence": (
        BASIC + "  adv_loss: SymKLCriterion\n",
        "mine.adv_loss: is no criterion of MT-DNN, got 'SymKLCriterion'. Did you mean 'SymKlCriterion'?",
    ),
    "key": (
        BASIC + "  spilt_names: [train]\n",
        "t.yml:7: mine.spilt_names: is no key of MT-DNN's task files. Did you mean 'split_names'?",
    ),
    "no type": (changed("  task_type: Classification\n", ""), "mine.task_type: is required but missing"),
    "no format": (changed("  data_format: PremiseOnly\n", ""), "mine.data_format: is required but missing"),
    "generation": (
        changed("Classification", "SeqenceGeneration"),
        "t.yml:3: mine.task_type: SeqenceGeneration generates text",
    ),
    "generated format": (changed("PremiseOnly", "CLUE_GEN"), "t.yml:2: mine.data_format: CLUE_GEN generates text"),
    "spans in running text": (
        changed("PremiseOnly", "CLUE_SEQ"),
        "t.yml:2: mine.data_format: CLUE_SEQ marks any number of spans",
    ),
    "unfit format": (
        changed("PremiseOnly", "Seqence"),
        "mine.data_format: does not go with task_type Classification, got 'Seqence'. It goes with: PremiseOnly",
    ),
    "no labels": (changed("  n_class: 2\n", ""), "mine.n_class: labels are required"),
    "one label": (changed("n_class: 2", "n_class: 1"), "t.yml:4: mine.n_class: labels are required, got 1"),
    "no number": (
        changed("n_class: 2", "n_class: two"),
        "t.yml:4: mine.n_class: must be a whole number from 1, got 'two'",
    ),
    "dropout": (
        BASIC + "  dropout_p: 1.5\n",
        "t.yml:7: mine.dropout_p: must be a number from 0 to below 1, got 1.5",
    ),
    "san": (changed("enable_san: false", "enable_san: 2"), "t.yml:6: mine.enable_san: must be true or false, got 2"),
    "splits": (BASIC + "  split_names: {}\n", "t.yml:7: mine.split_names: must be a list of names of splits"),
    "name": (changed("mine", "my mine"), "t.yml:1: my mine: is no name, because a name consists of letters"),
    "entry": (BASIC + "other: red\n", "t.yml:7: other: must be a mapping"),
}


@pytest.mark.parametrize("what", ERRORS)
def test_what_does_not_fit_is_one_error_with_its_place(tmp_path, cli, what):
    text, message = ERRORS[what]
    (tmp_path / "t.yml").write_text(text)
    result = cli("tasks", "check", tmp_path / "t.yml")
    assert result.code == 2
    assert result.err.startswith(f"mtsmart: {tmp_path}/") and message in result.err
    assert result.err.count("\n") == 1


def test_duplicate_keys_stay_refused_in_our_form(tmp_path):
    (tmp_path / "t.yaml").write_text("mine:\n  task_type: regression\n  task_type: regression\n")
    with pytest.raises(ConfigError, match=r"t.yaml:3: task_type: is given twice \(first on line 2\)"):
        TaskLibrary([tmp_path])
