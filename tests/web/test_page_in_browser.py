"""The page as a visitor uses it, in Chromium by Playwright; a model that makes no video keeps it light.

Skipped where Gradio (extra "web"), Playwright or a Chromium on PATH is missing: pip install -e '.[web]' playwright
"""

import base64
import contextlib
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from seg2vid_tf.annotations.label_map import colorize
from seg2vid_tf.annotations.spec import load_spec
from tests.programs import HANG_SECONDS, ROOT, free_ports

pytest.importorskip("gradio", reason="pip install -e '.[web]'")
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH")
SPEC, SIZE = load_spec("cityscapes"), (64, 128)
ROAD, BUILDING, CAR, NONE = 0, 2, 13, 255
WAIT = 1000 * HANG_SECONDS


@contextlib.contextmanager
def _served(folder, specs, pause):
    """The address of the page with the fake model, and the file that its seeds are printed to."""
    (port,) = free_ports(1)
    printed = folder / "printed"
    command = [sys.executable, str(pathlib.Path(__file__).with_name("fake_model.py")), specs, str(port), str(pause)]
    with printed.open("w") as file:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        program = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + HANG_SECONDS
        while True:
            assert program.poll() is None and time.monotonic() < end, printed.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/", printed
    finally:
        program.kill()
        program.wait()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """The page with streets, persons and streets again; the first is chosen at first."""
    with _served(tmp_path_factory.mktemp("street"), "cityscapes,weizmann_pose,kitti", 0.0) as served:
        yield served[0]


@contextlib.contextmanager
def _opened(browser, address, **how):
    """The page, once its first map is drawn; nothing outside may have been asked for, nothing logged as an error."""
    context = browser.new_context(**how)
    page, outside, errors = context.new_page(), [], []
    page.set_default_timeout(WAIT)
    kept = (address, "data:", "blob:")
    page.on("request", lambda request: request.url.startswith(kept) or outside.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    page.wait_for_function("document.querySelector('.s2v-says')?.textContent.startsWith('example 1')")
    try:
        yield page
    finally:
        context.close()
    assert (outside, errors) == ([], [])


def _painted(page):
    """The map as the canvas has it."""
    document = json.loads(page.evaluate("seg2vidPaint.value()"))
    surfaces, things = (
        np.frombuffer(base64.b64decode(document[name]), np.uint8).reshape(SIZE) for name in ("surfaces", "things")
    )
    return np.where(things == NONE, surfaces, things)


def _stroke(page, start, stop):
    """Draws with the mouse from one (row, column) of the map to another."""
    box = page.locator(".s2v-stage canvas").bounding_box()
    places = [
        (box["x"] + (x + 0.5) * box["width"] / SIZE[1], box["y"] + (y + 0.5) * box["height"] / SIZE[0])
        for y, x in (start, stop)
    ]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=5)
    page.mouse.up()


def _make(page):
    """Presses the button, and gives back the frames of the first video."""
    page.click("#s2v-make")
    page.wait_for_selector(".s2v-calls")
    source = page.locator(".s2v-video img").first.get_attribute("src")
    image = Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))
    frames = []
    for i in range(image.n_frames):
        image.seek(i)
        frames.append(np.asarray(image.convert("RGB")).astype(int))
    return frames


def _class(page, number):
    page.click(f".s2v-class[data-id='{number}']")


def test_what_is_painted_is_what_the_video_shows(browser, street):
    with _opened(browser, street) as page:
        before = _painted(page)
        _class(page, CAR)
        page.fill(".s2v-size", "5")
        _stroke(page, (50, 20), (50, 60))
        after = _painted(page)
        changed = after != before
        assert changed[50, 20:61].all() and (after[changed] == CAR).all()
        assert changed[46:55].sum() == changed.sum() and changed.sum() >= 41 * 5
        frames = _make(page)
        np.testing.assert_allclose(frames[0], colorize(after, SPEC), atol=12)  # a GIF's 256 colours
        assert len(frames) > 1 and np.abs(frames[1] - frames[0]).max() > 20, "it moves"
        shown = page.inner_text(".s2v-calls")
        assert "python experiments/generate.py" in shown and "style" not in shown, "nothing that nobody asked for"
        links = page.locator("a[download]").evaluate_all("links => links.map(a => a.download)")
        assert {"map.png", "video_seed0.gif"} <= set(links)


