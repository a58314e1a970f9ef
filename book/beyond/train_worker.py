"""Trains two towers on one machine or on several: one process of this script on each.

On every machine, with the same list of addresses and its own index in it:

    export TF_CONFIG='{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]},
                       "task": {"type": "worker", "index": 0}}'
    python train_worker.py --pairs /shared/pairs.npz --folder /shared/run

Without TF_CONFIG it trains alone. The folder must be one that all machines share: in it worker 0
keeps the last saved state, from which all of them continue if they are started again, and leaves
the result. What would fail late or not at all is checked before TensorFlow starts: the cluster,
the port, and whether the state in the folder belongs to this run and these pairs.

See: the chapter beyond/scaling_out.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import tensorflow as tf

# Where Keras's BackupAndRestore keeps the epoch and the step of its last state.
SAVED = "ckpt_saved_{}/.ATTRIBUTES/VARIABLE_VALUE"


class Place(NamedTuple):
    """Which worker of how many this process is.

    Attributes:
      number: from 0; worker 0 writes what has to be written once.
      addresses: of all workers, host:port; empty for one that trains alone.
    """

    number: int
    addresses: tuple[str, ...]

    @property
    def num_workers(self) -> int:
        """How many train together."""
        return max(len(self.addresses), 1)


def read_place(tf_config: str | None) -> Place:
    """Reads TF_CONFIG, which TensorFlow itself believes without a question.

    Args:
      tf_config: text of the variable, or None where it isn't set.

    Raises:
      ValueError: it is no JSON, names no workers or one twice, an address has no port, or the task
        is none of the workers.
    """
    if tf_config is None:
        return Place(0, ())
    try:
        config = json.loads(tf_config)
        addresses = tuple(config["cluster"]["worker"])
        kind, index = config["task"]["type"], config["task"]["index"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            'TF_CONFIG must be {"cluster": {"worker": [addresses]}, "task": {"type": "worker", '
            f'"index": number}}}}, got {tf_config!r} ({type(error).__name__}: {error})'
        ) from None
    for address in addresses:
        if not str(address).rpartition(":")[2].isdigit():
            raise ValueError(f"TF_CONFIG: an address must be host:port, got {address!r}")
    if not addresses or len(set(addresses)) < len(addresses):
        raise ValueError(f"TF_CONFIG must name workers, each once, got {list(addresses)}")
    if set(config["cluster"]) != {"worker"} or kind != "worker":
        raise ValueError(
            f"TF_CONFIG: every task must be a worker, got a cluster of {sorted(config['cluster'])} "
            f"and the task {kind!r}"
        )
    if not isinstance(index, int) or not 0 <= index < len(addresses):
        raise ValueError(
            f"TF_CONFIG: index must be between 0 and {len(addresses) - 1}, since the cluster has "
            f"{len(addresses)} workers, got {index!r}"
        )
    return Place(index, addresses)


def check_port(address: str) -> None:
    """Makes sure that this machine's port is free; TensorFlow would abort the process.

    Args:
      address: of this worker, host:port.

    Raises:
      OSError: another program listens there.
    """
    port = int(address.rpartition(":")[2])
    with socket.socket() as probe:
        # As gRPC does it: connections of a worker that died a moment ago don't hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            raise OSError(
                f"port {port} of this machine is taken by another program, perhaps a worker that "
                "was not stopped: stop it, or name another port in everybody's TF_CONFIG"
            ) from error


def claim_folder(folder: Path, settings: dict[str, Any], *, write: bool) -> None:
    """Makes sure that a state in the folder belongs to this run, and notes whose folder it is.

    A state restores into any model with tables of the same shape, whatever it was trained on.

    Args:
      folder: of the run.
      settings: everything that makes this run what it is, the data's fingerprint among it; how
        long to train is not, or nobody could train on.
      write: whether to note the settings: worker 0 does.

    Raises:
      ValueError: the folder holds a run with other settings.
    """
    note = folder / "settings.json"
    if note.exists():
        found = json.loads(note.read_text())
        other = [name for name in settings if found.get(name) != settings[name]]
        if other:
            was = ", ".join(f"{name}={found.get(name)!r}" for name in other)
            now = ", ".join(f"{name}={settings[name]!r}" for name in other)
            raise ValueError(
                f"the folder holds the state of a run with {was}; this run has {now}: "
                "give it a folder of its own, or delete the old one"
            )
    elif write:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(note, settings)


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file that others wait for: they see all of it or nothing.

    Args:
      path: of the file.
      content: what JSON can hold.
    """
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content))
    unfinished.replace(path)


