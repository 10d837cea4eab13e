#!/usr/bin/env node
/**
 * The offline verifier of OneVault bundles. One file, no dependencies, no network, Node 20.12 or newer:
 *
 *   node onevault-verify.mjs BUNDLE --key VERIFIER_KEY [--against OTHER_BUNDLE_OR_CHECKPOINT_FILE]
 *
 * It believes nothing in a bundle but what it recomputes, up to a root that the key given has signed:
 *
 *   columns of a row → its hash key or hash diff → its line in an entry → the entry's leaf hash → the tree's root
 *   → the signed checkpoint
 *
 * README.md beside this file describes the format and how to check a bundle by hand. Sections: 1 encodings,
 * 2 tables, 3 entries, 4 tree, 5 checkpoints, 6 checks, 7 the verifier, 8 what it says, 9 command line.
 */
import { createHash, createPublicKey, hash, verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createGunzip } from 'node:zlib';

/** What can be wrong, by the name that the verifier gives it. */
export const FAULTS = Object.freeze({
  malformed: 'a line of the bundle is not as the format says',
  hub_key: 'a business key does not match its hash key',
  link_key: 'related keys do not match their hash key',
  payload: 'a payload does not match its hash diff',
  entry: 'a row is not what the log holds',
  row_added: 'a row was added that the log does not hold',
  row_gone: 'a row is gone that the log holds',
  destruction: 'calls were destroyed, and no certificate of the log is for exactly them',
  order: 'leaves do not follow one another',
  history: 'leaves are not those that were signed: changed, added, taken out or in another order',
  tail_cut: 'the tail of the log was cut, or the log was set back',
  forged_checkpoint: 'a checkpoint is forged',
  other_key: 'a signature is by another key',
  checkpoint_gone: 'a checkpoint that was published is gone from the log',
  split_view: 'two checkpoints of one size differ: split view',
  journal_gap: 'records of a journal writer are missing, or were taken in twice',
  journal_claim: 'a call claims a number of its journal writer that is not its own',
  count: 'the bundle does not hold as much as it says',
});

/** @typedef {keyof typeof FAULTS} FaultKind */
/** @typedef {{ kind: FaultKind, message: string }} Fault */
/** @typedef {(kind: FaultKind, message: string) => void} Tell */
/** @typedef {Record<string, any>} Line  of a bundle, parsed: nothing is known of it yet */
/** @typedef {{ table: string, values: Record<string, any> }} Row */

// ---------------------------------------------------------------------------------------------------------------
// 1. Encodings. A value is `<tag><byte length>:<text>`, so that no value can reach into its neighbour. A value in a
//    form that the product never writes gives other bytes than those that were hashed, or an error here.

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

/** The tag of each column type, and how its values are written. @type {Record<string, [string, (value: any) => string]>} */
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
//    hash diff that of its payload. Together with what stands in the entry, that is every column of every row.

/**
 * A line of kind "entity", with what follows from it.
 * @typedef {object} Table
 * @property {string} name
 * @property {'hub' | 'link' | 'satellite'} kind
 * @property {string} hash_key    the column that names the row
 * @property {string[]} hashed    the columns that are hashed, in order: business key, related keys or payload
 * @property {string[]} sub_key   what orders the rows that carry one hash diff together; empty where each has its own
 * @property {string[]} together  tables that an entry always holds together with this one
 * @property {string[]} withheld  columns that are left out: then what is hashed cannot be checked
 * @property {Map<string, string>} types  of all columns
 */

