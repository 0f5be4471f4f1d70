"""The latents that the page makes are those of the engine."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from gan.page import files
from gan.sampling import sampler

NODE = shutil.which("node")
SCRIPT = """
import { latents } from %s;
const cases = %s;
console.log(JSON.stringify(cases.map(([seed, first, count, size]) => [...latents(seed, BigInt(first), count, size)])));
"""


def cases() -> list[tuple[str, str, int, int]]:
    """(seed, first, count, size): numbers in digits, which JSON's readers keep whole."""
    random = np.random.default_rng(0)
    fixed = [
        (0, 0, 4, 128),
        (2**63 - 1, 0, 3, 128),
        (2**53 + 1, 2**31, 2, 7),
        (2**32, 2**32 - 1, 3, 2),  # the counter's lower word runs over
        (1, 10**8 - 1, 1, 1),
        (5, 0, 1, 513),
    ]
    drawn = [
        (
            int(random.integers(2**63)),
            int(random.integers(10**6)),
            int(random.integers(1, 5)),
            int(random.integers(1, 99)),
        )
        for _ in range(40)
    ]
    return [(str(seed), str(first), count, size) for seed, first, count, size in fixed + drawn]


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_latents_of_any_seed_place_and_size_are_those_of_the_engine(tmp_path):
    module = tmp_path / "philox.mjs"
    module.write_bytes(files.read("philox.js"))
    script = tmp_path / "script.mjs"
    script.write_text(SCRIPT % (json.dumps(f"./{module.name}"), json.dumps(cases())))
    done = subprocess.run([NODE, str(script)], capture_output=True, text=True, check=True, timeout=60)
    for (seed, first, count, size), found in zip(cases(), json.loads(done.stdout), strict=True):
        expected = sampler.latents(int(seed), int(first), count, size).numpy()
        np.testing.assert_allclose(
            np.reshape(found, (count, size)), expected, atol=1e-5, rtol=0, err_msg=f"{seed} {first}"
        )
