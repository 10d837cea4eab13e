import { createHash } from 'node:crypto';
import { InputError } from '../core/input-error.ts';

/** The salts in the header `x-onevault-receipt`. */
export interface Receipt {
  readonly request_salt: Buffer;
  readonly response_salt: Buffer;
}

const RECEIPT = /^v1\.([0-9a-f]{32})\.([0-9a-f]{32})$/;

/** Parses a receipt. @throws InputError that describes its form */
export const parseReceipt = (text: string): Receipt => {
  const [, request_salt, response_salt] = RECEIPT.exec(text.trim()) ?? [];
  if (request_salt === undefined || response_salt === undefined) {
    throw new InputError(
      '--receipt: the value of the header x-onevault-receipt is expected, "v1." and two salts of 32 hex digits with a dot between them',
    );
  }
  return {
    request_salt: Buffer.from(request_salt, 'hex'),
    response_salt: Buffer.from(response_salt, 'hex'),
  };
};

/** SHA-256(salt || body), as in the vault. */
export const commitmentOf = (salt: Buffer, body: Buffer): string =>
  createHash('sha256').update(salt).update(body).digest('hex');

/** Commitments of a call in the vault or a bundle. */
export interface CommittedCall {
  /** Lower-case hex. */
  readonly api_request_hk: string;
  readonly request_commitment: string | null;
  readonly response_commitment: string | null;
  readonly request_timestamp: string;
}

export interface Claim {
  readonly what: 'request' | 'response';
  readonly file: string;
  readonly body: Buffer;
}

/** One sentence for each claim, with its result. */
export const judgeClaims = (
  call: CommittedCall,
  receipt: Receipt,
  claims: readonly Claim[],
): { readonly is_proven: boolean; readonly words: string[] } => {
  const judged = claims.map(({ what, file, body }) => {
    const salt = what === 'request' ? receipt.request_salt : receipt.response_salt;
    const stored = what === 'request' ? call.request_commitment : call.response_commitment;
    const computed = commitmentOf(salt, body);
    if (computed === stored) {
      return {
        is_proven: true,
        words: `PROVEN: the ${what} of the call was exactly the ${body.length} bytes of ${file}: SHA-256(salt ‖ body) is the commitment ${computed}.`,
      };
    }
    const reason =
      stored === null
        ? 'no commitment stands there, for the call had none'
        : `SHA-256(salt ‖ body) is ${computed}, and the commitment is ${stored}. The body, the salt or the call is another`;
    return { is_proven: false, words: `NOT PROVEN: the ${what} of the call as ${file} has it: ${reason}.` };
  });
  return {
    is_proven: judged.every(({ is_proven }) => is_proven),
    words: judged.map(({ words }) => words),
  };
};
