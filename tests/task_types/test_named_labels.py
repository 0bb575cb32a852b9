"""Label columns judged as a whole: places or names, vectors, several columns, spellings of equal meaning."""

import datasets
import pytest

from mtsmart.errors import ConfigError, DataError
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition

SOURCE = {"files": {"train": "x.jsonl"}}


def task(kind="classification", **changes):
    base = {"task_type": kind, "dataset": SOURCE, "text": ["text"]}
    return build_task("t", TaskDefinition(**{**base, **changes}))


def judged(chosen, values, column="label"):
    rows = datasets.Dataset.from_dict({column: values, "row": list(range(len(values)))})
    survey = chosen.survey(rows)
    return (chosen, None) if survey.unknown else chosen.judged(survey)


def encoded(chosen, values):
    reader, _ = judged(chosen, values)
    return [reader.encode_label(value, row) for row, value in enumerate(values)]


@pytest.mark.parametrize(
    ("labels", "values", "expected"),
    [
        (["sun", "rain", "snow"], [2, 0, 1], [2, 0, 1]),
        (["sun", "rain", "snow"], ["2.0", "0.0", "1.0"], [2, 0, 1]),
        (["sun", "rain"], [0.0, 1.0], [0, 1]),
        (["0.0", "0.5", "1.0"], ["1", "0", ".5"], [2, 0, 1]),
        (["01", "02", "03"], [3, 1, 2], [2, 0, 1]),
        (["-1", "0", "1"], [1.0, -1.0, 0.0], [2, 0, 1]),
        ([1, 2, 3], ["3.00", "1", " 2"], [2, 0, 1]),
        (["1e-3", "1"], [0.001, 1], [0, 1]),
        (["false", "true"], [True, False], [1, 0]),
        (["TRUE", "FALSE"], [True, False], [0, 1]),
        ([True, False], ["True", "false"], [0, 1]),
        (["yes", "no"], [True, False], [0, 1]),
        (["0", "1"], [True, False], [1, 0]),
        (["no", "yes"], ["1", "0"], [1, 0]),
        (["différent", "pareil"], ["diffe\u0301rent", "Pareil "], [0, 1]),
        (["New  York", "Rome"], ["new\u00a0york", "ROME"], [0, 1]),
        (["it", "IT"], ["IT", "it"], [1, 0]),
    ],
)
@pytest.mark.parametrize("kind", ["classification", "ordinal"])
def test_values_mean_the_label_that_their_owner_means(kind, labels, values, expected):
    assert encoded(task(kind, labels=labels), values) == expected


@pytest.mark.parametrize(
    ("labels", "values", "message"),
    [
        (
            ["sun", "rain", "snow"],
            ["3", "1"],
            r"row 2: label: may be counted from 0 or from 1.*got '1'.*labels_from: 1",
        ),
        (["sun", "rain", "snow"], [1, 2], r"labels_from: 1 if 1 stands for 'sun', or labels_from: 0 .* for 'rain'"),
        (["sun", "rain"], ["sun", "0", "rain"], r"row 2: label: is a number in a column that holds names too.*'sun'"),
        (["sun", "rain"], ["rain", "true"], r"row 2: label: is true or false in a column that holds names too"),
        (["true", "false"], [0, 1], r"row 1: label: may be a truth value.*labels_from: 0"),
        (["sun", "rain"], [0, 2], r"row 2: label: is not one of the task's labels, got 2"),
        (["IT", "It"], ["it", "IT"], r"row 1: label: is not one of the task's labels, got 'it'"),
        (["0.0", "1.0"], ["0.5"], r"row 1: label: is not one of the task's labels, got '0.5'"),
        (["None", "some"], [None], r"row 1: label: is not one of the task's labels, got null"),
        (["a", "b", "c"], [True], r"row 1: label: is not one of the task's labels, got true"),
    ],
)
def test_what_may_mean_two_things_is_refused(labels, values, message):
    with pytest.raises(DataError, match=message):
        encoded(task(labels=labels), values)