/** @param {Line} line @returns {Table} */
const readTable = (line) => {
  const { table: name, entity_kind: kind, hash_key, sub_key = [], together = [], withheld = [] } = line;
  const by_kind = {
    hub: line.business_key,
    link: [line.hubs, line.dependent_key ?? []].flat(),
    satellite: line.payload?.toSorted(),
  };
  const hashed = by_kind[/** @type {Table['kind']} */ (kind)];
  if (![hashed, sub_key, together, withheld].every((list) => Array.isArray(list)))
    throw new TypeError(`${name} is described neither as hub, nor as link, nor as satellite`);
  // Every column is either hashed or stands in the entry itself; a column besides would be covered by nothing.
  const said = kind === 'satellite' ? ['applied_date', 'hash_diff'] : [];
  const covered = new Set([hash_key, 'load_date', ...said, 'record_source', ...hashed]);
  const types = new Map(line.columns.map((/** @type {Line} */ column) => [column.name, column.type]));
  if (covered.size !== types.size || [...covered].some((column) => !types.has(column)))
    throw new TypeError(`${name} has columns that no hash covers`);
  const unknown = [...types].find(([, type]) => !Object.hasOwn(TYPES, type));
  if (unknown !== undefined) throw new TypeError(`${name}.${unknown[0]} is of no known type`);
  return { name, kind, hash_key, hashed, sub_key, together, withheld, types };
};

/** The columns that are hashed, encoded one after another. @param {Table} table @param {Row['values']} values */
const encodeRow = ({ hashed, types }, values) => {
  let encoded = '';
  for (const column of hashed) {
    const [tag, write] = /** @type {[string, (value: unknown) => string]} */ (TYPES[types.get(column) ?? '']);
    try {
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
  const said = kind === 'satellite' ? `${instantOf(values.applied_date)} ${textOf(values.hash_diff)}` : '- -';
  const source = JSON.stringify(textOf(values.record_source));
  return `${name} ${textOf(values[hash_key])} ${instantOf(values.load_date)} ${said} ${source}\n`;
};

/** RFC 6962, 2.1: a leaf is hashed after a zero byte. @param {readonly string[]} lines */
const leafHash = (lines) => sha256(`\0onevault-entry/v1\n${[...lines].sort().join('')}`);

// ---------------------------------------------------------------------------------------------------------------
// 4. Tree (RFC 6962, 2.1). The stack holds the roots of the complete subtrees that the leaves so far make up: those
//    of 13 leaves are one of 8, one of 4 and one of 1. A node in the bundle stands for a complete subtree whose leaves
//    are not in it.

/** @param {string} left @param {string} right both lower-case hex */
const nodeHash = (left, right) => sha256(Buffer.from(`01${left}${right}`, 'hex'));

/** @typedef {ReturnType<typeof createTree>} Tree */
const createTree = () => {
  /** @type {{ level: number, root: string }[]} */
  const stack = [];
  const tree = {
    /** How many leaves it covers. */
    size: 0,
    /** Adds a subtree of 2^level leaves, which begins where the tree ends. @param {number} level @param {string} root */
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
/** @param {unknown} note @param {string | null} source where it was seen; null: in the log itself */
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

/** Whether these keys signed it; `forged`: it says that one did that did not. @param {Checkpoint} checkpoint @param {Key[]} keys */
const signedBy = ({ origin, body, signatures }, keys) => {
  const judged = signatures.flatMap(({ name, id, bytes }) => {
    const key = keys.find((each) => each.name === origin && name === origin && each.id === id);
    return key === undefined ? [] : verify(null, Buffer.from(body), key.public_key, bytes);
  });
  if (judged.length === 0) return 'other';
  return judged.every((fits) => fits) ? 'signed' : 'forged';
};

// ---------------------------------------------------------------------------------------------------------------
// 6. The checks. Each takes lines as they come, keeps little, and tells every fault.

/** Rows: each is what its hashes say, and together they are what the log holds. @param {Tell} tell */
const createRowCheck = (tell) => {
  /** @type {Map<string, Table>} */
  const tables = new Map();
  const counts = { rows: 0, withheld: 0, hub: 0, link: 0, satellite: 0 };
  const sets = createSets(tell);
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
      tell(fault, `${name} ${values[hash_key]} of ${values.load_date}, leaf ${index}: ${messageOf(error)}`);
    }
  };

  /** The row's line in its entry; null when it has none. @param {Row} row @param {number} index */
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
      tell(kind, `${name} ${key} of leaf ${index}: ${messageOf(error)}`);
      return null;
    }
  };

  /** Says why an entry is not what the log holds. @param {Line} leaf @param {(string | null)[]} lines */
  const explain = ({ index, rows, hash: logged }, lines) => {
    const given = /** @type {Row[]} */ (rows);
    const present = new Set(given.map(({ table }) => table));
    const expected = new Set(given.flatMap(({ table }) => tables.get(table)?.together ?? []));
    const gone = [...expected].filter((table) => !present.has(table));
    for (const table of gone) tell('row_gone', `the row of ${table} in leaf ${index} is gone`);
    if (gone.length > 0) return;
    // A row too many, or rows of two things under one leaf: the entry fits without what was added.
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
    if (fitting !== undefined) tell('row_added', `${name} was added: leaf ${index} does not hold it`);
    else tell('entry', `leaf ${index} (${[...present].join(', ')}: ${name}) is not what the log holds`);
  };

  return {
    counts,
    tables,
    checkRow,
    /** The leaf's hash in the tree. @param {Line} leaf */
    takeLeaf: (leaf) => {
      const { index, rows, hash: logged = null, gone = 'nothing tells which' } = leaf;
      const lines = rows.map((/** @type {Row} */ row) => checkRow(row, index));
      if (lines.length === 0) tell('row_gone', `the rows of leaf ${index} are gone: ${gone}`);
      const computed = lines.length === 0 || lines.includes(null) ? null : leafHash(lines);
      if (computed !== (logged ?? computed) && (computed !== null || lines.length > 1)) explain(leaf, lines);
      return String(logged ?? computed);
    },
    finish: sets.finish,
  };
};

