"""A gateway in front of the gateway, which changes what is said: one of a newer version, one that ages
its streams, one whose answers get lost. All that it does not change comes from the real one."""

import queue
import threading
from concurrent import futures

import grpc
from onhook.v1 import release_event_service_pb2 as events_api

SUBSCRIBE = "/onhook.v1.ReleaseEventService/Subscribe"
# A varint, 7, under a field number that nobody has.
UNKNOWN_FIELD = b"\xc0\x3e\x07"
UNKNOWN_FIELD_NUMBER = 1000
UNKNOWN_ENUM_VALUE = 99


class Stream:
    """One Subscribe through the relay. `send` speaks to the client, beside the gateway."""

    def __init__(self, number):
        self.number = number
        self.requests = []
        self.half_closed = threading.Event()
        self.ended = threading.Event()
        self.status = None
        self.lost = None  # set: end it so
        self._out = queue.Queue()

    def send(self, response):
        self._out.put(response)

    def acked(self):
        return [name for request in list(self.requests) for name in request.ack.delivery_ids]


class Relay(grpc.GenericRpcHandler):
    """`change(stream, response)` returns what goes to the client instead, or None for nothing."""

    def __init__(self, server, change=lambda stream, response: response):
        self.streams = []
        self._change = change
        self._channel = grpc.insecure_channel(server)
        self._upstream = self._channel.stream_stream(
            SUBSCRIBE, request_serializer=events_api.SubscribeRequest.SerializeToString,
            response_deserializer=events_api.SubscribeResponse.FromString)
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
        self._server.add_generic_rpc_handlers((self,))
        port = self._server.add_insecure_port("127.0.0.1:0")
        self.server = f"127.0.0.1:{port}"
        self._server.start()

    def service(self, handler_call_details):
        """grpc's hook: which handler takes a call."""
        if handler_call_details.method != SUBSCRIBE:
            return None
        return grpc.stream_stream_rpc_method_handler(
            self._subscribe, request_deserializer=events_api.SubscribeRequest.FromString,
            response_serializer=events_api.SubscribeResponse.SerializeToString)

    def _subscribe(self, requests, context):
        stream = Stream(len(self.streams))
        self.streams.append(stream)

        def noted():
            for request in requests:
                stream.requests.append(request)
                yield request
            stream.half_closed.set()

        call = self._upstream(noted())

        def read():
            try:
                for response in call:
                    stream.send(self._change(stream, response))
                stream.send(grpc.StatusCode.OK)
            except grpc.RpcError as error:
                stream.send(error)

        threading.Thread(target=read, daemon=True).start()
        context.add_callback(call.cancel)
        try:
            yield from self._responses(stream, context)
        finally:
            call.cancel()
            stream.ended.set()

    @staticmethod
    def _responses(stream, context):
        while True:
            response = stream._out.get()
            if stream.lost is not None:
                stream.status = stream.lost
                context.abort(stream.lost, "the relay ends it")
            if response is None:
                continue
            if response is grpc.StatusCode.OK:
                stream.status = grpc.StatusCode.OK
                return
            if isinstance(response, grpc.RpcError):
                stream.status = response.code()
                context.abort(response.code(), response.details())
            yield response

    def close(self):
        self._server.stop(0).wait()
        self._channel.close()


def of_a_newer_version(_, response):
    """The same response with what a later gateway may say."""
    for delivery in response.deliveries.deliveries:
        delivery.redelivery_reason = UNKNOWN_ENUM_VALUE
        delivery.event.release_reason = UNKNOWN_ENUM_VALUE
        delivery.event.MergeFromString(UNKNOWN_FIELD)
        delivery.MergeFromString(UNKNOWN_FIELD)
    response.MergeFromString(UNKNOWN_FIELD)
    return response
