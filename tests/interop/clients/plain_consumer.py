"""A second consumer on bare stubs, which the library under test has to share with."""

import queue
import threading
import time

import grpc
from onhook.v1 import release_event_service_pb2 as events_api
from onhook.v1 import release_event_service_pb2_grpc as events_service
from waiting import PATIENCE_S, Failure


class PlainConsumer:
    """Extends nothing, settles what it is told to."""

    def __init__(self, server, subscription):
        self.arrived_at = None  # of the newest delivery
        self._requests = queue.Queue()
        self._deliveries = queue.Queue()
        self._channel = grpc.insecure_channel(server)
        self._requests.put(events_api.SubscribeRequest(open=events_api.SubscribeOpen(subscription=subscription)))
        self._call = events_service.ReleaseEventServiceStub(self._channel).Subscribe(iter(self._requests.get, None))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        try:
            for response in self._call:
                for delivery in response.deliveries.deliveries:
                    self._deliveries.put((time.monotonic(), delivery))
        except grpc.RpcError:
            pass  # its end; what is missing then is noticed by who waits for it

    def delivery(self):
        try:
            self.arrived_at, delivery = self._deliveries.get(timeout=PATIENCE_S)
        except queue.Empty:
            raise Failure("the other consumer got nothing") from None
        return delivery

    def ack(self, delivery):
        self._requests.put(events_api.SubscribeRequest(ack=events_api.AckRequest(delivery_ids=[delivery.delivery_id])))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._requests.put(None)  # half-closes: its answers come first
        try:
            self._call.code()
        finally:
            self._channel.close()
