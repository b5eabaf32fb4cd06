"""Decides when the deliveries of one stream have their deadlines extended."""

from __future__ import annotations

import math
from collections.abc import Sequence

from onhook._delivery import DeliveryView

# As the proto has it. A delivery whose time is nearly over is extended by more than it had.
_SHORTEST_DEADLINE = 1.0
# Whatever is due so soon goes along: deliveries that came together make one request, and there are
# no more than so many requests in a second. Short against half of any deadline.
_GATHERING = 0.1
_NEVER = math.inf


class Leases:
    """Each lease stands in its delivery. Pure; one thread.

    What is held is looked through only when something is due, so that a delivery that is settled
    soon costs nothing here.
    """

    def __init__(self, max_extension: float) -> None:
        self._max_extension = max_extension
        self._next_due = _NEVER

    @property
    def next_due(self) -> float | None:
        """When to look again; None: not before something is added."""
        return None if self._next_due == _NEVER else self._next_due

    def is_due(self, now: float) -> bool:
        """Whether to look."""
        return now >= self._next_due

    def add(self, deliveries: Sequence[DeliveryView], left: float | None, now: float) -> bool:
        """Deliveries came, with `left` seconds until their deadline; None: they have none.

        True: there is something to look at earlier than before."""
        due = _NEVER if left is None else now + left / 2
        last = now + self._max_extension
        if left is None or self._max_extension <= 0 or due > last:
            for delivery in deliveries:
                delivery._due = _NEVER
            return False
        deadline = max(left, _SHORTEST_DEADLINE)
        for delivery in deliveries:
            delivery._due = due
            delivery._deadline = deadline
            delivery._last = last
        if due >= self._next_due:
            return False
        self._next_due = due
        return True

    def prolong(self, delivery: DeliveryView, deadline: float, now: float) -> None:
        """More time was asked for explicitly: what comes later must not take it back."""
        if delivery._due == _NEVER:
            return
        delivery._deadline = deadline
        self.postpone(delivery, now + deadline / 2)
        if delivery._due > delivery._last:
            delivery._due = _NEVER

    def postpone(self, delivery: DeliveryView, due: float) -> None:
        """It is extended at `due` next."""
        if delivery._due != _NEVER:
            delivery._due = due
            self._next_due = min(self._next_due, due)

    def remove(self, delivery: DeliveryView) -> None:
        """It is not extended again."""
        delivery._due = _NEVER

    def take_due(
        self, held: Sequence[DeliveryView], now: float, most: int
    ) -> tuple[list[str], float]:
        """The deliveries to extend now, of those that are held, and by how many seconds."""
        ids: list[str] = []
        deadline = 0.0
        self._next_due = _NEVER
        for delivery in held:
            # A request asks for one deadline; those with another make the next one.
            fits = not ids or (delivery._deadline == deadline and len(ids) < most)
            if delivery._due <= now + _GATHERING and fits:
                deadline = delivery._deadline
                ids.append(delivery._id)
                delivery._due = now + deadline / 2
                if delivery._due > delivery._last:
                    delivery._due = _NEVER
            self._next_due = min(self._next_due, delivery._due)
        return ids, deadline
