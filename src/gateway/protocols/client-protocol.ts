import type { OneVaultError } from '../../core/errors.ts';
import type { AdapterResponse } from '../../providers/contract.ts';
import type { Ask, Call } from '../call.ts';
import type { Rating } from '../rating.ts';

/** What a client speaks: how its request is read and its reply is written. One file a protocol. */
export interface ClientProtocol {
  /** The path, as recorded with each call. */
  readonly endpoint: string;
  /** @throws OneVaultError invalid_request, naming the field */
  read(body: unknown): Ask;
  /** The body of a whole reply, as JSON text. */
  reply(response: AdapterResponse, call: Call, rating: Rating): string;
  /** A chunk of the pivot form (JSON text) as the bytes of a stream; '' where it says nothing to this client. */
  frame(chunk: string): string;
  /** What ends a stream that is whole. */
  end(call: Call, rating: Rating): string;
  /** What ends a stream that broke. */
  broken(error: OneVaultError, call: Call, now_ms: number): string;
}
