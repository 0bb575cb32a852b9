"""Presets and how settings are layered."""

import pytest

from mtsmart.config.regularization import (
    MBPP_PRESETS,
    SMART_PRESETS,
    Mbpp,
    MbppSettings,
    Smart,
    SmartSettings,
    resolve_mbpp,
    resolve_smart,
)


def test_paper_holds_the_published_values():
    paper = SMART_PRESETS["paper"]
    assert (paper.epsilon, paper.noise, paper.step_size, paper.steps) == (1e-5, 1e-5, 1e-3, 1)
    assert (paper.epsilon_unit, paper.norm, paper.constraint) == ("absolute", "linf", "project")
    teacher = MBPP_PRESETS["paper"]
    assert (teacher.weight, teacher.early_beta, teacher.beta, teacher.early) == (1.0, 0.99, 0.999, 0.1)


def test_settings_without_values_are_the_default_which_is_off():
    assert resolve_smart() == resolve_smart(SmartSettings(), None) == SMART_PRESETS["default"]
    assert resolve_mbpp(MbppSettings()) == MBPP_PRESETS["default"]
    assert resolve_smart(SmartSettings(preset="default")).weight == resolve_mbpp().weight == 0


def test_single_values_are_laid_over_tuned():
    wider = SMART_PRESETS["tuned"].model_copy(update={"epsilon": 3e-2})
    assert resolve_smart(SmartSettings(epsilon=3e-2)) == wider
    assert resolve_smart(None, SmartSettings(preset="default", epsilon=3e-2)) == wider
    assert resolve_mbpp(MbppSettings(every=4)) == MBPP_PRESETS["tuned"].model_copy(update={"every": 4})
    off = resolve_smart(SmartSettings(preset="off"), SmartSettings(epsilon=3e-2))
    assert off == SMART_PRESETS["off"].model_copy(update={"epsilon": 3e-2})


def test_tuned_is_on():
    assert SMART_PRESETS["tuned"].weight > 0 and MBPP_PRESETS["tuned"].weight > 0


def test_later_layers_win_and_a_preset_starts_anew():
    run, task = SmartSettings(weight=3.0, steps=2), SmartSettings(steps=0)
    both = resolve_smart(run, task)
    assert (both.weight, both.steps) == (3.0, 0)
    anew = resolve_smart(run, SmartSettings(preset="paper", norm="l2"))
    assert anew == SMART_PRESETS["paper"].model_copy(update={"norm": "l2"})


@pytest.mark.parametrize("resolve", [resolve_smart, resolve_mbpp])
def test_off_is_weight_zero(resolve):
    settings = SmartSettings if resolve is resolve_smart else MbppSettings
    assert resolve(settings(preset="off")).weight == 0


@pytest.mark.parametrize(("complete", "settings"), [(Smart, SmartSettings), (Mbpp, MbppSettings)])
def test_what_a_user_may_set_is_what_there_is_under_the_same_limits(complete, settings):
    assert set(settings.model_fields) == {"preset", *complete.model_fields}
    for name, field in complete.model_fields.items():
        given = settings.model_fields[name]
        assert given.annotation == field.annotation | None
        assert given.metadata == field.metadata
