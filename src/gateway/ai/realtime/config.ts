/** Bounds of sessions over WebSocket. */
export interface RealtimeConfig {
  /** Open at once, a customer. */
  readonly sessions_max: number;
  readonly message_max_bytes: number;
  /** How long nobody may say anything. */
  readonly idle_timeout_ms: number;
}
