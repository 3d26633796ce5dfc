"""The order that names tell: counters, clocks of many cameras, and names that say nothing."""

import pytest

from seg2vid_tf.data.frame_order import by_name, find_order

CLOCK = [175304 + 33400 * i + i * 7919 % 900 for i in range(80)]
ONE_RUN = {
    "counter": [f"{i:04d}" for i in range(9)],
    "counter by two": [f"0016E5_{i:05d}" for i in range(7959, 7999, 2)],
    "number in the middle": [f"frame_{i:04d}_rgb" for i in range(9)],
    "one of ten": [f"a_{i}_of_10" for i in range(1, 11)],
    "seconds.fraction": [f"{1305031102 + t // 1000000}.{t % 1000000:06d}" for t in CLOCK],
    "seconds_fraction": [f"13050311{s:02d}_{ms:09d}" for s in range(5) for ms in range(0, 10**9, 10**8)],
    "microseconds behind a camera": [
        f"n000-2001-01-01-00-00-00+0000__CAM_FRONT__{1532402927000000 + t}" for t in CLOCK
    ],
    "microseconds before a camera": [f"{1532402927000000 + t}_FRONT" for t in CLOCK],
    "nanoseconds": [f"ring_front_center_{315966070522937217 + 1000 * t}" for t in CLOCK],
    "milliseconds from the start": [f"{round(i * 100 / 3):06d}" for i in range(30)],
    "time of the day": [
        f"IMG_20200101_1230{s:02d}" if s < 60 else f"IMG_20200101_1231{s - 60:02d}" for s in range(50, 75)
    ],
    "time of the day, parted": [f"00-{m:02d}-{s:02d}" for m in (0, 1) for s in range(60)],
    "clock with milliseconds": [f"20200101_1230{s:02d}_{ms:03d}" for s in range(5) for ms in range(0, 1000, 100)],
    "clock and a camera": [f"2020-01-01-12-30-{s:02d}-{ms:03d}_cam0" for s in range(5) for ms in (0, 333, 667)],
    "clock and a counter": [f"2020-01-01-12-00-{i // 3:02d}_{i:04d}" for i in range(20)],
    "clock and a counter of each second": [f"2020-01-01-12-00-{i // 3:02d}_{i % 3:04d}" for i in range(20)],
    "clock and an unpadded counter of each second": [f"2020-01-01-12-00-{i // 12:02d}_{i % 12}" for i in range(60)],
    "clock that leaves out .000000": [f"2020-01-01T12-00-{s:02d}{f}" for s in range(9) for f in ("", ".500000")],
    "clock of twelve hours": [f"Screenshot 2020-01-01 at {t}" for t in ("11.59.58 AM", "11.59.59 AM", "12.00.00 PM")],
    "one hour digit": [f"2020-01-01 at {h}.{m:02d}.00\u202fPM" for h in (12, 1) for m in range(60)],
    "counter and a clock": [f"frame_{i:04d}_{1532402927000000 + t}" for i, t in enumerate(CLOCK)],
}


NAMES = {
    "counter by two": "0016E5",
    "number in the middle": "frame",
    "one of ten": "a",
    "microseconds behind a camera": "n000-2001-01-01-00-00-00+0000__CAM_FRONT",
    "nanoseconds": "ring_front_center",
    "time of the day": "IMG_20200101",
    "time of the day, parted": "00",
    "clock with milliseconds": "20200101",
    "clock and a camera": "2020-01-01-12-30",
    "clock that leaves out .000000": "2020-01-01T12-00",
    "clock of twelve hours": "Screenshot 2020-01-01 at",
    "one hour digit": "2020-01-01 at",
    "counter and a clock": "frame",
}


@pytest.mark.parametrize("case", ONE_RUN)
def test_one_run_stays_one_run_in_its_order(case):
    stems = ONE_RUN[case]
    (run,) = find_order(sorted(stems, key=lambda stem: stem[::-1]), "folder")
    assert run.stems == stems and not run.gaps
    assert len(set(run.numbers)) == len(stems) and run.numbers == sorted(run.numbers)
    assert run.name == NAMES.get(case, ""), "what all begin with, without a number and what parts it"
    assert bool(run.remark) == (case not in ("counter", "counter by two", "number in the middle", "one of ten"))


