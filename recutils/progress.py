"""A progress bar for long calls of `fit` that leaves no trace in a stored notebook."""

import sys
from typing import Any

import tensorflow as tf
from tqdm import tqdm


class ProgressBar(tf.keras.callbacks.Callback):
    """Shows batches, remaining time and the last epoch's loss: `fit(…, callbacks=[ProgressBar()])`.

    The bar goes to stderr if somebody may be watching: in a terminal or a notebook, not in a log.
    It disappears when training ends. TQDM_DISABLE=1 in the environment hides it everywhere.

    See: the chapter basics/retrieval_loss.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: tqdm | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Opens the bar in the first epoch.

        Args:
          epoch: number of the epoch, from 0 or from the `initial_epoch` of `fit`.
          logs: not used.
        """
        if self._bar is None:
            watched = sys.stderr.isatty() or "ipykernel" in sys.modules
            # If someone may be watching, the environment variable decides.
            hidden: dict[str, Any] = {} if watched else {"disable": True}
            self._epochs = self.params["epochs"] - epoch
            steps = self.params["steps"]
            self._bar = tqdm(
                total=steps and steps * self._epochs,
                unit="batch",
                leave=False,
                **hidden,
            )

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Advances the bar by one batch.

        Args:
          batch: number of the batch in its epoch.
          logs: not used, since reading the loss would wait for it.
        """
        assert self._bar is not None
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Shows the loss; after the first epoch the number of batches is known in any case.

        Args:
          epoch: number of the epoch.
          logs: the metrics of the epoch.
        """
        assert self._bar is not None
        if self._bar.total is None:
            self._bar.total = self._bar.n * self._epochs
        if logs and "loss" in logs:
            self._bar.set_postfix(loss=f"{float(logs['loss']):.4g}")

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Removes the bar.

        Args:
          logs: not used.
        """
        if self._bar is not None:
            self._bar.close()
        self._bar = None
