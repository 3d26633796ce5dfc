"""Bodies of requests: whole, unpacked, or refused for their size, their time, or what others send."""

import asyncio
import contextlib
import dataclasses
import gzip

import pytest
from starlette.requests import ClientDisconnect, Request

from seg2vid_tf.serving.local_server.bodies import Bodies
from seg2vid_tf.serving.local_server.limits import Limits
from seg2vid_tf.serving.status import StatusError

LIMITS = Limits(body_bytes=1000, bodies_bytes=1500, small_bytes=100, read_seconds=60.0)


class _Sender:
    """A client that sends part after part, each when it is told to."""

    def __init__(self, **headers):
        names = {name.replace("_", "-").encode(): str(value).encode() for name, value in headers.items()}
        self._parts = asyncio.Queue()
        self.request = Request({"type": "http", "method": "POST", "headers": list(names.items())}, self._parts.get)

    def send(self, part, more=True):
        self._parts.put_nowait({"type": "http.request", "body": part, "more_body": more})

    def hang_up(self):
        self._parts.put_nowait({"type": "http.disconnect"})


async def _read(bodies, sender):
    async with bodies.read(sender.request) as body:
        return bytes(body)


def _received(parts, **headers):
    """What is read of a body that comes in these parts."""

    async def run():
        sender = _Sender(**headers)
        for part in parts:
            sender.send(part)
        sender.send(b"", more=False)
        return await _read(Bodies(LIMITS), sender)

    return asyncio.run(run())


def test_a_body_comes_in_parts_and_is_unpacked():
    assert _received([b"ab", b"", b"c"]) == b"abc"
    packed = gzip.compress(b"abc" * 300)
    for encoding in ("gzip", "x-gzip"):
        assert _received([packed[:7], packed[7:]], content_encoding=encoding) == b"abc" * 300


@pytest.mark.parametrize(
    ("parts", "headers", "code", "message"),
    [
        ([b"a" * 600, b"a" * 401], {}, "RESOURCE_EXHAUSTED", "larger than"),
        ([], {"content_length": 1001}, "RESOURCE_EXHAUSTED", "larger than"),
        ([gzip.compress(b"a" * 10**7)], {"content_encoding": "gzip"}, "RESOURCE_EXHAUSTED", "larger than"),
        ([gzip.compress(b"abc")[:-9]], {"content_encoding": "gzip"}, "INVALID_ARGUMENT", "end too early"),
        ([], {"content_encoding": "gzip"}, "INVALID_ARGUMENT", "end too early"),
        ([b"abc"], {"content_encoding": "gzip"}, "INVALID_ARGUMENT", "no gzip data"),
        ([gzip.compress(b"a"), b"more"], {"content_encoding": "gzip"}, "INVALID_ARGUMENT", "more behind their end"),
        ([b"abc"], {"content_encoding": "br"}, "INVALID_ARGUMENT", "must be gzip or identity, received 'br'"),
    ],
)
def test_a_body_is_refused_for_its_size_and_its_encoding(parts, headers, code, message):
    with pytest.raises(StatusError, match=message) as refused:
        _received(parts, **headers)
    assert refused.value.code == code


def test_a_body_that_does_not_come_is_waited_for_so_long_and_one_that_breaks_off_is_told_of():
    async def run():
        bodies, slow, gone = Bodies(dataclasses.replace(LIMITS, read_seconds=0.2)), _Sender(), _Sender()
        slow.send(b"half")
        gone.send(b"half")
        gone.hang_up()
        with pytest.raises(ClientDisconnect):
            await _read(bodies, gone)
        with pytest.raises(StatusError, match=r"did not come in 0.2 s") as late:
            await _read(bodies, slow)
        assert late.value.code == "REQUEST_TIMEOUT" and not bodies._held

    asyncio.run(run())


def test_the_largest_that_still_comes_makes_room_and_small_ones_always_come_through():
    async def run():
        bodies, senders = Bodies(LIMITS), [_Sender() for _ in range(4)]
        large, larger, third, small = senders
        tasks = [asyncio.ensure_future(_read(bodies, sender)) for sender in senders]
        large.send(b"a" * 600)
        larger.send(b"b" * 700)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        third.send(b"c" * 300)  # 1600 in all
        third.send(b"", more=False)
        small.send(b"d" * 100, more=False)
        large.send(b"", more=False)
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [len(body) if isinstance(body, bytes) else body.code for body in done] == [
            600,
            "RESOURCE_EXHAUSTED",
            300,
            100,
        ]

    asyncio.run(run())


def test_what_is_worked_on_counts_until_it_is_done_and_is_not_taken_away():
    async def run():
        bodies, first, second = Bodies(LIMITS), _Sender(), _Sender()
        first.send(b"a" * 900, more=False)
        second.send(b"b" * 700, more=False)
        async with contextlib.AsyncExitStack() as held:
            body = await held.enter_async_context(bodies.read(first.request))
            with pytest.raises(StatusError, match="too many large requests"):
                await _read(bodies, second)
            assert body == b"a" * 900
        third = _Sender()
        third.send(b"b" * 700, more=False)
        assert len(await _read(bodies, third)) == 700

    asyncio.run(run())
