"""A small whole run without the time of a training, and copies of it to be broken."""

import functools
import shutil
import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

from gan import build, config
from gan.evaluation import record
from gan.pictures import raster
from gan.runs import checkpoint, exactness, grids, workdir
from gan.runs.log import Summaries
from gan.training import session
from gan.training.replicas import Training

SHAPE = (28, 28, 1)
STEPS = (2, 4)


@functools.cache
def run(width: int = 8) -> Path:
    """The folder of a run of four steps; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="gan-fuzz-")) / "run"
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, *SHAPE), np.uint8)
    np.savez(folder.with_name("set.npz"), images=images, labels=np.arange(60) % 2)
    settings = {"latent_size": 8, "steps": 8, "batch_size": 8, "log_every_steps": 1, "sample_every_steps": 2}
    settings |= {"dataset": f"npz:{folder.with_name('set.npz')}", "replicas": "1", "precision": "float32"}
    made = config.make("article_corrected", g_width=width, d_width=4, convolution="direct", **settings)
    facts = session.data_facts(made, build.source(made))
    workdir.open_run(folder, made, facts, override=False)
    parts = build.game(made, SHAPE, build.PLAIN, 2)
    state = tf.nest.map_structure(tf.Variable, build.initial_state(made, parts))
    kept = {exactness.FACT: [], exactness.SETTINGS: exactness.mathematics(made), "fingerprint": {"threads": 1}}
    log = Summaries(folder, 0)
    for step in range(STEPS[-1] + 1):
        if step:
            log.scalars(step, {"d_loss": 0.5 + step, "g_loss": 0.25 * step})
        if step % 2 == 0:
            grid = raster.grid(rng.integers(0, 256, (64, *SHAPE), np.uint8), 8, 8)
            raster.write_png(grids.path(folder / workdir.SAMPLES, step), grid, scale=2)
            log.image(step, "samples", grid)
    log.close()
    for step in STEPS:
        checkpoint.save(folder / workdir.CHECKPOINTS, Training(state, {}, tf.Variable(0)), step, kept)
        record.add(folder, _evaluation(step))
    return folder


def _evaluation(step: int) -> record.Evaluation:
    """One of a training, with all that there can be in it."""
    key = record.Key(step, "lucic", 10, "random", "e", "d", 5, 0, "g")
    figures = {"frechet_distance": 1.5 * step, "precision": None}
    return record.Evaluation(key, figures, figures, 10, 9, {"features": "random"}, "2026-01-01T00:00:00", True)


def copy(folder: Path, width: int = 8) -> Path:
    """A copy of the run in a folder."""
    return Path(shutil.copytree(run(width), folder / "run"))
