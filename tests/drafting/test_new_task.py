"""``mtsmart tasks new``: what it writes says the right thing, passes the check and trains."""

import io
import sys
from pathlib import Path

import pytest

import mtsmart
from mtsmart.config.loader import load_experiment
from mtsmart.drafting.draft import Given
from mtsmart.drafting.new import new_task, schema_line
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
    "answers": {"task_type": "span", "text": ["question", "context"], "options": {"no_answer": True}},
    "quiz": {"task_type": "multiple_choice", "text": ["question"], "label": "answer"},
    "questions": {"task_type": "classification", "text": ["text"], "labels": ["PLACE", "WHEN", "WHO"]},
    "folder_of_splits": {"task_type": "classification", "text": ["text"], "labels": ["no", "yes"]},
    "one_file_of_splits": {"task_type": "classification", "text": ["text"], "splits": {"validation": "DEV"}},
    "numbered": {"task_type": "masked_lm", "text": ["text"]},
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
    run = mtsmart.train(made.experiment, ["training.max_updates=2", "training.batch_size=4"])
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


def settled(answers):
    """An ask that gives the answers of these numbers, one a question."""
    rest = list(answers)
    return lambda question: question.answers[rest.pop(0)]


# source -> for the numbers of the answers, what is drafted
CHOSEN = [
    ("passages", [0], {"task_type": "ranking", "text": ["query", "passage"], "options": {"group": "qid"}}),
    ("passages", [1, 1], {"task_type": "ordinal", "text": ["query", "passage"], "labels": ["0", "1", "2"]}),
    ("genres", [0], {"task_type": "multi_label", "labels": ["comedy", "drama", "war"], "options": {"separator": "|"}}),
    ("genres", [1], {"task_type": "classification", "label": "genre"}),
    ("replies", [0, 1], {"task_type": "masked_lm", "text": ["note"]}),
    ("replies", [1], {"task_type": "classification", "text": ["note"], "label": "reply"}),
    ("years", [0], {"task_type": "masked_lm", "text": ["text"]}),
    ("years", [1, 2], {"task_type": "regression", "label": "year"}),
]


@pytest.mark.parametrize(("name", "answers", "expected"), CHOSEN)
def test_each_answer_makes_its_own_task(draft, cli, name, answers, expected):
    made = draft(getattr(sources, name), settled(answers))
    definition = TaskLibrary([made.task_file])[made.name]
    assert {key: getattr(definition, key) for key in expected} == expected
    checked = cli("tasks", "check", made.task_file)
    assert checked.code == 0, checked.err


def test_other_columns_that_may_be_labels_are_named(draft):
    def reviews(folder):
        rows = [{"text": text, "stars": i % 3, "topics": "ab"[i % 2], "id": i} for i, text in enumerate(sentences(60))]
        return [str(write_jsonl(folder / "reviews.jsonl", rows))]

    made = draft(reviews, ask=first)
    assert made.draft.told == ["The label is 'stars'. --label takes another column, such as 'topics'."]
    assert "--label takes another column, such as 'topics'\n  label: stars" in made.task_file.read_text()
    chosen = draft(reviews, given=Given(label="topics"), overwrite=True)
    assert chosen.draft.label == "topics" and chosen.draft.told == []


def test_a_column_that_is_said_to_be_the_label_is_one(draft):
    made = draft(sources.years, never, Given(label="year", task_type="ordinal"))
    assert made.draft.labels == ["1990", "2001", "2012"]


@pytest.mark.parametrize(
    ("name", "values", "is_label"),
    [
        ("label_id", (0, 1), True),
        ("valid", (0, 1), True),
        ("userId", (3, 9), False),
        ("qid", (3, 9), False),
        ("id", ("x", "y", "z"), True),  # Texts that repeat name no row.
    ],
)
def test_ids_are_no_labels(draft, name, values, is_label):
    def source(folder):
        data = sources.rows(**{"text": sources.texts(), name: sources.cycle(*values)})
        return [sources.write_csv(folder / "x.csv", data)]

    assert (draft(source, first).draft.label == name) is is_label


def test_a_split_that_is_trained_on_is_no_other_split(draft, cli):
    def source(folder):
        for name in ("dev", "test"):
            sources.write_csv(folder / f"{name}.csv", sources.rows(text=sources.texts(), label=sources.cycle("a", "b")))
        return [str(folder)]

    made = draft(source, settled([0]))
    definition = TaskLibrary([made.task_file])[made.name]
    assert (definition.split("train"), definition.split("validation")) == ("rest(validation)", "holdout(validation)")
    assert made.draft.told == ["No split is called train, so 'validation' is trained on."]
    assert cli("tasks", "check", made.task_file).code == 0


def test_labels_and_gaps_of_validation_count(draft, cli):
    made = draft(sources.new_in_validation)
    assert made.draft.labels == ["a", "b", "c"]
    assert made.draft.keys["missing"] == "drop"
    assert made.seen.rows == sources.ROWS
    assert cli("tasks", "check", made.task_file).code == 0


def test_lengths_are_counted_in_the_tokens_of_an_encoder_at_hand(draft, encoder):
    made = draft(sources.reviews, encoder=encoder)
    assert "tokens of the encoder" in made.draft.notes["max_length"]
    made = draft(sources.reviews, encoder="somebody/on-the-hub", overwrite=True)
    assert "no tokenizer was at hand" in made.draft.notes["max_length"]


