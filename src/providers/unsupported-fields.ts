import { OneVaultError } from '../core/errors.ts';

/** Gathers what a translation cannot carry over. */
export interface UnsupportedFields {
  /**
   * Notes that `param` is left out.
   * @param param the path of the field
   * @param why the reason as a clause: "Anthropic's models take no seed"
   * @throws OneVaultError unsupported_feature, unless the client allowed losses
   */
  lose(param: string, why: string): void;
  /** Paths of the fields left out. */
  readonly lost: readonly string[];
}

/** @param allowed whether the client would rather have a reply without a field than none */
export const createUnsupportedFields = (allowed: boolean): UnsupportedFields => {
  const lost = new Set<string>();
  return {
    lose: (param, why) => {
      if (!allowed) {
        const details = `${why} (${param}). Leave it out, or send the header "x-onevault-unsupported-fields: allow".`;
        throw new OneVaultError('unsupported_feature', { param, details });
      }
      lost.add(param);
    },
    get lost() {
      return [...lost];
    },
  };
};

/** `losses` as one who knows fields by other paths sees it. @param locate gives the path that `losses` knows */
export const atSourcePath = (unsupported: UnsupportedFields, locate: (param: string) => string): UnsupportedFields => ({
  lose: (param, why) => unsupported.lose(locate(param), why),
  get lost() {
    return unsupported.lost;
  },
});
