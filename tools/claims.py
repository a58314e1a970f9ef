"""The line that closes an argument, as `recutils.conclude` and `trials.conclude` print it.

    holds     +0.125 [+0.118, +0.132]   P@10: logQ beats the plain loss   (5 worlds, main)

The last parentheses say how many trials of which kind, then further words, and `main` at the end if
the claim is one of the chapter's main ones.
"""

import re
from dataclasses import dataclass
from typing import Any

_NUMBER = r"[+\-−]?(?:[\d.,]+(?:e[+-]?\d+)?|nan|inf)"
# The parts of the line, for finding it in other text, such as a page.
VERDICT = r"(?:holds|reversed|open)"
INTERVAL = rf"{_NUMBER} +\[{_NUMBER}, *{_NUMBER}\]"
TRIALS = r"\(\d+ \w+(?:, [^()]+)?\)"
_LINE = re.compile(
    rf"^({VERDICT}) +({_NUMBER}) +\[({_NUMBER}), *({_NUMBER})\] {{2,}}(\S.*?) {{2,}}({TRIALS})$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Claim:
    """One such line; the mean and its interval as they were printed.

    Attributes:
      verdict: "holds", "reversed" or "open".
      mean: the mean difference.
      low: lower end of its interval.
      high: upper end of its interval.
      claim: what is claimed.
      trials: how many of which kind, with all further words except `main`: "5 seeds, paired".
      main: whether it is one of the chapter's main claims.
    """

    verdict: str
    mean: str
    low: str
    high: str
    claim: str
    trials: str
    main: bool = False

    @property
    def num_trials(self) -> int:
        """How many trials it rests on."""
        return int(self.trials.split()[0])

    @property
    def shown(self) -> dict[str, Any]:
        """What reports say of it: the verdict, and the effect with its interval."""
        return {"verdict": self.verdict, "effect": self.mean, "low": self.low, "high": self.high}


def parse(text: str) -> list[Claim]:
    """Finds all such lines in what cells printed, in order."""
    found = []
    for verdict, mean, low, high, claim, words in _LINE.findall(text):
        trials = words[1:-1].removesuffix(", main")
        main = trials != words[1:-1]
        found.append(Claim(verdict, mean, low, high, claim, trials, main))
    return found
