import assert from 'node:assert/strict';
import { controlContracts } from '../../src/modules/routes.ts';
import { isReservedName } from '../../src/resources/declaration/reserved-names.ts';
import { testRegistry } from '../support/calls.ts';

// Tables of the vault are no names that people choose.
const NOT_CHOSEN = ['/v1/vault/:entity'];

interface Literal {
  /** The path up to the literal. */
  readonly collection: string;
  readonly literal: string;
}

/** The words that stand where another route has an id. */
const literalsBesideIds = (paths: readonly string[]): Literal[] => {
  const splits = paths.map((path) => path.split('/').slice(1));
  return splits.flatMap((segments) =>
    segments.flatMap((segment, at): Literal[] => {
      if (segment.startsWith(':')) return [];
      const before = segments.slice(0, at);
      const has_id = splits.some(
        (other) => other[at]?.startsWith(':') === true && before.every((each, place) => other[place] === each),
      );
      return has_id ? [{ collection: `/${before.join('/')}`, literal: segment }] : [];
    }),
  );
};

describe('the names that people choose', () => {
  const paths = controlContracts(testRegistry()).flatMap(({ path, aliases }) => [path, ...(aliases ?? [])]);

  it('never collide with a word of a path, because each word beside an id is reserved', () => {
    const open = literalsBesideIds(paths).filter(
      ({ collection, literal }) =>
        !NOT_CHOSEN.some((path) => path.startsWith(`${collection}/`)) &&
        !NOT_CHOSEN.some((path) => path.replace('/v1', '').startsWith(`${collection}/`)) &&
        !isReservedName(literal),
    );
    assert.deepEqual(open, []);
  });

  it('are never the first segment of a root alias', () => {
    const roots = new Set(paths.filter((path) => !path.startsWith('/v1/')).map((path) => path.split('/')[1]!));
    assert.ok(roots.size > 3);
    for (const root of roots) assert.ok(isReservedName(root), root);
  });

  it('are found by the walk through the paths', () => {
    assert.deepEqual(literalsBesideIds(['/v1/rules', '/v1/rules/:id', '/v1/rules/simulate', '/v1/rules/:id/history']), [
      { collection: '/v1/rules', literal: 'simulate' },
    ]);
  });
});
