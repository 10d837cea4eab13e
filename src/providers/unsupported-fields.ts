import { OneVaultError } from '../core/errors.ts';

/** Collects the fields that a translation cannot express. */
export interface UnsupportedFields {
  /**
   * Records that the field `param` is left out.
   * @param param the path of the field
   * @param why the reason as a clause: "Anthropic's models take no seed"
   * @throws OneVaultError unsupported_feature, unless the client allows fields to be left out
   */
  add(param: string, why: string): void;
  /** Paths of the fields left out. */
  readonly paths: readonly string[];
}

/** @param allowed true if the client prefers a response without a field to an error */
export const createUnsupportedFields = (allowed: boolean): UnsupportedFields => {
  const paths = new Set<string>();
  return {
    add: (param, why) => {
      if (!allowed) {
        const details = `${why} (${param}). Leave it out, or send the header "x-onevault-unsupported-fields: allow".`;
        throw new OneVaultError('unsupported_feature', { param, details });
      }
      paths.add(param);
    },
    get paths() {
      return [...paths];
    },
  };
};

/**
 * `unsupported` for fields with other paths.
 * @param locate converts such a path to the client's
 */
export const atSourcePath = (unsupported: UnsupportedFields, locate: (param: string) => string): UnsupportedFields => ({
  add: (param, why) => unsupported.add(locate(param), why),
  get paths() {
    return unsupported.paths;
  },
});
