"""Serves an exported recommender over HTTP with Ray Serve, on this machine or on many.

The chapter serving/under_load starts it from a notebook, on a cluster that lives on this machine
alone and ends with the notebook. On several machines, with the models and the folder of arrivals in
a place that all of them share, the same file runs as it is:

    ray start --head --disable-usage-stats                    # on one machine
    ray start --address=10.0.0.1:6379 --disable-usage-stats   # on each of the others
    python load_service.py --address auto --host 10.0.0.1 --port 8000 --replicas 8 \
        --model /shared/models/exact/1 --arrivals /shared/arrivals

A question is a POST of {"id": …, "user_id": …, "k": …}. The answer repeats id and person, and names
the model that made it. There is no password: listen only where strangers can't come.

See: the chapter serving/under_load.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # Ray reads it when it is imported

try:
    import ray
    from ray import serve
    from starlette.requests import Request
except ImportError as error:
    raise ImportError("Ray Serve is missing: pip install -r requirements-dev.txt") from error


def load(folder: str, sizes: Sequence[int]) -> Any:
    """Loads an export and asks it once for each size of a batch, so that no reader waits for that.

    Args:
      folder: a SavedModel with the default signature (user_id, k) -> movie_id, stars.
      sizes: of batches.
    """
    import tensorflow as tf

    with suppress(ImportError):  # an exact index needs none of its operations
        import scann  # noqa: F401
    model = tf.saved_model.load(folder)
    for size in sizes:
        model.signatures["serving_default"](
            user_id=tf.constant(["nobody"] * size), k=tf.constant([1] * size)
        )
    return model


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
        """Called at the start and by each update; meanwhile the old model goes on answering."""
        sizes = range(1, config["batch"] + 1)
        model = await asyncio.to_thread(load, config["model"], sizes)
        self.together.set_max_batch_size(config["batch"])
        self.together.set_batch_wait_timeout_s(config["wait"])
        version = "/".join(Path(config["model"]).parts[-2:])
        self.now = model, version, config["batch"]  # all at once: no answer is of two models

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answers one question, alone or with those that came at the same time."""
        question = await request.json()
        # What is written here stays, even if this process is killed a moment later.
        os.write(self.arrivals, (json.dumps({"id": question["id"]}) + "\n").encode())
        if self.now[2] == 1:
            return self.answer([question])[0]
        return await self.together(question)

    @serve.batch
    async def together(self, questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ray Serve collects the questions; what is returned goes back in their order."""
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


def free_port(host: str = "127.0.0.1") -> int:
    """A port of this machine on which nobody listens at the moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def start(host: str = "127.0.0.1", port: int = 0, address: str = "", scratch: str = "") -> str:
    """Starts Ray and the HTTP server.

    Args:
      host: where to listen; by default only this machine can ask.
      port: 0 means one that is free.
      address: of a cluster that runs already, or "auto"; without it one is started here.
      scratch: where a cluster that is started here keeps its files and sockets; a short path.

    Returns:
      The address for questions.
    """
    if address:
        ray.init(address=address)
    else:
        ray.init(
            num_cpus=2,
            object_store_memory=200_000_000,
            include_dashboard=False,
            log_to_driver=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=scratch or None,
        )
    port = port or free_port(host)
    serve.start(
        http_options={"host": host, "port": port}, logging_config={"enable_access_log": False}
    )
    return f"http://{host}:{port}/"


def deploy(
    model: str | Path,
    arrivals: str | Path,
    *,
    batch: int = 1,
    wait: float = 0.0,
    replicas: int = 2,
    ongoing: int = 32,
    queue: int = -1,
) -> None:
    """Puts a model into service, or changes what is in service; returns when all replicas have it.

    Args:
      model: folder of the export.
      arrivals: folder for the files of ids.
      batch: questions that are answered together, at most; 1 means each alone.
      wait: seconds that the first of a batch waits for others.
      replicas: how many processes.
      ongoing: questions that a replica takes on at a time.
      queue: questions that wait for a replica, at most; further ones are refused. -1: no limit.
    """
    service = Recommender.options(
        num_replicas=replicas,
        max_ongoing_requests=ongoing,
        max_queued_requests=queue,
        user_config={"model": str(model), "batch": batch, "wait": wait},
    )
    serve.run(service.bind(str(arrivals)), name="films", route_prefix="/")


def stop() -> None:
    """Ends the service, and the cluster if it was started here."""
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for option, kind, default in [
        ("address", str, ""),
        ("host", str, "127.0.0.1"),
        ("port", int, 8000),
        ("replicas", int, 2),
        ("batch", int, 16),
        ("queue", int, 64),
        ("model", Path, None),
        ("arrivals", Path, None),
    ]:
        parser.add_argument(f"--{option}", type=kind, default=default, required=default is None)
    options = parser.parse_args()
    print(start(options.host, options.port, options.address))
    deploy(
        options.model,
        options.arrivals,
        batch=options.batch,
        replicas=options.replicas,
        queue=options.queue,
    )
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)
