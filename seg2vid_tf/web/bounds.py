"""What is let in at all, before anything reads it: an ASGI middleware.

Bodies end at a limit, whatever their header says. Gradio's own upload and file doors are shut: the page uses neither,
and they would leave files behind and tell where. Where the page is for this machine alone, it answers to its own names
alone: otherwise any web page could have this browser ask it, under a name of its own that leads here.
"""

import contextlib

MAX_BODY = 48 << 20  # a painting of 1024 x 2048 in base64 beside a style picture of 16 MiB
_SHUT = ("/upload", "/file=", "/file/", "/proxy=", "/stream/", "/component_server")
_HERE = {"localhost", "127.0.0.1", "[::1]", "::1"}


class TooMuch(Exception):
    """A body that does not end."""


class Bounds:
    """The middleware.

    Args:
      app: what is guarded.
      here_only: whether the page is for this machine alone.
      max_body: bytes.
    """

    def __init__(self, app, here_only: bool, max_body: int = MAX_BODY):
        self._app, self._here_only, self._max_body = app, here_only, max_body

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = dict(scope["headers"])
        refusal = self._refusal(scope["path"], headers)
        if refusal:
            return await _say(send, *refusal)
        read, answered = 0, False

        async def bounded():
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_body:
                raise TooMuch
            return message

        async def once(message):
            # What is inside may catch TooMuch and answer something that explains less.
            nonlocal answered
            if read <= self._max_body or answered:
                answered = True
                await send(message)

        with contextlib.suppress(TooMuch):
            await self._app(scope, bounded, once)
        if read > self._max_body and not answered:
            await _say(send, 413, self._too_large())

    def _refusal(self, path, headers):
        host = headers.get(b"host", b"").decode("latin-1")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if self._here_only and name.lower() not in _HERE:
            return 400, "this page answers to localhost alone; start paint.py with --host to open it to others"
        if path.startswith("/gradio_api") and any(door in path for door in _SHUT):
            return 404, "this page takes and gives no files at this address"
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body:
            return 413, self._too_large()
        return None

    def _too_large(self):
        return f"the request is larger than {self._max_body} bytes"


async def _say(send, status, message):
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": message.encode()})
