"""The free memory of GPUs, asked of a driver that is not there."""

import ctypes

import pytest

from gan.machine import gpu_memory


class Driver:
    """What the functions of libcuda.so.1 do that are called; `free` has the bytes of each GPU. `fails` is refused."""

    def __init__(self, free, fails=""):
        self.free, self.fails, self.device, self.stack, self.retained = free, fails, None, [], 0

    def cuInit(self, flags):  # noqa: N802
        return 100 if self.fails == "cuInit" else 0

    def cuDeviceGet(self, device, number):  # noqa: N802
        device._obj.value = 10 + number
        return 101 if self.fails == "cuDeviceGet" else 0

    def cuDevicePrimaryCtxRetain(self, context, device):  # noqa: N802
        context._obj.value, self.retained = 1000 + device.value, self.retained + 1
        return 0

    def cuCtxPushCurrent_v2(self, context):  # noqa: N802
        self.stack.append(context.value)
        return 0

    def cuMemGetInfo_v2(self, free, total):  # noqa: N802
        free._obj.value = self.free[self.stack[-1] - 1010]
        return 2 if self.fails == "cuMemGetInfo_v2" else 0

    def cuCtxPopCurrent_v2(self, context):  # noqa: N802
        self.stack.pop()
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, device):  # noqa: N802
        self.retained -= 1
        return 0


@pytest.fixture
def driver(monkeypatch):
    def put(made):
        gpu_memory.least_free.cache_clear()
        monkeypatch.setattr(ctypes, "CDLL", lambda name: made)
        return made

    yield put
    gpu_memory.least_free.cache_clear()


def test_the_least_of_the_gpus_counts_and_no_context_is_left(driver):
    made = driver(Driver([3 << 30, 5 << 30, 1 << 30]))
    assert gpu_memory.least_free(2) == 3 << 30 and gpu_memory.least_free(3) == 1 << 30
    assert made.stack == [] and made.retained == 0


def test_it_is_asked_once(driver):
    made = driver(Driver([8]))
    assert gpu_memory.least_free(1) == 8
    made.free = [7]
    assert gpu_memory.least_free(1) == 8


@pytest.mark.parametrize("fails", ["cuInit", "cuDeviceGet", "cuMemGetInfo_v2"])
def test_what_the_driver_refuses_to_say_counts_as_nothing(driver, fails):
    made = driver(Driver([1 << 30], fails))
    assert gpu_memory.least_free(1) == 0 and made.stack == [] and made.retained == 0


def test_without_a_driver_or_a_gpu_there_is_none(driver):
    driver(object())
    assert gpu_memory.least_free(1) == 0
    driver(Driver([1 << 30]))
    assert gpu_memory.least_free(0) == 0


def test_without_the_library_of_the_driver_nobody_tells(monkeypatch):
    gpu_memory.least_free.cache_clear()
    monkeypatch.setattr(gpu_memory, "_DRIVER", "libnobody-has-this.so")
    assert gpu_memory.least_free(1) == 0
    gpu_memory.least_free.cache_clear()
