"""What can go wrong, by the code that the gateway gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import grpc
from google.protobuf.message import DecodeError

from onhook.wire import error_detail_pb2

_DETAILS_KEY = "grpc-status-details-bin"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"


class OnhookError(Exception):
    """An error of the gateway, of the way to it, or of this client's own settings.

    `code` is the gRPC code; `message` the words; `reason` one word for programs and `metadata`
    more about it, both of `google.rpc.ErrorInfo` and empty where the gateway gave none. What this
    library found out by itself has the `domain` "onhook.client", the gateway's own "onhook".
    """

    code: grpc.StatusCode = grpc.StatusCode.UNKNOWN

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str = "",
        domain: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.message = message
        self.reason = reason
        self.domain = domain
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata or {}))

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.code.name}{reason}: {self.message}"


class InvalidArgumentError(OnhookError):
    """The request is wrong and will stay so."""

    code = grpc.StatusCode.INVALID_ARGUMENT


class NotFoundError(OnhookError):
    """There is no such subscription, event or delivery (any more)."""

    code = grpc.StatusCode.NOT_FOUND


class AlreadyExistsError(OnhookError):
    """The name is taken."""

    code = grpc.StatusCode.ALREADY_EXISTS


class FailedPreconditionError(OnhookError):
    """The request does not fit what is stored."""

    code = grpc.StatusCode.FAILED_PRECONDITION


class ConfigurationError(FailedPreconditionError):
    """This client's own settings cannot be used; nothing was sent.

    `reason` is SERVER_ADDRESS, CA_FILE, CERTIFICATE_FILE, KEY_FILE, CERTIFICATE_PAIR, TOKEN_FILE,
    CLEARTEXT_TOKEN or TLS_OVER_UNIX_SOCKET.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, reason=reason, domain="onhook.client")


class PermissionDeniedError(OnhookError):
    """Not this caller; `metadata` names `identity`, `permission` and, if any, `subscription`."""

    code = grpc.StatusCode.PERMISSION_DENIED


class UnauthenticatedError(OnhookError):
    """Nobody whom the gateway knows."""

    code = grpc.StatusCode.UNAUTHENTICATED


class UnimplementedError(OnhookError):
    """This gateway does not do what is asked."""

    code = grpc.StatusCode.UNIMPLEMENTED


class GapError(OnhookError):
    """The events after a watch's cursor are no longer kept."""

    code = grpc.StatusCode.OUT_OF_RANGE

    @property
    def oldest_cursor(self) -> str:
        """Where a watch can go on: pass it as `after_cursor`. Empty if the gateway named none."""
        return self.metadata.get("oldest_cursor", "")

    @property
    def events_lost(self) -> int | None:
        """How many events that leaves out; None if the gateway did not say."""
        text = self.metadata.get("events_lost", "")
        return int(text) if text.isdecimal() else None


class AbortedError(OnhookError):
    """A later attempt of the event exists, or the event is settled already."""

    code = grpc.StatusCode.ABORTED


class ResourceExhaustedError(OnhookError):
    """Too much at once, for now."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED


class DeadlineExceededError(OnhookError):
    """No answer came in time."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED


class UnavailableError(OnhookError):
    """The gateway cannot be reached now, or the connection was lost."""

    code = grpc.StatusCode.UNAVAILABLE


class UnconfirmedError(UnavailableError):
    """A stop left acknowledgements that were not confirmed; their events may come again."""

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} acknowledgement(s) not confirmed; their events may come again",
            domain="onhook.client",
        )
        self.count = count


class AlreadySettledError(RuntimeError):
    """A delivery is settled once: this one was before."""


_CLASSES: Mapping[grpc.StatusCode, type[OnhookError]] = {
    error.code: error
    for error in (
        InvalidArgumentError,
        NotFoundError,
        AlreadyExistsError,
        FailedPreconditionError,
        PermissionDeniedError,
        UnauthenticatedError,
        UnimplementedError,
        GapError,
        AbortedError,
        ResourceExhaustedError,
        DeadlineExceededError,
        UnavailableError,
    )
}

_TERMINAL = frozenset(
    {
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)


def is_terminal(error: OnhookError) -> bool:
    """Whether repeating cannot help."""
    return error.code in _TERMINAL


def _error_info(trailers: Sequence[tuple[str, str | bytes]]) -> error_detail_pb2.ErrorInfo:
    info = error_detail_pb2.ErrorInfo()
    for key, value in trailers:
        if key != _DETAILS_KEY or not isinstance(value, bytes):
            continue
        try:
            for detail in error_detail_pb2.Status.FromString(value).details:
                if detail.type_url == _ERROR_INFO:
                    info.ParseFromString(detail.value)
        except DecodeError:
            # An error about an error helps nobody.
            info.Clear()
    return info


def error_from_status(
    code: grpc.StatusCode, message: str, trailers: Sequence[tuple[str, str | bytes]] = ()
) -> OnhookError:
    """The error that a call ended with, of the class that its code has."""
    info = _error_info(trailers)
    return _CLASSES.get(code, OnhookError)(
        message, code=code, reason=info.reason, domain=info.domain, metadata=info.metadata
    )


def error_from_rpc(error: grpc.aio.AioRpcError) -> OnhookError:
    """`error_from_status` of what grpc.aio raised."""
    trailers = tuple(error.trailing_metadata() or ())
    return error_from_status(error.code(), error.details() or "", trailers)
