"""Our part of HTTP/2 against another implementation of it (`h2`), and against a server that breaks the rules."""

import h2.config
import h2.connection
import h2.events
import h2.settings
import pytest
from hpack import Encoder, HeaderTuple
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PushPromiseFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from passes.apple.http2 import (
    COMPRESSION_ERROR,
    ENHANCE_YOUR_CALM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    PROTOCOL_ERROR,
    Alive,
    Answered,
    BrokenConnection,
    Dropped,
    Event,
    Http2Client,
    Leaving,
)

HEADS = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example")]
HEADERS = [(b"apns-topic", b"pass.org.example"), (b"apns-priority", b"5")]


class Other:
    """The other side: an `h2` server, which checks what it gets, and what it understood."""

    def __init__(self, **settings: int) -> None:
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        chosen = {h2.settings.SettingCodes[name]: value for name, value in settings.items()}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=chosen)
        self.h2.initiate_connection()
        self.heard: list[h2.events.Event] = []
        self.client = Http2Client(HEADS, HEADERS, b"{}")
        self.client.start()
        self.exchange()

    def exchange(self) -> list[Event]:
        """Let both read what the other wrote, until neither has more to say; what the client made of it."""
        events: list[Event] = []
        while True:
            sent, self.client.out = bytes(self.client.out), bytearray()
            if sent:
                self.heard += self.h2.receive_data(sent)
            answer = self.h2.data_to_send()
            if not sent and not answer:
                return events
            events += self.client.receive(answer)

    def requests(self) -> list[dict[str, str]]:
        """The headers of each request so far."""
        asked = [event for event in self.heard if isinstance(event, h2.events.RequestReceived)]
        return [{str(name): str(value) for name, value in event.headers or ()} for event in asked]


def greeted() -> Http2Client:
    """A client whose server has sent its settings."""
    client = Http2Client(HEADS, HEADERS, b"{}")
    client.start()
    client.receive(SettingsFrame(0).serialize())
    return client


def block(*headers: tuple[str, str]) -> bytes:
    return bytes(Encoder().encode([HeaderTuple(name.encode(), value.encode()) for name, value in headers]))


def test_a_request_arrives_with_its_headers_and_its_body() -> None:
    other = Other()
    stream = other.client.request(b"/3/device/ab01")
    other.exchange()
    assert other.requests() == [
        {
            ":method": "POST", ":scheme": "https", ":authority": "push.example", ":path": "/3/device/ab01",
            "apns-topic": "pass.org.example", "apns-priority": "5",
        }
    ]  # fmt: skip
    (data,) = [event for event in other.heard if isinstance(event, h2.events.DataReceived)]
    assert (data.stream_id, data.data) == (stream, b"{}")


@pytest.mark.parametrize("table", [0, *range(40, 300, 20), 4095, 4096, 65_536])
def test_each_request_has_its_own_path_and_the_same_headers_whatever_table_the_server_keeps(table: int) -> None:
    other = Other(HEADER_TABLE_SIZE=table)
    paths = [f"/3/device/{number:064x}{'f' * number}" for number in range(120)]
    for path in paths:
        other.client.request(path.encode())
        other.exchange()
    seen = other.requests()
    assert [request.pop(":path") for request in seen] == paths
    assert all(request == seen[0] for request in seen)


@pytest.mark.parametrize(("table", "shorter"), [(4096, True), (4095, False), (0, False)])
def test_headers_are_referred_to_only_if_the_server_s_table_surely_holds_them(table: int, shorter: bool) -> None:
    other, sizes = Other(HEADER_TABLE_SIZE=table), []
    for _ in range(3):
        other.client.request(b"/3/device/ab")
        sizes.append(len(other.client.out))
        other.exchange()
    assert (sizes[1] < sizes[0] - 3) is shorter  # the first one may say the table's new size as well
    assert sizes[2] == sizes[1]


def test_other_headers_are_said_from_the_next_request_on_however_often_they_change() -> None:
    other = Other()
    for number in range(60):
        other.client.say([(b"authorization", f"bearer {number:0200d}".encode()), *HEADERS])
        for _ in range(2):
            other.client.request(b"/3/device/ab")
        other.exchange()
    assert [int(request["authorization"].removeprefix("bearer ")) for request in other.requests()] == [
        number for number in range(60) for _ in range(2)
    ]


