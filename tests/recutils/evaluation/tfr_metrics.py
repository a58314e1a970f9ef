"""What a metric of TF-Ranking says of one batch."""

import numpy as np
import tensorflow as tf


def metric_value(metric: tf.keras.metrics.Metric, labels: np.ndarray, scores: np.ndarray) -> float:
    metric.reset_state()
    metric.update_state(labels, scores)
    return float(metric.result())
