"""SMART: the prediction must not change when the word embeddings move a little in the worst direction.

Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained Natural Language Models through Principled
Regularized Optimization", equations 2 and 3: R(theta) = mean over x of max over ||delta|| <= epsilon of
l_s(f(x + delta), f(x)), with l_s the symmetric KL for distributions and the squared error for regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mtsmart.losses import Role
from mtsmart.regularizers import (
    LARGEST,
    REGULARIZERS,
    Alarm,
    Context,
    Figure,
    MethodSettings,
    MethodText,
    Preset,
    Regularizer,
    Term,
)

if TYPE_CHECKING:  # torch is imported where it is used: the tables of sweeps read this file without it
    from torch import Tensor

    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.regularizers import CleanPass
    from mtsmart.regularizers.shared.noise import Noise
    from mtsmart.regularizers.shared.perturbation import Ascent, Ball


class SmartSettings(MethodSettings):
    """Complete values. Lengths are in ``epsilon_unit``: absolute, or multiples of the embedding matrix's RMS."""

    weight: float = Field(ge=0, le=LARGEST, description="lambda: factor of the smoothness term; 0 switches it off")
    epsilon: float = Field(gt=0, le=LARGEST, description="radius of the ball that the perturbation stays in")
    epsilon_unit: Literal["relative", "absolute"] = Field(
        description="unit of epsilon, step_size and noise: times the embedding RMS, or as they are"
    )
    direction: Literal["ascent", "fisher"] = Field(
        description="of the first step. ascent: gradient at a random start; fisher: one vector-Jacobian product "
        "through the clean pass, which costs less and needs no small noise"
    )
    step_size: float = Field(gt=0, le=LARGEST, description="eta: length of one step")
    steps: int = Field(ge=0, le=16, description="K: steps; 0 leaves the random start")
    noise: float = Field(ge=0, le=LARGEST, description="sigma: deviation of the random start; fisher needs none")
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
# almost every coordinate to reach the radius, from a start that is small enough to serve the direction alone. The
# direction comes from the clean pass: for two classes and for regression that is the ascent step's, at a lower cost.
_TUNED = _PAPER.model_copy(
    update={"epsilon": 1e-2, "epsilon_unit": "relative", "step_size": 1.0, "noise": 1e-3, "direction": "fisher"}
)


