"""From a config to a run that can be trained: devices, networks, variables, the newest checkpoint."""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow as tf

from gan import build
from gan.core import step as steps
from gan.core.game import Game
from gan.core.state import State
from gan.data import shares
from gan.data.source import Source
from gan.errors import UserError
from gan.evaluation import in_training
from gan.machine import devices, environment
from gan.machine.sharing import Sharing
from gan.networks.convolutions import Convolver
from gan.runs import checkpoint, exactness, workdir
from gan.runs import origin as origins
from gan.runs.origin import Origin
from gan.sampling import sampler
from gan.settings import Config
from gan.training import chunks, feeds, replicas
from gan.training.chunks import Plan
from gan.training.run import ROLLBACKS, Run
from gan.training.team import Alone, Team

_ALONE = Alone()


class Machine(NamedTuple):
    """The devices of a run and how the networks compute on them."""

    placement: replicas.Placement
    numerics: build.Numerics
    fingerprint: dict[str, object]
    team: Team = _ALONE

    @property
    def on_cpu(self) -> bool:
        """Whether the networks compute on the CPU."""
        return not devices.gpus()

    @property
    def replicas(self) -> int:
        """How many devices share a batch."""
        return self.placement.num_replicas_in_sync

    @property
    def compiles_chunks(self) -> bool:
        """Whether XLA compiles all that a chunk does; of several replicas it compiles the gradients of each alone."""
        return self.numerics.jit_compile and self.replicas == 1


def machine(config: Config, folder: Path | None = None, team: Team = _ALONE) -> Machine:
    """Configures TensorFlow for the config, once in a process; raises `UserError` if it cannot be.

    A run in `folder` goes on with the numerics of its newest checkpoint if the config and the hardware allow it. Of
    several workers, whose devices are configured, all compute as the chief does.
    """
    before = _fingerprint_before(folder) if folder else {}
    if team.placement:
        placement, own = team.placement, _numerics(before)
        numerics = devices.resolve(config, own) if team.is_chief else None
        told = team.lead(numerics and numerics._asdict())
        numerics = numerics or devices.resolve(config, build.Numerics(**told))
    else:
        count = devices.share_out(config, _sharing(before))
        numerics = devices.resolve(config, _numerics(before))
        placement = replicas.strategy(config.strategy, count)
    replicas.check_batch(config.batch_size, placement.num_replicas_in_sync)
    found = Machine(placement, numerics, {}, team)
    fingerprint = environment.fingerprint(
        devices=replicas.names(placement) if team.count > 1 else devices.kinds(),
        replicas=found.replicas,
        threads=tf.config.threading.get_intra_op_parallelism_threads(),
        **numerics._asdict(),
        **({"workers": team.count} if team.count > 1 else {}),
        **({"arithmetic": changed} if (changed := build.arithmetic(config, numerics)) else {}),
        **({"compiled": "chunks"} if found.compiles_chunks else {}),  # versions before compiled the gradients alone
        **(
            {} if devices.is_deterministic(config) else {exactness.DETERMINISTIC: False}
        ),  # and were always deterministic
    )
    return found._replace(fingerprint=fingerprint)


def _fingerprint_before(folder: Path) -> dict[str, Any]:
    """What the newest checkpoint of a run was computed with; {} if there is none that tells."""
    saved = checkpoint.steps(folder / workdir.CHECKPOINTS)
    try:
        facts = checkpoint.manifest(folder / workdir.CHECKPOINTS, saved[-1])["facts"] if saved else {}
        return dict(facts["fingerprint"])
    except (UserError, KeyError, TypeError, ValueError):  # a damaged one is told of where it is restored
        return {}


def _sharing(fingerprint: dict[str, Any]) -> Sharing | None:
    """How the work was shared according to a fingerprint that tells."""
    names = Sharing._fields
    return Sharing(*(fingerprint[name] for name in names)) if set(names) <= fingerprint.keys() else None


def _numerics(fingerprint: dict[str, Any]) -> build.Numerics | None:
    """The numerics of a fingerprint that has them."""
    names = build.Numerics._fields
    return build.Numerics(*(fingerprint[name] for name in names)) if set(names) <= fingerprint.keys() else None


def identity(source: Source) -> dict[str, object]:
    """What tells whether two sources are the same data, wherever they lie."""
    return {name: getattr(source, name) for name in workdir.DATA_IDENTITY}


def data_facts(config: Config, source: Source) -> dict[str, object]:
    """What config.json keeps of the data; another fingerprint later is other data."""
    names = ("name", "num_examples", "image_shape", "class_names", "fingerprint", "location", "notes")
    facts = {name: getattr(source, name) for name in names}
    return facts | ({"class_shares": shares.of_classes(source)} if config.conditional else {})