def fingerprint(path: Path) -> str:
    """What tells one file of pairs from another: the first 12 hex digits of its SHA-256.

    Args:
      path: of the file.

    Raises:
      OSError: it can't be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def next_step(backup: Path, steps_per_epoch: int) -> tuple[int, int]:
    """Where training continues: the epoch, and the step in it, (0, 0) without a state.

    Args:
      backup: the folder given to `BackupAndRestore`.
      steps_per_epoch: steps in an epoch.
    """
    import tensorflow as tf

    state = tf.train.latest_checkpoint(str(backup / "chief"))
    if not state:
        return 0, 0
    epoch, step = (int(tf.train.load_variable(state, SAVED.format(n))) for n in ("epoch", "batch"))
    # A state saved at the end of an epoch leaves the step at -1, one saved within it at the last.
    return (epoch, step + 1) if -1 < step < steps_per_epoch - 1 else (epoch + 1, 0)


def batches(
    pairs: dict[str, np.ndarray],
    epochs: range,
    global_batch: int,
    *,
    first_step: int = 0,
    index: int = 0,
    num_workers: int = 1,
    seed: int = 42,
) -> tf.data.Dataset:
    """One worker's part of each global batch; the order of an epoch follows from its number.

    So a run that begins with epoch 3 sees what an undisturbed run sees in its epoch 3, and all
    workers together see each global batch that one worker would see.

    Args:
      pairs: column -> [num_pairs] array.
      epochs: numbers of the epochs.
      global_batch: pairs in a step, over all workers; a multiple of num_workers. The last pairs of
        an epoch's order, too few for a batch, are left out of that epoch.
      first_step: of the first epoch; the steps before it are left out.
      index: of this worker.
      num_workers: of all.
      seed: of the orders.

    Returns:
      A dataset of dicts, column -> [global_batch / num_workers] tensor.
    """
    import tensorflow as tf

    columns = {name: tf.constant(column) for name, column in pairs.items()}
    num_pairs = len(next(iter(pairs.values())))
    share = global_batch // num_workers

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(num_pairs), [seed, epoch])
        steps = tf.reshape(order[: num_pairs // global_batch * global_batch], [-1, global_batch])
        return tf.data.Dataset.from_tensor_slices(steps[:, index * share : (index + 1) * share])

    rows = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch).skip(first_step)
    return rows.map(lambda r: {name: tf.gather(column, r) for name, column in columns.items()})


def train(options: argparse.Namespace, place: Place) -> None:
    """Trains, and leaves result.json and vectors.npz in the folder (worker 0).

    Args:
      options: as `parse` gives them.
      place: as `read_place` gives it.
    """
    import recutils
    from recutils.models import CorrectedTwoTowers

    import numpy as np
    import tensorflow as tf

    class GatheredTwoTowers(CorrectedTwoTowers):
        """Two towers whose negatives are the films of all replicas.

        Built and called as CorrectedTwoTowers.

        See: the chapter beyond/scaling_out.
        """

        def compute_loss(self, features: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
            queries, candidates = self(features)
            replica = tf.distribute.get_replica_context()

            def gather(values: tf.Tensor) -> tf.Tensor:
                with tf.device(values.device or "CPU:0"):  # all_gather asks where the values are
                    everyones = replica.all_gather(tf.identity(values), axis=0)
                mine = replica.replica_id_in_sync_group * tf.shape(values)[0]
                return tf.roll(everyones, -mine, axis=0)

            loss = self.task(
                queries,
                gather(candidates),
                candidate_sampling_probability=gather(features["sampling_probability"]),
                compute_metrics=False,
            )
            return loss + self.l2 * (tf.reduce_sum(queries**2) + tf.reduce_sum(candidates**2))

    class StepLosses(tf.keras.callbacks.Callback):
        """Notes each step's loss per pair, which Keras sums over the replicas."""

        def on_train_begin(self, logs: Any = None) -> None:
            self.losses: list[float] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.losses.append(float(logs["loss"]) / options.global_batch)

    class Crash(tf.keras.callbacks.Callback):
        """Kills this process, without a goodbye, when it has made so many steps."""

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.model.optimizer.iterations >= options.crash_at_step:
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    # First of all: the workers wait for each other here.
    strategy = (
        tf.distribute.MultiWorkerMirroredStrategy()
        if place.addresses
        else tf.distribute.get_strategy()
    )
    recutils.set_seed(options.seed)
    with np.load(options.pairs) as arrays:
        pairs = {name: arrays[name] for name in arrays.files}
    users, films = (pairs.pop(name).astype(object) for name in ("users", "films"))
    with strategy.scope():
        kind = GatheredTwoTowers if options.gather else CorrectedTwoTowers
        model = kind(users, films, options.dimension)
        # Only into variables that are there can a state be restored.
        model({"user_id": users[:1], "movie_id": films[:1]})
        model.compile(tf.keras.optimizers.Adagrad(options.learning_rate))

    backup, losses = options.folder / "backup", StepLosses()
    steps_per_epoch = len(pairs["user_id"]) // options.global_batch
    first_epoch, first_step = next_step(backup, steps_per_epoch)
    model.fit(
        strategy.distribute_datasets_from_function(
            lambda _: batches(
                pairs,
                range(first_epoch, options.epochs),
                options.global_batch,
                first_step=first_step,
                index=place.number,
                num_workers=place.num_workers,
                seed=options.seed,
            )
        ),
        epochs=options.epochs,
        steps_per_epoch=steps_per_epoch,
        callbacks=[
            losses,
            tf.keras.callbacks.BackupAndRestore(
                str(backup), save_freq=options.save_every or "epoch", delete_checkpoint=False
            ),
            *([Crash()] if options.crash_at_step else []),
        ],
        verbose=0,
    )
    if place.number == 0:
        vectors = {"queries": model.query_tower(users), "candidates": model.candidate_tower(films)}
        np.savez(options.folder / "vectors.npz", **{n: v.numpy() for n, v in vectors.items()})
        result = {
            "replicas": strategy.num_replicas_in_sync,
            "first_epoch": first_epoch,
            "first_step": first_step,
            "losses": losses.losses,
        }
        write_whole(options.folder / "result.json", result)


