"""From a grid to its runs."""

import os
import re
import shutil
from pathlib import Path

import pytest

from mtsmart.config.loader import load_experiment
from mtsmart.errors import ConfigError
from mtsmart.resources import shipped
from mtsmart.sweeps.ledger import LEDGER, Ledger
from mtsmart.sweeps.plan import definitions_of, make_plan
from mtsmart.sweeps.work.fingerprint import fingerprint
from mtsmart.tasks.dataset import PerturbConfig

ROOT = Path(__file__).resolve().parents[2]
BASE = """name: s
encoder: {{path: e}}
tasks: {{rte: {{weight: 2}}, cola: {{}}, mrpc: {{}}}}
smart: off
mbpp: off
grid:
{grid}
"""
GRID = """  seeds: [1, 2]
  starts:
    joint: {tasks: [mrpc, cola]}
  arms:
    plain: {}
    SMART: {smart: {weight: 3}}
    after: {start: joint, mbpp: paper}
  tables:
    rte: {tasks: [rte], training: {epochs: 7}}
    cola: {tasks: {cola: {splits: {train: "train[:9]"}}}, arms: [plain, after], baseline: after}
"""


@pytest.fixture
def plan_of(tmp_path):
    def plan(grid, overrides=()):
        file = tmp_path / "s.yaml"
        file.write_text(BASE.format(grid=grid))
        return make_plan(load_experiment(file), overrides, tmp_path / "out")

    return plan


def test_tables_and_arms_are_laid_over_the_file(plan_of, tmp_path):
    plan = plan_of(GRID)
    starts, rte, cola = plan.tables
    assert [(table.name, table.baseline) for table in plan.tables] == [
        ("starts", None),
        ("rte", "plain"),
        ("cola", "after"),
    ]
    config = rte.arms["SMART"][1].experiment.config
    assert list(config.tasks) == ["rte"] and config.tasks["rte"]["weight"] == 2, "the file's settings of a task stay"
    assert config.training.epochs == 7 and config.training.seed == 2 and config.grid is None
    assert config.parts["smart"].weight == 3 and config.parts["mbpp"].preset == "off"
    assert list(cola.arms) == ["plain", "after"]
    config = cola.arms["after"][0].experiment.config
    assert config.tasks == {"cola": {"splits": {"train": "train[:9]"}}}
    start = starts.arms["joint"][0]
    assert config.init.run == str(tmp_path / "out" / "starts" / start.folder_name) and config.encoder.path is None
    assert config.init.heads == "keep", "the start has this task's head"
    assert rte.arms["after"][0].experiment.config.init.heads == "fresh"
    assert list(start.experiment.config.tasks) == ["mrpc", "cola"]


def test_runs_come_table_by_table_and_seed_by_seed_with_starts_first(plan_of):
    jobs = plan_of(GRID).jobs
    assert [(job.label.partition(":")[0], job.seed) for job in jobs] == [
        *[("rte", 1)] * 2,
        ("joint", 1),
        ("rte", 1),
        *[("rte", 2)] * 2,
        ("joint", 2),
        ("rte", 2),
        *[("cola", 1)] * 2,
        *[("cola", 2)] * 2,
    ]
    for number, job in enumerate(jobs):
        assert job.start is None or job.start.key in {earlier.key for earlier in jobs[:number]}


def test_what_is_the_same_is_one_run(plan_of):
    same = "  seeds: [1]\n  arms:\n    a: {}\n    b: {smart: {weight: 0}}\n    c: {smart: paper}\n"
    jobs = plan_of(same).jobs
    assert len(jobs) == 2, "SMART off by its preset and by its weight is one configuration"
    assert [job.label for job in jobs] == ["a", "c"], "with the name of the first"


