"""The parts that need no gateway: waits, ends, leases, silence, times, enumerations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool

import onhook
from onhook._backoff import Backoff, Ends
from onhook._durations import to_duration_message, to_timedelta, to_timestamp_message
from onhook._errors import error_from_status
from onhook._leases import Leases
from onhook._settings import ConnectionSettings
from onhook._silence import SilenceAlarm
from onhook.testing import make_aio_delivery, make_event
from onhook.testing._service import refusal_details
from onhook.v1.release_event_service_pb2 import NackRequest


def longest(_low: float, high: float) -> float:
    return high


class TestBackoff:
    def test_each_wait_is_twice_the_one_before_up_to_the_maximum(self) -> None:
        backoff = Backoff(onhook.Reconnect(), longest)
        waits = [backoff.after_loss(0, was_healthy=False) for _ in range(11)]
        assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]

    def test_each_wait_is_shortened_at_random_by_up_to_half(self) -> None:
        bounds: list[tuple[float, float]] = []

        def note(low: float, high: float) -> float:
            bounds.append((low, high))
            return low

        assert Backoff(onhook.Reconnect(), note).after_loss(0, was_healthy=False) == 0.05
        assert bounds == [(0.5, 1.0)]

    @pytest.mark.parametrize(("lived", "was_healthy"), [(31, False), (0.1, True)])
    def test_a_stream_that_was_of_use_starts_the_count_anew(
        self, lived: float, was_healthy: bool
    ) -> None:
        backoff = Backoff(onhook.Reconnect(), longest)
        for _ in range(5):
            backoff.after_loss(0, was_healthy=False)
        assert backoff.after_loss(lived, was_healthy) == 0.1

    def test_a_planned_end_needs_no_wait_unless_nothing_else_comes(self) -> None:
        backoff = Backoff(onhook.Reconnect(), longest)
        assert backoff.after_go_away(40, was_healthy=False) == 0
        assert backoff.after_go_away(1, was_healthy=True) == 0
        assert backoff.after_go_away(0, was_healthy=False) == 0.1
        assert backoff.after_go_away(0, was_healthy=False) == 0.2
        assert backoff.after_go_away(1, was_healthy=True) == 0
        # The one before was of use, so a replacement that fails is the first to.
        assert backoff.after_loss(0, was_healthy=False) == 0.1


class TestEnds:
    REFUSED = onhook.UnauthenticatedError("no")

    def test_who_shows_nothing_is_not_patient(self) -> None:
        ends = Ends(ConnectionSettings())
        ends.let_in()
        assert not ends.is_final(onhook.UnavailableError("lost"), now=0)
        assert ends.is_final(self.REFUSED, now=1)

    def test_who_was_let_in_is_patient_from_the_first_refusal_on(self) -> None:
        ends = Ends(ConnectionSettings(tls=onhook.Tls(certificate_file="c", key_file="k")))
        ends.let_in()
        assert not ends.is_final(self.REFUSED, now=1000)
        assert not ends.is_final(self.REFUSED, now=1119)
        assert ends.is_final(self.REFUSED, now=1120)

    def test_being_let_in_again_starts_the_patience_anew(self) -> None:
        ends = Ends(ConnectionSettings(token_file="t"))
        ends.let_in()
        ends.is_final(self.REFUSED, now=0)
        ends.let_in()
        assert not ends.is_final(self.REFUSED, now=200)
        assert not ends.is_final(self.REFUSED, now=319)


class TestLeases:
    def test_a_lease_is_extended_when_half_of_it_is_over_and_gathers_others(self) -> None:
        leases = Leases(max_extension=100)
        early, later, last = (make_aio_delivery() for _ in range(3))
        assert leases.add([early], 10, now=0)
        assert not leases.add([later], 10, now=0.05)
        leases.add([last], 10, now=3)
        assert leases.next_due == 5
        assert not leases.is_due(4.9)
        ids, deadline = leases.take_due([early, later, last], now=5, most=1000)
        assert (ids, deadline) == ([early.delivery_id, later.delivery_id], 10)
        assert leases.next_due == 8

    def test_a_request_asks_for_one_deadline_of_so_many(self) -> None:
        leases = Leases(max_extension=100)
        ten, two, more = (make_aio_delivery() for _ in range(3))
        leases.add([ten, more], 10, now=0)
        leases.add([two], 2, now=4)
        held = [ten, two, more]
        assert leases.take_due(held, now=5, most=1) == ([ten.delivery_id], 10)
        assert leases.next_due == 5
        assert leases.take_due(held, now=5, most=1) == ([two.delivery_id], 2)
        assert leases.take_due(held, now=5, most=1) == ([more.delivery_id], 10)

    def test_it_is_not_extended_beyond_its_upper_bound(self) -> None:
        leases = Leases(max_extension=12)
        delivery = make_aio_delivery()
        leases.add([delivery], 10, now=0)
        assert leases.take_due([delivery], now=5, most=10)[0] == [delivery.delivery_id]
        assert leases.take_due([delivery], now=10, most=10)[0] == [delivery.delivery_id]
        assert leases.next_due is None

    @pytest.mark.parametrize(("left", "max_extension"), [(None, 100), (10, 0), (10, 4)])
    def test_what_has_no_deadline_or_no_extension_has_no_lease(
        self, left: float | None, max_extension: float
    ) -> None:
        leases = Leases(max_extension)
        delivery = make_aio_delivery()
        assert not leases.add([delivery], left, now=0)
        leases.postpone(delivery, 1)
        assert leases.next_due is None

    def test_what_was_refused_is_not_extended_again(self) -> None:
        leases = Leases(max_extension=100)
        delivery = make_aio_delivery()
        leases.add([delivery], 10, now=0)
        leases.remove(delivery)
        assert leases.take_due([delivery], now=5, most=10)[0] == []
        assert leases.next_due is None

    def test_an_explicit_extension_is_not_shortened_by_the_next_of_its_own_accord(self) -> None:
        leases = Leases(max_extension=1000)
        delivery = make_aio_delivery()
        leases.add([delivery], 2, now=0)
        leases.prolong(delivery, 60, now=0.5)
        assert leases.take_due([delivery], now=1, most=10)[0] == []
        assert leases.next_due == 30.5
        assert leases.take_due([delivery], now=30.5, most=10) == ([delivery.delivery_id], 60)


class FakeLoop:
    """Time, and timers that a test lets pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[..., None], tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., None], *arguments: Any) -> FakeLoop:
        self.timers = [(when, callback, arguments)]
        return self

    def cancel(self) -> None:
        self.timers = []

    def pass_to(self, now: float, late: float = 0.0) -> None:
        """Time passes, and the timer that is due runs, so much too late."""
        while self.timers and self.timers[0][0] <= now:
            when, callback, arguments = self.timers.pop()
            self.now = when + late
            callback(*arguments)
        self.now = max(self.now, now)


