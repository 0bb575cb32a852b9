"""Tagging: labels on first sub-words, windows, the objective over scored tokens only, decoding, refusals."""

import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification, AutoTokenizer

from mtsmart.errors import ConfigError, DataError
from mtsmart.losses import DIVERGENCES, Role
from mtsmart.models.loading import resolve_path
from mtsmart.task_types import build_task, build_tasks
from mtsmart.task_types.interface.base import Outputs
from mtsmart.tasks import TaskDefinition, TaskLibrary
from tests.task_types.examples.tagging import DEFINITION, ROWS

LABELS = DEFINITION["labels"]
ROWS_OF_WORDS = [
    "the guitarists were playing unbelievably long concertos in New York City".split(),
    ["a", "cat"],
    ["\u200d", "dog", ""],
]


@pytest.fixture(scope="module")
def tokenizer(minilm):
    return AutoTokenizer.from_pretrained(resolve_path(minilm))


def task(head_labels=None, **changes):
    owner = None if head_labels is None else task(labels=head_labels, metrics=["tag_accuracy"])
    return build_task("t", TaskDefinition(**{**DEFINITION, **changes}), owner)


def encode(chosen, tokenizer, rows, max_length=32, labels=True):
    columns = {name: [row.get(name) for row in rows] for name in ("words", "tags")}
    return chosen.encode({**columns, "row": list(range(len(rows)))}, tokenizer, max_length, labels)


def features(encoded):
    return [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]


def tagged(rows):
    """Rows with tags that go round."""
    return [{"words": words, "tags": [LABELS[i % len(LABELS)] for i in range(len(words))]} for words in rows]


def batch_of(chosen, tokenizer, rows=None, **settings):
    encoded = encode(chosen, tokenizer, rows or tagged(ROWS_OF_WORDS), **settings)
    return encoded, chosen.collate(features(encoded), tokenizer, seed=0)


def random_logits(batch, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*batch.inputs["input_ids"].shape, len(LABELS), generator=generator)


# From rows to batches -----------------------------------------------------------------------------------------------


def test_the_first_subword_carries_the_label(tokenizer):
    rows = [{"words": ["playing", "unbelievably", "U.S."], "tags": ["O", "B-animal", "I-thing"]}]
    encoded = encode(task(), tokenizer, rows)
    (tokens,) = [tokenizer.convert_ids_to_tokens(ids) for ids in encoded["input_ids"]]
    assert tokens == "[CLS] playing un ##bel ##ie ##va ##bly u . s . [SEP]".split()
    ignored = -100
    assert encoded["labels"] == [[ignored, 0, 1, *[ignored] * 4, 4, *[ignored] * 4]]
    assert encoded["word"] == [[-1, 0, 1, *[-1] * 4, 2, *[-1] * 4]]


def test_words_and_tags_may_be_text_and_tags_numbers(tokenizer):
    listed = encode(task(), tokenizer, [{"words": ["a", "red", "cat"], "tags": ["O", "O", "B-animal"]}])
    assert encode(task(), tokenizer, [{"words": "a red  cat", "tags": "O O B-animal"}]) == listed
    assert encode(task(), tokenizer, [{"words": "a red cat", "tags": [0, 0, 1]}]) == listed


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "\u2007"])
def test_blanks_that_do_not_break_part_no_words(tokenizer, blank):
    row = {"words": f"about 20{blank}000 red\u3000cats", "tags": "O B-thing O B-animal"}
    encoded = encode(task(), tokenizer, [row])
    assert encoded["words"] == [["about", f"20{blank}000", "red", "cats"]]