def test_the_hash_knows_what_a_run_computes_and_nothing_else(plan_of):
    grid = "  seeds: [1]\n  arms: {a: {}}\n"
    (job,) = plan_of(grid).jobs
    for harmless in ("data.hub_dir=x", "data.cache_dir=y", "training.keep_checkpoints=5", "description=z", "name=n"):
        assert plan_of(grid, [harmless]).jobs[0].config == job.config, harmless
    # Batches are drawn, and heads made, in the order of the tasks.
    assert len({plan_of(grid, [f"tasks=[{order}]"]).jobs[0].config for order in ("rte, cola", "cola, rte")}) == 2
    for other in ("training.epochs=9", "smart=paper", "mbpp=paper", "tasks.rte.weight=3", "data.max_length=9"):
        assert plan_of(grid, [other]).jobs[0].config != job.config, other


def test_a_start_that_changes_is_another_run_for_those_that_go_on_from_it(plan_of):
    before, after = plan_of(GRID), plan_of(GRID.replace("[mrpc, cola]", "[mrpc]"))
    assert before.tables[1].arms["after"][0].config != after.tables[1].arms["after"][0].config
    assert before.tables[1].arms["plain"][0].config == after.tables[1].arms["plain"][0].config


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ("  arms: {a: {}}\n", r"s\.yaml:6: grid\.seeds: is required but missing"),
        ("  seeds: [1, 1]\n  arms: {a: {}}\n", r"grid\.seeds: has the same number twice, got 1"),
        ("  seeds: [-1]\n  arms: {a: {}}\n", r"grid\.seeds\.0: must not be negative"),
        ("  seeds: [1]\n  arms: {}\n", r"s\.yaml:8: grid\.arms: should have at least 1 item, got \{\}"),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  baseline: b\n",
            r"s\.yaml:9: grid\.baseline: there is no such arm, got 'b'\. Choose from: a",
        ),
        (
            "  seeds: [1]\n  arms:\n    a: {start: jiont}\n  starts: {joint: {}}\n",
            r"s\.yaml:9: grid\.arms\.a\.start: there is no such start, got 'jiont'\. Did you mean 'joint'",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables:\n    t:\n      arms:\n        - a\n        - b\n",
            r"s\.yaml:13: grid\.tables\.t\.arms\.1: there is no such arm, got 'b'",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {arms: a}}\n",
            r"s\.yaml:9: grid\.tables\.t\.arms: should be a list of arms, got 'a'",
        ),
        (
            "  seeds: [1]\n  arms:\n    a: {smrt: off}\n",
            r"s\.yaml:9: grid\.arms\.a\.smrt: unknown key\. Did you mean 'smart'",
        ),
        (
            "  seeds: [1]\n  arms: {a: {learning_rate: 1}}\n",
            r"s\.yaml:8: grid\.arms\.a\.learning_rate: unknown key\. Write it under 'optimizer': optimizer: {learn",
        ),
        (
            "  seeds: [1]\n  arms: {a: {optimizer.learning_rate: 1}}\n",
            r"a\.optimizer\.learning_rate: unknown key\. In a file it is written in its section: optimizer: {learn",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {max_len: 9}}\n",
            r"Here it is written data: {max_length: ...}$",
        ),
        ("  seeds: [1]\n  arms: {a: {seed: 2}}\n", r"grid\.arms\.a\.seed: unknown key\. Did you mean 'seeds'"),
        ("  seeds: [1]\n  arms: {a: {strat: j}}\n  starts: {j: {}}\n", r"a\.strat: unknown key\. Did you mean 'start'"),
        ("  seeds: [1]\n  arms: {a: {arms: [a]}}\n", r"grid\.arms\.a\.arms: unknown key"),
        ("  seeds: [1]\n  arms: {a: {name: x}}\n", r"s\.yaml:8: grid\.arms\.a\.name: has no effect here"),
        ("  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {grid: {}}}\n", r"grid\.tables\.t\.grid: has no effect here"),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  starts:\n    i: {}\n    j: {start: i}\n",
            r"s\.yaml:11: grid\.starts\.j\.start: a start cannot continue from another start, got 'i'",
        ),
        (
            "  seeds:\n    - 1\n    - 1\n  arms: {a: {}}\n",
            r"s\.yaml:7: grid\.seeds: has the same number twice, got 1",
        ),
        ("  seeds:\n    - 1\n    - -2\n  arms: {a: {}}\n", r"s\.yaml:9: grid\.seeds\.1: must not be negative.*got -2"),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  starts: {j: {}}\n  tables: {t: {start: j, init: {run: x}}}\n",
            r"grid\.tables\.t\.init: has no effect beside a start",
        ),
        ("  seeds: [1]\n  arms:\n    a: {training: {epochs: no}}\n", r"s\.yaml:9: training\.epochs: .*got 'no'"),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {tasks: [rte2]}}\n",
            r"s\.yaml:9: tasks\.rte2: .*Did you mean 'rte'",
        ),
        (
            "  seeds: [1]\n  arms: {a: {start: [j]}}\n  starts: {j: {}}\n",
            r"arms\.a\.start: should be the name of one start",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {arms: [[a]]}}\n",
            r"tables\.t\.arms\.0: should be the name of one arm, got \['a'\]",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {baseline: {x: 1}}}\n",
            r"baseline: should be the name of one arm",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}, b: {}}\n  tables: {t: {arms: [b]}}\n",
            r"s\.yaml:9: grid\.tables\.t\.baseline: is not among the table's arms, got 'a'",
        ),
        ("  seeds: [1]\n  arms: {'': {}}\n", r"arms\.: is no name, because a name consists of visible characters"),
        ('  seeds: [1]\n  arms: {"a\\nb": {}}\n', r"is no name"),
        ('  seeds: [1]\n  arms: {"a\\u202eb": {}}\n', r"is no name"),
        (f"  seeds: [1]\n  arms: {{{'a' * 201}: {{}}}}\n", r"is a name of 201 bytes in UTF-8"),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {}, T: {}}\n",
            r"grid\.tables\.T: is the name 't' in other letters",
        ),
        (
            "  seeds: [1]\n  arms: {a: {}}\n  starts: {j: {}}\n  tables: {starts: {}}\n",
            r"'starts' is the name of the table",
        ),
        ("  seeds: [1]\n  arms: {a: {training: {seed: 7}}}\n", r"arms\.a\.training\.seed: has no effect"),
        (
            "  seeds: [1]\n  arms: {a: {start: j, init: {run: x}}}\n  starts: {j: {}}\n",
            r"grid\.arms\.a\.init: has no effect beside a start",
        ),
        ("  seeds: [1]\n  arms:\n    a: {encoder: {freeze: al}}\n", r"s\.yaml:9: encoder\.freeze: should be"),
        ("  seeds: [1]\n  arms: {a: 3}\n", r"s\.yaml:8: grid\.arms\.a: should be a mapping"),
        ("  seeds: [1]\n  arms: {a: {}}\n  tabels: {}\n", r"grid\.tabels: unknown key\. Did you mean 'tables'"),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(plan_of, grid, message):
    with pytest.raises(ConfigError, match=message):
        plan_of(grid)


