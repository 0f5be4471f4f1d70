import pytest

from gan.text import binary, counted, dimensions, markdown, printable


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


def test_what_is_hidden_is_spelled():
    assert printable("a\nb\x1b[31m\x7f\x9b\u2028\u202e\udcff") == "a\\nb\\x1b[31m\\x7f\\x9b\\u2028\\u202e\\udcff"
    assert (
        printable("caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469")
        == "caf\u00e9 \u65e5\u672c \U0001f468\u200d\U0001f469"
    )


def test_sizes_are_said_with_the_width_first():
    assert dimensions((32, 64, 3)) == "64 x 32 x 3" and dimensions((28, 30)) == "30 x 28"


def test_what_markdown_would_obey_stands_for_itself():
    assert markdown("T-shirt/top, it's") == "T-shirt/top, it's"
    assert markdown("<b>*a*</b> [c](d:e) `f`|\n\\") == r"\<b\>\*a\*\</b\> \[c\]\(d\:e\) \`f\`\|\\n\\"
    punctuation = '!"#$%&()*+.:;<=>?@[\\]^_`{|}~'
    assert markdown(punctuation) == "".join(f"\\{character}" for character in punctuation)


def test_bytes_are_said_in_binary_units():
    assert (binary(604_680), binary(2_154_700)) == ("591 KiB", "2.1 MiB")
