// The program that tests/interop/clients/PROTOCOL.md describes.
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

import { Client } from '@onhook/client';
import type { ClientOptions, SubscribeOptions, TlsOptions } from '@onhook/client';

import type { Command } from './commands.js';
import { codeOf, endOf, nameOf, nativeOf, report, reportState } from './reports.js';
import { Receiver } from './receiver.js';

let client: Client | undefined;
let receiver: Receiver | undefined;
let stopWatch: (() => void) | undefined;

function connect(command: Command): void {
  const tls: TlsOptions = {};
  if (command.ca_file !== undefined) tls.caFile = command.ca_file;
  if (command.certificate_file !== undefined) tls.certificateFile = command.certificate_file;
  if (command.key_file !== undefined) tls.keyFile = command.key_file;
  if (command.server_name !== undefined) tls.serverName = command.server_name;
  const options: ClientOptions = {};
  if (command.server !== undefined) options.server = command.server;
  if (Object.keys(tls).length > 0) options.tls = tls;
  if (command.token_file !== undefined) options.tokenFile = command.token_file;
  if (command.backoff_max_ms !== undefined) options.reconnect = { maxMs: command.backoff_max_ms };
  client = new Client(options);
}

function connected(): Client {
  if (client === undefined) throw new Error('connect comes first');
  return client;
}

function subscribe(command: Command): void {
  const options: SubscribeOptions = { onState: reportState };
  if (command.create === true) options.createIfMissing = true;
  if (command.consumer_name !== undefined) options.consumerName = command.consumer_name;
  if (command.concurrency !== undefined) options.concurrency = command.concurrency;
  if (command.max_outstanding_events !== undefined) {
    options.maxOutstandingEvents = command.max_outstanding_events;
  }
  if (command.ack_deadline_ms !== undefined) options.ackDeadlineMs = command.ack_deadline_ms;
  if (command.max_extension_ms !== undefined) options.maxExtensionMs = command.max_extension_ms;
  if (command.grace_ms !== undefined) options.graceMs = command.grace_ms;
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
    ...(command.position === undefined ? {} : { position: command.position }),
    ...(command.after_cursor === undefined ? {} : { afterCursor: command.after_cursor }),
    ...(command.stop_at_end === undefined ? {} : { stopAtEnd: command.stop_at_end }),
    ...(command.observe_only === undefined ? {} : { observeOnly: command.observe_only }),
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
  const listing = connected().listEvents({
    callSerialNo: command.call_serial_no ?? '',
    ...(command.page_size === undefined ? {} : { pageSize: command.page_size }),
  });
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
