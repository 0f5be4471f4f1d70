"""Every setting of a run: one frozen dataclass, the source of the flags, of `--help` and of `config.json`.

Each field says in its metadata which group of the help it belongs to, what it means, and what a change of it does to a
run that is being continued:

- `free`: nothing that the run computes depends on it (run length, cadences, where the data lie: they are known by
  their fingerprint); it may change at every start.
- `numerics`: the same mathematics on other hardware or in another precision; it may change, with a warning.
- `tunable`: changes the mathematics but not the state's shape; needs `--override`.
- `fixed`: the state, the data or their order would not fit any more; needs a new workdir.
"""

import dataclasses
import functools
from typing import Any, Literal, NamedTuple

MOST_STEPS = 10**12  # of training: far more than any run has, and far from what 64 bits hold
MOST_IMAGES = 10**15
MOST_REPLICAS = 64
_LARGEST = {int: 10**9, float: 1e30}  # where nothing else limits a number; a float32 ends at 3.4e38
_LONGEST = 10**9  # epochs, minutes

Change = Literal["free", "numerics", "tunable", "fixed"]


class Group(NamedTuple):
    """A group of settings: its name and its title in the help. Its methods, by the kind of change, make its fields."""

    name: str
    title: str

    def setting(self, change: Change, default, text: str, choices=(), low=None, high=None, below=None) -> Any:
        """A dataclass field with its help text, its choices or its range: low <= value <= high, value < below."""
        if high is None and below is None:
            high = _LARGEST.get(type(default))
        metadata = {"group": self.name, "change": change, "help": text, "choices": choices}
        return dataclasses.field(default=default, metadata=metadata | {"low": low, "high": high, "below": below})

    free = functools.partialmethod(setting, "free")
    numerics = functools.partialmethod(setting, "numerics")
    tunable = functools.partialmethod(setting, "tunable")
    fixed = functools.partialmethod(setting, "fixed")


RUN = Group("run", "Run")
DATA = Group("data", "Data")
NETWORKS = Group("networks", "Networks")
OBJECTIVE = Group("objective", "Objective")
OPTIMIZATION = Group("optimization", "Optimization")
SCHEDULES = Group("schedules", "Schedules, in real images seen")
AUGMENTATION = Group("augmentation", "Augmentation")
DEVICES = Group("devices", "Devices and numerics")
CADENCE = Group("cadence", "Logging, samples, evaluation and checkpoints")
_IN_ORDER = (RUN, DATA, NETWORKS, OBJECTIVE, OPTIMIZATION, SCHEDULES, AUGMENTATION, DEVICES, CADENCE)
GROUPS = {group.name: group.title for group in _IN_ORDER}


