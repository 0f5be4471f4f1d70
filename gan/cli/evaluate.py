"""Measure how good generated images are: of a run's checkpoints, or any images in files.

Generated images are compared with real ones through features; what the features are stands in every output. Beside
each figure is its floor, that of as many other real images: the distance that is left when nothing but the draw of the
images differs. Precision, density and label agreement can pass it, by images that are more typical than real ones.
Where the data have fewer real images the table says so. The values are kept in the run's evaluations.jsonl and shown in
TensorBoard under eval/. The run may be in training meanwhile.

    bin/evaluate --workdir=runs/modern-fashion_mnist
    bin/evaluate --workdir=runs/modern-fashion_mnist --all --protocol=50k
    bin/evaluate --workdir=runs/modern-fashion_mnist --num=1000 --neighbours=neighbours.png
    bin/evaluate --images=samples.npz --dataset=fashion_mnist --features=random
    bin/evaluate --workdir=runs/X --protocol=50k --features=inception:pt_inception-2015-12-05-6726825d.pth
"""

from gan.cli import command, settings, streams
from gan.cli.packages import flags
from gan.errors import StorageError
from gan.jobs.asked import COMPARED, NUMERICS
from gan.jobs.requests import Evaluate
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
ALL = flags.DEFINE_boolean("all", False, "all checkpoints there are; what was measured already is not repeated")
IMAGES = flags.DEFINE_string("images", "", "in the place of a run: an .npz file or a folder of generated images")
NEIGHBOURS = flags.DEFINE_string("neighbours", "", "PNG to write: samples beside their nearest training images")
CAS = flags.DEFINE_boolean(
    "cas", True, "of labelled images: classification accuracy score, that of a classifier trained on them alone"
)
OUT = flags.DEFINE_string("out", "", "JSON file to write the evaluations to as well")
PROTOCOL = flags.DEFINE_string(
    "protocol",
    "lucic",
    "lucic: 10,000 generated images, or as many as there are test images, against as many of those; 50k: 50,000 "
    "against the training set",
)
NUM = flags.DEFINE_integer("num", None, "number of generated images (default: as the protocol says)")
FEATURES = flags.DEFINE_string(
    "features",
    "classifier",
    "classifier: a network trained once on the data set's labels; random: a fixed random network; inception:FILE: "
    "Inception v3 with the weights of a file, the .pth of 2015 for published FID or an .h5 of Keras (inception: Keras "
    "downloads its own); saved_model:PATH: a SavedModel folder (a program: use only what you trust) or .keras file of "
    "yours",
)
MODEL_SIZE = flags.DEFINE_integer("model_size", None, "pixels a side that your model sees (default: as the model says)")
MODEL_RANGE = flags.DEFINE_string(
    "model_range", "unit", "pixels that your model sees: unit is [0, 1], symmetric [-1, 1], bytes [0, 255]"
)
K = flags.DEFINE_integer("k", 5, "neighbours in precision, recall, density and coverage")
STRICT = flags.DEFINE_boolean("strict", False, "warnings of the data are errors")
SEED = flags.DEFINE_integer("seed", 0, "seed of the latents, and of the subsets of the kernel distance")
settings.define((*COMPARED, *NUMERICS))


def main() -> int:
    """Measures what the flags ask for; returns the exit code, raises `UserError`."""
    request = Evaluate(
        workdir=WORKDIR.value,
        step=STEP.value,
        all=ALL.value,
        images=IMAGES.value,
        protocol=PROTOCOL.value,
        num=NUM.value,
        features=FEATURES.value,
        model_size=MODEL_SIZE.value,
        model_range=MODEL_RANGE.value if flags.FLAGS["model_range"].present else None,
        k=K.value,
        seed=SEED.value,
        cas=CAS.value,
        neighbours=NEIGHBOURS.value,
        out=OUT.value,
        data=settings.explicit(COMPARED),
        numerics=settings.explicit(NUMERICS),
        strict=STRICT.value,
    )
    streams.keep_free_for(request.out)
    startup.import_tensorflow()
    from gan.jobs import evaluate

    return StorageError.exit_code if evaluate.run(request).not_kept else 0


if __name__ == "__main__":
    command.execute(main)
