"""What a history, or a film's genres, tell of the next choice: against brute force."""

from recutils import _histories, _tastes, synthetic

from dataclasses import replace

import numpy as np
import pytest
from goodness import UNLIKELY, distance

LATE = 2 * 10**9


@pytest.fixture(scope="module")
def truth():
    return synthetic.movies(20, 12, 60, seed=1, follow=0.2).truth


@pytest.fixture(scope="module")
def larger():
    return synthetic.movies(100, 300, 2_000, seed=1).truth


def tiny(**dials):
    return synthetic.movies(200, 12, 200, seed=5, **dials).truth


def strangers(truth, how_many, choices, parameters, seed=0):
    """[how_many, choices] films that new people choose, whose mixtures come from a prior.

    `parameters`: [num_tastes], or one row for each of them.
    """
    random = np.random.default_rng(seed)
    mixtures = random.standard_gamma(
        np.broadcast_to(parameters, (how_many, truth.mixtures.shape[1]))
    )
    mixtures /= mixtures.sum(axis=1, keepdims=True)
    return synthetic.choose_films(
        random,
        replace(truth, mixtures=mixtures),
        np.arange(how_many),
        np.full(how_many, choices),
        np.full(how_many * choices, LATE),
    ).reshape(how_many, choices)


def next_after_the_commonest(truth, films):
    """The commonest beginning, and how often each film comes next."""
    beginning = films[:, :-1] @ 12 ** np.arange(films.shape[1] - 1)
    is_it = beginning == np.bincount(beginning).argmax()
    history = truth.movie_ids[films[is_it][0, :-1]].tolist()
    counts = np.bincount(films[is_it, -1], minlength=12)
    assert counts.sum() > 300
    return history, counts


def given(truth, history, num_draws=20_000, seed=0, **groups):
    chance, error = truth.next_given_history(
        [history], [[LATE] * len(history)], [LATE], num_draws, seed, **groups
    )
    return chance[0], error[0]


