"""Independent references in NumPy that several tests of the core compare with."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def reference_convolution():
    """A float64 convolution written from its definition: x [B, H, W, C], kernel [k, k, C, K] -> [B, H', W', K]."""

    def convolve(x, kernel, padding, upsample):
        x = np.asarray(x, np.float64).repeat(upsample, axis=1).repeat(upsample, axis=2)
        taps = kernel.shape[0]
        if padding == "SAME":
            sides = ((taps - 1) // 2, taps // 2)
            x = np.pad(x, ((0, 0), sides, sides, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (taps, taps), axis=(1, 2))  # [B, H', W', C, k, k]
        return np.einsum("bhwcij,ijck->bhwk", windows, np.asarray(kernel, np.float64), optimize=True)

    return convolve
