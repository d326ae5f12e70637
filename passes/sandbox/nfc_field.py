"""The air between a reader and a phone, as TCP: a phone that connects is held to the reader.

The frames are those of the virtual smart card readers of PC/SC ("vpcd"): two bytes of length, then a command or its
answer; a command of one byte is about power. https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Final, Protocol

OFF, ON, NAME = b"\x00", b"\x01", b"\x04"
_ANSWER_TO_RESET: Final = bytes.fromhex("3b80800101")  # a contactless card that says nothing of itself
_ANSWER_WITHIN_S: Final = 10.0
_SHORTEST_COMMAND = 4


class HeldPhone(Protocol):
    """What both kinds of phones can do."""

    def answer(self, command: bytes, now: datetime | None = None) -> bytes:
        """Data, then two bytes of status."""
        ...


class PhoneGone(Exception):
    """The phone was taken away before it had said everything."""


class Air:
    """The reader's side of one tap."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def power(self) -> None:
        """The phone comes into the field."""
        await send(self._writer, ON)

    async def transmit(self, command: bytes) -> bytes:
        """The phone's answer to a command. Raises PhoneGone."""
        try:
            await send(self._writer, command)
            return await asyncio.wait_for(received(self._reader), _ANSWER_WITHIN_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError):
            raise PhoneGone("the phone was taken away") from None

    async def release(self) -> None:
        """The reader is done with the phone."""
        with suppress(OSError):
            await send(self._writer, OFF)
            self._writer.close()
            await self._writer.wait_closed()


class Field:
    """Where phones are held: they are met one after another."""

    def __init__(self) -> None:
        self._met: asyncio.Queue[Air] = asyncio.Queue()

    @asynccontextmanager
    async def open(self, host: str = "127.0.0.1") -> AsyncIterator[tuple[str, int]]:
        """Listen while the block runs; gives the address at which phones are held to the reader."""
        server = await asyncio.start_server(self._meet, host, 0)
        async with server:
            address = server.sockets[0].getsockname()
            yield address[0], address[1]
            while not self._met.empty():
                await self._met.get_nowait().release()

    async def met(self) -> Air:
        """The next phone that is held to the reader."""
        air = await self._met.get()
        await air.power()
        return air

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._met.put(Air(reader, writer))


async def hold(phone: HeldPhone, host: str, port: int, now: datetime | None = None, *, commands: int = 1000) -> int:
    """Hold a phone to a reader until the reader is done, or take it away after so many `commands`; returns how many
    were answered."""
    reader, writer = await asyncio.open_connection(host, port)
    answered = 0
    try:
        while answered < commands:
            command = await received(reader)
            if command == OFF:
                break
            if command == NAME:
                await send(writer, _ANSWER_TO_RESET)
            if len(command) >= _SHORTEST_COMMAND:
                await send(writer, phone.answer(command, now))
                answered += 1
    except (OSError, asyncio.IncompleteReadError):
        pass  # the reader is gone
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    return answered


async def send(writer: asyncio.StreamWriter, frame: bytes) -> None:
    """One frame."""
    writer.write(len(frame).to_bytes(2, "big") + frame)
    await writer.drain()


async def received(reader: asyncio.StreamReader) -> bytes:
    """One frame. Raises asyncio.IncompleteReadError when the other side is gone."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
