"""What a run tells about itself: TensorBoard events in train/ and the same scalars in metrics.jsonl.

A log of a run that was killed and continued equals the log of one that never stopped: on opening, everything beyond the
restored step is removed, and `flush`, called before each checkpoint is committed, leaves nothing behind that the
checkpoint has passed.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan.pictures.raster import png
from gan.runs import metrics_log
from gan.storage import event_files
from gan.storage.appending import Appended
from gan.storage.files import sync_folder
from gan.storage.refusals import storage_errors

FOLDER = "train"


class Summaries:
    """The log of the run in `workdir`, continued after the restored `step` (0: a new run, an old log is removed).

    What the log already holds for a tag and a step is not written a second time: a continued run may repeat what it
    says at its first step (the config as text). Every method raises `StorageError`, and may then be called again with
    the same: what of it was written already is not written twice.
    """

    def __init__(self, workdir: str | Path, step: int):
        folder, metrics = Path(workdir) / FOLDER, Path(workdir) / metrics_log.FILE_NAME
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with storage_errors(metrics):
            metrics_log.truncate(metrics, step)
            self._metrics = Appended(metrics)
        try:
            sync_folder(workdir)
            self._events = event_files.EventFile(folder, step)
        except BaseException:
            self._metrics.close()
            raise
        self._last_step = self._events.last_step  # by tag
        self._last_row = b""
        self._is_closed = False

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Logs numbers by name: a TensorBoard scalar each, whose tag is the name, and one line of metrics.jsonl.

        TensorBoard gets them as float32, not finite ones included; metrics.jsonl in full, not finite ones as null.
        """
        values = {name: value for name, value in values.items() if name != "step" and self._is_new(name, step)}
        if not values:
            return
        row = metrics_log.encode(step, values)
        if row != self._last_row:  # it was written, and then the event was refused
            self._metrics.append(row)
            self._last_row = row
        tensors = {name: _number(float(value)) for name, value in values.items()}
        self._write(step, tensors, _metadata("scalars", "DATA_CLASS_SCALAR"))

    def image(self, step: int, tag: str, image: np.ndarray) -> None:
        """Logs a uint8 image [H, W, C]."""
        if self._is_new(tag, step):
            size = [str(image.shape[1]).encode(), str(image.shape[0]).encode()]
            tensor = tf.make_tensor_proto([*size, png(image)], tf.string)
            self._write(step, {tag: tensor}, _metadata("images", "DATA_CLASS_BLOB_SEQUENCE"))

    def text(self, step: int, tag: str, markdown: str) -> None:
        """Logs a text in Markdown."""
        if self._is_new(tag, step):
            tensor = tf.make_tensor_proto(markdown, tf.string)
            self._write(step, {tag: tensor}, _metadata("text", "DATA_CLASS_TENSOR"))

    def flush(self) -> None:
        """Makes everything logged so far durable; to be called before a checkpoint of this step is committed."""
        self._metrics.sync()
        self._events.sync()

    def close(self) -> None:
        """Flushes and closes both logs; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.flush()
        finally:
            self._metrics.close()
            self._events.close()

    def _is_new(self, tag: str, step: int) -> bool:
        """Whether the log has nothing of `tag` at `step` yet."""
        return step > self._last_step.get(tag, -1)

    def _write(self, step: int, tensors: Mapping[str, event_files.Summary], metadata) -> None:
        """Writes one event with a tensor for each tag."""
        value = event_files.Summary.Value
        values = [value(tag=tag, tensor=tensor, metadata=metadata) for tag, tensor in tensors.items()]
        summary = event_files.Summary(value=values)
        self._events.write(event_files.Event(step=step, wall_time=time.time(), summary=summary))
        self._last_step.update(dict.fromkeys(tensors, step))


_ZERO = tf.make_tensor_proto(0.0, tf.float32)


def _number(value: float):
    """A float32 [] as TensorBoard has it; TensorFlow's own function for any tensor takes most of the time of a line."""
    made = type(_ZERO)()
    made.CopyFrom(_ZERO)
    made.float_val[0] = value
    return made


def _metadata(plugin: str, data_class: str) -> event_files.SummaryMetadata:
    """What tells TensorBoard how to show a tensor."""
    return event_files.SummaryMetadata(plugin_data={"plugin_name": plugin}, data_class=data_class)
