import type { Config } from './config.ts';

/** Role of a child process of the product. */
export type RoleName = 'sandbox' | 'serve' | 'load' | 'schedule';

/** Input of a child process at its start. */
export interface RoleInput {
  readonly config: Config;
  readonly database_url: string;
  /** Database role that can only read and insert; null if the database's user may not take it on. */
  readonly database_role: string | null;
  /** The sandbox's address, if it runs. */
  readonly sandbox_url: string | null;
  /** The port to use again after a crash; 0 at first. */
  readonly port: number;
}

/** A running role. */
export interface Running {
  /** Listening address; null for none. */
  readonly url: string | null;
  /** Stops it in order: current calls end within a limit. */
  stop(): Promise<void>;
}

/** Starts a role in this process. */
export type StartRole = (input: RoleInput) => Promise<Running>;
