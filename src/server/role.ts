import type { Config } from './config.ts';

/** What a child process of the product does. */
export type RoleName = 'sandbox' | 'serve' | 'load' | 'schedule';

/** What a child process is told when it starts. */
export interface RoleInput {
  readonly config: Config;
  readonly database_url: string;
  /** What a process takes on that only reads and inserts; null where the database's user may not. */
  readonly database_role: string | null;
  /** The sandbox's address, where one runs. */
  readonly sandbox_url: string | null;
  /** The port to take up again after a crash; 0 at first. */
  readonly port: number;
}

/** A role that runs. */
export interface Running {
  /** Where it listens, if it does. */
  readonly url: string | null;
  /** Ends it in an orderly way: what is under way is finished, within a limit. */
  stop(): Promise<void>;
}

/** Starts a role in this process. */
export type StartRole = (input: RoleInput) => Promise<Running>;
