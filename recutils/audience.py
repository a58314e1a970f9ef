"""People who respond to the lists they are shown: what they look at, click, and how they rate."""

from __future__ import annotations

from recutils import _checks
from recutils.answers import Answers, Value
from recutils.truth import STARS, Truth

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

CLICK_FROM = 4
_LIKED = STARS >= CLICK_FROM
# Pairs of a person and a film that are worked on at once: few enough to stay in the cache.
_PAIRS_AT_ONCE = 40_000


class Audience:
    """The people of a synthetic world, who answer ordered lists of films.

    A person looks at some places of a list. Each look draws the film's stars from the truth's
    distribution, and 4 stars or more are a click. Two models say who looks where:

    * `position`: at place k with chance 1 / k^eta, whatever happens at the other places.
    * `cascade`: down the list, from the first place to the first click.

    With `trust`, people also click because of the place: a film at place k that they look at and
    give fewer than 4 stars is clicked anyway with chance trust / k. Its stars don't change.

    Every method works on blocks of 40,000 pairs of a person and a film: besides its arguments and
    results it needs about 30 MB, however many lists there are. The answers to a million lists of
    ten take 60 MB and a few seconds on one core (`make bench` prints how many).

    Args:
      truth: of the world whose people are asked.
      looking: "position" or "cascade".
      eta: how fast the chance of a look falls with the place, >= 0; 0: every place is looked at.
        None: 1 for `position`; `cascade` has none.
      trust: 0 to 1; 0: only what is liked is clicked.

    Raises:
      TypeError: truth is not a `Truth`, or eta or trust is not a number.
      ValueError: looking is neither, eta or trust is out of its range, or eta is given for
        `cascade`.

    See: the chapter feedback/clicks.
    """

    def __init__(
        self,
        truth: Truth,
        looking: str = "position",
        eta: float | None = None,
        trust: float = 0.0,
    ) -> None:
        if not isinstance(truth, Truth):
            raise TypeError(
                "truth must be the Truth of a synthetic world (real data has none), "
                f"got {type(truth).__name__}"
            )
        self.truth = truth
        self.looking = _checks.choice("looking", looking, ("position", "cascade"))
        if looking == "position":
            eta = 1.0 if eta is None else _checks.number("eta", eta, low=0)
        elif eta is not None:
            raise ValueError(f"eta must be left out for looking='cascade', got {eta!r}")
        self.eta = eta
        self.trust = _checks.number("trust", trust, low=0)
        if self.trust > 1:
            raise ValueError(f"trust must be between 0 and 1, got {self.trust}")

    def answer(
        self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike, random: np.random.Generator
    ) -> Answers:
        """Shows each person a list, and lets them look, click and rate.

        Each place uses three random numbers, whatever `looking`, `eta` and `trust` are. So equal
        generators give equal answers, and audiences that differ in these settings draw the same
        stars for what both look at.

        Args:
          user_ids: [n] strings; a person may be asked several times.
          movie_ids: [n, list_length] strings, the first place first; no film twice in a list.
          random: source of random numbers; 3 · n · list_length of them are used.

        Returns:
          `Answers`, arrays of shape [n, list_length].

        Raises:
          TypeError: random is not a `numpy.random.Generator`.
          ValueError: an id is unknown, the shapes don't fit, or a list has a film twice.
        """
        random = _checks.generator("random", random)
        people, lists = self._checked("movie_ids", user_ids, movie_ids)
        looked = np.empty(lists.shape, bool)
        stars = np.empty(lists.shape, np.float32)
        clicked = np.empty(lists.shape, bool)
        for rows in _blocks(lists):
            uniform = random.random((*lists[rows].shape, 3))
            below = np.cumsum(self._chances(people[rows], lists[rows])[..., :-1], axis=-1)
            drawn = 1 + (uniform[..., 0, None] >= below).sum(axis=-1)
            would_click = (drawn >= CLICK_FROM) | (uniform[..., 1] < self._misled(drawn.shape[1]))
            if self.eta is None:
                clicks_above = np.cumsum(would_click, axis=1) - would_click
                looked[rows] = clicks_above == 0
            else:
                looked[rows] = uniform[..., 2] < _places(drawn.shape[1]) ** -self.eta
            clicked[rows] = looked[rows] & would_click
            stars[rows] = np.where(looked[rows], drawn, np.nan)
        return Answers(looked, stars, clicked)

    def looking_chance(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> np.ndarray:
        """Exact chance that each place of a list is looked at: the propensity of what it shows.

        Under `position` it depends on the place alone, under `cascade` on the person
        and on the films above.

        Args:
          user_ids: [n] strings.
          movie_ids: [n, list_length] strings, the first place first; no film twice in a list.

        Returns:
          [n, list_length] float64; 1 at the first place.

        Raises:
          ValueError: as for `answer`.
        """
        people, lists = self._checked("movie_ids", user_ids, movie_ids)
        looked = np.empty(lists.shape)
        for rows in _blocks(lists):
            looked[rows] = self._looked(self._click(self._chances(people[rows], lists[rows])))
        return looked

    def expect(self, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike) -> Value:
        """Expected clicks, stars and satisfaction of given lists, exact.

        Args:
          user_ids: [n] strings.
          movie_ids: [n, list_length] strings, the first place first; no film twice in a list.

        Returns:
          `Value`, one number per list.

        Raises:
          ValueError: as for `answer`.
        """
        people, lists = self._checked("movie_ids", user_ids, movie_ids)
        total = np.empty((3, len(lists)))
        for rows in _blocks(lists):
            total[:, rows] = self._expected(self._chances(people[rows], lists[rows]))
        return Value(*total)

    def policy_value(
        self, user_ids: npt.ArrayLike, candidates: npt.ArrayLike, probabilities: npt.ArrayLike
    ) -> Value:
        """Expected clicks, stars and satisfaction of a policy that draws its lists, exact.

        The policy fills one place, the first, or several independently of each other, so a film
        may appear twice in a list. A place whose film is drawn acts like a film whose distribution
        of stars is the mixture of the candidates'; as the places are independent, this is also true
        under `cascade` and with `trust`.

        The places of a policy without repeats depend on each other. Under `position` the value is a
        sum over places, so its probabilities place by place still give the exact value. Under
        `cascade` they don't: see `estimate`.

        Args:
          user_ids: [n] strings.
          candidates: [n, num_candidates] strings, no film twice in a row;
            `np.broadcast_to(films, (n, len(films)))` for the same films for everyone.
          probabilities: [n, num_candidates] for one place, or [n, list_length, num_candidates];
            the last axis sums to 1, within 1e-5.

        Returns:
          `Value`, one number per person.

        Raises:
          TypeError: probabilities are not numbers.
          ValueError: an id is unknown, the shapes don't fit, a row has a film twice, or
            probabilities are negative, not finite, or don't sum to 1.
        """
        people, films = self._checked("candidates", user_ids, candidates)
        policy = _checks.array("probabilities", probabilities)
        policy = _checks.floats("probabilities", policy, ndim=3 if policy.ndim == 3 else 2)
        if policy.shape[0] != films.shape[0] or policy.shape[-1] != films.shape[1]:
            raise ValueError(
                f"probabilities must have the shape [n, num_candidates] = {list(films.shape)} or "
                f"[n, list_length, num_candidates], got {list(policy.shape)}"
            )
        if (policy < 0).any():
            raise ValueError(f"probabilities must not be negative, got {policy[policy < 0][0]}")
        total = policy.sum(axis=-1, dtype=np.float64)
        wrong = np.abs(total - 1) > 1e-5
        if wrong.any():
            row = np.argwhere(wrong)[0]
            raise ValueError(
                f"probabilities must sum to 1 along the last axis, got {total[wrong][0]:.6g} "
                f"at {row.tolist()}"
            )
        if policy.ndim == 2:
            policy = policy[:, None]
        value = np.empty((3, len(films)))
        for rows in _blocks(films):
            value[:, rows] = self._expected(policy[rows] @ self._chances(people[rows], films[rows]))
        return Value(*value)

    def estimate(
        self,
        user_ids: npt.ArrayLike,
        draw_lists: Callable[[np.random.Generator], npt.ArrayLike],
        num_draws: int,
        random: np.random.Generator,
    ) -> tuple[Value, Value]:
        """Value of any policy that draws lists, by Monte Carlo, with its standard error.

        Only the policy's draws are random here: for each drawn list, the expectation is exact.
        If a draw is independent from person to person, the standard error of a mean over people is
        `np.sqrt((error.clicks**2).sum()) / n`.

        Args:
          user_ids: [n] strings.
          draw_lists: takes a generator and returns [n, list_length] strings, a list for each
            person; each call draws new ones.
          num_draws: lists to draw for each person, >= 2.
          random: source of random numbers, which only `draw_lists` uses.

        Returns:
          The mean over the draws and its standard error, each a `Value` with one number per person.

        Raises:
          TypeError: random is not a `numpy.random.Generator`, num_draws is not an int, or
            draw_lists can't be called.
          ValueError: num_draws is below 2, or a drawn list is refused as by `answer`.
        """
        random = _checks.generator("random", random)
        num_draws = _checks.integer("num_draws", num_draws, low=2)
        if not callable(draw_lists):
            raise TypeError(f"draw_lists must be a function, got {type(draw_lists).__name__}")
        mean = squares = np.zeros((3, 1))
        for count in range(1, num_draws + 1):
            value = self.expect(user_ids, draw_lists(random))
            drawn = np.stack([value.clicks, value.stars, value.satisfaction])
            # Welford's update: the squares of small differences, not the difference of squares.
            change = drawn - mean
            mean = mean + change / count
            squares = squares + change * (drawn - mean)
        error = np.sqrt(squares / (num_draws - 1) / num_draws)
        return Value(*mean), Value(*error)

    def _checked(
        self, name: str, user_ids: npt.ArrayLike, movie_ids: npt.ArrayLike
    ) -> tuple[np.ndarray, np.ndarray]:
        """[n] and [n, list_length] ids, all known; checked before any random number is drawn."""
        people, lists = _checks.objects(user_ids), _checks.objects(movie_ids)
        if people.ndim != 1:
            raise ValueError(f"user_ids must be one-dimensional, got shape {people.shape}")
        if lists.ndim != 2:
            raise ValueError(
                f"{name} must hold one list of the same length for each person, "
                f"[{people.size}, list_length], got shape {lists.shape}"
            )
        if len(people) != len(lists):
            raise ValueError(
                f"user_ids and {name} must have the same length, got {len(people)} and {len(lists)}"
            )
        if not lists.size:
            raise ValueError(f"{name} must not be empty, got shape {lists.shape}")
        for rows in _blocks(lists):
            _checks.positions("user_ids", people[rows], self.truth.user_ids, "this world")
            part = lists[rows]
            place = _checks.positions(name, part.ravel(), self.truth.movie_ids, "this world")
            place = place.reshape(part.shape)
            place.sort(axis=1)
            twice = place[:, 1:] == place[:, :-1]
            if twice.any():
                row, column = np.argwhere(twice)[0]
                film = self.truth.movie_ids[place[row, column]]
                raise ValueError(
                    f"{name} must not repeat a film in a row, got {film!r} twice "
                    f"in row {rows.start + row}"
                )
        return people, lists

    def _chances(self, people: np.ndarray, lists: np.ndarray) -> np.ndarray:
        """[n, list_length, 5]: the distribution of stars at each place."""
        shown_to = np.repeat(people, lists.shape[1])
        return self.truth.rating_distribution(shown_to, lists.ravel()).reshape(*lists.shape, 5)

    def _misled(self, list_length: int) -> np.ndarray:
        """[list_length]: the chance to click what is looked at and not liked."""
        return self.trust / _places(list_length)

    def _click(self, chance: np.ndarray) -> np.ndarray:
        """[n, list_length]: the chance of a click on what is looked at."""
        liked = chance[..., _LIKED].sum(axis=-1)
        return liked + self._misled(chance.shape[1]) * (1 - liked)

    def _looked(self, click: np.ndarray) -> np.ndarray:
        """[n, list_length]: the chance of a look, from that of a click on what is looked at."""
        if self.eta is not None:
            return np.broadcast_to(_places(click.shape[1]) ** -self.eta, click.shape)
        looked = np.ones(click.shape)
        np.cumprod(1 - click[:, :-1], axis=1, out=looked[:, 1:])
        return looked

    def _expected(self, chance: np.ndarray) -> np.ndarray:
        """[3, n]: clicks, stars and satisfaction, of [n, list_length, 5] chances of stars.

        Whether people look depends only on what is above, not on the stars at the place.
        """
        click = self._click(chance)
        misled = self._misled(chance.shape[1])
        stars = chance @ (STARS * _LIKED) + misled * (chance @ (STARS * ~_LIKED))
        satisfaction = chance @ (STARS - 3.0)
        return (self._looked(click) * np.stack([click, stars, satisfaction])).sum(axis=-1)


def _places(list_length: int) -> np.ndarray:
    return np.arange(1.0, list_length + 1)


def _blocks(lists: np.ndarray) -> Iterator[slice]:
    step = max(1, _PAIRS_AT_ONCE // lists.shape[1])
    for start in range(0, len(lists), step):
        yield slice(start, start + step)
