import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { CallEnd } from '../../../src/gateway/idempotency/first-call.ts';
import { type ClaimResult, createIdempotencyKeys } from '../../../src/gateway/idempotency/idempotency-keys.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse('2026-11-21T10:30:00Z');
const ID = '019aa000-0000-7000-8000-00000000000a';

const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const facts = (key: string, body = 'body') => ({ key_hash: hex(key), body_hash: hex(body) });
const END: CallEnd = {
  response_status: 'SUCCESS',
  http_status: 200,
  prompt_tokens: 12,
  completion_tokens: 0,
  total_tokens: 12,
  customer_cost: '18000000000000000',
};

const claimed = (result: ClaimResult) => {
  assert.equal(result.kind, 'claimed');
  return (result as Extract<ClaimResult, { kind: 'claimed' }>).claim;
};

describe('the idempotency keys of a process', () => {
  it('return the facts of a first call, even after tens of thousands of later keys', () => {
    const keys = createIdempotencyKeys();
    const at = (offset_ms: number) => ({ request_id: ID, received_ms: NOW_MS + offset_ms });
    const claim = claimed(keys.claim('acme', facts('first'), at(0)));
    for (let n = 0; n < 40_000; n += 1) claimed(keys.claim('acme', facts(`key ${n}`), at(1)));
    assert.deepEqual(keys.claim('acme', facts('first'), at(2)), {
      kind: 'repeated',
      first: { request_id: ID, received_ms: NOW_MS, end: null },
      has_same_body: true,
    });
    claim.complete(END);
    for (const body of ['body', 'other']) {
      assert.deepEqual(keys.claim('acme', facts('first', body), at(2)), {
        kind: 'repeated',
        first: { request_id: ID, received_ms: NOW_MS, end: END },
        has_same_body: body === 'body',
      });
    }
    for (let n = 0; n < 40_000; n += 1) assert.equal(keys.claim('acme', facts(`key ${n}`), at(3)).kind, 'repeated');
    assert.equal(keys.claim('globex', facts('first'), at(3)).kind, 'claimed');
  });

  it('distinguish unknown usage and unknown cost from zero', () => {
    const keys = createIdempotencyKeys();
    const end: CallEnd = {
      response_status: 'ABANDONED',
      http_status: 503,
      prompt_tokens: null,
      completion_tokens: 0,
      total_tokens: null,
      customer_cost: null,
    };
    keys.restore({ customer: 'acme', facts: facts('a'), first: { request_id: ID, received_ms: NOW_MS, end } }, NOW_MS);
    const result = keys.claim('acme', facts('a'), { request_id: ID, received_ms: NOW_MS });
    assert.deepEqual((result as Extract<ClaimResult, { kind: 'repeated' }>).first.end, end);
  });

  it('are limited for each customer, and free again when they are released or a day old', () => {
    const keys = createIdempotencyKeys(3);
    const claim = (key: string, offset_ms: number, customer = 'acme') =>
      keys.claim(customer, facts(key), { request_id: ID, received_ms: NOW_MS + offset_ms });
    claimed(claim('1', 0));
    claimed(claim('2', 0));
    const third = claimed(claim('3', HOUR_MS));
    // The hour of the first keys ends at 11:00, and a day later they go.
    assert.deepEqual(claim('4', HOUR_MS), { kind: 'full', retry_after_s: 23.5 * 3_600 });
    assert.equal(claim('1', HOUR_MS).kind, 'repeated');
    assert.equal(claim('4', HOUR_MS, 'globex').kind, 'claimed');
    third.release();
    third.release();
    const again = claimed(claim('3', HOUR_MS));
    assert.equal(claim('4', HOUR_MS).kind, 'full');
    again.release();
    claimed(claim('4', HOUR_MS));
    assert.equal(claim('5', 24 * HOUR_MS + HOUR_MS / 2 - 1).kind, 'full');
    claimed(claim('5', 24 * HOUR_MS + HOUR_MS / 2));
  });

  it('expire to the millisecond', () => {
    const keys = createIdempotencyKeys();
    const claim = (offset_ms: number) =>
      keys.claim('acme', facts('a'), { request_id: ID, received_ms: NOW_MS + offset_ms });
    claimed(claim(0));
    assert.equal(claim(24 * HOUR_MS - 1).kind, 'repeated');
    claimed(claim(24 * HOUR_MS));
    assert.equal(claim(24 * HOUR_MS + 1).kind, 'repeated');
  });

  it('contain the later of two calls, in any order of restoration, and no call that is a day old', () => {
    const known = (offset_ms: number, status: CallEnd['response_status']) => ({
      customer: 'acme',
      facts: facts('a'),
      first: { request_id: ID, received_ms: NOW_MS + offset_ms, end: { ...END, response_status: status } },
    });
    const [earlier, later] = [known(-2 * HOUR_MS, 'ERROR'), known(-HOUR_MS, 'TIMEOUT')];
    for (const order of [
      [earlier, later],
      [later, earlier],
    ]) {
      const keys = createIdempotencyKeys();
      for (const each of order) keys.restore(each, NOW_MS);
      const result = keys.claim('acme', facts('a'), { request_id: ID, received_ms: NOW_MS });
      assert.equal((result as Extract<ClaimResult, { kind: 'repeated' }>).first.end?.response_status, 'TIMEOUT');
    }
    const keys = createIdempotencyKeys();
    keys.restore(known(-24 * HOUR_MS, 'SUCCESS'), NOW_MS);
    claimed(keys.claim('acme', facts('a'), { request_id: ID, received_ms: NOW_MS }));
  });
});
