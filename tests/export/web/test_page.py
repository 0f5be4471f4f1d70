"""A web export in a real browser, below a path of a server that knows nothing of it: it draws what the engine draws."""

import json

import numpy as np
import pytest

from gan.export.web import site
from gan.sampling import sampler
from tests import browser
from tests.export.web import sites

BELOW = "people/me/gan"  # a pages host has many folders
DRAW = """async ([seed, first, count]) => {
  const backend = await (await import("./backend.js")).open(), { facts } = backend;
  const latents = await backend.latents(BigInt(seed), first, count);
  const known = facts.classes.map(({ number }) => number);
  const labels = known.length ? Int32Array.from({ length: count }, (_, i) => known[i % known.length]) : null;
  const { pixels, step } = await backend.draw(latents, labels, null);
  const vectors = facts.directions.map(({ vector }) => vector.constructor.name);
  return { pixels: [...pixels], latents: [...latents], step, vectors, facts, computes: backend.computes };
}"""
ON_GPU = """async () => {
  const runtime = await import("./runtime/litert.js"), model = await import("./litert_model.js");
  const facts = await (await fetch("facts.json")).json(), examples = model.examplesOf(facts);
  const file = new Uint8Array(await (await fetch("model.tflite")).arrayBuffer());
  if (!(await navigator.gpu?.requestAdapter())) return null;
  const graphics = await model.onGraphics(runtime, file, examples);
  return graphics && [graphics.name, [...(await graphics.draw(examples[1].latent, examples[1].label))]];
}"""
SHOWN = """([other, least, most]) => {
  const canvas = document.getElementById("picture");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const now = other.map((_, i) => data[4 * i]);
  const worst = Math.max(...now.map((value, i) => Math.abs(value - other[i])));
  return least <= worst && worst <= most && now;
}"""
FAILURE = """() => {
  const line = document.getElementById("status").innerText;
  return !/^(Loading|Starting|Preparing)/.test(line) && line;
}"""
WAIT = 60_000  # milliseconds, of which none are asserted: a slow machine fails no test
GPU = ("--enable-unsafe-webgpu", "--enable-features=Vulkan", "--use-vulkan=swiftshader")
GPU = (*GPU, "--use-webgpu-adapter=swiftshader", "--ignore-gpu-blocklist")


@pytest.fixture(scope="module")
def generators() -> dict[str, site.Generator]:
    return {name: sites.generator(name) for name in sites.CHOICES}


@pytest.fixture(scope="module")
def root(tmp_path_factory, generators, chromium):
    """A folder of folders, the exports among them."""
    folder, computed_by = tmp_path_factory.mktemp("root"), sites.computed_by()
    for name, made in generators.items():
        sites.write(folder / BELOW / name, site.files(made, computed_by, sites.converted(made)))
    return folder


@pytest.fixture(scope="module")
def address(root):
    with sites.served(root) as base:
        yield f"{base}/{BELOW}"


def opened(page, url: str):
    page.goto(url)
    page.wait_for_selector("html[data-ready=true]")
    return page


@pytest.mark.parametrize("name", sites.CHOICES)
def test_the_page_draws_the_pixels_and_has_the_latents_of_the_engine(browser_page, address, generators, name):
    made = generators[name]
    found = opened(browser_page.page, f"{address}/{name}/").evaluate(DRAW, [str(2**63 - 1), 5, 6])
    expected = sites.images(made, 2**63 - 1, 5, 6)
    assert expected.std() > 5
    pixels = np.uint8(found["pixels"]).reshape(expected.shape)
    assert np.abs(pixels.astype(int) - expected).max() <= 1
    points = sampler.latents(2**63 - 1, 5, 6, made.config.latent_size).numpy()
    np.testing.assert_allclose(np.reshape(found["latents"], points.shape), points, atol=1e-5)
    assert (found["step"], found["computes"]) == (1234, "WebAssembly")
    assert set(found["vectors"]) == {"Float32Array"}
    facts = found["facts"]
    assert (facts["title"], facts["steps"], facts["can"]["steps"]) == (f"small {name}", [], False)
    named = [(each["number"], each["name"]) for each in facts["classes"]]
    assert named == (list(enumerate(sites.NAMES[:3])) if made.config.conditional else [])


