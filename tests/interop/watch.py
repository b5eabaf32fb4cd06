"""Prints release events as they come, one JSON object a line: watch.py HOST:PORT"""
import sys
import time

import grpc
from google.protobuf.json_format import MessageToJson
from onhook.v1 import release_event_service_pb2 as api
from onhook.v1.release_event_service_pb2_grpc import ReleaseEventServiceStub

service = ReleaseEventServiceStub(grpc.insecure_channel(sys.argv[1]))
request = api.WatchRequest()
while True:
    try:
        for response in service.Watch(request):
            if response.HasField("heartbeat"):
                request.after_cursor = response.heartbeat.cursor
                print("watching", file=sys.stderr, flush=True)
            for watched in response.events.events:
                print(MessageToJson(watched.event, indent=None), flush=True)
                request.after_cursor = watched.cursor
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            raise
        time.sleep(1)  # the gateway restarts: go on behind the last event
