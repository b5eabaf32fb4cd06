import { isIP } from 'node:net';

import { localError } from './errors.js';

/** Where a gateway is. @internal */
export interface ServerAddress {
  /** As gRPC takes it. */
  readonly target: string;
  readonly isUnix: boolean;
  /** Whether what is sent there never leaves this machine. */
  readonly isLocal: boolean;
}

function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1';
}

/** Throws `FAILED_PRECONDITION` for what can be no address. @internal */
export function parseServerAddress(text: string): ServerAddress {
  const unix = /^unix:(?:\/\/)?(.+)$/.exec(text);
  if (unix !== null) return { target: `unix:${unix[1] ?? ''}`, isUnix: true, isLocal: true };
  const [, bracketed, bare, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? bare;
  const number = Number(port);
  if (host === undefined || !(number >= 1 && number <= 65535)) {
    const message = `the server's address '${text}' is neither HOST:PORT nor unix:/path`;
    throw localError('FAILED_PRECONDITION', 'SERVER_ADDRESS', message);
  }
  return { target: text, isUnix: false, isLocal: isLoopback(host) };
}
