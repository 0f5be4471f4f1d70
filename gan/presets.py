"""The recipes: for each the settings in which it differs from the defaults of `gan.settings.Config`.

Those are the article's with the label noise added to the labels, as its text says. What a run has that names no recipe
is another one, `DEFAULT_PRESET`.
"""

import math
from typing import Any

# The article's noise, dropout and pixel range are of its own; the recipes below begin without them.
_PLAIN = {"d_dropout": 0.0, "label_noise": 0.0, "d_pixel_range": "symmetric", "batch_size": 64}
_DCGAN = {
    **_PLAIN,
    "networks": "dcgan",
    "d_width": 64,
    "objective": "non_saturating",
    "g_learning_rate": 2e-4,
    "d_learning_rate": 2e-4,
    "g_beta1": 0.5,
    "d_beta1": 0.5,
}
_MODERN = {
    **_PLAIN,
    "networks": "residual",
    "g_width": 64,
    "d_width": 16,
    "g_output": "linear",
    "objective": "relativistic",
    "penalty": "r1_r2",
    "gamma": 0.5,
    "penalty_every_steps": 8,
    "log_every_steps": 16,  # as many penalties in each mean
    "batch_size": 32,
    "g_learning_rate": 1e-3,
    "d_learning_rate": 1e-3,
    "g_beta1": 0.0,
    "d_beta1": 0.0,
    "g_beta2": 0.99,
    "d_beta2": 0.99,
    "ema_half_life_images": 10_000.0,
    "schedule": "cosine",
    "schedule_images": 600_000,
    "learning_rate_end_factor": 0.2,
    "gamma_end_factor": 0.2,
}


def _for_a_large_device(recipe: dict[str, Any], batch: int, width: int) -> dict[str, Any]:
    """A recipe with `batch` times the images of a step and `width` times the channels; docs/gpu.md has the reasons.

    Adam's steps grow with the root of the batch and shrink with the width, and its second moments look back on as many
    images. The average and the schedule keep their number of steps, and with it their share of the run.
    """
    rate = math.sqrt(batch) / width
    return {
        **recipe,
        **{name: width * recipe[name] for name in ("g_width", "d_width")},
        **{name: float(f"{rate * recipe[name]:.2g}") for name in ("g_learning_rate", "d_learning_rate")},
        **{name: round(1.0 - batch * (1.0 - recipe[name]), 6) for name in ("g_beta2", "d_beta2")},
        **{name: batch * recipe[name] for name in ("batch_size", "ema_half_life_images", "schedule_images")},
        "epochs": 100.0,  # of a set of 60,000 images more than the schedule
        "log_every_steps": 64,  # what is drawn and written every few steps would take longer than these
        "sample_every_steps": 2000,
    }


DEFAULT_PRESET = "modern"
FOR_LARGE_DEVICES = ("modern_large",)
PRESETS: dict[str, dict[str, Any]] = {
    # The cure of the article's training: see docs/article.md for what each change does.
    "article": {
        "d_pixel_range": "symmetric",
        "d_dropout": 0.0,
        "gamma": 10.0,
        "g_learning_rate": 2e-4,
        "g_beta1": 0.0,
        "d_learning_rate": 2e-4,
        "d_beta1": 0.0,
    },
    "article_corrected": {},
    "article_as_published": {"objective": "keras_cross_entropy", "label_noise_mode": "overwritten"},
    "dcgan": _DCGAN,  # Radford et al. 2016
    "lsgan": {**_DCGAN, "objective": "least_squares"},  # Mao et al. 2017
    "wgan_gp": {  # Gulrajani et al. 2017
        **_DCGAN,
        "objective": "wasserstein",
        "penalty": "wgan_gp",
        "gamma": 10.0,
        "d_steps": 5,
        "g_learning_rate": 1e-4,
        "d_learning_rate": 1e-4,
        "g_beta1": 0.0,
        "d_beta1": 0.0,
        "g_beta2": 0.9,
        "d_beta2": 0.9,
    },
    "sngan": {  # Miyato et al. 2018
        **_PLAIN,
        "networks": "sngan",
        "g_width": 64,
        "d_width": 64,
        "objective": "hinge",
        "d_steps": 5,
        "g_learning_rate": 2e-4,
        "d_learning_rate": 2e-4,
        "g_beta1": 0.0,
        "d_beta1": 0.0,
        "g_beta2": 0.9,
        "d_beta2": 0.9,
    },
    "modern": _MODERN,
    "modern_conditional": {
        **_MODERN,
        "conditional": True,
        "mismatch_weight": 0.25,
        "learning_rate_end_factor": 0.05,
    },
    "modern_large": _for_a_large_device(_MODERN, batch=8, width=4),
}
