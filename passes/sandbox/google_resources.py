"""Classes and objects as the Wallet API keeps them: its rules without its sockets."""

import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Any, get_args

from passes.google.schema.check import Resource, WalletBodyInvalid, check, class_of, is_class
from passes.sandbox.google_shelf import Shelf

Body = dict[str, Any]
_RESOURCES: dict[str, Resource] = {resource: resource for resource in get_args(Resource)}

_NOTICES_PER_DAY = 3
_DAY_S = 86_400.0


class Refusal(Exception):
    """An answer in Google's error shape."""

    def __init__(self, status: int, reason: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.body = {
            "error": {
                "code": status,
                "message": message,
                "errors": [{"message": message, "domain": "walletobjects", "reason": reason}],
            }
        }


class Resources:
    """The classes and objects of one issuer; nothing is ever deleted. A shelf keeps them across restarts."""

    def __init__(self, issuer_id: str, shelf: Shelf | None = None) -> None:
        self.issuer_id = issuer_id
        self.kept: dict[Resource, dict[str, Body]] = {resource: {} for resource in get_args(Resource)}
        self._shelf = shelf
        for resource, resource_id, body in shelf.all() if shelf is not None else ():
            self.kept[_RESOURCES[resource]][resource_id] = body
        self.notices: Counter[str] = Counter()
        self._notice_times: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_NOTICES_PER_DAY))

    def get(self, resource: Resource, resource_id: str) -> Body:
        """What is kept. Raises Refusal 404, or 403 for another issuer's."""
        self._own(resource_id)
        try:
            return self.kept[resource][resource_id]
        except KeyError:
            name = "class" if is_class(resource) else "resource"
            raise Refusal(404, f"{name}NotFound", f"{name} {resource_id} not found") from None

    def insert(self, resource: Resource, body: Body) -> Body:
        """Keep a new class or object."""
        _strict(resource, body)
        resource_id = body["id"]
        self._own(resource_id)
        if resource_id in self.kept[resource]:
            raise Refusal(409, "resourceAlreadyExists", f"{resource_id} exists already")
        return self._keep(resource, resource_id, body)

    def patch(self, resource: Resource, resource_id: str, body: Body) -> Body:
        """Merge: members of objects one by one, null removes, lists are replaced as a whole."""
        before = self.get(resource, resource_id)
        _strict(resource, body, patch=True)
        if body.get("id", resource_id) != resource_id:
            raise Refusal(400, "invalidResource", "the id cannot be changed")
        merged: Body = _merged(before, body)
        _strict(resource, merged | ({"reviewStatus": "UNDER_REVIEW"} if is_class(resource) else {}))
        if linked := before.get("linkedObjectIds"):  # nothing is ever unlinked
            merged["linkedObjectIds"] = list(dict.fromkeys([*linked, *merged.get("linkedObjectIds", ())]))
        return self._keep(resource, resource_id, merged)

    def _keep(self, resource: Resource, resource_id: str, body: Body) -> Body:
        body = dict(body)
        notify = body.pop("notifyPreference", None) == "NOTIFY_ON_UPDATE"
        if not is_class(resource):
            if self.get(class_of(resource), body["classId"])["reviewStatus"] != "APPROVED":
                raise Refusal(400, "invalidResource", f"class {body['classId']} is a draft")
            self._require_linked(body.get("linkedObjectIds", ()))
        elif body["reviewStatus"] == "UNDER_REVIEW":
            body["reviewStatus"] = "APPROVED"
        if notify:
            self.count_notice(resource_id)
        self.kept[resource][resource_id] = body
        if self._shelf is not None:
            self._shelf.put(resource, resource_id, body)
        return body

    def count_notice(self, resource_id: str) -> None:
        times, now = self._notice_times[resource_id], time.monotonic()
        if len(times) == _NOTICES_PER_DAY and now - times[0] < _DAY_S:
            raise Refusal(403, "quotaExceeded", f"QuotaExceededException: {resource_id} has had its notifications")
        times.append(now)
        self.notices[resource_id] += 1

    def _require_linked(self, object_ids: Iterable[str]) -> None:
        objects = [self.kept[resource] for resource in self.kept if not is_class(resource)]
        for object_id in object_ids:
            if not any(object_id in kept for kept in objects):
                raise Refusal(400, "invalidResource", f"linked object {object_id} does not exist")

    def _own(self, resource_id: str) -> None:
        if resource_id.partition(".")[0] != self.issuer_id:
            raise Refusal(403, "permissionDenied", "Permission denied.")


def _strict(resource: Resource, body: Body, *, patch: bool = False) -> None:
    try:
        check(resource, body, patch=patch)
    except WalletBodyInvalid as error:
        raise Refusal(400, "invalidResource", error.detail) from error


def _merged(before: Any, change: Any) -> Any:
    if not isinstance(change, dict):
        return change
    after = dict(before) if isinstance(before, dict) else {}
    for name, value in change.items():
        if value is None:
            after.pop(name, None)
        else:
            after[name] = _merged(after.get(name), value)
    return after
