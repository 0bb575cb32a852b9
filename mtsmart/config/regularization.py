"""Settings of SMART and MBPP, their presets, and how settings are layered.

A settings section holds only what the user wrote (everything else is None); ``resolve`` lays such sections
over a preset and returns the complete values. Whoever says nothing gets ``default``, which is off: see
experiments/evidence/RESULTS.md. Single values without a preset are laid over ``tuned``.

Source of the ``paper`` values: Jiang et al. 2020, "SMART: Robust and Efficient Fine-Tuning for Pre-trained
Natural Language Models through Principled Regularized Optimization", section 4.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from mtsmart.config.validate import StrictModel

Preset = Literal["default", "tuned", "paper", "off"]
_LARGEST = 1e6  # of lengths and weights: far above what makes sense, far below what float32 holds


class Smart(StrictModel):
    """Complete SMART values. Lengths are in ``epsilon_unit``: absolute, or multiples of the embedding matrix's RMS."""

    weight: float = Field(ge=0, le=_LARGEST, description="lambda: factor of the smoothness term; 0 switches it off")
    epsilon: float = Field(gt=0, le=_LARGEST, description="radius of the ball that the perturbation stays in")
    epsilon_unit: Literal["relative", "absolute"] = Field(
        description="unit of epsilon, step_size and noise: times the embedding RMS, or as they are"
    )
    direction: Literal["ascent", "fisher"] = Field(
        description="of the first step. ascent: gradient at a random start; fisher: one vector-Jacobian product "
        "through the clean pass, which costs less and needs no small noise"
    )
    step_size: float = Field(gt=0, le=_LARGEST, description="eta: length of one step")
    steps: int = Field(ge=0, le=16, description="K: steps; 0 leaves the random start")
    noise: float = Field(ge=0, le=_LARGEST, description="sigma: deviation of the random start; fisher needs none")
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


class SmartSettings(StrictModel):
    """What the user says of SMART; the rest comes from the preset."""

    preset: Preset | None = None
    weight: float | None = Field(None, ge=0, le=_LARGEST)
    epsilon: float | None = Field(None, gt=0, le=_LARGEST)
    epsilon_unit: Literal["relative", "absolute"] | None = None
    direction: Literal["ascent", "fisher"] | None = None
    step_size: float | None = Field(None, gt=0, le=_LARGEST)
    steps: int | None = Field(None, ge=0, le=16)
    noise: float | None = Field(None, ge=0, le=_LARGEST)
    norm: Literal["linf", "l2"] | None = None
    scope: Literal["token", "sentence"] | None = None
    constraint: Literal["project", "normalize"] | None = None
    dropout: Literal["shared", "independent", "off"] | None = None
    every: int | None = Field(None, ge=1)


class Mbpp(StrictModel):
    """Complete values of the momentum Bregman proximal point teacher."""

    weight: float = Field(ge=0, le=_LARGEST, description="mu: factor of the distance to the teacher; 0 switches it off")
    beta: float = Field(ge=0, le=1, description="teacher momentum after the early phase")
    early_beta: float = Field(ge=0, le=1, description="teacher momentum in the early phase")
    early: float = Field(ge=0, le=1, description="share of all updates that the early phase takes")
    inner_steps: int = Field(ge=1, description="S: updates between two moves of the teacher")
    every: int = Field(ge=1, description="add the term on every n-th update only, with n times the weight")


class MbppSettings(StrictModel):
    """What the user says of MBPP; the rest comes from the preset."""

    preset: Preset | None = None
    weight: float | None = Field(None, ge=0, le=_LARGEST)
    beta: float | None = Field(None, ge=0, le=1)
    early_beta: float | None = Field(None, ge=0, le=1)
    early: float | None = Field(None, ge=0, le=1)
    inner_steps: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)


_SMART_PAPER = Smart(
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
# The published radius moves next to no prediction of a real encoder (R about 1e-5). The direction of one ascent step is
# sound, so the lengths change: a radius of 1 % of the embedding RMS, reached by a step long enough that
# nearly every coordinate saturates, from a start small enough to be pure direction finding. Radius and weight are
# those with the best mean in experiments/evidence/tuning/RESULTS.md.
# The direction comes from the clean pass: for two classes and regression that is the ascent step's, for less.
_SMART_TUNED = _SMART_PAPER.model_copy(
    update={"epsilon": 1e-2, "epsilon_unit": "relative", "step_size": 1.0, "noise": 1e-3, "direction": "fisher"}
)
_SMART_OFF = _SMART_TUNED.model_copy(update={"weight": 0.0})
SMART_PRESETS: dict[str, Smart] = {
    "default": _SMART_OFF,  # experiments/evidence/RESULTS.md: it helped no classification task significantly
    "tuned": _SMART_TUNED,
    "paper": _SMART_PAPER,
    "off": _SMART_OFF,
}

_MBPP_PAPER = Mbpp(weight=1.0, beta=0.999, early_beta=0.99, early=0.1, inner_steps=1, every=1)
# A teacher with beta 0.999 looks back a thousand updates. Where a whole run has that many or fewer it stays near the
# untrained model, and the term then holds predictions at the label frequencies. The tuned one looks back a
# tenth as far. Its weight has the best mean in experiments/evidence/tuning/RESULTS.md.
_MBPP_TUNED = _MBPP_PAPER.model_copy(update={"weight": 0.1, "beta": 0.99, "early_beta": 0.9})
_MBPP_OFF = _MBPP_TUNED.model_copy(update={"weight": 0.0})
MBPP_PRESETS: dict[str, Mbpp] = {
    "default": _MBPP_OFF,  # as for SMART
    "tuned": _MBPP_TUNED,
    "paper": _MBPP_PAPER,
    "off": _MBPP_OFF,
}


def expand_preset(value: Any) -> Any:
    """``paper`` as ``{preset: paper}``, and ``off``, null or false as ``{preset: off}``; settings stay as they are."""
    if isinstance(value, dict | StrictModel):
        return value
    return {"preset": "off" if value is None or value is False else value}


def resolve_smart(*layers: SmartSettings | None) -> Smart:
    """Lay settings over a preset, later layers winning; a layer that names a preset starts anew from it."""
    return Smart(**_resolve(SMART_PRESETS, layers))


def resolve_mbpp(*layers: MbppSettings | None) -> Mbpp:
    """As :func:`resolve_smart`, for the teacher."""
    return Mbpp(**_resolve(MBPP_PRESETS, layers))


def _resolve(presets: Mapping[str, StrictModel], layers: tuple[StrictModel | None, ...]) -> dict[str, Any]:
    base, changes = "default", dict[str, Any]()
    for layer in layers:
        given = {} if layer is None else layer.model_dump(exclude_none=True)
        if preset := given.pop("preset", None):
            base, changes = preset, {}
        changes |= given
    if base == "default" and changes:  # who sets a radius wants the term, and "default" may be off
        base = "tuned"
    return {**presets[base].model_dump(), **changes}
