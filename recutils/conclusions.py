"""Is the difference larger than its uncertainty? Intervals, and the line that concludes."""

from recutils import _checks

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

_SIDES = ("higher", "lower")


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
    *,
    main_of: int | None = None,
) -> None:
    """Closes an argument without trials: prints the paired difference, its interval and verdict.

    The verdict is `holds` if the whole interval is on the claimed side of 0, `reversed` if it is
    on the other, `open` otherwise. It is decided before anything is rounded. Scores of the trials
    that `recutils.trials` draws are compared by its own `conclude`, which knows their kind.

    Args:
      claim: one line, the same on every data set, such as "hit rate@100: A beats B".
      ours: [num_seeds] numbers, the score of each seed.
      theirs: [num_seeds] numbers, the scores of the same seeds. What is printed and judged is the
        difference: "at least 1% below" is `0.99 * theirs` with better="lower".
      better: "higher" if the claim is that ours is above theirs, "lower" if below.
      digits: decimals to print, those that are stable; more if rounding would hide the verdict.
      main_of: number of main claims of the chapter, if this is one of them.

    Raises:
      TypeError: claim is not text, scores are not numbers, or digits or main_of is not an int.
      ValueError: claim is empty or has several lines, better, digits or main_of is out of range,
        the lengths differ, there are fewer than two seeds, or a score is not finite.

    See: the page reference/status, and the end of every chapter that compares.
    """
    interval = paired_interval(ours, theirs, confidence_of(main_of))
    basis = [f"{np.size(ours)} seeds, paired"]
    main = main_of is not None
    print_conclusion(claim, interval, basis, better=better, main=main, digits=digits)


def confidence_of(main_of: int | None) -> float:
    """The confidence of one interval, such that all main claims of a chapter hold at 95% together.

    Args:
      main_of: number of main claims, 1 to 3; None for a detail.

    Returns:
      0.95, or for main claims Bonferroni's 1 - 0.05 / main_of.

    Raises:
      TypeError: main_of is not an int.
      ValueError: main_of is out of range.

    See: the chapter basics/retrieval.
    """
    return 0.95 if main_of is None else 1 - 0.05 / _checks.integer("main_of", main_of, 1, 3)


def print_conclusion(
    claim: str,
    interval: Interval,
    basis: Sequence[str],
    *,
    better: str | None = None,
    margin: float | None = None,
    main: bool = False,
    digits: int = 3,
) -> None:
    """Prints the one line that closes an argument.

    Args:
      claim: one line of text.
      interval: of the difference ours - theirs.
      basis: what the interval rests on, such as "5 worlds".
      better: "higher" or "lower", the side that is claimed; None: "higher", or no side if there is
        a margin.
      margin: above 0: a claim that the difference is within ± margin.
      main: whether this is one of the chapter's main claims.
      digits: decimals to print; more if an end would seem to touch 0 or the margin.

    Raises:
      TypeError: claim is not text, margin is not a number, or digits is not an int.
      ValueError: claim is not one line of text, there is both a side and a margin, or an argument
        is out of range.

    See: the chapter basics/retrieval.
    """
    if not isinstance(claim, str):
        raise TypeError(f"claim must be a string, got {type(claim).__name__}: {claim!r}")
    if not claim.strip() or claim != claim.strip() or len(claim.splitlines()) != 1:
        raise ValueError(f"claim must be one line of text without spaces around it, got {claim!r}")
    digits = _checks.integer("digits", digits, low=0, high=15)
    words = list(basis)
    if margin is None:
        side = _checks.choice("better", "higher" if better is None else better, _SIDES)
        verdict = _verdict_of_side(interval, side)
        edges: tuple[float, ...] = (0.0,)
    elif better is not None:
        raise ValueError(
            f"a claim has a side or a margin, got better={better!r} and margin={margin!r}; "
            "for a side with a margin, put the margin into theirs"
        )
    else:
        margin = _checks.number("margin", margin, low=0, strict=True)
        verdict = _verdict_of_margin(interval, margin)
        edges = (-margin, margin)
        words.append(f"within ±{margin:g}")
    if main:
        words.append("main")
    digits = _enough_digits(interval, edges, digits)
    # Adding 0 turns a rounded -0.0 into 0.0.
    mean, low, high = (f"{round(number, digits) + 0.0:+.{digits}f}" for number in interval)
    print(f"{verdict:8}  {mean} [{low}, {high}]   {claim}   ({', '.join(words)})")


