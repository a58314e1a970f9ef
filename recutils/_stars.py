"""Draws how people of a synthetic world rate: the parts of the latent score, and its cuts."""

from __future__ import annotations

from recutils import _film_words, _people_words
from recutils._choices import Choices
from recutils._opinions import Agreement, Opinions
from recutils._tastes import standardized

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

NOISE = 0.735
# MovieLens-100K's shares of 1 to 5 stars; the latent scores are cut so as to reproduce them.
_STAR_SHARES = (0.061, 0.114, 0.271, 0.342, 0.212)
# Standard deviations of the parts of a latent score over what people choose. Together they
# make one unit of the latent score worth one star.
_SD_PERSON, _SD_FILM, _SD_TASTE, _SD_QUIRKS, _SD_CROSSES = (0.37, 0.495, 0.215, 0.32, 0.3)
_RANK = 4
_SCORES_AT_ONCE = 2_000_000


def draw_opinions(
    random: np.random.Generator,
    choices: Choices,
    chosen: tuple[np.ndarray, np.ndarray],
    genre_weights: np.ndarray,
    groups: tuple[np.ndarray, np.ndarray],
    *,
    interactions: float,
    interactions_random: np.random.Generator,
) -> Opinions:
    """How people rate. Each part is scaled to its standard deviation over what people chose."""
    person, film = chosen
    age, occupation = groups
    num_users, num_movies = choices.mixtures.shape[0], choices.taste_probability.shape[1]
    expected = choices.mixtures.mean(axis=0) @ choices.taste_probability
    person_effect = normal_quantiles(random, num_users)
    film_effect = normal_quantiles(random, num_movies) + 0.3 * standardized(np.log(expected))
    match = standardized(np.log(choices.taste_probability / expected)).T
    taste = choices.mixtures - choices.mixtures.mean(axis=0)
    quirks = random.normal(size=(num_users, _RANK)), random.normal(size=(num_movies, _RANK))
    tables = [
        _crosses(random, len(_people_words.AGES), age, genre_weights),
        _crosses(random, len(_people_words.OCCUPATIONS), occupation, genre_weights),
    ]
    third = np.zeros((len(tables[0]), len(tables[1]), genre_weights.shape[1]))
    by_group = tables[0][age] + tables[1][occupation]
    if interactions:
        third = _third_order(interactions_random, groups, genre_weights)
        in_films = genre_weights[film]
        second_part = _scale(np.sqrt(1 - interactions), by_group[person], in_films)
        third *= _scale(np.sqrt(interactions), third[groups][person], in_films)
        tables = [second_part * table for table in tables]
        by_group = second_part * by_group + third[groups]

    taste *= _scale(_SD_TASTE, taste[person], match[film])
    quirks[0][:] *= _scale(_SD_QUIRKS, quirks[0][person], quirks[1][film])
    to_stars = _scale(_SD_CROSSES, by_group[person], genre_weights[film])
    ages, occupations = list(_people_words.AGES), list(_people_words.OCCUPATIONS)
    genres = list(_film_words.GENRES)
    return Opinions(
        **vars(choices),
        person_effect=person_effect * _scale(_SD_PERSON, person_effect[person, None]),
        film_effect=film_effect * _scale(_SD_FILM, film_effect[film, None]),
        person_factors=np.hstack([taste, quirks[0], to_stars * by_group]),
        film_factors=np.hstack([match, quirks[1], genre_weights]),
        age_genre=pd.DataFrame(to_stars * tables[0], index=ages, columns=genres),
        occupation_genre=pd.DataFrame(to_stars * tables[1], index=occupations, columns=genres),
        age_occupation_genre=pd.DataFrame(
            to_stars * third.reshape(-1, len(genres)),
            index=pd.MultiIndex.from_product([ages, occupations]),
            columns=genres,
        ),
        agreement=None,
    )


