from gan.runs import checkpoint, tensors
from tests.faults import damage, outcomes


def test_a_damaged_checkpoint_falls_back_or_ends_with_one_line(tmp_path, server):
    found = damage.damage_checkpoints(server, tmp_path, seed=0, places=3, bits=20, by_command=False)
    assert outcomes.failures(found) == []
    kinds = [each.phase for each in found]
    assert kinds.count("truncated") == 9 and kinds.count("a bit flipped") == 20 and kinds.count(damage.DENIED) == 3


def test_the_harness_sees_what_must_not_be(tmp_path, monkeypatch):
    """Damage taken for absence is a start from nothing; and values are compared."""
    checkpoints = tmp_path / "checkpoints"
    reader = _reader(checkpoints)
    flipped = damage.Fault("a bit flipped", "data", lambda folder: None)
    state = checkpoints / "step_0000000006" / tensors.FILE
    data = bytearray(state.read_bytes())
    data[0] ^= 1
    state.write_bytes(data)
    assert reader.wrong(checkpoints, flipped) == ""
    monkeypatch.setattr(reader, "_restore", lambda folder, variables: None)
    assert reader.wrong(checkpoints, flipped) == "data: taken for no checkpoint at all"
    monkeypatch.setattr(reader, "_restore", lambda folder, variables: checkpoint.Restored(6, {}, []))
    assert reader.wrong(checkpoints, flipped) == "data: step 6 with other values than were saved"


def _reader(checkpoints):
    import tensorflow as tf

    for step in damage.SAVED:
        checkpoint.save(checkpoints, {"a": [tf.Variable([1.0, float(step)])]}, step, {})
    return damage.Reader(checkpoints)
