"""The shipped experiments on real data sets train with both terms. Clones of the same form stand for the data sets."""

import json
from functools import cache

import datasets
import pytest

from mtsmart.resources import shipped
from mtsmart.tasks import TaskDefinition, TaskLibrary
from tests.conftest import sentences

ROWS = 48
JOINT = ["small_joint", "glue_joint", "joint_glue_snli_scitail", "domain_adaptation/joint"]
FROM_A_RUN = [
    "finetune_rte",
    *(
        f"domain_adaptation/{task}_{share}_percent"
        for task in ("snli", "scitail")
        for share in ("0.1", "1", "10", "100")
    ),
]


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A folder of clones, with a few rows in the columns of each data set that these experiments name."""
    folder = tmp_path_factory.mktemp("hub")
    for definition in TaskLibrary([]).values():
        source = definition.dataset
        if source.path in ("nyu-mll/glue", "stanfordnlp/snli", "allenai/scitail"):
            place = folder / source.path / source.name
            place.mkdir(parents=True, exist_ok=True)
            for split in ("train", "validation"):
                rows(definition).to_parquet(place / f"{definition.split(split)}-00000-of-00001.parquet")
    for path in folder.glob("*/*"):
        names = [f"- config_name: {each.name}\n  data_files:\n" + files_of(each) for each in sorted(path.iterdir())]
        (path / "README.md").write_text("---\nconfigs:\n" + "".join(names) + "---\n")
    return folder


def rows(definition: TaskDefinition) -> datasets.Dataset:
    texts = {column: sentences(ROWS, seed) for seed, column in enumerate(definition.text)}
    count = len(definition.labels or [])
    label = datasets.ClassLabel(names=definition.labels) if count else datasets.Value("float32")
    values = [number % count if count else float(number % 6) for number in range(ROWS)]
    features = {column: datasets.Value("string") for column in texts}
    return datasets.Dataset.from_dict(
        {**texts, definition.label: values}, datasets.Features({**features, definition.label: label})
    )


def files_of(config) -> str:
    splits = [file.name.partition("-")[0] for file in sorted(config.iterdir())]
    return "".join(f"  - split: {split}\n    path: {config.name}/{split}-*\n" for split in splits)


@pytest.fixture(scope="module")
def train(hub, tiny_encoder, tmp_path_factory):
    """A function that trains three updates of a shipped experiment, once, and gives the run's folder."""
    import mtsmart

    @cache
    def run(experiment, *settings):
        small = ["training.max_updates=3", "training.batch_size=4", "training.log_every=1", "data.max_length=16"]
        folder = tmp_path_factory.mktemp("runs") / "run"
        file = shipped("experiments") / f"{experiment}.yaml"
        mtsmart.train(file, [f"data.hub_dir={hub}", *small, *settings], output_dir=folder)
        return folder

    return run


@pytest.fixture(scope="module")
def joint_run(train, tiny_encoder):
    return train("small_joint", f"encoder={{path: {tiny_encoder}, sha256: null}}")


def assert_both_terms(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    figures = [task for line in lines if line["type"] == "train" for task in line["tasks"].values()]
    assert len(figures) >= 3
    assert all(part["R"] > 0 and part["D"] >= 0 and part["delta/x"] > 0 for part in figures)
    assert any(part["D"] > 0 for part in figures)


@pytest.mark.parametrize("experiment", JOINT)
def test_a_joint_experiment_trains_with_both_terms(train, tiny_encoder, experiment):
    assert_both_terms(train(experiment, f"encoder={{path: {tiny_encoder}, sha256: null}}"))


@pytest.mark.parametrize("experiment", FROM_A_RUN)
def test_an_experiment_from_a_joint_run_trains_with_both_terms(train, joint_run, experiment):
    task = experiment.rpartition("/")[2].partition("_")[0]
    # The files take numbers of rows that the small clones have not.
    settings = [] if experiment == "finetune_rte" else [f"tasks.{task}.splits.train=train[:90%]"]
    assert_both_terms(train(experiment, f"init.run={joint_run}", *settings))