def test_looks_of_start_frames_are_chosen_and_what_is_beside_a_video_comes_when_asked_for(browser, street, tmp_path):
    with _opened(browser, street) as page:
        page.get_by_label("Style seed").fill("5")
        page.get_by_label("Another look for some classes").click()
        page.get_by_role("option", name="car", exact=True).click()
        page.get_by_label("Seed of their look").fill("8")
        page.keyboard.press("Tab")
        _make(page)
        shown = page.inner_text(".s2v-calls")
        assert (
            "--style_seed=5 --restyle=car --restyle_seed=8" in shown and "restyle_seed=8, seed=0, style_seed=5" in shown
        )
        loaded = "[...document.querySelectorAll('.s2v-video img')].map(image => image.complete && image.naturalWidth)"
        page.wait_for_function(f"{loaded}.every(Boolean)")
        assert page.evaluate(loaded) == [SIZE[1]] * 4
        if page.locator("text=download MP4").count():  # PyAV is there
            with page.expect_download() as download:
                page.click("text=download MP4")
            assert download.value.suggested_filename == "video_seed0.mp4"
            download.value.save_as(tmp_path / "video.mp4")
            assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"
        with page.expect_download() as download:
            page.click("text=download GIF")
        download.value.save_as(tmp_path / "video.gif")
        source = page.locator(".s2v-video img").first.get_attribute("src")
        assert (tmp_path / "video.gif").read_bytes() == base64.b64decode(source.split(",")[1]), "the picture's own"
        page.route("**/paint/extra**", lambda route: route.fulfill(json={"error": "not kept any longer"}))
        _make(page)
        page.wait_for_function("document.querySelector('#s2v-made').innerText.split('no longer kept').length === 4")
        _choose(page, "weizmann_pose")
        page.get_by_label("Another look for some classes").click()
        page.get_by_role("option", name=load_spec("weizmann_pose").classes[1].name, exact=True).click()
        assert page.get_by_role("option", name="car", exact=True).count() == 0, "the classes follow the model"


def test_layers_fill_and_undo(browser, street):
    with _opened(browser, street) as page:
        page.click(".s2v-blank")
        assert page.inner_text(".s2v-says").startswith("empty map")
        _class(page, ROAD)
        page.click(".s2v-tool[data-tool='fill']")
        _stroke(page, (10, 10), (10, 10))
        assert page.inner_text(".s2v-says") == "", "it is empty no more"
        assert (_painted(page) == ROAD).all()
        _class(page, CAR)
        page.click(".s2v-tool[data-tool='brush']")
        _stroke(page, (30, 30), (30, 50))
        car = _painted(page) == CAR
        page.check(".s2v-keep")
        _class(page, BUILDING)
        _stroke(page, (30, 10), (30, 70))
        assert (_painted(page)[car] == CAR).all() and _painted(page)[30, 10] == BUILDING
        page.click(".s2v-tool[data-tool='erase']")
        _stroke(page, (30, 20), (30, 60))
        found = _painted(page)
        assert not (found == CAR).any() and not (found == NONE).any(), "no hole"
        assert found[30, 40] == BUILDING
        for _ in range(4):
            page.click(".s2v-undo")
        assert (_painted(page) == NONE).all()


def test_remove_takes_the_whole_object_under_the_brush_alone(browser, street):
    with _opened(browser, street) as page:
        page.click(".s2v-blank")
        _class(page, ROAD)
        page.click(".s2v-tool[data-tool='fill']")
        _stroke(page, (10, 10), (10, 10))
        page.click(".s2v-tool[data-tool='brush']")
        page.fill(".s2v-size", "3")
        _class(page, CAR)
        _stroke(page, (20, 10), (20, 40))
        _stroke(page, (50, 10), (50, 40))
        painted = _painted(page)
        page.click(".s2v-tool[data-tool='remove']")
        _stroke(page, (35, 25), (35, 25))
        assert page.inner_text(".s2v-says").startswith("no object here")
        _stroke(page, (18, 12), (18, 12))  # beside it, and within the brush's reach
        assert page.inner_text(".s2v-says") == "removed: car"
        found = _painted(page)
        assert (found[:35] == ROAD).all() and (found[35:] == painted[35:]).all() and (found == CAR).any()
        page.click(".s2v-undo")
        np.testing.assert_array_equal(_painted(page), painted)