/** Rows that carry one hash diff together and may come apart. A set is let go once it is whole. @param {Tell} tell */
const createSets = (tell) => {
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
        tell('payload', `the ${set.rows.length} rows of ${set.name} do not match their hash diff`);
    },
  };
};

/** Checkpoints: their signatures, and their roots against the tree as it grows. @param {Tell} tell @param {Options} options */
const createCheckpointCheck = (tell, { keys, against = [], is_live = false }) => {
  const trusted = keys.map(readKey);
  /** Keys that the bundle names: enough to tell a rotated key from a forgery, not to be trusted. @type {Key[]} */
  const listed = [];
  /** @type {{ newest: Checkpoint | null, signed: number, by_listed: number, seen: number, unseen: number }} */
  const state = { newest: null, signed: 0, by_listed: 0, seen: 0, unseen: 0 };
  const elsewhere = against.map(({ note, source }) => readCheckpoint(note, source));
  /** The tree's root at the sizes of what was seen elsewhere and of the newest. @type {Map<number, string>} */
  const roots = new Map();
  const sizes = new Set(elsewhere.map(({ size }) => size));
  /** Sizes seen elsewhere at which the log has no checkpoint. */
  const missed = new Set(sizes);
  /** The greatest size at which the tree agrees with a checkpoint of the log. */
  let agreed = 0;
  /** Those that the tree contradicts. @type {Checkpoint[]} */
  const wrong = [];

  /** Whether it is signed; when it is, its root is compared. @param {Checkpoint} checkpoint @param {string | undefined} root of the tree at its size */
  const check = (checkpoint, root) => {
    const { size, source } = checkpoint;
    const name = `the checkpoint of size ${size}${source === null ? '' : ` in ${source}`}`;
    const verdict = signedBy(checkpoint, trusted);
    const other = listed.find((key) => verdict === 'other' && signedBy(checkpoint, [key]) === 'signed');
    const hint = other && `; the bundle names the key ${other.text}: ask a source you trust`;
    if (verdict === 'signed') state.signed += 1;
    else if (verdict === 'forged') tell('forged_checkpoint', `${name} is forged: its signature does not fit`);
    else if (other !== undefined && checkpoint !== state.newest) state.by_listed += 1;
    else tell('other_key', `the signature of ${name} is by another key than those given${hint ?? ''}`);
    const is_signed = verdict === 'signed' || other !== undefined;
    if (is_signed && root !== undefined && root !== checkpoint.root) wrong.push(checkpoint);
    else if (is_signed && root !== undefined && source === null) agreed = Math.max(agreed, size);
    return is_signed;
  };

  return {
    listed,
    state,
    /** The first one is the newest; the others stand where the tree has their size. @param {Checkpoint} checkpoint @param {Tree} tree */
    take: (checkpoint, tree) => {
      missed.delete(checkpoint.size);
      if (state.newest === null) {
        state.newest = checkpoint;
        sizes.add(checkpoint.size);
      } else if (checkpoint.size === tree.size) check(checkpoint, tree.root());
      else tell('order', `the checkpoint of size ${checkpoint.size} stands at leaf ${tree.size}`);
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
        // A bundle may be older than what was seen elsewhere; the log itself may not.
        if (is_live && is_signed && checkpoint.size > size)
          tell('tail_cut', `${name} was signed, and there are ${size} leaves`);
        else if (is_live && is_whole && checkpoint.size <= size && missed.has(checkpoint.size))
          tell('checkpoint_gone', `${name} is gone from the log`);
        state[roots.has(checkpoint.size) ? 'seen' : 'unseen'] += 1;
      }
      const rewritten = wrong.find((checkpoint) => checkpoint.source === null && checkpoint.size > agreed);
      if (rewritten !== undefined) {
        const which = `the leaves ${agreed} to ${rewritten.size - 1}`;
        tell('history', `${which} are not those that the checkpoint of size ${rewritten.size} signed`);
      }
      for (const checkpoint of wrong) {
        const { source, size: at } = checkpoint;
        // The leaves agree with a later checkpoint of the log, or with all of its own: two histories were signed.
        if (at > agreed && (source === null || rewritten !== undefined)) continue;
        const name = `the checkpoint of size ${at} in ${source ?? 'the bundle'}`;
        tell('split_view', `${name} has another root than the leaves give: split view`);
      }
    },
  };
};