@dataclasses.dataclass(frozen=True)
class Config:
    """Every setting of a training run. Zero means "none" or "as the source has it" where the text says so.

    The defaults are those of the preset that the default of `preset` names; `make` begins with those of any.
    """

    preset: str = RUN.free("article_corrected", "name of the set of defaults that the other flags change")
    seed: int = RUN.fixed(0, "seed of the initial weights, the data order and every random draw", low=0, high=2**31 - 1)
    steps: int = RUN.free(
        0, "stop after this many steps in total, not additional ones (0: no limit)", low=0, high=MOST_STEPS
    )
    epochs: float = RUN.free(
        50.0, "stop after this many passes over the data in total (0: no limit)", low=0, high=_LONGEST
    )
    minutes: float = RUN.free(
        0.0,
        "stop this start of the run after so many minutes by the clock, evaluations included (0: no limit)",
        low=0,
        high=_LONGEST,
    )

    init_from: str = RUN.fixed(
        "",
        "begin with the networks of another run, WORKDIR (its newest checkpoint) or WORKDIR@STEP; "
        "what fits is taken by name, and --dry_run shows it (empty: at random)",
    )

    dataset: str = DATA.free("auto", "auto, fashion_mnist, garments, tfds:NAME, folder:PATH, npz:FILE or parquet:PATH")
    test_dataset: str = DATA.free("", "the images that evaluations take as unseen, as --dataset (empty: of --dataset)")
    data_dir: str = DATA.free(
        "", "folder of prepared tfds data sets (empty: $TFDS_DATA_DIR, then ~/tensorflow_datasets)"
    )
    labels: str = DATA.free(
        "auto",
        "auto: as the source has them; none; folders: sub-folders are classes whatever their names; "
        "or a file: a CSV of names and classes, or a dataset.json",
    )
    resolution: int = DATA.fixed(
        0, "resize the images to so many pixels a side (0: as the source has them)", low=0, high=4096
    )
    channels: int = DATA.fixed(
        0, "convert to 1 (grey) or 3 (RGB) channels (0: as the source has them)", choices=(0, 1, 3)
    )
    crop: str = DATA.fixed(
        "center",
        "what --resolution does with images that are not square: center keeps the middle, random another part in each "
        "epoch, pad adds white borders, none makes the shorter side so long",
        choices=("center", "random", "pad", "none"),
    )
    flip: bool = DATA.tunable(False, "mirror images left to right, half of them in each epoch")
    value_range: str = DATA.fixed(
        "auto",
        "values that become black and white, as MIN,MAX; auto: all that the format can have, of floats 0 and 1",
    )
    data_in_memory: str = DATA.free(
        "auto",
        "hold all images in memory (device: in that of the devices that train, too), or read them by index as they are "
        "needed; same order, same bits",
        choices=("auto", "device", "true", "false"),
    )
    data_workers: int = DATA.free(
        0, "processes that decode images which are not in memory (0: as the machine has cores)", low=0, high=256
    )

    networks: str = NETWORKS.fixed("article", "pair of networks", choices=("article", "dcgan", "residual", "sngan"))
    latent_size: int = NETWORKS.fixed(128, "numbers in a latent vector", low=1, high=65536)
    g_width: int = NETWORKS.fixed(128, "channels of the generator's smallest map", low=1, high=16384)
    d_width: int = NETWORKS.fixed(
        32, "channels of the discriminator's first convolution (sngan: of all)", low=1, high=16384
    )
    width: float = NETWORKS.fixed(
        1.0, "channels of both networks, as a multiple of --g_width and --d_width", low=1 / 64, high=64
    )
    depth: int = NETWORKS.fixed(0, "residual blocks at each size of map (0: as the pair has it)", low=0, high=16)
    conditional: bool = NETWORKS.fixed(False, "networks that are told the label of each image")
    minibatch_deviation: int = NETWORKS.fixed(
        0, "examples in each group whose deviation the discriminator sees (0: none)", low=0, high=1024
    )
    g_output: str = NETWORKS.fixed(
        "sigmoid",
        "last activation of the generator; linear leaves [0, 1] and is clipped in images",
        choices=("sigmoid", "linear"),
    )
    g_output_scale: float = NETWORKS.fixed(
        1.0, "factor of the Glorot range of the generator's last kernel at initialization", low=0
    )
    d_pixel_range: str = NETWORKS.fixed(
        "unit", "how the discriminator sees pixels: unit is [0, 1], symmetric is [-1, 1]", choices=("unit", "symmetric")
    )
    d_dropout: float = NETWORKS.tunable(0.4, "rate of the discriminator's dropouts", low=0, below=1)
    d_input_noise: float = NETWORKS.tunable(
        0.0, "standard deviation of Gaussian noise on the discriminator's input in its own update", low=0
    )

    objective: str = OBJECTIVE.tunable(
        "cross_entropy",
        "loss of both players; the first two are the article's, from logits and from clipped probabilities",
        choices=(
            "cross_entropy",
            "keras_cross_entropy",
            "minimax",
            "non_saturating",
            "least_squares",
            "hinge",
            "wasserstein",
            "relativistic",
        ),
    )
    label_noise: float = OBJECTIVE.tunable(
        0.15,
        "width of the uniform noise on the discriminator's targets, drawn per example, in objectives that have targets",
        low=0,
    )
    label_noise_mode: str = OBJECTIVE.tunable(
        "added",
        "added: real 0 + noise, fake 1 - noise; overwritten: real + noise, fake - noise, the labels lost",
        choices=("added", "overwritten"),
    )
    label_smoothing: float = OBJECTIVE.tunable(
        0.0, "how far the targets of real images are moved towards those of fakes", low=0, below=1
    )
    penalty: str = OBJECTIVE.tunable(
        "r1",
        "what bounds the discriminator's slope, where gamma is not 0; images in [0, 1]",
        choices=("r1", "r2", "r1_r2", "wgan_gp", "dragan"),
    )
    gamma: float = OBJECTIVE.tunable(
        0.0, "weight of the penalty; of r1 and r2 it is gamma/2 |dD/dx|^2 (0: none)", low=0
    )
    penalty_every_steps: int = OBJECTIVE.tunable(
        1, "compute the penalty in every so many discriminator updates, at so many times its weight", low=1, high=1024
    )
    mismatch_weight: float = OBJECTIVE.tunable(
        0.0,
        "weight of a further loss of the discriminator, with real images under a wrong label "
        "in the place of fakes (0: none)",
        low=0,
    )
    weight_clip: float = OBJECTIVE.tunable(
        0.0, "keep the discriminator's parameters within so much of 0 (0: no limit)", low=0
    )

    batch_size: int = OPTIMIZATION.fixed(
        128, "real images of one discriminator update, over all replicas", low=1, high=1048576
    )
    d_steps: int = OPTIMIZATION.fixed(1, "discriminator updates for each generator update", low=1, high=32)
    optimizer: str = OPTIMIZATION.fixed(
        "adam",
        "how both players are updated; rmsprop has beta2 as its decay, rmsprop and sgd beta1 as momentum",
        choices=("adam", "adamw", "rmsprop", "sgd"),
    )
    g_learning_rate: float = OPTIMIZATION.tunable(1e-4, "step size for the generator", low=0)
    g_beta1: float = OPTIMIZATION.tunable(0.9, "decay of the generator's first moment", low=0, below=1)
    g_beta2: float = OPTIMIZATION.tunable(0.999, "decay of the generator's second moment", low=0, below=1)
    d_learning_rate: float = OPTIMIZATION.tunable(1e-5, "step size for the discriminator", low=0)
    d_beta1: float = OPTIMIZATION.tunable(0.9, "decay of the discriminator's first moment", low=0, below=1)
    d_beta2: float = OPTIMIZATION.tunable(0.999, "decay of the discriminator's second moment", low=0, below=1)
    epsilon: float = OPTIMIZATION.tunable(1e-7, "the optimizer's term against division by zero", low=0)
    weight_decay: float = OPTIMIZATION.tunable(
        0.0, "decay of kernels in adamw, as a multiple of the learning rate", low=0
    )
    gradient_clip: float = OPTIMIZATION.tunable(0.0, "largest norm of a player's gradient (0: no limit)", low=0)
    ema_half_life_images: float = OPTIMIZATION.fixed(
        0.0,
        "half-life of the average of the generator's parameters that samples, metrics and exports use (0: no average)",
        low=0,
        high=MOST_IMAGES,
    )
    ema_ramp: float = OPTIMIZATION.tunable(
        0.05,
        "while the run is young, the half-life is so many times the images seen (0: always the full one, "
        "as with --init_from)",
        low=0,
    )

    schedule: str = SCHEDULES.tunable(
        "constant", "course from the values at the start to those at the end", choices=("constant", "linear", "cosine")
    )
    schedule_images: int = SCHEDULES.tunable(
        0, "length of the course; afterwards the values stay", low=0, high=MOST_IMAGES
    )
    warmup_images: int = SCHEDULES.tunable(0, "learning rates rise from 0 over so many images", low=0, high=MOST_IMAGES)
    learning_rate_end_factor: float = SCHEDULES.tunable(
        1.0, "learning rates at the end, as multiples of those at the start", low=0
    )
    gamma_end_factor: float = SCHEDULES.tunable(1.0, "gamma at the end, as a multiple of that at the start", low=0)
    beta2_end: float = SCHEDULES.tunable(0.0, "both players' beta2 at the end (0: as at the start)", low=0, below=1)
    ema_end_factor: float = SCHEDULES.tunable(
        1.0, "half-life of the average at the end, as a multiple of that at the start", low=0
    )

    augmentation: str = AUGMENTATION.fixed(
        "none",
        "random changes of all images that the discriminator sees; adaptive is of geometry and light, "
        "adaptive_colour of hues and saturation too",
        choices=("none", "diffaugment", "adaptive", "adaptive_geometry", "adaptive_colour"),
    )
    augmentation_strength: float = AUGMENTATION.tunable(
        0.0,
        "probability of each change, at the start where it adapts; above 0.8, where it does not adapt, "
        "changes may leak into samples (0: adaptive ones begin at 0, diffaugment has 0.8)",
        low=0,
        high=1,
    )
    augmentation_target: float = AUGMENTATION.tunable(
        0.6,
        "mean sign of the discriminator on real images (relativistic and Wasserstein: of real above fake) "
        "that an adaptive strength is moved to keep, up to 0.8 (0: it stays as --augmentation_strength says)",
        low=0,
        below=1,
    )
    augmentation_images: float = AUGMENTATION.tunable(
        500000.0, "real images in which the strength may go from 0 to 1", low=1, high=MOST_IMAGES
    )

    strategy: str = DEVICES.numerics(
        "auto",
        "how replicas are placed; auto: multi_worker_mirrored where TF_CONFIG or Slurm names several workers, mirrored "
        "where there are several GPUs",
        choices=("auto", "one_device", "mirrored", "multi_worker_mirrored"),
    )
    replicas: str = DEVICES.numerics(
        "auto",
        "how many devices share each batch; on a CPU logical ones that compute with one thread each; "
        "auto: all GPUs if there are several, the cores of a small CPU where that is faster, otherwise one",
    )
    logical_cpus: int = DEVICES.numerics(
        0, "split the CPU into so many logical devices (0: one), to try mirrored anywhere", low=0, high=MOST_REPLICAS
    )
    threads: int = DEVICES.numerics(
        0, "threads within one operation (0: one for each core, or one where networks are narrow)", low=0, high=4096
    )
    precision: str = DEVICES.numerics(
        "auto",
        "precision of activations and convolutions; parameters stay float32; tensorfloat32 is float32 with rounded "
        "products on GPUs that have units for it; auto: the fastest that this machine has units for",
        choices=("auto", "float32", "tensorfloat32", "mixed_bfloat16", "mixed_float16"),
    )
    convolution: str = DEVICES.numerics(
        "auto",
        "how convolutions are computed: direct, or spectral (DFT as matrix products in float32)",
        choices=("auto", "direct", "spectral"),
    )
    jit_compile: str = DEVICES.numerics(
        "auto",
        "compile with XLA, all steps of a chunk where one device trains, else the gradients of each; "
        "auto: on GPUs if it is measured to be faster",
        choices=("auto", "true", "false"),
    )
    deterministic: str = DEVICES.numerics(
        "auto",
        "the same bits in each run on GPUs, which exact continuation needs (auto: true); false lets them take faster "
        "gradients. CPUs always are deterministic",
        choices=("auto", "true", "false"),
    )

    log_every_steps: int = CADENCE.free(10, "write the mean of the metrics over so many steps", low=1, high=MOST_STEPS)
    sample_every_steps: int = CADENCE.free(
        100, "draw the sample grid every so many steps, and at each epoch's end (0: only there)", low=0, high=MOST_STEPS
    )
    sample_rows: int = CADENCE.free(
        8, "rows of the sample grid; where labels are told each row is a class", low=1, high=64
    )
    sample_columns: int = CADENCE.free(8, "columns of the sample grid", low=1, high=64)
    save_every_steps: int = CADENCE.free(
        0, "save a checkpoint every so many steps (0: by time alone)", low=0, high=MOST_STEPS
    )
    save_every_minutes: float = CADENCE.free(
        10.0, "save a checkpoint every so many minutes (0: by steps alone)", low=0, high=_LONGEST
    )
    keep_checkpoints: int = CADENCE.free(
        3, "newest checkpoints that are kept, beside the best one; at least two", low=2, high=10**6
    )
    evaluate_every_steps: int = CADENCE.free(
        0, "measure samples every so many steps and at the end, as bin/evaluate does (0: never)", low=0, high=MOST_STEPS
    )
    evaluate_num: int = CADENCE.free(
        2000, "generated images of each evaluation in training, against as many test images", low=10, high=10**6
    )
    evaluate_features: str = CADENCE.free(
        "auto",
        "what they are compared by: auto is classifier where the data have labels, otherwise random",
        choices=("auto", "classifier", "random"),
    )
    keep_best: str = CADENCE.free(
        "frechet_distance",
        "metric of the evaluations in training by which the best checkpoint is saved and kept",
        choices=(
            "frechet_distance",
            "kernel_distance",
            "precision",
            "recall",
            "density",
            "coverage",
            "inception_score",
            "class_entropy",
            "smallest_class_share",
            "label_agreement",
        ),
    )


def fields() -> dict[str, dataclasses.Field]:
    """The fields of `Config` by name, in the order of their definition."""
    return {field.name: field for field in dataclasses.fields(Config)}


def group(config: Config, name: str) -> dict[str, Any]:
    """The settings of one of the `GROUPS` by name; those of "data" are what `gan.data` opens a data set by."""
    return {key: getattr(config, key) for key, field in fields().items() if field.metadata["group"] == name}
