"""The plain head: pooling of real tokens only, layers, shapes for every kind, initialisation."""

import pytest
import torch

import mtsmart
from mtsmart.errors import ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import KINDS, HeadSpec, build_head
from mtsmart.models.heads.plain import Pooling
from tests.models.architectures import ARCHITECTURES, make, tokenizer_of
from tests.models.test_encoder import padded, small

POOLINGS = ["cls", "mean", "max", "attention"]
WIDTHS = {"multiple_choice": (1,), "token_classification": (9, 3), "question_answering": (9, 2), "masked_lm": (2, 50)}


def spec(kind="sequence_classification", **changes):
    return HeadSpec(kind, 3, **{"type": "plain", "dropout": 0.1, **changes})


@pytest.mark.parametrize("name", list(ARCHITECTURES))
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_on_every_encoder(name, kind):
    encoder = small(name)
    ids, mask = padded(encoder)
    inputs = {"attention_mask": mask, "positions": torch.tensor([[1, 2], [3, 0], [8, 8]])}
    logits = build_head(encoder, spec(kind)).eval()(encoder(encoder.embed(ids), inputs), inputs)
    assert logits.shape == (3, *WIDTHS.get(kind, (3,)))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("how", POOLINGS)
@pytest.mark.parametrize("name", ["BERT", "XLNet"])
def test_pooling_sees_real_tokens_only(name, how, side):
    """Against a loop over the rows without their padding, whatever stands on the padding."""
    torch.manual_seed(0)
    pool = Pooling(small(name), how)
    hidden, lengths = torch.randn(3, 6, 16), [6, 4, 1]
    mask = (torch.arange(6) < torch.tensor(lengths).unsqueeze(1)).long()
    mask = mask.flip(1) if side == "left" else mask
    pooled = pool(hidden, mask)
    for row in range(3):
        tokens = hidden[row][mask[row] == 1]
        if how == "attention":
            expected = torch.softmax(pool.score(tokens).squeeze(-1), 0) @ tokens
        else:
            at = -1 if name == "XLNet" else 0
            expected = {"cls": tokens[at], "mean": tokens.mean(0), "max": tokens.amax(0)}[how]
        torch.testing.assert_close(pooled[row], expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(pool(hidden + 5 * (1 - mask).unsqueeze(-1), mask), pooled)


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "T5"])
def test_cls_is_where_the_tokenizer_puts_it(name):
    """The pooled position holds the tokenizer's own CLS token, on both sides of padding."""
    encoder, tokenizer = Encoder(make(name)), tokenizer_of(name)
    tokenizer.padding_side = "left" if encoder.summary_at_end else "right"
    tokens = tokenizer(["a dog", "the cat sees a big house"], padding=True, return_tensors="pt")
    ids = tokens["input_ids"].unsqueeze(-1).float()
    assert (Pooling(encoder, "cls")(ids, tokens["attention_mask"]) == tokenizer.cls_token_id).all()


@pytest.mark.parametrize("kind", ["sequence_classification", "token_classification", "masked_lm"])
def test_layers_are_as_many_as_asked_for(kind):
    linear = [
        sum(isinstance(m, torch.nn.Linear) for m in build_head(small("BERT"), spec(kind, layers=n)).modules())
        for n in (None, 0, 1, 3)
    ]
    assert linear == ([1, 0, 1, 3] if kind == "masked_lm" else [1, 1, 2, 4])


def test_a_small_embedding_has_a_projection():
    head = build_head(small("ALBERT"), spec("masked_lm"))
    assert head.project.weight.shape == (12, 16)
    assert isinstance(build_head(small("BERT"), spec("masked_lm")).project, torch.nn.Identity)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_drawn_from_the_global_generator_at_the_architectures_scale(kind):
    encoder, states = small("BERT"), []
    before = encoder.word_embeddings.clone()
    for _ in range(2):
        torch.manual_seed(3)
        head = build_head(encoder, spec(kind, layers=2))
        states.append([p.clone() for p in head.parameters() if p is not encoder.word_embeddings])
    assert all(torch.equal(a, b) for a, b in zip(*states, strict=True))
    weights = torch.cat([p.detach().flatten() for p in states[0] if p.ndim == 2])
    assert float(weights.std()) == pytest.approx(encoder.config.initializer_range, rel=0.15)
    assert torch.equal(encoder.word_embeddings, before)


@pytest.mark.parametrize(("dropout", "expected"), [(0.37, 0.37), (None, 0.1), (0.0, 0.0)])
def test_dropout_is_the_heads_own_or_the_architectures(dropout, expected):
    head = build_head(small("BERT"), spec(layers=1, dropout=dropout))
    assert {m.p for m in head.modules() if isinstance(m, torch.nn.Dropout)} == {expected}


@pytest.mark.parametrize("kind", ["token_classification", "question_answering", "masked_lm"])
def test_token_kinds_take_no_pooling(kind):
    with pytest.raises(ConfigError, match=rf"head\.pooling: does not go with {kind}, which keeps every token"):
        build_head(small("BERT"), spec(kind, pooling="mean"))


def test_an_experiment_trains_with_it(workspace):
    changes = ["tasks.color.head={layers: 1, pooling: attention}", "tasks.near.head={type: plain, pooling: max}"]
    run = mtsmart.train(workspace.experiment, [*changes, "training.epochs=1"], output_dir=workspace.folder / "run")
    assert set(run.results["tasks"]) == {"color", "near"}
    assert mtsmart.load(run.path).evaluate().to_json()["tasks"] == run.results["tasks"]