def game(config: Config, source: Source, on: Machine, convolver: Convolver | None = None) -> Game:
    """Everything that a step of the run is made of; raises `UserError` for what cannot go together.

    A `convolver` given takes the place of the one that the machine's numerics name.
    """
    if on.numerics.jit_compile and on.replicas > 1 and build.has_batch_statistics(config):
        raise UserError(
            f"--jit_compile=true cannot average the batch statistics of --networks={config.networks} over "
            f"{on.replicas} replicas; use --jit_compile=false"
        )
    share, group = config.batch_size // on.replicas, config.minibatch_deviation
    if group and share % (2 * group):
        raise UserError(
            f"--minibatch_deviation={group} needs a batch divisible by {2 * group} on each replica, not {share}"
        )
    return build.game(config, source.image_shape, on.numerics, source.num_classes, replicas.replica_mean, convolver)


def origin(config: Config, folder: Path) -> Origin | None:
    """What the run in `folder` begins with, if that is another run and nothing is saved here yet; raises `UserError`.

    A run that was begun and killed before it had saved begins again with the same: the name in its config has a step.
    """
    if not config.init_from or checkpoint.begun(folder / workdir.CHECKPOINTS):
        return None
    if not (folder / workdir.CONFIG).exists():
        return origins.read(origins.parsed(config.init_from), folder)
    lost = not (folder / workdir.CHECKPOINTS).is_dir()
    if lost or workdir.load_run(folder)[0].init_from != config.init_from:
        return None  # `restore` and `workdir.check_run` tell of it
    found = origins.read(origins.saved(config.init_from), folder)
    if begun_with(folder) not in ({}, found.facts):
        raise UserError(f"--init_from={found.name} is not what it was when {folder} began; use another --workdir")
    return found


def begun_with(folder: Path) -> dict[str, object]:
    """What the facts in config.json say of what the run in `folder` began with; {} where they do not."""
    facts = workdir.load_run(folder)[1] if (folder / workdir.CONFIG).exists() else {}
    return {name: facts[name] for name in facts.keys() & {origins.FACTS}}


def prepare(config: Config, source: Source, on: Machine, parts: Game, folder: Path, first: State | None = None) -> Run:
    """The run at its first step: variables on every replica, the compiled chunk, the batches.

    `first` is the state that it begins with, if not that of its seed.
    """
    parts_alone = on.numerics.jit_compile and not on.compiles_chunks
    compiled = {"compiled": tf.function(jit_compile=True, autograph=False)} if parts_alone else {}
    step = steps.make_step(parts, **compiled)
    state = first or build.initial_state(config, parts)
    training = replicas.training_variables(on.placement, state, steps.metric_names(parts))
    share = config.batch_size // on.team.count
    batches = build.batches(config, source, (on.team.number * share, share))
    if feeds.on_device(config, source, on.replicas):
        feed = feeds.resident(batches, on.placement)
    else:
        feed = feeds.streamed(batches, padded=on.compiles_chunks)
    period = parts.regularization.every if parts.regularization else 1
    plan = Plan(config.seed, config.batch_size, config.log_every_steps, period, on.compiles_chunks)
    chunk = chunks.compile_chunk(on.placement, training, step, feed, plan)
    of_classes = shares.of_classes(source) if config.conditional else ()
    generator = build.sampling_generator(config, source.image_shape, on.numerics, of_classes)
    sample = sampler.make_sampler(generator, config.latent_size)
    return Run(
        config=config,
        folder=folder,
        batches=batches,
        feed=feed,
        num_examples=source.num_examples,
        classes=shares.present(of_classes, source.num_bytes),
        training=training,
        chunk=chunk,
        sample=sample,
        evaluating=in_training.make(config, source, sample),
        facts={
            "config_hash": _config_hash(config),
            exactness.FINGERPRINT: on.fingerprint,
            exactness.SETTINGS: exactness.mathematics(config),
            exactness.FACT: [],
        },
        team=on.team,
    )


def restore(run: Run) -> checkpoint.Restored | None:
    """Puts the newest good checkpoint into the run's variables, and the rollbacks before it into its facts.

    None if there is none. Raises `UserError`.

    A run whose folder of checkpoints is gone is not taken for one that has not saved yet.
    """
    if (run.folder / workdir.CONFIG).exists() and not run.checkpoints.is_dir():
        raise UserError(f"{run.checkpoints} is missing; put it back, or use another --workdir to begin anew")
    restored = checkpoint.restore(run.checkpoints, run.training)
    if restored and restored.facts.get(ROLLBACKS):
        run.facts[ROLLBACKS] = restored.facts[ROLLBACKS]
    return restored


def save_beginning(run: Run) -> None:
    """Saves step 0, after which the run needs nothing of what it began with; raises `StorageError`."""
    checkpoint.save(run.checkpoints, run.training, 0, run.facts | {"wall_seconds": 0.0, "images": 0})


@contextlib.contextmanager
def memory_errors() -> Iterator[None]:
    """Raises `UserError` in the place of what TensorFlow and NumPy raise where memory does not suffice."""
    try:
        yield
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        if isinstance(error, tf.errors.ResourceExhaustedError) and "OOM" not in str(error):
            raise  # a disk
        raise UserError("out of memory; give a smaller --batch_size or --width, in a new --workdir") from error


def _config_hash(config: Config) -> str:
    """sha256 over the settings that the mathematics depends on."""
    return hashlib.sha256(json.dumps(exactness.mathematics(config), sort_keys=True).encode()).hexdigest()
