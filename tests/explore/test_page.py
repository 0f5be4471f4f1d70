"""The page in a real browser, by clicks, drags and keys: what is seen is what the sampler draws, to the byte."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from tests import browser
from tests.explore import pages, runs

PER_PAGE = 40
LABELS = np.arange(PER_PAGE) % 3
IN_CORNER = "Sample 2 is in corner 2 of the plane."
AXES = [i / 6 for i in range(7)]  # of the map on the plane


@pytest.fixture
def drawn(generator):
    """A function of latents [n, 16] and labels [n] that gives the images of the sampler."""
    return lambda latents, labels, step=None: generator.draw(np.float32(latents), np.int32(labels), step)[0]


def along(generator, latent, *amounts):
    directions = generator.shown.directions
    return latent + sum(amount * np.float64(each.vector) for amount, each in zip(amounts, directions, strict=False))


def test_the_grid_has_the_images_of_the_seed_and_its_pages(page, generator, drawn):
    np.testing.assert_array_equal(pages.grid(page), drawn(generator.latents(0, 0, PER_PAGE), LABELS))
    page.click("#next")
    assert page.inner_text("#range") == "40–79"
    np.testing.assert_array_equal(pages.grid(page), drawn(generator.latents(0, 40, PER_PAGE), (LABELS + 1) % 3))
    page.fill("#seed", "9007199254740991")
    page.keyboard.press("Enter")
    assert page.inner_text("#range") == "0–39"
    np.testing.assert_array_equal(pages.grid(page), drawn(generator.latents(2**53 - 1, 0, PER_PAGE), LABELS))


def test_what_is_no_seed_is_told_and_the_seed_stays(page):
    def enter(text: str) -> tuple[str, str]:
        page.fill("#seed", text)
        page.keyboard.press("Enter")
        return page.input_value("#seed"), page.inner_text("#status")

    assert enter(" 1,234 ") == ("1234", "")
    page.click("#next")
    told = "The seed stays 1234: a seed is a whole number from 0 to 9,007,199,254,740,991."
    for text in ("-5", "abc", "", "1.5", "1e3", "9007199254740992", "9" * 20):
        assert enter(text) == ("1234", told), text
        assert page.inner_text("#range") == "40–79"
    assert enter("0") == ("0", told) and page.inner_text("#range") == "0–39"


def test_a_click_and_a_drag_along_a_direction_draw_the_moved_latent(page, generator, drawn):
    page.click(".cell >> nth=7")
    latent = generator.latents(0, 7, 1)
    np.testing.assert_array_equal(pages.picture(page), drawn(latent, [1])[0])
    assert page.inner_text("#where") == "Sample 7 of seed 0, bag & hat"
    for i, share in ((0, 0.9), (3, 0.2)):
        pages.slide(page, f"#direction-{i}", share)
    amounts = pages.moves(page)
    assert 2.2 < amounts[0] < 2.6 and -2.0 < amounts[3] < -1.6 and np.count_nonzero(amounts) == 2
    moved = pages.picture(page)
    np.testing.assert_array_equal(moved, drawn(along(generator, latent, *amounts), [1])[0])
    assert (moved != drawn(latent, [1])[0]).any()
    page.click("#reset")
    assert pages.moves(page) == [0.0] * 10
    np.testing.assert_array_equal(pages.picture(page), drawn(latent, [1])[0])


def test_directions_are_named_by_what_they_explain(page, generator):
    labels = page.locator("#sliders label").all_inner_texts()
    shares = [100 * each.share for each in generator.shown.directions]
    assert labels == [f"Direction {i} ({share:.1f} %)" for i, share in enumerate(shares, start=1)]


def test_truncation_brings_all_samples_to_the_same_image(page, generator, drawn):
    pages.slide(page, "#psi", 0.0)
    assert page.inner_text("#psi-now") == "0.00"
    np.testing.assert_array_equal(pages.grid(page)[3:], pages.grid(page)[:-3])
    page.locator("#psi").press("End")
    for _ in range(3):
        page.locator("#psi").press("PageDown")
    expected = np.float32(0.7 * np.float64(generator.latents(0, 0, PER_PAGE)))
    np.testing.assert_array_equal(pages.grid(page), drawn(expected, LABELS))
    np.testing.assert_array_equal(pages.picture(page), drawn(expected[:1], [0])[0])


def test_a_class_is_chosen_for_the_grid_and_for_the_picture(page, generator, drawn):
    names = page.locator("#shown button").all_inner_texts()
    assert names == ["All", *runs.NAMES] and page.locator("#label button").all_inner_texts() == list(runs.NAMES)
    page.click("#shown button >> nth=3")
    np.testing.assert_array_equal(pages.grid(page), drawn(generator.latents(0, 0, PER_PAGE), [2] * PER_PAGE))
    page.click(".cell >> nth=4")
    latent = generator.latents(0, 4, 1)
    np.testing.assert_array_equal(pages.picture(page), drawn(latent, [2])[0])
    thumbnails = pages.pixels(page, "#label canvas")
    np.testing.assert_array_equal(thumbnails, drawn(np.repeat(latent, 3, axis=0), [0, 1, 2]))
    page.click("#label button >> nth=0")
    np.testing.assert_array_equal(pages.picture(page), drawn(latent, [0])[0])
    assert page.locator("#label button[aria-pressed=true]").all_inner_texts() == [runs.NAMES[0]]


def test_the_plane_is_dragged_between_two_and_four_corners(page, generator, drawn, tmp_path):
    for i in (1, 2):
        page.click(f".cell >> nth={i}", modifiers=["Shift"])
    latents = generator.latents(0, 0, 10)
    line = pages.pixels(pages.quiet(page), "#map-picture").reshape(28, 7, 28, 1).transpose(1, 0, 2, 3)
    np.testing.assert_array_equal(line[[0, 6]], drawn(latents[1:3], [0, 0]))
    page.click(".cell >> nth=5")
    page.click("#corner-2")
    assert not page.locator("#point").is_visible()  # three corners are no plane
    page.click(".cell >> nth=8", modifiers=["Shift"])
    map_ = pages.pixels(pages.quiet(page), "#map-picture").reshape(7, 28, 7, 28, 1).transpose(0, 2, 1, 3, 4)
    np.testing.assert_array_equal(map_[[0, 0, 6, 6], [0, 6, 0, 6]], drawn(latents[[1, 2, 5, 8]], [2] * 4))
    drag_on_map(page, (0.5, 0.5), (1.0, 0.0))
    np.testing.assert_array_equal(pages.picture(page), drawn(latents[2:3], [2])[0])
    drag_on_map(page, (0.9, 0.1), (1 / 3, 0.5))
    found = pages.saved_latents(page, tmp_path)["latents"]
    x, y = map(float, re.search("plane=([0-9.]+),([0-9.]+)", page.url).groups())
    assert abs(x - 1 / 3) < 0.01 and abs(y - 0.5) < 0.01  # a pixel is 0.0025
    np.testing.assert_allclose(found[0], on_plane(latents[[1, 2, 5, 8]], x, y), atol=1e-6)
    np.testing.assert_array_equal(pages.picture(page), drawn(found, [2])[0])
    np.testing.assert_allclose(np.linalg.norm(found), np.linalg.norm(latents[[1, 2, 5, 8]], axis=1).mean(), rtol=0.3)
    page.click("#clear")
    assert page.inner_text("#where") == "Sample 5 of seed 0, <b>coat</b>"


def test_corners_that_go_in_the_middle_of_a_drag_end_it(page):
    for end in (lambda: page.locator("#clear").evaluate("(button) => button.click()"), page.go_back):
        for i in (1, 2):
            page.click(f".cell >> nth={i}", modifiers=["Shift"])
        pages.quiet(page).locator("#map").scroll_into_view_if_needed()
        box = page.locator("#map").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        assert page.inner_text("#where").startswith("The plane at")
        end()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
        page.mouse.up()
        assert page.inner_text("#where") == "Sample 0 of seed 0, boot"
        assert "plane=" not in pages.quiet(page).url and page.inner_text("#status") in ("", IN_CORNER)
        page.locator("#clear").evaluate("(button) => button.click()")


def test_a_third_corner_gives_the_plane_up(page):
    for i in (1, 2):
        page.click(f".cell >> nth={i}", modifiers=["Shift"])
    page.locator("#point").press("ArrowRight")
    assert page.inner_text("#where").startswith("The plane at 52 % across")
    page.click(".cell >> nth=3", modifiers=["Shift"])
    assert page.inner_text("#where") == "Sample 0 of seed 0, boot" and page.url.endswith("#corners=1;2;3;")


def test_only_a_sample_can_be_put_into_a_corner(page):
    corners = page.locator(".corners button")
    assert corners.evaluate_all("(all) => all.map((one) => one.disabled)") == [False] * 4
    page.locator("#time").press("ArrowRight")
    assert corners.evaluate_all("(all) => all.map((one) => one.disabled)") == [True] * 4
    assert "on a walk" in page.get_attribute("#corner-0", "title")
    page.locator("#time").press("Home")
    assert corners.evaluate_all("(all) => all.map((one) => one.disabled)") == [False] * 4


def drag_on_map(page, start, end) -> None:
    """Drags from one place of the plane to another, both 0..1 from the first to the last cell's middle."""
    page.locator("#map").scroll_into_view_if_needed()
    box = page.locator("#map").bounding_box()
    places = [
        [box[a] + box[b] * (6 * part + 0.5) / 7 for a, b, part in zip("xy", ("width", "height"), at, strict=True)]
        for at in (start, end)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def circle(one, other, share):
    angle = np.arccos(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))
    return (np.sin((1 - share) * angle) * one + np.sin(share * angle) * other) / np.sin(angle)


