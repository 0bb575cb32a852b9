"""What methods share that perturb the word embeddings: units of lengths, dropout of the perturbed passes, state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from mtsmart.regularizers.shared.base import Context, Needs, Regularizer, Rounded, S

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read methods without it
    from torch import Tensor

    from mtsmart.models.encoder import Encoder
    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.regularizers.shared.clean_pass import Pass
    from mtsmart.regularizers.shared.perturbation import Length

_ROUNDED = 1e-3  # of the RMS of the embeddings; bfloat16 has steps of 4e-3 to 8e-3


class Reach(NamedTuple):
    """How far a perturbation moves one number of an embedding.

    Attributes:
        key: the setting that limits it.
        length: about how far, in the settings' ``epsilon_unit``.
    """

    key: str
    length: float


class InputRegularizer(Regularizer[S]):
    """A method that perturbs the word embeddings.

    Its settings have ``epsilon_unit`` and ``dropout``, as SMART has them, and ``scope``: whether ``token`` as a unit
    means each token's or each sentence's own root mean square.

    Attributes:
        embedding_rms: the unit of relative lengths, fixed at the start of the run: a unit that moved with the weights
            would make lengths incomparable.
    """

    def __init__(self, context: Context, settings: Mapping[str, S]) -> None:
        super().__init__(context, settings)
        self.embedding_rms = context.model.encoder.embedding_rms()

    @classmethod
    @abstractmethod
    def reach(cls, settings: Any, width: int) -> Reach:
        """How far a perturbation moves a number of an embedding.

        Args:
            settings: complete values.
            width: E, the numbers of a word embedding; an l2 length is spread over them.
        """

    @classmethod
    def rounded(cls, settings: Mapping[str, S], encoder: Encoder) -> list[Rounded]:
        """The perturbations that mean nothing in bfloat16, because layers round away most of them."""
        width = encoder.word_embeddings.shape[-1]
        rms = encoder.embedding_rms()
        short: dict[tuple[str, float], list[str]] = {}
        for task, one in settings.items():
            key, length = cls.reach(one, width)
            unit = rms if cast(Any, one).epsilon_unit == "absolute" else 1.0
            if length < _ROUNDED * unit:
                short.setdefault((key, getattr(one, key)), []).append(task)
        return [cls._rounded(key, value, tasks) for (key, value), tasks in short.items()]

    @classmethod
    def _rounded(cls, key: str, value: float, tasks: list[str]) -> Rounded:
        setting = f"{cls.name}.{key}={value:g}"
        text = (
            f"{setting} ({', '.join(tasks)}): moves embeddings by less than {_ROUNDED:g} of their RMS, which bfloat16 "
            f"rounds away, so the term means little; use a larger {key} or training.precision=float32"
        )
        return Rounded(setting, text)

    def needs(self, task: str) -> Needs:
        """The masks where the perturbed passes share them."""
        return Needs(masks=cast(Any, self.settings[task]).dropout == "shared")

    def reference(self, clean: Pass, settings: Any) -> Tensor:
        """The clean prediction. With dropout off it needs a pass of its own: the training pass has masks."""
        from mtsmart.models.dropout import without_dropout

        if settings.dropout != "off":
            return clean.logits
        with without_dropout(clean.model):
            return clean.forward(clean.inputs_embeds)  # its graph gives the direction

    def dropout(self, clean: Pass, settings: Any) -> AbstractContextManager[Any]:
        """The context of a perturbed pass: which dropout masks it has."""
        from mtsmart.models.dropout import without_dropout

        if settings.dropout == "shared":
            return clean.masks.replayed()
        return without_dropout(clean.model) if settings.dropout == "off" else nullcontext()

    def unit(self, clean: Pass, settings: Any) -> Length:
        """What lengths are multiples of: one number, or one a token (B, T, 1) or sentence (B, 1, 1)."""
        from mtsmart.regularizers.shared.perturbation import Scope, root_mean_square

        if settings.epsilon_unit == "absolute":
            return 1.0
        if settings.epsilon_unit == "relative":
            return self.embedding_rms
        if settings.epsilon_unit == "normalized":
            return clean.inputs_embeds.detach().std(-1, unbiased=False, keepdim=True)
        return root_mean_square(clean.inputs_embeds.detach(), clean.batch.attention_mask, Scope(settings.scope))

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """The unit of relative lengths is that of the present weights."""
        super().start(model, updates)
        self.embedding_rms = model.encoder.embedding_rms()

    def state_dict(self) -> dict[str, Any]:
        """The unit of relative lengths, and how many updates there were."""
        return {"embedding_rms": self.embedding_rms, **super().state_dict()}

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Take the unit of the run that goes on, not of its present weights."""
        super().load_state(state, tensors)
        self.embedding_rms = float(state["embedding_rms"])
