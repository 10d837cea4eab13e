import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { OneVaultError } from '../../src/core/errors.ts';
import type { CallRecord } from '../../src/journal/record.ts';
import type { JournalWriter } from '../../src/journal/writer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, framesOf, until } from '../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'One two three' }] };

describe('a journal that is slow', () => {
  let gateway: TestGateway;
  /** Holds back records of one kind until it is opened. */
  let held: CallRecord['kind'] | null = null;
  let opened = Promise.withResolvers<void>();

  before(async () => {
    gateway = await startTestGateway({
      aroundJournal: (journal): JournalWriter => ({
        ...journal,
        append: async (record) => {
          if (record.kind === held) await opened.promise;
          return journal.append(record);
        },
      }),
    });
  });
  after(() => gateway.close());
  beforeEach(() => {
    opened = Promise.withResolvers();
  });
  afterEach(() => {
    held = null;
    opened.resolve();
  });

  // Many times what a call takes when nothing holds it.
  const LONG_MS = 150;

  it('keeps the provider from seeing the call before its intent is on disk', async () => {
    held = 'intent';
    const seen = gateway.sandbox.requests_seen();
    const reply = gateway.chat(HELLO);
    await sleep(LONG_MS);
    assert.equal(gateway.sandbox.requests_seen(), seen);
    opened.resolve();
    assert.equal((await reply).status, 200);
    assert.equal(gateway.sandbox.requests_seen(), seen + 1);
  });

  it('keeps a whole reply back until its outcome is on disk', async () => {
    held = 'outcome';
    let is_answered = false;
    const reply = gateway.chat(HELLO).finally(() => {
      is_answered = true;
    });
    await sleep(LONG_MS);
    assert.equal(is_answered, false);
    opened.resolve();
    const { request_id } = await reply;
    assert.equal((await gateway.recorded(request_id)).response_status, 'SUCCESS');
  });

  for (const [path, body, last] of [
    ['/v1/chat/completions', HELLO, '[DONE]'],
    ['/v1/ai/completions', { prompt: 'One two three' }, '"cost"'],
  ] as const) {
    it(`lets all of a stream of ${path} pass but its last frame until its outcome is on disk`, async () => {
      held = 'outcome';
      const request = httpRequest(`${gateway.url}${path}`, {
        method: 'POST',
        headers: bearer(gateway.keys.api_key),
      });
      request.end(JSON.stringify({ ...body, stream: true }));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      await until(() => text.includes('three'), 'the text is there');
      await sleep(LONG_MS);
      assert.ok(!text.includes(last), text);
      opened.resolve();
      await once(response, 'end');
      assert.ok(framesOf(text).at(-1)!.includes(last));
    });
  }
});

describe('a journal that takes nothing more', () => {
  it('because it is over its limit leaves every call with 503, and no provider sees it', async () => {
    const gateway = await startTestGateway({ journal_limit_bytes: 1 });
    try {
      await gateway.chat(HELLO);
      await until(() => !gateway.journal.isWritable(), 'the journal is over its limit');
      const seen = gateway.sandbox.requests_seen();
      for (const stream of [false, true]) {
        const reply = await gateway.chat({ ...HELLO, stream });
        assert.equal(reply.status, 503);
        assert.equal(errorOf(reply).code, 'journal_unavailable');
        assert.equal(reply.headers['retry-after'], '1');
      }
      const refused = await gateway.chat(HELLO, 'sk_wrong');
      assert.equal(refused.status, 503, 'what cannot be recorded is not answered otherwise');
      assert.equal(gateway.sandbox.requests_seen(), seen);
      assert.equal((await gateway.get('/health/readiness')).status, 503);
      assert.equal((await gateway.get('/health/liveness')).status, 200);
    } finally {
      await gateway.close();
    }
  });

  it('after the provider has answered leaves the client without a reply that looks whole', async () => {
    let is_full = false;
    const gateway = await startTestGateway({
      aroundJournal: (journal) => ({
        ...journal,
        append: (record) =>
          is_full && record.kind === 'outcome'
            ? Promise.reject(new OneVaultError('journal_unavailable', { retry_after_s: 1 }))
            : journal.append(record),
      }),
    });
    try {
      is_full = true;
      const whole = await gateway.chat(HELLO);
      assert.equal(whole.status, 503);
      assert.equal(errorOf(whole).code, 'journal_unavailable');
      assert.ok(!whole.text.includes('One two three'));
      const streamed = await gateway.chat({ ...HELLO, stream: true });
      const { error } = JSON.parse(framesOf(streamed.text).at(-1)!) as { error: { code: string } };
      assert.equal(error.code, 'journal_unavailable');
      is_full = false;
      assert.equal((await gateway.chat(HELLO)).status, 200);
    } finally {
      await gateway.close();
    }
  });
});