class TestSilence:
    @pytest.fixture
    def loop(self, monkeypatch: pytest.MonkeyPatch) -> FakeLoop:
        loop = FakeLoop()
        monkeypatch.setattr("asyncio.get_running_loop", lambda: loop)
        return loop

    def test_a_gateway_that_promises_nothing_speaks_every_fifteen_seconds(
        self, loop: FakeLoop
    ) -> None:
        alarms: list[float] = []
        SilenceAlarm(lambda: alarms.append(loop.now))
        loop.pass_to(100)
        assert alarms == [30]

    def test_what_is_heard_in_time_keeps_a_stream(self, loop: FakeLoop) -> None:
        alarms: list[float] = []
        silence = SilenceAlarm(lambda: alarms.append(loop.now))
        silence.promise(2)
        for now in (3, 6, 9):
            loop.pass_to(now)
            silence.heard()
        assert alarms == []
        loop.pass_to(20)
        assert alarms == [13]

    def test_a_loop_that_was_kept_from_running_reads_before_it_judges(self, loop: FakeLoop) -> None:
        alarms: list[float] = []
        silence = SilenceAlarm(lambda: alarms.append(loop.now))
        silence.promise(2)
        loop.pass_to(4, late=60)
        assert alarms == []
        silence.heard()
        loop.pass_to(66)
        assert alarms == []
        loop.pass_to(70)
        assert alarms == [68]

    def test_a_stream_that_is_closed_raises_no_alarm(self, loop: FakeLoop) -> None:
        alarms: list[float] = []
        SilenceAlarm(lambda: alarms.append(loop.now)).close()
        loop.pass_to(100)
        assert alarms == []


