"""Make TFRS and TF-Ranking import on current TensorFlow.

Two things keep this book's libraries from running on TensorFlow 2.20. Both are Keras 2 code,
while TensorFlow ships Keras 3; and TF-Ranking imports `tensorflow.estimator`, which TensorFlow
dropped in 2.16 (tensorflow/ranking#362). The first needs an environment variable that is read when
TensorFlow is first imported; the second needs a module of that name, of which TF-Ranking's Keras
API uses nothing but three constants.

See: the page reference/setup.
"""

import importlib.abc
import importlib.machinery
import logging
import os
import sys
import types
from collections.abc import Sequence


def select_keras_2() -> None:
    """Tells TensorFlow to use Keras 2, the package tf_keras, and to log less.

    Raises:
      ImportError: TensorFlow was imported before, and with Keras 3.
    """
    if _keras_3_is_loaded():
        raise ImportError(
            "TensorFlow was imported with Keras 3 before recutils, and can no longer be switched. "
            "TFRS and TF-Ranking need Keras 2: restart Python (in a notebook: restart the kernel) "
            "and put `import recutils` before `import tensorflow`, or set the environment variable "
            "TF_USE_LEGACY_KERAS=1."
        )
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    # TensorFlow reports a missing GPU as an error. To see such messages, set the variable to 0.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _keras_3_is_loaded() -> bool:
    if "tensorflow" not in sys.modules:
        return False
    import tensorflow as tf

    return not tf.keras.Model.__module__.startswith("tf_keras.")


_MOVED = {
    "Estimator": "tf.keras.Model with compile and fit",
    "EstimatorSpec": "tf.keras.Model with compile and fit",
    "RunConfig": "tf.distribute strategies",
    "TrainSpec": "the arguments of tf.keras.Model.fit",
    "EvalSpec": "the arguments of tf.keras.Model.fit",
    "train_and_evaluate": "tf.keras.Model.fit with validation_data",
    "export": "tf.saved_model.save or tf.keras.Model.save",
    "inputs": "tf.data.Dataset",
}


class ModeKeys:
    """The three mode names that TF-Ranking reads when it is imported."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


class EstimatorStandIn(types.ModuleType):
    """Stands in for `tensorflow.estimator`: has `ModeKeys`, and says what replaced the rest."""

    ModeKeys = ModeKeys

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        instead = _MOVED.get(
            name, "the Keras API: tfr.keras for ranking, tf.keras.Model for the rest"
        )
        raise AttributeError(
            f"{self.__name__}.{name} is gone: TensorFlow 2.16 removed Estimators, and with "
            f"them the Estimator API of TF-Ranking. Use {instead} instead."
        )


_ESTIMATOR_NAMES = (
    "tensorflow.estimator",
    "tensorflow.compat.v1.estimator",
)


class _EstimatorFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the stand-in when `import tensorflow.estimator` found no such module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return (
            importlib.machinery.ModuleSpec(fullname, self) if fullname in _ESTIMATOR_NAMES else None
        )

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return EstimatorStandIn(spec.name, EstimatorStandIn.__doc__)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def provide_estimator() -> None:
    """Lets `from tensorflow import estimator` find the stand-in, if TensorFlow lacks it."""
    if not any(isinstance(finder, _EstimatorFinder) for finder in sys.meta_path):
        # Last in line: a TensorFlow that still has Estimators keeps its own.
        sys.meta_path.append(_EstimatorFinder())


def log_to_stderr() -> None:
    """Sends TensorFlow's warnings to stderr, away from what a notebook's cells print.

    Some depend on how busy the machine is ("Callback method … is slow"), so a chapter's output
    would change from run to run.
    """
    import tensorflow as tf

    for handler in tf.get_logger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
