"""Files as people have them: ``mtsmart tasks new`` makes of each a task that trains, or says what to do with it."""

import json

import pytest

import mtsmart
from mtsmart.data.readers.forms.hints import OTHERS
from mtsmart.drafting.draft import Given
from mtsmart.errors import DataError, MtsmartError
from mtsmart.tasks import TaskLibrary
from tests.conftest import sentences, write_jsonl
from tests.drafting import sources
from tests.drafting.test_new_task import draft, encoder  # noqa: F401


def decimals(folder):
    """As a spreadsheet writes numbers in many countries."""
    marks = [f"{number // 10},{number % 10}" for number in range(10, 10 + sources.ROWS)]
    return [sources.write_csv(folder / "marks.csv", sources.rows(text=sources.texts(), mark=marks), ";")]


def shares(folder):
    values = [f"{number} %" for number in range(20, 20 + sources.ROWS)]
    return [sources.write_csv(folder / "shares.csv", sources.rows(text=sources.texts(), share=values))]


def spellings(folder):
    values = sources.cycle("Yes", "no", "yes ", "yes", " NO", "yes")
    return [sources.write_csv(folder / "answers.csv", sources.rows(text=sources.texts(), label=values))]


def nested(folder):
    data = sources.rows(
        id=range(sources.ROWS),
        doc=[{"title": f"t{number}", "body": text} for number, text in enumerate(sources.texts())],
        meta=[{"label": label, "by": {"name": "x"}} for label in sources.cycle("pos", "neg")],
    )
    return [str(write_jsonl(folder / "nested.jsonl", data))]


def treebank(folder):
    """CoNLL-U, whose first column counts the words."""
    lines = []
    for text in sources.texts():
        for number, word in enumerate(text.split(), 1):
            kind = "NOUN" if number % 2 else "VERB"
            lines.append(f"{number}\t{word}\t{word}\t{kind}\t_\t_\t{number - 1}\tdep\t_\t_")
        lines.append("")
    (folder / "words.conllu").write_text("\n".join(lines) + "\n")
    return [str(folder / "words.conllu")]


def shared_task(folder):
    """Kinds of words beside the tags that are meant."""
    words = [text.split() for text in sources.texts()]
    kinds = [["NN" if place % 2 else "VB" for place, _ in enumerate(each)] for each in words]
    data = sources.rows(words=words, pos=kinds, tags=[["B-X", *["O"] * (len(each) - 1)] for each in words])
    return [str(write_jsonl(folder / "shared.jsonl", data))]


def label_folders(folder):
    for split in ("train", "test"):
        for number, text in enumerate(sources.texts()):
            file = folder / split / ("pos" if number % 3 else "neg") / f"{number}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\nIt has two lines.\n")
    (folder / "README.txt").write_text("About these texts.\n")
    return [str(folder)]