def let_liking_agree(
    opinions: Opinions, chosen: tuple[np.ndarray, np.ndarray], agreement: float
) -> Opinions:
    """The same world with scores correlated to the log of a person's watch probabilities.

    Everyone's scores keep their mean over all films, and their spread up to one common factor,
    which leaves the spread of the scores of what people chose as it was.
    """
    num_users, num_movies = opinions.mixtures.shape[0], opinions.taste_probability.shape[1]
    means, scale, slope, log_means = np.empty((4, num_users))
    people_at_once = max(1, _SCORES_AT_ONCE // num_movies)
    for start in range(0, num_users, people_at_once):
        people = np.arange(start, min(start + people_at_once, num_users))
        log_chance = np.log(opinions._of_tastes(people))
        score = opinions.person_factors[people] @ opinions.film_factors.T
        score += opinions.person_effect[people, None] + opinions.film_effect
        means[people], log_means[people] = score.mean(axis=1), log_chance.mean(axis=1)
        sd, log_sd = score.std(axis=1), log_chance.std(axis=1)
        regression = ((score - means[people, None]) * log_chance).mean(axis=1) / log_sd**2
        rest_sd = np.sqrt(sd**2 - (regression * log_sd) ** 2)
        scale[people] = sd * np.sqrt(1 - agreement**2) / rest_sd
        slope[people] = sd * agreement / log_sd - scale[people] * regression

    def tied(factor: float) -> Opinions:
        shift = means - factor * (scale * means + slope * log_means)
        return replace(
            opinions, agreement=Agreement(shift=shift, scale=factor * scale, slope=factor * slope)
        )

    of_person = means[chosen[0]]
    within = tied(1.0)._latent(*chosen) - of_person
    return tied(_factor(of_person, within, opinions._latent(*chosen).var()))


def cuts(latent: np.ndarray) -> np.ndarray:
    """[4] float64: the cuts of noisy latent scores that give MovieLens-100K's shares of stars."""
    low, high = latent.min() - 10 * NOISE, latent.max() + 10 * NOISE

    def cut_at(share: float) -> float:
        return brentq(lambda cut: ndtr((cut - latent) / NOISE).mean() - share, low, high)

    return np.array([cut_at(share) for share in np.cumsum(_STAR_SHARES)[:-1]])


def normal_quantiles(random: np.random.Generator, size: int) -> np.ndarray:
    """A standard normal sample without sampling noise: quantiles in random order."""
    return random.permutation(ndtri((np.arange(size) + 0.5) / size))


def _crosses(
    random: np.random.Generator, num_groups: int, group: np.ndarray, genre_weights: np.ndarray
) -> np.ndarray:
    """[num_groups, num_genres] effects, without a main effect of group or genre."""
    table = random.normal(size=(num_groups, genre_weights.shape[1]))
    by_genre = genre_weights.mean(axis=0) / genre_weights.mean()
    table -= (table * by_genre).mean(axis=1, keepdims=True)
    return table - table[group].mean(axis=0)


def _third_order(
    random: np.random.Generator, groups: tuple[np.ndarray, np.ndarray], genre_weights: np.ndarray
) -> np.ndarray:
    """[num_ages, num_occupations, num_genres] effects that no two of the three features explain.

    Over the world's people: genre by genre, what ages and occupations add is taken out; then, group
    by group, the mean over films.
    """
    ages, occupations = len(_people_words.AGES), len(_people_words.OCCUPATIONS)
    table = random.normal(size=(ages, occupations, genre_weights.shape[1]))
    people = np.zeros((ages, occupations))
    np.add.at(people, groups, 1)
    inhabited = np.nonzero(people)
    root = np.sqrt(people[inhabited])[:, None]
    apart = np.hstack([np.eye(ages)[inhabited[0]], np.eye(occupations)[inhabited[1]]])
    if len(apart) <= np.linalg.matrix_rank(apart):
        raise ValueError(
            "interactions must be 0 where ages and occupations alone tell people's groups apart, "
            f"as with these {groups[0].size} users: use more users"
        )
    weights = np.linalg.lstsq(root * apart, root * table[inhabited], rcond=None)[0]
    crosses = np.zeros_like(table)
    crosses[inhabited] = table[inhabited] - apart @ weights
    by_genre = genre_weights.mean(axis=0) / genre_weights.mean()
    return crosses - (crosses * by_genre).mean(axis=-1, keepdims=True)


def _factor(fixed: np.ndarray, scaled: np.ndarray, variance: float) -> float:
    """The factor > 0 with which `fixed + factor · scaled` has this variance; 1 if there is none."""
    both = np.cov(fixed, scaled, bias=True)
    missing = variance - both[0, 0]
    if missing <= 0 or both[1, 1] < 1e-9:
        return 1.0
    return (np.sqrt(both[0, 1] ** 2 + both[1, 1] * missing) - both[0, 1]) / both[1, 1]


def _scale(sd: float, left: np.ndarray, right: np.ndarray | float = 1.0) -> float:
    """The factor that gives the row sums of `left * right` the standard deviation `sd`."""
    spread = float((left * right).sum(axis=1).std())
    return sd / spread if spread > 1e-9 else sd