def test_encoding_is_the_same_without_labels_but_for_them(tokenizer):
    rows = tagged(ROWS_OF_WORDS)
    with_labels, without = (encode(task(), tokenizer, rows, labels=labels) for labels in (True, False))
    assert set(with_labels) - set(without) == {"labels", "tags"}
    assert all(without[name] == with_labels[name] for name in without)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_is_ignored_on_either_side(minilm, side):
    own = AutoTokenizer.from_pretrained(resolve_path(minilm), padding_side=side)
    encoded, batch = batch_of(task(), own)
    assert (batch.targets["labels"] == -100).sum() > (batch.attention_mask == 0).sum() > 0
    assert not batch.layout["scored"][batch.attention_mask == 0].any()
    for index, row in enumerate(encoded["labels"]):
        real = batch.attention_mask[index].bool()
        assert batch.targets["labels"][index][real].tolist() == row
        assert batch.layout["scored"][index][real].tolist() == [label != -100 for label in row]


# Windows ------------------------------------------------------------------------------------------------------------

WORD = st.sampled_from(["a", "cat", "guitarists", "unbelievably", "U.S.", "concertos", "", "\u200d", "New York"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(WORD, max_size=40), min_size=1, max_size=3),
    max_length=st.integers(8, 24),
    overlap=st.none() | st.integers(0, 5),
)
def test_every_word_is_scored_exactly_once(tokenizer, rows, max_length, overlap):
    chosen = task(options={"overlap": overlap})
    rows = tagged(rows)
    encoded = encode(chosen, tokenizer, rows, max_length)
    assert max(map(len, encoded["input_ids"])) <= max_length
    for number, row in enumerate(rows):
        scored = [
            (word, label)
            for source, words, labels in zip(encoded["row"], encoded["word"], encoded["labels"], strict=True)
            for word, label in zip(words, labels, strict=True)
            if source == number and word >= 0
        ]
        expected = [index for index, word in enumerate(row["words"]) if word not in ("", "\u200d")]
        assert [word for word, _ in scored] == expected
        assert [LABELS[label] for _, label in scored] == [row["tags"][word] for word in expected]
    # A model that is right on every scored token gives each row its tags; O on words that have no token.
    _, batch = batch_of(chosen, tokenizer, rows, max_length=max_length)
    right = torch.nn.functional.one_hot(batch.targets["labels"].clamp_min(0), len(LABELS)).float()
    tags = chosen.decode(Outputs(chosen.unbatch(right, batch), encoded))
    nothing = ("", "\u200d")
    assert tags == [
        ["O" if word in nothing else tag for word, tag in zip(row["words"], row["tags"], strict=True)] for row in rows
    ]
    assert chosen.references(encoded) == [row["tags"] for row in rows]


def test_windows_of_a_long_row_share_words_and_keep_the_special_tokens(tokenizer):
    words = [f"w{number}" for number in range(10)]  # two tokens each: w and ##<number>
    encoded = encode(task(options={"overlap": 4}), tokenizer, tagged([words]), max_length=10)
    tokens = [tokenizer.convert_ids_to_tokens(ids) for ids in encoded["input_ids"]]
    assert all((window[0], window[-1], len(window)) == ("[CLS]", "[SEP]", 10) for window in tokens)
    assert [[int(window[i + 1][2:]) for i in range(1, 9, 2)] for window in tokens] == [
        [0, 1, 2, 3],
        [2, 3, 4, 5],
        [4, 5, 6, 7],
        [6, 7, 8, 9],
    ]
    assert [[word for word in window if word >= 0] for window in encoded["word"]] == [
        [0, 1, 2],
        [3, 4],
        [5, 6],
        [7, 8, 9],
    ]
    assert (encoded["window"], encoded["row"]) == ([0, 1, 2, 3], [0] * 4)


def test_windows_that_cannot_be_are_refused(tokenizer):
    long = tagged([["cat"] * 20])
    with pytest.raises(ConfigError, match=r"t\.options\.overlap: is too long, got 6\. It must be less than the 6"):
        encode(task(options={"overlap": 6}), tokenizer, long, max_length=8)
    with pytest.raises(ConfigError, match=r"t\.max_length: leaves no room for words, got 2"):
        encode(task(), tokenizer, long, max_length=2)
    with pytest.raises(ConfigError, match="t.options.overlap.*greater than or equal to 0"):
        task(options={"overlap": -1})


