"""The scripts beside beyond/scaling_out: what they check, and the order in which data comes."""

import recutils  # noqa: F401 - it comes first: selects Keras 2

import ast
import importlib.util
import json
import socket

import numpy as np
import pytest
import tensorflow as tf

from tools.chapter import Chapter
from tools.reports import BOOK

FOLDER = BOOK / "beyond"
SPEC = importlib.util.spec_from_file_location("train_worker", FOLDER / "train_worker.py")
train_worker = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(train_worker)

ADDRESSES = ["10.0.0.1:2222", "10.0.0.2:2222"]


def tf_config(addresses=ADDRESSES, kind="worker", index=0):
    return json.dumps({"cluster": {"worker": addresses}, "task": {"type": kind, "index": index}})


def test_place_of_a_worker():
    place = train_worker.read_place(tf_config(index=1))
    assert (place.number, place.num_workers) == (1, 2)
    assert place.addresses == tuple(ADDRESSES)


def test_without_tf_config_one_worker_trains_alone():
    place = train_worker.read_place(None)
    assert (place.number, place.num_workers, place.addresses) == (0, 1, ())


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("not json", "TF_CONFIG must be"),
        ("{}", "KeyError"),
        ("[]", "TypeError"),
        (tf_config(index=2), "between 0 and 1, since the cluster has 2 workers, got 2"),
        (tf_config(index=-1), "got -1"),
        (tf_config(index="0"), "got '0'"),
        (tf_config(kind="ps"), "the task 'ps'"),
        (tf_config(["10.0.0.1"]), "host:port, got '10.0.0.1'"),
        (tf_config([]), "name workers"),
        (tf_config(2 * ADDRESSES[:1]), "each once"),
    ],
)
def test_a_wrong_cluster_says_what_is_wrong(config, message):
    with pytest.raises(ValueError, match=message):
        train_worker.read_place(config)


def test_a_busy_port_is_found_and_a_free_one_passes():
    with socket.socket() as listener:
        listener.bind(("", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(OSError, match=f"port {port}"):
            train_worker.check_port(f"localhost:{port}")
    train_worker.check_port(f"localhost:{port}")


def test_a_folder_belongs_to_one_run(tmp_path):
    folder = tmp_path / "run"
    train_worker.claim_folder(folder, {"dimension": 32}, write=False)
    assert not folder.exists()
    train_worker.claim_folder(folder, {"dimension": 32}, write=True)
    train_worker.claim_folder(folder, {"dimension": 32}, write=False)
    with pytest.raises(ValueError, match=r"dimension=32; this run has dimension=64"):
        train_worker.claim_folder(folder, {"dimension": 64}, write=True)


def test_the_fingerprint_tells_one_file_from_another(tmp_path):
    for name, content in [("a", b"pairs"), ("b", b"pairs"), ("c", b"other")]:
        (tmp_path / name).write_bytes(content)
    a, b, c = (train_worker.fingerprint(tmp_path / name) for name in "abc")
    assert a == b != c
    assert len(a) == 12
    with pytest.raises(OSError, match="missing"):
        train_worker.fingerprint(tmp_path / "missing")


@pytest.mark.parametrize(
    ("saved", "next_step"),
    [
        (None, (0, 0)),
        ((1, -1), (2, 0)),  # at the end of epoch 1
        ((1, 4), (1, 5)),  # within it
        ((1, 9), (2, 0)),  # within it, at its last step
        ((0, 0), (0, 1)),
    ],
)
def test_training_continues_after_the_saved_step(tmp_path, saved, next_step):
    if saved:
        names = ("ckpt_saved_epoch", "ckpt_saved_batch")
        state = {n: tf.Variable(v, dtype=tf.int64) for n, v in zip(names, saved, strict=True)}
        checkpoint = tf.train.Checkpoint(**state)
        tf.train.CheckpointManager(checkpoint, str(tmp_path / "chief"), max_to_keep=1).save()
    assert train_worker.next_step(tmp_path, steps_per_epoch=10) == next_step


def rows(epochs, **place):
    data = train_worker.batches({"row": np.arange(103)}, epochs, 20, **place)
    return np.array([batch["row"] for batch in data.as_numpy_iterator()])


def test_an_epoch_has_each_pair_at_most_once_and_its_own_order():
    first, second = rows(range(2)).reshape(2, 100)
    assert len(set(first)) == len(set(second)) == 100
    assert (first != second).any()


def test_a_late_start_sees_what_an_early_one_sees():
    np.testing.assert_array_equal(rows(range(1, 3)), rows(range(3))[5:])


def test_a_start_within_an_epoch_sees_the_rest():
    np.testing.assert_array_equal(rows(range(1, 3), first_step=2), rows(range(3))[7:])


def test_workers_share_each_global_batch():
    parts = [rows(range(2), index=index, num_workers=2) for index in range(2)]
    np.testing.assert_array_equal(np.hstack(parts), rows(range(2)))


def test_the_seed_changes_the_order():
    assert (rows(range(1), seed=1) != rows(range(1), seed=2)).any()


def test_the_script_trains_the_class_of_the_chapter():
    cells = [cell.source for cell in Chapter.read(FOLDER / "scaling_out.ipynb").codes]
    script = (FOLDER / "train_worker.py").read_text()
    assert class_text("\n".join(cells)) == class_text(script)


def class_text(source):
    """The class without the indentation of its docstring, which depends on where it is."""
    (found,) = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.name == "GatheredTwoTowers"
    ]
    words = ast.get_docstring(found)
    found.body[0].value.value = words
    return ast.unparse(found)
