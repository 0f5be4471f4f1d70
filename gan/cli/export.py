"""Write both networks of a run as files for Keras, TensorFlow, TensorFlow Lite or ONNX, with a model card beside them.

The generator takes standard normal latents [N, latent_size] and gives images [N, H, W, C] in [0, 1]; the discriminator
takes such images and gives the probability [N, 1] that each is fake. Those of a conditional run take labels int32 [N]
as well. Where the run keeps averages of the generator's parameters, they are what is exported. Files are read back and
compared with the engine's outputs before anything takes its place. The run may be in training meanwhile.

h5 and keras are plain Keras layers; saved_model is the engine's own function, with sample(num, seed) and generate(...);
tflite is for phones, the generator in float32, float16 and int8; onnx is for ONNX Runtime; web is the page of
bin/explore with the generator in the browser, a folder that any web server can serve. A generator that in training
normalizes by the statistics of the batch (dcgan, sngan) has fixed ones, as in bin/sample: each image depends on its
own latent and label alone.

    bin/export --workdir=runs/modern-fashion_mnist
    bin/export --workdir=runs/modern-fashion_mnist --format=tflite --step=4000 --out=models
    bin/export --workdir=runs/modern-fashion_mnist --format=web
"""

from gan.cli import command
from gan.cli.packages import flags
from gan.jobs.requests import FORMATS, Export
from gan.machine import startup

WORKDIR = flags.DEFINE_string("workdir", "", "folder of the run")
FORMAT = flags.DEFINE_string(
    "format",
    None,
    f"form of the models: {', '.join(FORMATS)} (default: h5 where it holds both networks, or saved_model)",
)
OUT = flags.DEFINE_string(
    "out", "", "folder for the models, which replace earlier ones (empty: exports/step_.../FORMAT of the run)"
)
STEP = flags.DEFINE_integer("step", None, "step of the checkpoint (default: the newest good one)")
RUNTIME = flags.DEFINE_string(
    "runtime", "", "web: folder with LiteRT.js, such as node_modules (empty: the npm client fetches it, once)"
)


def main() -> None:
    """Exports the models that the flags ask for; raises `UserError`."""
    request = Export(WORKDIR.value, FORMAT.value, OUT.value, STEP.value, RUNTIME.value)
    startup.import_tensorflow()
    from gan.jobs import export

    export.run(request)


if __name__ == "__main__":
    command.execute(main)
