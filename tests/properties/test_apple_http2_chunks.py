"""However the network cuts what the push server says, it means the same."""

from contextlib import suppress

from hpack import Encoder
from hyperframe.frame import DataFrame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as st

from passes.apple.http2 import Alive, Answered, BrokenConnection, Event, Http2Client

COUNT = 12
statuses = st.sampled_from([200, 200, 200, 400, 410, 429, 503, 0])


def client_with_requests() -> Http2Client:
    client = Http2Client([(b":method", b"POST")], [(b"apns-topic", b"t")], b"{}")
    client.start()
    for number in range(COUNT):
        client.request(b"/%d" % number)
    return client


def spoken(answers: list[int]) -> bytes:
    """SETTINGS, then an answer to each request: 200 in one frame, 0 a reset, anything else with a body."""
    encoder, said = Encoder(), SettingsFrame(0).serialize()
    for number, status in enumerate(answers):
        stream = 2 * number + 1
        if status == 0:
            said += RstStreamFrame(stream, error_code=2).serialize()
            continue
        block = bytes(encoder.encode([(b":status", str(status).encode()), (b"apns-id", b"id-%d" % number)]))
        if status == 200:
            said += HeadersFrame(stream, data=block, flags=["END_HEADERS", "END_STREAM"]).serialize()
        else:
            said += HeadersFrame(stream, data=block, flags=["END_HEADERS"]).serialize()
            said += PingFrame(0, opaque_data=b"between!", flags=["ACK"]).serialize()
            said += DataFrame(stream, data=b'{"reason":"%d"}' % status, flags=["END_STREAM"]).serialize()
    return said


@given(st.lists(statuses, min_size=COUNT, max_size=COUNT), st.data())
def test_the_same_answers_come_out_of_any_pieces(answers: list[int], data: st.DataObject) -> None:
    said = spoken(answers)
    whole = client_with_requests().receive(said)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(said)), max_size=30)))
    client, events = client_with_requests(), list[Event]()
    for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        events += client.receive(said[begin:end])
    assert events == whole
    told = [event.status if isinstance(event, Answered) else 0 for event in whole if not isinstance(event, Alive)]
    assert told == answers


@given(st.binary(max_size=200))
def test_garbage_is_a_broken_connection_or_nothing_and_never_another_error(garbage: bytes) -> None:
    client = client_with_requests()
    client.receive(SettingsFrame(0).serialize())
    with suppress(BrokenConnection):
        client.receive(garbage)