# The objective ------------------------------------------------------------------------------------------------------


def test_the_loss_is_that_of_the_hugging_face_class(tiny_encoder):
    own = AutoTokenizer.from_pretrained(tiny_encoder)
    model = AutoModelForTokenClassification.from_pretrained(tiny_encoder, num_labels=len(LABELS)).eval()
    chosen = task()
    _, batch = batch_of(chosen, own, ROWS)
    with torch.no_grad():
        output = model(**batch.inputs, labels=batch.targets["labels"])
    torch.testing.assert_close(chosen.criterion(output.logits, batch), output.loss, atol=1e-6, rtol=1e-6)


def test_the_loss_in_closed_form(tokenizer):
    _, batch = batch_of(task(), tokenizer)
    logits = random_logits(batch).double()
    labels = batch.targets["labels"]
    losses = [
        -torch.log_softmax(logits[i, t], -1)[labels[i, t]]
        for i, t in (labels != -100).nonzero().tolist()  # 11 + 2 + 1 words have tokens
    ]
    assert len(losses) == 14
    assert float(task().criterion(logits, batch)) == pytest.approx(float(torch.stack(losses).mean()), abs=1e-6)


@pytest.mark.parametrize("name", ["symmetric_kl", "kl", "js", "hellinger"])
def test_divergences_and_changes_are_means_over_scored_tokens(tokenizer, name):
    chosen = task(adv_loss=name, kd_loss="kl")
    _, batch = batch_of(chosen, tokenizer)
    _, unlabelled = batch_of(chosen, tokenizer, labels=False)
    a, b = random_logits(batch), random_logits(batch, 1)
    scored = batch.layout["scored"]
    expected = DIVERGENCES[name](a, b)[scored].mean()
    torch.testing.assert_close(chosen.divergence(a, b, batch, Role.ADVERSARIAL), expected)
    assert torch.equal(
        chosen.divergence(a, b, unlabelled, Role.ADVERSARIAL), chosen.divergence(a, b, batch, Role.ADVERSARIAL)
    )
    assert float(chosen.divergence(a, a, batch, Role.ADVERSARIAL)) == 0.0
    share = (a.argmax(-1) != b.argmax(-1))[scored].float().mean()
    torch.testing.assert_close(chosen.changed(a, b, batch), share)
    # What happens elsewhere, on special tokens, further sub-words and padding, counts for nothing.
    elsewhere = torch.where(scored.unsqueeze(-1), a, 100 * b)
    assert torch.equal(
        chosen.divergence(elsewhere, b, batch, Role.ADVERSARIAL), chosen.divergence(a, b, batch, Role.ADVERSARIAL)
    )
    assert torch.equal(chosen.criterion(elsewhere, batch), chosen.criterion(a, batch))
    assert torch.equal(chosen.changed(elsewhere, b, batch), chosen.changed(a, b, batch))


def test_a_batch_without_words_counts_nothing(tokenizer):
    chosen = task()
    encoded, batch = batch_of(chosen, tokenizer, tagged([[], ["", "\u200d"]]))
    logits = random_logits(batch)
    assert float(chosen.criterion(logits, batch)) == float(chosen.changed(logits, -logits, batch)) == 0.0
    outputs = Outputs(chosen.unbatch(logits, batch), encoded)
    assert chosen.decode(outputs) == [[], ["O", "O"]]
    assert chosen.describe(outputs, None)[0] == {"prediction": [], "probabilities": [], "entities": []}


# From logits to predictions -----------------------------------------------------------------------------------------


