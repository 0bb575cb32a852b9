"""The multi-task sampler's promises, over random sizes and settings."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.config.document import parse_yaml
from mtsmart.config.sections import MixingConfig
from mtsmart.data.mixing import batches_per_task, check_mixing
from mtsmart.data.sampler import MultiTaskSampler, evaluation_batches
from mtsmart.errors import ConfigError, MtsmartWarning

SIZES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 300), min_size=1)
STRATEGIES = st.sampled_from(["proportional", "uniform", "temperature", "annealed"])


def sampler(sizes, strategy="proportional", batch_size=8, seed=0, epochs=3, grouped=True, max_tokens=None):
    rng = np.random.default_rng(7)
    lengths = {task: rng.integers(3, 60, size) for task, size in sizes.items()}
    return MultiTaskSampler(lengths, batch_size, MixingConfig(strategy=strategy), epochs, seed, grouped, max_tokens)


@given(SIZES, STRATEGIES, st.integers(1, 17), st.integers(0, 2), st.booleans())
@settings(max_examples=80, deadline=None)
def test_batches_hold_rows_of_one_task_and_len_is_exact(sizes, strategy, batch_size, epoch, grouped):
    made = sampler(sizes, strategy, batch_size, grouped=grouped)
    plan = made.plan(epoch)
    assert len(plan) == len(made)
    for task, rows, _ in plan:
        assert 1 <= len(rows) <= batch_size
        assert all(0 <= row < sizes[task] for row in rows)
        assert len(set(rows)) == len(rows)


@given(SIZES, st.integers(1, 17), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_proportional_sees_every_row_exactly_once(sizes, batch_size, epoch):
    seen = Counter((task, row) for task, rows, _ in sampler(sizes, batch_size=batch_size).plan(epoch) for row in rows)
    assert seen == Counter((task, row) for task, size in sizes.items() for row in range(size))


@given(SIZES, STRATEGIES)
@settings(max_examples=40, deadline=None)
def test_within_a_pass_no_row_repeats(sizes, strategy):
    """A row is drawn once more only after every other row of its task has been drawn (up to the pass's cut)."""
    for task in sizes:
        drawn = [rows for name, rows, _ in sampler(sizes, strategy).plan(0) if name == task]
        counts = Counter(row for rows in drawn for row in rows)
        passes = -(-len(drawn) // -(-sizes[task] // 8)) if drawn else 0
        assert all(count <= passes for count in counts.values())


def test_the_order_depends_on_seed_and_epoch_only():
    sizes = {"a": 100, "b": 40}
    assert [*sampler(sizes).plan(1)] == [*sampler(sizes).plan(1)]
    assert [*sampler(sizes).plan(1)] != [*sampler(sizes).plan(0)]
    assert [*sampler(sizes, seed=1).plan(1)] != [*sampler(sizes).plan(1)]


def test_another_task_does_not_change_a_tasks_batches():
    alone = {rows for _, rows, _ in sampler({"a": 100}).plan(0)}
    together = {rows for task, rows, _ in sampler({"a": 100, "z": 9}).plan(0) if task == "a"}
    assert alone == together


def test_length_groups_leave_little_padding():
    sizes = {"a": 4000}

    def padding(grouped):
        made = sampler(sizes, batch_size=16, grouped=grouped)
        lengths = [made.lengths[task][list(rows)] for task, rows, _ in made.plan(0)]
        return 1 - sum(part.sum() for part in lengths) / sum(part.max() * len(part) for part in lengths)

    assert padding(True) < 0.05 < 0.3 < padding(False)


@given(SIZES, STRATEGIES, st.integers(1, 40), st.integers(4, 900), st.integers(0, 2))
@settings(max_examples=80, deadline=None)
def test_a_token_budget_bounds_every_batch(sizes, strategy, batch_size, max_tokens, epoch):
    """Rows times the longest stays within the budget unless one row is longer; no pass has another number of them."""
    made = sampler(sizes, strategy, batch_size, max_tokens=max_tokens)
    plan = made.plan(epoch)
    assert len(plan) == len(made)
    for task, rows, _ in plan:
        longest = int(made.lengths[task][list(rows)].max())
        assert len(rows) <= batch_size and len(set(rows)) == len(rows)
        assert len(rows) == 1 or len(rows) * longest <= max_tokens
    if strategy == "proportional":
        seen = Counter((task, row) for task, rows, _ in plan for row in rows)
        assert seen == Counter((task, row) for task, size in sizes.items() for row in range(size))


def test_a_token_budget_is_used_and_batches_differ_from_epoch_to_epoch():
    made = sampler({"a": 4000}, batch_size=64, max_tokens=1024)
    sizes = [len(rows) * int(made.lengths["a"][list(rows)].max()) for _, rows, _ in made.plan(0)]
    assert np.mean(sizes) > 0.85 * 1024
    assert not {rows for _, rows, _ in made.plan(0)} & {rows for _, rows, _ in made.plan(1)}


def test_a_plan_is_a_sequence():
    plan = sampler({"a": 100}).plan(0)
    assert [*plan[3:]] == [*plan][3:] and plan[-1] == [*plan][-1]


def test_tasks_are_interleaved():
    tasks = [task for task, _, _ in sampler({"a": 800, "b": 800}, batch_size=8).plan(0)]
    runs = 1 + sum(one != other for one, other in itertools.pairwise(tasks))
    assert runs > 60  # 101 expected of 200 batches


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"strategy": "proportional"}, {"a": 90, "b": 10}),
        ({"strategy": "uniform"}, {"a": 50, "b": 50}),
        ({"strategy": "temperature", "temperature": 2.0}, {"a": 75, "b": 25}),
        ({"strategy": "annealed"}, {"a": 90, "b": 10}),
        ({"strategy": "weights", "weights": {"a": 1.0, "b": 3.0}}, {"a": 25, "b": 75}),
        ({"strategy": "weights", "weights": {"a": 0.0, "b": 1.0}}, {"a": 0, "b": 100}),
    ],
)
def test_strategies(config, expected):
    assert batches_per_task({"a": 900, "b": 100}, {"a": 90, "b": 10}, MixingConfig(**config), 0, 5) == expected


