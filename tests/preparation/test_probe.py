"""Before training, rows of each task go through encoder and head together and alone, and their tokens are counted."""

import copy
import json
import random
import re
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.encoder_zoo import WORDS, ZOO, save
from benchmarks.encoders import PAGE, TASKS, WORKS, row, verdict, verdicts, write_rows
from mtsmart.config.loader import load_experiment
from mtsmart.errors import CheckpointError, MtsmartWarning
from mtsmart.preparation.probe import check_fit
from mtsmart.training.setup import prepare


@pytest.fixture
def setup_of(tmp_path, monkeypatch):
    """Architecture, tasks and head -> what ``prepare`` builds."""
    monkeypatch.chdir(tmp_path)

    def build(name, kinds=("sequence_classification",), head="{type: plain}", rows=None):
        if rows is None:
            write_rows(tmp_path / "rows.jsonl")
        else:
            (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        if not (tmp_path / "encoder").exists():
            save(name, tmp_path / "encoder")
        tasks = "\n".join(f"  {kind}: {{{TASKS[kind]}, head: {head}}}" for kind in kinds)
        text = f"tasks:\n{tasks}\nencoder: {{path: ./encoder}}\ndata: {{max_length: 32, cache_dir: cache}}\n"
        (tmp_path / "experiment.yaml").write_text(text)
        return prepare(load_experiment(tmp_path / "experiment.yaml"))

    return build


def refusal(build, *arguments, **more):
    with pytest.raises(CheckpointError) as caught:
        build(*arguments, **more)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_it_changes_nothing(setup_of):
    """No parameter, no buffer, no mode of a module, no random stream: a run's numbers stay the same."""
    setup = setup_of("BERT", TASKS, "{type: native}")
    model = setup.model
    model.train()
    model.encoder.model.encoder.layer[0].eval()
    tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    torch.manual_seed(3)
    states = (torch.get_rng_state(), np.random.get_state(), random.getstate())
    check_fit(model, setup.tasks, setup.tokenizer)
    assert torch.equal(states[0], torch.get_rng_state())
    assert all(np.array_equal(one, other) for one, other in zip(states[1], np.random.get_state(), strict=True))
    assert states[2] == random.getstate()
    assert modes == [module.training for module in model.modules()]
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in tensors.items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(
    ("name", "has_marks", "told"),
    [("Llama", False, 1), ("Llama", True, 0), ("BERT", False, 0), ("RoBERTa", True, 0), ("T5", True, 0)],
)
def test_texts_without_a_mark_between_are_told(name, has_marks, told, setup_of, tmp_path):
    """Token types, which BERT reads, are a mark too."""
    save(name, tmp_path / "encoder")
    if not has_marks:
        file = tmp_path / "encoder" / "tokenizer.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "post_processor": None}))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        setup_of(name, ["sequence_classification"])
    texts = [str(warning.message) for warning in caught if "puts no mark between the texts" in str(warning.message)]
    assert len(texts) == told
    assert all('text: ["{a} | {b}"] makes one text of both' in text for text in texts)


@pytest.mark.parametrize("name", ["GPT-2", "Llama", "Qwen2", "XLNet"])
def test_heads_that_read_the_end_of_a_text_do_not_read_padding(name, setup_of):
    """The same text gives the same prediction alone and beside a longer one."""
    setup = setup_of(name, head="{type: native}")
    task = setup.tasks["sequence_classification"]
    model = setup.model.eval()
    rows = [{**task.train.rows[place]} for place in (0, int(task.train.lengths.argmin()))]

    def logits(chosen):
        batch = task.collate(chosen, 0)
        return model(task.type.head_name, model.embed(batch.inputs["input_ids"]), batch.inputs)

    with torch.no_grad():
        together = logits(rows)
        alone = torch.cat([logits([row]) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(together[0], together[1], atol=1e-4)


@pytest.mark.parametrize(
    ("name", "kind", "head", "message"),
    [
        (
            "ConvBERT",
            "sequence_classification",
            "{type: plain}",
            "alone than beside a longer row: it reads padding. Use another",
        ),
        (
            "FNet",
            "token_classification",
            "{type: plain}",
            "alone than beside a longer row: it reads padding. Use another",
        ),
        (
            "ESM",
            "sequence_classification",
            "{type: native}",
            "computes something else from word embeddings than from words",
        ),
        ("MRA", "masked_lm", "{type: plain}", "does not depend on the token before it"),
        (
            "Reformer",
            "token_classification",
            "{type: plain}",
            "gives outputs of 32 numbers, and its configuration says 16",
        ),
        (
            "RoFormer",
            "multiple_choice",
            "{type: native}",
            "other logits alone .* Say 'head: {type: plain, pooling: mean}'",
        ),
        ("GPT-2", "sequence_classification", "{type: plain, pooling: cls}", "different rows .* the same logits"),
        ("Longformer", "sequence_classification", "{type: native}", "needs global attention.*head: {type: plain}"),
        (
            "GTE",
            "sequence_classification",
            "{type: native}",
            "a head that fails on a row .*head: {type: plain, pooling",
        ),
    ],
)
def test_what_does_not_fit_is_refused(name, kind, head, message, setup_of):
    assert re.search(message, refusal(setup_of, name, [kind], head))


def test_the_advice_of_a_refused_head_works(setup_of):
    for name, kind in (("RoFormer", "multiple_choice"), ("GPT-2", "sequence_classification")):
        setup_of(name, [kind], "{type: plain, pooling: mean}")


def test_a_head_that_reads_a_fixed_place_is_refused(setup_of):
    """Whoever wrote it; the place is padding in a short row."""
    setup = setup_of("BERT")
    head = setup.model.head("sequence_classification")
    head.pool.forward = lambda hidden, mask: hidden[:, -1]
    with pytest.raises(CheckpointError, match="other logits alone than beside a longer row"):
        check_fit(setup.model, setup.tasks, setup.tokenizer)


def test_a_head_that_starts_at_zero_passes(setup_of):
    setup = setup_of("BERT")
    for parameter in setup.model.head("sequence_classification").parameters():
        nn.init.zeros_(parameter)
    check_fit(setup.model, setup.tasks, setup.tokenizer)


def test_a_row_whose_logits_are_near_zero_passes(setup_of):
    """What is left of its logits is rounding, which batches of other sizes change."""
    setup = setup_of("BERT")
    model = setup.model.eval()
    task = setup.tasks["sequence_classification"]
    batch = task.collate([task.train.rows[int(task.train.lengths.argmin())]], 0)
    with torch.no_grad():
        logits = model(task.type.head_name, model.embed(batch.inputs["input_ids"]), batch.inputs)
        last = [part for part in model.head(task.type.head_name).modules() if isinstance(part, nn.Linear)][-1]
        last.bias -= logits[0]
    check_fit(model, setup.tasks, setup.tokenizer)


def test_every_task_is_looked_at_and_rows_of_one_length_too(setup_of):
    rows = [{"a": "the cat", "b": "a dog", "label": "yes"}, {"a": "the dog", "b": "a car", "label": "no"}]
    setup = setup_of("BERT", ("masked_lm", "sequence_classification"), rows=rows)
    last = setup.model.head("sequence_classification")
    last.pool.forward = lambda hidden, mask: hidden.mean(1)
    with pytest.raises(CheckpointError, match="a row of task sequence_classification other logits"):
        check_fit(setup.model, setup.tasks, setup.tokenizer)


def unknown_words(share):
    """Rows of which a share of the words is in no vocabulary; special tokens do not count."""
    draw = random.Random(0)
    words = ["xyzzy" if draw.random() < share else draw.choice(WORDS) for _ in range(400)]
    return [
        {"a": " ".join(words[at : at + 5]), "b": "xyzzy" if share == 1 else "a", "label": "yes"}
        for at in range(0, 400, 5)
    ]


@pytest.mark.parametrize(("share", "outcome"), [(1.0, "refused"), (0.6, "told"), (0.3, "told"), (0.02, "silent")])
def test_unknown_tokens_are_counted(share, outcome, setup_of):
    rows = unknown_words(share)
    if outcome == "refused":
        text = refusal(setup_of, "BERT", rows=rows)
        assert re.match(r"encoder.s tokenizer: encoder\.path: knows too few words: 100% of", text)
        assert (
            "of the tokens of task sequence_classification are unknown to it. Use an encoder for the language" in text
        )
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        setup_of("BERT", rows=rows)
    told = [str(each.message) for each in caught if issubclass(each.category, MtsmartWarning)]
    assert [text for text in told if "unknown" in text] == (
        [text for text in told if "of the tokens of task sequence_classification are unknown" in text]
    )
    assert any("unknown" in text for text in told) == (outcome == "told")


@pytest.mark.parametrize("settings", [{"unk_token": None}, {"unk_token": "cat"}, {"pad_token": "[UNK]"}])
def test_unknown_tokens_are_those_that_the_vocabulary_has_for_them(settings, setup_of, tmp_path):
    """Whatever the settings call them."""
    save("BERT", tmp_path / "encoder")
    file = tmp_path / "encoder" / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))
    text = refusal(setup_of, "BERT", rows=unknown_words(1.0))
    assert "knows too few words: 100% of the tokens of task sequence_classification are unknown" in text


@pytest.mark.parametrize("words", [["cat"], ["cat", "dog", "car"]])
@pytest.mark.parametrize("head", ["{type: native}", "{type: plain}"])
def test_rows_of_one_token_are_no_fault_of_the_encoder(words, head, setup_of, tmp_path, monkeypatch):
    """GPT-2's tokenizer adds no tokens, so that a row of one word is one token."""
    monkeypatch.setitem(TASKS, "sequence_classification", TASKS["sequence_classification"].replace("[a, b]", "[a]"))
    save("GPT-2", tmp_path / "encoder")
    file = tmp_path / "encoder" / "tokenizer.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "post_processor": None}))
    rows = [{"a": word, "label": label} for word in words for label in ("yes", "no")]
    setup = setup_of("GPT-2", head=head, rows=rows)
    assert len(setup.tasks["sequence_classification"].train.rows[0]["input_ids"]) == 1


def test_a_tokenizer_that_loses_all_texts_is_refused(setup_of):
    setup = setup_of("BERT")
    task = setup.tasks["sequence_classification"]
    empty = copy.copy(task.train)
    lost = task.train.rows.map(lambda row: {"input_ids": [2, 3]})
    object.__setattr__(empty, "rows", lost)
    tasks = {"sequence_classification": copy.copy(task)}
    object.__setattr__(tasks["sequence_classification"], "train", empty)
    with pytest.raises(CheckpointError, match="makes no tokens of the texts of task sequence_classification"):
        check_fit(setup.model, tasks, setup.tokenizer)


def test_a_refusal_is_one_line_and_nothing_is_written(setup_of, cli, tmp_path, capsys):
    setup_of("GPT-2")
    file = tmp_path / "experiment.yaml"
    file.write_text(file.read_text().replace("{type: plain}", "{type: plain, pooling: cls}"))
    before = sorted(tmp_path.iterdir())
    capsys.readouterr()
    result = cli("train", "experiment.yaml", "--output-dir", "run")
    assert result.code == 2
    assert result.err.count("\n") == 1
    assert "has a head that gives different rows of task sequence_classification the same logits" in result.err
    assert sorted(tmp_path.iterdir()) == before


QUICK = {
    "BERT, one token type": WORKS,
    "BigBird, short blocks": WORKS,
    "BART": "is an encoder with a decoder",
    "Pegasus": "is an encoder with a decoder",
    "MobileBERT": "it reads padding",
    "CANINE": "has no table of word embeddings",
    "I-BERT": "does not run on word embeddings",
    "Perceiver": "takes no inputs_embeds",
    "T5": WORKS,
}


@pytest.mark.parametrize("name", list(QUICK))
def test_verdicts_on_plain_heads(name, tmp_path):
    """Heads of all kinds together; where they work, updates with SMART are trained."""
    write_rows(tmp_path / "rows.jsonl")
    found = verdict(save(name, tmp_path / "encoder"), tmp_path, "plain", TASKS)
    assert found == WORKS if QUICK[name] == WORKS else QUICK[name] in found


@pytest.mark.slow
@pytest.mark.parametrize("name", list(ZOO))
def test_the_page_has_the_verdicts_of_all_architectures(name, tmp_path):
    line = "| " + " | ".join(row(name, verdicts(name, tmp_path / "made"))) + " |\n"
    assert line in PAGE.read_text(encoding="utf-8")
