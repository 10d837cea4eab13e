/** Limits of sessions over WebSocket. */
export interface RealtimeConfig {
  /** Sessions that one customer may have open at a time. */
  readonly sessions_max: number;
  readonly message_max_bytes: number;
  /** Longest time without a message of either side. */
  readonly idle_timeout_ms: number;
}