def test_annealing_falls_to_its_last_exponent():
    sizes, config = {"a": 900, "b": 100}, MixingConfig(strategy="annealed", start_exponent=1.0, end_exponent=0.0)
    shares = [batches_per_task(sizes, {"a": 90, "b": 10}, config, epoch, 3)["a"] for epoch in range(3)]
    assert shares == [90, 75, 50]


@given(SIZES, st.integers(0, 4), STRATEGIES)
@settings(deadline=None)
def test_the_number_of_batches_is_the_same_for_every_strategy(sizes, epoch, strategy):
    batches = {task: -(-size // 8) for task, size in sizes.items()}
    counts = batches_per_task(sizes, batches, MixingConfig(strategy=strategy), epoch, 5)
    assert sum(counts.values()) == sum(batches.values())
    assert min(counts.values()) >= 0


@pytest.mark.parametrize(
    ("weights", "message"), [({"a": 1.0}, "no weight for task 'b'"), ({"a": 1.0, "b": 1.0, "ab": 1.0}, "not trained")]
)
def test_weights_must_fit_the_tasks(weights, message):
    config = MixingConfig(strategy="weights", weights=weights)
    with pytest.raises(ConfigError, match=message):
        check_mixing(config, ["a", "b"], document_of({"weights": weights}))


@given(st.lists(st.integers(1, 99), min_size=1, max_size=60), st.integers(1, 9))
def test_evaluation_batches_hold_every_row_once_longest_first(lengths, size):
    batches = evaluation_batches(np.asarray(lengths), size)
    flat = [row for rows in batches for row in rows]
    assert sorted(flat) == list(range(len(lengths)))
    assert [lengths[row] for row in flat] == sorted(lengths, reverse=True)
    assert all(len(rows) <= size for rows in batches)


@given(st.lists(st.tuples(st.integers(1, 99), st.integers(1, 12)), min_size=1, max_size=60), st.integers(1, 20))
def test_an_evaluation_batch_has_one_row_or_as_many_sequences_as_are_allowed(rows, size):
    lengths, sequences = (np.array(column) for column in zip(*rows, strict=True))
    batches = evaluation_batches(lengths, size, sequences)
    assert sorted(row for rows in batches for row in rows) == list(range(len(lengths)))
    assert all(len(rows) == 1 or sequences[list(rows)].sum() <= size for rows in batches)


def test_a_task_of_weight_zero_is_never_drawn():
    weights = MixingConfig(strategy="weights", weights={"a": 0.0, "b": 1.0})
    sampler = MultiTaskSampler({"a": np.full(20, 5), "b": np.full(30, 5)}, 10, weights, 1, 0)
    assert [batch.task for batch in sampler.plan(0)] == ["b"] * 5


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 12)), min_size=1, max_size=120), st.integers(4, 3000))
@settings(max_examples=80, deadline=None)
def test_a_token_budget_counts_every_sequence_of_rows_that_are_lists(rows, max_tokens):
    """A batch of lists has as many sequences as all its lists together, each as long as the longest."""
    lengths, sequences = (np.array(column) for column in zip(*rows, strict=True))
    made = MultiTaskSampler({"a": lengths}, 16, MixingConfig(), 2, 0, True, max_tokens, {"a": sequences})
    for epoch in range(2):
        batches = [np.array(batch.rows) for batch in made.plan(epoch)]
        assert len(batches) == len(made)
        assert sorted(np.concatenate(batches).tolist()) == list(range(len(rows)))
        for batch in batches:
            tokens = lengths[batch].max() * sequences[batch].sum()
            assert len(batch) == 1 or (tokens <= max_tokens and len(batch) <= 16)