def stop_with_parent() -> None:
    """Ends this process when its standard input closes: when whoever started it is gone."""

    def wait() -> None:
        os.read(0, 1)  # nothing is ever written: it returns at the end of the file
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    columns = "user_id, movie_id and sampling_probability of the pairs, and all users and films"
    parser.add_argument("--pairs", type=Path, required=True, help=f".npz: {columns}")
    parser.add_argument("--folder", type=Path, required=True, help="state and result: shared")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--global-batch", type=int, default=512, help="pairs in a step, over all")
    parser.add_argument("--dimension", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--gather", action="store_true", help="negatives from all replicas")
    parser.add_argument("--save-every", type=int, default=0, help="steps; 0: after each epoch")
    parser.add_argument("--crash-at-step", type=int, default=0, help="to try out what then happens")
    parser.add_argument("--stop-with-parent", action="store_true", help="when stdin closes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Checks what can be checked, then trains."""
    options = parse(arguments)
    if options.stop_with_parent:
        stop_with_parent()
    try:
        place = read_place(os.environ.get("TF_CONFIG"))
        if options.global_batch % place.num_workers:
            raise ValueError(
                f"--global-batch must be a multiple of the {place.num_workers} workers, "
                f"got {options.global_batch}"
            )
        if place.addresses:
            check_port(place.addresses[place.number])
        names = ["global_batch", "dimension", "learning_rate", "seed", "gather", "save_every"]
        settings = {name: getattr(options, name) for name in names}
        settings["pairs"] = fingerprint(options.pairs)
        claim_folder(options.folder, settings, write=place.number == 0)
    except (ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    train(options, place)


if __name__ == "__main__":
    main()
