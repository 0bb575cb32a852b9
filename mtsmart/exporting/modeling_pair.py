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
        before: how many special tokens stand before the first text.
        between: the special tokens between the texts.
        after: how many special tokens stand after the second text.
        second_type: the token type of the second text; None if it is that of the first text.
        own_type_between: how many of the tokens in ``between``, from the first with ``second_type`` on.
        encoder_types: whether the encoder reads token types.
    """

    model_type = "text_pair"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        hidden_layers: int = 0,
        before: int = 0,
        between: list[int] | None = None,
        after: int = 0,
        second_type: int | None = None,
        own_type_between: int = 0,
        encoder_types: bool = False,
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self.encoder = encoder or {}
        self.hidden_layers = hidden_layers
        self.before = before
        self.between = between or []
        self.after = after
        self.second_type = second_type
        self.own_type_between = own_type_between
        self.encoder_types = encoder_types


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
        is_read = self.config.encoder_types and token_type_ids is not None
        types = {"token_type_ids": token_type_ids} if is_read else {}
        # By their numbers, some encoders take a padding token that a text holds for padding.
        embedded = self.encoder.get_input_embeddings()(input_ids)
        hidden = self.encoder(inputs_embeds=embedded, attention_mask=mask, **types).last_hidden_state
        first, second = (_mean(hidden, chosen) for chosen in self._texts(input_ids, mask != 0, token_type_ids))
        features = torch.cat([first, second, (first - second).abs(), first * second], dim=-1)
        return SequenceClassifierOutput(logits=self.output(self.layers(features)))

    def _texts(self, input_ids: Tensor, real: Tensor, types: Tensor | None) -> tuple[Tensor, Tensor]:
        """Which tokens belong to the first text, and which to the second: (B, T) bool each.

        Special tokens are those at their places. One that a text itself holds belongs to the text. Where the types of
        tokens do not tell the second text, it begins after the first place with all tokens of ``between``.

        Args:
            input_ids: (B, T).
            real: (B, T) bool, false on padding.
            types: (B, T), or None.
        """
        settings = self.config
        width = len(settings.between)
        place = real.cumsum(1) - 1  # among the tokens that are not padding
        end = real.sum(1, keepdim=True) - settings.after
        if settings.second_type is not None and types is not None:
            found = types == settings.second_type
            step = settings.own_type_between
        else:
            found = place + width <= end
            for offset, token in enumerate(settings.between):
                found = found & (torch.roll(input_ids, -offset, 1) == token)
            step = width
        found = found & real & (place >= settings.before)
        start = torch.where(found, place, end - step).amin(1, keepdim=True) + step
        first = real & (place >= settings.before) & (place < start - width)
        return first, real & (place >= start) & (place < end)


def _mean(hidden: Tensor, chosen: Tensor) -> Tensor:
    """The mean of the chosen tokens: (B, T, H), (B, T) -> (B, H); 0 where there are none."""
    weights = chosen.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp_min(1.0)