def test_files(browser, street, tmp_path):
    label_map = np.full(SIZE, ROAD, np.uint8)
    label_map[:20], label_map[30:40, 30:60] = 10, CAR
    colors = colorize(label_map, SPEC)
    colors[20, 5] = (colors[19, 5].astype(int) + colors[20, 5]) // 2
    Image.fromarray(colors).save(tmp_path / "painted.png")
    Image.fromarray(colors).save(tmp_path / "photo.jpg")
    (tmp_path / "text.png").write_text("no picture")
    with _opened(browser, street) as page:
        before = _painted(page)
        for name, message in (("text.png", "text.png: "), ("photo.jpg", "photo.jpg: ")):
            page.set_input_files(".s2v-map", tmp_path / name)
            page.wait_for_selector(".s2v-says.s2v-wrong")
            page.wait_for_function(f"document.querySelector('.s2v-says').textContent.startsWith('{message}')")
            assert str(tmp_path) not in page.inner_text(".s2v-says")
            np.testing.assert_array_equal(_painted(page), before)
        page.set_input_files(".s2v-map", tmp_path / "painted.png")
        page.wait_for_function(
            "document.querySelector('.s2v-says').textContent.includes('1 pixel has a colour of no class')"
        )
        found = _painted(page)
        assert found[20, 5] in (10, ROAD)
        found[20, 5] = ROAD
        np.testing.assert_array_equal(found, label_map)
        page.set_input_files(".s2v-style", tmp_path / "text.png")
        page.wait_for_selector(".s2v-says.s2v-wrong")
        page.set_input_files(".s2v-style", tmp_path / "photo.jpg")
        page.wait_for_function("document.querySelector('.s2v-style-name').textContent == 'photo.jpg'")
        _make(page)
        assert "--reference=" in page.inner_text(".s2v-calls")


def test_by_keyboard_alone(browser, street):
    with _opened(browser, street) as page:
        before = _painted(page)

        def tab_to(selector):
            for _ in range(200):
                page.keyboard.press("Tab")
                if page.evaluate(f"document.activeElement.matches({json.dumps(selector)})"):
                    return
            raise AssertionError(f"Tab does not lead to {selector}")

        tab_to("canvas")
        page.keyboard.press("u")  # nothing to undo
        tab_to(f".s2v-class[data-id='{CAR}']")
        page.keyboard.press("Enter")
        for _ in range(60):
            page.keyboard.press("Shift+Tab")
            if page.evaluate("document.activeElement.matches('canvas')"):
                break
        for key in ["Shift+ArrowDown", "Space", *["ArrowRight"] * 10, "Space"]:
            page.keyboard.press(key)
        after = _painted(page)
        assert (after[40, 64:75] == CAR).all() and (after[after != before] == CAR).all()
        tab_to("#s2v-make")
        page.keyboard.press("Enter")
        page.wait_for_selector(".s2v-calls")
        focus = "getComputedStyle(document.activeElement).outlineStyle != 'none' || "
        focus += "getComputedStyle(document.activeElement).boxShadow != 'none'"
        assert page.evaluate(focus), "one sees where one is"


def test_on_a_phone(browser, street):
    how = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "is_mobile": True}
    with _opened(browser, street, **how) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing lies beside the screen"
        boxes = [button.bounding_box() for button in page.locator(".s2v-gallery button").all()]
        assert len(boxes) == 12 and all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes)
        canvas, car = page.locator(".s2v-stage canvas"), page.locator(f".s2v-class[data-id='{CAR}']")
        canvas.scroll_into_view_if_needed()
        before = _painted(page)
        car.tap()
        box, below = canvas.bounding_box(), car.bounding_box()
        assert box["width"] >= 300 and 0 <= box["y"], "the canvas stays in sight while a class is chosen"
        assert below["y"] + below["height"] <= 800
        page.touchscreen.tap(box["x"] + 60, box["y"] + box["height"] - 20)
        assert (_painted(page) != before).any()
        page.locator("#s2v-make").tap()
        page.wait_for_selector(".s2v-calls")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_stop_ends_the_work(browser, tmp_path):
    with _served(tmp_path, "cityscapes", 0.5) as (address, printed), _opened(browser, address) as page:
        page.get_by_label("number input for Videos").fill("8")
        page.keyboard.press("Tab")
        page.click("#s2v-make")
        page.wait_for_selector(".s2v-video")
        page.click("#s2v-stop")
        page.wait_for_function("document.querySelector('#s2v-status').textContent.includes('stopped')")
        time.sleep(2)
        assert page.is_enabled("#s2v-make")
        made = printed.read_text().split()
        assert 1 <= len(made) < 8, made
        time.sleep(1.5)
        assert printed.read_text().split() == made
        page.get_by_label("number input for Videos").fill("1")
        page.keyboard.press("Tab")
        page.click("#s2v-make")
        page.wait_for_selector(".s2v-calls")


