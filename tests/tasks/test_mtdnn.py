"""Task files in MT-DNN's form: what they become, what is told, what is refused, and that they train."""

import re
import warnings
from pathlib import Path

import pytest
import yaml
from transformers import AutoTokenizer

from mtsmart.config.document import dump_yaml, parse_yaml
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.tasks import TaskLibrary, mtdnn_tables
from tests.tasks.mtdnn_files import CASES

PAGE = (Path(__file__).parents[2] / "docs" / "mt-dnn-task-files.md").read_text(encoding="utf-8")
BASIC = """mine:
  data_format: PremiseOnly
  task_type: Classification
  n_class: 2
  metric_meta: [ACC]
  enable_san: false
"""


@pytest.fixture
def load(tmp_path):
    """A task file's text -> its one task's definition, and what was told."""

    def call(text, name="mine"):
        (tmp_path / "t.yml").write_text(text)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            definition = TaskLibrary([tmp_path / "t.yml"])[name]
        assert {warning.category for warning in told} <= {MtsmartWarning}
        return definition, [str(warning.message).removeprefix(f"{tmp_path}/") for warning in told]

    return call


def changed(old, new, text=BASIC):
    assert old in text
    return text.replace(old, new)


# What they become ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
@pytest.mark.parametrize("name", CASES)
def test_each_kind_becomes_a_definition(tmp_path, name):
    CASES[name].write(name, tmp_path)
    assert TaskLibrary([tmp_path / "tasks.yml"])[name] == CASES[name].definition(name, tmp_path)


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
def test_every_name_that_is_not_refused_stands_in_a_case():
    entries = [yaml.safe_load(case.entry) for case in CASES.values()]
    formats = {name for name, layout in mtdnn_tables.DATA_FORMATS.items() if not isinstance(layout, str)}
    assert {entry["data_format"] for entry in entries} == formats
    ours = {kind.task_type for kind in mtdnn_tables.TASK_TYPES.values() if not isinstance(kind, str)}
    assert {case.expected["task_type"] for case in CASES.values()} == ours


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
@pytest.mark.parametrize("name", CASES)
def test_each_kind_trains_one_update_and_evaluates(tmp_path, tiny_encoder, monkeypatch, cli, name):
    case = CASES[name]
    kind = case.expected["task_type"]
    monkeypatch.chdir(tmp_path)
    case.write(name, tmp_path)
    encoder = tiny_encoder
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    if kind == "masked_lm" and tokenizer.mask_token is None:
        encoder = tmp_path / "encoder"
        encoder.mkdir()
        for file in tiny_encoder.iterdir():
            (encoder / file.name).write_bytes(file.read_bytes())
        tokenizer.mask_token = tokenizer.unk_token
        tokenizer.save_pretrained(encoder)
    (tmp_path / "e.yaml").write_text(
        f"name: one\ntasks: [{name}]\ntask_files: [tasks.yml]\nencoder: {{path: {encoder}}}\n"
        "smart: tuned\nmbpp: tuned\ndata: {max_length: 48}\ntraining: {epochs: 1, max_updates: 1, batch_size: 4}\n"
    )
    checked = cli("tasks", "check", "tasks.yml")
    assert checked.code == 0, checked.err
    trained = cli("train", "e.yaml")
    assert trained.code == 0, trained.err
    for split in case.splits:
        evaluated = cli("evaluate", "runs/one", "--split", split, "--json")
        assert evaluated.code == 0, evaluated.err
        assert f'"{case.expected["metrics"][0]}"' in evaluated.out


