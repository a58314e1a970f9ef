"""Asks a service at times that don't depend on its answers, and hands on one answer for each id.

See: the chapter serving/under_load.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import numbers
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

try:
    import aiohttp
except ImportError as error:
    raise ImportError("aiohttp is missing: pip install -r requirements-dev.txt") from error

REFUSED = 503
# Requests of one schedule, at most.
MOST = 100_000_000


@dataclass
class Outcome:
    """What became of one id; times are seconds since the start.

    Attributes:
      planned: when it should be sent.
      sent: when its first attempt was sent.
      done: when its answer was handed on, None if that never happened.
      attempts: requests sent for it.
      refused: of these, how many the service refused because it was full.
      failed: how many broke, for example because a replica died.
    """

    planned: float
    sent: float | None = None
    done: float | None = None
    attempts: int = 0
    refused: int = 0
    failed: int = 0


@dataclass
class Client:
    """Asks with an id, asks again with the same id if it must, and hands on what comes.

    Attributes:
      url: of the service.
      patience: seconds without an answer before the next attempt; the earlier one stays open.
      attempts: requests for one id, at most.
      pause: seconds before an attempt that follows a refusal or failure; it doubles each time, up
        to a second, and is drawn between half and one and a half of that.
      once: hand on only the first answer of an id.
      limit: seconds after which everything ends.
    """

    url: str
    patience: float = 10.0
    attempts: int = 100
    pause: float = 0.05
    once: bool = True
    limit: float = 300.0
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    delivered: list[dict[str, Any]] = field(default_factory=list)
    late: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.url, str) or not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, got {self.url!r}")
        for name in ("patience", "attempts", "limit"):
            require_positive(name, getattr(self, name))
        if self.pause != 0:
            require_positive("pause", self.pause)

    def hand_on(self, answer: dict[str, Any]) -> None:
        """Delivers an answer, unless this id has one."""
        outcome = self.outcomes[answer["id"]]
        if outcome.done is not None and self.once:
            self.late += 1
            return
        outcome.done = outcome.done or time.perf_counter() - self.began
        self.delivered.append(answer)

    async def attempt(self, question: Mapping[str, Any]) -> bool:
        """Sends one request; returns whether an answer came."""
        outcome = self.outcomes[question["id"]]
        outcome.attempts += 1
        try:
            async with self.session.post(self.url, json=question) as response:
                if response.status == 200:
                    self.hand_on(await response.json())
                    return True
                outcome.refused += response.status == REFUSED
                outcome.failed += response.status != REFUSED
        except (TimeoutError, aiohttp.ClientError):
            outcome.failed += 1
        return False

    async def ask(self, question: Mapping[str, Any]) -> None:
        """Sends attempts until one is answered, then waits for what is still on its way."""
        outcome = self.outcomes[question["id"]]
        outcome.sent = time.perf_counter() - self.began
        pause, open_ones = self.pause, set()
        while outcome.done is None and outcome.attempts < self.attempts:
            open_ones.add(asyncio.create_task(self.attempt(question)))
            ended, open_ones = await asyncio.wait(
                open_ones, timeout=self.patience, return_when=asyncio.FIRST_COMPLETED
            )
            if ended and outcome.done is None:
                await asyncio.sleep(pause * self.random.uniform(0.5, 1.5))
                pause = min(2 * pause, 1.0)
        if open_ones:
            await asyncio.wait(open_ones)

    async def open_loop(
        self,
        questions: Sequence[Mapping[str, Any]],
        times: Sequence[float],
        events: Mapping[int, Callable[[], Any]],
    ) -> None:
        """Sends each question at its time, whatever has come back until then."""
        asked = []
        for number, (question, planned) in enumerate(zip(questions, times, strict=True)):
            await asyncio.sleep(max(0.0, self.began + planned - time.perf_counter()))
            if number in events:
                asked.append(asyncio.create_task(asyncio.to_thread(events[number])))
            self.outcomes[question["id"]] = Outcome(planned)
            asked.append(asyncio.create_task(self.ask(question)))
        await asyncio.gather(*asked)

    async def closed_loop(self, questions: Sequence[Mapping[str, Any]], clients: int) -> None:
        """So many clients, each of which sends its next question when it has its answer."""
        left = iter(questions)

        async def one() -> None:
            for question in left:
                self.outcomes[question["id"]] = Outcome(time.perf_counter() - self.began)
                await self.ask(question)

        await asyncio.gather(*(one() for _ in range(clients)))

    async def session_of(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Does the work, with connections of its own, for at most `limit` seconds."""
        self.random, self.began = np.random.default_rng(), time.perf_counter()
        connections = aiohttp.TCPConnector(limit=0)  # of any number at a time
        timeout = aiohttp.ClientTimeout(total=self.limit)
        async with aiohttp.ClientSession(connector=connections, timeout=timeout) as self.session:
            await asyncio.wait_for(work(), self.limit)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def require_positive(name: str, value: Any) -> None:
    """Raises a ValueError unless the value is a finite number above 0."""
    if not _is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{name} must be a positive number, got {value!r}")


