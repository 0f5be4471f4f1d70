from gan.networks import pyramid


def test_which_resolutions_fit():
    fit = [resolution for resolution in range(-2, 130) if not pyramid.check_resolution(resolution)]
    assert fit == [10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128]
    assert "30 pixels a side are not a base" in pyramid.check_resolution(30)
    assert pyramid.check_resolution(8).startswith("8 pixels a side are too few for these networks, 10 are the least")
    assert "20 are the least" in pyramid.check_resolution(16, smallest=20)


def test_the_base_is_the_largest_map_of_at_most_eight_pixels():
    assert [pyramid.base(size) for size in (8, 20, 28, 32, 64, 96)] == [(8, 0), (5, 2), (7, 2), (8, 2), (8, 3), (6, 4)]
