import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { formatCheckpoint } from '../../src/audit/checkpoint.ts';
import { formatCheckpointText, parseCheckpointText, separatorAfter } from '../../src/audit/checkpoint-text.ts';
import { formatNote, NoteError, signNote } from '../../src/audit/note.ts';
import { hashLeaf } from '../support/merkle-proofs.ts';

const { privateKey: private_key } = generateKeyPairSync('ed25519');
const origin = 'onevault/0123456789abcdef';

const noteOf = (tree_size: number, signatures = 1): string => {
  const text = formatCheckpoint({ origin, tree_size, root: hashLeaf(Buffer.from(`${tree_size}`)) });
  const keys = ['0a0b0c0d', '0e0f0a0b'].slice(0, signatures);
  return formatNote(
    text,
    keys.map((key_id) => signNote(text, { name: origin, key_id, private_key })),
  );
};

const NOTES = [noteOf(1), noteOf(7), noteOf(7, 2), noteOf(1_000)];
const notesIn = (text: string): string[] => parseCheckpointText(text).map(({ note }) => note);

describe('the text of a checkpoint file', () => {
  it('contains notes separated by an empty line, and parses as it was written', () => {
    const text = formatCheckpointText(NOTES);
    assert.deepEqual(notesIn(text), NOTES);
    assert.deepEqual(notesIn(''), []);
    assert.match(text, /^onevault\/0123456789abcdef\n1\n[^\n]+\n\n— onevault\/0123456789abcdef [^\n]+\n\nonevault/);
  });

  it('is parsed after a crash at any byte, once the note is written again', () => {
    for (const last of [NOTES[2]!, NOTES[3]!]) {
      const whole = formatCheckpointText([last]);
      const bytes = Buffer.from(whole);
      for (let length = 0; length < bytes.length; length += 1) {
        const cut = `${formatCheckpointText([NOTES[0]!])}${bytes.subarray(0, length).toString('utf8')}`;
        const found = notesIn(cut);
        assert.equal(found[0], NOTES[0], `cut at ${length}`);
        const healed = `${cut}${separatorAfter(cut)}${whole}${formatCheckpointText([NOTES[3]!])}`;
        const notes = notesIn(healed);
        assert.equal(notes[0], NOTES[0]);
        assert.deepEqual(notes.slice(-2), [last, NOTES[3]!], `cut at ${length}`);
        // With two signatures, the text up to the first one is a complete note of the same checkpoint.
        for (const note of notes.slice(1, -2)) assert(last.startsWith(note.trimEnd()), `cut at ${length}`);
      }
    }
  });

  it('is refused if a note before the last one was changed', () => {
    const text = formatCheckpointText(NOTES.slice(0, 2));
    for (const changed of [
      text.replace('\n1\n', '\none\n'),
      text.replace('— ', '- '),
      text.replace(/\n[A-Za-z0-9+/]{43}=\n/, '\n\n'),
      `hello\n\n${text}`,
    ]) {
      assert.throws(() => parseCheckpointText(changed), NoteError, changed);
    }
    const last = formatCheckpointText(NOTES.slice(0, 1)).replace('\n1\n', '\none\n');
    assert.throws(() => parseCheckpointText(last), NoteError);
  });

  it('is never parsed from random bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        try {
          assert.deepEqual(parseCheckpointText(text), []);
        } catch (error) {
          assert(error instanceof NoteError);
        }
      }),
    );
  });
});
