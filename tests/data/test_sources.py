from gan.data import sources


def test_held_out_images_are_opened_once_beside_the_same_images(monkeypatch):
    opened, real = [], sources.open_test
    monkeypatch.setattr(sources, "open_test", lambda *args, **rest: opened.append(rest) or real(*args, **rest))
    first, other = sources.open_source("garments"), sources.open_source("garments")
    assert sources.open_beside(first, "garments") is sources.open_beside(first, "garments") and len(opened) == 1
    assert sources.open_beside(other, "garments").num_examples == 10_000 and len(opened) == 2