def test_seeds_are_the_grids(plan_of):
    with pytest.raises(ConfigError, match=r"training\.seed: has no effect in a sweep. Set grid\.seeds"):
        plan_of("  seeds: [1]\n  arms: {a: {}}\n", ["training.seed=7"])


def test_an_override_of_a_task_holds_where_the_task_is(plan_of):
    tasks = {job.label: job.experiment.config.tasks for job in plan_of(GRID, ["tasks.rte.weight=5"]).jobs}
    assert tasks["rte: plain"]["rte"]["weight"] == 5
    assert "rte" not in tasks["cola: plain"] and "rte" not in tasks["joint"]
    with pytest.raises(ConfigError, match=r"has no effect: no run has such a task, got 'tasks\.snli\.weight=2'"):
        plan_of(GRID, ["tasks.snli.weight=2"])


def test_an_override_of_a_suites_task_holds(plan_of):
    grid = "  seeds: [1]\n  arms: {a: {}}\n  tables: {t: {tasks: [glue]}, u: {tasks: [snli]}}\n"
    plan = plan_of(grid, ["tasks.mnli.weight=5"])
    assert [job.experiment.config.tasks.get("mnli") for job in plan.jobs] == [{"weight": 5}, None]


def test_an_override_of_the_encoder_reaches_those_who_go_on_through_their_start(plan_of):
    jobs = {job.label: job for job in plan_of(GRID, ["encoder.path=other"]).jobs}
    assert jobs["joint"].experiment.config.encoder.path == jobs["rte: plain"].experiment.config.encoder.path == "other"
    assert jobs["rte: after"].experiment.config.encoder.path is None
    assert jobs["rte: after"].config != {job.label: job for job in plan_of(GRID).jobs}["rte: after"].config


