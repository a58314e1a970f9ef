"""Lists: their contract, their chances, and that no rating is forgotten."""

from recutils import listwise

import itertools

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_recommenders.examples import movielens as tfrs_movielens


def ratings(counts, seed=0):
    """A frame with counts[i] ratings of person i, in random order."""
    users = np.repeat(np.arange(len(counts)), counts)
    movies = np.concatenate([np.arange(count) for count in counts])
    order = np.random.default_rng(seed).permutation(len(users))
    users, movies = users[order], movies[order]
    return pd.DataFrame(
        {
            "user_id": [f"u{user}" for user in users],
            "movie_id": [f"m{movie}" for movie in movies],
            "movie_title": [f"Film {movie}" for movie in movies],
            "user_rating": ((users + movies) % 5 + 1).astype(np.float32),
        }
    )


def check_contract(lists, table, list_size):
    num_lists = len(lists["user_id"])
    assert set(lists) == {"user_id", "movie_title", "movie_id", "user_rating"}
    assert lists["user_id"].shape == (num_lists,)
    for name in ("movie_title", "movie_id", "user_rating"):
        assert lists[name].shape == (num_lists, list_size)
    assert lists["user_rating"].dtype == np.float32
    # No repeats inside a list, and every entry is a rating of that person.
    assert all(len(set(films)) == list_size for films in lists["movie_id"])
    flat = pd.DataFrame(
        {name: lists[name].ravel() for name in ("movie_id", "movie_title", "user_rating")}
    ).assign(user_id=np.repeat(lists["user_id"], list_size))
    merged = flat.merge(table, how="left", indicator=True)
    assert (merged["_merge"] == "both").all()
    return flat


counts_of_people = st.lists(st.integers(1, 17), min_size=1, max_size=8)


class TestSampleLists:
    @settings(deadline=None)
    @given(counts_of_people, st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32 - 1))
    def test_contract(self, counts, lists_per_user, list_size, seed):
        counts = [*counts, 17]
        table = ratings(counts, seed)
        lists = listwise.sample_lists(table, lists_per_user, list_size, seed)
        check_contract(lists, table, list_size)
        enough = [
            user for user in pd.unique(table["user_id"]) if counts[int(user[1:])] >= list_size
        ]
        assert lists["user_id"].tolist() == list(np.repeat(enough, lists_per_user))

    def test_has_the_keys_and_people_of_tfrs(self):
        table = ratings([3, 8, 5, 2], seed=1)
        columns = ["user_id", "movie_title", "user_rating"]
        theirs = tfrs_movielens.sample_listwise(
            tf.data.Dataset.from_tensor_slices(
                {
                    name: table[name].to_numpy(object if name != "user_rating" else "f")
                    for name in columns
                }
            ),
            num_list_per_user=4,
            num_examples_per_list=3,
            seed=0,
        )
        ours = tf.data.Dataset.from_tensor_slices(listwise.sample_lists(table, 4, 3))
        spec = dict(ours.element_spec)
        assert spec.pop("movie_id") == tf.TensorSpec([3], tf.string)
        assert spec == theirs.element_spec
        assert [row["user_id"].numpy() for row in ours] == [
            row["user_id"].numpy() for row in theirs
        ]

    def test_every_ordered_list_is_equally_likely(self):
        num_lists = 60_000
        lists = listwise.sample_lists(ratings([4]), num_lists, 3, seed=1)
        drawn = pd.Series(
            ["".join(films) for films in np.char.lstrip(lists["movie_id"].astype(str), "m")]
        )
        counts = drawn.value_counts()
        assert set(counts.index) == {"".join(p) for p in itertools.permutations("0123", 3)}
        expected = num_lists / 24
        chi_squared = ((counts - expected) ** 2 / expected).sum()
        # 23 degrees of freedom: 60 is passed once in 30,000 times.
        assert chi_squared < 60

    def test_lists_of_a_person_are_independent(self):
        lists = listwise.sample_lists(ratings([5]), 40_000, 1, seed=2)["movie_id"][:, 0]
        pairs = pd.Series(lists[::2]) + pd.Series(lists[1::2])
        counts = pairs.value_counts().reindex(
            [f"m{i}m{j}" for i in range(5) for j in range(5)], fill_value=0
        )
        assert ((counts - 800) ** 2 / 800).sum() < 62  # 24 degrees of freedom

    def test_seed(self):
        table = ratings([9, 9])
        one, same, other = (listwise.sample_lists(table, 3, 4, seed) for seed in (1, 1, 2))
        np.testing.assert_equal(one, same)
        assert (one["movie_id"] != other["movie_id"]).any()