def test_an_answer_in_one_frame_and_one_with_a_body_are_told_apart_by_stream() -> None:
    other = Other()
    first, second = other.client.request(b"/1"), other.client.request(b"/2")
    other.exchange()
    other.h2.send_headers(second, [(":status", "410"), ("apns-id", "x")])
    other.h2.send_data(second, b'{"reason":', end_stream=False)
    other.h2.send_data(second, b'"Unregistered"}', end_stream=True)
    other.h2.send_headers(first, [(":status", "200"), ("apns-id", "y")], end_stream=True)
    assert other.exchange() == [Answered(second, 410, b'{"reason":"Unregistered"}'), Answered(first, 200, b"")]


def test_an_answer_is_understood_before_and_after_the_server_gave_up_its_table() -> None:
    other = Other()
    statuses = [200, 200, 429, 200, 503, 200]
    for status in statuses:
        stream = other.client.request(b"/3/device/ab")
        other.exchange()
        other.h2.send_headers(stream, [(":status", str(status)), ("apns-id", f"{stream}")], end_stream=True)
        assert other.exchange() == [Answered(stream, status, b"")]


def test_an_answer_is_understood_of_a_server_that_keeps_its_table() -> None:
    client, encoder = greeted(), Encoder()
    statuses = [410, 200, 410, 200, 200, 410]
    for number, status in enumerate(statuses):
        stream = client.request(b"/3/device/ab")
        said = bytes(encoder.encode([(b":status", str(status).encode()), (b"apns-id", b"%d" % number)]))
        answer = HeadersFrame(stream, data=said, flags=["END_HEADERS", "END_STREAM"])
        assert client.receive(answer.serialize()) == [Answered(stream, status, b"")]


def test_the_limit_is_what_the_server_says_now() -> None:
    other = Other(MAX_CONCURRENT_STREAMS=1)
    assert other.client.limit == 1
    other.h2.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 700})
    other.exchange()
    assert other.client.limit == 700


def test_a_server_without_a_limit_is_used_up_to_our_own() -> None:
    client = greeted()
    assert (client.greeted, client.limit) == (True, 1000)


def test_there_is_room_until_the_window_is_used_up_and_again_when_it_is_opened() -> None:
    client = greeted()
    assert client.room == 32_767
    for _ in range(32_767):
        client.request(b"/3/device/ab")
    assert client.room == 0
    client.receive(WindowUpdateFrame(0, window_increment=10).serialize())
    assert client.room == 5
    client.receive(SettingsFrame(0, settings={SettingsFrame.INITIAL_WINDOW_SIZE: 1}).serialize())
    assert client.room == 0  # a new stream could not take the body


def test_a_ping_is_answered_and_ours_is_heard() -> None:
    client = greeted()
    client.out.clear()
    client.receive(PingFrame(0, opaque_data=b"12345678").serialize())
    assert bytes(client.out) == PingFrame(0, opaque_data=b"12345678", flags=["ACK"]).serialize()
    assert client.receive(PingFrame(0, opaque_data=b"commonpt", flags=["ACK"]).serialize()) == [Alive()]


def test_after_a_goodbye_the_streams_before_it_are_still_answered() -> None:
    client = greeted()
    first, second = client.request(b"/1"), client.request(b"/2")
    leaving = GoAwayFrame(0, last_stream_id=first, error_code=0, additional_data=b'{"reason":"Shutdown"}')
    answer = HeadersFrame(first, data=block((":status", "200")), flags=["END_HEADERS", "END_STREAM"])
    assert client.receive(leaving.serialize() + answer.serialize()) == [
        Leaving(first, 0, b'{"reason":"Shutdown"}'),
        Answered(first, 200, b""),
    ]
    assert second > first


def test_a_stream_that_the_server_resets_is_told() -> None:
    client = greeted()
    stream = client.request(b"/1")
    assert client.receive(RstStreamFrame(stream, error_code=7).serialize()) == [Dropped(stream)]


def test_headers_may_come_in_parts_with_padding_trailers_and_provisional_answers() -> None:
    client = greeted()
    stream = client.request(b"/1")
    said = block((":status", "400"), ("apns-id", "abc"))
    frames = [
        HeadersFrame(stream, data=block((":status", "103")), flags=["END_HEADERS"]),
        HeadersFrame(stream, data=said[:2], flags=["PADDED"], pad_length=5),
        ContinuationFrame(stream, data=said[2:3]),
        ContinuationFrame(stream, data=said[3:], flags=["END_HEADERS"]),
        DataFrame(stream, data=b'{"reason":"x"}', flags=["PADDED"], pad_length=9),
        HeadersFrame(stream, data=block(("grpc", "0")), flags=["END_HEADERS", "END_STREAM"]),
    ]
    events = client.receive(b"".join(frame.serialize() for frame in frames))
    assert events == [Answered(stream, 400, b'{"reason":"x"}')]