/** The journal: its writers' records came without a gap, and each number belongs to one call. @param {Tell} tell */
const createJournalCheck = (tell) => {
  /** By writer, the last record taken in, and a bit for each that a call claims. @type {Map<string, { last: number, claimed: Uint8Array }>} */
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
        tell('journal_gap', `journal writer ${writer}: the records ${range} come after record ${last}`);
      writers.set(writer, { last: Math.max(last, last_sequence), claimed });
    },
    /** @param {Row['values']} values of a call's satellite @param {number} index */
    takeCall: ({ journal_writer, journal_sequence, intent_sequence }, index) => {
      state.calls += 1;
      for (const record of [journal_sequence, intent_sequence ?? null]) {
        const fault = record === null ? null : claim(String(journal_writer), Number(record));
        const name = `record ${record} of journal writer ${journal_writer}`;
        if (fault !== null) tell('journal_claim', `leaf ${index}: ${name} ${fault}`);
      }
    },
  };
};

/** Destroyed calls: whatever is given as destroyed under a certificate is exactly what the certificate is for. @param {Tell} tell */
const createDestructionCheck = (tell) => {
  /** By certificate, what is given as destroyed under it. @type {Map<string, { leaves: number, digest: import('node:crypto').Hash }>} */
  const given = new Map();
  /** What the log holds of certificates, by hash key: its name, and what it says. @type {Map<string, { name: string | null, said: { leaf_count: number, leaves_sha256: string }[] }>} */
  const logged = new Map();
  const state = { leaves: 0, certificates: 0 };
  /** @param {string} key */
  const certificateOf = (key) => {
    const certificate = logged.get(key) ?? { name: null, said: [] };
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
    /** @param {Row} row that the log holds */
    takeRow: ({ table, values }) => {
      if (table === 'destruction_certificate_h')
        certificateOf(values.destruction_certificate_hk).name = values.destruction_certificate_bk;
      if (table === 'destruction_certificate_s')
        certificateOf(values.destruction_certificate_hk).said.push(/** @type {any} */ (values));
    },
    /** @param {boolean} is_whole whether everything is there that was destroyed under the certificates */
    finish: (is_whole) => {
      const unsaid = new Set(given.keys());
      for (const { name, said } of logged.values()) {
        const { leaves, digest } = given.get(name ?? '') ?? { leaves: 0, digest: createHash('sha256') };
        if (said.length > 0 && name !== null) unsaid.delete(name);
        if (leaves === 0 && !is_whole) continue;
        state.certificates += 1;
        const found = digest.copy().digest('hex');
        for (const { leaf_count, leaves_sha256 } of said) {
          if (leaf_count === leaves && leaves_sha256 === found) continue;
          const how = leaf_count === leaves ? 'they are not those' : `${leaves} are given`;
          tell('destruction', `the certificate ${name} is for ${leaf_count} leaves, and ${how}`);
        }
      }
      for (const certificate of unsaid) {
        const { leaves = 0 } = given.get(certificate) ?? {};
        tell(
          'destruction',
          `${leaves} leaves are given as destroyed under ${certificate}, which the log does not hold`,
        );
      }
    },
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 7. The verifier. It hands each line to its check, and grows the tree.

/**
 * @typedef {object} Options
 * @property {readonly string[]} keys  verifier keys that are trusted: they come from elsewhere than the bundle
 * @property {readonly { note: string, source: string }[]} [against]  checkpoints that were seen elsewhere
 * @property {boolean} [is_live]       read from the vault itself: leaves may follow that are not signed yet
 */
/**
 * @typedef {object} Report
 * @property {Fault[]} faults      the first of them
 * @property {number} fault_count
 * @property {string[]} words      what was checked, and what was not
 * @property {{ leaves: number, rows: number, checkpoints: number, tree_size: number }} counts
 * @property {string} root         of all leaves and nodes given
 */

const KEPT_FAULTS = 100;

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/**
 * A verifier for one bundle: `take` each line (text or parsed), then `finish`.
 * @param {Options} options @throws TypeError when a key or a checkpoint that was given cannot be read
 */
export const createVerifier = (options) => {
  /** @type {Fault[]} */
  const faults = [];
  const state = { lines: 0, leaves: 0, nodes: 0, unsigned: 0, faults: 0, is_broken: false };
  let head = /** @type {Line} */ ({});
  let end = /** @type {Line} */ ({});
  /** @type {Tell} */
  const tell = (kind, message) => {
    state.faults += 1;
    // Of many faults of one kind the first are enough; one of another kind may be what explains them.
    const is_kept = faults.length < KEPT_FAULTS || !faults.some((fault) => fault.kind === kind);
    if (is_kept) faults.push({ kind, message });
  };
  const rows = createRowCheck(tell);
  const checkpoints = createCheckpointCheck(tell, options);
  const journal = createJournalCheck(tell);
  const destruction = createDestructionCheck(tell);
  const tree = createTree();

  /** @param {number} level @param {number} index @param {string} root */
  const grow = (level, index, root) => {
    const first = index * 2 ** level;
    const is_next = first === tree.size;
    if (!is_next && !state.is_broken) tell('order', `leaf ${first} comes where leaf ${tree.size} should`);
    // Leaves in a wrong order are told of once, and have no root worth comparing.
    state.is_broken ||= !is_next;
    tree.append(level, root);
    if (!state.is_broken) checkpoints.reach(tree);
  };

  /** What each kind of line means. @type {Record<string, (line: Line) => void>} */
  const takers = {
    bundle: (line) => {
      const is_first = state.lines === 1 && line.format === 'onevault-bundle/v1';
      if (!is_first) throw new TypeError('the format is not onevault-bundle/v1');
      head = line;
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
      const is_signed = index < head.tree_size;
      if (!is_signed) state.unsigned += 1;
      if (!is_signed && !options.is_live) tell('row_added', `leaf ${index} is beyond what was signed`);
      for (const row of line.rows) destruction.takeRow(row);
      if (journal.state.batches === 0) return;
      for (const { values } of line.rows) if (values.journal_sequence !== undefined) journal.takeCall(values, index);
    },
    destroyed: (line) => {
      for (const [place, root] of line.hashes.entries()) grow(0, line.index + place, root);
      destruction.take(line);
    },
    /** Rows of certificates that the log will hold in a moment: whoever reads the vault itself finds them waiting. */
    waiting: ({ rows: waiting }) => {
      if (!options.is_live) throw new TypeError('only what is in the log counts in a bundle');
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
      if (end.kind !== undefined) throw new TypeError('there is a second end');
      end = line;
    },
    /** What whoever reads the vault itself found beside the bundle. */
    fault: ({ fault, message }) => tell(fault, message),
  };

  /** Whether everything is there that the bundle says. */
  const checkCounts = () => {
    const { newest } = checkpoints.state;
    const is_empty_log = options.is_live && head.tree_size === 0;
    if (head.format === undefined) tell('malformed', 'a bundle begins with a line of kind "bundle"');
    if (newest === null && !is_empty_log) tell('count', 'there is no checkpoint: nothing here is signed');
    if (newest !== null && newest.size !== head.tree_size)
      tell('count', `the bundle says ${head.tree_size} leaves, its newest checkpoint ${newest.size}`);
    if (newest !== null && tree.size < newest.size)
      tell('tail_cut', `the checkpoint was signed for ${newest.size} leaves, and ${tree.size} are there`);
    const { destroyed = 0 } = end;
    if (destroyed !== destruction.state.leaves)
      tell('count', `${destruction.state.leaves} destroyed leaves are given; the last line says ${destroyed}`);
    if (end.leaves !== state.leaves || end.rows !== rows.counts.rows) {
      const said = `the last line says ${end.leaves ?? 'nothing'} and ${end.rows ?? 'nothing'}`;
      tell('count', `${state.leaves} leaves and ${rows.counts.rows} rows are there; ${said}`);
    }
  };

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
        tell('malformed', `line ${state.lines}: ${messageOf(error)}`);
      }
    },
    /** @returns {Report} */
    finish: () => {
      rows.finish();
      destruction.finish(state.nodes === 0);
      checkCounts();
      checkpoints.finish(tree.size, state.nodes === 0);
      const { newest, signed } = checkpoints.state;
      const { leaves } = state;
      const tree_size = newest?.size ?? 0;
      const root = tree.root();
      const seen = { ...state, head, root, rows: rows.counts, tables: rows.tables.size };
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
// 8. What it says.

const number = new Intl.NumberFormat('en').format;

/** What was checked, and what was not, one sentence each. @param {Line} seen @returns {string[]} */
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
    `Checkpoints: ${number(signed)} bear a signature by a key that you gave${others}; their roots were compared with the tree at their sizes.`,
    journal.batches > 0
      ? `Journal: ${number(journal.batches)} batches of ${number(journal.writers.size)} writers were checked for gaps, and ${number(journal.calls)} calls were matched with the records that they claim.`
      : "NOT checked: the numbers of the journal's writers, which only a bundle of everything holds.",
    destruction.leaves > 0 &&
      `Destroyed: ${number(destruction.leaves)} leaves are of calls that had been kept long enough; they were compared with the ${number(destruction.certificates)} certificates for them. Their rows are no more.`,
    seen + unseen > 0 && `Against what was seen elsewhere: ${number(seen)} checkpoints were compared.`,
    unseen > 0 &&
      `NOT compared: ${number(unseen)} checkpoints seen elsewhere: newer than this, or of sizes within a part that is not given here.`,
    unsigned > 0 && `NOT signed yet: ${number(unsigned)} leaves that came after the newest checkpoint.`,
    rows.withheld > 0 &&
      `NOT recomputed: the payloads of ${number(rows.withheld)} rows with columns that are withheld; their keys and dates are proven.`,
    is_part && 'NOT shown by a part: that nothing else belongs to it. Only a bundle of everything shows that.',
  ];
  return sentences.filter((sentence) => typeof sentence === 'string');
};

/** The report as text: what was checked, every fault by its name, the verdict. @param {Report} report @returns {string} */
export const reportText = ({ words, faults, fault_count }) => {
  const named = faults.map(({ kind, message }) => `FAULT ${kind}: ${message}`);
  if (fault_count > faults.length) named.push(`… and ${number(fault_count - faults.length)} more`);
  const verdict = fault_count === 0 ? 'SOUND: no fault was found.' : `NOT SOUND: ${number(fault_count)} fault(s).`;
  // What a bundle says of itself must not look like a line of this report.
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
