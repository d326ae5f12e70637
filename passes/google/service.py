"""What our own pages ask of the Google side: the link behind the "Add to Google Wallet" button."""

from passes.google.push import GooglePush
from passes.google.seal import SaveLinks


class GoogleService:
    """Hands out save links."""

    def __init__(self, push: GooglePush, links: SaveLinks) -> None:
        self._push = push
        self._links = links

    async def save_link(self, pass_id: str) -> str:
        """The save link of a card, whose object exists at Google by then.

        Raises GooglePassUnknown, or why Google could not be told (kinds Unavailable, Forbidden, Invalid).
        """
        object_id, class_id = await self._push.ensure_object(pass_id)
        return self._links.link(object_id, class_id)
