"""Task files in MT-DNN's form: what they become, which differences are reported, and that they train."""

import json
import shutil

import pytest
import yaml
from transformers import AutoTokenizer

import mtsmart
from mtsmart.errors import ConfigError
from mtsmart.tasks import TaskLibrary, mtdnn_tables
from tests.tasks.mtdnn_entries import BASIC, changed
from tests.tasks.mtdnn_files import CASES, write_all


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
def test_each_kind_trains_one_update_and_evaluates(tmp_path, tiny_encoder, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    write_all(tmp_path)
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    tokenizer.mask_token = tokenizer.unk_token  # which masked language modelling needs
    tokenizer.save_pretrained(encoder)
    checked = cli("tasks", "check", "tasks.yml")
    assert checked.code == 0, checked.err
    (tmp_path / "e.yaml").write_text(
        f"name: one\ntasks: [{', '.join(CASES)}]\ntask_files: [tasks.yml]\nencoder: {{path: {encoder}}}\n"
        "smart: tuned\nmbpp: tuned\ndata: {max_length: 48}\nmixing: {strategy: rounds}\n"
        "training: {max_updates: 1, batch_size: 4, log_every: 1}\n"
    )
    trained = mtsmart.train("e.yaml")
    lines = [json.loads(line) for line in (trained.path / "metrics.jsonl").read_text().splitlines()]
    (logged,) = [line for line in lines if line["type"] == "train"]
    assert logged["tasks"].keys() == CASES.keys()
    run = trained.load()
    for name, case in CASES.items():
        for split in case.splits:
            found = run.evaluate(name, split=split).tasks[name].metrics
            assert case.expected["metrics"][0] in found, (name, split)


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
    assert single.head.type == "auto"
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


def test_a_split_whose_name_no_file_can_have(load):
    definition, _ = load(BASIC + f"  split_names: [{'x' * 300}]\n")
    (file,) = definition.dataset.files.values()
    assert file.endswith(f"/mine_{'x' * 300}.tsv")
