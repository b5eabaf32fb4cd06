import { type ServiceError, status as grpcStatus } from '@grpc/grpc-js';

import { readErrorInfo } from './rpc-status.js';

/** The canonical name of a gRPC status code. */
export type StatusCode = Exclude<keyof typeof grpcStatus, 'OK'>;

/** What an {@link OnhookError} is made of. */
export interface ErrorDetails {
  readonly code: StatusCode;
  readonly message: string;
  readonly reason?: string | undefined;
  readonly domain?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
}

/**
 * Whatever goes wrong between an application and its gateway. Those that programs tell apart most
 * often have a class of their own; {@link code} tells all of them apart.
 */
export class OnhookError extends Error {
  /** The gateway's status code, or the one that fits best for what was found on this side. */
  readonly code: StatusCode;
  /** One word in capitals that says more than the code, for programs (`google.rpc.ErrorInfo`). */
  readonly reason: string | undefined;
  /** Who gave the reason: `onhook` is the gateway, `onhook.client` this library. */
  readonly domain: string | undefined;
  /** More about the reason, for instance the `permission` that is lacking. */
  readonly metadata: Readonly<Record<string, string>>;

  constructor(details: ErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.reason = details.reason;
    this.domain = details.domain;
    this.metadata = details.metadata ?? {};
  }
}

/** `NOT_FOUND`: no such subscription, event or delivery, or not any more. */
export class NotFoundError extends OnhookError {}
/** `INVALID_ARGUMENT`: the request is wrong, and will stay so. */
export class InvalidArgumentError extends OnhookError {}
/** `FAILED_PRECONDITION`: the request does not fit what is stored, or how this client is set up. */
export class FailedPreconditionError extends OnhookError {}
/** `PERMISSION_DENIED`: not this caller; the metadata names `identity` and `permission`. */
export class PermissionDeniedError extends OnhookError {}
/** `UNAUTHENTICATED`: nobody whom the gateway knows; the metadata `shown` says what was shown. */
export class UnauthenticatedError extends OnhookError {}
/** `UNAVAILABLE`: the gateway cannot be reached, or not now. */
export class UnavailableError extends OnhookError {}
/** `DEADLINE_EXCEEDED`: no answer in time. */
export class DeadlineExceededError extends OnhookError {}
/** `OUT_OF_RANGE`: what was asked for is no longer kept. */
export class OutOfRangeError extends OnhookError {}

/** A watch would have to go on behind events that are no longer kept. */
export class GapError extends OutOfRangeError {
  /** How many events cannot be had any more; undefined if the gateway does not say. */
  get eventsLost(): number | undefined {
    const lost = this.metadata['events_lost'];
    return lost === undefined ? undefined : Number(lost);
  }

  /** `afterCursor` for whoever decides to go on with the oldest event there is. */
  get oldestCursor(): string | undefined {
    return this.metadata['oldest_cursor'];
  }
}

/** A settlement or an extension came too late: a later attempt exists, or the event is settled. */
export class StaleDeliveryError extends OnhookError {
  constructor() {
    super(local('ABORTED', 'STALE', 'a later attempt exists, or the event is settled already'));
  }
}

/** The gateway does not know this delivery, or not any more. */
export class UnknownDeliveryError extends NotFoundError {
  constructor() {
    super(local('NOT_FOUND', 'UNKNOWN', 'the gateway does not know this delivery'));
  }
}

/** A delivery that was settled is settled again. */
export class AlreadySettledError extends FailedPreconditionError {
  constructor(message = 'this delivery is settled already') {
    super(local('FAILED_PRECONDITION', 'ALREADY_SETTLED', message));
  }
}

/** A settlement was never confirmed. Unless something else settles it, its event comes again. */
export class UnconfirmedError extends UnavailableError {
  constructor(message: string) {
    super(local('UNAVAILABLE', 'UNCONFIRMED', message));
  }
}

const CLASSES: Partial<Record<StatusCode, new (details: ErrorDetails) => OnhookError>> = {
  NOT_FOUND: NotFoundError,
  INVALID_ARGUMENT: InvalidArgumentError,
  FAILED_PRECONDITION: FailedPreconditionError,
  PERMISSION_DENIED: PermissionDeniedError,
  UNAUTHENTICATED: UnauthenticatedError,
  UNAVAILABLE: UnavailableError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  OUT_OF_RANGE: OutOfRangeError,
};

/** @internal */
export function errorOf(details: ErrorDetails): OnhookError {
  return new (CLASSES[details.code] ?? OnhookError)(details);
}

/** @internal */
export function local(code: StatusCode, reason: string, message: string): ErrorDetails {
  return { code, reason, message, domain: 'onhook.client' };
}

/** @internal */
export function localError(code: StatusCode, reason: string, message: string): OnhookError {
  return errorOf(local(code, reason, message));
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && 'code' in error && 'details' in error && 'metadata' in error;
}

/** grpc-js announces a note of its resolver even where there is none. */
function withoutEmptyNote(details: string): string {
  return details.replace(/\.? *Resolution note: *$/, '');
}

/** What gRPC says, with the gateway's reason. @internal */
export function fromGrpc(error: unknown): OnhookError {
  if (error instanceof OnhookError) return error;
  if (!isServiceError(error)) {
    const message = error instanceof Error ? error.message : String(error);
    return errorOf({ code: 'UNKNOWN', message, cause: error });
  }
  const name = grpcStatus[error.code] as StatusCode | 'OK' | undefined;
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const info = Buffer.isBuffer(bytes) ? readErrorInfo(bytes) : undefined;
  return errorOf({
    code: name === undefined || name === 'OK' ? 'UNKNOWN' : name,
    message: withoutEmptyNote(error.details),
    ...info,
  });
}