def test_words_without_a_token_get_the_first_tag_where_there_is_no_o(tokenizer):
    chosen = task(labels=["NOUN", "VERB", "ADJ", "DET", "ADP"])
    encoded, batch = batch_of(chosen, tokenizer, [{"words": ["cat", "\u200d"], "tags": ["VERB", "ADP"]}])
    logits = torch.zeros(*batch.inputs["input_ids"].shape, 5)
    logits[..., 2] = 1.0
    assert chosen.decode(Outputs(chosen.unbatch(logits, batch), encoded)) == [["ADJ", "NOUN"]]
    assert chosen.references(encoded) == [["VERB", "ADP"]]


def test_describe_gives_tags_probabilities_and_entities(tokenizer):
    chosen = task()
    rows = [{"words": "a big dog sees Köln".split(), "tags": ["O", "B-animal", "I-animal", "O", "I-thing"]}]
    encoded, batch = batch_of(chosen, tokenizer, rows)
    right = 3.0 * torch.nn.functional.one_hot(batch.targets["labels"].clamp_min(0), len(LABELS))
    (row,) = chosen.describe(Outputs(chosen.unbatch(right, batch), encoded), None)
    assert list(row) == ["prediction", "probabilities", "entities"]
    assert row["prediction"] == rows[0]["tags"]
    p = float(torch.tensor([3.0, 0, 0, 0, 0], dtype=torch.float64).softmax(0)[0])
    assert row["probabilities"] == pytest.approx([p] * 5, abs=1e-12)
    assert row["entities"] == [
        {"type": "animal", "start": 1, "end": 2, "text": "big dog"},
        {"type": "thing", "start": 4, "end": 4, "text": "Köln"},
    ]


def test_plain_tags_have_no_entities(tokenizer):
    chosen = task(labels=["X", "Y", "Z", "V", "W"])
    encoded, batch = batch_of(chosen, tokenizer, [{"words": ["cat"], "tags": ["X"]}])
    (row,) = chosen.describe(Outputs(chosen.unbatch(random_logits(batch), batch), encoded), None)
    assert list(row) == ["prediction", "probabilities"]


def test_the_baseline_is_the_most_frequent_tag():
    chosen = task(metrics=["entity_f1", "tag_accuracy"])
    gold = [["O", "B-thing", "O"], ["O"]]
    predicted = chosen.baseline([["O", "O", "B-thing"], ["I-thing"]], gold)
    assert predicted == [["O", "O", "O"], ["O"]]
    assert chosen.score(predicted, gold) == {"entity_f1": 0.0, "tag_accuracy": 3 / 4}


def test_a_shared_head_is_matched_by_name():
    assert task().adapt(torch.arange(5.0), None).tolist() == [0, 1, 2, 3, 4]
    chosen = task(head_labels=LABELS[::-1], share_head="other")
    assert chosen.adapt(torch.arange(5.0).expand(1, 2, 5), None).tolist() == [[[4, 3, 2, 1, 0]] * 2]
    with pytest.raises(ConfigError, match=r"t\.labels: has other tags than the shared head \(O, X\)"):
        task(head_labels=["O", "X"], share_head="other")


# Definitions and refusals -------------------------------------------------------------------------------------------


