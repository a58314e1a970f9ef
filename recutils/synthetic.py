"""Data with a known truth: a world of films, and the toy of the chapter on feature crosses."""

from __future__ import annotations

from recutils import _checks
from recutils._catalogue import draw_films, draw_people
from recutils._choices import Choices
from recutils._stars import NOISE, cuts, draw_opinions, let_liking_agree, normal_quantiles
from recutils._tastes import (
    FIRST_SECOND,
    LARGEST_SHARE_TAKEN,
    SPAN,
    TasteDraws,
    draw_choices,
    let_films_follow,
    let_groups_tell,
)
from recutils.movies import RATING_COLUMNS, Movies
from recutils.truth import Truth

import reprlib

import numpy as np
import pandas as pd
from scipy.optimize import brentq

_FEWEST_RATINGS = 20
_DIALS = ("follow", "by_group", "interactions", "choices")


def blender_ads(size: int, seed: int) -> pd.DataFrame:
    """Appeal of an advertisement for a blender, which depends on crosses of features.

    Args:
      size: number of customers, >= 1.
      seed: seed of the random numbers, 0 to 2^32 − 1.

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
    num_users: int = 1000,
    num_movies: int = 1700,
    num_ratings: int = 100_000,
    seed: int = 42,
    *,
    follow: float = 0.0,
    by_group: float = 0.0,
    agreement: float | None = None,
    interactions: float = 0.0,
) -> Movies:
    """People who choose films by taste and rate what they chose; the truth comes with them.

    A person has a mixture of a few tastes, and a taste is a distribution over films. A choice draws
    a taste, then a film, and starts over if the person has seen the film or it has not arrived yet.
    The stars come from a latent score: person, film, taste, what age and occupation make of its
    genres, a low-rank personal term and noise. Films and people arrive over time.

    Four dials add structure to the same world. Turning them changes neither the films, with their
    titles, genres, tastes and arrivals, nor the people, how much they rate and when.

    Memory grows with `num_ratings`, plus one bit for each pair of a person and a film.

    Args:
      num_users: number of people, >= 1.
      num_movies: number of films, >= 10.
      num_ratings: number of ratings, at least one and at most 0.45 · num_movies per person.
      seed: >= 0; the same seed gives the same world, on every machine.
      follow: 0 to 1, the probability that a choice is drawn from the successors of the film chosen
        last: eight others (fewer in a world of fewer than 18 films) that go with its tastes.
      by_group: 0 to 1, how much age and occupation say about a person's mixture of tastes.
      agreement: 0 to 0.95, the correlation between the log of the watch probability and the latent
        score within a person, over all films. None: left as it is, about 0.29.
      interactions: 0 to 1, the share of age × occupation × genre in the variance of what groups
        make of genres.

    Returns:
      `Movies` of exactly these sizes. A person has at least 20 ratings where that is possible.

    Raises:
      TypeError: a size or the seed is not an int, or a dial is not a number.
      ValueError: an argument is out of its range, or there are too few people for interactions.

    See: the chapter basics/data.
    """
    num_users = _checks.integer("num_users", num_users, low=1)
    num_movies = _checks.integer("num_movies", num_movies, low=10)
    num_ratings = _checks.integer("num_ratings", num_ratings, low=num_users)
    seed = _checks.integer("seed", seed, low=0)
    most = int(LARGEST_SHARE_TAKEN * num_movies) * num_users
    if num_ratings > most:
        raise ValueError(
            f"num_ratings must be at most {most} for {num_users} users and {num_movies} movies "
            f"({LARGEST_SHARE_TAKEN} of the films per person), got {num_ratings}"
        )
    follow = _share("follow", follow, 1)
    by_group = _share("by_group", by_group, 1)
    agreement = None if agreement is None else _share("agreement", agreement, 0.95)
    interactions = _share("interactions", interactions, 1)

    random = np.random.default_rng(seed)
    dials = {
        name: np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(place,)))
        for place, name in enumerate(_DIALS)
    }
    films, genre_weights = draw_films(random, num_movies)
    people, groups = draw_people(random, num_users)
    choices = draw_choices(random, genre_weights, groups)

    counts = _activity(random, num_users, num_ratings, int(LARGEST_SHARE_TAKEN * num_movies))
    seconds = _draw_times(random, counts)
    person = np.repeat(np.arange(num_users), counts)
    everyone = np.arange(num_users)
    film = choose_films(random, choices, everyone, counts, seconds)
    # Only now, so that no dial changes what `random` draws next, such as the quality of films.
    if by_group:
        choices = let_groups_tell(dials["by_group"], choices, groups, by_group)
    if follow:
        choices = let_films_follow(dials["follow"], choices, follow)
    if by_group or follow:
        film = choose_films(dials["choices"], choices, everyone, counts, seconds)

    # A sample of the choices is enough to set scales and cuts.
    sample = slice(None, None, max(1, num_ratings // 100_000))
    opinions = draw_opinions(
        random,
        choices,
        (person[sample], film[sample]),
        genre_weights,
        groups,
        interactions=interactions,
        interactions_random=dials["interactions"],
    )
    if agreement is not None:
        opinions = let_liking_agree(opinions, (person[sample], film[sample]), agreement)
    latent = opinions._latent(person, film)
    truth = Truth(
        **vars(opinions),
        user_ids=pd.Index(people["user_id"].to_numpy(object)),
        movie_ids=pd.Index(films["movie_id"].to_numpy(object)),
        noise=NOISE,
        cuts=cuts(latent[sample]),
    )
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
    truth: Choices,
    people: np.ndarray,
    counts: np.ndarray,
    seconds: np.ndarray,
) -> np.ndarray:
    """Draws what people choose, one film after the other, without repeats.

    In each round every person who still has choices to make draws once: with probability `follow`
    one of the successors of the film chosen last, otherwise a taste, then a film. A draw counts if
    the film has arrived by then and is new to the person; otherwise it starts over. If no successor
    is left, tastes alone decide.

    Args:
      random: source of random numbers.
      truth: gives mixtures, tastes, successors and arrivals.
      people: [n] int, positions in `truth.user_ids`; a position may occur several times.
      counts: [n] int, how many films each of them chooses.
      seconds: [counts.sum()] int64, when: person by person, increasing.

    Returns:
      [counts.sum()] int64, positions in `truth.movie_ids`, in the order of `seconds`.

    Raises:
      TypeError: random or truth is of another type, or an array doesn't hold integers.
      ValueError: a position or a count is out of range, lengths differ, or at some second fewer
        films have arrived than the person chooses until then.

    See: the chapter basics/data.
    """
    random = _checks.generator("random", random)
    if not isinstance(truth, Choices):
        raise TypeError(f"truth must be the Truth of a world, got {type(truth).__name__}")
    people, counts, seconds = _requested(truth, people, counts, seconds)
    draw = TasteDraws(truth.mixtures, truth.taste_probability)
    seen = np.zeros((people.size, draw.num_movies // 8 + 1), np.uint8)

    def is_open(who: np.ndarray, film: np.ndarray) -> np.ndarray:
        is_there = truth.arrival[film] <= seconds[slots[who]]
        is_new = (seen[who, film >> 3] >> (film & 7)) & 1 == 0
        return is_there & is_new

    chosen = np.empty(counts.sum(), np.int64)
    ends = np.cumsum(counts)
    starts = ends - counts
    slots = starts.copy()
    active = np.flatnonzero(counts)
    while active.size:
        film = draw(random, people[active])
        if truth.follow:
            started = (slots > starts)[active]
            who = active[started]
            last = chosen[slots[who] - 1]
            options = truth.successors[last]
            upto = truth.successor_weights[last] * is_open(who[:, None], options)
            upto = np.cumsum(upto, axis=1)
            # The same probabilities as drawing any successor and starting over when it is refused,
            # which would take long where most are refused.
            to_successors = truth.follow * upto[:, -1]
            possible = to_successors + 1 - truth.follow
            uniform = random.random((2, who.size))
            goes_on = uniform[0] * possible < to_successors
            place = (uniform[1] * upto[:, -1] >= upto.T[:-1]).sum(axis=0)
            successor = options[np.arange(who.size), place]
            film[started] = np.where(goes_on, successor, film[started])
        counts_now = is_open(active, film)
        who, what = active[counts_now], film[counts_now]
        chosen[slots[who]] = what
        seen[who, what >> 3] |= (1 << (what & 7)).astype(np.uint8)
        slots[who] += 1
        active = active[slots[active] < ends[active]]
    return chosen


def _requested(
    truth: Choices, people: np.ndarray, counts: np.ndarray, seconds: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arguments of `choose_films`, once they have been checked."""
    places, wanted, when = (
        _checks.integers(name, value)
        for name, value in (("people", people), ("counts", counts), ("seconds", seconds))
    )
    num_people = len(truth.mixtures)
    strange = places[(places < 0) | (places >= num_people)]
    if strange.size:
        raise ValueError(f"people must be positions from 0 to {num_people - 1}, got {strange[0]}")
    if wanted.shape != places.shape or (wanted < 0).any():
        raise ValueError(
            f"counts must be at least 0, one for each of the {places.size} people, "
            f"got {reprlib.repr(wanted.tolist())}"
        )
    if when.size != wanted.sum():
        raise ValueError(f"seconds must be one for each of {wanted.sum()} choices, got {when.size}")
    ends = np.cumsum(wanted)
    number = 1 + np.arange(when.size) - np.repeat(ends - wanted, wanted)
    there = np.searchsorted(np.sort(truth.arrival), when, side="right")
    if (there < number).any():
        at = np.argmax(there < number)
        raise ValueError(
            f"counts and seconds must leave a film to choose, got {when[at]} for choice number "
            f"{number[at]} of a person: {there[at]} films have arrived by then"
        )
    return places, wanted, when


