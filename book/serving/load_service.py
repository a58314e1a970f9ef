"""Serves an exported recommender over HTTP with Ray Serve, on this machine or on many.

The chapter serving/under_load starts it from a notebook, on a cluster that lives on this machine
alone and ends with the notebook. On several machines, with the models and the arrivals in folders
that all of them share, and this file's folder in everybody's PYTHONPATH:

    ray start --head --disable-usage-stats                    # on one machine
    ray start --address=10.0.0.1:6379 --disable-usage-stats   # on each of the others
    serve start --http-host=10.0.0.1                          # and from here on, on any of them
    serve run load_service:application replicas=8 batch=16 queue=64 \
        model=/shared/models/exact/1 arrivals=/shared/arrivals

A question is a POST of {"id": …, "user_id": …, "k": …}. The answer repeats id and person, and names
the model that made it. There is no password: listen only where strangers can't come.

See: the chapter serving/under_load.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ.setdefault("RAY_worker_niceness", "0")  # otherwise replicas give way to all else
PATIENCE = 200  # seconds that each step of a start may take: machines can be slow or busy
os.environ.setdefault("RAY_gcs_server_port_wait_time_s", str(PATIENCE))
for check in ("READY", "HEALTH"):
    os.environ.setdefault(f"RAY_SERVE_PROXY_{check}_CHECK_TIMEOUT_S", str(PATIENCE))

MOST_FILMS = 100  # in an answer: the chapter's models have no more to choose from
NUMBERS = {"replicas": 1, "batch": 1, "wait": 0, "ongoing": 1, "queue": -1}  # the least of each

try:
    import ray
    from ray import serve
    from starlette.requests import Request
    from starlette.responses import JSONResponse
except ImportError as error:
    raise ImportError("Ray Serve is missing: pip install -r requirements-dev.txt") from error


def load(folder: str) -> Any:
    """Loads an export with the signature (user_id, k) -> movie_id, stars, and warms it up."""
    import tensorflow as tf

    with suppress(ImportError):  # an exact index needs none of its operations
        import scann  # noqa: F401
    model = tf.saved_model.load(folder)
    model.signatures["serving_default"](user_id=tf.constant(["nobody"]), k=tf.constant([10]))
    return model


def problem_of(question: Any) -> str:
    """What is wrong with a question; "" if nothing is."""
    if not isinstance(question, dict):
        return "a question must be a JSON object with id, user_id and k"
    for name in ("id", "user_id"):
        if not isinstance(question.get(name), str):
            return f"{name} must be a string, got {question.get(name)!r:.50}"
    k = question.get("k")
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST_FILMS:
        return f"k must be an int from 1 to {MOST_FILMS}, got {k!r:.50}"
    return ""


@serve.deployment(ray_actor_options={"num_cpus": 0.5})
class Recommender:
    """One replica: a process with a model, and a file of the ids that have reached it."""

    def __init__(self, arrivals: str) -> None:
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        note = Path(arrivals) / f"{socket.gethostname()}-{os.getpid()}.jsonl"
        self.arrivals = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Called at the start and by each update; what is still open gets the old model."""
        model = await asyncio.to_thread(load, config["model"])
        version = "/".join(Path(config["model"]).parts[-2:])
        self.together.set_max_batch_size(config["batch"])
        self.together.set_batch_wait_timeout_s(config["wait"])
        self.now = model, version, config["batch"]  # all at once: no answer is of two models

    async def __call__(self, request: Request) -> dict[str, Any] | JSONResponse:
        """Answers one question, alone or with those that came at the same time."""
        try:
            question = await request.json()
        except ValueError:
            question = None
        if problem := problem_of(question):  # before it meets others: one would fail them all
            return JSONResponse({"error": problem}, status_code=400)
        # What is written here stays, even if this process is killed a moment later.
        os.write(self.arrivals, (json.dumps({"id": question["id"]}) + "\n").encode())
        if self.now[2] == 1:
            return self.answer([question])[0]
        return await self.together(question)

    @serve.batch
    async def together(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ray Serve collects the questions, and hands out the answers in the same order."""
        return self.answer(questions)

    def answer(self, questions: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """One call of the model for all of them."""
        import tensorflow as tf

        begun = time.perf_counter()
        model, version, _ = self.now
        found = model.signatures["serving_default"](
            user_id=tf.constant([question["user_id"] for question in questions]),
            k=tf.constant([question["k"] for question in questions]),
        )
        films, stars = found["movie_id"].numpy().astype(str).tolist(), found["stars"].numpy()
        about = {"version": version, "replica": os.getpid(), "batch": len(questions)}
        about["model_ms"] = 1000 * (time.perf_counter() - begun)
        return [
            {"id": question["id"], "user_id": question["user_id"], **about}
            | {"movie_id": f[: question["k"]], "stars": s[: question["k"]].tolist()}
            for question, f, s in zip(questions, films, stars, strict=True)
        ]


def application(settings: Mapping[str, Any]) -> serve.Application:
    """What Ray Serve runs.

    Args:
      settings: `model`, `arrivals`: folders; and, optionally, `replicas`: processes; `batch`: most
        questions answered together; `wait`: seconds that the first of them waits for more;
        `ongoing`: most questions that a replica takes on at a time; `queue`: most questions that
        wait for a replica, further ones are refused (-1: no limit).

    Raises:
      ValueError: what `check` raises.
    """
    check(settings)
    config = {"batch": int(settings.get("batch", 1)), "wait": float(settings.get("wait", 0))}
    return Recommender.options(
        # With a fixed version, new settings reach the running replicas, as `serve deploy` does it;
        # otherwise `serve.run` starts a new process for each.
        version="1",
        _internal=True,
        num_replicas=int(settings.get("replicas", 2)),
        max_ongoing_requests=int(settings.get("ongoing", 32)),
        max_queued_requests=int(settings.get("queue", -1)),
        user_config={"model": str(settings["model"]), **config},
    ).bind(str(settings["arrivals"]))


def check(settings: Mapping[str, Any]) -> None:
    """Refuses settings with which no replica could start, or that nothing would read.

    Raises:
      ValueError: a setting is missing, unknown, no folder or number, or out of its range.
    """
    folders = ("model", "arrivals")
    if unknown := sorted(settings.keys() - {*folders, *NUMBERS}):
        raise ValueError(f"settings are {', '.join((*folders, *NUMBERS))}; got {unknown}")
    for name in folders:
        folder = settings.get(name)
        if not isinstance(folder, str | os.PathLike) or not Path(folder).is_dir():
            raise ValueError(f"{name} must be a folder that exists, got {folder!r}")
    for name in settings.keys() & NUMBERS.keys():
        kind, least = float if name == "wait" else int, NUMBERS[name]
        try:
            fits = least <= kind(str(settings[name])) < math.inf
        except ValueError:
            fits = False
        if not fits:
            what = "a number" if kind is float else "an int"
            raise ValueError(f"{name} must be {what} of at least {least}, got {settings[name]!r}")


def deploy(**settings: Any) -> None:
    """Puts an application into service, or changes it; returns when all replicas have it."""
    serve.run(application(settings), name="films", route_prefix="/")


def patient(ask: Callable[..., Any], seconds: float = PATIENCE) -> Callable[..., Any]:
    """The same question, asked again until there is an answer or the time is over."""

    def asking(*given: Any) -> Any:
        end = time.monotonic() + seconds
        while True:
            try:
                return ask(*given)
            except RuntimeError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.1)

    return asking


def start(scratch: str) -> str:
    """Starts a cluster and a server for this machine alone; returns the address for questions.

    Args:
      scratch: folder for Ray's files and sockets.
    """
    here = str(Path(__file__).resolve().parent)  # where replicas find this file
    os.environ["PYTHONPATH"] = os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])
    with socket.socket() as probe:  # a port on which nobody listens
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Ray itself gives its node 30 seconds to come up, and its HTTP server 60.
    ray._private.services.get_node = patient(ray._private.services.get_node)
    ray.serve._private.api.HTTP_PROXY_TIMEOUT = PATIENCE
    ray.init(
        num_cpus=2,
        object_store_memory=200_000_000,
        include_dashboard=False,
        log_to_driver=False,
        # The temporary folders of a Mac have longer names than sockets may have: Ray's own there.
        _temp_dir=None if sys.platform == "darwin" else scratch,
    )
    # Otherwise Ray prints news of its processes into whatever cell of a notebook is running.
    ray._private.worker._worker_logs_enabled = False
    serve.start(
        http_options={"host": "127.0.0.1", "port": port},
        logging_config={"enable_access_log": False},
    )
    return f"http://127.0.0.1:{port}/"


def stop() -> None:
    """Ends the service and the cluster."""
    serve.shutdown()
    ray.shutdown()