@pytest.mark.parametrize(
    ("labels", "values", "assumed"),
    [
        (["sun", "rain"], [0, 1], None),
        (["sun", "rain"], ["sun"], None),
        (["a", "b", "c"], [0, 2], "numbers are read as places in 'labels': 0 is 'a', 1 is 'b', 2 is 'c'"),
        (["sun", "rain"], [True], "false is read as 'sun' and true as 'rain', in the order of 'labels'"),
    ],
)
def test_assumptions_are_told(labels, values, assumed):
    assert judged(task(labels=labels), values)[1] == assumed


@pytest.mark.parametrize(
    "labels",
    [["1", "1.0"], [1, "01"], ["10", "x", "1e1"], ["true", "True"], ["No", "no", "yes"], ["a  b", "a b"], ["a ", "a"]],
)
@pytest.mark.parametrize("kind", ["classification", "ordinal"])
def test_two_labels_that_mean_the_same_are_refused(labels, kind):
    with pytest.raises(ConfigError, match="t.labels: '.*' and '.*' mean the same, so that a row could mean either"):
        task(kind, labels=labels)


def test_labels_that_are_nearly_the_same_are_two():
    for labels in (["IT", "It"], ["1", "10"], ["1", "one"], ["yes", "true", "1"], ["B-x", "b-x"], ["", "a"]):
        assert task(labels=labels).labels == labels


def test_the_user_may_say_from_where_labels_are_counted():
    one = task(labels=["sun", "rain", "snow"], labels_from=1)
    assert encoded(one, ["1", "3", "rain"]) == [0, 2, 1]
    with pytest.raises(DataError, match="row 1: label: is not one of the task's labels, got 0"):
        one.encode_label(0, 0)
    assert encoded(task(labels=["sun", "rain", "snow"], labels_from=0), [1, 2]) == [1, 2]
    tags = task("tagging", label="tags", labels=["O", "B-x"], labels_from=1)
    assert tags.names.find("2") == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["1", "2"], "labels_from": 1}, "t.labels_from: is for labels whose names are no numbers.*'1'"),
        ({"labels": ["a", "b"], "label": ["x", "y"]}, "t.label: does not go with task type 'classification'"),
        ({"kind": "regression", "labels_from": 0}, "t.labels_from: does not go with task type 'regression'"),
    ],
)
def test_settings_that_do_not_fit(changes, message):
    with pytest.raises(ConfigError, match=message):
        task(**changes)


def test_names_in_yaml_may_be_numbers_and_truth_values():
    assert TaskDefinition(task_type="x", dataset=SOURCE, text=["a"], labels=[1, 2.5, True]).labels == [
        "1",
        "2.5",
        "true",
    ]
    with pytest.raises(ValueError, match="is listed twice"):
        task(labels=["caf\u00e9", "cafe\u0301"])


# Several labels a row -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[0, 1, 1], [0, 0, 0]], [[0, 1, 1], [0, 0, 0]]),
        (["1,0,0", "0,0,1"], [[1, 0, 0], [0, 0, 1]]),
        (["[1, 1, 1]", "0, 1, 0"], [[1, 1, 1], [0, 1, 0]]),
        ([[True, False, True]], [[1, 0, 1]]),
        ([[1.0, 0.0, 0.0]], [[1, 0, 0]]),
        ([[0, 2], [1], []], [[1, 0, 1], [0, 1, 0], [0, 0, 0]]),
        (["hot,wet", ""], [[1, 1, 0], [0, 0, 0]]),
    ],
)
def test_lists_of_names_places_and_vectors(values, expected):
    assert encoded(task("multi_label", labels=["hot", "wet", "dark"]), values) == expected


def test_two_labels_need_the_whole_column():
    two = task("multi_label", labels=["hot", "wet"])
    assert encoded(two, [[0, 1], [1, 0]]) == [[0, 1], [1, 0]]
    assert encoded(two, [[0, 1], [0, 0]]) == [[0, 1], [0, 0]]
    assert encoded(two, [[0, 1], [0]]) == [[1, 1], [1, 0]]
    vectors, _ = judged(two, [[1, 1]])
    assert vectors.signature() != two.signature()


