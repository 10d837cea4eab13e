import { type Checkpoint, checkpointAt, latestCheckpoint, listKeys } from '../../audit/checkpoints.ts';
import { consistencyProof } from '../../audit/proofs.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidParameter } from '../../http/faults.ts';
import { list, raw, single } from '../../http/outcome.ts';
import { PAGE_QUERY, sliceOf } from '../../http/paging.ts';
import { arrayOf, INSTANT, INTEGER, nullable, objectOf, TEXT } from '../../http/schemas.ts';
import { controlRoute } from '../control-route.ts';
import { leafCount, NOTE } from './schemas.ts';

// Checkpoints are made at least once a minute while leaves arrive, and usually every ten seconds.
const SOON_S = 10;

// Witnesses and verifiers need no API key: a log that only customers can read could show each of them another one. The
// responses are signed, and contain only sizes, hashes and public keys.
const base = { method: 'get', plane: 'control', permission: null, action: 'audit.read' } as const;

/** The newest signed note, or that of a size, with its witnesses' signatures. */
export const readCheckpoint = controlRoute(
  {
    ...base,
    path: '/v1/audit/checkpoint',
    operation_id: 'audit.checkpoint',
    summary: 'The newest signed checkpoint, or the one of a size',
    subject_kind: 'checkpoint',
    query: { size: leafCount('The tree size of a checkpoint.') },
    responses: { 200: NOTE },
    errors: { 404: 'There is no such checkpoint.' },
  },
  ({ sql }) =>
    async ({ query }) => {
      const size = query.size ?? null;
      const checkpoint = size === null ? await latestCheckpoint(sql) : await checkpointAt(sql, size);
      if (checkpoint === null) {
        throw new OneVaultError('not_found', {
          ...(size === null ? { retry_after_s: SOON_S } : { param: 'size' }),
          details:
            size === null
              ? 'The log has no checkpoint yet; the first is made within a minute of the first call.'
              : `No checkpoint of ${size} leaves was published; the checkpoint files hold each published one.`,
        });
      }
      return raw('text/plain; charset=utf-8', checkpoint.note);
    },
);

const KEY = objectOf('SigningKey', {
  key_id: TEXT,
  name: TEXT,
  verifier_key: TEXT,
  created_at: INSTANT,
  retired_at: nullable(INSTANT),
  first_size: nullable(INTEGER),
  last_size: nullable(INTEGER),
});

/** Every public key that ever signed for the log, with the sizes that it signed. */
export const listSigningKeys = controlRoute(
  {
    ...base,
    path: '/v1/audit/keys',
    operation_id: 'audit.keys',
    summary: 'All public keys of the log, past ones included',
    subject_kind: 'signing_key',
    query: PAGE_QUERY,
    responses: { 200: { description: 'Keys.', schema: KEY, form: 'list' } },
  },
  ({ sql }) =>
    async ({ query }) => {
      const { data, pagination } = sliceOf(await listKeys(sql), query);
      return list(data, pagination);
    },
);

const POINT = objectOf('TreePoint', { tree_size: INTEGER, root_hash: nullable(TEXT) });

/** The proof that the tree of one checkpoint is a prefix of another's. */
export const proveConsistency = controlRoute(
  {
    ...base,
    path: '/v1/audit/consistency',
    operation_id: 'audit.consistency',
    summary: 'The proof that the tree of one checkpoint is a prefix of another',
    subject_kind: 'checkpoint',
    query: {
      from: { ...leafCount('The tree size of the first one.'), is_required: true },
      to: leafCount('That of the second one; the newest unless given.'),
    },
    responses: {
      200: {
        description: 'The hashes of the proof (RFC 6962), base64.',
        schema: objectOf('ConsistencyProof', { origin: TEXT, from: POINT, to: POINT, hashes: arrayOf(TEXT) }),
      },
    },
    errors: { 404: 'There is no such checkpoint.' },
  },
  ({ sql }) =>
    async ({ query: { from, to = null } }) => {
      const end = to === null ? await latestCheckpoint(sql) : await checkpointAt(sql, to);
      // A tree is not public before it is signed.
      if (end === null) throw unpublished('to', to);
      if (from > end.tree_size) {
        throw invalidParameter('from', 'too_large', `from, ${from}, is beyond to, ${end.tree_size}.`);
      }
      const start = from === 0 ? null : await checkpointAt(sql, from);
      if (from > 0 && start === null) throw unpublished('from', from);
      const hashes = await consistencyProof(sql, from, end.tree_size);
      return single({
        origin: end.origin,
        from: pointOf(start),
        to: pointOf(end),
        hashes: hashes.map((hash) => hash.toString('base64')),
      });
    },
);

const pointOf = (checkpoint: Checkpoint | null) =>
  checkpoint === null
    ? { tree_size: 0, root_hash: null }
    : {
        tree_size: checkpoint.tree_size,
        root_hash: Buffer.from(checkpoint.root_hash, 'hex').toString('base64'),
      };

const unpublished = (param: string, size: number | null): OneVaultError =>
  new OneVaultError('not_found', {
    ...(size === null ? { retry_after_s: SOON_S } : { param }),
    details:
      size === null
        ? 'The log has no checkpoint yet.'
        : `No checkpoint of ${size} leaves was published; proofs are made between those that were.`,
  });