def test_rows_with_more_tokens_than_a_batch_may_have_are_told():
    lengths = {"short": np.array([3, 4]), "long": np.array([3, 40, 50]), "lists": np.array([4, 4])}
    sampler = MultiTaskSampler(lengths, 4, MixingConfig(), 1, 0, max_tokens=16, sequences={"lists": np.array([2, 5])})
    texts = sampler.overlong()
    assert [text.partition(";")[0] for text in texts] == [
        "task long: 2 of 3 rows have more tokens than data.max_tokens=16",
        "task lists: 1 of 2 rows has more tokens than data.max_tokens=16",
    ]
    assert MultiTaskSampler(lengths, 4, MixingConfig(), 1, 0).overlong() == []


@given(SIZES, st.sampled_from([0.01, 0.02, 1.0]))
@settings(deadline=None)
def test_low_temperatures_leave_the_range_of_floats_to_nobody(sizes, temperature):
    """A million rows to the power of 100 is no float; the shares are, and the largest task has the largest."""
    many = {task: size * 10**6 for task, size in sizes.items()}
    config = MixingConfig(strategy="temperature", temperature=temperature)
    parts = batches_per_task(many, dict.fromkeys(many, 100), config, 0, 1)
    assert parts[max(many, key=many.__getitem__)] == max(parts.values()) > 0


def in_rounds(sizes, accumulation=1, epochs=3, seed=0, batch_size=8, max_tokens=None):
    rng = np.random.default_rng(7)
    lengths = {task: rng.integers(3, 60, size) for task, size in sizes.items()}
    mixing = MixingConfig(strategy="rounds")
    return MultiTaskSampler(lengths, batch_size, mixing, epochs, seed, max_tokens=max_tokens, accumulation=accumulation)


@given(SIZES, st.integers(1, 4), st.integers(0, 3), st.integers(1, 17), st.sampled_from([None, 200]))
@settings(max_examples=60, deadline=None)
def test_each_update_of_rounds_holds_each_task_equally_often(sizes, accumulation, epoch, batch_size, max_tokens):
    made = in_rounds(sizes, accumulation, batch_size=batch_size, max_tokens=max_tokens)
    plan = made.plan(epoch)
    size = made.batches_per_update
    updates = [[batch.task for batch in plan[start : start + size]] for start in range(0, len(plan), size)]
    assert len(plan) == len(made) and size == accumulation * len(sizes)
    for tasks in updates[:-1]:
        assert Counter(tasks) == dict.fromkeys(sizes, accumulation)
    assert len({*Counter(updates[-1]).values()}) == 1 and set(updates[-1]) == set(sizes)