def schedule(rate: float, requests: int, seed: int = 42) -> np.ndarray:
    """Times of arrivals as of many people who don't know of each other: a Poisson process.

    Args:
      rate: requests a second, on average.
      requests: how many.
      seed: of the gaps.

    Returns:
      [requests] float array, seconds from the start, rising.

    Raises:
      TypeError: requests or seed is not an int.
      ValueError: rate or requests isn't positive and finite, or seed is negative.
    """
    if not (_is_number(rate) and _is_number(requests) and 0 < rate < math.inf and requests > 0):
        raise ValueError(f"rate and requests must be positive, got {rate} and {requests}")
    for name, value in (("requests", requests), ("seed", seed)):
        if not isinstance(value, numbers.Integral):
            raise TypeError(f"{name} must be an int, got {value!r}")
    if requests > MOST or seed < 0:
        raise ValueError(
            f"requests must be at most {MOST} and seed at least 0, got {requests} and {seed}"
        )
    return np.cumsum(np.random.default_rng(seed).exponential(1 / rate, requests))


def _check_questions(questions: Sequence[Mapping[str, Any]]) -> None:
    if isinstance(questions, str) or not isinstance(questions, Sequence):
        raise TypeError(f"questions must be a list, got {type(questions).__name__}")
    if not questions:
        raise ValueError("questions must not be empty")
    seen = set()
    for number, question in enumerate(questions):
        id_ = question.get("id") if isinstance(question, Mapping) else None
        if not isinstance(id_, str):
            raise ValueError(f"questions[{number}] must have an id, a string, got {question!r}")
        if id_ in seen:
            raise ValueError(f"each question needs an id of its own, got {id_!r} twice")
        seen.add(id_)


def run(
    client: Client,
    questions: Sequence[Mapping[str, Any]],
    times: Sequence[float] | None = None,
    *,
    events: Mapping[int, Callable[[], Any]] | None = None,
    clients: int = 16,
) -> Client:
    """Asks all questions, and returns when each has its answer or the client has given up.

    Args:
      client: a new one.
      questions: each with an id of its own.
      times: seconds from the start, for an open loop; None for a closed one.
      events: number of a question -> what is done, in a thread, when its time has come.
      clients: of a closed loop.

    Returns:
      The client, with what became of each id.

    Raises:
      TypeError: questions is not a list, or clients is not an int.
      ValueError: there is no question, one has no id, an id comes twice, there are more or fewer
        times than questions, times are negative or fall, clients is below 1, or an event belongs to
        no question of an open loop.
    """
    _check_questions(questions)
    if not isinstance(clients, int) or isinstance(clients, bool) or clients < 1:
        raise ValueError(f"clients must be an int of at least 1, got {clients!r}")
    if times is not None:
        if len(times) != len(questions):
            raise ValueError(f"{len(questions)} questions need as many times, got {len(times)}")
        wrong = [t for t in times if not _is_number(t) or not 0 <= t < math.inf]
        if wrong or any(after < before for before, after in itertools.pairwise(times)):
            raise ValueError(
                f"times must be seconds from 0 on, rising, got {[*(wrong or times)][:5]}"
            )
    for number, event in (events or {}).items():
        if times is None or number not in range(len(questions)) or not callable(event):
            raise ValueError(
                "events must be functions by the number of a question of an open loop, "
                f"0 to {len(questions) - 1}, got {number!r}: {event!r}"
            )

    async def work() -> None:
        if times is None:
            await client.closed_loop(questions, clients)
        else:
            await client.open_loop(questions, times, events or {})

    # In a thread: a notebook has a loop of its own, which is running.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(client.session_of(work))).result()
    return client
