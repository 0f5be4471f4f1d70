"""The page for everybody: names of controls, the order of keys, contrast, widths, motion."""

import pytest

from tests import browser
from tests.explore import pages


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(page):
    page.evaluate("document.activeElement.blur()")
    visited = []
    for _ in range(80):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if visited[-1] in visited[:-1] and visited[-1] == visited[0]:
            break
    wanted = [
        "skip",
        "link",
        "seed",
        "next",
        "psi",
        "cell",
        "play",
        "time",
        "direction-0",
        "direction-9",
        "save-picture",
    ]
    wanted += ["save-walk", "corner-0", "corner-3"]
    assert [name for name in visited if name in wanted] == wanted + ["skip"] * (visited[-1] == "skip")


def test_every_control_and_picture_has_a_name(page):
    page.click(".cell >> nth=1", modifiers=["Shift"])
    page.click(".cell >> nth=2", modifiers=["Shift"])
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    told = [
        (node["role"]["value"], node.get("name", {}).get("value", "").strip()) for node in tree if not node["ignored"]
    ]
    roles = {"button", "slider", "textbox", "link", "combobox", "image", "group", "region"}
    controls = [(role, name) for role, name in told if role in roles]
    assert [role for role, name in controls if not name] == []
    counts = {role: sum(1 for each, _ in controls if each == role) for role in roles}
    assert counts["slider"] == 14 and counts["textbox"] == 1 and counts["image"] == 1 and counts["button"] >= 60
    names = [name for role, name in controls if role in ("slider", "textbox")]
    assert len(set(names)) == len(names)
    assert any(role == "status" for role, _ in told)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_can_be_read_in_both_schemes_and_at_every_width(chromium, served, scheme):
    with browser.watched(chromium, color_scheme=scheme) as watched:
        page = pages.opened(watched.page, f"{served.url}#corners=1;2;;&plane=0.5,0")
        found = page.evaluate(pages.CONTRASTS)
        assert len(found) > 60 and [text for text, ratio in found if ratio < 4.5] == []
        for width in (320, 360, 390, 768, 1280, 1440, 2560):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(pages.OUTSIDE) == []
        assert watched.faults == []