class TestDurations:
    @pytest.mark.parametrize(
        ("duration", "seconds", "nanos"),
        [
            (timedelta(milliseconds=1500), 1, 500_000_000),
            (2.5, 2, 500_000_000),
            (timedelta(milliseconds=-1500), -1, -500_000_000),
            (-0.25, 0, -250_000_000),
            (timedelta(days=365, microseconds=1), 31_536_000, 1000),
            (0, 0, 0),
        ],
    )
    def test_a_duration_survives_both_ways(
        self, duration: timedelta | float, seconds: int, nanos: int
    ) -> None:
        message = to_duration_message(duration)
        assert (message.seconds, message.nanos) == (seconds, nanos)
        expected = duration if isinstance(duration, timedelta) else timedelta(seconds=duration)
        assert to_timedelta(message) == expected

    def test_a_time_without_a_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            to_timestamp_message(datetime(2024, 1, 2))

    def test_a_time_before_the_epoch_has_a_positive_fraction(self) -> None:
        message = to_timestamp_message(datetime(1969, 12, 31, 23, 59, 59, 250_000, timezone.utc))
        assert (message.seconds, message.nanos) == (-1, 250_000_000)


class TestEnumerations:
    def test_a_value_that_is_not_known_survives_and_can_be_told(self) -> None:
        reason = onhook.ReleaseReason(99)
        assert reason == 99
        assert (reason.name, reason.is_known) == ("UNKNOWN_99", False)
        assert reason not in (onhook.ReleaseReason.OTHER, onhook.ReleaseReason.UNSPECIFIED)
        assert isinstance(reason, onhook.ReleaseReason)
        assert onhook.ReleaseReason(99) == reason
        assert len(onhook.ReleaseReason) == 8

    def test_a_value_is_printed_as_its_name_and_as_its_number_where_it_has_none(self) -> None:
        known, unknown = onhook.RedeliveryReason.NACKED, onhook.RedeliveryReason(99)
        assert (str(known), f"{known}", f"{known:>7}") == ("NACKED", "NACKED", " NACKED")
        assert (str(unknown), f"{unknown}") == ("99", "99")
        assert (f"{known:d}", f"{unknown:04d}") == ("3", "0099")
        assert str(onhook.State.BACKING_OFF) == "BACKING_OFF"

    def test_a_value_that_is_known_is_that_member(self) -> None:
        assert onhook.ReleaseReason(1) is onhook.ReleaseReason.CALLED_HUNG_UP
        assert onhook.ReleaseReason.CALLED_HUNG_UP.is_known

    def test_what_is_no_number_is_refused(self) -> None:
        with pytest.raises(ValueError, match="seven"):
            onhook.ReleaseReason("seven")  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("native", "generated", "prefix"),
        [
            (onhook.Authentication, "Authentication", "AUTHENTICATION_"),
            (onhook.ReleaseReason, "ReleaseReason", "RELEASE_REASON_"),
            (onhook.StartPosition, "StartPosition", "START_POSITION_"),
            (onhook.RedeliveryReason, "Delivery.RedeliveryReason", "REDELIVERY_REASON_"),
            (onhook.TimelineState, "SubscriptionTimeline.State", "STATE_"),
            (onhook.TimelineKind, "TimelineEntry.Kind", "KIND_"),
            (onhook.GoAwayReason, "GoAway.Reason", "REASON_"),
            (onhook.AckResult, "AckResults.Result", "RESULT_"),
        ],
    )
    def test_each_has_the_members_of_the_proto(
        self, native: type[onhook.OpenEnum], generated: str, prefix: str
    ) -> None:
        descriptor = descriptor_pool.Default().FindEnumTypeByName(f"onhook.v1.{generated}")
        expected = {value.name.removeprefix(prefix): value.number for value in descriptor.values}
        assert {name: int(member) for name, member in native.__members__.items()} == expected

    def test_actions_are_those_of_a_nack_beside_the_acknowledgement(self) -> None:
        numbers = dict(NackRequest.Action.items())
        for action in set(onhook.Action) - {onhook.Action.ACK}:
            assert numbers[f"ACTION_{action.name}"] == int(action)


