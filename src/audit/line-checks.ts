import type { Transaction } from '../vault/transaction.ts';
import type { BundleLine } from './bundle-lines.ts';
import type { Frontier, TreeNode } from './frontier.ts';
import { NoteError, parseNote } from './note.ts';

/** Checks that the log's own notes bear the log's own signatures and nothing else, which those who verify pass over. */
export interface NoteCheck {
  /** Faults of the checkpoints in these lines, a sentence each. */
  take(lines: readonly BundleLine[]): string[];
}

/** For the lines of one bundle, in order: keys come before checkpoints. */
export const createNoteCheck = (): NoteCheck => {
  const key_ids = new Set<string>();
  const faultOf = (note: string): string | null => {
    try {
      const { text, signatures } = parseNote(note);
      const [origin, size] = text.split('\n');
      const strange = signatures.find(({ name, key_id }) => name !== origin || !key_ids.has(key_id));
      return strange === undefined
        ? null
        : `the checkpoint of size ${size} bears a signature by ${strange.name} (key ${strange.key_id}), which is no key of the log`;
    } catch (error) {
      if (error instanceof NoteError) return `a checkpoint of the log is no signed note: ${error.message}`;
      throw error;
    }
  };
  return {
    take: (lines) =>
      lines.flatMap(({ kind, key_id, note }) => {
        if (kind === 'key') key_ids.add(String(key_id));
        const fault = kind === 'checkpoint' ? faultOf(String(note)) : null;
        return fault === null ? [] : [fault];
      }),
  };
};

/** Compares the stored roots of subtrees, which proofs are made of, with those that the leaves give. */
export interface NodeCheck {
  /** Differences in the subtrees that the leaves in these lines complete, a sentence each. */
  take(lines: readonly BundleLine[]): Promise<string[]>;
  /** Stored hashes beyond those that the leaves give. */
  finish(): Promise<string[]>;
}

/** @param frontier of a tree without leaves */
export const createNodeCheck = (tx: Transaction, frontier: Frontier): NodeCheck => {
  let completed = 0;
  return {
    take: async (lines) => {
      const hashes = lines.flatMap((line) =>
        line.kind === 'leaf' ? [String(line.hash)] : line.kind === 'destroyed' ? (line.hashes as string[]) : [],
      );
      const nodes = frontier.append(Buffer.from(hashes.join(''), 'hex'));
      completed += nodes.length;
      return nodes.length === 0 ? [] : compare(tx, nodes);
    },
    finish: async () => {
      const [stored] = await tx<[{ count: number }]>`select count(*) as count from audit.node`;
      return stored.count > completed
        ? [`audit.node holds ${stored.count} subtrees, and the leaves make up ${completed}`]
        : [];
    },
  };
};

const compare = async (tx: Transaction, nodes: readonly TreeNode[]): Promise<string[]> => {
  const rows = await tx<{ level: number; node_index: number }[]>`
    select given.level, given.node_index
    from unnest(
      ${nodes.map(({ level }) => level)}::integer[],
      ${nodes.map(({ node_index }) => node_index)}::bigint[],
      ${nodes.map(({ node_hash }) => node_hash.toString('hex'))}::text[]) as given (level, node_index, node_hash)
    left join audit.node stored using (level, node_index)
    where stored.node_hash is distinct from decode(given.node_hash, 'hex')
    order by given.level, given.node_index`;
  return rows.map(
    ({ level, node_index }) =>
      `the subtree ${node_index} of level ${level} in audit.node is not the one that its leaves give`,
  );
};
