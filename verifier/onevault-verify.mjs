#!/usr/bin/env node
/**
 * The offline verifier of OneVault bundles. One file, no dependencies, no network, Node 20 or newer:
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
import * as crypto from 'node:crypto';
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
/** @typedef {{ kind: FaultKind, message: string, index: number | null, table: string | null, key: string | null }} Fault */
/** @typedef {Record<string, unknown>} Values */
/** @typedef {{ table: string, values: Values }} Row */
/** @typedef {Record<string, any>} Line */

// ---------------------------------------------------------------------------------------------------------------
// 1. Encodings. A value is `<tag><byte length>:<text>`, so that no value can reach into its neighbour. A value in a
//    form that the product never writes gives other bytes than those that were hashed, or an error here.

/** @type {(text: string | Buffer) => string} */
const sha256Hex =
  typeof crypto.hash === 'function'
    ? (text) => crypto.hash('sha256', text, 'hex')
    : (text) => crypto.createHash('sha256').update(text).digest('hex');

/** @param {string} tag @param {string} text */
const component = (tag, text) => `${tag}${Buffer.byteLength(text)}:${text}`;

/** @param {unknown} value @returns {string} */
const textOf = (value) => {
  if (typeof value !== 'string') throw new TypeError(`is ${typeof value} and not text`);
  return value;
};

/** @param {unknown} value */
const integerOf = (value) => {
  if (!Number.isSafeInteger(value)) throw new TypeError(`is no safe integer: ${String(value)}`);
  return String(value === 0 ? 0 : value);
};

/** @param {unknown} value */
const booleanOf = (value) => {
  if (typeof value !== 'boolean') throw new TypeError(`is neither true nor false: ${String(value)}`);
  return value ? 't' : 'f';
};

/** The shortest plain form: no leading or trailing zeros, never `-0`. @param {string} text */
const decimalOf = (text) => {
  if (!text.includes('.') && text[0] !== '0' && text[0] !== '-') return text;
  const match = /^(-?)0*(\d+?)(?:\.(\d*?)0*)?$/.exec(text);
  if (match === null) throw new TypeError(`is no decimal: ${text}`);
  const digits = match[3] ? `${match[2]}.${match[3]}` : match[2];
  return digits === '0' ? '0' : `${match[1]}${digits}`;
};

/** `2026-11-21T10:00:00.000000Z`: UTC, exactly six decimals. @param {unknown} value */
const instantOf = (value) => {
  const text = textOf(value);
  if (text.length === 24 && text[19] === '.' && text[23] === 'Z') return `${text.slice(0, 23)}000Z`;
  const fraction = text.slice(20, -1);
  if (
    !text.endsWith('Z') ||
    text.length < 20 ||
    fraction.length > 6 ||
    (fraction !== '' && text[19] !== '.')
  ) {
    throw new TypeError(`is no instant in UTC: ${text}`);
  }
  return `${text.slice(0, 19)}.${fraction.padEnd(6, '0')}Z`;
};

