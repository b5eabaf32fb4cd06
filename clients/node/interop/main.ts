// The program that tests/interop/clients/PROTOCOL.md describes.
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { Client } from '@onhook/client';
import type { SubscribeOptions } from '@onhook/client';

import type { Command } from './commands.js';
import { codeOf, endOf, nameOf, nativeOf, report, reportState } from './reports.js';
import { Receiver } from './receiver.js';

let client: Client | undefined;
let receiver: Receiver | undefined;
let stopWatch: (() => void) | undefined;

function connect(command: Command): void {
  const tls = {
    caFile: command.ca_file,
    certificateFile: command.certificate_file,
    keyFile: command.key_file,
    serverName: command.server_name,
  };
  const wantsTls = Object.values(tls).some((value) => value !== undefined);
  client = new Client({
    server: command.server,
    tls: wantsTls && tls,
    tokenFile: command.token_file,
    reconnect: { maxMs: command.backoff_max_ms },
  });
}

function connected(): Client {
  if (client === undefined) throw new Error('connect comes first');
  return client;
}

function subscribe(command: Command): void {
  const options: SubscribeOptions = {
    onState: reportState,
    createIfMissing: command.create,
    consumerName: command.consumer_name,
    concurrency: command.concurrency,
    maxOutstandingEvents: command.max_outstanding_events,
    ackDeadlineMs: command.ack_deadline_ms,
    maxExtensionMs: command.max_extension_ms,
    graceMs: command.grace_ms,
  };
  const log = command.log === undefined ? undefined : createWriteStream(command.log, { flags: 'a' });
  receiver = new Receiver(command.auto === 'ack', log);
  const name = command.subscription ?? '';
  const ended =
    command.form === 'iterator'
      ? receiver.iterate(connected().subscribe(name, options))
      : receiver.handle((handler) => connected().subscribe(name, handler, options));
  void ended;
}

async function watch(command: Command): Promise<void> {
  const watched = connected().watch({
    onState: reportState,
    position: command.position,
    afterCursor: command.after_cursor,
    stopAtEnd: command.stop_at_end,
    observeOnly: command.observe_only,
  });
  stopWatch = () => {
    watched.stop();
  };
  try {
    for await (const { event, cursor } of watched) {
      const bytes = Buffer.from(event.serialize()).toString('base64');
      report('watched', { event_id: event.eventId, cursor, event: bytes });
    }
    report('ended', { ok: true });
  } catch (error) {
    report('ended', endOf(error));
  }
}

async function get(command: Command): Promise<void> {
  try {
    const { event, timelines } = await connected().getEvent(command.event_id ?? '');
    const states = timelines.map(({ subscription, state }) => [subscription, nameOf(state)]);
    report('got', {
      found: true,
      event: Buffer.from(event.serialize()).toString('base64'),
      native: nativeOf(event),
      states: Object.fromEntries(states) as Record<string, string>,
    });
  } catch (error) {
    report('got', { found: false, code: codeOf(error) });
  }
}

async function list(command: Command): Promise<void> {
  const eventIds: string[] = [];
  const { call_serial_no: callSerialNo, page_size: pageSize } = command;
  const listing = connected().listEvents({ callSerialNo, pageSize });
  try {
    for await (const { event } of listing) eventIds.push(event.eventId);
    report('listed', { event_ids: eventIds });
  } catch (error) {
    report('listed', { event_ids: eventIds, code: codeOf(error) });
  }
}

function obey(command: Command): void {
  switch (command.do) {
    case 'connect':
      connect(command);
      break;
    case 'subscribe':
      subscribe(command);
      break;
    case 'settle':
      receiver?.settle(command);
      break;
    case 'extend':
      receiver?.extend(command);
      break;
    case 'pause':
      receiver?.pause();
      break;
    case 'resume':
      receiver?.resume();
      break;
    case 'stop':
      stopWatch?.();
      receiver?.stop(command.grace_ms);
      break;
    case 'count':
      receiver?.count();
      break;
    case 'watch':
      void watch(command);
      break;
    case 'get':
      void get(command);
      break;
    case 'list':
      void list(command);
      break;
    default:
      process.stderr.write(`unknown command: ${JSON.stringify(command)}\n`);
      process.exit(2);
  }
}

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  obey(JSON.parse(line) as Command);
});
lines.on('close', () => process.exit(0));
