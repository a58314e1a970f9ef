"""`import recutils` makes TFRS and TF-Ranking work on current TensorFlow, quietly."""

import recutils  # it comes first: selects Keras 2

import inspect
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_ranking as tfr
import tensorflow_recommenders as tfrs


def python(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh Python that knows nothing of this one's settings."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=inherited | env,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "order",
    list(itertools.permutations(["tensorflow", "tensorflow_ranking", "tensorflow_recommenders"])),
    ids="-".join,
)
def test_any_order_after_recutils_and_nothing_is_printed(order):
    ran = python(
        f"import recutils, {', '.join(order)}\n"
        "import tensorflow as tf, tensorflow_ranking as tfr, tensorflow_recommenders as tfrs\n"
        "tfr.keras.losses.ListMLELoss()([[1.0, 0.0]], [[0.2, 0.4]])\n"
        "tfrs.layers.dcn.Cross()(tf.ones([2, 3]))\n"
    )
    printed = [
        line
        for line in ran.stderr.splitlines()
        if not line.startswith(("I0000", "WARNING: All log messages"))
    ]
    assert (ran.returncode, ran.stdout, printed) == (0, "", [])


def test_warnings_of_tensorflow_are_not_among_what_a_notebook_prints():
    # sys.ps1 makes Python interactive, as a notebook is.
    ran = python(
        "import sys; sys.ps1 = '> '\n"
        "import recutils, tensorflow as tf\n"
        "tf.get_logger().warning('slow')"
    )
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "slow" in ran.stderr


@pytest.mark.parametrize(
    "loaded", ["import tensorflow", "import keras", "from tensorflow import keras; keras.Model"]
)
def test_after_keras_3_the_error_names_the_fix(loaded):
    ran = python(f"{loaded}\nimport recutils")
    assert ran.returncode == 1
    assert "ImportError" in ran.stderr
    assert "put `import recutils` before `import tensorflow`" in ran.stderr
    assert "TF_USE_LEGACY_KERAS=1" in ran.stderr


def test_tensorflow_first_is_fine_with_keras_2():
    ran = python(
        "import tensorflow, recutils, tensorflow_ranking",
        TF_USE_LEGACY_KERAS="1",
        TF_CPP_MIN_LOG_LEVEL="3",
    )
    assert ran.returncode == 0, ran.stderr


def test_without_recutils_ranking_does_not_import():
    """Should this fail one day, TF-Ranking was fixed and the stand-in can go."""
    assert "cannot import name 'estimator'" in python("import tensorflow_ranking").stderr


def test_stand_in_says_what_to_use_instead():
    from tensorflow import estimator

    assert [estimator.ModeKeys.TRAIN, estimator.ModeKeys.EVAL, estimator.ModeKeys.PREDICT] == [
        "train",
        "eval",
        "infer",
    ]
    with pytest.raises(
        AttributeError, match=r"tensorflow\.estimator\.Estimator is gone.*tf\.keras\.Model"
    ):
        estimator.Estimator  # noqa: B018
    with pytest.raises(AttributeError, match=r"Use the Keras API: tfr\.keras"):
        estimator.SomethingElse  # noqa: B018
    with pytest.raises(AttributeError, match=r"tensorflow\.compat\.v1\.estimator\.inputs is gone"):
        tf.compat.v1.estimator.inputs  # noqa: B018


LABELS = tf.constant([[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]])
SCORES = tf.constant([[0.3, 0.2, 0.1], [0.5, 0.4, 0.9]])


def public_classes(module, base):
    return [
        cls
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, base) and not name.startswith("_") and not inspect.isabstract(cls)
    ]


@pytest.mark.parametrize(
    "loss", public_classes(tfr.keras.losses, tf.keras.losses.Loss), ids=lambda c: c.__name__
)
def test_every_ranking_loss_can_be_built_and_called(loss):
    arguments, labels, scores = {}, LABELS, SCORES
    if loss is tfr.keras.losses.OrdinalLoss:
        arguments = {"ordinal_size": 2}
    if loss in (
        tfr.keras.losses.OrdinalLoss,
        tfr.keras.losses.ClickEMLoss,
        tfr.keras.losses.MixtureEMLoss,
    ):
        scores = tf.stack([SCORES, -SCORES], axis=2)
    assert np.isfinite(loss(**arguments)(labels, scores))


@pytest.mark.parametrize(
    "metric", public_classes(tfr.keras.metrics, tf.keras.metrics.Metric), ids=lambda c: c.__name__
)
def test_every_ranking_metric_can_be_built_and_called(metric):
    labels = (
        tf.stack([LABELS, LABELS], axis=2)
        if "Alpha" in metric.__name__ or "IA" in metric.__name__
        else LABELS
    )
    assert np.isfinite(metric()(labels, SCORES))


@pytest.mark.parametrize(
    "layer",
    [
        tfrs.layers.dcn.Cross(),
        tfrs.layers.blocks.MLP([4, 1]),
        tfrs.layers.feature_interaction.MultiLayerDCN(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_recommenders_layers(layer):
    assert np.isfinite(layer(tf.ones([2, 3])).numpy()).all()


def test_recommenders_dot_interaction():
    layer = tfrs.layers.feature_interaction.DotInteraction()
    np.testing.assert_allclose(
        layer([tf.ones([2, 3]), tf.ones([2, 3]), 2 * tf.ones([2, 3])]), [[3, 6, 6]] * 2
    )


@pytest.mark.parametrize(
    "index", [tfrs.layers.factorized_top_k.BruteForce, tfrs.layers.factorized_top_k.Streaming]
)
def test_recommenders_indexes(index):
    candidates = tf.data.Dataset.from_tensor_slices(tf.eye(5)).batch(2)
    built = index(k=1).index_from_dataset(candidates)
    assert built(tf.eye(5)[3:])[1].numpy().ravel().tolist() == [3, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="scann has wheels for Linux only")
def test_recommenders_scann():
    items = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    index = tfrs.layers.factorized_top_k.ScaNN(k=1, num_leaves=5, num_leaves_to_search=5).index(
        items
    )
    assert index(items[3:4] * 10)[1].shape == (1, 1)


def test_recommenders_tasks():
    retrieval = tfrs.tasks.Retrieval()
    # Two equal rows: the softmax over the batch is 1/2, its loss log 2 a row, summed.
    np.testing.assert_allclose(
        retrieval(tf.ones([2, 3]), tf.ones([2, 3])), 2 * np.log(2), rtol=1e-6
    )
    ranking = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError())
    np.testing.assert_allclose(
        ranking(labels=tf.ones([4, 1]), predictions=tf.fill([4, 1], 3.0)), 4.0
    )


# NumPy's global state is the subject here.
# ruff: noqa: NPY002
def test_same_seed_same_numbers():
    recutils.set_seed(7)
    first = tf.random.normal([3]).numpy(), np.random.normal(size=3)
    recutils.set_seed(7)
    second = tf.random.normal([3]).numpy(), np.random.normal(size=3)
    recutils.set_seed(8)
    third = tf.random.normal([3]).numpy()
    np.testing.assert_array_equal(first, second)
    assert (first[0] != third).all()


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (2**32, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_set_seed_refuses(seed, error):
    with pytest.raises(error, match="seed must be"):
        recutils.set_seed(seed)
