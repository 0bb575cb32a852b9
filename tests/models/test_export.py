"""Exported tasks load with transformers alone: same logits, same labels, where mtsmart cannot be imported."""

import atexit
import json
import sys
import tempfile
from functools import cache

import datasets
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertModel
from transformers.pipelines import SUPPORTED_TASKS

from mtsmart.config.sections import DataConfig, EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.evaluation.evaluator import run_model
from mtsmart.models import hugging_face as export
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.native import NATIVE_CLASSES
from mtsmart.models.hugging_face import export_head, task_model
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.preparer import Preparer
from mtsmart.task_types import build_task
from mtsmart.tasks.definition import TaskDefinition
from tests.models.architectures import SMALL, save
from tests.served import Served

ENCODERS = ["BERT", "RoBERTa", "DeBERTa-v2", "ELECTRA", "ModernBERT", "DistilBERT"]
MAX_LENGTH = 30
TEXTS = ["the red cat sleeps in the house", "dog", "a small blue car is under the old house but not very big"]
OTHERS = ["a cat eats", "the dog is not very big and eats", "car"]
TASKS = {
    "single": {"task_type": "classification", "text": ["text"], "labels": ["yes", "no", "maybe"]},
    "pair": {"task_type": "classification", "text": ["text", "other"], "labels": ["same", "different"]},
    "several": {"task_type": "multi_label", "text": ["text"], "labels": ["animal", "color", "size"]},
    "score": {"task_type": "regression", "text": ["text", "other"]},
    "tags": {"task_type": "tagging", "text": ["text"], "labels": ["O", "B-animal", "I-animal"]},
    "fill": {"task_type": "masked_lm", "text": ["text"]},
    "answer": {"task_type": "span", "text": ["text", "other"]},
    "choice": {"task_type": "multiple_choice", "text": ["text"], "options": {"choices": ["other", "more"]}},
}
PIPELINES = {
    "single": ("text-classification", {}),
    "pair": ("text-classification", {}),
    "several": ("text-classification", {"top_k": None}),
    "score": ("text-classification", {}),
    "tags": ("token-classification", {"ignore_labels": []}),
    "fill": ("fill-mask", {"top_k": 2}),
}
# Runs where the package cannot be imported: loads every folder, computes logits for given inputs, runs pipelines.
ALONE = """
import json, sys
sys.modules["mtsmart"] = None  # an import raises ImportError
import torch, transformers
from safetensors.torch import load_file, save_file
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
answers = {}
for job in json.loads(open("jobs.json").read()):
    auto = getattr(transformers, job["class"])
    model, loading = auto.from_pretrained(job["folder"], output_loading_info=True)
    assert not any(loading.values()), (job, loading)
    inputs = load_file(job["inputs"])
    positions = inputs.pop("positions", None)
    with torch.no_grad():
        result = model.eval()(**inputs)
    qa = "start_logits" in result
    logits = torch.stack([result.start_logits, result.end_logits], -1) if qa else result.logits
    save_file({"logits": logits.contiguous()}, job["folder"] + ".logits")
    outside = [m.p for n, m in model.named_modules()
               if isinstance(m, torch.nn.Dropout) and not n.startswith(model.base_model_prefix + ".")]
    answer = {"config": model.config.to_dict(), "dropouts": outside,
              "max_length": transformers.AutoTokenizer.from_pretrained(job["folder"]).model_max_length}
    if job["pipeline"]:
        name, options = job["pipeline"]
        made = transformers.pipeline(name, job["folder"], **options)
        answer["pipeline"] = [made(text) for text in job["texts"]]
    answers[job["folder"]] = answer
assert "mtsmart" not in {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
json.dump(answers, open("answers.json", "w"), default=float)
"""


@cache
def isolated():
    """A Python that sees neither this checkout nor its folder, with what scripts load to use an exported model."""
    copies = tempfile.TemporaryDirectory()  # of the code in folders
    modules = ["transformers.modeling_utils", "transformers.pipelines"]
    served = Served(sys.executable, "-I", modules=modules, environment={"HF_MODULES_CACHE": copies.name})
    atexit.register(copies.cleanup)
    atexit.register(served.close)
    return served