class TestErrors:
    @pytest.mark.parametrize(
        "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]
    )
    def test_each_code_is_kept(self, code: grpc.StatusCode) -> None:
        error = error_from_status(code, "words")
        assert (error.code, error.message, error.reason) == (code, "words", "")
        assert str(error) == f"{code.name}: words"

    def test_reason_and_metadata_are_those_of_the_error_info(self) -> None:
        code = grpc.StatusCode.OUT_OF_RANGE
        metadata = {"oldest_cursor": "c-7", "events_lost": "12"}
        details = refusal_details(code, "gone", "CURSOR_TOO_OLD", metadata)
        error = error_from_status(code, "gone", [("grpc-status-details-bin", details)])
        assert isinstance(error, onhook.GapError)
        assert (error.oldest_cursor, error.events_lost) == ("c-7", 12)
        assert (error.reason, error.domain, error.metadata) == (
            "CURSOR_TOO_OLD",
            "onhook",
            metadata,
        )
        assert str(error) == "OUT_OF_RANGE (CURSOR_TOO_OLD): gone"

    def test_a_gap_that_says_nothing_of_its_size_is_a_gap(self) -> None:
        error = error_from_status(grpc.StatusCode.OUT_OF_RANGE, "gone")
        assert isinstance(error, onhook.GapError)
        assert (error.oldest_cursor, error.events_lost) == ("", None)

    def test_details_that_are_garbage_are_no_details(self) -> None:
        trailers = [("grpc-status-details-bin", b"\xff\xff\xff")]
        error = error_from_status(grpc.StatusCode.NOT_FOUND, "no", trailers)
        assert isinstance(error, onhook.NotFoundError)
        assert error.reason == ""

    def test_a_configuration_error_is_a_failed_precondition_of_the_client(self) -> None:
        error = onhook.ConfigurationError("no", "TOKEN_FILE")
        assert isinstance(error, onhook.FailedPreconditionError)
        assert (error.reason, error.domain) == ("TOKEN_FILE", "onhook.client")


class TestEvent:
    def test_native_types_are_read_from_the_message(self) -> None:
        release = datetime(2024, 1, 2, 3, 4, 5, 678_000, timezone.utc)
        event = make_event(
            call_serial_no="c-1",
            called="88880067",
            call_data="",
            release_time=release,
            received_at=release.replace(microsecond=678_901),
            talk_duration=timedelta(seconds=6),
            release_reason=onhook.ReleaseReason.CALLER_NO_ANSWER,
            authentication=onhook.Authentication.SIGNATURE,
            extra={"新": "值"},
            masked=True,
            time_zone="Asia/Shanghai",
        )
        assert (event.call_serial_no, event.called, event.call_data) == ("c-1", "88880067", "")
        assert event.release_time == release
        assert event.received_at is not None
        assert event.received_at.microsecond == 678_901
        assert event.talk_duration == timedelta(seconds=6)
        assert event.release_reason is onhook.ReleaseReason.CALLER_NO_ANSWER
        assert event.authentication is onhook.Authentication.SIGNATURE
        assert event.extra == {"新": "值"}
        assert (event.masked, event.time_zone, event.source) == (True, "Asia/Shanghai", "default")

    def test_what_the_vendor_did_not_send_is_none(self) -> None:
        event = make_event()
        unset = (
            "service_no called caller caller_present call_data create_call_time alerting_time"
            " talking_time release_time talk_duration recordfile location_id release_reason"
            " release_reason_code agent_alerting_time agent_talking_time agent_release_time"
            " agent_talk_duration received_at traceparent"
        )
        assert [name for name in unset.split() if getattr(event, name) is not None] == []
        assert event.extra == {}

    def test_unknown_values_and_fields_survive(self) -> None:
        unknown_field = b"\xfa\x3f\x05hello"
        event = make_event(release_reason=99)
        event.message.MergeFromString(unknown_field)
        assert event.release_reason == 99
        assert event.message.SerializeToString().endswith(unknown_field)

    def test_every_field_of_the_proto_has_its_property(self) -> None:
        event = make_event()
        for field in event.message.DESCRIPTOR.fields:
            assert hasattr(event, field.name), field.name

    def test_what_is_printed_of_it_is_not_personal(self) -> None:
        event = make_event(called="88880067", call_data="secret", event_id="v1-0-c")
        assert repr(event) == "<ReleaseEvent 'v1-0-c' release_reason=None>"

    def test_equal_events_are_equal(self) -> None:
        events = [make_event(event_id="v1-0-c", call_serial_no="c") for _ in range(2)]
        assert events[0] == events[1]
        assert len(set(events)) == 1
        assert make_event() != make_event()