class TestNextGivenHistory:
    @pytest.mark.parametrize("follow", [0, 0.4, 1])
    @pytest.mark.parametrize("length", [1, 3])
    def test_is_what_all_strangers_with_this_history_choose(self, follow, length):
        truth = tiny(follow=follow)
        films = strangers(truth, 60_000, length + 1, truth.mixture_prior[0, 0])
        history, counts = next_after_the_commonest(truth, films)
        chance, error = given(truth, history)
        assert chance.sum() == pytest.approx(1)
        assert (chance[truth.movie_ids.get_indexer(history)] == 0).all()
        assert error.max() < 0.01
        assert distance(counts, chance) > UNLIKELY
        # The test can tell: by the prior alone, or as if no film followed another, it doesn't fit.
        if follow < 1:
            prior = np.where(chance > 0, truth.group_probability(["56+"], ["artist"])[0], 0)
            assert distance(counts, prior / prior.sum()) < UNLIKELY
        if follow:
            wrong, _ = given(replace(truth, follow=0.0), history)
            assert distance(counts, wrong) < UNLIKELY

    def test_the_order_matters_where_films_follow(self):
        # Without following it hardly does: later films tell a little more, as others were refused.
        for follow, low, high in ((0, 0, 0.05), (0.4, 0.2, 1)):
            truth = tiny(follow=follow)
            one, other = given(truth, ["1", "2", "3"])[0], given(truth, ["3", "2", "1"])[0]
            assert low <= np.abs(one - other).max() <= high

    @pytest.mark.parametrize("known", [True, False])
    def test_with_groups(self, known):
        truth = tiny(by_group=0.9, follow=0.2)
        place = np.unravel_index(truth.group_share.argmax(), truth.group_share.shape)
        if known:
            parameters = truth.mixture_prior[place]
            groups = {
                "ages": [truth.age_genre.index[place[0]]],
                "occupations": [truth.occupation_genre.index[place[1]]],
            }
        else:
            share = truth.group_share.ravel()
            group = np.random.default_rng(1).choice(share.size, 60_000, p=share)
            parameters, groups = truth.mixture_prior.reshape(-1, 12)[group], {}
        films = strangers(truth, 60_000, 3, parameters)
        history, counts = next_after_the_commonest(truth, films)
        chance, _ = given(truth, history, **groups)
        assert distance(counts, chance) > UNLIKELY
        another = {"ages": ["Under 18"], "occupations": ["writer"]}
        assert distance(counts, given(truth, history, **another)[0]) < UNLIKELY

    def test_an_empty_history_gives_the_first_choice(self):
        truth = tiny(by_group=0.5, follow=0.5)
        group = {"ages": ["25-34"], "occupations": ["lawyer"]}
        chance, error = given(truth, [], **group)
        assert (error > 0).all()
        expected = truth.group_probability(*group.values())[0]
        assert (np.abs(chance - expected) < 4 * error).all()

    def test_films_come_into_it_from_their_arrival_on(self):
        truth = synthetic.movies(50, 100, 500, seed=1).truth
        late = int(truth.arrival.argmax())
        at = truth.arrival[late]
        history = [["1", "2"]] * 2
        before = [truth.arrival[:2].max()] * 2
        chance, _ = truth.next_given_history(history, [before] * 2, [at - 1, at])
        assert chance[0, late] == 0
        assert chance[1, late] > 0
        with pytest.raises(ValueError, match=r"histories has '\d+' at .*, before its arrival"):
            truth.next_given_history([[truth.movie_ids[late]]], [[at - 1]], [at])

    @pytest.mark.parametrize("follow", [0, 0.3])
    def test_errors_are_those_of_other_seeds(self, follow):
        world = synthetic.movies(60, 100, 2_000, seed=1, follow=follow)
        one = world.ratings[world.ratings["user_id"] == "7"][:20]
        arguments = [one["movie_id"]], [one["timestamp"]], [LATE]
        runs = [world.truth.next_given_history(*arguments, 300, seed) for seed in range(30)]
        chances = np.array([chance[0] for chance, _ in runs])
        errors = np.array([error[0] for _, error in runs])
        left = chances[0] > 0
        assert left.sum() == 80
        spread = chances[:, left].std(axis=0, ddof=1)
        ratio = spread / np.sqrt((errors[:, left] ** 2).mean(axis=0))
        assert 0.75 < np.median(ratio) < 1.35
        more = world.truth.next_given_history(*arguments, 4_800, 0)
        assert np.median(errors[:, left] / more[1][0, left]) == pytest.approx(4, rel=0.25)
        z = (chances.mean(axis=0) - more[0][0])[left] / more[1][0, left]
        assert np.sqrt((z**2).mean()) < 2

    def test_many_draws_count_even_for_long_histories(self):
        world = synthetic.movies(60, 400, 8_000, seed=1, follow=0.1)
        users = world.ratings["user_id"].value_counts().index[:1]
        histories = [world.ratings[world.ratings["user_id"] == user] for user in users]
        chance, error = world.truth.next_given_history(
            [history["movie_id"] for history in histories],
            [history["timestamp"] for history in histories],
            [LATE],
        )
        assert min(map(len, histories)) > 120
        best = np.argmax(chance, axis=1)
        assert (error[[0], best] < 0.1 * chance[[0], best]).all()

    def test_a_long_history_tells_nearly_all_of_a_person(self):
        # Its likelihood differs between mixtures by a factor that no float64 holds.
        world = synthetic.movies(20, 1_000, 8_000, seed=1)
        user = world.ratings["user_id"].value_counts().index[0]
        history = world.ratings[world.ratings["user_id"] == user]
        films, times = [history["movie_id"]], [history["timestamp"]]
        likelihood = _steps(world.truth, films[0]).log_likelihood(world.truth.mixtures)
        assert np.ptp(likelihood) > np.log(np.finfo(float).max)
        chance, _ = world.truth.next_given_history(films, times, [LATE])
        assert chance.sum() == pytest.approx(1)
        first, _ = world.truth.next_given_history([[]], [[]], [LATE])
        nothing_known = np.where(chance > 0, first, 0)
        known = world.truth.next_probability([user], films, [LATE])
        assert np.abs(chance - known).sum() / 2 < 0.1
        assert np.abs(nothing_known / nothing_known.sum() - known).sum() / 2 > 0.4

    def test_long_histories_are_scored_like_short_ones(self, monkeypatch):
        truth = synthetic.movies(50, 100, 500, seed=1, follow=0.2).truth
        history = truth.movie_ids[truth.arrival == truth.arrival.min()][:30].tolist()
        whole = given(truth, history, 50)[0]
        monkeypatch.setattr("recutils._histories._NUMBERS_AT_ONCE", 100)
        np.testing.assert_allclose(given(truth, history, 50)[0].sum(), whole.sum())
        steps = _steps(truth, history)
        parts = steps.log_likelihood(truth.mixtures)
        monkeypatch.undo()
        np.testing.assert_allclose(steps.log_likelihood(truth.mixtures), parts)
        # The likelihood is the product of what `next_probability` gives.
        product = np.zeros(50)
        for place, film in enumerate(truth.movie_ids.get_indexer(history)):
            chance = truth.next_probability(truth.user_ids, [history[:place]] * 50, [LATE] * 50)
            product += np.log(chance[:, film])
        np.testing.assert_allclose(parts, product)

    def test_knowing_the_person_is_better_than_knowing_the_history(self):
        world = synthetic.movies(60, 200, 1_800, seed=2, follow=0.3)
        ratings = world.ratings
        last = ratings.groupby("user_id").tail(1)
        before = ratings.drop(last.index).groupby("user_id")
        films, times = (before[c].agg(list).loc[last["user_id"]] for c in ("movie_id", "timestamp"))
        film = world.truth.movie_ids.get_indexer(last["movie_id"])
        person = world.truth.next_probability(last["user_id"], films, last["timestamp"])
        history, _ = world.truth.next_given_history(films, times, last["timestamp"], 200)
        popular = world.truth.watch_probability(world.truth.user_ids).mean(axis=0)

        def log_loss(chance):
            return -np.log(chance[np.arange(60), film]).mean()

        assert log_loss(person) < log_loss(history) < log_loss(np.tile(popular, (60, 1))) - 0.2


