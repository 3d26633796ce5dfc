"""wait_for_server: what it says, how long it waits, and when it does not."""

import pytest

from seg2vid_tf.serving.status import StatusError
from seg2vid_tf.serving.wait import wait_for_server


class Client:
    """Answers a wait by each of ``errors`` in turn, None: ready; ``waited`` has the seconds it was asked for."""

    def __init__(self, *errors):
        self._errors, self.waited = list(errors), []

    def wait_until_ready(self, timeout):
        self.waited.append(timeout)
        if error := self._errors.pop(0):
            raise error


def test_a_server_that_is_ready_is_not_spoken_of(capsys):
    client = Client(None)
    wait_for_server(client, "here:8501", 60.0)
    assert client.waited == [1.0] and capsys.readouterr().out == ""


@pytest.mark.parametrize("code", ["UNAVAILABLE", "DEADLINE_EXCEEDED"])
def test_one_that_loads_is_waited_for_and_named(code, capsys):
    client = Client(StatusError(code, "no version is ready"), None)
    wait_for_server(client, "here:8501", 40.0)
    assert client.waited == [1.0, 40.0]
    said = capsys.readouterr().out
    assert said.startswith("here:8501 does not answer yet (no version is ready)") and "for 40 s at most" in said


def test_what_waiting_cannot_mend_is_raised_at_once(capsys):
    client = Client(StatusError("NOT_FOUND", "no model 'tea'"))
    with pytest.raises(StatusError, match="tea"):
        wait_for_server(client, "here:8501", 60.0)
    assert client.waited == [1.0] and capsys.readouterr().out == ""


def test_the_end_of_the_wait_and_none_at_all():
    client = Client(*[StatusError("UNAVAILABLE", "nobody listens")] * 2)
    with pytest.raises(StatusError, match="nobody listens, after 0.5 s; if it still loads, give a longer --wait"):
        wait_for_server(client, "here:8501", 0.5)
    assert client.waited == [0.5, 0.5]
    wait_for_server(client, "here:8501", 0.0)
    assert client.waited == [0.5, 0.5]
