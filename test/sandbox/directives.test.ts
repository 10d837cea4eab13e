import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.ts';

describe('faults on demand in the sandbox', () => {
  let sandbox: Sandbox;

  beforeEach(async () => {
    sandbox = await startSandbox();
  });
  afterEach(() => sandbox.close());

  const post = (content: string, extra: object = {}, signal?: AbortSignal): Promise<Response> =>
    fetch(`${sandbox.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: 'Bearer x', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content }], ...extra }),
      signal: signal ?? null,
    });

  it('answers with the status, the garbage, the wrong types or the nothing that was asked for', async () => {
    assert.equal((await post('[[sandbox: status=418]]')).status, 418);
    assert.equal(await (await post('[[sandbox: garbage]]')).text(), '<html>Bad Gateway</html>');
    assert.equal(await (await post('[[sandbox: empty]]')).text(), '');
    const wrong = (await (await post('[[sandbox: wrong_type]]')).json()) as { choices: unknown };
    assert.equal(wrong.choices, 'none');
  });

  it('writes as many tokens as asked for', async () => {
    const reply = (await (await post('[[sandbox: tokens=50]]')).json()) as {
      usage: { completion_tokens: number };
      choices: [{ message: { content: string } }];
    };
    assert.equal(reply.usage.completion_tokens, 50);
    assert.equal(reply.choices[0].message.content.split(' ').length, 50);
  });

  it('waits before the headers, before the first frame and between frames', async () => {
    const started = performance.now();
    await (await post('[[sandbox: latency_ms=60]]')).text();
    const whole_ms = performance.now() - started;
    assert.ok(whole_ms >= 59, `${whole_ms}`);
    const slow = performance.now();
    const reply = await post('[[sandbox: slow_first_ms=80 tokens=1]]', { stream: true });
    const headers_ms = performance.now() - slow;
    await reply.text();
    const first_ms = performance.now() - slow;
    assert.ok(headers_ms < 75 && first_ms >= 79, `${headers_ms} ${first_ms}`);
    const refused = performance.now();
    assert.equal((await post('[[sandbox: status=500 latency_ms=60]]')).status, 500);
    const refused_ms = performance.now() - refused;
    assert.ok(refused_ms >= 59, `${refused_ms}`);
    const dripped = performance.now();
    await (await post('[[sandbox: token_interval_ms=10, tokens=8]]', { stream: true })).text();
    const drip_ms = performance.now() - dripped;
    assert.ok(drip_ms >= 80, `${drip_ms}`);
  });

  it('drops the connection after so many frames, streamed or not', async () => {
    for (const extra of [{}, { stream: true }]) {
      const reply = await post('[[sandbox: cut_after=3]]', extra);
      assert.equal(reply.status, 200);
      await assert.rejects(reply.text());
    }
  });

  it('never answers when told to hang, and lets go when the client leaves', async () => {
    await assert.rejects(post('[[sandbox: hang]]', {}, AbortSignal.timeout(150)), { name: 'TimeoutError' });
    assert.equal((await post('still there?')).status, 200);
  });

  it('keeps a directive to the protocol that it names', async () => {
    const content = '[[sandbox: status=503 only=anthropic]]';
    assert.equal((await post(content)).status, 200);
    const reply = await fetch(`${sandbox.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'x', 'anthropic-version': '2023-06-01', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content }] }),
    });
    assert.equal(reply.status, 503);
  });

  it('refuses a directive that does not exist, naming those that do, and the README explains each', async () => {
    for (const wrong of ['explode', 'tokens', 'tokens=many', 'status=99', 'hang=1', 'only=mistral', 'chunk_bytes=0']) {
      const reply = await post(`[[sandbox: ${wrong}]]`);
      assert.equal(reply.status, 400, wrong);
      const { error } = (await reply.json()) as { error: { message: string } };
      const list = error.message.slice(error.message.indexOf('These exist: ') + 13);
      const names = list.split(', ').map((item) => /^[a-z_]+/.exec(item)?.[0] ?? '');
      assert.ok(names.includes('cut_after') && names.includes('hang'), error.message);
      const readme = await readFile(new URL('../../src/sandbox/README.md', import.meta.url), 'utf8');
      for (const name of names) assert.ok(readme.includes(`\`${name}`), `${name} is not in the README`);
    }
  });

  it('reads directives only where the user wrote last', async () => {
    const messages = [
      { role: 'user', content: '[[sandbox: status=500]]' },
      { role: 'assistant', content: 'no' },
      { role: 'user', content: 'fine' },
    ];
    assert.equal((await post('', { messages })).status, 200);
  });

  it('counts what it saw and refuses unknown paths, bodies that are not JSON, and calls without a key', async () => {
    assert.equal((await fetch(`${sandbox.url}/v1/nothing`, { headers: { authorization: 'Bearer x' } })).status, 404);
    const headers = { authorization: 'Bearer x' };
    const bad = await fetch(`${sandbox.url}/v1/chat/completions`, { method: 'POST', headers, body: '{' });
    assert.equal(bad.status, 400);
    const anonymous = await fetch(`${sandbox.url}/v1/chat/completions`, { method: 'POST', body: '{}' });
    assert.equal(anonymous.status, 401);
    assert.equal(sandbox.requests_seen(), 3);
  });
});
