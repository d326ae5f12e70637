"""The part of HTTP/2 (RFC 9113) that pushing needs: a client that sends many small requests which differ by path alone.

Bytes in, bytes out: no sockets and no clock here. Sections in comments are those of RFC 9113; header compression is
RFC 7541, by the `hpack` library. A general library spends most of a push on keeping count of streams and on building
the same header block again; here a push is its constant block with the path in the middle.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec
from hpack import Decoder, Encoder, HPACKError, NeverIndexedHeaderTuple
from hpack.hpack import encode_integer

Header: TypeAlias = tuple[bytes, bytes]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_ERROR: Final = 0x0
PROTOCOL_ERROR: Final = 0x1
FLOW_CONTROL_ERROR: Final = 0x3
FRAME_SIZE_ERROR: Final = 0x6
CANCEL: Final = 0x8
COMPRESSION_ERROR: Final = 0x9
ENHANCE_YOUR_CALM: Final = 0xB

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PUSH_PROMISE = 0x0, 0x1, 0x3, 0x4, 0x5
_PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 0x6, 0x7, 0x8, 0x9
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_TABLE_SIZE, _ENABLE_PUSH, _MAX_STREAMS, _INITIAL_WINDOW, _MAX_HEADER_LIST = 0x1, 0x2, 0x3, 0x4, 0x6

_FRAME: Final = struct.Struct(">BHBBL")  # length (a byte and two), type, flags, stream
_SETTING: Final = struct.Struct(">HL")
_FRAME_LIMIT: Final = 2**14  # what we let the server send at once: the least that section 4.2 allows
_HEADERS_LIMIT: Final = 2**16
_WINDOW: Final = 2**16 - 1
_WINDOW_END: Final = 2**31 - 1
_TABLE: Final = 4096
_STATUS_200: Final = 0x88  # `:status: 200` in HPACK's static table


class BrokenConnection(Exception):
    """The server broke the protocol; `code` is what to tell it."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Answered(msgspec.Struct, frozen=True):
    """A stream has its whole answer."""

    stream: int
    status: int
    body: bytes


class Dropped(msgspec.Struct, frozen=True):
    """The server gave up a stream without an answer."""

    stream: int


class Leaving(msgspec.Struct, frozen=True):
    """GOAWAY: streams up to `last` still get answers, later ones were never looked at (section 6.8)."""

    last: int
    code: int
    debug: bytes


class Alive(msgspec.Struct, frozen=True):
    """The server answered our PING."""


Event: TypeAlias = Answered | Dropped | Leaving | Alive


@dataclass(slots=True)
class _Answer:
    """An answer that came in more than one frame."""

    status: int = 0
    body: bytes = b""


