import fc from 'fast-check';
import { TOOL_UNITS, type ToolUnit } from '../../src/pricing/prices.ts';

/** Random uses of the tools that providers charge. */
export const toolUses: fc.Arbitrary<Partial<Record<ToolUnit, number>>> = fc.record(
  Object.fromEntries(TOOL_UNITS.map((name) => [name, fc.nat(1_000)])) as Record<ToolUnit, fc.Arbitrary<number>>,
  { requiredKeys: [] },
);