def on_plane(corners, x, y):
    corners = np.float64(corners)
    return circle(circle(corners[0], corners[1], x), circle(corners[2], corners[3], x), y)


def test_all_of_it_by_keys_alone(page, generator, drawn, tmp_path):
    page.locator("#shown button").last.focus()
    press(page, "Tab", "ArrowRight", "ArrowDown", "Enter")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    columns = int(re.search(r"\d+", focused)[0]) - 1
    assert columns == 8 and focused == "Sample 9, boot"
    np.testing.assert_array_equal(pages.picture(page), drawn(generator.latents(0, 9, 1), [0])[0])
    press(page, "Shift+Enter", "End", "Shift+Enter", "Home", "ArrowLeft")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Sample 0, boot"
    page.locator("#point").focus()
    press(page, "ArrowRight", "Shift+ArrowRight", "ArrowUp")
    assert page.get_attribute("#point", "aria-valuetext") == "62 % across"
    ends = np.float64(generator.latents(0, 0, PER_PAGE)[[9, 39]])
    found = pages.saved_latents(page, tmp_path)["latents"][0]
    np.testing.assert_allclose(found, circle(*ends, 0.62), atol=1e-6)
    page.locator("#direction-1").focus()
    press(page, "ArrowRight", "ArrowRight")
    assert pages.moves(page)[:2] == [0.0, 0.1]
    found = pages.saved_latents(page, tmp_path)["latents"][0]
    np.testing.assert_allclose(found, along(generator, circle(*ends, 0.62), 0, 0.1), atol=1e-6)


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_another_step_draws_and_the_newest_again(page, generator, drawn):
    assert page.inner_text("#step-now") == "300, the newest"
    page.locator("#step").press("Home")
    latents = generator.latents(0, 0, PER_PAGE)
    np.testing.assert_array_equal(pages.grid(page), drawn(latents, LABELS, 100))
    np.testing.assert_array_equal(pages.picture(page), drawn(latents[:1], [0], 100)[0])
    assert page.inner_text("#step-now") == "100" and page.url.endswith("#step=100")
    page.click("#newest")
    np.testing.assert_array_equal(pages.grid(page), drawn(latents, LABELS))


