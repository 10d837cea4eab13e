import { createHash } from 'node:crypto';
import type { Sql } from '../../../src/postgres/connect.ts';
import type { Column, Entity } from '../../../src/vault/entity.ts';
import { recordedInsert } from '../../../src/vault/recorded-insert.ts';
import type { Registry } from '../../../src/vault/registry.ts';
import { createRowBuilder, type VaultRow } from '../../../src/vault/rows.ts';
import { MADE, sqlOf } from './mutate.ts';

/** Number of rows in each table: a tampering may move one to the key of another. */
const ROWS_A_TABLE = 3;

const STANDARD = ['load_date', 'applied_date', 'hash_diff', 'record_source'];

// Certificates of days without calls, because the verifier would report the missing calls of other days.
const NOTHING_DESTROYED: Readonly<Record<string, unknown>> = {
  leaf_count: 0,
  leaves_sha256: createHash('sha256').digest('hex'),
};

/** A value of each column that its schema allows, and that differs from row to row where its type has many. */
const contentOf = ({ row_schema }: Entity, columns: readonly Column[], number: number): Record<string, unknown> => {
  const properties = row_schema.properties as Record<string, { enum?: readonly unknown[] }>;
  return Object.fromEntries(
    columns.map(({ name, type }) => {
      if (Object.hasOwn(NOTHING_DESTROYED, name)) return [name, NOTHING_DESTROYED[name]];
      const allowed = properties[name]?.enum?.find((value) => value !== null);
      if (allowed !== undefined) return [name, allowed];
      if (type === 'text') return [name, `${name} ${number}`];
      if (type === 'bytes') return [name, `0${number}`.repeat(32)];
      return [name, type === 'integer' || type === 'bigint' ? number : MADE[type]];
    }),
  );
};

/** Rows with matching keys for every table, except the tables that the journal fills. */
export const everyTableRows = (registry: Registry, ours: (entity: Entity) => boolean): VaultRow[] => {
  const build = createRowBuilder(registry);
  const keys = new Map<string, string[]>();
  const rows: VaultRow[] = [];
  const add = (made: readonly VaultRow[], table: string, key: string): void => {
    rows.push(...made);
    keys.set(table, [...(keys.get(table) ?? []), key]);
  };
  const chosen = [...registry.entities.values()].filter(ours);
  for (let number = 1; number <= ROWS_A_TABLE; number += 1) {
    const at = {
      load_date: `2026-11-20T10:00:0${number}.00000${number}Z`,
      applied_date: `2026-11-20T09:00:0${number}.500Z`,
      record_source: `a "source" ${number}`,
    };
    for (const entity of chosen) {
      if (entity.kind !== 'hub') continue;
      const row = build.hub(entity.table as never, contentOf(entity, entity.business_key, number) as never, at);
      add([row], entity.table, String(row.values[entity.hash_key]));
    }
    for (const entity of chosen) {
      if (entity.kind !== 'link') continue;
      const hubs = entity.hubs.map(({ table, column }) => [column, keys.get(table)?.at(-1) ?? 'ab'.repeat(32)]);
      const dependent = entity.dependent_key === null ? {} : contentOf(entity, [entity.dependent_key], number);
      const row = build.link(entity.table as never, { ...Object.fromEntries(hubs), ...dependent } as never, at);
      add([row], entity.table, String(row.values[entity.hash_key]));
    }
    for (const entity of chosen) {
      if (entity.kind !== 'satellite') continue;
      const parent = keys.get(entity.parent)?.at(-1) ?? 'cd'.repeat(32);
      const payload = entity.payload.filter(({ name }) => !STANDARD.includes(name));
      if (entity.flavour === 'multi-active') {
        const set = [1, 2, 3].map((line) => contentOf(entity, payload, line) as never);
        add(build.satelliteSet(entity.table as never, parent, set, at), entity.table, parent);
      } else {
        const content = contentOf(entity, payload, number) as never;
        add([build.satellite(entity.table as never, parent, content, at)], entity.table, parent);
      }
    }
  }
  return rows;
};

/** Inserts rows one by one, also those that the loader would refuse. The log contains each of them. */
export const insertRows = (sql: Sql, registry: Registry, rows: readonly VaultRow[]): Promise<void> =>
  insertEach(sql, registry, rows, recordedInsert);

/** The same without a record in the log, as an attacker with SQL does. */
export const insertUnrecorded = (sql: Sql, registry: Registry, rows: readonly VaultRow[]): Promise<void> =>
  insertEach(sql, registry, rows, (_, insert) => insert);

const insertEach = async (
  sql: Sql,
  registry: Registry,
  rows: readonly VaultRow[],
  wrap: (entity: Entity, insert: string) => string,
): Promise<void> => {
  await sql.begin(async (tx) => {
    for (const { table, values } of rows) {
      const entity = registry.entities.get(table)!;
      const given = entity.columns.map(({ name: column, type }, at) => sqlOf(type, values[column], at + 1));
      const insert = `
        insert into ${entity.name} (${entity.columns.map((column) => column.name).join(', ')})
        values (${given.map((each) => each.sql).join(', ')})`;
      await tx.unsafe(
        entity.partition === null ? wrap(entity, insert) : insert,
        given.map(({ text }) => text),
      );
    }
  });
};
