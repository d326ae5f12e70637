"""The methods of the sandbox's Wallet API, without its sockets: what a call does, and what it answers.

https://developers.google.com/wallet/reference/rest
"""

from collections.abc import Mapping
from typing import Any, get_args

from passes.google.schema.check import Resource, class_of, is_class
from passes.sandbox.google_phones import Phones
from passes.sandbox.google_resources import Refusal, Resources

Body = dict[str, Any]
RESOURCES: Mapping[str, Resource] = {kind: kind for kind in get_args(Resource)}
_MOST_MESSAGES = 10
_COLLECTOR_ID = "20180608"


class Methods:
    """Acts on what is kept. `issuer` is the Issuer resource, as its owner set it up in the console."""

    def __init__(self, resources: Resources, phones: Phones) -> None:
        self.issuer: Body = {"issuerId": resources.issuer_id, "name": "Sandbox", "contactInfo": {"name": "Nobody"}}
        self._resources = resources
        self._phones = phones
        self._before: dict[tuple[Resource, str], Body | None] = {}

    def act(self, method: str, path: list[str], query: Mapping[str, str], body: Body) -> Body:
        """The answer to a call; `path` is what follows the version. Raises Refusal."""
        match method, path:
            case ("GET", [name]) if name in RESOURCES:
                return self._list(RESOURCES[name], query)
            case ("POST", [name]) if name in RESOURCES:
                return self._insert(RESOURCES[name], body)
            case ("GET", [name, resource_id]) if name in RESOURCES:
                return self._get(RESOURCES[name], resource_id)
            case ("PATCH", [name, resource_id]) if name in RESOURCES:
                return self._patch(RESOURCES[name], resource_id, body)
            case ("POST", [name, resource_id, "addMessage"]) if name in RESOURCES:
                return {"resource": self._add_message(RESOURCES[name], resource_id, body)}
            case ("GET" | "PATCH", ["issuer", issuer_id]):
                return self._issuer(issuer_id, body)
        raise Refusal(404, "notFound", f"{method} {'/'.join(path)} is not a method of the sandbox")

    def stale(self, path: list[str]) -> Body:
        """What a GET answers from a copy that has not heard of the newest change. Raises Refusal."""
        if len(path) != 2 or path[0] not in RESOURCES:
            raise Refusal(503, "backendError", "this copy is not ready")
        kind, resource_id = RESOURCES[path[0]], path[1]
        now = self._get(kind, resource_id)
        before = self._before.get((kind, resource_id), now)
        if before is None:
            raise Refusal(404, "resourceNotFound", f"resource {resource_id} not found")
        return {**now, **before, "hasUsers": self._phones.had_users.get(resource_id, now.get("hasUsers", False))}

    def _insert(self, kind: Resource, body: Body) -> Body:
        answer = self._resources.insert(kind, body)
        self._before[kind, answer["id"]] = None
        return answer

    def _patch(self, kind: Resource, resource_id: str, body: Body) -> Body:
        before = self._resources.get(kind, resource_id)
        answer = self._resources.patch(kind, resource_id, body)
        self._before[kind, resource_id] = before
        self._phones.changed(kind, resource_id)
        return answer

    def _get(self, kind: Resource, resource_id: str) -> Body:
        answer = self._resources.get(kind, resource_id)
        if is_class(kind):
            return answer
        reference = self._resources.get(class_of(kind), answer["classId"])
        return answer | {"hasUsers": self._phones.has_users(resource_id), "classReference": reference}

    def _list(self, kind: Resource, query: Mapping[str, str]) -> Body:
        """A page in the order of ids; `token` is the last id of the page before."""
        kept = self._resources.kept[kind]
        if is_class(kind):
            if query.get("issuerId") != self._resources.issuer_id:
                raise Refusal(403, "permissionDenied", "Permission denied.")
            ids = sorted(kept)
        else:
            ids = sorted(one for one, body in kept.items() if body["classId"] == query.get("classId"))
        after = [one for one in ids if one > query.get("token", "")]
        most = int(query["maxResults"]) if query.get("maxResults", "").isdecimal() else len(after)
        page: Body = {"resultsPerPage": len(after[:most])}
        if len(after) > most > 0:
            page["nextPageToken"] = after[most - 1]
        return {"resources": [self._get(kind, one) for one in after[:most]], "pagination": page}

    def _add_message(self, kind: Resource, resource_id: str, body: Body) -> Body:
        """A message is added to those that are there; sent twice it is there twice."""
        message = body.get("message")
        if not isinstance(message, dict):
            raise Refusal(400, "invalidResource", "message is missing")
        messages = [*self._resources.get(kind, resource_id).get("messages", []), message]
        if len(messages) > _MOST_MESSAGES:
            raise Refusal(400, "invalidResource", f"at most {_MOST_MESSAGES} messages")
        if message.get("messageType") == "TEXT_AND_NOTIFY":
            self._resources.count_notice(resource_id)
        return self._patch(
            kind, resource_id, {"messages": messages, **({"reviewStatus": "UNDER_REVIEW"} if is_class(kind) else {})}
        )

    def _issuer(self, issuer_id: str, change: Body) -> Body:
        """The issuer, after a change if there is one. Whoever publishes keys of Smart Tap gets a collector id."""
        if issuer_id != self._resources.issuer_id:
            raise Refusal(403, "permissionDenied", "Permission denied.")
        self.issuer = {**self.issuer, **change, "issuerId": issuer_id}
        tap = self.issuer.get("smartTapMerchantData")
        if isinstance(tap, dict):
            tap["smartTapMerchantId"] = _COLLECTOR_ID
        return self.issuer