def test_the_button_is_shut_while_a_video_is_made_and_what_was_made_is_said(browser, tmp_path):
    """A press meanwhile would be dropped: a visitor took the video of the old settings for that of the new ones."""
    with _served(tmp_path, "cityscapes", 2.0) as (address, printed), _opened(browser, address) as page:
        page.get_by_label("Seed", exact=True).fill("7")
        page.keyboard.press("Tab")
        page.locator("#s2v-make").focus()
        page.keyboard.press("Enter")
        page.wait_for_function("document.querySelector('#s2v-make').disabled")
        assert "being made" in page.inner_text("#s2v-make")
        page.get_by_label("Seed", exact=True).fill("33")
        page.wait_for_selector(".s2v-calls")
        assert page.inner_text("#s2v-status") == "done: seed 7, frames 4"
        page.wait_for_function("!document.querySelector('#s2v-make').disabled")
        assert page.inner_text("#s2v-make") == "Make the video"
        page.click("#s2v-make")
        page.wait_for_function("document.querySelector('#s2v-status').textContent.includes('done: seed 33')")
        assert printed.read_text().split() == ["7", "33"]
        assert "common." not in page.evaluate("document.body.textContent"), "a key that nobody translated, read aloud"


def _choose(page, title):
    page.locator(f"#s2v-model input[value='{title}']").check()
    page.wait_for_function(f"seg2vidPaint.model() === {json.dumps(title)}")


def test_palette_size_and_settings_follow_the_model(browser, street):
    with _opened(browser, street) as page:
        _class(page, CAR)
        _stroke(page, (50, 20), (50, 60))
        painted = _painted(page)
        _choose(page, "kitti")
        np.testing.assert_array_equal(_painted(page), painted, "the same classes and size: what was painted stays")
        page.click(".s2v-undo")
        assert (_painted(page) != painted).any()
        _choose(page, "weizmann_pose")
        page.wait_for_selector(".s2v-joint")
        assert page.locator(".s2v-class").count() == 16 and "15 classes" in page.inner_text("body")
        assert "model=weizmann_pose&seed=1" in page.locator(".s2v-gallery img").first.get_attribute("src")
        _make(page)
        assert "--preset=weizmann_pose" in page.inner_text(".s2v-calls")
        _choose(page, "cityscapes")
        page.wait_for_function("document.querySelector('.s2v-says').textContent.startsWith('example 1')")
        assert page.locator(".s2v-joint").count() == 0 and (_painted(page) != painted).any(), "it begins anew"


def test_a_skeletons_joints_are_dragged(browser, street):
    with _opened(browser, street) as page:
        _choose(page, "weizmann_pose")
        page.wait_for_selector(".s2v-joint")
        joints = json.loads(page.evaluate("seg2vidPaint.value()"))["joints"]
        assert not page.is_visible(".s2v-palette") and not page.is_visible(".s2v-tool"), "nothing to paint with"
        wrist = page.locator(".s2v-joint[title='left_wrist']")
        box, number = wrist.bounding_box(), load_spec("weizmann_pose").skeleton.joints.index("left_wrist")
        page.mouse.move(box["x"] + 11, box["y"] + 11)
        page.mouse.down()
        page.mouse.move(box["x"] + 61, box["y"] - 9, steps=4)
        page.mouse.up()
        moved = json.loads(page.evaluate("seg2vidPaint.value()"))["joints"]
        assert moved[number][1] > joints[number][1] and moved[number][0] < joints[number][0]
        assert [j for i, j in enumerate(moved) if i != number] == [j for i, j in enumerate(joints) if i != number]
        wrist.focus()
        page.keyboard.press("ArrowLeft")
        again = json.loads(page.evaluate("seg2vidPaint.value()"))["joints"]
        assert again[number][1] == pytest.approx(moved[number][1] - 1 / SIZE[1])
        _make(page)
        page.click(".s2v-undo")
        page.click(".s2v-undo")
        assert json.loads(page.evaluate("seg2vidPaint.value()"))["joints"] == joints
