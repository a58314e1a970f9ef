"""The service of serving/under_load against load, with and without batches, both kinds of index.

    python -m benchmarks.load [--films N] [--ids N] [--rounds N] [--out FILE]

The result goes to FILE, a new benchmarks/load-DATE.json without, since a chapter reads the old one.
The models hold random vectors, since an answer takes as long whatever it says. Each arm is driven
by a closed loop of sixteen clients, which gives its capacity, and then by open loops at shares of
the capacity without batches. A neighbour's burst of work falls into one arm and not into another,
so all arms are driven in several rounds, one after the other, and what is stored is the median of
the rounds, and their range. All ids are counted: anything undelivered or delivered twice, and a
machine that is busy with something else, means that nothing is written.
"""

import recutils

import argparse
import json
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow_recommenders.layers.factorized_top_k import BruteForce, ScaNN

from benchmarks import quiet
from tools import reports

sys.path.append(str(reports.BOOK / "serving"))
import load_generator
import load_service

HERE = Path(__file__).parent
LOADS = (0.3, 0.5, 0.7, 0.9)
PEOPLE = 1000
KINDS = ("exact", "approximate")
COUNTS = ("ids", "undelivered", "twice")


class TwoStages(tf.Module):
    """A hundred films by the index, then the best of them by a second model: a dot product."""

    def __init__(self, kind: str, num_films: int) -> None:
        super().__init__()
        random = np.random.default_rng(42)
        people, films, self.stars_of = (
            tf.Variable(random.normal(size=(rows, 32)).astype(np.float32), trainable=False)
            for rows in (PEOPLE + 1, num_films, num_films)
        )
        ids = [str(user) for user in range(PEOPLE)]
        lookup = tf.keras.layers.StringLookup(vocabulary=ids, mask_token=None)
        tower = tf.keras.Sequential(
            [lookup, tf.keras.layers.Lambda(lambda r: tf.gather(people, r))]
        )
        leaves = int(num_films**0.5)
        self.people, self.lookup = people, lookup
        self.index = (
            BruteForce(tower)
            if kind == "exact"
            else ScaNN(
                tower,
                num_leaves=leaves,
                num_leaves_to_search=max(1, leaves // 10),
                num_reordering_candidates=300,
            )
        )
        self.index.index(tf.constant(films))
        self.movie_ids = tf.Variable([str(film) for film in range(num_films)], trainable=False)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name="user_id"),
            tf.TensorSpec([None], tf.int32, name="k"),
        ]
    )
    def recommend(self, user_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Named as in the chapter."""
        _, found = self.index(user_id, k=100)
        of_person = tf.gather(self.people, self.lookup(user_id))
        stars = tf.einsum("nd,nkd->nk", of_person, tf.gather(self.stars_of, found))
        best, order = tf.math.top_k(stars, tf.reduce_max(k))
        film = tf.gather(found, order, batch_dims=1)
        return {"movie_id": tf.gather(self.movie_ids, film), "stars": best}


def summary(client: Any) -> dict[str, Any]:
    """Counts and times of one run."""
    waits = [o.done - o.planned for o in client.outcomes.values() if o.done is not None]
    delivered = Counter(answer["id"] for answer in client.delivered)
    return {
        "ids": len(client.outcomes),
        "undelivered": sum(id not in delivered for id in client.outcomes),
        "twice": sum(count > 1 for count in delivered.values()),
        "answers_per_second": round(len(waits) / max(o.done for o in client.outcomes.values()), 1),
        **{f"p{p}_ms": round(1000 * float(np.percentile(waits, p)), 1) for p in (50, 90, 99)},
        "mean_batch": round(float(np.mean([answer["batch"] for answer in client.delivered])), 2),
        "model_ms": round(float(np.mean([answer["model_ms"] for answer in client.delivered])), 2),
    }


def drive(url: str, folder: Path, each: int, number: int) -> Iterator[dict[str, Any]]:
    """One round: a row for each index, with and without batches, at each load.

    Args:
      url: of the service.
      folder: with the exported models.
      each: number of ids of a row.
      number: of the round, from 0.

    Yields:
      Index, batch, load (None: as fast as it can), and what `summary` says.
    """
    capacity = 0.0
    for kind in KINDS:
        for batch in (1, 16):
            load_service.deploy(
                model=folder / kind / "1", arrivals=folder / "arrivals", batch=batch
            )
            for load in (None, *LOADS):
                arm = f"{kind}-{batch}-{load}-{number}"
                questions = [
                    {"id": f"{arm}-{n}", "user_id": str(n % PEOPLE), "k": 10} for n in range(each)
                ]
                times = load and load_generator.schedule(load * capacity, each, seed=number)
                client = load_generator.run(load_generator.Client(url), questions, times)
                row = {"index": kind, "batch": batch, "load": load} | summary(client)
                if load is None and batch == 1:
                    capacity = row["answers_per_second"]
                print(json.dumps(row), flush=True)
                yield row


def together(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One arm over the rounds: ids added up, medians of the rest, and the ranges of two of them."""
    whole = {name: rows[0][name] for name in ("index", "batch", "load")}
    whole |= {name: sum(row[name] for row in rows) for name in COUNTS}
    others = [name for name in rows[0] if name not in whole]
    whole |= {name: round(statistics.median(row[name] for row in rows), 2) for name in others}
    for name in ("answers_per_second", "p99_ms"):
        found = [row[name] for row in rows]
        whole[f"{name}_range"] = [min(found), max(found)]
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--films", type=int, default=100_000)
    parser.add_argument("--ids", type=int, default=10_000, help="in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=HERE / f"load-{reports.today()}.json")
    options = parser.parse_args()
    recutils.set_seed(42)
    work = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
    folder, rounds, probes = Path(work.name), [], [quiet.probe(1)]
    (folder / "arrivals").mkdir()
    allowed = tf.saved_model.SaveOptions(namespace_whitelist=["Scann"])
    for kind in KINDS:
        model = TwoStages(kind, options.films)
        where = str(folder / kind / "1")
        tf.saved_model.save(
            model, where, signatures={"serving_default": model.recommend}, options=allowed
        )
    each = options.ids // (2 * len(KINDS) * (1 + len(LOADS)))
    url = load_service.start(scratch=str(folder / "ray"))
    try:
        for number in range(options.rounds):
            rounds.append(list(drive(url, folder, each, number)))
            probes.append(quiet.probe(1))
    finally:
        load_service.stop()
    rows = [together(arm) for arm in zip(*rounds, strict=True)]
    problems = [row for row in rows if row["undelivered"] or row["twice"]]
    if problems:
        sys.exit(f"nothing is written: ids are missing or came twice in {problems}")
    against = quiet.complaints(probes, {}, quiet.LOOP_DRIFT)
    if against:
        sys.exit(f"nothing is written, since the machine wasn't quiet: {'; '.join(against)}")
    record = {
        "date": reports.today(),
        "machine": reports.machine(),
        "versions": reports.versions() | {"ray": load_service.ray.__version__},
        "films": options.films,
        "rounds": options.rounds,
        "noise": {
            "loop_s": [round(probe.loop_s, 5) for probe in probes],
            "spread": round(quiet.spread(probe.loop_s for probe in probes), 4),
        },
        "rows": rows,
    }
    reports.write(record, options.out)


if __name__ == "__main__":
    main()
