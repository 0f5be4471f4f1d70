import pytest
from absl import flags

from gan import config
from gan.cli import settings
from gan.errors import UserError
from gan.jobs.asked import DATA, NUMERICS
from gan.settings import GROUPS, fields


def parsed(*arguments, names=()):
    values = flags.FlagValues()
    settings.define(names, values)
    values(["program", *arguments])
    return values


def test_every_setting_is_a_flag_of_its_type():
    values = parsed()
    words = {bool: "bool", int: "int", float: "float", str: "string"}
    for name, field in fields().items():
        assert values[name].flag_type() == words[field.type]
        assert values[name].value is None
        assert field.metadata["help"] in values[name].help


def test_only_what_was_given_is_explicit():
    assert settings.explicit(values=parsed()) == {}
    given = settings.explicit(values=parsed("--steps=3", "--d_dropout", "0.1", "--dataset=garments", "--seed=0"))
    assert given == {"steps": 3, "d_dropout": 0.1, "dataset": "garments", "seed": 0}
    assert isinstance(given["d_dropout"], float)


def test_config_is_the_preset_with_what_was_given():
    given = settings.explicit(values=parsed("--preset=article_as_published", "--epochs=2"))
    assert config.make(**given) == config.make("article_as_published", epochs=2.0)
    given = settings.explicit(values=parsed("--label_noise_mode=added", "--preset=article_as_published"))
    assert config.make(**given).label_noise_mode == "added"
    assert config.make(**settings.explicit(values=parsed())) == config.make()


def test_some_of_the_settings_alone():
    values = parsed("--precision=float32", "--steps=3", "--dataset=garments")
    assert settings.explicit(NUMERICS, values) == {"precision": "float32"}
    assert settings.explicit(DATA, values) == {"dataset": "garments"}


def test_flagfile_counts_as_given_and_later_flags_override_it(tmp_path):
    file = tmp_path / "flags.txt"
    file.write_text("# a run\n--steps=5\n\n--seed=9\n")
    assert settings.explicit(values=parsed(f"--flagfile={file}", "--steps=6")) == {"steps": 6, "seed": 9}


def test_a_bad_value_is_refused():
    with pytest.raises(UserError, match="--precision=float8"):
        config.make(**settings.explicit(values=parsed("--precision=float8")))
    with pytest.raises(flags.IllegalFlagValueError):
        parsed("--steps=many")


def test_a_command_may_define_some_settings():
    values = parsed("--dataset=garments", names=["dataset", "seed"])
    assert set(values) == {"dataset", "seed"}
    assert settings.explicit(values=values) == {"dataset": "garments"}
    assert settings.describe(values) == {"Run": ["seed"], "Data": ["dataset"]}
    with pytest.raises(KeyError):
        settings.define(["nonsense"], flags.FlagValues())


def test_describe_shows_every_setting_once_in_its_group():
    described = settings.describe(parsed())
    assert list(described) == list(GROUPS.values())
    assert sorted(name for names in described.values() for name in names) == sorted(fields())


def test_help_says_choices_defaults_and_presets():
    values = parsed()
    assert "default: 32; article: 128" in values["batch_size"].help
    assert "auto, float32, tensorfloat32, mixed_bfloat16 or mixed_float16" in values["precision"].help
    assert "article_as_published: overwritten" in values["label_noise_mode"].help
    assert all(preset in values["preset"].help for preset in config.PRESETS)
    assert values["preset"].help.endswith(f"(default: {config.DEFAULT_PRESET})")
