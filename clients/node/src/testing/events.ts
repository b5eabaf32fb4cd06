import { createHash } from 'node:crypto';

import type { ReleaseReason } from '../enums.js';
import {
  Authentication,
  ReleaseEvent as ReleaseEventCodec,
  ReleaseReason as ReleaseReasons,
} from '../generated/onhook/v1/release_event.js';
import type { ReleaseEvent as ReleaseEventMessage } from '../generated/onhook/v1/release_event.js';
import { durationOf, timestampOf } from '../native.js';
import { ReleaseEvent } from '../release-event.js';

/** What a made event is to hold; the rest is as of an ordinary call. */
export interface EventInit {
  /** Default: made of the other fields, so that the same event has the same id. */
  eventId?: string;
  source?: string;
  /** Default: `call-1`. */
  callSerialNo?: string;
  serviceNo?: string;
  /** Default: `88880067`. */
  called?: string;
  caller?: string;
  callerPresent?: string;
  callData?: string;
  createCallTime?: Date;
  alertingTime?: Date;
  talkingTime?: Date;
  releaseTime?: Date;
  talkDurationMs?: number;
  recordfile?: string;
  locationId?: string;
  releaseReason?: ReleaseReason;
  releaseReasonCode?: string;
  agentAlertingTime?: Date;
  agentTalkingTime?: Date;
  agentReleaseTime?: Date;
  agentTalkDurationMs?: number;
  extra?: Record<string, string>;
  timeZone?: string;
  receivedAt?: Date;
  traceparent?: string;
  masked?: boolean;
}

const TIMES = [
  'createCallTime',
  'alertingTime',
  'talkingTime',
  'releaseTime',
  'agentAlertingTime',
  'agentTalkingTime',
  'agentReleaseTime',
  'receivedAt',
] as const;
const TEXTS = [
  'serviceNo',
  'caller',
  'callerPresent',
  'callData',
  'recordfile',
  'locationId',
  'releaseReasonCode',
  'traceparent',
] as const;

function numberOf(reason: ReleaseReason): ReleaseReasons {
  return typeof reason === 'number' ? (reason) : ReleaseReasons[reason];
}

function messageOf(init: EventInit): ReleaseEventMessage {
  const callSerialNo = init.callSerialNo ?? 'call-1';
  const message = ReleaseEventCodec.create({
    source: init.source ?? 'default',
    authentication: Authentication.NONE,
    callSerialNo,
    called: init.called ?? '88880067',
    timeZone: init.timeZone ?? 'UTC',
    extra: init.extra ?? {},
    masked: init.masked ?? false,
  });
  for (const name of TEXTS) {
    const text = init[name];
    if (text !== undefined) message[name] = text;
  }
  for (const name of TIMES) {
    const time = init[name];
    if (time !== undefined) message[name] = timestampOf(time);
  }
  const { talkDurationMs, agentTalkDurationMs, releaseReason } = init;
  if (talkDurationMs !== undefined) message.talkDuration = durationOf(talkDurationMs);
  if (agentTalkDurationMs !== undefined) message.agentTalkDuration = durationOf(agentTalkDurationMs);
  if (releaseReason !== undefined) message.releaseReason = numberOf(releaseReason);
  const digest = createHash('sha256').update(ReleaseEventCodec.encode(message).finish()).digest('hex');
  message.eventId = init.eventId ?? `v1-${digest.slice(0, 32)}-${encodeURIComponent(callSerialNo)}`;
  return message;
}

/** Makes an event. */
export function makeEvent(init: EventInit | ReleaseEvent = {}): ReleaseEvent {
  return init instanceof ReleaseEvent ? init : new ReleaseEvent(messageOf(init));
}
