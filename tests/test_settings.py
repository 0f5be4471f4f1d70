"""The table of the settings."""

from gan.settings import GROUPS, fields


def test_every_setting_explains_itself():
    for name, field in fields().items():
        rule = field.metadata
        assert rule["group"] in GROUPS, name
        assert rule["change"] in ("free", "numerics", "tunable", "fixed"), name
        assert rule["help"] and not rule["help"].endswith("."), name
        assert type(field.default) is field.type, name


def test_the_groups_of_the_settings_are_in_order_and_none_is_empty():
    found = [field.metadata["group"] for field in fields().values()]
    assert list(dict.fromkeys(found)) == list(GROUPS)
    assert found == sorted(found, key=list(GROUPS).index)
