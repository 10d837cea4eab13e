import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { formatCheckpoint, parseCheckpoint } from '../../src/audit/checkpoint.ts';
import { cosignedMessage, verifyCosignature } from '../../src/audit/cosignature.ts';
import {
  COSIGNATURE_V1,
  ED25519,
  formatNote,
  formatSignature,
  formatVerifierKey,
  isSignedBy,
  keyIdOf,
  NoteError,
  parseNote,
  parseVerifierKey,
  signNote,
  type VerifierKey,
} from '../../src/audit/note.ts';

// From the specifications C2SP signed-note and tlog-checkpoint.
const EXAMPLE_KEY = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k';
const EXAMPLE_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;
const EXAMPLE_CHECKPOINT = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
`;

interface TestKey extends VerifierKey {
  readonly private_key: KeyObject;
}

const makeKey = (name: string, kind: number): TestKey => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const public_key = Buffer.from(createPublicKey(privateKey).export({ format: 'jwk' }).x!, 'base64url');
  return { name, kind, public_key, key_id: keyIdOf(name, kind, public_key), private_key: privateKey };
};

describe('a signed note', () => {
  it('from the specification is verified by its key', () => {
    const key = parseVerifierKey(EXAMPLE_KEY);
    assert.equal(key.name, 'example.com/foo');
    assert.equal(formatVerifierKey(key), EXAMPLE_KEY);
    assert(isSignedBy(parseNote(EXAMPLE_NOTE), key));
    assert.throws(() => isSignedBy(parseNote(EXAMPLE_NOTE.replace('This', 'That')), key), NoteError);
  });

  it('of our own is verified and parsed, but not with another key of the same name', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a note contains no control characters
    const line = fc.string({ unit: 'binary' }).filter((text) => !/[\x00-\x1f]/.test(text));
    const [key, other] = [makeKey('onevault/a', ED25519), makeKey('onevault/a', ED25519)];
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const text = `${lines.join('\n')}\n`;
        const note = formatNote(text, [signNote(text, key)]);
        const parsed = parseNote(note);
        assert.equal(parsed.text, text);
        assert.equal(
          formatNote(
            parsed.text,
            parsed.signatures.map((each) => each.line),
          ),
          note,
        );
        assert(isSignedBy(parsed, key));
        assert(!isSignedBy(parsed, other));
      }),
    );
  });

  it('is refused with the fault if it is malformed', () => {
    const good = EXAMPLE_NOTE;
    for (const bad of [
      '',
      'text\n',
      good.slice(0, -1),
      good.replace('\n\n', '\n'),
      good.replace('— ', '- '),
      good.replace('— example.com/foo', '— example.com+foo'),
      good.replace('— example.com/foo', '—'),
      good.replace('IneyaQM=', 'IneyaQM'),
      good.replace('IneyaQM=', '!!!'),
      good.replace(/foo [^\n]*/, 'foo AAAA'),
      good.replace('This', 'This\u0000'),
      good.replace('This', 'This\ud800'),
      good.replace('This', 'This\r'),
      `${'x'.repeat(70_000)}${good}`,
      `${good}\n`,
    ]) {
      assert.throws(() => parseNote(bad), NoteError, JSON.stringify(bad.slice(0, 60)));
    }
  });

  it('is never parsed from random bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        try {
          const { text: body, signatures } = parseNote(text);
          assert.equal(
            formatNote(
              body,
              signatures.map(({ line }) => line),
            ),
            text,
          );
        } catch (error) {
          assert(error instanceof NoteError);
        }
      }),
    );
  });

  it('is refused with a verifier key that is damaged, of another kind, or named with a space', () => {
    for (const bad of [
      '',
      'example.com/foo',
      EXAMPLE_KEY.replace('530d903a', '530d903b'),
      EXAMPLE_KEY.replace('530d903a', '530D903A'),
      EXAMPLE_KEY.replace('example.com/foo', 'example.com/ foo'),
      EXAMPLE_KEY.replace('Aek', 'Bek'),
      EXAMPLE_KEY.slice(0, -4),
      `${EXAMPLE_KEY}\n`,
      EXAMPLE_KEY.replace('example.com/foo', ''),
    ]) {
      assert.throws(() => parseVerifierKey(bad), NoteError, bad);
    }
  });
});

describe('a checkpoint', () => {
  it('from the specification is parsed and written', () => {
    const head = parseCheckpoint(EXAMPLE_CHECKPOINT);
    assert.equal(head.tree_size, 20_852_163);
    assert.equal(formatCheckpoint(head), EXAMPLE_CHECKPOINT);
  });

  it('is refused if a line is missing, malformed or redundant', () => {
    for (const bad of [
      '',
      'onevault/a\n',
      EXAMPLE_CHECKPOINT.replace('20852163', '020852163'),
      EXAMPLE_CHECKPOINT.replace('20852163', '-1'),
      EXAMPLE_CHECKPOINT.replace('20852163', '1e3'),
      EXAMPLE_CHECKPOINT.replace('20852163', '9007199254740993'),
      EXAMPLE_CHECKPOINT.replace('Csu', 'C').replace('CsUY', 'UY'),
      EXAMPLE_CHECKPOINT.replace('q2I=', 'q2J='),
      EXAMPLE_CHECKPOINT.slice(0, -1),
      `${EXAMPLE_CHECKPOINT}extension\n`,
      EXAMPLE_CHECKPOINT.replace('example.com/behind-the-sofa', ''),
    ]) {
      assert.throws(() => parseCheckpoint(bad), NoteError, JSON.stringify(bad));
    }
  });
});

describe('a cosignature', () => {
  it('covers the header, the time and the text', () => {
    const witness = makeKey('witness.example/w1', COSIGNATURE_V1);
    const time_s = 1_679_315_147;
    const message = cosignedMessage(EXAMPLE_CHECKPOINT, time_s);
    assert.equal(message.toString(), `cosignature/v1\ntime ${time_s}\n${EXAMPLE_CHECKPOINT}`);
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(BigInt(time_s));
    const signature = Buffer.concat([stamp, sign(null, message, witness.private_key)]);
    const line = formatSignature(witness.name, witness.key_id, signature);
    const [parsed] = parseNote(formatNote(EXAMPLE_CHECKPOINT, [line])).signatures;
    assert.equal(verifyCosignature(EXAMPLE_CHECKPOINT, parsed!, witness), time_s);
    for (let place = 0; place < signature.length; place += 1) {
      const changed = Buffer.from(signature);
      changed[place]! ^= 1;
      assert.throws(
        () => verifyCosignature(EXAMPLE_CHECKPOINT, { ...parsed!, signature: changed }, witness),
        NoteError,
      );
    }
    assert.throws(() => verifyCosignature(EXAMPLE_NOTE, parsed!, witness), NoteError);
    assert.throws(() => verifyCosignature(EXAMPLE_CHECKPOINT, parsed!, { ...witness, kind: ED25519 }), NoteError);
  });

  it("of the specification's example witness contains a key id of four bytes and a time", () => {
    const line = `— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==`;
    const [parsed] = parseNote(formatNote(EXAMPLE_CHECKPOINT, [line])).signatures;
    assert.equal(parsed!.key_id, '8d66cf3f');
    assert.equal(parsed!.signature.length, 72);
    assert.equal(parsed!.signature.readBigUInt64BE(), 1_679_315_147n);
  });

  it("differs from the note's own signature, even with the same key", () => {
    const key = makeKey('witness.example/w1', ED25519);
    const same = { ...key, kind: COSIGNATURE_V1, key_id: keyIdOf(key.name, COSIGNATURE_V1, key.public_key) };
    assert.notEqual(key.key_id, same.key_id);
    const note = parseNote(formatNote(EXAMPLE_CHECKPOINT, [signNote(EXAMPLE_CHECKPOINT, key)]));
    assert(!isSignedBy(note, same));
  });
});