def test_an_encoder_in_a_folder_is_named_from_the_experiment(draft, tmp_path, encoder):
    (tmp_path / "encoder").symlink_to(encoder)
    (tmp_path / "yaml").mkdir()
    made = draft(sources.reviews, encoder="encoder", output=tmp_path / "yaml" / "t.yaml")
    written = load_experiment(made.experiment).config.encoder.path
    assert written is not None and Path(written).resolve() == Path(encoder).resolve()


def test_the_schema_is_named_in_a_checkout_alone(tmp_path):
    root = Path(mtsmart.__file__).parents[1]
    assert schema_line("task", root / "mine" / "t.yaml") == "# yaml-language-server: $schema=../docs/schema/task.json\n"
    assert schema_line("task", tmp_path / "t.yaml") == ""


def test_nobody_is_asked_without_a_terminal_and_what_is_assumed_is_said(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (place,) = sources.stars(tmp_path)
    result = cli("tasks", "new", place)
    assert result.code == 0, result.err
    assert "What is 'stars'? Assumed: degrees in this order: 1, 2, 3, 4, 5." in result.out
    assert "--type says it" in result.out
    assert "mtsmart train stars_experiment.yaml" in result.out


class Keyboard(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("arguments", "task_type"), [((), "regression"), (("--yes",), "ordinal")])
def test_at_a_terminal_the_number_of_an_answer_is_typed(tmp_path, monkeypatch, cli, arguments, task_type):
    monkeypatch.chdir(tmp_path)
    (place,) = sources.stars(tmp_path)
    monkeypatch.setattr(sys, "stdin", Keyboard("9\n2\n"))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = cli("tasks", "new", place, *arguments)
    assert result.code == 0, result.err
    assert TaskLibrary([tmp_path / "stars.yaml"])["stars"].task_type == task_type
    assert ("Write a number from 1 to 3." in result.out) is not bool(arguments)


@pytest.mark.parametrize("file", ["reviews.yaml", "reviews_experiment.yaml"])
def test_files_of_these_names_are_kept(draft, tmp_path, file):
    (tmp_path / file).write_text("mine")
    with pytest.raises(ConfigError, match=f"{file}: is there already. Name another with --output"):
        draft(sources.reviews)
    assert (tmp_path / file).read_text() == "mine"
    draft(sources.reviews, overwrite=True)
    assert (tmp_path / file).read_text() != "mine"


def test_the_data_that_is_read_is_never_replaced(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    (data,) = sources.reviews(tmp_path)
    before = Path(data).read_bytes()
    (tmp_path / "linked.yaml").hardlink_to(data)
    for output, message in (
        ("reviews.csv", "should end with .yaml or .yml, as task files do, got 'reviews.csv'"),
        ("linked.yaml", "would overwrite the file that is read, got 'linked.yaml'"),
        ("gone/t.yaml", "there is no such folder, got 'gone'"),
    ):
        refused = cli("tasks", "new", "reviews.csv", "-o", output, "--overwrite", "--yes")
        assert refused.code == 2 and f"--output: {message}" in refused.err
    assert Path(data).read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"reviews.csv", "linked.yaml"}


def test_a_name_that_no_task_may_have_is_refused(tmp_path, monkeypatch, cli):
    monkeypatch.chdir(tmp_path)
    sources.reviews(tmp_path)
    refused = cli("tasks", "new", "reviews.csv", "--name", "a b!", "--yes")
    assert refused.code == 2 and "--name: is no name, because a name consists of letters" in refused.err
    assert [path.name for path in tmp_path.iterdir()] == ["reviews.csv"]


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
        (
            ["x.csv"],
            Given(text=["text", "label"]),
            "text: the column 'label' is the label, .*Leave 'label' out, or say",
        ),
        (
            ["x.csv"],
            Given(text=["text"], label="text"),
            "text: the column 'text' is the label, .*Name a text column, or",
        ),
        (["x.csv"], Given(text=["text", "text"]), "text: should be one or two columns, got 'text,text'"),
        (["x.csv"], Given(task_type="clasification"), "task_type: is no task type.*Did you mean 'classification'"),
        (
            ["numbers.csv"],
            Given(),
            "source: no column holds texts: 'a' holds numbers, 'b' holds numbers. Write the text of each row into a "
            "column of its own, or name one with --text",
        ),
        (["x.csv"], Given(task_type="tagging"), r"task_type: the columns do not look like such a task \(text, label\)"),
        (["plain.csv"], Given(task_type="regression"), "Which column is the label\\? The data has nothing that fits"),
        (["empty.csv"], Given(), "empty.csv: is empty"),
    ],
)
def test_what_cannot_be_drafted_is_one_error(tmp_path, monkeypatch, places, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "empty.csv").touch()
    sources.write_csv(tmp_path / "x.csv", sources.rows(text=sources.texts(), label=sources.cycle("a", "b")))
    sources.write_csv(tmp_path / "numbers.csv", sources.rows(a=range(sources.ROWS), b=sources.cycle(1.5, 2, 3)))
    sources.write_csv(tmp_path / "plain.csv", sources.rows(text=sources.texts(), id=range(sources.ROWS)))
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
    assert definition.labels == ["no", "maybe"]


def test_a_column_that_is_said_to_be_read_is_not_guessed_to_be_the_label(draft):
    def source(folder):
        data = sources.rows(text=sources.texts(), label=sources.cycle("a", "b"), topic=sources.cycle("x", "y", "z"))
        return [sources.write_csv(folder / "x.csv", data)]

    made = draft(source, first, Given(text=["text", "label"]))
    assert (made.draft.text, made.draft.label) == (["text", "label"], "topic")