class Http2Client:
    """One connection's state. What is to be sent gathers in `out`; the owner takes it.

    `greeted` says that the server's settings are known, `limit` how many streams it allows at once, `window` how many
    bytes of bodies it takes now. `heads` are the pseudo headers but the path, `headers` the others.
    """

    def __init__(self, heads: Sequence[Header], headers: Sequence[Header], body: bytes, unlimited: int = 1000) -> None:
        self.out = bytearray()
        self.greeted = False
        self.limit = 0
        self.window = _WINDOW
        self._unlimited = unlimited
        self._stream_window = _WINDOW
        self._body = body
        self._heads, self._headers = list(heads), list(headers)
        self._encoder, self._decoder = Encoder(), Decoder()
        self._before: bytes | None = None
        self._after = b""
        self._next = 1
        self._answers: dict[int, _Answer] = {}
        self._block: tuple[int, int, bytearray] | None = None  # stream, flags, HEADERS so far
        self._eaten = 0
        self._rest = b""
        self._does: dict[int, Callable[[int, int, bytes], Event | None]] = {
            _DATA: self._data,
            _HEADERS: self._head,
            _RST_STREAM: self._reset,
            _SETTINGS: self._settings,
            _PUSH_PROMISE: self._promise,
            _PING: self._ping,
            _GOAWAY: self._goaway,
            _WINDOW_UPDATE: self._window_update,
            _CONTINUATION: self._continuation,
        }

    def start(self) -> None:
        """Begin to speak (section 3.4). The server is to compress without a table: an answer is then read alone."""
        settings = ((_TABLE_SIZE, 0), (_ENABLE_PUSH, 0), (_MAX_HEADER_LIST, _HEADERS_LIMIT))
        self.out += PREFACE
        self._frame(_SETTINGS, 0, 0, b"".join(_SETTING.pack(*setting) for setting in settings))

    @property
    def room(self) -> int:
        """How many requests the flow control of the server lets out now."""
        size = len(self._body)
        return self.window // size if self._stream_window >= size else 0

    @property
    def last_stream(self) -> int:
        """The stream of the last request."""
        return self._next - 2

    def say(self, headers: Sequence[Header]) -> None:
        """Other headers from the next request on."""
        self._headers, self._before = list(headers), None

    def request(self, path: bytes) -> int:
        """Send a POST; returns its stream. The caller keeps to `limit` and `room`."""
        before = self._before
        block = self._first_block(path) if before is None else before + _literal_path(path) + self._after
        stream, self._next = self._next, self._next + 2
        body = self._body
        self.out += (
            _FRAME.pack(0, len(block), _HEADERS, _END_HEADERS, stream)
            + block
            + _FRAME.pack(0, len(body), _DATA, _END_STREAM, stream)
            + body
        )
        self.window -= len(body)
        return stream

    def reset(self, stream: int) -> None:
        """Give up a stream (section 6.4)."""
        self._answers.pop(stream, None)
        self._frame(_RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big"))

    def ping(self) -> None:
        """Ask whether the server is there (section 6.7)."""
        self._frame(_PING, 0, 0, b"commonpt")

    def leave(self, code: int = NO_ERROR) -> None:
        """Say goodbye (section 6.8)."""
        self._frame(_GOAWAY, 0, 0, bytes(4) + code.to_bytes(4, "big"))

    def receive(self, data: bytes) -> list[Event]:
        """What the bytes mean. Raises BrokenConnection; the owner then leaves with its code."""
        if self._rest:
            data = self._rest + data
        events: list[Event] = []
        at, end = 0, len(data)
        while end - at >= 9:
            high, low, kind, flags, stream = _FRAME.unpack_from(data, at)
            if high or low > _FRAME_LIMIT:
                raise BrokenConnection(FRAME_SIZE_ERROR, "a frame is too large")
            begin, after = at + 9, at + 9 + low
            if after > end:
                break
            event = self._take(kind, flags, stream & _WINDOW_END, data[begin:after])
            if event is not None:
                events.append(event)
            at = after
        self._rest = data[at:]
        return events

    def _take(self, kind: int, flags: int, stream: int, payload: bytes) -> Event | None:
        if self._block is not None and kind != _CONTINUATION:
            raise BrokenConnection(PROTOCOL_ERROR, "a header block is interrupted")
        if not self.greeted and kind not in (_SETTINGS, _GOAWAY):
            raise BrokenConnection(PROTOCOL_ERROR, "the first frame is not SETTINGS")
        does = self._does.get(kind)
        return None if does is None else does(flags, stream, payload)  # unknown kinds are ignored (section 4.1)

    # answers ---------------------------------------------------------------------------------------------------

    def _head(self, flags: int, stream: int, payload: bytes) -> Event | None:
        if flags & (_PADDED | _PRIORITY):
            payload = _unpadded(flags, payload)
            if flags & _PRIORITY:
                payload = payload[5:]
        if not flags & _END_HEADERS:
            self._block = (stream, flags, bytearray(payload))
            return None
        return self._headed(flags, stream, payload)

    def _continuation(self, flags: int, stream: int, payload: bytes) -> Event | None:
        if self._block is None or self._block[0] != stream:
            raise BrokenConnection(PROTOCOL_ERROR, "CONTINUATION of nothing")
        block = self._block[2]
        block += payload
        if len(block) > _HEADERS_LIMIT:
            raise BrokenConnection(ENHANCE_YOUR_CALM, "a header block without end")
        if not flags & _END_HEADERS:
            return None
        first, self._block = self._block, None
        return self._headed(first[1], stream, bytes(block))

    def _headed(self, flags: int, stream: int, block: bytes) -> Event | None:
        self._check_stream(stream)
        status = self._status(block)
        if flags & _END_STREAM and stream not in self._answers:
            return Answered(stream, status, b"")
        answer = self._answers.setdefault(stream, _Answer())
        answer.status = status or answer.status  # trailers have none; a 1xx is followed by the real one
        return self._ended(flags, stream)

    def _status(self, block: bytes) -> int:
        # With a table of no size, a block changes nothing for those that follow: the rest need not be read.
        if block[:1] == b"\x88" and not self._decoder.header_table_size:
            return 200
        try:
            for name, value in self._decoder.decode(block, raw=True):
                if name == b":status":
                    return int(value)
        except (HPACKError, ValueError) as error:
            raise BrokenConnection(COMPRESSION_ERROR, f"a header block cannot be read ({error})") from error
        return 0

    def _data(self, flags: int, stream: int, payload: bytes) -> Event | None:
        self._check_stream(stream)
        self._eaten += len(payload)
        if self._eaten > _WINDOW // 4:
            self._frame(_WINDOW_UPDATE, 0, 0, self._eaten.to_bytes(4, "big"))
            self._eaten = 0
        answer = self._answers.get(stream)
        if answer is None:
            return None  # given up by us
        answer.body += _unpadded(flags, payload)
        if len(answer.body) > _WINDOW:
            raise BrokenConnection(FLOW_CONTROL_ERROR, "an answer without end")
        return self._ended(flags, stream)

    def _ended(self, flags: int, stream: int) -> Event | None:
        if not flags & _END_STREAM:
            return None
        answer = self._answers.pop(stream)
        return Answered(stream, answer.status, answer.body)

    def _reset(self, flags: int, stream: int, payload: bytes) -> Event:
        self._check_stream(stream)
        _check_length(payload, 4)
        self._answers.pop(stream, None)
        return Dropped(stream)

    def _promise(self, flags: int, stream: int, payload: bytes) -> Event:
        raise BrokenConnection(PROTOCOL_ERROR, "a push promise, which we do not allow")

    def _check_stream(self, stream: int) -> None:
        if not stream & 1 or stream >= self._next:
            raise BrokenConnection(PROTOCOL_ERROR, f"stream {stream} was never opened")

    # the connection --------------------------------------------------------------------------------------------

    def _settings(self, flags: int, stream: int, payload: bytes) -> Event | None:
        if stream or len(payload) % 6:
            raise BrokenConnection(FRAME_SIZE_ERROR, "SETTINGS in a wrong form")
        if flags & _ACK:
            return None
        if not self.greeted:
            self.greeted, self.limit = True, self._unlimited
        for key, value in _SETTING.iter_unpack(payload):
            if key == _MAX_STREAMS:
                self.limit = value
            elif key == _INITIAL_WINDOW:
                self._stream_window = value
            elif key == _TABLE_SIZE:
                self._encoder.header_table_size = min(value, _TABLE)
                self._before = None
        self._frame(_SETTINGS, _ACK, 0, b"")
        return None

    def _ping(self, flags: int, stream: int, payload: bytes) -> Event | None:
        _check_length(payload, 8)
        if flags & _ACK:
            return Alive()
        self._frame(_PING, _ACK, 0, payload)
        return None

    def _goaway(self, flags: int, stream: int, payload: bytes) -> Event:
        if len(payload) < 8:
            raise BrokenConnection(FRAME_SIZE_ERROR, "GOAWAY in a wrong form")
        last, code = struct.unpack_from(">LL", payload)
        return Leaving(last & _WINDOW_END, code, payload[8:])

    def _window_update(self, flags: int, stream: int, payload: bytes) -> Event | None:
        _check_length(payload, 4)
        if not stream:  # on a stream: its request is out already
            self.window += int.from_bytes(payload, "big") & _WINDOW_END
            if self.window > _WINDOW_END:
                raise BrokenConnection(FLOW_CONTROL_ERROR, "the window overflows")
        return None

    # what we say -----------------------------------------------------------------------------------------------

    def _first_block(self, path: bytes) -> bytes:
        """Teaches the server's table our headers; the blocks after it refer to them."""
        heads: Sequence[Header] = self._heads
        headers: Sequence[Header] = self._headers
        if self._encoder.header_table_size < _TABLE:  # too small to be sure of: say everything each time
            heads, headers = ([NeverIndexedHeaderTuple(*header) for header in part] for part in (heads, headers))
        block = self._encoder.encode(heads) + _literal_path(path) + self._encoder.encode(headers)
        self._before, self._after = self._encoder.encode(heads), self._encoder.encode(headers)
        return bytes(block)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        self.out += _FRAME.pack(0, len(payload), kind, flags, stream) + payload


def _literal_path(path: bytes) -> bytes:
    """`:path`, never indexed (RFC 7541 section 6.2.3): each is said once, and a device's token is not for a table."""
    length = len(path)
    return (b"\x14" + bytes((length,)) if length < 127 else b"\x14" + bytes(encode_integer(length, 7))) + path


def _unpadded(flags: int, payload: bytes) -> bytes:
    if not flags & _PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise BrokenConnection(PROTOCOL_ERROR, "more padding than frame")
    return payload[1 : len(payload) - payload[0]]


def _check_length(payload: bytes, length: int) -> None:
    if len(payload) != length:
        raise BrokenConnection(FRAME_SIZE_ERROR, "a frame has a wrong length")
