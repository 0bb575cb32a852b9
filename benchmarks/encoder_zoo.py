"""Tiny random models of many architectures of transformers, with one tokenizer for all, as folders of encoders."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoModel, PreTrainedModel, PreTrainedTokenizerFast

WORDS = (
    "a",
    "the",
    "red",
    "blue",
    "big",
    "small",
    "old",
    "new",
    "cat",
    "dog",
    "house",
    "car",
    "runs",
    "sleeps",
    "eats",
    "sees",
    "is",
    "not",
    "very",
    "and",
    "but",
    "in",
    "on",
)
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
VOCABULARY = len(SPECIAL) + len(WORDS)
_IDS = {"pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
_SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
_BERT = {**_SHAPE, **_IDS, "intermediate_size": 32, "max_position_embeddings": 64}
# A decoder's configuration names no token to pad with, as that of GPT-2 and of Llama.
_DECODER = {**_BERT, "pad_token_id": None, "num_key_value_heads": 1, "head_dim": 8}
_GPT2 = {
    **{"vocab_size": VOCABULARY, "n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64},
    **{"bos_token_id": 2, "eos_token_id": 3},
}
_XLM = {"vocab_size": VOCABULARY, "emb_dim": 16, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 64}
_T5 = {
    **{"vocab_size": VOCABULARY, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2},
    **{"decoder_start_token_id": 0, "pad_token_id": 0, "eos_token_id": 3},
}
_BART = {
    **{"vocab_size": VOCABULARY, "d_model": 16, "max_position_embeddings": 64, "encoder_layers": 2},
    **{"decoder_layers": 2, "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32},
    **{"decoder_ffn_dim": 32, "decoder_start_token_id": 2, **_IDS},
}


@dataclass(frozen=True)
class Kind:
    """An architecture.

    Attributes:
        config: the name of its configuration class.
        sizes: what the tiny model is built with.
        model: the name of the class of the model; None: what ``AutoModel`` takes.
        byte_level: whether transformers insists on a tokenizer of bytes for it.
    """

    config: str
    sizes: dict[str, Any] = field(default_factory=dict)
    model: str | None = None
    byte_level: bool = False


ZOO = {
    "ALBERT": Kind("AlbertConfig", {**_BERT, "embedding_size": 12}),
    "BART": Kind("BartConfig", _BART),
    "BERT": Kind("BertConfig", _BERT),
    "BERT, one token type": Kind("BertConfig", {**_BERT, "type_vocab_size": 1}),
    "BigBird": Kind("BigBirdConfig", _BERT),
    "BigBird, short blocks": Kind("BigBirdConfig", {**_BERT, "block_size": 2, "num_random_blocks": 1}),
    "BioGPT": Kind("BioGptConfig", _BERT),
    "BLOOM": Kind("BloomConfig", {"vocab_size": VOCABULARY, "hidden_size": 16, "n_layer": 2, "n_head": 2, **_IDS}),
    "CamemBERT": Kind("CamembertConfig", {**_BERT, "type_vocab_size": 1}),
    "CANINE": Kind("CanineConfig", {**_BERT, "num_hash_buckets": 64, "local_transformer_stride": 8}),
    "ConvBERT": Kind("ConvBertConfig", {**_BERT, "embedding_size": 16, "conv_kernel_size": 3}),
    "CTRL": Kind("CTRLConfig", {**_GPT2, "dff": 32}),
    "Data2Vec text": Kind("Data2VecTextConfig", {**_BERT, "type_vocab_size": 1}),
    "DeBERTa": Kind(
        "DebertaConfig",
        {
            **_BERT,
            "type_vocab_size": 0,
            "relative_attention": True,
            "pos_att_type": ["c2p", "p2c"],
            "position_biased_input": False,
        },
    ),
    "DeBERTa-v2": Kind(
        "DebertaV2Config",
        {
            **_BERT,
            "type_vocab_size": 0,
            "relative_attention": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "share_att_key": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
        },
    ),
    "DistilBERT": Kind(
        "DistilBertConfig",
        {
            "vocab_size": VOCABULARY,
            "dim": 16,
            "n_layers": 2,
            "n_heads": 2,
            "hidden_dim": 32,
            "max_position_embeddings": 64,
        },
    ),
    "ELECTRA": Kind("ElectraConfig", {**_BERT, "embedding_size": 12}),
    "ERNIE": Kind("ErnieConfig", _BERT),
    "ESM": Kind("EsmConfig", {**_BERT, "mask_token_id": 4, "token_dropout": True, "position_embedding_type": "rotary"}),
    "EuroBERT": Kind("EuroBertConfig", {**_BERT, "num_key_value_heads": 1, "mask_token_id": 4}),
    "Falcon": Kind("FalconConfig", {**_SHAPE, **_IDS, "pad_token_id": None}),
    "FlauBERT": Kind("FlaubertConfig", {**_XLM, "pad_index": 0, "bos_index": 2, "eos_index": 3, "unk_index": 1}),
    "FNet": Kind("FNetConfig", _BERT),
    "Funnel": Kind(
        "FunnelConfig",
        {
            "vocab_size": VOCABULARY,
            "block_sizes": [1, 1],
            "block_repeats": [1, 1],
            "d_model": 16,
            "n_head": 2,
            "d_head": 8,
            "d_inner": 32,
        },
        model="FunnelModel",
    ),
    "Gemma": Kind("GemmaConfig", _DECODER),
    "Gemma 2": Kind("Gemma2Config", _DECODER),
    "Gemma 3": Kind("Gemma3TextConfig", _DECODER),
    "GPT-2": Kind("GPT2Config", _GPT2),
    "GPT-BigCode": Kind("GPTBigCodeConfig", _GPT2),
    "GPT-J": Kind("GPTJConfig", {**_GPT2, "rotary_dim": 4}),
    "GPT-Neo": Kind(
        "GPTNeoConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 16,
            "num_layers": 2,
            "num_heads": 2,
            "attention_types": [[["global", "local"], 1]],
            "bos_token_id": 2,
            "eos_token_id": 3,
            "max_position_embeddings": 64,
        },
    ),
    "GPT-NeoX": Kind("GPTNeoXConfig", {**_BERT, "pad_token_id": None}),
    "I-BERT": Kind("IBertConfig", _BERT),
    "LayoutLM": Kind("LayoutLMConfig", _BERT),
    "LED": Kind("LEDConfig", {**_BART, "max_encoder_position_embeddings": 64, "attention_window": 4}),
    "LiLT": Kind("LiltConfig", {**_BERT, "hidden_size": 48, "max_2d_position_embeddings": 64}),
    "Llama": Kind("LlamaConfig", _DECODER),
    "Longformer": Kind("LongformerConfig", {**_BERT, "attention_window": 4, "sep_token_id": 3}),
    "LUKE": Kind("LukeConfig", {**_BERT, "entity_vocab_size": 10, "entity_emb_size": 16}),
    "Mamba": Kind("MambaConfig", {**_SHAPE, "state_size": 4, "bos_token_id": 2, "eos_token_id": 3}),
    "Marian": Kind("MarianConfig", _BART),
    "mBART": Kind("MBartConfig", _BART),
    "MegatronBERT": Kind("MegatronBertConfig", _BERT),
    "Mistral": Kind("MistralConfig", _DECODER),
    "Mixtral": Kind("MixtralConfig", {**_DECODER, "num_local_experts": 2, "num_experts_per_tok": 1}),
    "MobileBERT": Kind(
        "MobileBertConfig",
        {
            **_BERT,
            "embedding_size": 8,
            "intra_bottleneck_size": 8,
            "true_hidden_size": 8,
            "num_feedforward_networks": 1,
        },
    ),
    "ModernBERT": Kind(
        "ModernBertConfig",
        {**_BERT, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 8, "global_attn_every_n_layers": 2},
    ),
    "MPNet": Kind("MPNetConfig", _BERT),
    "MPT": Kind("MptConfig", {"vocab_size": VOCABULARY, "d_model": 16, "n_layers": 2, "n_heads": 2, "max_seq_len": 64}),
    "MRA": Kind("MraConfig", _BERT),
    "mT5": Kind("MT5Config", _T5),
    "Nystromformer": Kind("NystromformerConfig", {**_BERT, "num_landmarks": 64, "segment_means_seq_len": 64}),
    "OLMo": Kind("OlmoConfig", _DECODER),
    "OpenAI GPT": Kind("OpenAIGPTConfig", _GPT2),
    "OPT": Kind("OPTConfig", {**_BERT, "ffn_dim": 32, "word_embed_proj_dim": 16}),
    "Pegasus": Kind("PegasusConfig", {**_BART, "scale_embedding": True}),
    "Perceiver": Kind(
        "PerceiverConfig",
        {
            "vocab_size": VOCABULARY,
            "d_model": 16,
            "d_latents": 16,
            "num_latents": 4,
            "num_self_attends_per_block": 1,
            "num_self_attention_heads": 2,
            "num_cross_attention_heads": 2,
            "max_position_embeddings": 64,
        },
    ),
    "Phi": Kind("PhiConfig", {**_BERT, "pad_token_id": None}),
    "ProphetNet": Kind(
        "ProphetNetConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 16,
            "num_encoder_layers": 2,
            "num_decoder_layers": 2,
            "num_encoder_attention_heads": 2,
            "num_decoder_attention_heads": 2,
            "encoder_ffn_dim": 32,
            "decoder_ffn_dim": 32,
            "max_position_embeddings": 64,
            **_IDS,
        },
    ),
    "Qwen2": Kind("Qwen2Config", {**_DECODER, "vocab_size": 320}, byte_level=True),
    "Qwen3": Kind("Qwen3Config", _DECODER),
    "Reformer": Kind(
        "ReformerConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 16,
            "num_attention_heads": 2,
            "attention_head_size": 8,
            "feed_forward_size": 32,
            "attn_layers": ["local", "lsh"],
            "axial_pos_shape": [8, 8],
            "axial_pos_embds_dim": [8, 8],
            "max_position_embeddings": 64,
            "is_decoder": False,
            "lsh_attn_chunk_length": 8,
            "local_attn_chunk_length": 8,
            "num_buckets": 4,
            "pad_token_id": 0,
            "eos_token_id": 3,
        },
    ),
    "RemBERT": Kind("RemBertConfig", {**_BERT, "input_embedding_size": 12, "output_embedding_size": 12}),
    "RoBERTa": Kind("RobertaConfig", {**_BERT, "type_vocab_size": 1}),
    "RoBERTa-PreLayerNorm": Kind("RobertaPreLayerNormConfig", {**_BERT, "type_vocab_size": 1}),
    "RoCBert": Kind(
        "RoCBertConfig",
        {
            **_BERT,
            "pronunciation_vocab_size": 40,
            "shape_vocab_size": 40,
            "pronunciation_embed_dim": 8,
            "shape_embed_dim": 8,
        },
    ),
    "RoFormer": Kind("RoFormerConfig", {**_BERT, "embedding_size": 16}),
    "RWKV": Kind(
        "RwkvConfig",
        {
            "vocab_size": VOCABULARY,
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "attention_hidden_size": 16,
            "intermediate_size": 32,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
    ),
    "SqueezeBERT": Kind(
        "SqueezeBertConfig",
        {
            **_BERT,
            "embedding_size": 16,
            "q_groups": 2,
            "k_groups": 2,
            "v_groups": 2,
            "post_attention_groups": 1,
            "intermediate_groups": 2,
            "output_groups": 2,
        },
    ),
    "T5": Kind("T5Config", _T5),
    "UMT5": Kind("UMT5Config", _T5),
    "XLM": Kind("XLMConfig", {**_XLM, "pad_index": 0, "bos_index": 2, "eos_index": 3, "unk_index": 1}),
    "XLM-RoBERTa": Kind("XLMRobertaConfig", {**_BERT, "type_vocab_size": 1}),
    "XLM-RoBERTa-XL": Kind("XLMRobertaXLConfig", {**_BERT, "type_vocab_size": 1}),
    "XLNet": Kind(
        "XLNetConfig",
        {"vocab_size": VOCABULARY, "d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 32, "pad_token_id": 0},
    ),
    "X-MOD": Kind("XmodConfig", {**_BERT, "type_vocab_size": 1, "default_language": "en_XX"}),
    "YOSO": Kind("YosoConfig", {**_BERT, "use_expectation": True}),
    "GTE": Kind("GteConfig", _BERT),
    "NomicBERT": Kind("NomicBertConfig", _BERT),
}
"""Name -> architecture."""


def make(name: str) -> PreTrainedModel:
    """A tiny model in evaluation mode, the same each time.

    Raises:
        Exception: of any kind: this release of transformers lacks the architecture, or needs another package for it.
    """
    kind = ZOO[name]
    torch.manual_seed(0)
    config = getattr(transformers, kind.config)(**kind.sizes)
    kind_of_model: Any = getattr(transformers, kind.model) if kind.model else None
    model: PreTrainedModel = kind_of_model(config) if kind_of_model else AutoModel.from_config(config)
    with torch.no_grad():  # Some architectures initialise so small that nothing depends on anything.
        for parameter in model.parameters():
            if parameter.ndim > 1 and float(parameter.std()) < 0.1:
                parameter.normal_(0, 0.2)
    model.eval()
    return model


def tokenizer(byte_level: bool = False) -> PreTrainedTokenizerFast:
    """A tokenizer in the style of BERT, with token types. Its tokens are words, or pieces of them in bytes."""
    made = _of_bytes() if byte_level else _of_words()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **{f"{token.strip('[]').lower()}_token": token for token in SPECIAL},
    )


def save(name: str, folder: Path) -> Path:
    """Model and tokenizer as a folder."""
    make(name).save_pretrained(folder)
    tokenizer(ZOO[name].byte_level).save_pretrained(folder)
    return folder


def _of_words() -> Tokenizer:
    vocabulary = {token: index for index, token in enumerate((*SPECIAL, *WORDS))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def _of_bytes() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=list(SPECIAL), initial_alphabet=alphabet)
    made.train_from_iterator([" ".join(WORDS)], trainer)
    return made
