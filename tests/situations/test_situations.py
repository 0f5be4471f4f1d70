import pytest

from tests.situations import Place, Situation
from tests.situations.table import everything


@pytest.mark.parametrize("each", everything(), ids=lambda each: each.check.__name__)
def test_what_the_table_says_happens(each: Situation, tmp_path, server):
    each.check(Place(tmp_path, server))
