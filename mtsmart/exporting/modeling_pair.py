"""A model for pairs of texts: an encoder reads both together, and a head compares the means of their tokens.

This file lies beside the weights that mtsmart exports, and transformers runs it if its user says so. It
needs torch and transformers alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class PairConfig(PreTrainedConfig):
    """The settings of a :class:`PairModel`.

    Args:
        encoder: the settings of the encoder, with its ``model_type``.
        hidden_layers: layers between the comparison of the texts and the logits.
        separator_id: the token that ends the first text.
        special_ids: the tokens that belong to neither text.
    """

    model_type = "text_pair"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        hidden_layers: int = 0,
        separator_id: int = -1,
        special_ids: list[int] | None = None,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.encoder = encoder or {}
        self.hidden_layers = hidden_layers
        self.separator_id = separator_id
        self.special_ids = special_ids or []


class PairModel(PreTrainedModel):
    """Computes logits (B, C) of pairs of texts from ``[u; v; |u - v|; u * v]``, the means u and v of both texts."""

    config_class = PairConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True

    def __init__(self, config: PairConfig) -> None:
        super().__init__(config)
        settings = dict(config.encoder)
        encoder = AutoConfig.for_model(settings.pop("model_type"), **settings)
        width = 4 * encoder.hidden_size
        self.encoder = AutoModel.from_config(encoder)
        self.layers = nn.Sequential(
            *(nn.Sequential(nn.Linear(width, width), nn.Tanh()) for _ in range(config.hidden_layers))
        )
        self.output = nn.Linear(width, config.num_labels or 0)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        **others: Any,
    ) -> SequenceClassifierOutput:
        """The logits (B, C).

        Args:
            input_ids: (B, T) int64, pairs of texts as the tokenizer gives them.
            attention_mask, token_type_ids: (B, T) int64, from the tokenizer too.
            others: what other models take and this one does not need.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        hidden = self.encoder(input_ids=input_ids, attention_mask=mask, **types).last_hidden_state
        ended = ((input_ids == self.config.separator_id) & (mask != 0)).cumsum(1) > 0
        special = torch.isin(input_ids, torch.tensor(self.config.special_ids, device=input_ids.device))
        in_text = (mask != 0) & ~special
        first = _mean(hidden, in_text & ~ended)
        second = _mean(hidden, in_text & ended)
        features = torch.cat([first, second, (first - second).abs(), first * second], dim=-1)
        return SequenceClassifierOutput(logits=self.output(self.layers(features)))


def _mean(hidden: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the chosen tokens: (B, T, H), (B, T) -> (B, H); 0 where there are none."""
    weights = chosen.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp_min(1.0)
