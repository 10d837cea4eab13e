#!/usr/bin/env node
/**
 * The offline verifier of OneVault bundles. One file, no dependencies, no network, Node 20.12 or newer:
 *
 *   node onevault-verify.mjs BUNDLE --key VERIFIER_KEY [--against OTHER_BUNDLE_OR_CHECKPOINT_FILE]
 *
 * It trusts only values that it recomputes, up to a root that the given key has signed:
 *
 *   columns of a row → its hash key or hash diff → its line in an entry → the entry's leaf hash → the tree's root
 *   → the signed checkpoint
 *
 * README.md beside this file describes the format and how to check a bundle by hand. Sections: 1 encodings,
 * 2 tables, 3 entries, 4 tree, 5 checkpoints, 6 checks, 7 the verifier, 8 the report, 9 command line.
 */
import { createHash, createPublicKey, hash, verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';

/** Descriptions of all faults, by name. */
export const FAULTS = Object.freeze({
  malformed: 'a line of the bundle does not match the format',
  hub_key: 'a business key does not match its hash key',
  link_key: 'related keys do not match their hash key',
  payload: 'a payload does not match its hash diff',
  entry: 'a row differs from the row in the log',
  row_added: 'a row was added that is not in the log',
  row_gone: 'a row of the log is missing',
  destruction: 'calls were destroyed without a certificate in the log for exactly these calls',
  order: 'leaves are not consecutive',
  history: 'leaves differ from the signed ones: changed, added, removed or in another order',
  tail_cut: 'the end of the log was cut off, or an older state of the log was restored',
  forged_checkpoint: 'a checkpoint is forged',
  other_key: 'a signature is by another key',
  checkpoint_gone: 'a published checkpoint is missing from the log',
  split_view: 'two checkpoints of one size differ: split view',
  journal_gap: 'records of a journal writer are missing, or were loaded twice',
  journal_claim: 'a call claims a sequence of its journal writer that is not its own',
  count: 'the content of the bundle differs from its own counts',
  definition: 'a view, function, trigger, rule, policy, grant or role of the database differs from the recorded one',
});

/** @typedef {keyof typeof FAULTS} FaultKind */
/** @typedef {{ kind: FaultKind, message: string }} Fault */
/** @typedef {(kind: FaultKind, message: string) => void} ReportFault */
/** @typedef {Record<string, any>} Line  parsed line of a bundle, not yet checked */
/** @typedef {{ table: string, values: Record<string, any> }} Row */

// ---------------------------------------------------------------------------------------------------------------
// 1. Encodings. A value is `<tag><byte length>:<text>`, so that adjacent values are never ambiguous. A value in a form
//    that the product never writes gives other bytes than the hashed ones, or an error here.

/** @param {string | Buffer} bytes */
const sha256 = (bytes) => hash('sha256', bytes, 'hex');

/** @param {unknown} value @returns {string} */
const textOf = (value) => {
  if (typeof value !== 'string') throw new TypeError(`is ${typeof value} and not text`);
  return value;
};

/** @param {unknown} value */
const integerOf = (value) => {
  if (!Number.isSafeInteger(value)) throw new TypeError(`is no safe integer: ${value}`);
  return String(value);
};

/** The shortest plain form: no leading or trailing zeros, never `-0`. @param {unknown} value */
const decimalOf = (value) => {
  const [, sign, whole, fraction] = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(textOf(value)) ?? [];
  if (whole === undefined) throw new TypeError(`is no decimal: ${value}`);
  const digits = fraction ? `${whole}.${fraction}` : whole;
  return digits === '0' ? '0' : `${sign}${digits}`;
};

/** `2026-11-21T10:00:00.000000Z`: UTC, exactly six decimals. @param {unknown} value */
const instantOf = (value) => {
  const [, seconds, decimals = ''] = /^([-\d]+T[:\d]+)(?:\.(\d{1,6}))?Z$/.exec(textOf(value)) ?? [];
  if (seconds?.length !== 19) throw new TypeError(`is no instant in UTC: ${value}`);
  return `${seconds}.${decimals.padEnd(6, '0')}Z`;
};

/** RFC 8785, with safe integers as the only numbers. @param {any} value @returns {string} */
const jsonOf = (value) => {
  if (typeof value === 'number') return integerOf(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${jsonOf(value[name])}`).join(',')}}`;
};

/** @param {unknown} value */
const normalised = (value) => textOf(value).normalize('NFC');

/** The tag of each column type, and the encoding of its values. @type {Record<string, [string, (value: any) => string]>} */
const TYPES = {
  text: ['t', normalised],
  uuid: ['t', normalised],
  date: ['t', normalised],
  integer: ['i', integerOf],
  bigint: ['i', integerOf],
  decimal: ['i', decimalOf],
  boolean: ['b', (value) => (value === true ? 't' : value === false ? 'f' : 'neither')],
  instant: ['d', instantOf],
  bytes: ['x', textOf],
  json: ['j', jsonOf],
  'text[]': ['a', (values) => values.map((/** @type {unknown} */ each) => tagged('t', normalised(each))).join('')],
};

/** @param {string} tag @param {string} text */
const tagged = (tag, text) => `${tag}${Buffer.byteLength(text)}:${text}`;

// ---------------------------------------------------------------------------------------------------------------
// 2. Tables. A hub's hash key is the hash of its business key, a link's that of the keys it relates, a satellite's
//    hash diff that of its payload. Together with the entry these cover every column of every row.

/**
 * A line of kind "entity", with derived properties.
 * @typedef {object} Table
 * @property {string} name
 * @property {'hub' | 'link' | 'satellite'} kind
 * @property {string} hash_key    the key column of the row
 * @property {string[]} hashed    the hashed columns in order: business key, related keys or payload
 * @property {string[]} sub_key   the order of rows with a common hash diff; empty if each row has its own
 * @property {string[]} added     hashed columns whose null is not hashed, and whose value follows the column's name
 * @property {string[]} together  tables that an entry always contains together with this one
 * @property {string[]} withheld  omitted columns, without which the hash cannot be checked
 * @property {Map<string, string>} types  of all columns
 */

/** @param {Line} line @returns {Table} */
const readTable = (line) => {
  const { table: name, entity_kind: kind, hash_key, sub_key = [], added = [], together = [], withheld = [] } = line;
  const by_kind = {
    hub: line.business_key,
    link: [line.hubs, line.dependent_key ?? []].flat(),
    satellite: line.payload && [...inOrder(line.payload, added, false), ...inOrder(line.payload, added, true)],
  };
  const hashed = by_kind[/** @type {Table['kind']} */ (kind)];
  if (![hashed, sub_key, added, together, withheld].every((list) => Array.isArray(list)))
    throw new TypeError(`${name} is described neither as hub, nor as link, nor as satellite`);
  // Every column must be hashed or part of the entry; any other column would not be covered.
  const entry_columns = kind === 'satellite' ? ['applied_date', 'hash_diff'] : [];
  const covered = new Set([hash_key, 'load_date', ...entry_columns, 'record_source', ...hashed]);
  const types = new Map(line.columns.map((/** @type {Line} */ column) => [column.name, column.type]));
  if (covered.size !== types.size || [...covered].some((column) => !types.has(column)))
    throw new TypeError(`${name} has columns that no hash covers`);
  const unknown = [...types].find(([, type]) => !Object.hasOwn(TYPES, type));
  if (unknown !== undefined) throw new TypeError(`${name}.${unknown[0]} is of no known type`);
  return { name, kind, hash_key, hashed, sub_key, added, together, withheld, types };
};

/** The columns of a payload that were added, or the others, by name. @type {(payload: string[], added: string[], is_added: boolean) => string[]} */
const inOrder = (payload, added, is_added) =>
  payload.filter((column) => added.includes(column) === is_added).toSorted();

/** The encoded hashed columns, one after another. @param {Table} table @param {Row['values']} values */
const encodeRow = ({ hashed, added, types }, values) => {
  let encoded = '';
  for (const column of hashed) {
    const [tag, write] = /** @type {[string, (value: unknown) => string]} */ (TYPES[types.get(column) ?? '']);
    try {
      if (added.includes(column)) {
        if (values[column] === null) continue;
        encoded += tagged('c', column);
      }
      encoded += values[column] === null ? 'n0:' : tagged(tag, write(values[column]));
    } catch (error) {
      throw new TypeError(`${column} ${messageOf(error)}`);
    }
  }
  return encoded;
};

// ---------------------------------------------------------------------------------------------------------------
// 3. Entries. A leaf of the tree commits to an entry: one line a row, in order.

/** @param {Table} table @param {Row['values']} values */
const entryLine = ({ name, kind, hash_key }, values) => {
  const state = kind === 'satellite' ? `${instantOf(values.applied_date)} ${textOf(values.hash_diff)}` : '- -';
  const source = JSON.stringify(textOf(values.record_source));
  return `${name} ${textOf(values[hash_key])} ${instantOf(values.load_date)} ${state} ${source}\n`;
};

/** RFC 6962, 2.1: a leaf is hashed after a zero byte. @param {readonly string[]} lines */
const leafHash = (lines) => sha256(`\0onevault-entry/v1\n${[...lines].sort().join('')}`);

// ---------------------------------------------------------------------------------------------------------------
// 4. Tree (RFC 6962, 2.1). The stack holds the roots of the complete subtrees of the leaves so far, for example of 8,
//    4 and 1 leaves for 13 leaves. A node in the bundle replaces a complete subtree whose leaves are not in the
//    bundle.

/** @param {string} left @param {string} right both lower-case hex */
const nodeHash = (left, right) => sha256(Buffer.from(`01${left}${right}`, 'hex'));

/** @typedef {ReturnType<typeof createTree>} Tree */
const createTree = () => {
  /** @type {{ level: number, root: string }[]} */
  const stack = [];
  const tree = {
    /** Number of covered leaves. */
    size: 0,
    /** Appends a subtree of 2^level leaves to the tree. @param {number} level @param {string} root */
    append: (level, root) => {
      if (!/^[0-9a-f]{64}$/.test(root)) throw new TypeError('the hash is not 64 lower-case hex digits');
      tree.size += 2 ** level;
      let top = { level, root };
      for (let left = stack.at(-1); left?.level === top.level; left = stack.at(-1)) {
        stack.pop();
        top = { level: top.level + 1, root: nodeHash(left.root, top.root) };
      }
      stack.push(top);
    },
    root: () => {
      const roots = stack.map(({ root }) => root);
      return roots.length === 0 ? sha256('') : roots.reduceRight((right, left) => nodeHash(left, right));
    },
  };
  return tree;
};

// ---------------------------------------------------------------------------------------------------------------
// 5. Checkpoints (C2SP tlog-checkpoint and signed-note): origin, size and root, each on a line, then signatures with
//    Ed25519. A verifier key is `<name>+<key hash>+<base64 of 0x01 and the public key>`.

/** @typedef {ReturnType<typeof readKey>} Key */
/** @param {string} text */
export const readKey = (text) => {
  const [, name, id, encoded = ''] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) throw new TypeError(`not a verifier key of Ed25519: ${text}`);
  const own_id = sha256(Buffer.concat([Buffer.from(`${name}\n`), bytes])).slice(0, 8);
  if (id !== own_id) throw new TypeError(`the verifier key is damaged: its hash is ${own_id} and not ${id}`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') };
  return { name, id, public_key: createPublicKey({ key: jwk, format: 'jwk' }), text: text.trim() };
};

/** @typedef {ReturnType<typeof readCheckpoint>} Checkpoint */
/** @param {unknown} note @param {string | null} source origin of the note; null for the log itself */
const readCheckpoint = (note, source = null) => {
  const [head = '', foot, ...more] = textOf(note).split('\n\n');
  const [origin = '', size = '', encoded_root = ''] = head.split('\n');
  const root = Buffer.from(encoded_root, 'base64').toString('hex');
  const is_sound = /^(0|[1-9]\d{0,14})$/.test(size) && root.length === 64 && more.length === 0;
  if (foot === undefined || !is_sound) throw new TypeError(`no checkpoint: ${JSON.stringify(head)}`);
  const signatures = [...foot.matchAll(/^— (\S+) (\S+)$/gm)].map(([, name, encoded = '']) => {
    const bytes = Buffer.from(encoded, 'base64');
    return { name, id: bytes.toString('hex', 0, 4), bytes: bytes.subarray(4) };
  });
  return { source, origin, size: Number(size), root, body: `${head}\n`, signatures };
};

/** Checks the signatures of these keys; `forged` for a signature that is not valid. @param {Checkpoint} checkpoint @param {Key[]} keys */
const signedBy = ({ origin, body, signatures }, keys) => {
  const judged = signatures.flatMap(({ name, id, bytes }) => {
    const key = keys.find((each) => each.name === origin && name === origin && each.id === id);
    return key === undefined ? [] : verify(null, Buffer.from(body), key.public_key, bytes);
  });
  if (judged.length === 0) return 'other';
  return judged.every((fits) => fits) ? 'signed' : 'forged';
};

// ---------------------------------------------------------------------------------------------------------------
// 6. The checks. Each reads lines in order, keeps little state, and reports every fault.

/** Rows: each matches its hashes, and together they match the leaves of the log. @param {ReportFault} reportFault */
const createRowCheck = (reportFault) => {
  /** @type {Map<string, Table>} */
  const tables = new Map();
  const counts = { rows: 0, withheld: 0, hub: 0, link: 0, satellite: 0 };
  const sets = createSets(reportFault);
  const faults = /** @type {const} */ ({ hub: 'hub_key', link: 'link_key', satellite: 'payload' });

  /** @param {Table} table @param {Row['values']} values @param {number} index */
  const checkHash = (table, values, index) => {
    const { name, kind, hash_key, sub_key, withheld } = table;
    const fault = faults[kind];
    try {
      if (withheld.length > 0) counts.withheld += 1;
      else if (sub_key.length > 0) sets.add(table, values);
      else {
        const [domain, expected] = kind === 'satellite' ? ['diff', values.hash_diff] : [kind, values[hash_key]];
        const computed = sha256(`${domain}:${name}\0${encodeRow(table, values)}`);
        if (computed !== expected) throw new TypeError(FAULTS[fault]);
      }
    } catch (error) {
      reportFault(fault, `${name} ${values[hash_key]} of ${values.load_date}, leaf ${index}: ${messageOf(error)}`);
    }
  };

  /** The row's line in its entry; null for an invalid row. @param {Row} row @param {number} index */
  const checkRow = ({ table: name, values }, index) => {
    const table = tables.get(name);
    /** @type {FaultKind} */
    let kind = 'malformed';
    try {
      if (table === undefined) throw new TypeError('no line of kind "entity" describes its table');
      const width = table.types.size - table.withheld.length;
      if (Object.keys(values).length !== width) throw new TypeError('has other columns than its table');
      counts.rows += 1;
      counts[table.kind] += 1;
      checkHash(table, values, index);
      kind = 'entry';
      return entryLine(table, values);
    } catch (error) {
      const key = table === undefined ? '' : values?.[table.hash_key];
      reportFault(kind, `${name} ${key} of leaf ${index}: ${messageOf(error)}`);
      return null;
    }
  };

  /** Reports why an entry differs from its leaf in the log. @param {Line} leaf @param {(string | null)[]} lines */
  const explain = ({ index, rows, hash: logged }, lines) => {
    const given = /** @type {Row[]} */ (rows);
    const present = new Set(given.map(({ table }) => table));
    const expected = new Set(given.flatMap(({ table }) => tables.get(table)?.together ?? []));
    const gone = [...expected].filter((table) => !present.has(table));
    for (const table of gone) reportFault('row_gone', `the row of ${table} in leaf ${index} is missing`);
    if (gone.length > 0) return;
    // An additional row, or rows of two events in one leaf: the entry matches without the added rows.
    const hub = [...tables.values()].find(({ kind, name }) => kind === 'hub' && present.has(name));
    const keyOf = (/** @type {Row} */ { values }) => values[hub?.hash_key ?? ''];
    const parts = given.flatMap((row) => [
      given.filter((other) => other !== row),
      given.filter((other) => keyOf(other) === keyOf(row)),
    ]);
    const fitting = parts
      .filter((part) => part.length > 0 && part.length < given.length)
      .find((part) => leafHash(part.map((row) => lines[given.indexOf(row)] ?? '')) === logged);
    const row = given.find((each) => fitting?.includes(each) === false) ?? given[0];
    const table = tables.get(row?.table ?? '');
    if (table === undefined) return;
    const name = `${table.name} ${row?.values[table.hash_key]}`;
    if (fitting !== undefined) reportFault('row_added', `${name} was added: it is not in leaf ${index}`);
    else reportFault('entry', `leaf ${index} (${[...present].join(', ')}: ${name}) differs from the log`);
  };

  return {
    counts,
    tables,
    checkRow,
    /** The leaf's hash in the tree. @param {Line} leaf */
    takeLeaf: (leaf) => {
      const { index, rows, hash: logged = null, gone = 'their keys are unknown' } = leaf;
      const lines = rows.map((/** @type {Row} */ row) => checkRow(row, index));
      if (lines.length === 0) reportFault('row_gone', `the rows of leaf ${index} are missing: ${gone}`);
      const computed = lines.length === 0 || lines.includes(null) ? null : leafHash(lines);
      if (computed !== (logged ?? computed) && (computed !== null || lines.length > 1)) explain(leaf, lines);
      return String(logged ?? computed);
    },
    finish: sets.finish,
  };
};

/** Sets of rows with a common hash diff, which may arrive separately. A set is released once it is complete. @param {ReportFault} reportFault */
const createSets = (reportFault) => {
  /** @typedef {{ name: string, table: Table, hash_diff: string, rows: { order: number[], encoded: string }[] }} RowSet */
  /** @type {Map<string, RowSet>} */
  const open = new Map();
  /** @type {RowSet | undefined} */
  let current;
  /** @param {RowSet} set */
  const isWhole = ({ table, hash_diff, rows }) => {
    rows.sort((a, b) => {
      const at = a.order.findIndex((number, place) => number !== b.order[place]);
      return Number(a.order[at]) - Number(b.order[at]);
    });
    const encoded = tagged('a', rows.map((row) => tagged('a', row.encoded)).join(''));
    return sha256(`diff:${table.name}\0${encoded}`) === hash_diff;
  };
  return {
    /** @param {Table} table @param {Row['values']} values */
    add: (table, values) => {
      const { applied_date, load_date, hash_diff, [table.hash_key]: hash_key } = values;
      const name = `${table.name} ${hash_key} of ${load_date}, ${applied_date}, ${hash_diff}`;
      if (current !== undefined && current.name !== name && isWhole(current)) open.delete(current.name);
      current = open.get(name) ?? { name, table, hash_diff, rows: [] };
      open.set(name, current);
      const order = table.sub_key.map((column) => values[column]);
      current.rows.push({ order, encoded: encodeRow(table, values) });
    },
    finish: () => {
      for (const set of [...open.values()].filter((each) => !isWhole(each)))
        reportFault('payload', `the ${set.rows.length} rows of ${set.name} do not match their hash diff`);
    },
  };
};

/** Checkpoints: their signatures, and their roots compared with the growing tree. @param {ReportFault} reportFault @param {Options} options */
const createCheckpointCheck = (reportFault, { keys, against = [], is_live = false }) => {
  const trusted = keys.map(readKey);
  /** Keys in the bundle. They distinguish a rotated key from a forgery, but are not trusted. @type {Key[]} */
  const listed = [];
  /** @type {{ newest: Checkpoint | null, signed: number, by_listed: number, seen: number, unseen: number }} */
  const state = { newest: null, signed: 0, by_listed: 0, seen: 0, unseen: 0 };
  const elsewhere = against.map(({ note, source }) => readCheckpoint(note, source));
  /** Roots of the tree at the sizes of the newest and of all other known checkpoints. @type {Map<number, string>} */
  const roots = new Map();
  const sizes = new Set(elsewhere.map(({ size }) => size));
  /** Sizes of checkpoints from elsewhere that the log lacks. */
  const missed = new Set(sizes);
  /** Largest size at which the tree matches a checkpoint of the log. */
  let agreed = 0;
  /** Checkpoints that contradict the tree. @type {Checkpoint[]} */
  const wrong = [];

  /** Checks the signature, and compares the root if it is signed. @param {Checkpoint} checkpoint @param {string | undefined} root of the tree at its size */
  const check = (checkpoint, root) => {
    const { size, source } = checkpoint;
    const name = `the checkpoint of size ${size}${source === null ? '' : ` in ${source}`}`;
    const verdict = signedBy(checkpoint, trusted);
    const other = listed.find((key) => verdict === 'other' && signedBy(checkpoint, [key]) === 'signed');
    const hint = other && `; the bundle contains the key ${other.text}: verify it with a trusted source`;
    if (verdict === 'signed') state.signed += 1;
    else if (verdict === 'forged') reportFault('forged_checkpoint', `${name} is forged: its signature is not valid`);
    else if (other !== undefined && checkpoint !== state.newest) state.by_listed += 1;
    else reportFault('other_key', `the signature of ${name} is by another key than the given ones${hint ?? ''}`);
    const is_signed = verdict === 'signed' || other !== undefined;
    if (is_signed && root !== undefined && root !== checkpoint.root) wrong.push(checkpoint);
    else if (is_signed && root !== undefined && source === null) agreed = Math.max(agreed, size);
    return is_signed;
  };

  return {
    listed,
    state,
    /** The first checkpoint is the newest; each other one follows the last leaf of its size. @param {Checkpoint} checkpoint @param {Tree} tree */
    take: (checkpoint, tree) => {
      missed.delete(checkpoint.size);
      if (state.newest === null) {
        state.newest = checkpoint;
        sizes.add(checkpoint.size);
      } else if (checkpoint.size === tree.size) check(checkpoint, tree.root());
      else reportFault('order', `the checkpoint of size ${checkpoint.size} is at leaf ${tree.size}`);
    },
    /** @param {Tree} tree that has grown */
    reach: (tree) => {
      if (sizes.has(tree.size)) roots.set(tree.size, tree.root());
    },
    /** @param {number} size of the log @param {boolean} is_whole */
    finish: (size, is_whole) => {
      if (state.newest !== null) check(state.newest, roots.get(state.newest.size));
      for (const checkpoint of elsewhere) {
        const is_signed = check(checkpoint, roots.get(checkpoint.size));
        const name = `the checkpoint of size ${checkpoint.size} in ${checkpoint.source}`;
        // A bundle may be older than a known checkpoint; the log itself may not.
        if (is_live && is_signed && checkpoint.size > size)
          reportFault('tail_cut', `${name} was signed, but the log has only ${size} leaves`);
        else if (is_live && is_whole && checkpoint.size <= size && missed.has(checkpoint.size))
          reportFault('checkpoint_gone', `${name} is missing from the log`);
        state[roots.has(checkpoint.size) ? 'seen' : 'unseen'] += 1;
      }
      const rewritten = wrong.find((checkpoint) => checkpoint.source === null && checkpoint.size > agreed);
      if (rewritten !== undefined) {
        const which = `the leaves ${agreed} to ${rewritten.size - 1}`;
        reportFault('history', `${which} differ from those that the checkpoint of size ${rewritten.size} signed`);
      }
      for (const checkpoint of wrong) {
        const { source, size: at } = checkpoint;
        // The leaves match a later checkpoint of the log, or all of them, so two histories were signed.
        if (at > agreed && (source === null || rewritten !== undefined)) continue;
        const name = `the checkpoint of size ${at} in ${source ?? 'the bundle'}`;
        reportFault('split_view', `${name} has another root than the leaves: split view`);
      }
    },
  };
};

/** The journal: its writers' records have no gap, and each sequence belongs to one call. @param {ReportFault} reportFault */
const createJournalCheck = (reportFault) => {
  /** By writer: the last loaded record, and a bit for each record that a call claims. @type {Map<string, { last: number, claimed: Uint8Array }>} */
  const writers = new Map();
  const state = { batches: 0, calls: 0, writers };
  /** @param {string} name of the writer @param {number} record */
  const claim = (name, record) => {
    const writer = writers.get(name);
    if (writer === undefined || !(record >= 1 && record <= writer.last)) return 'was never taken in';
    if (writer.claimed.length === 0) writer.claimed = new Uint8Array(Math.floor(writer.last / 8) + 1);
    const [place, bit] = [Math.floor(record / 8), 2 ** (record % 8)];
    const claimed = writer.claimed[place] ?? 0;
    writer.claimed[place] = claimed | bit;
    return (claimed & bit) === 0 ? null : 'is claimed by two calls';
  };
  return {
    state,
    /** @param {Line} batch in order of writer and sequence */
    takeBatch: ({ writer, first_sequence, last_sequence, record_count }) => {
      const { last, claimed } = writers.get(writer) ?? { last: 0, claimed: new Uint8Array() };
      state.batches += 1;
      const range = `${first_sequence} to ${last_sequence} (${record_count})`;
      if (first_sequence !== last + 1 || record_count !== last_sequence - last || record_count < 1)
        reportFault('journal_gap', `journal writer ${writer}: the records ${range} come after record ${last}`);
      writers.set(writer, { last: Math.max(last, last_sequence), claimed });
    },
    /** @param {Row['values']} values of a call's satellite @param {number} index */
    takeCall: ({ journal_writer, journal_sequence, intent_sequence }, index) => {
      state.calls += 1;
      for (const record of [journal_sequence, intent_sequence ?? null]) {
        const fault = record === null ? null : claim(String(journal_writer), Number(record));
        const name = `record ${record} of journal writer ${journal_writer}`;
        if (fault !== null) reportFault('journal_claim', `leaf ${index}: ${name} ${fault}`);
      }
    },
  };
};

/** Destroyed calls: the leaves marked as destroyed match their certificate exactly. @param {ReportFault} reportFault */
const createDestructionCheck = (reportFault) => {
  /** By certificate: the leaves marked as destroyed under it. @type {Map<string, { leaves: number, digest: import('node:crypto').Hash }>} */
  const given = new Map();
  /** Certificates in the log by hash key, with name and content. @type {Map<string, { name: string | null, contents: { leaf_count: number, leaves_sha256: string }[] }>} */
  const logged = new Map();
  const state = { leaves: 0, certificates: 0 };
  /** @param {string} key */
  const certificateOf = (key) => {
    const certificate = logged.get(key) ?? { name: null, contents: [] };
    logged.set(key, certificate);
    return certificate;
  };
  return {
    state,
    /** @param {Line} line of kind "destroyed" */
    take: ({ certificate, hashes }) => {
      const claim = given.get(certificate) ?? { leaves: 0, digest: createHash('sha256') };
      given.set(certificate, claim);
      claim.leaves += hashes.length;
      claim.digest.update(Buffer.from(hashes.join(''), 'hex'));
      state.leaves += hashes.length;
    },
    /** @param {Row} row of the log */
    takeRow: ({ table, values }) => {
      if (table === 'destruction_certificate_h')
        certificateOf(values.destruction_certificate_hk).name = values.destruction_certificate_bk;
      if (table === 'destruction_certificate_s')
        certificateOf(values.destruction_certificate_hk).contents.push(/** @type {any} */ (values));
    },
    /** @param {boolean} is_whole true if the bundle contains all leaves that were destroyed */
    finish: (is_whole) => {
      const unmatched = new Set(given.keys());
      for (const { name, contents } of logged.values()) {
        const { leaves, digest } = given.get(name ?? '') ?? { leaves: 0, digest: createHash('sha256') };
        if (contents.length > 0 && name !== null) unmatched.delete(name);
        if (leaves === 0 && !is_whole) continue;
        state.certificates += 1;
        const found = digest.copy().digest('hex');
        for (const { leaf_count, leaves_sha256 } of contents) {
          if (leaf_count === leaves && leaves_sha256 === found) continue;
          const how = leaf_count === leaves ? 'the leaves in the bundle differ' : `the bundle contains ${leaves}`;
          reportFault('destruction', `the certificate ${name} is for ${leaf_count} leaves, and ${how}`);
        }
      }
      for (const certificate of unmatched) {
        const { leaves = 0 } = given.get(certificate) ?? {};
        reportFault(
          'destruction',
          `${leaves} leaves are marked as destroyed under ${certificate}, which is not in the log`,
        );
      }
    },
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 7. The verifier. It passes each line to its check, and extends the tree.

/**
 * @typedef {object} Options
 * @property {readonly string[]} keys  trusted verifier keys, which must not come from the bundle
 * @property {readonly { note: string, source: string }[]} [against]  checkpoints from other sources
 * @property {boolean} [is_live]       true for the vault itself, where unsigned leaves may follow
 */
/**
 * @typedef {object} Report
 * @property {Fault[]} faults      the first faults
 * @property {number} fault_count
 * @property {string[]} words      performed and omitted checks
 * @property {{ leaves: number, rows: number, checkpoints: number, tree_size: number }} counts
 * @property {string} root         root of all leaves and nodes in the bundle
 */

const KEPT_FAULTS = 100;

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * The checks of one bundle, and the faults that they find.
 * @param {Options} options @throws TypeError if a given key or checkpoint cannot be parsed
 */
const createChecks = (options) => {
  /** @type {Fault[]} */
  const faults = [];
  const state = { lines: 0, leaves: 0, nodes: 0, unsigned: 0, faults: 0, is_broken: false };
  /** @type {ReportFault} */
  const reportFault = (kind, message) => {
    state.faults += 1;
    // The first faults of each kind are enough; a fault of another kind may explain them.
    const is_kept = faults.length < KEPT_FAULTS || !faults.some((fault) => fault.kind === kind);
    if (is_kept) faults.push({ kind, message });
  };
  return {
    is_live: options.is_live === true,
    faults,
    state,
    /** The first and the last line. */
    ends: { head: /** @type {Line} */ ({}), end: /** @type {Line} */ ({}) },
    reportFault,
    rows: createRowCheck(reportFault),
    checkpoints: createCheckpointCheck(reportFault, options),
    journal: createJournalCheck(reportFault),
    destruction: createDestructionCheck(reportFault),
    tree: createTree(),
  };
};

/**
 * Handlers of lines by kind.
 * @param {ReturnType<typeof createChecks>} checks
 * @returns {Record<string, (line: Line) => void>}
 */
const createTakers = ({ is_live, state, ends, reportFault, rows, checkpoints, journal, destruction, tree }) => {
  /** @param {number} level @param {number} index @param {string} root */
  const grow = (level, index, root) => {
    const first = index * 2 ** level;
    const is_next = first === tree.size;
    if (!is_next && !state.is_broken) reportFault('order', `leaf ${first} is at the place of leaf ${tree.size}`);
    // A wrong order of leaves is reported once; later roots are not compared.
    state.is_broken ||= !is_next;
    tree.append(level, root);
    if (!state.is_broken) checkpoints.reach(tree);
  };

  return {
    bundle: (line) => {
      const is_first = state.lines === 1 && line.format === 'onevault-bundle/v1';
      if (!is_first) throw new TypeError('the format is not onevault-bundle/v1');
      ends.head = line;
    },
    key: ({ verifier_key }) => checkpoints.listed.push(readKey(verifier_key)),
    checkpoint: ({ note }) => checkpoints.take(readCheckpoint(note), tree),
    entity: (line) => {
      if (rows.tables.has(line.table)) throw new TypeError(`${line.table} is described twice`);
      rows.tables.set(line.table, readTable(line));
    },
    journal_batch: journal.takeBatch,
    leaf: (line) => {
      const { index } = line;
      state.leaves += 1;
      grow(0, index, rows.takeLeaf(line));
      const is_signed = index < ends.head.tree_size;
      if (!is_signed) state.unsigned += 1;
      if (!is_signed && !is_live) reportFault('row_added', `leaf ${index} is beyond the signed leaves`);
      for (const row of line.rows) destruction.takeRow(row);
      if (journal.state.batches === 0) return;
      for (const { values } of line.rows) if (values.journal_sequence !== undefined) journal.takeCall(values, index);
    },
    destroyed: (line) => {
      for (const [place, root] of line.hashes.entries()) grow(0, line.index + place, root);
      destruction.take(line);
    },
    /** Rows of certificates that are not yet in the log; only a check of the vault itself reads them. */
    waiting: ({ rows: waiting }) => {
      if (!is_live) throw new TypeError('only what is in the log counts in a bundle');
      for (const row of waiting) {
        rows.checkRow(row, tree.size);
        destruction.takeRow(row);
      }
    },
    node: ({ level, index, hash: root }) => {
      state.nodes += 1;
      if (!Number.isSafeInteger(level) || level < 0 || level > 52) throw new TypeError(`level ${level}`);
      grow(level, index, root);
    },
    end: (line) => {
      if (ends.end.kind !== undefined) throw new TypeError('a line of kind "end" appears twice');
      ends.end = line;
    },
    /** A fault that a check of the vault itself found outside the bundle. */
    fault: ({ fault, message }) => reportFault(fault, message),
  };
};

/**
 * Compares the content of the bundle with its own counts.
 * @param {ReturnType<typeof createChecks>} checks
 */
const checkCounts = ({ is_live, state, ends, reportFault, rows, checkpoints, destruction, tree }) => {
  const { head, end } = ends;
  const { newest } = checkpoints.state;
  const is_empty_log = is_live && head.tree_size === 0;
  if (head.format === undefined) reportFault('malformed', 'the first line of a bundle must be of kind "bundle"');
  if (newest === null && !is_empty_log)
    reportFault('count', 'the bundle has no checkpoint, so nothing in it is signed');
  if (newest !== null && newest.size !== head.tree_size)
    reportFault('count', `the bundle states ${head.tree_size} leaves, but its newest checkpoint ${newest.size}`);
  if (newest !== null && tree.size < newest.size)
    reportFault('tail_cut', `the checkpoint was signed for ${newest.size} leaves, but the bundle has ${tree.size}`);
  const { destroyed = 0 } = end;
  if (destroyed !== destruction.state.leaves)
    reportFault(
      'count',
      `the bundle has ${destruction.state.leaves} destroyed leaves; its last line states ${destroyed}`,
    );
  if (end.leaves !== state.leaves || end.rows !== rows.counts.rows) {
    const stated = `its last line states ${end.leaves ?? 'nothing'} and ${end.rows ?? 'nothing'}`;
    reportFault('count', `the bundle has ${state.leaves} leaves and ${rows.counts.rows} rows; ${stated}`);
  }
};

/**
 * A verifier for one bundle: `take` each line (text or parsed), then `finish`.
 * @param {Options} options @throws TypeError if a given key or checkpoint cannot be parsed
 */
export const createVerifier = (options) => {
  const checks = createChecks(options);
  const { faults, state, ends, reportFault, rows, checkpoints, journal, destruction, tree } = checks;
  const takers = createTakers(checks);
  return {
    /** @param {string | Line} given */
    take: (given) => {
      state.lines += 1;
      try {
        const line = typeof given === 'string' ? JSON.parse(given) : given;
        const taker = Object.hasOwn(takers, line.kind) ? takers[line.kind] : undefined;
        if (taker === undefined) throw new TypeError(`the kind ${JSON.stringify(line.kind)} is not known`);
        taker(line);
      } catch (error) {
        reportFault('malformed', `line ${state.lines}: ${messageOf(error)}`);
      }
    },
    /** @returns {Report} */
    finish: () => {
      rows.finish();
      destruction.finish(state.nodes === 0);
      checkCounts(checks);
      checkpoints.finish(tree.size, state.nodes === 0);
      const { newest, signed } = checkpoints.state;
      const { leaves } = state;
      const tree_size = newest?.size ?? 0;
      const root = tree.root();
      const seen = { ...state, head: ends.head, root, rows: rows.counts, tables: rows.tables.size };
      const checked = {
        checkpoints: checkpoints.state,
        journal: journal.state,
        destruction: destruction.state,
      };
      const words = wordsOf({ ...seen, ...checked });
      const counts = { leaves, rows: rows.counts.rows, checkpoints: signed, tree_size };
      return { faults, fault_count: state.faults, words, counts, root };
    },
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 8. The report.

const number = new Intl.NumberFormat('en').format;

/** The performed and the omitted checks, one sentence each. @param {Line} seen @returns {string[]} */
const wordsOf = ({ head, leaves, nodes, unsigned, rows, tables, root, checkpoints, journal, destruction }) => {
  const { newest, signed, by_listed, seen, unseen } = checkpoints;
  const scope = Object.entries(head.scope ?? {}).flatMap((part) => (part[1] === null ? [] : part.join(' ')));
  const is_part = nodes > 0 || scope.length > 0;
  const at = newest === null ? 'no checkpoint' : `${number(newest.size)} leaves at its newest checkpoint`;
  const with_nodes = nodes > 0 ? `, and ${number(nodes)} nodes for leaves not given here,` : '';
  const others = by_listed > 0 ? `, ${number(by_listed)} by another key that the log lists` : '';
  const sentences = [
    `Log ${head.origin}: ${at}. ${is_part ? `This is a part of it (${scope.join(', ')}).` : 'Everything is here.'}`,
    `Rows: ${number(rows.rows)} of ${number(tables)} tables. The hash keys of ${number(rows.hub)} hub rows and ${number(rows.link)} link rows and the hash diffs of ${number(rows.satellite)} satellite rows were recomputed from their columns.`,
    `Entries: ${number(leaves)} leaf hashes were recomputed from the rows, and compared with those of the log.`,
    `Tree: the root over ${number(leaves + destruction.leaves)} leaves${with_nodes} was recomputed: ${root}.`,
    `Checkpoints: ${number(signed)} are signed by a given key${others}; their roots were compared with the tree at their sizes.`,
    journal.batches > 0
      ? `Journal: ${number(journal.batches)} batches of ${number(journal.writers.size)} writers were checked for gaps, and ${number(journal.calls)} calls were matched with their records.`
      : "NOT checked: the sequences of the journal's writers, which only a bundle of everything contains.",
    destruction.leaves > 0 &&
      `Destroyed: ${number(destruction.leaves)} leaves belong to calls that were destroyed after their retention period; they were compared with the ${number(destruction.certificates)} certificates for them.`,
    seen + unseen > 0 && `Against what was seen elsewhere: ${number(seen)} checkpoints were compared.`,
    unseen > 0 &&
      `NOT compared: ${number(unseen)} checkpoints seen elsewhere: they are newer than this bundle, or their sizes lie within omitted leaves.`,
    unsigned > 0 && `NOT signed yet: ${number(unsigned)} leaves after the newest checkpoint.`,
    rows.withheld > 0 &&
      `NOT recomputed: the payloads of ${number(rows.withheld)} rows with withheld columns; their keys and dates are proven.`,
    is_part && 'NOT proven by a part: that no other rows belong to it. Only a bundle of everything proves that.',
  ];
  return sentences.filter((sentence) => typeof sentence === 'string');
};

/** The report as text: the checks, every fault by name, the verdict. @param {Report} report @returns {string} */
export const reportText = ({ words, faults, fault_count }) => {
  const named = faults.map(({ kind, message }) => `FAULT ${kind}: ${message}`);
  if (fault_count > faults.length) named.push(`… and ${number(fault_count - faults.length)} more`);
  const verdict = fault_count === 0 ? 'SOUND: no fault was found.' : `NOT SOUND: ${number(fault_count)} fault(s).`;
  // Text of a bundle must not look like a line of this report.
  return [...words, '', ...named, verdict].map((line) => line.replace(/\p{C}/gu, '?')).join('\n');
};

// ---------------------------------------------------------------------------------------------------------------
// 9. Command line.

/** The lines of a bundle file, in pieces. @param {string} path @returns {AsyncGenerator<string[]>} */
export async function* readLines(path) {
  const file = createReadStream(path, { highWaterMark: 1 << 20 });
  const text = path.endsWith('.gz') ? file.pipe(createGunzip()) : file;
  file.on('error', (error) => text.destroy(error));
  text.setEncoding('utf8');
  let rest = '';
  for await (const piece of text) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  if (rest !== '') yield [rest];
}

/** The checkpoints in another bundle, or in a file of notes. @param {string} path */
export const readAgainst = async (path) => {
  const notes = [];
  let text = '';
  for await (const lines of readLines(path)) {
    for (const line of lines) {
      if (line.startsWith('{"kind":"checkpoint"')) notes.push(String(JSON.parse(line).note));
      else if (!line.startsWith('{')) text += `${line}\n`;
    }
  }
  // A note is a body of three lines, an empty line, and signatures that begin with a dash.
  for (const [note] of text.matchAll(/^[^\n—]+\n\d+\n[^\n]+\n\n(?:— [^\n]+\n)+/gm)) notes.push(note);
  if (notes.length === 0) throw new TypeError(`${path} holds no checkpoint`);
  return notes.map((note) => ({ note, source: path }));
};

/** Verifies a bundle file. @param {string} path @param {Options} options */
export const verifyBundle = async (path, options) => {
  const verifier = createVerifier(options);
  for await (const lines of readLines(path)) for (const line of lines) verifier.take(line);
  return verifier.finish();
};

const USAGE = 'node onevault-verify.mjs BUNDLE --key KEY [--key KEY] [--against BUNDLE_OR_CHECKPOINT_FILE]';

/** @returns {Promise<number>} 0 sound, 1 not sound */
const main = async () => {
  const texts = /** @type {const} */ ({ type: 'string', multiple: true });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { key: texts, against: texts },
  });
  const [bundle, ...more] = positionals;
  const keys = (values.key ?? []).map((key) => (existsSync(key) ? readFileSync(key, 'utf8') : key));
  if (bundle === undefined || more.length > 0 || keys.length === 0)
    throw new TypeError('a bundle and a key are needed');
  const against = (await Promise.all((values.against ?? []).map(readAgainst))).flat();
  const report = await verifyBundle(bundle, { keys, against });
  console.log(reportText(report));
  return report.fault_count === 0 ? 0 : 1;
};

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main().catch((error) => {
    console.error(`${messageOf(error)}\n\n${USAGE}`);
    return 2;
  });
}
