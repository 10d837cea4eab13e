import { acceptCosignature } from '../../audit/accept-cosignature.ts';
import { type Checkpoint, checkpointAt, latestCheckpoint, listKeys } from '../../audit/checkpoints.ts';
import { NoteError } from '../../audit/note.ts';
import { consistencyProof } from '../../audit/proofs.ts';
import { OneVaultError } from '../../core/errors.ts';
import { invalidParameter } from '../../http/faults.ts';
import { list, raw, single } from '../../http/outcome.ts';
import { sliceOf } from '../../http/paging.ts';
import type { Handler } from '../../resources/serving/control-route.ts';
import type { ControlDeps } from '../deps.ts';

// Checkpoints are made at least once a minute while leaves arrive, and usually every ten seconds.
const SOON_S = 10;
const MAX_DETAILS_CHARS = 400;

/** `GET /v1/audit/checkpoint?size=`: the newest signed note, or that of a size, with its witnesses' signatures. */
export const getCheckpoint =
  ({ sql }: ControlDeps): Handler =>
  async ({ query }) => {
    const size = (query.size as number | undefined) ?? null;
    const checkpoint = size === null ? await latestCheckpoint(sql) : await checkpointAt(sql, size);
    if (checkpoint === null) {
      throw new OneVaultError('not_found', {
        ...(size === null ? { retry_after_s: SOON_S } : { param: 'size' }),
        details:
          size === null
            ? 'The log has no checkpoint yet; the first is made within a minute of the first call.'
            : `No checkpoint of ${size} leaves was published; those there are stand one each in the checkpoint files.`,
      });
    }
    return raw('text/plain; charset=utf-8', checkpoint.note);
  };

/** `GET /v1/audit/keys`: every public key that ever signed for the log, with the sizes it signed. */
export const getKeys =
  ({ sql }: ControlDeps): Handler =>
  async ({ query }) => {
    const { data, pagination } = sliceOf(await listKeys(sql), query);
    return list(data, pagination);
  };

/** `GET /v1/audit/consistency?from=&to=`: the proof that one checkpoint's tree is a prefix of another's. */
export const getConsistency =
  ({ sql }: ControlDeps): Handler =>
  async ({ query }) => {
    const from = query.from as number | undefined;
    const to = (query.to as number | undefined) ?? null;
    if (from === undefined)
      throw invalidParameter('from', 'required', 'from is missing: the tree size of a checkpoint.');
    const newest = await latestCheckpoint(sql);
    const end = to === null ? newest : await checkpointAt(sql, to);
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
  };

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

/** `POST /v1/audit/cosignatures`: a checkpoint of ours with the signatures of witnesses, as a signed note. */
export const addCosignatures =
  ({ sql, clock, witnesses }: ControlDeps): Handler =>
  async ({ body }) => {
    const note = readUtf8(body as Buffer);
    try {
      return single(await acceptCosignature(sql, { note, witnesses, now_ms: clock.now() }));
    } catch (cause) {
      if (!(cause instanceof NoteError)) throw cause;
      // The message quotes the input, which may be long.
      const details = `${cause.message.slice(0, MAX_DETAILS_CHARS)}.`;
      throw new OneVaultError('invalid_request', { details, cause });
    }
  };

const utf8 = new TextDecoder('utf-8', { fatal: true });

const readUtf8 = (body: Buffer): string => {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new OneVaultError('invalid_request', { details: 'The body is not UTF-8.', cause });
  }
};
