"""``mtsmart tasks new``: what it writes says the right thing, passes the check and trains."""

import pytest

import mtsmart
from mtsmart.drafting.draft import Given
from mtsmart.drafting.new import new_task
from mtsmart.errors import ConfigError, DataError
from mtsmart.tasks import TaskLibrary
from tests.conftest import sentences, write_jsonl
from tests.drafting import sources
from tests.models.architectures import save

NOTHING = Given()


def never(question):
    raise AssertionError(f"asked: {question.text}")


def first(question):
    return question.answers[0]


@pytest.fixture
def draft(tmp_path, monkeypatch):
    """A function that writes a source and drafts a task on it."""
    monkeypatch.chdir(tmp_path)

    def drafted(source, ask=never, given=NOTHING, **settings):
        (tmp_path / "data").mkdir(exist_ok=True)
        return new_task(source(tmp_path / "data"), ask, given, **settings)

    return drafted


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """An encoder that has a mask token too."""
    return str(save("BERT", tmp_path_factory.mktemp("encoder")))


# source -> the parts of the definition that matter
SURE = {
    "reviews": {"task_type": "classification", "text": ["text"], "label": "label", "labels": ["neg", "pos"]},
    "pairs": {"task_type": "regression", "text": ["sentence1", "sentence2"], "label": "score", "labels": None},
    "topics": {"task_type": "classification", "text": ["title", "body"], "missing": {"body": "empty"}},
    "toxic": {"task_type": "multi_label", "text": ["comment"], "labels": ["insult", "threat", "spam"]},
    "moods": {"task_type": "multi_label", "text": ["text"], "label": "moods", "labels": ["calm", "glad", "sad"]},
    "entities": {"task_type": "tagging", "text": ["words"], "label": "tags", "labels": ["O", "B-PLACE", "I-PLACE"]},
    "tags": {"task_type": "tagging", "text": ["tokens"], "label": "tags", "labels": ["O", "B-PLACE", "I-PLACE"]},
    "answers": {"task_type": "span", "text": ["question", "context"], "label": "answers"},
    "quiz": {"task_type": "multiple_choice", "text": ["question"], "label": "answer"},
    "questions": {"task_type": "classification", "text": ["text"], "labels": ["PLACE", "WHEN", "WHO"]},
    "folder_of_splits": {"task_type": "classification", "text": ["text"], "labels": ["no", "yes"]},
    "one_file_of_splits": {"task_type": "classification", "text": ["text"], "splits": {"validation": "DEV"}},
    "plain": {"task_type": "masked_lm", "text": ["text"]},
    "without_header": {"task_type": "classification", "text": ["text"], "label": "label", "labels": ["blue", "red"]},
}  # fmt: skip


@pytest.mark.parametrize("name", list(SURE))
def test_what_is_written_is_right_and_trains(draft, cli, encoder, name):
    made = draft(getattr(sources, name), encoder=encoder)
    definition = TaskLibrary([made.task_file])[made.name]
    assert {key: getattr(definition, key) for key in SURE[name]} == SURE[name]
    checked = cli("tasks", "check", made.task_file)
    assert checked.code == 0, checked.err
    run = mtsmart.train(made.experiment, ["training.max_updates=5", "training.batch_size=4"])
    assert made.name in run.results["tasks"]


# source -> the question, and the texts of its answers
UNSURE = {
    "stars": ("What is 'stars'?", ["degrees in this order", "an amount", "classes without an order"]),
    "two_labels": ("Which column is the label?", ["place (home, work)", "mood (glad, sad)", "none"]),
    "two_texts": ("Which columns are read?", ["story and remark, as a pair", "story", "remark"]),
}


def two_labels(folder):
    data = sources.rows(
        text=sources.texts(), place=sources.cycle("home", "work", "home"), mood=sources.cycle("sad", "glad")
    )
    return [sources.write_csv(folder / "x.csv", data)]


def two_texts(folder):
    data = sources.rows(story=sources.texts(), remark=sources.texts(1), label=sources.cycle("a", "b"))
    return [sources.write_csv(folder / "x.csv", data)]


@pytest.mark.parametrize("name", list(UNSURE))
def test_what_may_be_two_things_is_asked(draft, name):
    asked = []

    def ask(question):
        asked.append(question)
        return question.answers[-2]

    made = draft(getattr(sources, name, None) or globals()[name], ask)
    (question,) = asked
    text, answers = UNSURE[name]
    assert question.text == text
    assert all(found.text.startswith(said) for found, said in zip(question.answers, answers, strict=True))
    chosen = {"stars": made.draft.task_type, "two_labels": made.draft.label, "two_texts": made.draft.text}[name]
    assert chosen == question.answers[-2].value if name != "two_labels" else question.answers[-2].value.name
    TaskLibrary([made.task_file])