def test_a_missing_file_matters_only_when_its_split_is_needed(tmp_path, tiny_encoder, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    CASES["cola"].write("cola", tmp_path)
    (tmp_path / "cola_test.tsv").unlink()
    (tmp_path / "e.yaml").write_text(
        f"name: one\ntasks: [cola]\ntask_files: [tasks.yml]\nencoder: {{path: {tiny_encoder}}}\n"
        "training: {epochs: 1, max_updates: 1, batch_size: 4}\n"
    )
    assert cli("train", "e.yaml").code == 0
    missing = cli("evaluate", "runs/one", "--split", "test")
    assert missing.code == 2
    assert missing.err.count("\n") == 1 and "cola_test.tsv: there is no such file" in missing.err


def test_a_line_with_too_few_fields_is_named(tmp_path, tiny_encoder, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    CASES["cola"].write("cola", tmp_path)
    lines = (tmp_path / "cola_train.tsv").read_text().splitlines()
    (tmp_path / "cola_train.tsv").write_text("\n".join([*lines, "8\t1"]) + "\n")
    (tmp_path / "e.yaml").write_text(f"tasks: [cola]\ntask_files: [tasks.yml]\nencoder: {{path: {tiny_encoder}}}\n")
    result = cli("train", "e.yaml")
    assert result.code == 2
    assert "cola_train.tsv:9: has 2 fields where 'columns' names 3" in result.err


def test_they_stand_before_shipped_tasks_but_not_before_each_other(tmp_path):
    (tmp_path / "a.yml").write_text(changed("mine", "rte"))
    assert TaskLibrary([tmp_path / "a.yml"])["rte"].text == ["premise"]
    (tmp_path / "b.yml").write_text(changed("mine", "rte"))
    with pytest.raises(ConfigError, match=r"b.yml:1: rte: a task of this name is already defined in .*a.yml, line 1"):
        TaskLibrary([tmp_path])


def test_old_files_without_the_later_keys(load):
    keys = "data_format: PremiseAndOneHypothesis, labels: [no, yes], task_type: Classification, split_names: [train]"
    text = f"mine: {{{keys}}}\n"
    definition, told = load(text)
    assert (definition.labels, definition.metrics, definition.head.dropout, told) == (["no", "yes"], None, 0.1, [])


def test_san_becomes_the_head_type_of_pairs(load):
    text = changed("enable_san: false", "enable_san: yes")
    single, told = load(text)
    assert single.head.type == "native"
    assert told == ["t.yml:6: mine.enable_san: is ignored: SAN reads a pair of texts to classify or score"]
    pair, told = load(changed("PremiseOnly", "PremiseAndOneHypothesis", text))
    assert (pair.head.type, told) == ("san", [])


@pytest.mark.parametrize("place", ["", "canonical_data", "data/canonical_data"])
def test_where_data_is_found(tmp_path, place):
    folder = tmp_path / place
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine_dev.tsv").write_text("")
    (tmp_path / "t.yml").write_text(BASIC)
    assert TaskLibrary([tmp_path / "t.yml"])["mine"].dataset.files["train"] == str(folder / "mine_train.tsv")


def test_where_data_is_found_elsewhere(tmp_path, monkeypatch):
    elsewhere = tmp_path / "work" / "data" / "canonical_data"
    elsewhere.mkdir(parents=True)
    (elsewhere / "mine_train.tsv").write_text("")
    (tmp_path / "t.yml").write_text(BASIC)
    monkeypatch.chdir(tmp_path / "work")
    assert TaskLibrary([tmp_path / "t.yml"])["mine"].dataset.files["dev"] == str(elsewhere / "mine_dev.tsv")
    monkeypatch.setenv("MTSMART_CANONICAL_DIR", str(tmp_path / "named"))
    named = tmp_path / "named" / "mine_dev.tsv"
    assert TaskLibrary([tmp_path / "t.yml"])["mine"].dataset.files["dev"] == str(named)


# What is told -------------------------------------------------------------------------------------------------------

WARNINGS = {
    "encoder": (BASIC + "  encoder_type: BERT\n", "t.yml:7: mine.encoder_type: is ignored"),
    "activation": (BASIC + "  actf: tanh\n", "t.yml:7: mine.actf: is ignored"),
    "label count": (
        BASIC + "  labels: [a, b, c]\n",
        "t.yml:4: mine.n_class: 2 does not fit the 3 labels: the labels count",
    ),
    "duplicate": (BASIC + "  n_class: 2\n", "t.yml:7: n_class: is given twice (first on line 4); the last one counts"),
    "area": (changed("ACC", "AUC"), "t.yml:5: mine.metric_meta: AUC becomes macro_f1"),
    "no metric": (changed("ACC", "Pearson"), "t.yml:5: mine.metric_meta: Pearson is left out"),
    "f1 of three": (
        changed("ACC", "F1", changed("n_class: 2", "n_class: 3")),
        "t.yml:5: mine.metric_meta: F1 becomes macro_f1: there are 3 labels, not two",
    ),
    "loss": (BASIC + "  loss: MseCriterion\n", "t.yml:7: mine.loss: MseCriterion is replaced by the criterion"),
    "teacher": (BASIC + "  kd_loss: MseCriterion\n", "t.yml:7: mine.kd_loss: MseCriterion becomes symmetric_kl"),
    "smoothed": (BASIC + "  adv_loss: NsKlCriterion\n", "t.yml:7: mine.adv_loss: NsKlCriterion becomes kl"),
    "smoothed both ways": (
        BASIC + "  adv_loss: NsSymKlCriterion\n",
        "t.yml:7: mine.adv_loss: NsSymKlCriterion becomes symmetric_kl",
    ),
    "Hellinger": (BASIC + "  adv_loss: HLCriterion\n", "t.yml:7: mine.adv_loss: HLCriterion becomes hellinger"),
    "regression's divergence": (
        changed("[ACC]", "[Pearson]", changed("Classification", "Regression")) + "  adv_loss: SymKlCriterion\n",
        "t.yml:7: mine.adv_loss: SymKlCriterion becomes mse",
    ),
}


@pytest.mark.parametrize("what", WARNINGS)
def test_what_is_not_exactly_the_same_is_told(load, what):
    text, message = WARNINGS[what]
    _, told = load(text)
    assert len(told) == 1
    assert told[0].startswith(message)


def test_nothing_is_told_of_what_is_the_same(load):
    text = BASIC + "  loss: CeCriterion\n  kd_loss: KlCriterion\n  adv_loss: SymKlCriterion\n"
    definition, told = load(text)
    assert (definition.kd_loss, definition.adv_loss, told) == ("kl", None, [])


def test_the_last_of_two_entries_counts_and_places_are_the_last_ones(load):
    text = BASIC + changed("n_class: 2", "n_class: 3") + "  loss: MseCriterion\n"
    definition, told = load(text)
    assert definition.labels == ["0", "1", "2"]
    assert told[0] == "t.yml:7: mine: is given twice (first on line 1); the last one counts"
    assert told[1].startswith("t.yml:13: mine.loss: ")


def test_technical_tags_are_dropped(load):
    case = CASES["ner"]
    _, told = load("ner:" + case.entry, "ner")
    assert told == ["t.yml:5: ner.labels: without X, CLS, SEP: a word's first token alone carries its tag here"]


def test_technical_tags_may_stand_in_brackets(load):
    entry = CASES["ner"].entry.replace("X, CLS, SEP", 'X, "[CLS]", "[SEP]"')
    definition, _ = load("ner:" + entry, "ner")
    assert definition.labels == ["O", "B-ANIMAL", "I-ANIMAL"]  # BIO, so entities are scored


def test_the_command_line_tells_each_once_and_shortly(tmp_path, cli):
    text = BASIC + "  encoder_type: BERT\n"
    (tmp_path / "t.yml").write_text(text + changed("mine", "other", text))
    result = cli("tasks", "check", tmp_path / "t.yml")
    assert (result.code, result.out) == (0, "2 task definitions are valid.\n")
    place = f"{tmp_path}/t.yml:7: mine.encoder_type"
    assert result.err == f"mtsmart: warning: {place}: is ignored: the experiment names the encoder (also other)\n"


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
    "a label twice": (BASIC + "  labels: [a, a]\n", "mine: label 'a' is listed twice"),
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
    "name": (changed("mine", "my mine"), "t.yml:1: my mine: a task name consists of letters"),
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


# Conversion ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::mtsmart.errors.MtsmartWarning")
@pytest.mark.parametrize("output", ["own.yaml", "below/own.yaml"])
def test_a_converted_file_loads_as_the_same_tasks(tmp_path, cli, output):
    for name, case in CASES.items():
        case.write(name, tmp_path)
    (tmp_path / "tasks.yml").write_text("".join(f"{name}:{case.entry}" for name, case in CASES.items()))
    (tmp_path / "below").mkdir()
    result = cli("tasks", "convert", tmp_path / "tasks.yml", "--output", tmp_path / output)
    assert (result.code, result.out) == (0, f"written to {tmp_path / output}\n")
    assert all(line.startswith("mtsmart: warning: ") for line in result.err.splitlines())
    direct, converted = TaskLibrary([tmp_path / "tasks.yml"]), TaskLibrary([tmp_path / output])
    assert {name: direct[name] for name in CASES} == {name: converted[name] for name in CASES}
    text = (tmp_path / output).read_text()
    assert ("train: cola_train.tsv" in text) == (output == "own.yaml")


def test_conversion_to_standard_output_and_from_named_data(tmp_path, cli):
    (tmp_path / "t.yml").write_text(BASIC)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--data-dir", tmp_path / "elsewhere")
    assert result.code == 0, result.err
    files = yaml.safe_load(result.out)["mine"]["dataset"]["files"]
    assert files["dev"] == str(tmp_path / "elsewhere" / "mine_dev.tsv")


def test_conversion_refuses_our_form_and_the_file_itself(tmp_path, cli):
    (tmp_path / "own.yaml").write_text("mine: {task_type: regression, dataset: {path: x}, text: [a]}\n")
    result = cli("tasks", "convert", tmp_path / "own.yaml")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "own.yaml: is not in MT-DNN's form" in result.err
    (tmp_path / "t.yml").write_text(BASIC)
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "t.yml")
    assert result.code == 2 and "--output: would overwrite the file that is read" in result.err
    assert (tmp_path / "t.yml").read_text() == BASIC
    result = cli("tasks", "convert", tmp_path / "t.yml", "--output", tmp_path / "no" / "folder.yaml")
    assert result.code == 2 and "cannot be written" in result.err and result.err.count("\n") == 1


def test_dumped_text_is_read_as_text():
    texts = ["1e5", "0", "no", "true", "null", "~", "1.0", ".5", "012", "plain", "", "2001-01-01", "a: b"]
    data = {"a": texts, "b": 1e-5, "c": 3, "d": None}
    assert parse_yaml(dump_yaml(data), "x").data == data


# The page -----------------------------------------------------------------------------------------------------------


def row(name):
    """The table row that begins with ``name``."""
    found = [line for line in PAGE.splitlines() if re.match(rf"\| `{re.escape(name)}` \|", line)]
    assert found, f"docs/mt-dnn-task-files.md has no row for {name}"
    return found


def test_the_page_has_every_key():
    for key in mtdnn_tables.KEYS:
        assert row(key)


def test_the_page_has_every_value_with_what_it_becomes():
    for name, layout in mtdnn_tables.DATA_FORMATS.items():
        (line,) = [one for one in row(name) if "refused" in one or ".json" in one or ".tsv" in one]
        assert isinstance(layout, str) == ("refused" in line)
        for column in () if isinstance(layout, str) else layout.columns or layout.text:
            assert column in line, (name, column)
    for name, kind in mtdnn_tables.TASK_TYPES.items():
        lines = " ".join(row(name))
        assert ("refused" if isinstance(kind, str) else f"`{kind.task_type}`") in lines, name
    for name, ours in mtdnn_tables.METRICS.items():
        for metric in (metric for metrics in ours.values() for metric in metrics):
            assert f"`{metric}`" in " ".join(row(name)), (name, metric)
    for name in mtdnn_tables.CRITERIA:
        ours = mtdnn_tables.DIVERGENCES.get(name)
        assert (f"`{ours}`" if ours else "own") in " ".join(row(name)), name


def test_a_split_whose_name_no_file_can_have(load):
    definition, _ = load(BASIC + f"  split_names: [{'x' * 300}]\n")
    (file,) = definition.dataset.files.values()
    assert file.endswith(f"/mine_{'x' * 300}.tsv")
