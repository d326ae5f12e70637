"""The web application, put together from its routes and the parts it is handed."""

import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from api.auth import GATE_STATE, PARTS_STATE
from api.body import LARGEST_BODY_BYTES
from api.http.adjustments import adjustments_router
from api.http.boards import boards_router
from api.http.claims import claims_router
from api.http.clearing import clearing_router
from api.http.confirmations import confirmations_router
from api.http.consents import consents_router
from api.http.designs import designs_router
from api.http.engagement import engagement_router, shared_router
from api.http.entries import entries_router
from api.http.floats import floats_router
from api.http.games import games_router
from api.http.google_callbacks import google_callbacks_router
from api.http.health import health_router
from api.http.households import households_router
from api.http.member_details import member_details_router
from api.http.members import members_router
from api.http.metrics import metrics_router
from api.http.offline import offline_router
from api.http.operations import operations_router
from api.http.partners import partners_router
from api.http.passes_of_member import handout_router
from api.http.phones import Phones
from api.http.pictures import design_pictures_router, pictures_router
from api.http.pins import pins_router
from api.http.presentations import presentations_router
from api.http.programmes import programmes_router
from api.http.quotes import quotes_router
from api.http.receipts import receipts_router
from api.http.recognition import recognition_router
from api.http.reviews import reviews_router
from api.http.rewards import rewards_router
from api.http.smart_taps import smart_tap_keys_router, smart_taps_router
from api.http.standing import standing_router
from api.http.surveys import surveys_router
from api.http.taps import tap_keys_router, taps_router
from api.http.terminals import terminals_router
from api.http.test_clock import test_clock_router
from api.http.transfers import transfers_router
from api.http.vouchers import vouchers_router
from api.http.wallets import passes_router
from api.logs import configure_logs
from api.openapi import docs_assets_router, openapi_config
from api.pages.card import pages_router
from api.pages.operator import operator_router
from api.problems import EXCEPTION_HANDLERS, add_request_id
from api.wiring import Parts, followed, open_parts
from kernel.errors import CommonpointError
from kernel.settings import Settings, load_settings

log = structlog.get_logger(__name__)


class Application(Litestar):
    """The framework's application, which phones go past: a campaign makes every one of them ask within minutes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._phones = Phones(lambda: self.state[PARTS_STATE].apple)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One connection."""
        await (self._phones if self._phones.is_for(scope) else super().__call__)(scope, receive, send)


def create_app(settings: Settings) -> Litestar:
    """The application for these settings; its parts are opened when it starts and closed when it stops."""

    @asynccontextmanager
    async def live(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                parts = await stack.enter_async_context(open_parts(settings))
            except Exception as error:
                # The server only sees that the application did not start; its operator needs to know why.
                log.error(
                    "start.failed", error=str(error), exc_info=None if isinstance(error, CommonpointError) else error
                )
                raise
            app.state[PARTS_STATE], app.state[GATE_STATE] = parts, parts.gate
            if settings.worker_in_process:
                await stack.enter_async_context(followed(parts))
            yield

    return Application(
        [*_routers(settings), docs_assets_router()],
        dependencies={"parts": Provide(_parts, sync_to_thread=False)},
        state=State(),
        lifespan=[live],
        exception_handlers=dict(EXCEPTION_HANDLERS),
        before_send=[add_request_id],
        request_max_body_size=LARGEST_BODY_BYTES,
        openapi_config=openapi_config(version("commonpoint")),
        logging_config=None,
    )


def from_environment() -> Litestar:
    """What the server processes load."""
    configure_logs()
    app = create_app(load_settings())
    # What was loaded to start stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    return app


def _routers(settings: Settings) -> list[Any]:
    routers: list[Any] = [
        health_router,
        members_router,
        member_details_router,
        entries_router,
        adjustments_router,
        boards_router,
        claims_router,
        consents_router,
        engagement_router,
        shared_router,
        games_router,
        households_router,
        programmes_router,
        recognition_router,
        rewards_router,
        standing_router,
        surveys_router,
        transfers_router,
        vouchers_router,
        quotes_router,
        partners_router,
        clearing_router,
        operations_router,
        passes_router,
        handout_router,
        designs_router,
        pictures_router,
        design_pictures_router,
        taps_router,
        tap_keys_router,
        smart_taps_router,
        smart_tap_keys_router,
        terminals_router,
        confirmations_router,
        google_callbacks_router,
        pins_router,
        presentations_router,
        receipts_router,
        reviews_router,
        offline_router,
        floats_router,
        metrics_router,
        operator_router,
        pages_router,
    ]
    return [*routers, test_clock_router] if settings.test_clock else routers


def _parts(request: Request[Any, Any, State]) -> Parts:
    parts: Parts = request.app.state[PARTS_STATE]
    return parts
