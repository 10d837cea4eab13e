import assert from 'node:assert/strict';
import { hashRequest } from '../../../src/gateway/idempotency/key-hasher.ts';

const SECRET = Buffer.alloc(32, 7);
const REQUEST = {
  customer: 'acme',
  path: '/v1/chat/completions',
  key: 'k',
  body: Buffer.from('{}'),
  content_type: 'application/json',
};

describe('the hashes of an idempotent request', () => {
  it('differ by the secret, and by each part of the scope', () => {
    const hashes = [
      hashRequest(SECRET, REQUEST),
      hashRequest(Buffer.alloc(32, 8), REQUEST),
      hashRequest(SECRET, { ...REQUEST, customer: 'acm' }),
      hashRequest(SECRET, { ...REQUEST, path: '/v1/embeddings' }),
      hashRequest(SECRET, { ...REQUEST, key: 'k ' }),
      hashRequest(SECRET, { ...REQUEST, path: '/v1/chat/completionsk', key: '' }),
    ];
    assert.equal(new Set(hashes.map(({ key_hash }) => key_hash)).size, hashes.length);
    assert.notEqual(hashes[0]!.body_hash, hashes[1]!.body_hash);
  });

  it('ignore the boundary of a form, which clients choose anew for each retry', () => {
    const form = (boundary: string, text: string) =>
      hashRequest(SECRET, {
        ...REQUEST,
        content_type: `multipart/form-data; boundary="${boundary}"`,
        body: Buffer.from(`--${boundary}\r\n\r\n${text}\r\n--${boundary}--\r\n`),
      }).body_hash;
    assert.equal(form('one', 'audio'), form('another', 'audio'));
    assert.notEqual(form('one', 'audio'), form('one', 'other'));
  });
});
