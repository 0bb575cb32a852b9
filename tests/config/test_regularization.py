"""Presets of the regularisers and how settings are layered."""

import pytest

from mtsmart.config.regularizers import REGULARIZERS

SMART = REGULARIZERS["smart"]
MBPP = REGULARIZERS["mbpp"]
WITH_PRESETS = [method for method in REGULARIZERS.ordered().values() if method.presets]


def section(method, **values):
    return method.section()(**values)


def changed(method, preset, **values):
    return method.preset(preset).model_copy(update=values)


def test_paper_holds_the_published_values():
    paper = SMART.preset("paper")
    assert (paper.epsilon, paper.noise, paper.step_size, paper.steps) == (1e-5, 1e-5, 1e-3, 1)
    assert (paper.epsilon_unit, paper.norm, paper.constraint) == ("absolute", "linf", "project")
    teacher = MBPP.preset("paper")
    assert (teacher.weight, teacher.early_beta, teacher.beta, teacher.early) == (1.0, 0.99, 0.999, 0.1)


@pytest.mark.parametrize("method", WITH_PRESETS)
def test_settings_without_values_are_the_default_which_is_off(method):
    assert method.resolve() == method.resolve(section(method), None) == method.preset("default")
    assert not method.resolve(section(method, preset="default")).is_on
    assert not method.resolve(section(method, preset="off")).is_on


def test_single_values_are_laid_over_the_first_preset():
    assert SMART.resolve(section(SMART, epsilon=3e-2)) == changed(SMART, "tuned", epsilon=3e-2)
    layers = (None, section(SMART, preset="default", epsilon=3e-2))
    assert SMART.resolve(*layers) == changed(SMART, "tuned", epsilon=3e-2)
    assert MBPP.resolve(section(MBPP, every=4)) == changed(MBPP, "tuned", every=4)
    off = SMART.resolve(section(SMART, preset="off"), section(SMART, epsilon=3e-2))
    assert off == changed(SMART, "off", epsilon=3e-2)


@pytest.mark.parametrize("method", WITH_PRESETS)
def test_all_presets_are_on_and_name_their_source(method):
    for preset in method.presets:
        assert preset.settings.is_on and preset.source
        assert isinstance(preset.settings, method.Settings)


def test_later_layers_win_and_a_preset_starts_anew():
    run = section(SMART, weight=3.0, steps=2)
    both = SMART.resolve(run, section(SMART, steps=0))
    assert (both.weight, both.steps) == (3.0, 0)
    anew = SMART.resolve(run, section(SMART, preset="paper", norm="l2"))
    assert anew == changed(SMART, "paper", norm="l2")


@pytest.mark.parametrize("method", WITH_PRESETS)
def test_what_a_user_may_set_is_what_there_is_under_the_same_limits(method):
    given = method.section().model_fields
    assert set(given) == {"preset", *method.Settings.model_fields}
    for name, field in method.Settings.model_fields.items():
        assert given[name].annotation == field.annotation | None
        assert given[name].metadata == field.metadata
        assert given[name].default is None


def test_a_method_without_presets_is_off_until_its_section_stands_there():
    distill = REGULARIZERS["distill"]
    assert distill.resolve(None) is None
    assert distill.resolve(section(distill, teachers=["run"])).is_on
    assert distill.expand(None) is distill.expand(False) is distill.expand("off") is None


def test_a_number_switches_no_method_off():
    assert REGULARIZERS["distill"].expand(0) == 0
    assert SMART.expand(0) == {"preset": 0}


@pytest.mark.parametrize("method", REGULARIZERS.ordered().values())
def test_every_method_has_its_texts_and_describes_its_figures(method):
    texts = method.text
    assert all([texts.title, texts.formula, texts.paper, texts.cost, texts.use, texts.evidence])
    for figure in method.figures:
        assert figure.unit and figure.what and figure.legend.startswith(figure.name)
    assert all(field.description for field in method.Settings.model_fields.values())


@pytest.mark.parametrize("method", WITH_PRESETS)
def test_a_section_may_be_sent_to_another_process(method):
    """As the experiments of a sweep are."""
    import pickle

    switch = method.Settings.switch
    written = section(method, **{switch: getattr(method.presets[0].settings, switch)})
    again = pickle.loads(pickle.dumps(written))
    assert again == written and again.model_fields_set == {switch}


def test_a_task_cannot_have_settings_that_all_tasks_share():
    from mtsmart.config.document import Document
    from mtsmart.config.validate import validate
    from mtsmart.errors import ConfigError
    from mtsmart.tasks import TaskDefinition

    task = {"task_type": "regression", "dataset": {"path": "a/b"}, "text": ["a"], "distill": {"weight": 1}}
    with pytest.raises(ConfigError, match="distill: unknown key. All tasks share its settings"):
        validate(TaskDefinition, Document(task))
