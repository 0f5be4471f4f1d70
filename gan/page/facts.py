"""What a page must know of a generator, as JSON holds it: the same from a server as from a file beside the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def facts(
    title: str,
    step: int,
    steps: Sequence[int],
    latent_size: int,
    image_shape: Sequence[int],
    classes: Mapping[int, str],
    directions: Sequence[tuple[float, np.ndarray]],
    can: Mapping[str, bool],
) -> dict[str, Any]:
    """The facts of the generator of `step`; `steps` are those that can be chosen, ascending.

    `classes` are the names of those that can be asked for, by number. A direction is its share of the variance and a
    unit vector [latent_size]. `can` says what the backend does: "steps", "animations", "archives".
    """
    return {
        "title": title,
        "step": step,
        "steps": list(steps),
        "latent_size": latent_size,
        "image_shape": list(image_shape),
        "classes": [{"number": number, "name": name} for number, name in classes.items()],
        "directions": [
            {"share": share, "name": f"Direction {i}", "vector": vector.tolist()}
            for i, (share, vector) in enumerate(directions, start=1)
        ],
        "can": dict(can),
    }