def _verdict_of_side(interval: Interval, better: str) -> str:
    low, high = interval.low, interval.high
    if better == "lower":
        low, high = -high, -low
    return "holds" if low > 0 else "reversed" if high < 0 else "open"


def _verdict_of_margin(interval: Interval, margin: float) -> str:
    if -margin < interval.low and interval.high < margin:
        return "holds"
    return "reversed" if interval.low > margin or interval.high < -margin else "open"


def _enough_digits(interval: Interval, edges: Sequence[float], digits: int) -> int:
    """Enough decimals that no end of the interval is printed as if it were on an edge it misses."""
    for more in range(digits, 16):
        ends = [(end, edge) for end in interval[1:] for edge in edges if end != edge]
        if all(round(end, more) != round(edge, more) for end, edge in ends):
            return more
    return digits


def paired_interval(
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    confidence: float = 0.95,
    test_to_train: float = 0.0,
) -> Interval:
    """Student's t interval of the mean paired difference ours - theirs.

    Splits of one data set share most of their ratings, so their scores vary less than they would
    with other data. Nadeau and Bengio (2003) correct the variance of the mean: they multiply the
    variance of the differences by 1/n + test/train instead of 1/n.

    Args:
      ours: [n] numbers, n of at least 2, one per trial.
      theirs: [n] numbers, of the same trials.
      confidence: share of such intervals that cover the true mean, between 0 and 1.
      test_to_train: 0 for independent trials; for splits of one data set, the size of the test set
        divided by that of the training set.

    Returns:
      The mean and the ends of the interval; all three are equal if all differences are.

    Raises:
      TypeError: an argument is not a number.
      ValueError: the lengths differ, there are fewer than two, a score is not finite, or
        confidence or test_to_train is out of range.

    See: the chapter basics/retrieval.
    """
    differences = _differences(ours, theirs)
    confidence = _confidence(confidence)
    ratio = _checks.number("test_to_train", test_to_train, low=0)
    mean = float(differences.mean())
    # Differences that only rounding sets apart count as equal.
    largest = max(np.max(np.abs(ours)), np.max(np.abs(theirs)))
    if np.ptp(differences) <= 1e-14 * largest:
        return Interval(mean, mean, mean)
    ends = stats.ttest_1samp(differences, 0).confidence_interval(confidence)
    wider = np.sqrt(1 + len(differences) * ratio)
    return Interval(mean, *(float(mean + wider * (end - mean)) for end in ends))


def bootstrap_interval(
    ours: npt.ArrayLike,
    theirs: npt.ArrayLike,
    confidence: float = 0.95,
    num_resamples: int = 2_000,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of the mean paired difference ours - theirs over people.

    It says how much another sample of people would change, and nothing about another training
    run: for that, compare seeds.

    Args:
      ours: [num_people] numbers, say everyone's recall; at least 2.
      theirs: [num_people] numbers, of the same people.
      confidence: share of such intervals that cover the true mean, between 0 and 1.
      num_resamples: how often people are resampled.
      seed: seed of the resampling.

    Returns:
      The mean and the ends of the percentile interval.

    Raises:
      TypeError: the scores or confidence are not numbers, or num_resamples or seed is not an int.
      ValueError: the lengths differ, there are fewer than two, a score is not finite, or another
        argument is out of range.

    See: the chapter basics/retrieval.
    """
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
            "ours and theirs must have one score per seed each, "
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