def _steps(truth, history):
    films = truth.movie_ids.get_indexer(history)
    return _histories.steps_of(truth, films, np.full(films.size, LATE))


class TestWrongHistories:
    @pytest.mark.parametrize(
        ("histories", "message"),
        [
            ([["1"], ["77"]], "histories must be in this world, .* first is '77'"),
            ([["1"], [1]], "histories must be in this world, .* first is 1"),
            ([["1"]], "one list for each of the 2 users, got 1"),
            ([["1"], ["2", "3", "2"]], r"must not repeat a film, got '2' twice in histories\[1\]"),
            (["1", "2"], r"one list for each person, got '1' at"),
            ("12", "one list for each person, got '12'"),
            (None, "one list for each person, got None"),
            ([["1"], [["2"]]], "one list for each person"),
        ],
    )
    def test_of_known_people(self, truth, histories, message):
        with pytest.raises(ValueError, match=message):
            truth.next_probability(["1", "2"], histories, [LATE, LATE])

    def test_times_of_known_people(self, truth):
        for times, message in (
            ([LATE], r"timestamps must hold one timestamp for each of the 2 users, got int64"),
            (["x", "y"], "timestamps must hold one timestamp .* got <U1"),
            ([LATE, np.nan], r"timestamps must hold no NaN, got one at \[1\]"),
        ):
            with pytest.raises(ValueError, match=message):
                truth.next_probability(["1", "2"], [[], []], times)
        with pytest.raises(ValueError, match=r"user_ids must be in this world, .* first is '21'"):
            truth.next_probability(["21"], [[]], [LATE])
        with pytest.raises(ValueError, match="user '2' has nothing left to choose at 5"):
            truth.next_probability(["1", "2"], [[], []], [LATE, 5])

    def test_everything_seen(self, truth):
        everything = truth.movie_ids.tolist()
        with pytest.raises(ValueError, match="user '3' has nothing left to choose at 2000000000"):
            truth.next_probability(["3"], [everything], [LATE])
        with pytest.raises(ValueError, match="at 2000000000 no film is left"):
            truth.next_given_history([everything], [[LATE] * 12], [LATE])
        # With one film left it is that one.
        for follow in (0, 0.2, 1):
            one = replace(truth, follow=follow).next_probability(["3"], [everything[1:]], [LATE])
            np.testing.assert_allclose(one, np.eye(12)[:1])
        one, error = truth.next_given_history([everything[1:]], [[LATE] * 11], [LATE])
        np.testing.assert_allclose(one, np.eye(12)[:1])
        np.testing.assert_allclose(error, 0, atol=1e-8)

    def test_of_strangers(self, truth):
        ask = truth.next_given_history
        for arguments, message in (
            (
                ([["1"]], [[1, 2]], [LATE]),
                r"history_timestamps\[0\] must hold one timestamp for each",
            ),
            (([["1"]], [], [LATE]), "one list for each of the 1 histories, got 0"),
            (([["1"]], [[LATE]], []), "timestamps must hold one timestamp for each of the 1"),
            (([["1", "2"]], [[LATE, LATE - 1]], [LATE]), r"\[0\] must not decrease"),
            (([["1"]], [[LATE + 1]], [LATE]), "must not decrease or go beyond 2000000000"),
            (([["1"]], [[np.nan]], [LATE]), "must hold no NaN"),
            (([["1"]], [["x"]], [LATE]), "one timestamp for each of the 1 films, got <U1"),
            (([[]], [[]], [5]), "at 5 no film is left"),
            (([["1"]], [[LATE]], [LATE], 1), "num_draws must be between 2 and 1000000, got 1"),
            (([["1"]], [[LATE]], [LATE], 10, -1), "seed must be at least 0, got -1"),
        ):
            with pytest.raises(ValueError, match=message):
                ask(*arguments)
        with pytest.raises(ValueError, match="ages and occupations must both be given"):
            ask([["1"]], [[LATE]], [LATE], ages=["56+"])
        with pytest.raises(ValueError, match="one for each of the 1 histories, got 2"):
            ask([["1"]], [[LATE]], [LATE], ages=["56+"] * 2, occupations=["artist"] * 2)
        with pytest.raises(TypeError, match="num_draws must be an int"):
            ask([["1"]], [[LATE]], [LATE], 10.0)

    def test_a_history_that_nobody_could_have(self, truth):
        truth = replace(truth, follow=1.0)
        no_successor = next(f for f in range(1, 12) if f not in truth.successors[0])
        with pytest.raises(ValueError, match="histories contains one that nobody could have"):
            given(truth, [truth.movie_ids[0], truth.movie_ids[no_successor]])

    def test_none_asked(self, truth):
        assert truth.next_probability([], [], []).shape == (0, 12)
        assert truth.next_given_history([], [], [])[0].shape == (0, 12)