def test_an_answer_to_a_stream_that_we_gave_up_is_read_over() -> None:
    client = greeted()
    stream = client.request(b"/1")
    client.reset(stream)
    assert client.receive(DataFrame(stream, data=b"late", flags=["END_STREAM"]).serialize()) == []


def test_the_server_may_go_on_sending_bodies_for_ever() -> None:
    other = Other()
    for _ in range(3000):  # each 60 bytes: more than a window of 64 KiB in all
        stream = other.client.request(b"/1")
        other.exchange()
        other.h2.send_headers(stream, [(":status", "400")])
        other.h2.send_data(stream, b"x" * 60, end_stream=True)
        other.exchange()
    assert other.h2.outbound_flow_control_window > 0


def test_frames_of_an_unknown_kind_are_read_over() -> None:
    client = greeted()
    assert client.receive(b"\0\0\x03\xbe\0\0\0\0\0abc") == []


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([HeadersFrame(99, data=block((":status", "200")), flags=["END_HEADERS"])], PROTOCOL_ERROR),
        ([HeadersFrame(2, data=block((":status", "200")), flags=["END_HEADERS"])], PROTOCOL_ERROR),
        ([HeadersFrame(1, data=b"\xff\xff\xff\xff\xff", flags=["END_HEADERS"])], COMPRESSION_ERROR),
        ([HeadersFrame(1, data=block((":status", "many")), flags=["END_HEADERS"])], COMPRESSION_ERROR),
        ([HeadersFrame(1, data=b"\x88"), PingFrame(0, opaque_data=b"12345678")], PROTOCOL_ERROR),
        ([ContinuationFrame(1, data=b"\x88", flags=["END_HEADERS"])], PROTOCOL_ERROR),
        ([HeadersFrame(1), *[ContinuationFrame(1, data=b"x" * 16_000)] * 5], ENHANCE_YOUR_CALM),
        ([PushPromiseFrame(1, promised_stream_id=2, data=b"", flags=["END_HEADERS"])], PROTOCOL_ERROR),
        ([WindowUpdateFrame(0, window_increment=2**31 - 1)], FLOW_CONTROL_ERROR),
        ([DataFrame(1, data=b"x" * 16_385)], FRAME_SIZE_ERROR),
        (
            [HeadersFrame(1, data=b"\x88", flags=["END_HEADERS"]), *[DataFrame(1, data=b"x" * 16_000)] * 5],
            FLOW_CONTROL_ERROR,
        ),
    ],
)
def test_a_server_that_breaks_the_rules_is_told_which(frames: list[Frame], code: int) -> None:
    client = greeted()
    client.request(b"/1")
    with pytest.raises(BrokenConnection) as broken:
        client.receive(b"".join(frame.serialize() for frame in frames))
    assert broken.value.code == code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\0\0\x05\x04\0\0\0\0\0hello", FRAME_SIZE_ERROR),  # SETTINGS that are no pairs
        (b"\0\0\x04\x06\0\0\0\0\0ping", FRAME_SIZE_ERROR),
        (b"\0\0\x04\x07\0\0\0\0\0away", FRAME_SIZE_ERROR),
        (b"\0\0\x01\x08\0\0\0\0\0x", FRAME_SIZE_ERROR),
        (b"\0\0\x01\0\x08\0\0\0\x01\x05", PROTOCOL_ERROR),  # more padding than frame
    ],
)
def test_a_frame_in_a_wrong_form_is_no_frame(raw: bytes, code: int) -> None:
    client = greeted()
    stream = client.request(b"/1")
    client.receive(HeadersFrame(stream, data=block((":status", "400")), flags=["END_HEADERS"]).serialize())
    with pytest.raises(BrokenConnection) as broken:
        client.receive(raw)
    assert broken.value.code == code


def test_a_server_that_does_not_begin_with_its_settings_speaks_something_else() -> None:
    client = Http2Client(HEADS, HEADERS, b"{}")
    client.start()
    with pytest.raises(BrokenConnection):
        client.receive(PingFrame(0, opaque_data=b"12345678").serialize())
