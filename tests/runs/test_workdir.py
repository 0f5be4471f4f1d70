import dataclasses
import json
import os

import pytest
from absl import flags as absl_flags

from gan import config as configs
from gan.errors import StorageError, UserError
from gan.runs import lock, workdir
from gan.settings import Config, fields

FACTS = {"fingerprint": "abc", "num_examples": 60, "image_shape": (8, 8, 1), "class_names": ("a", "b"), "name": "toy"}
BASE = configs.make("article", g_learning_rate=2e-4, data_dir="/some/where", strategy="mirrored", logical_cpus=2)


def changed(**settings):
    return dataclasses.replace(BASE, **settings)


def saved(path):
    return json.loads((path / "config.json").read_text())


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "runs" / "one"
    assert workdir.open_run(path, BASE, FACTS, override=False) == []
    return path


def test_a_new_run_holds_settings_data_and_versions(run):
    content = saved(run)
    assert content["settings"] == dataclasses.asdict(BASE)
    assert content["data"]["fingerprint"] == "abc" and content["data"]["name"] == "toy"
    assert set(content["versions"]) == {"python", "tensorflow", "numpy", "gan"}
    assert content["history"] == [] and content["created"].endswith("+00:00")
    config, data = workdir.load_run(run)
    assert config == BASE and data["image_shape"] == [8, 8, 1]


def test_the_same_settings_change_no_byte(run):
    before = (run / "config.json").read_bytes()
    assert workdir.open_run(run, BASE, FACTS, override=False) == []
    assert (run / "config.json").read_bytes() == before


def test_free_changes_are_accepted_in_silence_and_recorded(run):
    config = changed(steps=7, log_every_steps=3)
    assert workdir.open_run(run, config, {**FACTS, "name": "moved"}, override=False) == []
    content = saved(run)
    assert content["settings"]["steps"] == 7 and content["data"]["name"] == "moved"
    assert [entry["changes"] for entry in content["history"]] == [["steps: 0 -> 7", "log_every_steps: 10 -> 3"]]


def test_numerical_changes_are_accepted_with_a_warning(run):
    warnings = workdir.open_run(run, changed(precision="float32", threads=1), FACTS, override=False)
    assert len(warnings) == 1
    assert "threads: 0 -> 1" in warnings[0] and "precision: auto -> float32" in warnings[0]


def test_tunable_changes_need_override(run):
    before = (run / "config.json").read_bytes()
    config = changed(g_learning_rate=1e-3, gamma=1.0)
    with pytest.raises(UserError) as caught:
        workdir.open_run(run, config, FACTS, override=False)
    text = str(caught.value)
    assert f"g_learning_rate: {BASE.g_learning_rate} -> 0.001" in text
    assert f"gamma: {BASE.gamma} -> 1.0" in text and "--override" in text
    assert "\n" not in text and (run / "config.json").read_bytes() == before
    warnings = workdir.open_run(run, config, FACTS, override=True)
    assert len(warnings) == 1 and "g_learning_rate: 0.0002 -> 0.001" in warnings[0]
    assert workdir.load_run(run)[0] == config
    assert workdir.open_run(run, config, FACTS, override=False) == []


@pytest.mark.parametrize("override", [False, True])
@pytest.mark.parametrize(
    ("settings", "facts", "line"),
    [
        ({"seed": 1}, {}, "seed: 0 -> 1"),
        ({"batch_size": 64}, {}, "batch_size: 128 -> 64"),
        ({}, {"fingerprint": "abd"}, "data fingerprint: abc -> abd"),
        ({}, {"num_examples": 59}, "data num_examples: 60 -> 59"),
        ({}, {"image_shape": (8, 8, 3)}, "data image_shape: [8, 8, 1] -> [8, 8, 3]"),
        ({}, {"class_names": ("a", "c")}, "data class_names: ['a', 'b'] -> ['a', 'c']"),
    ],
)
def test_fixed_changes_and_other_data_are_refused_always(run, settings, facts, line, override):
    before = (run / "config.json").read_bytes()
    with pytest.raises(UserError) as caught:
        workdir.open_run(run, changed(**settings), {**FACTS, **facts}, override=override)
    assert line in str(caught.value) and "another --workdir" in str(caught.value)
    assert (run / "config.json").read_bytes() == before


def test_a_run_with_a_setting_that_is_no_more_is_not_continued_without_it(run):
    content = saved(run)
    content["settings"]["old_knob"] = 3
    (run / "config.json").write_text(json.dumps(content))
    for override in (False, True):
        with pytest.raises(UserError, match="does not know: old_knob"):
            workdir.open_run(run, BASE, FACTS, override=override)
    with pytest.raises(UserError, match="does not know: old_knob"):
        workdir.load_run(run)


def test_a_setting_under_its_old_name_keeps_its_value(run):
    content = saved(run)
    del content["settings"]["gamma"]
    content["settings"]["r1_gamma"] = 7.0
    (run / "config.json").write_text(json.dumps(content))
    assert workdir.load_run(run)[0].gamma == 7.0


def test_flags_file_gives_the_same_config_to_absl(tmp_path):
    odd = {"data_dir": "/a b/\"q\" 'r' #x \\ $HOME größe", "dataset": "folder:/x=y --flagfile=z"}
    switched = {name: not field.default for name, field in fields().items() if field.type is bool}
    config = changed(**odd, **switched, steps=3, epsilon=1e-8)
    workdir.open_run(tmp_path / "run", config, FACTS, override=False)
    values = absl_flags.FlagValues()
    define = {str: absl_flags.DEFINE_string, int: absl_flags.DEFINE_integer}
    define |= {float: absl_flags.DEFINE_float, bool: absl_flags.DEFINE_bool}
    for name, field in fields().items():
        define[field.type](name, field.default, "", flag_values=values)
    values(["program", f"--flagfile={tmp_path / 'run' / 'flags.txt'}"])
    assert Config(**{name: values[name].value for name in fields()}) == config


