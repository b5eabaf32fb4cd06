/**
 * For tests of whoever receives events: a gateway in the same process, and deliveries without any.
 *
 * @packageDocumentation
 */
export { type EventInit, makeEvent } from './events.js';
export type { FakeFailure } from './failures.js';
export { FakeGateway, type FakeGatewayOptions } from './fake-gateway.js';
export { FakeStream, type GoAwayReason } from './fake-stream.js';
export type { FakeAnswer, FakeSettlement } from './fake-subscription.js';
export { type DeliveryInit, handle, type Outcome } from './handling.js';
