"""Draws the films and the people of a synthetic world: the contents of their tables."""

from __future__ import annotations

from recutils import _film_words, _people_words

import numpy as np
import pandas as pd


def draw_films(random: np.random.Generator, size: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Films, and [size, num_genres] weights: 1/√n for each of a film's n genres."""
    names = np.array(list(_film_words.GENRES), object)
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
    words = [
        [np.array(part.split(), object) for part in pair] for pair in _film_words.GENRES.values()
    ]
    adjectives = np.array([pair[0] for pair in words])
    nouns = np.array([pair[1] for pair in words])
    pick = random.integers(adjectives.shape[1], size=(3, genre.size))
    pick[2] = (pick[1] + 1 + pick[2] % (adjectives.shape[1] - 1)) % adjectives.shape[1]
    pattern = random.choice(len(_film_words.PATTERNS), genre.size, p=[0.3, 0.3, 0.15, 0.1, 0.15])
    names = np.array(
        [
            _film_words.PATTERNS[p].format(adjectives[g, i], nouns[g, j], nouns[g, k])
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


def draw_people(
    random: np.random.Generator, size: int
) -> tuple[pd.DataFrame, tuple[np.ndarray, np.ndarray]]:
    """People, and the [size] positions of their ages and occupations in the tables of words."""
    age = random.choice(len(_people_words.AGES), size, p=_people_words.AGE_SHARES)
    share = random.dirichlet(np.full(len(_people_words.OCCUPATIONS), 3.0))
    occupation = random.choice(len(_people_words.OCCUPATIONS), size, p=share)
    zip_code = random.integers(1_000, 99_999, size)
    people = pd.DataFrame(
        {
            "user_id": np.arange(1, size + 1).astype(str).astype(object),
            "user_gender": np.array(["female", "male"], object)[
                (random.random(size) < 0.7).astype(int)
            ],
            "bucketized_user_age": np.array(_people_words.AGES, object)[age],
            "user_occupation_text": np.array(_people_words.OCCUPATIONS, object)[occupation],
            "user_zip_code": np.char.zfill(zip_code.astype(str), 5).astype(object),
        }
    )
    return people, (age, occupation)