def rate(random: np.random.Generator, truth: Truth, latent: np.ndarray) -> np.ndarray:
    """Draws stars for latent scores.

    Args:
      random: source of random numbers.
      truth: gives noise and cuts.
      latent: [n] float64, from `truth.latent_score`.

    Returns:
      [n] float32, 1 to 5.

    Raises:
      TypeError: random or truth is of another type, or latent doesn't hold numbers.
      ValueError: latent is empty, not one-dimensional or not finite.

    See: the chapter basics/data.
    """
    random = _checks.generator("random", random)
    if not isinstance(truth, Truth):
        raise TypeError(f"truth must be the Truth of a world, got {type(truth).__name__}")
    latent = _checks.floats("latent", latent, ndim=1)
    noisy = latent + truth.noise * random.standard_normal(latent.size)
    return (1 + np.searchsorted(truth.cuts, noisy)).astype(np.float32)


def _share(name: str, value: float, high: float) -> float:
    value = _checks.number(name, value, low=0)
    if value > high:
        raise ValueError(f"{name} must be between 0 and {high:g}, got {value}")
    return value


def _activity(
    random: np.random.Generator, num_users: int, num_ratings: int, most: int
) -> np.ndarray:
    """[num_users] numbers of ratings: lognormal, within limits, of exactly this sum."""
    shape = np.exp(0.93 * normal_quantiles(random, num_users))
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
    """[counts.sum()] seconds, person by person: sessions of a rating per minute, days apart."""
    total = counts.sum()
    first = FIRST_SECOND + random.random(counts.size) * 0.95 * SPAN
    gap = random.exponential(60, total)
    gap += (random.random(total) < 0.02) * random.exponential(3 * 86_400, total)
    passed = np.cumsum(gap)
    start = np.cumsum(counts) - counts
    seconds = np.repeat(first - passed[start] + gap[start], counts) + passed
    return seconds.astype(np.int64)
