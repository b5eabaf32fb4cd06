/** One command of PROTOCOL.md, with the members of all of them. */
export interface Command {
  readonly do: string;
  readonly server?: string;
  readonly ca_file?: string;
  readonly certificate_file?: string;
  readonly key_file?: string;
  readonly server_name?: string;
  readonly token_file?: string;
  readonly backoff_max_ms?: number;
  readonly subscription?: string;
  readonly form?: 'handler' | 'iterator';
  readonly consumer_name?: string;
  readonly create?: boolean;
  readonly max_outstanding_events?: number;
  readonly concurrency?: number;
  readonly ack_deadline_ms?: number;
  readonly max_extension_ms?: number;
  readonly grace_ms?: number;
  readonly auto?: 'ack';
  readonly log?: string;
  readonly number?: number;
  readonly how?: 'ack' | 'fail' | 'retry' | 'park' | 'skip' | 'release';
  readonly delay_ms?: number;
  readonly reason?: string;
  readonly deadline_ms?: number;
  readonly position?: 'earliest' | 'latest';
  readonly after_cursor?: string;
  readonly stop_at_end?: boolean;
  readonly observe_only?: boolean;
  readonly event_id?: string;
  readonly call_serial_no?: string;
  readonly page_size?: number;
}
