"""experiments/import_labels.py, and inspect_annotation.py on a tool's file, as a user starts them."""

import json

import numpy as np
from PIL import Image

from seg2vid_tf.annotations.spec import load_spec
from seg2vid_tf.data.frame_folder import FrameFolder
from tests.programs import EXPERIMENTS, run_python
from tests.stacks import on_second_stack

pytestmark = on_second_stack

SPEC = load_spec("cityscapes")


def _run(program, *arguments):
    return run_python(EXPERIMENTS / program, *arguments)


def _export(root):
    """Three frames as LabelMe labels them, one without its picture."""
    root.mkdir()
    boxes = (("Sky", [0, 0, 19, 5]), ("street", [0, 6, 19, 9]), ("Unicorn", [3, 2, 5, 7]))
    shapes = [
        {"label": name, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle", "group_id": None}
        for name, (x1, y1, x2, y2) in boxes
    ]
    for i in range(3):
        document = {"shapes": shapes, "imagePath": f"..\\photos\\{i:04d}.jpg", "imageHeight": 10, "imageWidth": 20}
        (root / f"{i:04d}.json").write_text(json.dumps(document))
        if i < 2:
            Image.fromarray(np.full((10, 20, 3), 100 + i, np.uint8)).save(root / f"{i:04d}.jpg", quality=95)


def test_an_export_becomes_frames_that_are_prepared(tmp_path):
    _export(tmp_path / "in")
    done = _run("import_labels.py", f"--input={tmp_path}/in", "--spec=cityscapes", f"--output={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    assert "labelme (LabelMe), 3 pictures" in done.stdout and "2 maps in" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()[1:4]]
    assert lines == [
        ["54.00%", "in", "2", "pictures", "Sky", "->", "sky"],
        ["37.00%", "in", "2", "pictures", "street", "->", "road"],
        ["9.00%", "in", "2", "pictures", "Unicorn", "->", "(unknown,", "ignored:", "--map", "names", "its", "class)"],
    ]
    assert f"pictures were not found below {tmp_path}/in (--images): 1, the first" in done.stdout
    assert "0002.json: ..\\photos\\0002.jpg or 0002.*" in done.stdout
    (clip,) = FrameFolder(tmp_path / "out", SPEC, None)
    expected = np.full((10, 20), 10)
    expected[6:], expected[2:8, 3:6] = 0, 255
    np.testing.assert_array_equal(clip.label_maps, [expected] * 2)
    assert abs(int(clip.frames[1].mean()) - 101) <= 1
    report = (tmp_path / "out/import_report.html").read_text()
    assert "Unicorn" in report and report.count("<img") == 2
    assert f"where the names that are not known lie: {tmp_path}/out/unknown_names.png" in done.stdout
    assert Image.open(tmp_path / "out/unknown_names.png").size == (240, 120 + 18)

    given = [f"--input={tmp_path}/in", "--spec=cityscapes"]
    mapped = _run("import_labels.py", *given, f"--output={tmp_path}/two", "--map=unicorn:person", "--noinstances")
    assert mapped.returncode == 0, mapped.stderr
    ids = np.asarray(Image.open(tmp_path / "two/all/label/0000.png"))
    assert (ids[2:8, 3:6] == 11).all() and not (tmp_path / "two/all/inst").exists()
    for arguments, message in (
        ([*given, f"--output={tmp_path}/out"], "out: already there"),
        ([*given, f"--output={tmp_path}/x", "--map=unicorn"], "--map takes theirs:ours"),
        ([*given, f"--output={tmp_path}/x", "--map=a:car,a:bus"], "--map gives 'a' twice, as two classes"),
        ([*given, f"--output={tmp_path}/x", "--format=coco"], "no labels of format coco"),
        ([f"--input={tmp_path}/out", "--spec=camvid", f"--output={tmp_path}/x"], "give --format, one of ['ade20k'"),
        ([f"--input={tmp_path}/absent", "--spec=camvid", f"--output={tmp_path}/x"], "absent: no such file or folder"),
    ):
        failed = _run("import_labels.py", *arguments)
        assert failed.returncode == 1 and message in failed.stderr and "Traceback" not in failed.stderr, failed.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "two"]


def test_an_import_that_fails_leaves_nothing(tmp_path):
    _export(tmp_path / "in")
    document = json.loads((tmp_path / "in/0001.json").read_text())
    (tmp_path / "in/0001.json").write_text(json.dumps(document | {"imageWidth": 21}))
    failed = _run("import_labels.py", f"--input={tmp_path}/in", "--spec=cityscapes", f"--output={tmp_path}/new/out")
    assert failed.returncode == 1 and "0001.json: labels of 21x10 pixels" in failed.stderr, failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_tasks_that_nobody_labelled_are_counted(tmp_path):
    box = {"x": 0, "y": 0, "width": 100, "height": 100, "rectanglelabels": ["Sky"]}
    result = {"type": "rectanglelabels", "original_width": 20, "original_height": 10, "value": box}
    tasks = []
    for i, annotations in enumerate(([{"result": [result]}], [{"was_cancelled": True, "result": [result]}], [])):
        Image.fromarray(np.full((10, 20, 3), i, np.uint8)).save(tmp_path / f"{i}.jpg")
        tasks.append({"id": i, "data": {"image": f"{i}.jpg"}, "annotations": annotations})
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    given = [f"--input={tmp_path}/export.json", "--spec=cityscapes"]
    done = _run("import_labels.py", *given, f"--output={tmp_path}/out")
    assert done.returncode == 0, done.stderr
    assert "left out, nothing was labelled in them: 2, the first " in done.stdout and "1 maps in" in done.stdout
    assert "nothing labelled: " in (tmp_path / "out/import_report.html").read_text()
    (tmp_path / "export.json").write_text(json.dumps(tasks[1:]))
    failed = _run("import_labels.py", *given, f"--output={tmp_path}/two")
    assert failed.returncode == 1 and "export.json: nothing was labelled in any" in failed.stderr, failed.stderr


def test_inspect_names_the_tool_and_the_command(tmp_path):
    _export(tmp_path / "in")
    done = _run("inspect_annotation.py", f"--label_map={tmp_path}/in/0000.json")
    assert done.returncode == 0, done.stderr
    assert "0000.json: format labelme (LabelMe); this imports it:" in done.stdout
    assert f"import_labels.py --format=labelme --input={tmp_path}/in --spec=SPEC" in done.stdout
    Image.fromarray(np.full((4, 4), 7, np.uint8)).save(tmp_path / "a_gtFine_labelIds.png")
    done = _run("inspect_annotation.py", f"--label_map={tmp_path}/a_gtFine_labelIds.png")
    assert "a_gtFine_labelIds.png: format cityscapes (Cityscapes" in done.stdout and "7        16 pixels" in done.stdout
    Image.fromarray(np.full((4, 4, 3), (64, 32, 32), np.uint8)).save(tmp_path / "mask.png")
    done = _run("inspect_annotation.py", f"--label_map={tmp_path}/mask.png")
    assert done.returncode == 0 and "mask.png: format comma10k" in done.stdout
    (tmp_path / "x.json").write_text("[]")
    failed = _run("inspect_annotation.py", f"--label_map={tmp_path}/x.json")
    assert failed.returncode == 1 and "x.json: of no format that import_labels.py knows" in failed.stderr


def test_maps_of_ones_own_numbers_without_photographs_become_label_maps(tmp_path):
    numbers = np.full((10, 20), 3, np.uint8)
    numbers[:5] = 1
    for name in ("in/a/one.png", "in/b/one.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.fromarray(numbers).save(tmp_path / name)
    given = [f"--input={tmp_path}/in", "--spec=cityscapes", "--format=own_numbers", f"--output={tmp_path}/out"]
    failed = _run("import_labels.py", *given, "--map=1:sky,3:road")
    assert failed.returncode == 1 and "by --images, or --maps_alone where there are none" in failed.stderr
    listed = _run("import_labels.py", *given, "--maps_alone")
    assert listed.returncode == 1 and "1  ->  (unknown" in listed.stdout
    assert Image.open(tmp_path / "out_unknown_names.png").size == (2 * 240 + 8, 120 + 18)
    done = _run("import_labels.py", *given, "--maps_alone", "--map=1:sky,3:road")
    assert done.returncode == 0, done.stderr
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert files == ["a/label/one.png", "b/label/one.png"]
    label_map = tmp_path / "out/a/label/one.png"
    np.testing.assert_array_equal(np.asarray(Image.open(label_map)), np.where(numbers == 1, 10, 0))
    assert f"--label_map={label_map} --resize" in done.stdout and "--start_frame" not in done.stdout
    failed = _run("import_labels.py", *given, "--maps_alone", f"--images={tmp_path}")
    assert failed.returncode == 1 and "--maps_alone means that there are no pictures" in failed.stderr


def test_one_photograph_and_a_map_of_its_owners_numbers_become_what_makes_a_video(tmp_path):
    Image.fromarray(np.full((10, 20, 3), 90, np.uint8)).save(tmp_path / "photo.jpg")
    numbers = np.full((10, 20), 3, np.uint8)
    numbers[:5] = 1
    Image.fromarray(numbers).save(tmp_path / "map.png")
    given = [f"--input={tmp_path}/map.png", f"--images={tmp_path}/photo.jpg", "--spec=cityscapes"]
    listed = _run("import_labels.py", *given, f"--output={tmp_path}/out", "--format=own_numbers")
    assert listed.returncode == 1 and "none of its names or numbers is a class" in listed.stderr
    assert "1  ->  (unknown" in listed.stdout and "3  ->  (unknown" in listed.stdout
    assert f"where each of them lies: {tmp_path}/out_unknown_names.png" in listed.stdout
    assert (
        Image.open(tmp_path / "out_unknown_names.png").size == (2 * 240 + 8, 120 + 18)
        and not (tmp_path / "out").exists()
    )
    done = _run("import_labels.py", *given, f"--output={tmp_path}/out", "--format=own_numbers", "--map=1:sky,3:road")
    assert done.returncode == 0, done.stderr
    label_map, photo = tmp_path / "out/all/label/map.png", tmp_path / "out/all/image/map.jpg"
    assert f"--label_map={label_map} --start_frame={photo} --resize" in done.stdout
    np.testing.assert_array_equal(np.asarray(Image.open(label_map)), np.where(numbers == 1, 10, 0))
    assert photo.read_bytes() == (tmp_path / "photo.jpg").read_bytes()
    failed = _run("import_labels.py", *given, f"--output={tmp_path}/x")
    assert failed.returncode == 1 and "--format=own_numbers or own_colors" in failed.stderr
    failed = _run("import_labels.py", *given, f"--output={tmp_path}/x", "--format=own_numbers", "--map=7:sky")
    assert failed.returncode == 1 and "--map names '7', which is not in it; it has 1, 3" in failed.stderr
    # Colours, written as people write them.
    Image.fromarray(np.where(numbers[..., None] == 1, (200, 30, 3), (128, 64, 128)).astype(np.uint8)).save(
        tmp_path / "painted.png"
    )
    painted = [f"--input={tmp_path}/painted.png", *given[1:], f"--output={tmp_path}/painted", "--format=own_colors"]
    done = _run("import_labels.py", *painted, "--map=200-30-3:sky,#804080:road")
    assert done.returncode == 0, done.stderr
    label_map = tmp_path / "painted/all/label/painted.png"
    np.testing.assert_array_equal(np.asarray(Image.open(label_map)), np.where(numbers == 1, 10, 0))
    (tmp_path / "two").mkdir()
    for name in "ab":
        Image.fromarray(numbers).save(tmp_path / f"two/{name}.png")
    given[0] = f"--input={tmp_path}/two"
    failed = _run("import_labels.py", *given, f"--output={tmp_path}/x", "--format=own_numbers")
    assert failed.returncode == 1 and "has the labels of 2: give the folder" in failed.stderr
