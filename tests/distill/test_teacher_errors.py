"""Teachers that cannot be used: the error names file, line and key."""

import shutil

import pytest


# Errors ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 0.5", "weight: 1.5", "distill.weight: should be less than or equal to 1, got 1.5"),
        ("weight: 0.5", "weight: -0.1", "distill.weight: should be greater than or equal to 0, got -0.1"),
        ("temperature: 2.0", "temperature: 0", "distill.temperature: should be greater than 0, got 0"),
        ("[teacher]", "[gone]", "distill.teachers: is not the folder of a run (it has no config.yaml), got"),
        ("[teacher]", "[]", "distill.teachers: "),
        ("2.0}", "2.0, tasks: [colour]}", "the experiment has no such task, got 'colour'. Did you mean 'color'?"),
        ("2.0}", "2.0, taks: [color]}", "distill.taks: unknown key. Did you mean 'tasks'?"),
    ],
)
def test_errors_name_file_line_and_key(workspace, teacher, cli, old, new, message):
    workspace.write_experiment(workspace.experiment.read_text().replace(old, new))
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert message in done.err
    assert "experiment.yaml:7: distill" in done.err
    assert "Traceback" not in done.err
    assert not (workspace.folder / "student").exists()


def test_a_teacher_without_the_tasks_is_refused(workspace, teacher, cli):
    workspace.tasks.write_text(workspace.tasks.read_text().replace("color:\n", "shade:\n", 1))
    text = workspace.experiment.read_text().replace("[color, near]", "[shade]")
    workspace.write_experiment(text)
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "experiment.yaml:7: distill.teachers: has a head for none of the tasks (it has: color, near)" in done.err
    workspace.write_experiment(text.replace("[shade]", "[shade, near]").replace("2.0}", "2.0, tasks: [shade]}"))
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "has no classification head for it (it has: color, near), got 'shade'" in done.err


def test_other_labels_are_refused(workspace, teacher, cli, scored):
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[other, red]", "[other, red, blue]"))
    done = cli("train", workspace.experiment, "tasks.color.metrics=[accuracy]", "-o", "student")
    assert done.code == 2
    assert "has other labels for 'color': it has ['other', 'red'], not ['other', 'red', 'blue']" in done.err
    assert "experiment.yaml:7: distill.tasks" in done.err
    assert not scored


def test_a_run_without_a_model_is_no_teacher(workspace, teacher, cli):
    shutil.rmtree(teacher / "model")
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "holds no trained model" in done.err
