"""How much memory is free on the GPUs: TensorFlow tells only what it uses of it itself, so CUDA's driver is asked."""

import ctypes
import functools

_DRIVER = "libcuda.so.1"


@functools.lru_cache(maxsize=1)
def least_free(count: int) -> int:
    """The free bytes of that of the first `count` GPUs with the least, when first asked; 0 where nobody tells."""
    try:
        driver = ctypes.CDLL(_DRIVER)
        if not count or driver.cuInit(0):
            return 0
        return min(_free(driver, number) for number in range(count))
    except (OSError, AttributeError):  # no such library, or another one
        return 0


def _free(driver: ctypes.CDLL, number: int) -> int:
    """The free bytes of one of the GPUs that this process may use; 0 if the driver refuses to say."""
    device, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if driver.cuDeviceGet(ctypes.byref(device), number):
        return 0
    if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):  # that of TensorFlow
        return 0
    try:
        if driver.cuCtxPushCurrent_v2(context):
            return 0
        refused = driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        driver.cuCtxPopCurrent_v2(ctypes.byref(context))
        return 0 if refused else free.value
    finally:
        driver.cuDevicePrimaryCtxRelease_v2(device)
