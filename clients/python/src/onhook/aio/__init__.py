"""The asyncio client. See `onhook` for what it shares with the blocking one.

    async with onhook.aio.Client("127.0.0.1:50051") as client:
        async with client.subscribe("crm", create_if_missing=True) as subscription:
            async for delivery in subscription:
                await store(delivery.event)
                delivery.ack()

Everything belongs to the event loop that it was first used on.
"""

from onhook.aio._client import Client
from onhook.aio._delivery import Confirmation, Delivery
from onhook.aio._subscription import Handler, Subscription
from onhook.aio._watch import EventListing, Watch

__all__ = [
    "Client",
    "Confirmation",
    "Delivery",
    "EventListing",
    "Handler",
    "Subscription",
    "Watch",
]
