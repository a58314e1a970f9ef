"""The progress bar: what it shows to whom, and that nothing stays."""

from recutils import progress

import io
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tqdm import tqdm


class Stderr(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


def fit(monkeypatch, terminal, modules=None, **options):
    stderr = Stderr(terminal)
    monkeypatch.setattr("sys.stderr", stderr)
    monkeypatch.setattr("tqdm.std.tqdm.monitor_interval", 0)
    # Every step is drawn, not only what fits into a tenth of a second.
    monkeypatch.setattr(progress, "tqdm", lambda **bar: tqdm_every_step(stderr, **bar))
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((np.ones((6, 1)), np.ones(6))).batch(2)
    bar = progress.ProgressBar()
    model.fit(data, verbose=0, callbacks=[bar], **options)
    return stderr.getvalue(), bar


def tqdm_every_step(stderr, **options):
    return tqdm(file=stderr, mininterval=0, miniters=1, ascii=True, ncols=70, **options)


def test_counts_batches_of_all_epochs_and_is_wiped(monkeypatch, capsys):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    text, _ = fit(monkeypatch, terminal=True, epochs=4, initial_epoch=2)
    counts = re.findall(r"(\d+)/(\d+) \[", text)
    assert ("6", "6") in counts
    # The size of a dataset is found out in the first epoch at the latest.
    assert {total for _, total in counts} <= {"6", "?"}
    assert "loss=" in text
    assert not text.split("\r")[-1].strip()
    assert capsys.readouterr().out == ""


def test_finds_the_number_of_batches_by_itself(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(
        tf.data.Dataset, "cardinality", lambda self: tf.constant(-2, tf.int64), raising=True
    )
    text, _ = fit(monkeypatch, terminal=True, epochs=2)
    assert "3batch" in text  # of an unknown number
    assert "6/6" in text


def test_a_log_gets_nothing(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    assert fit(monkeypatch, terminal=False, epochs=2)[0] == ""


def test_a_notebook_gets_a_bar_unless_switched_off(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", None)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    assert "3/3" in fit(monkeypatch, terminal=False, epochs=1)[0]


def test_one_bar_serves_several_fits(monkeypatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    _, bar = fit(monkeypatch, terminal=True, epochs=1)
    stderr = Stderr(True)
    monkeypatch.setattr(progress, "tqdm", lambda **options: tqdm_every_step(stderr, **options))
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 1)), np.ones(4), batch_size=1, verbose=0, callbacks=[bar])
    assert "4/4" in stderr.getvalue()


def test_ends_quietly_without_an_epoch(monkeypatch):
    assert fit(monkeypatch, terminal=True, epochs=1, initial_epoch=1)[0] == ""


@pytest.mark.parametrize("disabled", ["1", ""])
def test_the_environment_decides(disabled):
    """In a process of its own, since tqdm reads the variable when it is imported."""
    code = (
        "import sys, recutils; sys.stderr.isatty = lambda: True\n"
        "from recutils.progress import ProgressBar\n"
        "import tensorflow as tf, numpy as np\n"
        "m = tf.keras.Sequential([tf.keras.layers.Dense(1)]); m.compile('sgd', 'mse')\n"
        "m.fit(np.ones((4, 1)), np.ones(4), verbose=0, callbacks=[ProgressBar()])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TQDM_DISABLE"}
    if disabled:
        environment["TQDM_DISABLE"] = disabled
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert ("batch" in run.stderr) == (not disabled)
    assert run.stdout == ""
