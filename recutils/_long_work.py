"""Long work in searches and recorded trials: checks of its arguments, and its progress."""

from recutils.experiments import Trials

import sys
from typing import Any

from tqdm import tqdm


def check(argument: str, function: Any, trials: Any) -> None:
    if not callable(function):
        raise TypeError(f"{argument} must be a function, got {type(function).__name__}")
    if not isinstance(trials, Trials):
        raise TypeError(f"trials must come from recutils.trials, got {type(trials).__name__}")


def progress(steps: Any, name: str) -> Any:
    """A progress bar on stderr if someone may be watching; it disappears at the end."""
    watched = sys.stderr.isatty() or "ipykernel" in sys.modules
    hide: dict[str, Any] = {} if watched and len(steps) else {"disable": True}
    return tqdm(steps, desc=name, leave=False, **hide)
