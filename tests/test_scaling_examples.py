"""The files of docs/scaling: they parse, name flags that exist, and treat every exit code as the page says."""

import configparser
import contextlib
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from gan import config as configs
from gan.errors import BusyError, DivergedError, LostPeerError, Preempted, StorageError, UserError
from gan.settings import fields

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs/scaling"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}
AGAIN = {each.exit_code for each in (BusyError, LostPeerError, Preempted)}
FOR_A_PERSON = {each.exit_code for each in (UserError, DivergedError, StorageError)}
GPUS = {"gan-train.service": 2, "slurm.sh": 2 * 8, "tfjob.yaml": 1 + 4}


@pytest.fixture(scope="module")
def known() -> set[str]:
    """The flags of bin/train, by its help."""
    line = [sys.executable, "-m", "gan.cli.train", "--help"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True, timeout=300)
    return set(re.findall(r"^  --(?:\[no\])?(\w+)", done.stdout, re.MULTILINE))


def commands(text: str) -> list[dict[str, str]]:
    """The flags of each bin/train that a file starts, by name."""
    whole = text.replace("\\\n", " ")
    lines = re.findall(r"bin/train((?: +--\w+=\S+)+)", whole)
    return [dict(re.findall(r"--(\w+)=(\S+)", line)) for line in lines]


@pytest.mark.parametrize("name", TEXTS)
def test_a_file_starts_one_training_that_can_be(name, known):
    (given,) = commands(TEXTS[name])
    assert given.keys() <= known
    settings = {key: value for key, value in given.items() if key in fields()}
    config = configs.make(**{**settings, "batch_size": int(settings["batch_size"])})
    assert config.batch_size % GPUS[name] == 0
    assert given["workdir"].startswith("/") or name == "slurm.sh"


def stub(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("code", sorted({0, 137} | AGAIN | FOR_A_PERSON))
def test_a_job_of_slurm_goes_back_into_the_queue_if_it_can_go_on(tmp_path, code):
    stub(tmp_path, "srun", f'echo "$*"; exit {code}')
    stub(tmp_path, "scontrol", 'echo "$*"')
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_JOB_ID": "4711", "SLURM_CPUS_PER_TASK": "8"}
    done = subprocess.run(["bash", FOLDER / "slurm.sh"], env=environment, capture_output=True, text=True, timeout=60)
    first, *more = done.stdout.splitlines()
    assert done.returncode == code and not done.stderr and "bin/train --preset=modern_large" in first
    assert more == (["requeue 4711"] if code in AGAIN | {137} else [])


def test_the_unit_of_systemd_starts_again_what_can_go_on():
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(TEXTS["gan-train.service"])
    service = unit["Service"]
    assert {int(code) for code in service["RestartForceExitStatus"].split()} == AGAIN
    assert service["Restart"] == "on-abnormal"  # signals; no code beside those above
    assert int(service["SuccessExitStatus"]) == Preempted.exit_code
    assert service["ExecStart"].startswith("/opt/gan-engine/bin/train ") and service["KillMode"] == "mixed"


def shell_of_the_manifest(train: Path) -> list[str]:
    """The command of its containers, with another program in the place of bin/train."""
    block = re.search(r"^ +- \|\n((?: {18}.*\n)+)", TEXTS["tfjob.yaml"], re.MULTILINE)
    script = textwrap.dedent(block[1])
    assert script.count("/opt/gan-engine/bin/train") == 1
    return ["/bin/sh", "-c", script.replace("/opt/gan-engine/bin/train", str(train))]


@pytest.mark.parametrize("code", sorted({0, 137} | AGAIN | FOR_A_PERSON))
def test_the_operator_of_kubeflow_sees_a_code_from_128_on_if_it_can_go_on(tmp_path, code):
    stub(tmp_path, "train", f"exit {code}")
    done = subprocess.run(shell_of_the_manifest(tmp_path / "train"), timeout=60)
    assert (done.returncode >= 128) == (code in AGAIN | {137})
    assert done.returncode == (138 if code in (75, 76) else code)


def test_a_container_that_is_to_end_lets_the_trainer_save(tmp_path):
    saving = "trap 'echo saving; sleep 0.2; echo saved; exit 143' TERM\necho ready\nwhile :; do sleep 0.05; done"
    stub(tmp_path, "train", saving)
    command = shell_of_the_manifest(tmp_path / "train")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as container:
        try:
            assert container.stdout.readline() == "ready\n"
            container.send_signal(signal.SIGTERM)
            assert container.communicate(timeout=60)[0] == "saving\nsaved\n"
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(container.pid, signal.SIGKILL)
    assert container.returncode == 143


def test_the_manifest_is_yaml_that_refers_to_what_it_has():
    """As far as can be seen without a parser; against the published schema it was checked by hand."""
    text = TEXTS["tfjob.yaml"]
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert all((len(line) - len(line.lstrip(" "))) % 2 == 0 and "\t" not in line for line in lines)
    plain = [
        line for line in lines if not line.startswith(" " * 18) or line.strip().startswith(("nvidia", "cpu", "mem"))
    ]
    assert all(re.fullmatch(r" *(- )?([\w./-]+:( .+)?|/bin/sh|-c|\|)", line) for line in plain)
    assert set(re.findall(r": &(\w+)$", text, re.MULTILINE)) == set(re.findall(r": \*(\w+)$", text, re.MULTILINE))
    assert (
        text.count("- name: tensorflow\n") == text.count("restartPolicy: ExitCode\n") == 2
    )  # names the operator knows
    assert text.count("- name: tfjob-port\n") == 1 and text.count("claimName: gan-runs") == 1  # the chief's alone