def test_an_override_cannot_take_the_place_of_a_start(plan_of, tmp_path):
    with pytest.raises(ConfigError, match=r"init\.run: has no effect on runs that continue from a start, got '.*/r'"):
        plan_of(GRID, ["encoder.path=null", f"init.run={tmp_path / 'r'}"])


def test_what_no_run_needs_is_told(plan_of):
    grid = "  seeds: [1]\n  arms: {a: {}, b: {}, c: {start: j}}\n  starts: {j: {}}\n  tables: {t: {arms: [a]}}\n"
    assert plan_of(grid).unused == [
        "no table has these arms, which are not trained: b; c",
        "no table has these starts, which are not trained: j",
    ]
    assert not plan_of(GRID).unused


def test_a_file_without_a_grid_is_refused(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text("encoder: {path: e}\ntasks: [rte]\n")
    with pytest.raises(ConfigError, match=r"s\.yaml: has no grid.*mtsmart train"):
        make_plan(load_experiment(file), [], tmp_path)


MOVING = """name: s
task_files: [../data/tasks.yaml]
tasks: [near]
encoder: {path: ../encoder}
smart: off
mbpp: off
grid: {seeds: [1], arms: {one: {}, other: {init: {run: ../runs/first}, encoder: {path: null}}}}
"""
NEAR = """near: {task_type: regression, dataset: {files: {train: [train.jsonl, %s], validation: validation.jsonl}},
  text: [a], label: score}
"""


def hashes(file):
    return [job.config for job in make_plan(load_experiment(file), [], file.parent / "out").jobs]


def write_project(folder, outside):
    """A project with an experiment in one folder and data in another, one file of which is outside."""
    for name, text in {"setup.cfg": "", "grids/s.yaml": MOVING, "data/tasks.yaml": NEAR % outside}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder / "grids" / "s.yaml"


def test_a_project_that_moves_keeps_the_identities_of_its_runs(tmp_path, monkeypatch):
    outside = tmp_path / "outside.jsonl"
    file = write_project(tmp_path / "here", outside)
    shutil.copytree(tmp_path / "here", tmp_path / "deeper" / "there")
    moved = tmp_path / "deeper" / "there" / "grids" / "s.yaml"
    assert hashes(moved) == hashes(file) and len(set(hashes(file))) == 2
    monkeypatch.chdir(tmp_path)
    assert hashes(Path(os.path.relpath(moved))) == hashes(file), "the working directory does not matter"


@pytest.mark.parametrize("other", ["{here}/data/other.jsonl", "{here}/../elsewhere.jsonl"])
def test_another_data_file_makes_another_run(tmp_path, other):
    file = write_project(tmp_path / "here", tmp_path / "outside.jsonl")
    before = hashes(file)
    write_project(tmp_path / "here", other.format(here=tmp_path / "here"))
    assert not set(hashes(file)) & set(before)


@pytest.mark.parametrize(
    "experiment",
    [
        *(f"evidence/{name}" for name in ("evidence", "tuning", "learning_rate")),
        *(f"evidence_base/{name}" for name in ("evidence_base", "tuning", "learning_rate")),
        "methods/methods",
        *(f"heads/{path.parent.name}" for path in (ROOT / "experiments/heads/ledgers").glob("*/runs.jsonl")),
    ],
)
def test_the_ledgers_that_ship_belong_to_their_grids(tmp_path, experiment):
    """Whatever settings come later, the pages can be written from them again."""
    folder, _, name = experiment.partition("/")
    places = (f"{folder}/ledgers/{name}", f"{folder}/{name}", folder)
    file = next(path for place in places if (path := ROOT / "experiments" / place / LEDGER).is_file())
    plan = make_plan(load_experiment(shipped(f"experiments/{experiment}.yaml")), [], tmp_path)
    planned = {job.key for job in plan.jobs}
    assert (keys := [(run.config, run.seed) for run in Ledger(file)])
    assert planned.issuperset(keys)


def test_every_shipped_grid_has_a_plan(tmp_path):
    grids = [
        experiment
        for file in sorted(shipped("experiments").rglob("*.yaml"))
        if (experiment := load_experiment(file)).config.grid is not None
    ]
    assert grids
    for experiment in grids:
        assert make_plan(experiment, [], tmp_path).jobs


def test_the_documents_grid_has_a_plan(tmp_path):
    """docs/sweeps.md with the README's task."""
    pages = (ROOT / "docs" / "sweeps.md", ROOT / "README.md")
    grid, tasks = (re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)[0] for page in pages)
    (tmp_path / "my_tasks.yaml").write_text(tasks)
    (tmp_path / "s.yaml").write_text(grid)
    plan = make_plan(load_experiment(tmp_path / "s.yaml"), [], tmp_path)
    assert [table.name for table in plan.tables] == ["starts", "urgency", "similar"]
    assert len(plan.jobs) == 5 * (1 + 3 + 2)