def test_the_main_metric_fits_the_tags():
    assert task().metric_names == ["entity_f1"]
    assert task(labels=["NOUN", "VERB"]).metric_names == ["tag_accuracy"]
    assert task(metrics=["tag_macro_f1"]).metric_names == ["tag_macro_f1"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": None}, "t.labels: is required for task type 'tagging'"),
        ({"text": ["a", "b"]}, "t.text: must be one column for task type 'tagging', got ['a', 'b']"),
        (
            {"labels": ["N", "V"], "metrics": ["entity_recall"]},
            "t.metrics: needs BIO, BIOES or BILOU tags, got 'entity_recall'",
        ),
        ({"metrics": ["entity_f2"]}, "'tagging', got 'entity_f2'. Did you mean 'entity_f1'?"),
        ({"options": {"overlp": 3}}, "t.options.overlp"),
        ({"adv_loss": "mse"}, "t.adv_loss: does not go with task type 'tagging'"),
        ({"share_head": "x", "project": {"a": "b"}}, "t.project: does not go with task type 'tagging'"),
    ],
)
def test_definitions_that_do_not_fit(changes, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        task(**changes)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"words": ["a", "cat"], "tags": ["O", "B-anmal"]},
            "row 2: tags: the tag of word 2 is not one of the task's, got 'B-anmal'. Did you mean 'B-animal'?",
        ),
        ({"words": "a cat", "tags": ["O", None]}, "row 2: tags: the tag of word 2 is not one of the task's, got null"),
        ({"words": "a cat", "tags": ["O", 5]}, "row 2: tags: the tag of word 2 is not one of the task's, got 5"),
        ({"words": "a cat", "tags": "O"}, "row 2: tags: there are 1 tags for 2 words, got 'O'"),
        ({"words": ["a cat"], "tags": ["O", "O"]}, "row 2: tags: there are 2 tags for 1 word"),
        ({"words": "a cat", "tags": 3}, "row 2: tags: is not a list of tags, got 3"),
        ({"words": ["a", None], "tags": "O O"}, "row 2: words: is not a list of words, got ['a', null]"),
        ({"words": 7, "tags": "O"}, "row 2: words: is not a list of words, got 7"),
        ({"words": '["In", 2019]', "tags": "O O"}, "row 2: words: is not a list of words"),
        ({"words": '["a", true]', "tags": "O O"}, "row 2: words: is not a list of words"),
    ],
)
def test_rows_that_do_not_fit_are_named(tokenizer, row, message):
    with pytest.raises(DataError, match=re.escape(message)):
        encode(task(), tokenizer, [ROWS[0], row])


def test_wnut_17_is_defined():
    library = TaskLibrary()
    wnut = build_tasks({"wnut_17": library.entry("wnut_17")})["wnut_17"]
    assert (wnut.metric_names[0], wnut.head_spec.kind, wnut.head_spec.num_labels) == (
        "entity_f1",
        "token_classification",
        13,
    )


@pytest.mark.hub
def test_wnut_17_is_encoded_whole(hub_dir, tokenizer):
    from mtsmart.config.sections import DataConfig
    from mtsmart.data.sources import load_split

    library = TaskLibrary()
    wnut = build_tasks({"wnut_17": library.entry("wnut_17")})["wnut_17"]
    for split, words in (("validation", 15733), ("test", 23394)):
        rows = load_split("wnut_17", wnut.definition, split, wnut.columns, DataConfig())
        encoded = wnut.encode(rows[:], tokenizer, 24, with_labels=True)
        references = wnut.references(encoded)
        assert references == rows["ner_tags"]
        assert sum(map(len, references)) == words
        assert len(encoded["row"]) > len(rows)  # windows


def test_lists_in_text_are_read_as_lists_or_refused(tokenizer):
    words = ['["a", "big cat"]', "[ a ]", "[1] a", "[]"]
    tags = ['["O", "B-animal"]', "O O O", "[0, 1]", ""]
    rows = [{"words": own, "tags": gold} for own, gold in zip(words, tags, strict=True)]
    encoded = encode(task(), tokenizer, rows)
    assert encoded["words"] == [["a", "big cat"], ["[", "a", "]"], ["[1]", "a"], []]
    assert encoded["tags"] == [[0, 1], [0, 0, 0], [0, 1], []]
    lists = r"parse: \{words: list\}"
    for text, hint in (("['a', 'cat']", lists), ('["a", "cat', lists), ('"[""a"", ""cat""]"', "without quoting")):
        with pytest.raises(DataError, match=f"row 1: words: is not a list of words.*{hint}"):
            encode(task(), tokenizer, [{"words": text, "tags": "O O"}])
    with pytest.raises(DataError, match=r"row 1: tags: is not a list of tags.*parse: \{tags: list\}"):
        encode(task(), tokenizer, [{"words": "a cat", "tags": "['O', 'O']"}])
