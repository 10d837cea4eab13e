import { COSIGNATURE_V1, NoteError, parseVerifierKey, type VerifierKey } from '../audit/note.ts';
import { StartupError } from '../core/startup-error.ts';
import type { Config } from './config.ts';

/**
 * The witnesses whose signatures on checkpoints are accepted.
 * @throws StartupError that names the faulty key
 */
export const readWitnesses = ({ witness_keys }: Pick<Config, 'witness_keys'>): VerifierKey[] =>
  witness_keys.map((text) => {
    try {
      const key = parseVerifierKey(text);
      if (key.kind === COSIGNATURE_V1) return key;
      throw new NoteError(`the key of ${key.name} signs notes (kind 1), not with a witness's time (kind 4)`);
    } catch (error) {
      throw new StartupError(
        `ONEVAULT_WITNESS_KEYS: ${(error as Error).message}. ` +
          'Give the verifier keys that the witnesses publish (C2SP tlog-cosignature), with commas between.',
        { cause: error },
      );
    }
  });
