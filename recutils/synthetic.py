"""Data with a known truth: a world of films, and the toy of the chapter on feature crosses."""

from __future__ import annotations

from recutils import _checks, _words
from recutils.movies import RATING_COLUMNS, Movies
from recutils.truth import Truth

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

# MovieLens-100K's shares of 1 to 5 stars; the latent scores are cut where these come out.
_STAR_SHARES = (0.061, 0.114, 0.271, 0.342, 0.212)
_NUM_TASTES = 12
_FEWEST_RATINGS = 20
_LARGEST_SHARE_RATED = 0.45
_FIRST_SECOND = 946_684_800  # 1 January 2000
_SPAN = 300 * 86_400
_SHARE_OF_NEW_FILMS = 0.05
# Standard deviations of the parts of a latent score over what people choose. Their sum makes one
# unit of the latent score worth one star.
_SD_PERSON, _SD_FILM, _SD_TASTE, _SD_QUIRKS, _SD_CROSSES, _NOISE = (
    0.37,
    0.495,
    0.215,
    0.32,
    0.3,
    0.735,
)
_RANK = 4


def blender_ads(size: int, seed: int) -> pd.DataFrame:
    """Appeal of an advertisement for a blender, which depends on crosses of features.

    Args:
      size: number of customers, >= 1.
      seed: of the random numbers, 0 to 2^32 − 1.

    Returns:
      `size` rows of float32: country, bananas and cookbooks in [0, 1), and the appeal, a score from
      0 to 3.71, y = 0.1 a + 0.4 b + 0.7 c + 0.1 ab + 3.1 bc + 0.1 c².

    Raises:
      TypeError: an argument is not an int.
      ValueError: an argument is out of its range.

    See: the chapter dcn/feature_crosses.
    """
    size = _checks.integer("size", size, low=1)
    seed = _checks.integer("seed", seed, low=0, high=2**32 - 1)
    random = np.random.RandomState(seed)
    a = random.randint(200, size=size) / 200
    b = random.randint(24, size=size) / 24
    c = random.randint(6, size=size) / 6
    y = 0.1 * a + 0.4 * b + 0.7 * c + 0.1 * a * b + 3.1 * b * c + 0.1 * c**2
    columns = {"country": a, "bananas": b, "cookbooks": c, "y": y}
    return pd.DataFrame(columns, dtype=np.float32)


