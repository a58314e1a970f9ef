"""Real logs of two policies: an estimate from one policy's log beside the other policy's own.

    python -m tools.obd FOLDER

reads a folder of the Open Bandit Dataset. For each campaign (all, men, women) it has the log of a
policy that chooses at random, random-<campaign>.csv.gz, and that of Bernoulli Thompson sampling on
the same site in the same week, bts-<campaign>.csv.gz. The command estimates the random policy's
click rate from the other log, by IPS and self-normalised (SNIPS), with 95% intervals, beside the
rate in its own log, and writes reports/obd.json with checksums, versions and date. No row of the
logs is copied.

The intervals treat rows as independent, although up to three of them are one visit, and people come
back.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tools import reports

REPORT = reports.REPORTS / "obd.json"
CAMPAIGNS = ("all", "men", "women")
COLUMNS = ("item_id", "click", "propensity_score")
# Thompson sampling's chances look as if they had been counted in this many simulated draws.
SIMULATED = 200_000
Floats = npt.NDArray[np.float64]


def read_log(path: Path) -> pd.DataFrame:
    """One log, checked.

    Args:
      path: of a CSV file, which may be compressed.

    Returns:
      A frame with item_id, click (0 or 1) and propensity_score (above 0, at most 1).

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is not such a log.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no log {path.name} in {path.parent}")
    try:
        log = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{path.name} is not a CSV file: {error}") from error
    if missing := [name for name in COLUMNS if name not in log.columns]:
        raise ValueError(
            f"{path.name} must have the columns {', '.join(COLUMNS)}; {', '.join(missing)} missing"
        )
    log = log[list(COLUMNS)]
    if len(log) < 2:
        raise ValueError(f"{path.name} must have at least 2 rows, got {len(log)}")
    for name in COLUMNS:
        if log[name].dtype.kind not in "iuf" or log[name].isna().any():
            raise ValueError(f"{path.name}: {name} must hold numbers in every row")
    click, chance = log["click"], log["propensity_score"]
    for name, wrong, right in (
        ("click", click[~click.isin([0, 1])], "0 or 1"),
        ("propensity_score", chance[(chance <= 0) | (chance > 1)], "above 0 and at most 1"),
    ):
        if len(wrong):
            raise ValueError(f"{path.name}: {name} must be {right}, got {wrong.iloc[0]}")
    return log


def interval(terms: Floats, value: float) -> dict[str, float]:
    """A value with its normal 95% interval, from the spread of the terms."""
    half = 1.96 * float(terms.std(ddof=1)) / len(terms) ** 0.5
    return {"value": value, "low": value - half, "high": value + half}


def bernstein(terms: Floats, reach: float) -> dict[str, float]:
    """The mean with its empirical Bernstein interval: at least 95%, for terms from 0 to `reach`."""
    rows, log, value = len(terms), float(np.log(4 / 0.05)), float(terms.mean())
    half = (2 * float(terms.var(ddof=1)) * log / rows) ** 0.5 + 7 * reach * log / (3 * (rows - 1))
    return {"value": value, "low": value - half, "high": value + half}


def compared(own: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    """The random policy's click rate by its own log, and by the log of another policy.

    Args:
      own: what the random policy showed, as `read_log` gives it.
      other: what the other policy showed among the same items.

    Returns:
      "items", "random" (rows, clicks, value, low, high) and "thompson": rows, clicks, rate, IPS,
      SNIPS and Bernstein (value, low, high), effective rows, mean and largest weight, the smallest
      chance, the share of chances that are whole 200,000ths, the heaviest row's share of all
      weights, and what is left without it.

    Raises:
      ValueError: the first log is not a random policy's, or the logs show different items.
    """
    chances = own["propensity_score"]
    items = round(1 / float(chances.iloc[0]))
    if not np.allclose(chances, 1 / items, rtol=1e-6):
        raise ValueError(
            "a random policy shows every item with the same chance, got "
            f"{chances.min():.6g} to {chances.max():.6g}"
        )
    shown = pd.concat([own["item_id"], other["item_id"]]).nunique()
    if shown > items:
        raise ValueError(f"the logs show {shown} items, the random policy's chance is 1 / {items}")
    clicks = other["click"].to_numpy(np.float64)
    chance = other["propensity_score"].to_numpy(np.float64)
    weights = 1 / items / chance
    terms, total = weights * clicks, float(weights.sum())
    ratio = float(terms.sum()) / total
    heaviest = int(weights.argmax())
    rest, rest_terms = np.delete(weights, heaviest), np.delete(terms, heaviest)
    own_clicks = own["click"].to_numpy(np.float64)
    counted = chance * SIMULATED
    return {
        "items": items,
        "random": {"rows": len(own), "clicks": int(own_clicks.sum())}
        | interval(own_clicks, float(own_clicks.mean())),
        "thompson": {
            "rows": len(other),
            "clicks": int(clicks.sum()),
            "rate": float(clicks.mean()),
            "IPS": interval(terms, float(terms.mean())),
            "SNIPS": interval(weights * (clicks - ratio) / float(weights.mean()), ratio),
            "Bernstein": bernstein(terms, float(weights.max())),
            "effective": effective(weights),
            "mean_weight": float(weights.mean()),
            "largest_weight": float(weights.max()),
            "smallest_chance": float(chance.min()),
            "in_200_000ths": float(
                np.isclose(counted, np.round(counted), rtol=0, atol=1e-6).mean()
            ),
            "share_of_heaviest": float(weights[heaviest]) / total,
            "without_heaviest": {
                "IPS": float(rest_terms.mean()),
                "mean_weight": float(rest.mean()),
                "effective": effective(rest),
            },
        },
    }


def effective(weights: Floats) -> float:
    """How many rows of equal weight the weighted ones are worth."""
    return float(weights.sum()) ** 2 / float((weights**2).sum())


def table(report: dict[str, Any]) -> str:
    """The report as text: click rates in percent, with their intervals."""
    lines = []
    for name, campaign in report["campaigns"].items():
        own, other = campaign["random"], campaign["thompson"]
        lines.append(f"{name}, {campaign['items']} items: the random policy's clicks, %")
        for kind, found in {"own log": own, "IPS": other["IPS"], "SNIPS": other["SNIPS"]}.items():
            ends = f"[{100 * found['low']:.2f}, {100 * found['high']:.2f}]"
            lines.append(f"  {kind:8} {100 * found['value']:.2f} {ends}")
        lines.append(
            f"  worth {other['effective']:.0f} of {other['rows']:,} rows; largest weight "
            f"{other['largest_weight']:,.0f}, mean {other['mean_weight']:.2f}"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 2 if the folder holds no such logs."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="an unpacked folder of the Open Bandit Dataset")
    options = parser.parse_args(arguments)
    report: dict[str, Any] = {"campaigns": {}}
    try:
        files = reports.checksums(options.folder)
        for name in CAMPAIGNS:
            logs = [read_log(options.folder / f"{p}-{name}.csv.gz") for p in ("random", "bts")]
            try:
                report["campaigns"][name] = compared(*logs)
            except ValueError as error:
                raise ValueError(f"campaign {name}: {error}") from error
    except (OSError, ValueError) as error:
        print(f"tools.obd: {error}", file=sys.stderr)
        return 2
    used = {name: code for name, code in files.items() if name.endswith(".csv.gz")}
    report |= {"data": {"folder": options.folder.resolve().name, "sha256": used}}
    report |= {"date": reports.today(), "versions": reports.versions()}
    reports.write(report, REPORT)
    print(table(report))
    print(f"\nwritten to {REPORT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
