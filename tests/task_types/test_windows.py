"""Rows that are longer than the limit become windows: which tokens each has, and how batches hold them."""

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from mtsmart.data.encoding import noting_cuts
from mtsmart.errors import ConfigError
from mtsmart.models.heads.windows import NONE, WINDOWS
from mtsmart.preparation.batch_parts import part_of
from mtsmart.task_types import TASK_TYPES, build_task
from mtsmart.task_types.interface.own_signature import input_signature_of, signature_of
from mtsmart.tasks import TaskDefinition
from tests.conftest import WORDS

IN_WINDOWS = ["classification", "multi_label", "ordinal", "regression"]
LONG = " ".join(WORDS)


@pytest.fixture(scope="session")
def tokenizer(tiny_encoder):
    return AutoTokenizer.from_pretrained(tiny_encoder)


def task(windows=None, *, text=("text",), kind="classification", **more):
    """A task of any type; ``windows``: the option, or None for a task without it."""
    made = {"task_type": kind, "dataset": {"files": {"train": "x.jsonl"}}, "text": list(text)}
    if kind != "regression":
        made["labels"] = ["no", "yes", "maybe"]
    options = {} if windows is None else {"options": {"windows": windows}}
    return build_task("t", TaskDefinition(**{**made, **options, **more}))


def encoded(one, tokenizer, *texts, max_length=12):
    """The encoded rows of a task: a list of texts for each of its columns."""
    columns = dict(zip(one.definition.text, map(list, texts), strict=True))
    return one.encode({**columns, "row": list(range(len(texts[0])))}, tokenizer, max_length, False)


