import fc from 'fast-check';
import { type ToolUnit, unitsOfKind } from '../../src/pricing/price-units.ts';

/** Random uses of the tools that providers charge. */
export const toolUses: fc.Arbitrary<Partial<Record<ToolUnit, number>>> = fc.record(
  Object.fromEntries(unitsOfKind('tool').map((name) => [name, fc.nat(1_000)])) as Record<
    ToolUnit,
    fc.Arbitrary<number>
  >,
  { requiredKeys: [] },
);
