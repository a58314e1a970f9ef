"""Draws who chooses what in a synthetic world: tastes, people's mixtures, successors."""

from __future__ import annotations

from recutils import _people_words
from recutils._choices import Choices

from dataclasses import replace

import numpy as np

FIRST_SECOND = 946_684_800  # 1 January 2000
SPAN = 300 * 86_400
# The largest share of a person's (or a film's) options that may be taken: with more, draws without
# repeats would rarely find anything new.
LARGEST_SHARE_TAKEN = 0.45
_NUM_TASTES = 12
_SHARE_OF_NEW_FILMS = 0.05
_LIKING = 3.0
_GENRES_SHARE = 0.6
# Each taste's parameter in the Dirichlet distribution of mixtures: far below 1, so that a person
# has few tastes.
_MIXTURE = 0.1
_NUM_SUCCESSORS = 8


class TasteDraws:
    """Draws films: first a taste from a mixture, then a film from the taste."""

    def __init__(self, mixtures: np.ndarray, taste_probability: np.ndarray) -> None:
        num_tastes, self.num_movies = taste_probability.shape
        self.mixtures = np.cumsum(mixtures, axis=1)[:, :-1]
        cumulative = np.cumsum(taste_probability, axis=1)
        cumulative /= cumulative[:, -1:]
        # Taste t occupies [t, t + 1): one search finds the film within the taste.
        self.films = (cumulative + np.arange(num_tastes)[:, None]).ravel()

    def __call__(self, random: np.random.Generator, rows: np.ndarray) -> np.ndarray:
        """[n] int64 films, one for each of the [n] rows of the mixtures."""
        uniform = random.random((2, rows.size))
        taste = (uniform[0][:, None] >= self.mixtures[rows]).sum(axis=1)
        film = np.searchsorted(self.films, taste + uniform[1], side="right")
        return np.minimum(film - taste * self.num_movies, self.num_movies - 1)


def standardized(values: np.ndarray) -> np.ndarray:
    """Rows with mean 0 and standard deviation 1."""
    centered = values - values.mean(axis=-1, keepdims=True)
    return centered / centered.std(axis=-1, keepdims=True)


def draw_choices(
    random: np.random.Generator, genre_weights: np.ndarray, groups: tuple[np.ndarray, np.ndarray]
) -> Choices:
    """Who chooses what, and when films arrive: tastes decide, and people's groups don't matter."""
    num_users, num_movies = groups[0].size, genre_weights.shape[0]
    # What a taste likes is partly a matter of genre.
    by_genre = standardized(
        random.normal(size=(_NUM_TASTES, genre_weights.shape[1])) @ genre_weights.T
    )
    of_its_own = random.normal(size=(_NUM_TASTES, num_movies))
    genre_weight, own_weight = np.sqrt(_GENRES_SHARE), np.sqrt(1 - _GENRES_SHARE)
    liking = genre_weight * by_genre + own_weight * of_its_own
    mean, sd = liking.mean(axis=1, keepdims=True), liking.std(axis=1, keepdims=True)
    # Skewed like MovieLens's numbers of ratings: many films far below the mean, no film far above.
    popularity = (-np.log((np.arange(num_movies) + 0.5) / num_movies)) ** 2.0
    popularity = random.permutation(popularity)
    taste_probability = share_out(standardized(liking), popularity)
    is_new = random.random(num_movies) < _SHARE_OF_NEW_FILMS
    arrival = FIRST_SECOND + np.where(is_new, random.integers(SPAN, size=num_movies), 0)
    group_share = np.zeros((len(_people_words.AGES), len(_people_words.OCCUPATIONS)))
    np.add.at(group_share, groups, 1 / num_users)
    everyone_alike = np.full(_NUM_TASTES, _MIXTURE)
    return Choices(
        mixtures=random.dirichlet(everyone_alike, num_users),
        taste_probability=taste_probability,
        arrival=arrival,
        mixture_prior=np.tile(everyone_alike, (*group_share.shape, 1)),
        group_share=group_share,
        genre_liking=_LIKING * (genre_weight * by_genre - mean) / sd,
        own_liking_sd=_LIKING * own_weight / sd[:, 0],
        log_reach=_log_reach(taste_probability, _LIKING * (liking - mean) / sd),
        follow=0.0,
        successors=np.empty((num_movies, 0), np.int64),
        successor_weights=np.empty((num_movies, 0)),
    )


def let_groups_tell(
    random: np.random.Generator,
    choices: Choices,
    groups: tuple[np.ndarray, np.ndarray],
    by_group: float,
) -> Choices:
    """The same world with mixtures that depend on age and occupation."""
    num_ages, num_occupations, num_tastes = choices.mixture_prior.shape
    age = random.dirichlet(np.ones(num_tastes), num_ages)
    occupation = random.dirichlet(np.ones(num_tastes), num_occupations)
    mean = age[:, None] * occupation
    mean /= mean.sum(axis=-1, keepdims=True)
    prior = _MIXTURE * ((1 - by_group) + by_group * num_tastes * mean)
    mixtures = random.standard_gamma(prior[groups])
    mixtures /= mixtures.sum(axis=1, keepdims=True)
    return replace(choices, mixtures=mixtures, mixture_prior=prior)


def let_films_follow(random: np.random.Generator, choices: Choices, follow: float) -> Choices:
    """The same world where a film's successors are chosen with probability `follow`.

    A film's successors are drawn as the next choice of a person who has only the film's tastes.
    """
    num_movies = choices.taste_probability.shape[1]
    how_many = min(_NUM_SUCCESSORS, int(LARGEST_SHARE_TAKEN * num_movies))
    tastes_of_film = (choices.taste_probability / choices.taste_probability.sum(axis=0)).T
    draw = TasteDraws(tastes_of_film, choices.taste_probability)
    successors = np.full((num_movies, how_many), -1)
    found = np.zeros(num_movies, np.int64)
    active = np.arange(num_movies)
    while active.size:
        film = draw(random, active)
        is_new = (film != active) & (successors[active] != film[:, None]).all(axis=1)
        who = active[is_new]
        successors[who, found[who]] = film[is_new]
        found[who] += 1
        active = active[found[active] < how_many]
    weights = random.dirichlet(np.ones(how_many), num_movies)
    return replace(choices, follow=follow, successors=successors, successor_weights=weights)


def share_out(liking: np.ndarray, popularity: np.ndarray) -> np.ndarray:
    """Divides films' popularity among the tastes, whatever these like.

    So the long tail is the same in every world, and no taste is more popular than another.

    Args:
      liking: [num_tastes, num_movies] float64, rows standardized.
      popularity: [num_movies] float64, above 0.

    Returns:
      [num_tastes, num_movies] float64, rows sum to 1.
    """
    taste_probability = np.exp(_LIKING * liking)
    for _ in range(20):
        taste_probability *= popularity / taste_probability.sum(axis=0)
        taste_probability /= taste_probability.sum(axis=1, keepdims=True)
    return taste_probability


def _log_reach(taste_probability: np.ndarray, liking: np.ndarray) -> np.ndarray:
    """[num_tastes]: the factor by which `share_out` scaled each taste, up to a common one."""
    rest = np.log(taste_probability) - liking
    return rest.mean(axis=1) - rest.mean()