def queries(folder):
    """Rows of one candidate each, four a query, which has no id."""
    asked = [f"{text} {number}" for number, text in enumerate(sentences(sources.ROWS // 4, 7)) for _ in range(4)]
    data = sources.rows(query=asked, passage=sources.texts(), relevance=sources.cycle(0, 1, 0, 0))
    return [sources.write_csv(folder / "queries.csv", data)]


def first(question):
    return question.answers[0]


# source -> the parts of the definition that matter
FILES = {
    decimals: {"task_type": "regression", "text": ["text"], "label": "mark"},
    spellings: {"task_type": "classification", "label": "label", "labels": ["no", "yes"]},
    nested: {"task_type": "classification", "text": ["doc.body"], "label": "meta.label", "labels": ["neg", "pos"]},
    treebank: {"task_type": "tagging", "text": ["form"], "label": "upos", "labels": ["NOUN", "VERB"]},
    shared_task: {"task_type": "tagging", "text": ["words"], "label": "tags", "labels": ["O", "B-X"]},
    label_folders: {"task_type": "classification", "text": ["text"], "label": "folder", "labels": ["neg", "pos"]},
    queries: {"task_type": "ranking", "text": ["query", "passage"], "options": {"group": "query"}},
    shares: {"task_type": "regression", "text": ["text"], "label": "share"},
}  # fmt: skip


@pytest.mark.parametrize("source", list(FILES), ids=lambda source: source.__name__)
def test_what_is_written_is_right_and_trains(draft, cli, encoder, source):  # noqa: F811
    made = draft(source, first, encoder=encoder)
    definition = TaskLibrary([made.task_file])[made.name]
    assert {key: getattr(definition, key) for key in FILES[source]} == FILES[source]
    checked = cli("tasks", "check", made.task_file)
    assert checked.code == 0, checked.err
    run = mtsmart.train(made.experiment, ["training.max_updates=2", "training.batch_size=4"])
    assert made.name in run.results["tasks"]


def test_spellings_of_a_label_are_told(draft):  # noqa: F811
    told = draft(spellings).draft.told
    assert told == ["Other spellings of a label count as the same: 'Yes', 'yes ' as 'yes'; ' NO' as 'no'."]


def test_parts_of_several_labels_have_one_spelling_too(draft):  # noqa: F811
    def source(folder):
        values = sources.cycle("Law|art", "law", "art|law", "Art |law", "law|sport", "sport")
        return [sources.write_csv(folder / "x.csv", sources.rows(text=sources.texts(), topic=values))]

    assert draft(source, first).draft.labels == ["art", "law", "sport"]


def test_texts_of_a_label_folder_are_whole_files(draft):  # noqa: F811
    made = draft(label_folders)
    dataset = TaskLibrary([made.task_file])[made.name].dataset
    assert dataset.format == "text" and [*dataset.files] == ["test", "train"]
    assert made.seen.rows == sources.ROWS, "the README is none of them"
    assert all(text.endswith("\nIt has two lines.") for text in made.seen.columns["text"].values)


def test_files_of_splits_in_subfolders_are_no_label_folders(draft):  # noqa: F811
    def source(folder):
        for name in ("north", "south"):
            (folder / name).mkdir()
            for split in ("train", "test"):
                (folder / name / f"{split}.txt").write_text("\n".join(sources.texts()) + "\n")
        return [str(folder)]

    assert draft(source).draft.task_type == "masked_lm"


def test_the_length_of_a_text_within_an_object_is_counted(draft, encoder):  # noqa: F811
    def source(folder):
        data = [{"doc": {"body": "cat " * 100}, "label": label} for label in sources.cycle("a", "b")]
        return [str(write_jsonl(folder / "long.jsonl", data))]

    assert draft(source, encoder=encoder).draft.keys["max_length"] >= 100


def test_numbers_with_a_comma_may_be_said_to_be_labels(draft):  # noqa: F811
    def source(folder):
        values = sources.cycle("0,1", "1,2", "0,2", "2")
        return [sources.write_csv(folder / "x.csv", sources.rows(text=sources.texts(), label=values), ";")]

    asked = []

    def ask(question):
        asked.append(question)
        return question.answers[1]

    made = draft(source, ask)
    assert [answer.value for answer in asked[0].answers] == ["regression", "multi_label"]
    assert made.draft.labels == ["0", "1", "2"] and "parse" not in made.seen.data.dataset
    given = draft(source, given=Given(task_type="multi_label"), overwrite=True)
    assert given.draft.labels == ["0", "1", "2"] and "parse" not in given.seen.data.dataset


def test_keys_that_are_words_do_not_become_columns_without_end(draft):  # noqa: F811
    def source(folder):
        words = [{f"word {row} {place}": 1 for place in range(40)} for row in range(sources.ROWS)]
        data = sources.rows(counts=words, text=sources.texts(), label=sources.cycle("a", "b"))
        return [str(write_jsonl(folder / "x.jsonl", data))]

    made = draft(source)
    assert made.draft.label == "label" and len(made.seen.columns) <= 502


def test_a_column_of_the_name_of_a_part_comes_first(draft):  # noqa: F811
    def source(folder):
        data = [
            {"meta": {"label": "x"}, "meta.label": label, "text": text}
            for text, label in zip(sources.texts(), sources.cycle("a", "b"), strict=True)
        ]
        return [str(write_jsonl(folder / "x.jsonl", data))]

    assert draft(source).draft.labels == ["a", "b"]


@pytest.mark.parametrize("ending", list(OTHERS))
def test_files_of_other_programs_are_refused_with_what_to_do(draft, ending):  # noqa: F811
    def source(folder):
        (folder / f"data{ending}").write_text("text,label\n" + "a cat,x\na dog,y\n" * 20)
        return [str(folder / f"data{ending}")]

    with pytest.raises(DataError) as raised:
        draft(source)
    assert str(raised.value).endswith(f"unknown kind of data file, got '{ending}'. {OTHERS[ending]}")


def test_text_in_objects_of_a_json_file_with_other_lists_stays_a_span(draft):  # noqa: F811
    """Parts of objects are columns too, and disturb no structure that the objects have."""

    def source(folder):
        texts = sources.texts()
        data = [
            {
                "question": "what is it?",
                "context": text,
                "answers": {"text": ["house"], "answer_start": [text.index("house")]},
            }
            for text in texts
        ]
        (folder / "x.json").write_text(json.dumps(data))
        return [str(folder / "x.json")]

    assert draft(source).draft.task_type == "span"


def test_rows_within_objects_of_a_json_file_are_found(draft):  # noqa: F811
    def source(folder):
        data = sources.rows(text=sources.texts(), intent=sources.cycle("ask", "tell"))
        whole = {"version": 1, "nlu": {"examples": data, "lookup": [{"a": 1}]}}
        (folder / "x.json").write_text(json.dumps(whole))
        return [str(folder / "x.json")]

    made = draft(source)
    assert made.seen.data.dataset["field"] == "nlu.examples" and made.draft.labels == ["ask", "tell"]


def test_a_text_that_all_rows_have_is_not_read(draft):  # noqa: F811
    def source(folder):
        said = ["what is the mood of this text"] * sources.ROWS
        data = sources.rows(instruction=said, input=sources.texts(), label=sources.cycle("pos", "neg"))
        return [sources.write_csv(folder / "x.csv", data)]

    assert draft(source).draft.text == ["input"]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ([[0, 3, "ORG"]], "'label' holds objects"),
        ([{"name": "a", "score": 0.2}], "'label' holds objects"),
        ("x", "'label' holds the same value in all rows"),
    ],
)
def test_it_is_told_why_a_column_is_no_label(draft, label, why):  # noqa: F811
    def source(folder):
        return [str(write_jsonl(folder / "x.jsonl", [{"text": text, "label": label} for text in sources.texts()]))]

    made = draft(source)
    said = f"No column is taken for the label: {why}. 'mtsmart tasks types' says what each kind of task reads."
    assert (made.draft.task_type, made.draft.told) == ("masked_lm", [said])
    assert draft(source, given=Given(task_type="masked_lm"), overwrite=True).draft.told == []


REFUSED = {
    "a title above the header": (
        "x.csv",
        "Results 2024,,\n,,\ntext,label,place\n" + "a cat runs,x,here\n" * 9,
        "x.csv:1: most columns have no name, got 'Results 2024,,'. If 'text,label,place' is the header, delete what "
        "stands above it",
    ),
    "several labels of fastText": (
        "x.txt",
        "__label__a the cat runs\n__label__a __label__b the dog runs\n" * 9,
        "x.txt: has lines with several labels before the text, as fastText writes them. Write a csv or jsonl file with "
        "a column for the text and one for the labels",
    ),
    "texts in lists of objects": (
        "x.jsonl",
        '{"messages": [{"role": "user", "content": "hello"}]}\n' * 9,
        "source: no column holds texts: 'messages' holds objects. Write the text of each row into a column of its own, "
        "or name one with --text",
    ),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_files_that_would_be_learnt_wrongly_are_refused(draft, name):  # noqa: F811
    file, content, message = REFUSED[name]

    def source(folder):
        (folder / file).write_text(content)
        return [str(folder / file)]

    with pytest.raises(MtsmartError) as raised:
        draft(source)
    assert str(raised.value).endswith(message)


def test_a_header_whose_first_name_is_empty_is_one(draft):  # noqa: F811
    """As where a program has numbered the rows."""

    def source(folder):
        lines = [f"{number},{text}" for number, text in enumerate(sources.texts())]
        (folder / "x.csv").write_text("\n".join([",text", *lines]) + "\n")
        return [str(folder / "x.csv")]

    assert draft(source).draft.text == ["text"]


@pytest.mark.parametrize("name", ["Comment.", "Q1. What was good?", "no. 1 text"])
def test_a_name_with_a_point_is_one_name(draft, name):  # noqa: F811
    def source(folder):
        data = sources.rows(**{name: sources.texts(), "label": sources.cycle("a", "b")})
        return [sources.write_csv(folder / "x.csv", data)]

    made = draft(source)
    assert (made.draft.task_type, made.draft.text, made.draft.label) == ("classification", [name], "label")