@pytest.mark.parametrize(
    ("labels", "values", "message"),
    [
        (
            ["hot", "wet", "dark"],
            [["0", "1", "0"], ["hot"]],
            r"row 1: label: is a list of 0 and 1 as long as the labels.*'hot'",
        ),
        (["hot", "wet", "dark"], ["0,1,0", ""], r"row 1: label: is a list of 0 and 1 as long as the labels.*''"),
        (["hot", "wet", "dark"], [[1], [2]], r"row 1: label: may be counted from 0 or from 1"),
        (["hot", "wet", "dark"], [["hot"], ["1", "0"]], r"is a number in a column that holds names too"),
        (["0", "1", "2"], [[0, 1, 0], [1, 1, 0]], r"row 1: label: may be 0 or 1 for each label, or labels that are"),
        (["hot", "wet", "dark"], [[0, 0.5, 1]], r"row 1: label: is not one of the task's labels, got 0.5"),
    ],
)
def test_lists_that_may_mean_two_things_are_refused(labels, values, message):
    with pytest.raises(DataError, match=message):
        encoded(task("multi_label", labels=labels), values)


def test_each_label_may_have_a_column():
    plain = task("multi_label", label=["hot", "wet"])
    assert plain.labels == ["hot", "wet"]
    rows = {"hot": ["1", "0.0"], "wet": ["false", "TRUE"], "row": [0, 1]}
    assert plain.label_values(rows) == [["1", "false"], ["0.0", "TRUE"]]
    assert [plain.encode_label(cells, 0) for cells in plain.label_values(rows)] == [[1, 0], [0, 1]]
    turned = task("multi_label", label=["hot", "wet"], labels=["wet", "hot"])
    assert turned.encode_label([1, 0], 0) == [0, 1]
    renamed = task("multi_label", label=["c1", "c2"], labels=["hot", "wet"])
    assert renamed.encode_label([1, 0], 0) == [1, 0]
    with pytest.raises(DataError, match="row 3: wet: is not 0 or 1, false or true, got '2'"):
        plain.encode_label(["1", "2"], 2)
    with pytest.raises(ConfigError, match=r"t\.labels: are not those of the columns"):
        task("multi_label", label=["hot", "wet"], labels=["hot", "dark"])


# Candidates and tags ------------------------------------------------------------------------------------------------


def choice(**changes):
    changes = {"options": {"choices": ["a", "b", "c"]}, **changes}
    return task("multiple_choice", **changes)


def test_letters_and_numbers_in_one_column():
    letters = choice(labels=["A", "B", "C"])
    reader, assumed = judged(letters, ["A", "1", "3"])
    assert [reader.candidate_index(value, 3, 0) for value in ("B", "1", "3")] == [1, 0, 2]
    assert assumed is not None and "1 is 'A'" in assumed
    with pytest.raises(DataError, match="row 2: label: is a number in a column that holds names too"):
        judged(letters, ["A", "0", "1"])
    with pytest.raises(DataError, match="row 1: label: is a number in a column that holds names too"):
        judged(choice(), ["1", "b"])


def test_candidates_counted_from_1():
    with pytest.raises(DataError, match="row 2: label: may be counted from 0 or from 1"):
        judged(choice(options={"choices": "list"}), ["2", "1"])
    one = choice(options={"choices": "list"}, labels_from=1)
    assert [one.candidate_index(value, 2, 0) for value in ("1", 2.0)] == [0, 1]
    with pytest.raises(DataError, match="the row has 2 candidates, counted from 1, got 3"):
        one.candidate_index(3, 2, 0)


def test_each_row_may_name_its_candidates(minilm):
    from transformers import AutoTokenizer

    from mtsmart.models.loading import resolve_path

    own = choice(options={"choices": "list", "keys": "letters"})
    rows = {
        "text": ["which?", "what?"],
        "list": [["a cup", "a lid"], ["red", "blue", "green"]],
        "letters": [["A", "B"], ["1", "2", "3"]],
        "label": ["B", "2"],
        "row": [0, 1],
    }
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(minilm))
    assert own.encode(rows, tokenizer, 16, True)["labels"] == [1, 1]
    assert judged(own, ["B", "2"]) == (own, None)
    with pytest.raises(
        DataError, match=r"row 1: label: is none of the row's candidates, got 'C'\. The row's are: A, B"
    ):
        own.encode({**rows, "label": ["C", "2"]}, tokenizer, 16, True)
    with pytest.raises(DataError, match="row 2: letters: does not name the row's 3 candidates"):
        own.encode({**rows, "letters": [["A", "B"], ["1", "1", "3"]]}, tokenizer, 16, True)
    with pytest.raises(ConfigError, match=r"t\.labels: does not go with 'keys'"):
        choice(options={"choices": "list", "keys": "letters"}, labels=["A", "B"])