/** RFC 8785, with safe integers as the only numbers. @param {unknown} value @returns {string} */
const jsonOf = (value) => {
  if (typeof value === 'number') return integerOf(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  const object = /** @type {Values} */ (value);
  const members = Object.keys(object).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${jsonOf(object[name])}`).join(',')}}`;
};

/** @param {unknown} value */
const encodeText = (value) => component('t', textOf(value).normalize('NFC'));
/** @param {unknown} value */
const encodeInteger = (value) => component('i', integerOf(value));
/** @param {string} encoded */
const encodeArray = (encoded) => component('a', encoded);

/** How a value of each column type is encoded; null is `n0:` in all of them. @type {Record<string, (value: unknown) => string>} */
const ENCODERS = {
  text: encodeText,
  uuid: encodeText,
  date: encodeText,
  integer: encodeInteger,
  bigint: encodeInteger,
  decimal: (value) => component('i', decimalOf(textOf(value))),
  boolean: (value) => `b1:${booleanOf(value)}`,
  instant: (value) => `d27:${instantOf(value)}`,
  bytes: (value) => component('x', textOf(value)),
  json: (value) => component('j', jsonOf(value)),
  'text[]': (value) => encodeArray(/** @type {unknown[]} */ (value).map(encodeText).join('')),
};

// ---------------------------------------------------------------------------------------------------------------
// 2. Tables. A hub's hash key is the hash of its business key, a link's that of the keys it relates, a satellite's
//    hash diff that of its payload. Together with what stands in the entry, that is every column of every row.

/**
 * @typedef {object} Table
 * @property {string} name
 * @property {'hub' | 'link' | 'satellite'} kind
 * @property {string} hash_key      the column that names the row
 * @property {boolean} is_set       rows that hold together carry the hash diff of all of them (multi-active)
 * @property {string[]} sub_key     what orders the rows of a set
 * @property {string[]} together    tables that an entry always holds together with this one
 * @property {number} width         how many columns a row shows
 * @property {boolean} is_withheld  some columns are left out, so that the payload cannot be checked
 * @property {(values: Values) => string} encode  what is hashed: business key, related keys or payload
 */

const STANDARD = {
  hub: ['load_date', 'record_source'],
  satellite: ['load_date', 'applied_date', 'hash_diff', 'record_source'],
};

/** @param {Line} line @returns {Table} */
const readTable = (line) => {
  const { table: name, entity_kind: kind, hash_key, withheld = [], sub_key = [], together = [] } = line;
  const types = new Map(line.columns.map((/** @type {Values} */ column) => [column.name, column.type]));
  const dependent = line.dependent_key == null ? [] : [line.dependent_key];
  const hashed = {
    hub: line.business_key,
    link: [...(line.hubs ?? []), ...dependent],
    satellite: line.payload,
  }[/** @type {Table['kind']} */ (kind)];
  if (!Array.isArray(hashed)) throw new TypeError(`${name} is neither hub, link nor satellite`);
  // Every column is either hashed or stands in the entry itself; a column besides would be covered by nothing.
  const covered = [hash_key, ...(kind === 'satellite' ? STANDARD.satellite : STANDARD.hub), ...hashed];
  if (new Set(covered).size !== types.size || covered.some((column) => !types.has(column))) {
    throw new TypeError(`${name} has columns that no hash covers`);
  }
  const ordered = kind === 'satellite' ? [...hashed].sort() : hashed;
  const encoders = ordered.map((column) => {
    const encode = ENCODERS[types.get(column)];
    if (encode === undefined) throw new TypeError(`${name}.${column} is of no known type`);
    return { column, encode };
  });
  const width = types.size - withheld.length;
  const encode = (/** @type {Values} */ values) => {
    let encoded = '';
    for (const { column, encode } of encoders) {
      const value = values[column];
      try {
        encoded += value === null ? 'n0:' : encode(value);
      } catch (error) {
        throw new TypeError(`${column} ${/** @type {Error} */ (error).message}`);
      }
    }
    return encoded;
  };
  return {
    name,
    kind,
    hash_key,
    is_set: sub_key.length > 0,
    sub_key,
    together,
    width,
    is_withheld: withheld.length > 0,
    encode,
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 3. Entries. A leaf of the tree commits to an entry: one line a row, in order.

/** @param {Table} table @param {Values} values */
const entryLine = ({ name, kind, hash_key }, values) => {
  const said = kind === 'satellite' ? `${instantOf(values.applied_date)} ${textOf(values.hash_diff)}` : '- -';
  const source = JSON.stringify(textOf(values.record_source));
  return `${name} ${textOf(values[hash_key])} ${instantOf(values.load_date)} ${said} ${source}\n`;
};

/** RFC 6962, 2.1: a leaf is hashed after a zero byte. @param {readonly string[]} lines */
const leafHash = (lines) =>
  sha256Hex(`\0onevault-entry/v1\n${lines.length > 1 ? [...lines].sort().join('') : lines[0]}`);

// ---------------------------------------------------------------------------------------------------------------
// 4. Tree (RFC 6962, 2.1). The stack holds the roots of the complete subtrees that the leaves so far make up: those
//    of 13 leaves are one of 8, one of 4 and one of 1. A node in the bundle stands for a complete subtree whose leaves
//    are not in it.

const pair = Buffer.alloc(65, 1);

/** @param {string} left @param {string} right both lower-case hex */
const nodeHash = (left, right) => {
  pair.write(left, 1, 'hex');
  pair.write(right, 33, 'hex');
  return sha256Hex(pair);
};

const createTree = () => {
  /** @type {{ level: number, hash: string }[]} */
  const stack = [];
  const tree = {
    /** How many leaves it covers. */
    size: 0,
    /** Adds a subtree of 2^level leaves, which must begin where the tree ends, at a multiple of its size. @param {number} level @param {string} hash */
    append: (level, hash) => {
      tree.size += 2 ** level;
      let top = { level, hash };
      while (stack.at(-1)?.level === top.level) {
        const left = /** @type {typeof top} */ (stack.pop());
        top = { level: top.level + 1, hash: nodeHash(left.hash, top.hash) };
      }
      stack.push(top);
    },
    root: () =>
      stack.length === 0
        ? sha256Hex('')
        : stack.map(({ hash }) => hash).reduceRight((right, left) => nodeHash(left, right)),
  };
  return tree;
};

const HASH = /^[0-9a-f]{64}$/;

// ---------------------------------------------------------------------------------------------------------------
// 5. Checkpoints (C2SP tlog-checkpoint and signed-note): origin, size and root, each on a line, then signatures with
//    Ed25519. A verifier key is `<name>+<key hash>+<base64 of 0x01 and the public key>`.

/** @typedef {{ name: string, id: string, public_key: crypto.KeyObject, text: string }} Key */
/** @typedef {{ origin: string, size: number, root: string, body: string, signatures: { name: string, id: string, bytes: Buffer }[] }} Checkpoint */

/** @param {string} text @returns {Key} */
export const readKey = (text) => {
  const [, name = '', id = '', encoded = ''] =
    /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== 33 || bytes[0] !== 1) throw new TypeError(`not a verifier key of Ed25519: ${text}`);
  const expected = sha256Hex(Buffer.concat([Buffer.from(`${name}\n`), bytes])).slice(0, 8);
  if (id !== expected)
    throw new TypeError(`the verifier key is damaged: its hash is ${expected}, and it says ${id}`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.subarray(1).toString('base64url') };
  return { name, id, public_key: crypto.createPublicKey({ key: jwk, format: 'jwk' }), text: text.trim() };
};

/** @param {unknown} note @returns {Checkpoint} */
const readCheckpoint = (note) => {
  const text = textOf(note);
  const cut = text.indexOf('\n\n');
  const [origin = '', size = '', root = ''] = text.slice(0, cut).split('\n');
  const root_bytes = Buffer.from(root, 'base64');
  if (cut === -1 || !/^(0|[1-9]\d{0,15})$/.test(size) || root_bytes.length !== 32) {
    throw new TypeError(`is no checkpoint: ${JSON.stringify(text.slice(0, 80))}`);
  }
  const signatures = [...text.slice(cut + 2).matchAll(/^— (\S+) (\S+)$/gm)].map(
    ([, name = '', encoded = '']) => {
      const bytes = Buffer.from(encoded, 'base64');
      return { name, id: bytes.subarray(0, 4).toString('hex'), bytes: bytes.subarray(4) };
    },
  );
  return {
    origin,
    size: Number(size),
    root: root_bytes.toString('hex'),
    body: text.slice(0, cut + 1),
    signatures,
  };
};

/**
 * Whether one of the keys signed it: `forged` when a signature says that it is by one of them and is not.
 * @param {Checkpoint} checkpoint @param {readonly Key[]} keys @returns {'signed' | 'forged' | 'other'}
 */
const signedBy = ({ origin, body, signatures }, keys) => {
  const claimed = signatures.flatMap((signature) =>
    keys
      .filter(({ name, id }) => name === signature.name && id === signature.id && name === origin)
      .map((key) => ({ key, signature })),
  );
  if (claimed.length === 0) return 'other';
  const message = Buffer.from(body);
  return claimed.some(({ key, signature }) => crypto.verify(null, message, key.public_key, signature.bytes))
    ? 'signed'
    : 'forged';
};

// ---------------------------------------------------------------------------------------------------------------
// 6. The checks. Each takes lines as they come, keeps little, and tells every fault.

/** @typedef {(kind: FaultKind, message: string, where?: Partial<Fault>) => void} Tell */
/** @typedef {{ size: number, root: () => string }} Tree */

const HASH_FAULTS = Object.freeze({ hub: 'hub_key', link: 'link_key', satellite: 'payload' });

/** @param {Table} table @param {Values} values */
const nameOf = ({ name, hash_key }, values) => `${name} ${values[hash_key]} of ${values.load_date}`;

/** Rows: each is what its hashes say, and together they are what the log holds. @param {Tell} tell */
const createRowCheck = (tell) => {
  /** @type {Map<string, Table>} */
  const tables = new Map();
  /** Sets of which not all rows have come. @type {Map<string, { values: Values, encoded: string }[]>} */
  const sets = new Map();
  let open_set = '';
  const counts = { rows: 0, withheld: 0, hub: 0, link: 0, satellite: 0 };

  /** Whether the rows of a set give its hash diff; then they need not be kept. @param {string} key */
  const isWhole = (key) => {
    const rows = sets.get(key) ?? [];
    const table = tables.get(key.slice(0, key.indexOf(' ')));
    if (rows[0] === undefined || table === undefined) return true;
    rows.sort((a, b) => {
      const column = table.sub_key.find((each) => a.values[each] !== b.values[each]) ?? '';
      return Number(a.values[column]) - Number(b.values[column]);
    });
    const encoded = encodeArray(rows.map((row) => encodeArray(row.encoded)).join(''));
    if (sha256Hex(`diff:${table.name}\0${encoded}`) !== rows[0].values.hash_diff) return false;
    return sets.delete(key);
  };

  /** @param {Table} table @param {Values} values */
  const checkHash = (table, values) => {
    const { name, kind, hash_key } = table;
    if (table.is_withheld) counts.withheld += 1;
    if (table.is_withheld) return;
    const encoded = table.encode(values);
    if (table.is_set) {
      const key = [name, values[hash_key], values.applied_date, values.load_date, values.hash_diff].join(' ');
      if (key !== open_set) isWhole(open_set);
      open_set = key;
      const set = sets.get(key) ?? [];
      set.push({ values, encoded });
      sets.set(key, set);
      return;
    }
    const [domain, expected] = kind === 'satellite' ? ['diff', values.hash_diff] : [kind, values[hash_key]];
    if (sha256Hex(`${domain}:${name}\0${encoded}`) === expected) return;
    const fault = HASH_FAULTS[kind];
    tell(fault, `${nameOf(table, values)}: ${FAULTS[fault]}`, { table: name, key: String(values[hash_key]) });
  };

  /** The row's line in its entry; null when it has none. @param {Row} row @param {number} index */
  const checkRow = ({ table: name, values }, index) => {
    const table = tables.get(name);
    /** @type {FaultKind} */
    let kind = 'malformed';
    try {
      if (table === undefined) throw new TypeError('no line of kind "entity" describes its table');
      if (Object.keys(values).length !== table.width) throw new TypeError('has other columns than its table');
      counts.rows += 1;
      counts[table.kind] += 1;
      kind = HASH_FAULTS[table.kind];
      checkHash(table, values);
      kind = 'entry';
      return entryLine(table, values);
    } catch (error) {
      const key = table === undefined ? null : String(values?.[table.hash_key]);
      tell(kind, `${name} ${key} of leaf ${index}: ${messageOf(error)}`, { index, table: name, key });
      return null;
    }
  };

  /** Says why an entry is not what the log holds. @param {Line} leaf @param {readonly (string | null)[]} lines */
  const explain = ({ index, rows, hash }, lines) => {
    const given = /** @type {Row[]} */ (rows);
    const present = new Set(given.map(({ table }) => table));
    const expected = new Set(given.flatMap(({ table }) => tables.get(table)?.together ?? []));
    const gone = [...expected].filter((table) => !present.has(table));
    for (const table of gone)
      tell('row_gone', `the row of ${table} in leaf ${index} is gone`, { index, table });
    if (gone.length > 0) return;
    // A row too many, or rows of two things under one leaf: the entry fits without what was added.
    const hub_key =
      [...tables.values()].find(({ kind, name }) => kind === 'hub' && present.has(name))?.hash_key ?? '';
    const fitting = given
      .flatMap((row) => [
        given.filter((other) => other !== row),
        given.filter((other) => other.values[hub_key] === row.values[hub_key]),
      ])
      .find((kept) => {
        const kept_lines = kept.map((row) => lines[given.indexOf(row)] ?? '');
        return kept.length > 0 && kept.length < given.length && leafHash(kept_lines) === hash;
      });
    const row = given.find((each) => fitting?.includes(each) === false) ?? given[0];
    const table = tables.get(row?.table ?? '');
    if (row === undefined || table === undefined) return;
    const name = nameOf(table, row.values);
    const where = { index, table: table.name, key: String(row.values[table.hash_key]) };
    if (fitting !== undefined) tell('row_added', `${name} was added: leaf ${index} does not hold it`, where);
    else
      tell('entry', `leaf ${index} (${[...present].join(', ')}: ${name}) is not what the log holds`, where);
  };

  return {
    counts,
    tables,
    /** The leaf's hash in the tree. @param {Line} leaf */
    takeLeaf: (leaf) => {
      const { index, hash = null, gone = 'nothing tells which' } = leaf;
      const lines = leaf.rows.map((/** @type {Row} */ row) => checkRow(row, index));
      if (lines.length === 0) tell('row_gone', `the rows of leaf ${index} are gone: ${gone}`, { index });
      const computed = lines.length === 0 || lines.includes(null) ? null : leafHash(lines);
      if (computed !== (hash ?? computed) && (computed !== null || lines.length > 1)) explain(leaf, lines);
      return String(hash ?? computed);
    },
    finish: () => {
      for (const [key, rows] of sets) {
        if (isWhole(key)) continue;
        const [table = null, hash_key = null] = key.split(' ');
        const message = `the set of ${rows.length} rows of ${key} does not match its hash diff`;
        tell('payload', message, { table, key: hash_key });
      }
    },
  };
};

/** Checkpoints: their signatures, and their roots against the tree as it grows. @param {Tell} tell @param {Options} options */
const createCheckpointCheck = (tell, { keys, against = [], is_live = false }) => {
  const trusted = keys.map(readKey);
  /** Keys that the bundle names: enough to tell a rotated key from a forgery, not to be trusted. @type {Key[]} */
  const listed = [];
  const state = {
    newest: /** @type {Checkpoint | null} */ (null),
    signed: 0,
    by_listed: 0,
    seen: 0,
    unseen: 0,
  };
  /** Signed checkpoints that the tree contradicts. @type {{ checkpoint: Checkpoint, source: string | null }[]} */
  const wrong = [];
  /** The greatest size at which the tree agrees with a checkpoint of the log. */
  let agreed = 0;
  const against_all = against.map(({ note, source }) => ({ checkpoint: readCheckpoint(note), source }));
  const elsewhere = [...against_all].sort((a, b) => b.checkpoint.size - a.checkpoint.size);
  /** The sizes of the log's own. @type {Set<number>} */
  const own = new Set();

  /** Checks a signature and, with a tree of its size, the root. @param {Checkpoint} checkpoint @param {string | null} source @param {Tree | null} tree */
  const check = (checkpoint, source, tree) => {
    const name = `the checkpoint of size ${checkpoint.size}${source === null ? '' : ` in ${source}`}`;
    const verdict = signedBy(checkpoint, trusted);
    const other =
      verdict === 'other' ? listed.find((key) => signedBy(checkpoint, [key]) === 'signed') : undefined;
    if (verdict === 'signed') state.signed += 1;
    else if (verdict === 'forged') tell('forged_checkpoint', `${name} is forged: its signature does not fit`);
    else if (other !== undefined && checkpoint !== state.newest) state.by_listed += 1;
    else {
      const hint =
        other === undefined ? '' : `; the bundle names the key ${other.text}: ask a source you trust`;
      tell('other_key', `the signature of ${name} is by another key than those given${hint}`);
    }
    const is_believed = verdict === 'signed' || other !== undefined;
    if (is_believed && tree !== null && checkpoint.root !== tree.root()) wrong.push({ checkpoint, source });
    else if (is_believed && tree !== null && source === null) agreed = Math.max(agreed, checkpoint.size);
    return is_believed;
  };

  return {
    listed,
    state,
    /** The first one is the newest; the others stand where the tree has their size. @param {Checkpoint} checkpoint @param {Tree} tree */
    take: (checkpoint, tree) => {
      own.add(checkpoint.size);
      if (state.newest === null) state.newest = checkpoint;
      else if (checkpoint.size === tree.size) check(checkpoint, null, tree);
      else tell('order', `the checkpoint of size ${checkpoint.size} stands at leaf ${tree.size}`);
    },
    /** Compares what was seen elsewhere, up to the size that the tree has reached. @param {Tree} tree */
    reach: (tree) => {
      for (
        let next = elsewhere.at(-1);
        next !== undefined && next.checkpoint.size <= tree.size;
        next = elsewhere.at(-1)
      ) {
        elsewhere.pop();
        const is_here = next.checkpoint.size === tree.size;
        state[is_here ? 'seen' : 'unseen'] += 1;
        if (is_here) check(next.checkpoint, next.source, tree);
      }
    },
    /** @param {number} size of the log @param {Tree | null} tree at the newest checkpoint's size, where it came so far @param {boolean} is_whole */
    finish: (size, tree, is_whole) => {
      if (state.newest !== null) check(state.newest, null, tree?.size === state.newest.size ? tree : null);
      for (const { checkpoint, source } of elsewhere) {
        if (!check(checkpoint, source, null)) continue;
        const is_cut = is_live && checkpoint.size > size;
        // A bundle may be older than what was seen elsewhere; the log itself may not.
        if (is_cut)
          tell('tail_cut', `${source} has a checkpoint of ${checkpoint.size} leaves, and there are ${size}`);
        else state.unseen += 1;
      }
      for (const { checkpoint, source } of is_live && is_whole ? against_all : []) {
        const is_gone = !own.has(checkpoint.size) && checkpoint.size <= size;
        if (is_gone)
          tell(
            'checkpoint_gone',
            `the checkpoint of size ${checkpoint.size} in ${source} is gone from the log`,
          );
      }
      const rewritten = wrong.find(
        ({ checkpoint, source }) => source === null && checkpoint.size > agreed,
      )?.checkpoint;
      if (rewritten !== undefined) {
        const message = `the leaves ${agreed} to ${rewritten.size - 1} are not those that the checkpoint of size ${rewritten.size} signed`;
        tell('history', message, { index: agreed });
      }
      for (const { checkpoint, source } of wrong) {
        // A later checkpoint of the log agrees with the leaves, or all of them do: then two histories were signed.
        if (checkpoint.size > agreed && (source === null || rewritten !== undefined)) continue;
        const where = source ?? 'the bundle';
        tell(
          'split_view',
          `the checkpoint of size ${checkpoint.size} in ${where} has another root than the leaves give: split view`,
        );
      }
    },
  };
};

/** The journal: its writers' records came without a gap, and each number belongs to one call. @param {Tell} tell */
const createJournalCheck = (tell) => {
  /** By writer, the last record taken in, and a bit for each that a call claims. @type {Map<string, { last: number, claimed: Uint8Array }>} */
  const writers = new Map();
  const state = { batches: 0, calls: 0, writers };
  return {
    state,
    /** @param {Line} batch in order of writer and sequence */
    takeBatch: ({ writer, first_sequence, last_sequence, record_count }) => {
      const { last, claimed } = writers.get(writer) ?? { last: 0, claimed: new Uint8Array() };
      state.batches += 1;
      if (first_sequence !== last + 1 || record_count !== last_sequence - last || record_count < 1) {
        const range = `${first_sequence} to ${last_sequence} (${record_count})`;
        tell('journal_gap', `journal writer ${writer}: the records ${range} come after record ${last}`);
      }
      writers.set(writer, { last: Math.max(last, last_sequence), claimed });
    },
    /** @param {Values} values of a call's satellite @param {number} index */
    takeCall: ({ journal_writer, journal_sequence, intent_sequence }, index) => {
      const writer = writers.get(String(journal_writer));
      state.calls += 1;
      for (const claim of [journal_sequence, intent_sequence ?? null]) {
        if (claim === null) continue;
        const record = Number(claim);
        const is_known = writer !== undefined && record >= 1 && record <= writer.last;
        if (is_known && writer.claimed.length === 0)
          writer.claimed = new Uint8Array(Math.floor(writer.last / 8) + 1);
        const [place, bit] = [Math.floor(record / 8), 2 ** (record % 8)];
        const claimed = writer?.claimed[place] ?? 0;
        if (!is_known || (claimed & bit) !== 0) {
          const what = is_known ? 'is claimed by two calls' : 'is claimed and was never taken in';
          tell(
            'journal_claim',
            `leaf ${index}: record ${record} of journal writer ${journal_writer} ${what}`,
            { index },
          );
        } else writer.claimed[place] = claimed | bit;
      }
    },
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 7. The verifier. It hands each line to its check, and grows the tree.

/**
 * @typedef {object} Options
 * @property {readonly string[]} keys            verifier keys that are trusted: they come from elsewhere than the bundle
 * @property {readonly { note: string, source: string }[]} [against]  checkpoints that were seen elsewhere
 * @property {ReadonlyMap<string, string>} [tables]  how tables should be described: name → `describe(line)`
 * @property {boolean} [is_live]                 read from the vault itself: leaves may follow that are not signed yet
 */
/**
 * @typedef {object} Report
 * @property {Fault[]} faults                    the first of them
 * @property {number} fault_count
 * @property {string[]} words                    what was checked, and what was not
 * @property {{ leaves: number, rows: number, checkpoints: number, tree_size: number }} counts
 * @property {string} root                       of all leaves and nodes given
 */

const KEPT_FAULTS = 100;

/** @param {unknown} error */
const messageOf = (error) => (error instanceof Error ? error.message : String(error));

/** A table's description as one text: the same in every honest bundle of one version. @param {Line} line */
export const describe = ({ kind: _, ...line }) => jsonOf(line);

/**
 * A verifier for one bundle: `take` each line (text or parsed), then `finish`.
 * @param {Options} options @throws TypeError when a key or a checkpoint that was given cannot be read
 */
export const createVerifier = (options) => {
  /** @type {Fault[]} */
  const faults = [];
  const state = {
    head: /** @type {Line} */ ({}),
    end: /** @type {Line | null} */ (null),
    leaves: 0,
    nodes: 0,
    unsigned: 0,
    lines: 0,
    faults: 0,
    is_broken: false,
  };
  /** @type {Tell} */
  const tell = (kind, message, { index = null, table = null, key = null } = {}) => {
    state.faults += 1;
    // Of many faults of one kind the first are enough; one of another kind may be what explains them.
    const is_kept = faults.length < KEPT_FAULTS || !faults.some((fault) => fault.kind === kind);
    if (is_kept) faults.push({ kind, message, index, table, key });
  };
  const rows = createRowCheck(tell);
  const checkpoints = createCheckpointCheck(tell, options);
  const journal = createJournalCheck(tell);
  const tree = createTree();
  /** The tree at the newest checkpoint's size. @type {Tree | null} */
  let signed_tree = null;

  /** @param {number} level @param {number} index @param {string} hash */
  const grow = (level, index, hash) => {
    const first = index * 2 ** level;
    if (first !== tree.size && !state.is_broken)
      tell('order', `leaf ${first} comes where leaf ${tree.size} should`, { index: tree.size });
    state.is_broken ||= first !== tree.size;
    if (!HASH.test(hash)) throw new TypeError('the hash is not 64 lower-case hex digits');
    tree.append(level, hash);
    // Leaves in a wrong order are told already, and have no root worth comparing.
    if (state.is_broken) return;
    checkpoints.reach(tree);
    if (tree.size !== state.head.tree_size) return;
    const root = tree.root();
    signed_tree = { size: tree.size, root: () => root };
  };

  /** What each kind of line means. @type {Record<string, (line: Line) => void>} */
  const kinds = {
    bundle: (line) => {
      if (state.lines > 1 || line.format !== 'onevault-bundle/v1')
        throw new TypeError('the format is not onevault-bundle/v1');
      state.head = line;
    },
    key: ({ verifier_key }) => checkpoints.listed.push(readKey(verifier_key)),
    checkpoint: ({ note }) => checkpoints.take(readCheckpoint(note), tree),
    entity: (line) => {
      const is_expected = options.tables === undefined || options.tables.get(line.table) === describe(line);
      if (!is_expected)
        throw new TypeError(`${line.table} is described in another way than this version does`);
      if (rows.tables.has(line.table)) throw new TypeError(`${line.table} is described twice`);
      rows.tables.set(line.table, readTable(line));
    },
    journal_batch: journal.takeBatch,
    leaf: (line) => {
      const { index } = line;
      state.leaves += 1;
      grow(0, index, rows.takeLeaf(line));
      const is_signed = index < state.head.tree_size;
      if (!is_signed) state.unsigned += 1;
      if (!is_signed && !options.is_live)
        tell('row_added', `leaf ${index} is beyond what was signed`, { index });
      if (journal.state.batches === 0) return;
      for (const { values } of line.rows)
        if (values.journal_sequence !== undefined) journal.takeCall(values, index);
    },
    node: ({ level, index, hash }) => {
      state.nodes += 1;
      if (!Number.isSafeInteger(level) || level < 0 || level > 52) throw new TypeError(`level ${level}`);
      grow(level, index, hash);
    },
    end: (line) => {
      state.end = line;
    },
    /** What whoever reads the vault itself found beside the bundle. */
    fault: ({ fault, message }) => tell(fault, message),
  };

  return {
    /** @param {string | Line} given */
    take: (given) => {
      state.lines += 1;
      try {
        const line = typeof given === 'string' ? JSON.parse(given) : given;
        const take = Object.hasOwn(kinds, line.kind) ? kinds[line.kind] : undefined;
        if (take === undefined) throw new TypeError(`the kind ${JSON.stringify(line.kind)} is not known`);
        take(line);
      } catch (error) {
        tell('malformed', `line ${state.lines}: ${messageOf(error)}`);
      }
    },
    /** @returns {Report} */
    finish: () => {
      rows.finish();
      const { head, end, leaves } = state;
      const { newest } = checkpoints.state;
      const tree_size = newest?.size ?? 0;
      if (head.format === undefined) tell('malformed', 'a bundle begins with a line of kind "bundle"');
      if (newest === null && !(options.is_live && head.tree_size === 0))
        tell('count', 'there is no checkpoint: nothing here is signed');
      if (newest !== null && tree_size !== head.tree_size)
        tell('count', `the bundle says ${head.tree_size} leaves, its newest checkpoint ${tree_size}`);
      if (tree.size < tree_size)
        tell('tail_cut', `the checkpoint was signed for ${tree_size} leaves, and ${tree.size} are there`, {
          index: tree.size,
        });
      const is_complete = end?.leaves === leaves && end?.rows === rows.counts.rows;
      if (!is_complete)
        tell(
          'count',
          `${leaves} leaves and ${rows.counts.rows} rows are there; the last line says ${end?.leaves ?? 'nothing'} and ${end?.rows ?? 'nothing'}`,
        );
      checkpoints.finish(tree.size, signed_tree, state.nodes === 0);
      const root = tree.root();
      const words = wordsOf({
        ...state,
        rows: rows.counts,
        tables: rows.tables.size,
        checkpoints: checkpoints.state,
        journal: journal.state,
        root,
      });
      const counts = { leaves, rows: rows.counts.rows, checkpoints: checkpoints.state.signed, tree_size };
      return { faults, fault_count: state.faults, words, counts, root };
    },
  };
};

// ---------------------------------------------------------------------------------------------------------------
// 8. What it says.

const number = new Intl.NumberFormat('en').format;

/** What was checked, one sentence each. @param {Line} state @returns {string[]} */
const wordsOf = ({ head, leaves, nodes, unsigned, rows, tables, checkpoints, journal, root }) => {
  const { newest, signed, by_listed, seen, unseen } = checkpoints;
  const scope = Object.entries(head.scope ?? {}).filter(([, value]) => value !== null);
  const is_part = nodes > 0 || scope.length > 0;
  const part = is_part
    ? `This is a part of it (${scope.map(([name, value]) => `${name} ${value}`).join(', ')}).`
    : 'Everything is here.';
  /** @type {[boolean, string][]} */
  const words = [
    [
      true,
      `Log ${head.origin}: ${newest === null ? 'no checkpoint' : `${number(newest.size)} leaves at its newest checkpoint`}. ${part}`,
    ],
    [
      true,
      `Rows: ${number(rows.rows)} of ${number(tables)} tables. The hash keys of ${number(rows.hub)} hub rows and ${number(rows.link)} link rows and the hash diffs of ${number(rows.satellite)} satellite rows were recomputed from their columns.`,
    ],
    [
      true,
      `Entries: ${number(leaves)} leaf hashes were recomputed from the rows, and compared with those of the log.`,
    ],
    [
      true,
      `Tree: the root over ${number(leaves)} leaves${nodes > 0 ? `, and ${number(nodes)} nodes for leaves not given here,` : ''} was recomputed: ${root}.`,
    ],
    [
      true,
      `Checkpoints: ${number(signed)} bear a signature by a key that you gave${by_listed > 0 ? `, ${number(by_listed)} by another key that the log lists` : ''}; their roots were compared with the tree at their sizes.`,
    ],
    [
      journal.batches > 0,
      `Journal: ${number(journal.batches)} batches of ${number(journal.writers.size)} writers follow one another without a gap, and ${number(journal.calls)} calls were matched with the records that they claim.`,
    ],
    [seen + unseen > 0, `Against what was seen elsewhere: ${number(seen)} checkpoints were compared.`],
    [
      unseen > 0,
      `NOT compared: ${number(unseen)} checkpoints seen elsewhere: newer than this, or of sizes within a part that is not given here.`,
    ],
    [
      journal.batches === 0,
      "NOT checked: the numbers of the journal's writers, which only a bundle of everything holds.",
    ],
    [unsigned > 0, `NOT signed yet: ${number(unsigned)} leaves that came after the newest checkpoint.`],
    [
      rows.withheld > 0,
      `NOT recomputed: the payloads of ${number(rows.withheld)} rows with columns that are withheld; their keys and dates are proven.`,
    ],
    [
      is_part,
      'NOT shown by a part: that nothing else belongs to it. Only a bundle of everything shows that.',
    ],
  ];
  return words.flatMap(([is_said, sentence]) => (is_said ? [sentence] : []));
};

/** The report as text: what was checked, every fault by its name, the verdict. @param {Report} report @returns {string} */
export const reportText = ({ words, faults, fault_count }) => {
  const more = fault_count > faults.length ? [`… and ${number(fault_count - faults.length)} more`] : [];
  const verdict =
    fault_count === 0
      ? 'SOUND: no fault was found.'
      : `NOT SOUND: ${number(fault_count)} ${fault_count === 1 ? 'fault' : 'faults'}.`;
  return [
    ...words,
    '',
    ...faults.map(({ kind, message }) => `FAULT ${kind}: ${message}`),
    ...more,
    verdict,
  ].join('\n');
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

/** @returns {Promise<number>} 0 sound, 1 not sound */
const main = async () => {
  const text = /** @type {const} */ ({
    type: 'string',
    multiple: true,
    default: /** @type {string[]} */ ([]),
  });
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { key: text, against: text },
  });
  const [bundle, ...more] = positionals;
  if (bundle === undefined || more.length > 0 || values.key.length === 0)
    throw new TypeError('a bundle and a key are needed');
  const keys = values.key.map((key) => (existsSync(key) ? readFileSync(key, 'utf8') : key));
  const against = (await Promise.all(values.against.map(readAgainst))).flat();
  const report = await verifyBundle(bundle, { keys, against });
  console.log(reportText(report));
  return report.fault_count === 0 ? 0 : 1;
};

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main().catch((error) => {
    console.error(
      `${messageOf(error)}\n\nnode onevault-verify.mjs BUNDLE --key KEY [--key KEY] [--against BUNDLE_OR_CHECKPOINT_FILE]`,
    );
    return 2;
  });
}
