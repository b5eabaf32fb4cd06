import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { localError } from './errors.js';
import type { TlsOptions } from './options.js';

/** What the files of {@link TlsOptions} hold. @internal */
export interface TlsMaterial {
  readonly ca: Buffer | null;
  readonly certificate: Buffer | null;
  readonly key: Buffer | null;
}

// A token becomes a header's value: nothing in it may end that.
const TOKEN = /^[!-~]+$/;

// Files are read at once, not in the background: they are small, and a call that begins must carry
// what they hold now.
function read(path: string, what: string, reason: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw localError('FAILED_PRECONDITION', reason, `the ${what} ${path} cannot be read: ${why}`);
  }
}

function checkPair(options: TlsOptions, certificate: Buffer, key: Buffer): void {
  const fault = (reason: string, words: string) => localError('FAILED_PRECONDITION', reason, words);
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    const words = `the certificate ${options.certificateFile ?? ''} holds no certificate in PEM, or a broken one`;
    throw fault('CERTIFICATE_FILE', words);
  }
  let fits: boolean;
  try {
    fits = parsed.checkPrivateKey(createPrivateKey(key));
  } catch {
    const words = `the key ${options.keyFile ?? ''} holds no private key in PEM, or one with a passphrase`;
    throw fault('KEY_FILE', words);
  }
  if (!fits) {
    const words = `the key ${options.keyFile ?? ''} is not the one of the certificate ${options.certificateFile ?? ''}`;
    throw fault('CERTIFICATE_PAIR', words);
  }
}

/** Reads the files; throws `FAILED_PRECONDITION` if they cannot be used. What is known is good. @internal */
export function readTlsMaterial(options: TlsOptions, known: TlsMaterial | null = null): TlsMaterial {
  const { caFile, certificateFile, keyFile } = options;
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    const words = keyFile === undefined ? 'a certificate without its key' : 'a key without its certificate';
    throw localError('FAILED_PRECONDITION', 'CERTIFICATE_PAIR', words);
  }
  const ca = caFile === undefined ? null : read(caFile, 'file of authorities', 'CA_FILE');
  if (ca?.includes('-----BEGIN CERTIFICATE-----') === false) {
    const words = `the file of authorities ${caFile ?? ''} holds no certificate in PEM`;
    throw localError('FAILED_PRECONDITION', 'CA_FILE', words);
  }
  if (certificateFile === undefined || keyFile === undefined) {
    return { ca, certificate: null, key: null };
  }
  const certificate = read(certificateFile, 'certificate', 'CERTIFICATE_FILE');
  const key = read(keyFile, 'key', 'KEY_FILE');
  const material = { ca, certificate, key };
  // To read is cheap beside parsing.
  if (!sameMaterial(material, known)) checkPair(options, certificate, key);
  return material;
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}

/** @internal */
export function sameMaterial(a: TlsMaterial | null, b: TlsMaterial | null): boolean {
  if (a === null || b === null) return a === b;
  return sameBytes(a.ca, b.ca) && sameBytes(a.certificate, b.certificate) && sameBytes(a.key, b.key);
}

/** Reads a token; throws `FAILED_PRECONDITION` if the file holds none. @internal */
export function readToken(path: string): string {
  const token = read(path, 'token', 'TOKEN_FILE').toString('utf8').replace(/\r?\n$/, '');
  if (TOKEN.test(token)) return token;
  const words = `the token ${path} is empty, or holds a space or a character that is not ASCII`;
  throw localError('FAILED_PRECONDITION', 'TOKEN_FILE', words);
}
