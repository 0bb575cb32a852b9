"""SMART: the prediction must not change when the word embeddings move a little in the worst direction.

Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural Language Models through Principled
Regularized Optimization", equation 1 and section 3.1: R(theta) = mean over x of max over ||delta|| <= epsilon of
l_s(f(x + delta), f(x)), with l_s the symmetric KL for distributions and the squared error for regression.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mtsmart.losses import OnePass, Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Figure,
    Idle,
    InputRegularizer,
    MethodSettings,
    MethodText,
    Needs,
    Preset,
    Reach,
    Term,
    has_first_defaults,
)
from mtsmart.regularizers.shared.joins import Joins, is_joined_now

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.regularizers import CleanPass
    from mtsmart.regularizers.shared.clean_pass import Pass
    from mtsmart.regularizers.shared.joined_pass import JoinedPass
    from mtsmart.regularizers.shared.noise import Noise
    from mtsmart.regularizers.shared.perturbation import Ascent, Ball, Length


class SmartSettings(MethodSettings):
    """Complete values. Lengths are in ``epsilon_unit``: absolute, or multiples of the RMS of word embeddings."""

    weight: float = Field(ge=0, le=LARGEST, description="lambda: factor of the smoothness term; 0 switches it off")
    epsilon: float = Field(gt=0, le=LARGEST, description="radius of the ball that the perturbation stays in")
    epsilon_unit: Literal["relative", "token", "normalized", "absolute"] = Field(
        description="unit of epsilon, step_size and noise: times the RMS of all word embeddings; times that of each "
        "token's own (scope=sentence: of each sentence's); normalized: times the deviation of each token's own, which "
        "perturbs normalised embeddings (SiFT); or as they are"
    )
    direction: Literal["ascent", "fisher", "predicted"] = Field(
        description="of the first step. ascent: gradient at a random start; predicted: away from the model's own "
        "decision; fisher: drawn by the divergence's Hessian. The last two take one vector-Jacobian product through "
        "the clean pass, which costs less and needs no small noise"
    )
    step_size: float = Field(gt=0, le=LARGEST, description="eta: length of one step")
    steps: int = Field(ge=0, le=16, description="K: steps; 0 leaves the random start")
    noise: float = Field(ge=0, le=LARGEST, description="sigma: deviation of the random start of ascent")
    norm: Literal["linf", "l2"] = Field(
        description="norm of the ball and of the step; an l2 ball of a linf ball's epsilon is far smaller"
    )
    scope: Literal["token", "sentence"] = Field(description="what the norm is taken over")
    constraint: Literal["project", "normalize"] = Field(
        description="project: at most epsilon; normalize: exactly epsilon"
    )
    dropout: Literal["shared", "independent", "off"] = Field(
        description="masks of the perturbed passes: the clean pass's, new ones, or none"
    )
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")
    shared: bool = Field(
        False,
        description="with mixing.one_pass: tasks that read the same texts share one perturbation, along the sum of "
        "their directions; false: each has its own, which takes further passes for each",
    )

    @property
    def replaced(self) -> dict[str, str]:
        """Without steps there is no direction, and a direction from the clean pass starts at no noise."""
        scope = {"scope": "epsilon_unit=normalized"} if self.epsilon_unit == "normalized" else {}
        if self.steps == 0:
            return {**dict.fromkeys(("direction", "step_size"), "steps=0"), **scope}
        return {"noise": f"direction={self.direction}", **scope} if _has_one_pass(self) else scope


# Section 4.1 takes lambda from {1, 3, 5}. Algorithm 1 normalises the gradient of each example; the
# norm of each token is that of the released code, whose symmetric KL also has half of this one's gradient, so that its
# lambda 1 is 0.5 here (adv_loss: symmetric_kl_detached computes it).
_PAPER = SmartSettings(
    weight=1.0,
    epsilon=1e-5,
    epsilon_unit="absolute",
    step_size=1e-3,
    steps=1,
    noise=1e-5,
    norm="linf",
    scope="token",
    constraint="project",
    dropout="shared",
    direction="ascent",
    every=1,
)
# The published radius moves almost no prediction of a real encoder (R is about 1e-5). The direction of one ascent step
# is sound, so only the lengths change: a radius of 1 % of the embedding RMS, reached by a step that is long enough for
# almost every coordinate to reach the radius. The direction comes from the clean pass and leads away from the model's
# own decision. It raises R about as much as an ascent step (docs/one-pass-attack.md), at a lower cost.
_TUNED = _PAPER.model_copy(
    update={"epsilon": 1e-2, "epsilon_unit": "relative", "step_size": 1.0, "noise": 1e-3, "direction": "predicted"}
)

# A layer normalisation without parameters before the perturbation, and its inverse after it, make lengths multiples of
# each token's deviation. Norm, step and noise are those of the released code, which cuts the noise at twice its
# deviation and bounds the perturbation by nothing else.
_SIFT = _PAPER.model_copy(
    update={"epsilon": 2e-2, "epsilon_unit": "normalized", "step_size": 1e-4, "noise": 1e-2, "dropout": "independent"}
)


@REGULARIZERS.register("smart")
class Smart(InputRegularizer[SmartSettings], Joins):
    """Adds ``weight * div(f(x + delta), f(x))`` with gradients through both sides."""

    Settings = SmartSettings
    presets = (
        Preset("tuned", _TUNED, "radius and weight with the best means in experiments/evidence/tuning/RESULTS.md"),
        Preset("paper", _PAPER, "Jiang et al. 2020, section 4.1"),
        Preset("sift", _SIFT, "SiFT (He et al. 2021, DeBERTa, section 5), lengths of its released code"),
    )
    per_task = True
    order = 10
    later_settings = MappingProxyType({"shared": False})
    without_labels = True
    still = MappingProxyType({"noise": 0.0, "steps": 0})
    counts_when_off = True
    text = MethodText(
        title="SMART",
        formula="R = div(f(x + delta), f(x)), where ||delta|| <= epsilon and delta follows the gradient of div",
        paper="Jiang et al. 2020, SMART, equation 1, algorithm 1",
        cost="1 forward pass, and 1 backward pass to the embeddings; direction=ascent: 1 forward pass more a step",
        use="few rows, and predictions that should not depend on small changes of the input; each task with its own "
        "radius and weight",
        evidence="no significant gain on single classification tasks; with MBPP in a joint run STS-B gains 0.7 points "
        "(experiments/evidence/RESULTS.md)",
    )
    figures = (
        Figure(
            "R",
            "SMART's term",
            "nats; squared label units for regression",
            "R is SMART's divergence of the perturbed from the clean prediction, without its weight",
            is_term=True,
            alarm=Alarm(1.0, "lower its weight or radius"),
            idle=Idle(1e-4, "at this radius it changes nothing; a larger epsilon would"),
        ),
        Figure(
            "flips",
            "SMART's flips",
            "share of decisions",
            "flips is the share of predictions that SMART's perturbation turns",
        ),
        Figure(
            "delta/x",
            "SMART's relative length",
            "||delta|| / ||x||",
            "delta/x is the length of SMART's perturbation beside that of the embeddings",
        ),
    )

    @classmethod
    def reach(cls, settings: SmartSettings, width: int) -> Reach:
        """The setting that limits how far a coordinate is moved, and about how far that is."""
        spread = math.sqrt(width) if settings.norm == "l2" else 1.0
        lengths = {"epsilon": settings.epsilon / spread}
        if settings.constraint == "project" and settings.steps:
            lengths["step_size"] = settings.steps * settings.step_size / spread
        elif settings.constraint == "project":
            lengths["noise"] = settings.noise
        key = min(lengths, key=lengths.__getitem__)
        return Reach(key, lengths[key])

    def needs(self, task: str) -> Needs:
        """The masks where the perturbed passes share them, the gradient where the direction goes through the graph."""
        settings = self.settings[task]
        return Needs(masks=settings.dropout == "shared", input_gradient=_has_one_pass(settings))

    def term(self, clean: CleanPass, settings: SmartSettings) -> Term:
        """R and its figures."""
        return _term(clean, *self._compared(clean, settings))

    @classmethod
    def must_agree(cls, settings: SmartSettings) -> Mapping[str, Any]:
        """Everything that decides a shared perturbation. Weights may differ, and so may the updates without a term."""
        if not settings.shared:
            return {}
        free = {"shared", "weight", "every", *settings.replaced}
        return {key: value for key, value in settings.model_dump().items() if key not in free}

    def is_joined(self, task: str) -> bool:
        """Whether the task shares its perturbation with the others that read the same texts."""
        return self.settings[task].shared

    def joined_terms(self, joined: JoinedPass) -> list[Term]:
        """R of each task and its figures, with one perturbation for all."""
        names = [member.task.name for member in joined.members]
        settings = next(self.settings[name] for name in names if is_joined_now(self, name))
        length, perturbed, reference = self._compared(joined, settings)
        parts = zip(joined.members, joined.split(perturbed), joined.split(reference), strict=True)
        return [_term(member, length, *logits) for member, *logits in parts]

    def _compared(self, clean: Pass, settings: SmartSettings) -> tuple[Tensor, Tensor, Tensor]:
        """The perturbation's relative length (a scalar), and the logits with and without it."""
        reference = self.reference(clean, settings)
        delta = self.perturbation(clean, reference, settings)
        with self.dropout(clean, settings):
            perturbed = clean.forward(clean.trained_embeds + delta)
        return _relative_length(clean, delta), perturbed, reference

    def perturbation(self, clean: Pass, reference: Tensor, settings: SmartSettings) -> Tensor:
        """Delta (B, T, H), detached."""
        from mtsmart.regularizers.shared.noise import Noise
        from mtsmart.regularizers.shared.perturbation import find_perturbation

        inputs_embeds = clean.inputs_embeds.detach()

        def divergence(delta: Tensor) -> Tensor:
            with self.dropout(clean, settings):
                logits = clean.forward(inputs_embeds + delta)
            return clean.mean_divergence(logits, reference.detach(), Role.ADVERSARIAL)

        ball, ascent = _search(settings, self.unit(clean, settings))
        noise = Noise(clean.batch, inputs_embeds.device)
        direction = _one_pass(clean, reference, noise, settings)
        mask = clean.batch.attention_mask
        return find_perturbation(divergence, inputs_embeds, mask, ball, ascent, direction, noise.of_sequences)

    def load_state(self, state: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        """Go on from a resume point; one of an early version means ``fisher``."""
        super().load_state(state, tensors)
        if has_first_defaults(state):
            self._keep_fisher()

    def _keep_fisher(self) -> None:
        """The preset ``tuned`` had ``fisher`` before there was ``predicted``."""
        for task, settings in self.settings.items():
            if settings.direction == "predicted":
                self.settings[task] = settings.model_copy(update={"direction": "fisher"})

    @classmethod
    def summary(cls, settings: SmartSettings) -> str:
        """Weight and radius."""
        return f"weight {settings.weight:g}, epsilon {settings.epsilon:g} ({settings.epsilon_unit})"


def _search(settings: SmartSettings, unit: Length) -> tuple[Ball, Ascent]:
    """Where the perturbation must stay, and how it is searched, in absolute lengths."""
    from mtsmart.regularizers.shared.perturbation import Ascent, Ball, Constraint, Norm, Scope

    norm = Norm(settings.norm)
    scope = Scope.TOKEN if settings.epsilon_unit == "normalized" else Scope(settings.scope)
    ball = Ball(settings.epsilon * unit, norm, scope, Constraint(settings.constraint))
    return ball, Ascent(settings.steps, settings.step_size * unit, settings.noise * unit)


def _relative_length(clean: Pass, delta: Tensor) -> Tensor:
    """||delta|| / ||x|| over the real tokens, a scalar."""
    inputs_embeds = clean.inputs_embeds.detach()
    real = clean.batch.attention_mask.unsqueeze(-1).to(delta.dtype)
    length: Tensor = delta.norm() / (inputs_embeds * real).norm()
    return length


def _term(clean: CleanPass, length: Tensor, perturbed: Tensor, reference: Tensor) -> Term:
    """R of one task, and its figures."""
    import torch

    from mtsmart.data.batch import Share
    from mtsmart.task_types.interface.decides import share_changed

    value = clean.divergence(perturbed, reference, Role.ADVERSARIAL)
    figures = {"delta/x": length}
    with torch.no_grad():
        flips = share_changed(clean.task, perturbed, reference, clean.batch)
        if flips is not None:
            figures["flips"] = flips
        scaled = {name: clean.batch.scaled(figure, Share.DIVERGENCE) for name, figure in figures.items()}
    return Term(value, {"R": value.detach(), **scaled})


def _has_one_pass(settings: SmartSettings) -> bool:
    return settings.direction != "ascent" and settings.steps > 0


def _one_pass(clean: Pass, reference: Tensor, noise: Noise, settings: SmartSettings) -> Tensor | None:
    """J^T u (B, T, H) through the clean graph (docs/one-pass-attack.md); None where noise is the start."""
    if not _has_one_pass(settings):
        return None
    from mtsmart.losses.directions import drawing
    from mtsmart.regularizers.shared.perturbation import gradient_of

    with drawing(noise.of_rows):
        projection = clean.direction(reference, OnePass(settings.direction))
    return gradient_of(projection, clean.inputs_embeds, retain_graph=True)
