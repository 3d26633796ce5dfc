"""What a picture's file may be called, by the address that a tool keeps of it.

/data/upload/1/ab12cd34-my_photo.jpg     Label Studio's uploads: a number and eight hex digits are the tool's own
/data/local-files/?d=street/my%20photo.jpg          its local storage, quoted or not
/tasks/7/presign/?fileuri=czM6Ly9i...               its cloud storage, the bucket's address in base 64 or quoted
s3://bucket/street/a.jpg, gs://, azure-blob://, https://host/street/a.jpg?token=...     buckets and web servers
C:\\street\\a.jpg                                     Windows

Source: github.com/HumanSignal/label-studio-sdk, _extensions/label_studio_tools/core/utils/io.py.
"""

import base64
import re
import urllib.parse

_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/]*/")
_UPLOAD = re.compile(r"(?:.*/)?upload/(?:\d+/)?(?P<name>(?:[0-9a-f]{8}-)?(?P<own>[^/]+))")


def file_names(address: str) -> list[str]:
    """The names, with their folders where the address has any, the most literal first."""
    address = address.strip().replace("\\", "/")
    if match := re.search(r"[?&]fileuri=([^&]+)", address):
        return file_names(_unquoted_uri(match[1]))
    if match := re.search(r"/local-files/?\?(?:.*&)?d=(.+)", address):
        found = [match[1], match[1].split("&")[0]]  # a name may hold the sign that parts parameters
    else:
        inside = _HOST.sub("", address, count=1)
        found = [inside, inside.split("?")[0]]  # and the one that begins them
    found += [urllib.parse.unquote(name).replace("\\", "/") for name in found]
    names = []
    for name in found:
        upload = _UPLOAD.fullmatch(name)
        names += [upload["name"], upload["own"]] if upload else [name]
    return [name for name in dict.fromkeys(names) if name.strip("/")]


def stored_name(name: str) -> str:
    """The name under which a web server keeps an uploaded file: "my photo (1).jpg" is "my_photo_1.jpg".

    Source: Django's get_valid_filename.
    """
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


def _unquoted_uri(text):
    text = urllib.parse.unquote(text)
    if "/" in text and ":" in text:
        return text
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return text