def test_clicks_drags_classes_and_files_work_without_a_server(browser_page, address, generators, tmp_path):
    page, made = opened(browser_page.page, f"{address}/conditional/"), generators["conditional"]
    page.set_viewport_size({"width": 1280, "height": 2000})  # all of it is in sight
    assert page.is_hidden("#steps")
    assert page.is_hidden("#save-walk")
    page.click("#grid button >> nth=4")
    page.wait_for_selector("#where:has-text('Sample 4 of seed 0')")
    expected = sites.images(made, 0, 0, 5)[4, :, :, 0]
    shown = shown_picture(page, expected, most=1)
    slider = page.locator("#direction-0").bounding_box()
    middle = slider["y"] + slider["height"] / 2
    page.mouse.move(slider["x"] + slider["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(slider["x"] + slider["width"] * 0.9, middle, steps=8)
    page.mouse.up()
    moved = shown_picture(page, shown, least=6)
    page.click("#label button >> nth=0")
    shown_picture(page, moved, least=6)
    page.click("#reset")
    with np.load(browser.downloaded(page, "#save-latents", tmp_path)) as saved:
        points = sampler.latents(0, 0, len(saved["latents"]), made.config.latent_size).numpy()
        np.testing.assert_allclose(saved["latents"], points, atol=1e-5)
    assert browser.downloaded(page, "#save-picture", tmp_path).read_bytes().startswith(b"\x89PNG")


def test_one_picture_does_not_wait_for_a_grid(browser_page, address):
    ended = opened(browser_page.page, f"{address}/modern/").evaluate("""async () => {
      const backend = await (await import("./backend.js")).open(), ended = [];
      const latents = await backend.latents(0, 0, 30), first = latents.subarray(0, backend.facts.latent_size);
      const grid = backend.draw(latents, null, null).then(() => ended.push("grid"));
      const one = backend.draw(first, null, null).then(() => ended.push("one"));
      await Promise.all([grid, one]);
      return ended;
    }""")
    assert ended == ["one", "grid"]


def shown_picture(page, other: np.ndarray, least: int = 0, most: int = 255) -> np.ndarray:
    """The large picture, int [H, W], once the largest of its differences from another is from `least` to `most`."""
    found = page.wait_for_function(SHOWN, arg=[other.ravel().tolist(), least, most], timeout=WAIT)
    return np.reshape(found.json_value(), other.shape)


def test_a_browser_without_relaxed_vectors_takes_the_other_variant(browser_page, address, generators):
    page, loaded = browser_page.page, []
    page.add_init_script("""{
      const instantiate = WebAssembly.instantiate;
      WebAssembly.instantiate = async (source, ...rest) => {
        if (source.byteLength < 100) throw new WebAssembly.CompileError("unknown instruction");
        return instantiate(source, ...rest);
      };
    }""")
    page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    found = opened(page, f"{address}/modern/").evaluate(DRAW, ["1", 0, 3])
    expected = sites.images(generators["modern"], 1, 0, 3)
    assert np.abs(np.reshape(found["pixels"], expected.shape) - expected.astype(int)).max() <= 1
    modules = [name for name in loaded if name.endswith(".wasm")]
    assert modules == ["litert_wasm_compat_internal.wasm"]


@pytest.mark.parametrize("name", ["conditional", "sngan"])
def test_all_of_a_model_runs_on_a_gpu_and_draws_the_same(address, generators, gpu_page, name):
    found = opened(gpu_page, f"{address}/{name}/").evaluate(ON_GPU)
    if found is None:
        pytest.skip("this Chromium has no adapter in software")
    drawn_by, levels = found
    expected = sites.images(generators[name], 0, 0, 2)[1]
    assert drawn_by == "WebGPU"
    assert np.abs(np.rint(np.float32(levels) * 255).reshape(expected.shape) - expected).max() <= 1


@pytest.fixture(scope="module")
def gpu_page(chromium):
    options = {"executable_path": browser.program(), "args": ["--no-sandbox", "--disable-dev-shm-usage", *GPU]}
    running = chromium.browser_type.launch(**options)
    yield running.new_page()
    running.close()


def test_a_file_opened_without_a_server_says_what_to_do(chromium, root):
    with browser.watched(chromium) as watched:
        watched.page.route("file://**", lambda route: route.continue_())
        watched.page.goto((root / BELOW / "modern" / "index.html").as_uri())
        line = watched.page.inner_text("#status")
    assert "python3 -m http.server" in line


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("model.tflite", {"status": 404, "body": "no"}, "model.tflite cannot be loaded: the server answers 404"),
        ("facts.json", None, "facts.json cannot be loaded: the server does not answer"),
        ("model.tflite", {"body": "short"}, "model.tflite has 5 bytes in the place of"),
        ("runtime/litert_wasm_internal.wasm", {"status": 403}, "the server answers 403"),
        ("runtime/litert.js", {"status": 404}, "runtime/litert.js cannot be loaded"),
        ("runtime/litert_wasm_internal.js", {"status": 404}, "runtime/litert_wasm_internal.js cannot be loaded"),
        ("runtime/litert_wasm_internal.js", {"body": "'use strict';"}, "The model cannot be run in this browser: "),
    ],
)
def test_what_cannot_be_loaded_is_one_line(chromium, address, name, answer, words):
    def refuse(route):
        route.abort() if answer is None else route.fulfill(**answer)

    with browser.watched(chromium) as watched:
        watched.page.route(f"**/{name}", refuse)
        assert words in failure(watched.page, f"{address}/modern/")


