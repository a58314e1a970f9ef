"""How people rate in a synthetic world: the latent score behind the stars."""

from __future__ import annotations

from recutils._choices import Choices

from dataclasses import dataclass

import numpy as np
import pandas as pd

_PAIRS_AT_ONCE = 200_000


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How a person's latent scores are tied to the log of what they choose.

    The score becomes `shift + scale · score + slope · log(watch probability)`.

    Attributes:
      shift, scale, slope: [num_users] float64.
    """

    shift: np.ndarray
    scale: np.ndarray
    slope: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Opinions(Choices):
    """The ingredients of a latent score, besides the choices; `Truth` explains each attribute."""

    person_effect: np.ndarray
    film_effect: np.ndarray
    person_factors: np.ndarray
    film_factors: np.ndarray
    age_genre: pd.DataFrame
    occupation_genre: pd.DataFrame
    age_occupation_genre: pd.DataFrame
    agreement: Agreement | None

    def _latent(self, people: np.ndarray, films: np.ndarray) -> np.ndarray:
        """[n] mean latent scores of pairs of positions, in bounded memory."""
        latent = self.person_effect[people] + self.film_effect[films]
        for start in range(0, people.size, _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            person, film = people[part], films[part]
            latent[part] += np.einsum(
                "nd,nd->n", self.person_factors[person], self.film_factors[film]
            )
            if self.agreement is not None:
                chance = np.einsum(
                    "nd,dn->n", self.mixtures[person], self.taste_probability[:, film]
                )
                latent[part] = (
                    self.agreement.shift[person]
                    + self.agreement.scale[person] * latent[part]
                    + self.agreement.slope[person] * np.log(chance)
                )
        return latent
