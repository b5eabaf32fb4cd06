import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** The part of `google.rpc.ErrorInfo` that a program acts on. @internal */
export interface ErrorInfo {
  reason: string;
  domain: string;
  metadata: Record<string, string>;
}

const ERROR_INFO_URL = 'type.googleapis.com/google.rpc.ErrorInfo';

/** Calls `field` for each field of a message, which reads it if it returns true. */
function readFields(bytes: Uint8Array, field: (number: number, reader: BinaryReader) => boolean) {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (!field(number, reader)) reader.skip(wireType);
  }
}

function readEntry(bytes: Uint8Array, into: Record<string, string>): void {
  let key = '';
  let value = '';
  readFields(bytes, (number, reader) => {
    if (number === 1) key = reader.string();
    else if (number === 2) value = reader.string();
    else return false;
    return true;
  });
  into[key] = value;
}

function readInfo(bytes: Uint8Array): ErrorInfo {
  const info: ErrorInfo = { reason: '', domain: '', metadata: {} };
  readFields(bytes, (number, reader) => {
    if (number === 1) info.reason = reader.string();
    else if (number === 2) info.domain = reader.string();
    else if (number === 3) readEntry(reader.bytes(), info.metadata);
    else return false;
    return true;
  });
  return info;
}

/** The ErrorInfo of a `google.rpc.Status`, as gRPC carries it in `grpc-status-details-bin`. @internal */
export function readErrorInfo(bytes: Uint8Array): ErrorInfo | undefined {
  let info: ErrorInfo | undefined;
  try {
    readFields(bytes, (number, reader) => {
      if (number !== 3) return false;
      let url = '';
      let value: Uint8Array = new Uint8Array();
      readFields(reader.bytes(), (anyNumber, any) => {
        if (anyNumber === 1) url = any.string();
        else if (anyNumber === 2) value = any.bytes();
        else return false;
        return true;
      });
      if (url === ERROR_INFO_URL) info = readInfo(value);
      return true;
    });
  } catch {
    // An error about an error helps nobody.
    return undefined;
  }
  return info;
}

/** The reverse, for the fake gateway. @internal */
export function writeErrorInfo(code: number, message: string, info: ErrorInfo): Uint8Array {
  const details = new BinaryWriter();
  details.uint32(10).string(info.reason).uint32(18).string(info.domain);
  for (const [key, value] of Object.entries(info.metadata)) {
    details.uint32(26).fork().uint32(10).string(key).uint32(18).string(value).join();
  }
  const status = new BinaryWriter();
  status.uint32(8).int32(code).uint32(18).string(message);
  status.uint32(26).fork().uint32(10).string(ERROR_INFO_URL).uint32(18).bytes(details.finish());
  return status.join().finish();
}
