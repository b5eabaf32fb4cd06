import {
  type ChannelOptions,
  type ChannelCredentials,
  Client as GrpcClient,
  connectivityState,
  credentials,
  Metadata,
} from '@grpc/grpc-js';

import { readTlsMaterial, readToken, sameMaterial, type TlsMaterial } from './credentials.js';
import { errorOf, localError, type OnhookError } from './errors.js';
import type { ClientOptions, ResolvedReconnect, TlsOptions } from './options.js';
import { resolveReconnect } from './options.js';
import { parseServerAddress, type ServerAddress } from './server-address.js';
import { VERSION } from './version.js';

// One message of the gateway holds a page of events at most.
const MAX_RECEIVED_MESSAGE_BYTES = 64 << 20;
// The gateway takes pings of an idle connection every 10 s at most.
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
// What is on its way while the event loop is busy: some thousand events.
const FLOW_CONTROL_WINDOW_BYTES = 4 << 20;

/** One connection, made with what the files held at that time; gRPC never makes it anew. @internal */
export class Connection {
  readonly grpc: GrpcClient;
  readonly material: TlsMaterial | null;
  #wasReady = false;
  #closed = false;

  constructor(grpc: GrpcClient, material: TlsMaterial | null) {
    this.grpc = grpc;
    this.material = material;
  }

  /** Whether a call may begin on it: it is connected, or is being connected for the first time. */
  get isUsable(): boolean {
    if (this.#closed) return false;
    const state = this.grpc.getChannel().getConnectivityState(false);
    if (state === connectivityState.READY) this.#wasReady = true;
    if (this.#wasReady) return state === connectivityState.READY;
    return state === connectivityState.IDLE || state === connectivityState.CONNECTING;
  }

  /** Something came over it. */
  noteAnswer(): void {
    this.#wasReady = true;
  }

  /** No further call begins on it; those that are under way go on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.grpc.close();
  }
}

/**
 * The connection that a client and all that it started share.
 *
 * Why not one gRPC channel for good: a channel keeps the certificate that it was made with, waits
 * for its own backoff, and does not notice that its connection is dead.
 * @internal
 */
export class GatewayConnections {
  readonly reconnect: ResolvedReconnect;
  /** Whether this client shows who it is. */
  readonly showsIdentity: boolean;
  readonly #options: ClientOptions;
  readonly #tls: TlsOptions | null;
  readonly #address: ServerAddress;
  #current: Connection | undefined;
  // What was good the last time.
  #material: TlsMaterial | null | undefined;
  #token: string | undefined;
  #closed = false;

  /** Throws `FAILED_PRECONDITION` if the address cannot be one. */
  constructor(options: ClientOptions) {
    this.#options = options;
    const { tls = false } = options;
    this.#tls = tls === false ? null : tls === true ? {} : tls;
    this.reconnect = resolveReconnect(options.reconnect);
    this.showsIdentity =
      this.#tls?.certificateFile !== undefined || options.tokenFile !== undefined;
    this.#address = parseServerAddress(options.server ?? '127.0.0.1:50051');
    if (this.#address.isUnix && this.#tls !== null) {
      const words = 'over a Unix-domain socket the gateway speaks no TLS';
      throw localError('FAILED_PRECONDITION', 'TLS_OVER_UNIX_SOCKET', words);
    }
  }

  /** Where the gateway is. */
  get server(): string {
    return this.#address.target;
  }

  /** A connection for a new call. Throws `FAILED_PRECONDITION` if the options cannot be used. */
  acquire(): Connection {
    if (this.#closed) {
      throw localError('CANCELLED', 'CLIENT_CLOSED', 'the client has been closed');
    }
    const known = this.#current?.isUsable === true ? this.#current : undefined;
    const material = this.#readMaterial();
    if (known !== undefined && sameMaterial(known.material, material)) return known;
    this.#current?.close();
    this.#current = new Connection(this.#connect(material), material);
    this.#material = material;
    return this.#current;
  }

  /** Is dead: nothing further begins on it. */
  giveUp(connection: Connection): void {
    connection.close();
    if (this.#current === connection) this.#current = undefined;
  }

  /** What each call carries. Throws `FAILED_PRECONDITION` if there is no token to be had. */
  metadata(): Metadata {
    const metadata = new Metadata();
    if (this.#options.tokenFile !== undefined) {
      metadata.set('authorization', `Bearer ${this.#readToken(this.#options.tokenFile)}`);
    }
    return metadata;
  }

  /** The error with what this client showed of itself, if that is what it is about. */
  explain(error: OnhookError): OnhookError {
    if (error.code !== 'UNAUTHENTICATED' || error.metadata['shown'] !== undefined) return error;
    const certificate = this.#tls?.certificateFile;
    const { tokenFile } = this.#options;
    const shown = [
      ...(certificate === undefined ? [] : [`the certificate ${certificate}`]),
      ...(tokenFile === undefined ? [] : [`the token ${tokenFile}`]),
    ];
    const words = shown.length === 0 ? 'nothing' : shown.join(' and ');
    const { code, message, reason, domain, metadata } = error;
    return errorOf({ code, message, reason, domain, metadata: { ...metadata, shown: words } });
  }

  close(): void {
    this.#closed = true;
    this.#current?.close();
    this.#current = undefined;
  }

  #readMaterial(): TlsMaterial | null {
    if (this.#tls === null) return null;
    try {
      return readTlsMaterial(this.#tls, this.#material);
    } catch (error) {
      // Half of a new pair waits for the other half.
      if (this.#material === undefined) throw error;
      return this.#material;
    }
  }

  #readToken(path: string): string {
    const inClear = this.#tls === null && !this.#address.isLocal;
    if (inClear && this.#options.allowCleartextToken !== true) {
      const words = `the token would go to ${this.server} in clear text, where everybody on the way can read and use it`;
      throw localError('FAILED_PRECONDITION', 'CLEARTEXT_TOKEN', words);
    }
    try {
      this.#token = readToken(path);
    } catch (error) {
      // While a file is being replaced, the token before is still the best there is.
      if (this.#token === undefined) throw error;
    }
    return this.#token;
  }

  #connect(material: TlsMaterial | null): GrpcClient {
    const options: ChannelOptions = {
      // The pool that all channels of a process share would hand out the dead connection again.
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': MAX_RECEIVED_MESSAGE_BYTES,
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      // So that what is left of a connection that was given up is cleared away too.
      'grpc.keepalive_permit_without_calls': 1,
      'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW_BYTES,
      'grpc.enable_retries': 0,
      'grpc.enable_channelz': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.primary_user_agent': `onhook-node/${VERSION}`,
    };
    // A proxy is for what lies beyond this machine.
    if (this.#address.isLocal) options['grpc.enable_http_proxy'] = 0;
    const name = this.#tls?.serverName;
    if (name !== undefined) options['grpc.ssl_target_name_override'] = name;
    return new GrpcClient(this.server, this.#credentials(material), options);
  }

  #credentials(material: TlsMaterial | null): ChannelCredentials {
    if (material === null) return credentials.createInsecure();
    try {
      return credentials.createSsl(material.ca, material.key, material.certificate);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw localError('FAILED_PRECONDITION', 'CA_FILE', `the files for TLS cannot be used: ${why}`);
    }
  }
}
