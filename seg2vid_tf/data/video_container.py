"""Whether a video file ends before its container does: the one proof that it is cut off.

Headers also count frames and seconds, but of what was recorded: a file that was trimmed without encoding it again keeps
frames that are not shown, and a last picture may stand for minutes. The boxes of MP4 and MOV, the segment of Matroska
and
WebM and the chunks of AVI have sizes in bytes instead. Sources: ISO/IEC 14496-12, RFC 8794 and 9559, the RIFF
specification.
"""

import pathlib

_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"moof", b"styp", b"sidx", b"uuid", b"udta")
# Some writers of AVI count a chunk's header, or its padding, one time too often.
_RIFF_SLACK = 16


def cut_off(path: pathlib.Path) -> str:
    """Where the file should end and where it does, "" where it is whole or its container does not say."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(16)
        if start[4:8] in _BOXES:
            end = _end_of_boxes(file, size)
        elif int.from_bytes(start[:4], "big") == _EBML:
            end = _end_of_segment(file)
        elif start[:4] == b"RIFF":
            end = _end_of_chunks(file, size)
        else:
            return ""
    return f"it should end at byte {end} and ends at {size}" if end > size else ""


def _end_of_boxes(file, size):
    position = 0
    while position + 8 <= size:
        file.seek(position)
        length, kind = int.from_bytes(file.read(4), "big"), file.read(4)
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        if length < 8 or not kind.isascii():  # 0: the rest of the file; else no box, but something that follows them
            return size
        position += length
    return position


def _end_of_chunks(file, size):
    position = 0
    while position + 12 <= size:
        file.seek(position)
        kind, length = file.read(4), int.from_bytes(file.read(4), "little")
        if kind != b"RIFF" or length == 0:  # a recorder that was killed leaves 0
            return size
        position += 8 + length + length % 2
    return position - _RIFF_SLACK


def _end_of_segment(file):
    file.seek(4)
    header = _variable_integer(file)
    file.seek(file.tell() + (header or 0))
    if int.from_bytes(file.read(4), "big") != _SEGMENT:
        return 0
    length = _variable_integer(file)
    return 0 if length is None else file.tell() + length


def _variable_integer(file):
    """EBML's integers: the leading zeros of the first byte are the number of bytes that follow; all ones: unknown."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    more = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & ((1 << (7 - more)) - 1)]) + file.read(more), "big")
    return None if value == (1 << 7 * (more + 1)) - 1 else value
