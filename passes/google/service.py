"""What the rest of the service asks of the Google side: the link behind the "Add to Google Wallet" button."""

from collections.abc import Sequence

from passes.google.push import GooglePush
from passes.google.rest import WalletApi
from passes.google.seal import MAX_JWT_LENGTH, Named, SaveLinks


class GoogleService:
    """Hands out save links."""

    def __init__(self, push: GooglePush, links: SaveLinks, api: WalletApi) -> None:
        self._push = push
        self._links = links
        self._api = api

    async def save_link(self, pass_id: str) -> str:
        """The save link of a card or coupon, whose object exists at Google by then.

        Raises GooglePassUnknown, or why Google could not be told (kinds Unavailable, Invalid).
        """
        return await self.save_links([pass_id])

    async def save_links(self, pass_ids: Sequence[str]) -> str:
        """One link that saves all of these, in this order. Raises as `save_link`.

        Google keeps a link that would be too long for browsers and answers with a short one.
        """
        papers = await self._push.ensure_objects(pass_ids)
        jwt = self._links.signed([Named(paper.resource, paper.object_id, paper.class_id) for paper in papers])
        if len(jwt) > MAX_JWT_LENGTH:
            return await self._api.save_jwt(jwt)
        return self._links.link_to(jwt)