SCENE = [f"{153240292761246 + i * 83000 + i * 77 % 500}" for i in range(6)]
SEVERAL = {
    "cameras": {f"cam{c}": [f"cam{c}_{i:06d}" for i in range(9)] for c in (0, 1)},
    "sequences": {f"seq_000{s}": [f"seq_000{s}_{i:04d}" for i in range(8)] for s in (1, 2, 3)},
    "a city's sequences": {f"b_00000{s}": [f"b_00000{s}_{i:06d}_leftImg8bit" for i in range(5)] for s in range(4)},
    "versions": {f"v{v}": [f"v{v}.{i:04d}" for i in range(8)] for v in (1, 2)},
    "hashes before a counter": {h: [f"{h}-{i:07d}" for i in range(5)] for h in ("b1c6-6f7d", "c1ca-6a2d")},
    "cameras beside a clock": {f"cam{c}": [f"cam{c}_{1532402927000000 + t}" for t in CLOCK] for c in (0, 1)},
    "cameras behind a clock": {f"c{c}": [f"{1532402927000000 + t + 9 * c}_c{c}" for t in CLOCK] for c in (0, 1)},
    "scenes of a clock": {f"n00{k}": [f"n00{k}__{stamp}" for stamp in SCENE] for k in (1, 2)},
}


@pytest.mark.parametrize("case", SEVERAL)
def test_several_runs_stay_several(case):
    stems = [stem for run in SEVERAL[case].values() for stem in run]
    assert {run.name: run.stems for run in find_order(stems, "folder")} == SEVERAL[case]


def test_what_a_clock_leaves_out_is_told_where_it_is():
    for case, place in (("seconds.fraction", 50), ("milliseconds from the start", 9)):
        stems = ONE_RUN[case]
        (run,) = find_order(stems[:place] + stems[place + 1 :], "folder")
        (gap,) = run.gaps.values()
        assert stems[place - 1] in gap and stems[place + 1] in gap
        assert list(run.gaps) == [stems[place + 1]]


def test_a_counter_with_a_hole_is_not_taken_for_a_clock():
    """frame_000059 and frame_000100 might be a minute's end and the next one's beginning."""
    numbers = [*range(60), *range(100, 160)]
    for form in ("frame_{:06d}", "{:06d}", "frame_{:06d}_rgb"):
        (run,) = find_order([form.format(number) for number in numbers], "folder")
        assert run.counted and run.numbers == numbers and not run.remark
    uneven = [second for second in range(10, 90) if second % 12 in (0, 3, 7)]
    (run,) = find_order([f"{12:02d}{second // 60:02d}{second % 60:02d}" for second in uneven], "folder")
    assert not run.counted and "were read as times" in run.remark, "a counter goes up by one step"


def test_a_single_name_that_tells_a_time_is_a_run_of_one_frame():
    (run,) = find_order(["IMG_20200131_123059"], "folder")
    assert run.stems == ["IMG_20200131_123059"]


NO_ORDER = {
    "hashes": ["781756b0-61e0a182", "3d581db5-2564fb7e", "52e3fd10-c205dec2", "aa3fd10-c205dec2"],
    "random numbers": [str(n) for n in (8372, 99182, 123, 55521, 8274, 610, 71771)],
    "stills of a city": [f"aachen_{i:06d}_000019" for i in range(9)],
    "stills of a city, with an ending": [f"aachen_{i:06d}_000019_leftImg8bit" for i in range(9)],
    "hashes like clocks": ["81f9c1f6-6c0f-3459", "3099fdf5-ab99-1254", "f9341c68-966b-aea1", "c1-235959-aea1"],
    "times of no pace": [str(1532402927612460 + t) for t in (0, 83000, 900000, 1500000, 9999999, 12345678)],
    "no number": ["0001", "0002", "end"],
}


@pytest.mark.parametrize("case", NO_ORDER)
def test_names_that_say_no_order_are_told_with_the_ways_out(case):
    with pytest.raises(ValueError, match="folder: .*--stills .* --order=name"):
        find_order(NO_ORDER[case], "folder")


def test_by_name_takes_numbers_as_numbers():
    assert by_name(["b10", "b9", "a", "b9x"]).stems == ["a", "b9", "b9x", "b10"]


def test_small_steps_are_a_counters_and_from_8_on_a_clock_may_jitter():
    for step, counted in ((4, True), (7, True), (8, False)):
        numbers = [*range(0, 10 * step, step), *range(10 * step + 1, 14 * step, step)]
        (run,) = find_order([f"f_{number:04d}" for number in numbers], "folder")
        assert run.counted == counted, step
