"""MBPP: the prediction must not move far from that of a slowly moving average of the model, one for all tasks.

Momentum Bregman proximal point: Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural
Language Models through Principled Regularized Optimization", equations 2 and 3 and algorithm 1. Each batch adds
mu * div(f(x; theta), f(x; teacher)), and teacher <- (1 - beta) theta + beta teacher once every S updates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field

from mtsmart.config.sections import RunConfig
from mtsmart.errors import warn
from mtsmart.losses import Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    STUDENT,
    Alarm,
    Context,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
    Regularizer,
    Term,
    has_first_defaults,
)
from mtsmart.regularizers.shared.averaging import with_average
from mtsmart.regularizers.shared.joins import Joins

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.regularizers import CleanPass
    from mtsmart.regularizers.shared.joined_pass import JoinedPass


class MbppSettings(MethodSettings):
    """Complete values of the momentum Bregman proximal point teacher."""

    weight: float = Field(ge=0, le=LARGEST, description="mu: factor of the distance to the teacher; 0 switches it off")
    beta: float = Field(ge=0, le=1, description="teacher momentum after the early phase")
    early_beta: float = Field(ge=0, le=1, description="teacher momentum in the early phase")
    early: float = Field(ge=0, le=1, description="share of all updates that the early phase takes")
    horizon: float | None = Field(
        None,
        gt=0,
        le=1,
        description="how far the teacher looks back, as a share of all updates: 0.1 means beta = 1 - 1 / (0.1 updates) "
        "and takes the place of beta, early_beta and early",
    )
    inner_steps: int = Field(ge=1, description="S: updates between two moves of the teacher")
    keep: Literal["student", "teacher", "better"] = Field(
        "student", description="whose weights are scored and kept as the run's model; better: whoever scores better"
    )
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")

    @property
    def replaced(self) -> dict[str, str]:
        """A horizon takes the place of the momenta."""
        if self.horizon is None:
            return {}
        return dict.fromkeys(("beta", "early_beta", "early"), f"horizon={self.horizon:g}")


_PAPER = MbppSettings(weight=1.0, beta=0.999, early_beta=0.99, early=0.1, inner_steps=1, every=1)
# A teacher with beta 0.999 looks back a thousand updates. In a run that has that many updates or fewer it stays near
# the untrained model, and the term then holds predictions at the label frequencies. This one looks back a tenth as far.
_TUNED = _PAPER.model_copy(update={"weight": 0.1, "beta": 0.99, "early_beta": 0.9})


@REGULARIZERS.register("mbpp")
class Mbpp(Regularizer[MbppSettings], Joins):
    """Adds ``weight * div(f(x; theta), f(x; teacher))``."""

    Settings = MbppSettings
    presets = (
        Preset("tuned", _TUNED, "weight with the best mean in experiments/evidence/tuning/RESULTS.md"),
        Preset("paper", _PAPER, "Jiang et al. 2020, section 4.1"),
    )
    order = 20
    without_labels = True
    counts_when_off = True
    per_task = True
    own_settings = ("weight", "every")  # there is one teacher
    later_settings = MappingProxyType({"horizon": None, "keep": STUDENT})
    text = MethodText(
        title="MBPP",
        formula="D = div(f(x; theta), f(x; teacher)), teacher <- (1 - beta) theta + beta teacher every S updates",
        paper="Jiang et al. 2020, SMART, equations 2 and 3, algorithm 1",
        cost="1 forward pass of the teacher, without a graph",
        use="joint runs, and fine-tuning that should stay near where it came from; one teacher for all tasks",
        evidence="no significant gain alone; with SMART in a joint run STS-B gains 0.7 points "
        "(experiments/evidence/RESULTS.md)",
    )
    figures = (
        Figure(
            "D",
            "MBPP's term",
            "nats; squared label units for regression",
            "D is MBPP's divergence of the prediction from the teacher's, without its weight",
            is_term=True,
            alarm=Alarm(1.0, "lower its weight, or the learning rate", unless_learning=True),
        ),
        Figure(
            "teacher_distance",
            "MBPP's distance",
            "||theta - teacher|| / ||theta||",
            "teacher_distance is how far the weights are from the teacher's",
            in_tables=False,
        ),
    )

    def __init__(self, context: Context, settings: Mapping[str, MbppSettings]) -> None:
        from mtsmart.regularizers.shared.teacher import MovingAverage

        super().__init__(context, settings)
        self.config = next(each for each in settings.values() if each.is_on)
        self.teacher = MovingAverage(context.model)

    @classmethod
    def build(cls, config: RunConfig, context: Context) -> Self | None:
        """The method as an experiment configures it, with a warning where its teacher is only the student."""
        built = super().build(config, context)
        if built is not None and built.config.horizon is not None and built.beta() == 0:
            horizon = built.config.horizon
            total = context.total_updates
            text = (
                f"mbpp.horizon={horizon:g}: is {horizon * total:.2g} of the run's {total} updates, and the teacher "
                f"moves every {built.config.inner_steps}, so it becomes the student each time; use a longer one"
            )
            warn(text)
        return built

    def term(self, clean: CleanPass, settings: MbppSettings) -> Term:
        """D."""
        return _distance(clean, self.teacher.logits(clean.task, clean.batch))

    def joined_terms(self, joined: JoinedPass) -> list[Term]:
        """D of each task."""
        targets = joined.logits_of(self.teacher.model)
        return [_distance(member, target) for member, target in zip(joined.members, targets, strict=True)]

    def beta(self) -> float:
        """Momentum of the teacher at the present update."""
        if self.config.horizon is not None:
            return max(0.0, 1 - self.config.inner_steps / (self.config.horizon * self.context.total_updates))
        is_early = self.updates <= self.config.early * self.context.total_updates
        return self.config.early_beta if is_early else self.config.beta

    def candidates(self, models: dict[str, MultiTaskModel]) -> dict[str, MultiTaskModel]:
        """With the teacher, or the teacher instead of the student."""
        if self.config.keep == STUDENT:
            return models
        return with_average(models, "teacher", self.teacher.model, self.config.keep)

    def start(self, model: MultiTaskModel, updates: int) -> None:
        """The teacher is a copy of the present student."""
        super().start(model, updates)
        self.teacher.copy(model)

    def after_update(self, model: Callable[[], MultiTaskModel]) -> None:
        """Move the teacher when S updates have passed."""
        super().after_update(model)
        if self.updates % self.config.inner_steps == 0:
            self.teacher.follow(model(), self.beta())

    def head_rests(self, head: Mapping[str, Tensor]) -> None:
        """The teacher has this head, too."""
        self.teacher.replace(head)

    def measure(self, model: MultiTaskModel) -> dict[str, float]:
        """How far the student is from the teacher."""
        return {"teacher_distance": self.teacher.distance(model)}

    def tensors(self) -> dict[str, Tensor]:
        """The teacher's weights."""
        return self.teacher.tensors()

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Continue with the teacher of a resume point."""
        from mtsmart.task_types.interface.base import keep_first_divergences

        super().load_state(state, tensors)
        self.teacher.load(tensors)
        if has_first_defaults(state):
            keep_first_divergences(self.context.tasks.values(), Role.PROXIMAL)

    @classmethod
    def summary(cls, settings: MbppSettings) -> str:
        """Weight and momentum."""
        memory = f"beta {settings.beta:g}" if settings.horizon is None else f"horizon {settings.horizon:g}"
        kept = "" if settings.keep == STUDENT else f", keeps the {settings.keep}"
        return f"weight {settings.weight:g}, {memory}{kept}"


def _distance(clean: CleanPass, target: Tensor) -> Term:
    value = clean.divergence(clean.logits, target, Role.PROXIMAL)
    return Term(value, {"D": value.detach()})
