import { latestCheckpoint } from '../../audit/checkpoints.ts';
import { entryOf } from '../../audit/entry.ts';
import { findRowLeaf } from '../../audit/find-leaf.ts';
import { proofText } from '../../audit/proofs.ts';
import { OneVaultError } from '../../core/errors.ts';
import { raw } from '../../http/outcome.ts';
import { TEXT } from '../../http/schemas.ts';
import { controlRoute } from '../control-route.ts';
import { findErasure } from './erasures.ts';
import { PERSONAL } from './schemas.ts';

// Checkpoints are usually ten seconds apart, at most sixty.
const SOON_S = 10;

/**
 * `GET /privacy/erasures/{id}/proof`: the proof that the log has the erasure (C2SP tlog-proof), with its entry as `extra`: the
 * leaf's hash is SHA-256(0x00 || entry), and the entry's hash diff covers every column of the row of erasure_s.
 */
export const getErasureProof = controlRoute(
  {
    ...PERSONAL,
    method: 'get',
    path: '/v1/privacy/erasures/:id/proof',
    aliases: ['/privacy/erasures/:id/proof'],
    operation_id: 'privacy.prove',
    summary: 'The proof that an erasure is in the log',
    permission: 'privacy.prove',
    action: 'privacy.prove',
    subject_kind: 'erasure',
    subject: 'id',
    responses: {
      200: { description: 'C2SP tlog-proof.', schema: TEXT, form: 'bare', content_types: ['text/plain'] },
    },
    errors: { 409: 'No checkpoint covers it yet.' },
  },
  (deps) =>
    async ({ params, draft }) => {
      const { sql, rows, reader, registry } = deps;
      const id = params.id;
      const { subject } = await findErasure(sql, id);
      draft.shows([subject]);
      const erasure_hk = rows.hubKey('erasure_h', { erasure_bk: id });
      const [values] = await reader.current(sql, 'erasure_s', { hash_keys: [erasure_hk] });
      const row = { table: 'erasure_s', values: { ...values } };
      const leaf = await findRowLeaf(sql, registry, row);
      const index = leaf === null || leaf.first_index === null ? null : leaf.first_index + leaf.offset;
      const checkpoint = await latestCheckpoint(sql);
      if (checkpoint === null || index === null || index >= checkpoint.tree_size) {
        throw new OneVaultError('not_covered_yet', {
          details: 'The next checkpoint covers the erasure; it comes within a minute.',
          retry_after_s: SOON_S,
        });
      }
      const extra = Buffer.from(entryOf(registry, [row]));
      return raw('text/plain; charset=utf-8', await proofText(sql, { index, checkpoint, extra }));
    },
);