@pytest.mark.parametrize("name", list(UNSURE))
def test_flags_answer_beforehand(draft, name):
    given = {
        "stars": Given(task_type="regression"), "two_labels": Given(label="place"), "two_texts": Given(text=["remark"])
    }[name]  # fmt: skip
    made = draft(getattr(sources, name, None) or globals()[name], never, given)
    assert given.task_type in (None, made.draft.task_type)
    assert given.label in (None, made.draft.label)
    assert given.text in (None, made.draft.text)


def test_nobody_is_asked_without_a_terminal_and_what_is_assumed_is_said(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (place,) = sources.stars(tmp_path)
    result = cli("tasks", "new", place)
    assert result.code == 0, result.err
    assert "What is 'stars'? Assumed: degrees in this order: 1, 2, 3, 4, 5." in result.out
    assert "--type says it" in result.out
    assert "mtsmart train stars_experiment.yaml" in result.out


@pytest.mark.parametrize("file", ["reviews.yaml", "reviews_experiment.yaml"])
def test_files_of_these_names_are_kept(draft, tmp_path, file):
    (tmp_path / file).write_text("mine")
    with pytest.raises(ConfigError, match=f"{file}: is there already. Name another with --output"):
        draft(sources.reviews)
    assert (tmp_path / file).read_text() == "mine"
    draft(sources.reviews, overwrite=True)
    assert (tmp_path / file).read_text() != "mine"


def test_paths_are_relative_to_the_task_file(draft, tmp_path):
    (tmp_path / "yaml").mkdir()
    made = draft(sources.reviews, output=tmp_path / "yaml" / "t.yaml")
    assert "files: {train: ../data/reviews.csv}" in made.task_file.read_text()
    assert TaskLibrary([made.task_file])["reviews"].task_type == "classification"


def test_rare_labels_ask_for_other_metrics_and_advise_weights(draft):
    def rare(folder):
        data = [
            {"text": text, "label": "bad" if number % 12 else "good"} for number, text in enumerate(sources.texts())
        ]
        return [str(write_jsonl(folder / "rare.jsonl", data))]

    made = draft(rare)
    assert made.draft.keys["metrics"] == ["macro_f1", "accuracy"]
    assert "# options: {class_weights: balanced}" in made.task_file.read_text()


def test_the_file_is_sorted_by_label_and_large(draft):
    """Labels that stand only in rows that are not looked at are labels too."""

    def large(folder):
        data = [{"text": text, "label": "b"} for text in sentences(60) * 900]
        data[0]["label"] = "a"
        data[50_001]["label"] = "c"
        return [str(write_jsonl(folder / "large.jsonl", data))]

    made = draft(large)
    assert made.seen.rows == 54_000
    assert made.draft.labels == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("places", "given", "message"),
    [
        (["gone.csv"], Given(), "gone.csv: there is no such file"),
        (["data"], Given(), "data: holds no data files that are read"),
        (["no such thing"], Given(), "is neither a local clone nor the name of a data set on the Hub"),
        (["x.csv"], Given(label="lable"), "label: names no column of the data, got 'lable'. Did you mean 'label'"),
        (["x.csv"], Given(text=["txt"]), "text: names no column of the data, got 'txt'. Did you mean 'text'"),
        (["x.csv"], Given(task_type="clasification"), "task_type: is no task type.*Did you mean 'classification'"),
        (["numbers.csv"], Given(), r"source: no column holds texts \(columns: a, b\). Say it with --text"),
        (["empty.csv"], Given(), "empty.csv: is empty"),
    ],
)
def test_what_cannot_be_drafted_is_one_error(tmp_path, monkeypatch, places, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "empty.csv").touch()
    sources.write_csv(tmp_path / "x.csv", sources.rows(text=sources.texts(), label=sources.cycle("a", "b")))
    sources.write_csv(tmp_path / "numbers.csv", sources.rows(a=range(sources.ROWS), b=sources.cycle(1.5, 2, 3)))
    before = sorted(tmp_path.iterdir())
    with pytest.raises((ConfigError, DataError), match=message):
        new_task(places, first, given)
    assert sorted(tmp_path.iterdir()) == before


def test_a_data_set_of_the_hub_gives_its_label_names(tmp_path, monkeypatch):
    import datasets

    place = tmp_path / "hub" / "me" / "rows"
    place.mkdir(parents=True)
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "maybe"])}
    )
    for split in ("train", "validation"):
        data = {"text": sources.texts(), "label": sources.cycle(0, 1)}
        datasets.Dataset.from_dict(data, features).to_parquet(place / f"{split}-00000-of-00001.parquet")
    monkeypatch.setenv("MTSMART_HUB_DIR", str(tmp_path / "hub"))
    monkeypatch.chdir(tmp_path)
    made = new_task(["me/rows"], never, Given())
    definition = TaskLibrary([made.task_file])["rows"]
    assert definition.dataset.path == "me/rows"
    assert definition.dataset.holdout is None
    assert sorted(definition.labels) == ["maybe", "no"]