def test_a_model_that_is_not_the_one_exported_does_not_draw(chromium, address, root, generators):
    model = (root / BELOW / "modern" / "model.tflite").read_bytes()
    kernel = np.asarray(generators["modern"].params["dense_1"]["kernel"]).T.copy()
    assert model.count(kernel.tobytes()) == 1
    other = model.replace(kernel.tobytes(), (-kernel).tobytes())
    with browser.watched(chromium) as watched:
        watched.page.route("**/model.tflite", lambda route: route.fulfill(body=other))
        assert "draws other pictures here" in failure(watched.page, f"{address}/modern/")


def test_a_browser_without_vectors_is_told_so(chromium, address):
    with browser.watched(chromium) as watched:
        watched.page.add_init_script("WebAssembly.validate = () => false")
        assert "no WebAssembly with SIMD" in failure(watched.page, f"{address}/modern/")


def failure(page, url: str) -> str:
    """The line that the page shows in the place of all else."""
    page.goto(url)
    line = page.wait_for_function(FAILURE, timeout=WAIT).json_value()
    assert page.is_hidden("#main")
    return line


def test_the_facts_hold_what_the_page_is_checked_by(root, generators):
    facts = json.loads((root / BELOW / "conditional" / "facts.json").read_text())
    assert facts["check"]["labels"] == [0, 1]
    assert facts["bytes"]["model.tflite"] == (root / BELOW / "conditional" / "model.tflite").stat().st_size
    assert facts["runtime"] == "2.5.3"


def test_everything_that_is_loaded_lies_in_the_folder(root):
    """No address of another machine, and none from the root of a server, in what the page is made of."""
    for name in ("index.html", "style.css", *(path.name for path in (root / BELOW / "modern").glob("*.js"))):
        text = (root / BELOW / "modern" / name).read_text()
        assert "://" not in text, name
        assert 'from "/' not in text and 'src="/' not in text and 'href="/' not in text, name
