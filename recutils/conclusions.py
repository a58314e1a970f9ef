"""Is the difference larger than its uncertainty? Intervals, and the line that concludes."""

from recutils import _checks

from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Interval(NamedTuple):
    """A mean difference and its confidence interval.

    Attributes:
      mean: the mean of ours - theirs.
      low: lower end of the interval.
      high: upper end of the interval.
    """

    mean: float
    low: float
    high: float


def conclude(
    claim: str,
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    better: str = "higher",
    digits: int = 3,
) -> None:
    """Closes an argument: prints the paired difference, its 95% interval and what it says.

    The verdict is `holds` if the whole interval is on the claimed side of 0, `reversed` if it is
    on the other, `open` otherwise. It is found before anything is rounded.

    Args:
      claim: one line, the same on every data set, such as "hit rate@100: A beats B".
      ours: [num_seeds] numbers, the score of each seed.
      theirs: [num_seeds] numbers, the scores of the same seeds. A margin belongs here: "at least
        1% below" is `0.99 * theirs` with better="lower".
      better: "higher" if the claim is that ours is above theirs, "lower" if below.
      digits: decimals to print, those that are stable.

    Raises:
      TypeError: claim is not text, scores are not numbers, or digits is not an int.
      ValueError: claim is empty or has several lines, better or digits is out of range, the
        lengths differ, there are fewer than two seeds, or a score is not finite.

    See: the page reference/status, and the end of every chapter that compares.
    """
    if not isinstance(claim, str):
        raise TypeError(f"claim must be a string, got {type(claim).__name__}: {claim!r}")
    if not claim.strip() or claim != claim.strip() or len(claim.splitlines()) != 1:
        raise ValueError(f"claim must be one line of text without blanks around it, got {claim!r}")
    _checks.choice("better", better, ("higher", "lower"))
    digits = _checks.integer("digits", digits, low=0, high=15)
    interval = paired_interval(ours, theirs)
    low, high = interval.low, interval.high
    if better == "lower":
        low, high = -high, -low
    verdict = "holds" if low > 0 else "reversed" if high < 0 else "open"
    # Adding 0 turns a rounded -0.0 into 0.0.
    mean, lower, upper = (f"{round(number, digits) + 0.0:+.{digits}f}" for number in interval)
    seeds = np.size(ours)
    print(f"{verdict:8}  {mean} [{lower}, {upper}]   {claim}   ({seeds} seeds, paired)")


def paired_interval(
    ours: npt.ArrayLike, theirs: npt.ArrayLike, confidence: float = 0.95
) -> Interval:
    """Student's t interval of the mean paired difference ours - theirs.

    Args:
      ours: [n] numbers, n of at least 2, one a seed.
      theirs: [n] numbers, of the same seeds.
      confidence: share of such intervals that cover the true mean, between 0 and 1.

    Returns:
      The mean and the ends of the interval; all three are equal if all differences are.

    Raises:
      TypeError: the scores or confidence are not numbers.
      ValueError: the lengths differ, there are fewer than two, a score is not finite, or
        confidence is out of range.

    See: the chapter basics/retrieval.
    """
    from scipy import stats

    differences = _differences(ours, theirs)
    confidence = _confidence(confidence)
    mean = float(differences.mean())
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    # Differences that rounding alone sets apart are equal.
    largest = max(np.max(np.abs(ours)), np.max(np.abs(theirs)))
    if error == 0 or np.ptp(differences) <= 1e-14 * largest:
        return Interval(mean, mean, mean)
    low, high = stats.t.interval(confidence, len(differences) - 1, loc=mean, scale=error)
    return Interval(mean, float(low), float(high))


def bootstrap_interval(
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    confidence: float = 0.95,
    num_resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of the mean paired difference ours - theirs over people.

    It says what another sample of people would change, and nothing about another training run:
    for that, compare over seeds.

    Args:
      ours: [num_people] numbers, say everyone's recall; at least 2.
      theirs: [num_people] numbers, of the same people.
      confidence: share of such intervals that cover the true mean, between 0 and 1.
      num_resamples: how often people are drawn anew.
      seed: of the draws.

    Returns:
      The mean and the ends of the percentile interval.

    Raises:
      TypeError: the scores or confidence are not numbers, or num_resamples or seed is not an int.
      ValueError: the lengths differ, there are fewer than two, a score is not finite, or another
        argument is out of range.

    See: the chapter basics/retrieval.
    """
    from scipy import stats

    differences = _differences(ours, theirs)
    result = stats.bootstrap(
        (differences,),
        np.mean,
        confidence_level=_confidence(confidence),
        n_resamples=_checks.integer("num_resamples", num_resamples, low=1),
        # Bounds memory: a batch holds about 10 million numbers.
        batch=max(1, 10**7 // len(differences)),
        method="percentile",
        rng=np.random.default_rng(_checks.integer("seed", seed, low=0)),
    )
    low, high = result.confidence_interval
    return Interval(float(differences.mean()), float(low), float(high))


def _differences(ours: npt.ArrayLike, theirs: npt.ArrayLike) -> npt.NDArray[np.float64]:
    sides = [
        _checks.floats(name, side, ndim=1).astype(np.float64)
        for name, side in (("ours", ours), ("theirs", theirs))
    ]
    if len(sides[0]) != len(sides[1]):
        raise ValueError(
            "ours and theirs must have one score a seed each, "
            f"got {len(sides[0])} and {len(sides[1])}"
        )
    if len(sides[0]) < 2:
        raise ValueError(f"ours and theirs must have at least 2 scores, got {len(sides[0])}")
    return sides[0] - sides[1]


def _confidence(value: float) -> float:
    value = _checks.number("confidence", value, low=0, strict=True)
    if value >= 1:
        raise ValueError(f"confidence must be below 1, got {value}")
    return value