def alone(folder, script=ALONE, *modules):
    """Run a script in such a Python. ``modules`` are loaded before its fork, and stay loaded for later scripts."""
    done = isolated().run(folder, code=script, modules=modules)
    assert done.code == 0, done.err
    return done.out


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Every kind of head on every encoder, exported, and what a bare transformers says of them."""
    root = tmp_path_factory.mktemp("exported")
    jobs, ours = [], {}
    for name in ENCODERS:
        encoder, tokenizer = load_encoder(EncoderConfig(path=str(save(name, root / f"encoder-{name}"))))
        preparer = Preparer(tokenizer, DataConfig(max_length=MAX_LENGTH), encoder.max_positions)
        tasks = {key: build_task(key, definition(fields)) for key, fields in TASKS.items()}
        torch.manual_seed(1)
        model = MultiTaskModel(encoder, {key: task.head_spec for key, task in tasks.items()}).eval()
        for key, task in tasks.items():
            spread(model.head(key).model, encoder)
            folder = f"{name}-{key}"
            made = export_head(
                model, key, tokenizer, root / folder, problem_type=task.problem_type, max_length=MAX_LENGTH
            )
            texts = [text.replace("house", tokenizer.mask_token) for text in TEXTS if "house" in text]
            texts = texts if key == "fill" else TEXTS
            columns = {"text": texts, "other": OTHERS[: len(texts)], "more": TEXTS[: len(texts)]}
            rows = datasets.Dataset.from_dict({**columns, "row": range(len(texts))})
            split = preparer.rows(task, rows, with_labels=False)
            (outputs,) = run_model(model, [task], split, preparer.collate(task), 8)
            batch = task.collate(list(split.rows), tokenizer, 0)
            with torch.no_grad():
                logits = model(key, model.embed(batch.inputs["input_ids"]), batch.inputs)
            ours[folder] = {
                "logits": logits,
                "rows": task.describe(outputs, tokenizer),
                "inputs": batch.inputs,
                "made": made,
            }
            fed = {k: v for k, v in batch.inputs.items() if k != "token_type_ids" or name != "DistilBERT"}
            if key == "choice":
                fed = {k: v.view(len(texts), 2, -1) for k, v in fed.items()}
            save_file({k: v.contiguous() for k, v in fed.items()}, root / f"{folder}.inputs")
            pair = [{"text": text, "text_pair": other} for text, other in zip(TEXTS, OTHERS, strict=True)]
            jobs.append(
                {
                    "folder": folder,
                    "class": made.auto_class,
                    "inputs": f"{folder}.inputs",
                    "pipeline": PIPELINES.get(key),
                    "texts": pair if len(task.definition.text) == 2 else texts,
                }
            )
    (root / "jobs.json").write_text(json.dumps(jobs))
    alone(root)
    answers = json.loads((root / "answers.json").read_text())
    for folder, answer in answers.items():
        answer["logits"] = load_file(root / f"{folder}.logits")["logits"]
    return ours, answers


def definition(fields):
    dropout = {"head": {"dropout": 0.37}} if fields["text"] == ["text"] else {}
    return TaskDefinition(dataset={"files": {"train": "unused.jsonl"}}, **fields, **dropout)


def spread(head, encoder):
    """Fresh heads are so small that all labels are equally likely; make them differ."""
    shared = {id(parameter) for parameter in encoder.parameters()}
    with torch.no_grad():
        for parameter in head.parameters():
            if parameter.ndim > 1 and id(parameter) not in shared:
                parameter.normal_(0, 0.5)


PAIRS = [(name, key) for name in ENCODERS for key in TASKS]


@pytest.mark.parametrize(("name", "key"), PAIRS)
def test_logits_are_ours_without_mtsmart(exported, name, key):
    mine, theirs = exported[0][f"{name}-{key}"], exported[1][f"{name}-{key}"]["logits"]
    logits = mine["logits"]
    if key == "fill":  # ours are at the masks alone
        positions = mine["inputs"]["positions"]
        theirs = theirs.gather(1, positions.unsqueeze(-1).expand(-1, -1, theirs.shape[-1]))
    if key in ("tags", "answer"):
        real = mine["inputs"]["attention_mask"].bool()
        logits, theirs = logits[real], theirs[real]
    if key == "choice":
        theirs = theirs.reshape(-1, 1)
    assert logits.std() > 1e-3  # not all alike
    torch.testing.assert_close(theirs, logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "key"), [(name, key) for name in ENCODERS for key in PIPELINES])
def test_pipelines_say_what_we_say(exported, name, key):
    rows, said = exported[0][f"{name}-{key}"]["rows"], exported[1][f"{name}-{key}"]["pipeline"]
    assert len(rows) == len(said) > 0
    for row, answer in zip(rows, said, strict=True):
        if key in ("single", "pair"):
            best = answer[0] if isinstance(answer, list) else answer
            assert best["label"] == row["prediction"]
            assert best["score"] == pytest.approx(row[f"p({best['label']})"], abs=1e-5)
        elif key == "several":
            scores = {one["label"]: one["score"] for one in answer[0]}
            assert scores.keys() == {"animal", "color", "size"}
            assert all(score == pytest.approx(row[f"p({label})"], abs=1e-5) for label, score in scores.items())
            assert {label for label, score in scores.items() if score > 0.5} == set(row["prediction"])
        elif key == "score":
            best = answer[0] if isinstance(answer, list) else answer
            assert best["score"] == pytest.approx(row["prediction"], abs=1e-5)
        elif key == "tags":
            assert [one["entity"] for one in answer] == row["prediction"]
        else:
            assert answer[0]["token_str"].strip() == row["prediction"][0]
            assert answer[0]["score"] == pytest.approx(row["p"][0], abs=1e-5)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_configuration_says_what_the_head_is(exported, name):
    configs = {key: exported[1][f"{name}-{key}"]["config"] for key in TASKS}
    assert configs["single"]["id2label"] == {"0": "yes", "1": "no", "2": "maybe"}
    assert configs["single"]["label2id"] == {"yes": 0, "no": 1, "maybe": 2}
    assert list(configs["tags"]["id2label"].items()) == [("0", "O"), ("1", "B-animal"), ("2", "I-animal")]
    types = {key: config.get("problem_type") for key, config in configs.items()}
    assert (types.pop("single"), types.pop("pair")) == ("single_label_classification",) * 2
    assert (types.pop("several"), types.pop("score")) == ("multi_label_classification", "regression")
    assert set(types.values()) == {None}
    for key, config in configs.items():
        assert config["architectures"] == [exported[0][f"{name}-{key}"]["made"].architecture]
    assert {answer["max_length"] for answer in exported[1].values()} == {MAX_LENGTH}


@pytest.mark.parametrize("name", ENCODERS)
def test_the_heads_dropout_is_the_configurations(exported, name):
    assert set(exported[1][f"{name}-single"]["dropouts"]) == {0.37}
    assert 0.37 not in exported[1][f"{name}-pair"]["dropouts"]


def test_every_kind_is_exported():
    kinds = {build_task(key, definition(fields)).head_spec.kind for key, fields in TASKS.items()}
    assert kinds == set(NATIVE_CLASSES)


def test_these_are_the_pipelines_that_transformers_has():
    """Version 5 dropped question answering, and multiple choice never had one."""
    assert {name for name, _ in PIPELINES.values()} <= set(SUPPORTED_TASKS)
    assert not {"question-answering", "multiple-choice"} & set(SUPPORTED_TASKS)


# What is refused --------------------------------------------------------------------------------------------------


@pytest.fixture
def model(tmp_path):
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(save("BERT", tmp_path / "encoder"))))
    specs = {"a": HeadSpec("sequence_classification", 2), "b": HeadSpec("sequence_classification", 2, type="plain")}
    return MultiTaskModel(encoder, specs), tokenizer


def test_nothing_is_kept_of_a_model_that_computes_something_else(model, tmp_path, monkeypatch):
    logits = export._logits
    monkeypatch.setattr(export, "_logits", lambda *args: logits(*args) + 1e-3)
    (tmp_path / "out").mkdir()
    export_folder = tmp_path / "out" / "a"
    with pytest.raises(CheckpointError, match="BertForSequenceClassification computes other logits.*differ by 0.001"):
        export_head(model[0], "a", model[1], export_folder)
    assert list(export_folder.parent.iterdir()) == []


def test_an_earlier_export_survives_a_failed_one(model, tmp_path, monkeypatch):
    export_head(model[0], "a", model[1], tmp_path / "out")
    before = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    monkeypatch.setattr(export, "_logits", lambda *args: torch.zeros(4, 2))
    with pytest.raises(CheckpointError):
        export_head(model[0], "a", model[1], tmp_path / "out", overwrite=True)
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_a_class_that_needs_more_than_there_is_is_refused():
    encoder = Encoder(BertModel(BertConfig(**SMALL), add_pooling_layer=False))
    model = MultiTaskModel(encoder, {"a": HeadSpec("sequence_classification", 2)})
    with pytest.raises(CheckpointError, match=r"do not fit BertForSequenceClassification: bert\.pooler\.dense"):
        task_model(model, "a")


def test_a_head_of_our_own_has_no_class(model, tmp_path):
    with pytest.raises(CheckpointError, match="of type 'plain', which no Hugging Face class has.*mtsmart predict"):
        export_head(model[0], "b", model[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_exporting_draws_no_random_numbers_and_changes_no_weight(model, tmp_path):
    before = {name: tensor.clone() for name, tensor in model[0].state_dict().items()}
    state = torch.get_rng_state()
    export_head(model[0], "a", model[1], tmp_path / "out")
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model[0].state_dict().items())
    assert model[0].training


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_saved_tokenizer_pads_and_cuts_as_ours(model, tmp_path, side):
    """transformers writes both only where they were given when the tokenizer was made."""
    network, tokenizer = model
    tokenizer.padding_side = side
    export_head(network, "a", tokenizer, tmp_path / "out", max_length=7)
    again = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert (again.padding_side, again.model_max_length) == (side, 7)
    assert again.model_input_names == tokenizer.model_input_names