SEEDS = GRID.replace("SMART: {smart: {weight: 3}}", "SMART: {seeds: [2], smart: {weight: 3}}")


def test_an_arm_and_a_table_may_have_fewer_seeds(plan_of):
    plan = plan_of(SEEDS.replace("cola: {tasks", "cola: {seeds: [1], tasks"))
    seeds = {(table.name, arm): [job.seed for job in jobs] for table in plan.tables for arm, jobs in table.arms.items()}
    assert seeds["rte", "plain"] == [1, 2]
    assert seeds["rte", "SMART"] == [2]
    assert seeds["cola", "plain"] == [1]


def test_seeds_do_not_change_the_identity_of_a_run(plan_of):
    few = {job.key for job in plan_of(SEEDS).jobs}
    assert few < {job.key for job in plan_of(GRID).jobs}


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ("[3]", "grid.arms.SMART.seeds: has none of grid.seeds"),
        ("2", "should be a list of some of grid.seeds"),
        ("['1']", r"grid.arms.SMART.seeds.0: should be a whole number, got '1'"),
    ],
)
def test_seeds_of_an_arm_are_some_of_the_grids(plan_of, seeds, message):
    with pytest.raises(ConfigError, match=message):
        plan_of(GRID.replace("SMART: {smart", f"SMART: {{seeds: {seeds}, smart"))


def test_an_arm_without_a_seed_in_a_table_is_refused(plan_of):
    text = SEEDS.replace("rte: {tasks", "rte: {seeds: [1], tasks")
    with pytest.raises(ConfigError, match="has none of the table's seeds, so it would have no run, got 'SMART'"):
        plan_of(text)


def test_a_perturbation_counts_and_settings_that_came_later_leave_older_hashes_valid():
    """The hash is that of the ledgers from before ``dataset.perturb``."""
    experiment = load_experiment(shipped("experiments") / "glue_joint.yaml", ["training.precision=float32"])
    definitions = definitions_of(experiment, None)
    before = fingerprint(experiment, definitions)
    assert before.startswith("a48d7f61756e4574")
    name, one = next(iter(definitions.items()))
    perturb = PerturbConfig(kind="typos")
    source = one.dataset.model_copy(update={"perturb": perturb})
    changed = fingerprint(experiment, {**definitions, name: one.model_copy(update={"dataset": source})})
    source = one.dataset.model_copy(update={"perturb": perturb.model_copy(update={"seed": 1})})
    other = fingerprint(experiment, {**definitions, name: one.model_copy(update={"dataset": source})})
    assert len({before, changed, other}) == 3
