"""Who the workers are, as an environment tells, and how they wait for one another."""

import json
import socket

import pytest

from gan.errors import LostPeerError, UserError
from gan.machine import cluster

PAIR = ["host1:2222", "host2:2222"]


def tf_config(jobs: object, **task) -> dict[str, str]:
    return {"TF_CONFIG": json.dumps({"cluster": jobs, "task": task})}


def test_several_workers_are_those_of_a_cluster_or_of_a_step_of_slurm():
    assert cluster.kind({}) == ""
    assert cluster.kind({"TF_CONFIG": "  "}) == ""
    assert cluster.kind({"TF_CONFIG": cluster.described(PAIR, 1)}) == "TF_CONFIG"
    assert cluster.kind(tf_config({"chief": PAIR[:1], "worker": PAIR[1:]}, type="chief", index=0)) == "TF_CONFIG"
    assert cluster.kind(tf_config({"worker": {"0": PAIR[0], "1": PAIR[1]}}, type="worker", index="1")) == "TF_CONFIG"
    assert cluster.kind(tf_config({"worker": PAIR[:1]}, type="worker", index=0)) == ""
    assert cluster.kind(tf_config({}, type="worker", index=0)) == ""
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}
    assert cluster.kind(step) == "Slurm"
    assert (
        cluster.kind({**step, "SLURM_STEP_NUM_TASKS": "1"}) == "" and cluster.kind({"SLURM_STEP_NUM_TASKS": "2"}) == ""
    )


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"TF_CONFIG": "{"}, "is not of the form"),
        ({"TF_CONFIG": "[1]"}, "is not of the form"),
        ({"TF_CONFIG": "[" * 100000}, "is not of the form"),
        (tf_config({"worker": ["host1", "host2:1"]}, type="worker", index=0), "is not of the form"),
        (tf_config({"worker": ["host1:0", "host2:1"]}, type="worker", index=0), "is not of the form"),
        (tf_config({"worker": [1, 2]}, type="worker", index=0), "is not of the form"),
        (tf_config({"worker": PAIR}, type="worker", index=0.7), "is not of the form"),
        (
            {"TF_CONFIG": json.dumps({"cluster": {"worker": PAIR}, "task": {"index": 0}})[:-3] + "1e999}}"},
            "is not of the form",
        ),
        (tf_config({"worker": ["a..b:22", "c:1"]}, type="worker", index=0), "is not of the form"),
        (tf_config({"worker": [f"{'x' * 64}.org:22", "c:1"]}, type="worker", index=0), "is not of the form"),
        (tf_config({"worker": {"0": "a:1", "5": "b:2"}}, type="worker", index=1), "is not of the form"),
        (tf_config({"worker": PAIR}, type=[], index=0), "this is task [] 0"),
        (tf_config({"worker": PAIR}, type="worker", index=2), "this is task worker 2, which its cluster does not have"),
        (tf_config({"worker": PAIR}, type="worker", index=-1), "this is task worker -1"),
        (tf_config({"worker": PAIR}), "this is task none 0"),
        (tf_config({"worker": PAIR, "ps": ["host3:1"]}, type="ps", index=0), "has a job 'ps'"),
        (tf_config({"chief": PAIR}, type="chief", index=0), "more than one chief"),
        (tf_config({"worker": PAIR[:1] * 2}, type="worker", index=0), "an address twice"),
    ],
)
def test_what_names_no_workers_is_told(environment, line):
    with pytest.raises(UserError, match="^TF_CONFIG ") as error:
        cluster.kind(environment)
    assert line in str(error.value) and str(error.value).endswith("; mend it, or unset it to train alone")


def test_all_are_waited_for_and_the_port_is_free_then():
    with socket.create_server(("127.0.0.1", 0)) as other, socket.create_server(("127.0.0.1", 0)) as mine:
        own, there = (f"127.0.0.1:{each.getsockname()[1]}" for each in (mine, other))
        mine.close()
        with cluster.assembled({"worker 0": own, "worker 1": there}, "worker 0", 1.0):
            socket.create_server(("127.0.0.1", int(own.split(":")[1]))).close()


def test_who_does_not_come_and_a_port_that_is_taken_are_told():
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        first, second = (f"127.0.0.1:{each.getsockname()[1]}" for each in (taken, free))
        free.close()
        with (
            pytest.raises(UserError, match=f"cannot listen at {first}: Address already in use"),
            cluster.assembled({"worker 0": first, "worker 1": second}, "worker 0", 1.0),
        ):
            pass
        gone = "127.0.0.1:1"
        with (
            pytest.raises(LostPeerError, match=rf"^worker 1 \({gone}\) did not come within 1e-06 minutes"),
            cluster.assembled({"worker 0": second, "worker 1": gone}, "worker 0", 1e-6),
        ):
            pass