def features(columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@settings(max_examples=60)
@given(
    words=st.lists(st.sampled_from(WORDS), max_size=70),
    size=st.integers(6, 30),
    overlap=st.integers(0, 3),
)
def test_windows_hold_all_tokens_in_order_and_overlap(tokenizer, words, size, overlap):
    one = task({"overlap": overlap})
    (windows,) = encoded(one, tokenizer, [" ".join(words)], max_length=size)["input_ids"]
    first, last = tokenizer.cls_token_id, tokenizer.sep_token_id
    assert all(window[0] == first and window[-1] == last and len(window) <= size for window in windows)
    assert len(windows) == 1 or all(len(window) == size for window in windows)
    ids = tokenizer.convert_tokens_to_ids(words)
    places = [next(p for p in range(len(ids) + 1) if ids[p : p + len(w) - 2] == w[1:-1]) for w in windows]
    covered = [window[1:-1] for window in windows]
    assert covered[0] == ids[: len(covered[0])] and covered[-1] == ids[len(ids) - len(covered[-1]) :]
    assert places[0] == 0
    # Each new window gives at most the tokens that leave the overlap, so nothing between two windows is lost.
    room = size - 2
    expected = 1 if len(ids) <= room else 1 + -(-(len(ids) - room) // (room - overlap))
    assert len(windows) == expected


@settings(max_examples=60)
@given(
    first=st.lists(st.sampled_from(WORDS[:14]), max_size=40),
    second=st.lists(st.sampled_from(WORDS[14:]), max_size=40),
)
@example(first=WORDS[:12], second=WORDS[14:] * 2)  # the first is cut and the second is split
@example(first=WORDS[:14] * 2, second=WORDS[14:])
@example(first=WORDS[:10], second=WORDS[14:24])  # of two equally long ones, the first is cut and the second split
def test_of_a_pair_the_longer_text_is_split_and_each_window_has_the_other(tokenizer, first, second):
    size, half = 21, 9
    one = task({"overlap": 2}, text=("a", "b"), head={"type": "pair"})
    with noting_cuts() as noted:
        columns = encoded(one, tokenizer, [" ".join(first)], [" ".join(second)], max_length=size)
    ids, segments, types = (columns[name][0] for name in ("input_ids", "segments", "token_type_ids"))
    texts = [tokenizer.convert_tokens_to_ids(words) for words in (first, second)]
    fits = len(first) + len(second) + 3 <= size
    short = 0 if len(first) <= len(second) else 1
    kept = texts[short] if fits else texts[short][:half]
    found = []
    for window, segment, kinds in zip(ids, segments, types, strict=True):
        parts = [[t for t, s in zip(window, segment, strict=True) if s == number] for number in (1, 2)]
        assert parts[short] == kept and len(window) <= size
        assert [s == 2 for s in segment] == [k == 1 and s != 0 for k, s in zip(kinds, segment, strict=True)]
        found.append(parts[1 - short])
    assert found[0] == texts[1 - short][: len(found[0])]
    assert {token for part in found for token in part} == set(texts[1 - short])
    assert bool(noted[0][0]) == (not fits and len(texts[short]) > half)


@pytest.mark.parametrize("kind", IN_WINDOWS)
def test_rows_that_fit_make_the_same_batch_as_without_windows(tokenizer, kind):
    texts = ["the red cat", "a dog runs", "old"]
    batches = []
    for windows in (None, {}):
        one = task(windows, kind=kind)
        batches.append(one.collate(features(encoded(one, tokenizer, texts)), tokenizer, 0))
    plain, windowed = batches
    assert plain.inputs.keys() == windowed.inputs.keys() and WINDOWS not in windowed.inputs
    assert all(torch.equal(plain.inputs[name], windowed.inputs[name]) for name in plain.inputs)
    assert plain.rows == windowed.rows == [0, 1, 2]


@pytest.mark.parametrize("ranks", [2, 3, 5])
def test_parts_of_a_batch_have_the_windows_of_their_rows(tokenizer, ranks):
    one = task({"overlap": 2}, kind="regression")
    texts = ["the cat", LONG, "a dog runs", " ".join(WORDS[::-1])]
    whole = one.collate(features(encoded(one, tokenizer, texts)), tokenizer, 0)
    places = whole.inputs[WINDOWS]
    assert places.tolist()[0] == [0, NONE, NONE] and len(whole.attention_mask) == 8
    seen = []
    for rank in range(ranks):
        part = part_of(whole, one, rank, ranks)
        own = part.inputs[WINDOWS]
        assert len(own) == len(part.rows)
        for row, numbers in zip(part.rows, own, strict=True):
            expected = whole.inputs["input_ids"][places[row][places[row] != NONE]]
            assert torch.equal(part.inputs["input_ids"][numbers[numbers != NONE]], expected)
        seen += part.rows if any(share > 0 for share in part.part.shares.values()) else []
    assert seen == whole.rows


def test_the_default_overlap_is_32_tokens_or_a_quarter(tokenizer):
    for size, overlap in ((200, 32), (12, 3)):
        (windows,) = encoded(task({}), tokenizer, [f"{LONG} " * 20], max_length=size)["input_ids"]
        assert windows[0][-1 - overlap : -1] == windows[1][1 : 1 + overlap]
        assert task({}).windows.over(size).overlap == overlap


def test_an_overlap_without_room_is_refused(tokenizer):
    with pytest.raises(ConfigError, match=r"leaves no room for new tokens in windows of 12 tokens.*at most 9") as error:
        encoded(task({"overlap": 10}), tokenizer, ["the cat"])
    assert error.value.key == "t.options.windows.overlap"
    with pytest.raises(ConfigError, match="half of which the other text of a pair may fill.*at most 4"):
        encoded(task({"overlap": 5}, text=("a", "b")), tokenizer, ["the cat"], ["a dog"])
    with pytest.raises(ConfigError, match="Raise max_length"):
        encoded(task({"overlap": 0}), tokenizer, ["the cat"], max_length=2)


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ({"pooling": "median"}, "options.windows.pooling.*median.*mean"),
        ({"overlap": -1}, "options.windows.overlap"),
        ({"overlaps": 3}, "options.windows.overlaps.*overlap"),
        (True, "options.windows"),
    ],
)
def test_wrong_settings_are_refused(windows, message):
    with pytest.raises(ConfigError, match=message):
        task(windows)


def test_types_that_read_something_else_have_no_such_option():
    have = {name for name in TASK_TYPES if "windows" in TASK_TYPES[name].Options.model_fields}
    assert have == set(IN_WINDOWS)


def test_a_shared_head_pools_in_one_way():
    owner = task({"pooling": "max"})
    sharer = {"share_head": "t", "labels": ["no", "yes", "maybe"]}

    def shared(windows, of):
        definition = {**task().definition.model_dump(exclude_unset=True), **sharer}
        definition |= {} if windows is None else {"options": {"windows": windows}}
        return build_task("other", TaskDefinition(**definition), of)

    assert shared({"pooling": "max", "overlap": 1}, owner).windows.overlap == 1
    assert shared(None, owner).windows is None  # its rows are cut
    with pytest.raises(ConfigError, match="is not how the shared head pools windows.*Say pooling: max"):
        shared({"pooling": "mean"}, owner)
    with pytest.raises(ConfigError, match="the shared head does not.*Give the task 't' options.windows too"):
        shared({"pooling": "mean"}, task())


def test_encoded_rows_depend_on_the_overlap_but_not_on_the_pooling():
    plain, mean, more, wide = (task(w) for w in (None, {"pooling": "mean"}, {"pooling": "max"}, {"overlap": 3}))
    for signature in (signature_of, input_signature_of):
        assert signature(mean) == signature(more)
        assert signature(mean) != signature(wide) != signature(plain) != signature(mean)
    assert signature_of(plain) == {**signature_of(plain), "options": {}} and "overlap" not in signature_of(plain)
