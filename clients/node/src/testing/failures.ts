import { Metadata, type ServerErrorResponse, status } from '@grpc/grpc-js';

import type { StatusCode } from '../errors.js';
import { writeErrorInfo } from '../rpc-status.js';

/** With what a fake gateway refuses something, or ends it. */
export interface FakeFailure {
  code: StatusCode;
  message?: string;
  /** Of `google.rpc.ErrorInfo`. */
  reason?: string;
  metadata?: Record<string, string>;
}

/** @internal */
export function statusOf({ code, message = 'the fake gateway says so', reason, metadata }: FakeFailure) {
  const trailers = new Metadata();
  if (reason !== undefined) {
    const info = { reason, domain: 'onhook', metadata: metadata ?? {} };
    const bytes = writeErrorInfo(status[code], message, info);
    trailers.set('grpc-status-details-bin', Buffer.from(bytes));
  }
  const response: Partial<ServerErrorResponse> = {
    code: status[code],
    details: message,
    metadata: trailers,
  };
  return Object.assign(new Error(message), response);
}
