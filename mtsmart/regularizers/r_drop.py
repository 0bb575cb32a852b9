"""R-Drop: two passes with dropout masks of their own must give the same prediction, and both are trained.

Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", equations 1 to 4: the loss of both passes, and
alpha / 2 times the symmetric KL divergence between their predictions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from mtsmart.losses import Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
    Regularizer,
    Term,
)
from mtsmart.regularizers.shared.joins import Joins

if TYPE_CHECKING:
    from torch import Tensor

    from mtsmart.regularizers import CleanPass, Context
    from mtsmart.regularizers.shared.joined_pass import JoinedPass


class RDropSettings(MethodSettings):
    """Complete values."""

    weight: float = Field(ge=0, le=LARGEST, description="1: both passes count alike; 0 switches the method off")
    alpha: float = Field(ge=0, le=LARGEST, description="factor of the divergence between the two passes")
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")


@REGULARIZERS.register("r_drop")
class RDrop(Regularizer[RDropSettings], Joins):
    """Adds ``weight * ((L' - L) / 2 + alpha / 4 * div(f, f'))``, where ' marks the second pass.

    With weight 1 the whole loss is half of the paper's: (L + L') / 2 + alpha / 4 * div. So a learning rate means what
    it means without the method.
    """

    Settings = RDropSettings
    presets = (
        Preset("paper", RDropSettings(weight=1.0, alpha=1.0, every=1), "Liang et al. 2021, section 4.3: alpha on GLUE"),
    )
    per_task = True
    order = 40
    without_labels = True
    text = MethodText(
        title="R-Drop",
        formula="(L + L') / 2 + alpha / 4 * div(f, f'), both passes with dropout masks of their own",
        paper="Liang et al. 2021, R-Drop, equations 1 to 4",
        cost="1 forward pass, which is also differentiated",
        use="encoders with dropout; without it both passes are the same, and the term is 0",
        evidence="no significant gain on the four small tasks of experiments/methods",
    )
    figures = (
        Figure(
            "r_drop",
            "R-Drop's divergence",
            "nats; squared label units for regression",
            "r_drop is the symmetric divergence between R-Drop's two passes",
            is_term=True,
            alarm=Alarm(1.0, "lower its alpha, or the encoder's dropout"),
        ),
    )

    @classmethod
    def reason_idle(cls, context: Context) -> str | None:
        """The model has no dropout, so both passes are the same."""
        from mtsmart.models.dropout import has_dropout

        return None if has_dropout(context.model) else "the model has no dropout, so its two passes are equal"

    @classmethod
    def gold_share(cls, settings: RDropSettings, task: str) -> float:
        """The second pass's loss takes the place of half of the first one's."""
        return settings.weight / 2

    def term(self, clean: CleanPass, settings: RDropSettings) -> Term:
        """What the second pass changes in the loss."""
        return _term(clean, clean.forward(clean.trained_embeds), settings)

    def joined_terms(self, joined: JoinedPass) -> list[Term]:
        """What the second pass changes in the loss of each task."""
        second = joined.split(joined.forward(joined.trained_embeds))
        return [
            _term(member, logits, self.settings[member.task.name])
            for member, logits in zip(joined.members, second, strict=True)
        ]

    @classmethod
    def summary(cls, settings: RDropSettings) -> str:
        """Weight and alpha."""
        return f"weight {settings.weight:g}, alpha {settings.alpha:g}"


def _term(clean: CleanPass, second: Tensor, settings: RDropSettings) -> Term:
    divergence = clean.divergence(second, clean.logits, Role.ADVERSARIAL)
    value = (clean.criterion(second) - clean.loss) / 2 + settings.alpha / 4 * divergence
    return Term(value, {"r_drop": divergence.detach()})
