"""For the tests of those who use this library: a gateway in the same process, and deliveries
without any.

    def test_a_call_is_wrapped_up() -> None:
        with FakeGateway() as gateway, onhook.Client(gateway.address) as client:
            with client.subscribe("crm", wrap_up):
                event = gateway.publish(call_serial_no="c-1")
                assert gateway.settlement(event).action is onhook.Action.ACK

    def test_what_has_no_recording_is_parked() -> None:
        delivery = make_delivery(call_serial_no="c-1", recordfile=None)
        assert outcome(fetch_recording, delivery).action is onhook.Action.PARK
"""

from onhook.testing._deliveries import (
    Settlement,
    make_aio_delivery,
    make_delivery,
    make_event,
    outcome,
    outcome_async,
)
from onhook.testing._gateway import FakeGateway

__all__ = [
    "FakeGateway",
    "Settlement",
    "make_aio_delivery",
    "make_delivery",
    "make_event",
    "outcome",
    "outcome_async",
]
