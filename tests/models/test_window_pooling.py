"""The logits of windows become those of a row: closed forms, and one window is as if there were none."""

import pytest
import torch

from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.windows import NONE, POOLINGS, WINDOWS, WindowPooling
from mtsmart.models.multitask import MultiTaskModel
from tests.models.test_encoder import padded, small

PLACES = torch.tensor([[0, NONE, NONE], [1, 2, 3], [4, 5, NONE]])


def pooling(how, seed=0):
    """A pooling in float64 whose vector is not 0."""
    made = WindowPooling(small("BERT"), how).double()
    if made.score is not None:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            made.score.copy_(torch.randn(made.score.shape, generator=generator))
    return made


def windows_of_three_rows():
    """Logits (6, 4), hidden states (6, 5, H) and the inputs of three rows of 1, 3 and 2 windows."""
    generator = torch.Generator().manual_seed(1)
    logits, hidden = (torch.randn(*shape, generator=generator).double() for shape in ((6, 4), (6, 5, 16)))
    mask = (torch.arange(5) < torch.tensor([5, 3, 1, 4, 2, 5]).unsqueeze(1)).long()
    return logits, hidden, {"attention_mask": mask, WINDOWS: PLACES}


@pytest.mark.parametrize("how", POOLINGS)
def test_each_row_has_the_closed_form_of_its_own_windows(how):
    made = pooling(how)
    logits, hidden, inputs = windows_of_three_rows()
    found = made(logits, hidden, inputs)
    for row, places in enumerate(([0], [1, 2, 3], [4, 5])):
        own = logits[places]
        means = torch.stack([hidden[place][inputs["attention_mask"][place] == 1].mean(0) for place in places])
        if how == "attention":
            expected = torch.softmax(means @ made.score, 0) @ own
        else:
            expected = {"mean": own.mean(0), "max": own.amax(0)}[how]
        # The weights of attention are computed in float32.
        torch.testing.assert_close(found[row], expected, atol=1e-6 if how == "attention" else 1e-12, rtol=0)


@pytest.mark.parametrize("how", POOLINGS)
def test_a_row_of_one_window_has_its_bits_beside_rows_of_several(how):
    made = pooling(how)
    logits, hidden, inputs = windows_of_three_rows()
    assert torch.equal(made(logits, hidden, inputs)[0], logits[0])


@pytest.mark.parametrize("how", POOLINGS)
def test_rows_of_one_window_each_are_not_touched(how):
    made = pooling(how)
    logits, hidden, inputs = windows_of_three_rows()
    assert made(logits, hidden, {"attention_mask": inputs["attention_mask"]}) is logits


def test_attention_starts_as_the_mean_and_learns():
    logits, hidden, inputs = windows_of_three_rows()
    made = WindowPooling(small("BERT"), "attention").double()
    found = made(logits, hidden, inputs)
    torch.testing.assert_close(found, pooling("mean")(logits, hidden, inputs), atol=1e-6, rtol=0)
    found.square().sum().backward()
    assert made.score.grad.abs().sum() > 0


def test_pooling_logits_is_pooling_features_where_weights_sum_to_one():
    """With the last, affine layer of a head after the pooling instead of before it."""
    _, hidden, inputs = windows_of_three_rows()
    features = torch.randn(6, 7, generator=torch.Generator().manual_seed(3)).double()
    layer = torch.nn.Linear(7, 4).double()
    for how in ("mean", "attention"):
        made = pooling(how)
        of_logits = made(layer(features), hidden, inputs)
        torch.testing.assert_close(of_logits, layer(made(features, hidden, inputs)), atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", ["native", "plain"])
@pytest.mark.parametrize("how", POOLINGS)
def test_windows_draw_no_random_numbers(how, kind):
    """Heads that are built after one with windows get the weights that they get without."""
    models, states = [], []
    for windows in (None, how):
        encoder = small("BERT")
        torch.manual_seed(5)
        spec = HeadSpec("sequence_classification", 3, kind, windows=windows)
        models.append(MultiTaskModel(encoder, {"a": spec, "b": HeadSpec("sequence_classification", 2, kind)}))
        states.append(torch.get_rng_state())
    assert torch.equal(*states)
    plain, windowed = (model.state_dict() for model in models)
    added = {f"heads.a_head.{WINDOWS}.score"} if how == "attention" else set()
    assert windowed.keys() - plain.keys() == added
    heads = [name for name in plain if name.startswith("heads.")]
    assert heads and all(torch.equal(plain[name], windowed[name]) for name in heads)


def test_a_model_gives_one_row_of_logits_a_text():
    encoder = small("BERT")
    ids, mask = padded(encoder)
    model = MultiTaskModel(encoder, {"a": HeadSpec("sequence_classification", 4, windows="max")}).eval()
    inputs = {"input_ids": ids, "attention_mask": mask}
    embeddings = model.embed(ids)
    each = model("a", embeddings, inputs)
    together = model("a", embeddings, {**inputs, WINDOWS: torch.tensor([[0, 1], [2, NONE]])})
    assert each.shape == (3, 4) and torch.equal(together, torch.stack([each[:2].amax(0), each[2]]))


@pytest.mark.parametrize("how", [*POOLINGS, None])
@pytest.mark.parametrize("most", [1, 2, 5])
def test_many_sequences_go_through_the_encoder_in_parts(how, most):
    """Rows of 17 and 4 windows, or lists of candidates, on two heads: the same logits with at most a few at a time."""
    encoder = small("BERT")
    ids, mask = padded(encoder, lengths=(9, 6, 4, 7, 8, 3, 5) * 3)
    spec = HeadSpec("sequence_classification", 4, windows=how)
    model = MultiTaskModel(encoder, {"a": spec, "b": spec}).eval()
    if how == "attention":
        torch.nn.init.normal_(model.head("a").windows.score)
    inputs = {"input_ids": ids, "attention_mask": mask}
    if how is not None:
        places = torch.arange(17).unsqueeze(0).repeat(2, 1)
        places[1] = torch.where(places[1] < 4, places[1] + 17, NONE)
        inputs[WINDOWS] = places
    seen = []
    encoder.register_forward_pre_hook(lambda module, given: seen.append(len(given[0])))
    found = model.logits_in_parts(["a", "b"], inputs, most)
    is_split = how is not None or most * 8 < len(ids)
    assert max(seen) <= most if is_split else seen == [len(ids)]
    for head, logits in zip("ab", found, strict=True):
        expected = model(head, model.embed(ids), inputs)
        torch.testing.assert_close(logits, expected, atol=1e-6, rtol=1e-5)
        assert not logits.requires_grad