class TestNewFilmProbability:
    def test_parts_of_a_taste_make_up_the_whole(self, larger):
        """What is left beside genre and reach is a film's own, of the spread that is kept."""
        rest = np.log(larger.taste_probability) - larger.genre_liking - larger.log_reach[:, None]
        own = (rest - rest.mean(axis=0)) / larger.own_liking_sd[:, None]
        # One number for each film, its popularity, takes one of twelve degrees of freedom.
        assert own.var() * 12 / 11 == pytest.approx(1, abs=0.06)
        slopes = (own * larger.genre_liking).mean(axis=1) / larger.genre_liking.var(axis=1)
        assert np.abs(slopes).max() < 0.1

    def test_is_the_mean_of_worlds_in_which_the_film_is_drawn_again(self, larger):
        random = np.random.default_rng(0)
        rest = np.log(larger.taste_probability) - larger.genre_liking - larger.log_reach[:, None]
        popularity = larger.taste_probability.sum(axis=0)
        # Up to what the film's popularity makes of it, which cancels: own parts of all films.
        own = rest - rest.mean(axis=0)
        films = [3, 50, 211]
        redraws = np.empty((400, 100, 3))
        for row in redraws:
            for place, film in enumerate(films):
                liking = larger.genre_liking + larger.log_reach[:, None] + own
                liking[:, film] -= own[:, film]
                liking[:, film] += larger.own_liking_sd * random.standard_normal(12)
                popular = popularity.copy()
                popular[film] = random.choice(popularity)
                tastes = _tastes.share_out(liking / 3, popular)
                row[:, place] = larger.mixtures @ tastes[:, film]
        chance, error = larger.new_film_probability(
            larger.user_ids, larger.movie_ids[films], num_draws=20_000
        )
        z = (redraws.mean(axis=0) - chance) / np.hypot(error, redraws.std(axis=0) / 20)
        assert np.sqrt((z**2).mean()) < 1.5
        # The test can tell: not what is known of the films as they are, nor of other people.
        known = larger.watch_probability(larger.user_ids)[:, films]
        for wrong in (known, np.roll(chance, 1, axis=0), np.roll(chance, 1, axis=1)):
            z = (redraws.mean(axis=0) - wrong) / np.hypot(error, redraws.std(axis=0) / 20)
            assert np.sqrt((z**2).mean()) > 2.5

    def test_films_of_the_same_genres_get_the_same(self):
        world = synthetic.movies(20, 500, 200, seed=1)
        genres = world.movies["movie_genres"].map(frozenset)
        alike = world.movies["movie_id"][genres == frozenset(genres[genres.map(len) == 1].iloc[0])]
        assert len(alike) > 3
        chance, error = world.truth.new_film_probability(["1", "2"], alike)
        np.testing.assert_allclose(chance, np.tile(chance[:, :1], (1, len(alike))))
        assert (error > 0).all()

    def test_for_all_tastes_alike_it_is_a_distribution(self, larger):
        alike = replace(larger, mixtures=np.full((100, 12), 1 / 12))
        chance, error = alike.new_film_probability(["1"], larger.movie_ids)
        np.testing.assert_allclose(chance, 1 / 300)
        np.testing.assert_allclose(error, 0, atol=1e-10)

    def test_errors_are_those_of_other_seeds(self, larger):
        runs = [larger.new_film_probability(["1", "9"], ["4", "5"], 100, s) for s in range(60)]
        spread = np.std([chance for chance, _ in runs], axis=0)
        np.testing.assert_allclose(spread, np.mean([e for _, e in runs], axis=0), rtol=0.3)

    def test_many_films_are_drawn_like_few(self, larger, monkeypatch):
        whole = larger.new_film_probability(larger.user_ids, larger.movie_ids[:40], 50)
        monkeypatch.setattr("recutils._new_films._NUMBERS_AT_ONCE", 700)
        parts = larger.new_film_probability(larger.user_ids, larger.movie_ids[:40], 50)
        np.testing.assert_allclose(parts, whole)

    def test_bad(self, larger):
        with pytest.raises(ValueError, match=r"movie_ids must be in this world, .* first is '301'"):
            larger.new_film_probability(["1"], ["301"])
        with pytest.raises(ValueError, match=r"user_ids must be in this world, .* first is '0'"):
            larger.new_film_probability(["0"], ["1"])
        with pytest.raises(ValueError, match="num_draws must be between 2 and 1000000, got 1"):
            larger.new_film_probability(["1"], ["1"], 1)
        with pytest.raises(TypeError, match="seed must be an int, got NoneType"):
            larger.new_film_probability(["1"], ["1"], 10, None)
        assert larger.new_film_probability([], [])[0].shape == (0, 0)
