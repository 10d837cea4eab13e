import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { OneVaultError } from '../../src/core/errors.ts';
import type { CallRecord } from '../../src/journal/record.ts';
import type { JournalWriter } from '../../src/journal/writer.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { bearer, errorOf, framesOf, until } from '../support/http.ts';

const HELLO = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'One two three' }] };

describe('a slow journal', () => {
  let gateway: TestGateway;
  /** The next record of this kind waits until it is released; those after it do not. */
  let held_kind: CallRecord['kind'] | null = null;
  let held = Promise.withResolvers<void>();
  let released = Promise.withResolvers<void>();

  before(async () => {
    gateway = await startTestGateway({
      aroundJournal: (journal): JournalWriter => ({
        ...journal,
        append: async (record) => {
          if (record.kind === held_kind) {
            held_kind = null;
            held.resolve();
            await released.promise;
          }
          return journal.append(record);
        },
      }),
    });
  });
  after(() => gateway.close());
  beforeEach(() => {
    held = Promise.withResolvers();
    released = Promise.withResolvers();
  });
  afterEach(() => {
    held_kind = null;
    released.resolve();
  });

  /** Waits until the record is held, and then for a whole other call: a call that did not wait would be over too. */
  const passOneOtherCall = async (): Promise<void> => {
    await held.promise;
    assert.equal((await gateway.chat(HELLO)).status, 200);
  };

  it('delays a call to the provider until the intent is on disk', async () => {
    held_kind = 'intent';
    const seen = gateway.sandbox.requests_seen();
    const client_response = gateway.chat(HELLO);
    await passOneOtherCall();
    assert.equal(gateway.sandbox.requests_seen(), seen + 1);
    released.resolve();
    assert.equal((await client_response).status, 200);
    assert.equal(gateway.sandbox.requests_seen(), seen + 2);
  });

  it('delays a whole response until the outcome is on disk', async () => {
    held_kind = 'outcome';
    let is_answered = false;
    const client_response = gateway.chat(HELLO).finally(() => {
      is_answered = true;
    });
    await passOneOtherCall();
    assert.equal(is_answered, false);
    released.resolve();
    const { request_id } = await client_response;
    assert.equal((await gateway.recorded(request_id)).response_status, 'SUCCESS');
  });

  for (const [path, body, last] of [
    ['/v1/chat/completions', HELLO, '[DONE]'],
    ['/v1/ai/completions', { prompt: 'One two three' }, '"cost"'],
  ] as const) {
    it(`delays only the last frame of a stream of ${path} until the outcome is on disk`, async () => {
      held_kind = 'outcome';
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
      await passOneOtherCall();
      assert.ok(!text.includes(last), text);
      released.resolve();
      await once(response, 'end');
      assert.ok(framesOf(text).at(-1)!.includes(last));
    });
  }
});

describe('a journal that accepts no more records', () => {
  it('because it is over its limit refuses every call with 503, and no provider gets it', async () => {
    const gateway = await startTestGateway({ journal_limit_bytes: 1 });
    try {
      await gateway.chat(HELLO);
      await until(() => !gateway.journal.isWritable(), 'the journal is over its limit');
      const seen = gateway.sandbox.requests_seen();
      for (const stream of [false, true]) {
        const client_response = await gateway.chat({ ...HELLO, stream });
        assert.equal(client_response.status, 503);
        assert.equal(errorOf(client_response).code, 'journal_unavailable');
        assert.equal(client_response.headers['retry-after'], '1');
      }
      const refused = await gateway.chat(HELLO, 'sk_wrong');
      assert.equal(refused.status, 503, 'a call that cannot be recorded gets no other error');
      assert.equal(gateway.sandbox.requests_seen(), seen);
      assert.equal((await gateway.get('/health/readiness')).status, 503);
      assert.equal((await gateway.get('/health/liveness')).status, 200);
    } finally {
      await gateway.close();
    }
  });

  it('after the provider has responded leaves the client without a response that looks complete', async () => {
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
