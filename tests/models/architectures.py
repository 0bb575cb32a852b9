"""Tiny random encoders of every architecture that is tested, each with a fast tokenizer of its style, as folders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from tests.conftest import WORDS

VOCABULARY = 50
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL = {**SHAPE, "intermediate_size": 32, "initializer_range": 0.2}


@dataclass(frozen=True)
class Style:
    """How a tokenizer lays out a text and a pair; ``special`` are its tokens 0 to 4."""

    special: tuple[str, ...]
    single: str
    pair: str
    names: dict[str, str]
    types: bool = False


BERT = Style(
    ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "[CLS] $A [SEP]",
    "[CLS] $A [SEP] $B:1 [SEP]:1",
    {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"},
    types=True,
)
ROBERTA = Style(
    ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    "<s> $A </s>",
    "<s> $A </s> </s> $B </s>",
    {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>", "bos": "<s>", "eos": "</s>"},
)
XLNET = Style(
    ("<unk>", "<sep>", "<cls>", "<pad>", "<mask>"),
    "$A <sep> <cls>:2",
    "$A <sep> $B:1 <sep>:1 <cls>:2",
    {"pad": "<pad>", "unk": "<unk>", "cls": "<cls>", "sep": "<sep>", "mask": "<mask>"},
    types=True,
)
T5 = Style(
    ("<pad>", "</s>", "<unk>", "<extra_id_1>", "<extra_id_0>"),
    "$A </s>",
    "$A </s> $B </s>",
    {"pad": "<pad>", "unk": "<unk>", "eos": "</s>"},
)


def _deberta(**changes: Any) -> PreTrainedModel:
    own = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    more = {"share_att_key": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "type_vocab_size": 0}
    return transformers.DebertaV2Model(transformers.DebertaV2Config(**{**SMALL, **own, **more, **changes}))


def _t5() -> PreTrainedModel:
    config = transformers.T5Config(
        vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=0
    )
    config.is_encoder_decoder = True
    return transformers.T5EncoderModel(config)


def _modernbert() -> PreTrainedModel:
    ids = {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
    windows = {"local_attention": 8, "global_attn_every_n_layers": 2}
    return transformers.ModernBertModel(transformers.ModernBertConfig(**SMALL, **ids, **windows))


def _xlnet() -> PreTrainedModel:
    return transformers.XLNetModel(
        transformers.XLNetConfig(
            vocab_size=VOCABULARY, d_model=16, n_layer=2, n_head=2, d_inner=32, pad_token_id=3, initializer_range=0.2
        )
    )


def _distilbert() -> PreTrainedModel:
    sizes = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32, "initializer_range": 0.2}
    return transformers.DistilBertModel(transformers.DistilBertConfig(vocab_size=VOCABULARY, **sizes))


_ROBERTA_IDS = {"max_position_embeddings": 40, "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
# name -> (how the model is made, the style of its tokenizer)
_TABLE: dict[str, tuple[Callable[[], PreTrainedModel], Style]] = {
    "BERT": (lambda: transformers.BertModel(transformers.BertConfig(**SMALL)), BERT),
    "RoBERTa": (lambda: transformers.RobertaModel(transformers.RobertaConfig(**SMALL, **_ROBERTA_IDS)), ROBERTA),
    "XLM-R": (lambda: transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**SMALL, **_ROBERTA_IDS)), ROBERTA),
    "DistilBERT": (_distilbert, BERT),
    "ALBERT": (lambda: transformers.AlbertModel(transformers.AlbertConfig(**SMALL, embedding_size=12)), BERT),
    "ELECTRA": (lambda: transformers.ElectraModel(transformers.ElectraConfig(**SMALL, embedding_size=12)), BERT),
    "MPNet": (lambda: transformers.MPNetModel(transformers.MPNetConfig(**SMALL, **_ROBERTA_IDS)), ROBERTA),
    "DeBERTa-v2": (_deberta, BERT),
    "ModernBERT": (_modernbert, BERT),
    "XLNet": (_xlnet, XLNET),
    "T5": (_t5, T5),
}
ARCHITECTURES = {name: build for name, (build, _) in _TABLE.items()}


def make(name: str) -> PreTrainedModel:
    """A tiny model, the same each time."""
    torch.manual_seed(0)
    model = ARCHITECTURES[name]()
    with torch.no_grad():  # some architectures initialise so small that nothing depends on anything
        for parameter in model.parameters():
            if parameter.ndim > 1 and float(parameter.std()) < 0.1:
                parameter.normal_(0, 0.2)
    return model.eval()


def tokenizer_of(name: str) -> PreTrainedTokenizerFast:
    """A word-level tokenizer with the special tokens and the layout of the architecture's own."""
    style = _TABLE[name][1]
    vocabulary = {token: index for index, token in enumerate([*style.special, *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=style.names["unk"]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    used = [(token, vocabulary[token]) for token in style.special]
    tokenizer.post_processor = processors.TemplateProcessing(single=style.single, pair=style.pair, special_tokens=used)
    inputs = ["input_ids", *(["token_type_ids"] if style.types else []), "attention_mask"]
    special = {f"{kind}_token": token for kind, token in style.names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **special)


def save(name: str, folder: Path) -> Path:
    """Model and tokenizer as a folder that ``load_encoder`` opens."""
    make(name).save_pretrained(folder)
    tokenizer_of(name).save_pretrained(folder)
    return folder