def test_a_walk_is_played_halted_and_saved(page, generator, drawn, tmp_path):
    page.click(".cell >> nth=3")
    page.click("#play")
    page.wait_for_function("() => document.querySelector('#time').value > 0.1")
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    time = float(page.input_value("#time"))
    ends = np.float64(generator.latents(0, 3, 5))
    found = pages.saved_latents(page, tmp_path)["latents"]
    at = float(re.search("time=([0-9.]+)", page.url)[1])
    assert abs(at - time) < 0.006  # the slider goes in steps of 0.01
    leg = int(at)  # the first, unless the machine is slow
    np.testing.assert_allclose(found[0], circle(ends[leg], ends[(leg + 1) % 5], at - leg), atol=1e-6)
    np.testing.assert_array_equal(pages.picture(page), drawn(found, [0])[0])
    page.locator("#time").press("Home")
    np.testing.assert_array_equal(pages.picture(page), drawn(ends[:1], [0])[0])
    with Image.open(browser.downloaded(page, "#save-walk", tmp_path)) as animation:
        assert animation.n_frames == 80
        np.testing.assert_array_equal(np.asarray(animation.convert("L"))[4::8, 4::8, None], drawn(ends[:1], [0])[0])
        animation.seek(16)
        np.testing.assert_array_equal(np.asarray(animation.convert("L"))[4::8, 4::8, None], drawn(ends[1:2], [0])[0])