def movies(
    num_users: int = 1000, num_movies: int = 1700, num_ratings: int = 100_000, seed: int = 42
) -> Movies:
    """People who choose films by taste and rate what they chose; the truth comes with them.

    A person has a mixture of a few tastes, and a taste is a distribution over films. A choice draws
    a taste, then a film; a film that the person has seen, or that isn't there yet, is drawn again.
    The stars come from a latent score: person, film, taste, what age and occupation make of a
    genre, a low-rank personal term and noise. Films and people arrive over time.

    Memory grows with `num_ratings`, plus one bit for each pair of a person and a film.

    Args:
      num_users: number of people, >= 1.
      num_movies: number of films, >= 10.
      num_ratings: number of ratings, at least one and at most 0.45 · num_movies a person.
      seed: >= 0; the same seed gives the same world, on every machine.

    Returns:
      `Movies` of exactly these sizes. A person has at least 20 ratings where that is possible.

    Raises:
      TypeError: an argument is not an int.
      ValueError: an argument is out of its range.

    See: the chapter basics/data.
    """
    num_users = _checks.integer("num_users", num_users, low=1)
    num_movies = _checks.integer("num_movies", num_movies, low=10)
    num_ratings = _checks.integer("num_ratings", num_ratings, low=num_users)
    seed = _checks.integer("seed", seed, low=0)
    most = int(_LARGEST_SHARE_RATED * num_movies) * num_users
    if num_ratings > most:
        raise ValueError(
            f"num_ratings must be at most {most} for {num_users} users and {num_movies} movies "
            f"({_LARGEST_SHARE_RATED} of the films a person), got {num_ratings}"
        )
    random = np.random.default_rng(seed)
    films, genre_weights = _draw_films(random, num_movies)
    people, groups = _draw_people(random, num_users)
    truth = _draw_tastes(random, people, films, genre_weights)

    counts = _activity(random, num_users, num_ratings, int(_LARGEST_SHARE_RATED * num_movies))
    seconds = _draw_times(random, counts)
    person = np.repeat(np.arange(num_users), counts)
    film = choose_films(random, truth, np.arange(num_users), counts, seconds)

    # What the scales and cuts need to know of the choices, a sample tells.
    sample = slice(None, None, max(1, num_ratings // 100_000))
    truth = _draw_opinions(random, truth, (person[sample], film[sample]), genre_weights, groups)
    latent = truth._latent(person, film)
    truth = replace(truth, cuts=_cuts(latent[sample], truth.noise))
    stars = rate(random, truth, latent)

    in_time = np.argsort(seconds, kind="stable")
    person, film = person[in_time], film[in_time]
    ratings = pd.DataFrame(
        {
            "user_id": people["user_id"].to_numpy(object)[person],
            "movie_id": films["movie_id"].to_numpy(object)[film],
            "movie_title": films["movie_title"].to_numpy(object)[film],
            "user_rating": stars[in_time],
            "timestamp": seconds[in_time],
        }
    )
    return Movies(ratings[RATING_COLUMNS], people, films, truth)


def choose_films(
    random: np.random.Generator,
    truth: Truth,
    people: np.ndarray,
    counts: np.ndarray,
    seconds: np.ndarray,
) -> np.ndarray:
    """Draws what people choose, one film after the other, without repeats.

    In each round every person who still has choices to make draws once: a taste, then a film. A
    draw counts if the film is there by then and is new to the person.

    Args:
      random: source of random numbers.
      truth: whose mixtures, tastes and arrivals are used.
      people: [n] int, positions in `truth.user_ids`; a position may stand there several times.
      counts: [n] int, how many films each of them chooses.
      seconds: [counts.sum()] int64, when: person by person, increasing.

    Returns:
      [counts.sum()] int64, positions in `truth.movie_ids`, in the order of `seconds`.

    See: the chapter basics/data.
    """
    num_tastes, num_movies = truth.taste_probability.shape
    cumulative_mixtures = np.cumsum(truth.mixtures, axis=1)[:, :-1]
    cumulative = np.cumsum(truth.taste_probability, axis=1)
    cumulative /= cumulative[:, -1:]
    # Taste t occupies [t, t + 1): one search finds the film within the taste.
    cumulative = (cumulative + np.arange(num_tastes)[:, None]).ravel()

    seen = np.zeros((people.size, num_movies // 8 + 1), np.uint8)
    chosen = np.empty(counts.sum(), np.int64)
    ends = np.cumsum(counts)
    slots = ends - counts
    active = np.flatnonzero(counts)
    while active.size:
        uniform = random.random((2, active.size))
        taste = (uniform[0][:, None] >= cumulative_mixtures[people[active]]).sum(axis=1)
        film = np.searchsorted(cumulative, taste + uniform[1], side="right") - taste * num_movies
        film = np.minimum(film, num_movies - 1)
        is_there = truth.arrival[film] <= seconds[slots[active]]
        is_new = (seen[active, film >> 3] >> (film & 7)) & 1 == 0
        counts_now = is_there & is_new
        who, what = active[counts_now], film[counts_now]
        chosen[slots[who]] = what
        seen[who, what >> 3] |= (1 << (what & 7)).astype(np.uint8)
        slots[who] += 1
        active = active[slots[active] < ends[active]]
    return chosen


def rate(random: np.random.Generator, truth: Truth, latent: np.ndarray) -> np.ndarray:
    """Draws stars for latent scores.

    Args:
      random: source of random numbers.
      truth: whose noise and cuts are used.
      latent: [n] float64, from `truth.latent_score`.

    Returns:
      [n] float32, 1 to 5.

    See: the chapter basics/data.
    """
    noisy = latent + truth.noise * random.standard_normal(latent.size)
    return (1 + np.searchsorted(truth.cuts, noisy)).astype(np.float32)


def _normal_quantiles(random: np.random.Generator, size: int) -> np.ndarray:
    """A standard normal sample without luck: its quantiles in random order."""
    return random.permutation(ndtri((np.arange(size) + 0.5) / size))


def _standardized(values: np.ndarray) -> np.ndarray:
    centered = values - values.mean(axis=-1, keepdims=True)
    return centered / centered.std(axis=-1, keepdims=True)


def _draw_films(random: np.random.Generator, size: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Films, and [size, num_genres] weights: 1/√n for each of a film's n genres."""
    names = np.array(list(_words.GENRES), object)
    share = random.dirichlet(np.full(names.size, 2.0))
    # The largest keys win: draws without repeats, by share (Efraimidis and Spirakis 2006).
    ranked = np.argsort(-(random.random((size, names.size)) ** (1 / share)), axis=1)
    how_many = random.choice([1, 2, 3], size, p=[0.4, 0.4, 0.2])
    weights = np.zeros((size, names.size))
    for place in range(3):
        has = how_many > place
        weights[has, ranked[has, place]] = 1 / np.sqrt(how_many[has])
    genres = [list(names[row[:n]]) for row, n in zip(ranked, how_many, strict=True)]
    year = 2000 - np.minimum(random.geometric(0.08, size) - 1, 70)
    films = pd.DataFrame(
        {
            "movie_id": np.arange(1, size + 1).astype(str).astype(object),
            "movie_title": _titles(random, ranked[:, 0], year),
            "movie_genres": genres,
        }
    )
    return films, weights


def _titles(random: np.random.Generator, genre: np.ndarray, year: np.ndarray) -> np.ndarray:
    words = [[np.array(part.split(), object) for part in pair] for pair in _words.GENRES.values()]
    adjectives = np.array([pair[0] for pair in words])
    nouns = np.array([pair[1] for pair in words])
    pick = random.integers(adjectives.shape[1], size=(3, genre.size))
    pick[2] = (pick[1] + 1 + pick[2] % (adjectives.shape[1] - 1)) % adjectives.shape[1]
    pattern = random.choice(len(_words.PATTERNS), genre.size, p=[0.3, 0.3, 0.15, 0.1, 0.15])
    names = np.array(
        [
            _words.PATTERNS[p].format(adjectives[g, i], nouns[g, j], nouns[g, k])
            for p, g, i, j, k in zip(pattern, genre, *pick, strict=True)
        ],
        object,
    )
    names = np.array([_with_article(name) for name in names], object)
    # The same name again, years later, is a sequel.
    sequel = pd.DataFrame({"name": names, "year": year}).sort_values("year", kind="stable")
    number = sequel.groupby("name").cumcount().sort_index().to_numpy()
    return np.array(
        [
            f"{name}{f' {n + 1}' if n else ''} ({y})"
            for name, n, y in zip(names, number, year, strict=True)
        ],
        object,
    )


def _with_article(name: str) -> str:
    if name.startswith("A ") and name[2] in "AEIOU":
        return "An" + name[1:]
    return name


def _draw_people(
    random: np.random.Generator, size: int
) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray]]:
    """People, and the [size] positions of their ages and occupations in the tables of words."""
    age = random.choice(len(_words.AGES), size, p=_words.AGE_SHARES)
    share = random.dirichlet(np.full(len(_words.OCCUPATIONS), 3.0))
    occupation = random.choice(len(_words.OCCUPATIONS), size, p=share)
    zip_code = random.integers(1_000, 99_999, size)
    people = pd.DataFrame(
        {
            "user_id": np.arange(1, size + 1).astype(str).astype(object),
            "user_gender": np.array(["female", "male"], object)[
                (random.random(size) < 0.7).astype(int)
            ],
            "bucketized_user_age": np.array(_words.AGES, object)[age],
            "user_occupation_text": np.array(_words.OCCUPATIONS, object)[occupation],
            "user_zip_code": np.char.zfill(zip_code.astype(str), 5).astype(object),
        }
    )
    return people, (age, occupation)


def _draw_tastes(
    random: np.random.Generator,
    people: pd.DataFrame,
    films: pd.DataFrame,
    genre_weights: np.ndarray,
) -> Truth:
    """Who chooses what, and when; nothing yet about stars."""
    num_users, num_movies, num_genres = len(people), len(films), genre_weights.shape[1]
    # What a taste likes is partly a matter of genre.
    by_genre = _standardized(random.normal(size=(_NUM_TASTES, num_genres)) @ genre_weights.T)
    of_its_own = random.normal(size=(_NUM_TASTES, num_movies))
    liking = _standardized(np.sqrt(0.6) * by_genre + np.sqrt(0.4) * of_its_own)
    # Skewed like MovieLens's numbers of ratings: many films far below the mean, no film far above.
    popularity = (-np.log((np.arange(num_movies) + 0.5) / num_movies)) ** 2.0
    popularity = random.permutation(popularity)
    # Tastes share out a film's popularity among them, whatever they like: so its long tail is the
    # same in every world, and no taste is more popular than another.
    taste_probability = np.exp(3.0 * liking)
    for _ in range(20):
        taste_probability *= popularity / taste_probability.sum(axis=0)
        taste_probability /= taste_probability.sum(axis=1, keepdims=True)
    is_new = random.random(num_movies) < _SHARE_OF_NEW_FILMS
    arrival = _FIRST_SECOND + np.where(is_new, random.integers(_SPAN, size=num_movies), 0)
    return Truth(
        user_ids=pd.Index(people["user_id"].to_numpy(object)),
        movie_ids=pd.Index(films["movie_id"].to_numpy(object)),
        mixtures=random.dirichlet(np.full(_NUM_TASTES, 0.1), num_users),
        taste_probability=taste_probability,
        arrival=arrival,
        person_effect=np.zeros(num_users),
        film_effect=np.zeros(num_movies),
        person_factors=np.zeros((num_users, 0)),
        film_factors=np.zeros((num_movies, 0)),
        noise=_NOISE,
        cuts=np.full(4, np.nan),
        age_genre=pd.DataFrame(),
        occupation_genre=pd.DataFrame(),
    )


def _draw_opinions(
    random: np.random.Generator,
    truth: Truth,
    choices: tuple[np.ndarray, np.ndarray],
    genre_weights: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
) -> Truth:
    """How people rate. Each part is scaled to its standard deviation over what people chose."""
    person, film = choices
    age, occupation = groups
    num_users, num_movies = truth.mixtures.shape[0], truth.taste_probability.shape[1]
    expected = truth.mixtures.mean(axis=0) @ truth.taste_probability
    person_effect = _normal_quantiles(random, num_users)
    film_effect = _normal_quantiles(random, num_movies) + 0.3 * _standardized(np.log(expected))
    match = _standardized(np.log(truth.taste_probability / expected)).T
    taste = truth.mixtures - truth.mixtures.mean(axis=0)
    quirks = random.normal(size=(num_users, _RANK)), random.normal(size=(num_movies, _RANK))
    age_genre = _crosses(random, len(_words.AGES), age, genre_weights)
    occupation_genre = _crosses(random, len(_words.OCCUPATIONS), occupation, genre_weights)
    by_group = age_genre[age] + occupation_genre[occupation]

    taste *= _scale(_SD_TASTE, taste[person], match[film])
    quirks[0][:] *= _scale(_SD_QUIRKS, quirks[0][person], quirks[1][film])
    to_stars = _scale(_SD_CROSSES, by_group[person], genre_weights[film])
    genres = list(_words.GENRES)
    return replace(
        truth,
        person_effect=person_effect * _scale(_SD_PERSON, person_effect[person, None]),
        film_effect=film_effect * _scale(_SD_FILM, film_effect[film, None]),
        person_factors=np.hstack([taste, quirks[0], to_stars * by_group]),
        film_factors=np.hstack([match, quirks[1], genre_weights]),
        age_genre=pd.DataFrame(to_stars * age_genre, index=list(_words.AGES), columns=genres),
        occupation_genre=pd.DataFrame(
            to_stars * occupation_genre, index=list(_words.OCCUPATIONS), columns=genres
        ),
    )


def _crosses(
    random: np.random.Generator, num_groups: int, group: np.ndarray, genre_weights: np.ndarray
) -> np.ndarray:
    """[num_groups, num_genres] effects, and no effect of the group or the genre alone."""
    table = random.normal(size=(num_groups, genre_weights.shape[1]))
    by_genre = genre_weights.mean(axis=0) / genre_weights.mean()
    table -= (table * by_genre).mean(axis=1, keepdims=True)
    return table - table[group].mean(axis=0)


def _scale(sd: float, left: np.ndarray, right: np.ndarray | float = 1.0) -> float:
    """The factor that gives the row sums of `left * right` the standard deviation `sd`."""
    spread = float((left * right).sum(axis=1).std())
    return sd / spread if spread > 1e-9 else sd


def _activity(
    random: np.random.Generator, num_users: int, num_ratings: int, most: int
) -> np.ndarray:
    """[num_users] numbers of ratings: lognormal, within limits, of exactly this sum."""
    shape = np.exp(0.93 * _normal_quantiles(random, num_users))
    fewest = min(_FEWEST_RATINGS, num_ratings // num_users)

    def excess(scale: float) -> float:
        return np.clip(scale * shape, fewest, most).sum() - num_ratings

    top = most / shape.min()
    scale = 0.0 if excess(0) >= 0 else brentq(excess, 0, top) if excess(top) > 0 else top
    exact = np.clip(scale * shape, fewest, most)
    counts = np.floor(exact).astype(np.int64)
    has_room = np.flatnonzero(counts < most)
    largest_rests = np.argsort((counts - exact)[has_room], kind="stable")
    counts[has_room[largest_rests[: num_ratings - counts.sum()]]] += 1
    return counts


def _draw_times(random: np.random.Generator, counts: np.ndarray) -> np.ndarray:
    """[counts.sum()] seconds, person by person: sittings of a rating a minute, days apart."""
    total = counts.sum()
    first = _FIRST_SECOND + random.random(counts.size) * 0.95 * _SPAN
    gap = random.exponential(60, total)
    gap += (random.random(total) < 0.02) * random.exponential(3 * 86_400, total)
    passed = np.cumsum(gap)
    start = np.cumsum(counts) - counts
    seconds = np.repeat(first - passed[start] + gap[start], counts) + passed
    return seconds.astype(np.int64)


def _cuts(latent: np.ndarray, noise: float) -> np.ndarray:
    """The cuts of noisy latent scores that give MovieLens-100K's shares of stars."""
    low, high = latent.min() - 10 * noise, latent.max() + 10 * noise

    def cut_at(share: float) -> float:
        return brentq(lambda cut: ndtr((cut - latent) / noise).mean() - share, low, high)

    return np.array([cut_at(share) for share in np.cumsum(_STAR_SHARES)[:-1]])
