import { type Clock, instantOf } from '../../core/clock.ts';
import { invalidParameter } from '../../http/faults.ts';
import type { Query } from '../../http/query.ts';
import type { Sql } from '../../postgres/connect.ts';
import { sealKnown } from '../../vault/seal-known.ts';

/**
 * The instant that `known` of a query names, or the newest for which responses are final.
 * @throws OneVaultError invalid_request if the instant is not final yet
 */
export const readKnown = async (
  { sql, clock }: { readonly sql: Sql; readonly clock: Clock },
  { known }: Query,
): Promise<string> => {
  const sealed = await sealKnown(sql, clock);
  if (typeof known !== 'string') return sealed;
  if (Date.parse(known) <= Date.parse(sealed)) return known;
  const message = `What will be known at ${known} is not final yet: it is ${instantOf(clock.now())}, and answers are final up to ${sealed}.`;
  throw invalidParameter('known', 'not_final', message);
};
