import { Delivery } from '../delivery.js';
import {
  Delivery as DeliveryCodec,
  Delivery_RedeliveryReason,
  NackRequest_Action,
} from '../generated/onhook/v1/release_event_service.js';
import type { RedeliveryReason } from '../enums.js';
import { ReceivedDelivery } from '../received-delivery.js';
import type { ReleaseEvent } from '../release-event.js';
import type { Confirmation, Words } from '../settlement.js';
import type { Handler } from '../subscription.js';
import { type EventInit, makeEvent } from './events.js';

/** What became of a delivery. */
export interface Outcome {
  readonly action: 'ack' | 'retry' | 'park' | 'skip' | 'release';
  readonly reason: string;
  readonly delayMs: number | undefined;
  /** What the handler threw, if it did. */
  readonly error?: unknown;
  /** The extensions it asked for. */
  readonly extensionsMs: readonly number[];
}

/** What a made delivery is to hold beside its event. */
export interface DeliveryInit {
  attempt?: number;
  redeliveryReason?: RedeliveryReason;
  cursor?: string;
  ackDeadlineMs?: number;
}

/** @internal */
export function actionOf(action: Words['action']): Outcome['action'] {
  switch (action) {
    case 'ack':
      return 'ack';
    case NackRequest_Action.PARK:
      return 'park';
    case NackRequest_Action.SKIP:
      return 'skip';
    case NackRequest_Action.RELEASE:
      return 'release';
    default:
      return 'retry';
  }
}

function reasonNumber(reason: RedeliveryReason | undefined): Delivery_RedeliveryReason {
  if (reason === undefined) return Delivery_RedeliveryReason.UNSPECIFIED;
  if (typeof reason === 'number') return reason;
  return Delivery_RedeliveryReason[reason];
}

/**
 * Calls a handler with a made delivery, as a subscription would, without any gateway; resolves with
 * what became of it. Every settlement counts as confirmed.
 */
export async function handle(
  handler: Handler,
  event: EventInit | ReleaseEvent = {},
  init: DeliveryInit = {},
): Promise<Outcome> {
  let settled: Words | undefined;
  const extensionsMs: number[] = [];
  const { message } = makeEvent(event);
  const delivery = new Delivery(
    ReceivedDelivery.of(
      DeliveryCodec.create({
        deliveryId: 'made',
        event: message,
        cursor: init.cursor ?? 'made',
        attempt: init.attempt ?? 1,
        redeliveryReason: reasonNumber(init.redeliveryReason),
      }),
    ),
    {
      settle: (words: Words, confirmation?: Confirmation) => {
        settled = words;
        confirmation?.resolve();
      },
      extend: (deadlineMs: number, confirmation: Confirmation) => {
        extensionsMs.push(deadlineMs);
        confirmation.resolve();
      },
      onLost: () => undefined,
    },
  );
  const outcome = (words: Words): Outcome => ({
    action: actionOf(words.action),
    reason: words.reason,
    delayMs: words.delayMs,
    extensionsMs,
  });
  try {
    await handler(delivery);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const words = settled ?? { action: NackRequest_Action.RETRY, reason, delayMs: undefined };
    return { ...outcome(words), error };
  }
  return outcome(settled ?? { action: 'ack', reason: '', delayMs: undefined });
}