@given(SIZES)
@settings(max_examples=60, deadline=None)
def test_an_epoch_of_rounds_has_as_many_batches_as_one_of_another_strategy_and_the_last_round_is_complete(sizes):
    usual = len(sampler(sizes))
    made = in_rounds(sizes)
    assert usual <= len(made) < usual + len(sizes)
    assert len(made) % len(sizes) == 0


@given(SIZES, st.integers(1, 17))
@settings(max_examples=40, deadline=None)
def test_rounds_go_through_all_rows_of_the_largest_task_before_any_comes_again(sizes, batch_size):
    """Over the epochs, a row comes again only when all rows of its task have come as often."""
    made = in_rounds(sizes, batch_size=batch_size)
    rounds = len(made) // len(sizes)
    epochs = math.ceil(math.ceil(max(sizes.values()) / batch_size) / rounds)
    counts = {task: np.zeros(size, dtype=int) for task, size in sizes.items()}
    for epoch in range(epochs):
        for batch in made.plan(epoch):
            counts[batch.task][list(batch.rows)] += 1
            assert np.ptp(counts[batch.task]) <= 1
    assert all(count.min() >= 1 for count in counts.values())


@given(SIZES, st.integers(1, 3), st.integers(0, 2), st.data())
@settings(max_examples=40, deadline=None)
def test_rounds_go_on_from_any_update(sizes, accumulation, epoch, data):
    """Another sampler of the same seed continues where the first stopped; the epochs before need not be drawn."""
    made = in_rounds(sizes, accumulation)
    whole = [*made.plan(epoch)]
    updates = -(-len(whole) // made.batches_per_update)
    done = data.draw(st.integers(0, updates)) * made.batches_per_update
    assert [*in_rounds(sizes, accumulation).plan(epoch)[done:]] == whole[done:]


def test_rounds_of_other_epochs_and_seeds_differ():
    sizes = {"a": 100, "b": 40}
    assert [*in_rounds(sizes).plan(1)] != [*in_rounds(sizes).plan(0)]
    assert [*in_rounds(sizes, seed=1).plan(1)] != [*in_rounds(sizes).plan(1)]


def test_without_rounds_an_update_has_as_many_batches_as_are_accumulated():
    lengths = {"a": np.full(20, 5), "b": np.full(30, 5)}
    assert MultiTaskSampler(lengths, 10, MixingConfig(), 1, 0, accumulation=3).batches_per_update == 3
    assert MultiTaskSampler(lengths, 10, MixingConfig(), 1, 0).batches_per_update == 1


def document_of(settings):
    """An experiment with these settings of mixing; the first one is on line 3."""
    lines = [f"  {name}: {value}" for name, value in settings.items()]
    return parse_yaml("\n".join(["name: a", "mixing:", *lines]), "e.yaml")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"temperature": 3.0},
            "e.yaml:3: mixing.temperature: only the strategy 'temperature' uses it, and the strategy is 'proportional'",
        ),
        (
            {"strategy": "annealed", "temperature": 3.0},
            "mixing.temperature: only the strategy 'temperature' uses it, and the strategy is 'annealed'",
        ),
        ({"strategy": "rounds", "start_exponent": 0.5}, "mixing.start_exponent: only the strategy 'annealed' uses it"),
        ({"strategy": "temperature", "end_exponent": 0.5}, "mixing.end_exponent: only the strategy 'annealed' uses it"),
    ],
)
def test_a_setting_that_the_strategy_does_not_use_is_told(settings, told):
    with pytest.warns(MtsmartWarning) as warned:
        check_mixing(MixingConfig(**settings), ["a"], document_of(settings))
    assert told in str(warned[0].message) and len(warned) == 1


@pytest.mark.parametrize("strategy", ["proportional", "uniform", "temperature", "annealed", "rounds"])
def test_a_stored_configuration_with_all_defaults_written_out_warns_of_nothing(strategy, recwarn):
    stored = MixingConfig(strategy=strategy).model_dump(exclude_none=True)
    check_mixing(MixingConfig(**stored), ["a"], document_of(stored))
    used = {"temperature": {"temperature": 3.0}, "annealed": {"start_exponent": 0.9, "end_exponent": 0.1}}
    settings = {"strategy": strategy, **used.get(strategy, {})}
    check_mixing(MixingConfig(**settings), ["a"], document_of(settings))
    assert not recwarn.list