def test_tags_are_judged_by_the_whole_column():
    tags = task("tagging", label="tags", labels=["O", "B-x", "I-x"])
    assert judged(tags, [[0, 1], [2]], "tags")[1] is None
    with pytest.raises(DataError, match="row 2: tags: may be counted from 0 or from 1"):
        judged(tags, ["2 3", "1"], "tags")
    with pytest.raises(DataError, match="row 1: tags: is a number in a column that holds names too"):
        judged(tags, [["0", "1"], ["O"]], "tags")


def test_relevances_that_are_called_by_numbers():
    graded = task("ranking", options={"group": "id"}, text=["q", "d"], labels=["1", "2", "3"])
    assert graded._relevance(1.0, 0) == 0.0
    with pytest.raises(DataError, match="row 1: label: is not a relevance, got 4"):
        graded._relevance(4, 0)
    with pytest.raises(ConfigError, match=r"t\.labels_from: does not go with 'group'"):
        task("ranking", options={"group": "id"}, text=["q", "d"], labels_from=1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["[0.25, 0.75]", "rain"], [[0.25, 0.75], [0, 1]]),
        (['{"sun": 0.5, "rain": 0.5}', "[1, 0]"], [[0.5, 0.5], [1, 0]]),
        (["[0.5, 0.5]", "0", "1"], [[0.5, 0.5], [1, 0], [0, 1]]),
        ([{"0": 0.25, "1": 0.75}, {"0": 1.0, "1": None}], [[0.25, 0.75], [1, 0]]),
    ],
)
def test_soft_labels_are_judged_by_the_labels_that_they_name(values, expected):
    assert encoded(task(labels=["sun", "rain"], options={"soft_labels": True}), values) == expected


@pytest.mark.parametrize(
    ("values", "row"), [(["[0.5, 0.5]", "1"], 2), (['{"1": 1.0}', "[1, 0]"], 1), (["[0, 1]", "sun", "0"], 3)]
)
def test_soft_labels_that_may_mean_two_things_are_refused(values, row):
    with pytest.raises(DataError, match=rf"^row {row}: label: "):
        encoded(task(labels=["sun", "rain"], options={"soft_labels": True}), values)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("hot;wet", "write options: {separator: ';'}"),
        ("Hot | dark", r"write options: {separator: '\|'}"),
        ("0 1 1", "write options: {separator: ' '}"),
        ({"hot": 1, "wet": 0}, r"Read its parts as columns: label: \[label.hot, label.wet\]"),
        ("hot;wett", "Choose from|Did you mean"),
    ],
)
def test_several_labels_that_are_written_otherwise_get_a_hint(value, hint):
    with pytest.raises(DataError, match=hint):
        task("multi_label", labels=["hot", "wet", "dark"]).encode_label(value, 0)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("classification", {"labels": ["x", "y"], "text": ["{word}: {label}"]}),
        ("multi_label", {"label": ["hot", "wet"], "text": ["text", "{wet} {text}"]}),
        ("regression", {"label": "score", "text": ["score.words"]}),
        ("multiple_choice", {"label": "gold", "options": {"choices": ["one", "{gold}"]}}),
    ],
)
def test_a_text_that_is_made_of_the_label_is_refused(kind, settings):
    with pytest.raises(ConfigError, match="is made of the label column '(label|wet|score|gold)'"):
        task(kind, **settings)


@pytest.mark.parametrize("label", [["hot"], []])
def test_a_list_of_one_label_column_is_refused_by_its_key(label):
    with pytest.raises(ValueError, match="should be one column, or a list of several columns of 0 and 1"):
        task("multi_label", label=label, labels=["x", "y"])


def test_codes_with_decimals_are_labels_of_texts_but_not_of_numbers():
    codes = task(labels=["1.1", "1.10", "2.0"])
    assert encoded(codes, ["1.1", "1.10", "2.0", "2"]) == [0, 1, 2, 2]
    assert encoded(codes, [2.0]) == [2]
    with pytest.raises(DataError, match="another label are the same number, so write the labels of the rows as texts"):
        encoded(codes, [1.1])
