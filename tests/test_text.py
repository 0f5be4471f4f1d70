import pytest

from gan.text import counted


@pytest.mark.parametrize(
    ("number", "things", "words"),
    [
        (3, "files that end in .txt", "3 files that end in .txt"),
        (1, "files that end in .txt", "1 file that ends in .txt"),
        (1, "links that lead back to themselves", "1 link that leads back to itself"),
        (1, "links to folders inside class folders", "1 link to folders inside class folders"),
        (1, "sub-folders without images", "1 sub-folder without images"),
        (1, "devices, pipes and sockets", "1 device, pipe or socket"),
        (12_000, "images", "12,000 images"),
    ],
)
def test_things_are_counted_in_their_words(number, things, words):
    assert counted(number, things) == words