class TestPartitionLists:
    @settings(deadline=None)
    @given(counts_of_people, st.integers(1, 6), st.integers(1, 7), st.integers(0, 2**32 - 1))
    def test_every_rating_is_seen_equally_often(self, counts, list_size, rounds, seed):
        counts = [*counts, 17]
        table = ratings(counts, seed)
        lists = listwise.partition_lists(table, list_size, rounds, seed)
        flat = check_contract(lists, table, list_size)
        seen = flat.groupby(["user_id", "movie_id"]).size()
        for user, count in enumerate(counts):
            if count < list_size:
                assert f"u{user}" not in seen.index.get_level_values(0)
                continue
            mine = seen[f"u{user}"].reindex([f"m{i}" for i in range(count)], fill_value=0)
            assert mine.sum() == rounds * (count // list_size) * list_size
            assert mine.max() - mine.min() <= (1 if count % list_size else 0)

    def test_each_round_shows_a_rating_at_most_once(self):
        table = ratings([7, 12])
        lists = listwise.partition_lists(table, 3, rounds=4)
        for films, users in zip(
            lists["movie_id"].reshape(4, -1, 3), lists["user_id"].reshape(4, -1), strict=True
        ):
            pairs = [(user, film) for user, row in zip(users, films, strict=True) for film in row]
            assert len(set(pairs)) == len(pairs) == 18

    def test_who_meets_whom_and_who_sits_out_is_chance(self):
        """Of 5 films in lists of 2, each pair shares a list in the first round with chance 1/5."""
        num_people = 20_000
        # Everyone's ratings in the same order, so that it would show if the order played a part.
        table = ratings([5] * num_people).sort_values(["user_id", "movie_id"])
        lists = listwise.partition_lists(table, 2, rounds=1, seed=3)
        pairs = np.sort(lists["movie_id"].astype(str), axis=1)
        counts = pd.Series(np.char.add(pairs[:, 0], pairs[:, 1])).value_counts()
        assert len(counts) == 10
        np.testing.assert_allclose(counts / num_people, 0.2, atol=5 * np.sqrt(0.16 / num_people))
        # And in a list, each is as often first as second.
        first = (lists["movie_id"][:, 0] == pairs[:, 0]).mean()
        assert first == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(2 * num_people))

    def test_seed(self):
        table = ratings([9, 9])
        one, same, other = (listwise.partition_lists(table, 4, 2, seed) for seed in (1, 1, 2))
        np.testing.assert_equal(one, same)
        assert (one["movie_id"] != other["movie_id"]).any()


@pytest.mark.parametrize("dtype", ["str", object, "category"])
def test_takes_all_string_types(dtype):
    table = ratings([6, 4])
    strings = dict.fromkeys(["user_id", "movie_id", "movie_title"], dtype)
    for draw in (
        lambda frame: listwise.sample_lists(frame, 2, 3),
        lambda frame: listwise.partition_lists(frame, 3),
    ):
        np.testing.assert_equal(draw(table.astype(strings)), draw(table))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"list_size": 0}, ValueError, "list_size must be at least 1, got 0"),
        ({"list_size": 2.5}, TypeError, "list_size must be an int, got float"),
        ({"list_size": 7}, ValueError, "list_size must be at most 6, the most .*, got 7"),
        ({"seed": -1}, ValueError, "seed must be at least 0"),
        ({"ratings": {}}, TypeError, "ratings must be a pandas DataFrame, got dict"),
        ({"ratings": ratings([2])[["user_id"]]}, ValueError, "ratings must have the columns"),
        ({"ratings": ratings([2]).iloc[:0]}, ValueError, "ratings must not be empty"),
        ({"ratings": pd.concat([ratings([2])] * 2)}, ValueError, "each pair of user_id and movie"),
        (
            {"ratings": ratings([2]).assign(movie_title=None)},
            ValueError,
            "movie_title must have no",
        ),
        ({"ratings": ratings([2]).assign(user_rating="5")}, TypeError, "user_rating must hold num"),
    ],
)
def test_bad_input(options, error, message):
    arguments = {"ratings": ratings([6, 4]), "list_size": 2} | options
    with pytest.raises(error, match=message):
        listwise.partition_lists(**arguments)
    with pytest.raises(error, match=message):
        listwise.sample_lists(lists_per_user=2, **arguments)


def test_bad_numbers_of_lists():
    with pytest.raises(ValueError, match="lists_per_user must be at least 1, got -2"):
        listwise.sample_lists(ratings([3]), -2, 2)
    with pytest.raises(ValueError, match="rounds must be at least 1, got 0"):
        listwise.partition_lists(ratings([3]), 2, rounds=0)
