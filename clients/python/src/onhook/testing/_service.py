"""The gRPC side of a fake gateway."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import grpc

from onhook._durations import to_duration_message, to_timedelta
from onhook._enums import AckResult, Action
from onhook.testing._state import End, GatewayState, Stream
from onhook.v1 import release_event_pb2, subscription_pb2
from onhook.v1 import release_event_service_pb2 as pb
from onhook.wire import error_detail_pb2

_PAGE = 100


def refusal_details(
    code: grpc.StatusCode, message: str, reason: str, metadata: Mapping[str, str]
) -> bytes:
    """A google.rpc.Status with an ErrorInfo, as trailers hold it; nothing without a reason."""
    if not reason and not metadata:
        return b""
    status = error_detail_pb2.Status(code=code.value[0], message=message)
    info = error_detail_pb2.ErrorInfo(reason=reason, domain="onhook", metadata=metadata)
    status.details.add().Pack(info)
    status.details[0].type_url = "type.googleapis.com/google.rpc.ErrorInfo"
    return status.SerializeToString()


def _abort(context: Any, code: grpc.StatusCode, message: str, details: bytes = b"") -> None:
    if details:
        context.set_trailing_metadata((("grpc-status-details-bin", details),))
    context.abort(code, message)


class Service:
    """Serves one thread for each call."""

    def __init__(self, state: GatewayState) -> None:
        self._state = state

    def _admit(self, context: Any) -> None:
        """Ends the call of whoever is not to be let in."""
        state = self._state
        with state.lock:
            refusal = state.refusals.pop(0) if state.refusals else None
            token = state.token
            state.changed.notify_all()
        if refusal is not None:
            _abort(context, *refusal)
        shown = dict(context.invocation_metadata()).get("authorization")
        if token is not None and shown != f"Bearer {token}":
            code, message = grpc.StatusCode.UNAUTHENTICATED, "no such token"
            _abort(context, code, message, refusal_details(code, message, "TOKEN_UNKNOWN", {}))

    # Subscribe.

    def Subscribe(self, requests: Iterator[pb.SubscribeRequest], context: Any) -> Iterator[Any]:
        """See the proto."""
        self._admit(context)
        opening = next(requests).open
        state = self._state
        stream = Stream(opening)
        with state.lock:
            creates = opening.HasField("create_if_missing")
            if opening.subscription in state.missing and not creates:
                _abort(context, grpc.StatusCode.NOT_FOUND, "no such subscription")
            state.attach(stream, context.peer())
        reader = threading.Thread(target=self._read, args=(stream, requests, context), daemon=True)
        reader.start()
        try:
            yield from self._send(stream, context)
        finally:
            with state.lock:
                state.detach(stream)

    def _send(self, stream: Stream, context: Any) -> Iterator[Any]:
        interval = self._state.heartbeat_interval
        while True:
            try:
                item = stream.outgoing.get(timeout=interval)
            except queue.Empty:
                if not stream.is_silent:
                    heartbeat = pb.Heartbeat(interval=to_duration_message(interval))
                    yield pb.SubscribeResponse(heartbeat=heartbeat)
                continue
            if not isinstance(item, End):
                yield item
                continue
            if item.code is not grpc.StatusCode.OK:
                _abort(context, item.code, item.message)
            return

    def _read(self, stream: Stream, requests: Iterator[pb.SubscribeRequest], context: Any) -> None:
        state = self._state
        try:
            for request in requests:
                with state.lock:
                    self._handle(stream, request)
                    state.deliver()
        except Exception:
            # gRPC's way to say that the client has cancelled; or the requests just end.
            stream.end(grpc.StatusCode.CANCELLED, "the client is gone")
            return
        if context.is_active():
            with state.lock:
                state.ended_well += 1
        stream.end(grpc.StatusCode.OK, "")

    def _handle(self, stream: Stream, request: pb.SubscribeRequest) -> None:
        kind = request.WhichOneof("request")
        if kind == "ack":
            self._settle(stream, request.ack, Action.ACK, "", None)
        elif kind == "nack":
            nack = request.nack
            delay = to_timedelta(nack.delay) if nack.HasField("delay") else None
            self._settle(stream, nack, Action(nack.action), nack.reason, delay)
        elif kind == "extend":
            deadline = to_timedelta(request.extend.ack_deadline)
            self._answer(
                stream,
                request.extend,
                [
                    (one, self._state.extend(stream, one, deadline))
                    for one in request.extend.delivery_ids
                ],
            )
        elif kind == "flow" and request.flow.HasField("paused"):
            stream.is_paused = request.flow.paused

    def _settle(
        self, stream: Stream, request: Any, action: Action, reason: str, delay: timedelta | None
    ) -> None:
        self._answer(
            stream,
            request,
            [
                (one, self._state.settle(stream, one, action, reason, delay))
                for one in request.delivery_ids
            ],
        )

    def _answer(
        self, stream: Stream, request: Any, results: list[tuple[str, AckResult | None]]
    ) -> None:
        if self._state.withholds_answers:
            return
        answer = pb.AckResults(request_id=request.request_id)
        for delivery_id, result in results:
            if result is not None:
                answer.exceptions.add(
                    delivery_id=delivery_id, result=pb.AckResults.Result.ValueType(result)
                )
        stream.say(pb.SubscribeResponse(ack_results=answer))

    # Watch and look-ups.

    def Watch(self, request: pb.WatchRequest, context: Any) -> Iterator[Any]:
        """See the proto."""
        self._admit(context)
        state = self._state
        stream = Stream(None)
        context.add_callback(state.notice)
        with state.lock:
            place = self._start(request, context)
            state.watches.append(stream)
            state.peers.append(context.peer())
        try:
            yield self._watch_heartbeat(place)
            yield from self._watch_on(request, context, stream, place)
        finally:
            with state.lock:
                state.watches.remove(stream)

    def _start(self, request: pb.WatchRequest, context: Any) -> int:
        state = self._state
        place = len(state.log)
        if request.HasField("after_cursor"):
            place = int(request.after_cursor.removeprefix("cursor-"))
        elif request.position == subscription_pb2.START_POSITION_EARLIEST:
            place = state.trimmed
        if place < state.trimmed:
            code, message = grpc.StatusCode.OUT_OF_RANGE, "no longer kept"
            lost = {
                "oldest_cursor": f"cursor-{state.trimmed}",
                "events_lost": str(state.trimmed - place),
            }
            _abort(context, code, message, refusal_details(code, message, "CURSOR_TOO_OLD", lost))
        return place

    def _watch_heartbeat(self, place: int) -> pb.WatchResponse:
        interval = to_duration_message(self._state.heartbeat_interval)
        heartbeat = pb.Heartbeat(cursor=f"cursor-{place}", interval=interval)
        return pb.WatchResponse(heartbeat=heartbeat)

    def _watch_on(
        self, request: pb.WatchRequest, context: Any, stream: Stream, place: int
    ) -> Iterator[Any]:
        state = self._state
        while context.is_active():
            with state.changed:
                ready = state.changed.wait_for(
                    lambda place=place: (  # type: ignore[misc]
                        not stream.outgoing.empty()
                        or (len(state.log) > place and not stream.is_silent)
                        or request.stop_at_end
                        or not context.is_active()
                    ),
                    state.heartbeat_interval,
                )
                silent = stream.is_silent or not stream.outgoing.empty()
                news = [] if silent else state.log[place:]
            if news:
                events = pb.WatchEvents()
                for number, event in enumerate(news, place + 1):
                    events.events.add(event=event, cursor=f"cursor-{number}")
                place += len(news)
                yield pb.WatchResponse(events=events)
            elif not stream.outgoing.empty():
                item = stream.outgoing.get()
                if isinstance(item, End):
                    _abort(context, item.code, item.message)
                yield item
            elif request.stop_at_end:
                return
            elif not ready and not stream.is_silent:
                yield self._watch_heartbeat(place)

    def GetEvent(self, request: pb.GetEventRequest, context: Any) -> pb.GetEventResponse:
        """See the proto."""
        self._admit(context)
        with self._state.lock:
            for event in self._state.log[self._state.trimmed :]:
                if event.event_id == request.event_id:
                    return pb.GetEventResponse(stored_event=self._stored(event))
        _abort(context, grpc.StatusCode.NOT_FOUND, "no such event")
        raise AssertionError("abort raises")

    def ListEvents(self, request: pb.ListEventsRequest, context: Any) -> pb.ListEventsResponse:
        """See the proto."""
        self._admit(context)
        with self._state.lock:
            fitting = [
                event
                for event in self._state.log[self._state.trimmed :]
                if request.call_serial_no in ("", event.call_serial_no)
                and request.source in ("", event.source)
            ]
            begin = int(request.page_token or 0)
            end = begin + (request.page_size or _PAGE)
            return pb.ListEventsResponse(
                stored_events=[self._stored(event) for event in fitting[begin:end]],
                next_page_token=str(end) if end < len(fitting) else "",
            )

    def _stored(self, event: release_event_pb2.ReleaseEvent) -> pb.StoredEvent:
        return pb.StoredEvent(event=event, cursor=self._state.cursor_of(event))