@REGULARIZERS.register("smart")
class Smart(Regularizer[SmartSettings]):
    """Adds ``weight * div(f(x + delta), f(x))`` with gradients through both sides."""

    Settings = SmartSettings
    presets = (
        Preset("tuned", _TUNED, "radius and weight with the best means in experiments/evidence/tuning/RESULTS.md"),
        Preset("paper", _PAPER, "Jiang et al. 2020, section 4.1"),
    )
    per_task = True
    order = 10
    still = MappingProxyType({"noise": 0.0, "steps": 0})
    counts_when_off = True
    text = MethodText(
        title="SMART",
        formula="R = div(f(x + delta), f(x)), where ||delta|| <= epsilon and delta follows the gradient of div",
        paper="Jiang et al. 2020, SMART, equations 2 and 3, algorithm 1",
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

    def __init__(self, context: Context, settings: Mapping[str, SmartSettings]) -> None:
        super().__init__(context, settings)
        # Fixed at the start of the run: a unit that moved with the weights would make radii incomparable.
        self.embedding_rms = context.model.encoder.embedding_rms()

    def replays_masks(self, task: str) -> bool:
        """Whether a task's perturbed passes have the clean pass's masks."""
        return self.settings[task].dropout == "shared"

    def term(self, clean: CleanPass, settings: SmartSettings) -> Term:
        """R and its figures."""
        reference = self.reference(clean, settings)
        delta = self.perturbation(clean, reference, settings)
        with self.dropout(clean, settings):
            perturbed = clean.forward(clean.inputs_embeds + delta)
        value = clean.divergence(perturbed, reference, Role.ADVERSARIAL)
        return Term(value, _figures(clean, delta, perturbed, reference, value))

    def reference(self, clean: CleanPass, settings: SmartSettings) -> Tensor:
        """The clean prediction. With dropout off it needs a pass of its own: the training pass has masks."""
        from mtsmart.models.dropout import without_dropout

        if settings.dropout != "off":
            return clean.logits
        with without_dropout(clean.model):
            return clean.forward(clean.inputs_embeds)

    def perturbation(self, clean: CleanPass, reference: Tensor, settings: SmartSettings) -> Tensor:
        """Delta (B, T, H), detached."""
        from mtsmart.regularizers.shared.noise import Noise
        from mtsmart.regularizers.shared.perturbation import find_perturbation

        inputs_embeds = clean.inputs_embeds.detach()

        def divergence(delta: Tensor) -> Tensor:
            with self.dropout(clean, settings):
                logits = clean.forward(inputs_embeds + delta)
            return clean.task.divergence(logits, reference.detach(), clean.batch, Role.ADVERSARIAL)

        unit = self.embedding_rms if settings.epsilon_unit == "relative" else 1.0
        ball, ascent = _search(settings, unit)
        noise = Noise(clean.batch, inputs_embeds.device)
        in_one_pass = settings.direction == "fisher" and settings.steps > 0
        direction = _one_pass(clean, reference, noise) if in_one_pass else None
        mask = clean.batch.attention_mask
        return find_perturbation(divergence, inputs_embeds, mask, ball, ascent, direction, noise.of_sequences)

    def dropout(self, clean: CleanPass, settings: SmartSettings) -> AbstractContextManager[Any]:
        """The context of a perturbed pass: which dropout masks it has."""
        from mtsmart.models.dropout import without_dropout

        if settings.dropout == "shared":
            return clean.masks.replayed()
        return without_dropout(clean.model) if settings.dropout == "off" else nullcontext()

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

    @classmethod
    def summary(cls, settings: SmartSettings) -> str:
        """Weight and radius."""
        return f"weight {settings.weight:g}, epsilon {settings.epsilon:g} ({settings.epsilon_unit})"


def _search(settings: SmartSettings, unit: float) -> tuple[Ball, Ascent]:
    """Where the perturbation must stay, and how it is searched, in absolute lengths."""
    from mtsmart.regularizers.shared.perturbation import Ascent, Ball, Constraint, Norm, Scope

    norm = Norm(settings.norm)
    ball = Ball(settings.epsilon * unit, norm, Scope(settings.scope), Constraint(settings.constraint))
    return ball, Ascent(settings.steps, settings.step_size * unit, settings.noise * unit)


def _figures(clean: CleanPass, delta: Tensor, perturbed: Tensor, reference: Tensor, value: Tensor) -> dict[str, Tensor]:
    import torch

    from mtsmart.data.batch import Share
    from mtsmart.task_types.interface.decides import share_changed

    with torch.no_grad():
        real = clean.batch.attention_mask.unsqueeze(-1).to(delta.dtype)
        figures = {"delta/x": delta.norm() / (clean.inputs_embeds.detach() * real).norm()}
        flips = share_changed(clean.task, perturbed, reference, clean.batch)
        if flips is not None:
            figures["flips"] = flips
        scaled = {name: clean.batch.scaled(figure, Share.DIVERGENCE) for name, figure in figures.items()}
    return {"R": value.detach(), **scaled}


def _one_pass(clean: CleanPass, reference: Tensor, noise: Noise) -> Tensor:
    """J^T u (B, T, H) through the clean graph, with u drawn by the divergence's Hessian (docs/one-pass-attack.md)."""
    from mtsmart.losses.directions import drawing
    from mtsmart.regularizers.shared.perturbation import gradient_of

    with drawing(noise.of_rows):
        projection = clean.task.direction(reference, reference.detach(), clean.batch)
    return gradient_of(projection, clean.inputs_embeds, retain_graph=True)