def test_little_motion_is_respected(chromium, served):
    with browser.watched(chromium, reduced_motion="reduce") as watched:
        page = pages.opened(watched.page, served.url)
        page.clock.install(time=0)
        page.clock.pause_at(60)
        page.click("#play")
        page.clock.run_for(1400)
        assert page.input_value("#time") == "0"
        page.clock.run_for(200)
        assert page.input_value("#time") == "1"
        page.clock.run_for(1600)
        assert page.input_value("#time") == "2"
        assert watched.faults == []


def test_many_classes_are_a_list(page):
    script = """async () => {
      const { classChoice } = await import("./classes.js");
      const [place, heard] = [document.createElement("div"), []];
      const classes = Array.from({ length: 30 }, (_, number) => ({ number: 2 * number, name: `class ${number}` }));
      const choice = classChoice(place, "Class", classes, "All", (number) => heard.push(number));
      const list = place.querySelector("select");
      choice.show(4);
      const shown = list.selectedOptions[0].textContent;
      for (const value of ["58", "null"]) {
        list.value = value;
        list.dispatchEvent(new Event("change"));
      }
      return [list.options.length, list.getAttribute("aria-label"), shown, heard, choice.buttons.size];
    }"""
    assert page.evaluate(script) == [31, "Class", "class 2", [58, None], 0]


def test_mathematics_of_latents_are_those_of_the_sampler(page, generator):
    from gan.sampling import sampler

    ends = generator.latents(1, 0, 3)
    script = """async ([ends, steps]) => {
      const { onWalk } = await import("./latent_space.js");
      const rows = ends.map((row) => Float32Array.from(row));
      return Array.from({ length: 3 * steps }, (_, i) => [...onWalk(rows, i / steps)]);
    }"""
    for stops in (ends, np.stack([ends[0], ends[0], -ends[0]])):
        found = np.float32(page.evaluate(script, [stops.tolist(), 5]))
        np.testing.assert_allclose(found, sampler.between(stops, 5).reshape(15, 16), atol=2e-6)


def test_of_many_wishes_only_the_newest_is_drawn(page):
    script = """async () => {
      const { Latest } = await import("./drawing.js");
      const [done, ends] = [[], []];
      const latest = new Latest((value) => {
        done.push(value);
        return new Promise((resolve, reject) => ends.push([resolve, reject]));
      });
      const last = [1, 2, 3, 4].map((value) => latest.ask(value))[3];
      ends[0][1](new Error("of what nobody wants any more"));
      await new Promise((resolve) => setTimeout(resolve));
      ends[1][0]();
      await last;
      const failing = latest.ask(5).catch((error) => done.push(error.message));
      ends[2][1](new Error("of the newest"));
      await failing;
      return done;
    }"""
    assert page.evaluate(script) == [1, 4, 5, "of the newest"]


def test_nothing_but_this_server_was_asked_and_no_more_than_it_has(browser_page, served):
    asked = []
    browser_page.page.on("request", lambda request: asked.append(request.url))
    page = pages.opened(browser_page.page, served.url)
    assert all(url.startswith((served.url, "data:")) for url in asked) and len(asked) > 20
    assert json.loads(
        page.evaluate("JSON.stringify([localStorage.length, sessionStorage.length, document.cookie])")
    ) == [0, 0, ""]