def test_what_only_a_setting_without_effect_would_need_is_a_comment_too(tmp_path):
    begun = configs.make("dcgan", schedule="cosine", schedule_images=1000, learning_rate_end_factor=0.5)
    config = configs.continued(begun, {"learning_rate_end_factor": 1.0})
    workdir.open_run(tmp_path / "run", config, FACTS, override=False)
    lines = (tmp_path / "run" / "flags.txt").read_text().splitlines()
    given = [line[2:].partition("=")[0] for line in lines if line.startswith("--")]
    assert not {"schedule", "schedule_images"} & set(given)
    again = configs.make(**{name: getattr(config, name) for name in given})
    assert again == dataclasses.replace(config, schedule="constant", schedule_images=0)


@pytest.mark.parametrize("value", ["/a\n--seed=5", "/a ", "/a\udcff"])
def test_what_a_flags_file_cannot_hold_stands_there_as_a_comment(tmp_path, value):
    workdir.open_run(tmp_path / "run", changed(data_dir=value), FACTS, override=False)
    lines = (tmp_path / "run" / "flags.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith("--seed")] == ["--seed=0"]
    assert any(line.startswith("# data_dir") for line in lines) and not any(
        line.startswith("--data_dir") for line in lines
    )
    assert workdir.load_run(tmp_path / "run")[0].data_dir == value


def cut(text):
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: b"",
        cut,
        lambda text: b"\xff\xfe\x00" + text,
        lambda text: b"[]",
        lambda text: b'{"settings": 3, "data": {}, "versions": {}, "created": "", "history": []}',
        lambda text: b"[" * 100_000,
    ],
)
def test_a_damaged_config_is_one_line_and_stays_as_it_is(run, damage):
    path = run / "config.json"
    bad = damage(path.read_bytes())
    path.write_bytes(bad)
    for attempt in (lambda: workdir.open_run(run, BASE, FACTS, override=True), lambda: workdir.load_run(run)):
        with pytest.raises(UserError) as caught:
            attempt()
        assert "config.json is damaged" in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == bad


def test_a_config_with_an_impossible_value_is_damaged(run):
    content = saved(run)
    content["settings"]["batch_size"] = "many"
    (run / "config.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"config\.json is damaged: --batch_size='many'"):
        workdir.load_run(run)


def test_a_start_that_ended_before_it_had_a_config_may_begin_again(tmp_path):
    (tmp_path / workdir.CHECKPOINTS).mkdir()
    (tmp_path / ".lock").write_text("PID 1 on there")
    workdir.check_folder(tmp_path)
    (tmp_path / workdir.CHECKPOINTS / "step_0000000002").mkdir()
    with pytest.raises(UserError, match=r"holds files but no config\.json"):
        workdir.check_folder(tmp_path)


def test_folders_that_cannot_be_a_run_are_refused_untouched(tmp_path):
    (tmp_path / "file").write_text("x")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("x")
    for path, words in ((tmp_path / "file", "is a file"), (foreign, "holds files but no config.json")):
        for attempt in (lambda: workdir.open_run(path, BASE, FACTS, override=True), lock.Lock(path).__enter__):  # noqa: B023
            with pytest.raises(UserError, match=words):
                attempt()
    assert os.listdir(foreign) == ["thesis.tex"]
    with pytest.raises(UserError, match="no run in it"):
        workdir.load_run(foreign)
    with pytest.raises(StorageError, match="file stands where a folder is needed"):
        workdir.open_run(tmp_path / "file" / "below", BASE, FACTS, override=False)


def test_an_empty_folder_or_one_with_hidden_files_is_taken(tmp_path):
    (tmp_path / ".hidden").write_text("x")
    with lock.Lock(tmp_path):
        workdir.open_run(tmp_path, BASE, FACTS, override=False)
    assert (tmp_path / ".hidden").exists() and workdir.load_run(tmp_path)[0] == BASE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_without_permission_is_one_line(run):
    os.chmod(run, 0o755)
    child = os.fork()
    if not child:
        code = 1
        try:
            for folder in run.parents:
                folder.exists() and os.chmod(folder, os.stat(folder).st_mode | 0o555)
            os.setuid(65534)
            workdir.open_run(run, BASE, FACTS, override=False)
        except StorageError as error:
            code = 0 if "Permission denied; check the permissions" in str(error) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_flags_file_has_no_command_that_somebody_else_might_run(tmp_path):
    begun = configs.make("article", preempted_when_succeeds="rm -r /")
    workdir.open_run(tmp_path, begun, dict.fromkeys(workdir.DATA_IDENTITY), override=False)
    lines = (tmp_path / workdir.FLAGS).read_text().splitlines()
    assert [line for line in lines if "preempted_when_succeeds" in line] == [
        "# --preempted_when_succeeds: a command is not kept here, so that nobody runs another's"
    ]
    assert "rm -r" not in "".join(lines)


def test_what_happened_is_noted_in_the_history_once(tmp_path):
    workdir.open_run(tmp_path, configs.make("article"), dict.fromkeys(workdir.DATA_IDENTITY), override=False)
    for line in ("one", "two", "one"):
        workdir.add_to_history(tmp_path, line, 3, [{"step": 3, "why": "x"}])
    content = json.loads((tmp_path / workdir.CONFIG).read_text())
    history = content["history"]
    assert [(entry["step"], entry["changes"]) for entry in history] == [(3, ["one"]), (3, ["two"])]
    assert content["inexact"] == [{"step": 3, "why": "x"}]
    assert all(entry["time"].endswith("+00:00") for entry in history)
