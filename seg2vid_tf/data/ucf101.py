"""UCF-101 as it is downloaded: AVI files in a folder for each class, and the official lists that split them by group.

root/ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi
trainlist01.txt: ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1        testlist01.txt: without the number
"""

import os
import pathlib


def ucf101_recording(video: str) -> str:
    """Of v_Archery_g08_c01 "v_Archery_g08": a group's videos are parts of one, or show the same in one place."""
    return video.rpartition("_")[0]


def ucf101_videos(
    root: str | os.PathLike, split_list: str | os.PathLike, classes: list[str] | None = None
) -> dict[str, pathlib.Path]:
    """{name: file} of UCF-101's videos that an official list names: trainlist01.txt, testlist01.txt and so on.

    The official lists split by group (g08), so no person or background is in two.

    Args:
      root: UCF-101, the folder of the classes' folders.
      split_list: the list.
      classes: "Basketball", ...; None: all.

    Raises:
      ValueError: no such list or file, a class that the list does not name.
    """
    path = pathlib.Path(split_list)
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give one of UCF101TrainTestSplits-RecognitionTask's lists")
    names = [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    found = sorted({name.split("/")[0] for name in names})
    unknown = [name for name in classes or () if name not in found]
    if unknown or not names:
        raise ValueError(f"{path}: no classes {unknown}; it has {found}")
    chosen = [name for name in names if classes is None or name.split("/")[0] in classes]
    videos = {pathlib.Path(name).stem: pathlib.Path(root) / name for name in chosen}
    missing = [str(video) for video in videos.values() if not video.is_file()]
    if missing:
        raise ValueError(f"{missing[0]}: no such file, though {path.name} names it ({len(missing)} are missing)")
    return videos
