import { acceptCosignature } from '../../audit/accept-cosignature.ts';
import { NoteError } from '../../audit/note.ts';
import { OneVaultError } from '../../core/errors.ts';
import { single } from '../../http/outcome.ts';
import { arrayOf, INTEGER, objectOf, TEXT } from '../../http/schemas.ts';
import { controlRoute } from '../control-route.ts';

const MAX_DETAILS_CHARS = 400;

/** Takes a checkpoint of ours with signatures of witnesses, as a signed note. The signatures are its credential. */
export const addCosignatures = controlRoute(
  {
    method: 'post',
    plane: 'control',
    path: '/v1/audit/cosignatures',
    operation_id: 'audit.cosign',
    summary: 'Add signatures of witnesses to a checkpoint',
    permission: null,
    action: 'audit.cosign',
    subject_kind: 'checkpoint',
    body: { schema: TEXT, content_types: ['text/plain'] },
    responses: {
      200: {
        description: 'The present signatures.',
        schema: objectOf('Cosignatures', { tree_size: INTEGER, witnesses: arrayOf(TEXT) }),
      },
    },
  },
  ({ sql, clock, witnesses }) =>
    async ({ body }) => {
      const note = readUtf8(body);
      try {
        return single(await acceptCosignature(sql, { note, witnesses, now_ms: clock.now() }));
      } catch (cause) {
        if (!(cause instanceof NoteError)) throw cause;
        // The message quotes the input, which may be long.
        const details = `${cause.message.slice(0, MAX_DETAILS_CHARS)}.`;
        throw new OneVaultError('invalid_request', { details, cause });
      }
    },
);

const utf8 = new TextDecoder('utf-8', { fatal: true });

const readUtf8 = (body: Buffer): string => {
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new OneVaultError('invalid_request', { details: 'The body is not UTF-8.', cause });
  }
};
