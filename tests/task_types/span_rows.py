"""Rows and tokenizers for the tests of extractive question answering."""

import datasets
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.conftest import WORDS

BASE = {"task_type": "span", "dataset": {"files": {"train": "x.jsonl"}}, "text": ["question", "context"]}


def task(**changes):
    return build_task("t", TaskDefinition(**{**BASE, **changes}))


def word_tokenizer(cls_at_end=False, blanks_belong_to_words=False):
    """One word a token; optionally with its classification token last, padding on the left, blanks kept in tokens."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {token: index for index, token in enumerate([*special, *WORDS, *(f"▁{word}" for word in WORDS)])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace() if blanks_belong_to_words else pre_tokenizers.Whitespace()
    pair = "$A [SEP] $B:1 [SEP]:1 [CLS]:2" if cls_at_end else "[CLS] $A [SEP] $B:1 [SEP]:1"
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A [SEP]", pair=pair, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        padding_side="left" if cls_at_end else "right",
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )


TOKENIZERS = {
    "cls first": word_tokenizer(),
    "cls last, padded left": word_tokenizer(cls_at_end=True),
    "blanks in tokens": word_tokenizer(blanks_belong_to_words=True),
}

every_tokenizer = pytest.mark.parametrize("tokenizer", list(TOKENIZERS.values()), ids=list(TOKENIZERS))


def source(question, context, *answers):
    """A row whose answers are given as texts (their first place is meant) or as (text, place)."""
    pairs = [(a, context.index(a)) if isinstance(a, str) else a for a in answers]
    value = {"text": [text for text, _ in pairs], "answer_start": [place for _, place in pairs]}
    return {"question": question, "context": context, "answers": value}


def columns(rows):
    return {**{name: [row[name] for row in rows] for name in rows[0]}, "row": list(range(len(rows)))}


def encode(chosen, rows, tokenizer, max_length=64, with_labels=True):
    return datasets.Dataset.from_dict(chosen.encode(columns(rows), tokenizer, max_length, with_labels))


def gold_logits(features, scale=10.0):
    """Logits that are high at the trained positions only."""
    logits = []
    for feature in features:
        one = torch.zeros(len(feature["input_ids"]), 2)
        one[feature["start"], 0] = one[feature["end"], 1] = scale
        logits.append(one)
    return logits


CAT = source("cat sleeps", "the red cat sleeps under the old car and the dog runs", "the old car", "old car")
